"""`run`: simulates scenarios, and writes each to an output directory if one is given."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..experiments import run as experiment
from ..experiments.nca import nca_names
from ..experiments.run import RunResult
from ..experiments.scenario import Scenario, chosen_arms
from ..experiments.solving import Certify
from ..files.results.folder import SUMMARY, check_folder, free_folder, new_folder
from ..files.results.run_folder import (
    MODEL_FILE,
    NCA_FILE,
    SCENARIO_FILE,
    resolved,
    run_id,
    summary,
    table_name,
    write_rows,
    write_table,
)
from ..runtime.progress import Progress
from ..views.text import run_tables
from ..views.text.answers import spoken_answer
from ..views.text.commands.run import run_text
from ..views.text.data import data_sentence
from ..views.text.tables import Table
from .request import (
    FigureOptions,
    OnNote,
    ScenarioRequest,
    check_names_differ,
    ignore_note,
    read_with_notes,
    say_engine,
)

Draw = Callable[[RunResult, Path, str], object]  # (result, folder, id of the run) -> figures in the folder


@dataclass(frozen=True)
class RunRequest:
    """A scenario to simulate.

    arms: only these; all if empty.
    certify: how the digits are checked; None: as usual.
    nca: the curves of which every dose is measured.
    out: a new output directory; nothing is written without one. new_name: where `out` exists, write to `out`-2, -3 ...
    force: replace `out` if it holds an earlier run and nothing else.
    figures: None for no figures. report: also write report.html. tables: also write the curves as CSV.
    command: the request as arguments of the command line, kept in the summary.
    """

    scenario: ScenarioRequest
    arms: tuple[str, ...] = ()
    certify: Certify | None = None
    nca: tuple[str, ...] = ()
    out: Path | None = None
    new_name: bool = False
    force: bool = False
    figures: FigureOptions | None = None
    report: bool = False
    tables: bool = True
    command: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunOutput:
    """A simulated scenario, and where it was written with which summary, if it was. nca: tables of doses, by curve."""

    result: RunResult
    folder: Path | None = None
    summary: dict[str, Any] | None = None
    nca: Mapping[str, Table] = field(default_factory=dict)

    def __str__(self) -> str:
        tables = [f"{name}, dose by dose\n{table}" for name, table in self.nca.items()]
        return "\n\n".join([run_text(self.result, self.folder), *tables])


def run(request: RunRequest, on_note: OnNote = ignore_note) -> RunOutput:
    """Simulates one scenario: see `run_each`."""
    (output,) = run_each([request], on_note)
    return output


def run_each(requests: Sequence[RunRequest], on_note: OnNote) -> Iterator[RunOutput]:
    """Simulates and writes scenarios one after the other, and yields each as it is done.

    All requests are checked before the first is simulated. After an interruption from the keyboard the arms that
    were finished are written, without figures and report, and `result.interrupted` is true; nothing more is
    simulated. Raises KeyboardInterrupt where no arm was finished or the writing was interrupted: then nothing of this
    scenario is kept. Raises `InputError` and `OutputError`.
    """
    scenarios = [_checked(request, on_note) for request in requests]
    check_names_differ([each for each, request in zip(scenarios, requests, strict=True) if not request.new_name])
    say_engine(on_note)
    for request, scenario in zip(requests, scenarios, strict=True):
        output = _run(request, scenario)
        yield output
        if output.result.interrupted:
            return


def _checked(request: RunRequest, on_note: OnNote) -> Scenario:
    scenario = read_with_notes(request.scenario, on_note)
    nca_names(scenario.model, request.nca, chosen_arms(scenario, request.arms or None))
    if request.out is not None:
        check_folder(free_folder(request.out) if request.new_name else request.out, request.force)
    return scenario


def _run(request: RunRequest, scenario: Scenario) -> RunOutput:
    count = len(set(request.arms) or scenario.arms)
    with Progress("arms simulated", count) as progress:
        on_progress = partial(progress.within, of=count)
        result = experiment.run(scenario, request.certify, request.arms or None, on_progress)
    names = nca_names(scenario.model, request.nca, chosen_arms(scenario, request.arms or None))
    nca = {name: run_tables.nca(result, name) for name in names}
    if request.out is None:
        return RunOutput(result, nca=nca)
    folder = free_folder(request.out) if request.new_name else request.out
    all_of_it = not result.interrupted  # figures and a report take longer than whoever pressed Ctrl-C will wait
    draw = request.figures.draw if request.figures is not None and all_of_it else None
    report = request.report and all_of_it
    written = write(result, folder, request.command, request.force, draw, report, request.tables, nca)
    return RunOutput(result, folder, written, nca)


def write(
    result: RunResult,
    folder: Path,
    command: Sequence[str],
    force: bool = False,
    draw: Draw | None = None,
    report: bool = False,
    tables: bool = True,
    nca: Mapping[str, Table] = MappingProxyType({}),
) -> dict[str, Any]:
    """Writes a run into a new `folder` and returns its summary.

    draw: adds the figures; without it there are none. report: also as one page, with the figures if there are any.
    tables: the curves as CSV. nca: by name of a curve, the table of its doses, also as CSV.
    Raises `OutputError` if the folder exists or cannot be written; nothing of it is left.
    """
    with new_folder(folder, force) as tmp_path:
        texts = resolved(result.scenario)
        (tmp_path / SCENARIO_FILE).write_text(texts[0], encoding="utf-8")
        (tmp_path / MODEL_FILE).write_text(texts[1], encoding="utf-8")
        for arm in result.arms.values() if tables else ():
            write_table(tmp_path / table_name(arm.arm.name), result.scenario, arm.trajectory)
        found = summary(result, command, run_id(texts))
        for stored, spoken in zip(found["answer"], spoken_answer(result), strict=True):
            stored["text"] = spoken.text
        for table, data in zip(found["data"], result.data, strict=True):
            table["sentence"] = data_sentence(result.scenario, data)
        if nca:
            found["nca"] = {name: list(table) for name, table in nca.items()}
            write_rows(tmp_path / NCA_FILE, [row for table in nca.values() for row in table])
        if draw is not None:
            draw(result, tmp_path, found["run"])
        if report:
            from ..views.report.run_page import write_report  # here, since it brings a templating library

            write_report(result, found, texts[0], tmp_path, figures=draw is not None)
        text = json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False)
        (tmp_path / SUMMARY).write_text(text + "\n", encoding="utf-8")
    return found
