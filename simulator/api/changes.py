"""What the functions for Python share: changes of a scenario in forms that are easy to type, and warnings."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..experiments.scenario import Scenario
from ..tasks.request import ScenarioRequest


def scenario_request(
    scenario: str | Path | Scenario,
    set: Mapping[str, str | float] | None = None,
    knockout: str | Sequence[str] = (),
    block: Mapping[str, str | float] | str | Sequence[str] = (),
    add: str | Sequence[str] = (),
) -> ScenarioRequest:
    """A scenario and its changes; a number is taken as text, and a single text as a list of one."""
    settings = {name: str(value) for name, value in (set or {}).items()}
    return ScenarioRequest(scenario, settings, several(knockout), _shares(block), several(add))


def warn(note: str) -> None:
    """Warns of `note` at the line of the user's code that called this package."""
    package, level, frame = __name__.partition(".")[0], 1, sys._getframe()
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).partition(".")[0] == package:
        frame, level = frame.f_back, level + 1
    warnings.warn(note, stacklevel=level)


def several(words: str | Sequence[str] | None) -> tuple[str, ...]:
    """One word or many, each once."""
    return (words,) if isinstance(words, str) else tuple(dict.fromkeys(words or ()))


def _shares(block: Mapping[str, str | float] | str | Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Names and shares, of a mapping or of texts such as "IL1 90%"."""
    if isinstance(block, Mapping):
        return tuple((name, str(share)) for name, share in block.items())
    return tuple((name, share.strip()) for name, _, share in (text.strip().partition(" ") for text in several(block)))
