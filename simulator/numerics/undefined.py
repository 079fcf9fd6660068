"""Why an observable is not a finite number at some time: ``0/0``, ``log(0)``."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from .graph import Graph
from .system import System
from .tape import Tape

_IN_WORDS = {"div": "{:.3g}/{:.3g}", "log": "log({:.3g})", "exp": "exp({:.3g})", "power": "{:.3g} to the power {:.3g}"}


def why_not_finite(system: System, name: str, values: Mapping[str, float]) -> str:
    """The first operation in the formula of an observable that gives no finite number, with what it reads.

    values: of time and of the species and parameters that it reads. Empty if all is finite.
    """
    return cause(system.graph, system.names[name], values)


def cause(graph: Graph, node: int, values: Mapping[str, float]) -> str:
    """As `why_not_finite`, for any node."""
    needed = graph.needed([node])
    found = dict(zip(needed, Tape(graph, needed).evaluate(values)[:, 0].tolist(), strict=True))
    if math.isfinite(found[node]):
        return ""
    while bad := [arg for arg in graph.nodes[node].args if not math.isfinite(found[arg])]:
        node = next((arg for arg in bad if math.isnan(found[arg])), bad[0])
    return _in_words(graph, node, found)


def _in_words(graph: Graph, node: int, values: Mapping[int, float]) -> str:
    op, args = graph.nodes[node].op, [values[arg] for arg in graph.nodes[node].args]
    if op in _IN_WORDS and np.isfinite(args).all():
        return _IN_WORDS[op].format(*args)
    return "infinite" if math.isinf(values[node]) else "not a number"
