"""What can be asked of `sweep`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ..experiments.scenario import Scenario
from ..experiments.sweeps.certificate import CertifyMembers
from ..files.toml.overrides import SweepOptions
from ..runtime.errors import InputError, option, request_fault
from ..views.text.engine import engine_notes
from .request import FigureOptions, OnNote, ScenarioRequest, ignore_note


@dataclass(frozen=True)
class SweepRequest:
    """Many members of a scenario to simulate.

    scenario: which one, and what is changed in all of its arms and members.
    options: what varies, how it is sampled, what is measured and kept, if not what the scenario's [sweep] says.
    out: the folder of the sweep; what it holds already is not computed again. None: nothing stays on disk.
    workers: threads or processes; 0 for one on each core. dask: the address of a scheduler, or "local", instead.
    shard: only the members of this job, counted from 1, of so many. merge: take over the members of these folders and
    compute nothing. parquet: also write members.parquet. figures: draw figures into `out`; None: none. report: also
    write report.html there.
    certify: which members are computed again, to find their digits.
    command: the request as arguments of the command line, kept in the summary.

    Raises `InputError` for what cannot go together.
    """

    scenario: ScenarioRequest
    options: SweepOptions | None = None
    out: Path | None = None
    workers: int = 0
    dask: str | None = None
    shard: tuple[int, int] = (1, 1)
    merge: tuple[Path, ...] = ()
    parquet: bool = False
    figures: FigureOptions | None = None
    report: bool = False
    command: tuple[str, ...] = ()
    certify: CertifyMembers = CertifyMembers.SOME

    def __post_init__(self) -> None:
        if self.workers < 0:
            raise InputError([request_fault(f"a number of 1 or more, found {self.workers}", "--workers")])
        if self.workers and self.dask is not None:
            fault = request_fault(
                f"a Dask cluster has its own workers: give {option('--workers')} or {option('--dask')}"
            )
            raise InputError([fault])
        if self.merge and self.shard != (1, 1):
            fault = request_fault(
                f"a merge takes the members of all shards: give {option('--shard')} or {option('--merge')}"
            )
            raise InputError([fault])
        if self.out is None and (self.parquet or self.figures or self.report):
            raise InputError([request_fault(f"tables and figures need a folder: give {option('--out')}")])

    @property
    def size(self) -> int:
        """Workers on this machine."""
        return self.workers or os.cpu_count() or 1

    def read(self, on_note: OnNote = ignore_note) -> Scenario:
        """The scenario with its sweep; remarks on it go to `on_note`. Raises `InputError`."""
        scenario = self.scenario.read(self.options)
        if scenario.sweep is None:
            message = f"nothing to vary in {scenario.id}: add a [sweep] table, or {option('--vary NAME=VALUES')}"
            raise InputError([request_fault(message)])
        left_out = [f"left out: {each}" for each in scenario.truncated]
        for note in (*self.scenario.notes(scenario), *left_out, *engine_notes()):
            on_note(note)
        return scenario


def parse_shard(text: str | None) -> tuple[int, int]:
    """``3/16`` as numbers, and None as the only shard; `InputError` for anything else."""
    if text is None:
        return 1, 1
    number, _, shards = text.partition("/")
    if not (number.isdecimal() and shards.isdecimal() and 1 <= int(number) <= int(shards)):
        raise InputError([request_fault("a shard is I/N, such as 3/16, with I from 1 to N", f"--shard {text}")])
    return int(number), int(shards)
