"""`compare`: ratios, sentences that say what the numbers say, sides and the reference."""

from __future__ import annotations

import csv
import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import immunesim as sim
import numpy as np
import pytest
from immunesim import cli, read_scenario
from immunesim.experiments import comparison
from immunesim.experiments.comparison import ComparisonRow, Reference
from immunesim.experiments.run import run
from immunesim.runtime.errors import InputError
from immunesim.tasks import compare
from immunesim.tasks.compare import CompareRequest, Comparison, sides
from immunesim.tasks.request import FigureOptions, ScenarioRequest
from immunesim.views.text.commands.comparison_table import comparison_text

SCENARIO = """
title = "A toy"
model = "toy_model.toml"
label = "as dosed"
[time]
end = "1 d"
every = "1 h"
[[dose]]
name = "push"
target = "drug"
amount = "100 pmol"
at = "2 h"
every = "12 h"
count = 2
[arms.untreated]
without = ["push"]
[arms.late]
label = "later"
dose.push.at = "8 h"
[arms.strong]
dose.push.amount = "300 pmol"
[show]
plots = [["drug"], ["cells"]]
"""


@pytest.fixture
def question(folder: Path) -> Path:
    path = folder / "toy.toml"
    path.write_text(SCENARIO, encoding="utf-8")
    return path


@pytest.fixture
def result(question: Path):
    return run(read_scenario(question))


def row(label: str, name: str = "X", **given: Any) -> ComparisonRow:
    """A curve that rises from 1 to 10 on day 5 of 20 and is back at 1, but for what is given."""
    usual = {"start": 1.0, "peak": 10.0, "time_of_peak": 5.0, "lowest": 1.0, "time_of_lowest": 0.0, "final": 1.0}
    found = {"area": 60.0, "area_unit": "pM*d", "end": 20.0, "time_unit": "d", "outcome": "success"} | usual | given
    names = {"name": name, "unit": "pM", "scenario": "toy", "arm": "main", "label": label, "reference": False}
    return ComparisonRow(**{"changed": "", **names, **found})


def said(other: ComparisonRow, **base: Any) -> list[str]:
    """The sentences on `other`, against the usual curve with what is given in its place."""
    first = row("as described", **base)._replace(reference=True, area_ratio=1.0)
    return compare.sentences([first, other._replace(area_ratio=other.area / first.area)])


# the table


def test_ratios_are_those_of_the_curves(result) -> None:
    rows = {row.arm: row for row in comparison.table([result], ["drug"])}
    assert [row.label for row in rows.values()] == ["as dosed", "untreated", "later", "strong"]
    assert [arm for arm, row in rows.items() if row.reference] == ["main"]
    for key in ("peak", "area", "final"):
        assert rows["strong"].value(f"{key}_ratio") == pytest.approx(3, rel=1e-5)
        assert rows["main"].value(f"{key}_ratio") == 1
        assert rows["untreated"].value(f"{key}_ratio") == 0
    assert rows["strong"].lowest_ratio is None  # nothing before the first dose
    assert rows["late"].time_of_peak == pytest.approx(20 / 24)  # d: the unit in which the scenario gives its end
    assert rows["late"].end == 1.0
    arm = result.arms["strong"].trajectory
    assert rows["strong"].final == pytest.approx(arm["drug"][-1])
    assert rows["strong"].lowest == arm["drug"].min() == 0


def test_against_another_arm_ratios_turn_and_of_nothing_there_is_none(result) -> None:
    rows = {row.arm: row for row in comparison.table([result], ["drug", "cells"], (), Reference(0, "untreated"))}
    assert rows["main"].name == "cells"
    drug = {row.arm: row for row in comparison.table([result], ["drug"], (), Reference(0, "untreated"))}
    assert drug["main"].peak_ratio is None
    assert drug["untreated"].peak_ratio is None
    assert any(", drug: peak of" in each for each in compare.sentences(list(drug.values())))


