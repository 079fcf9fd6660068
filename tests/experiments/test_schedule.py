"""Doses and changes become segments of time, and the ledger counts what was given."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from immunesim.experiments.run import run
from immunesim.experiments.schedule import LedgerError, compile_schedule, ledger
from immunesim.numerics.system import System
from immunesim.runtime.errors import InputError

from tests.toys import K_CLEAR, PG_PER_IU, PG_PER_PMOL, SURFACE, VOLUME, WEIGHT


def dose(name: str = "push", amount: str = "400 pmol", at: str = "2 h", target: str = "drug", **more: object) -> str:
    lines = [f'name = "{name}"', f'target = "{target}"', f'amount = "{amount}"', f'at = "{at}"']
    lines += [f"{key} = {value!r}".replace("'", '"') for key, value in more.items()]
    return "\n[[dose]]\n" + "\n".join(lines) + "\n"


def compiled(question, arm: str = "main"):
    system = System(question.model)
    return compile_schedule(question, question.arm(arm), system), system


def starts(schedule) -> list[float]:
    return [segment.start for segment in schedule.segments]


# times


def test_dose_times_are_never_accumulated(scenario) -> None:
    question = scenario(dose(at="0.1 h", every="0.1 h", count=2000), end="210 h")
    schedule, _ = compiled(question)
    assert schedule.edges == tuple(number / 10 for number in range(1, 2001))  # 0.1 + 2 * 0.1 is another number than 0.3


def test_the_segments_fill_the_whole_run_without_gap_or_overlap(scenario) -> None:
    question = scenario(
        dose(over="3 h", every="5 h", count=3) + dose("other", at="4 h") + CHANGE.format("7 h", "9 h", 1)
    )
    schedule, _ = compiled(question)
    assert starts(schedule) == [0, 2, 4, 5, 7, 9, 10, 12, 15]
    assert [segment.end for segment in schedule.segments] == [*starts(schedule)[1:], 24.0]


CHANGE = '\n[[change]]\nwhile = ["{}", "{}"]\nparameters = {{ k_clear = "{} 1/h" }}\n'


def test_edges_that_coincide_are_one(scenario) -> None:
    question = scenario(
        dose(at="0.3 h", over="0.3 h") + dose("b", at="0.6 h") + dose("c", at="0.2 h", every="0.1 h", count=5)
    )
    schedule, _ = compiled(question)
    np.testing.assert_allclose(starts(schedule), [0, 0.2, 0.3, 0.4, 0.5, 0.6], atol=1e-12)


def test_two_boluses_at_one_time_are_both_given(scenario) -> None:
    schedule, system = compiled(scenario(dose("a") + dose("b", amount="800 pmol")))
    jumps = [segment.jump[system.species.index("drug")] for segment in schedule.segments]
    assert jumps == [0.0, pytest.approx(1200 / VOLUME)]


def test_two_infusions_that_overlap_add_up(scenario) -> None:
    schedule, system = compiled(scenario(dose("a", over="4 h") + dose("b", at="4 h", amount="80 pmol", over="10 h")))
    rates = [segment.infusion[system.species.index("drug")] for segment in schedule.segments]
    assert rates == pytest.approx([0, 400 / VOLUME / 4, 400 / VOLUME / 4 + 80 / VOLUME / 10, 80 / VOLUME / 10, 0])


def test_infusions_back_to_back_never_stop(scenario) -> None:
    schedule, system = compiled(
        scenario(dose(at="0 h", every="0.1 h", over="0.1 h", count=30, amount="4 pmol"), end="4 h")
    )
    rates = [segment.infusion[system.species.index("drug")] for segment in schedule.segments]
    np.testing.assert_allclose(rates[:30], np.full(30, 4 / VOLUME / 0.1), rtol=1e-9)
    assert rates[30:] == [0.0]


def test_a_dose_at_the_start_needs_no_segment_before_it(scenario) -> None:
    schedule, system = compiled(scenario(dose(at="0 h")))
    assert starts(schedule) == [0.0]
    assert schedule.segments[0].jump[system.species.index("drug")] == pytest.approx(400 / VOLUME)


# changes


def k_clear(schedule, system) -> list[float]:
    return [float(segment.parameters[system.parameters.index("k_clear")]) for segment in schedule.segments]


def test_a_change_holds_inside_its_window_only(scenario) -> None:
    schedule, system = compiled(scenario(CHANGE.format("5 h", "8 h", 0.9)))
    assert starts(schedule) == [0, 5, 8]
    assert k_clear(schedule, system) == [K_CLEAR, 0.9, K_CLEAR]


def test_a_change_without_an_end_holds_from_then_on(scenario) -> None:
    schedule, system = compiled(scenario('[[change]]\nat = "5 h"\nparameters = { k_clear = "0.3 1/h" }'))
    assert k_clear(schedule, system) == [K_CLEAR, 0.3]


def test_of_two_changes_that_overlap_the_later_line_wins(scenario) -> None:
    schedule, system = compiled(scenario(CHANGE.format("4 h", "20 h", 0.6) + CHANGE.format("8 h", "12 h", 0.9)))
    assert starts(schedule) == [0, 4, 8, 12, 20]
    assert k_clear(schedule, system) == [K_CLEAR, 0.6, 0.9, 0.6, K_CLEAR]


def test_a_change_from_the_start_holds_from_the_start(scenario) -> None:
    schedule, system = compiled(scenario('[[change]]\nat = "0 h"\nparameters = { k_clear = "0.3 1/h" }'))
    assert k_clear(schedule, system) == [0.3]


def test_a_window_that_ends_after_the_run_is_cut(scenario) -> None:
    schedule, _ = compiled(scenario(CHANGE.format("20 h", "90 h", 0.9)))
    assert starts(schedule) == [0, 20]
    assert schedule.segments[-1].end == 24.0


def test_a_dose_uses_the_volume_and_the_weight_of_its_own_time(scenario) -> None:
    text = dose(every="10 h", count=2, amount="5 pmol/kg")
    text += '[[change]]\nat = "6 h"\nparameters = { plasma_volume = "8 L", body_weight = "40 kg" }'
    question = scenario(text)
    schedule, system = compiled(question)
    jumps = [segment.jump[system.species.index("drug")] for segment in schedule.segments]
    assert jumps == pytest.approx([0, 5 * WEIGHT / VOLUME, 0, 5 * 40 / 8])
    assert run(question).arms["main"].ledger[0].delivered == pytest.approx(10)


# a volume that changes: amounts stay

GROWS = '[[change]]\nat = "6 h"\nparameters = { plasma_volume = "8 L" }\n'


def test_an_amount_stays_when_its_volume_changes(scenario) -> None:
    text = dose() + '[[change]]\nat = "0 h"\nparameters = { k_clear = "0 1/h" }\n' + GROWS
    drug = run(scenario(text)).arms["main"].trajectory
    amounts = drug["drug"][drug.times > 2.0] * np.where(drug.times[drug.times > 2.0] < 6.0, VOLUME, 8.0)
    np.testing.assert_allclose(amounts, 400.0, rtol=1e-7)
    assert drug.added["drug"] == pytest.approx(400 / 8)


def test_an_infusion_goes_on_as_an_amount_per_time_when_the_volume_changes(scenario) -> None:
    question = scenario(dose(over="8 h", amount="400 pmol") + GROWS)
    schedule, system = compiled(question)
    rates = [segment.infusion[system.species.index("drug")] for segment in schedule.segments]
    assert rates == pytest.approx([0, 50 / VOLUME, 50 / 8, 0])
    assert run(question).arms["main"].ledger[0].delivered == pytest.approx(400)


def test_a_dose_at_the_time_of_the_change_meets_the_new_volume(scenario) -> None:
    schedule, system = compiled(scenario(dose() + dose("second", at="6 h") + GROWS))
    last = schedule.segments[-1]
    states = np.full(len(system.species), 100.0)
    assert last.enter(states)[system.species.index("drug")] == pytest.approx(100 * VOLUME / 8 + 400 / 8)


def test_numbers_of_cells_have_no_volume_that_could_change(scenario) -> None:
    schedule, system = compiled(scenario(GROWS))
    place = system.species.index("drug")
    assert [each for each in schedule.segments[-1].dilution if each != 1.0] == [schedule.segments[-1].dilution[place]]


# sizes: the same dose in every unit it may be written in

PMOL = 400.0
WAYS = {
    "moles": f"{PMOL} pmol",
    "other_moles": f"{PMOL / 1000} nmol",
    "mass": f"{PMOL * PG_PER_PMOL / 1e6} ug",
    "international_units": f"{PMOL * PG_PER_PMOL / PG_PER_IU} IU",
    "concentration": f"{PMOL / VOLUME} pM",
    "mass_concentration": f"{PMOL / VOLUME * PG_PER_PMOL / 1000} pg/mL",
    "moles_per_kg": f"{PMOL / WEIGHT} pmol/kg",
    "mass_per_kg": f"{PMOL * PG_PER_PMOL / 1e6 / WEIGHT} ug/kg",
    "international_units_per_kg": f"{PMOL * PG_PER_PMOL / PG_PER_IU / WEIGHT} IU/kg",
    "international_units_per_m2": f"{PMOL * PG_PER_PMOL / PG_PER_IU / SURFACE} IU/m2",
    "mass_per_m2": f"{PMOL * PG_PER_PMOL / 1e9 / SURFACE} mg/m2",
}


@pytest.mark.parametrize("way", WAYS)
def test_a_dose_changes_the_state_by_the_same_however_it_is_written(scenario, way: str) -> None:
    result = run(scenario(dose(amount=WAYS[way]))).arms["main"]
    assert result.trajectory["drug"][result.trajectory.times == 2.0] == pytest.approx(PMOL / VOLUME, rel=1e-6)
    assert result.trajectory.added["drug"] == pytest.approx(PMOL / VOLUME, rel=1e-12)


def test_a_dose_into_an_amount_is_not_divided_by_a_volume(scenario) -> None:
    result = run(scenario(dose(target="depot", amount="8 ug"))).arms["main"]
    assert result.trajectory.added["depot"] == pytest.approx(400.0)


# the ledger


def line(question, arm: str = "main"):
    (found,) = run(question).arms[arm].ledger
    return found


def test_the_ledger_says_what_was_ordered_given_and_remains(scenario) -> None:
    found = line(scenario(dose(every="8 h", count=3)))
    assert (found.dose, found.target, found.unit) == ("push", "drug", "pmol")
    assert (found.given, found.count) == (3, 3)
    assert (found.ordered, found.delivered, found.remaining) == (1200.0, 1200.0, 0.0)


def test_doses_after_the_end_remain(scenario) -> None:
    found = line(scenario(dose(every="8 h", count=5)))
    assert (found.given, found.count) == (3, 5)
    assert (found.ordered, found.delivered, found.remaining) == (2000.0, 1200.0, 800.0)


def test_a_dose_at_the_very_end_remains(scenario) -> None:
    found = line(scenario(dose(at="0 h", every="12 h", count=3)))
    assert (found.given, found.delivered, found.remaining) == (2, 800.0, 400.0)


def test_an_infusion_cut_by_the_end_is_delivered_in_part(scenario) -> None:
    found = line(scenario(dose(at="20 h", over="16 h")))
    assert (found.given, found.delivered, found.remaining) == (1, pytest.approx(100), pytest.approx(300))


def test_the_ledger_is_in_the_unit_of_the_order(scenario) -> None:
    found = line(scenario(dose(amount="3 IU/kg", every="2 h", count=4)))
    assert (found.unit, found.ordered) == ("IU/kg", 12.0)


def test_a_dose_of_nothing_balances(scenario) -> None:
    found = line(scenario(dose(amount="0 pmol")))
    assert (found.ordered, found.delivered, found.remaining) == (0.0, 0.0, 0.0)


def test_many_doses_into_one_species_balance(scenario) -> None:
    text = "".join(dose(f"d{i}", at=f"{0.37 * i} h", over="0.3 h", every="0.7 h", count=7) for i in range(8))
    result = run(scenario(text)).arms["main"]
    assert result.trajectory.added["drug"] == pytest.approx(8 * 7 * 400 / VOLUME, rel=1e-12)
    assert all(each.remaining == pytest.approx(0, abs=1e-9) for each in result.ledger)


@pytest.mark.parametrize("factor", [0.999999, 1.000001, 0.0, 2.0])
def test_a_count_that_does_not_balance_is_a_bug_of_the_simulator(scenario, factor: float) -> None:
    question = scenario(dose())
    trajectory = run(question).arms["main"].trajectory
    assert ledger(question, question.arm("main"), trajectory, System(question.model))[0].delivered == 400
    wrong = {**trajectory.added, "drug": trajectory.added["drug"] * factor}
    tampered = dataclasses.replace(trajectory, added=wrong)
    with pytest.raises(LedgerError, match=r"drug: the schedule gave 100, the solver counted "):
        ledger(question, question.arm("main"), tampered, System(question.model))


@pytest.mark.parametrize("amount", ["1e-320 pmol", "3e-310 pmol", "0 pmol"])
def test_an_amount_near_the_smallest_number_is_given(scenario, amount: str) -> None:
    question = scenario(dose(amount=amount, over="3 h"))
    [line] = run(question).arms["main"].ledger
    assert line.delivered == line.ordered == float(amount.split()[0])


def test_something_given_without_an_order_is_a_bug_of_the_simulator(scenario) -> None:
    question = scenario(dose())
    trajectory = run(question).arms["main"].trajectory
    tampered = dataclasses.replace(trajectory, added={**trajectory.added, "cells": 1e-3})
    with pytest.raises(LedgerError, match=r"cells: the schedule gave 0, the solver counted 0.001"):
        ledger(question, question.arm("main"), tampered, System(question.model))


# arms


ARMS = """
[arms.without]
without = ["push"]

