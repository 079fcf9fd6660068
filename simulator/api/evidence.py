"""`evidence` and `influence` from Python: expectations against simulations, and what they depend on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..runtime.errors import called_from
from ..tasks import evidence as evidence_task
from ..tasks import influence as influence_task
from .changes import certify_way, files, folder_or_none, warn, warn_of


def evidence(
    *scenarios: str | Path | Sequence[str | Path],
    out: str | Path | None = None,
    certify: bool | str | None = None,
    accept_unreliable: bool = False,
    model: str = "",
    set_aside: bool = False,
) -> evidence_task.Evidence:
    """Every expectation of the scenarios, files or names, against their simulations; by default of all bundled ones.

    `rows` has one for each, `totals` counts apart published numbers, directions, memory, thresholds of our own and
    facts that are set aside.

    Args:
        scenarios: files or names; a list stands for its items.
        out: a directory for evidence.csv and evidence.json; nothing is written without one.
        certify: as in `run`; a warning tells of arms with fewer than three digits.
        accept_unreliable: judge their numbers too, which are "not reliable" otherwise, neither met nor missed.
        model: a model, by its name or file, that is asked what the scenarios ask of their own, as far as both have the
            names; `own` has their rows, and the text compares the two.
        set_aside: list the facts that are set aside in the text too, which only counts them otherwise.

    Raises:
        InputError: with everything that is wrong with the scenarios.
        OutputError: if `out` cannot be written; before anything is simulated.
        KeyboardInterrupt: after Ctrl-C; `out` then holds the expectations of the scenarios that are done.
    """
    with called_from("evidence()"):
        request = evidence_task.EvidenceRequest(
            files(scenarios), folder_or_none("out", out), certify_way(certify), accept_unreliable, model, set_aside
        )
        found = evidence_task.evidence(request, warn)
        warn_of(found.unreliable)
    if found.not_simulated:
        raise KeyboardInterrupt
    return found


def influence(
    *scenarios: str | Path | Sequence[str | Path], out: str | Path | None = None
) -> influence_task.ParameterInfluence:
    """Which expectations fail when a parameter is multiplied or divided by three; by default of all bundled scenarios,
    which takes many minutes. A warning tells of arms that have fewer than three digits as the model stands.

    Args:
        scenarios: files or names; a list stands for its items.
        out: a file for the result as JSON; nothing is written without one.

    Raises:
        InputError: with everything that is wrong with the scenarios.
        OutputError: if `out` cannot be written; before anything is simulated.
    """
    with called_from("influence()"):
        asked = influence_task.InfluenceRequest(files(scenarios), folder_or_none("out", out))
        found = influence_task.influence(asked)
        warn_of(found.unreliable)
        return found
