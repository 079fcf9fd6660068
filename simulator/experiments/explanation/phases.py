"""The phases of a curve: where it rises, falls, stays level, or oscillates too fast to describe each swing."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ...numerics.trajectory import Array

DECADES = 3.0  # a curve that spans more than this is judged by its logarithm
LOWEST = 1e-4  # of the largest value: below it the logarithm shows nothing of interest
NOISE = 1e-9  # of the largest value: a curve that varies less shows only errors of the solver, and counts as constant
TURN = 0.05  # of the curve's range: a smaller swing is no turning point
STILL = 0.02  # of the curve's range: the curve is level where it stays within it ...
LONG = 0.06  # ... for this fraction of the run
FASTER = 5.0  # a rise or fall that goes on at this multiple of its rate is a new phase
MOST = 9  # phases; if there are more, long series of short ones are merged


class PhaseKind(StrEnum):
    """What a curve does in a phase."""

    RISE = "rise"
    FALL = "fall"
    LEVEL = "level"
    OSCILLATION = "oscillation"


class Phase(NamedTuple):
    """A stretch of a curve, from its point `first` to its point `last`.

    A phase begins where the one before ends, or after the jump where a dose or a change makes the curve jump
    clearly. peaks: how often the curve turns down inside an oscillation, else 0.
    """

    kind: PhaseKind
    first: int
    last: int
    peaks: int = 0


def scaled_to_one(values: Array) -> tuple[Array, bool]:
    """A curve scaled from 0 at its lowest to 1 at its highest value, shape (n,), and whether that is logarithmic.

    It is logarithmic if the curve is positive and spans more than `DECADES`; values below `LOWEST` of its largest
    value then count as that.
    """
    top, low = float(values.max()), float(values.min())
    log = False
    if top > 0 and low >= -top * LOWEST:
        seen = values[values > top * LOWEST]
        log = bool(np.log10(top / seen.min()) > DECADES)
    y = np.log(values.clip(min=max(top * LOWEST, float(values[values > 0].min())))) if log else values
    span = float(np.ptp(y))
    clear = span > 0 if log else span > NOISE * float(np.abs(values).max())
    return ((y - y.min()) / span if clear else np.zeros(len(y))), log


def phases(times: Array, y: Array, breaks: Sequence[int] = ()) -> list[Phase]:
    """The phases of a curve, which cover it without gaps other than jumps.

    Args:
        times: Shape (n,), with two points of the same time at a jump.
        y: The curve, shape (n,), as `scaled_to_one` returns it.
        breaks: Points at which a dose is first given or a parameter changes. A phase ends there unless the curve
            goes on as before.
    """
    jumps = np.flatnonzero((np.diff(times) == 0) & (np.abs(np.diff(y)) >= TURN)) + 1
    found: list[Phase] = []
    for start, stop in pairwise([0, *jumps.tolist(), len(times)]):
        cuts = [point for point in sorted({*breaks}) if start < point < stop - 1]
        for first, last in pairwise([start, *cuts, stop - 1]):
            for phase in _between_jumps(times, y, first, last + 1):
                found = _appended(times, y, found, phase)
    return _merged_if_many(times, found)


def _appended(times: Array, y: Array, found: list[Phase], phase: Phase) -> list[Phase]:
    """`found` with `phase` added at the end, or joined to the last phase if the curve goes on as before."""
    if found and found[-1].kind == phase.kind and found[-1].last == phase.first:
        rate, other = (
            abs(y[each.last] - y[each.first]) / (times[each.last] - times[each.first]) for each in (found[-1], phase)
        )
        if phase.kind == PhaseKind.LEVEL or max(rate, other) < FASTER * min(rate, other):
            return [*found[:-1], found[-1]._replace(last=phase.last)]
    return [*found, phase]


def _between_jumps(times: Array, y: Array, start: int, stop: int) -> list[Phase]:
    """The phases of the points from `start` to before `stop`, between which nothing jumps."""
    long = LONG * (times[-1] - times[0])
    found: list[Phase] = []
    for a, b in pairwise([start + point for point in turning_points(y[start:stop])]):
        kind = PhaseKind.RISE if y[b] > y[a] else PhaseKind.FALL
        leaves = a + int((np.abs(y[a : b + 1] - y[a]) > STILL).argmax())
        arrives = b - int((np.abs(y[a : b + 1][::-1] - y[b]) > STILL).argmax())
        if abs(y[b] - y[a]) <= STILL:
            cuts = [(PhaseKind.LEVEL, a, b)]
        else:
            left = leaves if times[leaves] - times[a] > long else a
            right = arrives if times[b] - times[arrives] > long and arrives > left else b
            swing = y[left : right + 1]
            extreme = left + int(swing.argmax() if kind == PhaseKind.RISE else swing.argmin())
            right = extreme if extreme > left and times[b] - times[extreme] > long else right
            cuts = [(PhaseKind.LEVEL, a, left), (kind, left, right), (PhaseKind.LEVEL, right, b)]
        for part, first, last in cuts:
            if times[last] > times[first]:
                found = _appended(times, y, found, Phase(part, first, last))
    return found


def turning_points(y: Array, least: float = TURN) -> list[int]:
    """The first point of a curve, every peak and trough that it leaves by at least `least`, and its last point."""
    found, direction, top, bottom = [0], 0, 0, 0
    for i, value in enumerate(y.tolist()):
        if value > y[top]:
            top = i
        if value < y[bottom]:
            bottom = i
        if direction >= 0 and y[top] - value >= least:
            found += [top] if direction else []
            direction, bottom = -1, i
        elif direction <= 0 and value - y[bottom] >= least:
            found += [bottom] if direction else []
            direction, top = 1, i
    return [*found, len(y) - 1] if len(y) - 1 > found[-1] else found


def _merged_if_many(times: Array, found: list[Phase]) -> list[Phase]:
    """At most `MOST` phases, as far as merging series of short ones achieves that."""
    short = (times[-1] - times[0]) / 64
    while len(found) > MOST and short < times[-1] - times[0]:
        merged: list[Phase] = []
        run: list[Phase] = []
        for phase in [*found, None]:
            if phase is not None and times[phase.last] - times[phase.first] <= short:
                run.append(phase)
                continue
            merged += _oscillation(run)
            run = []
            if phase is not None:
                merged.append(phase)
        found, short = merged, 2 * short
    return found


def _oscillation(run: Sequence[Phase]) -> list[Phase]:
    """Four or more phases in a row as one oscillation; fewer as they are."""
    if len(run) < 4:
        return list(run)
    peaks = sum(phase.peaks for phase in run)
    for one, other in pairwise(run):
        peaks += (one.kind, other.kind) == (PhaseKind.RISE, PhaseKind.FALL) or other.first != one.last
    return [Phase(PhaseKind.OSCILLATION, run[0].first, run[-1].last, peaks)]
