"""What a row's float function is made of, found by calling it with symbols.

So `lambda x: x * x` or `lambda p: rows.log(p / (1.0 - p))` runs in vectors as it stands. A function
that looks at its numbers (`if x < 0.0`, `math.exp(x)`) cannot be traced; it is then called for each
row by itself. So is one of a user's that reads other variables, which may change, or catches
errors, which symbols do not raise.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NoReturn

from engine.core.node import Node
from engine.core.operation import TABLE, Operation, rows
from engine.native.lower.plan import Args, Tape, fold

PROBES = (0.5, -2.5, 3.0)
Put = Callable[[Tape, Operation, Args], int]


def trace(op: Operation, many: int, put: Put) -> Tape | None:
    """A row's function of so many inputs as a tape, or None where it cannot be traced.

    Arguments:
        put: puts a row that the function calls on the tape.
    """
    if op.own and not _self_contained(op.function):
        return None
    tape, divisors = Tape(), list[int]()
    symbols = [_Symbol(tape, tape.leaf("input", i), put, divisors) for i in range(many)]
    try:
        result = symbols[0].on_tape(op.function(*symbols))
    except Exception:  # noqa: BLE001 (a function may raise anything where it is given no float)
        return None
    for divisor in divisors:  # Python raises where floats are divided by 0, and that is a nan
        zero = tape.put("equal", (divisor, tape.const(0.0)))
        result = tape.put("select", (zero, tape.const(float("nan")), result))
    tape.outputs = [result]
    return tape if all(_agrees(tape, op, [x + i for i in range(many)]) for x in PROBES) else None


def _self_contained(function: Callable[..., Any]) -> bool:
    """Whether a function depends on its arguments alone, and catches nothing."""
    function = inspect.unwrap(function)
    code = getattr(function, "__code__", None)
    if code is None or code.co_exceptiontable or any(map(inspect.iscode, code.co_consts)):
        return False
    read = inspect.getclosurevars(function)
    fixed = [x is rows or inspect.ismodule(x) for x in read.globals.values()]
    return all(fixed) and not read.nonlocals


def _agrees(tape: Tape, op: Operation, point: list[float]) -> bool:
    """Whether a tape gives what the function gives: one may ask `isinstance(x, float)`, say."""
    found = Tape()
    number = found.inline(tape, tuple([found.const(x) for x in point]))
    got, want = found.numbers.get(number), fold(op.function, point)
    return got is None or got == want or (got != got and want != want)


def _operator(name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The two methods of an operator of Python: with the symbol on its left, and on its right."""
    return (
        lambda self, other: self._operate(name, self, other),
        lambda self, other: self._operate(name, other, self),
    )


class _Symbol(Node):
    """A number that is not known yet: what is done with it is put on a tape.

    A TypeError says that something was done with it that only a float can do.
    """

    __slots__ = ("_divisors", "_number", "_put", "_tape")

    def __init__(self, tape: Tape, number: int, put: Put, divisors: list[int]) -> None:
        self._tape, self._number, self._put, self._divisors = tape, number, put, divisors

    def on_tape(self, x: Any) -> int:
        """The instruction that a symbol or a number is."""
        if isinstance(x, _Symbol):
            return x._number
        if isinstance(x, int | float):
            return self._tape.const(float(x))
        raise TypeError(f"{x!r:.60} is no number")

    def _apply(self, op: Operation, args: tuple[Any, ...]) -> _Symbol:
        number = self._put(self._tape, op, tuple([self.on_tape(arg) for arg in args]))
        return _Symbol(self._tape, number, self._put, self._divisors)

    def _operate(self, name: str, a: Any, b: Any) -> _Symbol:
        if name == "div":
            self._divisors.append(self.on_tape(b))
        return self._apply(TABLE[name], (a, b))

    def __pow__(self, exponent: Any) -> _Symbol:
        return self * self if exponent == 2 else NotImplemented

    def __neg__(self) -> _Symbol:
        return self._apply(rows.neg, (self,))

    def __abs__(self) -> _Symbol:
        return self._apply(rows.abs, (self,))

    __add__, __radd__ = _operator("add")
    __sub__, __rsub__ = _operator("sub")
    __mul__, __rmul__ = _operator("mul")
    __truediv__, __rtruediv__ = _operator("div")

    def _unknown(self, *_: Any) -> NoReturn:
        raise TypeError("a number that is not known yet cannot be looked at")

    __bool__ = __eq__ = __ne__ = __hash__ = _unknown
