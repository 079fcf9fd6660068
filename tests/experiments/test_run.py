"""The main job: certified digits, failures that stay where they are, expectations judged."""

from __future__ import annotations

import math
import pickle
import signal
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from immunesim.experiments.certificate import compare, digits_of
from immunesim.experiments.expectations import judge
from immunesim.experiments.explanation.explain import explain
from immunesim.experiments.measured import curve_measures
from immunesim.experiments.run import run
from immunesim.experiments.scenario import Scenario
from immunesim.experiments.schedule import prepare
from immunesim.experiments.solving import Certify, solve_arms, system_of
from immunesim.files.formats.sbml.document import sbml_text
from immunesim.runtime.errors import InputError

from tests.toys import K_CLEAR, VOLUME

DOSE = '[[dose]]\nname = "push"\ntarget = "drug"\namount = "400 pmol"\nat = "2 h"\n'
ARMS = '[arms.untreated]\nwithout = ["push"]\n[arms.half]\ndose.push.amount = "200 pmol"\n'


def expect(measure: str, bounds: str, unit: str = "1") -> str:
    return f'\n[[expect]]\nthat = "so"\nmeasure = "{measure}"\n{bounds}\nunit = "{unit}"\nsource = "Toy2020"\n'


each_engine = pytest.mark.parametrize("engine", ["compiled", "scipy"])


