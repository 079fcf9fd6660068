"""Figures: what is on the axes, how curves are told apart, what a file says of itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from simulator import read_scenario
from simulator.experiments.run import run
from simulator.io import compare
from simulator.io.figures import plots, style
from simulator.io.folder import OutputError

SCENARIO = """
title = "A toy"
model = "toy_model.toml"
label = "as dosed"
[time]
end = "48 h"
every = "1 h"
[[dose]]
name = "push"
target = "drug"
amount = "100 pmol"
at = "2 h"
every = "12 h"
count = 3
[arms.untreated]
without = ["push"]
[show]
plots = [["drug"], ["drug"]]
"""


@pytest.fixture
def result(folder: Path):
    (folder / "toy.toml").write_text(SCENARIO, encoding="utf-8")
    return run(read_scenario(folder / "toy.toml"), certify=False)


def group(result, arms):
    chosen = [result.arms[name] for name in arms]
    curves = [plots.Curve(each.arm.title, each.trajectory) for each in chosen]
    return plots.draw_group(result.scenario, ["drug"], curves, [each.arm for each in chosen])


def curves_of(axis, result):
    length = len(result.arms["main"].trajectory.times)
    return [line for line in axis.lines if len(line.get_xdata()) >= min(length, 40)]


def test_axes_carry_name_and_unit(result):
    axis = group(result, ["main", "untreated"]).axes[0]
    assert axis.get_ylabel() == "drug [pM]"
    assert axis.get_xlabel() == "time [h]"


def test_arms_are_told_apart_by_colour_and_dash_and_named_at_their_end(result):
    axis = group(result, ["main", "untreated"]).axes[0]
    first, second = curves_of(axis, result)
    assert first.get_color() != second.get_color()
    assert first._dash_pattern != second._dash_pattern
    assert {text.get_text() for text in axis.texts} >= {"as dosed", "untreated"}


def test_names_do_not_cover_each_other(result):
    axis = group(result, ["main", "untreated"]).axes[0]
    heights = sorted(text.get_position()[1] for text in axis.texts if text.get_text() in ("as dosed", "untreated"))
    assert heights[1] - heights[0] >= 0.07


def test_every_dose_is_marked_at_its_time(result):
    axis = group(result, ["main", "untreated"]).axes[0]
    marks = [line for line in axis.lines if line.get_marker() == "v"]
    assert [list(line.get_xdata()) for line in marks] == [[2.0, 14.0, 26.0]]


def test_no_two_of_forty_curves_look_alike():
    styles = [style.style(number) for number in range(40)]
    assert len(set(map(repr, styles))) == 40


@pytest.mark.parametrize(
    ("values", "log"),
    [
        ([1.0, 10.0, 500.0], False),
        ([1.0, 10.0, 50_000.0], True),
        ([0.0, 0.0, 1.0], False),
        ([0.0, 1e-20, 1.0], False),
        ([-1.0, 1e-4, 1.0], False),
        ([0.0, 0.0, 0.0], False),
    ],
)
def test_the_axis_is_logarithmic_where_the_range_asks_for_it(values, log):
    assert bool(plots.wants_log([np.array(values)])) is log


def test_each_group_is_an_svg_and_a_png_that_say_what_they_show(result, tmp_path):
    paths = plots.draw(result, tmp_path, "0123456789ab")
    assert [path.name for path in paths] == ["01_drug.svg", "01_drug.png", "02_drug.svg", "02_drug.png"]
    text = paths[0].read_text(encoding="utf-8")
    assert "A toy" in text
    assert "Run 0123456789ab." in text
    assert "Time course of drug. drug (as dosed): from" in text
    assert b"0123456789ab" in paths[1].read_bytes()


def test_the_same_run_gives_the_same_file(result, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = (plots.draw(result, tmp_path / name, "0123456789ab") for name in "ab")
    assert first[0].read_bytes() == second[0].read_bytes()


def test_compare_writes_a_table_and_a_figure_for_each_name(result, tmp_path):
    rows = compare.table([result], ["drug"])
    compare.write([result], ["drug"], rows, tmp_path / "out", force=False)
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["comparison.csv", "drug.png", "drug.svg", "summary.json"]
    header, *lines = (tmp_path / "out" / "comparison.csv").read_text(encoding="utf-8").splitlines()
    assert header.split(",")[:4] == ["name", "unit", "scenario", "arm"]
    assert [line.split(",")[3] for line in lines] == ["main", "untreated"]
    with pytest.raises(OutputError, match="exists"):
        compare.write([result], ["drug"], rows, tmp_path / "out", force=False)
    compare.write([result], ["drug"], rows, tmp_path / "out", force=True)


def test_time_is_in_the_unit_in_which_the_scenario_gives_its_end(folder: Path) -> None:
    (folder / "toy.toml").write_text(SCENARIO.replace('"48 h"', '"2 d"'), encoding="utf-8")
    result = run(read_scenario(folder / "toy.toml"), certify=False)
    arm = result.arms["main"]
    figure = plots.draw_group(result.scenario, ["drug"], [plots.Curve("as dosed", arm.trajectory)], [arm.arm])
    axis = figure.axes[0]
    assert axis.get_xlabel() == "time [d]"
    assert axis.get_xlim() == (0, 2)
    assert max(line.get_xdata()[-1] for line in axis.lines if len(line.get_xdata()) > 10) == pytest.approx(2)


def test_doses_share_a_row_unless_they_meet_and_an_infusion_is_a_bar(folder: Path) -> None:
    late = SCENARIO.replace("count = 3", "count = 1") + "".join(
        f'[[dose]]\nname = "{name}"\ntarget = "drug"\namount = "1 pmol"\nat = "{at} h"\nover = "5 h"\n'
        for name, at in (("drip", 30), ("other", 31))
    )
    (folder / "toy.toml").write_text(late, encoding="utf-8")
    result = run(read_scenario(folder / "toy.toml"), certify=False)
    curves = [plots.Curve("as dosed", result.arms["main"].trajectory)]
    figure = plots.draw_group(result.scenario, ["drug"], curves, [result.arms["main"].arm])
    axis = figure.axes[0]
    height = {text.get_text().strip(): text.get_position()[1] for text in axis.texts}
    assert height["push"] == height["drip"] > height["other"]
    (bar, _) = axis.collections
    assert bar.get_segments()[0][:, 0].tolist() == [30, 35]
