"""The simulator from Python: one call runs a scenario, and what comes back shows and converts itself.

``import simulator as sim; r = sim.run("il2_therapy")``
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..experiments import run as experiment
from ..experiments.measure_formula import arms_of, read_measure, unit_text_of
from ..experiments.measures import measure
from ..experiments.run import RunResult
from ..experiments.scenario import MAIN, Scenario, chosen_arms
from ..files.results import run_folder
from ..files.results.folder import check_file, write_text
from ..files.toml.interventions import Interventions
from ..files.toml.scenario_file import find_scenario, read_scenario
from ..numerics.trajectory import Array, Trajectory
from ..runtime.errors import called_from
from ..runtime.names import unknown_name
from ..runtime.progress import Progress
from ..tasks.run import write
from ..views.text import run as run_text
from ..views.text import run_tables
from ..views.text.notes import notes
from ..views.text.tables import Table
from .values import Explained, Measured

if TYPE_CHECKING:
    from pandas import DataFrame
    from xarray import Dataset

    from ..views.figures.sheet import Sheet


def run(
    scenario: str | Path | Scenario,
    *,
    set: Mapping[str, str | float] | None = None,
    knockout: str | Sequence[str] | None = None,
    block: Mapping[str, str | float] | str | Sequence[str] = (),
    add: str | Sequence[str] | None = None,
    arms: str | Sequence[str] | None = None,
    certify: bool | None = None,
) -> Run:
    """Simulates a scenario: a file, the name of one of ours, or one that has been read.

    set, knockout, block, add: changes of all its arms, as on the command line: ``set={"body_weight": "90 kg"}``,
    ``knockout="IL4"``, ``block={"IL1": "90%"}`` or ``"IL1 90%"``, ``add="IL-2 18 MIU at 3 d"``.
    arms: only these; all, if it is left out.
    certify: True has a second solver check the digits of every arm, False of none, None where it takes a second.

    Raises `InputError` with everything that is wrong with the scenario, or with a change of it.
    """
    settings = {name: str(value) for name, value in (set or {}).items()}
    asked = Interventions(tuple(_several(knockout)), _shares(block), tuple(_several(add)))
    words: list[str] = []
    if not isinstance(scenario, Scenario):
        words = ["run", str(scenario), *_typed(settings, asked)]
        scenario = _read(str(scenario), settings, asked)
    elif settings or any(asked):
        raise TypeError("changes go with a file or a name; this scenario has been read already")
    for note in notes(scenario, asked):
        warnings.warn(note, stacklevel=2)
    known = [arm.name for arm in scenario.arms]
    chosen = _several(arms)
    with called_from("run()"):
        chosen_arms(scenario, chosen)
    words += [f"--arm={arm}" for arm in chosen if words]
    count = len(chosen or known)
    with Progress("arms simulated", count) as progress:
        result = experiment.run(scenario, certify, chosen or None, partial(progress.within, of=count))
    if result.interrupted:
        raise KeyboardInterrupt
    return Run(result, tuple(words))


def _typed(settings: Mapping[str, str], asked: Interventions) -> list[str]:
    """The changes in the words of the command line."""
    words = [f"--set={name}={value}" for name, value in settings.items()]
    words += [f"--knockout={name}" for name in asked.knockout]
    words += [word for name, share in asked.block for word in ("--block", name, share)]
    return words + [f"--add={dose}" for dose in asked.add]


def _read(word: str, settings: Mapping[str, str], asked: Interventions) -> Scenario:
    with called_from("run()"):
        return read_scenario(find_scenario(word), settings, interventions=asked)


def _shares(block: Mapping[str, str | float] | str | Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Names and shares, of a mapping or of texts such as "IL1 90%"."""
    if isinstance(block, Mapping):
        return tuple((name, str(share)) for name, share in block.items())
    return tuple((name, share.strip()) for name, _, share in (text.strip().partition(" ") for text in _several(block)))


