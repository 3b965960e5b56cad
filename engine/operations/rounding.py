"""Rounding to whole numbers: piecewise constant, so that every derivative is 0."""

import builtins
import math
from collections.abc import Callable

from engine.core.functions import rule
from engine.core.operation import rows
from engine.core.value import Scalar, Value

__all__ = ["ceil", "floor", "round", "trunc"]


def _whole(function: Callable[[float], int]) -> Callable[[float], float]:
    """`function` as a float with the sign of its input; inf and nan stay what they are."""

    def answer(x: float) -> float:
        return math.copysign(function(x), x) if math.isfinite(x) else x

    return answer


@rule(_whole(math.floor), lambda y, x: (rows.zero(x),), tex=r"\lfloor {0} \rfloor", branches=True)
def floor(x: Scalar) -> Value:
    """The largest whole number that is not above x. Its derivative is 0.

    >>> floor(Value(-1.5)).data
    -2.0
    """


@rule(_whole(math.ceil), lambda y, x: (rows.zero(x),), tex=r"\lceil {0} \rceil", branches=True)
def ceil(x: Scalar) -> Value:
    """The smallest whole number that is not below x. Its derivative is 0.

    >>> ceil(Value(-1.5)).data
    -1.0
    """


@rule(_whole(math.trunc), lambda y, x: (rows.zero(x),), branches=True)
def trunc(x: Scalar) -> Value:
    """The whole number next to x on the side of 0. Its derivative is 0.

    >>> trunc(Value(-1.5)).data
    -1.0
    """


@rule(_whole(builtins.round), lambda y, x: (rows.zero(x),), branches=True)
def round(x: Scalar) -> Value:
    """The whole number nearest to x; halfway between two, the even one. Its derivative is 0.

    >>> round(Value(2.5)).data
    2.0
    """