def test_runs_of_another_length_have_no_ratio_of_ends_and_areas(question: Path) -> None:
    runs = [run(read_scenario(question, set={"time.end": end}), arms=["main"]) for end in ("1 d", "0.8 d")]
    first, second = comparison.table(runs, ["drug"], ("", "shorter"))
    assert (second.area_ratio, second.final_ratio) == (None, None)
    assert second.peak_ratio == pytest.approx(1)
    assert (first.label, second.label) == ("as described", "shorter")
    assert compare.sentences([first, second]) == []


def test_a_run_that_failed_is_told_apart(result) -> None:
    arm = result.arms["strong"]
    outcome = dataclasses.replace(arm.trajectory.outcome, kind="blow-up", message="x is not finite at 3 h")
    failed = dataclasses.replace(arm, trajectory=dataclasses.replace(arm.trajectory, outcome=outcome))
    rows = comparison.table(
        [dataclasses.replace(result, arms={"main": result.arms["main"], "strong": failed})], ["drug"]
    )
    text = comparison_text(rows, compare.sentences(rows))
    assert "FAILED: blow-up" in text
    assert "strong: FAILED, x is not finite at 3 h; it is not compared" in text
    assert "no large difference" not in text
    assert compare.sentences(rows) == []


def test_arms_that_failed_are_named_and_no_difference_is_denied(failing: Path) -> None:
    found = sim.compare(failing)
    half, start = found.failed
    assert half.startswith("half: FAILED, the derivative of y is not finite at 5")
    assert half.endswith("; it is not compared")
    assert "at 0 d, in reaction fill (0/0)" in start
    for line in found.failed:
        assert line in str(found)
        assert line in found._repr_html_()
    assert "no large difference" not in str(found)
    assert [row.peak_ratio for row in found.rows] == [1.0, None, None]
    reversed_ = str(sim.compare(failing, against="half"))
    assert "at 5" in reversed_
    assert "nothing can be compared with it" in reversed_
    assert "no large difference" not in reversed_
    failing.write_text(failing.read_text() + '[arms.same]\nparameters.limit = "2e6 mg"\n')
    assert f"no large difference\n{half}\n{start}\n" in str(sim.compare(failing))


def test_what_a_failed_run_reached_does_not_make_the_others_nothing() -> None:
    rows = [row("as described")._replace(reference=True), row("blown up", outcome="no progress", peak=1e30)]
    text = comparison_text(rows, compare.sentences(rows))
    assert re.search(r"as described +10 ", text)


