"""`compare`: the curves of scenarios side by side, with ratios to a reference and the large differences in words."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..experiments.comparison import ComparisonRow, Reference, label
from ..experiments.comparison import table as comparison_table
from ..experiments.run import RunResult, run
from ..experiments.scenario import MAIN, Arm, Scenario, check_arms
from ..experiments.solving import Certify
from ..files.results.folder import SUMMARY, check_folder, new_folder
from ..files.toml.scenario_file import find_scenario, read_scenario
from ..runtime.errors import InputError, request_fault
from ..runtime.names import nearest
from ..runtime.progress import Progress
from ..runtime.text import csv_cell
from ..views.text.commands.comparison_table import comparison_text
from ..views.text.compare import RULE, not_compared_lines
from ..views.text.compare import sentences as sentences
from ..views.text.figure import Curve
from ..views.text.reliability import first, unreliable_lines
from ..views.text.tables import Table
from .answer import Answer, warnings_html
from .request import (
    FIGURES,
    FigureOptions,
    OnNote,
    ScenarioRequest,
    check_names_differ,
    ignore_note,
    say_engine,
)

if TYPE_CHECKING:
    from pandas import DataFrame

    from ..views.figures.page import NotebookFigure, Picture


@dataclass(frozen=True)
class CompareRequest:
    """What to compare.

    scenarios: one is compared by its arms or, if it is changed, with itself as described; several by their main arms.
    arms: these arms of each instead. of: species and observables; by default what the scenarios show.
    against: the reference: an arm of the first scenario, SCENARIO or SCENARIO/ARM; by default the first arm of all.
    out: a new output directory for table and figures; nothing is written without one. force: replace it.
    certify: how the digits are checked; None: as usual.
    """

    scenarios: tuple[ScenarioRequest, ...]
    arms: tuple[str, ...] = ()
    of: tuple[str, ...] = ()
    against: str | None = None
    out: Path | None = None
    force: bool = False
    figures: FigureOptions = FIGURES
    certify: Certify | None = None


@dataclass(frozen=True, repr=False)
class Comparison(Answer):
    """Runs side by side.

    rows: one for each curve, arm and run. names: the curves. changes: how each run was changed, '' where it was not.
    """

    rows: list[ComparisonRow]
    runs: list[RunResult]
    names: list[str]
    changes: list[str]

    @property
    def ok(self) -> bool:
        """Whether every arm was simulated to its end."""
        return all(result.ok for result in self.runs)

    @property
    def unreliable(self) -> list[str]:
        """A line for each arm whose digits are too few to be relied on."""
        return unreliable_lines(self.runs)

    @property
    def failed(self) -> list[str]:
        """A line for each arm that did not reach its end: when and why."""
        return not_compared_lines(self.rows)

    @property
    def sentences(self) -> list[str]:
        """The large differences, the largest first, of curves under their labels."""
        label = self.runs[0].scenario.label
        return sentences([row._replace(name=label(row.name)) for row in self.rows])

    @property
    def document(self) -> dict[str, Any]:
        """The comparison ready for JSON."""
        found = {"comparison": [row._asdict() for row in self.rows], "sentences": self.sentences, "large": RULE}
        return {"unreliable": self.unreliable, "failed": self.failed, **found}

    @property
    def table(self) -> Table:
        """A row for each curve, arm and run: peak, lowest, final value and area."""
        shown = {"": ("label",), "peak": ("peak", "unit"), "at": ("time_of_peak", "time_unit")}
        shown |= {"lowest": ("lowest", "unit"), "final": ("final", "unit"), "area": ("area", "area_unit")}
        return Table([row._asdict() for row in self.rows], {"name": ("name",), **shown})

    @property
    def title(self) -> str:
        """The scenarios by their names or, of a single one, its title."""
        scenarios = {result.scenario.id: result.scenario.title for result in self.runs}
        return " / ".join(scenarios) if len(scenarios) > 1 else self.runs[0].scenario.title

    def figure(self, name: str | None = None) -> NotebookFigure:
        """One curve, by default the first, of all runs and arms; a figure of matplotlib's. Raises `InputError`."""
        if name is not None and name not in self.names:
            (name,) = shared_names([result.scenario for result in self.runs], [name])
        return self.picture(name or self.names[0], FIGURES).figure

    def picture(self, name: str, figures: FigureOptions) -> Picture:
        """The figure of the curve `name` with its description."""
        from ..views.figures.run import draw_group  # matplotlib, which a table does without

        longest = max((result.scenario for result in self.runs), key=lambda scenario: scenario.end)
        titles = {
            (index, arm.arm.name): label(self.runs, self.changes, index, arm)
            for index, result in enumerate(self.runs)
            for arm in result.arms.values()
        }
        curves = [Curve(title, self.runs[index].arms[arm].trajectory, title) for (index, arm), title in titles.items()]
        data = [
            replace(each, data=each.data._replace(arm=titles[index, each.data.arm]))
            for index, result in enumerate(self.runs)
            for each in ([] if self.changes[index] else result.data)  # of a scenario as it was measured
        ]
        return draw_group(longest, [name], curves, self._given(longest, titles), self.title, figures.medium, data=data)

    def _given(self, longest: Scenario, titles: Mapping[tuple[int, str], str]) -> list[Arm]:
        """The arms of all runs under these titles, in the order of the curves, with what is given and changed while
        each runs; none where models differ, so that a dose has no meaning in both."""
        arms = []
        for (index, name), title in titles.items():
            scenario, arm = self.runs[index].scenario, self.runs[index].arms[name].arm
            if {*scenario.model.species} != {*longest.model.species}:
                return []
            arm = arm if scenario.end == longest.end else _until(arm, scenario.end)
            arms.append(arm._replace(name=title, label=title))
        return arms

    def to_pandas(self) -> DataFrame:
        """A row for each curve, arm and run, with all measures, their units and ratios."""
        return self.table.to_pandas()

    def __str__(self) -> str:
        return first(self.unreliable, comparison_text(self.rows, self.sentences))

    def _repr_html_(self) -> str:
        listed = "".join(f"<li>{escape(sentence)}</li>" for sentence in [*self.sentences, *self.failed])
        warnings = warnings_html(self.unreliable)
        return f"{warnings}<p><strong>{escape(self.title)}</strong></p><ul>{listed}</ul>{self.table._repr_html_()}"


