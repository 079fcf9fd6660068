"""Doses and timed changes of a scenario, from merged tables to checked values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...experiments.scenario import Change, Dose
from ...model.model import dose_unit_factor
from ...model.units import UnitError, quantity
from ...runtime.names import nearest
from .layers import Path_
from .quantities import ValueReader
from .source import Table

MOST_DOSES = 100_000


class DoseReader(ValueReader):
    """Reads `[[dose]]` and `[[change]]`, of the scenario itself and of its arms."""

    def doses(self, arm: Table, at: Path_) -> list[Dose]:
        base = self.layers.data.get("dose", {})
        without = arm.get("without", [])
        for word in without:
            if not isinstance(word, str) or word not in base:
                self.fault((*at, "without"), f"no dose '{word}' to leave out{nearest(str(word), base)}")
        overrides = arm.get("dose", {})
        for name in overrides:
            if name in without:
                self.fault((*at, "dose", name), f"the arm both changes the dose '{name}' and leaves it out")
        names = [name for name in base if name not in without]
        names += [name for name in overrides if name not in base]
        doses = []
        for name in names:
            own = overrides.get(name, {})
            table = {**base.get(name, {}), **own}

            def path(key: str, name: str = name, own: Table = own) -> Path_:
                return (*at, "dose", name, key) if key in own or name not in base else ("dose", name, key)

            doses.append(self.dose(name, table, path))
        return [dose for dose in doses if dose is not None]

    def dose(self, name: str, table: Table, path: Callable[[str], Path_]) -> Dose | None:
        before = len(self.faults)
        base = self.layers.data.get("dose", {})
        meant = nearest(name, base) if name not in base and "target" not in table else ""
        if meant or not {"target", "amount", "at"} & set(table):
            self.fault(path("target")[:-1], f"no dose '{name}' to change{meant}")
            return None
        for key in ("target", "amount", "at"):
            if key not in table:
                self.fault(path(key)[:-1], f"the dose '{name}' has no {key}")
        if len(self.faults) > before:
            return None
        target = self.model.find(table["target"], "species")
        if target is None:
            self.fault(
                path("target"),
                self.model.unknown(table["target"], "species", purpose=f" to give '{name}' to"),
            )
            return None
        at = self.time(path("at"), table["at"])
        count = table.get("count", 1)
        over = self.time(path("over"), table["over"], positive=True) if "over" in table else 0.0
        every = self.time(path("every"), table["every"], positive=True) if "every" in table else 0.0
        if not isinstance(count, int) or not 1 <= count <= MOST_DOSES:
            self.fault(path("count"), f"expected a count from 1 to {MOST_DOSES}, found {count!r}")
        elif count > 1 and "every" not in table:
            self.fault(path("count"), f"{count} doses need 'every', the interval between them")
        elif count > 1 and over > every * (1 + 1e-12) and len(self.faults) == before:
            self.fault(
                path("over"), f"an infusion of {table['over']!r} is longer than its interval, {table['every']!r}"
            )
        if self.end and at >= self.end:
            end = f"{self.end:g} {self.model.time_unit_text}"
            self.fault(path("at"), f"the dose '{name}' starts at {table['at']!r}, not before the end of the run, {end}")
        amount, unit_text, converted = self.amount(path("amount"), table["amount"], target)
        if len(self.faults) > before or converted is None:
            return None
        factor, body, volume = converted
        return Dose(name, target, amount, unit_text, factor, body, volume, at, every, count, over)

    def amount(
        self, path: Path_, given: Any, target: str
    ) -> tuple[float, str, tuple[float, tuple[str, ...], str | None] | None]:
        try:
            number, measured_in, text = quantity(str(given))
            converted = dose_unit_factor(self.model, target, measured_in)
            if converted[1] and "/" not in text:  # mg/kg is a pure number too, but it says per what
                raise UnitError(f"the unit is missing: expected an amount of {target} such as '1 mg' or '1 mg/kg'")
        except UnitError as error:
            self.fault(path, f"{error}, found {given!r}")
            return 0.0, "1", None
        if number < 0:
            self.fault(path, f"a dose cannot be negative, found {given!r}")
        return number, text, converted

    def change(self, table: Any, path: Path_) -> Change:
        start, end = 0.0, None
        if ("at" in table) == ("while" in table):
            self.fault(path, "a change has either 'at' (from then on) or 'while' (from, to)")
        elif "at" in table:
            start = self.time((*path, "at"), table["at"])
        else:
            times = table["while"]
            if not isinstance(times, list) or len(times) != 2:
                self.fault((*path, "while"), f"expected two times such as ['20 d', '40 d'], found {times!r}")
            else:
                start, end = (self.time((*path, "while"), text) for text in times)
                if start >= end:
                    self.fault((*path, "while"), f"expected the first time before the second, found {times!r}")
        if self.end and start >= self.end:
            self.fault(path, "the change starts after the end of the run")
        return Change(start, end, self.values(table["parameters"], (*path, "parameters"), self.parameter_value))
