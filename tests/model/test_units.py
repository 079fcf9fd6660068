"""Units: every name compared with pint, quantities, and the meeting of mass, moles and IU."""

from __future__ import annotations

import math

import pint
import pytest
from immunesim.model.units import (
    BASES,
    Substance,
    Unit,
    UnitError,
    dimension_text,
    in_moles,
    known_units,
    quantity,
    unit,
)

PINT = pint.UnitRegistry()
for _definition in ("immune_cell = [cells]", "PFU = [plaques]", "micro_IU = 1e-6 * IU", "IU = [activity]"):
    if not _definition.startswith("micro"):
        PINT.define(_definition)

SPELLING = {  # ours: pint's, where they differ
    "cell": "immune_cell",
    "cells": "immune_cell",
    "molecule": "(1 / 6.02214076e23 * mol)",
    "molecules": "(1 / 6.02214076e23 * mol)",
    **dict.fromkeys(("d", "day", "days"), "day"),
    **dict.fromkeys(("wk", "wks", "week", "weeks"), "week"),
    **dict.fromkeys(("y", "yr", "yrs", "year", "years"), "(365.25 * day)"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "hour"),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), "minute"),
    **dict.fromkeys(("sec", "secs", "second", "seconds"), "second"),
    "thousand": "(1e3 * dimensionless)",
    "million": "(1e6 * dimensionless)",
    "billion": "(1e9 * dimensionless)",
    "%": "(0.01 * dimensionless)",
    "1": "dimensionless",
    "degC": "delta_degC",
    "MIU": "(1e6 * IU)",
    "mmHg": "(133.322387415 * Pa)",
}
PREFIXES = {"mc": 1e-6, "f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "c": 1e-2, "d": 1e-1, "k": 1e3}
BASE_OF_PINT = {"m": "m", "kg": "kg", "s": "s", "mol": "mol", "degC": "delta_degC", "cell": "immune_cell",
                "PFU": "PFU", "IU": "IU"}  # fmt: skip


def pint_of(name: str) -> pint.Quantity:
    if name in SPELLING:
        return PINT.Quantity(1.0, "") * PINT.parse_expression(SPELLING[name])
    for plain in ("mol", "IU", "Da", "M", "L", "l", "g", "m", "s"):
        prefix = name.removesuffix(plain)
        if name.endswith(plain) and (prefix in PREFIXES or not prefix):
            return PREFIXES.get(prefix, 1.0) * PINT.Quantity(1.0, {"M": "mol/L", "Da": "g/mol"}.get(plain, plain))
    return PINT.Quantity(1.0, name)


@pytest.mark.parametrize("name", known_units())
def test_a_unit_is_that_of_pint(name: str) -> None:
    ours = unit(name)
    bases = PINT.Quantity(1.0, "")
    for base, power in zip(BASES, ours.powers, strict=True):
        bases = bases * PINT.Quantity(1.0, BASE_OF_PINT[base]) ** power
    assert pint_of(name).to(bases.units).magnitude == pytest.approx(ours.factor, rel=1e-12)


def test_the_unit_names_are_the_ones_compared() -> None:
    """Guards the test above against an empty or shrunken list."""
    names = set(known_units())
    assert {
        "pM",
        "uL",
        "mL",
        "IU",
        "kIU",
        "MIU",
        "cells",
        "molecules",
        "PFU",
        "mmHg",
        "degC",
        "m",
        "kg",
        "h",
        "%",
    } <= names
    assert len(names) >= 80


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("m2", "m^2"),
        ("m²", "m*m"),
        ("cm³", "mL"),
        ("h⁻¹", "1/h"),
        ("10⁶ cells·mm⁻³", "10^6 cells/mm^3"),
        ("mg/l", "mg/L"),
        ("mcL", "uL"),
        ("mcg/ml", "ug/mL"),
        ("million IU", "MIU"),
        ("1/(pM*d)", "1/pM/d"),
        ("molecules/cell/s", "molecule/(cell*s)"),
        ("10^6 cells", "1e6 cell"),
        ("1e6cells", "10^6 cells"),
        ("µg/mL", "ug/mL"),
        ("μM", "uM"),
        ("°C", "degC"),
        ("uL", "mm3"),
        ("L", "dm^3"),
        ("pg/mL", "ng/L"),
        ("s^-1", "1/s"),
        ("cells uL^-1", "cells/uL"),
        (" pM ", "pM"),
        ("m^3/m", "m2"),
        ("1/h * h", "1"),
        ("kg/(m*s^2)", "kg/m/s/s"),
    ],
)
def test_two_spellings_are_one_unit(text: str, same: str) -> None:
    assert unit(text).powers == unit(same).powers
    assert unit(text).factor == pytest.approx(unit(same).factor, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("parsec", "no unit 'parsec'"),
        ("cellz", "no unit 'cellz'; nearest: 'cells?'"),
        ("molecuels", "no unit 'molecuels'; nearest: 'molecules'"),
        ("iu", "no unit 'iu'; nearest: 'IU'"),
        ("miu", "no unit 'miu'; nearest: 'mIU'"),
        ("Miu", "no unit 'Miu'; nearest: 'MIU'"),
        ("month", "no unit 'month': months differ in length"),
        ("MIU/sqm", "no unit 'sqm': write 'm2'"),
        ("micrograms", "no unit 'micrograms': write 'ug'"),
        ("milligram/liter", "no unit 'milligram': write 'mg'"),
        ("mg/litre", "no unit 'litre': write 'L'"),
        ("nanomolar", "no unit 'nanomolar': write 'nM'"),
        ("units", "no unit 'units': write 'IU' if international units are meant"),
        ("mgs", "no unit 'mgs'; nearest: 'mg'"),
        ("mg 500 ug", "a number in the middle"),
        ("1/d d/", "is not complete"),
        ("/", "is not complete"),
        ("", "is not complete"),
        ("()", "is not complete"),
        ("(pM", "unbalanced parenthesis"),
        ("pM)", "unbalanced parenthesis"),
        ("pM + nM", r"cannot read ' ?\+ nM'"),
        ("m^1.5", r"cannot read|no unit|is not complete"),
        ("$", r"cannot read '\$'"),
        ("x" * 81, "a unit of more than 80 characters"),
        ("pM//d", "is not complete"),
        ("pM*/d", "is not complete"),
        ("m^", "cannot read"),
    ],
)
def test_what_is_no_unit_is_refused(text: str, message: str) -> None:
    with pytest.raises(UnitError, match=message):
        unit(text)


