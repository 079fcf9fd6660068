"""Data next to a simulation in words: how many points are met, and which is missed by how much."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ...experiments.clock import clock_of
from ...experiments.residuals import DataResult
from ...experiments.scenario import MAIN, Scenario
from ...experiments.sweeps.observed import Among
from ...numerics.trajectory import Array
from .english import counted
from .numbers import number, percent, with_unit

NAMED = 2  # points that are missed: of more, only the worst is named
LISTED = 12  # blocks of data that have a line each
NEAR = 1.5  # fold: within it a point counts as near where nobody knows its error


def data_line(scenario: Scenario, result: DataResult) -> str:
    """The name of data, and their sentence."""
    data = result.data
    arm = "" if data.arm == MAIN else f" (arm {data.arm})"
    return f"{data.name}{arm}: {data_sentence(scenario, result)}"


def among_line(among: Among) -> str:
    """``Treg fold: 4 of 5 points are from 5 to 95 % of the members``."""
    data = among.data
    arm = "" if data.arm == MAIN else f" (arm {data.arm})"
    points = counted(among.of, "point")
    return f"{data.name}{arm}: {among.inside} of {points} from 5 to 95 % of the members"


def data_lines(scenario: Scenario, results: Sequence[DataResult]) -> list[str]:
    """A line for each block of data, at most `LISTED`, and where there are several one for all of them."""
    lines = [data_line(scenario, each) for each in results[:LISTED]]
    if len(results) > LISTED:
        lines.append(f"and {counted(len(results) - LISTED, 'more block', 'more blocks')}")
    return [*lines, f"all data: {_total(results)}"] if len(results) > 1 else lines


def _total(results: Sequence[DataResult]) -> str:
    """How many points of all data are met, and the typical fold error."""
    known = [each.within[each.judged] for each in results if not each.estimated]
    met, of = sum(int(each.sum()) for each in known), sum(len(each) for each in known)
    folds = np.concatenate([each.folds[np.isfinite(each.folds)] for each in results])
    parts = [f"{met} of {counted(of, 'point')} within their errors"] if of else []
    if len(folds):
        parts.append(f"typically {number(float(np.exp(np.abs(np.log(folds)).mean())))}-fold off")
    return "; ".join(parts) or counted(sum(len(each.residuals) for each in results), "point")


def data_sentence(scenario: Scenario, result: DataResult) -> str:
    """How data compare with the curve.

    ``4 of 5 within one SD; day 15 is missed by 1.8 SD (simulated 2.1, measured 3); typically 1.2-fold off``
    """
    parts = _by_folds(scenario, result) if result.estimated else _by_errors(scenario, result)
    fold = result.fold_error
    if fold is not None:
        parts.append(f"typically {number(fold)}-fold off")
    lost = int(np.isnan(result.residuals).sum())
    if lost:
        parts.append(f"{counted(lost, 'point')} without a simulated value")
    return "; ".join(parts)


def _by_errors(scenario: Scenario, result: DataResult) -> list[str]:
    distance = np.abs(result.weighted)
    distance[result.residuals == 0.0] = 0.0
    above = np.array([point.censored for point in result.data.points]) & (result.residuals != 0.0)
    distance[above & np.isnan(distance) & np.isfinite(result.residuals)] = np.inf  # of a limit without an error
    known = result.judged
    bars, within = result.data.bars, int((known & result.within).sum())
    parts = [f"{within} of {int(known.sum())} within {'their intervals' if bars == 'interval' else f'one {bars}'}"]
    missed = _largest(np.where(known & ~result.within, distance, np.nan))
    texts = [_size(distance[each], bars) + _both(result, each) for each in missed]
    whens = [_when(scenario, result, each) for each in missed]
    if len(missed) > NAMED:
        parts.append(f"the worst, {whens[0]}, is missed {texts[0]}")
    elif missed:
        parts.append(f"{whens[0]} is missed {texts[0]}" + "".join(f", {whens[1]} {texts[1]}" for _ in missed[1:]))
    free = int((~known & np.isfinite(result.residuals)).sum())
    return [*parts, f"{counted(free, 'point')} without an error"] if free else parts


def _size(distance: float, size: str) -> str:
    """``by 1.8 SD``; more digits where two would say that a point is not missed. Nothing of a limit or an interval."""
    if math.isinf(distance) or size == "interval":
        return ""
    return f"by {number(distance, 2 if distance >= 1.05 else 3)} {size} "


def _by_folds(scenario: Scenario, result: DataResult) -> list[str]:
    """Where nothing says how large the errors are."""
    folds = np.exp(np.abs(np.log(result.folds)))
    known = np.isfinite(folds)
    parts = [counted(len(folds), "point") + " without errors"]
    if known.any():
        parts.append(f"{int((folds[known] <= NEAR).sum())} of {int(known.sum())} within {NEAR}-fold")
        worst = _largest(folds)[0]
        if folds[worst] > NEAR:
            high = "high" if result.folds[worst] > 1 else "low"
            when = _when(scenario, result, worst)
            parts.append(f"the worst, {when}, is {number(folds[worst], 2)}-fold too {high} {_both(result, worst)}")
    return [*parts, _scatter(result)] if np.isfinite(result.errors).any() else parts


def _scatter(result: DataResult) -> str:
    """The size of the residuals, from which the errors are estimated."""
    data = result.data
    roots = np.sqrt([max(point.n, 1) for point in data.points])
    errors = result.errors * roots
    if data.error.kind in ("additive", "combined"):
        return f"they scatter about the curve with an SD of {with_unit(float(np.nanmax(errors)), data.unit_text)}"
    shares = errors / np.abs(result.simulated) if data.error.kind == "proportional" else errors
    share = float(np.nanmax(shares))
    cv = math.sqrt(math.expm1(min(share, 5.0) ** 2)) if data.error.kind == "lognormal" else share
    return f"they scatter about the curve with a CV of {percent(cv)}"


def _largest(distance: Array) -> list[int]:
    """The places of what is known, the largest first."""
    order = np.argsort(-np.where(np.isnan(distance), -np.inf, distance), kind="stable")
    return [int(each) for each in order if not np.isnan(distance[each])]


def point_time(scenario: Scenario, time: float) -> str:
    """A time of data, which counts in the model's unit, as people say it: ``day 15``, ``3 h``."""
    clock, factor = clock_of(scenario)
    if clock == "d" and 0 < time * factor < 1:
        return with_unit(24 * time * factor, "h")
    return f"day {number(time * factor)}" if clock == "d" else with_unit(time * factor, clock)


def _when(scenario: Scenario, result: DataResult, place: int) -> str:
    point = result.data.points[place]
    return point_time(scenario, point.time) + (f" of subject {point.subject}" if point.subject else "")


def _both(result: DataResult, place: int) -> str:
    """What was simulated and what was measured."""
    point, unit = result.data.points[place], result.data.unit_text
    below = "below " if point.censored else ""
    return f"(simulated {number(float(result.simulated[place]))}, measured {below}{with_unit(point.value, unit)})"
