"""Verdicts in words: what was expected, what was simulated, and why an expectation that is met may prove nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ...experiments.expectations import Verdict, asked, set_aside
from .english import counted
from .numbers import interval, number, with_unit


def expected_text(verdict: Verdict) -> str:
    """The interval that was expected: ``2 to 5 pM``, ``above 1``."""
    expectation = verdict.expectation
    return interval(expectation.low, expectation.high, expectation.unit_text, 4)


def simulated_text(verdict: Verdict) -> str:
    """The value that was simulated, with its unit, or why there is none: ``never``, ``undefined: ...``."""
    return verdict.reason or with_unit(verdict.simulated, verdict.expectation.unit_text, 4)


def doubt_text(verdict: Verdict) -> str:
    """Why an expectation that is met is in doubt; empty if it is not."""
    if not verdict.met:
        return ""
    passes = {arm: verdict.without_mechanism[arm] for arm in verdict.passes_without_mechanism}
    return doubt(bool(verdict.expectation.missed), passes)


def doubt(known_miss: bool, passes_without_mechanism: Mapping[str, float | None]) -> str:
    """Why an expectation that is met is in doubt: it is known as a miss, or these arms, without the mechanism that it
    is to show, meet it too. Empty if neither."""
    if known_miss:
        return "a known miss, but it is met"
    arms = [f"{arm} ({number(value, 4)})" for arm, value in passes_without_mechanism.items()]
    return f"proves nothing: it also holds in arm {', '.join(arms)}" if arms else ""


class VerdictCounts(NamedTuple):
    """All verdicts of a run in one line. text: ``11 of 12 expectations met, 1 known miss``; empty where there is none.
    mark: ``met`` where all is as the scenario says, ``missed`` or ``not-reliable``."""

    text: str
    mark: str


def verdict_counts(verdicts: Sequence[Verdict]) -> VerdictCounts:
    """How many expectations are met, missed as announced, missed, and not judged; facts that are set aside apart."""
    counted_ones, held_out = asked(verdicts), set_aside(verdicts)
    if not verdicts:
        return VerdictCounts("", "met")
    met = sum(each.met for each in counted_ones)
    known = sum(each.known_miss for each in counted_ones)
    doubted = sum(bool(each.unreliable) for each in counted_ones)
    missed = len(counted_ones) - met - known - doubted
    parts = [f"{met} of {counted(len(counted_ones), 'expectation')} met"] if counted_ones else []
    parts += [counted(known, "known miss", "known misses")] if known else []
    parts += [f"{missed} missed"] if missed else []
    parts += [f"{doubted} not reliable"] if doubted else []
    parts += [f"set aside: {sum(each.met for each in held_out)} of {len(held_out)} met"] if held_out else []
    return VerdictCounts(", ".join(parts), "not-reliable" if doubted else "missed" if missed else "met")


def verdict_line(verdict: Verdict) -> str:
    """One expectation: met or missed, what was simulated, what was expected."""
    expectation = verdict.expectation
    if expectation.set_aside:
        found = "not reliable" if verdict.unreliable else "met" if verdict.met else "missed"
        return f"  set aside, {found}: {expectation.that}: {simulated_text(verdict)} ({_expected(verdict)})"
    if verdict.unreliable:
        arms = ", ".join(verdict.unreliable)
        return f"  not reliable (arm {arms}) {expectation.that}: {simulated_text(verdict)} ({_expected(verdict)})"
    mark = "met   " if verdict.met else "missed" if expectation.missed else "MISSED"
    why = f"; known miss: {expectation.missed}" if verdict.known_miss else ""
    doubts = f"\n         {doubt_text(verdict)}" if doubt_text(verdict) else ""
    return f"  {mark} {expectation.that}: {simulated_text(verdict)} ({_expected(verdict)}{why}){doubts}"


def _expected(verdict: Verdict) -> str:
    return f"expected {expected_text(verdict)}; {verdict.expectation.source}"
