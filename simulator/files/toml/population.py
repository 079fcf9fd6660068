"""``[population]``: distributions and correlations of virtual patients, from tables to a checked design."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from ...experiments.scenario import Arm
from ...experiments.sweeps.population import (
    Choice,
    Correlation,
    Distribution,
    Normal,
    Population,
    Triangular,
    Uniform,
    cholesky_rows,
)
from ...model.declarations import STATUSES, is_status
from ...runtime.names import nearest
from .axes import SweepVariable, Varied, impossible, read_numbers, read_variable
from .design import MAX_MEMBERS
from .layers import KeyPath
from .quantities import Context
from .source import INTEGER, LINE, LIST, NUMBER, QUANTITY, REQUIRED_INTEGER, REQUIRED_TEXT, TEXT, Table
from .sources import no_source

POPULATION = {
    "of": LINE,
    "count": REQUIRED_INTEGER,
    "seed": INTEGER,
    "vary": LIST,
    "correlations": LIST,
    "accept": LIST,
}
PATIENT = {
    "parameter": REQUIRED_TEXT,
    "distribution": REQUIRED_TEXT,
    "mean": QUANTITY,
    "sd": QUANTITY,
    "median": QUANTITY,
    "cv": NUMBER,
    "from": QUANTITY,
    "to": QUANTITY,
    "mode": QUANTITY,
    "values": LIST,
    "weights": LIST,
    "within": LIST,
    "label": LINE,
    "source": TEXT,
    "status": TEXT,
}
DESCRIPTIVE = ("label", "source", "status")  # keys that change no number
DISTRIBUTIONS = {  # sets of keys that each may be given by, and keys that may be added
    "normal": ((("mean", "sd"),), ("within",)),
    "lognormal": ((("median", "cv"), ("mean", "sd"), ("cv",)), ("within",)),  # cv alone: around the scenario
    "uniform": ((("from", "to"),), ()),
    "loguniform": ((("from", "to"),), ()),
    "triangular": ((("from", "mode", "to"),), ()),
    "choice": ((("values",),), ("weights",)),
}
_NUMBERS: tuple[str, ...] = ("mean", "sd", "median", "from", "to", "mode")
MIN_KEPT = 1e-3  # share of a distribution within its limits; less is a mistake in the limits


class Patient(NamedTuple):
    """One variable of the patients: where it is written, and how it is distributed."""

    path: KeyPath
    variable: SweepVariable
    distribution: Distribution


class PopulationFound(NamedTuple):
    """What ``[population]`` says. population: None where there is none or something is wrong. varied: every variable
    that could be read."""

    population: Population | None
    varied: list[Varied]


def read_population(context: Context, main: Arm) -> PopulationFound:
    """The virtual patients of a scenario, if it has any; their defaults are the values of the arm `main`."""
    if "population" not in context.tables:
        return PopulationFound(None, [])
    return _PopulationReader(context, main).read()


class _PopulationReader:
    def __init__(self, context: Context, main: Arm) -> None:
        self.context, self.main, self.fault = context, main, context.fault

    def read(self) -> PopulationFound:
        before, table = len(self.context.faults), self.context.tables["population"]
        count, items = table["count"], table.get("vary", [])
        if not isinstance(count, int) or not 1 <= count <= MAX_MEMBERS:
            self.fault(("population", "count"), f"expected a whole number from 1 to {MAX_MEMBERS}, found {count!r}")
        if not isinstance(table["seed"], int):
            self.fault(("population", "seed"), f"a seed is a whole number, found {table['seed']!r}")
        if not items:
            self.fault(("population",), "nothing varies between patients: add [[population.vary]]")
        found = [self._patient(item, ("population", "vary", number)) for number, item in enumerate(items)]
        patients = [each for each in found if each is not None]
        names = [
            each.variable.path if each else self._name(item["parameter"])
            for item, each in zip(items, found, strict=True)
        ]
        correlations = self._correlations(table.get("correlations", []), names)
        varied = [Varied(each.path, each.variable, *each.distribution.display_range) for each in patients]
        if len(self.context.faults) > before:
            return PopulationFound(None, varied)
        axes = tuple([each.variable.axis(*each.distribution.display_range, each.distribution.log) for each in patients])
        distributions = tuple([each.distribution for each in patients])
        return PopulationFound(Population(axes, distributions, count, table["seed"], correlations), varied)

    def _name(self, word: object) -> str:
        """The parameter that `word` means, or the word itself."""
        return self.context.model.find(str(word), "parameters") or str(word)

    def _patient(self, item: Table, path: KeyPath) -> Patient | None:
        before = len(self.context.faults)
        at = (*path, "parameter")
        variable = read_variable(self.context, self.main, at, item["parameter"], item.get("label"))
        self._origin(item, path)
        kind = item["distribution"]
        if kind not in DISTRIBUTIONS:
            hint = nearest(kind, DISTRIBUTIONS) or f"; distributions are {', '.join(DISTRIBUTIONS)}"
            self.fault((*path, "distribution"), f"no distribution '{kind}'{hint}")
            return None
        sets, more = DISTRIBUTIONS[kind]
        given = [key for key in item if key not in ("parameter", "distribution", *DESCRIPTIVE)]
        fitting = [keys for keys in sets if set(keys) <= set(given) <= {*keys, *more}]
        if not fitting:
            wanted = " or ".join(" and ".join(keys) for keys in sets)
            also = f", and may have {' and '.join(more)}" if more else ""
            self.fault(path, f"a {kind} distribution has {wanted}{also}; found {', '.join(given) or 'none'}")
        if variable is not None and variable.is_count and kind != "choice":
            self.fault((*path, "distribution"), "doses are counted: only a choice of values can vary between patients")
        if len(self.context.faults) > before or variable is None:
            return None
        return self._distribution(item, path, variable, kind)

    def _origin(self, item: Table, path: KeyPath) -> None:
        """Sources are those of the model, and a status says how certain the spread between people is."""
        for part in item["source"].split(";") if "source" in item else ():
            key = part.split(",")[0].strip()
            if key != "assumed" and key not in self.context.sources:
                self.fault((*path, "source"), no_source(key, self.context.sources))
        status = item.get("status", "verified")
        if not is_status(status) or status.startswith("knob"):
            wanted = ", ".join(STATUSES[:-1])
            self.fault((*path, "status"), f"the status {status!r} is none of: {wanted}")

    def _distribution(self, item: Table, path: KeyPath, variable: SweepVariable, kind: str) -> Patient | None:
        before = len(self.context.faults)
        texts: dict[str, tuple[KeyPath, Any]] = {each: ((*path, each), item[each]) for each in _NUMBERS if each in item}
        for word in ("values", "within"):
            texts |= {f"{word} {i}": ((*path, word), text) for i, text in enumerate(item.get(word, []))}
        found = read_numbers(self.context, variable, list(texts.values()))
        if "within" in item and len(item["within"]) != 2:
            self.fault((*path, "within"), f"expected [lowest, highest], found {item['within']!r}")
        if len(self.context.faults) > before or found is None:
            return None
        variable, numbers = found
        values: dict[str, float] = dict(zip(texts, numbers, strict=True))
        if kind == "lognormal" and not {"median", "mean"} & set(values):
            if variable.default is None:
                message = f"cv alone is the spread around the value of {variable.path}, which has none: give a median"
                self.fault((*path, "cv"), message)
            if not variable.default:
                return None  # what is 0, as what a knockout takes away, is 0 in everybody
            values["median"] = variable.default
        several = {key: [values[each] for each in values if each.startswith(key)] for key in ("values", "within")}
        made = self._made(item, path, kind, values, several)
        if made is not None:
            self._check_possible(item, path, variable, kind, made)
        return None if made is None or len(self.context.faults) > before else Patient(path, variable, made)

    def _made(
        self, item: Table, path: KeyPath, kind: str, values: dict[str, float], several: dict[str, list[float]]
    ) -> Distribution | None:
        within = (several["within"][0], several["within"][1]) if several["within"] else None
        if within and not within[0] < within[1]:
            self.fault((*path, "within"), f"expected the lowest before the highest, found {item['within']!r}")
            return None
        if kind in ("normal", "lognormal"):
            return self._normal(item, path, kind == "lognormal", values, within)
        if kind == "choice":
            return self._choice(item, path, several["values"])
        low, high = values["from"], values["to"]
        if not low < high:
            self.fault((*path, "from"), f"expected 'from' below 'to', found {item['from']!r} and {item['to']!r}")
        elif kind == "loguniform" and not low > 0:
            self.fault((*path, "from"), f"a loguniform distribution starts above zero, found {item['from']!r}")
        elif kind == "triangular" and not low <= values["mode"] <= high:
            self.fault((*path, "mode"), f"expected a mode between 'from' and 'to', found {item['mode']!r}")
        else:
            return Triangular(low, values["mode"], high) if kind == "triangular" else Uniform(low, high, "log" in kind)
        return None

    def _normal(
        self, item: Table, path: KeyPath, log: bool, values: dict[str, float], within: tuple[float, float] | None
    ) -> Normal | None:
        for key in ("sd", "cv"):
            if key in item and not (values["sd"] if key == "sd" else item["cv"]) > 0:
                self.fault((*path, key), f"{key} must be above zero, found {item[key]!r}")
                return None
        if not log:
            made = Normal(values["mean"], values["sd"], False, within)
        else:
            key = "median" if "median" in values else "mean"
            if not values[key] > 0:
                self.fault(
                    (*path, key if key in item else "cv"),
                    f"the {key} of a lognormal distribution is above zero, found {item.get(key, values[key])!r}",
                )
                return None
            cv = item["cv"] if key == "median" else values["sd"] / values["mean"]
            spread = math.log1p(cv * cv)
            made = Normal(math.log(values[key]) - (spread / 2 if key == "mean" else 0), math.sqrt(spread), True, within)
        kept = made.within_cdf[1] - made.within_cdf[0]
        if kept < MIN_KEPT:
            self.fault((*path, "within"), f"only {kept:.2g} of the distribution lies within {item['within']!r}")
            return None
        return made

    def _choice(self, item: Table, path: KeyPath, values: list[float]) -> Choice | None:
        weights = item.get("weights", [1] * len(values))
        right = [w for w in weights if isinstance(w, (int, float)) and not isinstance(w, bool) and 0 <= w < math.inf]
        if not values:
            self.fault((*path, "values"), "there is nothing to choose from")
        elif len(right) != len(weights) or len(weights) != len(values) or not sum(right) > 0:
            self.fault((*path, "weights"), f"expected {len(values)} weights, none below zero, found {weights!r}")
        else:
            return Choice(tuple(values), tuple([float(weight) for weight in right]))
        return None

    def _check_possible(
        self, item: Table, path: KeyPath, variable: SweepVariable, kind: str, made: Distribution
    ) -> None:
        """A fault where the distribution reaches values that are impossible."""
        low, high = made.support
        if kind == "choice":
            for text, value in zip(item["values"], made.values if isinstance(made, Choice) else (), strict=True):
                problem = impossible(self.context, variable, value, text)
                if problem:
                    self.fault((*path, "values"), problem)
        elif low < variable.low or high > variable.high:
            beyond = "below" if low < variable.low else "above"
            end = variable.low if low < variable.low else variable.high
            unit_text = "" if variable.unit_text == "1" else f" {variable.unit_text}"
            key = "within" if "within" in item else "from" if "from" in item else "distribution"
            reached = f"{beyond} {end:g}{unit_text}" if end != math.ulp(0.0) else "at or below zero"
            self.fault((*path, key), f"{kind} gives {variable.path} {reached}; "
                                     f"{self._remedy(variable, kind, made, unit_text)}")  # fmt: skip

    def _remedy(self, variable: SweepVariable, kind: str, made: Distribution, unit_text: str) -> str:
        if kind not in ("normal", "lognormal") or (isinstance(made, Normal) and made.within):
            return f"it must be {variable.limits(self.context.model.time_unit_text)}"
        low, high = variable.own or made.display_range
        low, high = max(low, 0.0 if variable.low == 0 else low), min(high, variable.high)
        return f'write within = ["{low:.4g}{unit_text}", "{high:.4g}{unit_text}"], or the limits that you mean'

    def _correlations(self, items: list[Any], known: list[str]) -> tuple[Correlation, ...]:
        found: dict[frozenset[str], Correlation] = {}
        before = len(self.context.faults)
        path: KeyPath = ("population", "correlations")
        for item in items:
            if not isinstance(item, list) or len(item) != 3 or not all(isinstance(each, str) for each in item[:2]):
                self.fault(path, f'expected ["NAME", "NAME", number], found {item!r}')
                continue
            names = [self._known(path, word, known) for word in item[:2]]
            value = item[2]
            if not isinstance(value, (int, float)) or isinstance(value, bool) or not -1 < value < 1:
                self.fault(path, f"a correlation lies between -1 and 1, these excluded, found {value!r}")
            elif names[0] and names[0] == names[1]:
                self.fault(path, f"{names[0]} is correlated with itself")
            elif names[0] and names[1] and frozenset(map(str, names)) in found:
                self.fault(path, f"the correlation of {names[0]} and {names[1]} is given twice")
            elif names[0] and names[1]:
                found[frozenset(map(str, names))] = Correlation(names[0], names[1], float(value))
        result = tuple(found.values())
        if len(self.context.faults) == before and cholesky_rows(known, result) is None:
            self.fault(path, "these correlations are impossible: the matrix is not positive definite")
        return result

    def _known(self, path: KeyPath, word: str, known: list[str]) -> str | None:
        name = self._name(word)
        if name not in known:
            self.fault(path, f"'{word}' does not vary between patients{nearest(word, known)}")
            return None
        return name
