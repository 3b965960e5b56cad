"""The sigmoid, and softplus, of which it is the derivative."""

import math

from engine.core.operation import floats as f
from engine.core.operation import row, rows
from engine.core.value import Scalar, Value
from engine.operations.rule import rule

__all__ = ["sigmoid", "softplus"]


def _sigmoid(x: float) -> float:
    if x >= 0.0:
        return 1.0 / (1.0 + math.exp(-x))
    e = math.exp(x)
    return e / (1.0 + e)


def _sigmoid_slope(x: float) -> float:
    """Sigmoid'. As e/(1+e)^2: `s*(1-s)` is 0 from x = 37 on, and that is wrong."""
    e = math.exp(-abs(x))
    return e / ((1.0 + e) * (1.0 + e))


def _softplus(x: float) -> float:
    return f.relu(x) + math.log1p(math.exp(-abs(x)))


@rule(_sigmoid, lambda y, x: (rows.sigmoid_slope(x),), tex=r"\sigma", finite_partials=True)
def sigmoid(x: Scalar) -> Value:
    """1 / (1 + exp(-x)), the logistic function: an S from 0 to 1, for the probability of a yes.

    >>> sigmoid(Value(0.0)).data
    0.5
    """


row(
    "sigmoid_slope",
    _sigmoid_slope,
    lambda y, x: (-y * rows.tanh(0.5 * x),),
    tex=r"\sigma'",
    finite_partials=True,
)


@rule(_softplus, lambda y, x: (rows.sigmoid(x),), finite_partials=True)
def softplus(x: Scalar) -> Value:
    """log(1 + exp(x)), a smooth relu, without a threshold. Its derivative is the sigmoid.

    >>> softplus(Value(1000.0)).data
    1000.0
    """
