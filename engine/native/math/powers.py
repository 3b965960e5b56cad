"""Powers, and lengths in the plane, on vectors."""

from __future__ import annotations

from functools import reduce
from math import inf, nan, perm

from engine.core.operation import floats
from engine.native.emit.scalar import outlined, per_lane, permanent, rarely
from engine.native.emit.vector import Vector, select
from engine.native.math import elementary as e
from engine.native.math.polynomials import LOG_FINE

Pair = tuple[Vector, Vector]  # a sum of which the second is what the first rounded off
TWO_THIRDS = (2 / 3, 3.700743415417188e-17)
SMALL = 8  # the largest exponent that is multiplied out
ROOTS = 2.5  # the largest that is so with a root


def _fused(a: Vector, b: Vector, c: Vector) -> Vector:
    """a b + c rounded once, also on a machine that is slow at it: twice the digits hang on it."""
    return a.body.call("llvm.fma", a, b, c)


def _product(a: Pair, b: Pair) -> Pair:
    high = a[0] * b[0]
    return high, (_fused(a[0], b[0], -high) + a[0] * b[1]) + a[1] * b[0]


def _sum(a: Vector | float, b: Vector, low: Vector | float) -> Pair:
    """a + b + low, for |a| >= |b| or a = 0."""
    high = a + b
    return high, (b - (high - a)) + low


def _log(x: Vector) -> Pair:
    """log(x) for 0 < x < inf, to 2**-65: an exponent may multiply its error by 1000."""
    k, f = e.reduce_log(x)
    below, rest = _sum(2.0, f, 0.0)
    inverse = 1.0 / below
    high = f * inverse
    s = high, (_fused(-high, below, f) - high * rest) * inverse
    z = _product(s, s)
    inner = _sum(TWO_THIRDS[0], z[0] * e.polynomial(z[0], LOG_FINE), TWO_THIRDS[1])
    outer = _product(z, inner)
    logarithm = _product(s, _sum(2.0, *outer))
    return _sum(k * e.LN2_HIGH, logarithm[0], logarithm[1] + k * e.LN2_LOW)


def _power(x: Vector, y: Vector) -> Vector:
    a = abs(x)
    high, low = _log(a)
    high = select(a.equals(0.0), -inf, select(a < inf, high, a))
    exponent = y * high
    small = _fused(y, high, -exponent) + y * low
    result = e.exp(exponent, select(abs(exponent) < 800.0, small, 0.0))
    # at |x| = 1 the product above was inf * 0; 1**nan is 1 too
    result = select(a.equals(1.0) & abs(y).equals(inf), 1.0, result)
    whole = y.rint().equals(y)
    odd = whole & ~(0.5 * y).rint().equals(0.5 * y)
    result = select(odd, result.copysign(x), result)
    result = select((x < 0.0) & (x > -inf) & ~(whole | y.is_nan()), nan, result)
    result = select(y.equals(0.0) | x.equals(1.0), 1.0, result)
    return select(y.equals(2.0), x * x, result)


def power(x: Vector, y: Vector) -> Vector:
    """`x**y` as C99's pow; x*x, to the bit, where y is 2."""
    return outlined("pow", _power, x, y)


def pow_rule(x: Vector, y: Vector) -> Vector:
    """`x**y`, without a logarithm where the exponent is known, small, and whole or a half more."""
    exponent = y.number
    if exponent is None:
        return power(x, y)
    if exponent == 0.0:
        return x.body.constant(1.0)
    if exponent % 1.0 == 0.5 and abs(exponent) <= ROOTS:
        root = select(x.equals(-inf), inf, x.sqrt() + 0.0)  # the root of -0 is -0, the power 0
        root, a = (root, abs(x)) if exponent > 0.0 else (1.0 / root, 1.0 / abs(x))
        return root if abs(exponent) < 1.0 else root * _repeated(a, int(abs(exponent)))
    if exponent.is_integer() and abs(exponent) <= SMALL:
        return _repeated(x if exponent > 0.0 else 1.0 / x, int(abs(exponent)))
    return power(x, y)


def _repeated(x: Vector, n: int) -> Vector:
    """x multiplied n times, by squares."""
    if n == 1:
        return x
    half = _repeated(x, n // 2)
    return half * half * x if n % 2 else half * half


def power_partial(x: Vector, y: Vector, j: Vector, k: Vector) -> Vector:
    """The derivative of `x**y`, j times by x and k times by y.

    It takes a call for each lane. Where j and k are known, only those lanes take one whose base is
    not positive, or in which something overflows.
    """

    def called(x: Vector, y: Vector, j: Vector, k: Vector) -> Vector:
        return per_lane(x.body, permanent(floats.power_partial, 4)[0], x, y, j, k)

    by_x, by_y = j.number, k.number
    if by_x is None or by_y is None:
        return called(x, y, j, k)

    def formula(x: Vector, y: Vector) -> Vector:
        body, first, second = x.body, int(by_x), int(by_y)
        taylor = _falling(y, first, second)
        base, logarithm = power(x, y - by_x), e.log(x)
        terms = [base * c * float(perm(second, i)) for i, c in enumerate(taylor)]
        # Horner's rule in the logarithm
        result = reduce(lambda total, term: total * logarithm + term, terms)
        usual = (x > 0.0) & (base > 2.0**-1000) & (abs(result) < inf)
        orders = body.constant(by_x), body.constant(by_y)
        return rarely(~usual, lambda: called(x, y, *orders), result + 0.0)

    return outlined(f"pow.{int(by_x)}.{int(by_y)}", formula, x, y)


def _falling(y: Vector, j: int, k: int) -> list[Vector]:
    """The first k + 1 coefficients of (y+t) (y+t-1) ... (y+t-j+1) in powers of t."""
    none, taylor = y.body.constant(0.0), [y.body.constant(1.0)]
    for i in range(j):
        shifted = y - float(i)
        higher = [none, *taylor]
        taylor = [shifted * c + h for c, h in zip([*taylor, none], higher, strict=True)]
    return [*taylor, *[none] * k][: k + 1]


# --- lengths -------------------------------------------------------------------------------------
def hypot(a: Vector, b: Vector) -> Vector:
    """The length of (a, b); inf where either is infinite, even beside a nan."""
    small = (abs(a) < 2.0**-400) & (abs(b) < 2.0**-400)
    large = (abs(a) > 2.0**500) | (abs(b) > 2.0**500)
    factor = select(small, 2.0**600, select(large, 2.0**-600, 1.0))
    x, y = a * factor, b * factor
    length = (x * x + y * y).sqrt()
    length = select(small, length * 2.0**-600, select(large, length * 2.0**600, length))
    return select(abs(a).equals(inf) | abs(b).equals(inf), inf, length)
