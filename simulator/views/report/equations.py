"""The equations of the model, module by module, as MathML."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from ...model.expression import Name
from ...model.model import Model
from ..text import mathml
from ..text.numbers import unit_text

LONG = 12  # equations: a module with more is folded


class Term(NamedTuple):
    """One term of a derivative: its formula, what it is, and its source."""

    formula: str
    label: str
    source: str


class Equation(NamedTuple):
    """d[X]/dt or an observable: its left side, label and unit, and the terms of its right side."""

    left: str
    name: str
    label: str
    unit: str
    terms: list[Term]


class EquationBlock(NamedTuple):
    """The equations of a module. used: the page shows or changes something in it."""

    title: str
    limitations: str
    equations: list[Equation]
    used: bool

    @property
    def open(self) -> bool:
        """Whether the page shows the equations without a click."""
        return self.used and len(self.equations) <= LONG


def blocks(model: Model, used: Collection[str]) -> list[EquationBlock]:
    """Every module with equations, those with a name in `used` first; a model without modules is one block."""
    parts = [(each.title, each.limitations, each.names) for each in model.modules.values()]
    loose = {*model.species, *model.observables} - {name for _, _, names in parts for name in names}
    if loose:
        everything = [*model.species, *model.observables, *model.parameters]
        names = tuple([name for name in everything if name in loose or not parts])
        parts.insert(0, (model.title, model.limitations, names))
    found = [
        EquationBlock(title, limitations, list(_equations(model, names)), bool(set(names) & set(used)))
        for title, limitations, names in parts
    ]
    return sorted([block for block in found if block.equations], key=lambda block: not block.used)


def _equations(model: Model, names: Sequence[str]) -> Iterator[Equation]:
    for name in names:
        if name in model.species:
            species = model.species[name]
            left = mathml.derivative(name)
            yield Equation(left, name, species.label, unit_text(species.unit_text), _changes(model, name))
        elif name in model.observables:
            observable = model.observables[name]
            right = mathml.math(mathml.formula(model.laws.observables[name]))
            left = mathml.formula(Name(name))
            yield Equation(left, name, observable.label, unit_text(observable.unit_text), [Term(right, "", "")])


def _changes(model: Model, name: str) -> list[Term]:
    """The terms of a species' derivative, with all conversion factors between units."""
    found = []
    for number, (reaction, coefficient) in enumerate(model.laws.changes[name]):
        described = model.reactions[reaction]
        summand = mathml.term(coefficient, model.laws.rates[reaction], first=number == 0)
        found.append(Term(mathml.math(summand), described.label or reaction, described.source))
    return found or [Term(mathml.math("<mn>0</mn>"), "nothing changes it but doses", "")]
