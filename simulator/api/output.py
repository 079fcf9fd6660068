"""`explore`, `export`, `gallery`, `lesson`, `replay` and `slides` from Python: what is written, or run again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..experiments.scenario import MAIN, Scenario
from ..runtime.errors import called_from
from ..tasks import explore as explore_task
from ..tasks import export as export_task
from ..tasks import gallery as gallery_task
from ..tasks import lesson as lesson_task
from ..tasks import replay as replay_task
from ..tasks import slides as slides_task
from .changes import (
    Settings,
    a_path,
    certify_way,
    files,
    flat,
    folder_or_none,
    scenario_request,
    several,
    warn,
    warn_of,
)


def explore(
    scenario: str | Path | Scenario,
    out: str | Path,
    *,
    sliders: str | Sequence[str] = (),
    force: bool = False,
    set: Settings = None,
    knockout: str | Sequence[str] = (),
    block: Mapping[str, str | float] | str | Sequence[str] = (),
    add: str | Sequence[str] = (),
) -> explore_task.Explorer:
    """Writes a page that simulates a scenario by itself while its sliders are moved: one file, which opens from disk.

    Args:
        scenario, set, knockout, block, add: as in `run`.
        out: the page to write.
        sliders: those that are shown first: parameters, "initial.pathogen", "dose.push.amount"; by default eight are
            found. Any other is found by search in the page.
        force: replace the file if it exists.

    Raises:
        InputError: with everything that is wrong with the scenario or what is asked of it; a scenario with rules,
            inputs or doses in a steady state has no such page.
        OutputError: if the file exists or cannot be written.
    """
    with called_from("explore()"):
        asked = scenario_request(scenario, set, knockout, block, add)
        return explore_task.explore(
            explore_task.ExploreRequest(asked, a_path("out", out), several("sliders", sliders), force), warn
        )


def export(
    scenario: str | Path | Scenario,
    to: str = "sbml",
    *,
    arm: str = MAIN,
    out: str | Path | None = None,
    force: bool = False,
    set: Settings = None,
    knockout: str | Sequence[str] = (),
    block: Mapping[str, str | float] | str | Sequence[str] = (),
    add: str | Sequence[str] = (),
) -> export_task.Exported:
    """Writes an arm of a scenario for other simulators.

    Args:
        scenario, set, knockout, block, add: as in `run`.
        to: the format; "sbml" is Level 3 Version 2, with units, sources, and doses as events.
        arm: which arm.
        out: the file to write, by default SCENARIO.xml or .csv in the working directory.
        force: replace the file if it exists.

    Raises:
        InputError: with everything that is wrong with the scenario or what is asked of it.
        OutputError: if the file exists or cannot be written.
        ModuleNotFoundError: if the package for the format (python-libsbml) is not installed.
    """
    with called_from("export()"):
        asked = scenario_request(scenario, set, knockout, block, add)
        return export_task.export(export_task.ExportRequest(asked, to, arm, folder_or_none("out", out), force))


def gallery(
    out: str | Path,
    *scenarios: str | Path | Sequence[str | Path],
    tables: bool = False,
    force: bool = False,
    certify: bool | str | None = None,
) -> gallery_task.Gallery:
    """Simulates scenarios, by default all bundled ones, and writes each with its report and a page that shows them all.

    Args:
        out: a new output directory.
        scenarios: files or names; a list stands for its items.
        tables: also write the curves as CSV, some hundred MB for all bundled scenarios.
        force: replace the directory if it holds a gallery and nothing else.
        certify: as in `run`; a warning tells of scenarios with arms of fewer than three digits.

    Raises:
        InputError: if a scenario is not there; one that is wrong stays in the gallery, with the reason.
        OutputError: if the directory exists or cannot be written.
    """
    with called_from("gallery()"):
        folder, way = a_path("out", out), certify_way(certify)
        found = gallery_task.gallery(gallery_task.GalleryRequest(folder, files(scenarios), tables, force, way), warn)
        warn_of(found.unreliable)
        return found


def lesson(
    lesson: str | Path,
    out: str | Path | None = None,
    *,
    handout: str | Path | None = None,
    teacher: str | Path | None = None,
    force: bool = False,
) -> lesson_task.LessonMade:
    """Simulates a lesson and writes its page, which asks for a prediction before it shows the curve.

    Args:
        lesson: a file, or the name of a bundled lesson.
        out: the page to write.
        handout: a page to print; teacher: the same with the answers, behind a note of one page.
        force: replace these files if they exist.

    The result says in `faults` what the simulation contradicts. Raises `InputError` with everything that is wrong with
    the lesson, and `OutputError`.
    """
    with called_from("lesson()"):
        page, paper = folder_or_none("out", out), folder_or_none("handout", handout)
        answers = folder_or_none("teacher", teacher)
        return lesson_task.lesson(lesson_task.LessonRequest(lesson, page, paper, answers, force), warn)


def replay(folder: str | Path, *, certify: bool | str | None = None) -> replay_task.Replayed:
    """Simulates the run in an output directory again, and says whether its numbers match.

    The result is true if they do. certify: as in `run`; a warning tells of arms with fewer than three digits. Raises
    `InputError`.
    """
    with called_from("replay()"):
        request = replay_task.ReplayRequest(a_path("folder", folder), certify_way(certify))
        found = replay_task.replay(request, warn)
        warn_of(found.unreliable)
        return found


def slides(
    out: str | Path,
    *scenarios: str | Path | Scenario | Sequence[str | Path | Scenario],
    arms: str | Sequence[str] = (),
    force: bool = False,
    certify: bool | str | None = None,
) -> slides_task.Deck:
    """Simulates scenarios and writes one deck: of each a page with question and answer, each curve on a page of 16:9 in
    large type with its sources at the foot, and the sources in full.

    Args:
        out: the file, which ends in .pdf or .pptx (python-pptx; its words can be edited).
        scenarios: one or several: files, names, or scenarios that were read; a list stands for its items.
        arms: only these of each.
        force: replace the file if it exists.
        certify: as in `run`; a warning tells of arms of fewer than three digits.

    Raises:
        InputError: with everything that is wrong with the scenarios or what is asked of them.
        OutputError: if the file exists or cannot be written.
        ModuleNotFoundError: if python-pptx is needed and not installed.
    """
    with called_from("slides()"):
        requests = tuple(scenario_request(each) for each in flat(scenarios))
        path, way = a_path("out", out), certify_way(certify)
        found = slides_task.slides(slides_task.SlidesRequest(requests, path, several("arms", arms), force, way), warn)
        warn_of(list(found.unreliable))
        return found
