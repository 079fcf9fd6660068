"""Where boxes and arrows go: Graphviz's `dot`, in the process, given only the sizes; it renders no text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ...runtime.packages import package

POINTS = 72.0  # in an inch
LEAVES = 5  # that may stand side by side
Point = tuple[float, float]
# room for a title: a table without text, since a text would need fonts, and Fontconfig to complain about them
_ROOM = '<<table border="0" cellborder="0" fixedsize="true" width="{}" height="{}"><tr><td></td></tr></table>>'


class Box(NamedTuple):
    """A rectangle; its sides in inches from the left and from the bottom."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def middle(self) -> Point:
        """The centre."""
        return (self.left + self.right) / 2, (self.bottom + self.top) / 2

    def meets(self, other: Box) -> bool:
        """Whether two boxes overlap."""
        return (
            self.left < other.right and other.left < self.right and self.bottom < other.top and other.bottom < self.top
        )

    def holds(self, point: Point, margin: float = 0.0) -> bool:
        """Whether a point is in the box, enlarged by `margin` inches."""
        x, y = point
        return self.left - margin < x < self.right + margin and self.bottom - margin < y < self.top + margin


class Layout(NamedTuple):
    """Where everything goes, in inches.

    curves: for each edge the points of its cubic curve, 3n + 1 of them, then the tip of its arrowhead.
    """

    width: float
    height: float
    boxes: Mapping[str, Box]
    curves: Sequence[tuple[Point, ...]]
    groups: Mapping[str, Box]


class Group(NamedTuple):
    """Boxes that are kept together under a title of this width and height in inches."""

    names: Sequence[str]
    title: tuple[float, float]


def lay_out(
    sizes: Mapping[str, tuple[float, float]],
    edges: Sequence[tuple[str, str]],
    groups: Mapping[str, Group],
    **settings: str,
) -> Layout:
    """Boxes of these sizes (inches), so that edges point one way where they can and cross little.

    groups are kept together. settings are attributes of the graph, such as ``rankdir``.
    """
    graph = package("pygraphviz").AGraph(directed=True, strict=False)
    graph.graph_attr.update({"nodesep": "0.25", "ranksep": "0.5", **settings})
    graph.node_attr.update(shape="box", fixedsize="true", label="")
    graph.edge_attr.update(arrowsize="0.9")
    for name, (width, height) in sizes.items():
        graph.add_node(name, width=f"{width:.4f}", height=f"{height:.4f}")
    lengths = _staggered(edges, groups)
    for number, (source, target) in enumerate(edges):
        graph.add_edge(source, target, key=str(number), minlen=str(lengths.get(target, 1)))
    for number, group in enumerate(groups.values()):
        room = _ROOM.format(*(math.ceil(each * POINTS) for each in group.title))
        graph.add_subgraph(list(group.names), f"cluster{number}", margin="9", label=room, labeljust="l")
    graph.layout("dot")
    left, bottom, right, top = _numbers(graph.graph_attr["bb"])
    boxes = {}
    for name, (width, height) in sizes.items():
        x, y = _numbers(graph.get_node(name).attr["pos"])
        boxes[name] = Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    found = {
        number: Box(*_numbers(graph.get_subgraph(f"cluster{number}").graph_attr["bb"])) for number in range(len(groups))
    }
    curves = [_curve(graph.get_edge(*edge, key=str(number)).attr["pos"]) for number, edge in enumerate(edges)]
    return Layout(right - left, top - bottom, boxes, curves, dict(zip(groups, found.values(), strict=True)))


def _staggered(edges: Sequence[tuple[str, str]], groups: Mapping[str, Group]) -> dict[str, int]:
    """The number of ranks between a node and its leaves: several, so that many leaves do not form one long row."""
    acting = {source for source, _ in edges}
    once = {target for _, target in edges if target not in acting and sum(each == target for _, each in edges) == 1}
    home = {name: title for title, group in groups.items() for name in group.names}
    found: dict[str, int] = {}
    for source in acting:
        places = list(
            dict.fromkeys(home.get(target, target) for start, target in edges if start == source and target in once)
        )
        rows = 1 + len(places) // (LEAVES + 1)
        for start, target in edges:
            if start == source and target in once:
                found[target] = 1 + places.index(home.get(target, target)) % rows
    return found


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(part) / POINTS for part in text.split(","))


def _curve(text: str) -> tuple[Point, ...]:
    """The points of an edge, from ``e,x,y x,y x,y ...``, in which the tip of the arrowhead comes first."""
    head, *points = text.replace("\\\n", "").split()
    return tuple((x, y) for x, y in map(_numbers, [*points, head.removeprefix("e,")]))
