"""The sliders and presets of pages that simulate by themselves, and the scenarios that have no such page."""

from __future__ import annotations

import json
from pathlib import Path

import immunesim as sim
import pytest
from immunesim.cli.program import main
from immunesim.experiments.explorer.sliders import by_effect, presets_of, sliders_of
from immunesim.files.toml.catalogue import builtin_scenarios
from immunesim.files.toml.scenario_file import read_scenario

from tests.experiments.test_inputs import POINTS
from tests.experiments.test_regimens import dose, question
from tests.experiments.test_rules import COURSE, rule
from tests.slow import thinned
from tests.toys import SCENARIO, TOY_MODEL


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    (tmp_path / "toy_model.toml").write_bytes(TOY_MODEL.read_bytes())
    path = tmp_path / "toy.toml"
    path.write_text(SCENARIO)
    return path


def test_doses_and_parameters_have_sliders_whose_range_holds_their_value(toy: Path) -> None:
    sliders = {each.path: each for each in sliders_of(read_scenario(toy))}
    assert {"dose.push.amount", "dose.push.count", "dose.push.every", "dose.push.at", "dose.drip.over"} <= {*sliders}
    assert not {"dose.drip.count", "dose.drip.every", "dose.push.over"} & {*sliders}  # it is given once; it is a bolus
    assert all(each.low <= each.value <= each.high and each.low < each.high for each in sliders.values())
    push = sliders["dose.push.amount"]
    assert (push.value, push.low, push.high, push.unit_text) == (400.0, 0.0, 800.0, "pmol")
    assert sliders["k_clear"].value == 0.25  # that of the scenario, not of the model


def test_other_arms_are_presets_where_sliders_can_make_them(toy: Path) -> None:
    toy.write_text(SCENARIO.replace('initial.drug = "1 pM"\n', ""))
    scenario = read_scenario(toy)
    found = {each.label: dict(each.values) for each in presets_of(scenario, sliders_of(scenario))}
    assert found == {
        "untreated": {"dose.push.amount": 0.0, "dose.drip.amount": 0.0},
        "half": {"dose.push.amount": 200.0},
    }


def test_an_arm_that_no_slider_can_make_is_no_preset(toy: Path) -> None:
    scenario = read_scenario(toy)
    assert [each.label for each in presets_of(scenario, sliders_of(scenario))] == ["untreated"]


def test_what_moves_the_curves_comes_first_and_what_moves_nothing_is_left_out(toy: Path) -> None:
    scenario = read_scenario(toy)
    order = by_effect(scenario, [each for each in sliders_of(scenario) if "." not in each.path])
    assert "k_clear" in order
    assert "body_surface" not in order  # no dose here is per m2


@pytest.mark.parametrize("name", thinned(["core_cures", "il2_therapy", "influenza"], every=3))
def test_at_most_eight_sliders_are_shown_first_and_any_knob_can_be(name: str) -> None:
    scenario = read_scenario(builtin_scenarios()[name])
    sliders = sliders_of(scenario)
    assert 4 <= sum(each.shown for each in sliders) <= 8
    knobs = {each.id for each in scenario.model.parameters.values() if each.knob}
    assert knobs <= {each.path for each in sliders}
    first = {each.path for each in sliders if each.shown}
    set_here = {name for name in scenario.arms[0].parameters if name in knobs}
    assert not set_here or set_here & first


def test_what_the_scenario_sets_is_no_first_slider_where_it_moves_nothing() -> None:
    scenario = read_scenario(builtin_scenarios()["regulatory_cells_partly_lost"])
    assert "body_surface" in scenario.arms[0].parameters  # of a mouse, which is given nothing per m2 here
    first = {each.path for each in sliders_of(scenario) if each.shown}
    assert "body_surface" not in first
    assert "pace" in first  # of its infections and divisions, which the scenario sets too


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (COURSE + rule("skip"), "has rules, such as 'hold'"),
        (dose() + "[inputs.CL]\n" + POINTS.replace("mg/L/h", "L/h"), "has an input, 'CL'"),
        (dose(every="12 h", count=3, steady_state=True), "starts in the steady state of the dose 'drug'"),
    ],
)
def test_what_a_page_cannot_do_is_refused_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, reason: str
) -> None:
    path = question(tmp_path, text)
    assert main(["explore", path, "--out", str(tmp_path / "page.html")]) == 2
    error = capsys.readouterr().err
    assert "no page can be made: arm 'main' " + reason in error
    assert not (tmp_path / "page.html").exists()


