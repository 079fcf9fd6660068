"""The sweeps of a gallery: computed after its scenarios, on all cores, each with a page of its figures."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from ..experiments.scenario import Scenario
from ..files.results.sweep_identity import sweep_name
from ..files.toml.scenario_file import read_scenario
from ..runtime.errors import InputError
from ..views.text.english import counted
from .request import ScenarioRequest
from .sweep import SweepOutput, report_of, sweep
from .sweep_request import SweepRequest

MOST_MEMBERS = 5000  # of a sweep in a gallery; a larger one is only named
SWEEPS = "sweeps"  # the folder of their pages in a gallery


class SweepCard(NamedTuple):
    """A sweep in a gallery.

    members: in words, such as "625 members". page: with its figures, of which `picture` is the first, both from the
    folder of the gallery; text: that figure in words. reason: why it was not computed.
    """

    members: str
    page: str = ""
    picture: str = ""
    text: str = ""
    reason: str = ""


class _Figure(NamedTuple):
    """A file next to the page, and what it shows in words."""

    file: str
    text: str


def gallery_sweep(path: Path, name: str, gallery: Path, stop: Callable[[], bool]) -> SweepCard | None:
    """Computes the sweep of a scenario file, if it has one, and writes its page into the folder `gallery`.

    name: what the gallery calls the scenario.

    Whatever goes wrong is a reason on the card: the other scenarios go on.
    """
    try:
        scenario = read_scenario(path)
    except InputError:  # which its card says already
        return None
    if scenario.sweep is None:
        return None
    count = scenario.sweep.design.count
    members = counted(count, "member")
    if count > MOST_MEMBERS:
        return SweepCard(members, reason=f"more than {MOST_MEMBERS:,}; the command `sweep {path.stem}` computes them")
    try:
        output = sweep(SweepRequest(ScenarioRequest(scenario)), stop=stop)
        if output.outcome.missing:
            return SweepCard(members, reason="the gallery was stopped before it")
        figures = _drawn(scenario, output, gallery / SWEEPS, name)
    except Exception as error:
        return SweepCard(members, reason=f"{type(error).__name__}: {error}")
    if not figures:
        return SweepCard(members, reason="it has no figures")
    text = report_of(output.outcome, ("sweep", path.stem), home=name)
    (gallery / SWEEPS / f"{name}.html").write_text(text, encoding="utf-8")
    return SweepCard(members, f"{SWEEPS}/{name}.html", f"{SWEEPS}/{figures[0].file}", figures[0].text)


def _drawn(scenario: Scenario, output: SweepOutput, folder: Path, name: str) -> list[_Figure]:
    from ..views.figures.run import save  # matplotlib
    from ..views.figures.sweep.pictures import pictures

    folder.mkdir(exist_ok=True)
    found = []
    for number, picture in enumerate(islice(pictures(output.outcome.result), 1), 1):  # for the card; its page has all
        stem = folder / f"{name}_{number:02d}"
        save(picture.figure, stem, scenario.title, picture.text, sweep_name(scenario), ("png",))
        found.append(_Figure(f"{stem.name}.png", picture.text))
    return found
