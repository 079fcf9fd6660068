"""The scenarios, models and populations that are part of the package, by name."""

from __future__ import annotations

import datetime
import functools
from pathlib import Path
from typing import NamedTuple

from ...runtime.errors import InputError
from .source import TomlSource

_PACKAGE = Path(__file__).resolve().parents[2]
BIOLOGY = _PACKAGE / "biology"
_TOPICS = _PACKAGE / "handbook" / "topics.toml"
_CHECKOUT, _INSTALLED = _PACKAGE.parent / "scenarios", _PACKAGE / "scenarios"  # a wheel has them in the package


def builtin_models() -> dict[str, Path]:
    """The files of the models that are part of the package, by name."""
    paths = [BIOLOGY / "immune.toml", BIOLOGY / "core.toml", *sorted((BIOLOGY / "published").glob("*.toml"))]
    return {path.stem: path for path in paths}


def builtin_scenarios() -> dict[str, Path]:
    """The files of the scenarios that are part of the package, by name."""
    folder = _CHECKOUT if _CHECKOUT.is_dir() else _INSTALLED
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def builtin_lessons() -> dict[str, Path]:
    """The files of the lessons that are part of the package, by name, in the order in which they can be taught."""
    folder = _CHECKOUT if _CHECKOUT.is_dir() else _INSTALLED
    found = {path.stem: path for path in sorted((folder / "lessons").glob("*.toml"))}
    first = [name for name in TomlSource(_TOPICS).data["lessons"] if name in found]
    return {name: found[name] for name in dict.fromkeys([*first, *found])}


def builtin_populations() -> dict[str, Path]:
    """The files of the populations that are part of the package, by name."""
    return {path.stem: path for path in sorted((BIOLOGY / "populations").glob("*.toml"))}


@functools.cache
def evidence_terms() -> dict[str, dict[str, str]]:
    """The terms that expectations may use, by kind (`rules`, `topics`, `claims`), each with its meaning."""
    return TomlSource(BIOLOGY / "claims.toml").data


class Topic(NamedTuple):
    """Scenarios that are taught together, in their order; says: what they show."""

    title: str
    says: str
    scenarios: tuple[str, ...]


@functools.cache
def topics() -> list[Topic]:
    """The topics of the bundled scenarios, in the order in which they can be taught."""
    found = TomlSource(_TOPICS).data["topic"]
    return [Topic(each["title"], each["says"], tuple(each["scenarios"])) for each in found]


class BlindTest(NamedTuple):
    """How many facts or probes that nobody had shown to the model it met, with its version then."""

    of_what: str
    met: int
    of: int
    date: datetime.date
    version: str


def blind_tests() -> list[BlindTest]:
    """The tests of the model against what nobody had shown to it."""
    return [BlindTest(**test) for test in TomlSource(BIOLOGY / "claims.toml").data["blind_tests"]]


def catalogue() -> dict[str, list[dict[str, str]]]:
    """Name and title of every built-in scenario, model and population, and the topic and question of each scenario."""
    paths, topic_of = builtin_scenarios(), {name: topic.title for topic in topics() for name in topic.scenarios}
    order = dict.fromkeys([*(name for name in topic_of if name in paths), *paths])
    return {
        "scenarios": [{"topic": topic_of.get(name, ""), **_entry(name, paths[name])} for name in order],
        "models": [_entry(name, path) for name, path in builtin_models().items()],
        "populations": [_entry(name, path) for name, path in builtin_populations().items()],
    }


def _entry(name: str, path: Path) -> dict[str, str]:
    """Name, title and question of a file, or what is wrong with it: one broken file does not hide the others."""
    try:
        found = TomlSource(path).data
    except InputError as error:
        return {"name": name, "title": f"({error.faults[0].message})"}
    return {"name": name, **{key: str(found[key]) for key in ("title", "question") if key in found}}
