"""How numbers, units and percentages are written for people: on the terminal, in figures and in reports alike.

Files for machines (CSV, JSON, SBML) and text in the language of scenario and model files, such as the values that
an error message quotes, do not use this module: they need every digit, or a spelling that can be read back.
"""

from __future__ import annotations

import math
import re
import unicodedata

_SUPERSCRIPTS = "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"
_RAISE = str.maketrans("-0123456789", _SUPERSCRIPTS)
_LOWER = str.maketrans(_SUPERSCRIPTS, "-0123456789")
_ASCII = {
    "°": "deg", "µ": "u", "μ": "u", "·": "*", "×": "x", "÷": "/", "−": "-", "±": "+/-", "∞": "inf", "≈": "~",
    "≤": "<=", "≥": ">=", "≠": "!=", "→": "->", "←": "<-", "↔": "<->", "‘": "'", "’": "'", "“": '"', "”": '"',
    "–": "-", "—": "-", "…": "...", "•": "*", "●": "o", "○": "o", "✓": "yes", "✗": "no", "✖": "x", "▼": "v", "▾": "v",
    "ß": "ss", "æ": "ae", "ø": "o", "å": "a",
    "Α": "Alpha", "Β": "Beta", "Γ": "Gamma", "Δ": "Delta", "Ε": "Epsilon", "Ζ": "Zeta", "Η": "Eta", "Θ": "Theta",
    "Ι": "Iota", "Κ": "Kappa", "Λ": "Lambda", "Μ": "Mu", "Ν": "Nu", "Ξ": "Xi", "Ο": "Omicron", "Π": "Pi", "Ρ": "Rho",
    "Σ": "Sigma", "Τ": "Tau", "Υ": "Upsilon", "Φ": "Phi", "Χ": "Chi", "Ψ": "Psi", "Ω": "Omega",
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta", "η": "eta", "θ": "theta",
    "ι": "iota", "κ": "kappa", "λ": "lambda", "ν": "nu", "ξ": "xi", "ο": "omicron", "π": "pi", "ρ": "rho",
    "σ": "sigma", "ς": "sigma", "τ": "tau", "υ": "upsilon", "φ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega",
}  # fmt: skip


def number(value: float | None, digits: int = 3) -> str:
    """`value` rounded to `digits` significant digits; ``none`` where there is no value.

    >>> [number(x) for x in (0.0, 0.012345, 4.0, 12345.6, 2.1e9, 1e-12, -3e-7, float("nan"))]
    ['0', '0.0123', '4', '12,300', '2.1 × 10⁹', '10⁻¹²', '−3 × 10⁻⁷', 'none']
    """  # noqa: RUF002
    if value is None or math.isnan(value):
        return "none"
    sign, size = ("−" if value < 0 else ""), abs(value)
    if math.isinf(size):
        return f"{sign}∞"
    rounded = float(f"{size:.{digits}g}")
    if rounded == 0:
        return "0"
    if 1e-3 <= rounded < 1e6:
        return f"{sign}{rounded:,.15g}"
    mantissa, exponent = f"{rounded:.14e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".")
    power = "10" + str(int(exponent)).translate(_RAISE)
    return sign + (power if mantissa == "1" else f"{mantissa} × {power}")


def unit_text(unit: str) -> str:
    """A unit as it is printed; empty for the unit ``1`` of pure numbers.

    >>> [unit_text(x) for x in ("10^9 cells/uL", "degC", "cells/mm3", "pM*d", "1/d", "1")]
    ['10⁹ cells/µL', '°C', 'cells/mm³', 'pM·d', '1/d', '']
    """
    if unit == "1":
        return ""
    unit = re.sub(r"\bu(?=(L|g|m|M|mol|s|IU)\b)", "µ", unit.replace("degC", "°C")).replace("*", "·")
    unit = re.sub(r"\^(-?\d+)", lambda found: found.group(1).translate(_RAISE), unit)
    return re.sub(r"\b([cdmµ]?m)([23])\b", lambda found: found.group(1) + found.group(2).translate(_RAISE), unit)


