"""The handbook in a real browser: at both widths, found accessible, and every chapter one click away."""

from __future__ import annotations

from pathlib import Path

import pytest
from immunesim.tasks.help import HelpRequest, help


@pytest.fixture(scope="session")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    page = help(HelpRequest(out=tmp_path_factory.mktemp("handbook") / "book")).page
    assert page is not None
    return page


@pytest.mark.parametrize("width", [1400, 400])
@pytest.mark.parametrize("name", ["index", "scenario-language", "for-pharmacometricians", "reference"])
def test_an_accessibility_checker_finds_nothing_and_nothing_scrolls_sideways(
    visit, book: Path, name: str, width: int
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = visit(book.with_name(f"{name}.html"), width)
    found = Axe().run(page)
    assert [(each["id"], [n["target"] for n in each["nodes"]][:3]) for each in found.response["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_a_chapter_is_one_click_from_another(visit, book: Path) -> None:
    page = visit(book)
    page.locator("text=Rules").first.click()
    assert page.locator("h1").inner_text() == "Rules"
    page.locator(".turn .next").click()
    assert page.locator("h1").inner_text() == "Explain"
    page.locator("nav >> text=Reference").click()
    assert page.locator("h1").inner_text() == "Reference"
