"""Exponentials, logarithms and roots; and what is made of them: the sigmoid and softplus."""

import math

from engine.core.numerics import log as _log
from engine.core.operation import floats, row, rows
from engine.core.value import Scalar, Value
from engine.operations import softmax as _softmax  # noqa: F401 (its row of logsumexp)
from engine.operations.rule import function_of, rule, total

__all__ = ["cbrt", "exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "logaddexp", "sqrt"]
__all__ += ["sigmoid", "softplus"]

LN_2, LN_10 = math.log(2.0), math.log(10.0)


def _xdivy(x: float, y: float) -> float:
    """x / y for y >= 0, where 0 / 0 is 0 and a zero of y has no sign; nan for y < 0."""
    if not y >= 0.0:
        return math.nan
    return x / y if y else math.copysign(math.inf, x) if x else x


def _cbrt_slope(x: float) -> float:
    root = math.cbrt(x)
    return 1.0 / (3.0 * root * root) if root else math.inf


@rule(
    total(math.exp),
    lambda y, x: (y,),
    tex="e^{{{0}}}",
    remedy="it overflows past 709.78; softmax, logsumexp, softplus and expm1 are stable",
)
def exp(x: Scalar) -> Value:
    """The exponential, e to the power x. Its derivative is itself.

    >>> exp(Value(0.0)).data
    1.0
    """


@rule(total(math.expm1), lambda y, x: (rows.exp(x),), tex="e^{{{0}}} - 1", remedy=rows.exp.remedy)
def expm1(x: Scalar) -> Value:
    """exp(x) - 1, which keeps its digits where x is small.

    >>> expm1(Value(1e-20)).data
    1e-20
    """


@rule(
    _log,
    lambda y, x: (rows.xdivy(1.0, x),),
    tex=r"\log",
    domain=(0.1, 3.0),
    remedy={
        "": "log needs an input > 0",
        "softmax": "log_softmax(xs)[k] is stable where log(softmax(xs)[k]) is not",
        "sigmoid": "-softplus(-x) is stable where log(sigmoid(x)) is not",
        "sum": "logsumexp(xs) is stable where log(sum(exp(x) for x in xs)) is not",
    },
)
def log(x: Scalar) -> Value:
    """The natural logarithm, of x > 0.

    >>> log(Value(1.0)).data
    0.0
    """


@rule(
    lambda x: math.log1p(x) if x > -1.0 else -math.inf if x == -1.0 else x + math.nan,
    lambda y, x: (rows.xdivy(1.0, 1.0 + x),),
    tex=r"\log(1 + {0})",
    domain=(-0.9, 3.0),
    remedy="log1p needs an input > -1",
)
def log1p(x: Scalar) -> Value:
    """log(1 + x), which keeps its digits where x is small; of x > -1.

    >>> log1p(Value(1e-20)).data
    1e-20
    """


row(
    "xdivy",
    _xdivy,
    lambda y, a, b: (rows.xdivy(1.0, b), -rows.xdivy(y, b)),
    symbol="/",
    tex=r"\frac{{{0}}}{{{1}}}",
    domain=((-3.0, 3.0), (0.1, 3.0)),
    finite_partials=False,
)


@rule(
    total(math.sqrt),
    lambda y, x: (0.5 * rows.rsqrt(x),),
    tex=r"\sqrt{{{0}}}",
    domain=(0.1, 3.0),
    remedy="sqrt needs an input >= 0 and its derivative one > 0; hypot(a, b) is safe at 0",
)
def sqrt(x: Scalar) -> Value:
    """The square root, of x >= 0. Its derivative at 0 is infinite.

    >>> sqrt(Value(9.0)).data
    3.0
    """


row(
    "rsqrt",
    lambda x: 1.0 / math.sqrt(x) if x > 0.0 else math.inf if x == 0.0 else math.nan,
    lambda y, x: (-0.5 * y * y * y,),
    tex=r"\frac{{1}}{{\sqrt{{{0}}}}}",
    domain=(0.1, 3.0),
    remedy="rsqrt needs an input > 0",
)


@rule(
    lambda x: math.log2(x) if x > 0.0 else math.nan if x else -math.inf,
    lambda y, x: (rows.xdivy(1.0 / LN_2, x),),
    tex=r"\log_2",
    domain=(0.1, 3.0),
    remedy="log2 needs an input > 0",
)
def log2(x: Scalar) -> Value:
    """The logarithm to base 2, of x > 0; exact where x is a power of 2.

    >>> log2(Value(8.0)).data
    3.0
    """


@rule(
    lambda x: math.log10(x) if x > 0.0 else math.nan if x else -math.inf,
    lambda y, x: (rows.xdivy(1.0 / LN_10, x),),
    tex=r"\log_{{10}}",
    domain=(0.1, 3.0),
    remedy="log10 needs an input > 0",
)
def log10(x: Scalar) -> Value:
    """The logarithm to base 10, of x > 0.

    >>> log10(Value(1000.0)).data
    3.0
    """


@rule(
    total(math.exp2), lambda y, x: (LN_2 * y,), tex="2^{{{0}}}", remedy="it overflows from 1024 on"
)
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
    remedy="the derivative of cbrt at 0 is infinite; keep the input away from 0",
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
    finite_partials=False,
)


@function_of(rows.logsumexp)
def logaddexp(a: Scalar, b: Scalar) -> Value:
    """log(exp(a) + exp(b)) without overflow: logsumexp of two.

    >>> logaddexp(Value(1000.0), 0.0).data
    1000.0
    """


# --- sigmoid -------------------------------------------------------------------------------------
def _sigmoid(x: float) -> float:
    if x >= 0.0:
        return 1.0 / (1.0 + math.exp(-x))
    e = math.exp(x)
    return e / (1.0 + e)


def _sigmoid_slope(x: float) -> float:
    """Sigmoid'. As e/(1+e)^2: `s*(1-s)` is 0 from x = 37 on, and that is wrong."""
    e = math.exp(-abs(x))
    return e / ((1.0 + e) * (1.0 + e))


@rule(_sigmoid, lambda y, x: (rows.sigmoid_slope(x),), tex=r"\sigma")
def sigmoid(x: Scalar) -> Value:
    """1 / (1 + exp(-x)), the logistic function: an S from 0 to 1, for the probability of a yes.

    >>> sigmoid(Value(0.0)).data
    0.5
    """


row("sigmoid_slope", _sigmoid_slope, lambda y, x: (-y * rows.tanh(0.5 * x),), tex=r"\sigma'")


@rule(lambda x: floats.relu(x) + math.log1p(math.exp(-abs(x))), lambda y, x: (rows.sigmoid(x),))
def softplus(x: Scalar) -> Value:
    """log(1 + exp(x)), a smooth relu, without a threshold. Its derivative is the sigmoid.

    >>> softplus(Value(1000.0)).data
    1000.0
    """
