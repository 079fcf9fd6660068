"""Members beside others, with the same steps: their differences are derivatives of what the solver computes.

A solver that chooses its own steps jumps by a part of its tolerance where one of them is longer or one more is taken,
so that differences of its results are rough. Where the steps stay, its result is as smooth as the formulas. So a
member computed beside another one (a value of which is a little higher, say) takes the steps of that one: each is the
same part of its segment, also where a segment begins or ends earlier or later as the time of a dose has moved. Bock
1981 calls such differences internal numerical differentiation; they have no error but that of the differences
themselves, some nine digits, and that of the numerical solution whose derivatives they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..trajectory import Array
from .above_noise import run_above_noise
from .engine import Batch, BatchResult, Engine

Rows = NDArray[np.intp]


def run_beside(
    engine: Engine,
    batch: Batch,
    owners: Rows,
    times: Array,
    rtol: float,
    stop: Callable[[], bool],
) -> tuple[BatchResult, list[Array]]:
    """As `run_above_noise` with a program that `follows`, but members take the steps of others.

    Args:
        engine: what runs the program.
        batch: the members.
        owners: for each the number of the member whose steps it takes, shape (members,): its own, or that of one that
            takes its own.
        times, rtol, stop: as for `Engine.run`.

    Returns:
        The result, and of each member when its steps ended. A member has the status of its owner where that one did
        not reach its end.
    """
    leading = np.flatnonzero(owners == np.arange(len(owners)))
    found = run_above_noise(engine, batch.take(leading), times, rtol, stop)
    steps: list[Array] = [np.empty(0)] * len(owners)
    for place, member in enumerate(leading.tolist()):
        steps[member] = step_ends(found.dense_curves[place][0], engine.description.per_step)
    following = np.flatnonzero(owners != np.arange(len(owners)))
    if not len(following):
        return found, steps
    for member, owner in zip(following.tolist(), owners[following].tolist(), strict=True):
        steps[member] = _moved(steps[owner], _bounds(batch, owner), _bounds(batch, member))
    own = engine.run(batch.take(following), times, rtol, stop=stop, steps=[steps[i] for i in following.tolist()])
    of_owner = np.searchsorted(leading, owners[following])
    own = own.with_status(np.where(found.done[of_owner], own.status, found.status[of_owner]))
    return _in_order(np.concatenate([leading, following]), [found, own]), steps


def step_ends(times: Array, per_step: int) -> Array:
    """When steps ended, of the times of points along them: `per_step` in each, and one where a segment starts."""
    if not len(times):
        return times
    starts = np.concatenate([[0], 1 + np.flatnonzero(times[1:] == times[:-1])])
    within = np.arange(len(times)) - np.repeat(starts, np.diff([*starts, len(times)]))
    ends: Array = times[(within > 0) & (within % per_step == 0)]
    return ends


def _bounds(batch: Batch, member: int) -> Array:
    """When the segments of a member start, and when the last one ends."""
    ends = batch.ends[:, member]
    return np.concatenate([batch.starts[:1, member], ends[np.isfinite(ends)]])


def _moved(steps: Array, bounds: Array, own: Array) -> Array:
    """When steps end of a member whose segments have other bounds; as they are where it has more segments or fewer."""
    if len(own) != len(bounds) or (own == bounds).all():
        return steps
    return np.unique(np.interp(steps, bounds, own))


def _in_order(members: Rows, parts: Sequence[BatchResult]) -> BatchResult:
    """One result of several; members: which they are, one part after the other."""
    order = np.argsort(members)
    joined: dict[str, Any] = {}
    for each in fields(BatchResult):
        values = [getattr(part, each.name) for part in parts]
        if isinstance(values[0], np.ndarray):
            joined[each.name] = np.concatenate(values)[order]
        else:
            together = [item for own in values for item in own]
            joined[each.name] = [together[place] for place in order.tolist()]
    return BatchResult(**joined)
