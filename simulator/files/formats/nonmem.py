"""A table of doses and data as NONMEM has it: every arm of a scenario is a subject.

Comments, which NONMEM skips and `[subjects]` too, say what the compartments, units and subjects are. Amounts are those
that enter: the share of a dose is in them and its lag in their times.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ...experiments.measures import product_text
from ...experiments.scenario import MAIN, Arm, Data, Dose, Scenario
from ...experiments.timetable import settled_arm

COLUMNS = ("ID", "TIME", "AMT", "RATE", "ADDL", "II", "SS", "CMT", "EVID", "DV", "MDV", "BLQ")
NOTHING = "."


class _Record(NamedTuple):
    """A row but its subject and covariates. order: at one time values that were taken before a dose come first, then
    doses, then values."""

    time: float
    order: int
    cells: tuple[str, ...]


def nonmem_text(scenario: Scenario, arm: str) -> str:
    """The table of an arm; of the main arm that of all arms, each a subject."""
    arms = [settled_arm(each, scenario.model) for each in scenario.arms if arm in (MAIN, each.name)]
    names = [each.name for each in arms]
    data = [each for each in scenario.data if each.arm in names]
    numbers, varying = _compartments(arms, data), _covariates(scenario, arms)
    lines = [f"# {text}" for text in _comments(scenario, arms, numbers, data)]
    lines.append(",".join((*COLUMNS, *varying)))
    for subject, each in enumerate(arms, 1):
        values = _values(each, [one for one in data if one.arm == each.name], numbers)
        own = [_number(scenario.parameters(each)[name]) for name in varying]
        for record in sorted([*_doses(scenario, each, numbers), *values], key=lambda one: (one.time, one.order)):
            lines.append(",".join((str(subject), _number(record.time), *record.cells, *own)))
    return "\n".join(lines) + "\n"


def _compartments(arms: Sequence[Arm], data: Sequence[Data]) -> dict[str, int]:
    """The number of each species that a dose goes into, and of each curve that was measured."""
    names = [dose.target for arm in arms for dose in arm.doses] + [each.curve.text for each in data]
    return {name: number for number, name in enumerate(dict.fromkeys(names), 1)}


def _covariates(scenario: Scenario, arms: Sequence[Arm]) -> list[str]:
    """The parameters in which the arms differ."""
    values = [scenario.parameters(arm) for arm in arms]
    return [name for name in values[0] if any(each[name] != values[0][name] for each in values)] if values else []


def _comments(
    scenario: Scenario, arms: Sequence[Arm], numbers: Mapping[str, int], data: Sequence[Data]
) -> Iterator[str]:
    yield " ".join(f"{scenario.title}: doses and data, TIME in {scenario.model.time_unit_text}".split())
    yield "ID: " + ", ".join(f"{number} = {' '.join(arm.title.split())}" for number, arm in enumerate(arms, 1))
    units = {each.curve.text: each.unit_text for each in data}
    targets = {dose.target for arm in arms for dose in arm.doses}
    for name, number in numbers.items():
        amount = [f"AMT in {_amount_unit(scenario, name)}"] if name in targets else []
        value = [f"DV in {units[name]}"] if name in units else []
        yield f"CMT {number}: {name}, {' and '.join(amount + value)}"
    varying = [f"{name} in {scenario.model.parameters[name].unit_text}" for name in _covariates(scenario, arms)]
    if varying:
        yield "; ".join(varying)


def _amount_unit(scenario: Scenario, target: str) -> str:
    """The unit of an amount of a species: its own, times that of its volume if it has one."""
    species = scenario.model.species[target]
    if species.volume is None:
        return species.unit_text
    return product_text(species.unit_text, scenario.model.unit_text(species.volume))


def _doses(scenario: Scenario, arm: Arm, numbers: Mapping[str, int]) -> Iterator[_Record]:
    values = scenario.parameters(arm)
    for dose in arm.doses:
        amount = dose.amount * dose.factor * dose.share * math.prod(values[name] for name in dose.body)
        if not amount:
            continue  # NONMEM has no dose of nothing
        rate = _amount(amount / dose.over) if dose.over else NOTHING
        regular = not dose.times and not dose.parts
        for number in [0] if regular else [each for each in range(dose.count) if dose.part(each)]:
            part = _amount(amount * dose.part(number))
            series = _series(dose) if regular else (NOTHING, NOTHING, NOTHING)
            cells = (part, rate, *series, str(numbers[dose.target]), "1", NOTHING, "1", "0")
            yield _Record(dose.entry(number), 1, cells)


def _series(dose: Dose) -> tuple[str, str, str]:
    """ADDL, II and SS of doses at even intervals."""
    if dose.count == 1 and not dose.steady:
        return NOTHING, NOTHING, NOTHING
    return str(dose.count - 1), _number(dose.every), "1" if dose.steady else NOTHING


def _values(arm: Arm, data: Sequence[Data], numbers: Mapping[str, int]) -> Iterator[_Record]:
    given = {dose.entry(number) for dose in arm.doses for number in range(dose.count)}
    for each in data:
        for point in each.points:
            later = math.nextafter(point.time, math.inf)  # a value that was taken before a dose is a float before it
            before = later in given
            cells = (*[NOTHING] * 5, str(numbers[each.curve.text]), "0", _number(point.value), "0")
            yield _Record(later if before else point.time, 0 if before else 2, (*cells, "1" if point.censored else "0"))


def _amount(value: float) -> str:
    """Without the rounding of conversions."""
    return _number(float(f"{value:.14g}"))


def _number(value: float) -> str:
    return repr(float(value)).removesuffix(".0")
