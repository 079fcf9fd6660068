"""A results folder run again, from the folder alone."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..experiments.run import run
from ..files.results.folder import SUMMARY
from ..files.results.member_store import IDENTITY
from ..files.results.run_folder import SCENARIO_FILE, read_table, table_header, table_name
from ..files.toml.scenario_file import read_scenario
from ..numerics.trajectory import ATOL_OF_SCALE
from ..runtime.errors import InputError, InputFault
from ..runtime.progress import Progress
from ..runtime.versions import versions
from ..views.text.numbers import number

LARGEST = 1e300  # stands for a number that is none, which JSON cannot hold
TOLERANCE = 1e-5  # numbers that differ by less, relative to |value| + noise floor, match


def replay(folder: Path) -> dict[str, Any]:
    """Runs `folder`'s scenario with its own model and compares every saved number.

    Per arm: whether the tables are identical, and the largest difference relative to
    |value| + ATOL_OF_SCALE * scale. The arms are those that the run was of.
    """
    if (folder / IDENTITY).exists():
        more = "the same 'sweep' command goes on in it, and with another --out computes all of it again"
        raise InputError([InputFault(str(folder), 0, f"the folder of a sweep, not of a run: {more}", "")])
    if not (folder / SCENARIO_FILE).exists():
        raise InputError([InputFault(str(folder), 0, f"no results folder: it has no {SCENARIO_FILE}", "")])
    scenario = read_scenario(folder / SCENARIO_FILE)
    simulated = _simulated(folder)
    names = [arm.name for arm in scenario.arms if arm.name in simulated]
    with Progress("arms", len(names)) as progress:
        result = run(scenario, certify=False, arms=names, on_progress=partial(progress.within, of=len(names)))
    arms: dict[str, dict[str, Any]] = {}
    for name in names:
        arms[name] = {"identical": False, "difference": None, "of": None}
        path = folder / table_name(name)
        if not path.exists():
            continue
        header, old = read_table(path)
        trajectory = result.arms[name].trajectory
        new = np.column_stack([trajectory.times, *trajectory.values.values()])
        if header != table_header(scenario.model, trajectory) or old.shape != new.shape:
            continue
        floor = [1e-300, *(_floor(scenario.model.species, column) for column in trajectory.values)]
        same = (new == old) | (np.isnan(new) & np.isnan(old))
        with np.errstate(all="ignore"):
            difference = np.abs(new - old) / (np.abs(np.nan_to_num(old)) + floor)
        difference[~np.isfinite(difference)] = LARGEST
        difference[same] = 0.0
        row, column = np.unravel_index(int(difference.argmax()), difference.shape)
        arms[name] = {
            "identical": bool(same.all()),
            "difference": float(difference[row, column]),
            "of": ["time", *trajectory.values][int(column)],
        }
    match = bool(arms) and all(
        arm["difference"] is not None and arm["difference"] <= TOLERANCE for arm in arms.values()
    )
    return {"folder": str(folder), "match": match, "tolerance": TOLERANCE, "arms": arms, "versions": versions()}


def _simulated(folder: Path) -> list[str]:
    """The arms that the run in `folder` was of."""
    try:
        return list(json.loads((folder / SUMMARY).read_text(encoding="utf-8"))["arms"])
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError([InputFault(str(folder), 0, f"its {SUMMARY} cannot be read", "")]) from None


def _floor(species: Any, name: str) -> float:
    return float(ATOL_OF_SCALE * species[name].scale) if name in species else 1e-12


def replay_text(found: dict[str, Any]) -> str:
    lines = []
    for name, arm in found["arms"].items():
        if arm["difference"] is None:
            lines.append(f"arm {name}: other columns or rows than before, or no table")
        elif arm["identical"]:
            lines.append(f"arm {name}: identical to the last digit")
        else:
            lines.append(f"arm {name}: largest relative difference {number(arm['difference'], 2)}, in {arm['of']}")
    within = f"to within {number(found['tolerance'])}"
    lines.append(f"the numbers match {within}" if found["match"] else "the numbers do NOT match")
    return "\n".join(lines)
