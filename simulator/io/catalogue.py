"""What comes with the simulator: scenarios and models, by name."""

from __future__ import annotations

from pathlib import Path

from .toml_source import FileError, TomlSource

_PACKAGE = Path(__file__).resolve().parent.parent
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


def catalogue() -> dict[str, list[dict[str, str]]]:
    """Name and title of every scenario and model."""
    files = {"scenarios": builtin_scenarios(), "models": builtin_models()}
    return {
        kind: [{"name": name, "title": _title(path)} for name, path in paths.items()] for kind, paths in files.items()
    }


def _title(path: Path) -> str:
    """Its title, or what is wrong with it: one broken file does not hide the others."""
    try:
        return str(TomlSource(path).data.get("title", ""))
    except FileError as error:
        return f"({error.faults[0].message})"