def with_unit(value: float | None, unit: str, digits: int = 3) -> str:
    """`value` with its unit, both as they are printed.

    >>> with_unit(38.64, "degC"), with_unit(0.5, "1"), with_unit(None, "pM"), with_unit(2.1, "10^9 cells/L")
    ('38.6 °C', '0.5', 'none', '2.1 × 10⁹ cells/L')
    """  # noqa: RUF002
    text, unit = number(value, digits), unit_text(unit)
    if not unit or text == "none":
        return text
    return f"{text} × {unit}" if re.match(f"10[{_SUPERSCRIPTS}]", unit) else f"{text} {unit}"


def interval(low: float, high: float, unit: str, digits: int = 3) -> str:
    """The values between two bounds, of which one may be infinite.

    >>> interval(0.5, 3, "pM"), interval(-math.inf, 38, "degC"), interval(0.05, math.inf, "1")
    ('0.5 to 3 pM', 'below 38 °C', 'above 0.05')
    """
    if math.isinf(high):
        return f"above {with_unit(low, unit, digits)}"
    if math.isinf(low):
        return f"below {with_unit(high, unit, digits)}"
    return f"{number(low, digits)} to {with_unit(high, unit, digits)}"


def percent(share: float) -> str:
    """A share as a whole percentage, in which only everything is 100 % and only nothing is 0 %.

    >>> [percent(x) for x in (0.624, 0.9996, 1.0, 0.0004, 0.0)]
    ['62 %', 'over 99 %', '100 %', 'under 1 %', '0 %']
    """
    if 0.995 <= share < 1 - 1e-6:
        return "over 99 %"
    return "under 1 %" if 0 < share < 0.005 else f"{100 * share:.0f} %"


def axis_title(name: str, unit: str, log: bool = False) -> str:
    """What an axis or a column shows: its name, and in brackets its unit and whether its scale is logarithmic.

    >>> axis_title("body temperature", "degC"), axis_title("tumour", "1", log=True), axis_title("share", "1")
    ('body temperature [°C]', 'tumour [log scale]', 'share')
    """
    scale = scale_text(unit, log)
    return f"{name} [{scale}]" if scale else name


def scale_text(unit: str, log: bool = False) -> str:
    """The unit of an axis, and whether its scale is logarithmic; empty for a linear axis of pure numbers.

    >>> scale_text("uM", log=True), scale_text("1", log=True), scale_text("1")
    ('µM, log scale', 'log scale', '')
    """
    return ", ".join(filter(None, [unit_text(unit), "log scale" if log else ""]))


def text_for(text: str, encoding: str | None) -> str:
    """`text` with each character that `encoding` does not have in ASCII: Greek letters by their names, signs by their
    usual spelling, other characters as ``?``. No encoding: all of it in ASCII.

    >>> text_for("IFN-α at 1.5 × 10⁻⁴ µg/m², ≥ 38 °C, naïve → “effector”", None)
    'IFN-alpha at 1.5 x 10^-4 ug/m^2, >= 38 degC, naive -> "effector"'
    >>> text_for("IFN-α, 38 °C, 10⁻⁴", "cp1252")
    'IFN-alpha, 38 °C, 10^-4'
    """  # noqa: RUF002
    encoding = encoding or "ascii"
    if _fits(text, encoding):
        return text
    text = re.sub(
        f"[{_SUPERSCRIPTS}]+",
        lambda found: found[0] if _fits(found[0], encoding) else "^" + found[0].translate(_LOWER),
        text,
    )
    return "".join(each if _fits(each, encoding) else _spelled(each) for each in text)


def _fits(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    except LookupError:  # an encoding that this Python does not know
        return text.isascii()
    return True


def _spelled(character: str) -> str:
    """A character in ASCII: as in the table, without its accent, or ``?``."""
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return _ASCII.get(character) or plain or "?"
