"""The report in a real browser: seen, touched, read out, and at both widths."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from immunesim.experiments.run import run
from immunesim.files.results.run_folder import table_name
from immunesim.files.toml.catalogue import builtin_scenarios
from immunesim.files.toml.scenario_file import read_scenario
from immunesim.tasks.run import write
from immunesim.views.figures import run as run_figures

NAME, END = "canakinumab", 168.0  # d
WIDTHS = (1400, 400)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real run with doses, several arms and expectations, of a model that is small enough for a checker of pages."""
    out = tmp_path_factory.mktemp("report") / "run"
    result = run(read_scenario(builtin_scenarios()[NAME]))
    write(result, out, ["run", NAME, "--report"], draw=run_figures.draw, report=True)
    return out


@pytest.fixture
def report(folder: Path) -> Path:
    return folder / "report.html"


@pytest.fixture(scope="session")
def tables(folder: Path) -> list[dict[float, dict[str, str]]]:
    """The rows of the table of every arm, by time."""
    found = []
    for arm in read_scenario(builtin_scenarios()[NAME]).arms:
        with (folder / table_name(arm.name)).open() as file:
            found.append({float(row["time [d]"]): row for row in csv.DictReader(file)})
    return found


def read_out(page: Any, chart: int = 0) -> tuple[float, list[float]]:
    """The exact time and values of a chart's readout."""
    data = page.locator(f"[data-chart='{chart}'] [data-readout] data").all()
    time, *values = [float(each.get_attribute("value")) for each in data]
    return time, values


def span(page: Any, chart: int = 0) -> tuple[float, float]:
    scale = page.evaluate(f"(({{min, max}}) => [min, max])(immunesimCharts[{chart}].uplot.scales.x)")
    return scale[0], scale[1]


@pytest.mark.parametrize("width", WIDTHS)
def test_an_accessibility_checker_finds_nothing(visit, report: Path, width: int) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = visit(report, width)
    page.evaluate("document.querySelectorAll('#curves details').forEach((each) => { each.open = true; })")
    found = Axe().run(page)
    assert [(each["id"], [n["target"] for n in each["nodes"]][:3]) for each in found.response["violations"]] == []


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_never_scrolls_sideways(visit, report: Path, width: int) -> None:
    page = visit(report, width)
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    wide, seen = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert (wide, seen) == (width, width)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_first_screen_shows_question_answer_verdicts_and_the_main_figure(visit, report: Path, width: int) -> None:
    page = visit(report, width)
    for part in (".question", ".answer", ".verdicts", ".first img"):
        box = page.locator(part).bounding_box()
        assert box["y"] + box["height"] <= 900, part
        assert box["x"] + box["width"] <= width, part
    assert page.locator(".verdicts").bounding_box()["height"] < 30  # one line


def test_the_keyboard_reads_values_that_stand_in_the_tables(visit, report: Path, tables) -> None:
    page = visit(report)
    page.locator("[data-chart='1'] .plot").focus()
    page.keyboard.press("Home")
    for _ in range(3):
        page.keyboard.press("PageDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowRight")
    time, values = read_out(page, 1)
    assert time == page.evaluate("immunesimCharts[1].data.rows[31]")
    assert values == [float(rows[time]["IL1b_free [pg/mL]"]) for rows in tables]
    shown = [each.inner_text() for each in page.locator("[data-chart='1'] [data-readout] data").all()]
    said = page.locator("#said").inner_text()
    assert said.count("; ") == len(tables)
    assert all(number in said for number in shown)
    linked, _ = read_out(page, 0)  # the others follow to the point that is nearest
    rows = page.evaluate("immunesimCharts[0].data.rows")
    assert abs(linked - time) == min(abs(row - time) for row in rows)


def test_the_mouse_reads_the_point_beneath_it(visit, report: Path, tables) -> None:
    page = visit(report)
    over = page.locator("[data-chart='0'] .u-over")
    over.scroll_into_view_if_needed()
    box = over.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.1, box["y"] + 50)
    time, values = read_out(page)
    assert time == pytest.approx(0.1 * END, abs=0.01 * END)
    assert values == [float(rows[time]["canakinumab_level [ug/mL]"]) for rows in tables]


