"""What comes with the simulator: scenarios and models, by name."""

from __future__ import annotations

import functools
from pathlib import Path

from ...runtime.errors import InputError
from .source import TomlSource

_PACKAGE = Path(__file__).resolve().parents[2]
BIOLOGY = _PACKAGE / "biology"
_CHECKOUT, _INSTALLED = _PACKAGE.parent / "scenarios", _PACKAGE / "scenarios"  # a wheel carries them inside


def builtin_models() -> dict[str, Path]:
    """The models that travel with the package."""
    paths = [BIOLOGY / "immune.toml", *sorted((BIOLOGY / "published").glob("*.toml"))]
    return {path.stem: path for path in paths}


def builtin_scenarios() -> dict[str, Path]:
    """The scenarios that come with the simulator."""
    folder = _CHECKOUT if _CHECKOUT.is_dir() else _INSTALLED
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


@functools.cache
def evidence_words() -> dict[str, dict[str, str]]:
    """What expectations may be sorted by: `rules`, `topics` and `claims`, each word with its meaning."""
    return TomlSource(BIOLOGY / "claims.toml").data


def catalogue() -> dict[str, list[dict[str, str]]]:
    """Name and title of every scenario and model, and the question that a scenario asks."""
    files = {"scenarios": builtin_scenarios(), "models": builtin_models()}
    return {kind: [_entry(name, path) for name, path in paths.items()] for kind, paths in files.items()}


def _entry(name: str, path: Path) -> dict[str, str]:
    """What a file says of itself, or what is wrong with it: one broken file does not hide the others."""
    try:
        found = TomlSource(path).data
    except InputError as error:
        return {"name": name, "title": f"({error.faults[0].message})"}
    return {"name": name, **{key: str(found[key]) for key in ("title", "question") if key in found}}
