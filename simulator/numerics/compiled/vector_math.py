"""exp, log, sin, cos and power of all lanes at once, made of operations that round the same everywhere.

exp reduces by multiples of ln 2 to a Taylor series; log is the series of fdlibm (Sun
Microsystems 1993, e_log.c) in s = f / (2 + f). Largest error seen: 1 unit in the last place
of exp and log; of a power x^n, |n log x| times as much.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .builder import FunctionBuilder

LOG2_HIGH, LOG2_LOW = float.fromhex("0x1.62e42feep-1"), float.fromhex("0x1.a39ef35793c76p-33")
SHIFT = float.fromhex("0x1.8p52")  # added and taken away again, it rounds to a whole number
SHIFT_BITS = 0x4338000000000000
HALF_ROOT = 0x3FE6A09E667F3BCD  # the bits of sqrt(1/2): mantissas are taken from there to sqrt(2)
SMALLEST = float.fromhex("0x1p-1022")
QUARTER_TURN = (  # pi / 2 in parts, each as exact as a double can be
    float.fromhex("0x1.921fb54442d18p0"),
    float.fromhex("0x1.1a62633145c07p-54"),
    float.fromhex("-0x1.f1976b7ed8fbcp-110"),
)
MOST_TURNED = 2.0**50  # further away whole numbers of quarters are no doubles, and rounding decides every digit
FDLIBM = (
    6.666666666666735130e-01,
    3.999999999940941908e-01,
    2.857142874366239149e-01,
    2.222219843214978396e-01,
    1.818357216161805012e-01,
    1.531383769920937332e-01,
    1.479819860511658591e-01,
)


def exp(code: FunctionBuilder, x: Any) -> Any:
    """e^x; 0 or infinity outside the range of doubles, NaN for NaN."""
    b, inside = code.build, largest(code, smallest(code, x, code.constant(710.0)), code.constant(-746.0))
    is_number = b.fcmp_ordered("ord", x, x)
    inside = b.select(is_number, inside, code.constant(0.0))
    shifted = code.fma(inside, code.constant(1.0 / math.log(2.0)), code.constant(SHIFT))
    count = b.sub(b.bitcast(shifted, code.bits), code.constant_bits(SHIFT_BITS))
    turns = b.fsub(shifted, code.constant(SHIFT))
    rest = code.fma(turns, code.constant(-LOG2_HIGH), inside)
    rest = code.fma(turns, code.constant(-LOG2_LOW), rest)
    tail = _polynomial(code, [1.0 / math.factorial(power) for power in range(2, 14)], rest)
    series = b.fadd(code.constant(1.0), code.fma(b.fmul(rest, rest), tail, rest))
    half = b.ashr(count, code.constant_bits(1))
    for part in (half, b.sub(count, half)):  # 2^count in two steps, that it may end below the smallest double
        bits = b.shl(b.add(part, code.constant_bits(1023)), code.constant_bits(52))
        series = b.fmul(series, b.bitcast(bits, code.vector))
    return b.select(is_number, series, x)


def log(code: FunctionBuilder, x: Any) -> Any:
    """The natural logarithm; -infinity for 0, NaN below."""
    b = code.build
    tiny = b.fcmp_ordered("<", x, code.constant(SMALLEST))
    value = _log(code, b.select(tiny, b.fmul(x, code.constant(2.0**54)), x))
    value = b.select(tiny, b.fsub(value, code.constant(54.0 * math.log(2.0))), value)
    value = b.select(b.fcmp_ordered("==", x, code.constant(0.0)), code.constant(-math.inf), value)
    value = b.select(b.fcmp_unordered("<", x, code.constant(0.0)), code.constant(math.nan), value)
    return b.select(b.fcmp_ordered("==", x, code.constant(math.inf)), x, value)


def _log(code: FunctionBuilder, x: Any) -> Any:
    """The logarithm of normal positive numbers; meaningless for all others."""
    b = code.build
    bits = b.bitcast(x, code.bits)
    turns = b.ashr(b.sub(bits, code.constant_bits(HALF_ROOT)), code.constant_bits(52))
    mantissa = b.bitcast(b.sub(bits, b.shl(turns, code.constant_bits(52))), code.vector)
    shifted = b.bitcast(b.add(turns, code.constant_bits(SHIFT_BITS)), code.vector)  # whole number to double
    count = b.fsub(shifted, code.constant(SHIFT))
    f = b.fsub(mantissa, code.constant(1.0))
    s = b.fdiv(f, b.fadd(f, code.constant(2.0)))
    z = b.fmul(s, s)
    series = b.fmul(_polynomial(code, FDLIBM, z), z)
    half = b.fmul(b.fmul(f, f), code.constant(0.5))
    low = code.fma(s, b.fadd(half, series), b.fmul(count, code.constant(LOG2_LOW)))
    return code.fma(count, code.constant(LOG2_HIGH), b.fsub(f, b.fsub(half, low)))


def _polynomial(code: FunctionBuilder, coefficients: Sequence[float], x: Any) -> Any:
    """c0 + c1 x + c2 x^2 + ... by Estrin's scheme: in pairs, so that few operations wait for others."""
    terms = [code.constant(each) for each in coefficients]
    while len(terms) > 1:
        pairs = [code.fma(x, high, low) for low, high in zip(terms[::2], terms[1::2], strict=False)]
        terms = pairs + terms[len(terms) - len(terms) % 2 :]
        x = code.build.fmul(x, x)
    return terms[0]


