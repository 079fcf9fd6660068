"""``[[population.accept]]``: published means, standard deviations and correlations, for which patients are accepted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...experiments.scenario import MAIN
from ...experiments.sweeps.designs import SweepMeasure, Wanted
from ...model.units import unit
from ...runtime.names import unknown_name
from .layers import KeyPath
from .quantities import Context, read_quantity
from .source import NUMBER, QUANTITY, REQUIRED_TEXT, TEXT, Table
from .sources import no_source

ACCEPT = {
    "measure": REQUIRED_TEXT,
    "arm": TEXT,
    "mean": QUANTITY,
    "sd": QUANTITY,
    "with": TEXT,
    "correlation": NUMBER,
    "source": TEXT,
}


def read_accept(context: Context, measures: Sequence[SweepMeasure], arms: Sequence[str]) -> tuple[Wanted, ...]:
    """What is published of the measures of a sweep in these arms; faults for what is wrong with it."""
    items: list[Table] = context.tables.get("population", {}).get("accept", [])
    before = len(context.faults)
    found = [_Reader(context, ("population", "accept", i), item, measures, arms).read() for i, item in enumerate(items)]
    if len(context.faults) > before:
        return ()
    means = {(each.arm, each.measure) for each in found if each.mean is not None and each.sd is not None}
    seen: set[tuple[str, str, str]] = set()
    for i, each in enumerate(found):
        path: KeyPath = ("population", "accept", i)
        key = each.arm, *sorted((each.measure, each.other))
        if key in seen:
            context.fault(path, f"what is published of {each.measure} is given twice")
        seen.add((key[0], key[1], key[2]))
        if each.correlation is not None:
            for name in (each.measure, each.other):
                if (each.arm, name) not in means:
                    context.fault(path, f"a correlation needs mean and sd of both; those of {name} are missing")
    return tuple(found)


class _Reader:
    def __init__(
        self, context: Context, path: KeyPath, item: Table, measures: Sequence[SweepMeasure], arms: Sequence[str]
    ) -> None:
        self.context, self.path, self.item, self.arms = context, path, item, arms
        self.measures = {each.id: each for each in measures}

    def fault(self, key: str, message: str) -> None:
        self.context.fault((*self.path, key) if key else self.path, message)

    def read(self) -> Wanted:
        item, arm = self.item, self.item.get("arm", self.arms[0] if self.arms else MAIN)
        if arm not in self.arms:
            self.fault("arm", unknown_name("no arm that is measured", str(arm), self.arms))
        for key in ("measure", "with"):
            if key in item and item[key] not in self.measures:
                self.fault(key, unknown_name("no measure of this sweep", str(item[key]), list(self.measures)))
        source = item.get("source", "assumed").split(",")[0].strip()
        if source != "assumed" and source not in self.context.sources:
            self.fault("source", no_source(source, self.context.sources))
        if ("with" in item) != ("correlation" in item) or ("mean" in item) == ("with" in item):
            self.fault("", "expected a mean, and perhaps an sd, or 'with' and 'correlation'")
        elif "sd" in item and "mean" not in item:
            self.fault("sd", "an sd needs its mean")
        correlation = item.get("correlation")
        if correlation is not None and not -1 < correlation < 1:
            self.fault("correlation", f"a correlation lies between -1 and 1, these excluded, found {correlation!r}")
        if item.get("with") == item["measure"]:
            self.fault("with", f"{item['measure']} is correlated with itself")
        mean, sd = self._number("mean"), self._number("sd")
        if sd is not None and not sd > 0:
            self.fault("sd", f"sd must be above zero, found {item['sd']!r}")
        return Wanted(item["measure"], str(arm), mean, sd, item.get("with", ""), correlation)

    def _number(self, key: str) -> float | None:
        """A quantity in the unit of the measure."""
        measure = self.measures.get(self.item["measure"])
        given: Any = self.item.get(key)
        if given is None or measure is None:
            return None
        example = f"1 {measure.unit_text}" if measure.unit_text != "1" else "1"
        return read_quantity(self.context, (*self.path, key), given, unit(measure.unit_text), "a quantity", example)
