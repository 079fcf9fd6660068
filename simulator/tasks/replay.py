"""`replay`: the run of an output directory simulated again, from the directory alone."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..experiments.run import run
from ..experiments.solving import Certify
from ..files.results.folder import SUMMARY
from ..files.results.member_store import IDENTITY
from ..files.results.run_folder import SCENARIO_FILE, read_table, table_header, table_name
from ..files.toml.scenario_file import read_scenario
from ..model.model import Model
from ..numerics.trajectory import ATOL_OF_SCALE, Trajectory
from ..runtime.errors import InputError, InputFault
from ..runtime.progress import Progress
from ..runtime.versions import versions
from ..views.text.commands.replay import replay_text
from ..views.text.reliability import first, unreliable_lines
from .answer import Answer
from .request import OnNote, ignore_note, say_engine

LARGEST = 1e300  # stands for NaN and infinity, which JSON cannot hold
TOLERANCE = 1e-5  # numbers that differ by less, relative to |value| + noise floor, match


@dataclass(frozen=True)
class ReplayRequest:
    """folder: the output directory of a run. certify: how the digits are checked; None: as usual."""

    folder: Path
    certify: Certify | None = None


@dataclass(frozen=True, repr=False)
class Replayed(Answer):
    """The run in `folder` against the same run now.

    match: whether every saved number is the same to within `tolerance`, relative to |value| + the solver's absolute
        tolerance for its species.
    arms: for each arm whether its table is `identical`, the largest `difference`, None if the tables have other columns
        or rows, and the column `of` it.
    versions: of the programs that computed it now.
    unreliable: a line for each arm whose digits are too few to be relied on, now.
    """

    folder: str
    match: bool
    tolerance: float
    arms: dict[str, dict[str, Any]]
    versions: dict[str, str]
    unreliable: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """The same as `match`."""
        return self.match

    @property
    def document(self) -> dict[str, Any]:
        """The same, ready for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        return first(self.unreliable, replay_text(self.document))


def replay(request: ReplayRequest, on_note: OnNote = ignore_note) -> Replayed:
    """Simulates the arms that are in the folder again, with the folder's own scenario and model.

    Raises `InputError` if the folder is not that of a run. An interruption changes nothing.
    """
    folder = request.folder
    if (folder / IDENTITY).exists():
        more = "the same 'sweep' command continues it, and with another --out computes it again"
        raise InputError([InputFault(str(folder), 0, f"the folder of a sweep, not of a run: {more}", "")])
    if not (folder / SCENARIO_FILE).exists():
        raise InputError([InputFault(str(folder), 0, f"no results folder: it has no {SCENARIO_FILE}", "")])
    scenario = read_scenario(folder / SCENARIO_FILE)
    simulated = _simulated(folder)
    names = [arm.name for arm in scenario.arms if arm.name in simulated]
    say_engine(on_note)
    with Progress("arms", len(names)) as progress:
        result = run(scenario, request.certify, names, partial(progress.within, of=len(names)))
    if result.interrupted:
        raise KeyboardInterrupt
    arms = {name: _compared(folder / table_name(name), scenario.model, result.arms[name].trajectory) for name in names}
    match = bool(arms) and all(
        arm["difference"] is not None and arm["difference"] <= TOLERANCE for arm in arms.values()
    )
    return Replayed(str(folder), match, TOLERANCE, arms, versions(), tuple(unreliable_lines([result])))


def _compared(path: Path, model: Model, trajectory: Trajectory) -> dict[str, Any]:
    """One arm of `Replayed.arms`, by the table that was saved."""
    differs: dict[str, Any] = {"identical": False, "difference": None, "of": None}
    if not path.exists():
        return differs
    header, old = read_table(path)
    new = np.column_stack([trajectory.times, *trajectory.values.values()])
    if header != table_header(model, trajectory) or old.shape != new.shape:
        return differs
    floor = [1e-300, *(_floor(model.species, column) for column in trajectory.values)]
    same = (new == old) | (np.isnan(new) & np.isnan(old))
    with np.errstate(all="ignore"):
        difference = np.abs(new - old) / (np.abs(np.nan_to_num(old)) + floor)
    difference[~np.isfinite(difference)] = LARGEST
    difference[same] = 0.0
    row, column = np.unravel_index(int(difference.argmax()), difference.shape)
    name = ["time", *trajectory.values][int(column)]
    return {"identical": bool(same.all()), "difference": float(difference[row, column]), "of": name}


def _simulated(folder: Path) -> list[str]:
    """The arms of the run in `folder`."""
    try:
        return list(json.loads((folder / SUMMARY).read_text(encoding="utf-8"))["arms"])
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError([InputFault(str(folder), 0, f"its {SUMMARY} cannot be read", "")]) from None


def _floor(species: Any, name: str) -> float:
    return float(ATOL_OF_SCALE * species[name].scale) if name in species else 1e-12
