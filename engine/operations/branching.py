"""Functions that take one of their inputs, or of their pieces, and leave the others out."""

from collections.abc import Callable, Sequence
from itertools import compress
from math import nan
from typing import Any, overload

from engine.core.inputs import declare, is_open
from engine.core.operation import floats, row, rows
from engine.core.ops import flat
from engine.core.value import Scalar, Value, apply
from engine.operations.nary import several
from engine.operations.rule import function_of, rule

__all__ = ["choose", "clamp", "equal", "inputs", "relu", "where"]
_makes_nodes = True  # see value.record


# --- float functions -----------------------------------------------------------------------------
def _step(x: float) -> float:
    return 1.0 if x > 0.0 else 0.0 if x <= 0.0 else nan


def _select(test: float, x: float, y: float) -> float:
    return x if test else y


def _clamp(x: float, low: float, high: float) -> float:
    if low != low or high != high:
        return nan
    return low if x < low else high if x > high else x


def _within(x: float, low: float, high: float) -> float:
    return float(low < x < high) if x == x and low == low and high == high else nan


def _dot_where(*args: float) -> float:
    """The tests, then as many weights and inputs; summed left to right where the test holds."""
    n = len(args) // 3
    tests, ws, xs = args[:n], args[n : 2 * n], args[2 * n :]
    return floats.dot(*compress(ws, tests), *compress(xs, tests))


def _dot_where_partials(y: Any, *args: Any) -> tuple[Any, ...]:
    n = len(args) // 3
    tests, others = args[:n], args[2 * n :] + args[n : 2 * n]
    return (None,) * n + tuple(map(rows.select, tests * 2, others, [0.0] * 2 * n))


# --- rows ----------------------------------------------------------------------------------------
row("step", _step, flat, tex=r"[{0} > 0]", branches=True)
row("equal", lambda x, y: float(x == y), flat, symbol="=", tex="[{0} = {1}]", branches=True)
# It has one parent, the branch that was taken, so that nothing is handed on to the other.
row("where", lambda x: x, (1.0,))
_DECIDED = ((1.0, 1.0), (-3.0, 3.0), (-3.0, 3.0))
row("select", _select, lambda y, t, a, b: (None, t, 1.0 - t), domain=_DECIDED, branches=True)
row("dot_where", _dot_where, _dot_where_partials, domain=_DECIDED, branches=True)
row(
    "choose",
    lambda i, *xs: xs[int(i)] if 0.0 <= i < len(xs) and not i % 1.0 else nan,
    lambda y, i, *xs: (None, *[rows.equal(i, float(k)) for k in range(len(xs))]),
    domain=_DECIDED,
    remedy="the index is a whole number that counts the {options} options from 0",
    branches=True,
)
row("within", _within, flat, branches=True)
row(
    "clamp",
    _clamp,
    lambda y, x, low, high: (
        rows.within(x, low, high),
        rows.step(low - x),
        # where the bounds cross, the lower one wins
        rows.step(x - high) * (1.0 - rows.step(low - x)),
    ),
    domain=((-3.0, 3.0), (-2.0, -1.0), (1.0, 2.0)),
    branches=True,
)


# --- functions -----------------------------------------------------------------------------------
# the float function is written so that a nan stays one
@rule(lambda x: 0.0 if x <= 0.0 else x, lambda y, x: (rows.step(x),), branches=lambda y: y != 0.0)
def relu(x: Scalar) -> Value:
    """The rectifier: x where positive, else 0. Its derivative at the kink is 0 (as in PyTorch).

    >>> relu(Value(-2.0)).data, relu(Value(2.0)).data
    (0.0, 2.0)
    """


@function_of(rows.equal)
def equal(a: Scalar, b: Scalar) -> Value:
    """1 where two numbers are equal, else 0: the test for `where` on an input of a program.

    (On Values, `==` asks whether they are the same node.)

    >>> equal(Value(2.0), 2.0).data
    1.0
    """


