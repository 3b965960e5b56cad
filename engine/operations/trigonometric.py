"""Inverse trigonometric functions; the sine, the cosine and the tangent are in the core."""

import math

from engine.core.functions import rule
from engine.core.operation import row, rows
from engine.core.value import Scalar, Value

__all__ = ["acos", "asin", "atan", "atan2"]


def _asin(x: float) -> float:
    return math.asin(x) if abs(x) <= 1.0 else math.nan


def _acos(x: float) -> float:
    return math.acos(x) if abs(x) <= 1.0 else math.nan


@rule(
    _asin,
    lambda y, x: (rows.asin_slope(x),),
    tex=r"\arcsin",
    domain=(-0.9, 0.9),
    remedy={"": "asin needs an input from -1 to 1 and its derivative one strictly between"},
)
def asin(x: Scalar) -> Value:
    """The inverse of sin, of x from -1 to 1. There its derivative is the one-sided limit, inf.

    >>> asin(Value(0.0)).data
    0.0
    """


@rule(
    _acos,
    lambda y, x: (-rows.asin_slope(x),),
    tex=r"\arccos",
    domain=(-0.9, 0.9),
    remedy={"": "acos needs an input from -1 to 1 and its derivative one strictly between"},
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
)


@rule(
    math.atan,
    lambda y, x: (rows.div(rows.div(1.0, rows.hypot(1.0, x)), rows.hypot(1.0, x)),),
    tex=r"\arctan",
    finite_partials=True,
)
def atan(x: Scalar) -> Value:
    """The inverse of tan, between -pi/2 and pi/2.

    >>> atan(Value(0.0)).data
    0.0
    """


@rule(
    math.atan2,
    lambda y, a, b: (
        rows.div(rows.unit(b, a), rows.hypot(a, b)),
        -rows.div(rows.unit(a, b), rows.hypot(a, b)),
    ),
    tex=r"\operatorname{{atan2}}",
    domain=((0.5, 3.0), (-3.0, 3.0)),
    remedy={"": "the origin has no angle; keep one of the two inputs away from 0"},
)
def atan2(a: Scalar, b: Scalar) -> Value:
    """The angle at which the point (b, a) is seen from the origin, between -pi and pi.

    It is the atan of a / b, in the quadrant that the two signs say. At the origin there is no
    angle, and its derivatives are undefined.

    >>> atan2(Value(0.0), Value(1.0)).data
    0.0
    """
