"""The report: one file with nothing outside it, whose numbers are those of the tables."""

from __future__ import annotations

import csv
import re
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from immunesim.experiments.run import RunResult, run
from immunesim.files.results.run_folder import summary, table_name
from immunesim.files.toml.catalogue import builtin_scenarios
from immunesim.files.toml.scenario_file import read_scenario
from immunesim.tasks.run import write
from immunesim.views.figures import run as run_figures
from immunesim.views.report.run_page import report
from immunesim.views.report.tables import cited
from immunesim.views.report.thin import points_to_keep

from tests.pages import Page, read_page
from tests.slow import thinned

LIMIT = 3_000_000  # bytes
SECTIONS = ["story", "figures", "curves", "doses", "expectations", "settings", "equations", "provenance", "again"]
COMMAND = ["run", "toy.toml", "--report"]
HOSTILE = '<script>alert(1)</script><img src=x onerror="alert(2)">&amp;{{ 7*7 }}</title>'


def written(result: RunResult, folder: Path) -> Page:
    write(result, folder, COMMAND, draw=run_figures.draw, report=True)
    return read_page(folder / "report.html")


def page_of(result: RunResult) -> Page:
    """The page without its figures, which take longest."""
    return Page(report(result, summary(result, COMMAND, "0123456789ab"), "title = 1", figures=False))


@pytest.fixture
def result(toy_file: Path) -> RunResult:
    return run(read_scenario(toy_file))


# the file


def test_the_report_is_one_file_in_the_folder_of_the_run(result: RunResult, tmp_path: Path) -> None:
    page = written(result, tmp_path / "out")
    assert page.loads() == []
    assert len(page.source.encode()) < LIMIT
    assert [a["id"] for tag, a in page.elements if tag == "section"] == SECTIONS
    images = [a for tag, a in page.elements if tag == "img"]
    assert len(images) == 1 + len(result.scenario.plots) + 1  # first the main one, last the wiring
    assert all("drug" in (a["alt"] or "") or "cells" in (a["alt"] or "") for a in images)
    assert "This is not medical advice" in page.text
    assert "immunesim run toy.toml --report" in page.text


def test_what_would_be_fetched_is_found() -> None:
    bad = '<link href="https://a.org/f.css"><img src="p.png"><style>@import "x"; a { b: url(y.woff) }</style>'
    assert len(Page(bad).loads()) == 4
    assert Page('<a href="https://doi.org/1">d</a><img src="data:image/png;base64,AA">').loads() == []


@pytest.mark.slow
@pytest.mark.parametrize("name", thinned(["kirschner_panetta", "acute_infection"], every=2))
def test_a_report_of_ours_fits_into_an_email(name: str, tmp_path: Path) -> None:
    page = written(run(read_scenario(builtin_scenarios()[name])), tmp_path / "out")
    assert page.loads() == []
    assert len(page.source.encode()) < LIMIT


# the numbers


@pytest.mark.parametrize("name", [None, "baker"])
def test_every_number_of_a_chart_is_the_tables_own(name: str | None, toy_file: Path, tmp_path: Path) -> None:
    result = run(read_scenario(builtin_scenarios()[name] if name else toy_file))
    data = written(result, tmp_path / "out").data(exact=True)
    assert [chart["name"] for chart in data["charts"]] == [n for group in result.scenario.plots for n in group]
    compared = 0
    for number, arm in enumerate(result.arms):
        with (tmp_path / "out" / table_name(arm)).open() as file:
            rows = {row[next(iter(row))]: row for row in csv.DictReader(file)}
        for chart in data["charts"]:
            column = f"{chart['name']} [{result.scenario.model.unit_text(chart['name'])}]"
            for time, value in zip(chart["rows"], chart["values"][number], strict=True):
                if value is None:
                    assert time not in rows
                else:
                    assert rows[time][column] == value
                    compared += 1
    assert compared > 50


