"""The gallery in a real browser: found by words, at both widths, from the disk alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from immunesim.tasks.gallery import write_gallery

from tests.toys import SCENARIO, TOY_MODEL


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A toy that is met, one that is missed, and one that cannot be read."""
    home = tmp_path_factory.mktemp("gallery")
    shutil.copy(TOY_MODEL, home / "toy_model.toml")
    texts = {
        "toy": SCENARIO,
        "IL-2_trial": SCENARIO.replace("A toy question", "An IL-2 trial").replace("between = [50, 500]", "above = 900"),
        "broken": SCENARIO.replace("k_clear =", "k_cler ="),
    }
    for name, text in texts.items():
        (home / f"{name}.toml").write_text(text)
    write_gallery([home / f"{name}.toml" for name in texts], home / "out")
    return home / "out" / "index.html"


@pytest.mark.parametrize("width", [1400, 400])
def test_an_accessibility_checker_finds_nothing_and_nothing_scrolls_sideways(visit, index: Path, width: int) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = visit(index, width)
    found = Axe().run(page)
    assert [(each["id"], [n["target"] for n in each["nodes"]][:3]) for each in found.response["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate("[...document.images].every((image) => image.naturalWidth > 100)")


def test_scenarios_are_found_by_words_and_by_verdict(visit, index: Path) -> None:
    page = visit(index)
    shown = page.locator(".card:visible")
    assert shown.count() == 3
    page.locator("#words").fill("il2 trial")
    assert shown.count() == 1
    assert page.locator("#count").inner_text() == "1 of 3 shown"
    page.locator("#words").fill("")
    for verdict, title in (("met", "A toy question"), ("missed", "An IL-2 trial"), ("failed", "broken")):
        page.locator("#which").select_option(verdict)
        assert [each.inner_text().replace("\N{WORD JOINER}", "") for each in shown.locator("h3").all()] == [title]
    page.locator("#which").select_option("all")
    page.locator("h3 a", has_text="trial").click()
    assert page.title() == "An IL-2 trial"


def test_each_scenario_has_a_page_with_sliders_from_the_index(visit, index: Path) -> None:
    page = visit(index)
    links = page.get_by_role("link", name="move sliders: ")
    assert links.count() == 2  # the broken one has none
    links.first.click()
    page.locator("#fixed").wait_for(state="hidden", timeout=60_000)
    assert page.title() == "A toy question: explorer"
    assert page.locator("input[type=range]").count() > 2
