"""An ODE simulator of immune signalling: macrophages, T cells and B cells driven by IL-1 to IL-4."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api.describe import describe as describe
    from .api.run import Run as Run
    from .api.run import run as run
    from .experiments.run import RunResult as RunResult
    from .experiments.scenario import Scenario as Scenario
    from .files.toml.model_file import read_model as read_model
    from .files.toml.scenario_file import read_scenario as read_scenario
    from .model.model import Model as Model
    from .numerics.trajectory import Trajectory as Trajectory
    from .runtime.errors import InputError as InputError

_HOMES = {
    "Model": "model.model",
    "Scenario": "experiments.scenario",
    "Trajectory": "numerics.trajectory",
    "RunResult": "experiments.run",
    "read_model": "files.toml.model_file",
    "read_scenario": "files.toml.scenario_file",
    "InputError": "runtime.errors",
    "describe": "api.describe",
    "Run": "api.run",
    "run": "api.run",
}
__all__ = list(_HOMES)


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Any:
    """Loads a public name on first use, so that `--help` need not wait for SciPy."""
    if name in _HOMES:
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module 'immunesim' has no public name '{name}'")
