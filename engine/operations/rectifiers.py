"""Activations of neural networks beyond relu, tanh, sigmoid and softplus."""

from typing import Any

from engine.core import numerics as f
from engine.core.functions import rule
from engine.core.operation import row, rows
from engine.core.value import Scalar, Value

__all__ = ["elu", "gelu", "gelu_tanh", "leaky_relu", "silu"]


@rule(
    f.leaky_relu,
    lambda y, x, slope: (slope + (1.0 - slope) * rows.step(x), -rows.relu(-x)),
    domain=((-3.0, 3.0), (0.01, 0.5)),
    finite_partials=True,
)
def leaky_relu(x: Scalar, slope: Scalar = 0.01) -> Value:
    """The number x where it is positive, else slope * x. Its derivative at the kink is the slope.

    >>> leaky_relu(Value(-2.0), slope=0.5).data
    -1.0
    """


@rule(
    f.elu,
    lambda y, x, alpha: (
        rows.step(x) + (1.0 - rows.step(x)) * alpha * rows.exp(-rows.relu(-x)),
        rows.expm1(-rows.relu(-x)),
    ),
    domain=((-3.0, 3.0), (0.5, 2.0)),
)
def elu(x: Scalar, alpha: Scalar = 1.0) -> Value:
    """The number x where it is positive, else alpha * (exp(x) - 1) (Clevert et al. 2015).
    Its derivative at 0 is alpha, that of the left side, as in PyTorch.

    >>> elu(Value(3.0)).data
    3.0
    """


# Past the clamped range the second term is 0 in floats, and inf * 0 would make it a nan.
@rule(
    f.silu,
    lambda y, x: (rows.sigmoid(x) + rows.clamp(x, -800.0, 800.0) * rows.sigmoid_slope(x),),
    domain=(-1.0, 3.0),
    finite_partials=True,
)
def silu(x: Scalar) -> Value:
    """The product x * sigmoid(x), also called swish.

    >>> silu(Value(0.0)).data
    0.0
    """


@rule(
    f.gelu,
    lambda y, x: (rows.normal_cdf(x) + rows.clamp(x, -40.0, 40.0) * rows.normal_pdf(x),),
    domain=(-0.5, 3.0),
    finite_partials=True,
)
def gelu(x: Scalar) -> Value:
    """The number x times the normal distribution's cdf at x, exact (Hendrycks and Gimpel 2016).

    >>> gelu(Value(0.0)).data
    0.0
    """


row(
    "normal_cdf",
    f.normal_cdf,
    lambda y, x: (rows.normal_pdf(x),),
    tex=r"\Phi",
    domain=(-1.0, 3.0),
    finite_partials=True,
)


row(
    "normal_pdf",
    f.normal_pdf,
    lambda y, x: (-rows.clamp(x, -40.0, 40.0) * y,),
    tex=r"\varphi",
    finite_partials=True,
)


def _gelu_tanh_partial(y: Any, x: Any) -> tuple[Any]:
    c = rows.clamp(x, -30.0, 30.0)
    inner = 2.0 * f.SQRT_2_PI * (c + 0.044715 * c * c * c)
    return (
        rows.sigmoid(inner)
        + c * rows.sigmoid_slope(inner) * (2.0 * f.SQRT_2_PI * (1.0 + 0.134145 * c * c)),
    )


@rule(
    f.gelu_tanh,
    _gelu_tanh_partial,
    domain=(-0.5, 3.0),
    finite_partials=True,
)
def gelu_tanh(x: Scalar) -> Value:
    """Gelu in its tanh approximation (the same paper), as GPT-2 uses it.

    >>> gelu_tanh(Value(0.0)).data
    0.0
    """
