"""Answers: computed numbers in sentences, and what takes the place of a sentence that no longer holds."""

from __future__ import annotations

import json
from pathlib import Path

import immunesim as sim
import pytest
from immunesim.cli.program import main

from tests.toys import SCENARIO, TOY_MODEL

ANSWER = """
[[answer]]
says = "The drug peaks at {max(drug)}; {at(drug, '24 h') / max(drug) as percent} is left at {at(drug, '24 h') as ng/mL}"
if = "max(drug) > '50 pM' and at(drug, '24 h') < 0.5 * max(drug)"
breaks_in = ["untreated"]

[[answer]]
says = "the peak comes after {time_of_max(drug)}, {time_of_max(drug) as min} or {time_of_max(drug) / '1 d' as percent}."
if = "not first_below(drug, '-1 pM') < '48 h'"
breaks_with.without = ["push", "drip"]
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "toy_model.toml").write_text(TOY_MODEL.read_text())
    path = tmp_path / "toy.toml"
    path.write_text(SCENARIO + ANSWER)
    return path


def texts(run: sim.Run) -> list[str]:
    return [each.text for each in run.answer]


def test_numbers_are_those_of_measures_in_the_unit_that_is_asked_for(path: Path) -> None:
    run = sim.run(path)
    peak, left = float(run.measure("max(drug)")), float(run.measure("at(drug, '24 h')"))
    first, second = texts(run)
    mass = 20_000 * left * 1e-6  # of 20 kDa, in ng/mL
    assert first == f"The drug peaks at {peak:.0f} pM; {100 * left / peak:.2g} % is left at {mass:.2g} ng/mL."
    assert second == "The peak comes after 14 hours, 840 minutes or 58 %."
    assert all(each.holds for each in run.answer)


def test_a_sentence_whose_condition_fails_says_what_was_found(path: Path) -> None:
    path.write_text(path.read_text().replace("400 pmol", "4 pmol").replace("2 IU/kg", "0 IU/kg"))
    run = sim.run(path, arms=["main", "untreated"])
    peak = float(run.measure("max(drug)"))
    first, second = run.answer
    assert first.text == f"No longer holds: the highest drug in plasma is {peak:.2g} pM, not above 50 pM."
    assert not first.holds
    assert second.holds


def test_what_has_no_value_is_said_with_the_reason(path: Path) -> None:
    path.write_text(path.read_text().replace("{max(drug)}", "{first_above(drug, '1 nM')}"))
    assert texts(sim.run(path))[0] == (
        "No longer holds: the first time with drug in plasma above 1,000 pM has no value (never)."
    )


def test_a_sentence_is_left_out_where_its_arms_or_its_times_are_not_simulated(path: Path) -> None:
    assert len(sim.run(path, arms=["main"]).answer) == 1
    short = sim.run(path, set={"time.end": "30 h"})
    assert short.answer == ()
    assert "1 sentence of the answer, about a later time" in short.scenario.truncated
    assert "1 sentence of the answer about the whole run, which is shorter" in short.scenario.truncated


def test_a_condition_that_holds_without_the_mechanism_proves_nothing(path: Path) -> None:
    path.write_text(path.read_text().replace('breaks_in = ["untreated"]', 'breaks_in = ["untreated", "half"]'))
    assert "proves nothing: the same holds for half" in str(sim.run(path))


def test_the_terminal_leads_with_question_and_answer_and_the_summary_has_it(path: Path, tmp_path: Path, capsys) -> None:
    assert main(["run", str(path), "--no-plots", "--out", str(tmp_path / "out")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["A toy question", "How much of the drug is left?"]
    assert lines[3].startswith("The drug peaks at ")
    (first, second) = json.loads((tmp_path / "out" / "summary.json").read_text())["answer"]
    assert first["text"] == lines[3]
    assert first["holds_without_mechanism"] == {"untreated": False}
    assert second["numbers"][0]["value"] == pytest.approx(14.0)
    resolved = (tmp_path / "out" / "scenario.toml").read_text()
    assert resolved.count("[[answer]]") == 2
