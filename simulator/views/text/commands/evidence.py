"""Expectations against simulations, as text for the terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from ....experiments.evidence import EvidenceRow, Judgement, totals
from ..english import counted
from ..evidence_totals import totals_lines
from ..numbers import interval, number
from ..verdicts import doubt

MARKS = {
    Judgement.MET: "met   ",
    Judgement.KNOWN_MISS: "missed",
    Judgement.MISSED: "MISSED",
    Judgement.WITHOUT_MECHANISM: "UNSAFE",
    Judgement.NOT_RELIABLE: "UNSURE",
    Judgement.NOT_SIMULATED: "FAILED",
}


def evidence_text(rows: Sequence[EvidenceRow], last: Sequence[str], set_aside: bool) -> str:
    """The table for people: misses are marked, totals are below.

    last: lines at the end, about more than these rows. set_aside: the facts that are set aside too, apart; without it
    they are only counted, as nobody who chooses numbers of the model may see how each of them does.
    """
    if not rows:
        return "\n".join(["no expectations", *last])
    width = max(len(row.id) for row in rows)
    counted_ones, held_out = [row for row in rows if not row.set_aside], [row for row in rows if row.set_aside]
    lines = list(_rows(counted_ones, width))
    if held_out and set_aside:
        lines += ["", "set aside, never used for fitting, whether they are met or not:", *_rows(held_out, width)]
    return "\n".join([*lines, *_totals(rows), *last])


def _rows(rows: Sequence[EvidenceRow], width: int) -> Iterator[str]:
    for row in rows:
        found = row.reason or "none" if row.simulated is None else number(row.simulated, 4)
        mark = MARKS[row.verdict].lower() if row.set_aside else MARKS[row.verdict]
        yield f"{mark}  {row.id:{width}}  {found:>10}  expected {expected_range(row)}  [{row.source}]"
        yield f"        {'':{width}}  {row.that}"
        if row.verdict == Judgement.KNOWN_MISS:
            yield f"        {'':{width}}  known miss: {row.missed}"
        if row.verdict == Judgement.NOT_RELIABLE:
            yield f"        {'':{width}}  not reliable: fewer than three digits in arm {', '.join(row.unreliable)}"
        if doubts := _doubt(row):
            yield f"        {'':{width}}  {doubts}"
        for arm, value in row.without_mechanism.items() if row.verdict == Judgement.MET else ():
            without = "none" if value is None else number(value, 4)
            yield f"        {'':{width}}  shows {row.claim or 'the mechanism'}: without it, in arm {arm}, {without}"


def _totals(rows: Sequence[EvidenceRow]) -> Iterator[str]:
    found_totals = totals(rows)
    for title, key in (("published facts", "topics"), ("claims", "claims")):
        if found_totals[key]:
            yield f"\n{title}, met of all:"
            yield from (f"  {name:16}  {each['met']:4} of {each['of']}" for name, each in found_totals[key].items())
    every = found_totals["all"]
    known = sum(row.verdict == Judgement.KNOWN_MISS for row in rows)
    unsure = sum(row.verdict == Judgement.NOT_RELIABLE and not row.set_aside for row in rows)
    others = f", {known} known miss{'es' * (known > 1)}" if known else ""
    others += f", {unsure} not reliable" if unsure else ""
    yield "\nby what they rest on:"
    yield from (f"  {line}" for line in totals_lines(found_totals))
    yield f"\n{every['met']} of {counted(every['of'], 'expectation')} met{others}"


def expected_range(row: EvidenceRow) -> str:
    """The interval that was expected, as people read it."""
    low, high = (-math.inf if row.low is None else row.low), (math.inf if row.high is None else row.high)
    return interval(low, high, row.unit, 4)


def _doubt(row: EvidenceRow) -> str:
    if row.verdict not in (Judgement.MET, Judgement.WITHOUT_MECHANISM):
        return ""
    return doubt(bool(row.missed), {arm: row.without_mechanism[arm] for arm in row.passes_without_mechanism})