def test_the_numbers_of_the_page_stand_in_the_table_too(result: RunResult, tmp_path: Path) -> None:
    """What is rounded for people has the exact number beside it."""
    page = written(result, tmp_path / "out")
    known = {
        cell
        for path in (tmp_path / "out").glob("*.csv")
        for line in path.read_text().splitlines()
        for cell in line.split(",")
    }
    known |= {repr(verdict.simulated) for verdict in result.verdicts}
    values = [a["value"] for tag, a in page.elements if tag == "data"]
    assert len(values) > 50
    assert set(values) <= known


# thinning


def straight(times, values, kept, scale=lambda x: x):
    """The largest distance of the curve from the lines between kept points, as a fraction of its range."""
    line = np.interp(times, times[kept], scale(values[kept]))
    return np.abs(line - scale(values)).max() / np.ptp(scale(values))


def test_a_thinned_curve_is_within_its_tolerance_on_both_axes() -> None:
    times = np.linspace(0, 10, 5001)
    values = np.exp(-times) * (1.2 + np.sin(6 * times)) + 1e-3
    values[2500:] += 0.5  # a jump
    kept = points_to_keep(times, values, 0.004)
    assert len(kept) < 250
    assert straight(times, values, kept) <= 0.004
    assert straight(times, values, kept, np.log) <= 0.004
    assert {0, 2499, 2500, 5000, int(values.argmax())} <= set(kept)


def test_few_points_are_those_that_matter_most() -> None:
    times = np.arange(1001.0)
    values = np.ones(1001)
    values[500] = 100.0
    values[200] = 3.0
    assert points_to_keep(times, values, 0.0, most=5) == [0, 499, 500, 501, 1000]


def test_gaps_and_flat_curves_are_kept_as_they_are() -> None:
    times = np.arange(100.0)
    values = np.full(100, 7.0)
    assert points_to_keep(times, values, 0.01) == [0, 99]
    values[40] = np.nan
    assert points_to_keep(times, values, 0.01) == [0, 39, 40, 41, 99]
    assert points_to_keep(times[:2], values[:2], 0.01) == [0, 1]
    assert points_to_keep(times[:0], values[:0], 0.01) == []


# text of users


