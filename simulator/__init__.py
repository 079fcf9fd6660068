"""An ODE simulator of immune signalling: macrophages, T cells and B cells driven by IL-1 to IL-4."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .experiments.run import RunResult as RunResult
    from .experiments.scenario import Scenario as Scenario
    from .io.model_file import read_model as read_model
    from .io.scenario_file import read_scenario as read_scenario
    from .io.toml_source import FileError as FileError
    from .library import Run as Run
    from .library import run as run
    from .model.model import Model as Model
    from .numerics.trajectory import Trajectory as Trajectory

_HOMES = {
    "Model": "model.model",
    "Scenario": "experiments.scenario",
    "Trajectory": "numerics.trajectory",
    "RunResult": "experiments.run",
    "read_model": "io.model_file",
    "read_scenario": "io.scenario_file",
    "FileError": "io.toml_source",
    "Run": "library",
    "run": "library",
}
__all__ = list(_HOMES)


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Any:
    """Loads a public name on first use, so that `--help` need not wait for SciPy."""
    if name in _HOMES:
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module 'simulator' has no public name '{name}'")
