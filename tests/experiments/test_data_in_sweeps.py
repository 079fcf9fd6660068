"""Formulas of curves that a sweep keeps, and data among its members."""

from __future__ import annotations

import json
import re
from pathlib import Path

import immunesim as sim
import numpy as np
import pytest
from immunesim.experiments.sweeps.observed import among_members, observed_band
from immunesim.views.figures import run as run_figures
from immunesim.views.figures.style import PAPER, SLIDES, Medium
from immunesim.views.figures.sweep.bands import bands

from tests.boxes import covered

SCENARIO = """
title = "A toy"
model = "toy_model.toml"
[time]
end = "48 h"
every = "0.5 h"
[initial]
drug = "100 pM"
[sources.mine]
title = "Our clinic, 2026"
[[data]]
name = "left over"
curve = "drug / at(drug, '1 h')"
source = "mine"
points = [
    { time = "2 h", value = 0.6, sd = 0.1 },
    { time = "5 h", value = 0.9, sd = 0.1 },
    { time = "20 h", value = "<0.1" },
]
[sweep]
keep = ["drug", "drug / at(drug, '1 h')"]
[sweep.measures]
peak = "max(drug)"
[[sweep.vary]]
parameter = "k_clear"
values = ["0.25 1/h", "0.5 1/h", "1 1/h"]
"""
FOLD = "drug / at(drug, '1 h')"
RATES = np.array([0.25, 0.5, 1.0])


@pytest.fixture
def path(folder: Path) -> Path:
    (folder / "toy.toml").write_text(SCENARIO, encoding="utf-8")
    return folder / "toy.toml"


