"""Functions of one or two numbers: each records one node, and says what it means."""

from math import nan
from sys import _getframe
from typing import Any

from engine.core import ops
from engine.core.inputs import declare
from engine.core.operation import Operation
from engine.core.value import Number, Value, constant, record

Scalar = Value | Number


def inputs(*labels: str) -> list[Value]:
    """Leaves that are no numbers yet: the inputs of a Program, which vary from row to row.

    Their data is nan, and so is mostly that of what is computed from them. Comparisons with them
    are recorded (for `where`), and Python cannot decide on them: `if x > 0` is an error.

    >>> x, y = inputs("x", "y")
    >>> (x > y).op.name
    'greater'
    """
    leaves = [Value(nan, label) for label in labels]
    declare(leaves)
    return leaves


def apply(op: Operation, *args: Any) -> Value:
    """A node, also where all arguments are numbers."""
    return constant(args[0])._call(op, args)


def _unary(op: Operation, x: Any) -> Value:
    if x.__class__ is not Value:
        x = constant(x)
    try:
        frame = _getframe(2)
    except ValueError:  # called from C alone
        frame = _getframe()
    return record(op, (x,), op.function(x._data), frame)


def exp(x: Scalar) -> Value:
    """The exponential, e to the power x. Its derivative is itself.

    >>> exp(Value(0.0)).data
    1.0
    """
    return _unary(ops.exp, x)


def expm1(x: Scalar) -> Value:
    """exp(x) - 1, which keeps its digits where x is small.

    >>> expm1(Value(1e-20)).data
    1e-20
    """
    return _unary(ops.expm1, x)


def log(x: Scalar) -> Value:
    """The natural logarithm, of x > 0.

    >>> log(Value(1.0)).data
    0.0
    """
    return _unary(ops.log, x)


def log1p(x: Scalar) -> Value:
    """log(1 + x), which keeps its digits where x is small; of x > -1.

    >>> log1p(Value(1e-20)).data
    1e-20
    """
    return _unary(ops.log1p, x)


def sqrt(x: Scalar) -> Value:
    """The square root, of x >= 0. Its derivative at 0 is infinite.

    >>> sqrt(Value(9.0)).data
    3.0
    """
    return _unary(ops.sqrt, x)


def sin(x: Scalar) -> Value:
    """The sine of x in radians.

    >>> sin(Value(0.0)).data
    0.0
    """
    return _unary(ops.sin, x)


def cos(x: Scalar) -> Value:
    """The cosine of x in radians.

    >>> cos(Value(0.0)).data
    1.0
    """
    return _unary(ops.cos, x)


def tan(x: Scalar) -> Value:
    """The tangent of x in radians.

    >>> tan(Value(0.0)).data
    0.0
    """
    return _unary(ops.tan, x)


def tanh(x: Scalar) -> Value:
    """The hyperbolic tangent: an S from -1 to 1, centred at 0. Saturates past about 3.

    >>> tanh(Value(0.0)).data
    0.0
    """
    return _unary(ops.tanh, x)


def sigmoid(x: Scalar) -> Value:
    """1 / (1 + exp(-x)), the logistic function: an S from 0 to 1, for the probability of a yes.

    >>> sigmoid(Value(0.0)).data
    0.5
    """
    return _unary(ops.sigmoid, x)


def relu(x: Scalar) -> Value:
    """The rectifier: x where positive, else 0. Its derivative at the kink is 0 (as in PyTorch).

    >>> relu(Value(-2.0)).data, relu(Value(2.0)).data
    (0.0, 2.0)
    """
    return _unary(ops.relu, x)


def leaky_relu(x: Scalar, slope: Scalar = 0.01) -> Value:
    """The number x where it is positive, else slope * x. Its derivative at the kink is the slope.

    >>> leaky_relu(Value(-2.0), slope=0.5).data
    -1.0
    """
    return apply(ops.leaky_relu, x, slope)


def elu(x: Scalar, alpha: Scalar = 1.0) -> Value:
    """The number x where it is positive, else alpha * (exp(x) - 1) (Clevert et al. 2015).
    Its derivative at 0 is alpha, that of the left side, as in PyTorch.

    >>> elu(Value(3.0)).data
    3.0
    """
    return apply(ops.elu, x, alpha)


def gelu(x: Scalar) -> Value:
    """The number x times the normal distribution's cdf at x, exact (Hendrycks and Gimpel 2016).

    >>> gelu(Value(0.0)).data
    0.0
    """
    return _unary(ops.gelu, x)


def gelu_tanh(x: Scalar) -> Value:
    """Gelu in its tanh approximation (the same paper), as GPT-2 uses it.

    >>> gelu_tanh(Value(0.0)).data
    0.0
    """
    return _unary(ops.gelu_tanh, x)


def silu(x: Scalar) -> Value:
    """The product x * sigmoid(x), also called swish.

    >>> silu(Value(0.0)).data
    0.0
    """
    return _unary(ops.silu, x)


def softplus(x: Scalar) -> Value:
    """log(1 + exp(x)), a smooth relu, without a threshold. Its derivative is the sigmoid.

    >>> softplus(Value(1000.0)).data
    1000.0
    """
    return _unary(ops.softplus, x)


def hypot(a: Scalar, b: Scalar) -> Value:
    """sqrt(a*a + b*b) without overflow; its gradient at the origin is 0, that of least norm.

    >>> hypot(Value(3.0), 4.0).data
    5.0
    """
    return apply(ops.hypot, a, b)


def equal(a: Scalar, b: Scalar) -> Value:
    """1 where two numbers are equal, else 0: the test for `where` on an input of a program.

    (On Values, `==` asks whether they are the same node.)

    >>> equal(Value(2.0), 2.0).data
    1.0
    """
    return apply(ops.equal, a, b)


def clamp(x: Scalar, low: Scalar, high: Scalar) -> Value:
    """x, held between low and high.

    >>> clamp(Value(7.0), -1.0, 1.0).data
    1.0
    """
    return apply(ops.clamp, x, low, high)


def binary_cross_entropy(p: Scalar, t: Scalar) -> Value:
    """-t log(p) - (1-t) log(1-p) in nats: how surprised a forecast p of "yes" is by the outcome t.
    With 0 log(0) = 0. For a p that comes from a sigmoid take the function of logits instead.

    >>> binary_cross_entropy(Value(1.0), 1.0).data
    0.0
    """
    return apply(ops.binary_cross_entropy, p, t)


def binary_cross_entropy_with_logits(x: Scalar, t: Scalar) -> Value:
    """binary_cross_entropy(sigmoid(x), t), exact for every x.

    >>> binary_cross_entropy_with_logits(Value(1000.0), 0.0).data
    1000.0
    """
    return apply(ops.binary_cross_entropy_with_logits, x, t)
