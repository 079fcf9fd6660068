"""The phases of a curve: where it rises, falls, stays level or goes up and down too fast to tell one by one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ...numerics.trajectory import Array

RISES, FALLS, LEVEL, WAVES = "rises", "falls", "is level", "goes up and down"
DECADES = 3.0  # a curve that spans more than this is judged by its logarithm
LOWEST = 1e-4  # of the largest value: below it the logarithm shows nothing of interest
TURN = 0.05  # of the curve's range: a smaller swing is no turn
STILL = 0.02  # of the curve's range: what stays within it is level ...
LONG = 0.06  # ... if it stays there for this share of the run
FASTER = 5.0  # a phase that goes on at this multiple of its pace is another one
MOST = 9  # phases; past it the shortest are put together, if they are many in a row


class Phase(NamedTuple):
    """A stretch of a curve, from the point `first` to the point `last` of it.

    A phase begins where the last ended, or, where a dose or a change makes the curve jump clearly, behind
    the jump. tops: how often it turns downwards inside, which only `WAVES` does.
    """

    kind: str
    first: int
    last: int
    tops: int = 0


def scaled(values: Array) -> tuple[Array, bool]:
    """The curve from 0 at its lowest to 1 at its highest, by its logarithm (True) if it is positive and spans
    more than `DECADES`; what is below `LOWEST` of its top counts as that."""
    top, low = float(values.max()), float(values.min())
    log = False
    if top > 0 and low >= -top * LOWEST:
        seen = values[values > top * LOWEST]
        log = bool(np.log10(top / seen.min()) > DECADES)
    y = np.log(values.clip(min=max(top * LOWEST, float(values[values > 0].min())))) if log else values
    span = float(np.ptp(y))
    return ((y - y.min()) / span if span > 0 else np.zeros(len(y))), log


def phases(times: Array, y: Array, breaks: Sequence[int] = ()) -> list[Phase]:
    """The phases of a curve of shape (n,) that `scaled` has scaled; times, with two points at a jump, too.

    breaks: points at which something begins from outside, where a phase ends unless it goes on as before.
    """
    jumps = np.flatnonzero((np.diff(times) == 0) & (np.abs(np.diff(y)) >= TURN)) + 1
    found: list[Phase] = []
    for start, stop in pairwise([0, *jumps.tolist(), len(times)]):
        cuts = [point for point in sorted({*breaks}) if start < point < stop - 1]
        for first, last in pairwise([start, *cuts, stop - 1]):
            for phase in _of_piece(times, y, first, last + 1):
                found = _joined(times, y, found, phase)
    return _few(times, found)


def _joined(times: Array, y: Array, found: list[Phase], phase: Phase) -> list[Phase]:
    """`found` with `phase` behind it, or within its last if that goes on as before."""
    if found and found[-1].kind == phase.kind and found[-1].last == phase.first:
        pace, other = (
            abs(y[each.last] - y[each.first]) / (times[each.last] - times[each.first]) for each in (found[-1], phase)
        )
        if phase.kind == LEVEL or max(pace, other) < FASTER * min(pace, other):
            return [*found[:-1], found[-1]._replace(last=phase.last)]
    return [*found, phase]


def _of_piece(times: Array, y: Array, start: int, stop: int) -> list[Phase]:
    """The phases between two jumps."""
    long = LONG * (times[-1] - times[0])
    found: list[Phase] = []
    for a, b in pairwise([start + turn for turn in turns(y[start:stop])]):
        kind = RISES if y[b] > y[a] else FALLS
        away = a + int((np.abs(y[a : b + 1] - y[a]) > STILL).argmax())
        near = b - int((np.abs(y[a : b + 1][::-1] - y[b]) > STILL).argmax())
        if abs(y[b] - y[a]) <= STILL:
            cuts = [(LEVEL, a, b)]
        else:
            left = away if times[away] - times[a] > long else a
            right = near if times[b] - times[near] > long and near > left else b
            swing = y[left : right + 1]
            extreme = left + int(swing.argmax() if kind == RISES else swing.argmin())
            right = extreme if extreme > left and times[b] - times[extreme] > long else right
            cuts = [(LEVEL, a, left), (kind, left, right), (LEVEL, right, b)]
        for what, first, last in cuts:
            if times[last] > times[first]:
                found = _joined(times, y, found, Phase(what, first, last))
    return found


def turns(y: Array, least: float = TURN) -> list[int]:
    """The points between which a curve swings: its first, every top and bottom that it leaves by `least`, its last."""
    found, way, top, bottom = [0], 0, 0, 0
    for i, value in enumerate(y.tolist()):
        if value > y[top]:
            top = i
        if value < y[bottom]:
            bottom = i
        if way >= 0 and y[top] - value >= least:
            found += [top] if way else []
            way, bottom = -1, i
        elif way <= 0 and value - y[bottom] >= least:
            found += [bottom] if way else []
            way, top = 1, i
    return [*found, len(y) - 1] if len(y) - 1 > found[-1] else found


def _few(times: Array, found: list[Phase]) -> list[Phase]:
    """At most `MOST` phases, if those that are short and many in a row, put together, suffice for it."""
    short = (times[-1] - times[0]) / 64
    while len(found) > MOST and short < times[-1] - times[0]:
        merged: list[Phase] = []
        run: list[Phase] = []
        for phase in [*found, None]:
            if phase is not None and times[phase.last] - times[phase.first] <= short:
                run.append(phase)
                continue
            merged += _together(run)
            run = []
            if phase is not None:
                merged.append(phase)
        found, short = merged, 2 * short
    return found


def _together(run: Sequence[Phase]) -> list[Phase]:
    if len(run) < 4:
        return list(run)
    tops = sum(phase.tops for phase in run)
    for one, other in pairwise(run):
        tops += (one.kind, other.kind) == (RISES, FALLS) or other.first != one.last
    return [Phase(WAVES, run[0].first, run[-1].last, tops)]
