"""Branches of steady states in words: where states meet and vanish, and where the state of rest is lost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ...experiments.branches import Branches, Loss
from ...numerics.continuation import End, Point, Special
from .english import counted, listed
from .numbers import axis_title, number, with_unit
from .tables import Table

DIGITS = 5  # of a value of the parameter
MEANING = {
    Special.FOLD: "two states meet and vanish",
    Special.HOPF: "waves begin or end",
    Special.CROSSING: "two branches cross and exchange stability",
}
WORDS = ("No", "One", "Two", "Three", "Four", "Five")
MOST_CURVES = 3  # in a sentence
NO_BRANCH = "No steady state was found to follow, so there is no figure."


def value_text(found: Branches, q: float) -> str:
    """A value of the parameter with its unit."""
    return with_unit(q, found.states.scenario.model.unit_text(found.parameter), DIGITS)


def special_lines(found: Branches) -> list[str]:
    """A line for each special point, in the order of the parameter, as the figure numbers them."""
    clock = found.states.scenario.model.time_unit_text
    lines = []
    for _, _, point, what in found.special:
        period = f", of period {with_unit(point.period, clock)}" if math.isfinite(point.period) else ""
        lines.append(
            f"{what[0].upper()}{what[1:]} at {found.parameter} = {value_text(found, point.q)}: {MEANING[what]}{period}."
        )
    return lines


def special_table(found: Branches, curves: Sequence[str]) -> Table:
    """A row for each special point."""
    model, name = found.states.scenario.model, found.parameter
    rows = []
    for number_, (branch, _, point, kind) in enumerate(found.special, 1):
        values = found.states.values(point.states, point.q)
        row: dict[str, Any] = {
            "point": str(number_),
            "kind": str(kind),
            name: number(point.q, DIGITS),
            "branch": str(branch + 1),
        }
        rows.append(row | {curve: values[curve] for curve in curves})
    shown: dict[str, tuple[str, ...]] = {"point": ("point",), "kind": ("kind",)}
    shown |= {axis_title(each, model.unit_text(each)): (each,) for each in (name, *curves)}
    return Table(rows, shown)


def branches_text(found: Branches, curves: Sequence[str]) -> str:
    """The special points with these curves, and what becomes of the state of rest."""
    low, high = (value_text(found, each) for each in found.span)
    count = counted(len(found.branches), "branch", "branches")
    lines = [f"{found.parameter} followed from {low} to {high}: {count} of steady states", ""]
    if found.special:
        lines += [str(special_table(found, curves)), ""]
    lines += [f"{place}: {line}" for place, line in enumerate(special_lines(found), 1)]
    lines += [] if found.branches else [NO_BRANCH]
    return "\n".join([*lines, *branch_sentences(found, curves)])


def branch_sentences(found: Branches, curves: Sequence[str]) -> list[str]:
    """What becomes of the state of rest, and where there are several stable states or none."""
    own_end = [each for each in found.losses if each.kind is None and each.q == found.default and each.end is End.RANGE]
    lines = [_loss_sentence(found, loss, curves) for loss in found.losses if loss not in own_end]
    if not found.losses:
        arm = found.states.arm.name
        lines.append(f"Arm {arm} does not rest in a stable state at its own {found.parameter}, so none can be lost.")
    for each in found.stretches:
        if each.stable != 1:
            count = WORDS[each.stable] if each.stable < len(WORDS) else str(each.stable)
            between = f"between {value_text(found, each.low)} and {value_text(found, each.high)}"
            lines.append(f"{count} stable steady state{'s' * (each.stable > 1)} {between}.")
    return lines


def _loss_sentence(found: Branches, loss: Loss, curves: Sequence[str]) -> str:
    name, arm = found.parameter, found.states.arm.name
    up, down = ("rises", "above"), ("falls", "below")
    (way, beyond), (other, under) = (up, down) if loss.upwards else (down, up)
    start = f"The state in which arm {arm} rests"
    if loss.kind is None:
        if loss.q == found.default:
            return (
                f"{start} is at that end of the range." if loss.end is not End.LOST else f"{start} cannot be followed."
            )
        if loss.end is End.RANGE:
            return f"{start} stays stable as {name} {way} to {value_text(found, loss.q)}."
        return f"{start} can be followed as {name} {way} to {value_text(found, loss.q)}: {loss.end}."
    text = f"{start} is lost as {name} {way} {beyond} {value_text(found, loss.q)}, at a {loss.kind}"
    if loss.then is None:
        return f"{text}; no stable state was found behind it."
    before = found.states.values(_point(found, loss).states, loss.q)
    after = found.states.values(loss.then, loss.q)
    moved = sorted(curves, key=lambda curve: -_change(before[curve], after[curve]))[:MOST_CURVES]
    model = found.states.scenario.model
    words = [
        f"{curve} goes from {number(before[curve])} to {with_unit(after[curve], model.unit_text(curve))}"
        for curve in moved
        if _change(before[curve], after[curve]) > 0.05
    ]
    text += f": {listed(words)}." if words else "."
    if loss.back is None:
        return f"{text} It does not come back in this range."
    return f"{text} It comes back only as {name} {other} {under} {value_text(found, loss.back)}."


def _point(found: Branches, loss: Loss) -> Point:
    return next(point for point in found.branches[0].points if point.kind is not None and point.q == loss.q)


def _change(one: float, other: float) -> float:
    """How far apart two values are, as a share of both."""
    size = abs(one) + abs(other)
    return abs(one - other) / size if size and math.isfinite(size) else 0.0


def branches_document(found: Branches, curves: Sequence[str]) -> dict[str, Any]:
    """Everything but the curves, ready for JSON."""
    return {
        "parameter": found.parameter,
        "unit": found.states.scenario.model.unit_text(found.parameter),
        "own_value": found.default,
        "range": list(found.span),
        "branches": [{"points": len(each.points), "ends": [str(end) for end in each.ends]} for each in found.branches],
        "special_points": [
            {
                "kind": str(kind),
                "value": float(point.q),
                "branch": branch + 1,
                "period": point.period if math.isfinite(point.period) else None,
                "values": {
                    name: value if math.isfinite(value) else None
                    for name, value in found.states.values(point.states, point.q).items()
                },
            }
            for branch, _, point, kind in found.special
        ],
        "rest_lost": [
            {
                "direction": "up" if each.upwards else "down",
                "value": float(each.q),
                "kind": None if each.kind is None else str(each.kind),
                "comes_back_at": None if each.back is None else float(each.back),
            }
            for each in found.losses
        ],
        "stable_states": [{"from": each.low, "to": each.high, "count": each.stable} for each in found.stretches],
        "sentences": branch_sentences(found, curves),
    }
