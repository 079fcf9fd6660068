"""What a scenario wakes: the rest of a model stays at zero, and need not be computed."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..numerics.parameter_formulas import ParameterFormulas
from .scenario import Arm, Scenario, crossings_of, switches_of


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
        found |= {name for each in arm.settings for name, value in each.values.items() if value}
        found |= {name for rule in crossings_of(arm) for name, value in rule.sets.items() if value}
        values = formulas.initial_values(scenario.parameters(arm)) | dict(arm.initial)
        found |= {name for name, value in values.items() if value != 0.0}
    return found


def zero_parameters(scenario: Scenario) -> set[str]:
    """The parameters that are zero in every arm of a scenario, from its start to its end."""
    values = [scenario.parameters(arm) for arm in scenario.arms]
    found = {name for name in scenario.model.parameters if not any(each[name] for each in values)}
    for arm in scenario.arms:
        found -= {name for change in arm.changes for name, value in change.parameters.items() if value}
        found -= {name for each in arm.inputs for name in each.piece(0)}
        found -= {name for rule in crossings_of(arm) for name, value in rule.parameters.items() if value}
        found -= {rule.parameter for rule in switches_of(arm)}
    return found
