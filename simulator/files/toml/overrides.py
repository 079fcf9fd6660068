"""Options of the command line as values of a scenario: ``--set``, those of a sweep, and an end that was moved."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...experiments.measures import FUNCTIONS, functions_in, until_the_end
from ...experiments.scenario import Scenario
from ...experiments.sweeps.paths import split_path
from ...model.expression import FormulaError, parse_measure
from ...model.instants import converted
from ...model.units import Unit, UnitError, quantity
from ...runtime.errors import InputFault
from ...runtime.names import nearest
from .answer import NUMBER, counted_sentences
from .doses import INSTEAD
from .layers import KeyPath, Layers, OptionSource
from .quantities import LeftOut
from .source import Table

TIME_KEYS = ("end", "every")
DOSE_KEYS = ("target", "amount", "at", "every", "count", "over", "rate", "lag", "share")

_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_NAMED = re.compile(r"\s*([A-Za-z][A-Za-z0-9_ ]*?)\s*=(.*)\Z", re.DOTALL)


def apply_settings(layers: Layers, settings: Mapping[str, str]) -> Iterator[InputFault]:
    """Sets the values of ``--set NAME=VALUE``; returns a fault for each name that cannot be set."""
    for name, value in settings.items():
        setting = OptionSource(f"--set {name}={value}")
        path = _setting_path(layers, name)
        if path is None:
            known = "a parameter, initial.SPECIES, dose.NAME.KEY, time.end, time.every, population.count or seed"
            doses = [f"dose.{each}.amount" for each in layers.data.get("dose", {})]
            hint = nearest(name, doses) if name.startswith("dose.") else ""
            yield setting.fault((), f"--set names {known}; '{name}' is none{hint}")
        else:
            layers.set(path, _setting_value(path, value), setting)
            for other in INSTEAD.get(str(path[-1]), ()) if path[0] == "dose" else ():
                if not layers.from_command_line((*path[:-1], other)):
                    layers.drop((*path[:-1], other))


def _setting_path(layers: Layers, name: str) -> KeyPath | None:
    """The path of the value that a name of ``--set`` means; a name of a dose may have dots in it."""
    parts = tuple(part.strip() for part in name.split("."))
    if len(parts) == 1 and parts[0]:
        return ("parameters", parts[0])
    if parts[0] == "dose":
        _, dose, key = (part.strip() for part in split_path(name.strip()))
        return ("dose", dose, key) if dose in layers.data.get("dose", {}) and key in DOSE_KEYS else None
    if len(parts) != 2:
        return None
    if parts[0] in ("parameters", "initial") or (parts[0] == "time" and parts[1] in TIME_KEYS):
        return parts
    if parts[0] == "population" and "population" in layers.data and parts[1] in ("count", "seed"):
        return parts
    return None


def _setting_value(path: KeyPath, value: str) -> int | str:
    """Counts and seeds as whole numbers, everything else as it was typed."""
    if path[-1] == "count" or path == ("population", "seed"):
        number = _whole(value)
        return value if number is None else number
    return value


def settings_without_effect(scenario: Scenario, settings: Mapping[str, str]) -> Iterator[InputFault]:
    """A fault for each of ``--set`` that sets what varies: every member has a value of its own. In a design of one
    at a time it does have an effect, since the others stay as they are set."""
    from ...experiments.sweeps.designs import Product  # `check` reads no options, and starts fast
    from .design import FROM_DEFAULTS

    design = scenario.sweep.design if scenario.sweep else None
    parts = (design.outer, design.inner) if isinstance(design, Product) else (design,) if design else ()
    varied = {axis.path for part in parts if part.kind not in FROM_DEFAULTS for axis in part.axes}
    for name, value in settings.items():
        words = [word.strip() for word in name.split(".")]
        kind = words[0] if words[0] in ("initial", "dose") else "parameters"
        found = scenario.model.find(words[-1], "species" if kind == "initial" else "parameters")
        path = {"initial": f"initial.{found}", "dose": ".".join(words)}.get(kind, found)
        if path in varied:
            message = f"{path} varies from member to member, so that --set has no effect: leave out one of the two"
            yield OptionSource(f"--set {name}={value}").fault((), message)


@dataclass(frozen=True)
class SweepOptions:
    """The options ``--vary``, ``--sample``, ``--measure``, ``--seed``, ``--keep``, ``--arm``, ``--members`` and
    ``--population``.

    vary: ``NAME=FROM:TO:COUNT[:log]``, ``NAME=FROM:TO[:log]``, ``NAME=V1,V2`` or ``NAME``.
    sample: ``grid``, ``lhs:1000`` and so on.
    measures: ``id=formula`` or ``formula``.
    population: ``NAME:COUNT``, in place of what the file says of patients.
    """

    vary: tuple[str, ...] = ()
    sample: str | None = None
    measures: tuple[str, ...] = ()
    seed: int | None = None
    keep: tuple[str, ...] = ()
    arms: tuple[str, ...] = ()
    members: str | None = None
    population: str | None = None


def apply_sweep_options(layers: Layers, options: SweepOptions) -> list[InputFault]:
    """Sets the values of ``[sweep]`` that the options stand for, and returns faults of those that mean nothing.

    Axes, measures, arms and curves replace those of the file; what the file says of another sample is removed.
    """
    return list(_SweepOverlay(layers).apply(options))


class _SweepOverlay:
    def __init__(self, layers: Layers) -> None:
        self.layers = layers

    def apply(self, options: SweepOptions) -> Iterator[InputFault]:
        if options.members is not None and options.sample not in (None, "list"):
            text = f"--members {options.members} --sample {options.sample}"
            yield OptionSource(text).fault(
                (), "a file of members has all members, so there is nothing to sample: give --members or --sample"
            )
            return
        if options.population is not None:
            yield from self._population(options.population)
        if options.members is not None:
            self._forget("sample", "count", "seed", "vary")
            self._set(("sweep", "members"), options.members, f"--members {options.members}")
        if options.vary:
            yield from self._vary(options.vary)
        if options.sample is not None:
            yield from self._sample(options.sample)
        if options.measures:
            self._measures(options.measures)
        for key, flag, names in (("keep", "--keep", options.keep), ("arms", "--arm", options.arms)):
            if names:
                self._set(("sweep", key), list(names), " ".join(f"{flag} {name}" for name in names))
        if options.seed is not None:
            yield from self._seed(options.seed)

    def _vary(self, words: Sequence[str]) -> Iterator[InputFault]:
        """With axes from the command line a sweep is a grid, unless its sample is a space-filling one."""
        if self.layers.data.get("sweep", {}).get("sample", "list") in ("list", "zip"):
            self._forget("sample")
        if not isinstance(self.layers.origin(("sweep", "members"))[0], OptionSource):
            self._forget("members")  # of the file: --members itself goes with --vary, which then names columns
        axes: list[Table] = []
        settings = []
        for word in words:
            setting = OptionSource(f"--vary {word}")
            axis = _axis(word)
            if isinstance(axis, str):
                yield setting.fault((), axis)
            else:
                axes.append(axis)
                settings.append(setting)
        self._set(("sweep", "vary"), axes, " ".join(f"--vary {word}" for word in words))
        for number, setting in enumerate(settings):
            self.layers.set_origin(("sweep", "vary", number), setting)

    def _population(self, word: str) -> Iterator[InputFault]:
        name, _, text = word.rpartition(":")
        count, setting = _whole(text), f"--population {word}"
        if not name or count is None:
            yield OptionSource(setting).fault((), f"expected NAME:COUNT such as adults:300, found '{word}'")
            return
        self.layers.drop(("population",))
        self._set(("population", "of"), name.strip(), setting)
        self._set(("population", "count"), count, setting)

    def _sample(self, word: str) -> Iterator[InputFault]:
        from .design import DRAWN, FROM_DEFAULTS  # as in `settings_without_effect`

        setting = f"--sample {word}"
        sample, sign, count = word.partition(":")
        self._forget("count", *(() if sample in DRAWN else ("seed",)), *(() if sample == "list" else ("members",)))
        if sample in (*DRAWN, *FROM_DEFAULTS):
            for number, axis in enumerate(self.layers.data.get("sweep", {}).get("vary", [])):
                if not isinstance(self.layers.origin(("sweep", "vary", number))[0], OptionSource):
                    axis.pop("count", None)  # of the file's grid
        self._set(("sweep", "sample"), sample.strip(), setting)
        if sign:
            members = _whole(count)
            if members is None:
                yield OptionSource(setting).fault((), f"expected SAMPLE:COUNT such as lhs:1000, found {count!r}")
            else:
                self._set(("sweep", "count"), members, setting)

    def _measures(self, words: Sequence[str]) -> None:
        self._set(("sweep", "measures"), {}, "--measure")
        for word in words:
            named = _NAMED.match(word)
            id, formula = (named[1], named[2]) if named else (word, word)
            self._set(("sweep", "measures", id.strip()), formula.strip(), f"--measure {word}")

    def _seed(self, seed: int) -> Iterator[InputFault]:
        from .design import DRAWN  # as in `settings_without_effect`

        data, text = self.layers.data, f"--seed {seed}"
        drawn = data.get("sweep", {}).get("sample") in DRAWN
        if drawn:
            self._set(("sweep", "seed"), seed, text)
        if "population" in data:
            self._set(("population", "seed"), seed, text)
        if not drawn and "population" not in data:
            yield OptionSource(text).fault(
                (), f"nothing is drawn at random: a seed is for {', '.join(DRAWN)} and [population]"
            )

    def _set(self, path: KeyPath, value: object, text: str) -> None:
        if path[:1] not in self.layers.origins:
            self.layers.set_origin(path[:1], OptionSource(text))
        self.layers.set(path, value, OptionSource(text))

    def _forget(self, *keys: str) -> None:
        for key in keys:
            self.layers.drop(("sweep", key))


def _axis(word: str) -> Table | str:
    """The table that ``--vary`` stands for, or what is wrong with it."""
    name, sign, text = word.partition("=")
    axis: Table = {"parameter": name.strip()}
    if not axis["parameter"] or (sign and not text.strip()):
        return "expected NAME=FROM:TO:COUNT, NAME=FROM:TO:COUNT:log, NAME=V1,V2,V3 or NAME"
    if not sign:
        return axis
    parts = [part.strip() for part in text.split(":")]
    if len(parts) == 1:
        return {**axis, "values": [each.strip() for each in text.split(",")]}
    if parts[-1] in ("log", "linear"):
        axis["scale"] = parts.pop()
    if len(parts) == 3:
        count = _whole(parts.pop())
        if count is None:
            return f"expected a whole number of points after FROM:TO, found {text.split(':')[2]!r}"
        axis["count"] = count
    if len(parts) != 2:
        return "expected NAME=FROM:TO, NAME=FROM:TO:COUNT or NAME=FROM:TO:COUNT:log"
    return {**axis, "from": parts[0], "to": parts[1]}


def _whole(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def shorten(layers: Layers, end: float, before: object, time_unit: Unit) -> LeftOut:
    """Removes doses, changes, expectations and measures of a sweep that begin at or after the end of the run.

    In a file these are faults; here the end was moved on purpose. Lists keep their length, with None for what was
    removed, so that every other fault still names its line. Expectations about the whole run, such as a largest value,
    stay in the tables, for a sweep may measure them, but are not judged if the run is shorter than it was.

    Args:
        end: of the run, in `time_unit`.
        before: the end as the file has it.
    """
    cut = _Cut(layers.data, end, time_unit)
    words = [*cut.changes(), *cut.doses(), *cut.expectations(), *cut.answer()]
    shorter = cut.time(before) > end
    open_ended = cut.open_ended() if shorter else []
    if open_ended:
        words.append(f"{_expectations(len(open_ended))} about the whole run, which is shorter: not simulated")
    return LeftOut(tuple(words), cut.starts, frozenset(open_ended), shorter)


class _Cut:
    def __init__(self, data: Table, end: float, time_unit: Unit) -> None:
        self.data, self.end, self.time_unit = data, end, time_unit
        self.arms = [arm for arm in data.get("arms", {}).values() if isinstance(arm, dict)]
        self.starts: dict[str, str] = {}  # when what is removed would start, as in `LeftOut`

    def changes(self) -> Iterator[str]:
        for table in (self.data, *self.arms):
            changes = table.get("change", [])
            late = [self.time(self._start(change)) >= self.end for change in changes]
            if table is self.data:
                late_ones = [number for number, gone in enumerate(late, 1) if gone]
                self.starts |= {f"change {number}": str(self._start(changes[number - 1])) for number in late_ones}
            if any(late):
                yield f"{sum(late)} timed change{'s' * (sum(late) > 1)} at or after the end"
            changes[:] = [None if gone else change for change, gone in zip(changes, late, strict=True)]

    def doses(self) -> Iterator[str]:
        base = self.data.get("dose", {})
        for arm in self.arms:
            self._doses_of(arm, base)
        for name in [name for name, dose in base.items() if self._late(dose)]:
            at = base[name].get("at")
            self.starts[f"dose {name}"] = str(at[0] if isinstance(at, list) else at)
            del base[name]
            yield f"the dose '{name}', which starts at or after the end"
            for arm in self.arms:
                if name in arm.get("without", []):
                    arm["without"] = [word for word in arm["without"] if word != name]

    def _doses_of(self, arm: Table, base: Table) -> None:
        own = arm.get("dose", {})
        for name in list(own):
            dose = {**base.get(name, {}), **own[name]}
            if self._late(dose):
                del own[name]
                if name in base:
                    arm["without"] = [*arm.get("without", []), name]
            elif name in base and self._late(base[name]):
                own[name] = dose  # with all its keys, since those of the scenario are removed

    def expectations(self) -> Iterator[str]:
        expectations = self.data.get("expect", [])
        late = [self._about_later(item) for item in expectations]
        if any(late):
            yield f"{_expectations(sum(late))} about a later time: not simulated"
        expectations[:] = [None if gone else item for item, gone in zip(expectations, late, strict=True)]
        measures = self.data.get("sweep", {}).get("measures", {})
        formulas = {name: item if isinstance(item, dict) else {"measure": item} for name, item in measures.items()}
        for name in [name for name, item in formulas.items() if self._about_later(item)]:
            del measures[name]
            yield f"the measure '{name}', about a later time"

    def open_ended(self) -> list[int]:
        """The numbers, from 0, of the expectations that measure up to the end of the run, whenever that is."""
        found, counts = [], {name: row.counts for name, row in FUNCTIONS.items()}
        for number, item in enumerate(self.data.get("expect", [])):
            try:
                tree = parse_measure(str((item or {}).get("measure", "")), counts)
            except FormulaError:
                continue  # its reader reports that
            if any(until_the_end(each) for each in functions_in(tree)):
                found.append(number)
        return found

    def answer(self) -> Iterator[str]:
        """Removes the sentences of the answer that name later times."""
        sentences = self.data.get("answer", [])
        measured = [" ".join([*NUMBER.findall(str(item.get("says"))), str(item.get("if"))]) for item in sentences]
        late = [self._about_later({"measure": text}) for text in measured]
        if any(late):
            yield f"{counted_sentences(sum(late))}, about a later time"
        sentences[:] = [None if gone else item for item, gone in zip(sentences, late, strict=True)]

    def time(self, text: object) -> float:
        """A time in the time unit; 0.0 for what is not a time: its reader reports that."""
        try:
            number, given, _ = quantity(str(text))
            return converted(number, given, self.time_unit)
        except UnitError:
            return 0.0

    def _late(self, dose: Table) -> bool:
        at = dose.get("at")
        return self.time(at[0] if isinstance(at, list) and at else at) >= self.end

    def _start(self, change: Table) -> Any:
        return change.get("at") or (change.get("while") or [None])[0]

    def _about_later(self, item: Table) -> bool:
        """Whether a measure names a time after the end."""
        words = [a or b for a, b in _QUOTED.findall(str(item.get("measure", "")))]
        return max([self.time(word) for word in words], default=0.0) > self.end


def _expectations(count: int) -> str:
    return f"{count} expectation{'s' * (count > 1)}"
