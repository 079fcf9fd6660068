"""Members as arrays are the members one by one, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from immunesim.experiments.schedule import prepare
from immunesim.experiments.sweeps.designs import Axis
from immunesim.experiments.sweeps.members import ArmMembers, arm_with
from immunesim.files.toml.scenario_file import find_scenario, read_scenario
from immunesim.model.expression import parse
from immunesim.numerics.system import System

SHIPPED = ["il2_therapy", "acute_infection", "chemotherapy_il3", "rheumatoid_arthritis", "transient_stop", "friberg"]


def axis(path: str, unit_text: str = "1") -> Axis:
    return Axis(path, path, unit_text, None, 0.0, 1.0, False)


def assert_same(scenario, arm, axes, values) -> list[int]:
    """Every batch holds what the members one by one are compiled to; returns the numbers of segments."""
    system, seen = System(scenario.model), []
    found = ArmMembers(scenario, arm, system, axes).batches(values)
    for rows, batch in found:
        for place, row in enumerate(rows):
            schedule, _, start, _ = prepare(scenario, arm_with(scenario, arm, axes, values[row]), system)
            seen.append(int(row))
            np.testing.assert_array_equal(batch.initial[place], start)
            assert len(batch.starts) == len(schedule.segments)
            for number, segment in enumerate(schedule.segments):
                assert (batch.starts[number, place], batch.ends[number, place]) == (segment.start, segment.end)
                held = batch.parameters[batch.sets[number, place]][place]
                np.testing.assert_array_equal(held, segment.parameters)
                for dense, sparse in ((segment.jump, batch.jumps), (segment.infusion, batch.infusions)):
                    given = np.zeros(len(system.species))
                    for species, each in sparse[number].items():
                        given[species] = each[place]
                    np.testing.assert_array_equal(given, dense)
                diluted = np.ones(len(system.species))
                for species, each in batch.dilutions[number].items():
                    diluted[species] = each[place]
                np.testing.assert_array_equal(diluted, 1.0 if segment.dilution is None else segment.dilution)
    assert sorted(seen) == list(range(len(values)))
    return [len(batch.starts) for _, batch in found]


def axes_and_values(scenario, count: int = 7):
    """Some parameters of every kind, every dose's amount, an initial value, and values around their own."""
    rng, model, main = np.random.default_rng(3), scenario.model, scenario.arm("main")
    some = [name for name in model.parameters if name.startswith("body_")]
    others = [name for name in model.parameters if name not in some]
    some += rng.choice(others, min(12, len(others)), replace=False).tolist()
    axes = [axis(name, model.parameters[name].unit_text) for name in some]
    own = [scenario.parameters(main)[name] for name in some]
    axes += [axis(f"dose.{dose.name}.amount", dose.unit_text) for dose in main.doses]
    own += [dose.amount for dose in main.doses]
    axes.append(axis(f"initial.{next(iter(model.species))}", next(iter(model.species.values())).unit_text))
    own.append(1.0)
    for number, change in enumerate(main.changes, 1):
        name, value = next(iter(change.parameters.items()))
        axes.append(axis(f"change.{number}.{name}", model.parameters[name].unit_text))
        own.append(value)
    return axes, np.array(own) * np.exp(rng.uniform(-0.5, 0.5, (count, len(own))))


@pytest.mark.parametrize("name", SHIPPED)
def test_a_batch_is_its_members_one_by_one(name: str) -> None:
    scenario = read_scenario(find_scenario(name))
    axes, values = axes_and_values(scenario)
    for arm in scenario.arms:
        assert len(assert_same(scenario, arm, axes, values)) == 1


def test_volumes_that_change_dilute_each_member_by_its_own_factor(scenario) -> None:
    text = '[[dose]]\nname = "drip"\ntarget = "drug"\namount = "400 pmol"\nat = "2 h"\nover = "8 h"\n'
    text += '[[change]]\nat = "6 h"\nparameters = { plasma_volume = "8 L", body_weight = "60 kg" }\n'
    question = scenario(text)
    axes = [axis("plasma_volume", "L"), axis("change.1.plasma_volume", "L"), axis("change.1.at", "h")]
    values = np.array([[3.0, 9.0, 5.0], [4.0, 4.0, 5.0], [4.0, 2.0, 7.0], [5.0, 6.0, 2.0]])
    assert_same(question, question.arm("main"), axes, values)


def test_initial_values_follow_every_parameter_they_rest_on(scenario) -> None:
    question = scenario("")
    system = System(question.model)
    ((_, batch),) = ArmMembers(question, question.arm("main"), system, [axis("cells_at_rest")]).batches(
        np.array([[5.0], [7.0]])
    )
    np.testing.assert_array_equal(batch.initial[:, system.species.index("cells")], [5.0, 7.0])
    assert_same(question, question.arm("main"), [axis("cells_at_rest")], np.array([[5.0], [7.0]]))


def test_every_formula_of_the_model_is_the_same_over_members_as_alone() -> None:
    scenario = read_scenario(find_scenario("il2_therapy"))
    formulas = System(scenario.model).parameter_formulas
    own = scenario.parameters(scenario.arm("main"))
    factors = np.exp(np.random.default_rng(1).uniform(-0.1, 0.1, (5, len(own))))
    over = dict(zip(own, (np.array(list(own.values())) * factors).T, strict=True))
    together = formulas.initial_values(over)
    assert sum(np.ndim(each) for each in together.values()) > 20
    for row in range(5):
        alone = formulas.initial_values({name: float(each[row]) for name, each in over.items()})
        assert {name: np.broadcast_to(each, 5)[row] for name, each in together.items()} == alone


