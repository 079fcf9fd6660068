"""Blocks of a sweep: the numbers of an ordinary run, whoever computes them, and failures that stay in their place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from immunesim.experiments.measured import Cause, measure
from immunesim.experiments.run import run
from immunesim.experiments.scenario import Scenario
from immunesim.experiments.schedule import saved_times
from immunesim.experiments.sweeps import workers
from immunesim.experiments.sweeps.compute import KILLED, Block, compute, values_of
from immunesim.experiments.sweeps.designs import Axis
from immunesim.experiments.sweeps.members import arm_with
from immunesim.experiments.sweeps.workers import Processes, Threads, WorkersError, compute_blocks
from immunesim.files.toml.scenario_file import read_scenario
from immunesim.numerics.trajectory import NOT_FINITE

from tests.sweeps import PUSH, Counted, Deadly, Members, grid, swept


@pytest.fixture(params=["compiled", pytest.param("scipy", marks=pytest.mark.slow)], autouse=True)
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("IMMUNESIM_ENGINE", request.param)
    return request.param


@pytest.fixture
def toy(toy_file: Path) -> Scenario:
    return read_scenario(toy_file)


def numbers(*those: int) -> np.ndarray:
    return np.array(those, dtype=np.int64)


ROWS = ("numbers", "values", "measures", "causes", "failed")


def joined(blocks: list[Block]) -> Block:
    """The blocks as one, in order of the numbers."""
    parts = [np.concatenate([getattr(b, name) for b in blocks]) for name in ROWS]
    curves = None if blocks[0].curves is None else np.concatenate([b.curves for b in blocks])
    outcomes = {key: outcome for b in blocks for key, outcome in b.outcomes.items()}
    return Block(*parts, outcomes, curves).take(np.argsort(parts[0]))


def same(one: Block, other: Block) -> None:
    for name in (*ROWS, "curves"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert one.outcomes == other.outcomes


def chunks(count: int, size: int) -> Iterator[np.ndarray]:
    for first in range(0, count, size):
        yield np.arange(first, min(first + size, count))


# what a block holds


def test_a_member_is_an_ordinary_run_of_its_arms(toy: Scenario, engine: str) -> None:
    rtol = 0.0 if engine == "scipy" else 1e-5
    sweep = swept(toy, grid(3, 2), ("main", "half"), ("drug", "total_cells"))
    block = compute(sweep, numbers(1, 2))
    for row, number in enumerate((1, 2)):
        values = sweep.sweep.design.values(number, number + 1)[0]
        arms = tuple(arm_with(sweep, arm, sweep.sweep.design.axes, values) for arm in toy.arms)
        results = run(replace(toy, arms=arms), certify=False).arms
        trajectories = {name: result.trajectory for name, result in results.items()}
        for place, arm in enumerate(("main", "half")):
            for column, each in enumerate(sweep.sweep.measures):
                found = measure(each.tree, toy.model, {**trajectories, "main": trajectories[arm]})
                value = found.value * found.unit.to(each.unit)
                np.testing.assert_allclose(block.measures[row, place, column], value, rtol=rtol)
                assert (block.causes[row, place, column] == Cause.NEVER) == (found.why == "never")
            at = np.searchsorted(trajectories[arm].times, saved_times(sweep))
            for curve, name in zip(block.curves[row, place], ("drug", "total_cells"), strict=True):
                np.testing.assert_allclose(curve, trajectories[arm][name][at], rtol=rtol)
    assert not block.failed.any()
    assert np.isnan(block.measures).any()  # 40 pM is never reached by the smallest dose


def test_curves_are_kept_at_multiples_and_a_value_at_a_dose_is_the_one_after_it(
    scenario: Callable[..., Scenario],
) -> None:
    text = '[[dose]]\nname = "push"\ntarget = "drug"\namount = "400 pmol"\nat = "0.9 h"\n[arms.half]\n'
    question = swept(scenario(text, end="3 h", every="0.3 h"), Members(((0.25, 400.0),)), keep=("drug",))
    times, curve = saved_times(question), compute(question, numbers(0)).curves[0, 0, 0]
    assert len(times) == 11
    assert times[3] == 0.9 > 3 * 0.3  # the instant of the dose, not what rounding makes of a multiple
    np.testing.assert_array_equal(curve[:3], 0.0)
    assert curve[3] == pytest.approx(100.0)  # 400 pmol in 4 L


def test_times_of_members_that_are_given_as_text_are_exact(scenario: Callable[..., Scenario]) -> None:
    text = '[[dose]]\nname = "push"\ntarget = "drug"\namount = "40 pmol"\nat = "6 min"\nevery = "1 h"\ncount = 3\n'
    text += (
        '[parameters]\nk_clear = "0 1/h"\n[[sweep.vary]]\nparameter = "dose.push.every"\nvalues = ["0.1 h", "6 min"]\n'
    )
    text += "[sweep.measures]\nthird = \"at(drug, '0.3 h')\"\nlater = \"at(drug, '18 min')\"\n"
    text += "before = \"at(drug, '0.2 h')\"\n"
    found = compute(scenario(text, end="1 h", every="0.1 h"), numbers(0, 1))
    np.testing.assert_allclose(found.measures[:, 0], [[30, 30, 20], [30, 30, 20]], rtol=1e-5)  # pM in 4 L


def test_an_amount_stays_when_its_volume_changes_in_every_member(scenario: Callable[..., Scenario]) -> None:
    text = '[[dose]]\nname = "drip"\ntarget = "drug"\namount = "400 pmol"\nat = "2 h"\nover = "8 h"\n'
    text += '[parameters]\nk_clear = "0 1/h"\n[[change]]\nat = "6 h"\nparameters = { plasma_volume = "8 L" }\n'
    text += '[[sweep.vary]]\nparameter = "change.1.plasma_volume"\nvalues = ["2 L", "4 L", "8 L"]\n'
    text += '[sweep.measures]\nlast = "final(drug)"\nmiddle = "at(drug, \'6 h\')"\n'
    found = compute(scenario(text, end="12 h"), numbers(0, 1, 2))
    np.testing.assert_allclose(found.measures[:, 0], [[200, 100], [100, 50], [50, 25]], rtol=1e-6)


def test_a_member_that_fails_is_missing_and_stops_nobody(toy: Scenario) -> None:
    sweep = swept(toy, Members(((0.25, 400.0), (-60.0, 400.0), (0.5, 400.0))), ("main", "half"), ("drug",))
    block = compute(sweep, numbers(0, 1, 2))
    assert block.failed.tolist() == [[False, False], [True, True], [False, False]]
    assert np.isnan(block.measures[1]).all()
    assert np.isnan(block.curves[1]).all()
    assert set(block.outcomes) == {(1, "main"), (1, "half")}
    assert "reaction clearance" in block.outcomes[1, "main"].message
    same(block.take(numbers(0, 2)), compute(sweep, numbers(0, 2)))


def test_a_member_that_cannot_begin_fails(toy: Scenario) -> None:
    volume = Axis("plasma_volume", "plasma", "L", 4.0, 0.0, 4.0, False)
    block = compute(swept(toy, Members(((0.0, 400.0), (4.0, 400.0)), (volume, PUSH))), numbers(0, 1))
    assert block.failed[:, 0].tolist() == [True, False]
    outcome = block.outcomes[0, "main"]
    assert (outcome.kind, outcome.time) == (NOT_FINITE, 0.0)
    assert outcome.message == "doses or initial values cannot be computed: float division by zero"


def test_values_are_those_of_the_numbers_however_far_apart(toy: Scenario) -> None:
    design = Members(tuple((float(i), 1.0) for i in range(6000)))
    chosen = numbers(0, 1, 5, 1500, 5000, 5999)
    assert values_of(design, chosen)[:, 0].tolist() == chosen.tolist()
    assert values_of(design, numbers()).shape == (0, 2)


def test_no_more_is_drawn_at_once_than_fits_however_members_are_spread() -> None:
    for stride in (1, 7, 1_000, 1_001):
        design = Counted()
        chosen = np.arange(5, 5 + 1_000 * stride, stride)
        assert values_of(design, chosen)[:, 0].tolist() == chosen.tolist()
        assert max(design.drawn) <= 65_536


# who computes


def test_the_same_to_the_last_bit_whoever_computes_in_whatever_blocks(toy: Scenario) -> None:
    rows = (*grid(3, 3).rows, (-60.0, 400.0))
    sweep = swept(toy, Members(rows), ("main", "half"), ("drug",))
    whole = compute(sweep, np.arange(10))
    for pool, size, first in ((Threads, 2, 1), (Processes, 1, 3), (Processes, 2, 2)):
        with pool(sweep, size) as given:
            blocks = list(compute_blocks(given, sweep, chunks(10, 7), first_block=first))
        assert len(blocks) > 1
        same(joined(blocks), whole)


def test_few_blocks_are_in_flight(toy: Scenario) -> None:
    sweep, asked = swept(toy, grid(4, 5)), []

    def watched() -> Iterator[np.ndarray]:
        for chunk in chunks(20, 1):
            asked.append(chunk)
            yield chunk

    with Threads(sweep, 1) as pool:
        for done, _ in enumerate(compute_blocks(pool, sweep, watched())):
            assert len(asked) <= done + 2 * pool.size + 1


def test_a_worker_that_is_killed_once_costs_nothing(toy: Scenario, tmp_path: Path) -> None:
    design = Deadly(grid(3, 3).rows, guilty=4, times=1, folder=str(tmp_path))
    sweep = swept(toy, design)
    with Processes(sweep, 2) as pool:
        blocks = list(compute_blocks(pool, sweep, chunks(9, 9), first_block=2))
    same(joined(blocks), compute(swept(toy, grid(3, 3)), np.arange(9)))
    assert (tmp_path / "deaths").stat().st_size == 2  # once, and then in peace


def test_the_member_that_kills_every_worker_is_found_and_fails_alone(toy: Scenario, tmp_path: Path) -> None:
    sweep = swept(toy, Deadly(grid(3, 2).rows, guilty=4, folder=str(tmp_path)))
    with Processes(sweep, 2) as pool:
        block = joined(list(compute_blocks(pool, sweep, chunks(6, 6), first_block=3)))
    assert block.failed[:, 0].tolist() == [False, False, False, False, True, False]
    outcome = block.outcomes[4, "main"]
    assert (outcome.kind, outcome.message) == (KILLED, "ended the process that computed it, 3 times")
    others = numbers(0, 1, 2, 3, 5)
    same(block.take(others), compute(swept(toy, grid(3, 2)), others))


def test_workers_that_compute_nothing_at_all_are_an_error(toy: Scenario) -> None:
    class Dead(Threads):
        lost = (ValueError,)

        def submit(self, numbers: np.ndarray) -> Future[tuple[Block, float]]:
            future: Future[tuple[Block, float]] = Future()
            future.set_exception(ValueError("gone"))
            return future

    sweep = swept(toy, grid(2, 2))
    with (
        Dead(sweep, 2) as pool,
        pytest.raises(WorkersError, match="before they have computed anything"),
    ):
        list(compute_blocks(pool, sweep, chunks(4, 4)))


def test_stop_ends_it_between_two_blocks(toy: Scenario) -> None:
    sweep, blocks = swept(toy, grid(3, 3)), []
    with Threads(sweep, 1) as pool:
        for block in compute_blocks(pool, sweep, chunks(9, 9), stop=lambda: len(blocks) >= 2, first_block=1):
            blocks.append(block)
    assert 2 <= len(blocks) <= 4
    same(joined(blocks), compute(sweep, np.sort(np.concatenate([block.numbers for block in blocks]))))


def test_blocks_grow_to_the_time_they_should_take_and_to_the_memory() -> None:
    size = workers._BlockSize(4, 8)
    sizes = []
    for _ in range(8):
        size.learn(size.members, 0.001 * size.members)
        sizes.append(size.members)
    assert sizes[0] == 16  # four times at most
    assert sizes[-1] == 500  # half a second
    large = workers._BlockSize(4, workers.LARGEST_BLOCK // 3)
    large.learn(4, 1e-3)
    assert large.members == 3
    slow = workers._BlockSize(4, 8)
    slow.learn(4, 400.0)
    assert slow.members == 1
