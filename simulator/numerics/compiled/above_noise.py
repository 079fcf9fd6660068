"""Members that rise out of noise, computed again with floors so low that they do not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..noise import LOWER_FLOORS, RTOL_SHARE
from ..trajectory import Array
from .engine import Batch, BatchResult, Engine
from .memory_layout import Status


def run_above_noise(
    engine: Engine,
    batch: Batch,
    times: Array,
    rtol: float | Array,
    stop: Callable[[], bool] = lambda: False,
) -> BatchResult:
    """As `Engine.run`, but members with a state that rises out of noise are repeated with lower and lower floors.

    A member that rises out of noise with the lowest floor too has the status NOT_RELIABLE.
    """
    found = engine.run(batch, times, rtol, stop=stop)
    for floor in LOWER_FLOORS:
        rows = np.array([i for i, each in enumerate(found.revived) if each], dtype=np.intp)
        if not len(rows):
            return found
        tighter = np.broadcast_to(rtol, len(found.status))[rows] * RTOL_SHARE
        own_times = times if times.ndim == 1 else times[rows]
        found = found.replaced(rows, engine.run(batch.take(rows), own_times, tighter, floor, stop=stop))
    status = found.status.copy()
    status[[i for i, each in enumerate(found.revived) if each]] = Status.NOT_RELIABLE
    return found.with_status(status)
