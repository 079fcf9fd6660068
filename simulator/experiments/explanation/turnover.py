"""The turnover that explains nothing: gain and loss of a species that cancel at rest.

A species at rest is made and lost all the time. What is made then moves nothing, as as much is lost. So the rates of a
run are compared with those at rest: a cause is what is made or lost in addition, or what no longer is. Production that
is the same as at rest is no cause, however large; a loss that is inhibited is one, though it is smaller than at rest.

Where gain and loss do not cancel at rest, only the part that does is taken away: the larger side is scaled down to
the smaller one. So what is taken away has no net effect, and what is left still adds up to the change of the curve.

Less is made and lost, too, where there is less of the species itself, and that is no cause: blood that recovers is not
explained by the few cells that can be lost, but by those that are made again. There the start of a phase takes the
place of rest, or nothing is taken away (see `ArmCurve.balance`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ...numerics.system import System
from ...numerics.trajectory import Array
from ..scenario import Arm, Scenario

STEADY = 0.98  # loss over gain, or gain over loss: from here on a state is called at rest
BALANCED = 0.5  # the same at the start of a phase: with less, as after a dose, it is not compared with its start


@dataclass(frozen=True)
class Turnover:
    """Gain and loss that cancel in one state.

    time: of the state. state, parameters: shape (species,) and (parameters,).
    at_start: whether it is the start of the run.
    rates: by contributor, negative for losses, in the unit of the species per time unit of the model; their sum is 0.
    size: all gain, which is also all loss. balance: the smaller side over the larger one, before they were made equal.
    """

    time: float
    state: Array
    parameters: Array
    at_start: bool
    rates: Mapping[str, float]
    size: float
    balance: float

    @property
    def at_rest(self) -> bool:
        """Whether it is a state of rest at the start of the run."""
        return self.at_start and self.balance >= STEADY


def turnover(time: float, state: Array, parameters: Array, at_start: bool, rates: Mapping[str, float]) -> Turnover:
    """What cancels of the net `rates` by contributor."""
    gain = sum(rate for rate in rates.values() if rate > 0)
    loss = -sum(rate for rate in rates.values() if rate < 0)
    size = min(gain, loss)
    scaled = {id: rate * size / (gain if rate > 0 else loss) for id, rate in rates.items() if rate and size}
    return Turnover(time, state, parameters, at_start, scaled, size, size / max(gain, loss) if size else 0.0)


def resting_turnover(scenario: Scenario, arm: Arm, system: System, nodes: Mapping[str, int]) -> Turnover:
    """What cancels at the start of an arm, before the first dose and without timed changes.

    If its own parameters keep the arm from being at rest there and those of the model do not, they are taken: then
    what the arm changes for good is a cause like any other.

    nodes: by contributor, its rate in the graph of `system`.
    """
    values = scenario.parameters(arm)
    initial = system.parameter_formulas.initial_values(values) | dict(arm.initial)
    state = np.array([initial[name] for name in system.species])
    found = []
    for each in (values, {name: item.value for name, item in scenario.model.parameters.items()}):
        parameters = np.array([each[name] for name in system.parameters])
        rates = system.evaluate(list(nodes.values()), 0.0, state.tolist(), parameters.tolist())
        finite = {id: rate for id, rate in zip(nodes, rates, strict=True) if math.isfinite(rate)}
        found.append(turnover(0.0, state, parameters, True, finite))
    own, general = found
    return general if own.balance < STEADY <= general.balance else own


def nothing(state: Turnover) -> Turnover:
    """No turnover at all, with which gain and loss are all that is made and lost."""
    return replace(state, rates={}, size=0.0)