def test_the_folder_says_what_the_terminal_says(result, tmp_path: Path) -> None:
    rows = comparison.table([result], ["drug"])
    found = Comparison(rows, [result], ["drug"], [""])
    compare.write(found, tmp_path / "out")
    report = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    assert report["sentences"] == found.sentences != []
    assert all(sentence in str(found) for sentence in report["sentences"])
    assert found.sentences[0].startswith("untreated, drug in plasma: ")  # the label; the table has the name
    with (tmp_path / "out" / "comparison.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert [float(line["peak_ratio"]) for line in table] == pytest.approx([row.peak_ratio for row in rows])


def test_the_text_is_aligned_and_writes_dust_as_nothing(result) -> None:
    rows = [row._replace(lowest=1e-20) for row in comparison.table([result], ["drug"])]
    lines = comparison_text(rows, compare.sentences(rows)).splitlines()
    heads, *shown = lines[1:6]
    places = [heads.index(head) + len(head) for head in ("peak", "lowest", "final", "area [pM·h]")]
    for line in (each.ljust(200) for each in shown):
        assert all(line[place - 1] != " " == line[place] for place in places), line
    assert shown[0].split()[-3] == "0"


def test_columns_are_as_wide_as_their_longest_cell() -> None:
    base = row("as described", peak=1.88e-4, lowest=-0.000188)._replace(reference=True, area_ratio=1.0)
    far = row("another", peak=9.89e-10, lowest=-1.23e-10)._replace(area_ratio=1.0, peak_ratio=9.8912e-9)
    heads, *shown = comparison_text([base, far], []).splitlines()[1:4]
    assert heads.split() == ["peak", "at", "[d]", "lowest", "final", "area", "[pM·d]"]
    for line in shown:
        cells = [each.strip() for each in line.strip().split("  ") if each.strip()]
        assert len(cells) in (6, 10)
        assert all(each.count("×") <= 1 for each in cells), cells


# sentences


NONE = {"peak": 0.0, "lowest": 0.0, "start": 0.0, "final": 0.0}
SENTENCES = [
    ({"peak": 24.0, "time_of_peak": 9.0}, "peak of 24 pM on day 9, 2.4 times as high as described (10 pM on day 5)"),
    ({"peak": 4.0, "time_of_peak": 7.0}, "peak of 4 pM on day 7, 2.5-fold lower than described (10 pM on day 5)"),
    ({"peak": 1.0, "time_of_peak": 0.0}, "no rise above 1 pM, 10-fold lower than described (10 pM on day 5)"),
    ({"final": 3.0}, "final value of 3 pM, 3 times as high as described (1 pM)"),
    ({"final": 0.0, "lowest": 0.9}, "none at the end; as described there is 1 pM"),
    (
        {"lowest": 0.2, "time_of_lowest": 8.0},
        "low of 0.2 pM on day 8, 5-fold lower than described (1 pM at the start)",
    ),
    (
        {"lowest": 2e-5, "time_of_lowest": 8.0},
        "low of 2 × 10⁻⁵ pM on day 8, 1/50,000 of that described (1 pM at the start)",
    ),
    ({"area": 120.0}, "area under the curve of 120 pM·d, 2 times as large as described (60)"),
    ({"time_of_peak": 8.5}, "peak of 10 pM on day 8.5, 3.5 d later than described (on day 5)"),
    ({"time_of_peak": 2.5}, "peak of 10 pM on day 2.5, 2.5 d earlier than described (on day 5)"),
    (NONE, "none; as described: peak of 10 pM on day 5"),
]


@pytest.mark.parametrize(("given", "sentence"), SENTENCES)
def test_a_large_difference_is_one_sentence(given: dict[str, float], sentence: str) -> None:
    assert said(row("no Z", **given)) == [f"no Z, X: {sentence}."]


def test_of_a_peak_and_an_end_that_differ_alike_the_peak_is_told() -> None:
    growing = row("no Z", peak=24.0, time_of_peak=20.0, final=24.0)
    assert said(growing, final=8.0) == [
        "no Z, X: rise to 24 pM at the end, 2.4 times as high as described (10 pM on day 5)."
    ]
    assert said(growing, final=1.0) == ["no Z, X: final value of 24 pM, 24 times as high as described (1 pM)."]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"peak": 14.0},
        {"peak": 7.2},
        {"final": 1.4},
        {"area": 80.0},
        {"time_of_peak": 6.9},
        {"final": 0.09, "lowest": 0.09, "peak": 10.0, "start": 0.09},
    ],
)
def test_a_small_difference_is_none(given: dict[str, float]) -> None:
    small = {"start": 0.01, "lowest": 0.01, "final": 0.01} if "start" in given else {}
    assert said(row("no Z", **given), **small) == []


def test_what_is_nowhere_and_then_is_appears() -> None:
    assert said(row("with Z"), **NONE) == ["with Z, X: peak of 10 pM on day 5; as described there is none."]


def test_a_curve_is_judged_by_how_far_it_leaves_its_own_start() -> None:
    """Falls of a pressure by 18 and by 11: a factor, though 77 and 84 are none."""
    rest = {"start": 95.0, "peak": 95.0, "final": 95.0, "area": 1880.0, "time_of_peak": 0.0}
    assert said(row("no Z", **rest, lowest=84.0, time_of_lowest=6.0), **rest, lowest=77.0, time_of_lowest=6.0) == [
        "no Z, X: low of 84 pM on day 6, 7 pM higher than described (77 pM on day 6)."
    ]
    assert said(row("no Z", **rest, lowest=80.0, time_of_lowest=6.0), **rest, lowest=77.0, time_of_lowest=6.0) == []


def test_two_flat_curves_at_different_levels_differ() -> None:
    flat = dict.fromkeys(("start", "peak", "lowest", "final"), 38.5) | {"area": 770.0, "time_of_peak": 0.0}
    usual = dict.fromkeys(("start", "peak", "lowest", "final"), 37.0) | {"area": 740.0, "time_of_peak": 0.0}
    (sentence,) = said(row("warm", **flat), **usual)
    assert sentence.startswith("warm, X: no rise above 38.5 pM, 1.5 pM higher")


