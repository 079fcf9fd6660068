"""`describe` from Python: what a model says, as a value that prints and shows itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..model.model import Model
from ..runtime.errors import called_from
from ..tasks import describe as tasks
from ..views.text.causal_graph import graph_view
from ..views.text.commands.describe import subject

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def describe(
    name: str | None = None,
    *,
    model: str | Path | Model = "immune",
    assumed: bool = False,
    wiring: str | Path | Sequence[str | Path] = (),
    steps: int = 1,
    force: bool = False,
) -> Described:
    """What a model says about a name in it, or about itself.

    Args:
        name: A species, parameter, reaction, observable, module, intervention or source, or a part of labels; the
            name of a bundled model; None for the model itself.
        model: The name of a bundled model, the path of a file, or a `Model`.
        assumed: List the parameters that are assumptions, and the expectations that each can break.
        wiring: Files ending in .svg or .png for the causal graph, which goes `steps` influences away from the name.
        force: Replace these files if they exist.

    Raises:
        InputError: There is no such model, nothing in it is called `name`, or what it is cannot be drawn.
        OutputError: A file exists or cannot be written.
        ModuleNotFoundError: pygraphviz, which lays out the graph, is not installed.
    """
    with called_from("describe()"):
        files = [wiring] if isinstance(wiring, (str, Path)) else wiring
        request = tasks.DescribeRequest(name, model, assumed, tuple(map(Path, files)), steps, force)
        return Described(tasks.describe(request))


class Described:
    """A description. It prints itself as text, and shows itself in a notebook as a table.

    facts: the same for programs: a dict by key, or a list of dicts where assumptions were asked for.
    """

    def __init__(self, description: tasks.Description) -> None:
        self._model = description.model
        self._text = description.text
        self.facts: Any = description.facts

    def figure(self, steps: int = 1) -> Figure:
        """The causal graph around the name, `steps` influences far, or of the module or model.

        Raises `InputError` for anything else, and ModuleNotFoundError without pygraphviz.
        """
        from ..views.figures.causal_graph import draw  # matplotlib, which a description does without

        with called_from("figure()"):
            facts = self.facts if isinstance(self.facts, dict) else {"assumed parameters": self.facts}
            return draw(graph_view(self._model, subject(facts), steps))

    def __repr__(self) -> str:
        return self._text

    def _repr_html_(self) -> str:
        return "".join(_html(self.facts))


def _html(value: Any) -> Iterator[str]:
    """Facts as nested tables."""
    if isinstance(value, Mapping):
        yield "<table>"
        for key, inner in value.items():
            if inner not in ("", {}, []):
                yield f'<tr><th style="text-align:left;vertical-align:top">{escape(str(key))}</th><td>'
                yield from _html(inner)
                yield "</td></tr>"
        yield "</table>"
    elif isinstance(value, list) and any(isinstance(each, Mapping) for each in value):
        for each in value:
            yield from _html(each)
    else:
        yield escape(", ".join(map(str, value)) if isinstance(value, list) else str(value))
