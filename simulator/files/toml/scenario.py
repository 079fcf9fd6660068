"""From merged scenario tables to one checked `Scenario`: arms, plots, expectations."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any

from ...experiments.scenario import MAIN, Arm, Expectation, Scenario
from ...experiments.sweeps.designs import Sweep
from ...model.expression import Name
from ...model.model import Model
from ...model.units import unit
from ...runtime.names import nearest, unknown_name
from .catalogue import evidence_words
from .doses import DoseReader
from .layers import Origins, Path_
from .source import Table
from .sweep import SweepReader

MOST_TIMES = 1_000_000  # output times of one run
LONGEST = 1000 * 365.25  # days
CURVES = 4


class ScenarioBuilder(DoseReader):
    """Builds a `Scenario`; what is wrong is appended to `faults`, all of it."""

    def build(self, name: str, model_name: str) -> Scenario | None:
        data = self.layers.data
        time = data.get("time", {})
        if "end" not in time:
            self.fault(("time",), "the scenario has no end: [time] end = '60 d'")
            return None
        before = len(self.faults)
        end = self.time(("time", "end"), time["end"], positive=True)
        known = len(self.faults) == before
        end = end if known else math.inf  # nothing lies after an end that is not known
        every = self.time(("time", "every"), time.get("every"), end / 500, positive=True)
        self.end = end
        if known and end > LONGEST * unit("d").to(self.model.time_unit):
            self.fault(("time", "end"), f"longer than {LONGEST:g} d")
        if known and every > 0 and end / every > MOST_TIMES:
            self.fault(("time", "every"), f"{end / every:.3g} output times; at most {MOST_TIMES}")
        arms = [self.arm(MAIN, None)]
        arms += [self.arm(arm, table) for arm, table in data.get("arms", {}).items()]
        plots = self.plots(data.get("show", {}).get("plots"))
        names = [arm.name for arm in arms]
        expectations = [self.expectation(i, item, names) for i, item in enumerate(data.get("expect", [])) if item]
        sweep = None
        if {"sweep", "population"} & set(data):
            reader = SweepReader(self.layers, self.model, self.faults, end, arms[0])
            sweep = reader.read(arms, [item for item in expectations if item], plots)
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
            sweep=sweep,
            document=self.document(sweep),
            origins=Origins(self.layers),
        )

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
        sets = [f"dose.{dose}.{key}" for dose, keys in own.get("dose", {}).items() for key in keys]
        if table is not None:
            own_initial = self.values(own.get("initial", {}), (*at, "initial"), self.initial_value)
            own_parameters = self.values(own.get("parameters", {}), (*at, "parameters"), self.parameter_value)
            sets += [*own_parameters, *(f"initial.{name}" for name in own_initial)]
            initial |= own_initial
            parameters |= own_parameters
            changes += [self.change(item, (*at, "change", i)) for i, item in enumerate(own.get("change", [])) if item]
        arm = Arm(name, label, initial, parameters, tuple(doses), tuple(changes), frozenset(sets))
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
        from ...numerics.parameter_formulas import constant  # rarely asked for, and `check` is to be quick

        return constant(self.model, Name(name), values)

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
                    self.fault(path, self.model.unknown(str(word), "species", "observables"))
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
        blamed: Path_ = (*path, "unit" if "unit" in table else "measure")
        measured = self.measured(blamed, (*path, "measure"), table["measure"], unit_text, arms)
        reference = table["source"].split(",")[0].strip()
        if reference not in self.model.sources and reference != "assumed":
            self.fault((*path, "source"), f"no source '{reference}'{nearest(reference, self.model.sources)}")
        breaks_in = table.get("breaks_in", [])
        for arm in breaks_in:
            if arm not in arms or arm == MAIN:
                others = [each for each in arms if each != MAIN]
                message = unknown_name("no arm", str(arm), others, " in which it could break")
                self.fault((*path, "breaks_in"), message)
        for key in ("rule", "topic", "claim"):
            if key in table and table[key] not in (known := evidence_words()[f"{key}s"]):
                hint = nearest(table[key], known) or f"; {key}s are {', '.join(known)}"
                self.fault((*path, key), f"no {key} '{table[key]}'{hint}")
        if "topic" in table and reference == "assumed":
            self.fault((*path, "topic"), "a topic is for published facts, and the source of this one is 'assumed'")
        if "claim" in table and not breaks_in:
            self.fault((*path, "claim"), "a claim names the arms without its mechanism in breaks_in")
        if measured is None or len(self.faults) > before:
            return None
        tree, wanted = measured
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
            table.get("rule", ""),
            table.get("topic", ""),
            table.get("claim", ""),
            tuple(breaks_in),
            table.get("missed", ""),
        )

    def interval(self, table: Table, path: Path_) -> tuple[float, float]:
        given = [key for key in ("between", "above", "below") if key in table]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            self.fault(path, f"an expectation has one of between = [low, high], above, below; found {found}")
            return -math.inf, math.inf
        if given == ["above"]:
            return float(table["above"]), math.inf
        if given == ["below"]:
            return -math.inf, float(table["below"])
        both = table["between"]
        numbers = [value for value in both if isinstance(value, (int, float)) and math.isfinite(value)]
        if len(both) != 2 or len(numbers) != 2 or not both[0] < both[1]:
            self.fault((*path, "between"), f"expected [low, high] with low below high, found {both!r}")
            return -math.inf, math.inf
        return float(both[0]), float(both[1])

    def document(self, sweep: Sweep | None) -> dict[str, Any]:
        """The merged tables with every default written out."""
        data: dict[str, Any] = copy.deepcopy(self.layers.data) | (dict(sweep.document) if sweep else {})
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


def _dose_defaults(dose: Table) -> Table:
    return {**dose, "count": dose.get("count", 1)}


def _default_plots(model: Model) -> tuple[tuple[str, ...], ...]:
    """All species, those of one unit together, at most `CURVES` to a figure."""
    by_unit: dict[str, list[str]] = {}
    for species in model.species.values():
        by_unit.setdefault(species.unit_text, []).append(species.id)
    return tuple(tuple(names[i : i + CURVES]) for names in by_unit.values() for i in range(0, len(names), CURVES))
