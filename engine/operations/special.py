"""Powers, and special functions: the error function and the logarithm of the gamma function.

The derivatives of `x**n`, for a number n, and of `a**b`, for a Value b, are of any order one row,
`power_partial`, since the textbook's `n * x**(n-1)` and `x**n * log(x)` are wrong at 0, at infinity
and where they overflow.

The formulas of special functions are those of the Digital Library of Mathematical Functions
(dlmf.nist.gov), by number.
"""

import math
from math import inf, isfinite, nan
from typing import Any

from engine.core.numerics import log
from engine.core.operation import row, rows
from engine.core.value import Scalar, Value
from engine.operations.rectifiers import bell
from engine.operations.rule import rule

__all__ = ["digamma", "erf", "erfc", "lgamma"]


# --- powers --------------------------------------------------------------------------------------
def power(x: float, y: float) -> float:
    """`x**y` as C99's pow: never complex, 1 wherever y is 0; x*x, to the bit, where y is 2."""
    if y == 2.0:
        return x * x
    try:
        return math.pow(x, y)
    except OverflowError:
        return -inf if x < 0.0 and y % 2.0 == 1.0 else inf
    except ValueError:
        if x:  # a negative base with a fractional exponent
            return nan
        return math.copysign(inf, x) if y % 2.0 == 1.0 else inf


def power_partial(x: float, y: float, j: float, k: float) -> float:
    """The derivative of `x**y`, j times by x and k times by y.

    With f(y) = y (y-1) ... (y-j+1) it is x**(y-j) times the sum over i of
    binomial(k, i) f^(i)(y) log(x)**(k-i) (Leibniz). A vanishing coefficient wins over an infinite
    power, so that the derivative of `x**1` and of `x**0` is right at x = 0; and no logarithm is
    evaluated where none is needed.
    """
    order, logs = int(j), int(k)
    if x <= 0.0 and y % 1.0:  # y - j may round to a whole number, which y is not
        if x:
            return nan
        x = 0.0
    base = power(abs(x), y - order)
    # not of y - j, which may have rounded; a zero has a sign too
    if math.copysign(1.0, x) < 0.0 and (y % 2.0 == 1.0) != (order % 2 == 1):
        base = -base
    divisor = 1.0
    if x and base in (inf, -inf) and isfinite(power(x, y)):
        # the coefficient may bring it back: divide by x along the way, then multiply by x**y
        divisor, base = x, power(x, y)
    taylor = [1.0] + [0.0] * logs  # the coefficients of f(y + t) in powers of t
    for i in range(order):
        taylor = [
            ((y - i and (y - i) * c) + (taylor[m - 1] if m else 0.0)) / divisor
            for m, c in enumerate(taylor)
        ]
    result = 0.0
    for i, coefficient in enumerate(taylor):
        if coefficient == 0.0 or (base == 0.0 and (x >= 0.0 or not logs)):
            continue
        term = math.perm(logs, i) * coefficient * base
        if logs > i:
            # x**e log(x)**m goes to 0 at x = 0 for e > 0, and at x = inf for e < 0; at (0, 0) it
            # is 0 by convention, as the value 1 is
            if (x == 0.0 and (y > order or y == order == 0)) or (x == inf and y < order):
                continue
            term *= log(x) ** (logs - i)
        result += term
    return result


def _power_partials(y: Any, x: Any, n: float) -> tuple[Any, None]:
    """The derivative n x**(n-1), where the exponent is a number.

    A number takes no gradient, so the second partial is None; and an `if` may look at it. Beyond
    1e15, and within 1e-15 of 0, n - 1 would round.
    """
    if n == 0.0 or n == 1.0:
        return n, None
    if not 1e-15 < abs(n) < 1e15:
        return rows.power_partial(x, n, 1.0, 0.0), None
    return n * (x if n == 2.0 else rows.pow(x, n - 1.0)), None


OVERFLOW = "it overflows past 1.8e308; take a smaller base or exponent, or its logarithm n * log(x)"

row(
    "pow",
    power,
    _power_partials,
    symbol="**",
    tex="{0}^{{{1}}}",
    domain=((0.1, 3.0), (-3.0, 3.0)),
    remedy={
        "": "a power of 0 needs an exponent >= 0, one of a negative number a whole exponent",
        "overflow": OVERFLOW,
    },
    finite_partials=lambda x, n: n is not None and n >= 0.0 and n % 1.0 == 0.0,
)
row(
    "xpowy",
    power,
    lambda y, a, b: (rows.power_partial(a, b, 1.0, 0.0), rows.power_partial(a, b, 0.0, 1.0)),
    symbol="**",
    tex="{0}^{{{1}}}",
    domain=((0.1, 3.0), (-3.0, 3.0)),
    remedy={"": "a Value as the exponent needs a base > 0", "overflow": OVERFLOW},
)
row(  # j and k are numbers
    "power_partial",
    power_partial,
    lambda y, a, b, j, k: (
        rows.power_partial(a, b, j + 1.0, k),
        rows.power_partial(a, b, j, k + 1.0),
        None,
        None,
    ),
    symbol="∂(**)",
    tex=r"\partial\operatorname{{pow}}",
    domain=((0.1, 3.0), (-3.0, 3.0), (1.0, 1.0), (1.0, 1.0)),
    finite_partials=False,
)


# --- special functions ---------------------------------------------------------------------------
BERNOULLI = [  # B(2k) / (2k)! for k = 1, 2, ...
    number / math.factorial(2 * k)
    for k, number in enumerate([1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6], 1)
]
ROOT, ROOT_REST = 1.4616321449683622, 9.549995429965697e-17  # where digamma is 0, in two floats


