"""The simulator from Python: one call runs a scenario, and its result shows and converts itself.

``import immunesim as sim; r = sim.run("il2_therapy")``
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from reprlib import repr as short_repr
from typing import TYPE_CHECKING, Any

from ..experiments.curve_formulas import read_curve
from ..experiments.curve_values import BoundFormula
from ..experiments.expectations import asked
from ..experiments.measured import measure
from ..experiments.measures import arms_of, read_measure, unit_text_of
from ..experiments.nca import nca_names
from ..experiments.run import RunResult, with_formulas
from ..experiments.scenario import MAIN, CurveFormula, Scenario
from ..files.results import run_folder
from ..files.results.folder import check_file, write_text
from ..files.results.frames import to_pandas, to_xarray
from ..model.expression import FormulaError
from ..model.units import UnitError
from ..numerics.trajectory import Array, Trajectory
from ..runtime.errors import InputError, InputFault, called_from, request_fault
from ..runtime.names import unknown_name
from ..tasks import run as tasks
from ..tasks.request import FIGURES
from ..views.text import run_tables
from ..views.text.answers import SpokenSentence, spoken_answer
from ..views.text.commands import run as run_text
from ..views.text.english import counted
from ..views.text.figure import Curve
from ..views.text.reliability import WARNING, unreliable_lines
from ..views.text.tables import Table
from .changes import Settings, a_path, certify_way, scenario_request, several, warn, warn_of, wrong_type
from .explain import Explained, Times, explain_run
from .notebook import run_html
from .values import Measured

if TYPE_CHECKING:
    from pandas import DataFrame
    from xarray import Dataset

    from ..views.figures.page import NotebookFigure


def run(
    scenario: str | Path | Scenario,
    *,
    set: Settings = None,
    knockout: str | Sequence[str] = (),
    block: Mapping[str, str | float] | str | Sequence[str] = (),
    add: str | Sequence[str] = (),
    arms: str | Sequence[str] = (),
    certify: bool | str | None = None,
) -> Run:
    """Simulates a scenario, and writes nothing: see `Run.save`.

    Args:
        scenario: the path of a file, the name of a bundled scenario, or a `Scenario` that has been read.
        set, knockout, block, add: changes in all of its arms, as on the command line: ``set={"body_weight": "90 kg"}``
            or ``"body_weight=90 kg"``,
            ``knockout="IL4"``, ``block={"IL1": "90%"}`` or ``"IL1 90%"``, ``add="IL-2 18 MIU at 3 d"``.
        arms: only these; by default all.
        certify: how the digits of every arm are checked: True by a tighter tolerance, "independent" by LSODA, which is
            far slower, False not at all; None as usual.

    Raises:
        InputError: with everything that is wrong with the scenario or what is asked of it.
    """
    with called_from("run()"):
        asked = scenario_request(scenario, set, knockout, block, add)
        request = tasks.RunRequest(asked, several("arms", arms), certify_way(certify))
        result = tasks.run(request, warn).result
        warn_of(unreliable_lines([result]))
    if result.interrupted:
        raise KeyboardInterrupt
    command = ("run", *asked.command(), *(f"--arm={arm}" for arm in request.arms)) if asked.command() else ()
    return Run(result, command)


class UnknownNameError(InputError, KeyError):
    """A run was asked for a species, an observable or an arm that it does not have. Says the nearest that it has."""


@dataclass(frozen=True, repr=False, eq=False)
class Run:
    """A scenario that was simulated. It prints itself in words and shows itself in a notebook.

    ``r["IL2"]`` is the curve of a species or observable, shape (times,), in the unit ``r.unit("IL2")``, along
    ``r.times``; ``r["IL2", "untreated"]`` that of another arm, along ``r["time", "untreated"]``: each arm is also
    saved at the times of its own doses. Names are forgiving: IL-2, il2 and IL2 are one. A curve may also be a formula,
    ``r["T_regulatory / at(T_regulatory, '0 d')"]``, here and in `figure`, `to_pandas` and `to_xarray`.

    result: everything that was computed. command: the arguments of the command line that compute the same, if the
    scenario was named.
    """

    result: RunResult
    command: tuple[str, ...] = field(default=())

    @property
    def scenario(self) -> Scenario:
        """The scenario with all changes."""
        return self.result.scenario

    @property
    def ok(self) -> bool:
        """Whether every arm was simulated to its end."""
        return self.result.ok

    @property
    def reliable(self) -> bool | None:
        """Whether every arm has at least three digits; None where none has fewer but some were not checked."""
        return self.result.reliable

    @property
    def unreliable(self) -> tuple[str, ...]:
        """The names of the arms that have fewer than three digits; why is in the text of the run."""
        return tuple(self.result.unreliable)

    @property
    def arms(self) -> tuple[str, ...]:
        """The names of the arms that were simulated."""
        return tuple(self.result.arms)

    @property
    def names(self) -> tuple[str, ...]:
        """Every species and observable."""
        observables = self.scenario.model.observables.values()
        return (*self.scenario.model.species, *(each.id for each in observables if not each.made))

    @property
    def times(self) -> Array:
        """Times at which the main arm, or the only one, was saved, shape (times,), in `time_unit`."""
        return self._trajectory(None).times

    @property
    def time_unit(self) -> str:
        """The model's unit of time."""
        return self.scenario.model.time_unit_text

    def unit(self, name: str) -> str:
        """The unit of a species or observable; "1" for a pure number."""
        return self._curve(name).unit_text

    def __getitem__(self, asked: str | tuple[str, str]) -> Array:
        """A curve, or the times of an arm, as a read-only array: see `Run`."""
        name, arm = self._asked(asked)
        trajectory = self._trajectory(arm)
        if name == "time":
            return trajectory.times
        curve = self._curve(name)
        return (
            BoundFormula(curve).along(trajectory, self.scenario.model) if curve.is_formula else trajectory[curve.text]
        )

    def measure(self, formula: str) -> Measured:
        """A formula as in ``[[expect]]``: ``r.measure("max(IL2, '1 d', '3 d') / max(IL2, arm='untreated')")``.

        Without ``arm='...'`` it reads the main arm. NaN where there is no value: no crossing, or an arm that failed
        before. Raises `InputError` for what is no measure.
        """
        model = self.scenario.model
        with called_from("measure()"):
            if not isinstance(formula, str):
                raise wrong_type("formula", "a text such as 'max(IL2)'", formula)
            try:
                tree, _ = read_measure(formula, model, self.arms, self.scenario.end)
            except (FormulaError, UnitError) as error:
                raise InputError([request_fault(str(error), formula)]) from None
        trajectories = {name: arm.trajectory for name, arm in self.result.arms.items()}
        if MAIN in arms_of(tree):
            trajectories[MAIN] = self._trajectory(None)
        found = measure(tree, model, trajectories)
        return Measured(found.value, unit_text_of(tree, model), found.why)

    @property
    def undefined(self) -> Table:
        """Observables that are infinite or not a number somewhere: arm, name, the first such time, and the cause."""
        rows = [
            {"arm": name, **each._asdict(), "time_unit": self.time_unit}
            for name, arm in self.result.arms.items()
            for each in arm.trajectory.undefined
        ]
        shown = {"arm": ("arm",), "observable": ("name",), "at": ("time", "time_unit"), "cause": ("cause",)}
        return Table(rows, shown)

    def table(self, *names: str) -> Table:
        """Peak, lowest, final value and area of each arm, of `names` or else of all that the scenario shows."""
        return run_tables.measures(self.result, self._names(names) or list(self.scenario.shown))

    @property
    def answer(self) -> tuple[SpokenSentence, ...]:
        """The answer to the question, sentence by sentence: its `text`, and whether it `holds`; one that does not says
        what was found. Its numbers and conditions are in ``r.result.answer``."""
        return tuple(spoken_answer(self.result))

    @property
    def data(self) -> Table:
        """What was measured next to what was simulated: a row for each point of ``[[data]]``, with its residual
        (measured less simulated, of a lognormal error that of the logarithms), its error and their ratio. The text of
        the run says it in sentences; arrays are in ``r.result.data``."""
        return run_tables.data(self.result)

    @property
    def expectations(self) -> Table:
        """Each expectation with its range, the simulated value and the source."""
        return run_tables.expectations(self.result)

    @property
    def ledger(self) -> Table:
        """Every dose of every arm: ordered, delivered, remaining, and what entered its target."""
        return run_tables.doses(self.result)

    def nca(self, name: str) -> Table:
        """Non-compartmental analysis of a curve: for each dose of each arm Cmax, Tmax (after the dose), the trough at
        the end of its interval, the area in it, and that area in terms of the first interval's."""
        with called_from("nca()"):
            (found,) = nca_names(self.scenario.model, [name], [each.arm for each in self.result.arms.values()])
        return run_tables.nca(self.result, found)

    def figure(self, *names: str, arms: str | Sequence[str] | None = None) -> NotebookFigure:
        """A figure of `names`, by default the first that the scenario shows, of all arms or some: one of matplotlib's,
        which a notebook displays."""
        with called_from("figure()"):
            chosen = several("arms", arms) or self.arms
        return self._drawn(names or self.scenario.plots[0], chosen)[0]

    def _drawn(self, names: Sequence[str], arms: Sequence[str]) -> tuple[NotebookFigure, str]:
        """A figure, and a description of it."""
        from ..views.figures import run as run_figures

        result, names = self._with_curves(names)
        chosen = [result.arms[self._arm(arm)] for arm in arms]
        curves = [Curve(each.arm.title, each.drawn, each.arm.name) for each in chosen]
        arms_of = [each.arm for each in chosen]
        drawn = run_figures.draw_group(
            result.scenario, names, curves, arms_of, verdicts=result.verdicts, data=result.data
        )
        return drawn.figure, drawn.text

    def explain(self, name: str, *, arm: str | None = None, against: str | None = None, at: Times = ()) -> Explained:
        """Why a curve of this run does what it does: gain and loss, turning points, feedback loops.

        arm: by default the main arm, or the only one. against: another arm to compare with. at: times whose balance
        is wanted, as "3 d" or as numbers in `time_unit`.
        """
        arm, against = self._usual_arm(arm), against and self._arm(against)
        return explain_run(self.result, self._name(name), arm, against, at)

    def report(self, path: str | Path = "report.html", *, force: bool = False) -> Path:
        """Writes the run as one HTML page that needs no network, and returns its path.

        force: replace an existing file. Raises `OutputError` if it exists or cannot be written.
        """
        from ..views.report.run_page import report

        with called_from("report()"):
            path = a_path("path", path)
            check_file(path, force)
        texts = run_folder.resolved(self.scenario)
        summary = run_folder.summary(self.result, self.command, run_folder.run_id(texts))
        write_text(path, report(self.result, summary, texts[0], figures=True))
        return path

    def to_pandas(self, *names: str) -> DataFrame:
        """A row for every arm and time, a column for each of `names`, or else for everything; units in ``attrs``."""
        return to_pandas(*self._with_curves(names or self.names))

    def to_xarray(self, *names: str, join: str = "outer") -> Dataset:
        """Each of `names`, or else everything, along ``arm`` and ``time``; units in ``attrs``.

        join: ``outer`` keeps every time of every arm, with NaN where an arm has none (at doses of other arms);
        ``inner`` only the times that all arms have. Nothing is interpolated.
        """
        return to_xarray(*self._with_curves(names or self.names), join)

    def save(self, folder: str | Path, *, force: bool = False, plots: bool = True) -> dict[str, Any]:
        """Writes what the command `run` writes into a new folder, and returns its summary.

        force: replace an earlier run. plots: with figures. Raises `OutputError` if the folder cannot be written.
        """
        with called_from("save()"):
            path = a_path("folder", folder)
            return tasks.write(self.result, path, self.command, force, FIGURES.draw if plots else None)

    def __repr__(self) -> str:
        verdicts = asked(self.result.verdicts)
        counts = (
            f", {sum(each.met for each in verdicts)} of {counted(len(verdicts), 'expectation')} met" if verdicts else ""
        )
        known = sum(each.known_miss for each in verdicts)
        counts += f" ({known} known to be missed)" if known else ""
        failed = "" if self.result.ok else ", FAILED"
        failed += f", {WARNING} (arm {', '.join(self.unreliable)})" if self.unreliable else ""
        return f"<Run of {self.scenario.id}: {counted(len(self.arms), 'arm')}{counts}{failed}>"

    def __str__(self) -> str:
        return run_text.run_text(self.result)

    def _repr_html_(self) -> str:
        return run_html(self.result, *self._drawn(self.scenario.plots[0], self.arms))

    def _trajectory(self, arm: str | None) -> Trajectory:
        return self.result.arms[self._usual_arm(arm)].trajectory

    def _usual_arm(self, arm: str | None) -> str:
        """The main arm, or the only one, if none is named."""
        return self._arm(arm or (MAIN if MAIN in self.arms or len(self.arms) > 1 else self.arms[0]))

    def _asked(self, asked: object) -> tuple[str, str | None]:
        """The name and the arm in ``r[NAME]`` or ``r[NAME, ARM]``."""
        parts = asked if isinstance(asked, tuple) else (asked,)
        if not all(isinstance(part, str) for part in parts) or len(parts) not in (1, 2):
            raise self._unknown(f"expected r[NAME] or r[NAME, ARM] with names as texts, found {short_repr(asked)}")
        return parts[0], parts[1] if len(parts) == 2 else None

    def _arm(self, arm: str) -> str:
        if arm not in self.arms:
            if arm in [each.name for each in self.scenario.arms]:
                raise self._unknown(f"arm '{arm}' was not run; these were: {', '.join(self.arms)}")
            raise self._unknown(unknown_name("no arm", arm, self.arms))
        return arm

    def _name(self, word: str) -> str:
        found = self.scenario.model.find(word, "species", "observables")
        if found is None:
            message = self.scenario.model.unknown(word, "species", "observables")
            raise self._unknown(f"{message} (all are in r.names)")
        return found

    def _curve(self, word: str) -> CurveFormula:
        """The species, observable or formula that `word` is."""
        model = self.scenario.model
        if model.find(word, "species", "observables") is None and word.replace("-", "_").isidentifier():
            self._name(word)
        try:
            return read_curve(word, model, self.scenario.end)
        except (FormulaError, UnitError) as error:
            raise self._unknown(str(error)) from None

    def _with_curves(self, words: Sequence[str]) -> tuple[RunResult, list[str]]:
        """The run with the formulas among `words`, and what these are called in it."""
        curves = [self._curve(word) for word in words]
        return with_formulas(self.result, curves), [each.text for each in curves]

    def _unknown(self, message: str) -> UnknownNameError:
        return UnknownNameError([InputFault(f"run of {self.scenario.id}", 0, message, "")])

    def _names(self, words: Sequence[str]) -> list[str]:
        return [self._name(word) for word in words]
