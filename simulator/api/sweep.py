"""A sweep from Python: many members of a scenario, as arrays, a table and figures."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from ..experiments.scenario import MAIN, Scenario
from ..experiments.sweeps.acceptance import Acceptance, acceptance
from ..experiments.sweeps.certificate import CertifyMembers, SweepCertificate
from ..experiments.sweeps.compute import SweepResult, sweep_of
from ..files.results.folder import check_file, write_text
from ..files.results.frames import sweep_to_pandas, sweep_to_xarray
from ..files.results.netcdf_block import axis_names, measure_names, stored_axes
from ..files.toml.overrides import SweepOptions
from ..numerics.trajectory import Array
from ..runtime.errors import InputError, InputFault, called_from
from ..runtime.names import unknown_name
from ..tasks.answer import warnings_html
from ..tasks.request import FIGURES
from ..tasks.sweep import SweepOutput, report_of
from ..tasks.sweep import sweep as run_sweep
from ..tasks.sweep_request import SweepRequest, parse_shard
from ..views.text.commands.sweep import damage_notes, measure_table, members_line, unreliable_members
from ..views.text.reliability import WARNING
from ..views.text.sensitivity import sensitivity_rows
from ..views.text.tables import Table
from .changes import (
    Settings,
    a_path,
    files,
    folder_or_none,
    is_list,
    is_value,
    scenario_request,
    several,
    warn,
    warn_of,
    wrong_type,
)
from .notebook import picture_html

if TYPE_CHECKING:
    from pandas import DataFrame
    from xarray import Dataset

    from ..views.figures.page import NotebookFigure

Vary = Mapping[str, str | float | Sequence[str | float] | None] | str | Sequence[str]


def sweep(
    scenario: str | Path | Scenario,
    *,
    vary: Vary = (),
    sample: str | None = None,
    members: str | Path | None = None,
    population: str | None = None,
    seed: int | None = None,
    measures: Mapping[str, str] | str | Sequence[str] = (),
    keep: str | Sequence[str] = (),
    arms: str | Sequence[str] = (),
    set: Settings = None,
    knockout: str | Sequence[str] = (),
    block: Mapping[str, str | float] | str | Sequence[str] = (),
    add: str | Sequence[str] = (),
    out: str | Path | None = None,
    workers: int = 0,
    dask: str | None = None,
    shard: str | None = None,
    merge: str | Path | Sequence[str | Path] = (),
    parquet: bool = False,
    figures: bool = False,
    certify: bool | str = True,
) -> Ensemble:
    """Simulates many members of a scenario, with the options of the command line.

    ``sim.sweep("acute_infection", vary={"stop_sensitivity": "0.1:1:25:log"}, measures="max(pathogen)")``

    Without `out` everything is kept in memory and nothing stays on disk. With it, members are stored as they are
    computed, and the same call continues where an earlier one ended.

    Args:
        scenario: the path of a file, the name of a bundled scenario, or a `Scenario` that has been read.
        vary: what varies: ``{"NAME": "FROM:TO:COUNT[:log]"}``, ``{"NAME": [V1, V2]}`` or one number, or the same as
            texts, ``"NAME=FROM:TO:COUNT"``; ``"NAME"`` varies over its range. By default as in the scenario's [sweep].
        sample: how members are drawn: ``"grid"``, ``"zip"``, ``"one_at_a_time"``, ``"lhs:1000"``, ``"sobol:1024"``,
            ``"random:1000"``; for sensitivities ``"morris:50"``, ``"saltelli:512"`` (both need SALib) or ``"local"``:
            see `Ensemble.sensitivities`.
        members: a CSV file with a row for each member and a column for each axis.
        population: people of a population by its name, ``"adults:300"``, in place of those of the scenario.
        seed: of the random numbers.
        measures: formulas as in [[expect]], ``"max(pathogen)"``, or by name, ``{"peak": "max(pathogen)"}``.
        keep: species and observables whose curves are kept: see `Ensemble.to_xarray`.
        arms: measured instead of the main arm.
        set, knockout, block, add: changes in all arms and members, as in `run`.
        out: folder of the sweep.
        workers: threads or processes; by default one for each core.
        dask: address of a Dask scheduler, or ``"local"`` for a cluster on this machine, whose workers import the script
            that calls this: it must stand under ``if __name__ == "__main__":``.
        shard: ``"3/16"``: only the members of this one of sixteen jobs.
        merge: folders of shards, whose members are taken over; nothing is computed.
        parquet: also write members.parquet into `out`.
        figures: also draw the figures into `out`.
        certify: which members are computed again, to find their digits: True some, "all", or False none. A warning
            tells of members with fewer than three digits.

    Raises:
        InputError: with everything that is wrong with the scenario or what is asked of it.
        OutputError: `out` cannot be written, or holds something else.
        KeyboardInterrupt: after Ctrl-C; the members that are stored in `out` are kept.
    """
    with called_from("sweep()"):
        options = SweepOptions(
            vary=_axes(vary),
            sample=sample,
            measures=_measures(measures),
            seed=seed,
            keep=several("keep", keep),
            arms=several("arms", arms),
            members=None if members is None else str(members),
            population=population,
        )
        asked = scenario_request(scenario, set, knockout, block, add)
        request = SweepRequest(
            asked,
            None if options == SweepOptions() else options,
            out=folder_or_none("out", out),
            workers=workers,
            dask=dask,
            shard=parse_shard(shard),
            merge=tuple(map(Path, files([merge], "merge", "folders of sweeps"))),
            parquet=parquet,
            figures=FIGURES if figures else None,
            certify=_certify(certify),
            command=_command(asked.command(), options),
        )
        output = run_sweep(request, warn)
        warn_of(unreliable_members(output.outcome))
    for note in damage_notes(output.outcome):
        warnings.warn(note, stacklevel=2)
    return Ensemble(output)


def _certify(given: object) -> CertifyMembers:
    ways: dict[object, CertifyMembers] = {
        True: CertifyMembers.SOME,
        False: CertifyMembers.OFF,
        "all": CertifyMembers.ALL,
    }
    if not isinstance(given, (bool, str)) or given not in ways:
        raise wrong_type("certify", 'True, False or "all"', given)
    return ways[given]


def _axes(vary: Vary) -> tuple[str, ...]:
    """What varies, each as the command line has it: ``NAME=VALUES`` or ``NAME``."""
    if not isinstance(vary, Mapping):
        return several("vary", vary)
    words = []
    given: object
    for name, given in vary.items():
        values = () if given is None else given if isinstance(given, Iterable) else (given,)
        text = values if isinstance(values, str) else ",".join(map(str, values))
        if not (is_list(given) and all(map(is_value, values))):
            raise wrong_type("vary", "names with values: a text, a number or a list of them", vary)
        words.append(f"{name}={text}" if text else name)
    return tuple(words)


def _measures(measures: Mapping[str, str] | str | Sequence[str]) -> tuple[str, ...]:
    """Formulas, each with its name before it if it has one."""
    if isinstance(measures, Mapping):
        return tuple(f"{name}={formula}" for name, formula in measures.items())
    return several("measures", measures)


def _command(scenario: Sequence[str], options: SweepOptions) -> tuple[str, ...]:
    """The arguments of the command line that ask for the same members; none if the scenario has no name."""
    if not scenario:
        return ()
    lists = (("vary", options.vary), ("measure", options.measures), ("keep", options.keep), ("arm", options.arms))
    single = (
        ("sample", options.sample),
        ("members", options.members),
        ("population", options.population),
        ("seed", options.seed),
    )
    return (
        "sweep",
        *scenario,
        *(f"--{option}={word}" for option, texts in lists for word in texts),
        *(f"--{option}={value}" for option, value in single if value is not None),
    )


class UnknownColumnError(InputError, KeyError):
    """A sweep was asked for an axis, a measure or an arm that it does not have. Says the nearest that it has."""


@dataclass(frozen=True, repr=False, eq=False)
class Ensemble:
    """The members of a sweep. It prints itself in words and shows itself in a notebook.

    ``e["stop_sensitivity"]`` are the values of an axis and ``e["max(pathogen)"]`` those of a measure, shape (members,),
    in the unit ``e.unit(NAME)``; ``e["max(pathogen)", "untreated"]`` reads another arm as the main one. NaN: the
    member failed, or the measure has no value.
    """

    output: SweepOutput

    @property
    def result(self) -> SweepResult:
        """All arrays: values, measures, failures and bands."""
        return self.output.outcome.result

    @property
    def scenario(self) -> Scenario:
        """The scenario, with its sweep."""
        return self.result.scenario

    @property
    def ok(self) -> bool:
        """Whether no member is missing or failed."""
        return self.output.outcome.ok

    @property
    def certificate(self) -> SweepCertificate:
        """The members that were computed twice, and their digits."""
        return self.output.outcome.certificate

    @property
    def reliable(self) -> bool | None:
        """Whether no run was refused and every member that was computed twice has at least three digits; None where
        none was refused and none computed twice."""
        return self.output.outcome.reliable

    @property
    def unreliable(self) -> tuple[int, ...]:
        """The numbers of the members that have fewer than three digits."""
        return tuple(self.certificate.unreliable)

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms that are measured."""
        return sweep_of(self.scenario).arms

    @property
    def axes(self) -> tuple[str, ...]:
        """The names of the axes."""
        return tuple(axis_names(stored_axes(self.scenario)))

    @property
    def measures(self) -> tuple[str, ...]:
        """The names of the measures."""
        return tuple(measure_names(self.scenario, stored_axes(self.scenario)))

    def __len__(self) -> int:
        return len(self.result.numbers)

    def unit(self, name: str) -> str:
        """The unit of an axis or a measure."""
        sweep = sweep_of(self.scenario)
        units = [*(axis.unit_text for axis in sweep.design.axes), *(each.unit_text for each in sweep.measures)]
        return units[self._column(name)]

    def __getitem__(self, asked: str | tuple[str, str]) -> Array:
        name, arm = (asked, None) if isinstance(asked, str) else asked
        column, axes = self._column(name), len(self.axes)
        found = (
            self.result.values[:, column] if column < axes else self.result.measures[:, self._arm(arm), column - axes]
        )
        return found.copy()

    def table(self) -> Table:
        """For each measure and arm the median, 5 % and 95 % of the members, and how many have no value."""
        return measure_table(self.result)

    def sensitivities(self) -> Table:
        """A row for each arm, measure and parameter, by rank: of ``morris``, ``saltelli`` and ``local`` the indices
        with their 95 % intervals (`value` ± `half`), of a population who responds (`size` from `low` to `high`).
        Empty for other designs."""
        rows = sensitivity_rows(self.result)
        return Table(rows, {key: (key,) for key in rows[0]} if rows else {})

    def acceptance(self) -> Acceptance | None:
        """The weights of patients, and which are accepted, by ``[[population.accept]]``; None without any."""
        return acceptance(self.result)

    def figures(self) -> list[NotebookFigure]:
        """The figures that the design asks for, as `figures` draws them into a folder."""
        from ..views.figures.sweep.pictures import pictures

        return [picture.figure for picture in pictures(self.result)]

    def report(self, path: str | Path = "report.html", *, force: bool = False) -> Path:
        """Writes the sweep as one HTML page that needs no network, and returns its path.

        force: replace an existing file. Raises `OutputError` if it exists or cannot be written.
        """
        with called_from("report()"):
            path = a_path("path", path)
            check_file(path, force)
            write_text(path, report_of(self.output.outcome, self.output.summary["command"]))
        return path

    def to_pandas(self) -> DataFrame:
        """A row for each member, a column for each axis and measure, as in members.csv; units in ``attrs``."""
        return sweep_to_pandas(self.result)

    def to_xarray(self) -> Dataset:
        """The curves of `keep` along ``member``, ``arm`` and ``time``, the axes as coordinates; units in ``attrs``."""
        return sweep_to_xarray(self.result, self.output.read_curves())

    def __repr__(self) -> str:
        outcome = self.output.outcome
        failed = f", {outcome.failed:,} failed" if outcome.failed else ""
        missing = f", {outcome.missing:,} missing" if outcome.missing else ""
        doubted = f", {len(self.unreliable):,} {WARNING}" if self.unreliable else ""
        return f"<Ensemble of {self.scenario.id}: {len(self):,} members{failed}{missing}{doubted}>"

    def __str__(self) -> str:
        return str(self.output)

    def _repr_html_(self) -> str:
        from ..views.figures.sweep.pictures import pictures

        lines = [f"<strong>{escape(self.scenario.question)}</strong>", escape(members_line(self.output.outcome))]
        first = next(pictures(self.result), None)
        shown = [picture_html(first.figure, first.text)] if first is not None else []
        warnings = warnings_html(unreliable_members(self.output.outcome))
        return "\n".join([warnings, *(f"<p>{line}</p>" for line in lines), *shown, self.table()._repr_html_()])

    def _column(self, name: str) -> int:
        known = [*self.axes, *self.measures]
        if name not in known:
            raise self._unknown(unknown_name("no axis or measure", name, known))
        return known.index(name)

    def _arm(self, arm: str | None) -> int:
        """The place of an arm; the main one, or the first, if none is named."""
        if arm is None:
            return self.arms.index(MAIN) if MAIN in self.arms else 0
        if arm not in self.arms:
            raise self._unknown(unknown_name("no arm", arm, self.arms))
        return self.arms.index(arm)

    def _unknown(self, message: str) -> UnknownColumnError:
        return UnknownColumnError([InputFault(f"sweep of {self.scenario.id}", 0, message, "")])
