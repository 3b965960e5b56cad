"""Rounding to whole numbers, whose derivative is 0, and the remainders of divisions.

Python's own `round`, `math.floor`, `math.ceil`, `math.trunc`, `%`, `//` and `divmod` record these.
"""

import builtins
import math
from collections.abc import Callable
from typing import Any

from engine.core.node import numbered
from engine.core.numerics import divide
from engine.core.operation import rows
from engine.core.ops import flat
from engine.core.value import Scalar, Value, constant
from engine.operations.rule import function_of, rule

__all__ = ["ceil", "floor", "floor_divide", "fmod", "remainder", "round", "sign", "trunc"]
_makes_nodes = True  # see value.record

DIVISION: dict[str, Any] = {
    "domain": ((-3.0, 3.0), (0.7, 0.9)),
    "remedy": "keep the divisor away from 0 and the dividend finite",
}


def _whole(function: Callable[[float], int]) -> Callable[[float], float]:
    """`function`, answering with a float of its input's sign; inf and nan stay what they are."""

    def answer(x: float) -> float:
        return math.copysign(function(x), x) if math.isfinite(x) else x

    return answer


def _fmod(a: float, b: float) -> float:
    try:
        return math.fmod(a, b)
    except ValueError:  # a is infinite, or b is 0
        return math.nan


@rule(_whole(math.floor), flat, tex=r"\lfloor {0} \rfloor", branches=True)
def floor(x: Scalar) -> Value:
    """The largest whole number that is not above x. Its derivative is 0.

    >>> floor(Value(-1.5)).data
    -2.0
    """


@rule(_whole(math.ceil), flat, tex=r"\lceil {0} \rceil", branches=True)
def ceil(x: Scalar) -> Value:
    """The smallest whole number that is not below x. Its derivative is 0.

    >>> ceil(Value(-1.5)).data
    -1.0
    """


@rule(_whole(math.trunc), flat, branches=True)
def trunc(x: Scalar) -> Value:
    """The whole number next to x on the side of 0. Its derivative is 0.

    >>> trunc(Value(-1.5)).data
    -1.0
    """


@rule(_whole(builtins.round), flat, branches=True)
def round(x: Scalar) -> Value:
    """The whole number nearest to x; halfway between two, the even one. Its derivative is 0.

    It is a Value. For a number to show take `round(x.data, 2)`; `round(x, 2)` is an error.

    >>> round(Value(2.5)).data
    2.0
    """


@function_of(rows.sign)
def sign(x: Scalar) -> Value:
    """1 where x is positive, -1 where it is negative, else 0. Its derivative is 0.

    >>> sign(Value(-2.5)).data
    -1.0
    """


# The quotient is rounded from what the remainder leaves, since a / b by itself may round up to a
# whole number.
@rule(_fmod, lambda y, a, b: (1.0, -rows.round(rows.div(a - y, b))), **DIVISION)
def fmod(a: Scalar, b: Scalar) -> Value:
    """The remainder a - b * trunc(a / b), with the sign of a, as in C and in math.fmod.

    Its derivatives are 1 and -trunc(a / b), at its jumps too. It is nan where b is 0.

    >>> fmod(Value(-7.0), 3.0).data
    -1.0
    """


@rule(
    lambda a, b: a % b if b else math.nan,
    lambda y, a, b: (1.0, -rows.floor_divide(a, b)),
    symbol="%",
    tex=r"{0} \,\%\, {1}",
    **DIVISION,
)
def remainder(a: Scalar, b: Scalar) -> Value:
    """The remainder a - b * floor(a / b), with the sign of b: Python's a % b.

    Its derivatives are 1 and -floor(a / b), at its jumps too. It is nan where b is 0.

    >>> remainder(Value(-7.0), 3.0).data, (Value(-7.0) % 3.0).data
    (2.0, 2.0)
    """


@rule(
    lambda a, b: a // b if b else divide(a, b),
    lambda y, a, b: (rows.zero(y), rows.zero(y)),
    symbol="//",
    tex=r"\left\lfloor \frac{{{0}}}{{{1}}} \right\rfloor",
    branches=True,
    finite_partials=lambda a, b: bool(b),
    **DIVISION,
)
def floor_divide(a: Scalar, b: Scalar) -> Value:
    """The largest whole number that is not above a / b: Python's a // b. Its derivatives are 0.

    Where b is 0 it is infinite as a / b is, and 0 // 0 is nan.

    >>> floor_divide(Value(-7.0), 3.0).data, (Value(-7.0) // 3.0).data
    (-3.0, -3.0)
    """


def _round(x: Value, digits: int | None = None) -> Value:
    if digits is not None:
        shown = f"take round(x.data, {digits!r}) for a number to show"
        other = "or round(x * 100) / 100 for a Value, whose derivative is 0"
        raise TypeError(f"round(x, {digits!r}) of a Value is not recorded; {shown}, {other}")
    return round(x)


def _divmod(a: Scalar, b: Scalar) -> tuple[Value, ...]:
    return tuple(numbered([floor_divide(a, b), remainder(a, b)]))


def _operator(function: Callable[[Any, Any], Any]) -> Callable[[Value, Any], Any]:
    """A function of two numbers as an operator, which leaves what it does not know to the other."""

    def method(a: Value, b: Any) -> Any:
        return NotImplemented if constant(b, True) is None else function(a, b)

    return method


for _name, _method in {
    "sign": sign,
    "__round__": _round,
    "__floor__": floor,
    "__ceil__": ceil,
    "__trunc__": trunc,
    "__mod__": _operator(remainder),
    "__rmod__": lambda b, a: remainder(a, b),
    "__floordiv__": _operator(floor_divide),
    "__rfloordiv__": lambda b, a: floor_divide(a, b),
    "__divmod__": _operator(_divmod),
    "__rdivmod__": lambda b, a: _divmod(a, b),
}.items():
    setattr(Value, _name, _method)
