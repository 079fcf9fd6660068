"""Members of a sweep on the compiled engine, as trajectories that can be measured like those of SciPy."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from importlib.util import find_spec

from ...numerics.compiled.engine import COMPILED_RTOL, Engine
from ...numerics.dense_output import RecordedCurves
from ...numerics.parameter_formulas import ParameterFormulas
from ...numerics.reduced_system import ReducedSystem, reduce_system
from ...numerics.system import System
from ...numerics.trajectory import ATOL_OF_SCALE, Array, Outcome, Trajectory
from ..measures import curve_names
from ..scenario import Arm, Scenario
from .designs import Axis, Sweep
from .members import batches
from .paths import split_path

SOLVER = f"Rodas5P, compiled, rtol {COMPILED_RTOL:g}, atol rtol * {ATOL_OF_SCALE:g} * scale"
MEMBERS_AT_ONCE = 128  # members whose curves are in memory at once: few enough that the memory is reused


def available() -> bool:
    """Whether llvmlite is installed, and not refused by IMMUNESIM_ENGINE=scipy in the environment."""
    return os.environ.get("IMMUNESIM_ENGINE") != "scipy" and find_spec("llvmlite") is not None


class CompiledSweep:
    """A scenario's sweep as machine code: one program for all its arms and members."""

    def __init__(self, scenario: Scenario, sweep: Sweep, arms: Sequence[Arm], system: System) -> None:
        self.scenario, self.sweep, self.system = scenario, sweep, system
        measured = dict.fromkeys(name for each in sweep.measures for name in curve_names(each.tree, scenario.model))
        self.engine = Engine(reduced_system_for(scenario, arms, sweep.design.axes), sweep.keep, tuple(measured))

    def trajectories(
        self, arm: Arm, values: Array, times: Array, stop: Callable[[], bool] = lambda: False
    ) -> Iterator[Trajectory | None]:
        """Simulates `arm` for many members.

        Args:
            arm: The arm.
            values: A row for each member, shape (members, axes).
            times: When the curves that are kept are saved, in the model's time unit.
            stop: Asked while members are computed.

        Yields:
            A trajectory for each row, in order; None for a member that did not reach its end.

        Raises:
            StoppedError: Soon after `stop()` is true.
        """
        for first in range(0, len(values), MEMBERS_AT_ONCE):
            yield from self._of_batch(arm, values[first : first + MEMBERS_AT_ONCE], times, stop)

    def _of_batch(self, arm: Arm, values: Array, times: Array, stop: Callable[[], bool]) -> list[Trajectory | None]:
        found: list[Trajectory | None] = [None] * len(values)
        axes, layout = self.sweep.design.axes, self.engine.layout
        for rows, batch in batches(self.scenario, arm, self.system, axes, values):
            lanes = self.engine.run(batch, times, stop=stop)
            for place, row in enumerate(rows.tolist()):
                if lanes.done[place]:
                    at, curves = lanes.dense_curves[place]
                    found[row] = Trajectory(
                        times=times,
                        values=dict(zip(layout.grid, lanes.grid[place].T, strict=True)),
                        dense=RecordedCurves(at, dict(zip(layout.dense_curves, curves.T, strict=True))),
                        outcome=Outcome(),
                        added={},
                        solver=SOLVER,
                        steps=int(lanes.steps[place]),
                    )
        return found


def reduced_system_for(scenario: Scenario, arms: Sequence[Arm], axes: Sequence[Axis]) -> ReducedSystem:
    """The system reduced to what can be nonzero in any member of any of `arms`."""
    kinds = [split_path(axis.path) for axis in axes]
    varied = {name for kind, name, _ in kinds if kind == "parameter"}
    changed = {key for kind, _, key in kinds if kind == "change"}
    changed |= {name for arm in arms for change in arm.changes for name in change.parameters}
    values = [scenario.parameters(arm) for arm in arms]
    fixed = {
        name: value
        for name, value in values[0].items()
        if name not in varied | changed and all(each[name] == value for each in values)
    }
    active = {name for kind, name, _ in kinds if kind == "initial"}
    active |= {dose.target for arm in arms for dose in arm.doses}
    active |= _nonzero_at_start(scenario, arms, varied)
    over = {name for kind, name, key in kinds if kind == "dose" and key == "over"}
    infused = {dose.target for arm in arms for dose in arm.doses if dose.over or dose.name in over}
    return reduce_system(scenario.model, active, infused, fixed)


def _nonzero_at_start(scenario: Scenario, arms: Sequence[Arm], varied: Collection[str]) -> set[str]:
    """The species whose initial value may differ from zero."""
    formulas = ParameterFormulas(scenario.model)
    symbols = {formulas.symbols[name] for name in varied}
    found = {
        name
        for name, node in zip(scenario.model.species, formulas.initial, strict=True)
        if formulas.graph.symbols_of(node) & symbols
    }
    for arm in arms:
        values = formulas.initial_values(scenario.parameters(arm)) | dict(arm.initial)
        found |= {name for name, value in values.items() if value != 0.0}
    return found
