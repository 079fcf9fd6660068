"""The bundled scenarios, each simulated once in a run of the tests.

`conftest.py` gives the tests of one scenario to one worker, one after the other, so that they share one result. What is
asked of all scenarios together needs only their evidence, which the workers share in a folder.
"""

from __future__ import annotations

import functools
import os
import pickle
import re
from pathlib import Path

import pytest
from immunesim.experiments.evidence import EvidenceRow, evidence_row
from immunesim.experiments.run import RunResult, run
from immunesim.experiments.scenario import Scenario
from immunesim.files.toml.catalogue import builtin_scenarios
from immunesim.files.toml.scenario_file import read_scenario

from tests.slow import thinned

PATHS = builtin_scenarios()
HUMAN = [
    name for name, path in PATHS.items() if re.search(r'^(model = "immune"|extends)', path.read_text(), re.MULTILINE)
]
OTHERS = [name for name in PATHS if name not in HUMAN]  # on smaller models
each_scenario = pytest.mark.parametrize("name", thinned(PATHS, every=16))


@functools.cache
def bundled() -> list[Scenario]:
    """All bundled scenarios: reading them takes seconds."""
    return [read_scenario(path) for path in PATHS.values()]


@functools.lru_cache(maxsize=1)  # all arms of a scenario at every step are up to 100 MB
def result_of(name: str) -> RunResult:
    """All arms of the bundled scenario `name`."""
    return run(read_scenario(PATHS[name]))


def evidence_of(name: str, shared: Path) -> list[EvidenceRow]:
    """A row for each expectation of the scenario `name`, from the folder `shared` if some worker has put them there."""
    kept = shared / f"{name}.pickle"
    if kept.exists():
        found: list[EvidenceRow] = pickle.loads(kept.read_bytes())
        return found
    result = result_of(name)
    rows = [evidence_row(verdict, name, result.ok) for verdict in result.verdicts]
    writing = kept.with_name(f"{name}.{os.getpid()}")
    writing.write_bytes(pickle.dumps(rows))
    writing.replace(kept)  # another worker never reads half a file
    return rows
