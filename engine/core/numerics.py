"""Float functions that always answer: stable in the middle, defined at the edges.

Python floats disagree with themselves (`math.log(0)` raises, `1e200*1e200` is inf). Here every
function is total, as IEEE 754 and C99 have it: a pole and an overflow give inf, an undefined point
gives nan, and nothing raises. Whether that is an error is for the numeric mode to say (modes.py).
Each formula keeps its digits in the tails; where it is not the textbook one, a comment says why.
"""

import math
from collections.abc import Callable, Sequence
from math import fsum, inf, isfinite, nan

SQRT_HALF = math.sqrt(0.5)


def _total(function: Callable[[float], float], over: float = inf) -> Callable[[float], float]:
    """`function` with an overflow answered by `over` and an undefined point by nan."""

    def answer(x: float) -> float:
        try:
            return function(x)
        except OverflowError:
            return over
        except ValueError:
            return nan

    return answer


exp = _total(math.exp)
expm1 = _total(math.expm1)
sin, cos, tan = _total(math.sin), _total(math.cos), _total(math.tan)
sqrt = _total(math.sqrt)


def log(x: float) -> float:
    return math.log(x) if x > 0.0 else -inf if x == 0.0 else x + nan


def log1p(x: float) -> float:
    return math.log1p(x) if x > -1.0 else -inf if x == -1.0 else x + nan


def rsqrt(x: float) -> float:
    return 1.0 / math.sqrt(x) if x > 0.0 else inf if x == 0.0 else nan


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
    if x < 0.0 and (y % 2.0 == 1.0) != (order % 2 == 1):  # not of y - j, which may have rounded
        base = -base
    divisor = 1.0
    if x and base in (inf, -inf) and isfinite(power(x, y)):
        # the coefficient may bring it back: divide by x along the way, then multiply by x**y
        divisor, base = x, power(x, y)
    taylor = [1.0] + [0.0] * logs  # the coefficients of f(y + t) in powers of t
    for i in range(order):
        taylor = [
            ((y - i) * c + (taylor[m - 1] if m else 0.0)) / divisor for m, c in enumerate(taylor)
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


def sech2(x: float) -> float:
    """Tanh'. As 4e/(1+e)^2: `1 - tanh(x)**2` is 0 from x = 19 on, and that is wrong."""
    e = math.exp(-2.0 * abs(x))
    return 4.0 * e / ((1.0 + e) * (1.0 + e))


def sigmoid(x: float) -> float:
    if x >= 0.0:
        return 1.0 / (1.0 + math.exp(-x))
    e = math.exp(x)
    return e / (1.0 + e)


def sigmoid_slope(x: float) -> float:
    """Sigmoid'. As e/(1+e)^2: `s*(1-s)` is 0 from x = 37 on, and that is wrong."""
    e = math.exp(-abs(x))
    return e / ((1.0 + e) * (1.0 + e))


def softplus(x: float) -> float:
    return relu(x) + math.log1p(math.exp(-abs(x)))


def relu(x: float) -> float:
    return 0.0 if x <= 0.0 else x  # so that a nan stays one


def step(x: float) -> float:
    return 1.0 if x > 0.0 else 0.0 if x <= 0.0 else nan


def sign(x: float) -> float:
    return 1.0 if x > 0.0 else -1.0 if x < 0.0 else x * 0.0


def zero(x: float) -> float:
    return 0.0 if x == x else nan


def equal(x: float, y: float) -> float:
    return float(x == y)


def greater(x: float, y: float) -> float:
    return float(x > y)


def greater_equal(x: float, y: float) -> float:
    return float(x >= y)


def select(test: float, x: float, y: float) -> float:
    return x if test else y


def choose(index: float, *options: float) -> float:
    return options[int(index)] if 0.0 <= index < len(options) and not index % 1.0 else nan


def clamp(x: float, low: float, high: float) -> float:
    if low != low or high != high:
        return nan
    return low if x < low else high if x > high else x


def within(x: float, low: float, high: float) -> float:
    return float(low < x < high) if x == x and low == low and high == high else nan


def unit(a: float, b: float) -> float:
    """The cosine a / hypot(a, b): 0 at the origin, infinities as in atan2."""
    if math.isinf(a) or math.isinf(b):
        return math.copysign(SQRT_HALF, a) if abs(a) == abs(b) else float(sign(a) * math.isinf(a))
    if max(abs(a), abs(b)) < 1e-290:  # where a length would lose its digits
        a, b = math.ldexp(a, 600), math.ldexp(b, 600)
    length = math.hypot(a, b)
    return a / length if length else 0.0 * a


def xdivy(x: float, y: float) -> float:
    """The ratio on the half-line y >= 0, where 0 / 0 is 0 and a zero has no sign; nan below."""
    if not y >= 0.0:
        return nan
    return x / y if y else math.copysign(inf, x) if x else x


def _sum(xs: Sequence[float]) -> float:
    """Rounded once, so that the bits of a sum depend on neither its order nor Python's version."""
    try:
        return fsum(xs)
    except ValueError:  # inf - inf
        return nan
    except OverflowError:  # on the way, perhaps not at the end
        return _sum([x * 2.0**-64 for x in xs]) * 2.0**64


def total(*xs: float) -> float:
    return _sum(xs)


def dot(*args: float) -> float:
    """Inputs are the weights, then as many inputs, then a bias or nothing; summed left to right."""
    n = len(args) // 2
    result = 0.0
    for w, x in zip(args[:n], args[n:], strict=False):
        result += w * x
    return result + args[-1] if len(args) % 2 else result


def maximum(*xs: float) -> float:
    """The largest; a nan wins wherever it stands (IEEE 754-2019), unlike in Python's max."""
    return max(xs) if all(x == x for x in xs) else nan


def minimum(*xs: float) -> float:
    return min(xs) if all(x == x for x in xs) else nan
