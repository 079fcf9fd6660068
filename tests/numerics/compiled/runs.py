"""Models run on lanes, for tests: in the words of `tests.systems`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from immunesim.model.model import Model
from immunesim.numerics.compiled.engine import COMPILED_RTOL, Batch, BatchResult, Engine
from immunesim.numerics.compiled.programs import program_for
from immunesim.numerics.parameter_formulas import initial_values
from immunesim.numerics.reduced_system import reduce_system
from immunesim.numerics.trajectory import ATOL_OF_SCALE, Array

from tests.systems import Stretch


def on_lanes(
    model: Model,
    stretches: float | Sequence[Stretch],
    times: Array,
    *,
    rtol: float | Array = COMPILED_RTOL,
    floor: float | Array = ATOL_OF_SCALE,
    lanes: int = 4,
    varied: Mapping[str, Sequence[float]] | None = None,
    dense: Sequence[str] = (),
    run: Callable[..., BatchResult] = Engine.run,
) -> BatchResult:
    """Every species of `model` at `times`; varied: values of parameters, one for each member."""
    if isinstance(stretches, (int, float)):
        stretches = [Stretch(0.0, float(stretches))]
    varied = varied or {}
    members = max([1, *(len(values) for values in varied.values())])
    own = {name: parameter.value for name, parameter in model.parameters.items()}
    changed = {name for each in stretches for name in each.parameters or {}} | set(varied)
    fixed = {name: value for name, value in own.items() if name not in changed}
    infused = {name for each in stretches for name in each.infusion or {}}
    reduced = reduce_system(model, set(model.species), infused, fixed)
    engine = Engine(program_for(reduced, tuple(model.species), tuple(dense), lanes), reduced.system)
    batch = _batch(reduced.system, own, stretches, members, varied)
    options = {} if np.all(floor == ATOL_OF_SCALE) else {"floor": floor}
    return run(engine, batch, np.asarray(times, dtype=float), rtol, **options)


def _batch(system, own, stretches, members, varied) -> Batch:
    species, parameters = list(system.species), list(system.parameters)
    rows = [{**own, **{name: values[i] for name, values in varied.items()}} for i in range(members)]

    def placed(values: Mapping[str, float] | None) -> dict[int, Array]:
        return {species.index(name): np.full(members, value) for name, value in (values or {}).items()}

    def table(changes: Mapping[str, float] | None) -> Array:
        return np.array([[{**row, **(changes or {})}[name] for name in parameters] for row in rows])

    def bounds(values: Sequence[float]) -> Array:
        return np.repeat(np.array(values, dtype=float)[:, None], members, axis=1)

    return Batch(
        initial=np.array([[initial_values(system.model, row)[name] for name in species] for row in rows]),
        starts=bounds([each.start for each in stretches]),
        ends=bounds([each.end for each in stretches]),
        jumps=[placed(each.jump) for each in stretches],
        infusions=[placed(each.infusion) for each in stretches],
        parameters=[table(each.parameters) for each in stretches],
        dilutions=[placed(each.dilution) for each in stretches],
        sets=np.repeat(np.arange(len(stretches))[:, None], members, axis=1),
    )
