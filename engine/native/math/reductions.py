"""Instructions of any number of operands, and the steps of the softmax family, written out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from math import inf, nan

from engine.native.emit.vector import Vector, fma, select
from engine.native.math.rules import exp_difference, max2, min2, share

__all__ = ["NARY"]


def total(xs: Sequence[Vector]) -> Vector:
    """The sum, with what each addition rounds off put back at the end (Knuth's TwoSum)."""
    result, lost = xs[0], None
    for x in xs[1:]:
        s = result + x
        if len(xs) > 2:
            part = s - result
            error = (result - (s - part)) + (x - part)
            lost = error if lost is None else lost + error
        result = s
    if lost is None:
        return result
    # where the sum is infinite, what was lost is a nan
    finite = (result - result).equals(0.0)
    return select(finite, result + lost, result)


def dot(args: Sequence[Vector]) -> Vector:
    n = len(args) // 2
    rest = args[2 * n :]
    result = rest[0] if rest else args[0] * args[n]
    for w, x in zip(args[0 if rest else 1 : n], args[n if rest else n + 1 : 2 * n], strict=True):
        result = fma(w, x, result)
    return result


def rest(xs: Sequence[Vector]) -> Vector:
    """The sum of all but the largest, which is never added, so that no digit of the others goes."""
    top, others = xs[0], []
    for x in xs[1:]:
        larger = x > top
        others.append(select(larger, top, x))
        top = select(larger, x, top)
    return total(others) if others else top * 0.0


def choose(args: Sequence[Vector]) -> Vector:
    index, *options = args
    result = index.body.constant(nan)
    for k, option in enumerate(options):
        result = select(index.equals(float(k)), option, result)
    return result


def add_rest(args: Sequence[Vector]) -> Vector:
    """logsumexp from the maximum and log(1 + what the others add)."""
    m, rest = args
    return select(abs(m).equals(inf), m, m + rest)


def log_share(args: Sequence[Vector]) -> Vector:
    """log_softmax, from exp(x - m) where the maximum m is infinite, and from the log of the sum of
    these.
    """
    x, m, rest, power, whole = args
    infinite = select(power.equals(0.0), -inf, -whole)
    return select(abs(m).equals(inf), infinite, (x - m) - rest)


NARY: dict[str, Callable[[Sequence[Vector]], Vector]] = {
    "sum": total,
    "dot": dot,
    "maximum": lambda xs: reduce(max2, xs),
    "minimum": lambda xs: reduce(min2, xs),
    "rest": rest,
    "choose": choose,
    "add_rest": add_rest,
    "log_share": log_share,
    "exp_difference": lambda args: exp_difference(*args),
    "share": lambda args: share(*args),
}
