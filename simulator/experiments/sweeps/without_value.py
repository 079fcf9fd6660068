"""Why a member of a sweep has no value of a measure, in the words of a run: the member is simulated on its own."""

from __future__ import annotations

from collections.abc import Sequence

from ...numerics.trajectory import Array
from ..measured import IN_WORDS, BoundMeasure, Cause, of_trajectories
from ..periodic import NoPeriodicStateError
from ..scenario import MAIN, Scenario
from ..solving import Certify, decided_of, prepared_arm, solve_arms, system_of
from ..timetable import TimetableError
from .designs import Axis
from .members import arm_with

OF_A_CURVE = (Cause.NOT_FINITE, Cause.NOT_POSITIVE)  # causes of which a run knows the operation, or level, and the time


def why_without_value(
    scenario: Scenario, axes: Sequence[Axis], values: Array, arm: str, measure: BoundMeasure, cause: Cause
) -> str:
    """Why a member has no value, without "undefined": ``ratio is 0/0 at 0 h``.

    Args:
        values: of the member, shape (axes,).
        arm: the one that is read as the main one.
        cause: what is known of it, in whose words it is said where a run of its own finds nothing else.

    Raises KeyboardInterrupt after Ctrl-C.
    """
    if cause not in OF_A_CURVE:
        return IN_WORDS[cause]
    system = system_of(scenario.model)
    names = dict.fromkeys(arm if each.arm == MAIN else each.arm for each in measure.functions)
    try:
        arms = [arm_with(scenario, scenario.arm(name), axes, values) for name in names]
        decided = decided_of(scenario, arms, system)
        prepared = {each.arm.name: prepared_arm(scenario, each.arm, system) for each in decided}
    except (TimetableError, NoPeriodicStateError):
        return IN_WORDS[cause]
    solved, interrupted = solve_arms(scenario, system, prepared, Certify.OFF)
    if interrupted:
        raise KeyboardInterrupt
    runs = {name: each.trajectory for name, each in solved.items()}
    found = of_trajectories(measure, runs | {MAIN: runs[arm]} if arm in runs else runs)
    return found.why.removeprefix("undefined: ") or IN_WORDS[cause]
