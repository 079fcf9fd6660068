"""`evidence --model`: what scenarios ask of their own model, asked of another one."""

from __future__ import annotations

from pathlib import Path

import immunesim as sim
import pytest

from tests.toys import SCENARIO

SMALL = """\
title = "A drug that decays, and nothing else"
time_unit = "h"
[substances]
drug = { label = "drug", molar_mass = "20 kg/mol", unit_mass = "50 pg/IU", source = "assumed", status = "assumed: toy" }
[species]
drug = { label = "drug", unit = "pM", initial = 0, scale = 10, substance = "drug", volume = "plasma_volume" }
[parameters]
k_clear = { label = "clearance", value = 0.5, unit = "1/h", source = "assumed", status = "assumed: a toy" }
plasma_volume = { label = "plasma", value = 400, unit = "L", source = "assumed", status = "assumed: a toy" }
body_weight = { label = "weight", value = 80, unit = "kg", source = "assumed", status = "assumed: a toy" }
body_surface = { label = "surface", value = 2, unit = "m2", source = "assumed", status = "assumed: a toy" }
[reactions]
clearance = { label = "clearance", equation = "drug ->", rate = "k_clear * drug", source = "assumed" }
"""
MORE = """
[arms.fewer_cells]
parameters = { cells_at_rest = "100 cells/uL" }

[[expect]]
id = "more"
that = "twice the dose gives more"
measure = "max(drug, '20 h', '48 h') / max(drug, '20 h', '48 h', arm='half')"
above = 1.02
source = "Toy2020, p. 1"
breaks_in = ["half", "fewer_cells"]

[[expect]]
id = "cells"
that = "cells are there"
measure = "max(cells)"
above = 0
unit = "cells/uL"
source = "Toy2020, p. 1"

[[expect]]
that = "an arm that the small model cannot have"
measure = "max(drug, arm='fewer_cells')"
above = 0
unit = "pM"
source = "Toy2020, p. 1"

[[expect]]
that = "the drug is there at the end"
measure = "final(drug)"
above = 0
unit = "pM"
source = "Toy2020, p. 1"
"""


@pytest.fixture
def small(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(folder)
    (folder / "toy.toml").write_text(SCENARIO + MORE)
    (folder / "small.toml").write_text(SMALL)
    return "small.toml"


def test_what_both_models_have_is_asked_of_both(small: str) -> None:
    found = sim.evidence("toy.toml", model=small)
    assert [row.id for row in found.rows] == ["toy/1", "toy/more", "toy/5"]
    assert found.own is not None
    assert [row.id for row in found.own] == ["toy/1", "toy/more", "toy/5"]
    assert [row.verdict for row in found.rows] == ["missed", "met", "met"]  # its plasma is a hundred times as large
    assert found.rows[0].simulated == pytest.approx(found.own[0].simulated / 100, rel=0.2)
    assert found.document["compared"]["all"] == {"both": 2, "alone": 0, "own": 1, "neither": 0}
    assert "  all     2     0     1     0  worse" in str(found)
    assert found.holds


def test_what_is_known_to_be_missed_is_about_the_scenarios_own_model(small: str, folder: Path) -> None:
    (folder / "toy.toml").write_text(f"{SCENARIO}missed = 'too much'\n")
    assert sim.evidence("toy.toml", model=small).rows[0].missed == ""


def test_a_scenario_that_doses_what_is_not_there_is_left_out(small: str, folder: Path) -> None:
    (folder / "toy.toml").write_text(SCENARIO.replace('target = "drug"', 'target = "depot"', 1))
    found = sim.evidence("toy.toml", model=small)
    assert (found.rows, found.own) == ([], [])


def test_scenarios_of_that_model_are_left_out(small: str) -> None:
    assert sim.evidence("toy.toml", model="toy_model.toml").rows == []


def test_an_unknown_model_is_refused(small: str) -> None:
    with pytest.raises(sim.InputError, match="no model 'imune'; did you mean 'immune'"):
        sim.evidence("toy.toml", model="imune")


def test_a_model_of_other_things_is_not_asked(small: str, folder: Path) -> None:
    """One name is common to both by chance."""
    text = SMALL.replace("k_clear", "k").replace("plasma_volume", "V")
    text = "\n".join(line for line in text.splitlines() if not line.startswith("body_"))
    (folder / "other.toml").write_text(text)
    assert sim.evidence("toy.toml", model="other.toml").rows == []
