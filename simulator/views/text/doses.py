"""Doses and inputs in words: how much of what, when, how fast, and how much of it enters."""

from __future__ import annotations

from ...experiments.scenario import Dose, Input
from ...model.model import Model
from .english import counted, listed
from .numbers import interval, number, with_unit

LENGTHS = (("d", 86400.0), ("h", 3600.0), ("min", 60.0), ("s", 1.0))  # in seconds
ROUNDING = 1e-9
LISTED = 6  # times of a dose that are named one by one


def dose_words(model: Model, dose: Dose, time_factor: float, clock: str) -> str:
    """Where and how a dose is given: ``into drug in plasma at 0, 8 and 20 h, each over 2 h``.

    Args:
        model: it gives the label of the target.
        time_factor: the model's time unit in units of `clock`, the unit of the times in the text.
    """

    def at_time(time: float) -> str:
        return number(time * time_factor)

    times = dose.starts
    if dose.by_rule and not times:
        when = "when a rule gives it" if dose.count else "never: no rule gave it"
    elif not times:
        when = "never"
    elif len(times) == 1:
        when = f"at {with_unit(times[0] * time_factor, clock)}"
    elif dose.times and len(times) <= LISTED:
        when = f"at {listed([*map(at_time, times[:-1]), with_unit(times[-1] * time_factor, clock)])}"
    else:
        when = f"in {len(times)} doses from {at_time(times[0])} to {with_unit(times[-1] * time_factor, clock)}"
    parts = [f"into {model.species[dose.target].label} {when}"]
    if dose.over:
        parts.append(f"each over {_length(dose, dose.over)}{_rate(dose)}")
    named = dict(dose.named)
    if dose.lag or "lag" in named:
        parts.append(f"entering {_length(dose, dose.lag)}{_by(named, 'lag')} later")
    if dose.share != 1.0 or "share" in named:
        parts.append(f"{number(100 * dose.share)} %{_by(named, 'share')} of it absorbed")
    if dose.steady:
        parts.append(f"given every {_length(dose, dose.every)} long before too: in steady state from the start")
    return ", ".join(parts)


def ordered_words(model: Model, dose: Dose, time_factor: float, clock: str) -> str:
    """The same after the amount: ``3 doses of 100 mg into drug in plasma at 0, 8 and 20 h``."""
    amount = f"{with_unit(dose.amount, dose.unit_text, 4)}{_by(dict(dose.named), 'amount')}"
    many = f"{counted(dose.count, 'dose')} of " if dose.count > 1 else ""
    many = f"{len(dose.starts)} of {many}" if dose.parts else many
    where = dose_words(model, dose, time_factor, clock).replace(f"in {len(dose.starts)} doses from", "from", 1)
    return f"{many}{amount} {where}"


def input_words(model: Model, given: Input, time_factor: float, clock: str) -> str:
    """A parameter that follows a table: ``follows 12 values from 0 to 24 h (2 to 8 pM), in straight lines``."""
    first, last = number(given.times[0] * time_factor), with_unit(given.times[-1] * time_factor, clock)
    span = interval(min(given.values), max(given.values), model.unit_text(given.parameter))
    way = "in straight lines" if given.slope else "in steps"
    return f"follows {counted(len(given.times), 'value')} from {first} to {last} ({span}), {way}"


def _rate(dose: Dose) -> str:
    if dose.rate is None:
        return f" ({named})" if (named := dict(dose.named).get("over")) else ""
    return f" at {with_unit(dose.rate.number, dose.rate.unit_text, 4)}{_by(dict(dose.named), 'rate')}"


def _length(dose: Dose, time: float) -> str:
    """A time of a dose in the largest of these units in which it is one or more: ``15 min``."""
    seconds = time * dose.time_unit.factor
    word, size = next(((word, size) for word, size in LENGTHS if seconds >= size * (1 - ROUNDING)), LENGTHS[-1])
    return with_unit(seconds / size, word)


def _by(named: dict[str, str], key: str) -> str:
    """The parameter that a number comes from, in brackets."""
    return f" ({named[key]})" if key in named else ""
