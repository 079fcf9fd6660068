"""Virtual people under the treatments and challenges of `challenges.toml`,
and what no living body goes beyond."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import immunesim as sim
import numpy as np

CHALLENGES = Path(__file__).with_name("challenges.toml")
ARMS = ("main", "infection", "vaccine", "much_antigen", "little_antigen", "endotoxin", "IL1", "TNF", "much_IL2",
        "little_IL2", "IL4", "chemotherapy", "allergen")  # fmt: skip

# Lowest and highest values of a curve in the unit of the model, with the reason
BOUNDS: dict[str, tuple[float, float, str]] = {
    "lymphocytes": (0, 30_000, "above it is leukaemia"),
    "T_memory": (0, 250, "40 % of memory for one antigen is the most that cytomegalovirus takes (Sester 2002)"),
    "antibody": (0, 13_333, "2 g/L of IgG against one antigen, of 7 to 16 g/L in all"),
    "T_regulatory": (0, 1500, "more than all CD4 cells of the healthy"),
    "temperature": (34, 42, "degrees Celsius that are survived"),
    "blood_pressure": (30, 140, "mmHg"),
    "tissue_damage": (0, 0.9, "share of the tissue"),
    "platelets_left": (0, 4, "of the number in health"),
    "neutrophils_blood": (0, 60_000, "cells/uL of a severe infection"),
    "NK_cells": (0, 10_000, "cells/uL"),
}


def runaways(
    count: int,
    knockout: Sequence[str] = (),
    block: Sequence[str] = (),
    arms: Sequence[str] = ARMS,
    bounds: Mapping[str, tuple[float, float, str]] = BOUNDS,
) -> list[str]:
    """What goes beyond the bounds in the first `count` people of the population of `CHALLENGES`, a line each; empty if
    nothing does."""
    measures = {f"{side}_{curve}": f"{side}({curve})" for curve in bounds for side in ("min", "max")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # arms that set themselves what varies between people; knockouts
        found = sim.sweep(CHALLENGES, population=f"adults:{count}", measures=measures, arms=arms, knockout=knockout,
                      block=block, certify=False).to_pandas()  # fmt: skip
    said = [f"person {number}: {why}" for number, why in enumerate(found["failed"]) if why]
    for arm in arms:
        of = "" if arm == "main" else f".{arm}"
        for curve, (least, most, reason) in bounds.items():
            low, high = (found[f"{side}_{curve}{of}"].to_numpy() for side in ("min", "max"))
            allowed = 1e-6 * max(abs(least), abs(most))  # rounding
            beyond = np.flatnonzero(~((low >= least - allowed) & (high <= most + allowed)))
            if len(beyond):
                said.append(
                    f"{arm}: {curve} from {low[beyond].min():.4g} to {high[beyond].max():.4g} in {len(beyond)} of "
                    f"{len(low)} people, the first of them person {beyond[0]} (bounds {least:g} to {most:g}: {reason})"
                )
    return said