def test_text_of_users_is_text(toy_file: Path) -> None:
    text = (
        toy_file.read_text()
        .replace('"A toy question"', f"'{HOSTILE}'")
        .replace("How much of the drug is left?", "</script><b>")
    )
    text = text.replace("the drug peaks after a dose", "<iframe src=//evil.org>").replace(
        "[arms.half]", "[arms.half]\nlabel = '</script><svg onload=alert(3)>'"
    )
    model = toy_file.parent / "toy_model.toml"
    model.write_text(
        model.read_text()
        .replace('"drug in plasma"', "'drug <img src=x> in plasma'")
        .replace('citation = "', 'link = "javascript:alert(4)"\ncitation = "<object data=x>')
    )
    toy_file.write_text(text)
    page = page_of(run(read_scenario(toy_file)))
    assert HOSTILE in page.text
    assert page.loads() == []
    names = {tag for tag, _ in page.elements}
    assert names.isdisjoint({"iframe", "object", "img", "b:b"})
    assert all(not name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert [a["href"] for tag, a in page.elements if tag == "a" and not (a["href"] or "").startswith("#")] == []
    assert sum(tag == "script" for tag, _ in page.elements) == 3
    assert page.data()["arms"][2]["title"] == "</script><svg onload=alert(3)>"


def test_a_link_is_followed_only_to_the_web(toy_file: Path) -> None:
    scenario = read_scenario(toy_file)
    source = scenario.model.sources["Toy2020"]
    linked = replace(scenario, sources={"Toy2020": source._replace(link="https://doi.org/10.1/1")})
    first, second = cited(linked, "Toy2020, p. 1; assumed")
    assert (first.text, first.link, second.link) == ("Toy2020, p. 1", "https://doi.org/10.1/1", "")
    assert cited(replace(scenario, sources={"Toy2020": source._replace(link="file:///a")}), "Toy2020")[0].link == ""


# other runs


def test_a_failed_arm_is_told_first_and_drawn_as_far_as_it_came(toy_file: Path) -> None:
    model = toy_file.parent / "toy_model.toml"
    growing = 'rate = "-k_clear * drug * drug / K_drug * 4000"'
    model.write_text(model.read_text().replace('rate = "k_clear * drug"', growing))
    result = run(read_scenario(toy_file))
    assert not result.arms["main"].trajectory.outcome.ok
    page = page_of(result)
    assert page.text.index("failed: ") < page.text.index("What happens")
    chart = page.data()["charts"][0]
    reached = result.arms["main"].trajectory.times[-1]
    assert max(t for t, v in zip(chart["rows"], chart["values"][0], strict=True) if v is not None) == reached


def test_a_run_that_fails_at_once_has_a_report_too(toy_file: Path) -> None:
    model = toy_file.parent / "toy_model.toml"
    model.write_text(
        model.read_text().replace('rate = "k_clear * drug"', 'rate = "k_clear * drug * drug / (drug - drug)"')
    )
    result = run(read_scenario(toy_file), arms=["main"])
    page = page_of(result)
    assert "failed: " in page.text
    assert page.loads() == []


def test_an_interrupted_run_says_what_is_missing(result: RunResult) -> None:
    cut = replace(result, arms={"main": result.arms["main"]}, interrupted=True)
    page = page_of(cut)
    assert "Interrupted : not simulated: untreated, half." in page.text
    assert len(page.data()["arms"]) == 1


def test_a_scenario_without_question_doses_and_expectations(folder: Path) -> None:
    path = folder / "bare.toml"
    path.write_text('title = "bare"\nmodel = "toy_model.toml"\n[time]\nend = "2 h"\nevery = "1 h"\n')
    page = page_of(run(read_scenario(path)))
    assert "This scenario gives no doses." in page.text
    assert "This scenario has no expectations" in page.text
    assert "every parameter and every initial value is the model's default" in page.text
    assert page.loads() == []


# what it says


def test_what_differs_from_the_model_is_listed_by_arm(result: RunResult) -> None:
    text = page_of(result).text
    assert "clearance of the drug k_clear throughout 1/h 0.5 0.25 0.25 0.25" in text
    assert "drug in plasma drug at the start pM 0 1" in text
    assert "clearance of the drug k_clear from 20 to 30 h 1/h 0.5 0.5 0.5 0.5" in text


def test_the_ledger_and_the_verdict_are_those_of_the_run(result: RunResult) -> None:
    text = page_of(result).text
    (verdict,) = result.verdicts
    assert "as described push drug 3 of 3 1,200 1,200 0 pmol" in text
    assert f"✓ met the drug peaks after a dose max(drug) {verdict.simulated:.0f} pM 50 to 500 pM Toy2020, p. 1" in text
    assert "1 of 1 expectation is met." in text


def test_headings_go_down_one_step_at_a_time(result: RunResult, tmp_path: Path) -> None:
    levels = [int(tag[1]) for tag, _ in written(result, tmp_path / "out").elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))


def test_without_a_report_no_templating_library_is_loaded(toy_file: Path, tmp_path: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys; from immunesim import cli;"
        f" cli.main(['run', {str(toy_file)!r}, '--no-plots', '--out', {str(tmp_path / 'o')!r}]);"
        " sys.exit('jinja2' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_without_the_package_of_the_extra_a_report_has_all_but_the_wiring(
    result: RunResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    page = written(result, tmp_path / "out")
    assert len([a for tag, a in page.elements if tag == "img"]) == 1 + len(result.scenario.plots)
    assert "Drawn only if pygraphviz is installed: pip install 'immunesim[wiring]'" in page.text


def test_the_arms_that_have_a_dose_are_told_apart_though_their_labels_hold_commas(toy_file: Path) -> None:
    toy_file.write_text(toy_file.read_text().replace("[arms.half]", '[arms.half]\nlabel = "half, at once"', 1))
    page = page_of(run(read_scenario(toy_file)))
    assert '("as described", "half, at once")' in page.text
