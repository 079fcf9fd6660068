"""The evidence: a row for each expectation that was compared with a simulation, and totals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from ..runtime.json import json_number
from .expectations import Verdict


class Judgement(StrEnum):
    """How an expectation compares with a simulation."""

    MET = "met"
    KNOWN_MISS = "known miss"
    MISSED = "missed"
    WITHOUT_MECHANISM = "met without its mechanism"
    NOT_RELIABLE = "not reliable"
    NOT_SIMULATED = "not simulated"


class EvidenceRow(NamedTuple):
    """One expectation of one scenario.

    id: ``SCENARIO/EXPECTATION``. expected: the interval from `low` to `high` with its unit, as files spell it. low,
    high, simulated: in `unit`; None where there is no bound or value. reason: why there is no value. source, status,
    rule, topic, claim, missed: as in `Expectation`. without_mechanism: by arm, what it gives instead; None where there
    is no value. passes_without_mechanism: those of these arms that meet it. unreliable: the arms that the numbers come
    from and whose digits are too few to be relied on.
    """

    id: str
    that: str
    expected: str
    low: float | None
    high: float | None
    simulated: float | None
    reason: str
    unit: str
    verdict: Judgement
    source: str
    status: str
    rule: str
    topic: str
    claim: str
    missed: str
    without_mechanism: Mapping[str, float | None]
    passes_without_mechanism: list[str]
    unreliable: list[str]


def evidence_row(verdict: Verdict, scenario: str, ran: bool, accept_unreliable: bool = False) -> EvidenceRow:
    """The row of one expectation of the scenario called `scenario`, whose runs all reached their end if `ran`.

    accept_unreliable: judge numbers of few digits too, which are "not reliable" otherwise.
    """
    expectation, simulated = verdict.expectation, json_number(verdict.simulated)
    return EvidenceRow(
        id=f"{scenario}/{expectation.id}",
        that=expectation.that,
        expected=expectation.interval_text,
        low=json_number(expectation.low),
        high=json_number(expectation.high),
        simulated=simulated,
        reason=verdict.reason,
        unit=expectation.unit_text,
        verdict=_judgement(verdict, accept_unreliable) if ran or simulated is not None else Judgement.NOT_SIMULATED,
        source=expectation.source,
        status=expectation.status,
        rule=expectation.rule,
        topic=expectation.topic,
        claim=expectation.claim,
        missed=expectation.missed,
        without_mechanism={arm: json_number(value) for arm, value in verdict.without_mechanism.items()},
        passes_without_mechanism=verdict.passes_without_mechanism,
        unreliable=list(verdict.unreliable),
    )


def _judgement(verdict: Verdict, accept_unreliable: bool) -> Judgement:
    if verdict.unreliable and not accept_unreliable:
        return Judgement.NOT_RELIABLE
    if not verdict.within:
        return Judgement.KNOWN_MISS if verdict.expectation.missed else Judgement.MISSED
    return Judgement.WITHOUT_MECHANISM if verdict.passes_without_mechanism else Judgement.MET


def holds(rows: Sequence[EvidenceRow]) -> bool:
    """Whether all is as the scenarios say: met, or missed where that is known."""
    return all(row.verdict == (Judgement.KNOWN_MISS if row.missed else Judgement.MET) for row in rows)


def totals(rows: Sequence[EvidenceRow]) -> dict[str, Any]:
    """How many are met: of all, of the published facts, of those of each topic, of each claim."""
    topics, claims = _sorted({row.topic for row in rows}), _sorted({row.claim for row in rows})
    return {
        "all": _count(rows),
        "facts": _count([row for row in rows if row.topic]),
        "topics": {topic: _count([row for row in rows if row.topic == topic]) for topic in topics},
        "claims": {claim: _count([row for row in rows if row.claim == claim]) for claim in claims},
    }


def _sorted(words: set[str]) -> list[str]:
    """By number, so that C9 comes before C10, and C32a before C32b; without the empty word."""
    return sorted(words - {""}, key=lambda word: (len(word.rstrip("abc")), word))


def _count(rows: Sequence[EvidenceRow]) -> dict[str, int]:
    return {"met": sum(row.verdict == Judgement.MET for row in rows), "of": len(rows)}
