"""softmax and its kin: scores into probabilities, stable however large the scores are.

All of them are made of two numbers: the largest score m, and the sum of exp(x - m) over all scores
but it. Many probabilities share a node for either, so that a graph grows with their number and not
with its square. The largest score is left out of the sum, which so keeps the digits of what is tiny
beside the 1 that it would add.
"""

import math
from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any, overload

from engine.core.node import Node, numbered
from engine.core.operation import Operation, floats, row, rows
from engine.core.value import Scalar, Value, apply, constant
from engine.operations import branching as _branching  # noqa: F401 (its rows)
from engine.operations import rectifiers as _rectifiers  # noqa: F401 (elu)
from engine.operations.nary import several, turned

__all__ = ["log_softmax", "logsumexp", "softmax"]
_makes_nodes = True  # see value.record
FEW = 10  # scores, whose probabilities are nodes of all scores each: as one draws them


# --- float functions -----------------------------------------------------------------------------
def _exp_difference(x: float, m: float) -> float:
    """exp(x - m), with what the subtraction rounds off put back (Knuth's TwoSum).

    Where m is infinite, 1 for the x that are inf and 0 for all others.
    """
    if x == m:
        return float(m > -math.inf)
    d = x - m
    if d > 709.0:
        return math.inf
    power = math.exp(d)
    if not power:
        return 0.0
    v = x - d
    return power + power * ((x - (d + v)) + (v - m))


def _rest(m: float, powers: list[float]) -> float:
    return math.fsum([*powers, -1.0 if m > -math.inf else 0.0])


def _exp_rest(m: float, *xs: float) -> float:
    return _rest(m, [_exp_difference(x, m) for x in xs])


def _shifted(xs: Sequence[float]) -> tuple[float, float]:
    """The largest of the scores, and the sum of exp(x - m) over the others."""
    m = floats.maximum(*xs)
    return m, _exp_rest(m, *xs)


def _shifted_softmax(x: float, m: float, rest: float) -> float:
    return floats.div(_exp_difference(x, m), 1.0 + rest)


def _shifted_log(x: float, m: float, rest: float) -> float:
    if m in (math.inf, -math.inf):
        return floats.log(_shifted_softmax(x, m, rest))
    return (x - m) - floats.log1p(rest)


def _moves(x: Any, m: Any, rest: Any) -> Any:
    """Whether x moves exp(x - m). It does not where x is m and has more than half of the whole: it
    is alone then, and that is the number 1. Else all shares are below a half, and lose no digits
    where they are subtracted.
    """
    return 1.0 - rows.equal(x, m) * rows.greater(1.0, rest)


def _logsumexp(*xs: float) -> float:
    m, rest = _shifted(xs)
    return m if m in (math.inf, -math.inf) else m + math.log1p(rest)


# --- rows ----------------------------------------------------------------------------------------
def _shares(xs: Sequence[Any]) -> list[Any]:
    """softmax of all. On floats, each exp is computed once."""
    if any(isinstance(x, Node) for x in xs):
        return _each(rows.softmax, rows.shifted_softmax, xs)
    m = floats.maximum(*xs)
    powers = [_exp_difference(x, m) for x in xs]
    whole = 1.0 + _rest(m, powers)
    return [power / whole for power in powers]


def _each(op: Operation, shifted: Operation, xs: Sequence[Any]) -> list[Any]:
    """`op` of each input and the others, a node for each; of many, its shifted form."""
    if len(xs) <= FEW:
        return [op(*turned(xs, i)) for i in range(len(xs))]
    m = rows.maximum(*xs)
    rest = rows.exp_rest(m, *xs)
    return [shifted(x, m, rest) for x in xs]


def _exp_rest_partials(y: Any, m: Any, *xs: Any) -> tuple[Any, ...]:
    whole = 1.0 + y
    slopes = [rows.shifted_softmax(x, m, y) * whole * rows.moves(x, m, y) for x in xs]
    return -rows.sum(*slopes), *slopes


def _shifted_log_partials(y: Any, x: Any, m: Any, rest: Any) -> tuple[Any, ...]:
    moves = rows.moves(x, m, rest)
    return moves, -moves, -rows.div(1.0, 1.0 + rest)


def _shifted_partials(y: Any, *args: Any) -> tuple[Any, ...]:
    return tuple([y * slope for slope in _shifted_log_partials(y, *args)])


