"""The tables of a model file: one row for each key, which says how it is read and how it is written."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from operator import attrgetter
from typing import Any, NamedTuple

from ...model.declarations import (
    STATUSES,
    Intervention,
    Observable,
    Parameter,
    Reaction,
    Source,
    Species,
    is_status,
    read_equation,
)
from ...model.expression import Expression, Number, is_identifier, parse
from ...model.model import Model
from ...model.units import Substance, Unit, in_moles, quantity, unit
from ...runtime.names import nearest
from .source import LINE, LIST, REQUIRED_LINE, REQUIRED_NUMBER, REQUIRED_TEXT, TABLE, TEXT, Field, Table

SCHEMA = 1


class Known(NamedTuple):
    """What the tables of one model refer to: all declared sources, and the valid substances."""

    sources: Collection[str]
    substances: Mapping[str, Substance]


class InnerError(ValueError):
    """A fault inside the value of a key, at the path `inner` in it."""

    def __init__(self, message: str, *inner: str) -> None:
        self.inner = inner
        super().__init__(message)


class Row(NamedTuple):
    """One key of a table of a model file.

    field: the types it may have. read: the attributes that it gives to the declared value, from the whole table;
    raises `ValueError` if they cannot be had. write: what the key holds for a declared value; None or an empty text
    if it is left out.
    """

    field: Field
    read: Callable[[Table, Known], dict[str, Any]]
    write: Callable[[Any], Any]


class Section(NamedTuple):
    """The tables of one kind, such as ``[species.NAME]``: what they declare, and the rows of their keys."""

    kind: Callable[..., Any]
    rows: Mapping[str, Row]

    @property
    def fields(self) -> dict[str, Field]:
        """The types of each key."""
        return {key: row.field for key, row in self.rows.items()}


def _plain(key: str, field: Field, absent: Any = "") -> Row:
    """A key whose value is the attribute of the same name; `absent` where there is no such key."""
    return Row(field, lambda table, known: {key: table.get(key, absent)}, attrgetter(key))


def _unit(table: Table, known: Known) -> dict[str, Any]:
    """In moles where the table names a substance."""
    measured_in: Unit = unit(table["unit"])
    substance = known.substances.get(table.get("substance", ""))
    return {"unit_text": table["unit"], "unit": in_moles(measured_in, substance)}


def _initial(table: Table, known: Known) -> dict[str, Any]:
    given = table["initial"]
    initial: Expression = parse(given) if isinstance(given, str) else Number(float(given))
    if not isinstance(initial, Number):
        return {"initial": initial, "initial_text": given}
    if initial.value < 0 and not table.get("signed"):
        raise ValueError(f"an initial value cannot be negative, found {initial.value:g}")
    return {"initial": initial, "initial_text": repr(initial.value)}


def _written_initial(species: Species) -> float | str:
    return species.initial.value if isinstance(species.initial, Number) else species.initial_text


def _scale(table: Table, known: Known) -> dict[str, Any]:
    return {"scale": _positive(table["scale"])}


def _value(table: Table, known: Known) -> dict[str, Any]:
    return {"value": float(table["value"])}


def _range(table: Table, known: Known) -> dict[str, Any]:
    bounds = table.get("range")
    if bounds is None:
        return {"range": None}
    if len(bounds) != 2 or not all(isinstance(each, (int, float)) and math.isfinite(each) for each in bounds):
        raise ValueError(f"a range is [lowest, highest], found {bounds!r}")
    if not bounds[0] <= table["value"] <= bounds[1]:
        raise ValueError(f"the value {table['value']:g} lies outside its range {bounds!r}")
    return {"range": (float(bounds[0]), float(bounds[1]))}


def _molar_mass(table: Table, known: Known) -> dict[str, Any]:
    number, given, _ = quantity(table["molar_mass"])
    return {
        "molar_mass": _positive(number) * given.to(unit("kg/mol")),
        "molar_mass_text": table["molar_mass"],
    }


def _unit_mass(table: Table, known: Known) -> dict[str, Any]:
    if "unit_mass" not in table:
        return {"unit_mass": None, "unit_mass_text": ""}
    number, given, _ = quantity(table["unit_mass"])
    return {"unit_mass": _positive(number) * given.to(unit("kg/IU")), "unit_mass_text": table["unit_mass"]}


def _positive(number: float) -> float:
    if not number > 0:
        raise ValueError(f"must be above zero, found {number:g}")
    return float(number)


def _status(table: Table, known: Known) -> dict[str, Any]:
    if not is_status(table["status"]):
        raise ValueError(f"the status {table['status']!r} is none of: {', '.join(STATUSES)}")
    return {"status": table["status"]}


def _source(table: Table, known: Known) -> dict[str, Any]:
    """Sources are 'Key, place', several separated by ';'. What is assumed, or a knob, may say so instead."""
    status = table.get("status", "")
    for part in table["source"].split(";"):
        key = part.split(",")[0].strip()
        if key in ("assumed", "knob") and (status.startswith(key) or not is_status(status)):
            continue
        if key not in known.sources:
            raise ValueError(f"no source '{key}' is declared{nearest(key, list(known.sources))}")
    return {"source": table["source"]}


def _equation(table: Table, known: Known) -> dict[str, Any]:
    return {"equation": table["equation"], "stoichiometry": tuple(read_equation(table["equation"]).items())}


def _rate(table: Table, known: Known) -> dict[str, Any]:
    return {"rate_text": table["rate"], "rate": parse(table["rate"])}


def _formula(table: Table, known: Known) -> dict[str, Any]:
    return {"text": table["value"], "value": parse(table["value"])}


def _knockout(table: Table, known: Known) -> dict[str, Any]:
    values = table.get("knockout", {})
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise InnerError(f"expected a number in the unit of {name}, found {value!r}", name)
    return {"knockout": {name: float(value) for name, value in values.items()}}


def _dose(table: Table, known: Known) -> dict[str, Any]:
    given = table.get("dose", {})
    targets = {"": given} if isinstance(given, str) else given
    for route, target in targets.items():
        if not isinstance(target, str):
            raise InnerError(f"expected the name of a species, found {target!r}", route)
        if route and not is_identifier(route):
            raise InnerError(f"'{route}' cannot be a route: letters, digits and _ only", route)
    return {"dose": targets}


def _written_dose(intervention: Intervention) -> str | dict[str, str]:
    return intervention.dose[""] if "" in intervention.dose else dict(intervention.dose)


_LABEL = _plain("label", REQUIRED_LINE)
_UNIT = Row(REQUIRED_TEXT, _unit, attrgetter("unit_text"))
_SOURCE = Row(REQUIRED_TEXT, _source, attrgetter("source"))
_STATUS = Row(REQUIRED_TEXT, _status, attrgetter("status"))
_SUBSTANCE = _plain("substance", TEXT, None)
_NOTE = _plain("note", TEXT)
_REPLACE = Row(Field((bool,)), lambda table, known: {}, lambda item: None)  # the model says what it replaces

SECTIONS: Mapping[str, Section] = {
    "substances": Section(
        Substance,
        {
            "label": _LABEL,
            "molar_mass": Row(REQUIRED_TEXT, _molar_mass, attrgetter("molar_mass_text")),
            "unit_mass": Row(TEXT, _unit_mass, attrgetter("unit_mass_text")),
            "source": _SOURCE,
            "status": _STATUS,
        },
    ),
    "species": Section(
        Species,
        {
            "label": _LABEL,
            "unit": _UNIT,
            "initial": Row(Field((int, float, str), True), _initial, _written_initial),
            "scale": Row(REQUIRED_NUMBER, _scale, attrgetter("scale")),
            "substance": _SUBSTANCE,
            "volume": _plain("volume", TEXT, None),
            "signed": _plain("signed", Field((bool,)), False)._replace(write=lambda item: item.signed or None),
            "note": _NOTE,
        },
    ),
    "parameters": Section(
        Parameter,
        {
            "label": _LABEL,
            "value": Row(REQUIRED_NUMBER, _value, attrgetter("value")),
            "unit": _UNIT,
            "range": Row(LIST, _range, lambda item: list(item.range) if item.range else None),
            "source": _SOURCE,
            "status": _STATUS,
            "substance": _SUBSTANCE,
            "for_doses": _plain("for_doses", Field((bool,)), False)._replace(write=lambda item: item.for_doses or None),
            "replace": _REPLACE,
        },
    ),
    "reactions": Section(
        Reaction,
        {
            "label": _plain("label", LINE),
            "equation": Row(REQUIRED_TEXT, _equation, attrgetter("equation")),
            "rate": Row(REQUIRED_TEXT, _rate, attrgetter("rate_text")),
            "source": _SOURCE,
            "replace": _REPLACE,
        },
    ),
    "observables": Section(
        Observable,
        {
            "label": _LABEL,
            "unit": _UNIT,
            "value": Row(REQUIRED_TEXT, _formula, attrgetter("text")),
            "sum": Row(Field((bool,)), lambda table, known: {}, lambda item: None),  # over a module and its copies
            "replace": _REPLACE,
        },
    ),
    "interventions": Section(
        Intervention,
        {
            "label": _LABEL,
            "knockout": Row(TABLE, _knockout, lambda item: dict(item.knockout) or None),
            "block": _plain("block", TEXT, None),
            "remaining": _plain("remaining", TEXT, None),
            "dose": Row(Field((str, dict)), _dose, lambda item: _written_dose(item) or None),
            "note": _NOTE,
        },
    ),
    "sources": Section(Source, {"citation": _plain("citation", REQUIRED_TEXT), "link": _plain("link", TEXT)}),
}


def model_document(model: Model) -> dict[str, Any]:
    """The model as one TOML table that reads back as the same model, without its modules."""
    top = {"schema": SCHEMA, "title": model.title, "time_unit": model.time_unit_text, "limitations": model.limitations}
    return top | {
        name: {item.id: _written(section, item) for item in getattr(model, name).values() if not _is_made(item)}
        for name, section in SECTIONS.items()
    }


def _is_made(item: Any) -> bool:
    return isinstance(item, Parameter) and item.made


def _written(section: Section, item: Any) -> dict[str, Any]:
    found = {key: row.write(item) for key, row in section.rows.items()}
    return {key: value for key, value in found.items() if value is not None and value != ""}
