"""`explore`: a page that simulates a scenario by itself while its sliders are moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..experiments.explorer.document import check, document, fixed_parameters, obstacles, shown_curves, with_twin
from ..experiments.explorer.sliders import Preset, Slider, presets_of, sliders_of
from ..experiments.run import run
from ..experiments.scenario import Scenario
from ..experiments.solving import Certify, system_of
from ..files.results.folder import check_file, write_text
from ..numerics.compiled.availability import why_not
from ..runtime.errors import InputError, request_fault
from ..views.text.reliability import failed_lines
from .answer import Answer
from .request import OnNote, ScenarioRequest, ignore_note, read_with_notes, say_engine

if TYPE_CHECKING:
    from pandas import DataFrame

LISTING = "; 'describe' lists the parameters of a model"


@dataclass(frozen=True)
class ExploreRequest:
    """A scenario, and the file of its page.

    sliders: the paths of those that are shown first, as for ``--set``; empty: eight are found. force: replace the file
    if it exists.
    """

    scenario: ScenarioRequest
    out: Path
    sliders: tuple[str, ...] = ()
    force: bool = False


@dataclass(frozen=True, repr=False)
class Explorer(Answer):
    """A page that was written, with its sliders and presets. left_out: plotted curves that it cannot compute.
    failed: a line for each arm whose run, with which the page opens, did not reach its end."""

    page: Path
    sliders: list[Slider]
    presets: list[Preset]
    left_out: tuple[str, ...]
    size: int
    failed: tuple[str, ...] = ()

    @property
    def document(self) -> dict[str, Any]:
        """The same, ready for JSON."""
        return {
            "page": str(self.page),
            "bytes": self.size,
            "sliders": [each._asdict() for each in self.sliders],
            "presets": [{"label": each.label, "values": dict(each.values)} for each in self.presets],
            "left_out": list(self.left_out),
            "failed": list(self.failed),
        }

    def to_pandas(self) -> DataFrame:
        """A row for each slider."""
        from ..views.text.tables import Table

        return Table(self.document["sliders"], {}).to_pandas()

    def __str__(self) -> str:
        from ..views.text.commands.explore import explore_text

        return explore_text(self.document)


def explore(request: ExploreRequest, on_note: OnNote = ignore_note) -> Explorer:
    """Simulates a scenario as it is described, and writes the page.

    Raises `InputError` for a scenario that no page can simulate, with the reason (rules, inputs, doses in a steady
    state), or where llvmlite is missing; and `OutputError`, before anything is simulated.
    """
    check_file(request.out, request.force)
    if reason := why_not():
        raise InputError([request_fault(f"a page is compiled by llvmlite, which cannot be used: {reason}")])
    scenario = read_with_notes(request.scenario, on_note)
    check(scenario, system_of(scenario.model))
    say_engine(on_note)
    command = ["run", *(request.scenario.command() or (scenario.id,))]
    page = page_of(scenario, command, request.sliders)
    write_text(request.out, page.text)
    left_out, size = shown_curves(scenario).left_out, len(page.text.encode())
    return Explorer(request.out, page.sliders, page.presets, left_out, size, page.failed)


def why_no_page(scenario: Scenario) -> str:
    """Why a scenario can have no page; empty if it can."""
    if reason := why_not():
        return reason
    return "; ".join(obstacles(scenario, system_of(scenario.model)))


class ExplorerPage(NamedTuple):
    """The page of a scenario as HTML, its sliders and presets, and a line for each arm whose first run failed."""

    text: str
    sliders: list[Slider]
    presets: list[Preset]
    failed: tuple[str, ...]


def page_of(scenario: Scenario, command: Sequence[str], chosen: Sequence[str] = ()) -> ExplorerPage:
    """The page of a scenario that can have one.

    command: the arguments that run the same scenario. chosen: as `ExploreRequest.sliders`.
    """
    from ..numerics.compiled.programs import web_program  # needs llvmlite
    from ..views.report.explorer_page import explorer_page

    system = system_of(scenario.model)
    try:
        sliders = sliders_of(scenario, fixed_parameters(system), chosen)
    except InputError as error:  # where no name is near there are too many to list
        faults = [
            each._replace(message=f"{each.message}{'' if '; ' in each.message else LISTING}") for each in error.faults
        ]
        raise InputError(faults) from None
    presets = presets_of(scenario, sliders)
    twofold = with_twin(scenario)
    result = run(twofold, Certify.OFF)
    program = web_program(system)
    data = document(twofold, system, program)
    text = explorer_page(result, data, program.module, sliders, presets, command)
    return ExplorerPage(text, sliders, presets, tuple(failed_lines(result)))
