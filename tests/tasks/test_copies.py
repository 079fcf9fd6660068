"""A model that uses a module twice: every command knows the copy by its own names."""

from __future__ import annotations

from pathlib import Path

import immunesim as sim
import pytest

from tests.toys import CLONE, TWO_CLONES

SCENARIO = """\
schema = 1
title = "Two clones share a factor"
question = "Does the second clone cost the first?"
model = "two.toml"
label = "both"
[time]
end = "5 d"
every = "2 h"
[[dose]]
name = "shed"
target = "shed"
amount = "20 ng/mL"
at = "1 d"
[arms.one]
without = ["shed"]
[show]
plots = [["cells", "cells_tumour"], ["factor"]]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (("clone", CLONE), ("two", TWO_CLONES), ("scenario", SCENARIO)):
        (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
    return tmp_path


def test_the_copy_costs_what_it_shares_with_the_module(folder: Path) -> None:
    run = sim.run(folder / "scenario.toml", certify=False)
    assert run.measure("final(cells_tumour)") > 5 * run.measure("final(cells_tumour, arm='one')")
    assert run.measure("final(cells)") == pytest.approx(run.measure("final(cells, arm='one')"), rel=1e-3)
    assert run.measure("final(factor)") < run.measure("final(factor, arm='one')") - 3


def test_a_knockout_and_a_dose_of_the_copy_leave_the_module_alone(folder: Path) -> None:
    scenario = folder / "scenario.toml"
    without = sim.run(scenario, knockout="start_tumour", certify=False)
    assert (without.measure("max(cells_tumour)"), without.measure("at(cells, '0 d')")) == (0, 2)
    more = sim.run(scenario, add="cells_tumour 3 cells/uL at 0 d", certify=False)
    assert more.measure("at(cells_tumour, '1 h')") == pytest.approx(5)
    with pytest.raises(sim.InputError, match="did you mean 'start_tumour'"):
        sim.run(scenario, knockout="start_tumor")


def test_a_copy_is_described_as_a_module_and_drawn(folder: Path) -> None:
    model = str(folder / "two.toml")
    facts = sim.describe(model=model).facts
    assert facts["modules"] == {
        "clone": "A clone: cells that divide on their antigen",
        "clone_tumour": "A clone (tumour): cells that divide on their antigen",
    }
    copy = sim.describe("clone_tumour", model=model)
    assert list(copy.facts["reactions"]) == ["division_tumour", "feeding_tumour", "antigen_fades_tumour"]
    assert list(copy.facts["species"]) == ["cells_tumour"]
    raised = sim.describe("cells_tumour", model=model).facts["raised_by"]
    assert set(raised) == {"factor", "shed", "cells_tumour"}
    found = sim.describe("fastest", model=model).facts["used_in"]
    assert {"division_rate", "division_rate_tumour"} <= set(found)


def test_explain_names_the_reactions_of_the_copy(folder: Path) -> None:
    assert "cells divide (tumour)" in str(sim.explain(folder / "scenario.toml", "cells_tumour"))


def test_sbml_holds_both_clones(folder: Path) -> None:
    libsbml = pytest.importorskip("libsbml")
    sim.export(folder / "scenario.toml", out=folder / "two.xml")
    model = libsbml.readSBMLFromFile(str(folder / "two.xml")).getModel()
    assert model.getSpecies("cells_tumour").getName() == "cells of the clone (tumour)"
    formula = libsbml.formulaToL3String(model.getReaction("division_tumour").getKineticLaw().getMath())
    assert "division_rate_tumour * cells_tumour" in formula


def test_a_saved_run_of_a_model_with_a_copy_matches_when_replayed(folder: Path) -> None:
    sim.run(folder / "scenario.toml", certify=False).save(folder / "out")
    (folder / "clone.toml").unlink()
    assert "the numbers match" in str(sim.replay(folder / "out"))
