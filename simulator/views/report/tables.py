"""The tables of the page: expectations, and changes to the model."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ...experiments.clock import clock_of
from ...experiments.expectations import Verdict, asked, set_aside
from ...experiments.residuals import DataResult
from ...experiments.run import ArmResult, RunResult
from ...experiments.scenario import Arm, Scenario
from ...numerics.parameter_formulas import ParameterFormulas
from ..text.data import data_sentence, point_time
from ..text.numbers import number, unit_text, with_unit
from ..text.verdicts import doubt_text, expected_text, simulated_text

MOST_POINTS = 200  # of a block of data that the page shows


class Cited(NamedTuple):
    """One source of a citation, with the full reference and the link if they are known."""

    text: str
    citation: str
    link: str


class Expected(NamedTuple):
    """A row of the table of expectations. mark: met, missed, known miss, in doubt, not reliable, set aside."""

    that: str
    mark: str
    why: str
    simulated: str
    exact: float | None
    expected: str
    sources: list[Cited]
    measure: str


class Setting(NamedTuple):
    """A change to the model: the default and the value of each arm, empty where it is the default."""

    name: str
    label: str
    unit: str
    default: str
    values: list[str]
    status: str
    kind: str


def cited(scenario: Scenario, text: str) -> list[Cited]:
    """The publications that a source names: ``Smith1988, Table 1; Lee2004``."""
    found = []
    for part in filter(None, map(str.strip, text.split(";"))):
        source = scenario.source(part.split(",")[0].strip())
        link = source.link if source and source.link.startswith(("https://", "http://")) else ""  # no script, no file
        found.append(Cited(part, source.citation if source else "", link))
    return found


def expectations(result: RunResult) -> list[Expected]:
    """The rows of the table of expectations."""
    verdicts = [*asked(result.verdicts), *set_aside(result.verdicts)]
    return [_expected(result.scenario, verdict) for verdict in verdicts]


def _expected(scenario: Scenario, verdict: Verdict) -> Expected:
    expectation = verdict.expectation
    known = None if math.isnan(verdict.simulated) else verdict.simulated
    mark = ("in doubt" if verdict.in_doubt else "met") if verdict.met else "missed"
    mark = "not reliable" if verdict.unreliable else "known miss" if verdict.known_miss else mark
    without = [
        f"in arm {arm}, without the mechanism: {number(value)}" for arm, value in verdict.without_mechanism.items()
    ]
    why = doubt_text(verdict) or (expectation.missed if verdict.known_miss else "")
    if expectation.set_aside:
        mark, why = "set aside", f"never used for fitting; {mark}"
    return Expected(
        that=expectation.that,
        mark=mark,
        why="; ".join(filter(None, [why, *without])),
        simulated=simulated_text(verdict),
        exact=known,
        expected=expected_text(verdict),
        sources=cited(scenario, expectation.source),
        measure=expectation.measure_text,
    )


class Measured(NamedTuple):
    """A block of data: its name, curve, arm and sentence, its sources, and a row of texts for each point: subject,
    time, measured, simulated, residual in errors, fold."""

    name: str
    curve: str
    arm: str
    said: str
    sources: list[Cited]
    subjects: bool
    rows: Sequence[tuple[str, ...]]


def measured(result: RunResult) -> list[Measured]:
    """The data of the page, at most `MOST_POINTS` points of each block."""
    return [_measured(result.scenario, each) for each in result.data]


def _measured(scenario: Scenario, result: DataResult) -> Measured:
    data, rows = result.data, []
    for place, point in enumerate(data.points[:MOST_POINTS]):
        bar = "" if point.low is None else f" ({number(point.low)} to {number(point.high)})"
        weighted, fold = float(result.weighted[place]), float(result.folds[place])
        rows.append(
            (
                point.subject,
                point_time(scenario, point.time),
                ("below " if point.censored else "") + with_unit(point.value, data.unit_text) + bar,
                with_unit(float(result.simulated[place]), data.unit_text),
                number(weighted, 2) if math.isfinite(weighted) else "",
                number(fold) if math.isfinite(fold) else "",
            )
        )
    subjects = any(point.subject for point in data.points)
    title = scenario.arm(data.arm).title
    return Measured(
        data.name,
        scenario.label(data.curve.text),
        title,
        data_sentence(scenario, result),
        cited(scenario, data.source),
        subjects,
        rows,
    )


def settings(result: RunResult) -> list[Setting]:
    """Parameters and initial values in which an arm differs from the model, and timed changes."""
    scenario, arms = result.scenario, [arm.arm for arm in result.arms.values()]
    return [*_parameters(scenario, arms), *_initial(scenario, arms), *_changes(scenario, arms)]


def _parameters(scenario: Scenario, arms: Sequence[Arm]) -> Iterator[Setting]:
    for name, parameter in scenario.model.parameters.items():
        values = [arm.parameters.get(name, parameter.value) for arm in arms]
        if any(value != parameter.value for value in values):
            yield Setting(
                name,
                parameter.label,
                unit_text(parameter.unit_text),
                number(parameter.value, 4),
                ["" if value == parameter.value else number(value, 4) for value in values],
                parameter.status,
                "parameter",
            )


def _initial(scenario: Scenario, arms: Sequence[Arm]) -> Iterator[Setting]:
    formulas = ParameterFormulas(scenario.model)
    for name, species in scenario.model.species.items():
        if any(name in arm.initial for arm in arms):
            default = [float(formulas.initial_values(scenario.parameters(arm))[name]) for arm in arms]
            values = [arm.initial.get(name, usual) for arm, usual in zip(arms, default, strict=True)]
            cells = ["" if v == usual else number(v, 4) for v, usual in zip(values, default, strict=True)]
            if any(cells):
                alike = len(set(default)) == 1
                said = number(default[0], 4) if alike else "by its formula"
                yield Setting(name, species.label, unit_text(species.unit_text), said, cells, "", "initial value")


def _changes(scenario: Scenario, arms: Sequence[Arm]) -> Iterator[Setting]:
    clock, time_factor = clock_of(scenario)
    found: dict[tuple[str, float, float | None], list[str]] = {}
    for place, arm in enumerate(arms):
        for change in arm.changes:
            for name, value in change.parameters.items():
                if scenario.model.parameters[name].made:
                    continue
                cells = found.setdefault((name, change.start, change.end), [""] * len(arms))
                cells[place] = number(value, 4)
    for (name, start, end), cells in found.items():
        parameter = scenario.model.parameters[name]
        when = f"from {number(start * time_factor, 4)}" + ("" if end is None else f" to {number(end * time_factor, 4)}")
        yield Setting(
            name,
            parameter.label,
            unit_text(parameter.unit_text),
            number(parameter.value, 4),
            cells,
            parameter.status,
            f"{when} {clock}",
        )


def names_of_interest(scenario: Scenario, results: Mapping[str, ArmResult]) -> set[str]:
    """The names that the page is about: shown, dosed, set or changed in an arm."""
    found = set(scenario.shown)
    for result in results.values():
        arm = result.arm
        model = scenario.model.parameters
        found |= {name for name, value in arm.parameters.items() if value != model[name].value}
        found |= set(arm.initial) | {dose.target for dose in arm.doses}
        found |= {name for change in arm.changes for name in change.parameters}
    return found
