"""`gallery`: many scenarios, each a directory with its report, and a page that shows them all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..experiments.expectations import asked
from ..experiments.run import RunResult, run
from ..experiments.solving import Certify
from ..files.results.folder import SUMMARY, check_folder, new_folder
from ..files.results.manifest import write_manifest
from ..files.toml.catalogue import builtin_scenarios, topics
from ..files.toml.scenario_file import read_scenario
from ..runtime.errors import InputError
from ..runtime.interrupt import Stop
from ..runtime.processes import OnProgress, results_as_completed
from ..runtime.progress import Progress
from ..runtime.versions import versions
from ..views.figures.run import draw, pictures, save
from ..views.figures.style import FIRST
from ..views.report.html import render
from ..views.text.answers import SpokenSentence, spoken_answer
from ..views.text.commands.gallery import gallery_text
from ..views.text.reliability import WARNING, first
from ..views.text.tables import Table
from .answer import Answer
from .explore import page_of, why_no_page
from .gallery_lessons import LESSONS, LessonCard, gallery_lessons
from .gallery_sweep import SWEEPS, SweepCard, gallery_sweep
from .help import handbook_site
from .request import OnNote, ignore_note, say_engine, scenario_paths
from .run import write

if TYPE_CHECKING:
    from pandas import DataFrame

INDEX, EXPLORER, HANDBOOK = "index.html", "explorer.html", "handbook"
DONE, FAILED, UNREADABLE, SKIPPED = "done", "failed", "cannot be read", "not simulated"


class Card(NamedTuple):
    """A scenario in the gallery.

    status: how it ended, and reason: what went wrong. met of expected expectations are met, `known` of the others
    announced as missed; holds: all is as the scenario says. unreliable: the arms whose digits are too few. picture: a
    file next to the folder `name`, with `text` for those who cannot see it. answer: to its question. explorer: whether
    the folder has a page with sliders; `no_explorer` says why not. sweep: its sweep, if it has one.
    """

    name: str
    title: str
    question: str = ""
    model: str = ""
    status: str = DONE
    reason: str = ""
    arms: int = 0
    met: int = 0
    expected: int = 0
    known: int = 0
    holds: bool = True
    unreliable: tuple[str, ...] = ()
    picture: str = ""
    text: str = ""
    answer: tuple[SpokenSentence, ...] = ()
    explorer: bool = False
    no_explorer: str = ""
    sweep: SweepCard | None = None

    def document(self) -> dict[str, Any]:
        """The same, ready for JSON."""
        sweep = self.sweep._asdict() if self.sweep else None
        return self._asdict() | {"answer": [each._asdict() for each in self.answer], "sweep": sweep}


@dataclass(frozen=True)
class GalleryRequest:
    """out: a new output directory; force: replace it if it holds a gallery and nothing else.

    scenarios: files or names; all bundled scenarios if there are none.
    tables: also write the curves as CSV, some hundred MB for all bundled scenarios.
    certify: how the digits are checked; None: as usual.
    """

    out: Path
    scenarios: tuple[str | Path, ...] = ()
    tables: bool = False
    force: bool = False
    certify: Certify | None = None


@dataclass(frozen=True, repr=False)
class Gallery(Answer):
    """The directory of a gallery, and a card for each scenario in the order of the request."""

    folder: Path
    cards: list[Card]

    @property
    def page(self) -> Path:
        """The page that shows them all."""
        return self.folder / INDEX

    @property
    def interrupted(self) -> bool:
        """Whether scenarios were left out because the gallery was stopped."""
        return any(card.status == SKIPPED for card in self.cards)

    @property
    def unreliable(self) -> list[str]:
        """A line for each scenario with arms whose digits are too few to be relied on."""
        cards = [card for card in self.cards if card.unreliable]
        return [f"{WARNING}: {card.name}: arm {', '.join(card.unreliable)}; see its report" for card in cards]

    @property
    def holds(self) -> bool:
        """Whether every scenario was simulated, and all is as it says."""
        return all(card.status == DONE and card.holds for card in self.cards)

    @property
    def document(self) -> dict[str, Any]:
        """The same, ready for JSON."""
        return {"folder": str(self.folder), "gallery": [card.document() for card in self.cards]}

    def to_pandas(self) -> DataFrame:
        """A row for each card."""
        return Table(self.document["gallery"], {}).to_pandas()

    def __str__(self) -> str:
        return first(self.unreliable, gallery_text(self.document["gallery"], DONE, SKIPPED, self.page))


def gallery(request: GalleryRequest, on_note: OnNote = ignore_note) -> Gallery:
    """Simulates the scenarios in parallel and writes each with its report, and a page that shows them all.

    After Ctrl-C or SIGTERM the gallery is written with the scenarios that are done; after a second one nothing is.
    Raises `InputError` for a scenario that is not there and `OutputError`, both before anything is simulated.
    """
    paths = scenario_paths(request.scenarios)
    check_folder(request.out, request.force)
    say_engine(on_note)
    with Stop("stopping: the gallery is written with the scenarios that are done") as stop:
        cards = write_gallery(paths, request.out, request.tables, request.force, stop, request.certify)
    return Gallery(request.out, cards)


def write_gallery(
    paths: Sequence[Path],
    folder: Path,
    tables: bool = False,
    force: bool = False,
    stop: Callable[[], bool] = lambda: False,
    certify: Certify | None = None,
) -> list[Card]:
    """Simulates scenario files in parallel into a new `folder`; returns their cards in the order of `paths`.

    One that cannot be read or simulated is listed with the reason. After `stop()` those under way are given
    up, and the gallery is written with those that are done. tables: the curves as CSV too, some hundred MB for all
    bundled scenarios.
    """
    names = _names(paths)
    with new_folder(folder, force) as tmp_path:
        jobs = [Job(path, tmp_path / name, tables, certify) for path, name in zip(paths, names, strict=True)]
        made: dict[int, Card] = {}
        with Progress("scenarios", len(paths)) as progress:
            for number, found in results_as_completed(make, jobs, progress, stop):
                name = names[number]
                made[number] = found if isinstance(found, Card) else Card(name, name, status=FAILED, reason=str(found))
                progress.add(failed=int(made[number].status != DONE))
        for unfinished in tmp_path.glob(".*"):  # the folder of a scenario whose process was ended
            shutil.rmtree(unfinished, ignore_errors=True)
        skipped = "the gallery was stopped before it"
        cards = [made.get(i) or Card(name, name, status=SKIPPED, reason=skipped) for i, name in enumerate(names)]
        cards = [_with_sweep(card, path, tmp_path, stop) for card, path in zip(cards, paths, strict=True)]
        bundled = builtin_scenarios()
        shown = [card.name for card, path in zip(cards, paths, strict=True) if path == bundled.get(path.stem)]
        taught = gallery_lessons(shown, tmp_path, stop)
        (tmp_path / INDEX).write_text(_page(cards, taught), encoding="utf-8")
        (tmp_path / HANDBOOK).mkdir()
        for name, text in handbook_site(f"../{INDEX}").items():
            (tmp_path / HANDBOOK / name).write_text(text, encoding="utf-8")
        document: dict[str, Any] = {"gallery": [card.document() for card in cards], "versions": versions()}
        text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
        (tmp_path / SUMMARY).write_text(text + "\n", encoding="utf-8")
    return cards


def _with_sweep(card: Card, path: Path, folder: Path, stop: Callable[[], bool]) -> Card:
    done = card.status == DONE and not stop()
    return card._replace(sweep=gallery_sweep(path, card.name, folder, stop)) if done else card


def _names(paths: Sequence[Path]) -> list[str]:
    """A folder name for each: two files of one name in different folders are told apart by a number."""
    names: list[str] = []
    for path in paths:
        name, number = path.stem, 1
        while name in (*names, HANDBOOK, LESSONS, SWEEPS):
            number += 1
            name = f"{path.stem}-{number}"
        names.append(name)
    return names


class Job(NamedTuple):
    """A scenario file, the folder for its results, whether curves are kept as CSV too, and how digits are checked."""

    path: Path
    folder: Path
    tables: bool
    certify: Certify | None = None


def make(job: Job, on_progress: OnProgress) -> Card:
    """Simulates one scenario file into its folder; the card says how that ended."""
    path, folder, tables, certify = job
    name = folder.name
    try:
        scenario = read_scenario(path)
    except InputError as error:
        return Card(
            name,
            name,
            status=UNREADABLE,
            reason="; ".join(f"line {fault.line}: {fault.message}" for fault in error.faults),
        )
    card = Card(name, scenario.title, scenario.question, scenario.model.title, arms=len(scenario.arms))
    try:
        result = run(scenario, certify, on_progress=on_progress)
        command = ["run", str(path), "--report"]
        written = write(result, folder, command, draw=draw, report=True, tables=tables)
        reason = why_no_page(scenario)
        if not reason:
            page = page_of(scenario, ["run", name]).text
            (folder / EXPLORER).write_text(page, encoding="utf-8")
            write_manifest(folder)  # so that `--force` knows the page as ours
    except Exception as error:  # whatever it is, the other scenarios go on
        return card._replace(status=FAILED, reason=f"{type(error).__name__}: {error}", holds=False)
    picture, described = _card_picture(result, folder, written["run"])
    verdicts = asked(result.verdicts)
    failed = [arm for arm in result.arms.values() if not arm.trajectory.outcome.ok]
    return card._replace(
        status=FAILED if failed else DONE,
        reason="; ".join(f"{arm.arm.title}: {arm.trajectory.outcome.message}" for arm in failed),
        met=sum(verdict.met for verdict in verdicts),
        expected=len(verdicts),
        known=sum(verdict.known_miss for verdict in verdicts),
        holds=result.ok and all(verdict.holds for verdict in verdicts),
        answer=tuple(spoken_answer(result)),
        unreliable=tuple(result.unreliable),
        picture=picture,
        text=described,
        explorer=not reason,
        no_explorer=reason,
    )


def _card_picture(result: RunResult, folder: Path, run: str) -> tuple[str, str]:
    """The first curve that the run shows, small, next to its folder, and what it shows in words."""
    names = result.scenario.drawn[:1]  # more panels would be too small to read
    first = next(pictures(replace(result, scenario=replace(result.scenario, plots=(names,))), FIRST), None)
    if first is None:
        return "", ""
    (path,) = save(first.figure, folder, result.scenario.title, first.text, run, ("png",))
    return path.name, first.text


def _page(cards: Sequence[Card], taught: Sequence[LessonCard]) -> str:
    return render(
        "gallery.html.jinja",
        lessons=taught,
        groups=_by_topic(cards),
        cards=cards,
        handbook=f"{HANDBOOK}/{INDEX}",
        versions=versions(),
        skipped=SKIPPED,
        done=DONE,
    )


def _by_topic(cards: Sequence[Card]) -> list[tuple[str, str, list[Card]]]:
    """Title and words of each topic with its cards, in teaching order; what belongs to none comes last."""
    left = {card.name: card for card in cards}
    found = []
    for topic in topics():
        of_it = [left.pop(name) for name in topic.scenarios if name in left]
        found += [(topic.title, topic.says, of_it)] if of_it else []
    return [*found, ("More scenarios" if found else "Scenarios", "", list(left.values()))] if left else found
