"""Who acts on whom: every sign against the exact Jacobian, and the loops that follow."""

from __future__ import annotations

import numpy as np
import pytest
from immunesim.files.toml.catalogue import builtin_models
from immunesim.files.toml.model_file import read_model
from immunesim.model.causal.cycles import LONGEST
from immunesim.model.causal.graph import CausalEdge, causal_graph
from immunesim.model.causal.loops import feedback_loops
from immunesim.model.causal.sign import Sign
from immunesim.numerics.system import System

STATES = 100
NOISE = 1e-9  # of what cancels within an entry

# of the human model the two long checks are slow
LARGEST_SLOW = [pytest.param(each, marks=pytest.mark.slow if each == "immune" else ()) for each in builtin_models()]


class Derivatives:
    """The exact derivatives of species' rates of change, and of observables, at random states."""

    def __init__(self, model, causal, observables=True):
        self.model, self.causal, self.system = model, causal, System(model)
        targets = {target: list(parts.values()) for target, parts in self.system.contributions.items()}
        if observables:
            targets |= {target: [self.system.names[target]] for target in model.observables}
        graph = self.system.graph
        every = [
            (target, source, graph.derivative(node, self.system.symbols[source]))
            for target, nodes in targets.items()
            for node in nodes
            for source in self.system.species
        ]
        self.asked = [each for each in every if graph.value_of(each[2]) != 0.0]
        self.random = np.random.default_rng(5)

    def state(self, parameters):
        """Anywhere a state may be, over eight decades, or near the start; shares between 0 and 1."""
        near = self.random.random() < 0.5
        values = dict(zip(self.system.parameters, parameters, strict=True))
        start = list(self.system.parameter_formulas.initial_values(values).values()) if near else self.system.scales
        state = np.array(start) * 10 ** self.random.uniform(*((-0.1, 0.1) if near else (-4, 4)), len(start))
        for i, name in enumerate(self.system.species):
            if name in self.causal.fractions:
                state[i] = self.random.uniform(0, 1)
            elif near and state[i] == 0.0:
                state[i] = self.system.scales[i] * self.random.random()
            if self.model.species[name].signed:
                state[i] *= self.random.choice([-1, 1])
        return state

    def at(self, parameters):
        """(target, source) and value of what is not zero at one state."""
        time = 10 ** self.random.uniform(-3, 2)
        nodes = [node for _, _, node in self.asked]
        total, size = {}, {}
        for (target, source, _), value in zip(
            self.asked, self.system.evaluate(nodes, time, self.state(parameters), parameters), strict=True
        ):
            total[target, source] = total.get((target, source), 0.0) + value
            size[target, source] = size.get((target, source), 0.0) + abs(value)
        return {pair: value for pair, value in total.items() if np.isfinite(value) and abs(value) > NOISE * size[pair]}


@pytest.mark.parametrize("name", LARGEST_SLOW)
def test_no_sign_contradicts_the_jacobian_and_no_entry_is_without_an_edge(name):
    """Of species and of observables, at the model's parameters."""
    model = read_model(builtin_models()[name])
    causal = causal_graph(model)
    signs = {(each.target, each.source): each.sign for each in causal.edges}
    derivatives = Derivatives(model, causal)
    for _ in range(STATES):
        for (target, source), value in derivatives.at([each.value for each in model.parameters.values()]).items():
            if target != source:
                sign = signs.get((target, source), 0)
                assert sign & (Sign.RAISES if value > 0 else Sign.LOWERS), f"{source} -> {target}: {sign}, but {value}"


@pytest.mark.parametrize("name", LARGEST_SLOW)
def test_every_edge_is_one_in_some_state_of_some_patient(name):
    model = read_model(builtin_models()[name])
    causal = causal_graph(model)
    derivatives = Derivatives(model, causal, observables=False)
    left = {(each.target, each.source) for each in causal.between(model.species)}
    assert left
    for _ in range(5 * STATES):  # some act only where a mast cell is full and its allergen there
        left -= set(derivatives.at([turned(each, derivatives.random) for each in model.parameters.values()]))
        if not left:
            return
    raise AssertionError(left)


def turned(parameter, random):
    """A knob, or what is switched off, anywhere in its range; any other parameter as it is."""
    turns = parameter.range and (parameter.knob or parameter.value == 0.0)
    return random.uniform(*parameter.range) if turns else parameter.value


def test_nearly_half_of_the_signs_of_the_human_model_are_known():
    """Much acts on CD4 and CD8 cells, which compete, so that the sign of an effect on their sum is often open."""
    model = read_model(builtin_models()["immune"])
    between = causal_graph(model).between(model.species)
    assert len(between) > 300
    assert sum(each.sign == Sign.EITHER for each in between) < 0.55 * len(between)


def test_an_edge_says_by_which_reactions_and_through_what():
    causal = causal_graph(read_model(builtin_models()["immune"]))
    known = {(each.source, each.target): each for each in causal.edges}
    found = known["IL2", "T_active"]
    assert found.sign == Sign.RAISES
    assert found.reactions == ("T_division", "T_helpers_divide")
    assert "T_permitted_CD8" in found.through
    assert known["stop_signal", "T_active"].sign == Sign.LOWERS
    assert known["IL2_depot", "IL2_absorbing"].moved
    assert not found.moved


def test_own_loss_is_no_edge_and_own_increase_is():
    model = read_model(builtin_models()["reynolds_2006"])
    own = {each.source: each.sign for each in causal_graph(model).between(model.species) if each.source == each.target}
    assert own == {"pathogen": Sign.EITHER, "phagocytes": Sign.RAISES}


def arrows(text):
    """``a+b b-a``: a raises b, b lowers a; ``a>b`` is a move."""
    signs = {"+": Sign.RAISES, "-": Sign.LOWERS, "?": Sign.EITHER, ">": Sign.RAISES}
    return [CausalEdge(each[0], each[2], signs[each[1]], moved=each[1] == ">") for each in text.split()]


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        ("a+b b+a", {("ab", Sign.RAISES)}),
        ("a+b b-a", {("ab", Sign.LOWERS)}),
        ("a-b b-a", {("ab", Sign.RAISES)}),
        ("a+b b?a", {("ab", Sign.EITHER)}),
        ("a-b b-c c-a", {("abc", Sign.LOWERS)}),
        ("a+b b+c", set()),
        ("a+a", set()),
        ("a>b b>a", set()),
        ("a>b b+a", {("ab", Sign.RAISES)}),
        ("a+b b+a b-c c+a", {("ab", Sign.RAISES), ("abc", Sign.LOWERS)}),
    ],
)
def test_loops_and_their_signs(graph, expected):
    assert {("".join(loop.names), loop.sign) for loop in feedback_loops(arrows(graph))} == expected


def test_loops_through_one_name_are_those_that_it_is_on_the_shortest_first():
    graph = arrows("a+b b+a b+c c+b c+d d+a")
    assert [loop.names for loop in feedback_loops(graph, "a")] == [("a", "b"), ("a", "b", "c", "d")]
    assert [loop.names for loop in feedback_loops(graph, most=1)] == [("a", "b")]
    assert [loop.names for loop in feedback_loops(graph, keep=lambda loop: len(loop.names) > 2)] == [
        ("a", "b", "c", "d")
    ]


def test_a_longer_loop_than_anyone_follows_is_left_out():
    ring = "abcdefg"
    assert len(ring) > LONGEST
    assert (
        feedback_loops(arrows(" ".join(f"{one}+{other}" for one, other in zip(ring, ring[1:] + ring[0], strict=True))))
        == []
    )
