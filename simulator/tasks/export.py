"""`export`: an arm of a scenario for other simulators."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ..experiments.periodic import NoPeriodicStateError, has_steady_dose
from ..experiments.scenario import MAIN, Arm, Scenario, chosen_arms
from ..experiments.timetable import TimetableError
from ..files.formats import FORMATS
from ..files.results.folder import check_file, write_text
from ..runtime.errors import InputError, request_fault
from ..runtime.names import unknown_name
from .answer import Answer
from .request import ScenarioRequest


@dataclass(frozen=True)
class ExportRequest:
    """format: of `FORMATS`. out: the file to write, by default SCENARIO.xml or .csv; force: replace it if it exists."""

    scenario: ScenarioRequest
    format: str = "sbml"
    arm: str = MAIN
    out: Path | None = None
    force: bool = False


@dataclass(frozen=True, repr=False)
class Exported(Answer):
    """What was written: an arm of the scenario `scenario`, in a format, as a file.

    decided: why what its rules decided is written in their place; empty where they are written, or there are none.
    """

    scenario: str
    arm: str
    format: str
    file: str
    decided: str = ""

    @property
    def document(self) -> dict[str, Any]:
        """The same, ready for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        decided = f" (with what its rules decided: {self.decided})" if self.decided else ""
        return f"{self.scenario}, arm {self.arm}: {self.file}{decided}"


def export(request: ExportRequest) -> Exported:
    """Writes the file. Raises `InputError` and `OutputError`, and ModuleNotFoundError without the format's package."""
    if request.format not in FORMATS:
        message = unknown_name("no format", request.format, list(FORMATS))
        raise InputError([request_fault(message, f"--to {request.format}")])
    scenario = request.scenario.read()
    (arm,) = chosen_arms(scenario, [request.arm])
    chosen = FORMATS[request.format]
    out = request.out or Path(f"{scenario.id}{chosen.suffix}")
    check_file(out, request.force)
    decided = chosen.decides(scenario, arm.name)
    asked = _as_simulated(scenario, arm) if decided or has_steady_dose(arm) else scenario
    write_text(out, chosen.text(asked, request.arm))
    return Exported(scenario.id, request.arm, request.format, str(out), decided)


def _as_simulated(scenario: Scenario, arm: Arm) -> Scenario:
    """The scenario with what its rules decide in `arm`, and the steady state that this starts in."""
    from ..experiments.solving import as_simulated, system_of

    try:
        own = as_simulated(scenario, arm, system_of(scenario.model))
    except (NoPeriodicStateError, TimetableError) as error:
        raise InputError([request_fault(f"{scenario.id}, arm {arm.name}: {error}")]) from None
    return replace(scenario, arms=tuple([own if each.name == arm.name else each for each in scenario.arms]))
