"""softmax and its kin: scores into probabilities, stable however large the scores are."""

import math
from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any, overload

from engine.core.node import numbered
from engine.core.operation import Operation, row, rows
from engine.core.operation import floats as f
from engine.core.value import Scalar, Value, apply, constant
from engine.operations.nary import for_each, several, turned

__all__ = ["log_softmax", "logsumexp", "softmax"]
_makes_nodes = True  # see value.record


# --- float functions -----------------------------------------------------------------------------
def _shifted(xs: Sequence[float]) -> tuple[float, list[float]]:
    """The maximum m, and exp(x - m) for each x; with infinite numbers, the limits."""
    m = f.maximum(*xs)
    if m in (math.inf, -math.inf):
        return m, [float(x == m and m > 0.0) for x in xs]
    return m, [_exp_difference(x, m) for x in xs]


def _exp_difference(x: float, m: float) -> float:
    """exp(x - m), with what the subtraction rounds off put back (Knuth's TwoSum)."""
    d = x - m
    power = math.exp(d)
    if not power:
        return 0.0
    v = x - d
    return power + power * ((x - (d + v)) + (v - m))


def _shares(xs: Sequence[float]) -> list[float]:
    """softmax: each exp(x) as a share of their sum; all zero where every x is -inf."""
    _, powers = _shifted(xs)
    whole = math.fsum(powers)
    return [p / whole if whole else 0.0 for p in powers]


def _softmax(x: float, *others: float) -> float:
    return _shares((x, *others))[0]


def _log_rest(powers: list[float]) -> float:
    """Log of the sum of powers whose largest is 1, through log1p to keep what is small."""
    rest = sorted(powers)[:-1]
    return math.log1p(math.fsum(rest))


def _logsumexp(*xs: float) -> float:
    m, powers = _shifted(xs)
    return m if m in (math.inf, -math.inf) else m + _log_rest(powers)


def _log_softmax(x: float, *others: float) -> float:
    """Log of softmax(x, *others); through log1p, so that [40, 0, 0] is -8.5e-18 and not 0."""
    m, powers = _shifted((x, *others))
    if m in (math.inf, -math.inf):
        return f.log(_softmax(x, *others))
    return (x - m) - _log_rest(powers)


# --- rows ----------------------------------------------------------------------------------------
def _each_share(xs: Sequence[Any]) -> list[Any]:
    """softmax of all."""
    return for_each(rows.softmax, _shares, xs)


def _softmax_partials(y: Any, *xs: Any) -> tuple[Any, ...]:
    _, *others = _each_share(xs)
    return y * rows.sum(*others), *(-y * share for share in others)


def _log_softmax_partials(y: Any, *xs: Any) -> tuple[Any, ...]:
    _, *others = _each_share(xs)
    return rows.sum(*others), *(-share for share in others)


def _expand_logsumexp(*xs: Any) -> Any:
    top = rows.maximum(*xs)
    return top + rows.log(reduce(lambda a, b: a + b, [rows.exp(x - top) for x in xs]))


row(
    "logsumexp",
    _logsumexp,
    lambda y, *xs: _each_share(xs),
    tex=r"\operatorname{{logsumexp}}",
    domain=(0.0, 3.0),
    expand=_expand_logsumexp,
    finite_partials=True,
)

row(
    "softmax",
    _softmax,
    _softmax_partials,
    tex=r"\operatorname{{softmax}}",
    expand=lambda x, *o: rows.exp(x - rows.logsumexp(x, *o)),
    finite_partials=True,
)

row(
    "log_softmax",
    _log_softmax,
    _log_softmax_partials,
    tex=r"\operatorname{{log\_softmax}}",
    expand=lambda x, *o: x - rows.logsumexp(x, *o),
    finite_partials=True,
)


# --- functions -----------------------------------------------------------------------------------
def logsumexp(xs: Iterable[Scalar]) -> Value:
    """log(exp(x1) + exp(x2) + ...), a smooth maximum, without overflow. Its gradient is softmax.

    >>> logsumexp([Value(1000.0), Value(0.0)]).data
    1000.0
    """
    return apply(rows.logsumexp, several("logsumexp", xs))


@overload
def softmax(xs: Iterable[Scalar]) -> list[Value]: ...


@overload
def softmax(xs: Iterable[Scalar], index: int) -> Value: ...


def softmax(xs: Iterable[Scalar], index: int | None = None) -> list[Value] | Value:
    """exp(x) of each x as a share of their sum: scores into probabilities. With an index, that one.

    >>> [p.data for p in softmax([Value(1000.0), Value(1000.0)])]
    [0.5, 0.5]
    """
    return _results(rows.softmax, xs, index)


@overload
def log_softmax(xs: Iterable[Scalar]) -> list[Value]: ...


@overload
def log_softmax(xs: Iterable[Scalar], index: int) -> Value: ...


def log_softmax(xs: Iterable[Scalar], index: int | None = None) -> list[Value] | Value:
    """log(softmax(xs)) with all its digits: `-log_softmax(logits, target)` is the cross-entropy.

    >>> log_softmax([Value(40.0), Value(0.0), Value(0.0)], 0).data
    -8.496708510583178e-18
    """
    return _results(rows.log_softmax, xs, index)


def _results(op: Operation, xs: Iterable[Scalar], index: int | None) -> list[Value] | Value:
    """The results of a row for each input and the others; with an index, that one alone."""
    inputs = [constant(x) for x in several(op.name, xs)]
    many = len(inputs)
    if index is None:
        return numbered([apply(op, turned(inputs, i)) for i in range(many)])
    if not isinstance(index, int) or isinstance(index, bool):
        raise TypeError(f"{op} takes the index of an input, got {index!r}; write an int")
    if not 0 <= index < many:
        raise IndexError(
            f"{op} got index {index} for {many} inputs; it counts from 0 to {many - 1}"
        )
    return apply(op, turned(inputs, index))
