"""Trigonometric and hyperbolic functions and their inverses, and the length of two numbers."""

import math
from typing import Any

from engine.core.operation import row, rows
from engine.core.value import Scalar, Value
from engine.operations import statistics as _statistics  # noqa: F401 (its row of direction)
from engine.operations.rule import rule, total

__all__ = ["acos", "asin", "atan", "atan2", "cos", "hypot", "sin", "tan"]
__all__ += ["acosh", "asinh", "atanh", "cosh", "sinh", "tanh"]


@rule(total(math.sin), lambda y, x: (rows.cos(x),), tex=r"\sin")
def sin(x: Scalar) -> Value:
    """The sine of x in radians.

    >>> sin(Value(0.0)).data
    0.0
    """


@rule(total(math.cos), lambda y, x: (-rows.sin(x),), tex=r"\cos")
def cos(x: Scalar) -> Value:
    """The cosine of x in radians.

    >>> cos(Value(0.0)).data
    1.0
    """


@rule(total(math.tan), lambda y, x: (1.0 + y * y,), tex=r"\tan", domain=(-1.4, 1.4))
def tan(x: Scalar) -> Value:
    """The tangent of x in radians.

    >>> tan(Value(0.0)).data
    0.0
    """


@rule(
    math.hypot,
    lambda y, a, b: (rows.direction(a, b), rows.direction(b, a)),
    tex=r"\sqrt{{{0}^2 + {1}^2}}",
    domain=((-3.0, 3.0), (-3.0, 3.0)),
)
def hypot(a: Scalar, b: Scalar) -> Value:
    """sqrt(a*a + b*b) without overflow; its gradient at the origin is 0, that of least norm.

    >>> hypot(Value(3.0), 4.0).data
    5.0
    """


@rule(
    total(math.asin),
    lambda y, x: (rows.asin_slope(x),),
    tex=r"\arcsin",
    domain=(-0.9, 0.9),
    remedy="asin needs an input from -1 to 1 and its derivative one strictly between",
)
def asin(x: Scalar) -> Value:
    """The inverse of sin, of x from -1 to 1. There its derivative is the one-sided limit, inf.

    >>> asin(Value(0.0)).data
    0.0
    """


@rule(
    total(math.acos),
    lambda y, x: (-rows.asin_slope(x),),
    tex=r"\arccos",
    domain=(-0.9, 0.9),
    remedy="acos needs an input from -1 to 1 and its derivative one strictly between",
)
def acos(x: Scalar) -> Value:
    """The inverse of cos, of x from -1 to 1. There its derivative is the one-sided limit, -inf.

    >>> acos(Value(1.0)).data
    0.0
    """


row(  # 1 / sqrt(1 - x^2) in factors, to keep the digits beside 1; a nan where |x| > 1
    "asin_slope",
    lambda x: rows.rsqrt((1.0 - x) * (1.0 + x)),
    lambda y, x: (x * y * y * y,),
    tex=r"\arcsin'",
    domain=(-0.9, 0.9),
    finite_partials=False,
)


@rule(
    math.atan,
    lambda y, x: (rows.div(rows.div(1.0, rows.hypot(1.0, x)), rows.hypot(1.0, x)),),
    tex=r"\arctan",
)
def atan(x: Scalar) -> Value:
    """The inverse of tan, between -pi/2 and pi/2.

    >>> atan(Value(0.0)).data
    0.0
    """


@rule(
    math.atan2,
    lambda y, a, b: (rows.atan2_slope(b, a), -rows.atan2_slope(a, b)),
    domain=((0.5, 3.0), (-3.0, 3.0)),
    remedy="the origin has no angle; keep one of the two inputs away from 0",
)
def atan2(a: Scalar, b: Scalar) -> Value:
    """The angle at which the point (b, a) is seen from the origin, between -pi and pi.

    It is the atan of a / b, in the quadrant that the two signs say. At the origin there is no
    angle, and its derivatives are undefined.

    >>> atan2(Value(0.0), Value(1.0)).data
    0.0
    """


