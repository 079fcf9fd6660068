"""The probes, questions written before anybody ran them: each holds, or fails as it says."""

from __future__ import annotations

from pathlib import Path

import pytest
from immunesim.experiments.run import run
from immunesim.files.toml.scenario_file import read_scenario

from tests.slow import thinned

PROBES = sorted((Path(__file__).parent.parent / "probes").glob("*.toml"))


@pytest.mark.parametrize("path", thinned(PROBES, every=16), ids=lambda path: path.stem)
def test_a_probe_holds_or_fails_as_it_says(path: Path) -> None:
    result = run(read_scenario(path))
    assert {
        name: arm.trajectory.outcome.message for name, arm in result.arms.items() if not arm.trajectory.outcome.ok
    } == {}
    wrong = [
        f"{each.expectation.that}: {each.simulated:.4g}, expected {each.expectation.interval_text}"
        for each in result.verdicts
        if not each.holds
    ]
    assert wrong == []


def test_there_are_probes_and_each_asks_something() -> None:
    assert len(PROBES) >= 65
    assert [path.name for path in PROBES if not read_scenario(path).expectations] == []
