"""Which part of the causal graph is asked for: a whole model, a module, or what is around one name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import NamedTuple

from ...model.causal.graph import Influence, Wiring, wiring_of
from ...model.causal.loops import Loop, loops
from ...model.causal.signs import BOTH, DOWN, UP
from ...model.model import Model

CROWD = 40  # species: a larger model is drawn with its modules as boxes
VERBS = {UP: "raises", DOWN: "lowers", BOTH: "raises or lowers"}
LOOPS = {UP: "reinforcing", DOWN: "damping", BOTH: "either way"}


class Node(NamedTuple):
    """kind: species, observable, module, outside (of what was asked for) or centre. note: in small letters."""

    id: str
    label: str
    kind: str
    note: str


class Arrow(NamedTuple):
    """weight: how many influences it stands for. faint: it belongs to no part that is in the foreground."""

    source: str
    target: str
    sign: int
    weight: int = 1
    faint: bool = False


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
    return _seen(model, wiring_of(model), name, steps)


def _seen(model: Model, wiring: Wiring, name: str | None, steps: int) -> View:
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
    kinds = dict.fromkeys(inside, "")
    for each in drawn:
        kinds.setdefault(each.source, "outside")
    graph = wiring.between(model.species)
    found = loops(graph, keep=lambda loop: not set(inside).isdisjoint(loop.names))
    for loop in found:  # one may go by species that act on none of these themselves
        kinds |= {each: "outside" for each in loop.names if each not in kinds}
    return _view(model, title, kinds, [*drawn, *_on(found, graph)], found, wiring, inside)


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
    drawn += _on(found, graph)
    kinds = {each: "centre" if each == name else "" for each in (*model.species, *model.observables) if each in shown}
    label = _label(model, name)
    return _view(model, f"{label[0].upper()}{label[1:]}: what acts on it, and on what it acts", kinds, drawn, found,
                 wiring, shown)  # fmt: skip


def _on(found: Iterable[Loop], graph: Iterable[Influence]) -> list[Influence]:
    """The influences that loops are made of."""
    steps = {step for loop in found for step in loop.steps}
    return [each for each in graph if (each.source, each.target) in steps]


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
    core = _core(counted)
    arrows = [
        Arrow(*pair, reduce(or_, signs), len(signs), faint=not core.issuperset(pair)) for pair, signs in counted.items()
    ]
    nodes = [Node(name, _short(model.modules[name].title), "module", ", ".join(names)) for name, names in homes.items()]
    found = loops(graph, keep=lambda loop: loop.sign != BOTH and len({home[name] for name in loop.names}) > 2)
    steps = {(home[source], home[target]) for loop in found for source, target in loop.steps}
    groups = {"Each of these acts on every other, by some way": tuple(name for name in homes if name in core)}
    return View(model.title, tuple(nodes), tuple(arrows), groups if core else {}, tuple(found), frozenset(steps),
                _signs(wiring))  # fmt: skip


def _core(pairs: Iterable[tuple[str, str]]) -> frozenset[str]:
    """The largest set of modules of which each acts on every other, by some way."""
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
    circles = [frozenset(other for other in reached[name] if name in reached[other]) for name in graph]
    return max(circles, key=len, default=frozenset())


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


def loop_signs(loop: Loop, signs: Mapping[tuple[str, str], int]) -> str:
    """``IL2 → T_regulatory ⊣ IL2: damping``."""
    heads = {UP: "→", DOWN: "⊣", BOTH: "⇢"}
    return loop.names[0] + "".join(f" {heads[signs[step]]} {step[1]}" for step in loop.steps) + f": {LOOPS[loop.sign]}"


def loop_words(loop: Loop, signs: Mapping[tuple[str, str], int]) -> str:
    """``IL2 raises T_regulatory, which lowers IL2``."""
    return loop.names[0] + ", which".join(f" {VERBS[signs[step]]} {step[1]}" for step in loop.steps)


def words(model: Model, name: str | None) -> dict[str, dict[str, str]]:
    """The wiring in words, for `describe`: what raises and lowers a species or observable, what it raises and
    lowers, and the loops that it is on; of a model or a module (`name`.toml) the loops."""
    wiring = wiring_of(model)
    facts: dict[str, dict[str, str]] = {}
    if name in model.species or name in model.observables:
        assert name is not None
        for sign, passive, active in (
            (UP, "raised_by", "raises"),
            (DOWN, "lowered_by", "lowers"),
            (BOTH, "raised_or_lowered_by", "raises_or_lowers"),
        ):
            mine = [each for each in wiring.influences if each.sign == sign]
            facts[passive] = {
                each.source: _how(model, each.source, each)
                for each in mine
                if each.target == name and each.source in model.species
            }
            facts[active] = {
                each.target: _how(model, each.target, each)
                for each in mine
                if each.source == name and each.target in model.species
            }
    seen = _seen(model, wiring, name, 1)
    facts["loops"] = {loop_words(loop, seen.signs): LOOPS[loop.sign] for loop in seen.loops}
    order = ("raised_by", "lowered_by", "raised_or_lowered_by", "raises", "lowers", "raises_or_lowers", "loops")
    return {key: facts[key] for key in order if facts.get(key)}


def _how(model: Model, name: str, influence: Influence) -> str:
    """``regulatory T cells; in IL2_eaten, through IL2_free``."""
    places = [f"in {', '.join(influence.reactions)}"] if influence.reactions else []
    places += [f"through {', '.join(influence.through)}"] if influence.through else []
    return "; ".join([_label(model, name), ", ".join(places)]) if places else _label(model, name)


def text_of(seen: View) -> str:
    """The picture in words, for those who cannot see it."""
    labels = {node.id: node.label for node in seen.nodes}
    parts = []
    for node in seen.nodes:
        for sign, verb in VERBS.items():
            acted_on = [labels[arrow.target] for arrow in seen.arrows if (arrow.source, arrow.sign) == (node.id, sign)]
            if acted_on:
                parts.append(f"{node.label} {verb} {'; '.join(acted_on)}.")
    found = [f"{loop_words(loop, seen.signs)}: {LOOPS[loop.sign]}." for loop in seen.loops]
    return " ".join(
        [f"Who acts on whom, {len(labels)} boxes.", *parts, *(["Feedback loops:"] if found else []), *found]
    )
