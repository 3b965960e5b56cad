"""Exponentials and logarithms on vectors, branch-free, without tables; and what is made of them.

Each formula holds for every double: the special cases cost a selection, never a branch. Errors are
in units in the last place over the whole range (tests/native/test_elementary.py measures them):
exp and log are below 1.2, tanh below 1.8, the others of this file below 4, but for the far tail of
the normal distribution with 4.5 on machines that do not fuse products.

What goes together shares its work, for identical instructions are written once: tanh and sech2,
sigmoid and its slope and softplus each have one exponential and one reciprocal between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from math import inf, nan, sqrt

from engine.native.emit.vector import Bits, Vector, fma, select
from engine.native.math.polynomials import EXP, LOG, TAIL

LN2_HIGH = 0.6931471805598903  # 42 bits: its product with an exponent is exact
LN2_LOW = 5.497923018708371e-14
LOG2_E = 1 / 0.6931471805598953
SHIFT = 1.5 * 2.0**52  # added, it leaves a whole number in a double's last bits
ONE, HALF_ROOT = 0x3FF0000000000000, 0x3FE6A09E667F3BCD  # the bits of 1 and of sqrt(1/2)
EXPONENT, MANTISSA = 0x7FF0000000000000, 0x000FFFFFFFFFFFFF
SMALLEST_NORMAL = 2.0**-1022
TINY = 2.0**-54  # below it f(x) = x where f'(0) = 1


def polynomial(x: Vector, coefficients: Sequence[float]) -> Vector:
    """Horner's rule, on the even and on the odd powers at the same time.

    That is one instruction more than on all, and half the wait; more chains than two gain nothing.
    """
    even, odd = _horner(x * x, coefficients[::2]), _horner(x * x, coefficients[1::2])
    return fma(odd, x, even)


def _horner(x: Vector, coefficients: Sequence[float]) -> Vector:
    last, *others = reversed(coefficients)
    return reduce(lambda p, c: fma(p, x, c), others, x.body.constant(last))


# --- exp -----------------------------------------------------------------------------------------
def _reduced(x: Vector, bias: int, low: Vector | None = None) -> tuple[Bits, Vector, Vector]:
    """With x + low = n log(2) + r: the bits of 2**(n + bias - 1023), and r, and (e^r-1-r)/r^2."""
    shifted = fma(x, LOG2_E, SHIFT + bias)
    n = shifted - (SHIFT + bias)
    r = fma(n, -LN2_LOW, fma(n, -LN2_HIGH, x))
    if low is not None:
        r = r + low
    return shifted.bits() << 52, r, polynomial(r, EXP)


def between(x: Vector, low: float, high: float) -> Vector:
    """x held between two numbers."""
    x = select(x > high, high, x)  # an instruction each, and a nan stays one
    return select(x < low, low, x)


def exp(x: Vector, low: Vector | None = None) -> Vector:
    """e**x: 23 instructions and no division. It overflows and vanishes where math.exp does.

    Arguments:
        low: added to x, and small beside 1: what a rounding took from x.
    """
    x = between(x, -746.0, 710.0)
    power, r, q = _reduced(x, 2046, low)
    # 2**n in two factors, for it may overflow or be subnormal where the product is neither
    half = (power >> 1) & EXPONENT
    return fma(fma(q, r, 1.0), r, 1.0) * half.number() * (power - half).number()


def _decay(x: Vector, low: Vector | None = None) -> tuple[Vector, Vector, Vector]:
    """The parts of exp for x <= 0, with 2**(n + 128) as a number: 2**n may be subnormal."""
    x = select(x < -790.0, -790.0, x)
    power, r, q = _reduced(x, 1023 + 128, low)
    return power.number(), r, q


def exp_negative(x: Vector, low: Vector | None = None, times: Vector | None = None) -> Vector:
    """exp(x + low) for x <= 0, times a number if one is given: alone it may be subnormal."""
    scale, r, q = _decay(x, low)
    power = fma(fma(q, r, 1.0), r, 1.0) * scale
    return (power if times is None else power * times) * 2.0**-128


def expm1(x: Vector) -> Vector:
    """e**x - 1, with the digits of a small x."""
    power, r, q = _reduced(between(x, -60.0, 710.0), 1022)  # half of 2**n, which may overflow
    scale = power.number()
    half = fma(fma(r * r, q, r), scale, scale - 0.5)
    return select(abs(x) < TINY, x, half + half)


# --- tanh, sigmoid and their derivatives: of e = exp(x) for an x <= 0 ---------------------------
def reciprocal(x: Vector) -> Vector:
    """1/(1+e) for x <= 0."""
    return 1.0 / (1.0 + exp_negative(x))


def _tanh_half(x: Vector) -> Vector:
    """tanh(-x/2) for x <= 0, as (1-e)/(1+e); through expm1, to keep the digits of a small x."""
    scale, r, q = _decay(x)
    scale = scale * 2.0**-128
    power, whole = fma(r * r, q, r), 1.0 - scale
    above = fma(-scale, power, whole)
    lost = fma(-scale, power, whole - above)
    inverse = reciprocal(x)
    # what a division would give, from the reciprocal that the derivative needs too; above - t is
    # exact, so that the rounding of 1 + e drops out
    t = above * inverse
    return fma(fma(-exp_negative(x), t, above - t) + lost, inverse, t)


def tanh(x: Vector, half: bool = False) -> Vector:
    """The hyperbolic tangent of x, or of x/2."""
    return _tanh_half(-abs(x) if half else -2.0 * abs(x)).copysign(x)


def _small_share(x: Vector) -> Vector:
    """e/(1+e) for x <= 0."""
    return exp_negative(x) * reciprocal(x)


def logistic_slope(x: Vector) -> Vector:
    """e/(1+e)^2 for x <= 0."""
    s = _small_share(x)
    return fma(-s, s, s)  # as s is at most 1/2, nothing cancels, and its error shrinks


def logistic(x: Vector, mirrored: bool = False) -> Vector:
    """1/(1+exp(-x)), or mirrored, of the same exponential, 1/(1+exp(x))."""
    down = -abs(x)
    return select(x <= 0.0 if mirrored else x >= 0.0, reciprocal(down), _small_share(down))


# --- logarithms ----------------------------------------------------------------------------------
def reduce_log(x: Vector) -> tuple[Vector, Vector]:
    """k and f with x = 2**k (1 + f) and 1 + f between sqrt(1/2) and sqrt(2), for x > 0."""
    tiny = x < SMALLEST_NORMAL
    bits = select(tiny, x * 2.0**54, x).bits() + (ONE - HALF_ROOT)
    exponent = (bits >> 52) | 0x4330000000000000  # as the last bits of 2**52 + it
    k = exponent.number() - select(tiny, 2.0**52 + 1023 + 54, 2.0**52 + 1023)
    return k, ((bits & MANTISSA) + HALF_ROOT).number() - 1.0


def _log_sum(k: Vector, f: Vector, low: Vector) -> Vector:
    """log(2**k (1 + f)) but for k LN2_LOW, which is in `low` with what else there is."""
    s = f / (f + 2.0)
    z = s * s
    square = 0.5 * f * f
    # 2 atanh(s) is f - f^2/2 + s (f^2/2 + z LOG(z)), whose largest term is exact
    tail = fma(s, fma(z, polynomial(z, LOG), square), low)
    return fma(k, LN2_HIGH, f - (square - tail))


def log(x: Vector) -> Vector:
    """The natural logarithm: -inf at 0, nan below."""
    k, f = reduce_log(x)
    y = select(x < inf, _log_sum(k, f, k * LN2_LOW), x)
    return select(x > 0.0, y, select(x.equals(0.0), -inf, nan))


def log1p(x: Vector) -> Vector:
    """log(1 + x), where what the addition rounds off comes back as a term of its own."""
    u = 1.0 + x
    v = u - 1.0
    lost = (1.0 - (u - v)) + (x - v)
    k, f = reduce_log(u)
    y = select(x < inf, _log_sum(k, f, fma(k, LN2_LOW, lost / u)), x)
    y = select(x > -1.0, y, select(x.equals(-1.0), -inf, nan))
    return select(abs(x) < TINY, x, y)


def softplus_tail(x: Vector) -> Vector:
    """log(1 + exp(-|x|))."""
    e = exp_negative(-abs(x))
    high = e > sqrt(2.0) - 1.0
    k = select(high, 1.0, 0.0)
    return _log_sum(k, select(high, fma(e, 0.5, -0.5), e), k * LN2_LOW)


# --- the normal distribution ---------------------------------------------------------------------
def _bell(x: Vector, by: float = 0.5) -> tuple[Vector, Vector]:
    """|x| up to 40, where all ends, and exp(-x^2 by), with x^2 split: its rounding would grow."""
    a = abs(x)
    a = select(a > 40.0, 40.0, a)
    short = (a.bits() & -(1 << 27)).number()  # 26 bits, whose square is exact
    return a, exp_negative(-by * short * short, (-by * (a - short)) * (a + short))


def normal_pdf(x: Vector) -> Vector:
    """The density of the normal distribution."""
    return _bell(x)[1] * 0.3989422804014327  # 1/sqrt(2 pi)


def gauss(x: Vector) -> Vector:
    """The derivative of the error function."""
    return _bell(x, 1.0)[1] * 1.1283791670955126  # 2/sqrt(pi)


def normal_tail(x: Vector) -> Vector:
    """The probability of more than |x|."""
    a, e = _bell(x)
    t = (a - 4.0) / (a + 4.0)
    return e * polynomial(t, TAIL) / fma(a, 0.8, 1.0)
