"""Feedback loops of a causal graph: the shortest first, each with its sign."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import reduce
from typing import NamedTuple

from .graph import Influence
from .signs import BOTH, UP, chained

LONGEST = 6  # influences in a loop: a longer one says little to a reader


class Loop(NamedTuple):
    """Names in the order in which they act, the last on the first. UP reinforces a change, DOWN damps it."""

    names: tuple[str, ...]
    sign: int

    @property
    def steps(self) -> list[tuple[str, str]]:
        """(source, target) of each influence."""
        return list(zip(self.names, (*self.names[1:], self.names[0]), strict=True))


def loops(
    influences: Iterable[Influence],
    through: str | None = None,
    most: int = 6,
    keep: Callable[[Loop], bool] = lambda loop: True,
) -> list[Loop]:
    """The `most` shortest loops of two or more names, or those through one name; among loops of one length those
    first that share least with others. What only goes to and fro between two places is no feedback.

    keep: says which loops are of interest.
    """
    influences = list(influences)
    moved = {(each.source, each.target) for each in influences if each.moved}
    signs = {(each.source, each.target): each.sign for each in influences if each.source != each.target}
    graph: dict[str, list[str]] = {}
    for source, target in signs:
        graph.setdefault(source, []).append(target)
    starts = [through] if through is not None else list(graph)
    found: dict[frozenset[tuple[str, str]], Loop] = {}
    for length in range(2, LONGEST + 1):
        for start in starts:
            for names in _cycles(graph, start, length):
                loop = Loop(names, reduce(chained, [signs[step] for step in Loop(names, UP).steps], UP))
                if keep(loop) and not moved.issuperset(loop.steps):
                    found.setdefault(frozenset(loop.steps), loop)
        if len(found) >= most:
            break
    return _varied(list(found.values()), most)


def _cycles(graph: Mapping[str, list[str]], start: str, length: int) -> Iterator[tuple[str, ...]]:
    """Simple cycles of `length` influences from `start` back to it."""
    away = _distances(graph, start, length)
    trail = [start]

    def walk() -> Iterator[tuple[str, ...]]:
        left = length - len(trail)
        for name in graph.get(trail[-1], ()):
            if name == start and left == 0:
                yield tuple(trail)
            elif left > 0 and name not in trail and away.get(name, length) <= left:
                trail.append(name)
                yield from walk()
                trail.pop()

    yield from walk()


def _distances(graph: Mapping[str, list[str]], end: str, longest: int) -> dict[str, int]:
    """Influences from each name to `end`, of those within `longest`."""
    back: dict[str, list[str]] = {}
    for source, targets in graph.items():
        for target in targets:
            back.setdefault(target, []).append(source)
    found, edge = {end: 0}, [end]
    for distance in range(1, longest):
        edge = list(dict.fromkeys(each for name in edge for each in back.get(name, ()) if each not in found))
        found.update(dict.fromkeys(edge, distance))
    return found


def _varied(loops: list[Loop], most: int) -> list[Loop]:
    """`most` of the loops: those of one sign first, of those the shortest, of those the ones with names seen least."""
    chosen: list[Loop] = []
    seen: dict[str, int] = {}
    rest = list(loops)
    while rest and len(chosen) < most:
        best = min(
            rest, key=lambda loop: (loop.sign == BOTH, len(loop.names), sum(seen.get(name, 0) for name in loop.names))
        )
        rest.remove(best)
        chosen.append(best)
        for name in best.names:
            seen[name] = seen.get(name, 0) + 1
    return chosen
