"""What expectations add up to, in words: numbers, directions, memory, thresholds and facts set aside, each apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...experiments.evidence import Basis
from ...experiments.facts import Fact
from ...files.toml.catalogue import BlindTest
from .numbers import number

BASES = {
    Basis.NUMBER: "published numbers",
    Basis.DIRECTION: "directions only",
    Basis.MEMORY: "from memory",
    Basis.THRESHOLD: "thresholds of our own",
    Basis.WITHOUT_RULE: "without a rule, mostly published equations computed again",
}


def numbers_text(found: Mapping[str, Any]) -> str:
    """How well numbers are met: ``3 of 4 within the published interval, 2 within a factor 1.5 of the published value``.

    found: of `experiments.evidence.numbers`.
    """
    text = (
        f"{found['met']} of {found['of']} within the published interval,"
        f" {found['near']} within a factor {number(found['factor'], 3)} of the published value"
    )
    if found["fold_error"] is not None:
        text += f"; geometric mean fold error {number(found['fold_error'], 3)} over {found['fold_errors']}"
    reasons = {
        "not_defined": "one bound, an end at zero, or a temperature",
        "nothing": "none, zero or the other sign simulated",
    }
    without = [f"{found[key]} ({words})" for key, words in reasons.items() if found[key]]
    return text + (f"; none defined for {' and '.join(without)}" if without else "")


def totals_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """A line for each basis that occurs, and one for the facts that are set aside.

    found: of `experiments.evidence.totals`.
    """
    for basis, words in BASES.items():
        each = found["bases"][basis]
        if each["of"]:
            share = numbers_text(found["numbers"]) if basis == Basis.NUMBER else f"{each['met']} of {each['of']} met"
            yield f"{words}: {share}"
    if found["set_aside"]["of"]:
        by_topic = (f"{topic} {each['met']} of {each['of']}" for topic, each in found["topics_set_aside"].items())
        yield (
            f"set aside, never used for fitting: {numbers_text(found['set_aside'])};"
            f" within the interval by topic: {', '.join(by_topic)}"
        )


def not_asked_lines(facts: Sequence[Fact]) -> list[str]:
    """How many facts of the register no expectation asks; no line where there is none."""
    if not facts:
        return []
    held_out = sum(fact.set_aside for fact in facts)
    also = f", {held_out} of them set aside" if held_out else ""
    return [f"facts of the register that no expectation asks yet: {len(facts)}{also}"]


def comparison_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """How the model that was asked does beside the scenarios' own, of all and by topic.

    found: of `experiments.evidence.compared`.
    """
    rows = {**found["topics"], "all": found["all"]}
    width = max(map(len, rows))
    yield ""
    yield "beside the scenarios' own model, met by both, by this model alone, by their own alone, by neither:"
    for name, each in rows.items():
        counts = "".join(f"{each[key]:6}" for key in ("both", "alone", "own", "neither"))
        better = {1: "better", 0: "equal", -1: "worse"}[(each["alone"] > each["own"]) - (each["alone"] < each["own"])]
        yield f"  {name:{width}}{counts}  {better}"
    if found["fold_errors"]:
        yield (
            f"geometric mean fold error over {found['fold_errors']} numbers of both:"
            f" {number(found['fold_error'], 3)}, their own model {number(found['own_fold_error'], 3)}"
        )


def blind_tests_text(tests: Sequence[BlindTest]) -> str:
    """The tests of one day and version in one sentence: ``facts ...: 14 of 43; probes: 20 of 52 (28 November ...``"""
    days: dict[tuple[str, str], list[str]] = {}
    for test in tests:
        day = f"{test.date.day} {test.date:%B %Y}"
        days.setdefault((day, test.version), []).append(f"{test.of_what}: {test.met} of {test.of}")
    return "; ".join(f"{'; '.join(found)} ({day}, version {version})" for (day, version), found in days.items())
