"""`explain`: why a curve of a scenario does what it does, in words, and as a document, a table and a figure."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..experiments import run as experiment
from ..experiments.explanation import explain as experiment_explain
from ..experiments.explanation.arm_comparison import WindowComparison
from ..experiments.explanation.balance import ContributorKind
from ..experiments.explanation.explain import Explanation
from ..experiments.run import RunResult
from ..experiments.scenario import MAIN, Scenario, chosen_arms
from ..experiments.solving import Certify
from ..files.results.folder import check_folder, new_folder
from ..model.causal.sign import Sign
from ..model.units import UnitError
from ..runtime.errors import InputError, InputFault, request_fault
from ..runtime.progress import Progress
from ..views.text.explain import DELAY, STRENGTH, explanation_text, sentences
from ..views.text.reliability import first, unreliable_lines
from .request import OnNote, ScenarioRequest, ignore_note, read_with_notes, say_engine, time_of_run

STEM = "explain"  # of the files that are written
RUN_SHARE = 0.5  # of the progress: the run; the rest is the explanation


@dataclass(frozen=True)
class ExplainRequest:
    """A curve to explain.

    scenario: what to simulate, or a run, which is not simulated again.
    curve: a species or observable.
    arm: None: the main arm, or the first one where there is none.
    against: another arm to compare with.
    at: times whose balance is wanted, as "3 d" or as a number in the model's time unit.
    out: a new output directory for document, table and figure; nothing is written without one. force: replace it.
    certify: how the digits are checked; None: as usual.
    """

    scenario: ScenarioRequest | RunResult
    curve: str
    arm: str | None = None
    against: str | None = None
    at: tuple[str | float, ...] = ()
    out: Path | None = None
    force: bool = False
    certify: Certify | None = None


@dataclass(frozen=True)
class ExplainOutput:
    """An explanation and its run.

    changed: the changes that were asked for, in words. folder: where it was written, if it was.
    """

    explanation: Explanation
    result: RunResult
    changed: str = ""
    folder: Path | None = None

    def __str__(self) -> str:
        changed = f"\nChanged in all arms: {self.changed}." if self.changed else ""
        return first(self.unreliable, explanation_text(self.explanation) + changed)

    @property
    def unreliable(self) -> list[str]:
        """A line for each arm whose digits are too few to be relied on."""
        return unreliable_lines([self.result])

    @property
    def document(self) -> dict[str, Any]:
        """See `document_of`; with `unreliable`."""
        return {"unreliable": self.unreliable, **document_of(self.explanation)}


class ContributionRow(NamedTuple):
    """One contributor in one phase, or in the whole run.

    Times are in the model's unit, gain, loss and background in that of the curve; shares are relative to all gain and
    all loss. For gain, loss and background see `Contribution`.
    """

    phase: str
    start: float
    end: float
    contributor: str
    kind: str
    label: str
    gain: float
    loss: float
    gain_share: float
    loss_share: float
    background: float


def explain(request: ExplainRequest, on_note: OnNote = ignore_note) -> ExplainOutput:
    """Simulates the arms that are needed, explains the curve, and writes the explanation if that is asked for.

    A run that failed is explained up to its last time.

    Raises:
        InputError: with everything that is wrong with the scenario or what is asked of it.
        NoStepsError: A run failed before its first step.
        OutputError: The output directory exists already, or cannot be written.
        KeyboardInterrupt: after an interruption from the keyboard; nothing is written then.
    """
    asked, changed = request.scenario, ""
    if isinstance(asked, RunResult):
        scenario, known = asked.scenario, dict(asked.arms)
    else:
        scenario, known = read_with_notes(asked, on_note), {}
        say_engine(on_note)
        changed = asked.in_words(scenario)
    arm = request.arm or _usual_arm(known or [each.name for each in scenario.arms])
    name, at = _checked(request, scenario, arm)
    if request.out is not None:
        check_folder(request.out, request.force)
    arms = [each for each in (arm, request.against) if each is not None]
    with Progress("explanations", 1) as progress:
        result = asked
        if not isinstance(result, RunResult):
            result = experiment.run(
                scenario, request.certify, arms, lambda share: progress.within(RUN_SHARE * share), curves=[name]
            )
            if result.interrupted:
                raise KeyboardInterrupt
        found = experiment_explain.explain(scenario, arm, name, at=at, against=request.against, known=result.arms)
    output = ExplainOutput(found, result, changed, request.out)
    if request.out is not None:
        write(output, request.out, request.force)
    return output


def _usual_arm(arms: Iterable[str]) -> str:
    names = list(arms)
    return MAIN if MAIN in names else names[0]


def _checked(request: ExplainRequest, scenario: Scenario, arm: str) -> tuple[str, list[float]]:
    """The name of the curve, and the times in the model's unit. Raises `InputError` with all faults of the request."""
    faults: list[InputFault] = []
    model, name = scenario.model, scenario.model.find(request.curve, "species", "observables")
    if name is None:
        message = f"{scenario.id}: {model.unknown(request.curve, 'species', 'observables')}"
        if model.find(request.curve, "parameters"):
            message = f"'{request.curve}' is a parameter and has no curve; explain a species or observable"
        faults.append(request_fault(message, f"--of {request.curve}"))
    for option, names in (("--arm", [arm]), ("--against", [request.against] if request.against else [])):
        try:
            chosen_arms(scenario, names, option)
        except InputError as error:
            faults += error.faults
    if request.against == arm:
        faults.append(request_fault("an arm does not differ from itself", f"--against {arm}"))
    at = []
    for time in request.at:
        try:
            at.append(time_of_run(scenario, time))
        except UnitError as error:
            faults.append(request_fault(str(error), f"--at '{time}'"))
    if faults or name is None:
        raise InputError(faults)
    return name, at


