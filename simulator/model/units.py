"""Units: text such as ``IU/kg`` or ``cells/uL`` becomes a factor and a dimension.

A unit is a number times powers of the base units below. The base units are those an
immunologist counts in: a cell, an infectious particle and an international unit are
dimensions of their own, so that a rate law which forgets one of them is refused.

A substance (an interleukin, an antibody) ties mass, amount and international units together;
`in_moles` rewrites a unit of that substance in moles, so that pg/mL, IU/mL and pM can meet.

Written here rather than taken from a library because the check of one formula file must be
faster than the import of the usual library (0.3 s); the tests compare every unit with pint.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import NamedTuple

BASES = ("m", "kg", "s", "mol", "degC", "cell", "PFU", "IU")
AVOGADRO = 6.02214076e23  # molecules per mole, exact (SI 2019)

LENGTH = BASES.index("m")  # in the powers of a unit
_MASS, _AMOUNT, _IU = BASES.index("kg"), BASES.index("mol"), BASES.index("IU")
_NONE = (0,) * len(BASES)


class UnitError(ValueError):
    """A unit or a quantity that cannot be read, or that has the wrong dimension."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A factor to the base units, and the power of each base unit (order of `BASES`)."""

    factor: float = 1.0
    powers: tuple[int, ...] = _NONE

    def __mul__(self, other: Unit) -> Unit:
        powers = tuple([a + b for a, b in zip(self.powers, other.powers, strict=True)])
        return Unit(self.factor * other.factor, powers)

    def __truediv__(self, other: Unit) -> Unit:
        powers = tuple([a - b for a, b in zip(self.powers, other.powers, strict=True)])
        return Unit(self.factor / other.factor, powers)

    def __pow__(self, exponent: int) -> Unit:
        return Unit(self.factor**exponent, tuple([a * exponent for a in self.powers]))

    @property
    def dimensionless(self) -> bool:
        """Whether it is a pure number, such as % or 10^6."""
        return self.powers == _NONE

    def same_dimension(self, other: Unit) -> bool:
        """Whether a factor turns one into the other."""
        return self.powers == other.powers

    def to(self, target: Unit) -> float:
        """Factor that turns a number in this unit into a number in `target`; `UnitError` if there is none.

        >>> round(unit("1/h").to(unit("1/d")), 12)
        24.0
        >>> round(unit("molecules/uL").to(unit("pM")), 8)
        1.66e-06
        """
        if self.powers != target.powers:
            raise UnitError(f"{dimension_text(self)} is not {dimension_text(target)}")
        return self.factor / target.factor


class Substance(NamedTuple):
    """What ties grams, moles and international units of one molecule together.

    molar_mass is in kg/mol; unit_mass in kg per international unit, or None where no
    international unit is defined for it.
    """

    id: str
    label: str
    molar_mass: float
    unit_mass: float | None
    source: str
    status: str
    molar_mass_text: str
    unit_mass_text: str


ONE = Unit()
_NAMED: dict[str, Unit] = {}
_SYMBOLS: dict[str, str] = {}  # of units of time that are spelt out


