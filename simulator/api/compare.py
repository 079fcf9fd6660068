"""`compare` from Python: the curves of scenarios side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..experiments.scenario import Scenario
from ..runtime.errors import called_from
from ..tasks import compare as task
from .changes import Settings, certify_way, flat, folder_or_none, scenario_request, several, warn, warn_of


def compare(
    *scenarios: str | Path | Scenario | Sequence[str | Path | Scenario],
    arms: str | Sequence[str] = (),
    of: str | Sequence[str] = (),
    against: str | None = None,
    set: Settings = None,
    knockout: str | Sequence[str] = (),
    block: Mapping[str, str | float] | str | Sequence[str] = (),
    add: str | Sequence[str] = (),
    out: str | Path | None = None,
    force: bool = False,
    certify: bool | str | None = None,
) -> task.Comparison:
    """Simulates scenarios and compares their curves: ``sim.compare("acute_infection", knockout="IL4")``.

    Args:
        scenarios: one is compared by its arms or, with a change, with itself as described; several by their main arms.
            A list stands for its items.
        arms: these arms of each instead.
        of: species and observables; by default what the scenarios show.
        against: the reference: an arm of the first scenario, SCENARIO or SCENARIO/ARM; by default the first of all.
        set, knockout, block, add: as in `run`.
        out: a new output directory for the table and the figures; nothing is written without one.
        force: replace the directory if it holds an earlier comparison and nothing else.
        certify: as in `run`; a warning tells of arms with fewer than three digits.

    Raises:
        InputError: with everything that is wrong with the scenarios or what is asked of them.
        OutputError: if the directory exists or cannot be written.
    """
    with called_from("compare()"):
        asked = tuple(scenario_request(each, set, knockout, block, add) for each in flat(scenarios))
        folder = folder_or_none("out", out)
        way = certify_way(certify)
        request = task.CompareRequest(
            asked, several("arms", arms), several("of", of), against, folder, force, certify=way
        )
        found = task.compare(request, warn)
        warn_of(found.unreliable)
        return found