def test_levels_far_from_zero_differ_by_their_span() -> None:
    """Fever: 38.6 and 37.5 are no factor apart."""
    fever = {"start": 37.0, "lowest": 37.0, "final": 37.0, "area": 745.0, "unit": "degC"}
    other = row("no Z", **fever, peak=37.5, time_of_peak=6.0)
    assert said(other, **fever, peak=38.6) == [
        "no Z, X: peak of 37.5 °C on day 6, 1.1 °C lower than described (38.6 °C on day 5)."
    ]
    naive = {"start": 700.0, "lowest": 699.0, "final": 700.0, "area": 14000.0}
    assert said(row("no Z", **naive, peak=700.0), **naive, peak=702.0) == []  # of 700 that is nothing


def test_a_curve_is_judged_by_its_own_excursion_and_not_by_a_share_of_its_baseline() -> None:
    fever = {"start": 37.0, "lowest": 37.0, "final": 37.0, "area": 745.0, "unit": "degC"}
    assert said(row("no Z", **fever, peak=37.1), **fever, peak=37.4) == [
        "no Z, X: peak of 37.1 °C on day 5, 0.3 °C lower than described (37.4 °C on day 5)."
    ]
    assert said(row("no Z", **fever, peak=38.99), **fever, peak=39.15) == []  # 1.99 and 2.15 above the start


def test_of_peaks_that_are_nearly_equal_none_comes_earlier() -> None:
    assert said(row("no Z", time_of_peak=8.5)) != []
    assert said(row("no Z", time_of_peak=8.5), top_width=4.5) == []


def test_beyond_tenfold_what_is_shown_first_is_told_first() -> None:
    rows = []
    for name, peak in (("seen", 200.0), ("dust", 1e6)):
        base = row("as described", name)._replace(reference=True, area_ratio=1.0)
        rows += [base, row("no Z", name, peak=peak)._replace(area_ratio=1.0)]
    assert [each.split()[2] for each in compare.sentences(rows)] == ["seen:", "dust:"]


def test_another_clock_and_another_reference_are_named() -> None:
    base = row("toy", peak=10.0, time_unit="h")._replace(reference=True, area_ratio=1.0)
    arm = row("weak, of a kind", peak=2.0, time_unit="h")._replace(area_ratio=1.0)
    assert compare.sentences([base, arm]) == [
        "weak, of a kind, X: peak of 2 pM at 5 h, 5-fold lower than in toy (10 pM at 5 h)."
    ]
    again = compare.sentences([base._replace(label="2 ng/kg"), arm])
    assert again[0].endswith("5-fold lower than in '2 ng/kg' (10 pM at 5 h).")


def test_the_largest_come_first_and_the_rest_are_counted() -> None:
    rows = []
    for number in range(12):
        base = row("as described", f"X{number}")._replace(reference=True, area_ratio=1.0)
        rows += [base, row("no Z", f"X{number}", peak=20.0 + number)._replace(area_ratio=1.0)]
    found = compare.sentences(rows)
    assert [each.split()[2].rstrip(":") for each in found[:-1]] == [f"X{number}" for number in range(11, 3, -1)]
    assert found[-1] == "And 4 more differences."
    assert len(compare.sentences(rows, most=12)) == 12


def test_sentences_agree_with_the_curves(result) -> None:
    rows = comparison.table([result], ["drug"])
    curve = result.arms["strong"].trajectory
    peak, base = curve["drug"].max(), result.arms["main"].trajectory["drug"].max()
    (sentence,) = [each for each in compare.sentences(rows) if each.startswith("strong, ")]
    assert f"{peak:.3g} pM on day {curve.times[np.argmax(curve['drug'])] / 24:.3g}" in sentence
    assert f"{peak / base:.2g} times as high as in 'as dosed' ({base:.3g} pM" in sentence


# what is compared


