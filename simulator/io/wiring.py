"""Which part of the causal graph is asked for: a whole model, a module, or what is around one name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ..model.loops import Loop, loops
from ..model.model import Model
from ..model.monotone import BOTH, DOWN, UP
from ..model.wiring import Influence, Wiring, wiring_of

CROWD = 40  # species: a larger model is drawn with its modules as boxes
WORDS = {UP: "raises", DOWN: "lowers", BOTH: "either way"}
LOOPS = {UP: "reinforcing", DOWN: "damping", BOTH: "either way"}


class Node(NamedTuple):
    """kind: species, observable, module, outside (of what was asked for) or centre. inside: what a module holds."""

    id: str
    label: str
    kind: str
    inside: tuple[str, ...] = ()


class Arrow(NamedTuple):
    """weight: how many influences it stands for."""

    source: str
    target: str
    sign: int
    weight: int = 1


class View(NamedTuple):
    """groups: title of a module and the nodes that it declares."""

    title: str
    note: str
    nodes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]
    groups: Mapping[str, tuple[str, ...]]
    loops: tuple[Loop, ...]


def view(model: Model, name: str | None, steps: int = 1) -> View:
    """What is drawn of `model`: all of it, the module `name`, or the neighbourhood of a species or observable
    within `steps`. `name` is one that the model declares."""
    wiring = wiring_of(model)
    if name is None and len(model.species) > CROWD and len(_homes(model)) > 1:
        return _modules(model, wiring)
    if name is None:
        return _species(model, wiring, model.title, list(model.species), ())
    if name in model.species or name in model.observables:
        return _around(model, wiring, name, steps)
    return _module(model, wiring, name)


def _species(model: Model, wiring: Wiring, title: str, inside: Sequence[str], outside: Iterable[str]) -> View:
    pale = dict.fromkeys(outside)
    shown = {*inside, *pale}
    drawn = [each for each in wiring.between(shown) if each.target not in pale]
    found = tuple(loops(drawn))
    nodes = [_node(model, name, "outside" if name in pale else "") for name in [*inside, *pale]]
    return View(title, "", tuple(nodes), _arrows(drawn), _groups(model, shown), found)


def _module(model: Model, wiring: Wiring, name: str) -> View:
    """The species of a module, and those outside that act on them."""
    module = model.modules[name]
    inside = [each for each in model.species if each in set(module.names)]
    acting = [
        each.source
        for each in wiring.influences
        if each.target in inside and each.source in model.species and each.source not in inside
    ]
    return _species(model, wiring, module.title, inside, acting)


def _around(model: Model, wiring: Wiring, name: str, steps: int) -> View:
    """What acts on a name, and on what it acts, as far as `steps` influences; and the loops through it."""
    graph = [each for each in wiring.influences if {each.source, each.target} <= {name, *model.species}]
    drawn: list[Influence] = []
    sources, targets = {name}, {name}
    for _ in range(steps):
        drawn += [each for each in graph if each.target in sources or each.source in targets]
        sources |= {each.source for each in graph if each.target in sources}
        targets |= {each.target for each in graph if each.source in targets}
    shown = sources | targets
    found = loops([each for each in graph if {each.source, each.target} <= shown], name)
    on_loops = {step for loop in found for step in loop.steps}
    drawn += [each for each in graph if (each.source, each.target) in on_loops]
    order = [each for each in (*model.species, *model.observables) if each in shown]
    nodes = [_node(model, each, "centre" if each == name else "") for each in order]
    title = f"{_label(model, name)}: what acts on it, and on what it acts"
    return View(title[0].upper() + title[1:], "", tuple(nodes), _arrows(drawn), _groups(model, shown), tuple(found))


def _modules(model: Model, wiring: Wiring) -> View:
    """Modules as boxes, with how many of their species act on how many of another's."""
    homes = _homes(model)
    home = {name: module for module, names in homes.items() for name in names}
    graph = wiring.between(model.species)
    counted: dict[tuple[str, str], list[int]] = {}
    for each in graph:
        pair = home[each.source], home[each.target]
        if pair[0] != pair[1]:
            counted.setdefault(pair, []).append(each.sign)
    arrows = [Arrow(*pair, _together(signs), len(signs)) for pair, signs in counted.items()]
    nodes = [Node(name, _short(model.modules[name].title), "module", names) for name, names in homes.items()]
    found = [loop for loop in loops(graph, most=60) if len({home[name] for name in loop.names}) > 1]
    return View(model.title, "", tuple(nodes), tuple(arrows), {}, tuple(found[:8]))


def _together(signs: Iterable[int]) -> int:
    return max(signs) if len(set(signs)) == 1 else BOTH


def _homes(model: Model) -> dict[str, tuple[str, ...]]:
    """Modules that declare species, and which."""
    homes = {
        name: tuple(each for each in model.species if each in set(module.names))
        for name, module in model.modules.items()
    }
    return {name: names for name, names in homes.items() if names}


def _groups(model: Model, shown: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The modules of what is shown, where there are several."""
    shown = set(shown)
    groups = {
        _short(module.title): tuple(each for each in (*model.species, *model.observables)
                                    if each in shown and each in set(module.names))
        for module in model.modules.values()
    }  # fmt: skip
    return {title: names for title, names in groups.items() if names} if len(_homes(model)) > 1 else {}


def _short(title: str) -> str:
    return title.split(":")[0].strip()


def _node(model: Model, name: str, kind: str) -> Node:
    return Node(name, _label(model, name), kind or ("species" if name in model.species else "observable"))


def _label(model: Model, name: str) -> str:
    return model.species[name].label if name in model.species else model.observables[name].label


def _arrows(influences: Iterable[Influence]) -> tuple[Arrow, ...]:
    return tuple(dict.fromkeys(Arrow(each.source, each.target, each.sign) for each in influences))


def loop_words(loop: Loop, signs: Mapping[tuple[str, str], int]) -> str:
    """``IL2 + T_regulatory - IL2 (damping)``, with arrows for the signs."""
    heads = {UP: "→", DOWN: "⊣", BOTH: "⇢"}
    text = loop.names[0] + "".join(f" {heads[signs[step]]} {step[1]}" for step in loop.steps)
    return f"{text}: {LOOPS[loop.sign]}"


def words(model: Model, name: str | None) -> dict[str, Any]:
    """The wiring of a name in words, for `describe`: who raises and lowers it, and what it raises and lowers."""
    return {}
