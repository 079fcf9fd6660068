"""What the requests of several tasks share: a scenario with changes in all of its arms, and options of figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..experiments.scenario import Scenario
from ..files.toml.catalogue import builtin_scenarios
from ..files.toml.interventions import Interventions
from ..files.toml.overrides import SweepOptions
from ..files.toml.scenario_file import changed_scenario, find_scenario, read_scenario
from ..model.instants import converted
from ..model.units import UnitError, quantity
from ..runtime.errors import InputError, request_fault
from ..runtime.names import nearest
from ..views.text.engine import engine_notes
from ..views.text.notes import notes

if TYPE_CHECKING:
    from ..experiments.run import RunResult
    from ..views.figures.style import Medium

FORMATS = ("svg", "png", "pdf")

OnNote = Callable[[str], object]  # is called with each remark on a scenario that is valid, before it is simulated


def ignore_note(note: str) -> None:
    """The default `OnNote`: says nothing."""


def each_once(settings: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Values by name. Raises `InputError` for a name that stands twice, of which one would have no effect."""
    found: dict[str, str] = {}
    for name, value in settings:
        if name in found:
            raise InputError([request_fault(f"{name} is set twice; leave one out", f"--set {name}={value}")])
        found[name] = value
    return found


@dataclass(frozen=True)
class ScenarioRequest:
    """A scenario, and changes that hold in all of its arms.

    scenario: the path of a file, the name of a bundled scenario, or a Scenario that has been read.
    set: values with their units by name, ``{"body_weight": "90 kg", "dose.push.amount": "3 nmol"}``.
    knockout: what the body cannot make, ``("IL4",)``.
    block: what is blocked, and the share of it, ``(("IL1", "90%"),)``.
    add: doses, ``("IL-2 18 MIU at 3 d",)``.
    """

    scenario: str | Path | Scenario
    set: Mapping[str, str] = field(default_factory=dict)
    knockout: tuple[str, ...] = ()
    block: tuple[tuple[str, str], ...] = ()
    add: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The name of the scenario: that of its file without the ending."""
        return self.scenario.id if isinstance(self.scenario, Scenario) else Path(self.scenario).stem

    @property
    def interventions(self) -> Interventions:
        """Knockouts, blocks and added doses."""
        return Interventions(self.knockout, self.block, self.add)

    @property
    def changed(self) -> bool:
        """Whether anything is changed."""
        return bool(self.set) or any(self.interventions)

    def read(self, sweep: SweepOptions | None = None) -> Scenario:
        """The scenario with its changes, and with a sweep if one is asked for.

        Raises `InputError` with everything that is wrong with the file, its model and the changes.
        """
        if isinstance(self.scenario, Scenario):
            if self.changed or sweep is not None:
                return changed_scenario(self.scenario, self.set, sweep, self.interventions)
            return self.scenario
        return read_scenario(find_scenario(str(self.scenario)), self.set, sweep, self.interventions)

    def notes(self, scenario: Scenario) -> list[str]:
        """Remarks on `scenario`, which was read from this request: see `views.text.notes`."""
        return notes(scenario, self.interventions)

    def in_words(self, scenario: Scenario) -> str:
        """What is changed, for titles and tables: "without interleukin 4, interleukin 1 blocked by 90 %" or nothing."""
        settings = [f"{name} = {value}" for name, value in self.set.items()]
        return ", ".join([*self.interventions.describe(scenario.model), *settings])

    def command(self) -> tuple[str, ...]:
        """The same request as arguments of the command line; none if the scenario has been read already."""
        if isinstance(self.scenario, Scenario):
            return ()
        return (
            str(self.scenario),
            *(f"--set={name}={value}" for name, value in self.set.items()),
            *(f"--knockout={name}" for name in self.knockout),
            *(word for name, share in self.block for word in ("--block", name, share)),
            *(f"--add={dose}" for dose in self.add),
        )


def read_with_notes(request: ScenarioRequest, on_note: OnNote) -> Scenario:
    """The scenario that is asked for; its notes go to `on_note`. Raises `InputError`."""
    scenario = request.read()
    for note in request.notes(scenario):
        on_note(note)
    return scenario


def check_names_differ(scenarios: Sequence[Scenario]) -> None:
    """Raises `InputError` if two scenarios are called alike, whose results could not be told apart."""
    names = [scenario.id for scenario in scenarios]
    for name in sorted({each for each in names if names.count(each) > 1}):
        message = f"two scenarios are called '{name}', as their results would be: give one of the files another name"
        raise InputError([request_fault(message, name)])


def say_engine(on_note: OnNote) -> None:
    """Says once that SciPy computes everything, where that is not what was asked for."""
    for note in engine_notes():
        on_note(note)


def time_of_run(scenario: Scenario, asked: str | float) -> float:
    """A time in the model's unit. Raises `UnitError` if it is none, or lies outside the run."""
    model, time = scenario.model, asked if isinstance(asked, str) else float(asked)
    if isinstance(time, str):
        number, given, _ = quantity(time)
        if not given.same_dimension(model.time_unit):
            raise UnitError(f"expected a time such as '3 {model.time_unit_text}', found '{time}'")
        time = converted(number, given, model.time_unit)
    if not 0 <= time <= scenario.end:
        raise UnitError(f"expected a time from 0 to {scenario.document['time']['end']}, found '{asked}'")
    return time


def scenario_paths(words: Sequence[str | Path]) -> list[Path]:
    """The files that `words`, paths or names of bundled scenarios, stand for; all bundled scenarios if there are none.

    Raises `InputError` for what is neither.
    """
    return [find_scenario(str(word)) for word in words] or list(builtin_scenarios().values())


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
