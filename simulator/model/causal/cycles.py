"""The one search for cycles, which every search for feedback loops uses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

LONGEST = 6  # steps in a feedback loop: a longer one says little to a reader


def cycles(
    graph: Mapping[str, Mapping[str, float]],
    start: str,
    shortest: int = 2,
    longest: int = LONGEST,
    weakest: float = 0.0,
) -> Iterator[tuple[str, ...]]:
    """All simple cycles through `start`, depth first: the names in the order of the steps, `start` first.

    Args:
        graph: For each name the names that one step leads to, each with the gain of that step.
        start: The name that every cycle begins and ends with.
        shortest: Fewest steps of a cycle.
        longest: Most steps of a cycle.
        weakest: A path is given up where the product of its gains falls below this.
    """
    away = _distances(graph, start, longest)
    path = [start]

    def walk(gain: float) -> Iterator[tuple[str, ...]]:
        for name, step in graph.get(path[-1], {}).items():
            if gain * step < weakest:
                continue
            if name == start:
                if len(path) >= shortest:
                    yield tuple(path)
            elif name not in path and len(path) + away.get(name, longest) <= longest:
                path.append(name)
                yield from walk(gain * step)
                path.pop()

    yield from walk(1.0)


def _distances(graph: Mapping[str, Mapping[str, float]], end: str, longest: int) -> dict[str, int]:
    """Fewest steps from each name to `end`, of the names less than `longest` steps away."""
    backwards: dict[str, list[str]] = {}
    for source, targets in graph.items():
        for target in targets:
            backwards.setdefault(target, []).append(source)
    found, layer = {end: 0}, [end]
    for distance in range(1, longest):
        layer = list(dict.fromkeys(each for name in layer for each in backwards.get(name, ()) if each not in found))
        found.update(dict.fromkeys(layer, distance))
    return found
