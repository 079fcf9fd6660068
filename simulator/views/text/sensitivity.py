"""Which parameters matter for the measures of a sweep, and who responds, as ranked tables and sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...experiments.scenario import MAIN
from ...experiments.sweeps.compute import SweepResult
from ...experiments.sweeps.designs import Axis
from ...experiments.sweeps.responders import Effect, Responders, who_responds
from ...experiments.sweeps.sensitivity import Index, Sensitivity, sensitivities
from ...experiments.sweeps.sensitivity_designs import Local, Saltelli
from ...runtime.json import json_number
from .english import counted, listed
from .numbers import interval, number, percent, with_unit
from .sweep_measures import title
from .tables import Table

MOST_ROWS, MOST_TABLES = 12, 6  # that a terminal shows
MOST_NAMED = 4  # parameters in a sentence
MATTERS = 0.01  # of the largest index, or of the variance: less is not named


def sensitivity_text(result: SweepResult) -> str:
    """A table and a sentence for each arm and measure; empty for designs that are not made for it."""
    parts = [
        _part(_head(result, each.arm, each.measure), index_table(result, each), sentence_of(result, each))
        for each in sensitivities(result)
    ]
    for found in _most_said_first(result, who_responds(result)):
        head = _head(result, found.arm, found.measure)
        parts.append(_part(head, effect_table(result, found), responders_sentence(result, found)))
    more = len(parts) - MOST_TABLES
    rest = [f"and {counted(more, 'more table')}: the folder holds them all"] if more > 0 else []
    return "\n\n".join([*parts[:MOST_TABLES], *rest])


def _most_said_first(result: SweepResult, found: Sequence[Responders]) -> list[Responders]:
    return sorted(found, key=lambda each: (not each.effects, not result.sweep.measures[each.measure].levels))


def _part(head: str, table: Table, sentence: str) -> str:
    rows = Table(table[:MOST_ROWS], table.shown)
    more = len(table) - len(rows)
    rest = [f"and {counted(more, 'parameter')} with less"] if more else []
    return "\n".join([head, *([str(rows)] if rows else []), *rest, sentence])


def _head(result: SweepResult, arm: int, measure: int) -> str:
    name = result.sweep.arms[arm]
    return f"{title(result.sweep.measures[measure])}{'' if name == MAIN else f', arm {name}'}:"


def index_table(result: SweepResult, found: Sensitivity) -> Table:
    """A row for each parameter, the most influential first, with 95 % intervals."""
    unit = result.sweep.measures[found.measure].unit_text
    rows, shown = [], dict[str, tuple[str, ...]]()
    for each in found.indices:
        row = {"parameter": each.axis.path, "value": each.value, "half": each.half, "second": each.second}
        rows.append(row | {"second_half": each.second_half, "spread": each.spread, "unit": unit})
    if isinstance(result.sweep.design, Saltelli):
        shown = {"total index": ("value",), "±": ("half",), "first index": ("second",), "± ": ("second_half",)}
    elif isinstance(result.sweep.design, Local):
        shown = {"elasticity": ("value",), "±": ("half",)}
    else:
        shown = {"mean change": ("value", "unit"), "±": ("half", "unit"), "with sign": ("second", "unit")}
        shown |= {"spread": ("spread", "unit")}
    return Table(rows, {"parameter": ("parameter",), **shown})


def sentence_of(result: SweepResult, found: Sensitivity, names: bool = True) -> str:
    """What the indices say, in words; with the `names` of parameters, or their labels."""
    item, design = result.sweep.measures[found.measure], result.sweep.design
    if not found.indices:
        return f"No indices: {found.reason}."
    name, least = title(item), MATTERS * abs(found.indices[0].value)
    clear = [each for each in found.indices if abs(each.value) > max(each.half, least)]
    left = f" Without {counted(found.left_out, 'group')} in which a member has no value." if found.left_out else ""
    if found.left_out and isinstance(design, Local):
        left = f" Without {counted(found.left_out, 'parameter')} whose own value is 0, or with a step without a value."
    if not clear:
        return f"No parameter can be told from none: take more members.{left}"
    named = clear[:MOST_NAMED]
    if isinstance(design, Saltelli):
        parts = [
            f"{_called(each.axis, names)} {percent(min(max(each.value, 0.0), 1.0))}"
            for each in named
            if each.value >= MATTERS
        ]
        alone = min(max(sum(each.second or 0.0 for each in found.indices), 0.0), 1.0)
        together = f"{percent(alone)} comes from single parameters, the rest from their acting together"
        return f"Parts in the variance of {name}: {listed(parts)}; {together}.{_too_few(found, names)}{left}"
    if isinstance(design, Local):
        parts = [f"{_called(each.axis, names)} by {number(each.value, 2)} %" for each in named]
        return f"{name} changes, where a parameter is 1 % larger: with {listed(parts)}.{left}"
    parts = [f"{_called(each.axis, names)} by {with_unit(each.value, item.unit_text)}{_way(each)}" for each in named]
    return (
        f"{name} changes on average, over the range of a parameter: with {listed(parts)}.{_too_few(found, names)}{left}"
    )


def _called(axis: Axis, names: bool) -> str:
    return axis.path if names else f"“{axis.label}”"


def _too_few(found: Sensitivity, names: bool) -> str:
    wide = [each for each in found.indices[:MOST_NAMED] if each.half > 0.5 * abs(each.value)]
    return (
        f" The interval of {_called(wide[0].axis, names)} is wide: take more members."
        if wide and wide[0] is found.indices[0]
        else ""
    )


def _way(index: Index) -> str:
    """In which way a parameter moves a measure, by Morris' mean with and without sign."""
    share = (index.second or 0.0) / index.value if index.value else 0.0
    return " (up)" if share > 0.9 else " (down)" if share < -0.9 else " (both ways)"


