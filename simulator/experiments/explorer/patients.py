"""The virtual patients of a page: how each differs from the patient that the sliders describe."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ...numerics.system import System
from ..scenario import Scenario
from ..sweeps.population import Population

COUNT = 64
SPREAD = 0.2  # coefficient of variation of a parameter whose spread between people nobody gives; assumed
SEED = 1


def patients_of(scenario: Scenario, system: System, fixed: Collection[str]) -> dict[str, Any]:
    """What the engine of a page needs to draw `COUNT` patients.

    As ``[population]`` of the scenario says, where it has one of parameters and initial values: `paths`, and `values`
    with a row for each patient, in place of those of the sliders. Else `spread`: (place, low, high) of every parameter
    with a published range, log-normal around its value with the coefficient of variation `cv`, and within its range.

    fixed: parameters that a page cannot move.
    """
    design = scenario.sweep.design if scenario.sweep is not None else None
    if isinstance(design, Population):
        paths = [axis.path for axis in design.axes]
        if not any(path.startswith(("dose.", "change.")) or path in fixed for path in paths):
            return {
                "count": COUNT,
                "paths": paths,
                "values": design.values(0, COUNT).tolist(),
                "words": _in_words(design),
            }
    place = {name: index for index, name in enumerate(system.parameters)}
    spread = [
        [place[each.id], *each.range]
        for each in scenario.model.parameters.values()
        if each.range is not None and not each.knob and not each.made and each.value > 0 and each.id not in fixed
    ]
    words = f"each with {len(spread)} numbers of the body drawn around those of this patient, with a coefficient of "
    words += f"variation of {SPREAD:.0%} (assumed) and within their published ranges"
    return {"count": COUNT, "spread": spread, "cv": SPREAD, "seed": SEED, "words": words}


def _in_words(design: Population) -> str:
    return "drawn as the population of this scenario: " + ", ".join(axis.label for axis in design.axes)
