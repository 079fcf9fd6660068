"""Stiff problems of the public test sets, as model files, against their reference solutions.

An engine is a function ``(model, times, rtol) -> states``, shape (times, species), where times
increase from after 0; a line in `ENGINES` puts another one through all of this.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest
from immunesim.files.toml.model_file import read_model
from immunesim.model.model import Model
from immunesim.numerics.solve import SOLVERS
from immunesim.numerics.trajectory import ATOL_OF_SCALE, Array

from tests.numerics.compiled.runs import on_lanes
from tests.systems import simulate

FOLDER = Path(__file__).parent / "ivp"
REFERENCES = tomllib.loads((FOLDER / "references.toml").read_text(encoding="utf-8"))

RTOL, LOOSE = 1e-6, 1e-2
WANTED = {  # correct digits at RTOL: what the worst engine has, less some; at LOOSE the best has fewer
    "robertson": 5.0,
    "hires": 5.0,
    "pollution": 6.2,
    "oregonator": 4.0,
    "e5": 4.8,
    "van_der_pol": 4.6,
}


def with_scipy(model: Model, times: Array, rtol: float, *, method: str) -> Array:
    trajectory = simulate(model, float(times[-1]), times, method, rtol)
    assert trajectory.outcome.ok, trajectory.outcome
    return np.array([trajectory[name] for name in model.species]).T


def on_compiled_lanes(model: Model, times: Array, rtol: float) -> Array:
    found = on_lanes(model, float(times[-1]), times, rtol=rtol)
    assert found.done.all()
    states: Array = found.grid[0]
    return states


ENGINES: dict[str, Callable[[Model, Array, float], Array]] = {
    **{name: partial(with_scipy, method=name) for name in SOLVERS},
    "compiled": on_compiled_lanes,
}

each_problem = pytest.mark.parametrize("problem", WANTED)
each_engine = pytest.mark.parametrize("engine", ENGINES)


@cache
def model_of(problem: str) -> Model:
    return read_model(FOLDER / f"{problem}.toml")


def reach(problem: str, engine: str, rtol: float) -> Array:
    """The states of `problem` at the times of its references, shape (times, species)."""
    times = np.array([float(each["time"]) for each in REFERENCES[problem]])
    return ENGINES[engine](model_of(problem), times, rtol)


def digits(problem: str, states: Array) -> float:
    """Correct digits of the worst value, of all states and times: relative to the value, or to what the absolute
    tolerance makes of its scale where that is more (the test set's mescd)."""
    truth = np.array([each["states"] for each in REFERENCES[problem]])
    floor = ATOL_OF_SCALE * np.array([species.scale for species in model_of(problem).species.values()])
    return float(-np.log10((np.abs(states - truth) / (np.abs(truth) + floor)).max()))


def test_every_problem_is_asked() -> None:
    assert set(WANTED) == set(REFERENCES) == {path.stem for path in FOLDER.glob("*.toml")} - {"references"}


@each_engine
@each_problem
def test_the_published_values_are_reached(problem: str, engine: str) -> None:
    assert digits(problem, reach(problem, engine, RTOL)) > WANTED[problem]


@each_engine
@each_problem
def test_a_loose_tolerance_does_not_reach_them(problem: str, engine: str) -> None:
    assert digits(problem, reach(problem, engine, LOOSE)) < WANTED[problem] - 0.4
