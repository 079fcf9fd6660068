"""Figures: what is on the axes, how curves are told apart, what a file says of itself."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import immunesim as sim
import matplotlib
import numpy as np
import pytest
from immunesim import read_scenario
from immunesim.experiments import comparison
from immunesim.experiments.explanation.explain import explain
from immunesim.experiments.run import run
from immunesim.runtime.errors import OutputError
from immunesim.tasks import compare
from immunesim.views.figures import causal_graph, panel, scales, spikes, style
from immunesim.views.figures import explain as explain_figure
from immunesim.views.figures import run as run_figures
from immunesim.views.figures.sweep import pictures as sweep_figures
from immunesim.views.report.figures import images
from immunesim.views.text.causal_graph import graph_view
from immunesim.views.text.figure import Curve
from immunesim.views.text.numbers import with_unit
from matplotlib.text import Text

from tests.boxes import covered
from tests.views.sweep_results import axis, grid, made

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
    return run(read_scenario(folder / "toy.toml"))


def group(result, arms):
    chosen = [result.arms[name] for name in arms]
    curves = [Curve(each.arm.title, each.trajectory) for each in chosen]
    return run_figures.draw_group(result.scenario, ["drug"], curves, [each.arm for each in chosen]).figure


def panel_of(figure):
    """The last panel of a figure; before the first stands the strip of what is done."""
    return figure.axes[-1]


def words_on(figure):
    return {text.get_text() for text in figure.findobj(Text)}


def curves_of(axis, result):
    length = len(result.arms["main"].trajectory.times)
    return [line for line in axis.lines if len(line.get_xdata()) >= min(length, 40)]


def test_axes_carry_name_and_unit(result):
    figure = group(result, ["main", "untreated"])
    assert panel_of(figure).get_ylabel() == "pM, log scale"
    assert {"drug in plasma", "time [h]"} <= words_on(figure)


def test_a_log_axis_says_which_curves_it_does_not_show_in_full(result):
    figure = group(result, ["main", "untreated"])  # there is no drug before the first dose, nor without it
    low = panel_of(figure).get_ylim()[0]
    (said,) = [words for words in words_on(figure) if "Not shown" in words]
    assert said == f"Not shown on a log axis: drug in plasma below {with_unit(low, 'pM', 2)}."
    linear = run_figures.draw_group(result.scenario, ["cells"], [Curve("a", result.arms["main"].trajectory)], []).figure
    assert not any("Not shown" in words for words in words_on(linear))


def test_arms_are_told_apart_by_colour_and_dash_and_named_at_their_end(result):
    axis = panel_of(group(result, ["main", "untreated"]))
    first, second = curves_of(axis, result)
    assert first.get_color() != second.get_color()
    assert first._dash_pattern != second._dash_pattern
    assert {text.get_text() for text in axis.texts} >= {"as dosed", "untreated"}


def test_names_do_not_cover_each_other(result):
    axis = panel_of(group(result, ["main", "untreated"]))
    heights = sorted(text.get_position()[1] for text in axis.texts if text.get_text() in ("as dosed", "untreated"))
    assert heights[1] - heights[0] >= 0.07


def test_every_dose_is_marked_at_its_time(result):
    axis = group(result, ["main", "untreated"]).axes[0]
    assert axis.get_label() == "strip"
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
    assert bool(panel.needs_log_axis([np.array(values)])) is log


def test_each_group_is_an_svg_and_a_png_that_say_what_they_show(result, tmp_path):
    paths = run_figures.draw(result, tmp_path, "0123456789ab")
    assert [path.name for path in paths] == ["01_drug.svg", "01_drug.png", "02_drug.svg", "02_drug.png"]
    text = paths[0].read_text(encoding="utf-8")
    assert "A toy" in text
    assert "Run 0123456789ab." in text
    assert "Time course of drug in plasma from 0 to 48 h. drug in plasma on a log scale: as dosed: start" in text
    assert "Doses: push into drug in plasma in 3 doses from 2 to 26 h." in text
    assert b"0123456789ab" in paths[1].read_bytes()


def test_the_same_run_gives_the_same_file(result, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = (run_figures.draw(result, tmp_path / name, "0123456789ab") for name in "ab")
    assert first[0].read_bytes() == second[0].read_bytes()


def test_compare_writes_a_table_and_a_figure_for_each_name(result, tmp_path):
    found = compare.Comparison(comparison.table([result], ["drug"]), [result], ["drug"], [""])
    compare.write(found, tmp_path / "out")
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["comparison.csv", "drug.png", "drug.svg", "manifest.json", "summary.json"]
    header, *lines = (tmp_path / "out" / "comparison.csv").read_text(encoding="utf-8").splitlines()
    assert header.split(",")[:4] == ["name", "unit", "scenario", "arm"]
    assert [line.split(",")[3] for line in lines] == ["main", "untreated"]
    with pytest.raises(OutputError, match="exists"):
        compare.write(found, tmp_path / "out")
    compare.write(found, tmp_path / "out", force=True)


def test_time_is_in_the_unit_in_which_the_scenario_gives_its_end(folder: Path) -> None:
    (folder / "toy.toml").write_text(SCENARIO.replace('"48 h"', '"2 d"'), encoding="utf-8")
    result = run(read_scenario(folder / "toy.toml"))
    arm = result.arms["main"]
    figure = run_figures.draw_group(result.scenario, ["drug"], [Curve("as dosed", arm.trajectory)], [arm.arm]).figure
    axis = panel_of(figure)
    assert "time [d]" in words_on(figure)
    assert axis.get_xlim() == (0, 2)
    assert max(line.get_xdata()[-1] for line in axis.lines if len(line.get_xdata()) > 10) == pytest.approx(2)


def test_doses_share_a_row_unless_they_meet_and_an_infusion_is_a_bar(folder: Path) -> None:
    late = SCENARIO.replace("count = 3", "count = 1") + "".join(
        f'[[dose]]\nname = "{name}"\ntarget = "drug"\namount = "1 pmol"\nat = "{at} h"\nover = "5 h"\n'
        for name, at in (("drip", 30), ("other", 31))
    )
    (folder / "toy.toml").write_text(late, encoding="utf-8")
    result = run(read_scenario(folder / "toy.toml"))
    curves = [Curve("as dosed", result.arms["main"].trajectory)]
    figure = run_figures.draw_group(result.scenario, ["drug"], curves, [result.arms["main"].arm]).figure
    axis = figure.axes[0]
    height = {text.get_text().strip(): text.get_position()[1] for text in axis.texts}
    assert height["push"] == height["drip"] < height["other"]  # rows are counted from the top
    bar, _ = axis.patches
    assert (bar.get_x(), bar.get_width()) == (30, 5)


def test_a_pdf_carries_title_description_and_run_too(result, tmp_path):
    (path, *_) = run_figures.draw(result, tmp_path, "0123456789ab", formats=["pdf"])
    assert path.name == "01_drug.pdf"
    inside = path.read_bytes()
    assert b"/Title (A toy)" in inside
    assert "Time course of drug in plasma from 0 to 48 h".encode("utf-16-be") in inside
    assert b"/Keywords (0123456789ab)" in inside


def test_a_slide_is_wide_and_shows_one_panel_in_large_type(result):
    scenario = replace(result.scenario, plots=(("drug", "depot"),))
    paper = list(run_figures.pictures(replace(result, scenario=scenario)))
    slides = list(run_figures.pictures(replace(result, scenario=scenario), style.SLIDES))
    assert [picture.stem for picture in paper] == ["01_drug_depot"]
    assert [picture.stem for picture in slides] == ["01_drug", "01_depot"]
    for slide in slides:
        wide, high = slide.figure.get_size_inches()
        assert wide / high == pytest.approx(16 / 9)
        assert min(text.get_fontsize() for text in slide.figure.findobj(Text) if text.get_text()) >= 9
        assert covered(slide.figure, over_curves=True) == []


def test_a_text_over_a_panel_or_another_text_is_noticed(result):
    figure = group(result, ["main", "untreated"])
    assert covered(figure, over_curves=True) == []
    place = panel_of(figure).get_position()
    figure.text(place.x0 + 0.1, place.y0 + 0.1, "stray")
    figure.text(place.x0 + 0.1, place.y0 + 0.1, "double")
    faults = covered(figure, over_curves=True)
    assert "over curves: 'stray'" in faults
    assert any("covers 'double'" in fault for fault in faults)


def test_a_rise_from_nothing_does_not_make_an_axis_long():
    times = np.linspace(0, 100, 100_001)
    values = 5 * (1 - np.exp(-times / 10))
    assert panel.needs_log_axis([values])
    assert not panel.needs_log_axis([panel.away_from_zero(times, values, 100)])
    falling = 1e5 * np.exp(-times / 5)
    assert panel.needs_log_axis([panel.away_from_zero(times, falling, 100)])


def test_swings_too_fast_to_follow_become_a_band_and_slow_ones_stay_a_line() -> None:
    times = np.linspace(0.0, 100.0, 20_001)
    train = np.where((times > 20) & (times < 40), 5 + 5 * np.sin(2 * np.pi * times / 0.5), 5.0)
    (swings,) = spikes.swings_of(times, train, train / 10, 100.0)
    assert (swings.times[0], swings.times[-1]) == pytest.approx((20, 40), abs=0.6)
    assert swings.high.min() == pytest.approx(10, abs=0.01)
    assert swings.low.max() == pytest.approx(0, abs=0.01)
    left = spikes.without(times, train, [swings])
    assert np.isnan(left[(times > 21) & (times < 39)]).all()
    assert np.isfinite(left[(times < 19) | (times > 41)]).all()
    slow = 5 + 5 * np.sin(2 * np.pi * times / 5)
    assert spikes.swings_of(times, slow, slow / 10, 100.0) == []
    assert spikes.swings_of(times, 5 + 0.01 * train, 0.5 + 0.001 * train, 100.0) == []  # smaller than a line is thick


def test_a_band_without_a_bound_fades_and_its_dot_is_where_the_value_was_read(toy_file: Path) -> None:
    path = toy_file.with_name("open.toml")
    path.write_text(toy_file.read_text().replace("between = [50, 500]", "above = 50"))
    result = run(read_scenario(path))
    axis = panel_of(next(run_figures.pictures(result)).figure)
    bands = [patch for patch in axis.patches if patch.get_label() == "target"]
    opacities = [patch.get_alpha() for patch in bands]
    assert len(bands) > 3
    assert opacities == sorted(opacities, reverse=True)
    assert bands[0].get_y() == pytest.approx(50)
    (dot,) = [line for line in axis.lines if line.get_label() == "verdict"]
    peak = sim.Run(result).measure("max(drug)"), sim.Run(result).measure("time_of_max(drug)")
    assert (dot.get_ydata()[0], dot.get_xdata()[0]) == pytest.approx(tuple(map(float, peak)))


def test_text_in_the_colour_of_a_curve_reads_on_white():
    for color, _ in style.STYLES:
        parts = [int(style.ink(color)[i : i + 2], 16) for i in (1, 3, 5)]
        assert 1.05 / (style._luminance(parts) + 0.05) >= 4.4


def test_drawing_leaves_the_users_matplotlib_settings_as_they_were(result, tmp_path):
    """Everything that draws or saves: a run, a sweep, an explanation, the wiring, a report."""
    before = dict(matplotlib.rcParams)
    run_figures.draw(result, tmp_path, "0123456789ab", formats=["svg", "png", "pdf"])
    explain_figure.draw(explain(result.scenario, "main", "drug"), tmp_path / "why")
    view = graph_view(result.scenario.model)
    causal_graph.svg_of(causal_graph.draw(view), view)
    causal_graph.png_of(causal_graph.draw(view), view)
    sweep_figures.draw(made(tmp_path, grid([axis()], 3), lambda v, a, j: v[:, 0]), tmp_path, "0123456789ab")
    list(images(result, "0123456789ab"))
    assert dict(matplotlib.rcParams) == before


def test_characters_that_no_font_has_are_named_once_and_give_no_warnings(result, tmp_path, caplog):
    arm = result.arms["main"]
    labels = ["治療 \N{OLD PERSIAN SIGN XSHAAYATHIYA}", "没有 \N{OLD PERSIAN SIGN AURAMAZDAA}"]
    curves = [Curve(label, arm.trajectory) for label in labels]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = run_figures.draw_group(result.scenario, ["drug"], curves, [])
        run_figures.save(picture.figure, tmp_path / "drug", "title", picture.text, "run", ["svg", "png", "pdf"])
        run_figures.draw_group(result.scenario, ["drug"], curves, [])
    (note,) = [record.getMessage() for record in caplog.records if record.name == "immunesim"]
    assert "\N{OLD PERSIAN SIGN AURAMAZDAA}" in note
    assert "\N{OLD PERSIAN SIGN XSHAAYATHIYA}" in note
    assert note.endswith("no installed font has them")
    assert "治療" in (tmp_path / "drug.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize("size", [4e-3, -37.0, 1e12])
@pytest.mark.parametrize("log", [False, True])
def test_the_rounding_of_a_flat_curve_is_no_range(size: float, log: bool) -> None:
    if log and size <= 0:
        return
    noise = np.array([size, np.nextafter(size, np.inf), size])
    low, high = panel.ends_of([noise], log, [])
    assert (low, high) == pytest.approx(panel.ends_of([np.full(3, size)], log, []))
    assert scales.ticks_of("y", (low, high), log, 1.7)[1]
