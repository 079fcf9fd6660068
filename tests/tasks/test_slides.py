"""`slides`: one deck, as PDF and as PowerPoint's."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import immunesim as sim
import pytest
from immunesim.cli.program import main
from immunesim.experiments.run import run
from immunesim.files.toml.scenario_file import read_scenario
from immunesim.views.figures.deck import Words, deck, picture_of
from immunesim.views.figures.page import Picture
from immunesim.views.figures.run import MOST_ARMS, pictures
from immunesim.views.figures.style import SLIDES

from tests.boxes import covered
from tests.toys import SCENARIO

ANSWER = """
[[answer]]
says = "It rises to {max(drug)}."
if = "max(drug) > '0 pM'"
[sources]
Smith1999 = { citation = "Smith J 1999, J Toys 1:1" }
"""


@pytest.fixture
def toy(folder: Path) -> Path:
    path = folder / "toy.toml"
    path.write_text(
        SCENARIO.replace('source = "Toy2020, p. 1"', 'source = "Smith1999, table 1"') + ANSWER, encoding="utf-8"
    )
    return path


def test_a_deck_leads_with_question_and_answer_and_ends_with_its_sources(toy: Path) -> None:
    slides = list(deck(run(read_scenario(toy)), "0123456789ab"))
    first, *figures, last = slides
    assert isinstance(first, Words)
    assert first.lead == "How much of the drug is left?"
    assert re.search(r"It rises to [\d,.]+\spM\.", first.paragraphs[0])
    assert "expectation" in first.paragraphs[-1]
    assert "not medical advice" in first.foot
    assert all(isinstance(each, Picture) and each.title for each in figures)
    assert isinstance(last, Words)
    assert (last.title, last.paragraphs) == ("Sources", ("Smith J 1999, J Toys 1:1",))
    assert "Sources: Smith J 1999, J Toys 1:1." in {text.get_text() for text in figures[0].figure.texts}
    for each in slides:
        picture = picture_of(each) if isinstance(each, Words) else each
        wide, high = picture.figure.get_size_inches()
        assert wide / high == pytest.approx(16 / 9)
        assert covered(picture.figure, over_curves=True) == []


def test_many_arms_are_on_several_slides_each_with_the_first(toy: Path) -> None:
    more = "".join(f"[arms.more{i}]\nparameters.k_clear = '{i} 1/h'\n" for i in range(1, MOST_ARMS + 1))
    toy.write_text(SCENARIO.replace("[show]", more + "[show]"), encoding="utf-8")
    drawn = [picture for picture in pictures(run(read_scenario(toy)), SLIDES) if "drug" in picture.stem]
    shown = [{text.get_text() for axis in picture.figure.axes for text in axis.texts} for picture in drawn]
    assert [picture.stem for picture in drawn] == ["01_drug_1", "01_drug_2"]
    assert all("as described" in each for each in shown)
    assert all(any(f"more{i}" in each for each in shown) for i in range(1, MOST_ARMS + 1))


def test_a_page_of_many_words_is_set_smaller() -> None:
    few, many = (Words("T", "why", ("word " * 60,) * count, "foot", 20.0) for count in (1, 7))
    sizes = [picture_of(each).figure.texts[-1].get_fontsize() for each in (few, many)]
    assert sizes[0] == 20.0 > sizes[1]
    assert covered(picture_of(many).figure) == []


def test_the_pdf_has_a_page_for_each(toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = toy.with_name("deck.pdf")
    assert main(["slides", str(toy), str(toy), "--out", str(out)]) == 0
    pages = len(re.findall(rb"/Type /Page\b", out.read_bytes()))
    assert f"{pages} pages in {out}" in capsys.readouterr().out
    assert main(["slides", str(toy), "--out", str(out)]) == 3
    assert "--force" in capsys.readouterr().err


def test_words_of_a_powerpoint_can_be_edited_and_figures_are_described(toy: Path) -> None:
    pptx = pytest.importorskip("pptx")
    found = sim.slides(toy.with_name("deck.pptx"), toy)
    shown = pptx.Presentation(str(found.path)).slides
    assert len(shown) == found.pages
    assert all(each.shapes.title.text for each in shown)
    assert "It rises to" in " ".join(shape.text_frame.text for shape in shown[0].shapes if shape.has_text_frame)
    assert "Time course of" in shown[1].notes_slide.notes_text_frame.text
    (picture,) = [shape for shape in shown[1].shapes if shape.shape_type == 13]
    assert "Time course of" in picture._element.nvPicPr.cNvPr.get("descr")


def test_what_is_missing_is_named(
    toy: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["slides", str(toy), "--out", "deck.odp"]) == 2
    assert "a deck ends in .pdf or .pptx, found 'deck.odp'" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "pptx", None)
    assert main(["slides", str(toy), "--out", str(toy.with_name("deck.pptx"))]) == 5
    assert "pip install python-pptx" in capsys.readouterr().err


def test_a_deck_says_which_arms_failed_and_why(failing: Path, toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = toy.with_name("deck.pdf")
    assert main(["slides", str(failing), str(toy), "--out", str(out)]) == 4
    said = capsys.readouterr().out
    assert "arm half of failing: FAILED, the derivative of y is not finite at 5" in said
    assert "arm start of failing: FAILED, the derivative of y is not finite at 0 d, in reaction fill (0/0)" in said
