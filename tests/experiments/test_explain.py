"""Phases, turning points, balances, contrasts and loops: of curves and models whose answer is known."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from immunesim.experiments.explanation.clamped_rates import ClampedRates
from immunesim.experiments.explanation.explain import NoStepsError, TurnKind, explain
from immunesim.experiments.explanation.feedback import active_loops, delay_between
from immunesim.experiments.explanation.phases import PhaseKind, phases, scaled, turning_points
from immunesim.experiments.run import run
from immunesim.model.causal.sign import Sign
from immunesim.numerics.dense_output import RecordedCurves
from immunesim.numerics.fluxes import fluxes

from tests.systems import Stretch, make_model, simulate

T = np.linspace(0, 10, 2001)


def kinds(times, values, breaks=()):
    y, _ = scaled(values)
    return [(phase.kind, round(float(times[phase.first]), 1), round(float(times[phase.last]), 1)) for phase in
            phases(times, y, breaks)]  # fmt: skip


def test_a_curve_turns_where_it_leaves_a_peak_or_trough_by_more_than_the_least() -> None:
    y = np.sin(T)  # tops at pi/2 and 5/2 pi, a bottom at 3/2 pi
    assert [round(T[i], 1) for i in turning_points(y, 0.1)] == [0, 1.6, 4.7, 7.9, 10]
    assert turning_points(y + 0.01 * np.sin(100 * T), 0.1)[1] == pytest.approx(314, abs=15)
    assert len(turning_points(y + 0.01 * np.sin(100 * T), 0.1)) == 5
    assert turning_points(np.zeros(5), 0.1) == [0, 4]


def test_a_rise_from_rest_is_a_level_phase_and_a_rise() -> None:
    pulse = np.exp(-((T - 5) ** 2) / 0.5)
    assert kinds(T, 1 + pulse) == [
        (PhaseKind.LEVEL, 0, 3.6),
        (PhaseKind.RISE, 3.6, 5),
        (PhaseKind.FALL, 5, 6.4),
        (PhaseKind.LEVEL, 6.4, 10),
    ]


def test_a_rise_ends_at_its_top_though_the_curve_falls_too_little_behind_it_for_a_turn() -> None:
    humped = np.where(T < 5, T, 5 - 0.04 * (T - 5))
    assert kinds(T, humped) == [(PhaseKind.RISE, 0, 5), (PhaseKind.LEVEL, 5, 10)]


def test_a_curve_over_many_decades_is_judged_by_its_logarithm() -> None:
    grows = 10.0 ** (1 + 4 * np.abs(np.sin(T / 4)))
    assert scaled(grows)[1]
    assert not scaled(1 + grows / grows.max())[1]
    assert not scaled(T - 5)[1]  # below zero
    assert kinds(T, 10.0 ** (0.7 * np.where(T < 5, T, 10 - T))) == [(PhaseKind.RISE, 0, 5), (PhaseKind.FALL, 5, 10)]
    low = np.where(T < 5, 1e-30, 1.0)
    assert scaled(low)[0].min() == 0  # what is far below counts as the lowest that is seen


def test_a_clear_jump_ends_a_phase_and_a_small_one_does_not() -> None:
    times = np.sort(np.append(T, [5.0]))
    behind = np.arange(len(times)) > 1000
    falls = np.exp(-times)
    assert [kind for kind, *_ in kinds(times, falls + 0.8 * behind * np.exp(5 - times))] == [
        PhaseKind.FALL,
        PhaseKind.LEVEL,
        PhaseKind.FALL,
        PhaseKind.LEVEL,
    ]
    assert [kind for kind, *_ in kinds(times, falls + 0.01 * behind)] == [PhaseKind.FALL, PhaseKind.LEVEL]


def test_many_short_swings_are_one_oscillation_that_counts_its_peaks() -> None:
    wave = np.where((T > 3) & (T < 5.875), np.sin(2 * np.pi * 4 * T), 0.0)
    y, _ = scaled(wave)
    found = phases(T, y)
    waves = [phase for phase in found if phase.kind == PhaseKind.OSCILLATION]
    assert [phase.peaks for phase in waves] == [12]
    assert len(found) <= 4


def test_phases_cover_the_run_without_gaps() -> None:
    generator = np.random.default_rng(5)
    for _ in range(50):
        y, _ = scaled(np.cumsum(generator.normal(size=500)))
        found = phases(np.linspace(0, 1, 500), y)
        assert found[0].first == 0
        assert found[-1].last == 499
        assert all(one.last == other.first for one, other in pairwise(found))


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


@pytest.fixture
def toy(scenario):
    """An infusion from 2 h to 4 h, a bolus at 12 h, and an arm in which clearance is slower."""
    text = """
    [[dose]]
    name = "drip"
    target = "drug"
    amount = "120 pmol"
    at = "2 h"
    over = "2 h"
    [[dose]]
    name = "push"
    target = "drug"
    amount = "120 pmol"
    at = "12 h"
    [arms.slow]
    parameters = { k_clear = "0.25 1/h" }
    [arms.untreated]
    without = ["drip", "push"]
    """
    return scenario(text)


def test_the_balance_of_a_dosed_drug_is_the_exact_one(toy) -> None:
    found = explain(toy, "main", "drug", at=[3.0, 12.0], against="slow")
    k, rate = 0.5, 120 / 4 / 2
    inside = rate / k * (1 - np.exp(-k * 1))
    drip, after = found.at
    assert drip.gain == pytest.approx(rate, rel=1e-6)
    assert drip.loss == pytest.approx(k * inside, rel=1e-6)
    assert drip.net == pytest.approx(rate - k * inside, rel=1e-5)
    peak = rate / k * (1 - np.exp(-k * 2))
    left = peak * np.exp(-k * 8)
    assert after.initial == pytest.approx(left + 30, rel=1e-6)  # at the dose, what is there after it
    assert after.loss == pytest.approx(k * (left + 30), rel=1e-6)
    parts = {part.id: part for part in found.whole.contributions}
    assert parts["doses"].gain == pytest.approx(60, rel=1e-9)
    assert parts["doses"].label == "drip, push"
    assert found.whole.net == pytest.approx(found.whole.final, abs=1e-5)
    assert found.error < 1e-6
    assert sum(phase.balance.net for phase in found.phases) + 30 == pytest.approx(found.whole.final, abs=1e-5)


def test_a_curve_turns_because_an_infusion_ends_and_jumps_by_a_dose(toy) -> None:
    found = explain(toy, "main", "drug")
    start, peak, jump = found.turning_points[0], found.turning_points[1], found.turning_points[-1]
    assert (start.kind, start.time) == (TurnKind.ONSET_OF_RISE, pytest.approx(2))
    assert [shift.id for shift in start.changes] == ["doses"]
    assert (peak.kind, peak.time) == (TurnKind.PEAK, pytest.approx(4))
    (shift,) = peak.changes
    assert (shift.id, shift.after) == ("doses", 0)
    assert shift.before == pytest.approx(15, rel=1e-9)  # clearance takes as much at one level, before and after
    assert (jump.kind, jump.time) == (TurnKind.JUMP, 12)
    assert (jump.dosed, jump.changed) == (pytest.approx(30, rel=1e-9), 0)


def test_rates_of_the_reference_arm_are_those_for_the_curve_of_the_arm(toy) -> None:
    found = explain(toy, "main", "drug", against="slow")
    window = found.against.whole
    assert [each.id for each in window.differences] == ["clearance"]  # doses are the same, at the same times
    (cleared,) = window.differences
    mean = found.whole.loss / 24
    assert cleared.rate == pytest.approx(-mean, rel=1e-9)
    assert cleared.reference_rate == pytest.approx(-mean / 2, rel=1e-3)  # of the same drug, half the clearance
    (driver,) = cleared.drivers
    assert (driver.name, driver.before, driver.after) == ("k_clear", pytest.approx(0.25), pytest.approx(0.5))
    assert explain(toy, "main", "drug", against="main").against.whole.differences == ()
    without = explain(toy, "main", "drug", against="untreated").against.whole
    assert [each.id for each in without.differences] == ["doses"]
    assert without.differences[0].reference_rate == 0
    of_nothing = explain(toy, "untreated", "drug", against="main").against.whole
    assert [each.id for each in of_nothing.differences] == ["doses"]  # of nothing, nothing can be cleared


def test_a_run_without_steps_has_nothing_to_explain(toy) -> None:
    results = dict(run(toy, certify=False, arms=["main"]).arms)
    main = results["main"]
    nothing = RecordedCurves(np.empty(0), {})
    results["main"] = replace(main, trajectory=replace(main.trajectory, dense=nothing))
    with pytest.raises(NoStepsError, match="has none"):
        explain(toy, "main", "drug", known=results)


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
        dense, flux, scaled(flux.values)[0]
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
    (loop,) = active_loops(dense, flux, scaled(flux.values)[0])
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
    assert active_loops(dense, flux, scaled(flux.values)[0]) == ()


def test_clamped_rates_leave_out_the_effect_of_the_level_itself() -> None:
    model = make_model(
        {"A": ("pM", 5, 10), "light": ("1", 1, 1)},
        {"k": (0.5, "1/h")},
        {"loss": ("A ->", "k * A * light"), "dawn": ("-> light", "k * light")},
    )
    dense = simulate(model, [Stretch(0, 1), Stretch(1, 2, jump={"A": 7.0})], [0, 2]).dense
    clamped = ClampedRates(dense, "A")
    three, one = np.array([3.0]), np.ones(1)
    law = clamped.law_inputs("loss", np.array([2.0]), three, one)
    assert law == pytest.approx({"k": 0.5, "A": 3.0, "light": np.exp(1.0)}, rel=1e-6)
    first = clamped.law_inputs("loss", np.zeros(1), three, one)
    (driver,) = clamped.drivers("loss", first, law)
    assert (driver.name, driver.share) == ("light", 1.0)
    assert clamped.drivers("loss", law, law) == ()


def test_an_immune_curve_is_explained_by_what_is_known_of_it() -> None:
    from immunesim import read_scenario
    from immunesim.files.toml.scenario_file import find_scenario

    scenario = read_scenario(find_scenario("transient_stop"))
    found = explain(scenario, "main", "T_self", against="healthy")
    assert [turn.kind for turn in found.turning_points] == [TurnKind.ONSET_OF_RISE, TurnKind.PEAK]
    for turn in found.turning_points:  # the stop signal fails at 5 d and is back at 89 d
        assert turn.changes[0].id == "T_self_division"
        assert turn.changes[0].drivers[0].name == "stop_brake"
    assert {TurnKind.ONSET_OF_FALL, TurnKind.TROUGH, TurnKind.HIGHEST_PEAK}.isdisjoint(
        turn.kind for turn in found.turning_points
    )
    rise = found.against.phases[1]
    assert rise.differences[0].drivers[0].name == "stop_brake"
    assert any(loop.sign == Sign.LOWERS and "stop_signal" in loop.species for loop in found.loops)
    assert found.error < 1e-6
