"""What of the expectations can be drawn beside a curve, what changes do when, and both in words."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from immunesim.experiments.measures import FUNCTIONS
from immunesim.experiments.run import RunResult, run
from immunesim.experiments.targets import Target, targets
from immunesim.files.toml.catalogue import builtin_scenarios
from immunesim.files.toml.scenario_file import read_scenario
from immunesim.views.figures import run as run_figures
from immunesim.views.text.figure import aim_words
from immunesim.views.text.timed_changes import windows

SCENARIO = """
title = "A toy"
model = "toy_model.toml"
label = "as dosed"
[time]
end = "2 d"
every = "1 h"
[[dose]]
name = "push"
target = "drug"
amount = "100 pmol"
at = "2 h"
[arms.other]
label = "twice"
dose.push.count = 2
dose.push.every = "12 h"
[show]
plots = [["drug"]]
"""
HEAD = '[[expect]]\nthat = "x"\nsource = "Toy2020, p. 2"\nstatus = "verified"\n'


def result_with(folder: Path, *expectations: str, more: str = "") -> RunResult:
    text = SCENARIO + more + "".join(HEAD + each for each in expectations)
    (folder / "toy.toml").write_text(text, encoding="utf-8")
    return run(read_scenario(folder / "toy.toml"), certify=False)


def only(result: RunResult) -> Target:
    (target,) = targets(result.scenario, result.verdicts, ["drug"])
    return target


@pytest.mark.parametrize(
    ("measure", "kind", "t0", "t1"),
    [
        ("at(drug, '6 h')", "at", 6, 6),
        ("final(drug)", "final", 48, 48),
        ("max(drug)", "max", 0, 48),
        ("min(drug, '3 h', '1 d')", "min", 3, 24),
        ("mean(drug, '3 h', '1 d')", "mean", 3, 24),
    ],
)
def test_one_value_of_one_curve_is_a_target_in_the_curves_unit(folder: Path, measure, kind, t0, t1) -> None:
    target = only(result_with(folder, f'measure = "{measure}"\nbetween = [0.001, 0.002]\nunit = "nM"\n'))
    assert (target.name, target.arm, target.drawn) == ("drug", "main", FUNCTIONS[kind].drawn)
    assert (target.t0, target.t1) == pytest.approx((t0, t1))
    assert (target.low, target.high) == pytest.approx((1.0, 2.0))
    assert (target.source, target.published) == ("Toy2020", "published: Toy2020")


def test_the_time_of_a_peak_is_a_target_in_time(folder: Path) -> None:
    text = 'measure = "time_of_max(drug, arm=\'other\')"\nbetween = [0, 1]\nunit = "d"\n'
    target = only(result_with(folder, text))
    assert (target.arm, target.is_time, target.low, target.high) == ("other", True, 0.0, 24.0)
    assert target.met


@pytest.mark.parametrize(
    "text",
    [
        'measure = "max(drug) / final(drug)"\nabove = 1\n',
        'measure = "auc(drug)"\nabove = 1\nunit = "pM*h"\n',
        'measure = "time_above(drug, \'1 pM\')"\nabove = 1\nunit = "h"\n',
        'measure = "2 * max(drug)"\nabove = 1\nunit = "pM"\n',
    ],
)
def test_what_is_no_value_of_one_curve_is_no_target(folder: Path, text: str) -> None:
    result = result_with(folder, text)
    assert result.verdicts
    assert targets(result.scenario, result.verdicts, ["drug"]) == []


def test_a_target_of_a_curve_that_is_not_shown_is_left_out(folder: Path) -> None:
    result = result_with(folder, 'measure = "max(drug)"\nabove = 1\nunit = "pM"\n')
    assert targets(result.scenario, result.verdicts, []) == []


def test_a_target_in_words_says_what_came_out_and_who_says_so(folder: Path) -> None:
    result = result_with(folder, 'measure = "at(drug, \'12 h\')"\nabove = 1000\nunit = "nM"\n')
    target = only(result)
    assert target.high == math.inf
    assert not target.met
    words = aim_words(result.scenario, target)
    assert words.startswith("Expected of drug in plasma (as dosed), at 0.5 d: above 10⁶ pM (published: Toy2020);")
    assert words.endswith(" missed.")


def test_a_figure_shows_the_targets_of_its_curves_in_the_colour_of_their_arm(folder: Path) -> None:
    upper = 'measure = "max(drug, arm=\'other\')"\nbetween = [1, 50]\nunit = "pM"\n'
    result = result_with(folder, upper, 'measure = "at(drug, \'6 h\')"\nbelow = 1e-9\nunit = "pM"\n')
    (picture,) = run_figures.pictures(result)
    (panel,) = [axis for axis in picture.figure.axes if axis.get_ylabel()]
    bands = [patch for patch in panel.patches if patch.get_label() == "target"]
    assert bands[0].get_facecolor()[:3] == pytest.approx((213 / 255, 94 / 255, 0))
    marks = [line.get_marker() for line in panel.lines if line.get_label() == "verdict"]
    assert [verdict.met for verdict in result.verdicts] == [True, False]
    assert marks == ["o"]  # the other lies far below the axis
    assert "published: Toy2020" in " ".join(text.get_text() for text in picture.figure.texts)


def test_a_window_is_where_a_value_differs_from_the_start_and_later_lines_win(folder: Path) -> None:
    changes = (
        '[[change]]\nwhile = ["4 h", "10 h"]\nparameters = { k_clear = "1 1/h" }\n'
        '[[change]]\nwhile = ["6 h", "8 h"]\nparameters = { k_clear = "0 1/h" }\n'
    )
    result = result_with(folder, more=changes)
    found = windows(result.scenario, result.scenario.arms)
    assert [(w.start, w.end, w.value) for w in found] == [(4, 6, 1), (6, 8, 0), (8, 10, 1)]
    assert all(w.arms == ("main", "other") for w in found)
    assert found[1].short_text == "clearance of the drug: 0.5 → 0 1/h"


def test_a_window_of_a_block_is_named_by_what_is_blocked() -> None:
    scenario = read_scenario(builtin_scenarios()["vaccination"])
    (window,) = windows(scenario, scenario.arms)
    assert window.short_text == "interleukin 4 blocked: 0 → 1"


def test_a_change_to_what_is_there_already_is_no_window(folder: Path) -> None:
    base = result_with(folder).scenario.model.parameters["k_clear"].value
    result = result_with(folder, more=f'[[change]]\nat = "4 h"\nparameters = {{ k_clear = "{base} 1/h" }}\n')
    assert windows(result.scenario, result.scenario.arms) == []
