"""Pages in Firefox: the numbers of the engine in Python, curves that follow the mouse, and nothing beyond the edge."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from immunesim.experiments.run import run
from immunesim.files.toml.scenario_file import read_scenario
from immunesim.tasks.explore import ExploreRequest, explore
from immunesim.tasks.help import handbook_site
from immunesim.tasks.lesson import LessonRequest, lesson
from immunesim.tasks.request import ScenarioRequest
from immunesim.tasks.run import write
from immunesim.views.figures import run as run_figures

from tests.browser.conftest import no_browser
from tests.browser.firefox import NAMES, Firefox, program
from tests.browser.test_explorer import RESULT, largest_difference
from tests.simulated import PATHS

EXPLORED = ("core_cures", "friberg", "il2_therapy")
READ = ("report", "lesson", "handbook")
WIDTHS = (1400, 400)
LIVE = """new Promise((done) => {
  const look = () => (document.getElementById("fixed").hidden ? done(immunesimExplorer.quiet()) : setTimeout(look, 50));
  look();
})"""
WIDER = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
TALLER = "return document.documentElement.scrollHeight"
MIDDLE = """const range = document.querySelector("#sliders input[type=range]");
range.scrollIntoView({ block: "center" });
const { left, top, width, height } = range.getBoundingClientRect();
const share = (range.value - range.min) / (range.max - range.min);
return [left + 8 + share * (width - 16), top + height / 2, left + 0.9 * width];"""

HANDLE = """const handle = [...document.querySelectorAll(".handle")].find((each) => !each.hidden);
handle.scrollIntoView({ block: "center" });
const { left, top, width, height } = handle.getBoundingClientRect();
return [left + width / 2, top + height / 2];"""
PLOT = """const plot = document.querySelector(".plot");
plot.scrollIntoView({ block: "center" });
const { left, top, width, height } = plot.getBoundingClientRect();
return [left, top, width, height];"""


@pytest.fixture(scope="session")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    path = program()
    if path is None:
        no_browser(f"no Firefox is installed; looked for {', '.join(NAMES)}")
    with Firefox(str(path), tmp_path_factory.mktemp("firefox")) as found:
        yield found


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pages of every kind."""
    folder = tmp_path_factory.mktemp("pages")
    for name in EXPLORED:
        explore(ExploreRequest(ScenarioRequest(name), folder / f"{name}.html"))
    lesson(LessonRequest("memory", folder / "lesson.html"))
    result = run(read_scenario(PATHS["canakinumab"]))
    write(result, folder / "run", ["run", "canakinumab", "--report"], draw=run_figures.draw, report=True)
    for name, text in handbook_site().items():
        (folder / name).write_text(text, encoding="utf-8")
    found = {name: folder / f"{name}.html" for name in (*EXPLORED, "lesson")}
    return found | {"report": folder / "run" / "report.html", "handbook": folder / "index.html"}


@pytest.mark.parametrize("name", EXPLORED)
def test_firefox_computes_what_the_engine_in_python_computes(firefox: Firefox, pages, name: str) -> None:
    firefox.open(pages[name], 1400)
    firefox.wait(LIVE)
    firefox.run("document.querySelectorAll('#arms input').forEach((box) => { if (!box.checked) box.click(); })")
    firefox.wait("immunesimExplorer.quiet()")
    assert largest_difference(firefox, read_scenario(PATHS[name])) < 1e-6
    assert firefox.errors() == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", EXPLORED)
def test_curves_follow_a_slider_that_is_dragged(firefox: Firefox, pages, name: str, width: int) -> None:
    firefox.open(pages[name], width)
    firefox.wait(LIVE)
    assert firefox.run(WIDER) <= 0
    before = firefox.evaluate(RESULT)
    x, y, to = firefox.run(MIDDLE)
    firefox.drag((x, y), (to, y))
    firefox.wait("immunesimExplorer.quiet()")
    assert firefox.evaluate(RESULT) != before
    assert firefox.run("return document.getElementById('status').textContent").startswith("Simulated")
    assert firefox.run("return location.hash") != ""
    assert firefox.run(WIDER) <= 0
    assert firefox.errors() == []


@pytest.mark.parametrize("width", WIDTHS)
def test_a_dose_is_dragged_and_what_is_said_there_is_shown(firefox: Firefox, pages, width: int) -> None:
    firefox.open(pages["il2_therapy"], width)
    firefox.wait(LIVE)
    x, y = firefox.run(HANDLE)
    firefox.drag((x, y), (x + 60, y))
    firefox.wait("immunesimExplorer.quiet()")
    assert ".at=" in firefox.run("return location.hash")
    assert firefox.run("return document.querySelectorAll('.slider.changed').length") == 1
    left, top, wide, high = firefox.run(PLOT)
    firefox.drag((left + wide / 2, top + high / 2), (left + wide / 2, top + high / 2), 1)  # a click
    firefox.wait("immunesimExplorer.quiet()")
    assert "(high-dose aldesleukin): " in firefox.run("return document.querySelector('.why:not([hidden])').textContent")
    assert firefox.run(WIDER) <= 0
    assert firefox.errors() == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", READ)
def test_pages_to_read_stay_within_the_window(firefox: Firefox, pages, name: str, width: int) -> None:
    firefox.open(pages[name], width)
    assert firefox.run(WIDER) <= 0
    assert firefox.run(TALLER) > 500
    assert firefox.errors() == []


def test_an_error_of_a_page_is_seen(firefox: Firefox, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<!DOCTYPE html><script>nothing.at.all();</script>", encoding="utf-8")
    firefox.open(tmp_path / "page.html", 400)
    assert "nothing is not defined" in " ".join(firefox.errors())
    firefox.forget()
    assert firefox.errors() == []
