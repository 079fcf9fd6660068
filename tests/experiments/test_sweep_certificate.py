"""The members of a sweep that are computed twice, and the digits of their measures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from immunesim.experiments.scenario import Scenario
from immunesim.experiments.sweeps.certificate import again, compare_members, members_to_repeat
from immunesim.experiments.sweeps.compute import Block, SweepResult, compute, solver
from immunesim.experiments.sweeps.outcome import SweepOutcome
from immunesim.files.toml.scenario_file import read_scenario
from immunesim.views.text.commands.sweep import unreliable_members

from tests.sweeps import Members, grid, swept

NONE = np.empty(0, dtype=np.int64)


@pytest.fixture
def toy(toy_file) -> Scenario:
    return read_scenario(toy_file)


def result_of(scenario: Scenario, block: Block) -> SweepResult:
    return SweepResult(
        scenario, block.numbers, block.values, block.measures, block.causes, block.failed, {}, np.empty(0)
    )


@pytest.fixture
def result(toy: Scenario) -> SweepResult:
    scenario = swept(toy, grid(8, 8))
    return result_of(scenario, compute(scenario, np.arange(64)))


def test_sixteen_members_with_the_extremes_of_every_axis_are_repeated(result: SweepResult) -> None:
    chosen = members_to_repeat(result, NONE)
    assert len(chosen) == 16
    for axis in range(2):
        repeated = result.values[chosen, axis]
        assert (repeated.min(), repeated.max()) == (result.values[:, axis].min(), result.values[:, axis].max())
    assert members_to_repeat(result, NONE).tolist() == chosen.tolist()
    assert set(members_to_repeat(result, chosen).tolist()) <= set(chosen.tolist())  # enough are known


def test_of_a_population_the_extremes_of_every_measure_and_sixteen_others_are_repeated(toy: Scenario) -> None:
    rows = grid(8, 8).rows
    scenario = swept(toy, Members(rows, kind="population"))
    result = result_of(scenario, compute(scenario, np.arange(64)))
    chosen = members_to_repeat(result, NONE)
    assert 16 < len(chosen) <= 16 + 6
    for measure in range(3):
        values = result.measures[:, 0, measure]
        assert {int(np.nanargmin(values)), int(np.nanargmax(values))} <= set(chosen.tolist())


def test_members_that_failed_are_not_repeated(result: SweepResult) -> None:
    failed = result.failed.copy()
    failed[[0, 63]] = True
    assert not {0, 63} & set(members_to_repeat(replace(result, failed=failed), NONE).tolist())
    assert len(members_to_repeat(replace(result, failed=np.ones_like(failed)), NONE)) == 0


def test_a_second_computation_agrees_and_is_another_one(result: SweepResult) -> None:
    numbers = np.array([0, 7, 63])
    second = compute(again(result.scenario), numbers)
    found = compare_members(result, second, solver(again=True))
    assert found.reliable
    assert 4 < found.least < found.median < 16
    assert (second.measures != result.measures[numbers]).any()
    assert found.solver != solver()


def digits(result: SweepResult, **changed: object) -> list[float]:
    block = Block(result.numbers, result.values, result.measures, result.causes, result.failed, {}, None)
    return compare_members(result, replace(block, **changed), "twice").digits.tolist()


def test_digits_are_relative_to_the_measure_and_its_median(result: SweepResult) -> None:
    assert set(digits(result)) == {16.0}
    measures = result.measures.copy()
    measures[5, 0, 0] *= 1 + 1e-5
    found = digits(result, measures=measures)
    assert 4.9 < found[5] < 5.1
    assert sorted(found)[1] == 16.0
    measures[5, 0, 0] = np.nan  # a value the first time, none the second
    assert digits(result, measures=measures)[5] == 0.0
    tiny = replace(result, measures=np.where(np.arange(64)[:, None, None] == 9, 1e-20, result.measures))
    other = np.where(np.arange(64)[:, None, None] == 9, 3e-20, result.measures)
    assert digits(tiny, measures=other)[9] > 10  # nothing, beside what the measure usually is


def test_a_failure_the_second_time_leaves_no_digits(result: SweepResult) -> None:
    failed = result.failed.copy()
    failed[3] = True
    found = digits(result, failed=failed)
    assert found[3] == 0.0
    assert sorted(found)[1] == 16.0


def test_measures_of_what_is_gone_are_not_judged(toy: Scenario) -> None:
    """The drug of all members has decayed to far below its scale: nothing rests on what is left of it."""
    scenario = swept(toy, grid(2, 2))
    result = result_of(scenario, compute(scenario, np.arange(4)))
    gone = replace(result, measures=np.full_like(result.measures, 1e-15))
    other = np.full_like(result.measures, 1e-15)
    other[:, :, 0] = 2e-15  # the peak, in pM; the drug's scale is 10 pM
    assert min(digits(gone, measures=other)) > 9


def test_runs_that_were_refused_make_a_sweep_unreliable(result: SweepResult) -> None:
    outcome = SweepOutcome(result, 64, failures={"not reliable": 2, "negative": 1})
    assert (outcome.refused, outcome.reliable) == (2, False)
    assert unreliable_members(outcome) == [
        "NOT RELIABLE: 2 runs of members refused, as a state rises again out of rounding"
    ]
    assert SweepOutcome(result, 64, failures={"negative": 1}).reliable is None
