"""A fit in words and as tables: the estimates, how well the data tell them, and how well they are met."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from scipy.special import chdtrc

from ....experiments.fitting.courses import Predicted
from ....experiments.fitting.design import Estimate
from ....experiments.fitting.fit import FitResult
from ....experiments.fitting.posterior import ENOUGH, Posterior
from ....experiments.fitting.uncertainty import Untold
from ....experiments.scenario import MAIN, Scenario
from ....runtime.json import json_number
from ..data import data_line
from ..english import counted, listed
from ..numbers import axis_title, interval, number, percent, with_unit
from ..tables import Table

MOST_PAIRS = 12  # of correlations that are listed
NOTED = 0.5  # correlation: those below are not listed


def fit_text(result: FitResult) -> str:
    """The estimates, sentences about them, and one about each data."""
    problem = result.problem
    head = f"{result.scenario.id}: {counted(problem.size, 'value')} fitted to {counted(problem.points, 'point')}"
    if len(problem.data) > 1:
        head += f" of {len(problem.data)} data"
    lines = [head, "", str(estimates_table(result)), ""]
    lines += [*search_lines(result), *left_out_lines(result), *told_lines(result), *goodness_lines(result)]
    return "\n".join([*lines, *(data_line(result.scenario, each) for each in result.compared)])


def prediction_line(scenario: Scenario, predicted: Predicted) -> str:
    """``Predicted, arm double: T_regulatory is 310 cells/uL at 89 d (95 % interval 280 to 350 cells/uL).``"""
    asked = predicted.prediction
    arm = "" if asked.arm == MAIN else f", arm {asked.arm}"
    unit = asked.curve.unit_text
    time = with_unit(asked.time, scenario.model.time_unit_text)
    ends = "the data do not tell all values that it depends on"
    if predicted.low is not None and predicted.high is not None:
        ends = f"95 % interval {interval(predicted.low, predicted.high, unit)}"
    return f"Predicted{arm}: {asked.curve.text} is {with_unit(predicted.value, unit)} at {time} ({ends})."


def estimates_table(result: FitResult) -> Table:
    """A row for each estimate: its value, standard error, 95 % interval, range and the value in the scenario."""
    problem, uncertainty = result.problem, result.uncertainty
    samples = result.bootstrap.ends.tolist() if result.bootstrap is not None else None
    drawn = result.posterior.ends.tolist() if result.posterior is not None else None
    rows = []
    for i, (each, value) in enumerate(zip(problem.fit.estimates, result.values.tolist(), strict=True)):
        axis, (low, high) = each.axis, result.intervals[i]
        error = json_number(uncertainty.errors[i]) if uncertainty is not None else None
        rows.append(
            {
                "name": axis.path,
                "title": axis_title(axis.path, axis.unit_text),
                "label": axis.label,
                "unit": axis.unit_text,
                "estimate": value,
                "standard_error": error,
                "relative_error": f"({percent(abs(error / value))})" if error and value else "",
                "low": low,
                "high": high,
                "interval": _interval(low, high),
                "from": axis.low,
                "to": axis.high,
                "scale": "log" if axis.log else "linear",
                "before": axis.default,
                "bootstrap_low": json_number(samples[0][i]) if samples else None,
                "bootstrap_high": json_number(samples[1][i]) if samples else None,
                "bootstrap": _interval(samples[0][i], samples[1][i]) if samples else "",
                "posterior_low": json_number(drawn[0][i]) if drawn else None,
                "posterior_high": json_number(drawn[1][i]) if drawn else None,
                "posterior": _interval(drawn[0][i], drawn[1][i]) if drawn else "",
                "reason": "at its end" if uncertainty is not None and uncertainty.held[i] else "not told",
            }
        )
    how = "profile" if result.profiles else "standard errors"
    shown: dict[str, tuple[str, ...]] = {"value": ("title",), "estimate": ("estimate",)}
    shown |= {"standard error": ("standard_error", "relative_error"), f"95 % interval ({how})": ("interval",)}
    shown |= {"95 % interval (bootstrap)": ("bootstrap",)} if samples else {}
    shown |= {"95 % interval (posterior)": ("posterior",)} if drawn else {}
    return Table(rows, {**shown, "in the scenario": ("before",)})


def _interval(low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return "not told"
    if low is None or high is None:
        return f"up to {number(high)}" if low is None else f"from {number(low)} on"
    return f"{number(low)} to {number(high)}"


def starts_table(result: FitResult) -> Table:
    """A row for each start: how it ended, the sum of squares there, and both places."""
    rows = []
    for place, each in enumerate(result.starts, 1):
        ends = result.problem.values(each.place[None, :])[0].tolist()
        begins = result.problem.values(each.start[None, :])[0].tolist()
        row: dict[str, Any] = {"start": place, "ended": each.ended, "sum_of_squares": json_number(each.cost)}
        row |= {"steps": each.steps, "reason": each.why}
        row |= {f"{name} at start": value for name, value in zip(result.problem.names, begins, strict=True)}
        row |= dict(zip(result.problem.names, ends, strict=True))
        rows.append(row)
    shown = {"start": ("start",), "ended": ("ended",), "sum of squares": ("sum_of_squares",)}
    return Table(rows, shown | {name: (name,) for name in result.problem.names})


def search_lines(result: FitResult) -> Iterator[str]:
    """How many starts found the same fit, which failed, and whether it was interrupted."""
    tried, failed = len(result.starts), sum(each.ended == "failed" for each in result.starts)
    if tried == 1:
        yield "From one start; others may find a better fit: --starts 20."
    else:
        yield f"{result.reached} of {tried} starts end at the lowest sum of squares that was found."
    if failed:
        why = next((each.why for each in result.starts if each.ended == "failed" and each.why), "")
        yield f"{counted(failed, 'start')} could not be simulated{f': {why}' if why else ''}."
    if result.best.ended == "limit":
        yield "The search ended at its largest number of steps: the fit may be improved by more starts."
    if result.interrupted:
        yield "Interrupted: this is the best so far, and what was to follow is missing."
    if result.bootstrap is not None:
        kept, asked = len(result.bootstrap.values), result.bootstrap.asked
        yield f"Bootstrap: {kept} of {counted(asked, 'sample')}, drawn with the errors of the fit, could be fitted."
    if result.posterior is not None:
        yield from _posterior_lines(result.posterior)


def _posterior_lines(drawn: Posterior) -> Iterator[str]:
    steps, accepted = counted(drawn.steps, "step"), percent(drawn.accepted)
    yield f"Posterior: {drawn.walkers} walkers took {steps} each; {accepted} of the moves were accepted."
    if not drawn.enough:
        unknown = math.isnan(drawn.autocorrelation)
        length = "an unknown number of" if unknown else number(drawn.steps / drawn.autocorrelation, 2)
        yield f"The chain is {length} autocorrelation times long, and {ENOUGH} are needed: take more steps."


def left_out_lines(result: FitResult) -> Iterator[str]:
    """Points that do not count."""
    for name, count in result.left_out.items():
        yield f"{name}: {counted(count, 'point')} without an error, and so without weight in the fit."


def told_lines(result: FitResult) -> Iterator[str]:
    """What these data do not tell, in words, and the correlations of what they do."""
    if result.uncertainty is None:
        why = (
            "it was interrupted before" if result.interrupted else "derivatives at the best fit could not be simulated"
        )
        yield f"No standard errors: {why}."
        return
    for each in result.untold:
        yield untold_words(result, each)
    for profile in result.profiles:
        for side in profile.broken:
            name = result.problem.names[profile.index]
            yield f"{name}: simulations fail {side} its interval, which is open there."
    pairs = correlation_pairs(result)
    if pairs:
        yield f"Correlations: {', '.join(f'{one} and {other} {number(value, 2)}' for one, other, value in pairs)}."


def correlation_pairs(result: FitResult) -> list[tuple[str, str, float]]:
    """Pairs of estimates that are correlated, the strongest first, without those that are not told."""
    uncertainty = result.uncertainty
    if uncertainty is None:
        return []
    known = [i for i in range(result.problem.size) if math.isfinite(uncertainty.errors[i])]
    names = result.problem.names
    pairs = [(names[i], names[j], float(uncertainty.correlations[i, j])) for i in known for j in known if i < j]
    strong = [pair for pair in pairs if abs(pair[2]) >= NOTED]
    return sorted(strong, key=lambda pair: -abs(pair[2]))[:MOST_PAIRS]


def untold_words(result: FitResult, untold: Untold) -> str:
    """One sentence: "k cannot be told from these data: every value from 0.1 to 10 1/h fits about as well."."""
    estimates = [result.problem.fit.estimates[i] for i in untold.values]
    names = [each.axis.path for each in estimates]
    first = estimates[0]
    if untold.kind == "no effect":
        return f"{names[0]} cannot be told from these data: no datum depends on it."
    if untold.kind == "flat":
        return f"{names[0]} cannot be told from these data: every value {_range(first)} fits about as well."
    if untold.kind == "combination":
        return (
            f"{listed(names)} cannot be told from these data, only a combination of them: "
            f"{_together(names, untold.signs)} fits as well. Hold one of them, give a prior, or measure more."
        )
    if untold.kind == "alike":
        size = result.uncertainty.correlations[untold.values] if result.uncertainty is not None else math.nan
        return (
            f"{listed(names)} can hardly be told apart from these data (correlation {number(float(size), 2)}): "
            f"{_together(names, untold.signs)} fits nearly as well."
        )
    end, unit = (first.axis.low, first.axis.high), first.axis.unit_text
    if untold.kind == "at an end":
        side, value, more = ("lower", end[0], "less") if untold.signs[0] < 0 else ("upper", end[1], "more")
        return f"{names[0]} is at the {side} end of its range, {with_unit(value, unit)}: the data ask for {more}."
    if untold.kind == "no lower limit":
        return f"{names[0]} has no lower limit in these data: values down to {with_unit(end[0], unit)} fit as well."
    return f"{names[0]} has no upper limit in these data: values up to {with_unit(end[1], unit)} fit as well."


def _range(estimate: Estimate) -> str:
    return f"from {number(estimate.axis.low)} to {with_unit(estimate.axis.high, estimate.axis.unit_text)}"


def _together(names: list[str], signs: tuple[int, ...]) -> str:
    """``a higher A with a lower B``."""
    parts = [f"a {'higher' if sign > 0 else 'lower'} {name}" for name, sign in zip(names, signs, strict=True)]
    return f"{parts[0]} with {listed(parts[1:])}"


def goodness(result: FitResult) -> dict[str, float | int | None]:
    """The sum of squares with its degrees of freedom and chance, the likelihood, AIC and BIC."""
    problem, spare = result.problem, result.problem.spare
    known = all(each.says_errors for each in problem.data)
    chance = float(chdtrc(spare, result.best.cost)) if known and spare > 0 else None
    return {
        "sum_of_squares": json_number(result.best.cost),
        "points": problem.points,
        "degrees_of_freedom": spare,
        "chance_of_a_worse_fit": chance,
        "minus_2_log_likelihood": json_number(result.likelihood),
        "aic": json_number(result.aic),
        "bic": json_number(result.bic),
    }


def goodness_lines(result: FitResult) -> Iterator[str]:
    """How well the data are met on the whole."""
    found = goodness(result)
    chance, spare = found["chance_of_a_worse_fit"], found["degrees_of_freedom"]
    text = f"Sum of squared residuals, in errors: {number(found['sum_of_squares'])} for {spare} degrees of freedom"
    if chance is not None:
        text += f"; a true model would be met worse in {percent(chance)} of experiments"
        if chance < 0.01:
            text += ": the model does not describe these data, or their errors are larger"
    yield f"{text}. AIC {number(found['aic'], 4)}, BIC {number(found['bic'], 4)}."
