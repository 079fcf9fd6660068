"""What may vary from member to member: words such as ``dose.push.amount``, and values of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from ...experiments.scenario import Arm
from ...experiments.sweeps.designs import Axis
from ...experiments.sweeps.paths import split
from ...model.model import Model
from ...model.units import ONE
from ...runtime.errors import InputFault
from ...runtime.names import nearest
from .doses import MOST_DOSES, DoseReader
from .layers import Layers, Path_
from .source import Table

DOSE_KEYS = {
    "amount": "amount of '{}'",
    "at": "start of '{}'",
    "every": "interval of '{}'",
    "over": "duration of '{}'",
    "count": "number of doses of '{}'",
}
_SHAPES = "a parameter, initial.SPECIES, dose.NAME.amount|at|every|over|count, change.NUMBER.PARAMETER|at"


class SweepVariable(NamedTuple):
    """Something that may vary. low, high: what is possible at all. own: the range that is published.

    kind: "parameter", "initial", "dose" or "change"; name: of the parameter, species or dose, or the
    number of the change; key: of the dose or change. default is in the unit of `unit_text`.
    """

    path: str
    kind: str
    name: str
    key: str
    label: str
    unit_text: str
    default: float | None
    low: float
    high: float
    own: tuple[float, float] | None = None

    @property
    def whole(self) -> bool:
        return (self.kind, self.key) == ("dose", "count")

    @property
    def parameter(self) -> str:
        return {"parameter": self.name, "change": self.key}.get(self.kind, "") if self.key != "at" else ""

    def axis(self, low: float, high: float, log: bool) -> Axis:
        return Axis(self.path, self.label, self.unit_text, self.default, low, high, log)


Varied = tuple[Path_, SweepVariable, float, float]  # where it is written, what varies, its lowest and its highest


class AxisReader(DoseReader):
    """Reads names of axes and their values; `main` is the scenario as it stands."""

    def __init__(self, layers: Layers, model: Model, faults: list[InputFault], end: float, main: Arm) -> None:
        super().__init__(layers, model, faults)
        self.end, self.main = end, main

    def log(self, item: Table, path: Path_) -> bool:
        """Whether the scale of an axis or a measure is logarithmic."""
        scale = item.get("scale", "linear")
        if scale not in ("linear", "log"):
            self.fault((*path, "scale"), f"a scale is linear or log, found '{scale}'")
        return bool(scale == "log")

    def spot(self, path: Path_, word: Any, label: str | None = None) -> SweepVariable | None:
        """What `word` means, and what figures call it; None, and a fault at `path`, where it means nothing."""
        found = self._spot(path, word)
        return found._replace(label=label) if found and label else found

    def _spot(self, path: Path_, word: Any) -> SweepVariable | None:
        parts = [part.strip() for part in str(word).split(".")]
        if parts[0] == "parameters" and len(parts) == 2:
            parts = parts[1:]
        kind, name, key = split(".".join(parts))
        if kind == "initial":
            return self._initial(path, name)
        if kind == "dose":
            return self._dose(path, str(word), name, key)
        if kind == "change":
            return self._change(path, str(word), name, key)
        found = self.model.find(name, "parameters")
        if found is None:
            doses = [f"dose.{dose.name}.{key}" for dose in self.main.doses for key in DOSE_KEYS]
            known = [*self.model.parameters, *(f"initial.{species}" for species in self.model.species), *doses]
            self.fault(path, f"nothing is called '{word}' that could vary{nearest(name, known)}; it is {_SHAPES}")
            return None
        value = self.main.parameters.get(found, self.model.parameters[found].value)
        return self._of_parameter(found, "parameter", found, "", found, self.model.parameters[found].label, value)

    def _of_parameter(
        self, path: str, kind: str, name: str, key: str, of: str, label: str, value: float
    ) -> SweepVariable:
        parameter = self.model.parameters[of]
        signed = parameter.value < 0 or bool(parameter.range and parameter.range[0] < 0)
        share = parameter.range == (0.0, 1.0) and parameter.unit == ONE
        bounds = (-math.inf if signed else 0.0, 1.0 if share else math.inf)
        return SweepVariable(path, kind, name, key, label, parameter.unit_text, value, *bounds, parameter.range)

    def _initial(self, path: Path_, word: str) -> SweepVariable | None:
        name = self.model.find(word, "species")
        if name is None:
            self.fault(path, self.model.unknown(word, "species"))
            return None
        species = self.model.species[name]
        value = self.main.initial.get(name)
        if value is None:
            from ...numerics.parameter_formulas import (
                initial_values,  # only who varies this asks, and `check` is to be quick
            )

            own = {each: item.value for each, item in self.model.parameters.items()} | dict(self.main.parameters)
            value = initial_values(self.model, own)[name]
        low = -math.inf if species.signed else 0.0
        label = f"{species.label} at the start"
        return SweepVariable(f"initial.{name}", "initial", name, "", label, species.unit_text, value, low, math.inf)

    def _dose(self, path: Path_, word: str, name: str, key: str) -> SweepVariable | None:
        known = self.layers.data.get("dose", {})
        dose = next((each for each in self.main.doses if each.name == name), None)
        if name not in known or key not in DOSE_KEYS:
            words = [f"dose.{each}.{key}" for each in known for key in DOSE_KEYS]
            arms = self.layers.data.get("arms", {}) if name not in known else {}
            own = [arm for arm, table in arms.items() if name in table.get("dose", {})]
            hint = f"; only arm {', '.join(own)} has it, and what an arm sets itself does not vary" if own else ""
            self.fault(path, f"no dose and key '{word}'{hint or nearest(word, words)}; keys are {', '.join(DOSE_KEYS)}")
            return None
        if dose is None:
            return None  # it has a fault of its own
        default: float | None = {"amount": dose.amount, "at": dose.at, "count": float(dose.count)}.get(key)
        if key in ("every", "over"):
            default = getattr(dose, key) or None
        unit_text = {"amount": dose.unit_text, "count": "1"}.get(key, self.model.time_unit_text)
        low = {"count": 1.0, "every": _ABOVE_ZERO, "over": _ABOVE_ZERO}.get(key, 0.0)
        high = {"count": float(MOST_DOSES), "at": self.end * (1 - 1e-9)}.get(key, math.inf)
        label = DOSE_KEYS[key].format(name)
        return SweepVariable(f"dose.{name}.{key}", "dose", name, key, label, unit_text, default, low, high)

    def _change(self, path: Path_, word: str, number: str, key: str) -> SweepVariable | None:
        tables = self.layers.data.get("change", [])
        if not number.isdecimal() or not 1 <= int(number) <= len(tables) or not tables[int(number) - 1]:
            count = f"changes are numbered from 1 to {len(tables)}" if tables else "the scenario has no [[change]]"
            self.fault(path, f"no change '{number}' in '{word}'; {count}")
            return None
        number = str(sum(bool(table) for table in tables[: int(number)]))  # less those beyond an end that was moved
        change = self.main.changes[int(number) - 1]
        path_ = f"change.{number}"
        if key == "at":
            label, high = f"start of change {number}", self.end * (1 - 1e-9)
            unit_text = self.model.time_unit_text
            return SweepVariable(f"{path_}.at", "change", number, "at", label, unit_text, change.start, 0.0, high)
        name = self.model.find(key, "parameters")
        if name not in change.parameters or name is None:
            own = list(change.parameters)
            hint = nearest(key, own) or f"; it sets {', '.join(own)}"
            self.fault(path, f"change {number} does not set '{key}'{hint}")
            return None
        label = f"{self.model.parameters[name].label}, in change {number}"
        return self._of_parameter(f"{path_}.{name}", "change", number, name, name, label, change.parameters[name])

    def numbers(self, spot: SweepVariable, given: Sequence[tuple[Path_, Any]]) -> tuple[SweepVariable, list[float]]:
        """The values at some paths, in one unit: that of the spot, or of the first amount of a dose."""
        if (spot.kind, spot.key) == ("dose", "amount"):
            return self._amounts(spot, given)
        return spot, [self.number(spot, path, value) for path, value in given]

    def number(self, spot: SweepVariable, path: Path_, given: Any) -> float:
        """A value that need not be possible: a standard deviation, a mean."""
        if spot.parameter:
            return self.declared_value(path, given, spot.parameter, spot.unit_text)
        if spot.kind == "initial":
            return self.declared_value(path, given, spot.name, spot.unit_text)
        if spot.whole:
            return self.quantity(path, given, ONE, "a number of doses", "3")
        return self.quantity(path, given, self.model.time_unit, "a time", f"10 {self.model.time_unit_text}")

    def _amounts(self, spot: SweepVariable, given: Sequence[tuple[Path_, Any]]) -> tuple[SweepVariable, list[float]]:
        dose = next(each for each in self.main.doses if each.name == spot.name)
        values, first = [], None
        for path, text in given:
            number, unit_text, converted = self.amount(path, text, dose.target)
            if converted is None:
                continue
            if first is None:
                first = unit_text, converted
                same = converted[1:] == (dose.body, dose.volume)
                default = dose.amount * (dose.factor / converted[0]) if same else None
                spot = spot._replace(unit_text=unit_text, default=default)
            if converted[1:] != first[1][1:]:
                self.fault(path, f"{text!r} is another kind of amount than one in {first[0]}; write all in one unit")
                continue
            values.append(number if unit_text == first[0] else number * (converted[0] / first[1][0]))
        return spot, values if len(values) == len(given) else [0.0] * len(given)

    def possible(self, spot: SweepVariable, path: Path_, value: float, text: Any) -> None:
        """A fault where a member cannot have the value."""
        if spot.whole and value != int(value):
            self.fault(path, f"doses are counted in whole numbers, found {text!r}")
        elif not spot.low <= value <= spot.high:
            self.fault(path, f"{spot.path} must be {limits(spot, self.model.time_unit_text)}, found {text!r}")
        elif spot.parameter and isinstance(text, (str, int, float)):
            self.parameter_value(path, spot.parameter, text)

    def ends(self, varied: Sequence[Varied], arms: Sequence[Arm]) -> None:
        """Faults of doses that cannot be given, and of volumes of nothing, at the ends of each axis."""
        for path, spot, low, _ in varied:
            for arm in arms:
                self._volumes(path, spot, low, arm)
        for name in dict.fromkeys(spot.name for _, spot, *_ in varied if spot.kind == "dose"):
            for arm in arms:
                keys = {
                    spot.key: (path, low, high)
                    for path, spot, low, high in varied
                    if (spot.kind, spot.name) == ("dose", name) and spot.path not in arm.own
                }
                self._series(name, keys, arm)

    def _series(self, name: str, varied: dict[str, tuple[Path_, float, float]], arm: Arm) -> None:
        dose = next((each for each in arm.doses if each.name == name), None)
        if dose is None or not {"count", "every", "over"} & set(varied):
            return
        path = next(varied[key][0] for key in ("over", "every", "count") if key in varied)
        count = varied["count"][2] if "count" in varied else dose.count
        over = varied["over"][2] if "over" in varied else dose.over
        every = varied["every"][1] if "every" in varied else dose.every
        if count > 1 and not every:
            self.fault(path, f"{count:g} doses of '{name}' need 'every', the interval between them")
        elif count > 1 and over > every * (1 + 1e-12):
            unit_text = self.model.time_unit_text
            self.fault(path, f"an infusion of '{name}' of {over:g} {unit_text} would be longer than its interval, "
                             f"{every:g} {unit_text}")  # fmt: skip

    def _volumes(self, path: Path_, spot: SweepVariable, low: float, arm: Arm) -> None:
        if not spot.parameter or spot.path in arm.own:
            return
        for volume in {dose.volume for dose in arm.doses if dose.volume}:
            if spot.parameter == volume and not low > 0:
                self.fault(path, f"{volume} would be {low:g}; a dose needs a volume above zero")


_ABOVE_ZERO = math.ulp(0.0)


def limits(spot: SweepVariable, time_unit: str) -> str:
    """The possible values in words."""
    unit_text = "" if spot.unit_text == "1" else f" {spot.unit_text}"
    if spot.key == "at":
        return f"from 0 to before the end of the run, in {time_unit}"
    if spot.low == _ABOVE_ZERO:
        return "above 0"
    if spot.high == math.inf:
        return f"at least {spot.low:g}{unit_text}"
    return f"from {spot.low:g} to {spot.high:g}{unit_text}"
