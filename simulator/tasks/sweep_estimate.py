"""`sweep --dry-run`: how many members there are, how long they would take and how large they would be."""

from __future__ import annotations

import time

import numpy as np

from ..experiments.sweeps.compute import compute, sweep_of
from ..experiments.sweeps.outcome import SweepEstimate
from ..experiments.sweeps.workers import member_bytes
from ..files.results.member_store import MemberStore
from ..files.results.stored_members import count_members
from ..files.results.sweep_folder import default_folder
from ..runtime.errors import InputError, request_fault
from ..runtime.progress import Progress
from .request import OnNote, ignore_note
from .sweep_request import SweepRequest

TIMED = 3  # members computed to estimate how long a sweep will take ...
SECONDS_TIMED = 10.0  # ... or fewer, if they take longer


def estimate(request: SweepRequest, on_note: OnNote = ignore_note) -> SweepEstimate:
    """Counts what is stored and times a few members; writes nothing. Raises `InputError` and `OutputError`."""
    if request.merge:
        message = "--merge computes nothing that could be estimated: leave out --dry-run"
        raise InputError([request_fault(message, "--merge --dry-run")])
    scenario = request.read(on_note)
    folder = request.out or default_folder(scenario.id, request.shard)
    design = sweep_of(scenario).design
    total, stored = count_members(MemberStore(folder, scenario), request.shard)
    some = np.unique(np.linspace(0, design.count - 1, TIMED + 1).astype(np.int64))
    some = some if total > stored else some[:0]
    failed, spent = 0, list[float]()
    with Progress("members timed", len(some)) as progress:
        for number in some:
            began = time.perf_counter()
            failed += int(compute(scenario, np.array([number])).failed.any())
            spent.append(time.perf_counter() - began)
            progress.add()
            if sum(spent) > SECONDS_TIMED:
                break
    spent = spent[1:] or spent  # the first one also generates and compiles code
    each = sum(spent) / len(spent) if spent else 0.0
    seconds = (total - stored) * each / min(request.size, max(total - stored, 1))
    return SweepEstimate(
        kind=design.kind,
        members=total,
        stored=stored,
        failed=failed,
        timed=len(spent),
        seconds_each=each,
        bytes_each=member_bytes(scenario),
        seconds=seconds,
        workers=request.size,
        folder=folder,
    )
