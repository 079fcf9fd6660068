"""Feedback loops of a causal graph, the shortest first, each with its sign."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from typing import NamedTuple

from .cycles import LONGEST, cycles
from .graph import CausalEdge
from .sign import Sign, chained


class FeedbackLoop(NamedTuple):
    """Names in the order in which they act, the last on the first. sign: RAISES amplifies, LOWERS damps."""

    names: tuple[str, ...]
    sign: Sign

    @property
    def steps(self) -> list[tuple[str, str]]:
        """(source, target) of each edge."""
        return list(zip(self.names, (*self.names[1:], self.names[0]), strict=True))


def feedback_loops(
    edges: Iterable[CausalEdge],
    through: str | None = None,
    most: int = 6,
    keep: Callable[[FeedbackLoop], bool] = lambda loop: True,
) -> list[FeedbackLoop]:
    """The shortest feedback loops of two or more names; among loops of one length, the most varied ones first.

    Material that only moves to and fro between two places is not feedback, and is left out.

    Args:
        edges: The edges of the graph.
        through: Only loops through this name.
        most: How many loops at most.
        keep: Says which loops are of interest.
    """
    edges = list(edges)
    moved = {(each.source, each.target) for each in edges if each.moved}
    signs = {(each.source, each.target): each.sign for each in edges if each.source != each.target}
    graph: dict[str, dict[str, float]] = {}
    for source, target in signs:
        graph.setdefault(source, {})[target] = 1.0
    starts = [through] if through is not None else list(graph)
    found: dict[frozenset[tuple[str, str]], FeedbackLoop] = {}
    for length in range(2, LONGEST + 1):
        for start in starts:
            for names in cycles(graph, start, length, length):
                loop = FeedbackLoop(names, Sign.RAISES)
                loop = loop._replace(sign=reduce(chained, (signs[step] for step in loop.steps), Sign.RAISES))
                if keep(loop) and not moved.issuperset(loop.steps):
                    found.setdefault(frozenset(loop.steps), loop)
        if len(found) >= most:
            break
    return _most_varied(list(found.values()), most)


def _most_varied(loops: list[FeedbackLoop], most: int) -> list[FeedbackLoop]:
    """`most` of the loops, by: a known sign first, then the shortest, then the names that occur least so far."""
    chosen: list[FeedbackLoop] = []
    seen: dict[str, int] = {}
    rest = list(loops)
    while rest and len(chosen) < most:
        best = min(
            rest,
            key=lambda loop: (loop.sign == Sign.EITHER, len(loop.names), sum(seen.get(name, 0) for name in loop.names)),
        )
        rest.remove(best)
        chosen.append(best)
        for name in best.names:
            seen[name] = seen.get(name, 0) + 1
    return chosen