def _until(arm: Arm, end: float) -> Arm:
    """An arm with the doses and changes that begin before `end`, at which its run is over."""
    doses = []
    for dose in arm.doses:
        count = sum(dose.time(number) < end for number in range(dose.count))
        doses.append(replace(dose, count=count, times=dose.times[:count], parts=dose.parts[:count]))
    kept = [each._replace(end=min(each.end or end, end)) for each in arm.changes if each.start < end]
    return arm._replace(doses=tuple(dose for dose in doses if dose.count), changes=tuple(kept))


def compare(request: CompareRequest, on_note: OnNote = ignore_note) -> Comparison:
    """Simulates the scenarios, and writes table and figures if a directory is given.

    Raises `InputError` and `OutputError` before anything is simulated, and KeyboardInterrupt after an interruption,
    when nothing is kept.
    """
    described = [ScenarioRequest(each.scenario).read() for each in request.scenarios]
    check_names_differ(described)
    changed = [(each.read(), each) for each in request.scenarios if each.changed]
    pairs = [(scenario, each.in_words(scenario)) for scenario, each in changed]
    chosen, against = sides(described, pairs, request.arms, request.against)
    names = shared_names([side.scenario for side in chosen], request.of)
    for scenario, each in changed:
        for note in each.notes(scenario):
            on_note(note)
    if request.out is not None:
        check_folder(request.out, request.force)
    say_engine(on_note)
    runs = []
    with Progress("scenarios", len(chosen)) as progress:
        for side in chosen:
            runs.append(run(side.scenario, request.certify, side.arms, progress.within, curves=names))
            if runs[-1].interrupted:
                raise KeyboardInterrupt
            progress.add()
    changes = [side.change for side in chosen]
    found = Comparison(comparison_table(runs, names, changes, against), runs, names, changes)
    if request.out is not None:
        write(found, request.out, request.force, request.figures)
    return found


