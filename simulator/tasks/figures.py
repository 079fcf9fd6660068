"""What figures are drawn for, paper or slides, and their file formats: an option of several tasks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..runtime.errors import InputError, request_fault
from ..runtime.names import nearest

if TYPE_CHECKING:
    from ..experiments.run import RunResult
    from ..views.figures.style import Medium

FORMATS = ("svg", "png", "pdf")


@dataclass(frozen=True)
class FigureOptions:
    """slides: for a lecture, 16:9 with large type and a slide for each panel. formats: of `FORMATS`, each once.

    Raises `InputError` for an unknown format, or for none.
    """

    slides: bool = False
    formats: tuple[str, ...] = ("svg", "png")

    def __post_init__(self) -> None:
        known = f"formats are {', '.join(FORMATS)}"
        faults = [
            request_fault(f"no format '{word}'{nearest(word, list(FORMATS))}; {known}", f"--format {word}")
            for word in self.formats
            if word not in FORMATS
        ]
        if not self.formats:
            faults = [request_fault(f"expected a format; {known}", "--format ''")]
        if faults:
            raise InputError(faults)

    def draw(self, result: RunResult, folder: Path, run_id: str) -> None:
        """Draws a run into `folder`."""
        from ..views.figures.run import draw  # matplotlib too

        draw(result, folder, run_id, self.medium, self.formats)

    @property
    def medium(self) -> Medium:
        """Sizes and fonts of the figures."""
        from ..views.figures.style import PAPER, SLIDES  # matplotlib, which a task without figures need not load

        return SLIDES if self.slides else PAPER


FIGURES = FigureOptions()  # the usual ones
