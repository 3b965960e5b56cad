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
from engine.decisions import ControlFlowError
from engine.functions import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    clamp,
    cos,
    elu,
    equal,
    exp,
    expm1,
    gelu,
    gelu_tanh,
    hypot,
    inputs,
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
from engine.nary import choose, dot, log_softmax, logsumexp, maximum, minimum, softmax, sum, where
from engine.value import Value

if _TYPE_CHECKING:
    from engine.native import Program, compiled

__all__ = [
    "ControlFlowError",
    "GradientError",
    "NumericError",
    "Program",
    "StaleValueError",
    "Value",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "check_gradient",
    "check_operation",
    "choose",
    "clamp",
    "compiled",
    "cos",
    "dot",
    "elu",
    "equal",
    "exp",
    "expm1",
    "gelu",
    "gelu_tanh",
    "gradient",
    "hessian",
    "hvp",
    "hypot",
    "inputs",
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
        """What is in a room above is found when it is asked for."""
        if name in ("load_ipython_extension", "unload_ipython_extension"):
            from engine.stepping import ipython

            return getattr(ipython, name)
        if name in ("Program", "compiled"):
            from engine import native

            return getattr(native, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
