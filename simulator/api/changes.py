"""What the functions for Python share: arguments in forms that are easy to type, their types, and warnings."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterable, Mapping, Sequence, Set
from numbers import Real
from pathlib import Path
from reprlib import repr as short_repr
from typing import Any

from ..experiments.scenario import Scenario
from ..experiments.solving import Certify
from ..runtime.errors import InputError, request_fault
from ..tasks.request import ScenarioRequest, each_once

Settings = Mapping[str, str | float] | str | Sequence[str] | None


def scenario_request(
    scenario: str | Path | Scenario,
    set: Settings = None,
    knockout: str | Sequence[str] = (),
    block: Mapping[str, str | float] | str | Sequence[str] = (),
    add: str | Sequence[str] = (),
) -> ScenarioRequest:
    """A scenario and its changes; a number is taken as text, and a single text as a list of one.

    Raises `InputError` for an argument of the wrong type, and for a name that is set twice.
    """
    if not isinstance(scenario, (str, os.PathLike, Scenario)):
        raise wrong_type("scenario", "a file, the name of a scenario, or a Scenario", scenario)
    settings = each_once(_pairs("set", set, "=", "'NAME=VALUE'"))
    blocks = tuple(_pairs("block", block, " ", "a name and a share such as 'IL1 90%'"))
    return ScenarioRequest(scenario, settings, several("knockout", knockout), blocks, _texts("add", add))


def wrong_type(argument: str, expected: str, found: object) -> InputError:
    """The error to raise where an argument is `found` and not what is `expected`."""
    return InputError([request_fault(f"{argument}: expected {expected}, found {short_repr(found)}")])


def warn(note: str) -> None:
    """Warns of `note` at the line of the user's code that called this package."""
    package, level, frame = __name__.partition(".")[0], 1, sys._getframe()
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).partition(".")[0] == package:
        frame, level = frame.f_back, level + 1
    warnings.warn(note, stacklevel=level)


def warn_of(lines: Sequence[str]) -> None:
    """One warning of all `lines`, if there are any: see `warn`."""
    if lines:
        warn("; ".join(lines))


def certify_way(given: object) -> Certify | None:
    """True, False, "independent" or None as the way to check digits. Raises `InputError` for anything else."""
    ways: dict[object, Certify | None] = {
        None: None,
        True: Certify.AGAIN,
        False: Certify.OFF,
        "independent": Certify.INDEPENDENT,
    }
    if not isinstance(given, (bool, str, type(None))) or given not in ways:
        raise wrong_type("certify", 'True, False, "independent" or None', given)
    return ways[given]


def several(argument: str, words: object) -> tuple[str, ...]:
    """One word or many, each once. Raises `InputError` for anything else."""
    return tuple(dict.fromkeys(_texts(argument, words)))


def _texts(argument: str, words: object) -> tuple[str, ...]:
    """One text or many, as often as they are given: a dose that stands twice is two doses. Raises `InputError` for
    anything else."""
    found = (words,) if isinstance(words, str) else () if words is None else words
    if isinstance(found, Iterable) and is_list(found):
        found = tuple(found)
        if all(isinstance(word, str) for word in found):
            return found
    raise wrong_type(argument, "a text or a list of texts", words)


def files(
    given: Sequence[object], argument: str = "scenarios", expected: str = "files, or names of scenarios"
) -> tuple[str | Path, ...]:
    """Files and names, each an argument of its own or all in one list. Raises `InputError` for anything else."""
    found: list[str | Path] = []
    for each in flat(given):
        if not isinstance(each, (str, Path)):
            raise wrong_type(argument, expected, each)
        found.append(each)
    return tuple(found)


def folder_or_none(argument: str, given: object) -> Path | None:
    """A path, or None where none is given. Raises `InputError` for anything else."""
    if given is None or given == "":
        return None
    return a_path(argument, given)


def a_path(argument: str, given: object) -> Path:
    """A path that must be given. Raises `InputError` for anything else."""
    if not isinstance(given, (str, os.PathLike)):
        raise wrong_type(argument, "a path", given)
    return Path(given)


def flat(scenarios: Sequence[Any]) -> list[Any]:
    """Arguments, with the items of those that are lists."""
    return [item for each in scenarios for item in (each if isinstance(each, (list, tuple)) else [each])]


def is_list(given: object) -> bool:
    """False of a dict, which as a list would lose its values, and of a set, which has no order."""
    return not isinstance(given, (Mapping, Set))


def is_value(value: object) -> bool:
    """Whether `value` is a text or a number."""
    return isinstance(value, (str, Real)) and not isinstance(value, bool)


def _pairs(argument: str, given: object, sign: str, expected: str) -> Iterable[tuple[str, str]]:
    """Names and values, of a mapping or of texts with `sign` between the two."""
    if isinstance(given, Mapping):
        for name, value in given.items():
            if not isinstance(name, str) or not is_value(value):
                raise wrong_type(argument, "names with texts or numbers", given)
            yield name, str(value)
        return
    for text in _texts(argument, given):
        name, _, value = text.strip().partition(sign)
        if not value.strip():
            raise wrong_type(argument, expected, text)
        yield name.strip(), value.strip()