def _define() -> None:
    base = {name: Unit(1.0, tuple(int(i == k) for k in range(len(BASES)))) for i, name in enumerate(BASES)}
    litre, gram, second = Unit(1e-3) * base["m"] ** 3, Unit(1e-3) * base["kg"], base["s"]
    newton_per_m2 = base["kg"] / base["m"] / second**2
    prefixable = {
        "g": gram,
        "L": litre,
        "m": base["m"],
        "mol": base["mol"],
        "M": base["mol"] / litre,
        "IU": base["IU"],
        "Da": gram / base["mol"],
        "s": second,
        "l": litre,
    }
    prefixes = {"": 1.0, "f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "c": 1e-2, "d": 1e-1, "k": 1e3}
    for prefix, size in prefixes.items():
        for name, value in prefixable.items():
            _NAMED[prefix + name] = Unit(size) * value
    for name in ("g", "L", "l", "mol", "M", "IU"):
        _NAMED["mc" + name] = Unit(1e-6) * prefixable[name]  # how prescriptions write micro
    minute, hour, day = Unit(60.0) * second, Unit(3600.0) * second, Unit(86400.0) * second
    _NAMED.update(
        {
            "MIU": Unit(1e6) * base["IU"],
            "thousand": Unit(1e3),
            "million": Unit(1e6),
            "billion": Unit(1e9),
            "cell": base["cell"],
            "cells": base["cell"],
            "molecule": Unit(1 / AVOGADRO) * base["mol"],
            "molecules": Unit(1 / AVOGADRO) * base["mol"],
            "PFU": base["PFU"],
            "degC": base["degC"],
            "mmHg": Unit(133.322387415) * newton_per_m2,
            "%": Unit(0.01),
            "1": ONE,
        }
    )
    times = {
        "s sec secs second seconds": second,
        "min mins minute minutes": minute,
        "h hr hrs hour hours": hour,
        "d day days": day,
        "wk wks week weeks": Unit(7.0) * day,
        "y yr yrs year years": Unit(365.25) * day,
    }
    for names, value in times.items():
        symbol, *others = names.split()
        _NAMED.update(dict.fromkeys((symbol, *others), value))
        _SYMBOLS.update(dict.fromkeys(others, symbol))


_define()

_TOKEN = re.compile(r"\s*(?:([A-Za-z%]+)(\^?-?\d+)?|(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)(?:\^(-?\d+))?|([*/()]))")
_QUANTITY = re.compile(
    r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(?:[×·*](?=\s*10\^))?\s*(.*?)\s*\Z", re.DOTALL
)
# 1 500 mg, 1,500 mg or 1'500 mg: read as 1 x 500 mg it would be 500
_GROUPED = re.compile(r"\s*([+-]?\d+(?:\.\d+)?)([\s,;'’_]\s*\d[\d\s,.;'’_]*)")
_POINTS = re.compile(r"\s*([+-]?\d*(?:\.\d+){2,})(?!\w)\s*(.*?)\s*\Z", re.DOTALL)  # 1.000.000 IU
NO_QUANTITY = "is no number with a unit"
_THOUSANDS = re.compile(r"(?:[\s,;'’_]\d{3})+(?:\.\d*)?")
_POWER_OF_TEN = re.compile(r"\s*(?:10\^|1\s*[/*)]|1\Z|1(?:\.0*)?[eE])")  # the only numbers that a unit begins with
_SUPERSCRIPT = re.compile("[⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_PLAIN = str.maketrans("⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹−µμ·⋅×", "+-0123456789-uu***")
_WORDS = ("hour", "hours", "day", "days", "week", "weeks", "year", "years", "second", "seconds", "minute", "minutes",
          "cell", "cells", "molecule", "molecules", "PFU")  # fmt: skip
_MAX_TEXT = 80
_units_read: dict[str, Unit] = {}


def unit(text: str) -> Unit:
    """The unit that `text` names, e.g. ``molecules/cell/s``, ``1/(pM*d)``, ``10^6 cells`` or ``m2``.

    >>> unit("uL") == unit("mm3")
    True
    >>> unit("parsec")
    Traceback (most recent call last):
    ...
    immunesim.model.units.UnitError: no unit 'parsec'
    """
    known = _units_read.get(text)
    if known is None:
        known = _units_read[text] = _read_unit(text)
    return known


def _plain(text: str) -> str:
    """The signs of print in those of a keyboard: ``cells·mm⁻³`` is ``cells*mm^-3``."""
    if text.isascii():
        return text
    raised = _SUPERSCRIPT.sub(lambda match: "^" + match[0].replace("⁺", ""), text)
    return raised.translate(_PLAIN).replace("°C", "degC")


def _read_unit(text: str) -> Unit:
    if len(text) > _MAX_TEXT:
        raise UnitError(f"a unit of more than {_MAX_TEXT} characters: {text[:20]!r}...")
    tokens, place = [], 0
    source = _plain(text).rstrip()
    while place < len(source):
        match = _TOKEN.match(source, place)
        if match is None:
            raise UnitError(f"cannot read {source[place:]!r} in the unit {text!r}")
        tokens.append(match.groups())
        place = match.end()
    try:
        value, rest = _product(tokens, 0, text)
    except ArithmeticError:
        raise UnitError(f"the unit {text!r} has no finite size") from None
    if rest != len(tokens):
        raise UnitError(f"unbalanced parenthesis in the unit {text!r}")
    if not 0.0 < value.factor < float("inf"):
        raise UnitError(f"the unit {text!r} has no finite size")
    return value


_Token = tuple[str | None, ...]


def _product(tokens: list[_Token], at: int, text: str) -> tuple[Unit, int]:
    value, divide, empty, joined = ONE, False, True, False
    while at < len(tokens):
        name, power, number, number_power, sign = tokens[at]
        if sign == ")":
            break
        if sign in ("*", "/"):
            if joined or (empty and sign == "*"):
                raise UnitError(f"the unit {text!r} is not complete")
            divide, joined, at = sign == "/", True, at + 1
            continue
        if sign == "(":
            factor, at = _product(tokens, at + 1, text)
            if at >= len(tokens):
                raise UnitError(f"unbalanced parenthesis in the unit {text!r}")
        elif name is not None:
            factor = _named(name) ** int((power or "1").lstrip("^"))
        elif not empty and not joined:
            raise UnitError(f"a number in the middle of the unit {text!r}")
        else:
            factor = Unit(float(number or 0)) ** int(number_power or 1)
        value = value / factor if divide else value * factor
        divide, empty, joined, at = False, False, False, at + 1
    if empty or joined:
        raise UnitError(f"the unit {text!r} is not complete")
    return value, at


def _named(name: str) -> Unit:
    try:
        return _NAMED[name]
    except KeyError:
        raise UnitError(f"no unit '{name}'{_hint(name)}") from None


_INSTEAD = {
    **dict.fromkeys(("month", "months", "mo"), "months differ in length; write days, such as '30 d', or weeks"),
    "per": "write '/', as in 'MIU/m2'",
    **dict.fromkeys(("sqm", "qm"), "write 'm2'"),
    **dict.fromkeys(("u", "unit", "units"), "write 'IU' if international units are meant"),
    **{
        f"{prefix}{name}{plural}": f"write '{letter}{symbol}'"
        for prefix, letter in {"kilo": "k", "": "", "milli": "m", "micro": "u", "nano": "n", "pico": "p"}.items()
        for name, symbol in {"gram": "g", "liter": "L", "litre": "L", "mole": "mol", "molar": "M"}.items()
        for plural in ("", "s")
    },
    **dict.fromkeys(("bw", "bodyweight"), "'/kg' alone is per kg of body weight"),
}


def _hint(name: str) -> str:
    """What to write instead of a unit that there is not: never one that may be of another size.

    A letter before a name multiplies it, so only what begins with the same letter is near.
    """
    if instead := _INSTEAD.get(name.lower()):
        return f": {instead}"
    if name[-1] == "s" and name[:-1] in _NAMED:
        return f"; nearest: '{name[:-1]}'"
    from difflib import get_close_matches

    same = [
        known
        for known in _NAMED
        if known.lower() == name.lower() and (known[0] == name[0] or known in ("IU", "h", "d", "min"))
    ]
    words = [word for word in _WORDS if word[0].lower() == name[0].lower()] if name[1:] not in _NAMED else []
    near = same or get_close_matches(name, words, 1, 0.8)
    return f"; nearest: '{near[0]}'" if near else ""


def known_units() -> list[str]:
    """Every unit name, with its prefixes."""
    return sorted(_NAMED)


def quantity(text: str) -> tuple[float, Unit, str]:
    """Number, unit and unit text of a quantity such as ``600000 IU/kg``; a unit of time as its symbol.

    >>> value, measured_in, text = quantity("15 min")
    >>> value, text, measured_in == unit("min")
    (15.0, 'min', True)

    Raises:
        UnitError: if `text` is no number and unit, or the number has spaces or commas in it.
    """
    plain = _plain(text)
    match = _QUANTITY.match(plain)
    if match is None:
        raise UnitError(f"{text!r} {NO_QUANTITY}")
    grouped = _GROUPED.match(text)
    if grouped is not None and not (grouped[2][0].isspace() and _POWER_OF_TEN.match(plain, grouped.start(2))):
        raise UnitError(_grouped_hint(text, grouped))
    if points := _POINTS.match(plain):
        raise UnitError(_points_hint(*points.groups()))
    number, unit_text = float(match[1]), match[2] or "1"
    if number - number != 0.0:
        raise UnitError(f"the number in {text!r} is too large")
    return number, unit(unit_text), _SYMBOLS.get(unit_text, unit_text)


def _grouped_hint(text: str, grouped: re.Match[str]) -> str:
    """How to write a number that has spaces, commas or quotes in it; only where that is certain."""
    first, rest, behind = grouped[1], grouped[2].rstrip(), text[grouped.end(2) :].strip()
    end = f" {behind}" if behind else ""
    marks = {"space" if mark.isspace() else mark for mark in rest if not mark.isdigit() and mark != "."}
    hints = []
    if len(marks) == 1 and "." not in first and _THOUSANDS.fullmatch(rest):
        hints.append("'" + first + "".join(each for each in rest if each.isdigit() or each == ".") + f"{end}'")
    if rest[0] == "," and "." not in first and rest[1:].isdigit():
        hints.append(f"'{first}.{rest[1:]}{end}'")
    what = "spaces" if rest[0].isspace() else "commas" if rest[0] == "," else f"{rest[0]!r}"
    return f"a number has no {what} in it: write {' or '.join(hints) or 'digits and one point, such as 1500.5'}"


def _points_hint(number: str, behind: str) -> str:
    """How to write a number that has several points in it; only where that is certain."""
    first, *rest = number.split(".")
    hint = "one point, such as 1500.5"
    if first.strip("+-") and all(len(each) == 3 for each in rest):
        hint = f"'{''.join((first, *rest))}{' ' if behind else ''}{behind}'"
    return f"'{number}' is no number, as it has {len(rest)} points in it: write {hint}"


def in_moles(value: Unit, substance: Substance | None) -> Unit:
    """`value`, a unit of `substance`, with mass and international units rewritten as moles.

    A unit without mass or IU, or of no substance, is returned as it is. Raises `UnitError` for IU of a substance that
    has none.
    """
    mass, international = value.powers[_MASS], value.powers[_IU]
    if substance is None or (not mass and not international):
        return value
    if international and substance.unit_mass is None:
        raise UnitError(f"{substance.id} has no international unit here (its 'unit_mass' is not given)")
    powers = list(value.powers)
    powers[_MASS] = powers[_IU] = 0
    powers[_AMOUNT] += mass + international
    try:
        factor = value.factor * (substance.unit_mass or 1.0) ** international
        factor /= substance.molar_mass ** (mass + international)
    except ArithmeticError:
        factor = 0.0
    if not 0.0 < factor < math.inf:
        raise UnitError(f"a unit with such powers has no finite size in moles of {substance.id}")
    return Unit(factor, tuple(powers))


_KINDS = {
    "": "a pure number",
    "s": "a time",
    "s^-1": "a rate per time",
    "m": "a length",
    "m^2": "an area",
    "m^3": "a volume",
    "m^3 s^-1": "a volume per time",
    "kg s^-1": "a mass per time",
    "s^-1 mol": "an amount per time",
    "kg": "a mass",
    "mol": "an amount of substance",
    "m^-3 mol": "an amount concentration",
    "m^-3 kg": "a mass concentration",
    "m^-3 cell": "a cell concentration",
    "m^-3 PFU": "a concentration of infectious particles",
    "m^-3 s^-1 mol": "an amount concentration per time",
    "m^-3 s^-1 cell": "a cell concentration per time",
    "m^-3 s^-1 kg": "a mass concentration per time",
    "m^-1 kg s^-2": "a pressure",
    "cell": "a number of cells",
    "degC": "a temperature",
    "IU": "an international unit",
}


def dimension_text(value: Unit) -> str:
    """The dimension in words if it has a common name, else in base units.

    >>> dimension_text(unit("cells/uL")), dimension_text(unit("kg/m2"))
    ('a cell concentration (m^-3 cell)', 'm^-2 kg')
    """
    parts = [
        name if power == 1 else f"{name}^{power}" for name, power in zip(BASES, value.powers, strict=True) if power
    ]
    bases = " ".join(parts)
    word = _KINDS.get(bases)
    if word is None:
        return bases
    return f"{word} ({bases})" if bases else word


def interval_text(low: float, high: float, unit_text: str) -> str:
    """The values between two bounds, one of which may be infinite, as files spell numbers and units.

    >>> interval_text(2.0, 5.0, "pM"), interval_text(1.0, math.inf, "1"), interval_text(-math.inf, 38.5, "degC")
    ('2 to 5 pM', 'above 1', 'below 38.5 degC')
    """
    unit = "" if unit_text == "1" else f" {unit_text}"
    if math.isinf(high):
        return f"above {low:g}{unit}"
    if math.isinf(low):
        return f"below {high:g}{unit}"
    return f"{low:g} to {high:g}{unit}"
