"""One trajectory: a stiff solver, restarted at every jump, behind a guard.

SciPy 1.17 and newer can loop for ever in LSODA at a blow-up, or report success over NaN. So no solver sees a
derivative that is not finite, and none may call it without end: the guard turns both into a named `Outcome`,
and what was computed before stays.
"""

from __future__ import annotations

import math
import time as clock
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from scipy.integrate import BDF, LSODA, Radau

from ..model.expression import TIME
from ..runtime.interrupt import raise_if_interrupted
from .dense_output import DenseOutput, SegmentSteps
from .guard import Guard, IntegrationError
from .noise import LOWER_FLOORS, RTOL_SHARE, Watch
from .rosenbrock import Rodas5P
from .system import System
from .trajectory import (
    ATOL_OF_SCALE,
    DEADLINE,
    NEGATIVE,
    NO_PROGRESS,
    NOT_FINITE,
    NOT_RELIABLE,
    RTOL,
    Array,
    Outcome,
    Segment,
    Trajectory,
)
from .undefined import cause

SECONDS = 120.0  # that a run may take
PROGRESS_EVERY = 32  # steps between two calls of on_progress: some milliseconds of work
SOLVERS = {"LSODA": LSODA, "BDF": BDF, "Radau": Radau, "Rodas5P": Rodas5P}

OnProgress = Callable[[float, int], object]


def solve(
    system: System,
    initial: Array,
    segments: Sequence[Segment],
    times: Array,
    *,
    method: str = "LSODA",
    rtol: float = RTOL,
    floor: float = ATOL_OF_SCALE,
    seconds: float = SECONDS,
    dense: bool = True,
    on_progress: OnProgress = lambda share, calls: None,
) -> Trajectory:
    """The time course of `system` through `segments`. It fails by its `Outcome`, not by an exception.

    Args:
        system: the model.
        initial: the states before the first jump, shape (species,), each in its species' unit.
        segments: in order, each beginning where the one before it ends.
        times: when values are saved, increasing, within the segments. The steps do not depend on them: saved values
            are read from the solver's own interpolation.
        method: one of SOLVERS; KeyError otherwise.
        rtol: relative tolerance.
        floor: what the absolute tolerance is a part of, as in `System.absolute_tolerances`.
        seconds: CPU time of this thread after which the run ends with the outcome DEADLINE.
        dense: whether to keep every step, for measures that must not depend on `times`.
        on_progress: called every PROGRESS_EVERY steps with the share that is done, 0 to 1, and how often the
            right-hand side was evaluated for it.
    """
    solver = SOLVERS[method]
    system.prepare()
    began = clock.perf_counter()
    run = _Integration(system, segments, times, solver, rtol, floor, clock.thread_time() + seconds, dense)
    states, outcome = np.array(initial, dtype=float), Outcome()
    for index, segment in enumerate(segments):
        try:
            states = run.segment(segment.enter(states), index, on_progress)
        except IntegrationError as error:
            outcome = _outcome(system, error, segment)
            break
    return run.trajectory(outcome, clock.perf_counter() - began)


def solve_above_noise(
    system: System,
    initial: Array,
    segments: Sequence[Segment],
    times: Array,
    *,
    rtol: float,
    seconds: float,
    **options: Any,
) -> Trajectory:
    """As `solve`, but where a state rises out of noise the run is repeated with lower and lower floors.

    Where one rises out of noise with the lowest floor too the outcome is NOT_RELIABLE. All runs together
    have the CPU time `seconds`. options: as of `solve`.
    """
    began = clock.thread_time()
    found = solve(system, initial, segments, times, rtol=rtol, seconds=seconds, **options)
    if found.revived is None:
        return found
    state, time = found.revived
    for floor in LOWER_FLOORS:
        options["floor"], options["seconds"] = floor, seconds - (clock.thread_time() - began)
        found = solve(system, initial, segments, times, rtol=rtol * RTOL_SHARE, **options)
        lost = floor * system.scales[system.species.index(state)]  # it does not come back from there
        if not found.outcome.ok or (found.revived is None and not abs(found[state][-1]) < lost):
            return found
    message = (
        f"{state} fell below what rounding leaves of it, and rose again out of that by {time:.6g} "
        f"{system.model.time_unit_text}: what came after is not known"
    )
    return replace(found, outcome=Outcome(NOT_RELIABLE, message, time, state))


