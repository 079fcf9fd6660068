"""`steady` from Python: steady states, their stability, and where they are lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..experiments.scenario import Scenario
from ..runtime.errors import called_from
from ..tasks import steady as tasks
from .changes import Settings, folder_or_none, scenario_request, several, warn


def steady(
    scenario: str | Path | Scenario,
    *,
    arm: str | None = None,
    of: str | Sequence[str] = (),
    starts: int = tasks.STARTS,
    follow: str | None = None,
    set: Settings = None,
    knockout: str | Sequence[str] = (),
    block: Mapping[str, str | float] | str | Sequence[str] = (),
    add: str | Sequence[str] = (),
    out: str | Path | None = None,
    force: bool = False,
) -> tasks.SteadyOutput:
    """Where an arm can rest without its doses, and which of these states are stable.

    ``.found.found`` holds the states with their eigenvalues, ``.document`` everything by name, ``.to_pandas()`` a row
    for each state.

    Args:
        scenario: the path of a file, the name of a bundled scenario, or a `Scenario` that has been read.
        arm: the arm whose parameters count, as they are at the end of its run; by default the main one.
        of: species and observables that are shown.
        starts: random states from which states are looked for, beside the start and the ends of all arms.
        follow: a parameter along which the states are followed, "NAME=FROM:TO" with units, or its name for its
            published range; ``.branches`` holds the branches, ``.special`` folds, Hopf and branch points, ``.figure()``
            draws them.
        set, knockout, block, add: changes in all arms, as for `run`.
        out: a new output directory for states and branches as CSV, their figure, and everything as JSON; nothing is
            written without one.
        force: replace the directory if it holds earlier output.

    Raises:
        InputError: with everything that is wrong with the scenario or what is asked of it; formulas that change with
            time let nothing rest.
        OutputError: `out` exists or cannot be written.
    """
    with called_from("steady()"):
        asked = scenario_request(scenario, set, knockout, block, add)
        request = tasks.SteadyRequest(asked, arm, several("of", of), starts, follow, folder_or_none("out", out), force)
        return tasks.steady(request, warn)
