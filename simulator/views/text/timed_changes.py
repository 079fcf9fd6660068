"""Timed changes of each arm in a few words: from when to when a parameter has another value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from textwrap import shorten
from typing import NamedTuple

from ...experiments.scenario import Arm, Scenario
from .numbers import number, with_unit

FEW_LETTERS = 28  # of a label where there is little room


class Window(NamedTuple):
    """A time in which `parameter` is not what the arm starts with, the same in all of `arms`.

    start, end: in the model's unit of time; end is that of the run where it lasts. before, value: in the
    unit of the parameter. text: what changes, for people; short_text: with a label that may be cut.
    """

    parameter: str
    start: float
    end: float
    before: float
    value: float
    arms: tuple[str, ...]
    text: str
    short_text: str


def windows(scenario: Scenario, arms: Sequence[Arm]) -> list[Window]:
    """The windows of these arms, sorted by start; a window that several arms share is listed once."""
    found: dict[tuple[str, float, float, float, float], list[str]] = {}
    for arm in arms:
        for parameter in dict.fromkeys(name for change in arm.changes for name in change.parameters):
            if scenario.model.parameters[parameter].made:
                continue
            for start, end, before, value in _of(scenario, arm, parameter):
                found.setdefault((parameter, start, end, before, value), []).append(arm.name)
    made = [
        Window(name, start, end, before, value, tuple(who), *_words(scenario, name, before, value))
        for (name, start, end, before, value), who in found.items()
    ]
    return sorted(made, key=lambda window: (window.start, window.end))


def _of(scenario: Scenario, arm: Arm, parameter: str) -> list[tuple[float, float, float, float]]:
    """(start, end, before, value) of each interval in which the parameter differs from its initial value."""
    base = scenario.parameters(arm)[parameter]
    changes = [change for change in arm.changes if parameter in change.parameters]
    edges = {0.0, scenario.end, *(change.start for change in changes), *(change.end or 0.0 for change in changes)}
    marks = sorted(edge for edge in edges if 0.0 <= edge <= scenario.end)
    stretches: list[tuple[float, float, float, float]] = []
    for start, end in pairwise(marks):
        active = [change.parameters[parameter] for change in changes if change.active(start)]
        value = active[-1] if active else base  # of two changes that overlap, the later line wins
        if value == base:
            continue
        if stretches and stretches[-1][1] == start and stretches[-1][3] == value:
            start = stretches.pop()[0]
        stretches.append((start, end, base, value))
    return stretches


def _words(scenario: Scenario, parameter: str, before: float, value: float) -> tuple[str, str]:
    """``share of the growth that a drug stops: 0 → 1``, and ``share of the growth that a…: 0 → 1``."""
    item = scenario.model.parameters[parameter]
    label = re.split(r"[,:;(]", item.label)[0].strip()
    change = f"{number(before)} → {with_unit(value, item.unit_text)}"
    blocked = [each.label for each in scenario.model.interventions.values() if each.block == parameter]
    short = f"{blocked[0]} blocked" if blocked and len(blocked[0]) < FEW_LETTERS else label
    return f"{label}: {change}", f"{shorten(short, FEW_LETTERS, placeholder='…')}: {change}"
