"""Powers: `x**n` for a number n, and `a**b` for a Value b.

Their derivatives of any order are one row, `power_partial`, since the textbook's `n * x**(n-1)` and
`x**n * log(x)` are wrong at 0, at infinity and where they overflow.
"""

import math
from math import inf, isfinite, nan
from typing import Any

from engine.core.numerics import log
from engine.core.operation import row, rows


# --- float functions -----------------------------------------------------------------------------
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


# --- rows ----------------------------------------------------------------------------------------
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


row(
    "pow",
    power,
    _power_partials,
    symbol="**",
    tex="{0}^{{{1}}}",
    domain=((0.1, 3.0), (-3.0, 3.0)),
    remedy={"": "a power of 0 needs an exponent >= 0, one of a negative number a whole exponent"},
    finite_partials=lambda x, n: n is not None and n >= 0.0 and n % 1.0 == 0.0,
)
row(
    "xpowy",
    power,
    lambda y, a, b: (rows.power_partial(a, b, 1.0, 0.0), rows.power_partial(a, b, 0.0, 1.0)),
    symbol="**",
    tex="{0}^{{{1}}}",
    domain=((0.1, 3.0), (-3.0, 3.0)),
    remedy={"": "a Value as the exponent needs a base > 0"},
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
)
