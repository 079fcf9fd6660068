"""A deck as one file: PDF by matplotlib, or PowerPoint's by python-pptx, which is optional."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.backends.backend_pdf import PdfPages

from ...runtime.packages import missing_package
from .deck import ANSWER, Slide, Words, picture_of
from .page import Picture
from .run import DPI
from .style import SLIDES

ONLY_TITLE = 5  # of the layouts of python-pptx's own template
SIDE, TOP = 0.7, 0.6  # inches free around the text of a slide of words
TITLE, LEAD = "000000", "0072B2"
TEXT, QUIET = "333333", "666666"


def needed(kind: str) -> None:
    """Raises ModuleNotFoundError where the package for files of this ending is not installed."""
    if kind == ".pptx":
        _pptx()


def write_deck(slides: Iterable[Slide], path: Path, kind: str, title: str) -> int:
    """Writes the slides to `path` as a file of this kind; returns how many there are.

    Raises ModuleNotFoundError if python-pptx is needed and missing, and OSError.
    """
    return (_powerpoint if kind == ".pptx" else _pdf)(slides, path, title)


def _pdf(slides: Iterable[Slide], path: Path, title: str) -> int:
    inside = {"Title": title, "Creator": "immunesim", "CreationDate": None}
    with matplotlib.rc_context({"pdf.fonttype": 42}), PdfPages(path, metadata=inside) as pages:
        for slide in slides:
            picture = picture_of(slide) if isinstance(slide, Words) else slide
            picture.figure.savefig(pages, format="pdf")
        return int(pages.get_pagecount())


def _pptx() -> Any:
    try:
        import pptx
        import pptx.dml.color
        import pptx.enum.text
        import pptx.util
    except ModuleNotFoundError as error:
        if error.name != "pptx":
            raise
        raise missing_package("python-pptx") from None
    return pptx


def _powerpoint(slides: Iterable[Slide], path: Path, title: str) -> int:
    pptx = _pptx()
    show = pptx.Presentation()
    show.slide_width, show.slide_height = (pptx.util.Inches(each) for each in (SLIDES.width, SLIDES.height or 0.0))
    show.core_properties.title, show.core_properties.author = title, "immunesim"
    for slide in slides:
        made = show.slides.add_slide(show.slide_layouts[ONLY_TITLE])
        if isinstance(slide, Words):
            _words(pptx, made, slide)
        else:
            _picture(pptx, made, slide)
    show.save(path)
    return len(show.slides)


def _words(pptx: Any, made: Any, words: Words) -> None:
    """Text that can be edited: the title of the slide, and below it one box with everything else."""
    inches, points = pptx.util.Inches, pptx.util.Pt
    wide = inches(SLIDES.width - 2 * SIDE)
    size = float(picture_of(words).figure.texts[-1].get_fontsize())  # as large as fits: as in the PDF
    large = SLIDES.large * (1.2 if words.size == ANSWER else 1.0)
    head = made.shapes.title
    head.left, head.top, head.width, head.height = inches(SIDE), inches(TOP), wide, inches(0.8 if large < 30 else 1.1)
    _line(pptx, head.text_frame.paragraphs[0], words.title, large, TITLE)
    head.text_frame.word_wrap = True
    body = made.shapes.add_textbox(inches(SIDE), head.top + head.height, wide, inches(4.6)).text_frame
    body.word_wrap = True
    lines = [(words.lead, size * 1.1, LEAD), *((text, size, TEXT) for text in words.paragraphs)]
    for place, (text, points_of, color) in enumerate(line for line in lines if line[0]):
        paragraph = body.paragraphs[0] if place == 0 else body.add_paragraph()
        _line(pptx, paragraph, text, points_of, color)
        paragraph.space_after = points(0.5 * size)
    if words.foot:
        foot = made.shapes.add_textbox(
            inches(SIDE), inches((SLIDES.height or 0.0) - 0.75), wide, inches(0.6)
        ).text_frame
        foot.word_wrap = True
        _line(pptx, foot.paragraphs[0], words.foot, 11.0, QUIET)


def _line(pptx: Any, paragraph: Any, text: str, size: float, color: str) -> None:
    run = paragraph.add_run()
    run.text = text
    run.font.size, run.font.color.rgb = pptx.util.Pt(size), pptx.dml.color.RGBColor.from_string(color)
    paragraph.alignment = pptx.enum.text.PP_ALIGN.LEFT


def _picture(pptx: Any, made: Any, picture: Picture) -> None:
    """The figure over the whole slide, with its description for who cannot see it and as notes; the heading, which is
    part of the figure, is the title of the slide too, above its edge, for outlines and screen readers."""
    file = io.BytesIO()
    picture.figure.savefig(file, format="png", dpi=DPI)
    file.seek(0)
    inches = pptx.util.Inches
    head = made.shapes.title
    head.left, head.top, head.width, head.height = 0, inches(-0.8), inches(SLIDES.width), inches(0.7)
    head.text = picture.title or picture.text.split(".")[0]
    shown = made.shapes.add_picture(file, 0, 0, inches(SLIDES.width), inches(SLIDES.height or 0.0))
    shown._element.nvPicPr.cNvPr.set("descr", picture.text)
    made.notes_slide.notes_text_frame.text = picture.text