def test_one_scenario_is_compared_by_its_arms_and_several_by_their_main_ones(question: Path) -> None:
    scenario = read_scenario(question)
    other = dataclasses.replace(scenario, id="other")
    (side,), reference = sides([scenario], [], None, None)
    assert (side.arms, reference) == (["main", "untreated", "late", "strong"], None)
    assert [side.arms for side in sides([scenario, other], [], None, None)[0]] == [["main"], ["main"]]
    chosen, _ = sides([scenario], [(scenario, "without Z")], None, None)
    assert [(side.change, side.arms) for side in chosen] == [("", ["main"]), ("without Z", ["main"])]
    chosen, _ = sides([scenario], [(scenario, "without Z")], ["late", "main", "late"], None)
    assert [side.arms for side in chosen] == [["late", "main"]] * 2


def test_the_reference_joins_what_is_compared(question: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(question.parent)
    Path("other.toml").write_text(SCENARIO, encoding="utf-8")
    scenario = read_scenario(question)
    chosen, reference = sides([scenario], [], ["main"], "late")
    assert (chosen[0].arms, reference) == (["main", "late"], Reference(0, "late"))
    for words, arm in (("other.toml", "main"), ("other.toml/strong", "strong"), ("./other.toml/strong", "strong")):
        chosen, reference = sides([scenario], [], ["main"], words)
        assert [(side.scenario.id, side.arms) for side in chosen] == [("toy", ["main"]), ("other", [arm])]
        assert reference == Reference(1, arm)


@pytest.mark.parametrize(
    ("arms", "against", "message"),
    [
        (["lat"], None, "toy has no arm 'lat'; did you mean 'late'?"),
        (["main"], None, "nothing to compare: give several scenarios or arms, or a change such as --knockout"),
        (None, "lat", "'lat' is no arm of toy and no scenario; did you mean 'late'?"),
        (None, "zebra", "'zebra' is no arm of toy and no scenario; arms of toy are main, untreated, late, strong"),
        (None, "acute_infection/without_IL7", "acute_infection has no arm 'without_IL7'; there are "),
    ],
)
def test_wrong_sides_are_refused(question: Path, arms: list[str] | None, against: str | None, message: str) -> None:
    with pytest.raises(InputError) as caught:
        sides([read_scenario(question)], [], arms, against)
    assert message in caught.value.faults[0].message


# the figure


def strip_of(found: Comparison, slides: bool) -> tuple[list[str], list[Any]]:
    """The words above the panel, and the hours of the doses that are marked there."""
    figure = found.picture("drug", FigureOptions(slides)).figure
    (strip,) = [axis for axis in figure.axes if axis.get_label() == "strip"]
    return [text.get_text() for text in strip.texts], [
        (24 * np.array(line.get_xdata())).round(9).tolist() for line in strip.lines
    ]


def test_the_figure_marks_the_doses_of_all_that_is_compared(question: Path) -> None:
    found = compare.compare(CompareRequest((ScenarioRequest(question),), of=("drug",)))
    for slides in (False, True):
        words, times = strip_of(found, slides)
        assert words == ["push ×2", "push ×2"]  # of those as described, and later
        assert times == [[2, 14], [8, 20]]


def test_doses_after_the_end_of_a_shorter_run_are_not_marked(question: Path) -> None:
    short = question.with_name("short.toml")
    short.write_text(question.read_text().replace('end = "1 d"', 'end = "10 h"').replace('"2 h"', '"3 h"'))
    found = compare.compare(CompareRequest((ScenarioRequest(question), ScenarioRequest(short)), of=("drug",)))
    assert strip_of(found, True)[1] == [[2, 14], [3]]


def test_two_scenarios_of_one_name_are_refused_before_anything_is_simulated(folder: Path) -> None:
    (folder / "other").mkdir()
    (folder / "other" / "toy_model.toml").write_text((folder / "toy_model.toml").read_text())
    for place in (folder / "toy.toml", folder / "other" / "toy.toml"):
        place.write_text(SCENARIO)
    words = [str(folder / "toy.toml"), str(folder / "other" / "toy.toml")]
    message = "two scenarios are called 'toy', as their results would be: give one of the files another name"
    with pytest.raises(sim.InputError, match=message):
        sim.compare(*words)
    out = folder / "out"
    assert cli.main(["run", *words, "--no-plots", "--out", str(out)]) == 2
    assert not out.exists()
