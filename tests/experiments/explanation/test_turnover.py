"""Net effects against rest: models with a large turnover that cancels, and a small cause that is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from immunesim.experiments.explanation.balance import Balance
from immunesim.experiments.explanation.explain import Explanation, PhaseBalance, explain
from immunesim.experiments.explanation.phases import PhaseKind
from immunesim.files.toml.scenario_file import read_scenario
from immunesim.views.figures.explain import picture
from immunesim.views.text.explain import explanation_text
from matplotlib.text import Text

MODEL = """\
schema = 1
title = "A mediator with a large turnover, and a leak"
time_unit = "h"

[sources.Toy2020]
citation = "Toy, A. (2020) A toy. Journal of Toys 1:1."

[species]
mediator = {{ label = "mediator", unit = "pM", initial = "{initial}", scale = 100 }}
driver = {{ label = "driver", unit = "pM", initial = 0, scale = 1 }}
germ = {{ label = "germ", unit = "pM", initial = 10, scale = 1 }}
leak = {{ label = "leak", unit = "1", initial = 0, scale = 1 }}

[parameters]
basal = {{ label = "basal", value = 1000, unit = "pM/h", source = "Toy2020", status = "verified" }}
k = {{ label = "k", value = 10, unit = "1/h", source = "Toy2020", status = "verified" }}
one = {{ label = "one", value = 1, unit = "1/h", source = "Toy2020", status = "verified" }}
per = {{ label = "per", value = 1, unit = "1/(pM h)", source = "Toy2020", status = "verified" }}
block = {{ label = "block", value = 0, unit = "1", source = "Toy2020", status = "verified" }}
halt = {{ label = "halt", value = 0, unit = "1", source = "Toy2020", status = "verified" }}
half = {{ label = "half", value = 100, unit = "pM", source = "Toy2020", status = "verified" }}
rest = {{ label = "rest", value = 100, unit = "pM", source = "Toy2020", status = "verified" }}
fall = {{ label = "fall", value = 20, unit = "mmHg", source = "Toy2020", status = "verified" }}

[reactions]
made = {{ label = "basal release", equation = "-> mediator", rate = "basal * (1 - halt)", source = "Toy2020" }}
lost = {{ label = "breakdown", equation = "mediator ->", rate = "k * (1 - block) * mediator", source = "Toy2020" }}
driven = {{ label = "driven release", equation = "-> mediator", rate = "one * driver", source = "Toy2020" }}
driver_lost = {{ label = "driver fades", equation = "driver ->", rate = "one * driver", source = "Toy2020" }}
leaks = {{ label = "vessels leak", equation = "-> leak", rate = "per * driver", source = "Toy2020" }}
seals = {{ label = "vessels seal", equation = "leak ->", rate = "one * leak", source = "Toy2020" }}
grows = {{ label = "growth", equation = "-> germ", rate = "one * germ", source = "Toy2020" }}
killed = {{ label = "killing", equation = "germ ->", rate = "(one + per * driver) * germ", source = "Toy2020" }}