class _Integration:
    """What has been computed of a run so far."""

    def __init__(
        self,
        system: System,
        segments: Sequence[Segment],
        times: Array,
        solver: Any,
        rtol: float,
        floor: float,
        deadline: float,
        dense: bool,
    ) -> None:
        self.system, self.segments, self.times, self.dense = system, segments, times, dense
        self.solver, self.rtol, self.deadline = solver, rtol, deadline
        self.atol = system.absolute_tolerances(rtol, floor)
        self.watch = Watch(self.atol, np.isfinite(system.lower_bounds))
        self.saved = np.empty((len(times), len(system.species)))
        self.saved_by_segment: list[tuple[int, int, Array]] = []  # first and last saved row, parameters
        self.steps_by_segment: list[SegmentSteps] = []
        self.added = np.zeros(len(system.species))
        self.count = self.calls = self.steps = 0  # saved rows, evaluations of the right-hand side, accepted steps

    def segment(self, states: Array, index: int, on_progress: OnProgress) -> Array:
        """The states at the end of segment `index`, from the states after its jump, both of shape (species,)."""
        segment, last = self.segments[index], index == len(self.segments) - 1
        self.added = segment.enter(self.added)
        guard = Guard(self.system, segment.parameters, segment.infusion, segment.end - segment.start, self.deadline)
        # Which times to save: one at the end of a segment belongs to the next, after its jump
        first = self.count
        stop = int(np.searchsorted(self.times, segment.end, side="right" if last else "left"))
        if self.count < stop and self.times[self.count] <= segment.start:
            self.saved[self.count] = states
            self.count += 1
        reached = segment.start
        steps: list[tuple[float, Array]] = []
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")  # LSODA warns and fails; the status says so too
                guard.bind(segment.start, states)
                steps.append((segment.start, states))
                self.watch.begin_segment(segment.jump, segment.infusion)
                before = states
                solver, later = None, [*self._stops(segment), segment.end]
                while solver is None or solver.status == "running" or later:
                    if solver is None or solver.status != "running":
                        solver = self._solver(guard, reached, before, later.pop(0))
                    raise_if_interrupted()
                    # One step, and whether it is sound
                    problem = solver.step()
                    if solver.status == "failed" or not np.isfinite(solver.y).all():
                        raise IntegrationError(NO_PROGRESS if problem else NOT_FINITE, reached, solver.y)
                    guard.after_step(solver.t, solver.t - reached, solver.y)
                    # Record it
                    self.steps += 1
                    here = solver.t, np.array(solver.y)
                    self.watch.after_step(before, here[1], here[0] - reached, here[0], partial(guard.jacobian, *here))
                    reached, before = here
                    if self.dense:
                        steps.append(here)
                    done = int(np.searchsorted(self.times[:stop], reached, side="right"))
                    if done > self.count:
                        self.saved[self.count : done] = solver.dense_output()(self.times[self.count : done]).T
                        self.count = done
                    if not self.steps % PROGRESS_EVERY:
                        on_progress(self._share(index, reached), self.calls + guard.calls)
                return np.array(solver.y)
        finally:
            # Also of a segment that failed, as far as it came
            self.calls += guard.calls
            self.added += segment.infusion * (reached - segment.start)
            self.saved_by_segment.append((first, self.count, segment.parameters))
            if self.dense and steps:
                times, along = (np.array(part) for part in zip(*steps, strict=True))
                steps_taken = SegmentSteps(times, along, segment.infusion, segment.parameters, segment.dilution)
                self.steps_by_segment.append(steps_taken)

    def _stops(self, segment: Segment) -> list[float]:
        """Where steps have to end within a segment, and the solver starts again."""
        curves, start, end = self.system.time_curves, self.segments[0].start, self.segments[-1].end
        stops = curves.stops(segment.parameters, start, end)
        return [float(each) for each in stops[(stops > segment.start) & (stops < segment.end)]]

    def _solver(self, guard: Guard, start: float, states: Array, end: float) -> Any:
        """SciPy's solver from start to end."""
        return self.solver(
            guard,
            start,
            states,
            end,
            rtol=self.rtol,
            atol=self.atol,
            jac=guard.jacobian,
            **({"time_derivative": guard.time_derivative} if self.solver is Rodas5P else {}),
        )

    def _share(self, index: int, time: float) -> float:
        """How much is done: half by time, half by segments, since steps crowd where doses do."""
        segment, start, end = self.segments[index], self.segments[0].start, self.segments[-1].end
        within = (time - segment.start) / (segment.end - segment.start)
        return 0.5 * (time - start) / (end - start) + 0.5 * (index + within) / len(self.segments)

    def trajectory(self, outcome: Outcome, seconds: float) -> Trajectory:
        """All that was computed."""
        system, times, states = self.system, self.times[: self.count], self.saved[: self.count]
        parts = [system.observe(times[a:b], states[a:b], p) for a, b, p in self.saved_by_segment if b > a]
        observed = np.concatenate(parts, axis=1) if parts else np.empty((0, 0))
        for array in (times, states, observed):
            array.setflags(write=False)
        values = dict(zip(system.species, states.T, strict=True))
        values.update(zip(system.model.observables, observed, strict=False))
        return Trajectory(
            times=times,
            values=values,
            dense=DenseOutput(system, self.steps_by_segment),
            outcome=outcome,
            added=dict(zip(system.species, self.added.tolist(), strict=True)),
            solver=f"{self.solver.__name__}, rtol {self.rtol:g}",
            calls=self.calls,
            steps=self.steps,
            seconds=seconds,
            revived=self._revived(),
        )

    def _revived(self) -> tuple[str, float] | None:
        """As in `Trajectory`."""
        found = self.watch.revived
        return found and (self.system.species[found[0]], found[1])


