"""Every expectation of the scenarios: expected, simulated, verdict, source."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..experiments.run import run
from ..experiments.scenario import Scenario

MET, MISSED, FAILED = "met", "missed", "not simulated"


def collect(scenarios: Sequence[Scenario]) -> list[dict[str, Any]]:
    """One row per expectation; an expectation of a run that failed stays in, as not simulated."""
    rows = []
    for scenario in scenarios:
        result = run(scenario, certify=False)
        for verdict in result.verdicts:
            known = math.isfinite(verdict.simulated)
            expectation = verdict.expectation
            rows.append(
                {
                    "id": f"{scenario.id}/{expectation.id}",
                    "that": expectation.that,
                    "expected": expectation.interval_text,
                    "simulated": verdict.simulated if known else None,
                    "unit": expectation.unit_text,
                    "verdict": MET if verdict.met else MISSED if known or result.ok else FAILED,
                    "source": expectation.source,
                    "status": expectation.status,
                }
            )
    return rows


def text(rows: Sequence[dict[str, Any]]) -> str:
    """The table for people, what was missed marked, totals below."""
    if not rows:
        return "no expectations"
    width = max(len(row["id"]) for row in rows)
    lines = []
    for row in rows:
        mark = "met   " if row["verdict"] == MET else "MISSED" if row["verdict"] == MISSED else "FAILED"
        found = "none" if row["simulated"] is None else f"{row['simulated']:.4g}"
        lines.append(f"{mark}  {row['id']:{width}}  {found:>10}  expected {row['expected']}  [{row['source']}]")
        lines.append(f"        {'':{width}}  {row['that']}")
    met = sum(row["verdict"] == MET for row in rows)
    lines.append(f"{met} of {len(rows)} expectations met")
    return "\n".join(lines)
