"""What a model declares, as frozen values: species, parameters, reactions, observables, interventions, sources."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from ..runtime.names import fold, unknown_name
from .expression import Expression
from .units import LENGTH, Substance, Unit, unit

STATUSES = ("verified", "secondary", "derived: HOW", "from memory", "assumed: WHY", "knob: WHAT")
BODY = ("body_weight", "body_surface")  # parameters that doses per kg or per m2 refer to

_STATUS = re.compile(r"(verified|secondary|from memory)\Z|(derived|assumed|knob): ?\S.*\Z", re.DOTALL)
_TERM = re.compile(r"(?:(\d+(?:\.\d+)?)\s+)?([A-Za-z][A-Za-z0-9_]*)\Z")


class ModelFault(NamedTuple):
    """One thing wrong: the keys that lead to it (``("species", "IL2", "unit")``), and why."""

    path: tuple[str | int, ...]
    message: str


class ModelError(ValueError):
    """Everything that is wrong with a model, in `faults`."""

    def __init__(self, faults: list[ModelFault]) -> None:
        self.faults = faults
        super().__init__("\n".join(f"{'.'.join(map(str, path))}: {message}" for path, message in faults))


class Source(NamedTuple):
    """A publication, data sheet or label that numbers come from."""

    id: str
    citation: str
    link: str


class Species(NamedTuple):
    """A state of the model. `unit` is in moles where the species has a substance.

    scale is the level that matters, in the species' unit: the absolute tolerance is a
    fraction of it. volume names the parameter or observable that a dose is dissolved in.
    signed says that the state may be negative, which no amount or concentration may.
    """

    id: str
    label: str
    unit_text: str
    unit: Unit
    initial_text: str
    initial: Expression
    scale: float
    substance: str | None = None
    volume: str | None = None
    signed: bool = False
    note: str = ""

    @property
    def dissolved_in(self) -> str | None:
        """Its volume if it is a concentration: one that changes dilutes it. An amount or a number of cells stays."""
        return self.volume if self.unit.powers[LENGTH] == -3 else None


class Parameter(NamedTuple):
    """A constant: its value and unit, what it means, where it comes from and how certain it is (`STATUSES`).

    range: lowest and highest published value. substance: what its unit counts, for units of mass or IU. for_doses:
    whether it may stand in no formula, as doses of scenarios name it: a lag time, a share that is absorbed. made:
    whether it stands in no file, but was made of an input of a scenario or of a formula that jumps.
    """

    id: str
    label: str
    value: float
    unit_text: str
    unit: Unit
    source: str
    status: str
    range: tuple[float, float] | None = None
    substance: str | None = None
    for_doses: bool = False
    made: bool = False

    @property
    def assumed(self) -> bool:
        """Whether no publication gives its value."""
        return self.status.startswith("assumed")

    @property
    def knob(self) -> bool:
        """Whether scenarios are meant to change it: it says which patient, disease or treatment this is."""
        return self.status.startswith("knob")


class Reaction(NamedTuple):
    """A change of species: the net stoichiometry of one event, and the complete rate law."""

    id: str
    label: str
    equation: str
    stoichiometry: tuple[tuple[str, float], ...]
    rate_text: str
    rate: Expression
    source: str


class Observable(NamedTuple):
    """A quantity computed from states and parameters; rate laws may use it by name. made: whether it stands in no file,
    but was made of a formula that jumps."""

    id: str
    label: str
    unit_text: str
    unit: Unit
    text: str
    value: Expression
    made: bool = False


class Intervention(NamedTuple):
    """What ``--knockout``, ``--block`` and ``--add`` do to a cytokine, a drug or a cell.

    knockout: the values of parameters if the body cannot make it; a dose of it still works. block: the parameter
    that is the blocked share of its effect; remaining: the one that is the remaining share. dose: the species that a
    dose goes to, by route, the usual route first ('' if there is only one). note: what else a knockout removes, or
    what it leaves.
    """

    id: str
    label: str
    knockout: Mapping[str, float]
    block: str | None
    remaining: str | None
    dose: Mapping[str, str]
    note: str = ""


class Module(NamedTuple):
    """A file of the model: its title, its limitations, and the names and interventions that it declares."""

    title: str
    limitations: str
    names: tuple[str, ...]
    interventions: tuple[str, ...] = ()


class Replaced(NamedTuple):
    """What a file of the model replaced. module: whose it was. text: what it said there. by: file and line now."""

    module: str
    text: str
    by: str


@dataclass(frozen=True)
class Declarations:
    """Everything one model declares. Mappings are in order of declaration.

    replaced: by name, what a module had said before another file of the model replaced it. synonyms: names by other
    words for them, folded.
    """

    id: str
    title: str
    time_unit_text: str
    species: Mapping[str, Species]
    parameters: Mapping[str, Parameter]
    reactions: Mapping[str, Reaction]
    observables: Mapping[str, Observable]
    sources: Mapping[str, Source]
    substances: Mapping[str, Substance]
    modules: Mapping[str, Module] = field(default_factory=dict, compare=False)
    interventions: Mapping[str, Intervention] = field(default_factory=dict)
    limitations: str = ""
    replaced: Mapping[str, Replaced] = field(default_factory=dict, compare=False)
    synonyms: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def time_unit(self) -> Unit:
        """The unit of every time and of `per time` in every rate."""
        return unit(self.time_unit_text)

    def unit_text(self, name: str) -> str:
        """The unit of a species, observable or parameter, as its author wrote it. `KeyError` if there is none."""
        for group in (self.species, self.observables, self.parameters):
            if name in group:
                return group[name].unit_text
        raise KeyError(name)

    def unit(self, name: str) -> Unit:
        """The unit of a species, observable or parameter; in moles where it has a substance. `KeyError` if none."""
        for group in (self.species, self.observables, self.parameters):
            if name in group:
                return group[name].unit
        raise KeyError(name)

    def substance_of(self, name: str) -> Substance | None:
        """The substance of a species or parameter, if it has one."""
        owner = self.species.get(name) or self.parameters.get(name)
        return self.substances[owner.substance] if owner and owner.substance else None

    def shared_substance(self, names: Iterable[str]) -> Substance | None:
        """The one substance of all these names; None where they have none or several."""
        substances = {self.substance_of(name) for name in names}
        return substances.pop() if len(substances) == 1 else None

    def find(self, word: str, *groups: str) -> str | None:
        """The one name declared in `groups` ("species", "parameters" ...) that `word` can mean: itself, one that
        differs by case, hyphens or underscores (IL-2, il2 and IL2 are one), or one that it is a synonym of. None where
        there are none or several."""
        if any(word in getattr(self, group) for group in groups):
            return word
        known = [name for group in groups for name in getattr(self, group)]
        matches = {name for name in known if fold(name) == fold(word)}
        if not matches and (meant := self.synonyms.get(fold(word))) in known:
            return meant
        return matches.pop() if len(matches) == 1 else None

    def unknown(self, word: str, *groups: str, purpose: str = "") -> str:
        """The message for a word that `find` does not find in `groups`, with the nearest name that is declared:
        ``no species or observable 'drgu'; did you mean 'drug'?``."""
        *others, last = [group if group == "species" else group.removesuffix("s") for group in groups]
        kinds = f"{', '.join(others)} or {last}" if others else last
        return unknown_name(f"no {kinds}", word, [name for group in groups for name in getattr(self, group)], purpose)


def is_status(text: str) -> bool:
    """Whether `text` is one of `STATUSES`."""
    return bool(_STATUS.match(text))


def read_equation(text: str) -> dict[str, float]:
    """Net stoichiometry of ``A + 2 B -> C``.

    >>> read_equation("T_active -> 2 T_active")
    {'T_active': 1.0}
    >>> read_equation("-> IL2")
    {'IL2': 1.0}

    Raises:
        ValueError: if it is not an equation, or changes nothing.
    """
    sides = text.split("->")
    if len(sides) != 2:
        raise ValueError("an equation has one arrow, as in 'A + 2 B -> C'")
    net: dict[str, float] = {}
    for side, sign in zip(sides, (-1.0, 1.0), strict=True):
        for term in side.split("+") if side.strip() else []:
            match = _TERM.match(term.strip())
            if match is None:
                raise ValueError(f"cannot read {term.strip()!r} in the equation; a term is 'NAME' or '2 NAME'")
            net[match[2]] = net.get(match[2], 0.0) + sign * float(match[1] or 1)
    if not net:
        raise ValueError("the equation has no species")
    if not any(net.values()):
        raise ValueError("the equation changes nothing")
    return {name: coefficient for name, coefficient in net.items() if coefficient}
