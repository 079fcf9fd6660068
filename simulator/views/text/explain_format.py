"""Names, numbers and times of an explanation as people read them."""

from __future__ import annotations

import re
from functools import cached_property

from ...experiments.clock import clock_of
from ...experiments.explanation.arm_comparison import RateDifference
from ...experiments.explanation.balance import Balance, Contribution, ContributorKind
from ...experiments.explanation.clamped_rates import RateDriver
from ...experiments.explanation.explain import Explanation, RateChange
from ...experiments.explanation.phases import NOISE
from ...model.expression import TIME
from .curve import at_time, level
from .numbers import number, unit_text, with_unit

LONG = 50  # characters: a longer label is cut at its first comma
ENOUGH = 0.1  # of all gain or loss: a smaller part is not mentioned

GAIN, LOSS = "gain", "loss"


class ExplanationFormat:
    """Formats the values, times and names of one explanation, in the unit of its curve and the clock of its scenario.

    names: whether the names of the model stand beside its labels.

    clock, scale: the time unit of the scenario, and how many of it are one time unit of the model.
    """

    def __init__(self, explanation: Explanation, names: bool = True) -> None:
        self.names = names
        self.explanation = explanation
        self.model = explanation.scenario.model
        self.unit = self.model.unit_text(explanation.name)
        self.clock, self.scale = clock_of(explanation.scenario)

    @property
    def is_species(self) -> bool:
        """Whether the curve is a species: of an observable nothing is produced or lost."""
        return self.explanation.name in self.model.species

    @cached_property
    def species(self) -> frozenset[str]:
        """The species that the curve is, or is computed from."""
        return frozenset(self.explanation.flux.species or (self.explanation.name,))

    @cached_property
    def largest(self) -> float:
        """The largest absolute value of the curve."""
        return float(abs(self.explanation.flux.values).max())

    def value(self, value: float) -> str:
        """A value of the curve with its unit."""
        return level(value, self.largest, self.unit)

    def time(self, time: float) -> str:
        """``day 8.43`` or ``3 h``."""
        figure = number(time * self.scale)
        return f"day {figure}" if self.clock == "d" else f"{figure} {self.clock}"

    def at(self, time: float) -> str:
        """``on day 8.43`` or ``at 3 h``."""
        return at_time(time * self.scale, self.clock)

    def span(self, start: float, end: float) -> str:
        """``day 2.51 to 8.43`` or ``2 to 3 h``."""
        first, last = number(start * self.scale), number(end * self.scale)
        return f"day {first} to {last}" if self.clock == "d" else f"{first} to {last} {self.clock}"

    def rate(self, rate: float, name: str = "") -> str:
        """The size of a rate given per time unit of the model: of the curve, or of another species."""
        unit = self.model.unit_text(name) if name else self.unit
        per = f"{unit_text(unit)} per {self.clock}".lstrip()
        return f"{number(abs(rate) / self.scale)} {per}"

    def contributor(self, item: Contribution | RateChange | RateDifference) -> str:
        """What a sentence calls a contributor: its label in quotation marks."""
        if item.kind == ContributorKind.DOSES:
            return f"dosing ({item.label})" if item.label else "dosing"
        if item.kind == ContributorKind.CHANGES:
            return "the change of parameters"
        if item.kind == ContributorKind.TIME:
            return "explicit dependence on time"
        needs_id = self.names and (item.kind == ContributorKind.SPECIES or self._ambiguous(item))
        return f"{_quoted(item.label)} ({item.id})" if needs_id else _quoted(item.label)

    def how(self, item: Contribution, side: str, balance: Balance) -> str:
        """How a contributor raises (`side` GAIN) or lowers a curve: ``by “x”`` or ``because “x” adds less than at
        rest``."""
        if not item.has_background:
            return f"by {self.contributor(item)}"
        verb = {True: "adds", False: "removes"} if self.is_species else {True: "raises it", False: "lowers it"}
        adds = item.background > 0
        extent = "more" if adds == (side == GAIN) else "less"
        when = "at rest" if balance.at_rest else self.at(balance.reference)
        return f"because {self.contributor(item)} {verb[adds]} {extent} than {when}"

    def background(self, item: Contribution, balance: Balance) -> str:
        """What a contributor adds or removes as part of the turnover: ``12 at rest``."""
        when = "at rest" if balance.at_rest else f"balanced {self.at(balance.reference)}"
        return f"{number(abs(item.background) / self.scale)} {when}"

    @property
    def turnover(self) -> str:
        """``those at rest``: with what gain and loss over the whole run are compared."""
        return "those at rest" if self.explanation.rest.at_rest else "those that cancel at the start"

    @property
    def slowest(self) -> float:
        """Per time unit of the model: a curve that changes more slowly shows only errors of the solver."""
        times = self.explanation.flux.times
        return NOISE * self.largest / float(times[-1] - times[0])

    def side(self, side: str, changes: bool = False) -> str:
        """``gain`` or ``loss``; ``increase`` or ``decrease`` of an observable, or where `changes` of both are told."""
        return side if self.is_species and not changes else {GAIN: "increase", LOSS: "decrease"}[side]

    def undone(self, by: str, changes: bool = False) -> str:
        """What a gain is by a loss: ``lost again``; and a loss by a gain: ``replaced``; else ``offset``, see `side`."""
        return {LOSS: "lost again", GAIN: "replaced"}[by] if self.is_species and not changes else "offset"

    def two_rates(
        self, item: RateChange | RateDifference, name: str, new: tuple[float, str], old: float, at: str
    ) -> str:
        """``“label” would remove 42 pM per d on day 18 and 26 on day 14``: rates of `name`, negative for losses.

        Of a species conditional, as both rates are for one level, which the curve has under one condition at most; of
        an observable ``lowers it by 42 pM per d on day 18 and by 26 on day 14``.

        Args:
            item: What the rates are of.
            name: The species or observable.
            new: The first rate, and when or where it holds, such as ``on day 18``.
            old: The other rate.
            at: When or where that holds.
        """
        is_species = name in self.model.species
        adds, removes = ("add", "remove") if is_species else ("raises it by", "lowers it by")
        (rate, first_at), would = new, "would " if is_species else ""
        old = old if abs(old) > NOISE * abs(rate) else 0.0
        negative = rate < 0 or (rate == 0 and old < 0)
        text = (
            f"{self.contributor(item)} {would}{removes if negative else adds} {self.rate(rate, name)} {first_at} and "
        )
        if rate * old < 0:
            text += f"{adds if negative else removes} "
        elif not is_species:
            text += "by "
        return f"{text}{number(abs(old) / self.scale)} {at}"

    @property
    def both_times(self) -> str:
        """``on both days`` or ``at both times``."""
        return "on both days" if self.clock == "d" else "at both times"

    def label(self, name: str) -> str:
        """What a species, observable or parameter is called; its name if it has no label."""
        for group in (self.model.species, self.model.observables, self.model.parameters):
            if name in group:
                return group[name].label or name
        return name

    def named(self, name: str) -> str:
        """A name as a sentence has it: itself, or without names its label in quotation marks."""
        return name if self.names else _quoted(self.label(name))

    def driver(self, driver: RateDriver) -> str:
        """``“label” (name) is 3 pM instead of 5``."""
        label = self.label(driver.name)
        if label.lower() == driver.name.lower() or not self.names:
            return f"{self.named(driver.name)} is {self.driver_values(driver)}"
        return f"{_quoted(label)} ({driver.name}) is {self.driver_values(driver)}"

    def driver_values(self, driver: RateDriver) -> str:
        """``3 pM instead of 5``."""
        unit = self.model.unit_text(driver.name) if driver.name != TIME else self.model.time_unit_text
        return f"{with_unit(driver.after, unit)} instead of {number(driver.before)}"

    def parts(self, balance: Balance, side: str) -> list[tuple[Contribution, float]]:
        """The largest contributions to gain or loss with their shares: at most three, and one even if it is small."""
        total = getattr(balance, side)
        shares = [(part, getattr(part, side) / total if total else 0.0) for part in balance.contributions]
        shares = sorted((each for each in shares if each[1] > 0), key=lambda each: -each[1])
        return [each for i, each in enumerate(shares[:3]) if i == 0 or each[1] >= ENOUGH]

    def _ambiguous(self, item: Contribution | RateChange | RateDifference) -> bool:
        return sum(_quoted(each.label) == _quoted(item.label) for each in self.explanation.contributors) > 1


def short_label(label: str) -> str:
    """A long label only up to its first comma, semicolon or bracket."""
    return re.split(r"[,;(]", label)[0].strip() if len(label) > LONG else label


def _quoted(label: str) -> str:
    return f"“{short_label(label)}”"
