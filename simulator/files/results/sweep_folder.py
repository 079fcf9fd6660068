"""The folder of a sweep: where it is, its summary, and the curves that it keeps."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...experiments.schedule import saved_times
from ...experiments.sweeps.certificate import SweepCertificate
from ...experiments.sweeps.compute import SweepResult, solver, sweep_of
from ...experiments.sweeps.observed import among_members
from ...experiments.sweeps.outcome import SweepOutcome
from ...experiments.sweeps.statistics import measure_statistics
from ...numerics.compiled.availability import available
from ...numerics.trajectory import Array
from ...runtime.json import json_number
from ...runtime.versions import versions
from .folder import SUMMARY, write_text
from .member_store import MemberStore
from .sweep_identity import sweep_name

MOST_NAMED = 100  # members that are not reliable; members.csv names them all


def default_folder(scenario_id: str, shard: tuple[int, int]) -> Path:
    """Where a sweep is stored if no folder is named: always the same place, so that it is continued there."""
    part = "" if shard[1] == 1 else f"-{shard[0]}-of-{shard[1]}"
    return Path("results") / f"{scenario_id}-sweep{part}"


def sweep_summary(outcome: SweepOutcome, command: Sequence[str]) -> dict[str, Any]:
    """Everything about a sweep except its members, ready for JSON. command: the arguments that asked for it."""
    scenario = outcome.result.scenario
    sweep = sweep_of(scenario)
    number, shards = outcome.shard
    return {
        "sweep": sweep_name(scenario),
        "scenario": scenario.id,
        "title": scenario.title,
        "question": scenario.question,
        "model": scenario.model_name,
        "ok": outcome.ok,
        "reliable": outcome.reliable,
        "certificate": _certificate(outcome.certificate),
        "interrupted": outcome.interrupted,
        "left_out": list(scenario.truncated),
        "remarks": list(sweep.remarks),
        "folder": None if outcome.folder is None else str(outcome.folder),
        "design": {
            "kind": sweep.design.kind,
            "count": sweep.design.count,
            "shape": list(sweep.design.shape),
            "axes": [{**axis._asdict(), "default": json_number(axis.default)} for axis in sweep.design.axes],
        },
        "shard": None if shards == 1 else f"{number}/{shards}",
        "members": {
            "asked": outcome.asked,
            "present": len(outcome.result.numbers),
            "computed": outcome.computed,
            "missing": outcome.missing,
            "failed": outcome.failed,
        },
        "failures": dict(sorted(outcome.failures.items())),
        "first_failures": [failure._asdict() for failure in outcome.first_failures],
        "measures": [row._asdict() for row in measure_statistics(outcome.result)],
        "data": [
            {
                "name": each.data.name,
                "curve": each.data.curve.text,
                "arm": each.data.arm,
                "inside": each.inside,
                "of": each.of,
            }
            for each in among_members(outcome.result)
        ],
        "damaged": dict(outcome.damaged),
        "solver": solver(),
        "command": list(command),
        "seed": _seed(sweep.document),
        "seconds": round(outcome.seconds, 3),
        "workers": outcome.workers,
        "versions": versions(*(["llvmlite"] if available() else [])),
    }


def _certificate(found: SweepCertificate) -> dict[str, Any]:
    worst = found.worst
    return {
        "members": len(found.numbers),
        "median_digits": found.median,
        "worst_digits": found.least,
        "worst": worst and {**worst._asdict(), "first": json_number(worst.first), "second": json_number(worst.second)},
        "unreliable": len(found.unreliable),
        "unreliable_members": list(found.unreliable)[:MOST_NAMED],
        "solver": found.solver,
        "reason": found.reason,
    }


def _seed(document: Any) -> Any:
    seeds = [table.get("seed") for table in (document, *document.values()) if hasattr(table, "get")]
    return next((seed for seed in seeds if seed is not None), None)


def write_sweep_summary(folder: Path, summary: dict[str, Any]) -> None:
    """Writes the summary into the folder of the sweep; `OutputError` if that fails."""
    write_text(folder / SUMMARY, json.dumps(summary, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_curves(folder: Path, result: SweepResult) -> Array:
    """The curves that are kept of all members of `result`, shape (members, arms, curves, times); NaN where a member
    failed."""
    sweep, store = result.sweep, MemberStore(folder, result.scenario)
    shape = len(result.numbers), len(sweep.arms), len(sweep.keep), len(saved_times(result.scenario))
    if 0 in shape:
        return np.empty(shape)
    offsets = store.find(store.keys(result.values))
    block = store.block(result.numbers, result.values, offsets, curves=True)
    curves: Array = np.where(result.failed[:, :, None, None], np.nan, block.curves)  # type: ignore[arg-type]
    return curves
