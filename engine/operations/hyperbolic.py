"""Hyperbolic functions and their inverses."""

import math

from engine.core.operation import row, rows
from engine.core.value import Scalar, Value
from engine.operations.rule import rule

__all__ = ["acosh", "asinh", "atanh", "cosh", "sinh", "tanh"]

LARGEST = 710.4758600739439  # beyond it cosh and sinh overflow


def _sinh(x: float) -> float:
    return math.sinh(x) if abs(x) <= LARGEST else x * math.inf if x == x else x


def _cosh(x: float) -> float:
    return math.cosh(x) if abs(x) <= LARGEST else abs(x) * math.inf if x == x else x


def _atanh(x: float) -> float:
    if abs(x) == 1.0:
        return math.copysign(math.inf, x)
    return math.atanh(x) if abs(x) < 1.0 else math.nan


def _sech2(x: float) -> float:
    """Tanh'. As 4e/(1+e)^2: `1 - tanh(x)**2` is 0 from x = 19 on, and that is wrong."""
    e = math.exp(-2.0 * abs(x))
    return 4.0 * e / ((1.0 + e) * (1.0 + e))


@rule(math.tanh, lambda y, x: (rows.sech2(x),), tex=r"\tanh", finite_partials=True)
def tanh(x: Scalar) -> Value:
    """The hyperbolic tangent: an S from -1 to 1, centred at 0. Saturates past about 3.

    >>> tanh(Value(0.0)).data
    0.0
    """


row(
    "sech2",
    _sech2,
    lambda y, x: (-2.0 * y * rows.tanh(x),),
    tex=r"\operatorname{{sech}}^2",
    finite_partials=True,
)


@rule(_sinh, lambda y, x: (rows.cosh(x),), tex=r"\sinh", remedy={"": "it overflows past 710.47"})
def sinh(x: Scalar) -> Value:
    """The hyperbolic sine, (exp(x) - exp(-x)) / 2.

    >>> sinh(Value(0.0)).data
    0.0
    """


@rule(_cosh, lambda y, x: (rows.sinh(x),), tex=r"\cosh", remedy={"": "it overflows past 710.47"})
def cosh(x: Scalar) -> Value:
    """The hyperbolic cosine, (exp(x) + exp(-x)) / 2.

    >>> cosh(Value(0.0)).data
    1.0
    """


@rule(
    math.asinh,
    lambda y, x: (rows.div(1.0, rows.hypot(1.0, x)),),
    tex=r"\operatorname{{arsinh}}",
    finite_partials=True,
)
def asinh(x: Scalar) -> Value:
    """The inverse of sinh: log(x + sqrt(x**2 + 1)), with the digits of a small x.

    >>> asinh(Value(0.0)).data
    0.0
    """


@rule(
    lambda x: math.acosh(x) if x >= 1.0 else math.nan,
    lambda y, x: (rows.rsqrt(x - 1.0) * rows.rsqrt(x + 1.0),),
    tex=r"\operatorname{{arcosh}}",
    domain=(1.1, 3.0),
    remedy={"": "acosh needs an input >= 1 and its derivative one > 1"},
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
    remedy={"": "atanh needs an input strictly between -1 and 1"},
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
)