@pytest.mark.parametrize("word", ["mgg", "kcells", "mday", "Mcg", "PM", "MG", "ML", "trillion", "mmolecules", "mio"])
def test_a_word_that_may_be_of_another_size_gets_no_suggestion(word: str) -> None:
    with pytest.raises(UnitError, match=f"no unit '{word}'$"):
        unit(word)


@pytest.mark.parametrize("text", ["0 pM", "pM/0", "1/0", "0", "1e999 m", "km^9999", "fm^9999", "1e308 1e308"])
def test_a_unit_of_no_finite_size_is_refused(text: str) -> None:
    with pytest.raises(UnitError):
        unit(text)


@pytest.mark.parametrize(
    ("text", "number", "unit_text"),
    [
        ("600000 IU/kg", 600000.0, "IU/kg"),
        ("15 min", 15.0, "min"),
        ("1e9 cells", 1e9, "cells"),
        ("-1.5 degC", -1.5, "degC"),
        (".5 1/h", 0.5, "1/h"),
        ("5.", 5.0, "1"),
        ("+3", 3.0, "1"),
        ("  70   kg ", 70.0, "kg"),
        ("20%", 20.0, "%"),
        ("1E-3mol", 1e-3, "mol"),
        ("5 10^6 cells", 5.0, "10^6 cells"),
        ("5 × 10⁶ cells", 5.0, "10^6 cells"),
        ("5 1e6 cells", 5.0, "1e6 cells"),
        ("2 h⁻¹", 2.0, "h^-1"),
        ("18 million IU", 18.0, "million IU"),
        ("3 days", 3.0, "d"),
        ("1 week", 1.0, "wk"),
        ("8 hrs", 8.0, "h"),
        ("15 minutes", 15.0, "min"),
    ],
)
def test_a_quantity_is_a_number_and_a_unit(text: str, number: float, unit_text: str) -> None:
    assert quantity(text) == (number, unit(unit_text), unit_text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no number with a unit"),
        ("d", "is no number with a unit"),
        ("1 500 mg", "a number has no spaces in it: write '1500 mg'"),
        ("10 500 mg", "write '10500 mg'"),
        ("10\u202f500 mg", "write '10500 mg'"),
        ("10\u2009500 mg", "write '10500 mg'"),
        ("-1\u00a0500 000 IU", "write '-1500000 IU'"),
        ("1 500", "write '1500'"),
        ("1 500.5 mg", r"write '1500\.5 mg'"),
        ("1,500 mg", r"a number has no commas in it: write '1500 mg' or '1\.500 mg'"),
        ("1,500,000 IU", "write '1500000 IU'"),
        ("1,5 d", r"write '1\.5 d'"),
        ("1'500 mg", "write '1500 mg'"),
        ("1.000.000 IU", "'1.000.000' is no number, as it has 2 points in it: write '1000000 IU'"),
        ("1.000.000", "write '1000000'"),
        ("1.2.3 d", "write one point, such as 1500.5"),
        ("1_500 mg", "write '1500 mg'"),
        ("1.500,5 mg", r"write digits and one point, such as 1500\.5"),
        ("5 000,5 mg", r"write digits and one point"),
        ("3 10 mg", r"write digits and one point"),
        ("1 1 500 mg", r"write digits and one point"),
        ("nan d", "is no number with a unit"),
        ("inf", "is no number with a unit"),
        ("-inf d", "is no number with a unit"),
        ("1e999 d", "too large"),
        ("0x10 d", "no unit 'x'"),
        ("5 d d $", "cannot read"),
    ],
)
def test_what_is_no_quantity_is_refused(text: str, message: str) -> None:
    with pytest.raises(UnitError, match=message):
        quantity(text)