def power(code: FunctionBuilder, base: Any, exponent: Any) -> Any:
    """As `graph.power`: |base|^exponent, with the sign of the base where the exponent is odd."""
    b, zero = code.build, code.constant(0.0)
    value = power_of_amount(code, code.fabs(base), exponent)
    half = b.fmul(exponent, code.constant(0.5))
    whole, even = (b.fcmp_ordered("==", each, code.floor(each)) for each in (exponent, half))
    signed = b.select(even, value, b.fneg(value))
    signed = b.select(
        b.or_(whole, b.fcmp_ordered("==", base, code.constant(-math.inf))), signed, code.constant(math.nan)
    )
    return b.select(b.fcmp_ordered("<", base, zero), signed, value)


def power_of_amount(code: FunctionBuilder, base: Any, exponent: Any) -> Any:
    """As `power`, of a base that is never negative."""
    b, one = code.build, code.constant(1.0)
    value = exp(code, b.fmul(exponent, log(code, base)))
    is_one = b.or_(b.fcmp_ordered("==", exponent, code.constant(0.0)), b.fcmp_ordered("==", base, one))
    return b.select(is_one, one, value)


def power_by_base(code: FunctionBuilder, base: Any, exponent: Any, value: Any) -> Any:
    """As `graph.power_by_base`."""
    b, zero, one = code.build, code.constant(0.0), code.constant(1.0)
    at_zero = b.select(b.fcmp_ordered("<", exponent, zero), code.constant(-math.inf), zero)
    at_zero = b.select(b.fcmp_ordered("==", exponent, one), one, at_zero)
    return b.select(b.fcmp_ordered("==", base, zero), at_zero, b.fdiv(b.fmul(exponent, value), base))


def power_by_exponent(code: FunctionBuilder, base: Any, exponent: Any, value: Any) -> Any:
    """As `graph.power_by_exponent`."""
    b, zero = code.build, code.constant(0.0)
    is_zero = b.and_(b.fcmp_ordered("==", base, zero), b.fcmp_ordered(">", exponent, zero))
    return b.select(is_zero, zero, b.fmul(value, log(code, base)))


def largest(code: FunctionBuilder, a: Any, b: Any) -> Any:
    """As `graph.largest`: NaN stays."""
    return _pick(code, code.build.fcmp_ordered(">", b, a), a, b)


def smallest(code: FunctionBuilder, a: Any, b: Any) -> Any:
    """As `graph.smallest`: NaN stays."""
    return _pick(code, code.build.fcmp_ordered("<", b, a), a, b)


def _pick(code: FunctionBuilder, better: Any, a: Any, b: Any) -> Any:
    build = code.build
    return build.select(build.or_(better, build.fcmp_unordered("uno", b, b)), b, a)


def select(code: FunctionBuilder, a: Any, b: Any, if_not_less: Any, if_less: Any) -> Any:
    """As `graph.select`."""
    return code.build.select(code.build.fcmp_ordered(">=", a, b), if_not_less, if_less)


def select_above(code: FunctionBuilder, a: Any, b: Any, if_above: Any, if_not: Any) -> Any:
    """As `graph.select_above`."""
    return code.build.select(code.build.fcmp_ordered(">", a, b), if_above, if_not)


def floor(code: FunctionBuilder, x: Any) -> Any:
    """As `graph.floor`."""
    return code.floor(x)


def sine(code: FunctionBuilder, x: Any) -> Any:
    """As `graph.sine`."""
    return _turned(code, x, 0)


def cosine(code: FunctionBuilder, x: Any) -> Any:
    """As `graph.cosine`."""
    return _turned(code, x, 1)


def _turned(code: FunctionBuilder, x: Any, quarters: int) -> Any:
    """The sine of x and so many quarters of a turn: x is brought between -pi/4 and pi/4 by whole quarters, and there
    the Taylor series of sine or of cosine is taken, with the sign of the quarter."""
    b = code.build
    shifted = code.fma(x, code.constant(2.0 / math.pi), code.constant(SHIFT))
    count = b.add(b.bitcast(shifted, code.bits), code.constant_bits(quarters))
    turns = b.fneg(b.fsub(shifted, code.constant(SHIFT)))
    rest = x
    for part in QUARTER_TURN:
        rest = code.fma(turns, code.constant(part), rest)
    square = b.fmul(rest, rest)
    sine_tail = _polynomial(code, [(-1) ** k / math.factorial(2 * k + 1) for k in range(1, 10)], square)
    cosine_tail = _polynomial(code, [(-1) ** k / math.factorial(2 * k) for k in range(1, 10)], square)
    of_sine = code.fma(b.fmul(rest, square), sine_tail, rest)
    of_cosine = code.fma(square, cosine_tail, code.constant(1.0))
    one, zero = code.constant_bits(1), code.constant_bits(0)
    is_even = b.icmp_signed("==", b.and_(count, one), zero)
    is_plus = b.icmp_signed("==", b.and_(count, code.constant_bits(2)), zero)
    value = b.select(is_even, of_sine, of_cosine)
    value = b.select(is_plus, value, b.fneg(value))
    small = b.fcmp_ordered("<", code.fabs(x), code.constant(MOST_TURNED))  # not where it is infinite or NaN
    return b.select(small, value, code.constant(math.nan))
