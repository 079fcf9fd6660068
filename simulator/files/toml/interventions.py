"""Options for immunologists: ``--knockout IL4``, ``--block IL1 90%`` and ``--add "IL-2 18 MIU at 3 d"`` become values
of a scenario, through the interventions that its model names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from ...model.declarations import Intervention
from ...model.instants import ticks_of
from ...model.model import Model
from ...model.units import ONE, UnitError, quantity
from ...runtime.errors import InputFault
from ...runtime.names import fold, nearest
from .layers import Layers, OptionSource
from .quantities import Quantity

GRAMMAR = (
    "NAME AMOUNT [into ROUTE] at TIME[, TIME, ...] [every TIME [x COUNT | until TIME]] [over TIME | rate AMOUNT/TIME] "
    "[lag TIME] [share PERCENT]"
)
EXAMPLE = "IL-2 18 MIU at 3 d"
KEYWORDS = ("into", "at", "every", "x", "until", "over", "rate", "lag", "share")
ITSELF = ("every", "over", "rate", "lag", "share")  # keywords that a dose of a scenario has too
_COUNT = re.compile(r"[x×](\d+)\Z")


class Interventions(NamedTuple):
    """The options as typed: names, (name, share), and doses as text."""

    knockout: tuple[str, ...] = ()
    block: tuple[tuple[str, str], ...] = ()
    add: tuple[str, ...] = ()

    def describe(self, model: Model) -> list[str]:
        """Each of them in a few words, for titles and tables."""

        def known_as(word: str) -> str:
            found = find_intervention(model, word)
            return (found.label or found.id) if found else word

        return [
            *(f"without {known_as(name)}" for name in self.knockout),
            *(f"{known_as(name)} blocked by {100 * _share(share):g} %" for name, share in self.block),
            *(f"with {' '.join(text.split())}{_usual_route(model, text)}" for text in self.add),
        ]


def _usual_route(model: Model, text: str) -> str:
    """The route of a dose that names none, where there are several."""
    dose = parse_dose(text)
    chosen = find_intervention(model, dose.name)
    if chosen is None or dose.into or len(chosen.dose) < 2:
        return ""
    return f" into {next(iter(chosen.dose))}"


def apply_interventions(layers: Layers, model: Model, asked: Interventions, end: float | None) -> list[InputFault]:
    """Sets what was asked for in a scenario, for all its arms, and returns what is wrong with it.

    Args:
        end: of the run, in the model's time unit; doses without a count go on until then. None if it is not known.
    """
    return _Overlay(layers, model, end).apply(asked)


class _Overlay:
    def __init__(self, layers: Layers, model: Model, end: float | None) -> None:
        self.layers, self.model, self.end = layers, model, end

    def apply(self, asked: Interventions) -> list[InputFault]:
        tasks: list[tuple[OptionSource, Callable[..., None], tuple[str, ...]]] = [
            *((OptionSource(f"--knockout {name}"), self.knockout, (name,)) for name in asked.knockout),
            *((OptionSource(f"--block {name} {share}"), self.block, (name, share)) for name, share in asked.block),
            *((OptionSource(f'--add "{text}"'), self.add, (text,)) for text in asked.add),
        ]
        faults = []
        for setting, task, words in tasks:
            try:
                task(setting, *words)
            except ValueError as error:
                faults.append(setting.fault((), str(error)))
        if tasks and not faults:
            title = f"{self.layers.data.get('title', '')}: {', '.join(asked.describe(self.model))}"
            self.layers.set(("title",), title, OptionSource("; ".join(setting.text for setting, *_ in tasks)))
        return faults

    def knockout(self, setting: OptionSource, word: str) -> None:
        chosen = self.find(word, "knocked out", lambda each: bool(each.knockout))
        for name, value in chosen.knockout.items():
            self.parameter(setting, name, value)

    def block(self, setting: OptionSource, word: str, share_text: str) -> None:
        chosen = self.find(word, "blocked", lambda each: bool(each.block or each.remaining))
        share = _share(share_text)
        self.parameter(setting, chosen.block or str(chosen.remaining), share if chosen.block else round(1 - share, 12))

    def add(self, setting: OptionSource, text: str) -> None:
        given = parse_dose(text)
        target, known_as = self.target(given.name, given.into)
        end = None if self.end is None else ticks_of(self.end, self.model.time_unit)
        count = number_of_doses(given, end) if end is not None else given.times or 1
        times = [each.strip() for each in given.at.split(",")]
        dose: dict[str, Any] = {"target": target, "amount": given.amount, "at": times if len(times) > 1 else given.at}
        dose |= {key: getattr(given, key) for key in ITSELF if getattr(given, key)}
        name = self.free_name(f"added {known_as}")
        for key, value in (dose if len(times) > 1 else {**dose, "count": count}).items():
            self.layers.set(("dose", name, key), value, setting)
        self.layers.set_origin(("dose", name), setting)

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
            hint = f"; routes of {chosen.id} are {', '.join(routes)}" if routes else f"; {chosen.id} has only one"
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

    def parameter(self, setting: OptionSource, name: str, value: float) -> None:
        given = Quantity(value, self.model.parameters[name].unit_text)
        for other, known in self.layers.data.get("parameters", {}).items():
            path = ("parameters", other)
            if fold(other) == fold(name) and self.layers.from_command_line(path) and str(known) != str(given):
                raise ValueError(f"{name} is set by {self.layers.where(path)} too: leave out one of the two")
        self.layers.set(("parameters", name), given, setting)

    def free_name(self, wanted: str) -> str:
        """`wanted`, with a number behind it if a dose is called that already."""
        arms = self.layers.data.get("arms", {}).values()
        taken = {*self.layers.data.get("dose", {}), *(name for arm in arms for name in arm.get("dose", {}))}
        name, number = wanted, 1
        while name in taken:
            number += 1
            name = f"{wanted} {number}"
        return name


def find_intervention(model: Model, word: str) -> Intervention | None:
    """The intervention that `word` names by its id or label, in any spelling; None if there is none or several."""
    name = model.find(word, "interventions")
    if name is not None:
        return model.interventions[name]
    labelled = [each for each in model.interventions.values() if fold(each.label) == fold(word)]
    return labelled[0] if len(labelled) == 1 else None


def knocked_out(model: Model, values: Mapping[str, float]) -> set[str]:
    """The parameters among `values` that have the value a knockout of the model gives them."""
    pairs = (pair for each in model.interventions.values() for pair in each.knockout.items())
    return {name for name, value in pairs if values.get(name) == value}


def available_interventions(model: Model) -> dict[str, list[str]]:
    """By option, the names that can be knocked out, blocked and given."""
    every = model.interventions.values()
    lists = {
        "--knockout": [each.id for each in every if each.knockout],
        "--block": [each.id for each in every if each.block or each.remaining],
        "--add": [each.id for each in every if each.dose],
    }
    return {key: names for key, names in lists.items() if names}


def notes_of(model: Model, asked: Interventions) -> Iterator[str]:
    """The notes of the model on the knockouts and blocks that are asked for."""
    for word in (*asked.knockout, *(name for name, _ in asked.block)):
        found = find_intervention(model, word)
        if found is not None and found.note:
            yield f"{found.id}: {found.note}"


def _share(text: str) -> float:
    """A share from 0 to 1 of text such as '90%' or '0.9', or `ValueError`."""
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


class DoseText(NamedTuple):
    """The parts of a dose given as text; times is None where doses go on until `until`, or until the end of the run."""

    name: str
    amount: str
    at: str
    into: str = ""
    every: str = ""
    times: int | None = None
    until: str = ""
    over: str = ""
    rate: str = ""
    lag: str = ""
    share: str = ""


def parse_dose(text: str) -> DoseText:
    """The parts of a dose given as text, or a `ValueError` with what was expected.

    >>> parse_dose("IL-2 600000 IU/kg at 1 d every 8 h x 14 over 15 min").times
    14
    """
    head, clauses = _clauses(text)
    start = next((i for i, word in enumerate(head) if i and word[0].isdigit()), None)
    if start is None:
        raise ValueError("expected a name and then an amount" + _example())
    name, amount = " ".join(head[:start]), " ".join(head[start:])
    if "at" not in clauses:
        raise ValueError("no time: say when, as in 'at 3 d'" + _example())
    for key in {"x", "until"} & set(clauses):
        if "every" not in clauses:
            raise ValueError(f"'{key}' needs 'every TIME', the interval between doses" + _example())
    if "," in clauses["at"] and "every" in clauses:
        raise ValueError("'at' lists every time: leave out 'every', or give one time" + _example())
    if {"x", "until"} <= set(clauses):
        raise ValueError("both a count and 'until': give one of them")
    count = clauses.pop("x", None)
    if count is not None and not count.isdigit():
        raise ValueError(f"expected a number of doses after 'x', found '{count}'")
    return DoseText(name, amount, times=None if count is None else int(count), **clauses)


def number_of_doses(dose: DoseText, end: int) -> int:
    """How often a dose is given: as often as it lists or says, else up to and at `until`, else before the end of the
    run.

    Args:
        end: of the run, in ticks.
    """
    if not dose.every:
        return dose.at.count(",") + 1
    if dose.times is not None:
        return dose.times
    at, every = _ticks(dose.at), _ticks(dose.every)
    last = _ticks(dose.until) if dose.until else end
    if every <= 0:
        raise ValueError(f"expected an interval above zero, found '{dose.every}'")
    if last < at and dose.until:
        raise ValueError(f"the doses end before the first of them, at {dose.at}")
    return (last - at) // every + 1 if dose.until else max(1, -((at - last) // every))


def _clauses(text: str) -> tuple[list[str], dict[str, str]]:
    """The words before the first keyword, and what follows each keyword."""
    head: list[str] = []
    clauses: dict[str, list[str]] = {}
    into = head
    for word in text.split():
        counted = _COUNT.match(word)
        key = "x" if counted or word == "×" else word.lower()
        if key in KEYWORDS and (head or clauses):
            if key in clauses:
                raise ValueError(f"'{key}' is given twice")
            into = clauses[key] = [counted[1]] if counted else []
        else:
            into.append(word)
    for key, words in clauses.items():
        if not words:
            raise ValueError(f"nothing follows '{key}'" + _example())
        if len(words) > 2 and not (key == "at" and all(len(part.split()) <= 2 for part in " ".join(words).split(","))):
            hint = nearest(words[2], list(KEYWORDS))
            raise ValueError(f"'{words[2]}' is not understood after '{key} {words[0]} {words[1]}'{hint or _example()}")
    return head, {key: " ".join(words) for key, words in clauses.items()}


def _ticks(text: str) -> int:
    """A time in ticks; what is not a time is reported by the reader of the dose."""
    try:
        number, unit, _ = quantity(text)
    except UnitError as error:
        raise ValueError(str(error)) from None
    return ticks_of(number, unit)


def _example() -> str:
    return f'; the form is {GRAMMAR}, as in "{EXAMPLE}"'
