"""Renders templates: Jinja2 escapes all values, and styles and scripts are included in the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..text.english import counted, sentence, unbroken
from ..text.numbers import number, unit_text

ASSETS = Path(__file__).parent / "assets"


def render(template: str, **values: Any) -> str:
    """The page of a template in `ASSETS`. The values are text and are never read as markup."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": number,
        "unit": unit_text,
        "markup": Markup,
        "counted": counted,
        "sentence": sentence,
        "unbroken": unbroken,
    }
    environment.globals["asset"] = lambda name: Markup((ASSETS / name).read_text(encoding="utf-8"))
    return environment.get_template(template).render(**values)
