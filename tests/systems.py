"""Exact truths: small systems without biology whose time course is known.

`make_model` builds a model from words through the model language; `EXACT` holds the systems.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from immunesim.files.toml.model_file import read_model
from immunesim.model.declarations import Observable, Parameter, Reaction, Source, Species, read_equation
from immunesim.model.expression import Number, parse
from immunesim.model.model import Model
from immunesim.model.units import Substance, in_moles, unit
from immunesim.numerics.parameter_formulas import initial_values
from immunesim.numerics.solve import solve
from immunesim.numerics.system import System
from immunesim.numerics.trajectory import ATOL_OF_SCALE, RTOL, Array, Segment, Trajectory

SOURCE = Source("Somewhere", "Somewhere (2000)", "")


def make_model(
    species: Mapping[str, tuple[str, float | str, float]],  # unit, initial, scale
    parameters: Mapping[str, tuple[float, str]],  # value, unit
    reactions: Mapping[str, tuple[str, str]],  # equation, rate
    observables: Mapping[str, tuple[str, str]] | None = None,  # unit, formula
    time_unit: str = "h",
    substances: Mapping[str, Substance] | None = None,
    substance_of: Mapping[str, str] | None = None,
    volume_of: Mapping[str, str] | None = None,
    signed: Sequence[str] = (),
) -> Model:
    """A model from words; what is wrong with it comes as a `ModelError`."""
    substances, substance_of, volume_of = substances or {}, substance_of or {}, volume_of or {}

    def unit_of(name: str, text: str):
        return in_moles(unit(text), substances[substance_of[name]]) if name in substance_of else unit(text)

    return Model(
        id="toy",
        title="toy",
        time_unit_text=time_unit,
        species={
            name: Species(
                name,
                name,
                text,
                unit_of(name, text),
                str(initial),
                parse(initial) if isinstance(initial, str) else Number(float(initial)),
                scale,
                substance_of.get(name),
                volume_of.get(name),
                signed=name in signed,
            )
            for name, (text, initial, scale) in species.items()
        },
        parameters={
            name: Parameter(name, name, value, text, unit_of(name, text), "Somewhere", "verified")
            for name, (value, text) in parameters.items()
        },
        reactions={
            name: Reaction(name, "", equation, tuple(read_equation(equation).items()), rate, parse(rate), "Somewhere")
            for name, (equation, rate) in reactions.items()
        },
        observables={
            name: Observable(name, name, text, unit(text), formula, parse(formula))
            for name, (text, formula) in (observables or {}).items()
        },
        sources={"Somewhere": SOURCE},
        substances=substances,
    )


@dataclass(frozen=True)
class Stretch:
    """A time without jumps, in words: what is added at its start and what runs in all through it."""

    start: float
    end: float
    jump: Mapping[str, float] | None = None
    infusion: Mapping[str, float] | None = None
    parameters: Mapping[str, float] | None = None
    dilution: Mapping[str, float] | None = None


def simulate(
    model: Model,
    stretches: float | Sequence[Stretch],
    times: Array,
    method: str = "LSODA",
    rtol: float = RTOL,
    floor: float = ATOL_OF_SCALE,
    seconds: float = 60.0,
    solver: Callable[..., Trajectory] = solve,
    **options: Any,
) -> Trajectory:
    """The time course of `model` from its own initial values; a number means one stretch up to it."""
    if isinstance(stretches, (int, float)):
        stretches = [Stretch(0.0, float(stretches))]
    system = System(model)
    own = {name: parameter.value for name, parameter in model.parameters.items()}

    def column(values: Mapping[str, float] | None, default: float = 0.0) -> Array:
        return np.array([(values or {}).get(name, default) for name in system.species])

    segments = [
        Segment(
            each.start,
            each.end,
            column(each.jump),
            column(each.infusion),
            np.array([{**own, **(each.parameters or {})}[name] for name in system.parameters]),
            column(each.dilution, 1.0) if each.dilution else None,
        )
        for each in stretches
    ]
    initial = initial_values(model, own)
    start = np.array([initial[name] for name in system.species])
    at = np.asarray(times, dtype=float)
    options |= {} if floor == ATOL_OF_SCALE else {"floor": floor}
    return solver(system, start, segments, at, method=method, rtol=rtol, seconds=seconds, **options)


@dataclass(frozen=True)
class ExactSystem:
    """truth(times) gives the exact value of every species."""

    name: str
    model: Model
    stretches: tuple[Stretch, ...]
    times: Array
    truth: Callable[[Array], dict[str, Array]]

    def solve(self, method: str = "LSODA", rtol: float = RTOL) -> Trajectory:
        return simulate(self.model, self.stretches, self.times, method, rtol)

    def error(self, trajectory: Trajectory) -> float:
        """Largest difference from the truth, relative to the largest value of each species."""
        truth = self.truth(self.times)
        return max(float(np.abs(trajectory[name] - exact).max() / np.abs(exact).max()) for name, exact in truth.items())


def decay() -> ExactSystem:
    model = make_model({"A": ("pM", 100, 100)}, {"k": (0.3, "1/h")}, {"loss": ("A ->", "k * A")})
    return ExactSystem(
        "decay", model, (Stretch(0, 24),), np.linspace(0, 24, 49), lambda t: {"A": 100 * np.exp(-0.3 * t)}
    )


def chain() -> ExactSystem:
    """A -> B -> C, after Bateman (1910)."""
    a, b = 0.7, 0.2

    def truth(t: Array) -> dict[str, Array]:
        first = 50 * np.exp(-a * t)
        second = 50 * a / (b - a) * (np.exp(-a * t) - np.exp(-b * t))
        return {"A": first, "B": second, "C": 50 - first - second}

    model = make_model(
        {"A": ("pM", 50, 50), "B": ("pM", 0, 50), "C": ("pM", 0, 50)},
        {"a": (a, "1/h"), "b": (b, "1/h")},
        {"first": ("A -> B", "a * A"), "second": ("B -> C", "b * B")},
    )
    return ExactSystem("chain", model, (Stretch(0, 30),), np.linspace(0, 30, 61), truth)


def binding() -> ExactSystem:
    """L + R <-> C from no complex: the Riccati equation, solved by its two fixed points."""
    on, off, ligand, receptor = 0.02, 0.1, 30.0, 20.0

    def truth(t: Array) -> dict[str, Array]:
        middle = (ligand + receptor + off / on) / 2
        spread = np.sqrt(middle**2 - ligand * receptor)
        low, high = middle - spread, middle + spread
        fall = np.exp(-on * (high - low) * t)
        bound = low * (1 - fall) / (1 - low / high * fall)
        return {"L": ligand - bound, "R": receptor - bound, "C": bound}

    model = make_model(
        {"L": ("pM", ligand, 10), "R": ("pM", receptor, 10), "C": ("pM", 0, 10)},
        {"k_on": (on, "1/(pM*h)"), "k_off": (off, "1/h")},
        {"binding": ("L + R -> C", "k_on * L * R"), "release": ("C -> L + R", "k_off * C")},
    )
    return ExactSystem("binding", model, (Stretch(0, 20),), np.linspace(0, 20, 41), truth)


def infusion() -> ExactSystem:
    """A constant infusion for 6 h, then wash-out."""
    k, rate, stop = 0.4, 12.0, 6.0

    def truth(t: Array) -> dict[str, Array]:
        inside = rate / k * (1 - np.exp(-k * np.minimum(t, stop)))
        return {"A": inside * np.exp(-k * np.maximum(t - stop, 0))}

    model = make_model({"A": ("pM", 0, 10)}, {"k": (k, "1/h")}, {"loss": ("A ->", "k * A")})
    stretches = (Stretch(0, stop, infusion={"A": rate}), Stretch(stop, 24))
    return ExactSystem("infusion", model, stretches, np.linspace(0, 24, 49), truth)


def dilution() -> ExactSystem:
    """Decay, while the volume grows fourfold, with a dose into the new volume, and then halves."""
    model = make_model({"A": ("mM", 8, 1)}, {"k": (1.2, "1/h")}, {"loss": ("A ->", "k * A")})
    stretches = (
        Stretch(0.0, 2.0),
        Stretch(2.0, 5.0, {"A": 3.0}, dilution={"A": 0.25}),
        Stretch(5.0, 8.0, dilution={"A": 2.0}),
    )

    def truth(times: Array) -> dict[str, Array]:
        fall = np.exp(-1.2 * times)
        second = 2.0 + 3.0 * np.exp(1.2 * 2.0)
        return {"A": fall * np.where(times < 2.0, 8.0, np.where(times < 5.0, second, 2.0 * second))}

    return ExactSystem("dilution", model, stretches, np.linspace(0.0, 8.0, 33), truth)


def logistic() -> ExactSystem:
    r, most, first = 0.8, 1000.0, 1.0
    model = make_model(
        {"N": ("cells/uL", first, 100)},
        {"r": (r, "1/h"), "most": (most, "cells/uL")},
        {"growth": ("-> N", "r * N * (1 - N / most)")},
    )
    return ExactSystem(
        "logistic",
        model,
        (Stretch(0, 20),),
        np.linspace(0, 20, 41),
        lambda t: {"N": most / (1 + (most / first - 1) * np.exp(-r * t))},
    )


def hastening() -> ExactSystem:
    """A loss of second order that grows with time itself."""
    k, first = 0.05, 100.0
    model = make_model(
        {"A": ("pM", first, 100)},
        {"k": (k, "1/h^2"), "first": (first, "pM")},
        {"loss": ("A ->", "2 * k * time * A^2 / first")},
    )
    return ExactSystem(
        "hastening", model, (Stretch(0, 12),), np.linspace(0, 12, 49), lambda t: {"A": first / (1 + k * t**2)}
    )


EXACT = [decay(), chain(), binding(), infusion(), dilution(), logistic(), hastening()]


def robertson() -> Model:
    """Robertson (1966): three reactions whose speeds differ by nine orders of magnitude."""
    return read_model(Path(__file__).parent / "numerics" / "ivp" / "robertson.toml")