def _atan2_slope_partials(y: Any, a: Any, b: Any) -> tuple[Any, Any]:
    """(b - a) (b + a) / r^4, which does not cancel beside b = a, and -2 a b / r^4."""
    r = rows.hypot(a, b)
    # the sum and the difference may overflow; where they would, the result is 0
    c, d = rows.clamp(a, -8e307, 8e307), rows.clamp(b, -8e307, 8e307)
    by_first = rows.div(d - c, r) * rows.div(d + c, r)
    by_second = -2.0 * rows.direction(a, b) * rows.direction(b, a)
    return rows.div(rows.div(by_first, r), r), rows.div(rows.div(by_second, r), r)


row(  # a / (a^2 + b^2)
    "atan2_slope",
    lambda a, b: rows.div(rows.direction(a, b), rows.hypot(a, b)),
    _atan2_slope_partials,
    tex=r"\frac{{{0}}}{{{0}^2 + {1}^2}}",
    domain=((0.5, 3.0), (-3.0, 3.0)),
    finite_partials=False,
)


# --- hyperbolic ----------------------------------------------------------------------------------
def _sinh(x: float) -> float:
    try:
        return math.sinh(x)
    except OverflowError:
        return math.copysign(math.inf, x)


def _atanh(x: float) -> float:
    if abs(x) == 1.0:
        return math.copysign(math.inf, x)
    return math.atanh(x) if abs(x) < 1.0 else math.nan


def _sech2(x: float) -> float:
    """Tanh'. As 4e/(1+e)^2: `1 - tanh(x)**2` is 0 from x = 19 on, and that is wrong."""
    e = math.exp(-2.0 * abs(x))
    return 4.0 * e / ((1.0 + e) * (1.0 + e))


@rule(math.tanh, lambda y, x: (rows.sech2(x),), tex=r"\tanh")
def tanh(x: Scalar) -> Value:
    """The hyperbolic tangent: an S from -1 to 1, centred at 0. Saturates past about 3.

    >>> tanh(Value(0.0)).data
    0.0
    """


row("sech2", _sech2, lambda y, x: (-2.0 * y * rows.tanh(x),), tex=r"\operatorname{{sech}}^2")


@rule(_sinh, lambda y, x: (rows.cosh(x),), tex=r"\sinh", remedy="it overflows past 710.47")
def sinh(x: Scalar) -> Value:
    """The hyperbolic sine, (exp(x) - exp(-x)) / 2.

    >>> sinh(Value(0.0)).data
    0.0
    """


@rule(total(math.cosh), lambda y, x: (rows.sinh(x),), tex=r"\cosh", remedy=rows.sinh.remedy)
def cosh(x: Scalar) -> Value:
    """The hyperbolic cosine, (exp(x) + exp(-x)) / 2.

    >>> cosh(Value(0.0)).data
    1.0
    """


@rule(math.asinh, lambda y, x: (rows.div(1.0, rows.hypot(1.0, x)),), tex=r"\operatorname{{arsinh}}")
def asinh(x: Scalar) -> Value:
    """The inverse of sinh: log(x + sqrt(x**2 + 1)), with the digits of a small x.

    >>> asinh(Value(0.0)).data
    0.0
    """


@rule(
    total(math.acosh),
    lambda y, x: (rows.rsqrt(x - 1.0) * rows.rsqrt(x + 1.0),),
    tex=r"\operatorname{{arcosh}}",
    domain=(1.1, 3.0),
    remedy="acosh needs an input >= 1 and its derivative one > 1",
)
def acosh(x: Scalar) -> Value:
    """The inverse of cosh, of x >= 1. At 1 its derivative is the one-sided limit, inf.

    >>> acosh(Value(1.0)).data
    0.0
    """


@rule(
    _atanh,
    lambda y, x: (rows.atanh_slope(x),),
    tex=r"\operatorname{{artanh}}",
    domain=(-0.9, 0.9),
    remedy="atanh needs an input strictly between -1 and 1",
)
def atanh(x: Scalar) -> Value:
    """The inverse of tanh, of x between -1 and 1, where it is infinite.

    >>> atanh(Value(0.0)).data
    0.0
    """


row(  # 1 / (1 - x^2) in factors, to keep the digits beside 1; a nan where |x| > 1
    "atanh_slope",
    lambda x: rows.xdivy(1.0, (1.0 - x) * (1.0 + x)),
    lambda y, x: (2.0 * x * y * y,),
    tex=r"\operatorname{{artanh}}'",
    domain=(-0.9, 0.9),
    finite_partials=False,
)
