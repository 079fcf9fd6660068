"""What happens in the formulas at times of its own: a pulse in `time` that a long step would pass over unseen.

A solver sees the equations at a few times of each step. Where nothing else moves its steps grow as long as the run, and
a drug let in around one hour by a formula falls between two of them. So every part of the right-hand side that depends
on time (and parameters) alone is looked at beforehand, and steps end where one begins to move. Seen is every feature as
wide as a ten-thousandth of the run that is higher than `TOLERANCE` of the range of its subexpression. What depends on
states too is left to the control of the error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from .graph import Graph
from .tape import Tape
from .trajectory import Array

GRID = 2**15  # equal parts of the run, at whose ends the curves are looked at
TOLERANCE = 0.02  # of the range of a curve over the run, by which it may differ from straight lines between the stops
KEPT = 256  # sets of stops that are remembered: arms, and the same arm at another tolerance
GAP = (
    8  # a stop is needed where the way from the one before is so many times as long as the straight line that follows,
)
FINE = 4  # ... and before every line that is no longer than this, in parts of the grid


class TimeCurves:
    """The subexpressions of a model's right-hand side that depend on time and parameters alone.

    Attributes:
        parameters: the indices of the parameters that they read.
    """

    def __init__(self, graph: Graph, rhs: Sequence[int], time: int, parameters: Mapping[str, int]) -> None:
        """rhs: nodes. time: its symbol. parameters: by name, in the order of the model's, their symbols."""
        known = {time, *parameters.values()}
        needed = graph.needed([each for each in rhs if time in graph.symbols_of(each)])
        moving = [each for each in needed if time in graph.symbols_of(each) and graph.symbols_of(each) <= known]
        nodes = _distinct_shapes(graph, moving, time)
        self._tape = Tape(graph, nodes) if nodes else None
        self._time = graph.nodes[time].name
        names = self._tape.symbols if self._tape else ()
        self._names = [name for name in parameters if name in names]
        self._known: dict[tuple[bytes, float, float], Array] = {}
        self.parameters = [i for i, name in enumerate(parameters) if name in names]

    def __bool__(self) -> bool:
        """Whether there is any."""
        return self._tape is not None

    def stops(self, parameters: Array, start: float, end: float) -> Array:
        """The times at which a step has to end, increasing, between start and end, shape (stops,).

        parameters: of the model, shape (parameters,).
        """
        if self._tape is None:
            return np.empty(0)
        key = parameters[self.parameters].tobytes(), start, end
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= KEPT:
                self._known.clear()
            found = self._known[key] = self._stops(self._tape, parameters, start, end)
        return found

    def _stops(self, tape: Tape, parameters: Array, start: float, end: float) -> Array:
        times = start + (end - start) * (np.arange(GRID + 1) / GRID)
        values = dict(zip(self._names, parameters[self.parameters].tolist(), strict=True))
        curves = np.nan_to_num(tape.evaluate({self._time: times, **values}), posinf=0.0, neginf=0.0)
        return times[_needed(_breaks(curves))]


def _distinct_shapes(graph: Graph, nodes: Sequence[int], time: int) -> list[int]:
    """Those of `nodes`, arguments first, that are no polynomials of time, of low degree as they are, nor another such
    node moved or scaled."""
    bent, found = set(), []
    for node in nodes:
        op, args = graph.nodes[node].op, graph.nodes[node].args
        own = [arg for arg in args if time in graph.symbols_of(arg)]
        plain = op in ("symbol", "add", "sub", "neg", "mul") or (op == "div" and own == [args[0]])
        if not plain or any(arg in bent for arg in own):
            bent.add(node)
            if not plain or len(own) > 1:
                found.append(node)
    return found


def batch_stops(
    curves: TimeCurves, starts: Array, ends: Array, parameters: Sequence[Array], sets: NDArray[np.int64]
) -> Array:
    """The stops of many members, each as if it were alone: shape (members, stops), infinite after the last of each.

    starts, ends, parameters, sets: as in `Batch`.
    """
    members = starts.shape[1]
    spans = np.stack([starts[0], np.nanmax(ends, axis=0)], axis=1)
    found: list[list[Array]] = [[np.empty(0)] for _ in range(members)]
    for which, table in enumerate(parameters):
        own = np.concatenate([table[:, curves.parameters], spans], axis=1)
        _, first, inverse = np.unique(own, axis=0, return_index=True, return_inverse=True)
        known: dict[int, Array] = {}
        for member, same in enumerate(inverse.reshape(-1).tolist()):
            holds = np.flatnonzero((sets[:, member] == which) & np.isfinite(ends[:, member]))
            if not len(holds):
                continue
            if same not in known:
                example = int(first[same])
                known[same] = curves.stops(table[example], *spans[example].tolist())
            stops = known[same]
            place = np.searchsorted(ends[holds, member], stops)
            inside = place < len(holds)
            inside[inside] = stops[inside] > starts[holds[place[inside]], member]
            found[member].append(stops[inside])
    joined = [np.sort(np.concatenate(parts)) for parts in found]
    padded = np.full((members, max(map(len, joined), default=0)), np.inf)
    for row, stops in zip(padded, joined, strict=True):
        row[: len(stops)] = stops
    return padded


def _breaks(curves: Array) -> NDArray[np.intp]:
    """The points between which straight lines follow every curve, shape (curves, GRID + 1): ends of parts that are
    halved until they do."""
    tolerance = TOLERANCE * np.ptp(curves, axis=1)
    is_break = np.zeros(GRID + 1, dtype=bool)
    is_break[[0, GRID]] = True
    which, part, length = np.arange(len(curves)), np.zeros(len(curves), dtype=np.intp), GRID
    while len(which) and length > 1:
        values = curves[:, :-1].reshape(len(curves), -1, length)[which, part]
        first, end = values[:, 0].copy(), curves[which, (part + 1) * length]
        values -= first[:, None]
        values -= (end - first)[:, None] * (np.arange(length) / length)
        bends = np.maximum(values.max(axis=1), -values.min(axis=1)) > tolerance[which]
        which, part, length = which[bends].repeat(2), part[bends].repeat(2) * 2, length // 2
        part[1::2] += 1
        is_break[part[1::2] * length] = True
    return np.flatnonzero(is_break)


def _needed(breaks: NDArray[np.intp]) -> NDArray[np.intp]:
    """Those of `breaks`, their ends excepted, that a step would be too long to pass: no way between two of them is much
    longer than the shortest straight line in it, or right after it."""
    needed, last, shortest = [], 0, GRID
    lengths = np.diff(breaks).tolist()
    for at, before, after in zip(breaks[1:-1].tolist(), lengths[:-1], lengths[1:], strict=True):
        shortest = min(shortest, before)
        line = min(shortest, after)
        if line <= FINE or at - last >= GAP * line:
            needed.append(at)
            last, shortest = at, GRID
    return np.array(needed, dtype=np.intp)
