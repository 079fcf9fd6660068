"""The keys of a lesson file, and what is wrong with them before anything is read."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from .layers import KeyPath
from .lesson_judge import DRAW
from .lesson_pictures import BRANCH, EVIDENCE, SWEEP
from .source import (
    INTEGER,
    LINE,
    LIST,
    QUANTITY,
    REQUIRED_LINE,
    REQUIRED_TEXT,
    TABLE,
    TEXT,
    Field,
    Table,
    check_fields,
    list_or_empty,
    table_or_empty,
)

FILE = {
    "title": REQUIRED_LINE,
    "scenario": REQUIRED_TEXT,
    "question": LINE,
    "minutes": INTEGER,
    "aims": LIST,
    "wrong": LIST,
    "note": TEXT,
    "sliders": LIST,
    "branch": TABLE,
    "sweep": TABLE,
    "evidence": TABLE,
    "step": Field((list,), True),
}
STEP = {
    "title": REQUIRED_LINE,
    "scenario": TEXT,
    "says": TEXT,
    "if": TEXT,
    "asks": TEXT,
    "show": LIST,
    "arms": LIST,
    "labels": TABLE,
    "from": QUANTITY,
    "span": QUANTITY,
    "picture": TEXT,
    "draw": TABLE,
    "choice": LIST,
    "why": TABLE,
    "explain": Field((bool,)),
    "against": TEXT,
    "expect": LIST,
    "sliders": LIST,
}
CHOICE = {"says": REQUIRED_LINE, "if": TEXT, "misses": TEXT}
WHY = {"says": REQUIRED_TEXT, "if": REQUIRED_TEXT}
PICTURES = {"branch": BRANCH, "sweep": SWEEP, "evidence": EVIDENCE}


def shape(data: Table) -> list[tuple[KeyPath, str]]:
    """Unknown, missing and wrong keys, each with its path."""
    found: list[tuple[KeyPath, str]] = list(check_fields(data, FILE, "a lesson"))
    for kind, fields in PICTURES.items():
        for name, table in table_or_empty(data.get(kind)).items():
            found += [((kind, name, *inner), message) for inner, message in
                      check_fields(table, fields, f"[{kind}.{name}]")]  # fmt: skip
    for i, step in enumerate(list_or_empty(data.get("step"))):
        parts: list[tuple[KeyPath, Any, Any, str]] = [(("step", i), step, STEP, "[[step]]")]
        if isinstance(step, dict):
            parts += [
                (("step", i, key), step[key], fields, f"{key} of a step")
                for key, fields in (("draw", DRAW), ("why", WHY))
                if key in step
            ]
            parts += [
                (("step", i, "choice", k), choice, CHOICE, "[[step.choice]]")
                for k, choice in enumerate(list_or_empty(step.get("choice")))
            ]
        for place, table, fields, what in parts:
            found += [((*place, *inner), message) for inner, message in check_fields(table, fields, what)]
    return found


def usable(data: Table, wrong: Sequence[KeyPath]) -> Table:
    """A copy without what is wrong, so that the rest can be checked all the same; None in place of a wrong item."""
    copied = copy.deepcopy(data)
    for place in filter(None, wrong):  # an empty one: a key of the file is missing
        holder: Any = copied
        for key in place[:-1]:
            holder = holder.get(key) if isinstance(holder, dict) else holder[int(key)] if holder else None
        if isinstance(holder, dict):
            holder.pop(place[-1], None)
        elif isinstance(holder, list):
            holder[int(place[-1])] = None
    return copied
