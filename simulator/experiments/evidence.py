"""The evidence: a row for each expectation that was compared with a simulation, and totals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from ..runtime.json import json_number
from .expectations import Verdict
from .fold_error import FACTOR, central_value, fold_error, geometric_mean, is_near
from .scenario import Expectation


class Judgement(StrEnum):
    """How an expectation compares with a simulation."""

    MET = "met"
    KNOWN_MISS = "known miss"
    MISSED = "missed"
    WITHOUT_MECHANISM = "met without its mechanism"
    NOT_RELIABLE = "not reliable"
    NOT_SIMULATED = "not simulated"


class Basis(StrEnum):
    """What an expectation rests on; each has one basis."""

    NUMBER = "published number"
    DIRECTION = "direction only"
    MEMORY = "from memory"
    THRESHOLD = "threshold of our own"
    WITHOUT_RULE = "without a rule"  # mostly published equations that were computed again


class EvidenceRow(NamedTuple):
    """One expectation of one scenario.

    id: ``SCENARIO/EXPECTATION``. expected: the interval from `low` to `high` with its unit, as files spell it. low,
    high, simulated: in `unit`; None where there is no bound or value. reason: why there is no value. source, status,
    rule, topic, claim, missed, fact, set_aside: as in `Expectation`. without_mechanism: by arm, what it gives instead;
    None where there is no value. passes_without_mechanism: those of these arms that meet it. unreliable: the arms that
    the numbers come from and whose digits are too few to be relied on. basis: what it rests on. central: the
    published value, in `unit`; fold_error: how far the simulated one is from it, and near: whether that is not far; see
    the functions of these names.
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
    basis: Basis
    central: float | None
    fold_error: float | None
    near: bool
    fact: str
    set_aside: bool


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
        basis=basis_of(expectation),
        central=central_value(expectation),
        fold_error=fold_error(expectation, verdict.simulated),
        near=is_near(expectation, verdict.simulated),
        fact=expectation.fact,
        set_aside=expectation.set_aside,
    )


def basis_of(expectation: Expectation) -> Basis:
    """What it rests on: how the number was found goes before the rule by which it became an interval."""
    if expectation.status.startswith("from memory"):
        return Basis.MEMORY
    if expectation.status.startswith("assumed") or expectation.source.startswith("assumed"):
        return Basis.THRESHOLD
    if expectation.rule == "direction":
        return Basis.DIRECTION
    return Basis.NUMBER if expectation.rule else Basis.WITHOUT_RULE


def _judgement(verdict: Verdict, accept_unreliable: bool) -> Judgement:
    if verdict.unreliable and not accept_unreliable:
        return Judgement.NOT_RELIABLE
    if not verdict.within:
        return Judgement.KNOWN_MISS if verdict.expectation.missed else Judgement.MISSED
    return Judgement.WITHOUT_MECHANISM if verdict.passes_without_mechanism else Judgement.MET


def holds(rows: Sequence[EvidenceRow]) -> bool:
    """Whether all is as the scenarios say: met, or missed where that is known; facts set aside may be either."""
    return all(row.set_aside or row.verdict == (Judgement.KNOWN_MISS if row.missed else Judgement.MET) for row in rows)


def totals(rows: Sequence[EvidenceRow]) -> dict[str, Any]:
    """How many are met, without the facts that are set aside: of all, of the published facts, of those of each topic,
    of each claim, of each basis; the published numbers; and the facts that are set aside (see `numbers`), also of each
    topic."""
    counted, held_out = ([row for row in rows if row.set_aside is which] for which in (False, True))
    claims = _sorted({row.claim for row in counted})
    return {
        "all": _count(counted),
        "facts": _count([row for row in counted if row.topic]),
        "topics": _count_by_topic(counted),
        "claims": {claim: _count([row for row in counted if row.claim == claim]) for claim in claims},
        "bases": {basis.value: _count([row for row in counted if row.basis == basis]) for basis in Basis},
        "numbers": numbers([row for row in counted if row.basis == Basis.NUMBER]),
        "set_aside": numbers(held_out),
        "topics_set_aside": _count_by_topic(held_out),
    }


def numbers(rows: Sequence[EvidenceRow]) -> dict[str, float | int | None]:
    """How well published numbers are met, of those that can be relied on.

    met: within the published interval. near: within the factor `factor`, see `is_near`. fold_error: the geometric mean
    of `fold_errors` fold errors. not_defined: intervals without a central value. nothing: simulated none, zero or the
    other sign, which has no fold error either.
    """
    judged = [row for row in rows if row.verdict not in (Judgement.NOT_RELIABLE, Judgement.NOT_SIMULATED)]
    folds = [row.fold_error for row in judged if row.fold_error is not None]
    nothing = sum(row.central is not None and row.fold_error is None for row in judged)
    return {
        **_count(rows),
        "near": sum(row.near for row in judged),
        "factor": FACTOR,
        "fold_error": geometric_mean(folds),
        "fold_errors": len(folds),
        "not_defined": len(judged) - len(folds) - nothing,
        "nothing": nothing,
    }


def compared(rows: Sequence[EvidenceRow], own: Sequence[EvidenceRow]) -> dict[str, Any]:
    """How another model does beside the scenarios' own on the same expectations, facts set aside left out.

    rows: of the other model. own: of the scenarios' own models, each for the row of the same id. Counts of those met
    by ``both``, by the other model ``alone``, by the ``own`` one alone and by ``neither``, of all and of each topic;
    and over the numbers of which both have one the geometric mean fold errors of either.
    """
    by_id = {row.id: row for row in own}
    pairs = [(row, by_id[row.id]) for row in rows if not row.set_aside]
    folds = [(row.fold_error, other.fold_error) for row, other in pairs]
    both = [(one, other) for one, other in folds if one is not None and other is not None]
    return {
        "all": _met_by(pairs),
        "topics": {topic: _met_by([pair for pair in pairs if pair[0].topic == topic])
                   for topic in _sorted({row.topic for row, _ in pairs})},
        "fold_errors": len(both),
        "fold_error": geometric_mean([one for one, _ in both]),
        "own_fold_error": geometric_mean([other for _, other in both]),
    }  # fmt: skip


def _count_by_topic(rows: Sequence[EvidenceRow]) -> dict[str, dict[str, int]]:
    return {
        topic: _count([row for row in rows if row.topic == topic]) for topic in _sorted({row.topic for row in rows})
    }


def _met_by(pairs: Sequence[tuple[EvidenceRow, EvidenceRow]]) -> dict[str, int]:
    met = [(_in_interval(row), _in_interval(own)) for row, own in pairs]
    names = {"both": (True, True), "alone": (True, False), "own": (False, True), "neither": (False, False)}
    return {name: met.count(which) for name, which in names.items()}


def _in_interval(row: EvidenceRow) -> bool:
    return row.verdict in (Judgement.MET, Judgement.WITHOUT_MECHANISM)


def _sorted(words: set[str]) -> list[str]:
    """By number, so that C9 comes before C10, and C32a before C32b; without the empty word."""
    return sorted(words - {""}, key=lambda word: (len(word.rstrip("abc")), word))


def _count(rows: Sequence[EvidenceRow]) -> dict[str, int]:
    return {"met": sum(row.verdict == Judgement.MET for row in rows), "of": len(rows)}
