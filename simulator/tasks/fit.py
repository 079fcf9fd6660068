"""`fit`: the values of a scenario at which its curves meet its data best, and how well the data tell them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..experiments.fitting.courses import Predicted, predicted
from ..experiments.fitting.fit import FitOptions, FitResult
from ..experiments.fitting.fit import fit as fit_scenario
from ..experiments.fitting.weighing import shortfall
from ..experiments.scenario import Scenario
from ..files.results.fit_folder import fitted_scenario
from ..files.results.folder import SUMMARY, check_folder, new_folder
from ..files.results.run_folder import MODEL_FILE, SCENARIO_FILE, data_summary, resolved, run_id, write_rows
from ..files.toml.fit import MOST_STARTS
from ..runtime.errors import InputError, InputFault, request_fault
from ..runtime.json import json_number
from ..runtime.progress import Progress
from ..runtime.versions import versions
from ..views.text.commands.fit import estimates_table, fit_text, goodness, prediction_line, starts_table, untold_words
from ..views.text.data import data_sentence
from ..views.text.run_tables import data as data_table
from ..views.text.tables import Table
from .answer import Answer
from .request import FigureOptions, OnNote, ScenarioRequest, ignore_note, read_with_notes, say_engine

if TYPE_CHECKING:
    from pandas import DataFrame

    from ..views.figures.page import NotebookFigure

MOST_SAMPLES = 100_000
FITTED_FILE = "fitted.toml"


@dataclass(frozen=True)
class FitRequest:
    """What is asked.

    starts, seed: None: as the scenario says. profile: profile likelihoods too. bootstrap: samples; 0 for none.
    posterior: steps of emcee; 0 for none.
    out: a new output directory; nothing is written without one. force: replace it. figures: None for no figures.
    command: the request as arguments of the command line, kept in the summary.
    """

    scenario: ScenarioRequest
    starts: int | None = None
    seed: int | None = None
    profile: bool = False
    bootstrap: int = 0
    posterior: int = 0
    out: Path | None = None
    force: bool = False
    figures: FigureOptions | None = None
    command: tuple[str, ...] = ()


@dataclass(frozen=True, repr=False)
class FitOutput(Answer):
    """A fit. folder: where it was written, if it was. changed: the changes that were asked for, in words. predicted:
    what ``[[fit.predict]]`` asks for."""

    result: FitResult
    folder: Path | None = None
    changed: str = ""
    predicted: tuple[Predicted, ...] = ()

    def __str__(self) -> str:
        changed = f"\nChanged in all arms: {self.changed}." if self.changed else ""
        written = (
            f"\nWritten to {self.folder}; run {self.folder / FITTED_FILE} has the estimates." if self.folder else ""
        )
        lines = [fit_text(self.result), *(prediction_line(self.result.scenario, each) for each in self.predicted)]
        return "\n".join(lines) + changed + written

    @property
    def estimates(self) -> dict[str, float]:
        """The estimates by name, in the units of their ranges."""
        return dict(zip(self.result.problem.names, self.result.values.tolist(), strict=True))

    @property
    def table(self) -> Table:
        """A row for each estimate."""
        return estimates_table(self.result)

    @property
    def data(self) -> Table:
        """A row for each point, measured and fitted."""
        return data_table(self.result)

    @property
    def document(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return document(self.result, (), self.predicted)

    def figures(self) -> dict[str, NotebookFigure]:
        """The figures by name: fit, goodness, profiles where there are any, and starts where there are several."""
        from ..views.figures.fit import pictures  # matplotlib too

        return {each.stem: each.figure for each in pictures(self.result)}

    def to_pandas(self) -> DataFrame:
        """The estimates as a data frame."""
        return self.table.to_pandas()

    def _repr_html_(self) -> str:
        return self.table._repr_html_()


def fit(request: FitRequest, on_note: OnNote = ignore_note) -> FitOutput:
    """Fits a scenario, and writes the fit if that is asked for.

    After Ctrl-C the best so far is written, without figures, and `result.interrupted` is true. Raises:
        InputError: with everything that is wrong with the scenario or what is asked of it.
        NothingSimulatedError: no start could be simulated.
        OutputError: The output directory exists already, or cannot be written.
        KeyboardInterrupt: before anything was simulated; nothing is written then.
    """
    scenario = read_with_notes(request.scenario, on_note)
    say_engine(on_note)
    _check(request, scenario)
    if request.out is not None:
        check_folder(request.out, request.force)
    parts = ["starts", *(["profiles"] if request.profile else []), *(["bootstrap"] if request.bootstrap else [])]
    parts += ["posterior"] if request.posterior else []
    with Progress("parts of the fit", len(parts)) as progress:

        def on_progress(what: str, share: float) -> None:
            progress.within((parts.index(what) + share) / len(parts), of=len(parts))

        options = FitOptions(request.starts, request.seed, request.profile, request.bootstrap, request.posterior)
        result = fit_scenario(scenario, options, on_progress)
        predictions = () if result.interrupted else tuple(predicted(result))
    output = FitOutput(result, request.out, request.scenario.in_words(scenario), predictions)
    if request.out is not None:
        write(result, request.out, request.command, request.force, request.figures, predictions)
    return output


def _check(request: FitRequest, scenario: Scenario) -> None:
    """Raises `InputError` with all faults of the request."""
    faults: list[InputFault] = []
    if scenario.fit is None:
        message = (
            f"{scenario.id} has no [fit]: say what is estimated, as in [[fit.estimate]] parameter = 'NAME', "
            "from = '0.1 1/d', to = '10 1/d'"
        )
        faults.append(request_fault(message))
    elif problem := shortfall(scenario.fit.estimates, scenario.data):
        faults.append(request_fault(f"{scenario.id}: {problem}"))
    if request.starts is not None and not 1 <= request.starts <= MOST_STARTS:
        message = f"expected 1 to {MOST_STARTS:,} starts, found {request.starts}"
        faults.append(request_fault(message, f"--starts {request.starts}"))
    if request.seed is not None and request.seed < 0:
        faults.append(request_fault("expected a seed of 0 or more", f"--seed {request.seed}"))
    if request.bootstrap and not 2 <= request.bootstrap <= MOST_SAMPLES:
        message = f"expected 2 to {MOST_SAMPLES:,} samples, found {request.bootstrap}"
        faults.append(request_fault(message, f"--bootstrap {request.bootstrap}"))
    if request.posterior and not 10 <= request.posterior <= MOST_SAMPLES:
        message = f"expected 10 to {MOST_SAMPLES:,} steps, found {request.posterior}"
        faults.append(request_fault(message, f"--posterior {request.posterior}"))
    if faults:
        raise InputError(faults)


def document(result: FitResult, command: Sequence[str], predictions: Sequence[Predicted] = ()) -> dict[str, Any]:
    """Everything about a fit, ready for JSON. predictions: of what was not measured."""
    scenario, uncertainty = result.scenario, result.uncertainty
    correlations = None
    if uncertainty is not None:
        correlations = [[json_number(value) for value in row] for row in uncertainty.correlations.tolist()]
    shown = ("name", "label", "unit", "estimate", "standard_error", "low", "high", "from", "to", "scale", "before",
             "bootstrap_low", "bootstrap_high", "posterior_low", "posterior_high")  # fmt: skip
    return {
        "scenario": scenario.id,
        "title": scenario.title,
        "model": scenario.model_name,
        "interrupted": result.interrupted,
        "estimates": [{key: row[key] for key in shown} for row in estimates_table(result)],
        "intervals_by": "profile" if result.profiles else "standard errors",
        "level": 0.95,
        "correlations": correlations,
        "not_told": [
            {"kind": each.kind, "names": [result.problem.names[i] for i in each.values],
             "sentence": untold_words(result, each)}
            for each in result.untold
        ],
        "goodness": goodness(result),
        "starts": {"count": len(result.starts), "at_the_best_fit": result.reached,
                   "failed": sum(each.ended == "failed" for each in result.starts)},
        "bootstrap": None if result.bootstrap is None else
                     {"asked": result.bootstrap.asked, "fitted": len(result.bootstrap.values)},
        "posterior": None if (drawn := result.posterior) is None else
                     {"walkers": drawn.walkers, "steps": drawn.steps, "accepted": drawn.accepted,
                      "autocorrelation": json_number(drawn.autocorrelation), "enough": drawn.enough},
        "without_weight": result.left_out,
        "data": [data_summary(each) | {"sentence": data_sentence(scenario, own)}
                 for each, own in zip(result.data, result.compared, strict=True)],
        "predictions": [
            {"curve": each.prediction.curve.text, "arm": each.prediction.arm, "time": each.prediction.time,
             "unit": each.prediction.curve.unit_text, "value": json_number(each.value), "low": json_number(each.low),
             "high": json_number(each.high)}
            for each in predictions
        ],
        "command": list(command),
        "versions": versions(),
    }  # fmt: skip


def write(
    result: FitResult,
    folder: Path,
    command: Sequence[str] = (),
    force: bool = False,
    figures: FigureOptions | None = None,
    predictions: Sequence[Predicted] = (),
) -> None:
    """Writes a fit into a new `folder`: tables, figures, summary, and `fitted.toml`, a scenario with the estimates
    beside the one that was fitted. Raises `OutputError`; nothing of it is left then."""
    with new_folder(folder, force) as tmp_path:
        texts = resolved(result.scenario)
        (tmp_path / SCENARIO_FILE).write_text(texts[0], encoding="utf-8")
        (tmp_path / MODEL_FILE).write_text(texts[1], encoding="utf-8")
        (tmp_path / FITTED_FILE).write_text(_fitted(result), encoding="utf-8")
        write_rows(tmp_path / "estimates.csv", estimates_table(result))
        write_rows(tmp_path / "residuals.csv", data_table(result))
        write_rows(tmp_path / "starts.csv", starts_table(result))
        if result.profiles:
            write_rows(tmp_path / "profiles.csv", _profile_rows(result))
        for name, drawn in (("bootstrap.csv", result.bootstrap), ("posterior.csv", result.posterior)):
            if drawn is not None and len(drawn.values):
                names = result.problem.names
                write_rows(tmp_path / name, [dict(zip(names, row, strict=True)) for row in drawn.values.tolist()])
        found = {"run": run_id(texts), **document(result, command, predictions)}
        if figures is not None and not result.interrupted:
            from ..views.figures.fit import draw  # matplotlib too

            draw(result, tmp_path, found["run"], figures.medium, figures.formats)
        text = json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False)
        (tmp_path / SUMMARY).write_text(text + "\n", encoding="utf-8")


def _fitted(result: FitResult) -> str:
    rows = []
    for row in estimates_table(result):
        remark = f"standard error {row['standard_error']:.3g}" if row["standard_error"] else "not told by these data"
        rows.append((row["name"], row["estimate"], row["unit"], f"{remark}, 95 % interval {row['interval']}"))
    return fitted_scenario(result.scenario, rows)


def _profile_rows(result: FitResult) -> list[dict[str, Any]]:
    """A row for each point of each profile: which value is held, the sum of squares, and all values."""
    names = result.problem.names
    rows: list[dict[str, Any]] = []
    for each in result.profiles:
        for point in each.points:
            values = result.problem.values(point.place[None, :])[0].tolist()
            row = {"held": names[each.index], "sum_of_squares": point.cost}
            rows.append(row | dict(zip(names, values, strict=True)))
    return rows
