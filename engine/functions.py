"""The public functions: each records one node on Values and numbers, and says what it means."""

from collections.abc import Callable, Iterable
from typing import Any, overload

from engine import ops
from engine.node import Operation
from engine.value import Number, Value, constant, record

Scalar = Value | Number


def _apply(op: Operation, *args: Any) -> Value:
    return constant(args[0])._call(op, args)


def _unary(op: Operation, x: Any) -> Value:
    if x.__class__ is not Value:
        x = constant(x)
    return record(op, (x,), op.function(x._data))


def _several(name: str, xs: Iterable[Scalar]) -> tuple[Scalar, ...]:
    """The inputs of an n-ary operation: read once, since an iterator can be; never none."""
    try:
        inputs = tuple(xs)
    except TypeError:
        raise TypeError(
            f"{name} takes a list of Values or numbers, got {type(xs).__name__}; "
            f"write {name}([...])"
        ) from None
    if not inputs:
        raise ValueError(f"{name} takes at least one input, got none")
    return inputs


def exp(x: Scalar) -> Value:
    """E to the power x. Its derivative is itself.

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
    """X where it is positive, else 0. Its derivative at the kink is 0 (as in PyTorch and JAX).

    >>> relu(Value(-2.0)).data, relu(Value(2.0)).data
    (0.0, 2.0)
    """
    return _unary(ops.relu, x)


def leaky_relu(x: Scalar, slope: Scalar = 0.01) -> Value:
    """X where it is positive, else slope * x. Its derivative at the kink is the slope.

    >>> leaky_relu(Value(-2.0), slope=0.5).data
    -1.0
    """
    return _apply(ops.leaky_relu, x, slope)


def elu(x: Scalar, alpha: Scalar = 1.0) -> Value:
    """X where it is positive, else alpha * (exp(x) - 1) (Clevert et al. 2015).

    >>> elu(Value(3.0)).data
    3.0
    """
    return _apply(ops.elu, x, alpha)


def gelu(x: Scalar) -> Value:
    """X times the normal distribution's cdf at x, exact (Hendrycks and Gimpel 2016).

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
    """X * sigmoid(x), also called swish.

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
    return _apply(ops.hypot, a, b)


def clamp(x: Scalar, low: Scalar, high: Scalar) -> Value:
    """x, held between low and high.

    >>> clamp(Value(7.0), -1.0, 1.0).data
    1.0
    """
    return _apply(ops.clamp, x, low, high)


def binary_cross_entropy(p: Scalar, t: Scalar) -> Value:
    """-t log(p) - (1-t) log(1-p) in nats: how surprised a forecast p of "yes" is by the outcome t.
    With 0 log(0) = 0. For a p that comes from a sigmoid take the function of logits instead.

    >>> binary_cross_entropy(Value(1.0), 1.0).data
    0.0
    """
    return _apply(ops.binary_cross_entropy, p, t)


def binary_cross_entropy_with_logits(x: Scalar, t: Scalar) -> Value:
    """binary_cross_entropy(sigmoid(x), t), exact for every x.

    >>> binary_cross_entropy_with_logits(Value(1000.0), 0.0).data
    1000.0
    """
    return _apply(ops.binary_cross_entropy_with_logits, x, t)


def sum(xs: Iterable[Scalar]) -> Value:
    """The sum in one node, rounded once, so that it does not depend on the order. Of nothing, 0.

    >>> sum([Value(0.1)] * 10).data
    1.0
    """
    inputs = tuple(xs)
    return _apply(ops.total, *inputs) if inputs else constant(0.0)


def dot(ws: Iterable[Scalar], xs: Iterable[Scalar], bias: Scalar | None = None) -> Value:
    """w1*x1 + w2*x2 + ... + bias in one node: what a neuron does before its activation.

    Raises:
        ValueError: there are not as many weights as inputs.

    >>> dot([Value(2.0), Value(3.0)], [10, 1], bias=0.5).data
    23.5
    """
    weights, inputs = tuple(ws), tuple(xs)
    if len(weights) != len(inputs):
        raise ValueError(
            f"dot takes as many weights as inputs, got {len(weights)} weights and "
            f"{len(inputs)} inputs"
        )
    args = weights + inputs if bias is None else (*weights, *inputs, bias)
    try:  # what numerics.dot computes, without taking the numbers out first: the hot path of nn
        result = 0.0
        for w, x in zip(weights, inputs, strict=True):
            result += w._data * x._data  # type: ignore[union-attr]
        if bias is not None:
            result += bias._data  # type: ignore[union-attr]
        return record(ops.dot, args, result)
    except AttributeError:  # there are numbers among them
        return _apply(ops.dot, *args)


def maximum(*xs: Scalar) -> Value:
    """The largest. A tie shares the gradient evenly; a nan wins (IEEE 754-2019).

    >>> a, b = Value(2.0), Value(2.0)
    >>> maximum(a, b).backward(); a.grad, b.grad
    (0.5, 0.5)
    """
    return _apply(ops.maximum, *_several("maximum", xs))


def minimum(*xs: Scalar) -> Value:
    """The smallest. A tie shares the gradient evenly; a nan wins (IEEE 754-2019).

    >>> minimum(Value(2.0), 1.0).data
    1.0
    """
    return _apply(ops.minimum, *_several("minimum", xs))


def logsumexp(xs: Iterable[Scalar]) -> Value:
    """log(exp(x1) + exp(x2) + ...), a smooth maximum, without overflow. Its gradient is softmax.

    >>> logsumexp([Value(1000.0), Value(0.0)]).data
    1000.0
    """
    return _apply(ops.logsumexp, *_several("logsumexp", xs))


@overload
def softmax(xs: Iterable[Scalar]) -> list[Value]: ...
@overload
def softmax(xs: Iterable[Scalar], index: int) -> Value: ...
def softmax(xs: Iterable[Scalar], index: int | None = None) -> list[Value] | Value:
    """exp(x) of each x as a share of their sum: scores into probabilities. With an index, that one.

    >>> [p.data for p in softmax([Value(1000.0), Value(1000.0)])]
    [0.5, 0.5]
    """
    rows = _rotations("softmax", xs, index)
    many = [_apply(ops.softmax, *row) for row in rows]
    return many if index is None else many[0]


@overload
def log_softmax(xs: Iterable[Scalar]) -> list[Value]: ...
@overload
def log_softmax(xs: Iterable[Scalar], index: int) -> Value: ...
def log_softmax(xs: Iterable[Scalar], index: int | None = None) -> list[Value] | Value:
    """log(softmax(xs)) with all its digits: `-log_softmax(logits, target)` is the cross-entropy.

    >>> log_softmax([Value(40.0), Value(0.0), Value(0.0)], 0).data
    -8.496708510583178e-18
    """
    rows = _rotations("log_softmax", xs, index)
    many = [_apply(ops.log_softmax, *row) for row in rows]
    return many if index is None else many[0]


def _rotations(name: str, xs: Iterable[Scalar], index: int | None) -> list[tuple[Value, ...]]:
    """The inputs, as a row takes them: the one whose share it is first, then the others."""
    inputs = [constant(x) for x in _several(name, xs)]
    if index is None:
        return [(x, *inputs[:i], *inputs[i + 1 :]) for i, x in enumerate(inputs)]
    if not 0 <= index < len(inputs):
        raise IndexError(
            f"{name} got index {index} for {len(inputs)} inputs; it counts from 0 to "
            f"{len(inputs) - 1}"
        )
    return [(inputs[index], *inputs[:index], *inputs[index + 1 :])]


Branch = Scalar | Callable[[], Scalar]


def where(test: object, a: Branch, b: Branch) -> Value:
    """A if test else b, linked to the branch that was taken and only to that one.

    The other branch cannot poison the gradient; but if it cannot even be computed (in strict mode
    that raises), give the branches as functions without arguments: only the one taken is called.

    >>> x = Value(-1.0)
    >>> where(x > 0, lambda: sqrt(x), 0.0).data
    0.0
    """
    branch: Any = a if test else b
    return _apply(ops.where, branch() if callable(branch) else branch)