def _zeta(s: int, x: float) -> float:
    """Hurwitz's zeta function for x > 0, the sum of (x + i)**-s over i = 0, 1, ... (DLMF 25.11.28).

    At its pole s = 1 it is -digamma(x): there the integral of x**-s is a logarithm (DLMF 5.11.2).
    """
    terms = []
    while x < 16.0 + s:
        terms.append(power(x, -s))
        x += 1.0
    terms += [power(x, 1 - s) / (s - 1) if s > 1 else -math.log(x), 0.5 * power(x, -s)]
    rising = float(s)  # s (s+1) ... (s+2k-2)
    for k, coefficient in enumerate(BERNOULLI, 1):
        terms.append(coefficient * rising * power(x, 1 - s - 2 * k))
        rising *= (s + 2 * k - 1) * (s + 2 * k)
    return math.fsum(terms)


# Taylor's coefficients of lgamma at 2, but for the first (DLMF 5.7.3), and of digamma at its root
AT_2 = [(-1.0) ** k * _zeta(k, 2.0) / k for k in range(2, 30)]
AT_ROOT = [(-1.0) ** k * _zeta(k, ROOT) for k in range(2, 26)]


def _series(coefficients: list[float], x: float) -> float:
    """The sum of coefficients[k] x**k, by Horner's rule."""
    *others, result = coefficients  # begun with 0, an infinite x would give a nan
    for coefficient in reversed(others):
        result = result * x + coefficient
    return result


def _lgamma(x: float) -> float:
    if 0.5 <= x <= 2.5:  # around its zeros 1 and 2, where math.lgamma loses digits
        d = x - 2.0 if x >= 1.5 else x - 1.0
        at_2 = d * (0.42278433509846714 + d * _series(AT_2, d))  # 1 - Euler's constant
        return at_2 if x >= 1.5 else at_2 - math.log1p(d)
    try:
        return math.lgamma(x)
    except (ValueError, OverflowError):  # a pole, or huge
        return inf


def _cotangents(n: int, x: float) -> float:
    """The n-th derivative of cot(pi x) by x, times pi: a polynomial in the cotangent."""
    rest = x - round(x)  # exact, and so is the distance to 1/2, where the cotangent is 0
    near = abs(rest) < 0.25
    tangent = math.tan(math.pi * (rest if near else math.copysign(0.5, rest) - rest))
    c = 1.0 / tangent if near else tangent
    coefficients = [0.0, 1.0]
    for _ in range(n):  # p(c)' = -pi (1 + c^2) p'(c)
        slope = [-k * a for k, a in enumerate(coefficients)][1:]
        coefficients = [a + b for a, b in zip([*slope, 0.0, 0.0], [0.0, 0.0, *slope], strict=True)]
    return power(math.pi, n + 1) * _series(coefficients, c)


def _polygamma(order: float, x: float) -> float:
    n = int(order)
    if x <= 0.0 and x % 1.0 == 0.0:  # a pole, whose two sides agree where n is odd
        return inf if n % 2 else nan if x else math.copysign(inf, -x)
    if not -inf < x < inf:
        return nan if x != inf else 0.0 if n else inf
    if x < 0.0:  # reflection (DLMF 5.15.6)
        return (-1.0) ** n * _polygamma(n, 1.0 - x) - _cotangents(n, x)
    if not n and abs(x - ROOT) < 0.3:
        d = (x - ROOT) - ROOT_REST
        return d * _series(AT_ROOT, d)
    return (-1.0) ** (n + 1) * math.gamma(n + 1.0) * _zeta(n + 1, x)  # DLMF 25.11.12


@rule(math.erf, lambda y, x: (rows.gauss(x),))
def erf(x: Scalar) -> Value:
    """The error function: 2 / sqrt(pi) times the integral of exp(-t**2) from 0 to x.

    >>> erf(Value(0.0)).data
    0.0
    """


@rule(math.erfc, lambda y, x: (-rows.gauss(x),))
def erfc(x: Scalar) -> Value:
    """1 - erf(x), which keeps its digits where x is large.

    >>> erfc(Value(0.0)).data
    1.0
    """


row(
    "gauss",
    lambda x: 2.0 / math.sqrt(math.pi) * bell(x, 1.0),
    lambda y, x: (-2.0 * rows.clamp(x, -28.0, 28.0) * y,),  # past that y is 0, and x may be inf
    tex=r"\operatorname{{erf}}'",
)

POLES = {"": "there are poles at 0, -1, -2, ...; keep the input above 0"}


@rule(
    _lgamma,
    lambda y, x: (rows.digamma(x),),
    tex=r"\log \left|\Gamma({0})\right|",
    domain=(0.1, 3.0),
    remedy=POLES,
)
def lgamma(x: Scalar) -> Value:
    """The logarithm of the gamma function's absolute value: of (n - 1)! where x is a whole n > 0.

    It is inf at its poles 0, -1, -2, ... There its derivative is undefined (nan), but for 0, whose
    sign says from which side it is approached.

    >>> lgamma(Value(1.0)).data
    0.0
    """


@rule(
    lambda x: _polygamma(0.0, x),
    lambda y, x: (rows.polygamma(1.0, x),),
    tex=r"\psi",
    domain=(0.1, 3.0),
    remedy=POLES,
)
def digamma(x: Scalar) -> Value:
    """The derivative of lgamma. At -1, -2, ... it is undefined (nan); at 0.0 -inf, at -0.0 inf.

    >>> f"{digamma(Value(1.0)).data:.6f}"  # minus Euler's constant
    '-0.577216'
    """


row(
    "polygamma",  # the derivative of digamma, n times; n is a number
    _polygamma,
    lambda y, n, x: (None, rows.polygamma(n + 1.0, x)),
    tex=r"\psi^{{({0})}}({1})",
    domain=((1.0, 1.0), (0.1, 3.0)),
    remedy=POLES,
)
