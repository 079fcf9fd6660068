"""The bundled lessons, played through in a real browser: predictions first, then curves, verdicts and free play."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from immunesim.files.toml.catalogue import builtin_lessons
from immunesim.tasks.lesson import LessonRequest, lesson

QUICK = "memory"


@pytest.fixture(scope="session")
def page_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The page of a bundled lesson by its name; its answers for the teacher are beside it."""
    folder = tmp_path_factory.mktemp("lessons")

    @cache
    def made(name: str) -> Path:
        page = folder / f"{name}.html"
        teacher = folder / f"{name}.paper.html"
        assert lesson(LessonRequest(name, page, None, teacher)).faults == ()
        return page

    return made


def draw(page: Any) -> None:
    """Draws a hill with the mouse, from left to right."""
    area = page.locator(".sketch").bounding_box()
    page.mouse.move(area["x"] + 0.15 * area["width"], area["y"] + 0.8 * area["height"])
    page.mouse.down()
    for share, level in ((0.3, 0.7), (0.75, 0.2), (0.85, 0.6), (0.97, 0.75)):
        page.mouse.move(area["x"] + share * area["width"], area["y"] + level * area["height"], steps=5)
    page.mouse.up()


def answer(page: Any, choice: str) -> str:
    """Answers the question of the step that is shown, if it asks one; returns the verdict."""
    if page.locator("#choices button").count():
        assert page.locator(".sketch").count() == 0  # nothing is shown before the prediction
        assert page.locator("#next").is_disabled()
        right = page.evaluate("JSON.parse(document.getElementById('data').textContent).steps.map(s => s.choices)")
        number = int(page.locator("#title").inner_text().split(".")[0]) - 1
        wanted = next(i for i, each in enumerate(right[number]) if each["right"] is (choice == "right"))
        page.locator("#choices button").nth(wanted).click()
        return str(page.locator("#verdict").inner_text())
    if page.locator("#drawing").is_visible():
        assert page.locator(".sketch .line").count() == 0
        assert page.locator("#show").is_disabled()
        draw(page)
        page.locator("#show").click()
        assert page.locator(".sketch .gap").count() == 1
        return str(page.locator("#verdict").inner_text())
    return ""


@pytest.mark.parametrize("name", builtin_lessons())
def test_a_lesson_is_played_through(visit, page_of: Callable[[str], Path], name: str) -> None:
    page = visit(page_of(name))
    steps = page.locator("#track li").count()
    verdicts = []
    sliders = page.evaluate("JSON.parse(document.getElementById('data').textContent).steps.map(s => s.sliders)")
    computed = page.evaluate("JSON.parse(document.getElementById('data').textContent).steps.map(s => s.computed)")
    for number in range(steps):
        assert page.locator("#title").inner_text().startswith(f"{number + 1}. ")
        said = answer(page, "right" if number % 2 else "wrong")
        verdicts += [said] if said else []
        assert page.locator(".sketch .line, .bars td").count() >= 1
        if said:
            assert page.locator("#why p").inner_text()
        assert page.locator("#try").is_visible() is bool(sliders[number])
        assert page.locator("#computed").is_visible() is bool(computed[number])
        page.locator("#next").click()
    assert any(each.startswith("✗") for each in verdicts)
    paper = page_of(name).with_name(f"{name}.paper.html").read_text(encoding="utf-8")
    assert paper.count('<li class="hit">') == paper.count('<ul class="boxes">') > 0
    for word in ("Usual wrong predictions", "Afterwards students can", "from minute"):
        assert word in paper
    assert any(each.startswith("✓") or "you drew" in each for each in verdicts)
    with_sliders(page, "#open", "#frame iframe")
    page.locator("#again").click()
    assert page.locator("#title").inner_text().startswith(f"{steps}. ")
    assert page.locator(".sketch .line, .bars td").count() >= 1  # what was answered stays answered


def test_a_step_shows_its_own_sliders_and_free_play_all(visit, page_of: Callable[[str], Path]) -> None:
    page = visit(page_of(QUICK))
    forth(page, "#try")
    few = with_sliders(page, "#open-few", "#few iframe")
    paths = few.locator(".slider").evaluate_all("rows => rows.map(row => row.dataset.path)")
    assert paths == ["T_frequency", "dose.second.at"]
    assert not few.locator("#more").is_visible()
    while page.locator("#step").is_visible():
        answer(page, "right")
        page.locator("#next").click()
    every = with_sliders(page, "#open", "#frame iframe")
    assert every.locator(".slider").count() > len(paths)
    assert every.locator("#more").is_visible()


