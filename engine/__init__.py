"""gradwalk's engine: a scalar autograd engine that you can walk through.

>>> from engine import Value
>>> x = Value(3.0, "x")
>>> y = x**2 + 1
>>> y.backward()
>>> x.grad
6.0
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from engine.aliases import install as _install_aliases
from engine.core.calculus import gradient, hessian, hvp, jacobian, jvp, vjp
from engine.core.check import GradientError, check_gradient, check_operation
from engine.core.custom import operation
from engine.core.functions import (
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
from engine.core.graph import topological
from engine.core.inputs import ControlFlowError
from engine.core.modes import NumericError, StaleValueError, no_grad, numeric_mode
from engine.core.nary import (
    choose,
    dot,
    log_softmax,
    logsumexp,
    maximum,
    minimum,
    softmax,
    sum,
    where,
)
from engine.core.value import Value
from engine.lazy import lazy as _lazy

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


_install_aliases()
if not _TYPE_CHECKING:  # a type checker would believe that it has every name
    __getattr__ = _lazy(
        __name__,
        {
            "Program": "engine.native.program",
            "compiled": "engine.native.compiled",
            "load_ipython_extension": "engine.stepping.ipython",
            "unload_ipython_extension": "engine.stepping.ipython",
        },
    )
