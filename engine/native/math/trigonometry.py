"""sin, cos and tan on vectors: for angles up to 2**20 a vector, beyond that a call per lane.

The reduction subtracts multiples of pi/2 in three parts (Cody and Waite), exactly but for the
last. That ends where a product with the first part would round; a vector with such an angle (or an
infinite one) takes a branch to Python's function, so each is a function of the module's own.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.core.operation import TABLE, floats
from engine.native.emit.scalar import c_function, outlined, per_lane, permanent, rarely
from engine.native.emit.vector import Bits, Mask, Vector, fma, select
from engine.native.math.elementary import SHIFT, polynomial
from engine.native.math.polynomials import COS, SIN

LARGEST = 2.0**20
# pi/2 in three parts; the first two have 33 bits
PARTS = (1.5707963267341256, 6.077100506303966e-11, 2.0222662487959506e-21)


def _reduced(x: Vector) -> tuple[Vector, Vector, Bits]:
    """sin(r) and cos(r) where x = n pi/2 + r, and n in the last bits."""
    shifted = fma(x, 0.6366197723675814, SHIFT)
    n = shifted - SHIFT
    first = fma(n, -PARTS[0], x)
    second = n * PARTS[1]
    high = first - second
    part = first - high  # Knuth's TwoSum, since either may be the larger
    lost = (first - (high + part)) - (second - part)
    r = high + fma(n, -PARTS[2], lost)
    z = r * r
    sine = fma(r * z, polynomial(z, SIN), r)
    cosine = fma(z, fma(z, polynomial(z, COS), -0.5), 1.0)
    return sine, cosine, shifted.bits()


def _odd(n: Bits) -> Mask:
    return ((n & 1) << 62).number() > 0.0


def _quarter(sine: Vector, cosine: Vector, n: Bits) -> Vector:
    """sin(n pi/2 + r)."""
    return (select(_odd(n), cosine, sine).bits() ^ ((n & 2) << 62)).number()


def _sin(x: Vector) -> Vector:
    return select(abs(x) < 2.0**-27, x, _quarter(*_reduced(x)))


def _cos(x: Vector) -> Vector:
    sine, cosine, n = _reduced(x)
    return _quarter(sine, cosine, n + 1)


def _tan(x: Vector) -> Vector:
    sine, cosine, n = _reduced(x)
    odd = _odd(n)
    return select(abs(x) < 2.0**-27, x, select(odd, -cosine, sine) / select(odd, sine, cosine))


def _with_large(name: str, formula: Callable[[Vector], Vector]) -> Callable[[Vector], Vector]:
    """The formula, and a branch for vectors that hold a large angle, as a function of its own."""

    def whole(x: Vector) -> Vector:
        address, _ = c_function(TABLE[name]) or permanent(getattr(floats, name), 1)
        return rarely(abs(x) > LARGEST, lambda: per_lane(x.body, address, x), formula(x))

    return lambda x: outlined(name, whole, x)


sin, cos, tan = _with_large("sin", _sin), _with_large("cos", _cos), _with_large("tan", _tan)
