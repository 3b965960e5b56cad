"""Functions of any number of inputs: each result is one node, however many there are."""

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from math import fsum, nan
from typing import Any

from engine.core.node import Node
from engine.core.operation import TABLE, row, rows
from engine.core.value import Scalar, Value, apply, constant, record

__all__ = ["dot", "maximum", "minimum", "sum"]
_makes_nodes = True  # see value.record


# --- float functions -----------------------------------------------------------------------------
def _sum(*xs: float) -> float:
    """The sum, rounded once, so that its bits depend on neither the order nor Python's version."""
    try:
        return fsum(xs)
    except ValueError:  # inf - inf
        return nan
    except OverflowError:  # on the way, perhaps not at the end
        return _sum(*[x * 2.0**-64 for x in xs]) * 2.0**64


def _dot(*args: float) -> float:
    """Inputs are the weights, then as many inputs, then a bias or nothing; summed left to right."""
    n = len(args) // 2
    result = 0.0
    for w, x in zip(args[:n], args[n:], strict=False):
        result += w * x
    return result + args[-1] if len(args) % 2 else result


# --- rows ----------------------------------------------------------------------------------------
def _ties(y: Any, *xs: Any) -> list[Any]:
    hits = [rows.equal(x, y) for x in xs]
    many = rows.sum(*hits)
    return [rows.div(hit, many) for hit in hits]  # of a nan, nan


def _dot_partials(y: Any, *args: Any) -> tuple[Any, ...]:
    n = len(args) // 2
    return args[n : 2 * n] + args[:n] + (1.0,) * (len(args) % 2)


def _expand_dot(*args: Any) -> Any:
    n = len(args) // 2
    return reduce(lambda a, b: a + b, [*map(rows.mul, args[:n], args[n : 2 * n]), *args[2 * n :]])


row(
    "sum",
    _sum,
    lambda y, *xs: (1.0,) * len(xs),
    symbol="Σ",
    domain=(0.1, 3.0),
    expand=lambda *xs: reduce(lambda a, b: a + b, xs),
)

row("dot", _dot, _dot_partials, symbol="·", domain=(0.1, 3.0), expand=_expand_dot)

for _name, _best in {"maximum": max, "minimum": min}.items():
    row(  # a nan wins wherever it stands (IEEE 754-2019), unlike in Python's max and min
        _name,
        lambda *xs, best=_best: best(xs) if all(x == x for x in xs) else nan,
        _ties,
        symbol=_best.__name__,
        tex=rf"\{_best.__name__}",
        expand=lambda *xs, name=_name: reduce(TABLE[name], xs),
        branches=True,
    )


def turned(xs: Sequence[Any], i: int) -> tuple[Any, ...]:
    """Input i, and then the others: so a row takes them whose result is that of its first input.

    >>> turned("abc", 1)
    ('b', 'a', 'c')
    """
    return (xs[i], *xs[:i], *xs[i + 1 :])


def for_each(
    op: Callable[..., Any], at_once: Callable[[Sequence[float]], list[float]], xs: Sequence[Any]
) -> list[Any]:
    """`op` of each input and the others: a node for each. On floats, `at_once` gives them all."""
    if any(isinstance(x, Node) for x in xs):
        return [op(*turned(xs, i)) for i in range(len(xs))]
    return at_once(xs)


# --- functions -----------------------------------------------------------------------------------
def several(name: str, xs: Iterable[Scalar], least: int = 1) -> tuple[Scalar, ...]:
    """The inputs of an n-ary operation, read once, since `xs` may be an iterator.

    Raises ValueError where there are fewer than `least`.
    """
    try:
        inputs = tuple(xs)
    except TypeError:
        got = f"{name} takes a list of Values or numbers, got {type(xs).__name__}"
        raise TypeError(f"{got}; write {name}([...])") from None
    if len(inputs) < least:
        raise ValueError(f"{name} takes at least one input, got none; give it one or more")
    return inputs


def _one_by_one(name: str, xs: tuple[Any, ...]) -> tuple[Any, ...]:
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
        expected = "dot takes as many weights as inputs"
        raise ValueError(f"{expected}, got {len(weights)} weights and {len(inputs)} inputs")
    args = weights + inputs if bias is None else (*weights, *inputs, bias)
    try:  # what _dot computes, without taking the numbers out first: the hot path of nn
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
    return apply(rows.maximum, _one_by_one("maximum", xs))


def minimum(*xs: Scalar) -> Value:
    """The smallest. A tie shares the gradient evenly; a nan wins (IEEE 754-2019).

    >>> minimum(Value(2.0), 1.0).data
    1.0
    """
    return apply(rows.minimum, _one_by_one("minimum", xs))
