"""Which part of the causal graph is asked for: a whole model, a module, or what is around one name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

from ..model.loops import Loop, loops
from ..model.model import Model
from ..model.monotone import BOTH, DOWN, UP
from ..model.wiring import Influence, Wiring, wiring_of

CROWD = 40  # species: a larger model is drawn with its modules as boxes
WORDS = {UP: "raises", DOWN: "lowers", BOTH: "either way"}
LOOPS = {UP: "reinforcing", DOWN: "damping", BOTH: "either way"}


class Node(NamedTuple):
    """kind: species, observable, module, outside (of what was asked for) or centre. note: in small letters."""

    id: str
    label: str
    kind: str
    note: str


class Arrow(NamedTuple):
    """weight: how many influences it stands for."""

    source: str
    target: str
    sign: int
    weight: int = 1


class View(NamedTuple):
    """groups: title of a module, or of what modules have in common, and its nodes. lit: the influences of the loops.

    signs: of the influences that loops are made of, which are of species where nodes are modules.
    """

    title: str
    nodes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]
    groups: Mapping[str, tuple[str, ...]]
    loops: tuple[Loop, ...]
    lit: frozenset[tuple[str, str]]
    signs: Mapping[tuple[str, str], int]


def view(model: Model, name: str | None, steps: int = 1) -> View:
    """What is drawn of `model`: all of it, the module `name`.toml, or what is around a species or observable
    within `steps` influences. `name` is one that the model declares."""
    wiring = wiring_of(model)
    if name is None and len(model.species) > CROWD and len(_homes(model)) > 1:
        return _modules(model, wiring)
    if name is None:
        return _species(model, wiring, model.title, list(model.species))
    if name in model.species or name in model.observables:
        return _around(model, wiring, name, steps)
    module = model.modules[name.removesuffix(".toml")]
    return _species(model, wiring, module.title, [each for each in model.species if each in set(module.names)])


def _species(model: Model, wiring: Wiring, title: str, inside: Sequence[str]) -> View:
    """Species with what they do to each other, and those outside that act on them."""
    drawn = [each for each in wiring.between(model.species) if each.target in set(inside)]
    shown = dict.fromkeys([*inside, *(each.source for each in drawn)])
    kinds = {name: "" if name in set(inside) else "outside" for name in shown}
    return _view(model, title, kinds, drawn, loops(drawn), wiring, inside)


def _around(model: Model, wiring: Wiring, name: str, steps: int) -> View:
    """What acts on a name, and on what it acts, as far as `steps` influences; and the loops through it."""
    graph = wiring.between({name, *model.species})
    drawn: list[Influence] = []
    sources, targets = {name}, {name}
    for _ in range(steps):
        drawn += [each for each in graph if each.target in sources or each.source in targets]
        sources |= {each.source for each in graph if each.target in sources}
        targets |= {each.target for each in graph if each.source in targets}
    shown = sources | targets
    found = loops(wiring.between(shown), name)
    on_loops = {step for loop in found for step in loop.steps}
    drawn += [each for each in graph if (each.source, each.target) in on_loops]
    kinds = {each: "centre" if each == name else "" for each in (*model.species, *model.observables) if each in shown}
    label = _label(model, name)
    return _view(model, f"{label[0].upper()}{label[1:]}: what acts on it, and on what it acts", kinds, drawn, found,
                 wiring, shown)  # fmt: skip


def _view(
    model: Model,
    title: str,
    kinds: Mapping[str, str],
    drawn: Iterable[Influence],
    found: Sequence[Loop],
    wiring: Wiring,
    grouped: Iterable[str],
) -> View:
    grouped = set(grouped)
    groups = {}
    inside: dict[str, str] = {}
    for module in model.modules.values() if len(_homes(model)) > 1 else ():
        mine = tuple(each for each in kinds if each in set(module.names))
        inside |= dict.fromkeys(mine, _short(module.title))
        if len(set(mine) & grouped) > 1:
            groups[_short(module.title)] = tuple(each for each in mine if each in grouped)
    together = {each for names in groups.values() for each in names}
    nodes = [
        Node(
            name,
            _label(model, name),
            kind or ("species" if name in model.species else "observable"),
            name if name in together or name not in inside else f"{name} · {inside[name]}",
        )
        for name, kind in kinds.items()
    ]
    arrows = dict.fromkeys(Arrow(each.source, each.target, each.sign) for each in drawn)
    lit = frozenset(step for loop in found for step in loop.steps)
    return View(title, tuple(nodes), tuple(arrows), groups, tuple(found), lit, _signs(wiring))


def _modules(model: Model, wiring: Wiring) -> View:
    """Modules as boxes, with how many influences of their species go from one to another."""
    homes = _homes(model)
    home = {name: module for module, names in homes.items() for name in names}
    graph = wiring.between(model.species)
    counted: dict[tuple[str, str], list[int]] = {}
    for each in graph:
        pair = home[each.source], home[each.target]
        if pair[0] != pair[1]:
            counted.setdefault(pair, []).append(each.sign)
    arrows = [Arrow(*pair, reduce(or_, signs), len(signs)) for pair, signs in counted.items()]
    nodes = [Node(name, _short(model.modules[name].title), "module", ", ".join(names)) for name, names in homes.items()]
    found = [loop for loop in loops(graph, most=60) if len({home[name] for name in loop.names}) > 1][:8]
    steps = {(home[source], home[target]) for loop in found for source, target in loop.steps}
    return View(model.title, tuple(nodes), tuple(arrows), _roles(counted), tuple(found), frozenset(steps), _signs(wiring))


def _roles(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """The modules that all act on each other, by some way."""
    graph: dict[str, set[str]] = {}
    for source, target in pairs:
        graph.setdefault(source, set()).add(target)
        graph.setdefault(target, set())
    reached: dict[str, set[str]] = {}
    for name in graph:
        stack, seen = [name], set[str]()
        while stack:
            for each in graph[stack.pop()] - seen:
                seen.add(each)
                stack.append(each)
        reached[name] = seen
    circles = [tuple(other for other in graph if other in reached[name] and name in reached[other]) for name in graph]
    largest = max(circles, key=len, default=())
    return {"Each of these acts on every other, by some way": largest} if len(largest) > 1 else {}


def _homes(model: Model) -> dict[str, tuple[str, ...]]:
    """Modules that declare species, and which."""
    homes = {
        name: tuple(each for each in model.species if each in set(module.names))
        for name, module in model.modules.items()
    }
    return {name: names for name, names in homes.items() if names}


def _short(title: str) -> str:
    return title.split(":")[0].strip()


def _label(model: Model, name: str) -> str:
    return model.species[name].label if name in model.species else model.observables[name].label


def _signs(wiring: Wiring) -> dict[tuple[str, str], int]:
    return {(each.source, each.target): each.sign for each in wiring.influences}


def loop_words(loop: Loop, signs: Mapping[tuple[str, str], int]) -> str:
    """``IL2 + T_regulatory - IL2 (damping)``, with arrows for the signs."""
    heads = {UP: "→", DOWN: "⊣", BOTH: "⇢"}
    text = loop.names[0] + "".join(f" {heads[signs[step]]} {step[1]}" for step in loop.steps)
    return f"{text}: {LOOPS[loop.sign]}"


def words(model: Model, name: str | None) -> dict[str, Any]:
    """The wiring of a name in words, for `describe`: who raises and lowers it, and what it raises and lowers."""
    return {}
