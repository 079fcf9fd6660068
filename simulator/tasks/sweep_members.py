"""The members of a sweep that are computed: those that are missing, and those that are computed again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..experiments.scenario import Scenario
from ..experiments.sweeps.certificate import (
    CertifyMembers,
    SweepCertificate,
    again,
    compare_members,
    members_to_repeat,
    not_certified,
)
from ..experiments.sweeps.compute import SweepResult, solver
from ..experiments.sweeps.workers import Pool, Processes, Threads, compute_blocks
from ..files.results.member_index import ABSENT
from ..files.results.member_store import Mask, MemberStore, open_store
from ..files.results.stored_members import count_members, missing_numbers
from ..numerics.compiled.availability import available
from ..runtime.progress import Progress
from .sweep_request import SweepRequest

CERTIFICATE = "certificate"  # the folder, in that of a sweep, of members that were computed again


def compute_missing(store: MemberStore, request: SweepRequest, stop: Callable[[], bool]) -> int:
    """Computes and stores what is missing; returns the number of members."""
    total, stored = count_members(store, request.shard)
    if stored == total:
        return 0
    computed = 0
    with Progress("members", total, stored) as progress, _pool(store.scenario, request) as pool:
        for block in compute_blocks(pool, store.scenario, missing_numbers(store, request.shard), stop):
            store.add(block)
            computed += len(block.numbers)
            progress.add(len(block.numbers), int(block.failed.any(axis=1).sum()))
    return computed


def _pool(scenario: Scenario, request: SweepRequest) -> Pool:
    if request.dask is None:
        kind = Threads if available() else Processes
        return kind(scenario, request.size)
    from ..experiments.sweeps.dask_cluster import Cluster  # optional

    return Cluster(scenario, request.dask, request.size)


def certify(
    store: MemberStore, request: SweepRequest, result: SweepResult, stop: Callable[[], bool]
) -> SweepCertificate:
    """How far members that were computed twice agree; some are computed again for it, unless this is a merge.

    The second computations are a store of their own, in the folder of the sweep, so that a sweep that is continued
    or merged keeps them. No member of the sweep itself is changed.
    """
    folder, scenario = store.folder / CERTIFICATE, again(store.scenario)
    if request.certify is CertifyMembers.OFF:
        return not_certified("switched off")
    if stop() or not len(result.numbers):
        return not_certified("interrupted" if stop() else "there are no members")
    with open_store(folder, scenario) as second:
        for part in request.merge:
            if (part / CERTIFICATE).is_dir():
                second.merge(MemberStore(part / CERTIFICATE, scenario))
        keys = second.keys(result.values)
        if not request.merge:
            _repeat(second, request, result, second.missing(keys), stop)
        offsets = second.find(keys)
        twice = offsets != ABSENT
        if not twice.any():
            return not_certified("no member was computed twice")
        block = second.block(result.numbers[twice], result.values[twice], offsets[twice])
        return compare_members(result, block, solver(again=True))


def _repeat(
    second: MemberStore, request: SweepRequest, result: SweepResult, missing: Mask, stop: Callable[[], bool]
) -> None:
    """Computes members again that are `missing` in the store `second`: those that a certificate needs, or all."""
    if request.certify is CertifyMembers.ALL:
        wanted, local = result.numbers, request
    else:
        wanted = members_to_repeat(result, result.numbers[~missing])
        local = replace(request, dask=None, workers=min(request.size, len(wanted)))  # too few for a cluster
    numbers = np.intersect1d(wanted, result.numbers[missing])
    if not len(numbers):
        return
    with Progress("members computed again", len(numbers)) as progress, _pool(second.scenario, local) as pool:
        for block in compute_blocks(pool, second.scenario, [numbers], stop):
            second.add(block)
            progress.add(len(block.numbers))
