"""A sweep for the terminal: results, failures, how to continue it, and its estimated cost."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ....experiments.certificate import RELIABLE, rounded_down
from ....experiments.scenario import MAIN
from ....experiments.sweeps.compute import SweepResult
from ....experiments.sweeps.observed import among_members, measured
from ....experiments.sweeps.outcome import SweepEstimate, SweepOutcome
from ....experiments.sweeps.statistics import measure_statistics
from ....files.results.member_store import DAMAGED
from ....runtime.progress import bytes_text, duration
from ....runtime.text import listed
from ..acceptance import acceptance_text
from ..data import among_line
from ..english import counted
from ..numbers import number
from ..reliability import WARNING, first
from ..sensitivity import sensitivity_text
from ..sweep_measures import share_text
from ..tables import Table


def sweep_text(outcome: SweepOutcome) -> str:
    """Results, failures, and where they are stored."""
    scenario = outcome.result.scenario
    lines = [scenario.title] + ([scenario.question] if scenario.question else [])
    lines += ["", members_line(outcome)]
    lines += ["", str(measure_table(outcome.result))] if len(outcome.result.numbers) else []
    ranked = sensitivity_text(outcome.result) if not outcome.missing else ""
    lines += ["", ranked] if ranked else []
    kept = acceptance_text(outcome.result) if not outcome.missing else ""
    lines += ["", kept] if kept else []
    found = among_members(outcome.result)
    others = measured(outcome.result).others
    lines += [""] if found or others else []
    lines += [f"data {among_line(each)}" for each in found]
    if others:
        names = listed([each.name for each in others], 3)
        lines.append(f"data not compared: {names}; the arms that are swept have other doses or parameters")
    if outcome.failed:
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in sorted(outcome.failures.items()))
        lines += ["", f"{counted(outcome.failed, 'member')} failed: {kinds}"]
        lines += [f"  member {number}, arm {arm}: {message}" for number, arm, message in outcome.first_failures]
    lines += ["", certificate_text(outcome)]
    lines += ["", f"results in {outcome.folder}"] if outcome.folder is not None else []
    return first(unreliable_members(outcome), "\n".join(lines))


def certificate_text(outcome: SweepOutcome) -> str:
    """How many members were computed twice, by what, and their median and fewest digits."""
    found = outcome.certificate
    if found.median is None or found.least is None:
        return f"digits not certified ({found.reason})"
    text = f"computed twice, by {found.solver}: {counted(len(found.numbers), 'member')}"
    digits = f"{rounded_down(found.least)} digits{' certified' if found.reliable else ''} in the worst"
    digits += f" ({found.worst.measure} of member {found.worst.number})" if found.worst is not None else ""
    return f"{text}; {digits}, {rounded_down(found.median)} in the median"


def unreliable_members(outcome: SweepOutcome) -> list[str]:
    """Lines that say how many runs were refused, and how many of the members that were computed twice have too few
    digits; none where there are none."""
    lines = []
    if outcome.refused:
        runs = counted(outcome.refused, "run of a member", "runs of members")
        lines.append(f"{WARNING}: {runs} refused, as a state rises again out of rounding")
    found = outcome.certificate
    if found.unreliable and found.worst is not None and found.least is not None:
        arm = "" if found.worst.arm == MAIN else f", arm {found.worst.arm}"
        twice = counted(len(found.numbers), "member")
        lines.append(
            f"{WARNING}: {len(found.unreliable):,} of {twice} computed twice have under {number(RELIABLE)} digits; "
            f"the fewest, {rounded_down(found.least)}, in {found.worst.measure} of member {found.worst.number}{arm}"
        )
    return lines


def members_line(outcome: SweepOutcome) -> str:
    """How many members there are, of which design, and how they were obtained."""
    members = len(outcome.result.numbers)
    design = outcome.result.sweep.design
    axes = ", ".join(axis.path for axis in design.axes)
    what = (
        f"{counted(members, 'member')} ({design.kind} of {axes})"
        if axes
        else f"{counted(members, 'member')} ({design.kind})"
    )
    if outcome.merged:
        return f"{what}, {outcome.missing:,} missing" if outcome.missing else f"{what}, none missing"
    rate = f" in {duration(outcome.seconds)}" if outcome.computed else ""
    return f"{what}: {outcome.computed:,} computed{rate}, {max(members - outcome.computed, 0):,} reused"


def measure_table(result: SweepResult) -> Table:
    """A row for each measure and arm: median and 5 % to 95 % of the members, and how many have no value."""
    several, measures = len(result.sweep.arms) > 1, {each.id: each for each in result.sweep.measures}
    rows = [row._asdict() for row in measure_statistics(result)]
    for row in rows:
        arm = f", {result.scenario.arm(row['arm']).title}" if several else ""
        row["name"] = (row["label"] or row["id"]) + arm
        row["of all"] = "" if row["share"] is None else share_text(measures[row["id"]], row["share"])
    values = {title: (key, "unit") for title, key in (("median", "median"), ("5 %", "low"), ("95 %", "high"))}
    shown = {"measure": ("name",), **values, "never": ("never",)}
    shown |= {"undefined": ("undefined",), "why": ("why_undefined",)} if any(row["undefined"] for row in rows) else {}
    shown |= {"failed": ("failed",)}
    return Table(rows, {**shown, "of all": ("of all",)} if any(row["of all"] for row in rows) else shown)


def damage_notes(outcome: SweepOutcome) -> list[str]:
    """A line for each block of the store that could not be read."""
    then = "not taken" if outcome.merged else f"computed again; it is kept as *{DAMAGED}"
    return [f"{name} is damaged ({why}); its members are {then}" for name, why in outcome.damaged.items()]


def resume_text(outcome: SweepOutcome, folder: Path, command: Sequence[str]) -> str:
    """How many members are kept in `folder`, and the command that computes the rest.

    command: the arguments that began the sweep.
    """
    kept = f"{len(outcome.result.numbers):,} of {counted(outcome.asked, 'member')} kept in {folder}; continue with"
    return f"{kept}\n  {resume_command(command, folder)}"


def resume_command(command: Sequence[str], folder: Path) -> str:
    """`command` with the folder in it and without --merge and its folders."""
    kept: list[str] = []
    merging = False
    for word in command:
        merging = word == "--merge" or (merging and not word.startswith("-"))
        kept += [] if merging else [word]
    out = any(word == "--out" or word.startswith("--out=") for word in kept)
    program = ["python", sys.argv[0]] if sys.argv[0].endswith(".py") else ["immunesim"]
    return shlex.join([*program, *kept, *([] if out else ["--out", str(folder)])])


def estimate_json(found: SweepEstimate) -> dict[str, Any]:
    """An estimate, ready for JSON."""
    keys = ("members", "stored", "failed", "timed", "seconds_each", "bytes_each", "seconds", "bytes")
    return {**{key: getattr(found, key) for key in keys}, "folder": str(found.folder)}


def estimate_text(found: SweepEstimate) -> str:
    """How many members there are to compute, how long that takes, and how large it will be."""
    first = f"{counted(found.members, 'member')} ({found.kind}); {found.stored:,} are stored in {found.folder}"
    if not found.missing:
        return f"{first}; nothing to compute"
    workers = counted(found.workers, "worker")
    lines = [
        first,
        f"{found.missing:,} to compute: about {duration(found.seconds)} on {workers}"
        f" ({duration(found.seconds_each)} a member, timed on {found.timed})",
        f"about {bytes_text(found.bytes)} on disk",
    ]
    if found.failed:
        lines.append(f"{found.failed} of the members that were timed failed")
    return "\n".join(lines)