def test_arms_are_switched_off_and_on_in_all_charts(visit, report: Path, tables) -> None:
    page = visit(report)
    page.locator("[data-chart='0'] .plot").focus()
    page.keyboard.press("End")
    before = pixels(page)
    page.locator("[data-arm='1']").uncheck()
    assert len(read_out(page)[1]) == len(tables) - 1
    assert page.evaluate("immunesimCharts.map((chart) => chart.uplot.series[2].show)").count(True) == 0
    assert pixels(page) != before
    page.locator("[data-arm='1']").check()
    assert len(read_out(page)[1]) == len(tables)


def pixels(page: Any) -> str:
    return page.evaluate("document.querySelector('[data-chart=\"0\"] canvas').toDataURL()")


def test_the_axis_becomes_logarithmic_and_linear(visit, report: Path) -> None:
    page = visit(report)
    button = page.locator("[data-chart='0'] [data-do='log']")
    kinds = []
    for _ in range(3):
        kinds.append((button.get_attribute("aria-pressed"), page.evaluate("immunesimCharts[0].uplot.scales.y.distr")))
        button.click()
    assert set(kinds) == {("true", 3), ("false", 1)}
    assert kinds[0] == kinds[2]
    page.locator("[data-chart='0'] .plot").focus()
    page.keyboard.press("l")
    assert button.get_attribute("aria-pressed") == kinds[0][0]


def test_a_logarithmic_axis_says_what_it_does_not_show(visit, report: Path) -> None:
    page = visit(report)
    shows_all = """index => {
        const chart = immunesimCharts[index], low = chart.uplot.scales.y.min;
        return !chart.log || !chart.data.values.some(curve => curve.some(value => value !== null && value < low));
    }"""
    said = []
    for index in range(page.locator("[data-chart]").count()):
        for _ in range(2):
            note = page.locator(f"[data-chart='{index}'] .plot + .note")
            assert note.is_hidden() == page.evaluate(shows_all, index)
            said += [note.inner_text()] if note.is_visible() else []
            page.locator(f"[data-chart='{index}'] [data-do='log']").click()
    assert said
    assert all(text.startswith("Values below ") for text in said)


def test_dragging_zooms_all_charts_and_a_double_click_shows_all(visit, report: Path) -> None:
    page = visit(report)
    over = page.locator("[data-chart='0'] .u-over")
    over.scroll_into_view_if_needed()
    box = over.bounding_box()
    whole = span(page)
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 60, steps=4)
    page.mouse.up()
    assert span(page) == pytest.approx((0.25 * END, 0.5 * END), abs=0.01 * END)
    assert span(page, 3) == span(page)
    page.mouse.dblclick(box["x"] + 50, box["y"] + 50)
    assert span(page) == span(page, 2) == whole == (0, END)


def test_the_keyboard_zooms_and_the_point_that_is_read_stays_in_sight(visit, report: Path) -> None:
    page = visit(report)
    page.locator("[data-chart='0'] .plot").focus()
    page.keyboard.press("+")
    page.keyboard.press("+")
    low, high = span(page)
    assert high - low == pytest.approx(END / 4)
    assert span(page, 1) == (low, high)
    page.keyboard.press("End")
    low, high = span(page)
    assert (low, high) == pytest.approx((0.75 * END, END))
    page.keyboard.press("0")
    assert span(page) == (0, END)
    page.locator("[data-chart='2'] [data-do='in']").click()
    page.locator("#all").click()
    assert span(page) == (0, END)


def test_every_chart_can_be_reached_with_the_tab_key_and_shows_it(visit, report: Path) -> None:
    page = visit(report)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    seen = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        chart = page.evaluate(
            "document.activeElement.closest('.plot') && document.activeElement.parentElement.dataset.chart"
        )
        if chart is not None:
            seen.add(chart)
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert len(seen) == page.locator("[data-chart]").count()


def test_without_scripts_the_tables_say_it_all(visit, report: Path) -> None:
    page = visit(report, java_script_enabled=False)
    assert page.locator(".buttons").first.is_hidden()
    assert page.locator("noscript").count() == 1
    assert page.locator("[data-chart='0'] table").count() == 1


def test_the_print_has_everything_but_what_only_a_screen_can_do(visit, report: Path) -> None:
    page = visit(report)
    page.emulate_media(media="print")
    assert page.locator("#tools").is_hidden()
    assert page.locator("#figures img").first.is_visible()
    assert page.locator("#expectations table").is_visible()


def test_equations_are_drawn_as_mathematics(visit, report: Path) -> None:
    page = visit(report)
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    over, under = page.evaluate(
        "[...document.querySelector('.term mfrac').children].map((part) => part.getBoundingClientRect().top)"
    )
    assert under > over + 5