def _outcome(system: System, error: IntegrationError, segment: Segment) -> Outcome:
    """Names the state and the reaction behind a failure: the first derivative that cannot be computed, or else
    the state that changes fastest in terms of its size."""
    states, parameters = error.states.tolist(), segment.parameters.tolist()
    derivatives = system.evaluate(system.rhs, error.time, states, parameters)

    def badness(value: float, size: float) -> float:
        return math.inf if not math.isfinite(value) else abs(value) / size

    sizes = [max(abs(x), scale) if math.isfinite(x) else scale for x, scale in zip(states, system.scales, strict=True)]
    worst = max(range(len(derivatives)), key=lambda i: badness(derivatives[i], sizes[i]))
    if error.kind == NEGATIVE:
        worst = int(np.argmin(error.states / system.scales + np.where(np.isinf(system.lower_bounds), np.inf, 0.0)))
    state = system.species[worst]
    nodes = system.contributions[state]
    parts = dict(zip(nodes, system.evaluate(list(nodes.values()), error.time, states, parameters), strict=True))
    if error.kind == NEGATIVE:  # only a loss can be to blame
        parts = {name: part for name, part in parts.items() if not part >= 0.0} or parts
    reaction = max(parts, key=lambda name: badness(parts[name], 1.0), default=None)
    reasons = {
        NEGATIVE: f"{state} is clearly below zero ({states[worst]:.3g})",
        NOT_FINITE: f"the derivative of {state} is not finite",
        NO_PROGRESS: f"the solver makes no progress; {state} changes fastest",
        DEADLINE: f"the time allowed is used up; {state} changes fastest",
    }
    unit = system.model.time_unit_text
    message = f"{reasons[error.kind]} at {error.time:.6g} {unit}" + (f", in reaction {reaction}" if reaction else "")
    if error.kind == NOT_FINITE and reaction:
        values = {TIME: error.time, **dict(zip(system.species, states, strict=True))}
        values |= dict(zip(system.parameters, parameters, strict=True))
        why = cause(system.graph, nodes[reaction], values)
        message += f" ({why})" if why else ""
    return Outcome(error.kind, message, error.time, state, reaction)