def effect_table(result: SweepResult, found: Responders) -> Table:
    """A row for each thing that differs between patients, the largest effect first."""
    rows = [
        {
            "parameter": each.axis.path,
            "effect": each.size,
            "interval": interval(each.low, each.high, "1", 2),
            "median": each.median,
            "other": each.other,
            "unit": each.axis.unit_text,
        }
        for each in found.effects
    ]
    shown: dict[str, tuple[str, ...]] = {"parameter": ("parameter",)}
    shown |= {"effect" if found.responders is not None else "rank correlation": ("effect",), "95 %": ("interval",)}
    if found.responders is not None:
        item = result.sweep.measures[found.measure]
        shown |= {interval(item.low, item.high, item.unit_text): ("median", "unit"), "others": ("other", "unit")}
    return Table(rows, shown)


def responders_sentence(result: SweepResult, found: Responders, names: bool = True) -> str:
    """Who responds, in words; with the `names` of parameters, or their labels."""
    item, patients = result.sweep.measures[found.measure], counted(found.patients, "patient")
    clear = [each for each in found.effects if each.clear][:MOST_NAMED]
    if found.responders is None:
        if not found.effects:
            return f"Too few values to say what goes with it: {patients}."
        if not clear:
            return f"Nothing that differs between {patients} goes clearly with it."
        parts = [
            f"{'more' if each.size > 0 else 'less'} {_called(each.axis, names)} ({number(each.size, 2)})"
            for each in clear
        ]
        return f"It is higher with {listed(parts)}, by rank correlation among {patients}."
    level = interval(item.low, item.high, item.unit_text)
    count = f"{found.responders:,} of {patients} are {level}"
    if not found.effects:
        return f"{count}: too few of one kind to say who."
    if not clear:
        return f"{count}; nothing that differs between them goes clearly with it."
    return f"{count}: those with {listed([_responder_words(each, names) for each in clear])}."


def _responder_words(effect: Effect, names: bool) -> str:
    more, unit = "more" if effect.size > 0 else "less", effect.axis.unit_text
    one, other = (with_unit(each or 0.0, unit) for each in (effect.median, effect.other))
    return f"{more} {_called(effect.axis, names)} ({one} against {other})"


def sensitivity_document(result: SweepResult) -> dict[str, Any]:
    """All indices and effects, ready for JSON; nothing for other designs."""
    found: dict[str, Any] = {}
    if indices := sensitivities(result):
        found["sensitivities"] = [
            {
                **_whose(result, each.arm, each.measure),
                "used": each.used,
                "left_out": each.left_out,
                "reason": each.reason,
                "indices": [
                    {
                        "parameter": row.axis.path,
                        **{key: json_number(getattr(row, key)) for key in row._fields if key != "axis"},
                    }
                    for row in each.indices
                ],
                "sentence": sentence_of(result, each),
            }
            for each in indices
        ]
    if responders := who_responds(result):
        found["responders"] = [
            {
                **_whose(result, each.arm, each.measure),
                "patients": each.patients,
                "responders": each.responders,
                "effects": [
                    {
                        "parameter": row.axis.path,
                        **{key: json_number(getattr(row, key)) for key in row._fields if key != "axis"},
                    }
                    for row in each.effects
                ],
                "sentence": responders_sentence(result, each),
            }
            for each in responders
        ]
    return found


def _whose(result: SweepResult, arm: int, measure: int) -> dict[str, str]:
    item = result.sweep.measures[measure]
    return {"arm": result.sweep.arms[arm], "measure": item.id, "unit": item.unit_text}


def sensitivity_rows(result: SweepResult) -> list[dict[str, Any]]:
    """A row for each arm, measure and parameter, for tables of programs; empty for designs that are not made for it."""
    found = sensitivity_document(result)
    return [
        {"arm": each["arm"], "measure": each["measure"], "rank": rank, **row}
        for key, rows in (("sensitivities", "indices"), ("responders", "effects"))
        for each in found.get(key, ())
        for rank, row in enumerate(each[rows], 1)
    ]
