"""Data next to the curve that was simulated: formulas of curves, residuals, errors and the sentence about them."""

from __future__ import annotations

import json
import math
from pathlib import Path

import immunesim as sim
import numpy as np
import pytest
from immunesim import read_scenario
from immunesim.experiments.residuals import data_result
from immunesim.tasks.run import write
from immunesim.views.text.data import data_sentence

SCENARIO = """
title = "A toy"
model = "toy_model.toml"
[time]
end = "48 h"
[initial]
drug = "100 pM"
"""
K = 0.5  # 1/h, the clearance of the toy's drug


def scenario(folder: Path, *blocks: str) -> Path:
    path = folder / "toy.toml"
    path.write_text(SCENARIO + "".join(f"[[data]]\nname = 'data {i}'\n{each}\n" for i, each in enumerate(blocks)))
    return path


def points(*rows: str, more: str = "") -> str:
    return f"curve = 'drug'\nunit = 'pM'\n{more}points = [{', '.join('{' + row + '}' for row in rows)}]"


def test_residuals_at_exact_times(folder: Path) -> None:
    block = points("time = '2.2222 h', value = 30, sd = 2", "time = '7.7777 h', value = 4, sd = 1")
    [found] = sim.run(scenario(folder, block)).result.data
    exact = 100 * np.exp(-K * np.array([2.2222, 7.7777]))
    assert found.simulated == pytest.approx(exact, rel=1e-5)
    assert found.residuals == pytest.approx(np.array([30, 4]) - exact, rel=1e-4)
    assert found.weighted == pytest.approx(found.residuals / [2, 1])
    assert found.folds == pytest.approx(exact / [30, 4], rel=1e-5)


@pytest.mark.parametrize(
    ("more", "errors"),
    [
        ("error = 'additive'\nsd = '3 pM'\n", [3, 3 / 2]),
        ("error = 'proportional'\ncv = '10 %'\n", [10, 5 / 2]),
        ("error = 'combined'\nsd = 3\ncv = 0.1\n", [math.hypot(3, 10), math.hypot(3, 5) / 2]),
        ("error = 'lognormal'\ncv = 0.1\n", [math.sqrt(math.log(1.01)), math.sqrt(math.log(1.01)) / 2]),
    ],
)
def test_error_models(folder: Path, more: str, errors: list[float]) -> None:
    path = scenario(folder, points("time = '1 h', value = 80", "time = '2 h', value = 40, n = 4", more=more))
    found = data_result(read_scenario(path).data[0], np.array([100.0, 50.0]))
    assert found.errors == pytest.approx(errors)
    assert not found.estimated
    log = "lognormal" in more
    assert found.residuals == pytest.approx([math.log(0.8)] * 2 if log else [-20, -10])


def test_errors_that_nobody_gave_are_those_of_the_residuals(folder: Path) -> None:
    path = scenario(folder, points("time = '1 h', value = 80", "time = '2 h', value = 50"))
    found = data_result(read_scenario(path).data[0], np.array([100.0, 50.0]))
    assert found.estimated
    assert found.errors == pytest.approx([math.sqrt(200)] * 2)
    sentence = data_sentence(read_scenario(path), found)
    assert sentence == (
        "2 points without errors; 2 of 2 within 1.5-fold; they scatter about the curve with an SD of 14.1 pM; "
        "typically 1.12-fold off"
    )


def test_values_below_a_limit_are_met_by_curves_below_it(folder: Path) -> None:
    rows = ["time = '1 h', value = '<5', sd = 1", "time = '2 h', value = '<5', sd = 1", "time = '3 h', value = '<5'"]
    path = scenario(folder, points(*rows))
    found = data_result(read_scenario(path).data[0], np.array([4.0, 8.0, 9.0]))
    assert found.residuals.tolist() == [0.0, -3.0, -4.0]
    assert found.within.tolist() == [True, False, False]
    assert "1 of 3 within one SD" in data_sentence(read_scenario(path), found)


