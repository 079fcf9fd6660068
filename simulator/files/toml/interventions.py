"""Words for immunologists: `--knockout IL4`, `--block IL1 90%`, `--add "IL-2 18 MIU at 3 d"` become values of a
scenario, by the interventions that its model names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from ...model.declarations import Intervention
from ...model.model import Model
from ...model.units import ONE, UnitError, quantity
from ...runtime.errors import InputFault
from ...runtime.names import fold, nearest
from .dose_text import number_of_doses, read_dose
from .layers import Layers, Setting


class Interventions(NamedTuple):
    """What was asked for, as it was typed."""

    knockout: tuple[str, ...] = ()
    block: tuple[tuple[str, str], ...] = ()
    add: tuple[str, ...] = ()

    def in_words(self, model: Model) -> list[str]:
        """Each of them, for titles and tables."""

        def known_as(word: str) -> str:
            found = find_intervention(model, word)
            return found.id if found else word

        return [
            *(f"without {known_as(name)}" for name in self.knockout),
            *(f"{known_as(name)} blocked by {100 * _share(share):g} %" for name, share in self.block),
            *(f"with {text}{_usual_route(model, text)}" for text in self.add),
        ]


def _usual_route(model: Model, text: str) -> str:
    """Where a dose goes of which only the name is given, where there are several ways."""
    words = read_dose(text)
    chosen = find_intervention(model, words.name)
    if chosen is None or words.into or len(chosen.dose) < 2:
        return ""
    return f" into {next(iter(chosen.dose))}"


def put(layers: Layers, model: Model, asked: Interventions) -> list[InputFault]:
    """Lays what was asked for over a scenario, of all its arms, and returns what is wrong with it."""
    return _Writer(layers, model).write(asked)


class _Writer:
    def __init__(self, layers: Layers, model: Model) -> None:
        self.layers, self.model = layers, model

    def write(self, asked: Interventions) -> list[InputFault]:
        tasks: list[tuple[Setting, Callable[..., None], tuple[str, ...]]] = [
            *((Setting(f"--knockout {name}"), self.knockout, (name,)) for name in asked.knockout),
            *((Setting(f"--block {name} {share}"), self.block, (name, share)) for name, share in asked.block),
            *((Setting(f'--add "{text}"'), self.add, (text,)) for text in asked.add),
        ]
        faults = []
        for setting, task, words in tasks:
            try:
                task(setting, *words)
            except ValueError as error:
                faults.append(setting.fault((), str(error)))
        if tasks and not faults:
            title = f"{self.layers.data.get('title', '')}: {', '.join(asked.in_words(self.model))}"
            self.layers.set(("title",), title, Setting("; ".join(setting.text for setting, *_ in tasks)))
        return faults

    def knockout(self, setting: Setting, word: str) -> None:
        chosen = self.find(word, "knocked out", lambda each: bool(each.knockout))
        for name, value in chosen.knockout.items():
            self.parameter(setting, name, value)

    def block(self, setting: Setting, word: str, share_text: str) -> None:
        chosen = self.find(word, "blocked", lambda each: bool(each.block or each.heard))
        share = _share(share_text)
        self.parameter(setting, chosen.block or str(chosen.heard), share if chosen.block else round(1 - share, 12))

    def add(self, setting: Setting, text: str) -> None:
        words = read_dose(text)
        target, known_as = self.target(words.name, words.into)
        end = self.layers.data.get("time", {}).get("end")
        count = number_of_doses(words, end) if isinstance(end, str) else words.times or 1
        dose: dict[str, Any] = {"target": target, "amount": words.amount, "at": words.at}
        dose |= {key: value for key, value in (("every", words.every), ("over", words.over)) if value}
        name = self.free_name(f"added {known_as}")
        for key, value in {**dose, "count": count}.items():
            self.layers.set(("dose", name, key), value, setting)
        self.layers.blame(("dose", name), setting)

    def target(self, word: str, route: str) -> tuple[str, str]:
        """The species that a dose of `word` goes to, and what it is a dose of."""
        chosen = find_intervention(self.model, word)
        if chosen is None or not chosen.dose:
            species = self.model.find(word, "species")
            if species is None:
                known = [*(each.id for each in self.model.interventions.values() if each.dose), *self.model.species]
                hint = nearest(word, known) or "; 'describe' lists what can be given, and any species can"
                raise ValueError(f"nothing called '{word}' to give{hint}")
            if route:
                raise ValueError(f"{species} has no routes to choose from: leave out 'into {route}'")
            return species, species
        if not route:
            return next(iter(chosen.dose.values())), chosen.id
        routes = [each for each in chosen.dose if each]
        found = next((each for each in routes if fold(each) == fold(route)), None)
        if found is None:
            hint = f"; routes of {chosen.id} are {', '.join(routes)}" if routes else f"; {chosen.id} has but one"
            raise ValueError(f"no route '{route}'{nearest(route, routes) or hint}")
        return chosen.dose[found], chosen.id

    def find(self, word: str, done: str, can: Callable[[Intervention], bool]) -> Intervention:
        """The intervention that `word` names and that can be `done`, or a `ValueError`."""
        able = [each.id for each in self.model.interventions.values() if can(each)]
        known = f"; what can be: {', '.join(able)}" if able else ""
        chosen = find_intervention(self.model, word)
        if chosen is None:
            raise ValueError(f"nothing called '{word}' can be {done} in this model{nearest(word, able) or known}")
        if not can(chosen):
            raise ValueError(f"{chosen.id} cannot be {done} in this model{known}")
        return chosen

    def parameter(self, setting: Setting, name: str, value: float) -> None:
        unit = self.model.parameters[name].unit_text
        given = repr(value).removesuffix(".0") + ("" if unit == "1" else f" {unit}")
        for other, known in self.layers.data.get("parameters", {}).items():
            path = ("parameters", other)
            if fold(other) == fold(name) and self.layers.worded(path) and known != given:
                raise ValueError(f"{name} is set by {self.layers.where(path)} too: leave out one of the two")
        self.layers.set(("parameters", name), given, setting)

    def free_name(self, wanted: str) -> str:
        arms = self.layers.data.get("arms", {}).values()
        taken = {*self.layers.data.get("dose", {}), *(name for arm in arms for name in arm.get("dose", {}))}
        name, number = wanted, 1
        while name in taken:
            number += 1
            name = f"{wanted} {number}"
        return name


def find_intervention(model: Model, word: str) -> Intervention | None:
    """The one that `word` names: by its name or label, however they are spelt."""
    name = model.find(word, "interventions")
    if name is not None:
        return model.interventions[name]
    labelled = [each for each in model.interventions.values() if fold(each.label) == fold(word)]
    return labelled[0] if len(labelled) == 1 else None


def knocked_out(model: Model, values: Mapping[str, float]) -> set[str]:
    """The parameters among `values` that stand as a knockout of the model leaves them."""
    outs = (pair for each in model.interventions.values() for pair in each.knockout.items())
    return {name for name, value in outs if values.get(name) == value}


def what_can_be_done(model: Model) -> dict[str, list[str]]:
    """The names that can be knocked out, blocked and given."""
    every = model.interventions.values()
    lists = {
        "--knockout": [each.id for each in every if each.knockout],
        "--block": [each.id for each in every if each.block or each.heard],
        "--add": [each.id for each in every if each.dose],
    }
    return {key: names for key, names in lists.items() if names}


def notes_of(model: Model, asked: Interventions) -> Iterator[str]:
    """What the model says of the knockouts and blocks that are asked for."""
    for word in (*asked.knockout, *(name for name, _ in asked.block)):
        found = find_intervention(model, word)
        if found is not None and found.note:
            yield f"{found.id}: {found.note}"


def _share(text: str) -> float:
    expected = f"expected a share such as 90% or 0.9, found '{text}'"
    try:
        number, unit, _ = quantity(text.strip())
    except UnitError:
        raise ValueError(expected) from None
    if not unit.same_dimension(ONE):
        raise ValueError(expected)
    share = number * unit.to(ONE)
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"{expected}; a share lies between 0 and 100 %")
    return round(share, 12)