def test_a_drawing_can_be_typed(visit, page_of: Callable[[str], Path]) -> None:
    page = visit(page_of(QUICK))
    while not page.locator("#drawing").is_visible():
        answer(page, "right")
        page.locator("#next").focus()
        page.keyboard.press("Enter")
    page.locator("#typed summary").focus()
    page.keyboard.press("Enter")
    for number, value in ((0, "0"), (6, "0"), (7, "30"), (9, "1")):
        page.locator("#values input").nth(number).fill(value)
    page.locator("#show").focus()
    page.keyboard.press("Enter")
    assert "The time of the peak: you drew 202\N{NO-BREAK SPACE}d" in page.locator("#verdict").inner_text()


@pytest.mark.parametrize("width", [1400, 400])
@pytest.mark.parametrize("paper", [False, True])
@pytest.mark.parametrize("name", [QUICK, "fever"])
def test_an_accessibility_checker_finds_nothing(
    visit, page_of: Callable[[str], Path], width: int, paper: bool, name: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = visit(page_of(name).with_name(f"{name}.paper.html") if paper else page_of(name), width)
    for _ in range(1 if paper else 3):
        found = Axe().run(page)
        assert [(each["id"], [n["target"] for n in each["nodes"]][:3]) for each in found.response["violations"]] == []
        assert page.evaluate("document.documentElement.scrollWidth") == width
        if not paper:
            answer(page, "right")
            page.locator("#next").click()


def with_sliders(page, button: str, frame: str):
    """The page with sliders that a button opens in a frame."""
    page.locator(button).click()
    found = page.frame_locator(frame)
    found.locator("input[type=range]").first.wait_for()
    return found


def forth(page: Any, shown: str) -> None:
    """Answers and turns until something is visible."""
    while not page.locator(shown).is_visible():
        answer(page, "right")
        if not page.locator(shown).is_visible():
            page.locator("#next").click()


@pytest.mark.parametrize("width", [1400, 400])
def test_after_an_answer_question_and_verdict_are_in_view(visit, page_of: Callable[[str], Path], width: int) -> None:
    page = visit(page_of(QUICK), width, reduced_motion="reduce")
    forth(page, "#choices button >> nth=0")
    answer(page, "wrong")
    for part in ("#asks", "#verdict", ".sketch >> nth=0"):
        found = page.locator(part).bounding_box()
        assert found["y"] >= 0
        assert part == ".sketch >> nth=0" or found["y"] + found["height"] <= 900
    assert page.evaluate("document.activeElement.id") == "verdict"


def test_a_reload_keeps_what_was_answered_and_starting_again_forgets_it(visit, page_of: Callable[[str], Path]) -> None:
    page = visit(page_of(QUICK))
    forth(page, "#drawing")
    answer(page, "right")
    title, verdict = page.locator("#title").inner_text(), page.locator("#verdict").inner_text()
    page.reload()
    assert page.locator("#title").inner_text() == title
    assert page.locator("#verdict").inner_text() == verdict
    assert page.locator(".sketch .gap").count() == 1
    while page.locator("#step").is_visible():
        answer(page, "right")
        page.locator("#next").click()
    page.locator("#restart").click()
    assert page.locator("#title").inner_text().startswith("1. ")
    page.reload()
    forth(page, "#choices button >> nth=0")
    assert page.locator("#next").is_disabled()


def test_what_cannot_be_pressed_yet_looks_so(visit, page_of: Callable[[str], Path]) -> None:
    page = visit(page_of(QUICK))
    forth(page, "#drawing")
    assert page.locator("#counts").inner_text() == "What counts: the time of the peak."
    color = "element => getComputedStyle(element).color"
    assert page.locator("#next").evaluate(color) != page.locator("#back").evaluate(color)
    assert page.locator("#show").evaluate(color) != page.locator("#back").evaluate(color)


def test_a_step_opens_its_own_curves_and_arms_alone(visit, page_of: Callable[[str], Path]) -> None:
    page = visit(page_of("fever"))
    forth(page, "#try")
    few = with_sliders(page, "#open-few", "#few iframe")
    assert few.locator(".chart:visible h2").all_inner_texts() == ["body temperature [°C]"]
    assert few.locator("#arms input:checked").count() == 1  # the others hold the answers of later steps
    assert not few.locator("#arms label").nth(3).is_visible()
    assert not few.locator("#link, #judged, #verdicts").locator("visible=true").count()
    while page.locator("#step").is_visible():
        answer(page, "right")
        page.locator("#next").click()
    every = with_sliders(page, "#open", "#frame iframe")
    assert every.locator(".chart:visible").count() > 3
    assert every.locator(".chart h2").first.inner_text().startswith("TNF")  # what the lesson shows comes first