@pytest.mark.parametrize("engine", ["", pytest.param("scipy", marks=pytest.mark.slow)])
def test_a_trough_is_the_value_before_the_dose(folder: Path, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMMUNESIM_ENGINE", engine)
    rows = [
        "time = '6 h', value = 1, before = true",
        "time = '12 h', value = 1, before = 1",
        "time = '18 h', value = 1",
    ]
    path = scenario(folder, points(*rows))
    dose = "target = 'drug'\namount = '400 pmol'\nat = '6 h'\nevery = '6 h'\ncount = 3"  # 100 pM in 4 L
    path.write_text(path.read_text() + f"\n[[dose]]\nname = 'push'\n{dose}\n")
    left = math.exp(-6 * K)
    exact = 100 * np.array([left, (1 + left) * left, ((1 + left) * left + 1) * left + 1])
    assert sim.run(path).result.data[0].simulated == pytest.approx(exact, rel=1e-5)
    assert sim.batch(path, vary="k_clear", data=True)([[K]]).data[0].simulated[0] == pytest.approx(exact, rel=1e-5)


def test_a_point_without_an_error_is_neither_met_nor_missed(folder: Path) -> None:
    path = scenario(folder, points("time = '0 h', value = 100", "time = '1 h', value = 60, sd = 5"))
    run = sim.run(path)
    assert "1 of 1 within one SD; 1 point without an error" in str(run)
    [block] = write(run.result, folder / "out", [])["data"]
    assert (block["within"], block["judged"]) == (1, 1)


def test_the_sentence_names_what_is_missed(folder: Path) -> None:
    rows = [f"time = '{hour} h', value = 10, sd = 2" for hour in range(1, 6)]
    path = scenario(folder, points(*rows))
    found = data_result(read_scenario(path).data[0], np.array([10.0, 9.0, 11.0, 12.0, 13.6]))
    assert data_sentence(read_scenario(path), found) == (
        "4 of 5 within one SD; 5 h is missed by 1.8 SD (simulated 13.6, measured 10 pM); typically 1.15-fold off"
    )


@pytest.mark.parametrize(
    ("formula", "unit", "value"),
    [
        ("drug / at(drug, '2 h')", "1", math.exp(-K)),
        ("log10(drug / '1 pM')", "1", 2 - 1.5 * math.log10(math.e)),
        ("log(drug / '20 pg/mL')", "1", math.log(100) - 1.5),  # 20,000 g/mol
        ("drug + '1 nM'", "pM", 1000 + 100 * math.exp(-1.5)),
        ("'1 nM' - drug", "nM", 1 - 0.1 * math.exp(-1.5)),
        ("sqrt(drug * drug) - -drug", "(pM*pM)^0.5", 200 * math.exp(-1.5)),
        ("max(drug) - drug", "pM", 100 - 100 * math.exp(-1.5)),
        ("auc(drug) * exp(-1) / '1 h'", None, None),
    ],
)
def test_formulas_of_curves(folder: Path, formula: str, unit: str | None, value: float | None) -> None:
    run = sim.run(scenario(folder))
    if unit is None:
        with pytest.raises(sim.InputError, match="no curve"):
            run[formula]
        return
    assert run.unit(formula) == unit
    assert np.interp(3.0, run.times, run[formula]) == pytest.approx(value, rel=1e-3)
    assert (run.to_pandas(formula)[formula].to_numpy() == run[formula]).all()


@pytest.mark.parametrize("word", ["drug", "DRUG", " drug ", "(drug)", "+drug", "'drug'"])
def test_a_name_in_any_dress_is_the_curve_itself(folder: Path, word: str) -> None:
    block = f"curve = \"{word}\"\nunit = 'pM'\npoints = [{{ time = '1 h', value = 80 }}]"
    run = sim.run(scenario(folder, block))
    assert run.scenario.data[0].curve.text == "drug"
    assert not run.scenario.formulas
    assert (run[word] == run["drug"]).all()


def test_a_run_says_how_it_compares_with_data(folder: Path) -> None:
    block = "curve = \"drug / at(drug, '0 h')\"\npoints = [{ time = '2 h', value = 0.4, se = 0.05 }]"
    run = sim.run(scenario(folder, block))
    [row] = run.data
    assert row["simulated"] == pytest.approx(math.exp(-1), rel=1e-5)
    assert "data 0: 1 of 1 within one SE" in str(run)
    summary = write(run.result, folder / "out", [])
    assert summary["data"][0]["sentence"].startswith("1 of 1 within one SE")
    assert json.loads((folder / "out" / "summary.json").read_text())["data"] == summary["data"]


def test_several_blocks_have_a_line_for_all_of_them(folder: Path) -> None:
    first, second = (
        points(f"time = '1 h', value = {value}, sd = 20", more=f"error = '{error}'\n")
        for value, error in ((61, "additive"), (10, "lognormal"))
    )
    text = str(sim.run(scenario(folder, first, second)))
    assert "all data: 1 of 2 points within their errors; typically" in text


def test_data_of_an_arm_that_was_not_run_are_not_compared(folder: Path) -> None:
    path = scenario(folder, points("time = '1 h', value = 80", more="arm = 'other'\n"))
    path.write_text(path.read_text() + "\n[arms.other]\ninitial.drug = '10 pM'\n")
    run = sim.run(path, arms="main")
    assert run.data == []
    assert "1 block of data not compared" in str(run)