def _softmax_partials(y: Any, *xs: Any) -> tuple[Any, ...]:
    _, *others = _shares(xs)
    return y * rows.sum(*others), *(-y * share for share in others)


def _log_softmax_partials(y: Any, *xs: Any) -> tuple[Any, ...]:
    _, *others = _shares(xs)
    return rows.sum(*others), *(-share for share in others)


def _log_softmax_at_partials(y: Any, index: Any, *xs: Any) -> tuple[Any, ...]:
    chosen = -rows.elu(y, 1.0)  # 1 - softmax with all digits; elu, since y is never above 0
    shares = enumerate(_shares(xs))
    return None, *[rows.select(rows.equal(index, float(k)), chosen, -p) for k, p in shares]


def _expand_logsumexp(*xs: Any) -> Any:
    top = rows.maximum(*xs)
    return top + rows.log(reduce(lambda a, b: a + b, [rows.exp(x - top) for x in xs]))


row(
    "exp_rest",
    _exp_rest,
    _exp_rest_partials,
    domain=(0.0, 3.0),
    expand=lambda m, *xs: reduce(lambda a, b: a + b, [rows.exp(x - m) for x in xs]) + -1.0,
)
_SHIFT = ((-3.0, 0.0), (0.5, 3.0), (0.1, 3.0))
row("shifted_softmax", _shifted_softmax, _shifted_partials, symbol="softmax", domain=_SHIFT)
row("shifted_log_softmax", _shifted_log, _shifted_log_partials, symbol="log_softmax", domain=_SHIFT)
row("moves", _moves, lambda y, *args: (None,) * 3, branches=True)
row(
    "logsumexp", _logsumexp, lambda y, *xs: _shares(xs), domain=(0.0, 3.0), expand=_expand_logsumexp
)
row(
    "softmax",
    lambda x, *others: _shifted_softmax(x, *_shifted((x, *others))),
    _softmax_partials,
    expand=lambda x, *o: rows.exp(x - rows.logsumexp(x, *o)),
)
row(
    "log_softmax",
    lambda x, *others: _shifted_log(x, *_shifted((x, *others))),
    _log_softmax_partials,
    expand=lambda x, *o: x - rows.logsumexp(x, *o),
)
row(
    "log_softmax_at",
    lambda index, *xs: _shifted_log(floats.choose(index, *xs), *_shifted(xs)),
    _log_softmax_at_partials,
    symbol="log_softmax",
    tex=r"\operatorname{{log\_softmax}}_{{{0}}}{1*}",
    domain=((1.0, 1.0), (-3.0, 3.0), (-3.0, 3.0), (-3.0, 3.0)),
    expand=lambda index, *xs: rows.choose(index, *xs) - rows.logsumexp(*xs),
    remedy="the index is a whole number that counts the options from 0",
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
    return _results(rows.softmax, rows.shifted_softmax, xs, index)


@overload
def log_softmax(xs: Iterable[Scalar]) -> list[Value]: ...


@overload
def log_softmax(xs: Iterable[Scalar], index: int | Value) -> Value: ...


def log_softmax(xs: Iterable[Scalar], index: int | Value | None = None) -> list[Value] | Value:
    """log(softmax(xs)) with all its digits: `-log_softmax(logits, target)` is the cross-entropy.

    With an index, that one alone. The index may be a Value, such as an input of a program.

    >>> log_softmax([Value(40.0), Value(0.0), Value(0.0)], 0).data
    -8.496708510583178e-18
    """
    if isinstance(index, Value):
        return apply(rows.log_softmax_at, (index, *several("log_softmax", xs)))
    return _results(rows.log_softmax, rows.shifted_log_softmax, xs, index)


def _results(
    op: Operation, shifted: Operation, xs: Iterable[Scalar], index: int | None
) -> list[Value] | Value:
    """The results of a row for each input and the others; with an index, that one alone."""
    inputs = [constant(x) for x in several(op.name, xs)]
    n = len(inputs)
    if index is None:
        return numbered(_each(op, shifted, inputs))
    if not isinstance(index, int) or isinstance(index, bool):
        raise TypeError(f"{op} takes the index of an input, got {index!r:.60}; write an int")
    if not 0 <= index < n:
        raise IndexError(f"{op} got index {index} for {n} inputs; it counts from 0 to {n - 1}")
    return apply(op, turned(inputs, index))
