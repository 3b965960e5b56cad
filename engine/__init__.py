"""gradwalk's engine: a scalar autograd engine that you can walk through.

>>> from engine import Value
>>> x = Value(3.0, "x")
>>> y = x**2 + 1
>>> y.backward()
>>> x.grad
6.0
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from engine.calculus import gradient, hessian, hvp, jacobian, jvp, vjp
from engine.check import GradientError, check_gradient, check_operation
from engine.custom import operation
from engine.functions import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    clamp,
    cos,
    elu,
    exp,
    expm1,
    gelu,
    gelu_tanh,
    hypot,
    leaky_relu,
    log,
    log1p,
    relu,
    sigmoid,
    silu,
    sin,
    softplus,
    sqrt,
    tan,
    tanh,
)
from engine.graph import topological
from engine.modes import NumericError, StaleValueError, no_grad, numeric_mode
from engine.nary import dot, log_softmax, logsumexp, maximum, minimum, softmax, sum, where
from engine.value import Value

__all__ = [
    "GradientError",
    "NumericError",
    "StaleValueError",
    "Value",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "check_gradient",
    "check_operation",
    "clamp",
    "cos",
    "dot",
    "elu",
    "exp",
    "expm1",
    "gelu",
    "gelu_tanh",
    "gradient",
    "hessian",
    "hvp",
    "hypot",
    "jacobian",
    "jvp",
    "leaky_relu",
    "log",
    "log1p",
    "log_softmax",
    "logsumexp",
    "maximum",
    "minimum",
    "no_grad",
    "numeric_mode",
    "operation",
    "relu",
    "sigmoid",
    "silu",
    "sin",
    "softmax",
    "softplus",
    "sqrt",
    "sum",
    "tan",
    "tanh",
    "topological",
    "vjp",
    "where",
]


if not _TYPE_CHECKING:  # a type checker would believe that it has every name

    def __getattr__(name: str) -> object:
        """`%load_ext engine` asks for these two; they are found when they are asked for."""
        if name in ("load_ipython_extension", "unload_ipython_extension"):
            from engine.stepping import ipython

            return getattr(ipython, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
