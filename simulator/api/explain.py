"""`explain` from Python: why a curve does what it does, as a value that prints, shows and converts itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..experiments.explanation.explain import Explanation
from ..experiments.run import RunResult
from ..experiments.scenario import Scenario
from ..runtime.errors import called_from
from ..runtime.packages import package
from ..tasks import explain as tasks
from ..tasks.answer import warnings_html
from ..views.text.explain import DELAY, STRENGTH, feedback_lines, sentences
from .changes import (
    Settings,
    a_path,
    certify_way,
    folder_or_none,
    is_value,
    scenario_request,
    warn,
    warn_of,
    wrong_type,
)
from .notebook import picture_html

if TYPE_CHECKING:
    from pandas import DataFrame

    from ..views.figures.page import NotebookFigure

Times = str | float | Sequence[str | float]


def explain(
    scenario: str | Path | Scenario,
    curve: str,
    *,
    arm: str | None = None,
    against: str | None = None,
    at: Times = (),
    set: Settings = None,
    knockout: str | Sequence[str] = (),
    block: Mapping[str, str | float] | str | Sequence[str] = (),
    add: str | Sequence[str] = (),
    out: str | Path | None = None,
    force: bool = False,
    certify: bool | str | None = None,
) -> Explained:
    """Simulates a scenario and explains one curve: gain and loss, turning points, feedback loops.

    `Run.explain` does the same for an existing run.

    Args:
        scenario: the path of a file, the name of a bundled scenario, or a `Scenario` that has been read.
        curve: a species or observable.
        arm: by default the main arm.
        against: another arm to compare with.
        at: a time or times whose balance is wanted, as "3 d" or as a number in the model's time unit.
        set, knockout, block, add: changes in all arms, as for `run`.
        out: a new output directory for the figure, the rates as CSV, and everything else as JSON; nothing is written
            without one.
        force: replace the directory if it holds an earlier explanation.
        certify: as in `run`; a warning tells of arms with fewer than three digits.

    Raises:
        InputError: with everything that is wrong with the scenario or what is asked of it.
        NoStepsError: a simulation failed before its first step.
        OutputError: `out` exists or cannot be written.
    """
    with called_from("explain()"):
        asked = scenario_request(scenario, set, knockout, block, add)
        folder = folder_or_none("out", out)
        request = tasks.ExplainRequest(asked, curve, arm, against, times(at), folder, force, certify_way(certify))
        output = tasks.explain(request, warn)
        warn_of(output.unreliable)
        return Explained(output)


def explain_run(result: RunResult, curve: str, arm: str, against: str | None, at: Times = ()) -> Explained:
    """Explains a curve of a run without simulating it again; arguments and errors as for `explain`."""
    with called_from("explain()"):
        return Explained(tasks.explain(tasks.ExplainRequest(result, curve, arm, against, times(at))))


def times(asked: Times) -> tuple[str | float, ...]:
    """One time or many. Raises `InputError` for anything else."""
    found = (asked,) if isinstance(asked, (str, int, float)) else asked
    if isinstance(found, Iterable):
        found = tuple(found)
        if all(map(is_value, found)):
            return found
    raise wrong_type("at", "a time such as '3 d', a number, or a list of them", asked)


class Explained:
    """Why a curve does what it does. It prints itself in sentences, and shows itself in a notebook with its figure.

    explanation: everything that was computed.
    """

    def __init__(self, output: tasks.ExplainOutput) -> None:
        self._output = output
        self.explanation: Explanation = output.explanation

    @property
    def sentences(self) -> list[str]:
        """What happens and why, in order of time."""
        return sentences(self.explanation)

    @property
    def document(self) -> dict[str, Any]:
        """The explanation as the command writes it as JSON."""
        return self._output.document

    def figure(self) -> NotebookFigure:
        """The curve above its gain and loss: a matplotlib figure, which a notebook shows."""
        from ..views.figures.explain import picture  # matplotlib, which the sentences do without

        return picture(self.explanation).figure

    def to_pandas(self) -> DataFrame:
        """Gain and loss by each contributor, for the whole run and for each phase; units in ``attrs["units"]``.

        Columns: phase, start, end, contributor, kind, label, gain, loss, gain_share, loss_share, background. Gain and
        loss are those against the turnover that cancels at rest, which is in `background`. Needs pandas.
        """
        found, model = self.explanation, self.explanation.scenario.model
        frame: DataFrame = package("pandas").DataFrame(
            tasks.contribution_rows(found), columns=list(tasks.ContributionRow._fields)
        )
        unit, time = model.unit_text(found.name), model.time_unit_text
        frame.attrs["title"] = f"{found.name} in {found.scenario.id}, arm {found.arm.name}"
        frame.attrs["units"] = {"start": time, "end": time, "gain": unit, "loss": unit, "background": unit}
        return frame

    def save(self, folder: str | Path, *, force: bool = False) -> Path:
        """Writes what `explain` writes with ``out`` into a new folder, and returns its path.

        force: replace an earlier explanation. Raises `OutputError` if the folder exists or cannot be written.
        """
        with called_from("save()"):
            path = a_path("folder", folder)
            tasks.write(self._output, path, force)
        return path

    def __repr__(self) -> str:
        return str(self._output)

    def _repr_html_(self) -> str:
        found = self.sentences
        parts = [picture_html(self.figure(), " ".join(found)), _list_html(found)]
        if loops := feedback_lines(self.explanation):
            parts += [f"<p>Feedback loops ({escape(STRENGTH)}; {escape(DELAY)}):</p>", _list_html(loops)]
        return warnings_html(self._output.unreliable) + "\n".join(parts)


def _list_html(lines: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"
