"""Tapes against the functions of single numbers that are generated for solvers."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from immunesim import read_model
from immunesim.files.toml.catalogue import builtin_models
from immunesim.numerics.graph import Graph
from immunesim.numerics.system import System
from immunesim.numerics.tape import POINTS, Tape

from tests.slow import thinned


@pytest.mark.parametrize("name", thinned(builtin_models(), every=4))
def test_a_tape_gives_what_the_generated_functions_give(name: str) -> None:
    system = System(read_model(builtin_models()[name]))
    parameters = [each.value for each in system.model.parameters.values()]
    entries = system.equations.jacobian
    tape = pickle.loads(pickle.dumps(Tape(system.graph, [*system.rhs, *entries.values()])))
    states = np.random.default_rng(4).uniform(0.5, 2.0, (5, len(system.species))) * system.scales
    values = dict(zip(system.species, states.T, strict=True)) | dict(zip(system.parameters, parameters, strict=True))
    found = tape.evaluate(values | {"time": 1.5})
    few = tape.evaluate_few(values | {"time": 1.5}, len(states))
    np.testing.assert_allclose(few, found, rtol=1e-14)  # powers of many numbers at once round otherwise than of one
    rhs, jacobian, _ = system.bind(parameters)
    size = len(system.species)
    for point, column in zip(states, found.T, strict=True):
        np.testing.assert_allclose(column[:size], rhs(1.5, point), rtol=1e-9, atol=1e-12)
        matrix = np.zeros((size, size))
        matrix[tuple(zip(*entries, strict=True))] = column[size:]
        np.testing.assert_allclose(matrix, jacobian(1.5, point), rtol=1e-9, atol=1e-12)


def test_points_are_independent_of_how_many_there_are() -> None:
    graph = Graph()
    x, k, one = graph.symbol("x"), graph.symbol("k"), graph.constant(1.0)
    nodes = [graph.apply("div", k, graph.apply("add", one, x)), x, one, k, graph.apply("exp", k)]
    tape, points = Tape(graph, nodes), np.linspace(0.0, 1.0, 2 * POINTS + 3)
    found = tape.evaluate({"x": points, "k": 2.0, "never read": "this"})
    assert found.shape == (5, len(points))
    np.testing.assert_array_equal(found[0], 2.0 / (1.0 + points))
    np.testing.assert_array_equal(found[1], points)
    np.testing.assert_array_equal(found[2:, [0, -1]], [[1.0, 1.0], [2.0, 2.0], [np.exp(2.0)] * 2])
    np.testing.assert_array_equal(tape.evaluate({"x": points[7:8], "k": 2.0}), found[:, 7:8])
    assert tape.evaluate({"x": np.array([]), "k": 2.0}).shape == (5, 0)
    np.testing.assert_array_equal(Tape(graph, [k]).evaluate({"k": 2.0}, 3), [[2.0, 2.0, 2.0]])
    assert tape.evaluate({"x": 0.0, "k": 2.0})[:, 0].tolist()[:4] == [2.0, 0.0, 1.0, 2.0]


def test_what_has_no_value_is_no_number_and_no_exception() -> None:
    graph = Graph()
    x = graph.symbol("x")
    tape = Tape(graph, [graph.apply("log", x), graph.apply("div", graph.constant(1.0), x), graph.apply("exp", x)])
    found = tape.evaluate({"x": np.array([0.0, -1.0, np.nan, 1e4])})
    np.testing.assert_array_equal(found[:, 0], [-np.inf, np.inf, 1.0])
    assert np.isnan(found[0, 1])
    assert np.isnan(found[:, 2]).all()
    assert found[2, 3] == np.inf
    with pytest.raises(KeyError):
        tape.evaluate({})
