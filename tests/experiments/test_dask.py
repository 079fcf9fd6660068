"""Blocks on a Dask cluster: the numbers of this process, and workers that die or would compute other numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from immunesim.experiments.scenario import Scenario
from immunesim.experiments.sweeps.compute import KILLED, Block, compute
from immunesim.experiments.sweeps.workers import WorkersError, compute_blocks
from immunesim.files.toml.scenario_file import read_scenario

from tests.sweeps import Deadly, Members, grid, swept

distributed = pytest.importorskip("distributed")
from immunesim.experiments.sweeps.dask_cluster import Cluster  # noqa: E402  # needs distributed


@pytest.fixture
def toy(toy_file: Path) -> Scenario:
    return read_scenario(toy_file)


def same(one: Block, other: Block) -> None:
    for name in ("numbers", "values", "measures", "failed"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert one.outcomes == other.outcomes


def test_a_cluster_computes_the_same_to_the_last_bit(toy: Scenario) -> None:
    sweep = swept(toy, grid(2, 2))
    with Cluster(sweep, "local", 1) as pool:
        (block,) = compute_blocks(pool, sweep, [np.arange(4)])
    same(block, compute(sweep, np.arange(4)))


@pytest.mark.slow
def test_dask_survives_a_worker_that_is_killed_and_finds_the_member_that_does_it(toy: Scenario, tmp_path: Path) -> None:
    import dask

    rows = grid(2, 1).rows
    sweep = swept(toy, Deadly(rows, guilty=1, folder=str(tmp_path)))
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}), Cluster(sweep, "local", 2) as pool:
        assert pool.size == 2
        blocks = sorted(compute_blocks(pool, sweep, [np.arange(2)], first_block=1), key=lambda block: block.numbers[0])
    assert [bool(block.failed[0, 0]) for block in blocks] == [False, True]
    assert blocks[1].outcomes[1, "main"].kind == KILLED
    same(blocks[0], compute(swept(toy, Members(rows)), np.array([0])))


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["compiled", pytest.param("scipy", marks=pytest.mark.slow)])
def test_a_worker_that_would_compute_other_numbers_is_refused(
    toy: Scenario, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    monkeypatch.setenv("IMMUNESIM_ENGINE", "scipy" if engine == "compiled" else "compiled")
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster:
        monkeypatch.setenv("IMMUNESIM_ENGINE", engine)
        sweep = swept(toy, grid(2, 2))
        with (
            Cluster(sweep, cluster.scheduler_address, 1) as pool,
            pytest.raises(WorkersError, match=r"a Dask worker \(.+\) has immunesim .*; this sweep is one of immunesim"),
        ):
            list(compute_blocks(pool, sweep, [np.arange(4)]))
