"""Virtual people under the treatments and challenges of `challenges.toml`,
and what no living body goes beyond."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import immunesim as sim
import numpy as np
from immunesim.files.toml.catalogue import builtin_models
from immunesim.files.toml.model_file import read_model
from immunesim.model.declarations import Parameter

CHALLENGES = Path(__file__).with_name("challenges.toml")
ARMS = ("main", "infection", "vaccine", "much_antigen", "little_antigen", "endotoxin", "IL1", "TNF", "much_IL2",
        "little_IL2", "IL4", "chemotherapy", "allergen")  # fmt: skip
SPREAD = 0.25  # of the logarithm of each parameter, clipped to its range; assumed: that of blood counts (27 %)
CLIPPED = 1e-6  # inside the range

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


def write_people(path: Path, count: int, seed: int = 1) -> None:
    """A file of `count` members: each parameter of the human model that has a range and is no knob is drawn around its
    value, on a logarithmic scale, within its range."""
    model = read_model(builtin_models()["immune"])
    varied = [each for each in model.parameters.values() if _varies(each)]
    draws = np.random.default_rng(seed).standard_normal((count, len(varied)))
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow([f"{each.id} [{each.unit_text}]" for each in varied])
        for row in draws:
            values = (each.value * np.exp(SPREAD * draw) for each, draw in zip(varied, row, strict=True))
            rows.writerow([np.clip(value, *_range(each)) for value, each in zip(values, varied, strict=True)])


def _varies(parameter: Parameter) -> bool:
    return parameter.range is not None and min(parameter.value, *parameter.range) > 0 and not parameter.knob


def _range(parameter: Parameter) -> tuple[float, float]:
    assert parameter.range is not None
    return parameter.range[0] * (1 + CLIPPED), parameter.range[1] * (1 - CLIPPED)


def runaways(
    folder: Path,
    count: int,
    knockout: Sequence[str] = (),
    block: Sequence[str] = (),
    arms: Sequence[str] = ARMS,
    bounds: Mapping[str, tuple[float, float, str]] = BOUNDS,
) -> list[str]:
    """What goes beyond the bounds in the first `count` people, a line each; empty if nothing does."""
    people = folder / "people.csv"
    write_people(people, count)
    measures = {f"{side}_{curve}": f"{side}({curve})" for curve in bounds for side in ("min", "max")}
    found = sim.sweep(CHALLENGES, sample="list", members=people, measures=measures, arms=arms, knockout=knockout,
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
