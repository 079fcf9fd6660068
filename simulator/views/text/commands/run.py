"""A run in words, for the terminal."""

from __future__ import annotations

import math
from pathlib import Path

from ....experiments.clock import clock_of
from ....experiments.expectations import asked, set_aside
from ....experiments.run import ArmResult, RunResult
from ....experiments.scenario import Scenario
from ....experiments.schedule import LedgerLine
from ..answers import answer_lines
from ..data import data_lines
from ..english import counted
from ..numbers import number, with_unit
from ..reliability import digits_text, first, unreliable_lines
from ..rules import decision_lines, fired_lines, jump_lines
from ..undefined import undefined_lines
from ..verdicts import verdict_line


def run_text(result: RunResult, folder: Path | None = None) -> str:
    """The answer to the question, what happened, arm by arm, and where the results are, if they were written."""
    scenario = result.scenario
    lines = [scenario.title]
    if scenario.question:
        lines.append(scenario.question)
    lines += ["", *answer] if (answer := answer_lines(result)) else []
    for arm in result.arms.values():
        lines += ["", *_arm_lines(arm, scenario)]
    counted_ones, held_out = asked(result.verdicts), set_aside(result.verdicts)
    if result.verdicts:
        met = sum(verdict.met for verdict in counted_ones)
        doubted = sum(bool(verdict.unreliable) for verdict in counted_ones)
        others = f", {doubted} not reliable" if doubted else ""
        others += f"; set aside: {sum(verdict.met for verdict in held_out)} of {len(held_out)} met" if held_out else ""
        lines += ["", f"expectations: {met} of {len(counted_ones)} met{others}"]
    skipped = len(scenario.expectations) - len(result.verdicts)
    if skipped:
        lines.append(f"  {skipped} not judged: they need arms that were not run")
    lines += [f"left out: {each}" for each in scenario.truncated]
    lines += [verdict_line(verdict) for verdict in (*counted_ones, *held_out)]
    if result.data:
        lines += ["", "data:", *(f"  {line}" for line in data_lines(scenario, result.data))]
    apart_from = len(scenario.data) - len(result.data)
    if apart_from:
        lines.append(f"  {counted(apart_from, 'block')} of data not compared: they need arms that were not run")
    if folder is not None:
        lines += ["", f"results in {folder}"]
    return first(unreliable_lines([result]), "\n".join(lines))


def _arm_lines(result: ArmResult, scenario: Scenario) -> list[str]:
    time_unit, (clock, time_factor) = scenario.model.time_unit_text, clock_of(scenario)
    arm, trajectory, certificate = result.arm, result.trajectory, result.certificate
    title = f"arm {arm.name}" + (f" ({arm.label})" if arm.label and arm.label != arm.name else "")
    if not trajectory.outcome.ok:
        kept = f"{counted(len(trajectory.times), 'saved time')} before it kept"
        return [f"{title}: FAILED, {trajectory.outcome.message}; {kept}"]
    digits = digits_text(certificate, time_unit)
    lines = [f"{title}: {counted(trajectory.steps, 'step')} in {trajectory.seconds:.2f} s, {digits}"]
    for line in result.ledger:
        each = f"{line.given} of {counted(line.count, 'dose')}"
        lines.append(
            f"  {line.dose} → {line.target}: {each}, ordered {with_unit(line.ordered, line.unit, 4)}, "
            f"delivered {number(line.delivered, 4)}, {_held(line)}remaining {number(line.remaining, 4)}"
            f"{_absorbed(line)}"
        )
    lines += [f"  {text}" for text in decision_lines(result.decisions, clock, time_factor)]
    lines += [f"  {text}" for text in fired_lines(result.fired, scenario.model, clock, time_factor)]
    lines += [f"  {text}" for text in jump_lines(result.jumps, clock, time_factor)]
    return [*lines, *(f"  {text}" for text in undefined_lines(trajectory, time_unit))]


def _held(line: LedgerLine) -> str:
    """What rules withheld."""
    return f"held {number(line.held, 4)}, " if line.held else ""


def _absorbed(line: LedgerLine) -> str:
    """What entered the target, where that is not what was delivered."""
    same = math.isclose(line.absorbed, line.delivered, rel_tol=1e-9)
    return "" if same else f", absorbed {number(line.absorbed, 4)}"
