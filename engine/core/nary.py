"""Functions of any number of inputs: each result is one node, however many there are."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from engine.core.inputs import is_open
from engine.core.operation import rows
from engine.core.value import Scalar, Value, apply, constant, record

__all__ = [
    "choose",
    "dot",
    "maximum",
    "minimum",
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
    return apply(rows.sum, inputs) if inputs else constant(0.0)


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
        return record(rows.dot, args, result)
    except AttributeError:  # there are numbers among them
        return apply(rows.dot, args)


def maximum(*xs: Scalar) -> Value:
    """The largest. A tie shares the gradient evenly; a nan wins (IEEE 754-2019).

    >>> a, b = Value(2.0), Value(2.0)
    >>> maximum(a, b).backward(); a.grad, b.grad
    (0.5, 0.5)
    """
    return apply(rows.maximum, _each("maximum", xs))


def minimum(*xs: Scalar) -> Value:
    """The smallest. A tie shares the gradient evenly; a nan wins (IEEE 754-2019).

    >>> minimum(Value(2.0), 1.0).data
    1.0
    """
    return apply(rows.minimum, _each("minimum", xs))


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
        if test.op not in (rows.greater, rows.greater_equal, rows.equal):
            test = 1.0 - apply(rows.equal, (test, 0.0))
        return apply(rows.select, [test, *[x() if callable(x) else x for x in (a, b)]])
    branch: Any = a if test else b
    return apply(rows.where, [branch() if callable(branch) else branch])


def choose(index: Scalar, options: Sequence[Scalar]) -> Value:
    """The option at an index that is a Value: the target class, a row of an embedding.

    Arguments:
        index: a whole number; the options count from 0.
        options: Values or numbers. Only the chosen one gets a gradient, the index none.

    >>> scores = [Value(0.1), Value(0.9)]
    >>> choose(Value(1.0), scores).data
    0.9
    """
    return apply(rows.choose, [index, *several("choose", options)])