def test_an_existing_page_needs_force(toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = toy.with_suffix(".html")
    page.write_text("mine")
    assert main(["explore", str(toy), "--out", str(page)]) == 3
    assert "--force" in capsys.readouterr().err
    assert page.read_text() == "mine"
    assert main(["explore", str(toy), "--out", str(page), "--force"]) == 0
    assert page.read_text().startswith("<!DOCTYPE html>")


def test_the_answer_is_the_same_from_python(toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = sim.explore(toy, toy.with_suffix(".html"), set={"body_weight": "70 kg"})
    assert next(each.value for each in found.sliders if each.path == "body_weight") == 70.0
    assert found.size == toy.with_suffix(".html").stat().st_size
    assert str(found).endswith("KB)")
    assert len(found.to_pandas()) == len(found.sliders)
    other = str(toy.with_name("b.html"))
    assert main(["explore", str(toy), "--out", other, "--json", "--set", "body_weight=70 kg"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["sliders"] == json.loads(json.dumps(found.document["sliders"]))


def test_titles_with_markup_are_text(toy: Path) -> None:
    sim.explore(toy, toy.with_name("plain.html"))
    toy.write_text(SCENARIO.replace("A toy question", "</script><b>bold</b>").replace('["cells"]', '["cells / drug"]'))
    sim.explore(toy, toy.with_suffix(".html"))
    page = toy.with_suffix(".html").read_text()
    assert "<b>bold" not in page
    assert page.count("</script>") == toy.with_name("plain.html").read_text().count("</script>")


def test_the_sliders_that_are_asked_for_come_first_in_their_order(toy: Path) -> None:
    found = sliders_of(read_scenario(toy), chosen=["k-clear", "dose.push.amount"])
    assert [each.path for each in found if each.shown] == ["k_clear", "dose.push.amount"]
    assert [each.path for each in found[:2]] == ["k_clear", "dose.push.amount"]


def test_a_parameter_that_is_no_knob_can_be_asked_for() -> None:
    scenario = read_scenario(builtin_scenarios()["core_cures"])
    rate = next(each for each in scenario.model.parameters.values() if not each.knob and each.range)
    (slider,) = [each for each in sliders_of(scenario, chosen=[rate.id]) if each.shown]
    assert (slider.path, slider.low, slider.high) == (rate.id, *rate.range)


@pytest.mark.parametrize(
    ("scenario", "word", "hint"),
    [("", "k_cleer", "did you mean 'k_clear'?"), ("il2_therapy", "zzz", "'describe' lists the parameters of a model")],
)
def test_a_slider_that_there_is_not_is_said_with_the_nearest_or_with_where_they_are_listed(
    scenario: str, word: str, hint: str, toy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(toy.with_suffix(".html"))
    assert main(["explore", scenario or str(toy), "--out", out, "--slider", word]) == 2
    assert f"no slider '{word}'; {hint}" in capsys.readouterr().err


CHOSEN = """
[[explore.slider]]
parameter = "dose.push.at"
from = "1 h"
to = "20 h"
label = "when"
[[explore.slider]]
parameter = "dose.push.amount"
from = "4e-9 mmol"
to = "4000 pmol"
scale = "log"
[[explore.slider]]
parameter = "initial.drug"
from = "0 pM"
to = "50 pM"
[[explore.preset]]
label = "<b>much</b>"
set = { dose.push.amount = "9000 pmol", "dose.drip.amount" = "0 IU/kg" }
"""


def test_a_scenario_chooses_sliders_ranges_order_and_presets(toy: Path) -> None:
    toy.write_text(SCENARIO.replace('initial.drug = "1 pM"\n', "") + CHOSEN)
    scenario = read_scenario(toy)
    sliders = sliders_of(scenario)
    at, amount, start = sliders[:3]
    assert [each.path for each in sliders if each.shown] == ["dose.push.at", "dose.push.amount", "initial.drug"]
    assert (at.label, at.low, at.high) == ("when", 1.0, 20.0)
    assert (amount.low, amount.high, amount.log) == (pytest.approx(4.0), 9000.0, True)  # a preset sets as much
    assert (start.value, start.low, start.high) == (0.0, 0.0, 50.0)
    presets = presets_of(scenario, sliders)
    assert [each.label for each in presets] == ["<b>much</b>", "half"]  # no slider makes "untreated": it stays above 0
    assert dict(presets[0].values) == {"dose.push.amount": 9000.0, "dose.drip.amount": 0.0}
    (other, *_) = [each for each in sliders_of(scenario, chosen=["k_clear"]) if each.shown]
    assert other.path == "k_clear"  # what the command line asks for comes before what the file says


def test_what_explore_says_of_a_dose_after_a_moved_end_is_left_out(toy: Path) -> None:
    toy.write_text(SCENARIO + CHOSEN)
    scenario = read_scenario(toy, {"time.end": "1.5 h"})
    assert [each.path for each in scenario.explore.sliders] == ["initial.drug"]


def test_a_page_that_opens_with_a_failed_run_says_so(failing: Path) -> None:
    found = sim.explore(failing, failing.with_suffix(".html"))
    line = "arm start: FAILED, the derivative of y is not finite at 0 d, in reaction fill (0/0)"
    assert line in found.document["failed"]
    assert f"the page opens with a run that failed: {line}" in str(found)
