"""An ODE simulator of immune signalling: macrophages, T cells and B cells driven by IL-1 to IL-4.

``import immunesim as sim``; every command of the command line is a function with the same options:

* ``sim.run("il2_therapy")`` simulates a scenario; its `Run` answers, draws, converts and saves.
* ``sim.compare``, ``sim.explain``, ``sim.sweep``: scenarios side by side, why a curve moves, many members.
* ``sim.batch``: a scenario as a function of arrays, for optimisers and samplers.
* ``sim.fit``: values of a scenario estimated from its data.
* ``sim.steady``: where a scenario can rest, and where its rest is lost.
* ``sim.evidence``, ``sim.influence``: expectations against simulations, and what they depend on.
* ``sim.list``, ``sim.show``, ``sim.describe``, ``sim.check``: what there is, and what is wrong with it.
* ``sim.explore``: a page with sliders that simulates a scenario by itself.
* ``sim.lesson``: a page that asks for a prediction before it shows the curve.
* ``sim.slides``: scenarios as one deck for a lecture, PDF or PowerPoint's.
* ``sim.help``: the handbook, by chapter or by word.
* ``sim.export``, ``sim.gallery``, ``sim.replay``: other formats, all scenarios as pages, a run computed again.

Each result prints itself as text and shows itself in a notebook. `InputError` holds everything that is wrong with what
was asked for; `OutputError` is raised for output that cannot be written. ``help(sim.run)`` says more.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036  # this file must parse in old Pythons too
    sys.exit("immunesim needs Python 3.11 or newer; this is Python %d.%d.%d" % sys.version_info[:3])  # noqa: UP031

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api.batch import ScenarioFunction as ScenarioFunction
    from .api.batch import batch as batch
    from .api.compare import compare as compare
    from .api.describe import describe as describe
    from .api.evidence import evidence as evidence
    from .api.evidence import influence as influence
    from .api.explain import explain as explain
    from .api.fit import fit as fit
    from .api.help import help_ as help  # noqa: F401
    from .api.output import explore as explore
    from .api.output import export as export
    from .api.output import gallery as gallery
    from .api.output import lesson as lesson
    from .api.output import replay as replay
    from .api.output import slides as slides
    from .api.run import Run as Run
    from .api.run import run as run
    from .api.scenarios import check as check
    from .api.scenarios import list_ as list  # noqa: F401
    from .api.scenarios import read_model as read_model
    from .api.scenarios import read_scenario as read_scenario
    from .api.scenarios import show as show
    from .api.steady import steady as steady
    from .api.sweep import Ensemble as Ensemble
    from .api.sweep import sweep as sweep
    from .experiments.run import RunResult as RunResult
    from .experiments.scenario import Scenario as Scenario
    from .model.model import Model as Model
    from .numerics.trajectory import Trajectory as Trajectory
    from .runtime.errors import InputError as InputError
    from .runtime.errors import OutputError as OutputError

_HOMES = {  # public name: the module that it is loaded from on first use, so that `--help` need not wait for SciPy
    "run": "api.run",
    "Run": "api.run",
    "compare": "api.compare",
    "sweep": "api.sweep",
    "Ensemble": "api.sweep",
    "batch": "api.batch",
    "ScenarioFunction": "api.batch",
    "fit": "api.fit",
    "steady": "api.steady",
    "evidence": "api.evidence",
    "influence": "api.evidence",
    "list": "api.scenarios",
    "help": "api.help",
    "show": "api.scenarios",
    "describe": "api.describe",
    "explain": "api.explain",
    "check": "api.scenarios",
    "explore": "api.output",
    "export": "api.output",
    "gallery": "api.output",
    "lesson": "api.output",
    "replay": "api.output",
    "slides": "api.output",
    "read_model": "api.scenarios",
    "read_scenario": "api.scenarios",
    "Model": "model.model",
    "Scenario": "experiments.scenario",
    "Trajectory": "numerics.trajectory",
    "RunResult": "experiments.run",
    "InputError": "runtime.errors",
    "OutputError": "runtime.errors",
}
_BUILTIN = ("list", "help")  # which a star import must leave to Python
__all__ = [name for name in _HOMES if name not in _BUILTIN]


def __dir__() -> Any:
    return sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module("." + _HOMES[name], __name__), f"{name}_" if name in _BUILTIN else name)
    raise AttributeError(f"module 'immunesim' has no public name '{name}'")
