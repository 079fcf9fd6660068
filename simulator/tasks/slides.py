"""`slides`: scenarios as one deck for a lecture, PDF or PowerPoint's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..experiments.run import RunResult, run
from ..experiments.scenario import chosen_arms
from ..experiments.solving import Certify
from ..files.results.folder import atomic_write, check_file
from ..files.results.run_folder import resolved, run_id
from ..runtime.errors import InputError, request_fault
from ..runtime.progress import Progress
from ..views.text.english import counted
from ..views.text.reliability import failed_lines, first, unreliable_lines
from .answer import Answer
from .request import OnNote, ScenarioRequest, ignore_note, read_with_notes, say_engine

if TYPE_CHECKING:
    from pandas import DataFrame

    from ..views.figures.deck import Slide

KINDS = (".pdf", ".pptx")


@dataclass(frozen=True)
class SlidesRequest:
    """Scenarios, and the file of their deck, which ends in .pdf or .pptx.

    arms: only these of each; all if empty. force: replace the file if it exists. certify: how the digits are checked;
    None: as usual.
    """

    scenarios: tuple[ScenarioRequest, ...]
    out: Path
    arms: tuple[str, ...] = ()
    force: bool = False
    certify: Certify | None = None

    def __post_init__(self) -> None:
        if self.out.suffix.lower() not in KINDS:
            message = f"a deck ends in {' or '.join(KINDS)}, found '{self.out.name}'"
            raise InputError([request_fault(message, f"--out {self.out}")])


@dataclass(frozen=True, repr=False)
class Deck(Answer):
    """A deck that was written. titles: of its scenarios. unreliable: a line for each arm of too few digits.
    failed: a line for each arm that did not reach its end."""

    path: Path
    pages: int
    titles: tuple[str, ...]
    unreliable: tuple[str, ...]
    failed: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether every arm was simulated to its end."""
        return not self.failed

    @property
    def document(self) -> dict[str, Any]:
        """The same, ready for JSON."""
        return {"deck": str(self.path), "pages": self.pages, "titles": list(self.titles),
                "unreliable": list(self.unreliable), "failed": list(self.failed)}  # fmt: skip

    def to_pandas(self) -> DataFrame:
        """A row for each scenario."""
        from ..views.text.tables import Table

        return Table([{"title": title} for title in self.titles], {}).to_pandas()

    def __str__(self) -> str:
        return first(
            self.unreliable,
            "\n".join([*self.titles, *self.failed, "", f"{counted(self.pages, 'page')} in {self.path}"]),
        )


def slides(request: SlidesRequest, on_note: OnNote = ignore_note) -> Deck:
    """Simulates the scenarios one after the other, and writes one deck: of each a page with question and answer, its
    figures, one a page with their sources at the foot, and the sources in full.

    Raises `InputError` with everything that is wrong with the scenarios, and `OutputError` and ModuleNotFoundError
    (python-pptx), before anything is simulated; KeyboardInterrupt after an interruption, when nothing is kept.
    """
    from ..views.figures.deck import deck  # matplotlib
    from ..views.figures.deck_files import needed, write_deck

    kind = request.out.suffix.lower()
    needed(kind)
    check_file(request.out, request.force)
    scenarios = [read_with_notes(each, on_note) for each in request.scenarios]
    for scenario in scenarios:
        chosen_arms(scenario, request.arms or None)
    say_engine(on_note)
    results: list[tuple[str, list[str], list[str]]] = []

    def simulated() -> Iterator[Slide]:
        with Progress("scenarios", len(scenarios)) as progress:
            for scenario in scenarios:
                result = run(scenario, request.certify, request.arms or None, progress.within)
                if result.interrupted:
                    raise KeyboardInterrupt
                results.append(_told(result, named=len(scenarios) > 1))
                yield from deck(result, run_id(resolved(scenario)))
                progress.add()

    with atomic_write(request.out) as path:
        title = " / ".join(scenario.title for scenario in scenarios)
        pages = write_deck(simulated(), path, kind, title)
    lines = tuple(line for _, unreliable, _ in results for line in unreliable)
    failed = tuple(line for _, _, some in results for line in some)
    return Deck(request.out, pages, tuple(title for title, _, _ in results), lines, failed)


def _told(result: RunResult, named: bool) -> tuple[str, list[str], list[str]]:
    """What is said of a run when its pages are done: it need not be kept."""
    return result.scenario.title, unreliable_lines([result]), failed_lines(result, named)
