"""From merged scenario tables to checked values: quantities, names, doses, arms, expectations."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from typing import Any

from ..experiments.measure_language import curve_names, read_measure
from ..experiments.scenario import MAIN, Arm, Change, Dose, Expectation, Scenario
from ..model.expression import FormulaError, Name, nearest
from ..model.model import Model, dose_unit_factor
from ..model.units import ONE, Unit, UnitError, dimension_text, in_moles, quantity, unit
from .layers import Layers, Origins
from .toml_source import FileFault, Key, Table

MOST_TIMES = 1_000_000  # output times of one run
MOST_DOSES = 100_000
LONGEST = 1000 * 365.25  # days
ABSURD = 1000.0  # a parameter may leave its published range by this factor
CURVES = 4

Path_ = tuple[Key, ...]


class ScenarioBuilder:
    """Builds a `Scenario`; what is wrong is appended to `faults`, all of it."""

    def __init__(self, layers: Layers, model: Model, faults: list[FileFault]) -> None:
        self.layers, self.model, self.faults = layers, model, faults
        self.end = 0.0

    def build(self, name: str, model_name: str) -> Scenario | None:
        data = self.layers.data
        time = data.get("time", {})
        if "end" not in time:
            self.fault(("time",), "the scenario has no end: [time] end = '60 d'")
            return None
        end = self.time(("time", "end"), time["end"], positive=True)
        every = self.time(("time", "every"), time.get("every"), end / 500, positive=True)
        self.end = end
        if end > LONGEST * unit("d").to(self.model.time_unit):
            self.fault(("time", "end"), f"longer than {LONGEST:g} d")
        if every > 0 and end / every > MOST_TIMES:
            self.fault(("time", "every"), f"{end / every:.3g} output times; at most {MOST_TIMES}")
        arms = [self.arm(MAIN, None)]
        arms += [self.arm(arm, table) for arm, table in data.get("arms", {}).items()]
        plots = self.plots(data.get("show", {}).get("plots"))
        names = [arm.name for arm in arms]
        expectations = [self.expectation(i, item, names) for i, item in enumerate(data.get("expect", [])) if item]
        if self.faults:
            return None
        return Scenario(
            id=name,
            title=data["title"],
            question=data.get("question", ""),
            model=self.model,
            model_name=model_name,
            end=end,
            every=every,
            arms=tuple(arms),
            plots=plots,
            expectations=tuple(item for item in expectations if item),
            document=self.document(),
            origins=Origins(self.layers),
        )

    def fault(self, path: Path_, message: str) -> None:
        self.faults.append(self.layers.fault(path, message))

    def quantity(self, path: Path_, given: object, wanted: Unit, what: str, example: str) -> float:
        """A number in `wanted`, from text such as '5 d'; 0.0 and a fault where that fails."""
        try:
            if isinstance(given, str):
                number, measured_in, text = quantity(given)
            elif isinstance(given, (int, float)) and not isinstance(given, bool):
                number, measured_in, text = float(given), unit("1"), "1"
                if not math.isfinite(number):
                    raise UnitError(f"expected {what} such as '{example}', found {given}")
            else:
                found = "nothing" if given is None else repr(given)
                raise UnitError(f"expected {what} such as '{example}', found {found}")
            if not measured_in.same_dimension(wanted):
                if text == "1":
                    raise UnitError(f"the unit is missing: expected {what} such as '{example}', found {given!r}")
                raise UnitError(
                    f"wrong unit: expected {what} such as '{example}', found {given!r}, {dimension_text(measured_in)}"
                )
            return number * measured_in.to(wanted)
        except UnitError as error:
            self.fault(path, str(error))
            return 0.0

    def time(self, path: Path_, given: object, default: float | None = None, positive: bool = False) -> float:
        if given is None and default is not None:
            return default
        example = f"10 {self.model.time_unit_text}"
        before = len(self.faults)
        value = self.quantity(path, given, self.model.time_unit, "a time", example)
        if len(self.faults) == before and (value < 0 or (positive and value == 0)):
            self.fault(path, f"expected a time {'above' if positive else 'at or after'} zero, found {given!r}")
        return value

    def arm(self, name: str, table: Table | None) -> Arm:
        """The main arm (`table` None), or what an arm's table makes of it."""
        base = self.layers.data
        at: Path_ = () if table is None else ("arms", name)
        own = table or {}
        label = own.get("label") or (name.replace("_", " ") if table is not None else base.get("label", ""))
        doses = self.doses(own, at)
        initial = self.values(base.get("initial", {}), ("initial",), self.initial_value)
        parameters = self.values(base.get("parameters", {}), ("parameters",), self.parameter_value)
        changes = [self.change(item, ("change", i)) for i, item in enumerate(base.get("change", [])) if item]
        if table is not None:
            initial |= self.values(own.get("initial", {}), (*at, "initial"), self.initial_value)
            parameters |= self.values(own.get("parameters", {}), (*at, "parameters"), self.parameter_value)
            changes += [self.change(item, (*at, "change", i)) for i, item in enumerate(own.get("change", [])) if item]
        arm = Arm(name, label, initial, parameters, tuple(doses), tuple(changes))
        self.check_volumes(arm)
        return arm

    def check_volumes(self, arm: Arm) -> None:
        """A dose needs a volume above zero, whatever a parameter or a change makes of it."""
        values = {name: item.value for name, item in self.model.parameters.items()} | dict(arm.parameters)
        for changed in [{}, *(dict(change.parameters) for change in arm.changes)]:
            for volume in {dose.volume for dose in arm.doses if dose.volume}:
                own = {**values, **changed}
                size = own[volume] if volume in own else self.constant(volume, own)
                if not size > 0:
                    here: Path_ = ("parameters", volume) if arm.name == MAIN else ("arms", arm.name)
                    self.fault(here, f"{volume} is {size:g}; a dose needs a volume above zero")

    def constant(self, name: str, values: Mapping[str, float]) -> float:
        """An observable of parameters, for these values of theirs."""
        from ..numerics.constants import constant  # rarely asked for, and `check` is to be quick

        return constant(self.model, Name(name), values)

    def values(
        self, table: Mapping[str, Any], path: Path_, read: Callable[[Path_, str, Any], tuple[str, float] | None]
    ) -> dict[str, float]:
        if not isinstance(table, dict):
            self.fault(path, f"expected a table, found {table!r}")
            return {}
        values: dict[str, float] = {}
        for word, given in table.items():
            found = read((*path, word), word, given)
            if found is not None and found[0] in values:
                self.fault((*path, word), f"{found[0]} is given twice, in two spellings")
            if found is not None:
                values[found[0]] = found[1]
        return values

    def parameter_value(self, path: Path_, word: str, given: Any) -> tuple[str, float] | None:
        name = self.model.find(word, "parameters")
        if name is None:
            self.fault(path, f"no parameter '{word}'{nearest(word, self.model.parameters)}")
            return None
        parameter = self.model.parameters[name]
        value = self.declared_value(path, given, name, parameter.unit_text)
        bounds = parameter.range
        if value < 0 and not (parameter.value < 0 or (bounds and bounds[0] < 0)):
            self.fault(path, f"{name} cannot be negative, found {given!r}")
        elif bounds == (0.0, 1.0) and parameter.unit == ONE and value > 1:
            self.fault(path, f"{name} is a share, from 0 to 1, found {given!r}")
        elif bounds and value and not _near(value, *bounds):
            self.fault(path, f"{given!r} is more than {ABSURD:g} times outside the range of {name}, "
                             f"{bounds[0]:g} to {bounds[1]:g} {parameter.unit_text}")  # fmt: skip
        return name, value

    def initial_value(self, path: Path_, word: str, given: Any) -> tuple[str, float] | None:
        name = self.model.find(word, "species")
        if name is None:
            self.fault(path, f"no species '{word}'{nearest(word, self.model.species)}")
            return None
        value = self.declared_value(path, given, name, self.model.species[name].unit_text)
        if value < 0 and not self.model.species[name].signed:
            self.fault(path, f"{name} cannot be negative, found {given!r}")
        return name, value

    def declared_value(self, path: Path_, given: Any, name: str, unit_text: str) -> float:
        """A quantity in the unit declared for `name`, through its substance where it has one."""
        wanted, substance = self.model.unit(name), self.model.substance_of(name)
        if substance is not None and isinstance(given, str):
            try:
                number, measured_in, _ = quantity(given)
                converted = in_moles(measured_in, substance)
                if converted.same_dimension(wanted):
                    return number * converted.to(wanted)
            except UnitError:
                pass  # said again, with an example, just below
        return self.quantity(
            path, given, wanted, f"{name} in {unit_text}", f"1 {unit_text}" if unit_text != "1" else "1"
        )

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
                f"no species '{table['target']}' to give '{name}' to{nearest(table['target'], self.model.species)}",
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
            self.fault(path("at"), f"the dose '{name}' starts at {table['at']!r}, not before the end of the run")
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

    def plots(self, given: Any) -> tuple[tuple[str, ...], ...]:
        if given is None:
            return _default_plots(self.model)
        groups = []
        for i, words in enumerate(given):
            path: Path_ = ("show", "plots", i)
            if not isinstance(words, list) or not words:
                self.fault(path, f"a plot is a list of species or observables, found {words!r}")
                continue
            group: list[str] = []
            for word in words:
                name = self.model.find(str(word), "species", "observables")
                if name is None:
                    known = [*self.model.species, *self.model.observables]
                    self.fault(path, f"no species or observable '{word}'{nearest(str(word), known)}")
                elif group and not self.model.unit(name).same_dimension(self.model.unit(group[0])):
                    texts = [f"{each} [{self.model.unit_text(each)}]" for each in (group[0], name)]
                    self.fault(path, f"{' and '.join(texts)} cannot share an axis; put them in two plots")
                else:
                    group.append(name)
            groups.append(tuple(group))
        return tuple(groups)

    def expectation(self, number: int, table: Table, arms: list[str]) -> Expectation | None:
        path: Path_ = ("expect", number)
        before = len(self.faults)
        low, high = self.interval(table, path)
        unit_text = table.get("unit", "1")
        key = "unit"
        try:
            wanted = unit(unit_text)
            key = "measure"
            tree, found = read_measure(table["measure"], self.model, arms, self.end)
            substances = {self.model.substance_of(name) for name in curve_names(tree, self.model)}
            if len(substances) == 1 and (substance := substances.pop()) is not None:
                wanted = in_moles(wanted, substance)
            if not found.same_dimension(wanted):
                key = "unit" if "unit" in table else "measure"
                expected = f"the expectation is in '{unit_text}', {dimension_text(wanted)}"
                raise UnitError(f"the measure gives {dimension_text(found)}, {expected}")
        except (UnitError, FormulaError) as error:
            self.fault((*path, key), str(error))
        reference = table["source"].split(",")[0].strip()
        if reference not in self.model.sources and reference != "assumed":
            self.fault((*path, "source"), f"no source '{reference}'{nearest(reference, self.model.sources)}")
        if len(self.faults) > before:
            return None
        return Expectation(
            str(table.get("id", number + 1)),
            table["that"],
            table["measure"],
            tree,
            low,
            high,
            unit_text,
            wanted,
            table["source"],
            table.get("status", ""),
        )

    def interval(self, table: Table, path: Path_) -> tuple[float, float]:
        given = [key for key in ("between", "above", "below") if key in table]
        if len(given) != 1:
            self.fault(path, "an expectation has one of between = [low, high], above, below")
            return -math.inf, math.inf
        if given == ["above"]:
            return float(table["above"]), math.inf
        if given == ["below"]:
            return -math.inf, float(table["below"])
        both = table["between"]
        numbers = [value for value in both if isinstance(value, (int, float)) and math.isfinite(value)]
        if len(both) != 2 or len(numbers) != 2 or not both[0] < both[1]:
            self.fault((*path, "between"), f"expected [low, high], found {both!r}")
            return -math.inf, math.inf
        return float(both[0]), float(both[1])

    def document(self) -> dict[str, Any]:
        """The merged tables with every default written out."""
        data: dict[str, Any] = copy.deepcopy(self.layers.data)
        for table in (data, *data.get("arms", {}).values()):
            for key in {"change", "expect"} & set(table):
                table[key] = [item for item in table[key] if item]
        time = data.setdefault("time", {})
        unit_text = self.model.time_unit_text
        time.setdefault("every", f"{self.time(('time', 'end'), time['end']) / 500!r} {unit_text}")
        doses = [{"name": name, **_dose_defaults(dose)} for name, dose in data.pop("dose", {}).items()]
        top = {
            "schema": 1,
            "title": data.pop("title"),
            "question": data.pop("question", ""),
            "model": data.pop("model"),
        }
        top["label"] = data.pop("label", "")
        data.pop("schema", None)
        default = [list(group) for group in _default_plots(self.model)]
        plots = data.pop("show", {}).get("plots", default)
        expect = data.pop("expect", [])
        arms = data.pop("arms", {})
        document = {
            **top,
            "time": data.pop("time"),
            **data,
            "dose": doses,
            "show": {"plots": plots},
            "arms": arms,
            "expect": expect,
        }
        return {key: value for key, value in document.items() if value not in ([], {}) or key in top}


def _near(value: float, low: float, high: float) -> bool:
    """Whether `value` leaves its range by less than `ABSURD`; of either sign, zero being no size."""
    sizes = [abs(bound) for bound in (low, high) if bound]
    smallest = 0.0 if low <= 0.0 <= high else min(sizes)
    return smallest / ABSURD <= abs(value) <= max(sizes, default=math.inf) * ABSURD


def _dose_defaults(dose: Table) -> Table:
    return {**dose, "count": dose.get("count", 1)}


def _default_plots(model: Model) -> tuple[tuple[str, ...], ...]:
    """All species, those of one unit together, at most `CURVES` to a figure."""
    by_unit: dict[str, list[str]] = {}
    for species in model.species.values():
        by_unit.setdefault(species.unit_text, []).append(species.id)
    return tuple(tuple(names[i : i + CURVES]) for names in by_unit.values() for i in range(0, len(names), CURVES))