def _several(names: str | Sequence[str] | None) -> list[str]:
    return [names] if isinstance(names, str) else list(dict.fromkeys(names or ()))


class UnknownNameError(KeyError):
    """A name that is none, with the nearest that is one."""

    def __str__(self) -> str:
        return str(self.args[0])  # that of a KeyError puts quotes around it


@dataclass(frozen=True, repr=False, eq=False)
class Run:
    """A scenario that was simulated. It prints itself in words and shows itself in a notebook.

    ``r["IL2"]`` is the curve of a species or observable, shape (times,), in the unit ``r.unit("IL2")``, along
    ``r.times``; ``r["IL2", "untreated"]`` that of another arm, along ``r["time", "untreated"]``: each arm is also
    saved at the times of its own doses. Names are forgiving: IL-2, il2 and IL2 are one.

    result: everything that was computed. command: the words of the command line that compute the same, if the
    scenario was named.
    """

    result: RunResult
    command: tuple[str, ...] = field(default=())

    @property
    def scenario(self) -> Scenario:
        return self.result.scenario

    @property
    def ok(self) -> bool:
        """Whether every arm was simulated to its end."""
        return self.result.ok

    @property
    def arms(self) -> tuple[str, ...]:
        return tuple(self.result.arms)

    @property
    def names(self) -> tuple[str, ...]:
        """Every species and observable."""
        return (*self.scenario.model.species, *self.scenario.model.observables)

    @property
    def times(self) -> Array:
        """When the main arm, or the only one, was saved, in `time_unit`."""
        return self._trajectory(None).times

    @property
    def time_unit(self) -> str:
        return self.scenario.model.time_unit_text

    def unit(self, name: str) -> str:
        return self.scenario.model.unit_text(self._name(name))

    def __getitem__(self, asked: str | tuple[str, str]) -> Array:
        name, arm = (asked, None) if isinstance(asked, str) else asked
        trajectory = self._trajectory(arm)
        return trajectory.times if name == "time" else trajectory[self._name(name)]

    def measure(self, formula: str) -> Measured:
        """A formula as in ``[[expect]]``: ``r.measure("max(IL2, '1 d', '3 d') / max(IL2, arm='untreated')")``.

        Without ``arm='...'`` it reads the main arm. None of a number (`nan`) where it cannot be had: no crossing, or
        an arm that failed before. Raises `ValueError` for what is no measure.
        """
        model = self.scenario.model
        tree, _ = read_measure(formula, model, self.arms, self.scenario.end)
        trajectories = {name: arm.trajectory for name, arm in self.result.arms.items()}
        if MAIN in arms_of(tree):
            trajectories[MAIN] = self._trajectory(None)
        value, _ = measure(tree, model, trajectories)
        return Measured(value, unit_text_of(tree, model))

    def table(self, *names: str) -> Table:
        """Peak, lowest, final value and area of each arm, of `names` or else of all that the scenario shows."""
        return run_tables.measures(self.result, self._names(names) or list(self.scenario.shown))

    @property
    def expectations(self) -> Table:
        """What the literature says must come out, what came out, and the source."""
        return run_tables.expectations(self.result)

    @property
    def ledger(self) -> Table:
        """Every dose of every arm: ordered, delivered and remaining."""
        return run_tables.doses(self.result)

    def figure(self, *names: str, arms: str | Sequence[str] | None = None) -> Sheet:
        """A figure of `names`, or else the first that the scenario shows, in the style of `run`: one of matplotlib's,
        which a notebook shows."""
        return self._drawn(self._names(names) or self.scenario.plots[0], _several(arms) or self.arms)[0]

    def _drawn(self, names: Sequence[str], arms: Sequence[str]) -> tuple[Sheet, str]:
        """A figure, and what is on it in words."""
        from ..views.figures import run as run_figures
        from ..views.text.figure import Curve

        chosen = [self.result.arms[self._arm(arm)] for arm in arms]
        curves = [Curve(each.arm.title, each.trajectory, each.arm.name) for each in chosen]
        arms_of = [each.arm for each in chosen]
        drawn = run_figures.draw_group(self.scenario, names, curves, arms_of, verdicts=self.result.verdicts)
        return drawn.figure, drawn.text

    def explain(self, name: str, *, arm: str | None = None, against: str | None = None) -> Explained:
        """Which reactions drive a curve, why it turns, and which feedback loops act; `against` another arm."""
        from ..experiments.explanation.explain import explain

        arm = self._usual_arm(arm)
        chosen = [self._arm(each) for each in (arm, against) if each is not None]
        known = {each: self.result.arms[each] for each in chosen}
        return Explained(explain(self.scenario, arm, self._name(name), against=against, known=known))

    def report(self, path: str | Path = "report.html", *, force: bool = False) -> Path:
        """Writes the run as one HTML page that needs no network, and returns its path."""
        from ..views.report.run_page import report

        path = Path(path)
        check_file(path, force)
        texts = run_folder.resolved(self.scenario)
        summary = run_folder.summary(self.result, self.command, run_folder.run_id(texts))
        write_text(path, report(self.result, summary, texts[0], figures=True))
        return path

    def to_pandas(self, *names: str) -> DataFrame:
        """A row for every arm and time, a column for each of `names`, or else for everything; units in ``attrs``."""
        from ..files.results.frames import to_pandas

        return to_pandas(self.result, self._names(names) or self.names)

    def to_xarray(self, *names: str, join: str = "outer") -> Dataset:
        """Each of `names`, or else everything, along ``arm`` and ``time``; units in ``attrs``.

        join: ``outer`` keeps every time of every arm, with NaN where an arm has none (at doses of other arms);
        ``inner`` only the times that all arms have. Nothing is interpolated.
        """
        from ..files.results.frames import to_xarray

        return to_xarray(self.result, self._names(names) or self.names, join)

    def save(self, folder: str | Path, *, force: bool = False, plots: bool = True) -> dict[str, Any]:
        """Writes what the command `run` writes into a new folder, and returns its summary.

        force: replace an earlier run. plots: with figures. Raises `OutputError` if the folder cannot be written.
        """
        return write(self.result, Path(folder), self.command, force, _draw if plots else None)

    def __repr__(self) -> str:
        verdicts = self.result.verdicts
        told = f", {sum(each.met for each in verdicts)} of {len(verdicts)} expectations met" if verdicts else ""
        known = sum(bool(each.expectation.missed) and not each.met for each in verdicts)
        told += f" ({known} known to be missed)" if known else ""
        failed = "" if self.result.ok else ", FAILED"
        return f"<Run of {self.scenario.id}: {_counted(len(self.arms), 'arm')}{told}{failed}>"

    def __str__(self) -> str:
        return run_text.run_text(self.result)

    def _repr_html_(self) -> str:
        from .notebook import run_html

        return run_html(self.result, *self._drawn(self.scenario.plots[0], self.arms))

    def _trajectory(self, arm: str | None) -> Trajectory:
        return self.result.arms[self._usual_arm(arm)].trajectory

    def _usual_arm(self, arm: str | None) -> str:
        """The main arm, or the only one, if none is named."""
        return self._arm(arm or (MAIN if MAIN in self.arms or len(self.arms) > 1 else self.arms[0]))

    def _arm(self, arm: str) -> str:
        if arm not in self.arms:
            raise UnknownNameError(unknown_name("this run has no arm", arm, self.arms))
        return arm

    def _name(self, word: str) -> str:
        found = self.scenario.model.find(word, "species", "observables")
        if found is None:
            raise UnknownNameError(self.scenario.model.unknown(word, "species", "observables"))
        return found

    def _names(self, words: Sequence[str]) -> list[str]:
        return [self._name(word) for word in words]


def _draw(result: RunResult, folder: Path, run: str) -> None:
    from ..views.figures.run import draw

    draw(result, folder, run)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"
