"""The reference of the handbook, made from the code: every key, measure, function, unit and exit code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ...experiments.measures import FUNCTIONS as MEASURES
from ...experiments.measures import MeasureFunction
from ...files.handbook import REFERENCE, Chapter, meanings
from ...files.toml.keys import LESSON_TABLES, MODEL_TABLES, SCENARIO_TABLES, type_text
from ...files.toml.source import Field
from ...model.expression import FUNCTIONS
from ...model.units import dimension_text, known_units, unit
from ...runtime.exit_codes import MEANINGS as EXIT_CODES
from ...runtime.exit_codes import PRECEDENCE

GIVES = {"value": "the unit of the curve", "time": "a time", "area": "the unit of the curve times a time"}
_ARGUMENT = {"time": "'3 d'", "level": "'5 pM'", "": ""}
_OR = " or "  # between two ways to call a measure
_WINDOW = "'1 d', '9 d'"


class Entry(NamedTuple):
    """What the reference says of one name. of: the table of a key, or what else it is; form: how it is written or what
    it may hold."""

    name: str
    of: str
    form: str
    meaning: str


def entries() -> list[Entry]:
    """Every key, measure, function, unit and exit code, in the order of the reference."""
    known = meanings()
    found = list(_keys({**SCENARIO_TABLES, **MODEL_TABLES, **LESSON_TABLES}, known["keys"]))
    found += [
        Entry(name, "a measure", _measure_form(name, row), known["measures"][name]) for name, row in MEASURES.items()
    ]
    found += [
        Entry(name, "a function", f"{name}({known['function_arguments'][name]})", known["functions"][name])
        for name in FUNCTIONS
    ]
    found += [Entry(name, "a unit", name, dimension_text(unit(name))) for name in known_units()]
    return found + [Entry(str(code), "an exit code", str(code), meaning) for code, meaning in EXIT_CODES.items()]


def reference() -> Chapter:
    """The chapter that lists them all."""
    return Chapter(REFERENCE, "\n".join(_lines(entries())))


def _keys(tables: Mapping[str, Mapping[str, Field]], known: Mapping[str, Mapping[str, str]]) -> Iterator[Entry]:
    for title, fields in tables.items():
        for key, field in fields.items():
            yield Entry(key, title, type_text(field), known.get(title, {}).get(key, ""))


def _measure_form(name: str, row: MeasureFunction) -> str:
    """How it is called; where the window may be left out, without it and with it."""
    arguments = ", ".join(filter(None, ["x", _ARGUMENT[row.argument]]))
    short, long = f"{name}({arguments})", f"{name}({arguments}, {_WINDOW})"
    return {"none": short, "optional": f"{short}{_OR}{long}", "required": long}[row.window]


def _lines(found: list[Entry]) -> Iterator[str]:
    by_kind: dict[str, list[Entry]] = {}
    for entry in found:
        by_kind.setdefault(entry.of, []).append(entry)
    yield "# Reference"
    yield "\nEvery key, measure, function, unit and exit code, listed by the program itself."
    yield "\n`help NAME` prints what is said here of one name."
    kinds = {"scenario": SCENARIO_TABLES, "model": MODEL_TABLES, "lesson": LESSON_TABLES}
    for heading, tables in ((f"Keys of a {kind}", tables) for kind, tables in kinds.items()):
        yield f"\n## {heading}"
        for title in tables:
            yield f"\n### {_shown(title)}\n"
            yield from _table(("key", "holds", "meaning"), ((f"`{e.name}`", e.form, e.meaning) for e in by_kind[title]))
    yield "\n## Measures\n"
    yield "x is a species, an observable or, in data, a formula of them. Two times are the"
    yield "window that is looked at. `arm='name'` at the end reads another arm.\n"
    called = {e.name: e.form.replace(_OR, f"`{_OR}`") for e in by_kind["a measure"]}
    rows = ((f"`{called[e.name]}`", GIVES[MEASURES[e.name].gives], e.meaning) for e in by_kind["a measure"])
    yield from _table(("measure", "gives", "meaning"), rows)
    yield "\n## Functions of formulas\n"
    yield "Beside `+ - * / ^`, parentheses, numbers, names and `time`:\n"
    yield from _table(("function", "meaning"), ((f"`{e.form}`", e.meaning) for e in by_kind["a function"]))
    yield "\n## Units\n"
    yield "They are combined with `*`, `/`, `^` and powers: `cells/uL`, `pg/cell/d`, `1/h`, `h^-1`. A dose may end with"
    yield "`/kg` or `/m2` of the patient's body.\n"
    yield from _table(("dimension", "names"), _unit_rows())
    yield "\n## Exit codes\n"
    yield from _table(("code", "meaning"), ((e.name, e.meaning) for e in by_kind["an exit code"]))
    yield f"\n{PRECEDENCE}"


def _shown(title: str) -> str:
    """The title of a table of keys as a heading: those of TOML in code."""
    start, bracket, rest = title.partition("[")
    if not bracket:
        return title[:1].upper() + title[1:]
    inside, _, after = rest.rpartition("]")
    return f"{start}`[{inside}]`{after}"


def _unit_rows() -> Iterator[tuple[str, str]]:
    kinds: dict[str, list[tuple[float, str]]] = {}
    for name in known_units():
        kinds.setdefault(dimension_text(unit(name)), []).append((unit(name).factor, name))
    for kind, names in sorted(kinds.items()):
        yield kind, " ".join(f"`{name}`" for _, name in sorted(names))


def _table(head: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"| {' | '.join('---' for _ in head)} |"
    for row in rows:
        yield "| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |"
