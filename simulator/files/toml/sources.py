"""``[sources]``: where the numbers of a scenario itself come from."""

from __future__ import annotations

from collections.abc import Iterable

from ...model.declarations import Source
from ...runtime.names import nearest
from .layers import KeyPath
from .quantities import Context
from .source import TEXT

SOURCE = {"citation": TEXT, "title": TEXT, "link": TEXT}


def no_source(key: str, known: Iterable[str]) -> str:
    """What is wrong with a source that is not `known`, and what it may be."""
    return f"no source '{key}'{nearest(key, list(known))}; a source is 'assumed', or declared as [sources.NAME]"


def read_sources(context: Context) -> dict[str, Source]:
    """The sources of the scenario itself, by key."""
    found = {}
    for key, table in context.tables.get("sources", {}).items():
        path: KeyPath = ("sources", key)
        texts = [table[each] for each in ("citation", "title") if table.get(each)]
        if key in context.model.sources:
            context.fault(path, f"'{key}' is a source of the model already; choose another key")
        elif "," in key or ";" in key or key == "assumed":
            context.fault(path, f"{key!r} cannot be the key of a source: no comma, no semicolon, not 'assumed'")
        elif len(texts) != 1:
            context.fault(path, "a source has a title or a citation" + (", not both" if texts else ""))
        else:
            found[key] = Source(key, texts[0], table.get("link", ""))
    return found