def document_of(explanation: Explanation) -> dict[str, Any]:
    """Everything but the curves, ready for JSON: times in the model's unit, amounts in that of the curve."""
    model, name = explanation.scenario.model, explanation.name
    item = model.species.get(name) or model.observables[name]
    loops = [{"species": loop.species, **loop._asdict()} for loop in explanation.loops]
    found = {
        "scenario": explanation.scenario.id,
        "arm": explanation.arm.name,
        "name": name,
        "label": item.label,
        "unit": item.unit_text,
        "time_unit": model.time_unit_text,
        "logarithmic": explanation.log,
        "sentences": sentences(explanation),
        "whole": asdict(explanation.whole),
        "phases": [asdict(phase) for phase in explanation.phases],
        "turning_points": [asdict(turn) for turn in explanation.turning_points],
        "at": [asdict(balance) for balance in explanation.at],
        "loops": loops,
        "loop_legend": {"strength": STRENGTH, "delay": DELAY},
        "error": explanation.error,
    }
    if (against := explanation.against) is not None:
        phases = [_window(window) for window in against.phases]
        found["against"] = {"arm": against.reference, "whole": _window(against.whole), "phases": phases}
    return {key: _plain(value) for key, value in found.items()}


def contribution_rows(explanation: Explanation) -> list[ContributionRow]:
    """The contributions in the whole run and in each phase."""
    windows = [("whole run", explanation.whole), *((str(each.kind), each.balance) for each in explanation.phases)]
    return [
        ContributionRow(
            phase,
            balance.start,
            balance.end,
            part.id,
            str(part.kind),
            part.label,
            part.gain,
            part.loss,
            part.gain / balance.gain if balance.gain else 0.0,
            part.loss / balance.loss if balance.loss else 0.0,
            part.background,
        )
        for phase, balance in windows
        for part in balance.contributions
    ]


def write(output: ExplainOutput, folder: Path, force: bool = False) -> None:
    """Writes document, table and figure into a new `folder`. Raises `OutputError`; nothing of it is left then."""
    from ..views.figures.explain import draw  # matplotlib

    with new_folder(folder, force) as tmp_path:
        _write_table(output.explanation, tmp_path / f"{STEM}.csv")
        _write_json(output.document, tmp_path / f"{STEM}.json")
        draw(output.explanation, tmp_path / STEM)


def _write_json(document: dict[str, Any], path: Path) -> None:
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def _write_table(explanation: Explanation, path: Path) -> None:
    """A row for every point of the dense output: time, value, derivative, and what each contributor adds to the
    derivative; at a jump there are two rows of the same time."""
    flux, model = explanation.flux, explanation.scenario.model
    unit, time = model.unit_text(flux.name), model.time_unit_text
    per = f"{unit}/{time}" if unit != "1" else f"1/{time}"
    names = {
        ContributorKind.SPECIES: "through {}",
        ContributorKind.DOSES: "infusions",
        ContributorKind.TIME: "formulas of time",
    }
    columns = {"derivative": flux.derivative}
    columns |= {
        names.get(each.kind, "{}").format(each.id): each.flux for each in explanation.contributors if each.flux.any()
    }
    rows = np.column_stack([flux.times, flux.values, *columns.values()]).tolist()
    with path.open("w", encoding="utf-8", newline="") as file:
        header = [f"time [{time}]", f"{flux.name} [{unit}]", *(f"{each} [{per}]" for each in columns)]
        csv.writer(file, lineterminator="\n").writerow(header)
        file.writelines(",".join(map(repr, row)) + "\n" for row in rows)


def _window(window: WindowComparison) -> dict[str, Any]:
    return {**asdict(window), "differences": [each._asdict() for each in window.differences]}


def _plain(value: Any) -> Any:
    """Named tuples as dicts, signs as words, and None for numbers that JSON cannot hold."""
    if isinstance(value, Sign):
        return (value.name or "").lower()
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
