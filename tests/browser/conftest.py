"""A real browser: Chromium, headless and without a network."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
SWITCHES = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


QUICK = (  # the other pages take half a minute: they are slow
    "test_the_page_computes_what_the_engine_in_python_computes[core_cures]",
    "test_the_keyboard_alone_moves_a_slider_and_goes_back",
    "test_a_lesson_is_played_through[memory]",
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith("tests/browser/") and item.name not in QUICK:
            item.add_marker(pytest.mark.slow)


def no_browser(reason: str) -> None:
    """Skips, but on a machine that is there to test everything."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if program is None:
        no_browser(f"no browser is installed; looked for {', '.join(NAMES)}")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=SWITCHES)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Any]]:
    """``visit(path, width)``: the page, which may neither complain nor ask for anything outside its folder."""
    opened, complaints = [], []

    def open_page(path: Any, width: int = 1400, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, offline=True, **options)
        page = context.new_page()
        opened.append(context)
        home = path.parent.as_uri()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request", lambda r: None if r.url.startswith((home, "data:", "blob:")) else complaints.append(r.url[:200])
        )
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in opened:
        context.close()
    assert complaints == []