[observables]
pressure = {{ label = "pressure", unit = "mmHg", value = "fall * (5 - leak) - fall * (mediator - rest) / rest" }}
effect = {{ label = "effect", unit = "1", value = "mediator / (mediator + half)" }}
"""
DOSE = '[[dose]]\nname = "push"\ntarget = "driver"\namount = "{} pM"\nat = "2 h"\n'
BLOCK = '[[change]]\nwhile = ["2 h", "6 h"]\nparameters = { block = "0.5" }\n'
HALT = '[[change]]\nwhile = ["2 h", "6 h"]\nparameters = { halt = "0.9" }\n'


@pytest.fixture
def toy(tmp_path: Path) -> Callable[..., Explanation]:
    """``toy(text, curve)`` explains a curve of the model under what the text gives or changes."""

    def explained(text: str, curve: str, initial: object = 100, **asked: object) -> Explanation:
        (tmp_path / "model.toml").write_text(MODEL.format(initial=initial), encoding="utf-8")
        head = 'schema = 1\ntitle = "toy"\nmodel = "model.toml"\n[time]\nend = "12 h"\nevery = "1 h"\n'
        (tmp_path / "toy.toml").write_text(head + text, encoding="utf-8")
        arm = str(asked.pop("arm", "main"))
        found = explain(read_scenario(tmp_path / "toy.toml"), arm, curve, **asked)  # type: ignore[arg-type]
        for balance in (found.whole, *(phase.balance for phase in found.phases)):
            sums = [sum(getattr(part, side) for part in balance.contributions) for side in ("gain", "loss")]
            change = balance.final - balance.initial
            assert sums[0] - sums[1] == pytest.approx(change, abs=1e-5 * (1 + balance.background))
            assert sum(part.background for part in balance.contributions) == pytest.approx(0, abs=1e-9)
        return found

    return explained


def first(found: Explanation, kind: PhaseKind) -> PhaseBalance:
    """The first phase of a kind."""
    return next(phase for phase in found.phases if phase.kind == kind)


def named(balance: Balance, side: str) -> str:
    """What is named first for gain or loss."""
    return max(balance.contributions, key=lambda part: getattr(part, side)).id


def test_a_small_driver_is_named_and_not_the_turnover_that_cancels(toy) -> None:
    found = toy(DOSE.format(50), "mediator", at=[2.01])
    rise = first(found, PhaseKind.RISE).balance
    assert named(rise, "gain") == "driven"
    assert {part.id: part.gain for part in rise.contributions}["made"] == pytest.approx(0, abs=1e-9)
    assert named(found.whole, "gain") == "driven"
    assert found.at[0].contributions[0].id == "driven"
    assert named(first(found, PhaseKind.FALL).balance, "loss") == "lost"
    assert "“driven release”" in explanation_text(found)
    assert "“basal release”" not in explanation_text(found)


def test_a_turnover_whose_loss_is_inhibited_is_a_cause(toy) -> None:
    found = toy(BLOCK, "mediator")
    rise = first(found, PhaseKind.RISE)
    parts = {part.id: part for part in rise.balance.contributions}
    assert parts["lost"].gain == pytest.approx(rise.balance.final - rise.balance.initial, rel=1e-6)
    assert parts["made"].gain == parts["made"].loss == 0
    assert "All increase is because “breakdown” removes less than at rest" in " ".join(explanation_text(found).split())


def test_a_loss_that_an_arm_inhibits_from_the_start_is_a_cause(toy) -> None:
    found = toy('[arms.blocked]\nparameters = { block = "0.5" }\n', "mediator", arm="blocked")
    (rise,) = [phase for phase in found.phases if phase.kind == PhaseKind.RISE]
    assert named(rise.balance, "gain") == "lost"
    assert [(each.name, each.before, each.after) for each in rise.drivers] == [("block", 0, pytest.approx(0.5))]


def test_production_that_fails_is_the_cause_of_a_fall_and_its_return_that_of_the_rise(toy) -> None:
    found = toy(HALT, "mediator")
    assert named(first(found, PhaseKind.FALL).balance, "loss") == "made"
    rise = first(found, PhaseKind.RISE).balance
    assert named(rise, "gain") == "made"
    text = " ".join(explanation_text(found).split())
    assert "All decrease is because “basal release” adds less than at rest" in text
    assert "All increase is because “basal release” adds more than at 6 h" in text


def test_less_growth_of_fewer_germs_is_no_cause_of_their_fall(toy) -> None:
    fall = first(toy(DOSE.format(3), "germ"), PhaseKind.FALL).balance
    assert named(fall, "loss") == "killed"
    assert named(fall, "gain") == "grows"


def test_less_loss_of_fewer_molecules_is_no_cause_of_their_return(toy) -> None:
    found = toy(HALT, "mediator", initial=100)
    rise = first(found, PhaseKind.RISE)
    assert named(rise.balance, "gain") == "made"
    assert not any(driver.name == "mediator" for phase in found.phases for driver in phase.drivers)


def test_of_a_start_that_is_not_at_rest_only_what_cancels_is_taken_away(toy) -> None:
    found = toy(DOSE.format(50), "mediator", initial=40)
    whole = found.whole
    parts = {part.id: part for part in whole.contributions}
    assert (parts["made"].background, parts["lost"].background) == (pytest.approx(400 * 12), pytest.approx(-400 * 12))
    assert parts["made"].gain == pytest.approx(600 * 12)
    assert named(whole, "gain") == "made"  # 600 of it are not balanced
    assert not whole.at_rest


def test_without_turnover_gain_and_loss_are_all_that_is_made_and_lost(toy) -> None:
    found = toy(DOSE.format(1), "leak")
    whole = found.whole
    assert whole.background == 0
    assert whole.gain == pytest.approx(1, rel=1e-4)
    assert whole.loss == pytest.approx(whole.gain - found.flux.values[-1], rel=1e-4)


def test_an_observable_names_the_species_that_changed(toy) -> None:
    found = toy(DOSE.format(1), "pressure", at=[1.0, 2.1])
    fall = first(found, PhaseKind.FALL).balance
    assert fall.contributions[0].id == "leak"
    assert found.whole.contributions[0].id == "leak"
    assert not found.at[0].contributions  # at rest nothing raises or lowers it
    assert found.at[1].contributions[0].id == "leak"


def test_what_one_contributor_does_to_and_fro_in_a_phase_cancels(toy) -> None:
    pulse = '[[dose]]\nname = "{0}"\ntarget = "driver"\namount = "1 pM"\nat = "{0} h"\n'
    found = toy("".join(pulse.replace("{0}", str(hour)) for hour in (2, 3, 4, 5)), "pressure")
    for phase in found.phases:
        if phase.kind in (PhaseKind.RISE, PhaseKind.FALL):
            for part in phase.balance.contributions:
                assert not (part.gain and part.loss), part.id


def test_an_observable_of_one_species_with_a_bent_formula_names_the_driver(toy) -> None:
    found = toy(DOSE.format(500), "effect")
    rise = first(found, PhaseKind.RISE).balance
    assert named(rise, "gain") == "driven"
    parts = {part.id: part for part in rise.contributions}
    assert parts["made"].gain == pytest.approx(0, abs=1e-9)


def test_the_figure_draws_changes_against_rest_and_says_which_are_less(toy) -> None:
    found = picture(toy(HALT, "mediator"))
    words = {each.get_text().replace("\n", " ") for each in found.figure.findobj(Text)}
    assert "less: basal release" in words
    assert any("compared with those at rest" in text for text in words)
    assert "“basal release” adds less than at rest" in found.text


def test_swings_are_told_to_and_fro(toy) -> None:
    pulse = '[[dose]]\nname = "push"\ntarget = "leak"\namount = "1"\nat = "2 h"\nevery = "0.5 h"\ncount = 16\n'
    found = toy(pulse, "pressure")
    (waves,) = [phase for phase in found.phases if phase.kind == PhaseKind.OSCILLATION]
    assert (named(waves.balance, "gain"), named(waves.balance, "loss")) == ("leak", "doses")
    assert "increase is by “leak” (leak); all decrease is by dosing" in " ".join(explanation_text(found).split())


def test_an_infusion_belongs_to_the_species_that_an_observable_reads(toy) -> None:
    drip = '[[dose]]\nname = "drip"\ntarget = "mediator"\namount = "2000 pM"\nat = "2 h"\nover = "4 h"\n'
    found = toy(drip + DOSE.format(0.01), "pressure")
    fall = first(found, PhaseKind.FALL).balance
    assert named(fall, "loss") == "mediator"
    assert sum(part.gain for part in fall.contributions) < 0.01 * fall.loss
    inner = found.turning_points[0].changes[0].inner
    assert inner[0].id == "doses"


def test_rounding_errors_are_no_phases_and_no_contributions(toy) -> None:
    found = toy("", "mediator", initial="rest * (1 + 1e-13)")
    assert [phase.kind for phase in found.phases] == [PhaseKind.LEVEL]
    assert found.whole.gain == pytest.approx(0, abs=1e-6)
    assert "at rest" in explanation_text(toy("", "pressure", at=[3.0]))


def test_arms_that_differ_by_a_small_driver_differ_by_it_and_not_by_the_turnover(toy) -> None:
    found = toy(DOSE.format(50) + "[arms.untreated]\nwithout = ['push']\n", "mediator", against="untreated")
    differences = found.against.phases[1].differences
    assert [each.id for each in differences] == ["driven"]


def test_arms_in_which_an_observable_depends_otherwise_on_the_same_level_differ_by_that(toy) -> None:
    found = toy(DOSE.format(1) + '[arms.firm]\nparameters = { fall = "2 mmHg" }\n', "pressure", against="firm")
    (difference,) = found.against.phases[1].differences
    assert difference.id == "leak"
    assert [(each.name, each.before, each.after) for each in difference.drivers] == [("fall", 2, pytest.approx(20))]
    text = " ".join(explanation_text(found).split())
    assert "because fall is 20 mmHg instead of 2" in text
    assert "because its level" not in text
