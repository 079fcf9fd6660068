"""``[sweep]`` and ``[population]``: from tables to a checked `Sweep`."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any

from ...experiments.measure_formula import arms_of, read_measure, unit_text_of
from ...experiments.scenario import MAIN, Arm, Expectation
from ...experiments.sweeps.designs import Product, Sweep, SweepMeasure
from ...experiments.sweeps.paths import reaches
from ...model.expression import FormulaError
from ...model.units import UnitError
from ...runtime.names import unknown_name
from .axes import AxisReader, Varied
from .design import MOST_MEMBERS, DesignReader
from .layers import Path_
from .population import PopulationReader
from .source import NEEDED_TEXT, NUMBER, TEXT

MEASURE = {"measure": NEEDED_TEXT, "unit": TEXT, "label": TEXT, "above": NUMBER, "below": NUMBER, "scale": TEXT}


class SweepReader(AxisReader):
    """Builds a `Sweep`; what is wrong is appended to `faults`, all of it."""

    def read(
        self, arms: Sequence[Arm], expectations: Sequence[Expectation], plots: Sequence[Sequence[str]]
    ) -> Sweep | None:
        """The sweep of a scenario with these arms, by default measured as the expectations are."""
        before = len(self.faults)
        self.arms, self.table = arms, self.layers.data.get("sweep", {})
        designs, patients = DesignReader(self), PopulationReader(self)
        members, population = designs.design(), patients.population()
        told = len(self.faults) > before or self.layers.worded(("sweep", "vary"))  # of words that are no axis
        if members is None and "population" not in self.layers.data and not told:
            self.fault(("sweep",), "nothing varies: add [[sweep.vary]], with its parameter and values, or [population]")
        varied = [*designs.varied, *patients.varied]
        read_arms, keep = self._arms(), self._keep()
        measures = self._measures(expectations, plots)
        self._once(varied)
        used = {*read_arms, *(arm for each in measures for arm in arms_of(each.tree) if arm != MAIN)}
        self._reached(varied, [arm for arm in arms if arm.name in used])
        if len(self.faults) == before:
            self.ends(varied, [arm for arm in arms if arm.name in used])
        design = Product(members, population) if members and population else members or population
        if design is not None and design.count > MOST_MEMBERS and len(self.faults) == before:
            self.fault(("sweep",), f"{design.count} members; at most {MOST_MEMBERS}")
        if len(self.faults) > before or design is None:
            return None
        named = {each.id: _resolved(each) for each in measures}
        document = {"sweep": {**designs.resolved, "arms": list(read_arms), "keep": list(keep), "measures": named}}
        if population is not None:
            document["population"] = copy.deepcopy(self.layers.data["population"])
        return Sweep(design, measures, read_arms, keep, document)

    def _once(self, varied: Sequence[Varied]) -> None:
        seen: set[str] = set()
        for path, spot, _, _ in varied:
            if spot.path in seen:
                self.fault(path, f"{spot.path} varies twice")
            seen.add(spot.path)

    def _reached(self, varied: Sequence[Varied], arms: Sequence[Arm]) -> None:
        for path, spot, _, _ in varied:
            if arms and not any(reaches(spot.path, arm) for arm in arms):
                arm = arms[0]
                why = "sets it itself" if spot.path in arm.own else f"leaves the dose '{spot.name}' out"
                self.fault(path, f"{spot.path} varies in no arm that is read: arm {arm.name} {why}")

    def _arms(self) -> tuple[str, ...]:
        known = [arm.name for arm in self.arms]
        words = self.table.get("arms", [MAIN])
        for word in words:
            if word not in known:
                self.fault(("sweep", "arms"), unknown_name("no arm", str(word), known))
        if not words:
            self.fault(("sweep", "arms"), f"there is no arm; there are {', '.join(known)}")
        return tuple(dict.fromkeys(map(str, words)))

    def _keep(self) -> tuple[str, ...]:
        kept = []
        for word in self.table.get("keep", []):
            name = self.model.find(str(word), "species", "observables")
            if name is None:
                self.fault(("sweep", "keep"), self.model.unknown(str(word), "species", "observables"))
            else:
                kept.append(name)
        return tuple(dict.fromkeys(kept))

    def _measures(
        self, expectations: Sequence[Expectation], plots: Sequence[Sequence[str]]
    ) -> tuple[SweepMeasure, ...]:
        """Those that are given; else those of the expectations that look at one arm; else the largest value of
        everything that is plotted."""
        given = self.table.get("measures", {})
        if given:
            found = [self._measure(id, item) for id, item in given.items()]
            return tuple([each for each in found if each])
        own: dict[str, SweepMeasure] = {}
        for each in expectations:
            if set(arms_of(each.measure)) <= {MAIN} and each.measure_text not in own:
                id = each.measure_text if each.id.isdecimal() else each.id
                own[each.measure_text] = SweepMeasure(
                    id, each.that, each.measure_text, each.measure, each.unit, each.unit_text
                )
        if own:
            return tuple(own.values())
        shown = dict.fromkeys(name for group in plots for name in group)
        largest = [self._measure(f"max({name})", f"max({name})") for name in shown]
        return tuple([each for each in largest if each])

    def _measure(self, id: str, item: Any) -> SweepMeasure | None:
        path: Path_ = ("sweep", "measures", id)
        table = {"measure": item} if isinstance(item, str) else item
        text = table["measure"]
        label = table.get("label") or id.replace("_", " ")
        low, high = float(table.get("above", -math.inf)), float(table.get("below", math.inf))
        if not low < high:
            self.fault((*path, "above"), f"expected 'above' lower than 'below', found {low:g} and {high:g}")
        log = self.log(table, path) if "scale" in table else None
        arms = [arm.name for arm in self.arms]
        if "unit" in table:
            measured = self.measured((*path, "unit"), (*path, "measure"), text, table["unit"], arms)
            return measured and SweepMeasure(id, label, text, *measured, table["unit"], low, high, log)
        try:
            tree, unit = read_measure(text, self.model, arms, self.end)
            return SweepMeasure(id, label, text, tree, unit, unit_text_of(tree, self.model), low, high, log)
        except (UnitError, FormulaError) as error:
            self.fault((*path, "measure") if isinstance(item, dict) else path, str(error))
            return None


def _resolved(measure: SweepMeasure) -> dict[str, Any]:
    """A measure as it could stand in a file."""
    table: dict[str, Any] = {"measure": measure.text, "unit": measure.unit_text, "label": measure.label}
    table |= {key: at for key, at in (("above", measure.low), ("below", measure.high)) if math.isfinite(at)}
    return table if measure.log is None else {**table, "scale": "log" if measure.log else "linear"}