@each_engine
def test_an_honest_run_certifies_its_digits(scenario, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMMUNESIM_ENGINE", engine)
    result = run(scenario(DOSE), certify=Certify.AGAIN).arms["main"]
    assert 5 < result.certificate.digits <= 16
    assert result.certificate.is_reliable
    exact = np.where(result.trajectory.times >= 2, 400 / VOLUME * np.exp(-K_CLEAR * (result.trajectory.times - 2)), 0.0)
    error = np.abs(result.trajectory["drug"] - exact) / (exact + 1e-3 * 10)
    assert -math.log10(error.max()) > result.certificate.digits - 1  # the promise is kept


def test_lsoda_confirms_the_digits_of_the_engine(scenario) -> None:
    certificate = run(scenario(DOSE), certify=Certify.INDEPENDENT).arms["main"].certificate
    assert certificate.solver == "LSODA, rtol 1e-09"
    assert certificate.digits > 5


def test_digits_are_those_of_the_curve_that_differs_most(scenario) -> None:
    question = scenario(DOSE)
    result = run(question).arms["main"].trajectory
    typical = {"drug": 10.0, "cells": 1000.0}
    assert compare(question, result, result, typical).digits == 16.0
    wrong = replace(result, values={**result.values, "drug": result["drug"] * (1 + 1e-5 * (result.times == 3.0))})
    certificate = compare(question, wrong, result, typical)
    assert (certificate.curve, certificate.time) == ("drug", 3.0)
    assert 4.9 < certificate.digits < 5.1
    unreliable = replace(result, values={**result.values, "cells": result["cells"] * 1.5})
    certificate = compare(question, unreliable, result, typical)
    assert certificate.digits < 0.5
    assert not certificate.is_reliable
    assert certificate.state == "cells"


def test_a_difference_far_below_what_is_usual_costs_no_digits(scenario) -> None:
    question = scenario(DOSE)
    result = run(question).arms["main"].trajectory
    nothing = replace(result, values={**result.values, "drug": np.full(len(result.times), 1e-20)})
    other = replace(result, values={**result.values, "drug": np.full(len(result.times), 3e-20)})
    assert compare(question, nothing, other, {"drug": 10.0}).digits > 10
    assert compare(question, nothing, other, {"drug": 1e-20}).digits < 1


def test_digits_are_never_negative() -> None:
    assert digits_of(1e10) == digits_of(math.inf) == digits_of(math.nan) == 0.0


def test_digits_are_not_claimed_when_nobody_checked(scenario) -> None:
    certificate = run(scenario(DOSE), certify=Certify.OFF).arms["main"].certificate
    assert (certificate.digits, certificate.reason) == (None, "switched off")


def test_a_slow_run_on_scipy_is_not_certified_unless_asked(scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMMUNESIM_ENGINE", "scipy")
    question = scenario(DOSE + 'every = "0.005 h"\ncount = 4400\n')
    assert "--certify does it" in run(question).arms["main"].certificate.reason


def test_an_arm_computed_with_others_is_the_same_to_the_last_bit(scenario) -> None:
    question = scenario(DOSE + 'every = "0.7 h"\ncount = 20\n' + ARMS)
    together = run(question)
    for name in together.arms:
        alone = run(question, arms=[name]).arms[name].trajectory
        np.testing.assert_array_equal(alone.times, together.arms[name].trajectory.times)
        for curve, values in alone.values.items():
            np.testing.assert_array_equal(values, together.arms[name].trajectory[curve])
    assert len({len(arm.trajectory.times) for arm in together.arms.values()}) > 1  # each has its own times


@pytest.fixture
def failing(folder):
    """The drug, in the arm `blows_up`, makes itself: it goes to infinity 3 h after its dose at 2 h."""
    from immunesim.files.toml.scenario_file import read_scenario

    weakness = 20 / (1 - math.exp(-3 * K_CLEAR))
    model = (folder / "toy_model.toml").read_text()
    model = model.replace('rate = "k_clear * drug"', 'rate = "k_clear * drug * (1 - weakness * drug / K_drug)"')
    model += '\n[parameters.weakness]\nlabel = "w"\nvalue = 0\nunit = "1"\nsource = "Toy2020"\nstatus = "secondary"\n'
    (folder / "toy_model.toml").write_text(model)
    text = 'title = "t"\nmodel = "toy_model.toml"\n[time]\nend = "24 h"\nevery = "1 h"\n' + DOSE
    text += f'[arms.blows_up]\nparameters.weakness = "{weakness}"\n[arms.well]\nparameters.k_clear = "0.3 1/h"\n'
    text += (
        f'[arms.fails_between_doses]\nparameters.weakness = "{weakness}"\ndose.push = {{ every = "4 h", count = 4 }}\n'
    )
    text += expect("max(drug)", "above = 1", "pM") + expect("at(drug, '20 h', arm='blows_up')", "above = 1", "pM")
    (folder / "t.toml").write_text(text)
    return read_scenario(folder / "t.toml")


def test_an_arm_that_fails_stops_no_other(failing) -> None:
    result = run(failing)
    assert not result.ok
    outcomes = {name: arm.trajectory.outcome.kind for name, arm in result.arms.items()}
    assert outcomes["main"] == outcomes["well"] == "success"
    assert outcomes["blows_up"] in ("not finite", "no progress")
    failed = result.arms["blows_up"]
    assert failed.trajectory.outcome.state == "drug"
    assert failed.trajectory.outcome.reaction == "clearance"
    assert failed.trajectory.outcome.time == pytest.approx(5.0, abs=0.01)
    assert failed.trajectory.times[-1] >= 4
    assert failed.certificate.reason == "the run failed"
    assert failed.ledger[0].delivered == 400


def test_a_measure_of_a_failed_arm_is_missed_and_not_a_number(failing) -> None:
    first, second = run(failing).verdicts
    assert first.met
    assert not second.met
    assert math.isnan(second.simulated)


def test_a_failed_run_counts_only_doses_before_its_end(failing) -> None:
    (line,) = run(failing, arms=["fails_between_doses"]).arms["fails_between_doses"].ledger
    assert (line.given, line.count, line.delivered, line.remaining) == (1, 4, 400, 1200)


@pytest.mark.parametrize(
    ("bounds", "met"),
    [
        ("between = [99, 101]", True),
        ("between = [100.5, 101]", False),
        ("between = [0, 99]", False),
        ("above = 99", True),
        ("above = 101", False),
        ("below = 101", True),
        ("below = 99", False),
    ],
)
def test_an_expectation_is_met_inside_its_bounds(scenario, bounds: str, met: bool) -> None:
    (verdict,) = run(scenario(DOSE + expect("max(drug)", bounds, "pM"))).verdicts
    assert verdict.simulated == pytest.approx(100, rel=1e-6)
    assert verdict.met is met


def test_the_bounds_of_above_and_below_are_outside_and_those_of_between_inside(scenario) -> None:
    text = "".join(
        expect("max(cells)", bounds, "cells/uL")
        for bounds in ("between = [1000, 2000]", "above = 1000", "below = 1000")
    )
    assert [verdict.met for verdict in run(scenario(text)).verdicts] == [True, False, False]


def test_an_expectation_is_in_its_own_unit(scenario) -> None:
    (verdict,) = run(scenario(DOSE + expect("max(drug)", "between = [0.099, 0.101]", "nM"))).verdicts
    assert verdict.simulated == pytest.approx(0.1, rel=1e-6)
    assert verdict.met


def test_an_expectation_compares_arms(scenario) -> None:
    question = scenario(DOSE + ARMS + expect("max(drug) / max(drug, arm='half')", "between = [1.999, 2.001]"))
    assert run(question).verdicts[0].met
    assert run(question, arms=["main"]).verdicts == []  # half was not asked for: nothing is claimed


@pytest.mark.parametrize(
    ("measure", "without"),
    [
        ("max(drug) / max(drug, arm='half')", 0.0),
        ("1 - max(drug, arm='half') / (max(drug) + max(drug, arm='half'))", 0.0),
        ("max(drug, arm='half') / max(drug, arm='third')", 0.0),
    ],
)
def test_an_arm_without_the_mechanism_stands_for_the_main_one_or_else_for_the_first(
    scenario, measure: str, without: float
) -> None:
    third = '[arms.third]\ndose.push.amount = "133 pmol"\n'
    text = DOSE + ARMS + third + expect(measure, "above = 0.1") + 'breaks_in = ["untreated"]\n'
    (verdict,) = run(scenario(text)).verdicts
    assert verdict.met
    assert verdict.without_mechanism["untreated"] == pytest.approx(without)


def test_a_measure_that_is_not_a_number_meets_nothing(scenario) -> None:
    for bounds in ("above = -1e300", "below = 1e300", "between = [-1e300, 1e300]"):
        (verdict,) = run(scenario(expect("first_above(drug, '1 pM')", bounds, "h"))).verdicts
        assert not verdict.met


def test_judging_again_gives_the_same_verdicts(scenario) -> None:
    result = run(scenario(DOSE + expect("max(drug)", "above = 1", "pM")))
    again = judge(result.scenario, {name: arm.trajectory for name, arm in result.arms.items()})
    assert again == result.verdicts


def test_a_run_is_the_same_twice(scenario) -> None:
    question = scenario(DOSE + ARMS)
    first, second = run(question), run(question)
    for name in first.arms:
        for species, values in first.arms[name].trajectory.values.items():
            np.testing.assert_array_equal(values, second.arms[name].trajectory[species])


def test_reading_the_grid_finer_does_not_move_the_numbers(scenario) -> None:
    coarse = run(scenario(DOSE, every="4 h")).arms["main"].trajectory
    dense = run(scenario(DOSE, every="0.25 h")).arms["main"].trajectory
    shared = np.isin(dense.times, coarse.times)
    assert dense.steps == coarse.steps
    np.testing.assert_allclose(dense["drug"][shared], coarse["drug"], rtol=1e-13)


@pytest.mark.parametrize("names", [["mian"], ["main", "mian"]])
def test_an_arm_that_does_not_exist_is_refused_wherever_arms_are_named(scenario, names: list[str]) -> None:
    question = scenario("[arms.half]\n")
    done = run(question, certify=Certify.OFF).arms["main"].trajectory
    for call in (
        lambda: run(question, arms=names),
        lambda: judge(question, dict.fromkeys(names, done)),
        lambda: sbml_text(question, "mian"),
        lambda: explain(question, "mian", "drug"),
        lambda: explain(question, "main", "drug", against="mian"),
        lambda: question.arm("mian"),
    ):
        with pytest.raises(InputError, match="has no arm 'mian'; did you mean 'main'"):
            call()


def interrupt_at(wanted: float) -> Callable[[float], None]:
    def interrupt(share: float) -> None:
        if share > wanted:
            signal.raise_signal(signal.SIGINT)

    return interrupt


def test_ctrl_c_inside_the_engine_keeps_the_arms_that_were_finished(scenario) -> None:
    question = scenario(DOSE + 'every = "0.01 h"\ncount = 4000\n' + ARMS, end="210 h")
    result = run(question, certify=Certify.OFF, on_progress=interrupt_at(0.34))  # nothing is given in one of three
    assert result.interrupted
    assert list(result.arms) == ["untreated"]
    assert result.arms["untreated"].trajectory.times[-1] == 210
    with pytest.raises(KeyboardInterrupt):
        run(question, certify=Certify.OFF, arms=["half"], on_progress=interrupt_at(0.001))


def test_ctrl_c_inside_scipy_keeps_the_arms_that_were_finished(scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMMUNESIM_ENGINE", "scipy")
    question = scenario(dose_often() + ARMS, end="210 h")
    result = run(question, certify=Certify.OFF, on_progress=interrupt_at(0.7))  # in the last of three arms
    assert result.interrupted
    assert list(result.arms) == ["main", "untreated"]
    assert result.arms["main"].trajectory.times[-1] == 210


def dose_often() -> str:
    return DOSE + 'every = "1 h"\ncount = 200\n'


def test_a_result_can_be_pickled(scenario) -> None:
    result = run(scenario(DOSE + ARMS + expect("max(drug)", "above = 1", "pM")), certify=Certify.OFF)
    copy = pickle.loads(pickle.dumps(result))
    assert copy.scenario == result.scenario
    assert copy.verdicts == result.verdicts
    for name, arm in result.arms.items():
        other = copy.arms[name].trajectory
        np.testing.assert_array_equal(other["drug"], arm.trajectory["drug"])
        assert curve_measures(copy.scenario.model, other, "drug") == curve_measures(
            result.scenario.model, arm.trajectory, "drug"
        )


def test_why_scipy_computed_an_arm_that_the_engine_gave_up_is_said(
    scenario: Callable[..., Scenario], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = scenario('[[dose]]\nname = "a"\ntarget = "drug"\namount = "80 pmol"\nat = "4 h"\n')
    monkeypatch.setattr("immunesim.numerics.compiled.engine.MAX_ATTEMPTS", 3)  # a limit that many doses reach
    solved = run(asked).arms["main"]
    assert solved.trajectory.outcome.ok
    assert solved.trajectory.solver.startswith("LSODA")
    assert solved.certificate.digits >= 4
    assert solved.certificate.reason == (
        "computed by SciPy, since the compiled engine came no further, or took too many steps"
    )


def test_an_arm_is_the_same_to_the_last_bit_whichever_arms_are_computed(scenario) -> None:
    """Also where the others wake what it does not: all have the program of the scenario."""
    question = scenario(DOSE + ARMS)
    alone, among = (run(question, arms=arms).arms["untreated"].trajectory for arms in (["untreated"], None))
    for name in ("drug", "cells"):
        assert np.array_equal(alone[name], among[name])


def test_a_change_of_an_arm_wakes_what_was_asleep_in_the_scenario(scenario) -> None:
    """Influence and rules simulate arms that no scenario has."""
    question = scenario("")
    system = system_of(question.model)
    arm = question.arms[0]
    assert run(question).arms["main"].trajectory["drug"].max() == 0.0
    dosed = prepare(question, arm._replace(initial={"drug": 5.0}), system)
    found = solve_arms(question, system, {"main": dosed}).arms["main"].trajectory
    assert found["drug"][0] == 5.0
    assert found.solver.startswith("Rodas5P, compiled")
