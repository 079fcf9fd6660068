"""The species that a scenario wakes: the rest of a model stays at zero, and need not be computed."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..numerics.parameter_formulas import ParameterFormulas
from .scenario import Arm, Scenario


def awake_species(
    scenario: Scenario, arms: Sequence[Arm], formulas: ParameterFormulas, varied: Collection[str] = ()
) -> set[str]:
    """The species that may start above zero, or are dosed, in some of `arms`.

    Args:
        scenario: whose model it is.
        arms: of the scenario, or changed ones.
        formulas: of that model.
        varied: parameters that may have any value.
    """
    found: set[str] = set()
    if varied:
        symbols = {formulas.names[name] for name in varied}
        starts = zip(scenario.model.species, formulas.initial, strict=True)
        found |= {name for name, node in starts if formulas.graph.symbols_of(node) & symbols}
    for arm in arms:
        found |= {dose.target for dose in arm.doses}
        values = formulas.initial_values(scenario.parameters(arm)) | dict(arm.initial)
        found |= {name for name, value in values.items() if value != 0.0}
    return found