@function_of(rows.clamp)
def clamp(x: Scalar, low: Scalar, high: Scalar) -> Value:
    """x, held between low and high.

    >>> clamp(Value(7.0), -1.0, 1.0).data
    1.0
    """


Branch = Scalar | Callable[[], Scalar]


def where(test: object, a: Branch, b: Branch) -> Value:
    """The choice a if test else b, linked to the branch that was taken and only to that one.

    An inf or nan in the other branch does not reach the gradient. If that branch cannot even be
    computed (in strict mode that raises), give the branches as functions without arguments: only
    the one that is taken is called. Where the test depends on an input of a program, both branches
    are recorded, and each row takes its own.

    >>> x = Value(-1.0)
    >>> where(x > 0, lambda: sqrt(x), 0.0).data
    0.0
    """
    if isinstance(test, Value) and is_open(test):
        if test.op not in (rows.greater, rows.greater_equal, rows.equal):
            test = 1.0 - apply(rows.equal, (test, 0.0))
        return apply(rows.select, [test, *[x() if callable(x) else x for x in (a, b)]])
    try:
        branch: Any = a if test else b
    except ValueError as error:  # an array has no single truth
        raise TypeError(
            f"where takes one test, got {type(test).__name__}: {error}; call it for each"
        ) from None
    return apply(rows.where, [branch() if callable(branch) else branch])


@overload
def choose(index: Scalar, options: Sequence[Scalar]) -> Value: ...
@overload
def choose(index: Scalar, options: Sequence[Sequence[Scalar]]) -> list[Value]: ...
def choose(index: Scalar, options: Sequence[Any]) -> Any:
    """The option at an index that is a Value: the target class, a row of an embedding.

    Arguments:
        index: a whole number; the options count from 0.
        options: Values or numbers; or a table of them, of which a row is chosen. Only what is
            chosen gets a gradient, the index none.

    Raises:
        NumericError: in strict mode, there is no option at that index.
        ValueError: there are no options, or the rows of the table have different lengths.

    >>> scores = [Value(0.1), Value(0.9)]
    >>> choose(Value(1.0), scores).data
    0.9
    >>> embedding = [[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]]
    >>> [x.data for x in choose(Value(2.0), embedding)]
    [0.5, 0.6]
    """
    given = several("choose", options)
    widths = [len(row) if hasattr(row, "__len__") else 0 for row in given]  # that of a number is 0
    if odd := [k for k, width in enumerate(widths) if width != widths[0]]:
        fault = f"choose takes a table with rows of one length, got {widths[0]}"
        remedy = "give every row as many numbers"
        raise ValueError(f"{fault} in row 0 and {widths[odd[0]]} in row {odd[0]}; {remedy}")
    if not any(widths):
        return apply(rows.choose, [index, *given])
    return [apply(rows.choose, [index, *column]) for column in zip(*given, strict=True)]


def inputs(*labels: str) -> list[Value]:
    """Leaves that are no numbers yet: the inputs of a Program, which vary from row to row.

    Their data is nan, and mostly so are the results computed from them. Comparisons with them are
    recorded (for `where`). Python cannot decide on them: `if x > 0` is an error. But a set and a
    dictionary, as in `x in {1.0}` and `{1.0: a}[x]`, look for the node `x` and not for its number,
    without an error: write `equal(x, 1.0)`. A text like `f"{x:.2f}"` shows the data it has by then.

    From then on `.data` of a Value remembers where it was read (it is a subclass of float). A
    Program with that number in its graph is an error if it depends on a parameter or an input. If
    it was compared (`if w.data > 0`) or made an int, there is a warning: compare the Value itself,
    `w > 0`. What went through a text is found where its digits tell, and what went through an array
    of NumPy is not.

    >>> x, y = inputs("x", "y")
    >>> (x > y).op.name
    'greater'
    """
    leaves = [Value(nan, label) for label in labels]
    declare(leaves)
    return leaves
