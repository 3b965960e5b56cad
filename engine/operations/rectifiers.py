"""Activations of neural networks beyond relu, tanh, sigmoid and softplus; square and logit."""

import math
from typing import Any

from engine.core.operation import floats, row, rows
from engine.core.value import Scalar, Value
from engine.operations.rule import rule

__all__ = ["elu", "gelu", "gelu_tanh", "hardtanh", "leaky_relu", "logit", "mish", "selu", "silu"]
__all__ += ["softsign", "square"]

_SQRT_HALF = math.sqrt(0.5)
_SQRT_2, _SQRT_2_REST = 1.4142135679721832, -5.599088178737374e-09  # √2 in 26 bits, and the rest
_SQRT_2_PI = math.sqrt(2.0 / math.pi)


def bell(x: float, a: float) -> float:
    """exp(-a x*x) with x*x split, as fdlibm does for erfc: the rounding of x*x would be magnified.

    Arguments: an a from 1/2 on.
    """
    if not abs(x) < 40.0:
        return x if x != x else 0.0
    short = math.ldexp(round(math.ldexp(x, 20)), -20)
    e = math.exp(-a * short * short)
    return e + e * math.expm1(-a * (x - short) * (x + short))


def _normal_pdf(x: float) -> float:
    return bell(x, 0.5) * 0.3989422804014327  # 1/√2π


def _normal_cdf(x: float) -> float:
    t = -x * _SQRT_HALF
    tail = 0.5 * math.erfc(t)  # erf would lose the left tail
    if not -40.0 < x < -1.0:
        return tail
    # far out erfc magnifies the rounding of t by more than 1000: so to first order by x + √2 t
    short = math.ldexp(round(math.ldexp(t, 20)), -20)
    off = ((x + _SQRT_2 * short) + _SQRT_2 * (t - short)) + _SQRT_2_REST * t
    return tail + off * _normal_pdf(x)


def _gelu(x: float) -> float:
    return x * _normal_cdf(x) if x > -40.0 or x != x else -0.0


def _gelu_tanh(x: float) -> float:
    # (1 + tanh(u)) / 2 is sigmoid(2u), which keeps the digits of the left tail
    if not x > -40.0:
        return x if x != x else -0.0
    return x * floats.sigmoid(2.0 * _SQRT_2_PI * (x + 0.044715 * x * x * x))


def _silu(x: float) -> float:
    if x >= -40.0 or x != x:
        return x * floats.sigmoid(x)
    root = math.exp(0.5 * x)  # x * exp(x), whose second factor alone would lose its digits
    return x * root * root if root else -0.0


SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


def _logit(p: float) -> float:
    # around 1/2 the difference of logarithms would cancel, where 2p - 1 is exact
    return 2.0 * math.atanh(2.0 * p - 1.0) if 0.25 < p < 0.75 else floats.log(p) - floats.log1p(-p)


def _softsign(x: float) -> float:
    return x / (1.0 + abs(x)) if not math.isinf(x) else math.copysign(1.0, x)


def _mish(x: float) -> float:
    return floats.silu(x) if x < -40.0 else x * math.tanh(floats.softplus(x))


# x where it is negative, else 0. Its derivative at 0 is that of the left side, as those of
# leaky_relu and elu are; so theirs of second order are of one side too.
row(
    "at_most_0",
    lambda x: -rows.relu(-x),
    lambda y, x: (1.0 - rows.step(x),),
    tex=r"\min({0}, 0)",
    branches=True,
)


@rule(
    lambda x, slope: x if x > 0.0 else slope * x,
    lambda y, x, slope: (slope + (1.0 - slope) * rows.step(x), rows.at_most_0(x)),
    domain=((-3.0, 3.0), (0.01, 0.5)),
)
def leaky_relu(x: Scalar, slope: Scalar = 0.01) -> Value:
    """The number x where it is positive, else slope * x. Its derivative at the kink is the slope.

    >>> leaky_relu(Value(-2.0), slope=0.5).data
    -1.0
    """


@rule(
    lambda x, alpha: x if x > 0.0 else alpha * math.expm1(x),
    lambda y, x, alpha: (
        rows.step(x) + (1.0 - rows.step(x)) * alpha * rows.exp(rows.at_most_0(x)),
        rows.expm1(rows.at_most_0(x)),
    ),
    domain=((-3.0, 3.0), (0.5, 2.0)),
)
def elu(x: Scalar, alpha: Scalar = 1.0) -> Value:
    """The number x where it is positive, else alpha * (exp(x) - 1) (Clevert et al. 2015).
    Its derivative at 0 is alpha, that of the left side, as in PyTorch.

    >>> elu(Value(3.0)).data
    3.0
    """