[arms.half]
dose.push.amount = "200 pmol"

[arms.slower]
parameters.k_clear = "0.25 1/h"

[arms.full_of_it]
initial.drug = "7 pM"

[arms.changed]
[[arms.changed.change]]
at = "10 h"
parameters = { k_clear = "1 1/h" }

[arms.more]
dose.later = { target = "drug", amount = "100 pmol", at = "12 h" }
"""


def test_every_arm_differs_by_what_it_says_and_nothing_else(scenario) -> None:
    question = scenario(dose(at="0 h") + ARMS)
    times, drug = {}, {}
    for name, result in run(question).arms.items():
        times[name], drug[name] = result.trajectory.times, result.trajectory["drug"]
    t, fall = times["main"], np.exp(-K_CLEAR * times["main"])
    late = np.maximum(t - 10, 0)
    exact = {
        "main": 100 * fall,
        "without": 0 * t,
        "half": 50 * fall,
        "slower": 100 * np.exp(-0.25 * t),
        "full_of_it": 107 * fall,
        "changed": 100 * np.exp(-K_CLEAR * np.minimum(t, 10) - 1.0 * late),
        "more": 100 * fall + np.where(t >= 12, 25 * np.exp(-K_CLEAR * (t - 12)), 0),
    }
    assert list(drug) == list(exact)
    for name, values in exact.items():
        np.testing.assert_array_equal(times[name], t)
        np.testing.assert_allclose(drug[name], values, rtol=2e-6, atol=1e-6, err_msg=name)


def test_only_the_arms_asked_for_are_simulated(scenario) -> None:
    question = scenario(dose() + ARMS)
    assert list(run(question, arms=["half", "slower"]).arms) == ["half", "slower"]


def test_output_times_are_the_grid_and_every_edge(scenario) -> None:
    question = scenario(dose(at="2.5 h", over="0.25 h"), end="5.3 h")
    times = run(question).arms["main"].trajectory.times
    np.testing.assert_allclose(times, [0, 1, 2, 2.5, 2.75, 3, 4, 5, 5.3])


def test_what_is_said_in_hours_and_in_days_is_one_instant(scenario) -> None:
    question = scenario(dose(at="7 d", every="8 h", count=6), end="12 d", every="20 min")
    schedule, _ = compiled(question)
    assert schedule.edges == (168.0, 176.0, 184.0, 192.0, 200.0, 208.0)
    times = run(question).arms["main"].trajectory.times
    assert times.tolist() == [number / 3 for number in range(12 * 24 * 3 + 1)]


def test_two_doses_half_a_second_apart_in_thirty_years_are_two(scenario) -> None:
    question = scenario(dose(at="20 y") + dose("b", at="631152000.5 s"), end="30 y", every="1 y")
    schedule, system = compiled(question)
    jumps = [segment.jump[system.species.index("drug")] for segment in schedule.segments]
    assert jumps == pytest.approx([0, 100, 100])


def test_doses_that_floats_cannot_tell_apart_are_refused_by_name(scenario) -> None:
    with pytest.raises(
        InputError, match=r"dose 'push' is given at 175320 h, and dose 'b' is given 1.4e-09 h later: too"
    ):
        scenario(dose(at="20 y") + dose("b", at="631152000.000005 s"), end="30 y", every="1 y")


def test_a_grid_that_meets_an_edge_up_to_rounding_saves_it_once(scenario) -> None:
    question = scenario(dose(at="0.3 h", every="0.1 h", count=6), end="1 h", every="0.1 h")
    times = run(question).arms["main"].trajectory.times
    assert len(times) == 11
    assert (np.diff(times) > 0.09).all()
