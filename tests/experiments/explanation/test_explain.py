"""Balances, turning points and comparisons of arms, of models whose answer is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from immunesim.experiments.explanation.clamped_rates import ClampedRates
from immunesim.experiments.explanation.explain import NoStepsError, TurnKind, explain
from immunesim.experiments.run import run
from immunesim.model.causal.sign import Sign
from immunesim.numerics.dense_output import RecordedCurves

from tests.systems import Stretch, make_model, simulate


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
    assert drip.loss == pytest.approx(k * inside, rel=1e-5)
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
    assert [turn.kind for turn in found.turning_points] == [TurnKind.ONSET_OF_RISE, TurnKind.ONSET_OF_FALL]
    for turn in found.turning_points:  # the stop signal fails at 5 d and is back at 89 d
        assert turn.changes[0].id == "T_self_division"
        assert turn.changes[0].drivers[0].name == "stop_brake"
    rise = found.against.phases[1]
    assert rise.differences[0].drivers[0].name == "stop_brake"
    assert any(loop.sign == Sign.RAISES and "tissue_damage" in loop.species for loop in found.loops)
    assert found.error < 1e-6
    loops = explain(read_scenario(find_scenario("acute_infection")), "main", "T_regulatory").loops
    assert any(loop.sign == Sign.LOWERS and "stop_signal" in loop.species for loop in loops)