def shared_names(scenarios: Sequence[Scenario], asked: Sequence[str] | None) -> list[str]:
    """The curves to compare: `asked`, or those that the scenarios show and all of them have in one unit.

    Raises `InputError` if there are none, if one of `asked` is missing somewhere, or if units of time differ.
    """
    words = asked or list(dict.fromkeys(name for scenario in scenarios for name in scenario.shown))
    names, faults = [], []
    for word in words:
        found = [scenario.model.find(word, "species", "observables") for scenario in scenarios]
        for scenario, name in zip(scenarios, found, strict=True):
            if name is None and asked:
                message = f"{scenario.id}: {scenario.model.unknown(word, 'species', 'observables')}"
                faults.append(request_fault(message, f"--of {word}"))
        units = {scenario.model.unit(name) for scenario, name in zip(scenarios, found, strict=True) if name}
        if len(units) == 1 and all(found):
            names.append(str(found[0]))
    times = {scenario.model.time_unit_text for scenario in scenarios}
    if len(times) > 1:
        faults.append(request_fault(f"the scenarios count time in {', '.join(sorted(times))}", ""))
    if faults:
        raise InputError(faults)
    if not names:
        raise InputError([request_fault("the scenarios have no species or observable in common", "")])
    return names


class Side(NamedTuple):
    """A scenario, how it was changed ('' where it was not), and the arms of it that are compared."""

    scenario: Scenario
    change: str
    arms: list[str]


def sides(
    described: Sequence[Scenario],
    changed: Sequence[tuple[Scenario, str]],
    arms: Sequence[str] | None,
    against: str | None,
) -> tuple[list[Side], Reference | None]:
    """The sides, and the reference if one is asked for, which is added to them where it is not among them.

    One scenario without changes is compared by its arms, anything else by main arms, unless `arms` names others.
    """
    pairs: list[tuple[Scenario, str]] = []
    for place, scenario in enumerate(described):
        pairs += [(scenario, ""), *changed[place : place + 1]]
    if arms:
        check_arms(described, arms, "--arm")
    found = []
    for scenario, change in pairs:
        has = [arm.name for arm in scenario.arms]
        wanted = [name for name in arms if name in has] if arms else has if len(pairs) == 1 else [MAIN]
        if wanted:
            found.append(Side(scenario, change, list(dict.fromkeys(wanted))))
    reference = None if against is None else _reference(found, described[0], against)
    if sum(len(side.arms) for side in found) < 2:
        message = "nothing to compare: give several scenarios or arms, or a change such as --knockout"
        raise InputError([request_fault(message, "")])
    return found, reference


def _reference(found: list[Side], first: Scenario, against: str) -> Reference:
    """The place and arm that `against` names; its scenario or arm joins `found` where it is missing."""
    scenario, arm = _named(first, against)
    place = next((i for i, side in enumerate(found) if side.scenario.id == scenario.id and not side.change), None)
    if place is None:
        found.append(Side(scenario, "", [arm]))
        return Reference(len(found) - 1, arm)
    if arm not in found[place].arms:
        found[place].arms.append(arm)
    return Reference(place, arm)


def _named(first: Scenario, against: str) -> tuple[Scenario, str]:
    """The scenario and arm of ``ARM``, ``SCENARIO`` or ``SCENARIO/ARM``."""
    own = [arm.name for arm in first.arms]
    if against in own:
        return first, against
    word, _, arm = against.rpartition("/")
    for name, chosen in ((against, MAIN), (word, arm)):
        try:
            path = find_scenario(name) if name else None
        except InputError:
            continue
        if path is not None:
            scenario = read_scenario(path)
            check_arms([scenario], [chosen], "--against")
            return scenario, chosen
    hint = nearest(against, own) or f"; arms of {first.id} are {', '.join(own)}"
    message = f"'{against}' is no arm of {first.id} and no scenario{hint}"
    raise InputError([request_fault(message, f"--against {against}")])


def write(found: Comparison, folder: Path, force: bool = False, figures: FigureOptions = FIGURES) -> None:
    """The table as CSV and JSON with its sentences, and a figure for each name, in a new folder, or `OutputError`."""
    from ..views.figures.run import save

    with new_folder(folder, force) as tmp_path:
        with (tmp_path / "comparison.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(ComparisonRow._fields)
            writer.writerows(map(csv_cell, row) for row in found.rows)
        with Progress("figures drawn", len(found.names)) as progress:
            for name in found.names:
                picture = found.picture(name, figures)
                save(picture.figure, tmp_path / name, found.title, picture.text, "compare", figures.formats)
                progress.add()
        (tmp_path / SUMMARY).write_text(json.dumps(found.document, indent=1) + "\n", encoding="utf-8")
