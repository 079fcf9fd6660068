"""How much memory a run or a sweep will take, refused before any of it is taken."""

from __future__ import annotations

from collections.abc import Sequence

from ..runtime.errors import InputError, request_fault
from ..runtime.memory import available_memory
from ..runtime.progress import bytes_text
from .scenario import Arm, Scenario

COPIES = 3  # of each saved number: states, curves by name, and the table that is written
SHARE = 0.8  # of the free memory may be taken


def check_run_memory(scenario: Scenario, arms: Sequence[Arm]) -> None:
    """`InputError` if the curves and segments of `arms`, all kept at once, will not fit into memory."""
    model = scenario.model
    rows, columns = scenario.end / scenario.every + 2, len(model.species) + len(model.observables) + 1
    size = 0.0
    for arm in arms:
        edges = sum(dose.count * (2 if dose.infused else 1) for dose in arm.doses) + 2 * len(arm.changes)
        edges += sum(len(each.times) for each in arm.inputs)
        segments = edges + 1
        size += 8 * (COPIES * (rows + edges) * columns + 3 * segments * len(model.species))
    counted = f"{len(arms):,} arm{'s' * (len(arms) > 1)} of {rows:,.0f} saved times and {columns:,} curves"
    check_memory(size, counted, f"save less often ([time] every, now {scenario.every:g} {model.time_unit_text})")


def check_memory(size: float, what: str, way_out: str) -> None:
    """`InputError` if `size` bytes are more than `SHARE` of the free memory.

    what: takes them, in the plural; way_out: what to do instead.
    """
    free = available_memory()
    if size > SHARE * free:
        taken, left = bytes_text(size), bytes_text(free)
        raise InputError([request_fault(f"{what} take about {taken}, and {left} are free: {way_out}")])
