"""Names, numbers and times of an explanation as people read them."""

from __future__ import annotations

import math
from functools import cached_property

from ...experiments.clock import clock_of
from ...experiments.explanation.balance import CHANGES, CLOCK, DOSES, SPECIES, Balance, Part
from ...experiments.explanation.conditions import Driver
from ...experiments.explanation.contrast import Difference, Window
from ...experiments.explanation.explain import Explanation, Shift
from ...experiments.explanation.phases import LOWEST
from ...model.expression import TIME
from .sweep_measures import number, with_unit

NOTHING = 1e-9  # of the largest value: less is written as zero
LONG = 50  # characters of a label that is told whole
TELL = 0.1  # of what is made or lost: a smaller part is not told


class Phrasing:
    """Writes values of one explanation: in the unit of its curve and the scenario's unit of time."""

    def __init__(self, explanation: Explanation) -> None:
        self.explanation = explanation
        self.model = explanation.scenario.model
        self.unit = self.model.unit_text(explanation.name)
        self.clock, self.long = clock_of(explanation.scenario)

    @property
    def is_species(self) -> bool:
        return self.explanation.name in self.model.species

    @cached_property
    def reads(self) -> frozenset[str]:
        """The species that the curve is, or is made of."""
        return frozenset(self.explanation.flux.species or (self.explanation.name,))

    @cached_property
    def top(self) -> float:
        return float(abs(self.explanation.flux.values).max())

    def value(self, value: float) -> str:
        return "nearly 0" if 0 < abs(value) < NOTHING * self.top else with_unit(value, self.unit)

    def time(self, time: float) -> str:
        return f"{number(time * self.long)} {self.clock}"

    def span(self, start: float, end: float) -> str:
        return f"{number(start * self.long)} to {self.time(end)}"

    def rate(self, rate: float, name: str = "") -> str:
        """A rate given per time unit of the model, of the curve or of another species."""
        unit = self.model.unit_text(name) if name else self.unit
        per = f"{unit} per {self.clock}" if unit != "1" else f"per {self.clock}"
        return f"{number(abs(rate) / self.long)} {per}"

    def of(self, item: Part | Shift | Difference) -> str:
        """What a sentence calls a source: its own words in quotation marks, whatever they are."""
        if item.kind == DOSES:
            return f"what is given ({item.label})" if item.label else "what is given"
        if item.kind == CHANGES:
            return "parameters that the scenario changes"
        if item.kind == CLOCK:
            return "formulas of time"
        return (
            f"{_quoted(item.label)} ({item.id})"
            if item.kind == SPECIES or self._ambiguous(item)
            else _quoted(item.label)
        )

    def side(self, side: str) -> str:
        """``is made``, or of an observable, of which nothing is made: ``raises it``."""
        return f"is {side}" if self.is_species else {"made": "raises it", "lost": "lowers it"}[side]

    def again(self, side: str) -> str:
        return {"lost": "lost again", "made": "made anew"}[side] if self.is_species else "undone"

    def moved(self, item: Shift | Difference, here: float, there: float, name: str) -> str:
        """``"label" takes 42 pM per d instead of 26``: rates of `name`, of which losses are negative."""
        takes = here < 0 or (here == 0 and there < 0)
        text = f"{self.of(item)} {'takes' if takes else 'adds'} {self.rate(here, name)} instead of "
        if here * there < 0:
            text += "adding " if takes else "taking "
        return text + number(abs(there) / self.long)

    def label(self, name: str) -> str:
        """What a species, observable or parameter is called; its name if nothing else."""
        for group in (self.model.species, self.model.observables, self.model.parameters):
            if name in group:
                return group[name].label or name
        return name

    def named(self, name: str) -> str:
        label = self.label(name)
        return name if label.lower() == name.lower() else f"{_quoted(label)} ({name})"

    def driver(self, driver: Driver) -> str:
        unit = self.model.unit_text(driver.name) if driver.name != TIME else self.model.time_unit_text
        return f"{self.named(driver.name)} is {with_unit(driver.after, unit)} instead of {number(driver.before)}"

    def parts(self, balance: Balance, side: str) -> list[tuple[Part, float]]:
        """The largest parts of what is made, or lost, with their shares: at least one, at most three."""
        whole = getattr(balance, side)
        shares = [(part, getattr(part, side) / whole if whole else 0.0) for part in balance.parts]
        shares = sorted((each for each in shares if each[1] > 0), key=lambda each: -each[1])
        return [each for i, each in enumerate(shares[:3]) if i == 0 or each[1] >= TELL]

    def apart(self, window: Window) -> float:
        """How far the curves of two arms went apart in a window, as the curve is judged."""
        least = LOWEST * self.top
        moves = []
        for balance in (window.here, window.there):
            ends = balance.before, balance.after
            if self.explanation.log:
                ends = math.log(max(ends[0], least)), math.log(max(ends[1], least))
            moves.append(ends[1] - ends[0])
        return abs(moves[0] - moves[1])

    def _ambiguous(self, item: Part | Shift | Difference) -> bool:
        return sum(_quoted(source.label) == _quoted(item.label) for source in self.explanation.sources) > 1


def short(label: str) -> str:
    """Of a long label what stands before its first comma."""
    return label.split(",")[0].split(";")[0] if len(label) > LONG else label


def _quoted(label: str) -> str:
    return f"“{short(label)}”"


def share(value: float) -> str:
    """``62 %``; what is not quite all is not called all.

    >>> [share(x) for x in (0.624, 0.9996, 1.0, 0.0004)]
    ['62 %', 'over 99 %', '100 %', 'under 1 %']
    """
    if 0.995 <= value < 1 - 1e-6:
        return "over 99 %"
    return "under 1 %" if 0 < value < 0.005 else f"{100 * value:.0f} %"


def listed(words: list[str]) -> str:
    """
    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]
