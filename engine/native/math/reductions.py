"""Operations of any number of arguments, each as a loop over them, and the steps of others.

A loop carries a few vectors from one argument to the next. It is written out for few arguments,
and is a loop of machine code for many.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, nan
from typing import TypeVar

from engine.native.emit.function import Body
from engine.native.emit.vector import Vector, fma, select
from engine.native.math import elementary as e

T = TypeVar("T")
Vectors = Sequence[Vector]


@dataclass(frozen=True)
class Fold:
    """A loop over arguments.

    Attributes:
        turn: what is carried on, from what was carried and the next `step` arguments.
        start: what is carried at first, made of the first `begin` arguments.
        finish: the result, made of what is carried at last.
    """

    turn: Callable[[Vectors, Vectors], Vectors]
    start: Callable[[Body, Vectors], Vectors] = lambda body, first: first
    finish: Callable[[Vectors], Vector] = lambda carried: carried[0]
    begin: int = 1
    step: int = 1

    def write(self, args: Vectors) -> Vector:
        """The loop, written out."""
        carried = self.start(args[0].body, args[: self.begin])
        for k in range(self.begin, len(args), self.step):
            carried = self.turn(carried, args[k : k + self.step])
        return self.finish(carried)


def fold(op: str, args: Sequence[T]) -> tuple[str, Sequence[T]]:
    """The name of an operation's loop, and its arguments in the order in which it takes them."""
    if op != "dot":
        return op, args
    n = len(args) // 2
    pairs = [arg for pair in zip(args[:n], args[n : 2 * n], strict=True) for arg in pair]
    bias = args[2 * n :]
    return "dot with bias" if bias else "dot", [*bias, *pairs]


# --- the loops -----------------------------------------------------------------------------------
def _multiply(carried: Vectors, given: Vectors) -> Vectors:
    return [fma(*given, *carried)]


def _none(body: Body) -> Vector:
    return body.constant(-0.0)  # plus any x it is x, also where x is -0.0


def _add(carried: Vectors, given: Vectors) -> Vectors:
    """A sum, and what all additions so far have rounded off (Knuth's TwoSum)."""
    total, lost = carried
    (x,) = given
    new = total + x
    part = new - total
    return new, lost + ((total - (new - part)) + (x - part))


def _added(carried: Vectors) -> Vector:
    total, lost = carried
    # where the sum is infinite, what was lost is a nan
    return select((total - total).equals(0.0), total + lost, total)


def _choose(carried: Vectors, given: Vectors) -> Vectors:
    index, k, found = carried
    after = k + 1.0 if k.number is None else k.body.constant(k.number + 1.0)
    return index, after, select(index.equals(k), given[0], found)


FOLDS: dict[str, Fold] = {
    "dot": Fold(_multiply, lambda body, _: [body.constant(0.0)], begin=0, step=2),
    "dot with bias": Fold(_multiply, step=2),
    "sum": Fold(_add, lambda body, x: [*x, _none(body)], _added),
    "rest": Fold(  # of powers whose largest is 1, all but that one; of nothing but zeros, 0
        _add,
        lambda body, _: [body.constant(-1.0), _none(body)],
        lambda carried: _added(carried).maximum(0.0),
        begin=0,
    ),
    "maximum": Fold(lambda carried, x: [carried[0].maximum(*x)]),
    "minimum": Fold(lambda carried, x: [carried[0].minimum(*x)]),
    "choose": Fold(
        _choose, lambda body, i: [*i, body.constant(0.0), body.constant(nan)], lambda c: c[2]
    ),
}


# --- steps that are no rows: of softmax and its family, and what relu hands on ------------------
def _exp_difference(x: Vector, m: Vector) -> Vector:
    """exp(x - m) for the maximum m, with what the subtraction rounds off put back.

    Where m is infinite, 1 for the x that are inf and 0 for all others.
    """
    d = x - m
    v = x - d
    y = e.exp_negative(d, (x - (d + v)) + (v - m))
    y = select(d < -746.0, 0.0, y)  # where d is -inf, what was rounded off is a nan
    return select(x.equals(m), select(m.equals(-inf), 0.0, 1.0), y)


def _add_rest(m: Vector, rest: Vector) -> Vector:
    """logsumexp from the maximum and log(1 + what the others add)."""
    return select(abs(m).equals(inf), m, m + rest)


def _log_share(x: Vector, m: Vector, rest: Vector) -> Vector:
    """log_softmax from the maximum m and log(1 + what the others add)."""
    infinite = select(x.equals(inf), -rest, -inf)
    return select(abs(m).equals(inf), infinite, (x - m) - rest)


# --- of products, as what floats are: a significand and a power of 2 -----------------------------
def _finite(x: Vector, found: Vector, otherwise: Vector | float) -> Vector:
    """What was found, except at 0, infinities and nan."""
    return select((abs(x) > 0.0) & (abs(x) < inf), found, otherwise)


def _significand(x: Vector) -> Vector:
    """x / 2**exponent(x), from sqrt(1/2) to sqrt(2)."""
    return _finite(x, (e.reduce_log(abs(x))[1] + 1.0).copysign(x), x)


def _exponent(x: Vector) -> Vector:
    return _finite(x, e.reduce_log(abs(x))[0], 0.0)


def _scaled(x: Vector, n: Vector) -> Vector:
    """x * 2**n, rounded once; n is a whole number."""
    n = e.between(n + _exponent(x), -1100.0, 1100.0)
    shifted = fma(n, 0.5, e.SHIFT + 1023)  # 2**n in two factors, for it may overflow
    half = shifted - (e.SHIFT + 1023)
    other = (n - half) + (e.SHIFT + 1023)
    powers = [(each.bits() << 52).number() for each in (shifted, other)]
    return _finite(x, _significand(x) * powers[0] * powers[1], x)


STEPS: dict[str, Callable[..., Vector]] = {
    # g * step(x), from y = relu(x)
    "gate": lambda g, y: g * select(y.is_nan(), y, select(y > 0.0, 1.0, 0.0)),
    "exp_difference": _exp_difference,
    "share": lambda p, whole: p / whole,
    "add_rest": _add_rest,
    "log_share": _log_share,
    "significand": _significand,
    "exponent": _exponent,
    "scaled": _scaled,
}
