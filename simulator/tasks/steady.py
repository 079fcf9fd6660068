"""`steady`: where an arm of a scenario can rest, and which of these states are stable."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..experiments.scenario import MAIN, Arm, Scenario, chosen_arms
from ..experiments.steady_states import SteadyStates, steady_states
from ..files.results.folder import check_folder, new_folder
from ..model.expression import TIME, names
from ..model.model import Model
from ..numerics.steady_equations import TimeNamedError
from ..runtime.errors import InputError, InputFault, request_fault
from ..runtime.progress import Progress
from ..runtime.text import listed
from ..views.text.commands.steady import states_table, steady_document, steady_text
from ..views.text.tables import Table
from .answer import Answer
from .request import OnNote, ScenarioRequest, ignore_note, read_with_notes, say_engine

if TYPE_CHECKING:
    from pandas import DataFrame

STARTS = 24  # random states from which steady states are looked for
MOST_STARTS = 10_000
MOST_CURVES = 5  # of the scenario's figures, that are shown


@dataclass(frozen=True)
class SteadyRequest:
    """What is asked.

    arm: None: the main arm, or the first one where there is none.
    curves: species and observables that are shown; those of the scenario's figures if there are none.
    starts: random states from which states are looked for, beside the ends of all arms.
    out: a new output directory; nothing is written without one. force: replace it.
    """

    scenario: ScenarioRequest
    arm: str | None = None
    curves: tuple[str, ...] = ()
    starts: int = STARTS
    out: Path | None = None
    force: bool = False


@dataclass(frozen=True, repr=False)
class SteadyOutput(Answer):
    """What was found. curves: those that are shown. changed: the changes that were asked for, in words."""

    found: SteadyStates
    curves: tuple[str, ...]
    changed: str = ""

    def __str__(self) -> str:
        changed = f"\nChanged in all arms: {self.changed}." if self.changed else ""
        return steady_text(self.found, self.curves) + changed

    @property
    def document(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return steady_document(self.found)

    @property
    def table(self) -> Table:
        """A row for each steady state."""
        return states_table(self.found, self.curves)

    def to_pandas(self) -> DataFrame:
        """The same as a data frame."""
        return self.table.to_pandas()

    def _repr_html_(self) -> str:
        return self.table._repr_html_()


def steady(request: SteadyRequest, on_note: OnNote = ignore_note) -> SteadyOutput:
    """Finds the steady states, and writes them if that is asked for.

    Raises:
        InputError: with everything that is wrong with the scenario or what is asked of it; formulas name time.
        OutputError: The output directory exists already, or cannot be written.
        KeyboardInterrupt: after an interruption from the keyboard; nothing is written then.
    """
    scenario = read_with_notes(request.scenario, on_note)
    say_engine(on_note)
    arm, curves = _checked(request, scenario)
    if request.out is not None:
        check_folder(request.out, request.force)
    with Progress("searches", 1) as progress:
        try:
            found = steady_states(scenario, arm, request.starts, on_progress=progress.within)
        except TimeNamedError as error:
            raise InputError([request_fault(_time_words(scenario.model, error), "")]) from None
    output = SteadyOutput(found, curves, request.scenario.in_words(scenario))
    if request.out is not None:
        write(output, request.out, request.force)
    return output


def _checked(request: SteadyRequest, scenario: Scenario) -> tuple[Arm, tuple[str, ...]]:
    """The arm and the curves. Raises `InputError` with all faults of the request."""
    faults: list[InputFault] = []
    known = [each.name for each in scenario.arms]
    name = request.arm or (MAIN if MAIN in known else known[0])
    arm = scenario.arms[0]
    try:
        arm = chosen_arms(scenario, [name])[0]
    except InputError as error:
        faults += error.faults
    curves: list[str] = []
    for word in request.curves:
        found = scenario.model.find(word, "species", "observables")
        if found is None:
            message = f"{scenario.id}: {scenario.model.unknown(word, 'species', 'observables')}"
            faults.append(request_fault(message, f"--of {word}"))
        else:
            curves.append(found)
    if not 0 <= request.starts <= MOST_STARTS:
        message = f"expected 0 to {MOST_STARTS:,} random starts, found {request.starts}"
        faults.append(request_fault(message, f"--starts {request.starts}"))
    if faults:
        raise InputError(faults)
    return arm, tuple(dict.fromkeys(curves)) or scenario.shown[:MOST_CURVES]


def _time_words(model: Model, error: TimeNamedError) -> str:
    """Why there is no steady state where formulas name time."""
    named = [name for name, each in model.observables.items() if TIME in names(each.value)]
    named += [name for name, each in model.reactions.items() if TIME in names(each.rate)]
    return (
        f"nothing rests while formulas change with time: time stands in {listed(named, 5)}, which changes "
        f"{listed(error.names, 5)}; set to zero what makes them matter"
    )


def write(output: SteadyOutput, folder: Path, force: bool = False) -> None:
    """Writes document and table into a new `folder`. Raises `OutputError`; nothing of it is left then."""
    with new_folder(folder, force) as tmp_path:
        text = json.dumps(output.document, indent=1, ensure_ascii=False, allow_nan=False)
        (tmp_path / "steady.json").write_text(text + "\n", encoding="utf-8")
        write_rows(tmp_path / "states.csv", *_state_rows(output.found))


def _state_rows(found: SteadyStates) -> tuple[list[str], list[list[object]]]:
    """A row for each species and observable, with a column for each state."""
    model = found.scenario.model
    values = [found.values(each.states, each.parameter) for each in found.found]
    header = ["name", "unit", *(f"state {index}" for index in range(1, len(values) + 1))]
    every = (*model.species, *model.observables)
    return header, [[name, model.unit_text(name), *(each[name] for each in values)] for name in every]


def write_rows(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table as CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([repr(cell) if isinstance(cell, float) else cell for cell in row] for row in rows)