DOSES = """
[[dose]]
name = "push"
target = "drug"
amount = "400 pmol"
at = "2 h"
every = "4 h"
count = 3

[[dose]]
name = "drip"
target = "drug"
amount = "2 IU/kg"
at = "6 h"
over = "3 h"

[[change]]
while = ["9 h", "12 h"]
parameters = { k_clear = "1 1/h", plasma_volume = "5 L" }

[[change]]
at = "20 h"
parameters = { body_weight = "70 kg" }

[arms.own]
without = ["drip"]
dose.push.amount = "1 IU/kg"
dose.push.at = "3 h"
parameters.k_clear = "0.1 1/h"
initial.drug = "2 pM"

[arms.more]
dose.later = { target = "depot", amount = "1 ug", at = "21 h" }
"""


def test_times_and_counts_that_vary_are_grouped_by_the_number_of_segments(scenario) -> None:
    question = scenario(DOSES)
    axes = [axis("dose.push.at", "h"), axis("dose.push.every", "h"), axis("dose.push.count"), axis("k_clear", "1/h")]
    axes += [axis("dose.drip.over", "h"), axis("change.1.at", "h"), axis("dose.drip.amount", "IU/kg")]
    rng = np.random.default_rng(8)
    values = np.column_stack(
        [
            rng.choice([0.0, 1.0, 3.3], 40),
            rng.choice([2.0, 9.0], 40),
            rng.choice([1.0, 2.0, 5.0], 40),
            rng.uniform(0.2, 2, 40),
            rng.choice([1.0, 30.0], 40),
            rng.choice([0.0, 5.0, 9.0], 40),
            rng.choice([0.0, 1.0, 4.0], 40),
        ]
    )
    for arm in question.arms:
        shapes = assert_same(question, arm, axes, values)
        assert len(shapes) == len(set(shapes)) > 1


def test_one_array_of_parameters_serves_every_stretch_in_which_nothing_changes(scenario) -> None:
    question = scenario(DOSES)
    system, values = System(question.model), np.array([[0.5, 1.0], [0.6, 1.0]])
    ((_, batch),) = ArmMembers(
        question, question.arm("main"), system, [axis("k_clear"), axis("dose.push.at", "h")]
    ).batches(values)
    assert len(batch.sets) == 7
    assert len(batch.parameters) == 3  # as ordered, in the window, after 20 h


def test_a_dose_may_vary_in_another_unit_than_the_scenario_writes(scenario) -> None:
    question = scenario(DOSES)
    mass, system = axis("dose.push.amount", "IU/m2"), System(question.model)
    ((_, batch),) = ArmMembers(question, question.arm("main"), system, [mass]).batches(np.array([[3.0]]))
    jump = batch.jumps[1][system.species.index("drug")]
    assert jump == pytest.approx(3 * 2 * 50 / 20_000 / 4)  # IU/m2, m2, pg/IU, pg/pmol, L
    assert_same(question, question.arm("main"), [mass], np.array([[3.0], [0.0]]))


def test_what_an_arm_sets_itself_does_not_vary_in_it(scenario) -> None:
    question = scenario(DOSES)
    paths = ["dose.push.amount", "dose.push.at", "k_clear", "initial.drug", "dose.drip.amount"]
    axes = [axis(path, unit) for path, unit in zip(paths, ["pmol", "h", "1/h", "pM", "IU/kg"], strict=True)]
    row = np.full(5, 7.0)
    own = question.arm("own")
    assert arm_with(question, own, axes, row) == own
    more = arm_with(question, question.arm("more"), axes, row)
    main = arm_with(question, question.arm("main"), axes, row)
    for arm in (main, more):
        assert (arm.doses[0].amount, arm.doses[0].at, arm.doses[1].amount) == (7.0, 7.0, 7.0)
        assert (arm.parameters["k_clear"], arm.initial["drug"]) == (7.0, 7.0)
    assert more.doses[2] == question.arm("more").doses[2]
    varied = arm_with(question, own, [axis("dose.push.every", "h"), axis("body_weight", "kg")], np.array([5.0, 60.0]))
    assert (varied.doses[0].every, varied.parameters["body_weight"]) == (5.0, 60.0)


def test_a_window_that_is_moved_keeps_its_length(scenario) -> None:
    question = scenario(DOSES)
    arm = arm_with(
        question, question.arm("main"), [axis("change.1.at", "h"), axis("change.2.at", "h")], np.array([1, 8.0])
    )
    assert [(change.start, change.end) for change in arm.changes] == [(1.0, 4.0), (8.0, None)]


def test_a_value_that_varies_is_the_value_set_by_hand(scenario) -> None:
    question = scenario(DOSES)
    by_hand = scenario(
        DOSES.replace('amount = "400 pmol"', 'amount = "123 ug"').replace('over = "3 h"', 'over = "2 h"')
    )
    axes = [axis("dose.push.amount", "ug"), axis("dose.drip.over", "h")]
    assert arm_with(question, question.arm("main"), axes, np.array([123.0, 2.0])) == by_hand.arm("main")


def test_exponentials_and_powers_over_members_are_those_of_single_numbers(scenario) -> None:
    formulas, rng = System(scenario("").model).parameter_formulas, np.random.default_rng(4)
    text = (
        "exp(k_clear) * k_leave ^ K_drug + log(plasma_volume) + max(k_clear, k_leave) / hill(k_clear, k_leave, K_drug)"
    )
    tree = parse(text)
    over = {name: np.exp(rng.uniform(-3, 3, 5000)) for name in formulas.model.parameters}
    over["k_leave"][:3] = 0.0  # nothing to divide by
    alone = [formulas.value(tree, {name: float(each[row]) for name, each in over.items()}) for row in range(5000)]
    np.testing.assert_array_equal(formulas.value(tree, over), alone)
    assert np.isfinite(alone).sum() > 4900
