"""The register of published facts: what was looked up before a mechanism was written, one file for each field."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ...experiments.facts import KINDS, Fact
from ...model.expression import is_identifier
from ...model.units import UnitError, unit
from ...runtime.errors import InputError, InputFault
from ...runtime.names import nearest
from ..kept_models import REFERENCES
from .catalogue import BIOLOGY, evidence_terms
from .interval import INTERVAL, read_interval
from .layers import KeyPath
from .source import REQUIRED_LINE, REQUIRED_TEXT, Field, Table, TomlSource, check_fields

FOLDER = BIOLOGY / "facts"
FILE = {"facts": Field((dict,), True)}
FACT = {
    "that": REQUIRED_LINE,
    "setting": REQUIRED_TEXT,
    "quantity": REQUIRED_TEXT,
    "observable": REQUIRED_LINE,
    **INTERVAL,
    "unit": REQUIRED_LINE,
    "rule": REQUIRED_LINE,
    "kind": REQUIRED_LINE,
    "topic": REQUIRED_LINE,
    "source": REQUIRED_TEXT,
    "status": REQUIRED_LINE,
    "log10": Field((bool,)),
    "set_aside": Field((bool,)),
}
STATUSES = ("verified", "secondary", "derived: how", "from memory")
# of a rule, the end of the interval above over the end below, which follows from it: nobody can widen it unseen
WIDTHS = {"a third": 9 / 4, "factor 2": 4, "factor 3": 9}
ROUNDED = 0.03  # of such a width: the ends are written with two or three digits
NO_NUMBER = "direction"  # the one rule that gives no interval


@functools.cache
def register() -> dict[str, Fact]:
    """Every fact of the package, by name. Raises `InputError` with everything that is wrong with its files."""
    return read_facts(sorted(FOLDER.glob("*.toml")))


def not_asked_by(names: Iterable[str]) -> tuple[Fact, ...]:
    """The facts of the register that are not among `names`."""
    asked = set(names)
    return tuple(fact for name, fact in register().items() if name not in asked)


def read_facts(paths: Sequence[Path]) -> dict[str, Fact]:
    """The facts in these files, by name, in the order of the files.

    Raises `InputError` with everything that is wrong with them.
    """
    faults: list[InputFault] = []
    sources = TomlSource(REFERENCES).data["sources"]
    found: dict[str, Fact] = {}
    owners: dict[str, TomlSource] = {}
    for source in map(TomlSource, paths):
        wrong = list(check_fields(source.data, FILE, "a file of facts"))
        faults += [source.fault(path, message) for path, message in wrong]
        for name, table in source.data["facts"].items() if not wrong else ():
            problems = list(_problems(name, table, sources))
            if name in owners:
                where = owners[name].fault(("facts", name), "")
                problems.append(((), f"'{name}' is a fact already, in {where.file}:{where.line}"))
            owners.setdefault(name, source)
            faults += [source.fault(("facts", name, *path), message) for path, message in problems]
            if not problems:
                found[name] = _fact(name, table)
    if faults:
        raise InputError(faults)
    return found


def asked_twice(paths: Sequence[Path]) -> list[InputFault]:
    """A fault for each expectation of these scenario files that asks a fact which another file of them asks.

    What else is wrong with a file is said where it is read.
    """
    first: dict[str, InputFault] = {}
    faults = []
    for path in dict.fromkeys(paths):
        try:
            source = TomlSource(path)
        except InputError:
            continue
        expected = source.data.get("expect")
        for number, item in enumerate(expected if isinstance(expected, list) else ()):
            name = item.get("fact") if isinstance(item, dict) else None
            if not isinstance(name, str):
                continue
            fault = source.fault(("expect", number, "fact"), "")
            if name in first and first[name].file != fault.file:
                where = f"{first[name].file}:{first[name].line}"
                message = f"the fact '{name}' is asked already, in {where}; ask it once"
                faults.append(fault._replace(message=message))
            first.setdefault(name, fault)
    return faults


def _fact(name: str, table: Table) -> Fact:
    low, high = read_interval(table, "a fact", lambda *_: None) or (math.nan, math.nan)
    flags = {key: table.get(key, False) for key in ("log10", "set_aside")}
    words = {key: table[key] for key in Fact._fields if key in table and key not in flags}
    return Fact(id=name, low=low, high=high, unit_text=table["unit"], **flags, **words)


def _problems(name: str, table: object, sources: Table) -> Iterator[tuple[KeyPath, str]]:
    """(path within the table, message) for everything that is wrong with one fact."""
    if not is_identifier(name):
        yield (), f"'{name}' cannot be a name: letters, digits and _ only, and no function's name"
    wrong = list(check_fields(table, FACT, f"[facts.{name}]"))
    yield from wrong
    if wrong or not isinstance(table, dict):
        return
    try:
        unit(table["unit"])
    except UnitError as error:
        yield ("unit",), str(error)
    for key in ("rule", "topic"):
        known = evidence_terms()[f"{key}s"]
        if table[key] not in known:
            hint = nearest(table[key], known) or f"; {key}s are {', '.join(known)}"
            yield (key,), f"no {key} '{table[key]}'{hint}"
    if table["rule"] == NO_NUMBER:
        yield ("rule",), "a fact of the register is a number with an interval, not a direction"
    if table["kind"] not in KINDS:
        yield ("kind",), f"no kind '{table['kind']}'{nearest(table['kind'], list(KINDS))}; kinds are {', '.join(KINDS)}"
    if not _is_status(table["status"]):
        yield ("status",), f"the status {table['status']!r} is none of: {', '.join(STATUSES)}"
    key = table["source"].split(",")[0].strip()
    if key not in sources:
        yield ("source",), f"no source '{key}'{nearest(key, sources)}"
    found: list[tuple[KeyPath, str]] = []
    interval = read_interval(table, "a fact", lambda *fault: found.append(fault))
    yield from found
    if interval is not None:
        yield from _width_problem(table["rule"], *interval)


def _is_status(text: str) -> bool:
    word, _, how = text.partition(":")
    return text in STATUSES or (word == "derived" and bool(how.strip()))


def _width_problem(rule: str, low: float, high: float) -> Iterator[tuple[KeyPath, str]]:
    """What is wrong where the ends of an interval do not follow from one number by its rule."""
    if rule not in WIDTHS or math.isinf(low) or math.isinf(high):
        return
    near, far = sorted((abs(low), abs(high)))
    wanted = WIDTHS[rule]
    if low * high <= 0 or abs(far / near / wanted - 1) > ROUNDED:
        ends = f"{low:g} and {high:g}"
        yield ("between",), f"by the rule '{rule}' one end is {wanted:g} times the other, found {ends}"
