"""Vectors of doubles whose arithmetic writes instructions: `x * x + 1.0` writes two."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from engine.native.emit.function import Body
    from engine.native.emit.positions import Index


def literal(number: float) -> str:
    """A double as LLVM reads it back to the bit."""
    return f"0x{struct.unpack('<Q', struct.pack('<d', number))[0]:016X}"


class _Result:
    """What an instruction in a body gives, by its name there."""

    __slots__ = ("body", "name")

    def __init__(self, body: Body, name: str) -> None:
        self.body: Body = body
        self.name: str = name

    def _same(self, text: str) -> Self:
        """The result of another instruction, of the same kind."""
        return type(self)(self.body, self.body.new(text))


Vectors = Callable[["Vector", "Vector | float"], "Vector"]
Comparison = Callable[["Vector", "Vector | float"], "Mask"]
OnBits = Callable[["Bits", "Bits | int"], "Bits"]


def _left(operation: str) -> Vectors:
    """The method of an operator of Python with the vector on its left."""
    return lambda self, other: self._write(operation, self, other)


def _right(operation: str) -> Vectors:
    return lambda self, other: self._write(operation, other, self)


def _comparison(how: str) -> Comparison:
    return lambda self, other: self._compare(how, other)


def _on_bits(operation: str) -> OnBits:
    return lambda self, other: self._write(operation, other)


class Vector(_Result):
    """A vector of doubles; arithmetic with it (and with floats) writes instructions."""

    __slots__ = ()

    def _write(self, operation: str, a: Vector | float, b: Vector | float) -> Vector:
        a, b = _in(self.body, a), _in(self.body, b)
        return self._same(f"{operation} {self.body.vector} {a.name}, {b.name}")

    __add__: Vectors = _left("fadd")
    __radd__: Vectors = _right("fadd")
    __sub__: Vectors = _left("fsub")
    __rsub__: Vectors = _right("fsub")
    __mul__: Vectors = _left("fmul")
    __rmul__: Vectors = _right("fmul")
    __truediv__: Vectors = _left("fdiv")
    __rtruediv__: Vectors = _right("fdiv")

    def __neg__(self) -> Vector:
        return self._same(f"fneg {self.body.vector} {self.name}")

    def __abs__(self) -> Vector:
        return self.body.call("llvm.fabs", self)

    def _compare(self, how: str, other: Vector | float) -> Mask:
        text = f"fcmp {how} {self.body.vector} {self.name}, {_in(self.body, other).name}"
        return Mask(self.body, self.body.new(text))

    # ordered comparisons: false where either is a nan
    __lt__: Comparison = _comparison("olt")
    __le__: Comparison = _comparison("ole")
    __gt__: Comparison = _comparison("ogt")
    __ge__: Comparison = _comparison("oge")

    def equals(self, other: Vector | float) -> Mask:
        """Where they are equal; a nan equals nothing."""
        return self._compare("oeq", other)

    def is_nan(self) -> Mask:
        """Where it is a nan."""
        return self._compare("uno", self)

    @property
    def number(self) -> float | None:
        """The constant that it is, or None."""
        bits = self.name.removeprefix("splat (double 0x").removesuffix(")")
        if bits == self.name:
            return None
        number: float = struct.unpack(">d", bytes.fromhex(bits))[0]
        return number

    def lane(self, k: int) -> str:
        """The double in one lane."""
        return self.body.new(f"extractelement {self.body.vector} {self.name}, i64 {k}")

    def sqrt(self) -> Vector:
        """The square root; a nan below 0."""
        return self.body.call("llvm.sqrt", self)

    def maximum(self, other: Vector | float) -> Vector:
        """The larger of two; a nan wins."""
        other = _in(self.body, other)
        return select(other.is_nan(), other, select(self < other, other, self))

    def minimum(self, other: Vector) -> Vector:
        """The smaller of two; a nan wins."""
        return select(other.is_nan(), other, select(self > other, other, self))

    def rint(self) -> Vector:
        """The nearest whole number, to even."""
        return self.body.call("llvm.rint", self)

    def copysign(self, sign: Vector | float) -> Vector:
        """Its size with the sign of another."""
        return self.body.call("llvm.copysign", self, _in(self.body, sign))

    def bits(self) -> Bits:
        """The IEEE 754 encoding."""
        text = f"bitcast {self.body.vector} {self.name} to {self.body.ints}"
        return Bits(self.body, self.body.new(text))


class Mask(_Result):
    """A truth value in every lane."""

    __slots__ = ()

    def any(self) -> str:
        """Whether it is true in any lane, as one bit."""
        kind = f"i{self.body.lanes}"
        packed = self.body.new(f"bitcast <{self.body.lanes} x i1> {self.name} to {kind}")
        return self.body.new(f"icmp ne {kind} {packed}, 0")

    def _write(self, operation: str, other: str) -> Mask:
        return self._same(f"{operation} <{self.body.lanes} x i1> {self.name}, {other}")

    def __and__(self, other: Mask) -> Mask:
        return self._write("and", other.name)

    def __or__(self, other: Mask) -> Mask:
        return self._write("or", other.name)

    def __invert__(self) -> Mask:
        return self._write("xor", "splat (i1 true)")


class Bits(_Result):
    """A vector of 64-bit integers, such as the encodings of doubles."""

    __slots__ = ()

    def _write(self, operation: str, other: Bits | int) -> Bits:
        second = other.name if isinstance(other, Bits) else f"splat (i64 {other})"
        return self._same(f"{operation} {self.body.ints} {self.name}, {second}")

    __add__: OnBits = _on_bits("add")
    __sub__: OnBits = _on_bits("sub")
    __and__: OnBits = _on_bits("and")
    __or__: OnBits = _on_bits("or")
    __xor__: OnBits = _on_bits("xor")
    __lshift__: OnBits = _on_bits("shl")
    __rshift__: OnBits = _on_bits("lshr")  # zeros are handed in

    def number(self) -> Vector:
        """The double with that encoding."""
        text = f"bitcast {self.body.ints} {self.name} to {self.body.vector}"
        return Vector(self.body, self.body.new(text))


def _in(body: Body, x: Vector | float) -> Vector:
    """A number in every lane, or the vector that it is already."""
    return x if isinstance(x, Vector) else body.constant(float(x))


def fma(a: Vector | float, b: Vector | float, c: Vector | float) -> Vector:
    """The product of a and b, plus c; rounded once where the machine can do that fast."""
    body = next(x.body for x in (a, b, c) if isinstance(x, Vector))
    return body.call("llvm.fmuladd", *[_in(body, x) for x in (a, b, c)])


def select(test: Mask, a: Vector | float, b: Vector | float) -> Vector:
    """In each lane, a where the test holds, else b."""
    body, vector = test.body, test.body.vector
    first, second = _in(body, a).name, _in(body, b).name
    kind = f"<{body.lanes} x i1>"
    text = f"select {kind} {test.name}, {vector} {first}, {vector} {second}"
    return Vector(body, body.new(text))


# --- across the lanes -----------------------------------------------------------------------------
def horizontal(
    body: Body, vectors: Sequence[Vector], places: Sequence[Index], together: bool
) -> None:
    """Add the sum over the lanes of each vector to the total at its place.

    Arguments:
        vectors: at most as many as there are lanes.
        together: the places are neighbours, and as many as there are lanes.
    """
    sums = [*vectors] + [body.constant(0.0)] * (body.lanes - len(vectors))
    unit = 1
    while len(sums) > 1:
        sums = [_halve(body, x, y, unit) for x, y in zip(sums[::2], sums[1::2], strict=True)]
        unit *= 2
    add_to(body, sums[0], places, together)


def add_to(body: Body, x: Vector, places: Sequence[Index], together: bool) -> None:
    """Add each lane to the total at its place; `together` as in `horizontal`."""
    if together:
        body.store(body.load("%out", places[0]) + x, "%out", places[0])
        return
    for k, place in enumerate(places):
        total = body.fresh(f"fadd double {body.scalar('%out', place)}, {x.lane(k)}")
        body.store_scalar(total, "%out", place)


def transposed(body: Body, rows: Sequence[Vector]) -> list[Vector]:
    """As many vectors as there are lanes, turned over: the k-th lanes become the k-th vector."""
    lanes, found = body.lanes, list(rows)
    for _ in range(lanes.bit_length() - 1):  # as cards are shuffled: each turn interleaves halves
        pairs = zip(found[: lanes // 2], found[lanes // 2 :], strict=True)
        low = [k // 2 + (k % 2) * lanes for k in range(lanes)]
        high = [k + lanes // 2 for k in low]
        found = [_shuffle(body, x, y, order) for x, y in pairs for order in (low, high)]
    return found


def _halve(body: Body, x: Vector, y: Vector, unit: int) -> Vector:
    """Neighbours, `unit` lanes each, added; what is of x and what is of y takes turns.

    So lanes hardly move: a machine whose vectors are pairs of short ones crosses over but once.
    """
    starts = range(0, body.lanes, 2 * unit)
    first = [b + side + k for b in starts for side in (0, body.lanes) for k in range(unit)]
    return _shuffle(body, x, y, first) + _shuffle(body, x, y, [k + unit for k in first])


def _shuffle(body: Body, x: Vector, y: Vector, order: Iterable[int]) -> Vector:
    """Vector of x and, counted on from there, of y."""
    both = f"{body.vector} {x.name}, {body.vector} {y.name}"
    picked = ", ".join(f"i32 {k}" for k in order)
    return Vector(body, body.new(f"shufflevector {both}, <{body.lanes} x i32> <{picked}>"))
