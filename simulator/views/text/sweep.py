"""A sweep in words, and as JSON."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...experiments.scenario import MAIN, Scenario
from ...experiments.sweeps import compiled
from ...experiments.sweeps.compute import solver, sweep_of
from ...experiments.sweeps.job import Done, Estimate, Work
from ...files.results.folder import SUMMARY, write_text
from ...files.results.identity import sweep_name
from ...files.results.member_store import DAMAGED
from ...numerics.trajectory import Array
from ...runtime.errors import InputError, request_fault
from ...runtime.json import json_number
from ...runtime.progress import bytes_text, duration
from ...runtime.versions import versions
from .numbers import number, unit_text
from .sweep_names import MOST_LETTERS, short

LEAST_LETTERS = 20  # of a name beside a long arm
LOW, MIDDLE, HIGH = 0.05, 0.5, 0.95


def default_folder(scenario: Scenario, shard: tuple[int, int]) -> Path:
    """Where a sweep goes that is given no folder: always the same, so that it goes on there."""
    part = "" if shard[1] == 1 else f"-{shard[0]}-of-{shard[1]}"
    return Path("results") / f"{scenario.id}-sweep{part}"


def read_shard(text: str | None) -> tuple[int, int]:
    """``3/16`` as numbers; `InputError` if it is no such thing."""
    if text is None:
        return 1, 1
    part, _, of = text.partition("/")
    if not (part.isdecimal() and of.isdecimal() and 1 <= int(part) <= int(of)):
        message = "a shard is I/N, such as 3/16, with I from 1 to N"
        raise InputError([request_fault(message, f"--shard {text}")])
    return int(part), int(of)


def summary(done: Done, work: Work, command: Sequence[str]) -> dict[str, Any]:
    """Everything about a sweep but its members, ready for JSON."""
    scenario = done.result.scenario
    sweep = sweep_of(scenario)
    return {
        "sweep": sweep_name(scenario),
        "scenario": scenario.id,
        "title": scenario.title,
        "question": scenario.question,
        "model": scenario.model_name,
        "ok": not done.failed and not done.missing,
        "interrupted": done.interrupted,
        "folder": str(work.folder),
        "design": {
            "kind": sweep.design.kind,
            "count": sweep.design.count,
            "shape": list(sweep.design.shape),
            "axes": [{**axis._asdict(), "default": json_number(axis.default)} for axis in sweep.design.axes],
        },
        "shard": None if work.shard[1] == 1 else f"{work.shard[0]}/{work.shard[1]}",
        "members": {
            "asked": done.asked,
            "there": len(done.result.numbers),
            "computed": done.computed,
            "missing": done.missing,
            "failed": done.failed,
        },
        "failures": dict(sorted(done.kinds.items())),
        "first_failures": [{"number": n, "arm": arm, "message": message} for n, arm, message in done.first],
        "measures": list(_measures(done)),
        "damaged": done.damaged,
        "solver": solver(),
        "command": list(command),
        "seed": _seed(sweep.document),
        "seconds": round(done.seconds, 3),
        "workers": work.dask or work.size,
        "versions": versions(*(["llvmlite"] if compiled.available() else [])),
    }


def write_summary(done: Done, work: Work, command: Sequence[str]) -> dict[str, Any]:
    """`summary`, in the folder too."""
    import json

    found = summary(done, work, command)
    text = json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False)
    write_text(work.folder / SUMMARY, text + "\n")
    return found


def _seed(document: Any) -> Any:
    seeds = [table.get("seed") for table in (document, *document.values()) if hasattr(table, "get")]
    return next((seed for seed in seeds if seed is not None), None)


def _measures(done: Done) -> Iterator[dict[str, Any]]:
    sweep = sweep_of(done.result.scenario)
    for place, arm in enumerate(sweep.arms):
        good = ~done.result.failed[:, place]
        for column, each in enumerate(sweep.measures):
            values = done.result.measures[good, place, column]
            there: Array = values[np.isfinite(values)]
            low, middle, high = np.quantile(there, [LOW, MIDDLE, HIGH]).tolist() if len(there) else [None] * 3
            yield {
                "id": each.id,
                "label": each.label,
                "measure": each.text,
                "unit": each.unit_text,
                "arm": arm,
                "median": json_number(middle),
                "low": json_number(low),
                "high": json_number(high),
                "members": len(there),
                "inside": each.level_text or None,
                "share": each.inside(there) / len(there) if each.levels and len(there) else None,
                "never": len(values) - len(there),
                "failed": int((~good).sum()),
            }


def sweep_text(done: Done, work: Work) -> str:
    """What came out, what failed, and where it is."""
    scenario = done.result.scenario
    lines = [scenario.title] + ([scenario.question] if scenario.question else [])
    there = len(done.result.numbers)
    design = sweep_of(scenario).design
    axes = ", ".join(axis.path for axis in design.axes)
    what = f"{there:,} members ({design.kind} of {axes})" if axes else f"{there:,} members ({design.kind})"
    earlier = there - done.computed
    if work.merge:
        what += f", {done.missing:,} missing" if done.missing else ", none missing"
    else:
        rate = f" in {duration(done.seconds)}" if done.computed else ""
        what += f": {done.computed:,} computed{rate}, {max(earlier, 0):,} stored before"
    lines += ["", what, "", *_table(list(_measures(done)), scenario)]
    if done.failed:
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in sorted(done.kinds.items()))
        lines += ["", f"{done.failed:,} members failed: {kinds}"]
        lines += [f"  member {n}, arm {arm}: {message}" for n, arm, message in done.first]
    return "\n".join([*lines, "", f"results in {work.folder}"])


def _table(rows: Sequence[dict[str, Any]], scenario: Scenario) -> list[str]:
    several = len(sweep_of(scenario).arms) > 1
    cells = [["measure", "median", "5 %", "95 %", "", "never", "failed"]]
    counted = any(row["inside"] for row in rows)
    for row in rows:
        arm = f", arm {row['arm']}" if several and row["arm"] != MAIN else ""
        name = short(row["label"], row["id"], max(MOST_LETTERS - len(arm), LEAST_LETTERS)) + arm
        figures = ["-" if row[key] is None else number(row[key], 4) for key in ("median", "low", "high")]
        unit = unit_text(row["unit"])
        cells.append([name, *figures, unit, f"{row['never']:,}", f"{row['failed']:,}"])
        if counted:
            cells[-1].append("" if row["share"] is None else f"{100 * row['share']:.1f} % {row['inside']}")
    cells[0] += ["of all"] * counted
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    left = (0, 4, 7)
    return [
        "  ".join(
            text.ljust(width) if column in left else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]


def faster() -> list[str]:
    """What would make sweeps faster, if anything would."""
    if compiled.available():
        return []
    return ["SciPy computes this sweep; with the extra 'fast' (pip install 'immunesim[fast]') it is many times faster"]


def damaged_text(done: Done, work: Work) -> list[str]:
    """A line for each block that could not be read."""
    then = "not taken" if work.merge else f"computed again; it is kept as *{DAMAGED}"
    return [f"{name} is damaged ({why}); its members are {then}" for name, why in done.damaged.items()]


def go_on_text(done: Done, work: Work, words: Sequence[str]) -> str:
    """How many members are kept, and the command that computes the rest."""
    there = len(done.result.numbers)
    kept = f"{there:,} of {done.asked:,} members are kept in {work.folder}; go on with"
    return f"{kept}\n  {going_on(words, work.folder)}"


def going_on(words: Sequence[str], folder: Path) -> str:
    """The command that began the sweep, with the folder in it and nothing to merge."""
    kept: list[str] = []
    merging = False
    for word in words:
        merging = word == "--merge" or (merging and not word.startswith("-"))
        kept += [] if merging else [word]
    out = any(word == "--out" or word.startswith("--out=") for word in kept)
    program = ["python", sys.argv[0]] if sys.argv[0].endswith(".py") else ["immunesim"]
    return shlex.join([*program, *kept, *([] if out else ["--out", str(folder)])])


def estimate_json(found: Estimate, work: Work) -> dict[str, Any]:
    return {**found._asdict(), "bytes": found.bytes_each * (found.members - found.stored), "folder": str(work.folder)}


def estimate_text(found: Estimate, work: Work, scenario: Scenario) -> str:
    """How many members, how long and how large."""
    missing = found.members - found.stored
    kind = sweep_of(scenario).design.kind
    lines = [f"{found.members:,} members ({kind}); {found.stored:,} are stored in {work.folder}"]
    if not missing:
        return lines[0] + "; nothing to compute"
    workers = "1 worker" if work.size == 1 else f"{work.size} workers"
    lines.append(
        f"{missing:,} to compute: about {duration(found.seconds)} on {workers}"
        f" ({duration(found.seconds_each)} a member, timed on {found.timed})"
    )
    lines.append(f"about {bytes_text(missing * found.bytes_each)} on disk")
    if found.failed:
        lines.append(f"{found.failed} of the members that were timed failed")
    return "\n".join(lines)
