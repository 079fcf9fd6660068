"""`fit` from Python: the values of a scenario that meet its data best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..experiments.scenario import Scenario
from ..runtime.errors import called_from
from ..tasks import fit as tasks
from ..tasks.request import FIGURES
from .changes import Settings, folder_or_none, scenario_request, warn


def fit(
    scenario: str | Path | Scenario,
    *,
    starts: int | None = None,
    seed: int | None = None,
    profile: bool = False,
    bootstrap: int = 0,
    posterior: int = 0,
    set: Settings = None,
    knockout: str | Sequence[str] = (),
    block: Mapping[str, str | float] | str | Sequence[str] = (),
    add: str | Sequence[str] = (),
    out: str | Path | None = None,
    force: bool = False,
) -> tasks.FitOutput:
    """Estimates what ``[fit]`` of a scenario names from its ``[[data]]``, by least squares from many starts.

    ``.estimates`` are the values by name, ``.table`` and ``.to_pandas()`` a row for each with its standard error and
    interval, ``.data`` a row for each point, ``.figures()`` matplotlib's, ``.document`` everything by name,
    ``.result`` the arrays. Derivatives are those of the numerical solution, from members that take the same steps.

    Args:
        scenario: the path of a file, the name of a bundled scenario, or a `Scenario` that has been read.
        starts: how many places the search starts from; by default what the scenario says, or else 20.
        seed: of starts and bootstrap.
        profile: whether to compute profile likelihoods, whose intervals then replace those of standard errors.
        bootstrap: how many samples are drawn about the fit and fitted again; 0 for none.
        posterior: how many steps the walkers of emcee take, which must be installed; 0 for none.
        set, knockout, block, add: changes in all arms, as for `run`.
        out: a new output directory for ``fitted.toml``, tables, figures and a summary; nothing is written without one.
        force: replace the directory if it holds earlier output.

    Raises:
        InputError: with everything that is wrong with the scenario or what is asked of it.
        NothingSimulatedError: no start could be simulated.
        OutputError: `out` exists or cannot be written.
    """
    with called_from("fit()"):
        asked = scenario_request(scenario, set, knockout, block, add)
        folder = folder_or_none("out", out)
        request = tasks.FitRequest(asked, starts, seed, profile, bootstrap, posterior, folder, force, FIGURES)
        return tasks.fit(request, warn)
