"""Which expectations a parameter can break, and the parameters that are assumptions, as text for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ....model.model import Model
from ..numbers import number, with_unit


def influence_text(found: Mapping[str, Any]) -> str:
    """Each parameter with what it breaks, the most influential first, and what nothing breaks."""
    lines = [f"each parameter {number(found['factor'])} times as large, and as small; a share at most 1"]
    for model, table in found["models"].items():
        lines.append(f"\n{model}:")
        broken = {name: sorted({e for each in ways.values() for e in each}) for name, ways in table["breaks"].items()}
        for name in sorted(broken, key=lambda name: -len(broken[name])):
            lines.append(f"  {name}  breaks {len(broken[name])}: {', '.join(broken[name])}")
        if table["passes_without_mechanism"]:
            lines.append(f"  no parameter breaks: {', '.join(table['passes_without_mechanism'])}")
        if table["unclear"]:
            lines.append(f"  not asked, as missed or not reliable: {', '.join(table['unclear'])}")
        if table["no_answer"]:
            lines.append(f"  no answer, as a simulation fails: {', '.join(table['no_answer'])}")
    return "\n".join(lines)


def assumptions_text(model: Model, word: str | None, rows: Sequence[Mapping[str, Any]], factor: float) -> str:
    """The assumed parameters of `model` that `word` stands for; `rows` are those of `tasks.describe`, and `factor`
    is the one that they were multiplied and divided by."""
    return "\n".join(_assumption_lines(model, word, rows, factor))


def _assumption_lines(
    model: Model, word: str | None, rows: Sequence[Mapping[str, Any]], factor: float
) -> Iterator[str]:
    body = sum(not each.knob for each in model.parameters.values())
    what = f"of the parameters of '{word}'" if word else f"of {body} parameters (knobs not counted)"
    answer = f" What each breaks, {number(factor)} times as large or as small:"
    if any(row["breaks"] is None for row in rows):
        answer = " What each breaks was not computed for this model."
    yield f"{len(rows)} {what} are assumed.{answer if rows else ''}"
    for row in rows:
        span = f", {number(row['range'][0])} to {number(row['range'][1])}" if row["range"] else ""
        yield f"\n{row['name']} = {with_unit(row['value'], row['unit'])}{span}: {row['label']}"
        yield f"  {row['why']}"
        if row["breaks"] is not None:
            yield f"  breaks {len(row['breaks'])}: {', '.join(row['breaks'])}" if row["breaks"] else "  breaks nothing"