# Past the clamped range the second term is 0 in floats, and inf * 0 would make it a nan. With y,
# and not x times a slope, it keeps the digits of the far left.
@rule(
    _silu,
    lambda y, x: (rows.sigmoid(x) + rows.clamp(y, -800.0, 800.0) * rows.sigmoid(-x),),
    domain=(-1.0, 3.0),
)
def silu(x: Scalar) -> Value:
    """The product x * sigmoid(x), also called swish.

    >>> silu(Value(0.0)).data
    0.0
    """


@rule(
    _gelu,
    lambda y, x: (rows.normal_cdf(x) + rows.clamp(x, -40.0, 40.0) * rows.normal_pdf(x),),
    domain=(-0.5, 3.0),
)
def gelu(x: Scalar) -> Value:
    """The number x times the normal distribution's cdf at x, exact (Hendrycks and Gimpel 2016).

    >>> gelu(Value(0.0)).data
    0.0
    """


row("normal_cdf", _normal_cdf, lambda y, x: (rows.normal_pdf(x),), tex=r"\Phi", domain=(-1.0, 3.0))


row("normal_pdf", _normal_pdf, lambda y, x: (-rows.clamp(x, -40.0, 40.0) * y,), tex=r"\varphi")


def _gelu_tanh_partial(y: Any, x: Any) -> tuple[Any]:
    c = rows.clamp(x, -30.0, 30.0)
    inner = 2.0 * _SQRT_2_PI * (c + 0.044715 * c * c * c)
    slope = 2.0 * _SQRT_2_PI * (1.0 + 0.134145 * c * c)
    return (rows.sigmoid(inner) + c * rows.sigmoid_slope(inner) * slope,)


@rule(_gelu_tanh, _gelu_tanh_partial, domain=(-0.5, 3.0))
def gelu_tanh(x: Scalar) -> Value:
    """Gelu in its tanh approximation (the same paper), as GPT-2 uses it.

    >>> gelu_tanh(Value(0.0)).data
    0.0
    """


@rule(lambda x: x * x, lambda y, x: (2.0 * x,), tex="{0}^{{2}}")
def square(x: Scalar) -> Value:
    """The product x * x.

    >>> square(Value(-3.0)).data
    9.0
    """


@rule(
    _logit,
    lambda y, p: (rows.logit_slope(p),),
    domain=(0.1, 0.9),
    remedy={
        "": "logit needs a probability strictly between 0 and 1",
        "sigmoid": "logit(sigmoid(x)) is x",
    },
)
def logit(p: Scalar) -> Value:
    """The inverse of sigmoid: log(p / (1 - p)), of a probability p; infinite at 0 and 1.

    >>> logit(Value(0.5)).data
    0.0
    """


row(
    "logit_slope",
    lambda p: rows.xdivy(1.0, p * (1.0 - p)),
    lambda y, p: ((2.0 * p - 1.0) * y * y,),
    tex=r"\operatorname{{logit}}'",
    domain=(0.1, 0.4),
    finite_partials=False,
)


@rule(_softsign, lambda y, x: (rows.square(rows.div(1.0, 1.0 + abs(x))),))
def softsign(x: Scalar) -> Value:
    """The ratio x / (1 + |x|): an S from -1 to 1 with long tails.

    >>> softsign(Value(3.0)).data
    0.75
    """


def _mish_partial(y: Any, x: Any) -> tuple[Any]:
    s = rows.softplus(x)
    return (rows.tanh(s) + rows.silu(rows.clamp(x, -800.0, 800.0)) * rows.sech2(s),)


@rule(_mish, _mish_partial, domain=(-1.0, 3.0))
def mish(x: Scalar) -> Value:
    """The product x * tanh(softplus(x)) (Misra 2019).

    >>> mish(Value(0.0)).data
    0.0
    """


def _selu_partial(y: Any, x: Any) -> tuple[Any]:
    negative = rows.step(-x)
    curve = SELU_ALPHA * rows.exp(-rows.relu(-x))
    return (SELU_SCALE * (1.0 - negative + negative * curve),)


@rule(lambda x: SELU_SCALE * rows.elu(x, SELU_ALPHA), _selu_partial)
def selu(x: Scalar) -> Value:
    """elu scaled so that activations normalise themselves (Klambauer et al. 2017): of alpha 1.67326
    and times 1.0507. Its derivative at the kink is that of the right side, the smaller one.

    >>> selu(Value(1.0)).data
    1.0507009873554805
    """


@rule(rows.clamp.function, rows.clamp.partials, domain=rows.clamp.domain, branches=True)
def hardtanh(x: Scalar, min_val: Scalar = -1.0, max_val: Scalar = 1.0) -> Value:
    """The number x, held between min_val and max_val. At both its derivative is 0.

    >>> hardtanh(Value(7.0)).data
    1.0
    """
