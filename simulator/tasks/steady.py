"""`steady`: where an arm of a scenario can rest, and which of these states are stable."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..experiments.branches import Branches, NoEffectError, branches
from ..experiments.scenario import MAIN, Arm, Scenario, chosen_arms, switches_of
from ..experiments.steady_states import SteadyStates, steady_states
from ..files.results.folder import check_folder, new_folder
from ..files.toml.axes import NotVariableError, find_variable, impossible, read_numbers
from ..files.toml.layers import KeyPath, OptionSource
from ..files.toml.scenario_file import context_of
from ..model.expression import TIME, names
from ..model.model import Model
from ..numerics.steady_equations import SumChangesError, TimeNamedError
from ..runtime.errors import InputError, InputFault, request_fault
from ..runtime.progress import Progress
from ..runtime.text import listed
from ..views.text.branches import NO_BRANCH, branches_document, branches_text, special_table
from ..views.text.commands.steady import states_table, steady_document, steady_text
from ..views.text.tables import Table
from .answer import Answer
from .request import FIGURES, FigureOptions, OnNote, ScenarioRequest, ignore_note, read_with_notes, say_engine

if TYPE_CHECKING:
    from pandas import DataFrame

    from ..views.figures.page import NotebookFigure

STARTS = 24  # random states from which steady states are looked for
MOST_STARTS = 10_000
FEWER = 8  # times as many random starts at the arm's own parameters as at each of a few others
STATES_SHARE = 0.6  # of the progress: the states, before branches are followed
MOST_CURVES = 5  # of the scenario's figures, that are shown


@dataclass(frozen=True)
class SteadyRequest:
    """What is asked.

    arm: None: the main arm, or the first one where there is none.
    curves: species and observables that are shown; those of the scenario's figures if there are none.
    starts: random states from which states are looked for, beside the ends of all arms.
    follow: a parameter along which the states are followed, ``NAME=FROM:TO``, or NAME for its published range.
    out: a new output directory; nothing is written without one. force: replace it.
    """

    scenario: ScenarioRequest
    arm: str | None = None
    curves: tuple[str, ...] = ()
    starts: int = STARTS
    follow: str | None = None
    out: Path | None = None
    force: bool = False
    figures: FigureOptions = FIGURES


@dataclass(frozen=True, repr=False)
class SteadyOutput(Answer):
    """What was found. curves: those that are shown. changed: the changes that were asked for, in words.
    branches: along the parameter that was followed, if one was."""

    found: SteadyStates
    curves: tuple[str, ...]
    changed: str = ""
    branches: Branches | None = None

    def __str__(self) -> str:
        changed = f"\nChanged in all arms: {self.changed}." if self.changed else ""
        followed = "" if self.branches is None else f"\n\n{branches_text(self.branches, self.curves)}"
        return steady_text(self.found, self.curves) + changed + followed

    @property
    def document(self) -> dict[str, Any]:
        """Everything but the curves of branches, ready for JSON."""
        found = steady_document(self.found)
        return found if self.branches is None else {**found, "follow": branches_document(self.branches, self.curves)}

    @property
    def table(self) -> Table:
        """A row for each steady state."""
        return states_table(self.found, self.curves)

    def to_pandas(self) -> DataFrame:
        """The same as a data frame."""
        return self.table.to_pandas()

    @property
    def special(self) -> Table:
        """A row for each fold, Hopf point and branch point; none where nothing was followed."""
        return Table([], {}) if self.branches is None else special_table(self.branches, self.curves)

    def figure(self) -> NotebookFigure:
        """The branches: a matplotlib figure, which a notebook shows. ValueError where there are none."""
        from ..views.figures.branches import picture  # matplotlib, which the states do without

        if self.branches is None:
            raise ValueError("no parameter was followed; steady(..., follow='NAME=FROM:TO') does it")
        if not self.branches.branches:
            raise ValueError(NO_BRANCH)
        return picture(self.branches, self.curves).figure

    def _repr_html_(self) -> str:
        return self.table._repr_html_() + (self.special._repr_html_() if self.branches is not None else "")


def steady(request: SteadyRequest, on_note: OnNote = ignore_note) -> SteadyOutput:
    """Finds the steady states, and writes them if that is asked for.

    Raises:
        InputError: with everything that is wrong with the scenario or what is asked of it; formulas name time.
        OutputError: The output directory exists already, or cannot be written.
        KeyboardInterrupt: after an interruption from the keyboard; nothing is written then.
    """
    scenario = read_with_notes(request.scenario, on_note)
    say_engine(on_note)
    arm, curves, followed = _checked(request, scenario)
    if request.out is not None:
        check_folder(request.out, request.force)
    parameter, *span = followed or (None,)
    along = None
    with Progress("searches", 1) as progress:
        share = 1.0 if parameter is None else STATES_SHARE
        try:
            found = steady_states(scenario, arm, request.starts, parameter, lambda done: progress.within(share * done))
            if span:
                more = max(1, request.starts // FEWER) if request.starts else 0
                along = branches(
                    found, (span[0], span[1]), more, lambda done: progress.within(share + (1 - share) * done)
                )
        except TimeNamedError as error:
            raise InputError([request_fault(_time_words(scenario.model, error), "")]) from None
        except SumChangesError as error:
            message = f"the sum of {listed(error.names)} stays, but what it is made of depends on {parameter}"
            raise InputError([request_fault(message, f"--follow {request.follow}")]) from None
        except NoEffectError:
            message = f"nothing that is there without doses in arm {arm.name} of {scenario.id} depends on {parameter}"
            raise InputError([request_fault(message, f"--follow {request.follow}")]) from None
    output = SteadyOutput(found, curves, request.scenario.in_words(scenario), along)
    if request.out is not None:
        write(output, request.out, request.force, request.figures)
    return output


def _checked(
    request: SteadyRequest, scenario: Scenario
) -> tuple[Arm, tuple[str, ...], tuple[str, float, float] | None]:
    """The arm, the curves, and what is followed. Raises `InputError` with all faults of the request."""
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
    if switches := switches_of(arm):
        message = f"{scenario.id}: {switches[0].name} jumps, and steady states are those of smooth rates"
        faults.append(request_fault(message, ""))
    followed = None
    if request.follow is not None:
        followed = _followed(request.follow, scenario, arm, faults)
    if faults:
        raise InputError(faults)
    return arm, tuple(dict.fromkeys(curves)) or scenario.shown[:MOST_CURVES], followed


def _followed(text: str, scenario: Scenario, arm: Arm, faults: list[InputFault]) -> tuple[str, float, float] | None:
    """The parameter and its range, in its unit; None, with faults, where that cannot be."""
    word, _, values = text.partition("=")
    context = context_of(scenario)
    path: KeyPath = ("follow",)
    context.layers.set_origin(path, OptionSource(f"--follow {text}"))
    known = len(context.faults)

    def wrong(message: str) -> None:
        faults.append(request_fault(message, f"--follow {text}"))

    try:
        variable = find_variable(context, arm, word.strip())
    except NotVariableError as error:
        said, _, other = str(error).partition("; what can")
        listing = "; 'describe' lists the parameters of a model" if other and "; did you mean" not in said else ""
        wrong(said + listing)
        return None
    if variable.kind != "parameter":
        wrong(f"states are followed along a parameter, and '{word}' is none")
        return None
    if not values.strip():
        if variable.own is None:
            wrong(f"{variable.path} has no published range; give one, {variable.path}=FROM:TO")
            return None
        return variable.path, *variable.own
    ends = values.split(":")
    if len(ends) != 2:
        wrong(f"expected {variable.path}=FROM:TO, found '{text}'")
        return None
    read = read_numbers(context, variable, [(path, end.strip()) for end in ends])
    problems = (
        [] if read is None else [impossible(context, variable, *each) for each in zip(read[1], ends, strict=True)]
    )
    faults += context.faults[known:]
    for problem in filter(None, problems):
        wrong(problem)
    if read is None or any(problems):
        return None
    low, high = read[1]
    if not low < high:
        wrong(f"expected a range that rises, found {values}")
        return None
    return variable.path, low, high


def _time_words(model: Model, error: TimeNamedError) -> str:
    """Why there is no steady state where formulas name time."""
    named = [name for name, each in model.observables.items() if TIME in names(each.value)]
    named += [name for name, each in model.reactions.items() if TIME in names(each.rate)]
    return (
        f"nothing rests while formulas change with time: time stands in {listed(named, 5)}, which changes "
        f"{listed(error.names, 5)}; set to zero what makes them matter"
    )


def write(output: SteadyOutput, folder: Path, force: bool = False, figures: FigureOptions = FIGURES) -> None:
    """Writes document, tables and figure into a new `folder`. Raises `OutputError`; nothing of it is left then."""
    with new_folder(folder, force) as tmp_path:
        text = json.dumps(output.document, indent=1, ensure_ascii=False, allow_nan=False)
        (tmp_path / "steady.json").write_text(text + "\n", encoding="utf-8")
        _write_rows(tmp_path / "states.csv", *_state_rows(output.found))
        if output.branches is not None:
            from ..views.figures.branches import draw  # matplotlib

            _write_rows(tmp_path / "branches.csv", *_branch_rows(output.branches, output.curves))
            if output.branches.branches:
                draw(output.branches, output.curves, tmp_path / "branches", figures.formats)


def _branch_rows(found: Branches, curves: Sequence[str]) -> tuple[list[str], list[list[object]]]:
    """A row for each point of each branch: the parameter, its stability, what it is, and every species and curve."""
    model, parameter = found.states.scenario.model, found.parameter
    names_ = list(dict.fromkeys([*curves, *found.states.equations.species]))
    header = ["branch", "point", f"{parameter} [{model.unit_text(parameter)}]", "unstable directions", "kind"]
    header += [f"{name} [{model.unit_text(name)}]" for name in names_]
    rows: list[list[object]] = []
    for number, branch in enumerate(found.branches, 1):
        values = found.states.values_along(branch.states, branch.q)
        for place, point in enumerate(branch.points):
            start = [number, place + 1, float(point.q), point.unstable, str(point.kind or "")]
            rows.append([*start, *(float(values[name][place]) for name in names_)])
    return header, rows


def _state_rows(found: SteadyStates) -> tuple[list[str], list[list[object]]]:
    """A row for each species and observable, with a column for each state."""
    model = found.scenario.model
    values = [found.values(each.states, each.parameter) for each in found.found]
    header = ["name", "unit", *(f"state {index}" for index in range(1, len(values) + 1))]
    every = (*model.species, *model.observables)
    return header, [[name, model.unit_text(name), *(each[name] for each in values)] for name in every]


def _write_rows(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table as CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([repr(cell) if isinstance(cell, float) else cell for cell in row] for row in rows)
