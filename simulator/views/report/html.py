"""Renders templates: Jinja2 escapes all values, and styles and scripts are included in the page."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..text.english import counted, sentence, unbroken
from ..text.numbers import number, unit_text

if TYPE_CHECKING:
    from jinja2 import Environment

ASSETS = Path(__file__).parent / "assets"


def render(template: str, **values: Any) -> str:
    """The page of a template in `ASSETS`. The values are text and are never read as markup."""
    return _environment().get_template(template).render(**values)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    """Keeps the templates once they are compiled: a gallery renders each a hundred times."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    found = Environment(
        loader=FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {
        "number": number,
        "unit": unit_text,
        "markup": Markup,
        "counted": counted,
        "sentence": sentence,
        "unbroken": unbroken,
    }
    found.globals["asset"] = lambda name: Markup((ASSETS / name).read_text(encoding="utf-8"))
    return found
