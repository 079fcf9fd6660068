"""``report.html``: a run as one file that can be sent by e-mail and needs no network."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...experiments.certificate import rounded_down
from ...experiments.clock import clock_of
from ...experiments.run import RunResult
from ..text.answers import spoken_answer
from ..text.reliability import unreliable_lines
from ..text.verdicts import verdict_counts
from .curves import chart_data, charts, drawn_arms, marks, strokes
from .equations import blocks
from .html import render
from .story import story
from .tables import cited, expectations, measured, names_of_interest, settings

REPORT = "report.html"


def write_report(
    result: RunResult, summary: Mapping[str, Any], scenario_text: str, folder: Path, figures: bool
) -> Path:
    """Writes the page into `folder` and returns its path.

    summary: as `results.summary` makes it. scenario_text: the resolved scenario as TOML.
    """
    path = folder / REPORT
    path.write_text(report(result, summary, scenario_text, figures), encoding="utf-8")
    return path


def report(result: RunResult, summary: Mapping[str, Any], scenario_text: str, figures: bool) -> str:
    """The page as HTML; see `write_report`."""
    scenario = result.scenario
    drawn, arms = charts(result), drawn_arms(result)
    return render(
        "run.html.jinja",
        scenario=scenario,
        model=scenario.model,
        summary=summary,
        arms=list(result.arms.values()),
        drawn=arms,
        clock=clock_of(scenario),
        answer=spoken_answer(result),
        story=story(result),
        warnings=unreliable_lines([result]),
        rounded_down=rounded_down,
        verdicts=verdict_counts(result.verdicts),
        first=_first(result, summary["run"]) if figures else None,
        images=_images(result, summary["run"]) if figures else [],
        charts=drawn,
        marks=marks(result),
        strokes=strokes(len(arms)),
        data=chart_data(result, drawn),
        expectations=expectations(result),
        measured=measured(result),
        settings=settings(result),
        blocks=blocks(scenario.model.as_written or scenario.model, names_of_interest(scenario, result.arms)),
        sources=_sources(result),
        command=shlex.join(["immunesim", *summary["command"]]),
        scenario_text=scenario_text,
    )


def _first(result: RunResult, run: str) -> Any:
    from .figures import first_image

    return first_image(result, run)


def _images(result: RunResult, run: str) -> list[Any]:
    from .figures import images

    return list(images(result, run))


def _sources(result: RunResult) -> list[Any]:
    """The publications cited by expectations, data and changed parameters, each once."""
    scenario, arms = result.scenario, [arm.arm for arm in result.arms.values()]
    model = scenario.model
    texts = [verdict.expectation.source for verdict in result.verdicts]
    texts += [model.parameters[name].source for name in dict.fromkeys(name for arm in arms for name in arm.parameters)]
    texts += [each.data.source for each in result.data]
    keys = dict.fromkeys(each.text.split(",")[0].strip() for text in texts for each in cited(scenario, text))
    return [cited(scenario, key)[0] for key in sorted(keys) if scenario.source(key) is not None]
