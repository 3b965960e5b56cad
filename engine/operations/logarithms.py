"""Logarithms and powers of other bases, and the cube root."""

import math

from engine.core.functions import function_of, rule
from engine.core.operation import row, rows
from engine.core.value import Scalar, Value
from engine.operations import softmax as _softmax  # noqa: F401 (its row of logsumexp)

__all__ = ["cbrt", "exp2", "log2", "log10", "logaddexp"]

LN_2, LN_10 = math.log(2.0), math.log(10.0)


def _log2(x: float) -> float:
    return math.log2(x) if x > 0.0 else math.nan if x else -math.inf


def _log10(x: float) -> float:
    return math.log10(x) if x > 0.0 else math.nan if x else -math.inf


def _exp2(x: float) -> float:
    return math.inf if x >= 1024.0 else math.exp2(x)


def _cbrt_slope(x: float) -> float:
    root = math.cbrt(x)
    return 1.0 / (3.0 * root * root) if root else math.inf


@rule(
    _log2,
    lambda y, x: (rows.xdivy(1.0 / LN_2, x),),
    tex=r"\log_2",
    domain=(0.1, 3.0),
    remedy={"": "log2 needs an input > 0"},
)
def log2(x: Scalar) -> Value:
    """The logarithm to base 2, of x > 0; exact where x is a power of 2.

    >>> log2(Value(8.0)).data
    3.0
    """


@rule(
    _log10,
    lambda y, x: (rows.xdivy(1.0 / LN_10, x),),
    tex=r"\log_{{10}}",
    domain=(0.1, 3.0),
    remedy={"": "log10 needs an input > 0"},
)
def log10(x: Scalar) -> Value:
    """The logarithm to base 10, of x > 0.

    >>> log10(Value(1000.0)).data
    3.0
    """


@rule(_exp2, lambda y, x: (LN_2 * y,), tex="2^{{{0}}}", remedy={"": "it overflows from 1024 on"})
def exp2(x: Scalar) -> Value:
    """2 to the power x; exact where x is a whole number.

    >>> exp2(Value(3.0)).data
    8.0
    """


@rule(
    math.cbrt,
    lambda y, x: (rows.cbrt_slope(x),),
    tex=r"\sqrt[3]{{{0}}}",
    domain=(0.1, 3.0),
    remedy={"": "the derivative of cbrt at 0 is infinite; keep the input away from 0"},
)
def cbrt(x: Scalar) -> Value:
    """The cube root, of a negative x too. Its derivative at 0 is infinite.

    >>> cbrt(Value(-8.0)).data
    -2.0
    """


row(
    "cbrt_slope",
    _cbrt_slope,
    lambda y, x: (rows.div(-2.0 * y, 3.0 * x),),
    tex=r"\frac{{1}}{{3 \sqrt[3]{{{0}}}^2}}",
    domain=(0.1, 3.0),
)


@function_of(rows.logsumexp)
def logaddexp(a: Scalar, b: Scalar) -> Value:
    """log(exp(a) + exp(b)) without overflow: logsumexp of two.

    >>> logaddexp(Value(1000.0), 0.0).data
    1000.0
    """
