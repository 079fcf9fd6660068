"""Numbers and units: one spelling for people everywhere, and plain ASCII where no other can be shown."""

from __future__ import annotations

import re
from pathlib import Path

import immunesim
import pytest
from immunesim.files.toml.catalogue import builtin_models
from immunesim.files.toml.model_file import read_model
from immunesim.model.units import unit as unit_of
from immunesim.views.text.numbers import interval, number, percent, text_for, unit_text, with_unit

ROOT = Path(immunesim.__file__).parent
LANGUAGE = ["files", "model", "experiments", "runtime", "numerics"]  # text of files, or quoted from them
MACHINE = {
    "tasks/fit.py": "a remark in a scenario file",
    "tasks/batch.py": "values as an axis of a scenario spells them",
    "views/report/lesson_pictures.py": "points of a curve in the data of a page",
    "views/text/commands/describe.py": "values and units as a model or scenario file spells them",
    "views/text/commands/show.py": "a scenario in the language of its file",
    "views/text/mathml.py": "markup, whose digits number() would not group",
    "views/text/numbers.py": "the formatter",
}


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (999.6, 3, "1,000"),
        (0.0009996, 3, "0.001"),
        (0.00099, 3, "9.9 × 10⁻⁴"),
        (999_999.0, 3, "10⁶"),
        (12_345.6, 7, "12,345.6"),
        (-0.0, 3, "0"),
        (float("inf"), 3, "∞"),
        (float("-inf"), 3, "−∞"),
        (None, 3, "none"),
    ],
)
def test_a_number_is_rounded_before_its_form_is_chosen(value: float | None, digits: int, text: str) -> None:
    assert number(value, digits) == text


def test_no_unit_of_the_models_is_printed_as_it_is_typed() -> None:
    units = set()
    for path in builtin_models().values():
        model = read_model(path)
        for group in (model.species, model.observables, model.parameters):
            units |= {item.unit_text for item in group.values()}
    assert len(units) > 20
    for unit in units:
        assert not re.search(r"degC|\^|\*|\bu[LgM]\b|mm[23]\b", unit_text(unit)), unit


@pytest.mark.parametrize("unit", ["10^9 cells/uL", "degC", "pM*d", "ug/m^2", "1/min/degC"])
def test_in_ascii_a_unit_can_be_typed(unit: str) -> None:
    assert unit_of(text_for(unit_text(unit), "ascii")) == unit_of(unit)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "cp437", "no-such-encoding", None])
def test_any_text_can_be_written_in_any_encoding(encoding: str | None) -> None:
    text = text_for("IL-1β, 治療 🙂 naïve: 3 × 10⁻⁴ µg, ≥ 38 °C → ✓", encoding)
    text.encode(encoding if encoding and not encoding.startswith("no") else "ascii")
    assert "IL-1beta" in text or "IL-1β" in text
    assert text_for("as it is, 38 °C", "utf-8") == "as it is, 38 °C"


def test_parts_fit_together() -> None:
    assert with_unit(1234.5, "10^9 cells/uL") == "1,230 × 10⁹ cells/µL"
    assert interval(1e-5, 38, "1", 2) == "10⁻⁵ to 38"
    assert [percent(x) for x in (0.9949, 0.995, 0.005)] == ["99 %", "over 99 %", "0 %"]


def test_nothing_else_formats_numbers_for_people() -> None:
    """A general format such as ``:.3g`` stands only where text is for machines or for files."""
    found = []
    for path in ROOT.rglob("*.py"):
        name = path.relative_to(ROOT).as_posix()
        if name.split("/")[0] not in LANGUAGE and name not in MACHINE:
            lines = path.read_text(encoding="utf-8").splitlines()
            found += [f"{name}: {line.strip()}" for line in lines if re.search(r":\.?\d*g\}", line)]
    assert found == []
