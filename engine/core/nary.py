"""Functions of any number of inputs: each result is one node, however many there are."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, overload

from engine.core import ops
from engine.core.inputs import is_open
from engine.core.node import ITEM
from engine.core.value import Scalar, Value, apply, constant, record

__all__ = [
    "choose",
    "dot",
    "log_softmax",
    "logsumexp",
    "maximum",
    "minimum",
    "softmax",
    "sum",
    "where",
]
_makes_nodes = True  # see value.record


def several(name: str, xs: Iterable[Scalar], least: int = 1) -> tuple[Scalar, ...]:
    """The inputs of an n-ary operation: read once, since an iterator can be; never none."""
    try:
        inputs = tuple(xs)
    except TypeError:
        raise TypeError(
            f"{name} takes a list of Values or numbers, got {type(xs).__name__}; "
            f"write {name}([...])"
        ) from None
    if len(inputs) < least:
        raise ValueError(f"{name} takes at least one input, got none")
    return inputs


def _each(name: str, xs: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(xs) == 1 and isinstance(xs[0], (list, tuple)):
        raise TypeError(f"{name} takes its inputs one by one, got a list; write {name}(*xs)")
    return several(name, xs)


def sum(xs: Iterable[Scalar]) -> Value:
    """The sum in one node, rounded once, so that it does not depend on the order. Of nothing, 0.

    >>> sum([Value(0.1)] * 10).data
    1.0
    """
    inputs = several("sum", xs, least=0)
    return apply(ops.total, inputs) if inputs else constant(0.0)


def dot(ws: Iterable[Scalar], xs: Iterable[Scalar], bias: Scalar | None = None) -> Value:
    """w1*x1 + w2*x2 + ... + bias in one node: what a neuron does before its activation.

    Raises:
        ValueError: there are not as many weights as inputs.

    >>> dot([Value(2.0), Value(3.0)], [10, 1], bias=0.5).data
    23.5
    """
    weights: tuple[Any, ...] = several("dot", ws, least=0)
    inputs: tuple[Any, ...] = several("dot", xs, least=0)
    if len(weights) != len(inputs):
        raise ValueError(
            f"dot takes as many weights as inputs, got {len(weights)} weights and "
            f"{len(inputs)} inputs"
        )
    args = weights + inputs if bias is None else (*weights, *inputs, bias)
    try:  # what numerics.dot computes, without taking the numbers out first: the hot path of nn
        result = 0.0
        for w, x in zip(weights, inputs):  # noqa: B905 (of one length, as was seen)
            result += w._data * x._data
        if bias is not None:
            result += args[-1]._data
        return record(ops.dot, args, result)
    except AttributeError:  # there are numbers among them
        return apply(ops.dot, args)


def maximum(*xs: Scalar) -> Value:
    """The largest. A tie shares the gradient evenly; a nan wins (IEEE 754-2019).

    >>> a, b = Value(2.0), Value(2.0)
    >>> maximum(a, b).backward(); a.grad, b.grad
    (0.5, 0.5)
    """
    return apply(ops.maximum, _each("maximum", xs))


def minimum(*xs: Scalar) -> Value:
    """The smallest. A tie shares the gradient evenly; a nan wins (IEEE 754-2019).

    >>> minimum(Value(2.0), 1.0).data
    1.0
    """
    return apply(ops.minimum, _each("minimum", xs))


def logsumexp(xs: Iterable[Scalar]) -> Value:
    """log(exp(x1) + exp(x2) + ...), a smooth maximum, without overflow. Its gradient is softmax.

    >>> logsumexp([Value(1000.0), Value(0.0)]).data
    1000.0
    """
    return apply(ops.logsumexp, several("logsumexp", xs))


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
    many = [apply(ops.softmax, row) for row in rows]
    return _numbered(many) if index is None else many[0]


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
    many = [apply(ops.log_softmax, row) for row in rows]
    return _numbered(many) if index is None else many[0]


def _rotations(name: str, xs: Iterable[Scalar], index: int | None) -> list[tuple[Value, ...]]:
    """The inputs, as a row takes them: the one whose share it is first, then the others."""
    inputs = [constant(x) for x in several(name, xs)]
    if index is None:
        return [(x, *inputs[:i], *inputs[i + 1 :]) for i, x in enumerate(inputs)]
    if not isinstance(index, int) or isinstance(index, bool):
        raise TypeError(f"{name} takes the index of an input, got {index!r}")
    if not 0 <= index < len(inputs):
        raise IndexError(
            f"{name} got index {index} for {len(inputs)} inputs; it counts from 0 to "
            f"{len(inputs) - 1}"
        )
    return [(inputs[index], *inputs[:index], *inputs[index + 1 :])]


def _numbered(many: list[Value]) -> list[Value]:
    """Nodes of one list, each with its place in it, which becomes part of its name."""
    for i, node in enumerate(many, start=1):
        node._at += i * ITEM
    return many


Branch = Scalar | Callable[[], Scalar]


def where(test: object, a: Branch, b: Branch) -> Value:
    """The choice a if test else b, linked to the branch that was taken and only to that one.

    The other branch cannot poison the gradient; but if it cannot even be computed (in strict mode
    that raises), give the branches as functions without arguments: only the one taken is called.
    Where the test depends on an input of a program, both branches are recorded, and each row takes
    its own; then too the other does not poison the gradient.

    >>> x = Value(-1.0)
    >>> where(x > 0, lambda: sqrt(x), 0.0).data
    0.0
    """
    if isinstance(test, Value) and is_open(test):
        if test.op not in (ops.greater, ops.greater_equal, ops.equal):
            test = 1.0 - apply(ops.equal, (test, 0.0))
        return apply(ops.select, [test, *[x() if callable(x) else x for x in (a, b)]])
    branch: Any = a if test else b
    return apply(ops.where, [branch() if callable(branch) else branch])


def choose(index: Scalar, options: Sequence[Scalar]) -> Value:
    """The option at an index that is a Value: the target class, a row of an embedding.

    Arguments:
        index: a whole number; the options count from 0.
        options: Values or numbers. Only the chosen one gets a gradient, the index none.

    >>> scores = [Value(0.1), Value(0.9)]
    >>> choose(Value(1.0), scores).data
    0.9
    """
    return apply(ops.choose, [index, *several("choose", options)])
