"""Float functions that always answer: stable in the middle, defined at the edges.

Python floats disagree with themselves (`math.log(0)` raises, `1e200*1e200` is inf). Here every
function is total, as IEEE 754 and C99 have it: a pole and an overflow give inf, an undefined point
gives nan, and nothing raises. Whether that is an error is for the numeric mode to say (modes.py).
Each formula keeps its digits in the tails; where it is not the textbook one, a comment says why.
"""

import math
from math import inf, isfinite, nan


def log(x: float) -> float:
    return math.log(x) if x > 0.0 else -inf if x == 0.0 else x + nan


def divide(a: float, b: float) -> float:
    try:
        return a / b
    except ZeroDivisionError:
        return math.copysign(inf, a) * math.copysign(1.0, b) if a == a and a else nan


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


def sign(x: float) -> float:
    return 1.0 if x > 0.0 else -1.0 if x < 0.0 else x * 0.0


def zero(x: float) -> float:
    return 0.0 if x == x else nan


def greater(x: float, y: float) -> float:
    return float(x > y)


def greater_equal(x: float, y: float) -> float:
    return float(x >= y)
