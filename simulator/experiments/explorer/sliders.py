"""The sliders of a page: what of the main arm can be moved, how far, and which of it is shown first."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ...model.declarations import Parameter
from ...model.units import unit as unit_of
from ...numerics.trajectory import Array, Trajectory
from ...runtime.errors import InputError, request_fault
from ...runtime.names import unknown_name
from ..awake import awake_species
from ..clock import clock_of
from ..scenario import Arm, Dose, Scenario
from ..schedule import prepare
from ..solving import problem_of, system_of, trajectories_of_model
from ..timetable import TimetableError
from .choices import MOST_SHOWN, ChosenSlider

MOST_DOSES = 2  # doses whose amount is among the sliders shown first
MOST_OWN = 4  # knobs among them that the scenario itself sets
DECADES = 100.0  # a range that is wider than this factor is logarithmic
ROUGH = 1e-4  # relative tolerance with which the effect of a slider is looked at
FEWEST_TIMES = 200  # at which the effect of a slider is looked at


class Slider(NamedTuple):
    """One number of the main arm that can be moved.

    path: as for ``--set``. low, high, value: in `unit_text`, of a time in that of the model; value: of the main arm.
    log: whether its positions are logarithmic; zero is then a position of its own. whole: it is a count. factor: turns
    it into `shown_unit`, in which people read it. group: under which heading it stands. shown: from the start.
    """

    path: str
    label: str
    unit_text: str
    value: float
    low: float
    high: float
    log: bool
    group: str
    whole: bool = False
    factor: float = 1.0
    shown_unit: str = ""
    shown: bool = False


class Preset(NamedTuple):
    """Values of sliders by their paths, which make the main arm another arm of the scenario."""

    label: str
    values: Mapping[str, float]


def sliders_of(scenario: Scenario, fixed: Collection[str] = (), chosen: Sequence[str] = ()) -> list[Slider]:
    """Every slider that a page of `scenario` can have, with those that are shown first marked and leading.

    Args:
        scenario: the question, which may say of its sliders what it wants.
        fixed: parameters that must stay as they are.
        chosen: paths of those that are shown first, in that order, also of parameters that are no knobs; by default
            those that the scenario names, else eight are found.

    Raises `InputError` for one of `chosen`, or of those that the scenario names, that there is not.
    """
    model, knobs = scenario.model, [each for each in scenario.model.parameters.values() if each.knob]
    given = [model.find(word, "parameters") or word for word in chosen]
    named = _named_sliders(scenario)
    asked = given or [each.path for each in (scenario.explore.sliders if scenario.explore else ())]
    wanted = knobs or [each for each in model.parameters.values() if not each.made]
    wanted += [model.parameters[name] for name in (*asked, *named) if name in model.parameters]
    parameters = [each for each in dict.fromkeys(wanted) if each.id not in fixed]
    found = [*_of_doses(scenario), *_of_starts(scenario), *_of_parameters(scenario, parameters)]
    known = {each.path: each for each in found}
    for path, each in named.items():
        if path not in fixed:
            known[path] = _as_chosen(scenario, known.get(path), each)
    if unknown := [name for name in dict.fromkeys((*asked, *named)) if name not in known]:
        option = {name: f"--slider {name}" for name in given}
        raise InputError(
            [request_fault(unknown_name("no slider", name, known), option.get(name, "[explore]")) for name in unknown]
        )
    shown = asked or _first(scenario, found)
    rest = [each for each in known.values() if each.path not in asked]
    return [each._replace(shown=each.path in shown) for each in (*(known[name] for name in asked), *rest)]


def _named_sliders(scenario: Scenario) -> dict[str, ChosenSlider]:
    """By path, what the scenario says of sliders: each wide enough for the presets of the scenario."""
    found: dict[str, ChosenSlider] = {}
    if scenario.explore is None:
        return found
    for each in scenario.explore.sliders:
        found[each.path] = each
    main = scenario.parameters(scenario.arms[0])
    for preset in scenario.explore.presets:
        for each in preset.sliders:
            value = main.get(each.path, each.value)
            found.setdefault(each.path, each._replace(value=value))
    return found


def _as_chosen(scenario: Scenario, usual: Slider | None, wanted: ChosenSlider) -> Slider:
    """The slider that the page would have, or a new one, as the scenario wants it; its range holds its value and those
    that presets set."""
    presets = scenario.explore.presets if scenario.explore else ()
    set_to = [preset.values[wanted.path] for preset in presets if wanted.path in preset.values]
    if usual is None:
        usual = _new_slider(scenario, wanted)
    low = usual.low if wanted.low is None else wanted.low
    high = usual.high if wanted.high is None else wanted.high
    low, high = min([low, usual.value, *set_to]), max([high, usual.value, *set_to])
    log = usual.log if wanted.log is None else wanted.log
    return usual._replace(low=low, high=high, log=log and low >= 0.0, label=wanted.label or usual.label)


def _new_slider(scenario: Scenario, wanted: ChosenSlider) -> Slider:
    """A slider that the page would not have by itself: of an initial value that the scenario does not set, or of the
    duration of a bolus."""
    kind, _, rest = wanted.path.partition(".")
    if kind == "dose":
        name, _, key = rest.rpartition(".")
        dose = next(each for each in scenario.arms[0].doses if each.name == name)
        high = wanted.value if wanted.high is None else wanted.high
        return _of_dose(scenario, dose, key, key, wanted.value, high)
    if kind == "initial":
        species = scenario.model.species[rest]
        value = scenario.arms[0].initial.get(rest, wanted.value)
        label, text = f"{species.label} at the start", species.unit_text
        return Slider(wanted.path, label, text, value, value, value, False, "start", shown_unit=text)
    raise KeyError(wanted.path)


def presets_of(scenario: Scenario, sliders: Sequence[Slider]) -> list[Preset]:
    """Those that the scenario names; and its other arms, as far as sliders can make the main arm one of them."""
    main, known = scenario.arms[0], {each.path: each for each in sliders}
    found = [Preset(each.label, each.values) for each in (scenario.explore.presets if scenario.explore else ())]
    named = {each.label for each in found}
    for arm in scenario.arms[1:]:
        values = _differences(scenario, main, arm)
        if values and arm.title not in named and values.keys() <= known.keys():
            inside = all(known[path].low <= value <= known[path].high for path, value in values.items())
            found += [Preset(arm.title, values)] if inside else []
    return found


def _differences(scenario: Scenario, main: Arm, arm: Arm) -> dict[str, float]:
    """What has to be set in the main arm to make it another one; empty if that is not possible."""
    if arm.changes != main.changes or not {each.name for each in arm.doses} <= {each.name for each in main.doses}:
        return {}
    ours, theirs = scenario.parameters(main), scenario.parameters(arm)
    found = {name: value for name, value in theirs.items() if value != ours[name]}
    starts = {*main.initial} | {*arm.initial}
    if not starts <= {*main.initial} & {*arm.initial}:
        return {}
    found |= {f"initial.{name}": arm.initial[name] for name in starts if arm.initial[name] != main.initial[name]}
    own = {dose.name: dose for dose in arm.doses}
    for dose in main.doses:
        other = own.get(dose.name)
        if other is None:
            found[f"dose.{dose.name}.amount"] = 0.0
            continue
        for key in ("amount", "at", "every", "count", "over"):
            if getattr(other, key) != getattr(dose, key):
                found[f"dose.{dose.name}.{key}"] = float(getattr(other, key))
    return found


# Ranges


def _of_doses(scenario: Scenario) -> Iterator[Slider]:
    """Amount, number, interval, start and duration of every dose of the main arm, as far as it has them."""
    for dose in scenario.arms[0].doses:
        taken = {key for key, _ in dose.named}
        if "amount" not in taken and dose.amount > 0:
            yield _of_dose(scenario, dose, "amount", "amount", 0.0, _round(2.0 * dose.amount))
        if dose.times:
            continue
        if dose.every > 0:
            yield _of_dose(scenario, dose, "count", "number of doses", 1.0, max(2.0 * dose.count, 4.0))
            shortest = max(dose.over, _round(dose.every / 4.0))
            yield _of_dose(scenario, dose, "every", "interval", shortest, _round(4.0 * dose.every))
        yield _of_dose(scenario, dose, "at", "first given at", 0.0, _round(0.95 * scenario.end, down=True))
        if dose.over > 0 and dose.rate is None and "over" not in taken:
            longest = min(4.0 * dose.over, dose.every) if dose.count > 1 else 4.0 * dose.over
            low, high = _round(dose.over / 4.0), _round(longest, down=True)
            yield _of_dose(scenario, dose, "over", "given over", low, high)


def _of_dose(scenario: Scenario, dose: Dose, key: str, label: str, low: float, high: float) -> Slider:
    value, timed = float(getattr(dose, key)), key not in ("amount", "count")
    unit_text = scenario.model.time_unit_text if timed else dose.unit_text if key == "amount" else ""
    factor, shown = _readable(scenario, value) if timed else (1.0, unit_text)
    return Slider(
        path=f"dose.{dose.name}.{key}",
        label=label,
        unit_text=unit_text,
        value=value,
        low=min(low, value),
        high=max(high, value),
        log=False,
        group=dose.name.replace("_", " "),
        whole=key == "count",
        factor=factor,
        shown_unit=shown,
    )


def _of_starts(scenario: Scenario) -> Iterator[Slider]:
    """Initial values that the main arm sets."""
    for name, value in scenario.arms[0].initial.items():
        species = scenario.model.species[name]
        high = _round(10.0 * max(value, species.scale))
        yield Slider(
            f"initial.{name}",
            f"{species.label} at the start",
            species.unit_text,
            value,
            0.0,
            high,
            True,
            "start",
            shown_unit=species.unit_text,
        )


def _of_parameters(scenario: Scenario, parameters: Sequence[Parameter]) -> Iterator[Slider]:
    """Those of `parameters` that can be moved and do something."""
    values = scenario.parameters(scenario.arms[0])
    named = {name for dose in scenario.arms[0].doses for _, name in dose.named}
    for each in parameters:
        value = values[each.id]
        low, high = _range(each, value)
        if not low < high or (each.for_doses and each.id not in named):
            continue
        log = low >= 0.0 and (high > DECADES * low if low > 0 else high >= 1e4 and each.unit_text != "1")
        group = "patient, disease and treatment" if each.knob else "parameters"
        share = each.unit_text == "1" and each.label.startswith("share") and not log
        factor, shown = (100.0, "%") if share else (1.0, "" if each.unit_text == "1" else each.unit_text)
        yield Slider(each.id, each.label, each.unit_text, value, low, high, log, group, factor=factor, shown_unit=shown)


def _range(parameter: Parameter, value: float) -> tuple[float, float]:
    """How far a parameter can be moved: its published range, or a factor of four; its value is always inside."""
    if parameter.range is not None:
        low, high = parameter.range
    elif value:
        low, high = sorted((value / 4.0, 4.0 * value))
    else:
        low, high = 0.0, 1.0
    return min(low, value), max(high, value)


def _round(value: float, down: bool = False) -> float:
    """The nearest number (or the one below) of two digits."""
    if not value > 0 or math.isinf(value):
        return value
    size = 10.0 ** (math.floor(math.log10(value)) - 1)
    count = math.floor(value / size * (1 + 1e-12)) if down else round(value / size)
    return float(f"{count * size:.2g}")


def _readable(scenario: Scenario, time: float) -> tuple[float, str]:
    """The factor from the model's unit of time to that in which people read a time, and that unit: the scenario's, or a
    smaller one for a short time."""
    text, factor = clock_of(scenario)
    for smaller in ("h", "min"):
        if not time or time * factor >= 0.9:
            break
        text, factor = smaller, scenario.model.time_unit.to(unit_of(smaller))
    return factor, text


# Which are shown first


def _first(scenario: Scenario, sliders: Sequence[Slider]) -> set[str]:
    """The paths of at most `MOST_SHOWN` sliders: doses, what the scenario sets and arms change, and then what moves the
    curves most. What the main arm sets without moving them is left out."""
    paths = [each.path for each in sliders]
    if len(paths) <= MOST_SHOWN:
        return {*paths}
    doses = [each for each in paths if each.endswith(".amount") and each.startswith("dose.")][:MOST_DOSES]
    if doses:
        course = doses[0].removesuffix("amount")
        doses += [each for each in (f"{course}count", f"{course}every") if each in paths]
    moving = by_effect(scenario, [each for each in sliders if "." not in each.path])
    own = [each for each in paths if each.startswith("initial.")]
    own += [each for each in scenario.arms[0].parameters if each in moving]
    own += [path for arm in scenario.arms[1:] for path in sorted(arm.own) if path in paths]
    chosen = list(dict.fromkeys([*doses, *list(dict.fromkeys(own))[:MOST_OWN], *moving]))[:MOST_SHOWN]
    if len(chosen) < MOST_SHOWN:
        chosen += [path for path in paths if path.startswith("dose.") and path not in chosen]
    return set(chosen[:MOST_SHOWN])


def by_effect(scenario: Scenario, sliders: Sequence[Slider]) -> list[str]:
    """The paths of these parameters, those first that move what the scenario shows most when moved as `_moved`
    says; without those that move nothing, or wake what the scenario leaves asleep."""
    system, main = system_of(scenario.model), scenario.arms[0]
    awake = awake_species(scenario, scenario.arms, system.parameter_formulas)
    solve = trajectories_of_model(system, system.species)  # the program that all scenarios of the model share
    asleep = [place for place, name in enumerate(system.species) if name not in awake]
    tried = [("", main)]
    for each in sliders:
        tried.append((each.path, main._replace(parameters={**main.parameters, each.path: _moved(each)})))
    prepared = []
    for path, arm in tried:
        try:
            ready = prepare(scenario, arm, system)
        except TimetableError:
            continue
        if not ready.initial[asleep].any():
            every = max(1, len(ready.times) // FEWEST_TIMES)
            prepared.append((path, ready._replace(times=ready.times[::every])))
    found = solve([problem_of(ready, ROUGH) for _, ready in prepared])
    usual, effects = found[0], dict.fromkeys((each.path for each in sliders), 0.0)
    if usual is None:
        return []
    for (path, _), other in zip(prepared[1:], found[1:], strict=True):
        if other is not None:
            effects[path] = max(effects[path], _difference(scenario.shown, usual, other))
    order = sorted(effects, key=lambda path: -effects[path])
    return [path for path in order if effects[path] > 0.01]


def _moved(slider: Slider) -> float:
    """Half of the value, or twice where less is out of range; the end of the range from zero."""
    value, low, high = slider.value, slider.low, slider.high
    if value == 0.0:
        return high if high > -low else low
    inside = [each for each in (0.5 * value, 2.0 * value) if low <= each <= high]
    return inside[0] if inside else low if value > low else high


def _difference(names: Sequence[str], one: Trajectory, other: Trajectory) -> float:
    """By how much two runs differ: the largest difference of each curve over its excursion, at most one, added up."""
    times: Array = np.intersect1d(one.times, other.times)
    total = 0.0
    for name in names:
        first, second = (each[name][np.searchsorted(each.times, times)] for each in (one, other))
        size = max(np.ptp(first), np.ptp(second))
        total += min(1.0, float(np.abs(first - second).max(initial=0.0) / size)) if size > 0 else 0.0
    return total