@pytest.mark.parametrize("engine", ["", pytest.param("scipy", marks=pytest.mark.slow)])
def test_a_formula_is_kept_of_every_member(path: Path, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMMUNESIM_ENGINE", engine)
    result = sim.sweep(path).result
    exact = np.exp(-RATES[:, None] * (result.times - 1))
    assert result.curves["main", FOLD] == pytest.approx(exact, rel=1e-4, abs=1e-6)
    assert result.bands["main", FOLD][2] == pytest.approx(exact[1], rel=1e-4, abs=1e-6)


def test_a_stored_sweep_gives_the_formula_back(path: Path) -> None:
    out = path.parent / "out"
    first = sim.sweep(path, out=out)
    again = sim.sweep(path, out=out)
    assert "0 computed" in str(again)
    assert (again.result.curves["main", FOLD] == first.result.curves["main", FOLD]).all()
    assert f'"{FOLD} 50% [1]"' in (out / "bands.csv").read_text().splitlines()[0]
    dataset = again.to_xarray()
    assert dataset[FOLD].attrs == {"units": "1", "long_name": "drug in plasma, relative to 1 h"}


def test_points_among_members(path: Path) -> None:
    outcome = sim.sweep(path)
    [among] = among_members(outcome.result)
    assert (among.inside, among.of) == (2, 3)  # 0.6 of 0.37 to 0.78, 0.9 of 0.02 to 0.37, below 0.1
    assert "data left over: 2 of 3 points from 5 to 95 % of the members" in str(outcome)


def test_bands_show_points_over_the_whole_time(path: Path) -> None:
    picture = bands(sim.sweep(path).result, FOLD)
    [panel] = [axis for axis in picture.figure.axes if axis.get_xlim()[1] > 1 and axis.get_lines()]
    assert panel.get_xlim() == (0.0, 48.0)
    [line] = [line for line in panel.get_lines() if line.get_label() == "data"]
    assert line.get_xydata().tolist() == [[2.0, 0.6], [5.0, 0.9]]
    assert "2 of 3 points from 5 to 95 % of the members" in picture.text


def test_the_summary_of_a_sweep_counts_points_among_members(path: Path) -> None:
    sim.sweep(path, out=path.parent / "out")
    summary = json.loads((path.parent / "out" / "summary.json").read_text())
    assert summary["data"] == [{"name": "left over", "curve": FOLD, "arm": "main", "inside": 2, "of": 3}]


def test_a_comparison_shows_what_was_measured_of_the_unchanged_scenario(path: Path) -> None:
    text = path.read_text().replace(f'curve = "{FOLD}"', "curve = \"drug\"\nunit = 'pM'")
    path.write_text(text)
    figure = sim.compare(path, block=(), set={"k_clear": "0.3 1/h"}).figure("drug")
    lines = [line for axis in figure.axes for line in axis.get_lines() if line.get_label() == "data"]
    assert [line.get_xydata().tolist() for line in lines] == [[[2.0, 0.6], [5.0, 0.9]]]


def test_many_subjects_have_percentiles(path: Path) -> None:
    rows = [f"S{i},{time + i / 100},{(i + 1) / 10}" for i in range(10) for time in (2, 30)]
    (path.parent / "many.csv").write_text("\n".join(["subject,time [h],value", *rows, "S99,40,1"]))
    text = re.sub(r"points = .*?\n]", 'file = "many.csv"', SCENARIO, flags=re.S)
    path.write_text(text)
    result = sim.sweep(path).result
    found = observed_band(result.scenario.data[0], result.scenario.end)
    assert found is not None
    assert found.times == pytest.approx([2.045, 30.045])
    assert found.values[2] == pytest.approx([0.55, 0.55])
    picture = bands(result, FOLD)
    lines = [line for axis in picture.figure.axes for line in axis.get_lines()]
    assert len([line for line in lines if line.get_label() == "observed"]) == 3
    assert len([line for line in lines if line.get_label() == "subject"]) == 11


SUBJECTS = """
title = "A toy"
model = "toy_model.toml"
time = { end = "48 h", every = "0.5 h" }
[[dose]]
name = "push"
target = "drug"
amount = "400 pmol"
at = "0 h"
[subjects]
file = "trial.csv"
curve = "drug"
time_unit = "h"
amount_unit = "pmol"
unit = "pM"
compartments = { 1 = "drug" }
covariates = { CL = "k_clear" }
[sweep]
keep = ["drug"]
[population]
count = 12
[[population.vary]]
parameter = "k_clear"
distribution = "lognormal"
cv = 0.3
"""


def test_subjects_with_the_doses_of_the_members_are_drawn_among_them(path: Path) -> None:
    rows = ["ID,TIME,AMT,EVID,DV,CL"]
    for i in range(10):
        rows += [f"{i},0,400,1,.,{0.3 + 0.05 * i}", f"{i},2,.,0,{30 + 2 * i},{0.3 + 0.05 * i}"]
    rows += ["late,5,400,1,.,0.5", "late,7,.,0,40,0.5"]
    (path.parent / "trial.csv").write_text("\n".join(rows))
    path.write_text(SUBJECTS)
    ensemble = sim.sweep(path)
    (among,) = among_members(ensemble.result)
    assert (among.data.name, among.data.arm, among.of) == ("10 subjects", "main", 10)
    assert 0 < among.inside <= 10
    band = observed_band(among.data, ensemble.result.scenario.end)
    assert band is not None
    assert band.values[2] == pytest.approx([39.0])
    assert "data 10 subjects: " in str(ensemble)
    assert "data not compared: subject late; the arms that are swept have other doses or parameters" in str(ensemble)
    lines = [line.get_label() for axis in bands(ensemble.result, "drug").figure.axes for line in axis.get_lines()]
    assert lines.count("observed") == 3


def test_subjects_with_another_parameter_than_the_members_are_not(path: Path) -> None:
    (path.parent / "trial.csv").write_text("ID,TIME,AMT,EVID,DV,CL\n1,0,400,1,.,0.6\n1,2,.,0,30,0.6")
    path.write_text(SUBJECTS.replace('parameter = "k_clear"\n', 'parameter = "k_absorb"\n'))
    ensemble = sim.sweep(path)
    assert among_members(ensemble.result) == []
    assert "data not compared: subject 1;" in str(ensemble)


def test_a_report_has_the_data(path: Path) -> None:
    run = sim.run(path)
    page = run.report(path.parent / "page.html").read_text()
    assert "Our clinic, 2026" in page
    assert "2 of 3 within one SD" in page
    assert '"points":[{"name":"left over","arm":0,"mark":0,"rows":[[2.0,0.6,0.5,0.7,false]' in page


@pytest.mark.parametrize("medium", [PAPER, SLIDES], ids=["paper", "slides"])
def test_the_last_figure_of_a_run_shows_residuals_and_folds(path: Path, medium: Medium) -> None:
    result = sim.run(path).result
    *_, last = run_figures.pictures(result, medium)
    assert last.stem == "05_residuals"
    folds, residuals = [
        np.concatenate([line.get_ydata() for line in axis.get_lines() if line.get_label() == "residual"])
        for axis in last.figure.axes
    ]
    assert folds[:2] == pytest.approx(result.data[0].folds[:2])
    assert residuals[:2] == pytest.approx(result.data[0].weighted[:2])
    assert covered(last.figure) == []
    assert "2 of 3 within one SD" in last.text


def test_a_run_with_two_points_has_no_figure_of_residuals(path: Path) -> None:
    path.write_text(path.read_text().replace('    { time = "20 h", value = "<0.1" },\n', ""))
    assert all("residuals" not in each.stem for each in run_figures.pictures(sim.run(path).result))


def test_a_figure_shows_points_and_bars(path: Path) -> None:
    run = sim.run(path)
    figure = run.figure(FOLD)
    [panel] = [axis for axis in figure.axes if any(line.get_label() == "data" for line in axis.get_lines())]
    labels = [line.get_label() for line in panel.get_lines()]
    assert labels.count("limit") == 1
    [bars] = [each for each in panel.collections if each.get_label() == "bar"]
    assert [segment[:, 1].tolist() for segment in bars.get_segments()] == [[0.5, 0.7], [0.8, 1.0]]
