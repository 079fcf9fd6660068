"""Feedback loops and delays of models and curves where they are known."""

from __future__ import annotations

import numpy as np
import pytest
from immunesim.experiments.explanation.feedback import active_loops, delay_between
from immunesim.experiments.explanation.phases import scaled_to_one
from immunesim.model.causal.sign import Sign
from immunesim.numerics.fluxes import fluxes

from tests.systems import make_model, simulate

T = np.linspace(0, 10, 2001)


def test_a_shifted_curve_is_delayed_by_its_shift() -> None:
    def bump(at):
        return 0.5 + np.exp(-((T - at) ** 2) / 0.3)

    assert delay_between(T, bump(3), bump(4.5), Sign.RAISES) == pytest.approx(1.5, abs=0.02)
    assert delay_between(T, bump(3), -bump(4.5), Sign.LOWERS) == pytest.approx(1.5, abs=0.02)
    assert delay_between(T, bump(3), bump(3), Sign.RAISES) == 0
    assert delay_between(T, bump(4.5), bump(3), Sign.RAISES) is None  # the other comes first
    assert delay_between(T, bump(3), bump(4.5), Sign.EITHER) is None
    assert delay_between(T, bump(3), np.sin(40 * T), Sign.RAISES) is None
    assert delay_between(T, np.ones(len(T)), bump(3), Sign.RAISES) is None


CYCLE = make_model(
    {"prey": ("1", 0.5, 1), "hunter": ("1", 0.5, 1), "idle": ("1", 1, 1), "box": ("1", 1, 1)},
    {"k": (1.0, "1/h")},
    {
        "grows": ("-> prey", "k * prey"),
        "eaten": ("prey ->", "k * prey * hunter"),
        "breeds": ("-> hunter", "k * prey * hunter"),
        "starves": ("hunter ->", "k * hunter"),
        "out": ("prey -> box", "0.01 * k * prey"),
        "back": ("box -> prey", "0.01 * k * box"),
        "watches": ("-> idle", "k * prey"),
        "fades": ("idle ->", "k * idle"),
    },
)


def test_the_loop_of_hunter_and_prey_is_negative_feedback_of_strength_one() -> None:
    dense = simulate(CYCLE, 40.0, np.linspace(0, 40, 81)).dense
    flux = fluxes(dense, "prey")
    (loop,) = active_loops(
        dense, flux, scaled_to_one(flux.values)[0]
    )  # nothing comes back of idle, and the box only exchanges
    assert loop.species == ("prey", "hunter")
    assert loop.sign == Sign.LOWERS
    assert [link.sign for link in loop.links] == [Sign.RAISES, Sign.LOWERS]
    assert [link.reaction for link in loop.links] == ["breeds", "eaten"]
    assert 0.5 < loop.strength < 2
    period = 2 * np.pi  # of small swings
    assert loop.delay == pytest.approx(period / 4, rel=0.35)


def test_at_rest_the_strength_of_a_loop_is_its_gain() -> None:
    model = make_model(
        {"A": ("pM", 1, 1), "B": ("pM", 1, 1), "C": ("pM", 1, 1)},
        {"k": (1.0, "pM/h"), "d": (1.0, "1/h"), "K": (1.0, "pM")},
        {
            "make_A": ("-> A", "2 * k * inhibition(C, K, 3)"),
            "lose_A": ("A ->", "d * A"),
            "make_B": ("-> B", "d * A"),
            "lose_B": ("B ->", "d * B"),
            "follow": ("-> C", "d * (B - C)"),  # gain and loss in one law: its turnover is what its slope takes
        },
    )
    dense = simulate(model, 5.0, [0, 5.0]).dense
    flux = fluxes(dense, "A")
    (loop,) = active_loops(dense, flux, scaled_to_one(flux.values)[0])
    assert loop.species == ("A", "B", "C")
    assert loop.sign == Sign.LOWERS
    assert loop.strength == pytest.approx(1.5, rel=1e-6)  # d ln inhibition / d ln C at C = K, of an exponent of 3


def test_a_pure_exchange_is_no_feedback() -> None:
    model = make_model(
        {"plasma": ("pM", 10, 1), "tissue": ("pM", 0, 1)},
        {"k": (1.0, "1/h")},
        {"out": ("plasma -> tissue", "k * plasma"), "back": ("tissue -> plasma", "k * tissue")},
    )
    dense = simulate(model, 5.0, [0, 5.0]).dense
    flux = fluxes(dense, "plasma")
    assert active_loops(dense, flux, scaled_to_one(flux.values)[0]) == ()
