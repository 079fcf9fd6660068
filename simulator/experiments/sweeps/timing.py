"""What the times of a sweep's members make impossible, or leave behind the end of the run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ...model.model import Model
from ..scenario import Arm, Dose
from ..timetable import series_problem
from .designs import Design, Product
from .paths import varies_in

EXAMINED = 1_000_000  # members at most
AT_ONCE = 65_536  # members, for their memory
ROUNDING = 1e-12  # of the end: the last dose of a series is at it or not, whatever rounding does
LARGEST = 1e300  # as good as infinite, and zero times it is zero
TIMES = ("over", "every", "count", "at")  # of a dose; the first that varies is to blame

Values = Mapping[str, Any]  # of TIMES: numbers, or arrays of shape (members,)


class TimeRemark(NamedTuple):
    """That some members cannot give a dose as often as they should, or not before the end.

    path: of the axis that moves it; empty if none does. all_fail: whether no member at all can be simulated.
    """

    text: str
    path: str
    all_fail: bool


def time_remarks(design: Design, arms: Sequence[Arm], model: Model, end: float) -> list[TimeRemark]:
    """What must be said of doses in the members of `design`, in any of `arms`; end: in the model's time unit."""
    found = [remark for arm in arms for dose in arm.doses for remark in _of_dose(design, arm, dose, model, end)]
    return list({remark.text: remark for remark in found}.values())


def _of_dose(design: Design, arm: Arm, dose: Dose, model: Model, end: float) -> Iterator[TimeRemark]:
    paths = {key: f"dose.{dose.name}.{key}" for key in TIMES}
    moved = {
        key: number
        for key, path in paths.items()
        for number, axis in enumerate(design.axes)
        if axis.path == path and varies_in(path, arm)
    }
    if dose.times or dose.timed_by or dose.by_rule:
        return  # listed times and those of rules do not vary; what parameters make impossible fails in its member
    fixed = {key: float(getattr(dose, key)) for key in TIMES}
    ends = {key: _ends(design, number) for key, number in moved.items()}
    low, high = ({**fixed, **{key: each[side] for key, each in ends.items()}} for side in (0, 1))
    if not _overlap({**low, "count": high["count"], "over": high["over"]}) and not _behind(high, end):
        return  # no member comes near either
    impossible, behind, example = 0, 0, ""
    for values in _values(design, moved, fixed):
        wrong = _overlap(values)
        impossible += int(wrong.sum())
        behind += int((_behind(values, end) & ~wrong).sum())
        if wrong.any() and not example:
            over, every = (float(values[key][wrong.argmax()]) for key in ("over", "every"))
            example = series_problem(dose.name, over, every, model)
    count = min(design.count, EXAMINED)
    which = {number: f"{number:,} of {count:,} members" for number in (impossible, behind)} | {count: "all members"}
    first = "" if count == design.count else f" (the first {count:,} of {design.count:,} were examined)"
    blame = next((paths[key] for key in TIMES if key in moved), "")
    if impossible:
        text = f"{which[impossible]} of the sweep cannot be simulated and fail, such as one where {example}{first}"
        yield TimeRemark(text, blame, impossible == design.count)
    if behind:
        text = f"in {which[behind]} of the sweep the dose '{dose.name}' is not given in full before the end{first}"
        yield TimeRemark(text, blame, False)


def _ends(design: Design, number: int) -> tuple[float, float]:
    """The lowest and the highest value on an axis; of patients, whose distributions have tails, any at all."""
    patients = design.inner if isinstance(design, Product) else design
    if patients.kind == "population" and number >= len(design.axes) - len(patients.axes):
        return 0.0, LARGEST
    return design.axes[number].low, design.axes[number].high


def _overlap(values: Values) -> Any:
    """Whether doses repeat without an interval, or infusions last longer than theirs."""
    return (values["count"] > 1) & ((values["every"] <= 0.0) | (values["over"] > values["every"]))


def _behind(values: Values, end: float) -> Any:
    """Whether the last of the doses is at the end or after it, or its infusion goes on then."""
    last = values["at"] + (values["count"] - 1) * values["every"]
    return (last >= end * (1 - ROUNDING)) | (last + values["over"] > end * (1 + ROUNDING))


def _values(design: Design, moved: Mapping[str, int], fixed: Mapping[str, float]) -> Iterator[Values]:
    """The times of a dose in the members, some at once: arrays of shape (members,)."""
    import numpy as np  # `check` does without, unless members come near what is impossible

    for first in range(0, min(design.count, EXAMINED), AT_ONCE):
        rows = design.values(first, min(first + AT_ONCE, design.count, EXAMINED))
        yield {key: rows[:, moved[key]] if key in moved else np.full(len(rows), fixed[key]) for key in TIMES}
