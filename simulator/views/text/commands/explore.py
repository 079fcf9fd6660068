"""What a page of `explore` has, as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..english import counted


def explore_text(document: Mapping[str, Any]) -> str:
    """The sliders that the page shows first, how many more it has, and where it is; document: of the answer."""
    shown = [each for each in document["sliders"] if each["shown"]]
    lines = [f"  {each['path']}: {each['label']}" for each in shown]
    more = len(document["sliders"]) - len(shown)
    presets = counted(len(document["presets"]), "preset")
    text = [f"{counted(len(shown), 'slider')} at first, {more} more by search, {presets}", *lines]
    text += [f"not shown: {name}: a page cannot compute it" for name in document["left_out"]]
    text += [f"the page opens with a run that failed: {line}" for line in document["failed"]]
    return "\n".join([*text, "", f"open {document['page']} ({document['bytes'] / 1e3:.0f} KB)"])