def test_a_conversion_between_dimensions_is_refused_in_words() -> None:
    with pytest.raises(UnitError, match=r"a time \(s\) is not an amount concentration \(m\^-3 mol\)"):
        unit("d").to(unit("pM"))


# Interleukin 2 of the label: 15.3 kDa, 18 million units are 1.1 mg.
IL2 = Substance("IL2", "interleukin 2", 15.3, 61.1e-15, "", "", "15300 g/mol", "61.1 pg/IU")
NO_UNIT = Substance("drug", "a drug", 20.0, None, "", "", "20000 g/mol", "")


def moles(text: str, substance: Substance = IL2) -> Unit:
    return in_moles(unit(text), substance)


@pytest.mark.parametrize(
    ("text", "target", "factor"),
    [
        ("IU/mL", "pM", 61.1 / 15300 * 1000),  # 3.99 pM
        ("pg/mL", "pM", 1000 / 15300),
        ("ng/mL", "pM", 1e6 / 15300),
        ("MIU", "nmol", 61.1e6 / 15300 / 1000),
        ("IU", "pmol", 61.1 / 15300),
        ("mg", "nmol", 1e3 / 15.3),
        ("pM", "pM", 1.0),
        ("1/h", "1/h", 1.0),
        ("1/(IU*h)", "1/(pmol*h)", 15300 / 61.1),
        ("IU/mL/d", "pM/d", 61.1 / 15300 * 1000),
    ],
)
def test_mass_and_international_units_become_moles(text: str, target: str, factor: float) -> None:
    assert moles(text).to(unit(target)) == pytest.approx(factor, rel=1e-12)


def test_one_international_unit_of_il2_a_millilitre_is_4_pM() -> None:  # noqa: N802
    assert moles("IU/mL").to(unit("pM")) == pytest.approx(4.0, rel=0.01)


def test_a_secretion_per_cell_times_a_cell_density_is_a_concentration_per_time() -> None:
    made = unit("molecules/cell/s") * unit("cells/uL")
    assert made.to(unit("pM/d")) == pytest.approx(86400 * 1e6 / 6.02214076e23 * 1e12, rel=1e-12)


@pytest.mark.parametrize("text", ["mg^99", "IU^-99", "1/mg^99"])
def test_a_unit_of_no_finite_size_in_moles_is_refused(text: str) -> None:
    with pytest.raises(UnitError, match="no finite size"):
        moles(text)


def test_a_substance_without_international_unit_refuses_it() -> None:
    assert moles("pg/mL", NO_UNIT).to(unit("pM")) == pytest.approx(0.05)
    with pytest.raises(UnitError, match="drug has no international unit here"):
        moles("IU/mL", NO_UNIT)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1", "a pure number"),
        ("d", "a time (s)"),
        ("pM", "an amount concentration (m^-3 mol)"),
        ("pM/d", "an amount concentration per time (m^-3 s^-1 mol)"),
        ("mmHg", "a pressure (m^-1 kg s^-2)"),
        ("kg/m2", "m^-2 kg"),
        ("PFU/mL", "a concentration of infectious particles (m^-3 PFU)"),
    ],
)
def test_a_dimension_is_said_in_words(text: str, words: str) -> None:
    assert dimension_text(unit(text)) == words


def test_a_power_of_ten_is_exact() -> None:
    assert unit("10^6 cells").factor == 1e6
    assert math.isclose(unit("10^-6").factor, 1e-6)
