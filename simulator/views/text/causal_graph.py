"""A part of the causal graph as it is drawn and put into words: a whole model, a module, or one name's surroundings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from operator import or_
from types import MappingProxyType
from typing import NamedTuple

from ...files.kept_causal_graphs import kept_causal_graph
from ...model.causal.graph import CausalEdge, CausalGraph
from ...model.causal.loops import FeedbackLoop, feedback_loops
from ...model.causal.sign import Sign
from ...model.model import Model

CROWD = 40  # species: a larger model is drawn with its modules as boxes
VERBS = {Sign.RAISES: "raises", Sign.LOWERS: "lowers", Sign.EITHER: "raises or lowers"}
ARROWS = {Sign.RAISES: "→", Sign.LOWERS: "⊣", Sign.EITHER: "⇢"}
FEEDBACK = {
    Sign.RAISES: "positive feedback",
    Sign.LOWERS: "negative feedback",
    Sign.EITHER: "feedback of either sign",
}


class GraphNode(NamedTuple):
    """A box of the picture. kind: species, observable, module, outside (the part that is drawn) or centre.
    note: the second line, in small letters."""

    id: str
    label: str
    kind: str
    note: str


class GraphArrow(NamedTuple):
    """weight: how many influences it stands for. faint: it belongs to the background."""

    source: str
    target: str
    sign: Sign
    weight: int = 1
    faint: bool = False


class GraphView(NamedTuple):
    """The part of a causal graph that is drawn.

    groups: title of a module, or of what modules have in common, and the ids of its nodes. highlighted: the
    (source, target) pairs on the loops. signs: of the influences that loops are made of, which are between species
    even where the nodes are modules.
    """

    title: str
    nodes: tuple[GraphNode, ...]
    arrows: tuple[GraphArrow, ...]
    groups: Mapping[str, tuple[str, ...]]
    loops: tuple[FeedbackLoop, ...]
    highlighted: frozenset[tuple[str, str]]
    signs: Mapping[tuple[str, str], Sign]


def graph_view(model: Model, name: str | None = None, steps: int = 1) -> GraphView:
    """The part of the causal graph of `model` that is drawn.

    Args:
        model: The model.
        name: None for the whole model, `MODULE.toml` for a module, or the id of a species or observable.
        steps: How many influences away from a species or observable the view goes.

    Raises KeyError if the model declares no such name.
    """
    return _view_of(model, kept_causal_graph(model), name, steps)


def _view_of(model: Model, graph: CausalGraph, name: str | None, steps: int) -> GraphView:
    if name is None and len(model.species) > CROWD and len(_homes(model)) > 1:
        return _modules(model, graph)
    if name is None:
        return _species(model, graph, model.title, list(model.species))
    if name in model.species or name in model.observables:
        return _around(model, graph, name, steps)
    module = model.modules[name.removesuffix(".toml")]
    return _species(model, graph, module.title, [each for each in model.species if each in set(module.names)])


def _species(model: Model, graph: CausalGraph, title: str, inside: Sequence[str]) -> GraphView:
    """Species with their influences on each other, and the species outside that act on them."""
    drawn = [each for each in graph.between(model.species) if each.target in set(inside)]
    kinds = dict.fromkeys(inside, "")
    for each in drawn:
        kinds.setdefault(each.source, "outside")
    edges = graph.between(model.species)
    found = feedback_loops(edges, keep=lambda loop: not set(inside).isdisjoint(loop.names))
    for loop in found:  # a loop may pass through species that act on none of these directly
        kinds |= {each: "outside" for each in loop.names if each not in kinds}
    return _view(model, title, kinds, [*drawn, *_on(found, edges)], found, graph, inside)


def _around(model: Model, graph: CausalGraph, name: str, steps: int) -> GraphView:
    """What acts on a name and what it acts on, up to `steps` influences away, and the feedback loops through it."""
    edges = graph.between({name, *model.species})
    drawn: list[CausalEdge] = []
    sources, targets = {name}, {name}
    for _ in range(steps):
        drawn += [each for each in edges if each.target in sources or each.source in targets]
        sources |= {each.source for each in edges if each.target in sources}
        targets |= {each.target for each in edges if each.source in targets}
    shown = sources | targets
    found = feedback_loops(graph.between(shown), name)
    drawn += _on(found, edges)
    kinds = {each: "centre" if each == name else "" for each in (*model.species, *model.observables) if each in shown}
    label = _label(model, name)
    return _view(model, f"{label[0].upper()}{label[1:]}: what acts on it and what it acts on", kinds, drawn, found,
                 graph, shown)  # fmt: skip


def _on(found: Iterable[FeedbackLoop], edges: Iterable[CausalEdge]) -> list[CausalEdge]:
    """The influences that loops are made of."""
    steps = {step for loop in found for step in loop.steps}
    return [each for each in edges if (each.source, each.target) in steps]


def _view(
    model: Model,
    title: str,
    kinds: Mapping[str, str],
    drawn: Iterable[CausalEdge],
    found: Sequence[FeedbackLoop],
    graph: CausalGraph,
    grouped: Iterable[str],
) -> GraphView:
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
        GraphNode(
            name,
            _label(model, name),
            kind or ("species" if name in model.species else "observable"),
            name if name in together or name not in inside else f"{name} · {inside[name]}",
        )
        for name, kind in kinds.items()
    ]
    arrows = dict.fromkeys(GraphArrow(each.source, each.target, each.sign) for each in drawn)
    highlighted = frozenset(step for loop in found for step in loop.steps)
    return GraphView(title, tuple(nodes), tuple(arrows), groups, tuple(found), highlighted, _signs(graph))


def _modules(model: Model, graph: CausalGraph) -> GraphView:
    """Modules as boxes; the weight of an arrow is the number of influences between their species."""
    homes = _homes(model)
    home = {name: module for module, names in homes.items() for name in names}
    edges = graph.between(model.species)
    counted: dict[tuple[str, str], list[Sign]] = {}
    for each in edges:
        pair = home[each.source], home[each.target]
        if pair[0] != pair[1]:
            counted.setdefault(pair, []).append(each.sign)
    core = _core(counted)
    arrows = [
        GraphArrow(*pair, reduce(or_, signs), len(signs), faint=not core.issuperset(pair))
        for pair, signs in counted.items()
    ]
    nodes = [
        GraphNode(name, _short(model.modules[name].title), "module", ", ".join(names)) for name, names in homes.items()
    ]
    found = feedback_loops(
        edges, keep=lambda loop: loop.sign != Sign.EITHER and len({home[name] for name in loop.names}) > 2
    )
    steps = {(home[source], home[target]) for loop in found for source, target in loop.steps}
    groups = {
        "Each of these acts on every other, directly or indirectly": tuple(name for name in homes if name in core)
    }
    return GraphView(model.title, tuple(nodes), tuple(arrows), groups if core else {}, tuple(found), frozenset(steps),
                _signs(graph))  # fmt: skip


def _core(pairs: Iterable[tuple[str, str]]) -> frozenset[str]:
    """The largest set of modules each of which acts on every other, directly or through others."""
    targets: dict[str, set[str]] = {}
    for source, target in pairs:
        targets.setdefault(source, set()).add(target)
        targets.setdefault(target, set())
    reached: dict[str, set[str]] = {}
    for name in targets:
        stack, seen = [name], set[str]()
        while stack:
            for each in targets[stack.pop()] - seen:
                seen.add(each)
                stack.append(each)
        reached[name] = seen
    components = [frozenset(other for other in reached[name] if name in reached[other]) for name in targets]
    return max(components, key=len, default=frozenset())


def _homes(model: Model) -> dict[str, tuple[str, ...]]:
    """The modules that declare species, with those species."""
    homes = {
        name: tuple(each for each in model.species if each in set(module.names))
        for name, module in model.modules.items()
    }
    return {name: names for name, names in homes.items() if names}


def _short(title: str) -> str:
    return title.split(":")[0].strip()


def _label(model: Model, name: str) -> str:
    return model.species[name].label if name in model.species else model.observables[name].label


def _signs(graph: CausalGraph) -> dict[tuple[str, str], Sign]:
    return {(each.source, each.target): each.sign for each in graph.edges}


def loop_with_arrows(loop: FeedbackLoop, signs: Mapping[tuple[str, str], Sign]) -> str:
    """``IL2 → T_regulatory ⊣ IL2: negative feedback``."""
    steps = "".join(f" {ARROWS[signs[step]]} {step[1]}" for step in loop.steps)
    return f"{loop.names[0]}{steps}: {FEEDBACK[loop.sign]}"


def loop_in_words(
    loop: FeedbackLoop, signs: Mapping[tuple[str, str], Sign], labels: Mapping[str, str] = MappingProxyType({})
) -> str:
    """``IL2 raises T_regulatory, which lowers IL2``; with `labels` in place of names where there are any."""
    steps = [(source, signs[source, target], target) for source, target in loop.steps]
    return chain_in_words([(labels.get(a, a), sign, labels.get(b, b)) for a, sign, b in steps])


def chain_in_words(links: Sequence[tuple[str, Sign, str]]) -> str:
    """(source, sign, target) links in series: ``IL2 raises T_regulatory, which lowers IL2``."""
    return links[0][0] + ", which".join(f" {VERBS[sign]} {target}" for _, sign, target in links)


def causal_facts(model: Model, name: str | None) -> dict[str, dict[str, str]]:
    """The causal graph in words, for `describe`.

    Args:
        model: The model.
        name: A species or observable: what raises and lowers it, what it raises and lowers, and the loops through it.
            None or `MODULE.toml`: the loops of the model or the module.

    Returns the facts that are not empty, in this order: raised_by, lowered_by, raised_or_lowered_by, raises, lowers,
    raises_or_lowers (name -> label and reactions), loops (loop -> kind of feedback).
    """
    graph = kept_causal_graph(model)
    sources: dict[str, dict[str, str]] = {}
    targets: dict[str, dict[str, str]] = {}
    if name in model.species or name in model.observables:
        for sign, passive, active in (
            (Sign.RAISES, "raised_by", "raises"),
            (Sign.LOWERS, "lowered_by", "lowers"),
            (Sign.EITHER, "raised_or_lowered_by", "raises_or_lowers"),
        ):
            mine = [each for each in graph.edges if each.sign == sign]
            sources[passive] = {
                each.source: _how(model, each.source, each)
                for each in mine
                if each.target == name and each.source in model.species
            }
            targets[active] = {
                each.target: _how(model, each.target, each)
                for each in mine
                if each.source == name and each.target in model.species
            }
    view = _view_of(model, graph, name, 1)
    loops = {loop_in_words(loop, view.signs): FEEDBACK[loop.sign] for loop in view.loops}
    return {key: found for key, found in {**sources, **targets, "loops": loops}.items() if found}


def _how(model: Model, name: str, influence: CausalEdge) -> str:
    """``regulatory T cells; in IL2_eaten, through IL2_free``."""
    ways = [f"in {', '.join(influence.reactions)}"] if influence.reactions else []
    ways += [f"through {', '.join(influence.through)}"] if influence.through else []
    return "; ".join([_label(model, name), ", ".join(ways)]) if ways else _label(model, name)


def alternative_text(view: GraphView) -> str:
    """The picture in words, for readers who cannot see it."""
    labels = {node.id: node.label for node in view.nodes}
    parts = []
    for node in view.nodes:
        for sign, verb in VERBS.items():
            acted_on = [labels[arrow.target] for arrow in view.arrows if (arrow.source, arrow.sign) == (node.id, sign)]
            if acted_on:
                parts.append(f"{node.label} {verb} {'; '.join(acted_on)}.")
    found = [f"{loop_in_words(loop, view.signs, labels)}: {FEEDBACK[loop.sign]}." for loop in view.loops]
    head = f"Who acts on whom, {len(labels)} boxes."
    return " ".join([head, *parts, *(["Feedback loops:"] if found else []), *found])
