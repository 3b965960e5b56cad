"""LLVM IR as text: a function being written, its loops, and vectors that write their arithmetic.

Formulas are ordinary Python on `Vector`: `x * x + 1.0` writes two instructions. An instruction that
was written before, on the same operands and where it is still in scope, is not written again.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import count

from engine.native.lower.indexes import Index, Sum, split

__all__ = ["Bits", "Body", "Vector", "Loop", "Mask", "fma", "literal", "select"]


def literal(number: float) -> str:
    """A double as LLVM reads it back to the bit."""
    return f"0x{struct.unpack('<Q', struct.pack('<d', number))[0]:016X}"


class Body:
    """The text of a function while it is being written.

    Arguments:
        lanes: how many doubles a vector holds.
    """

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        self.vector, self.ints = f"<{lanes} x double>", f"<{lanes} x i64>"
        self.lines: list[str] = ["entry:"]
        self.block = "entry"
        self.declared: set[str] = set()
        self._numbers = count()
        self._known: dict[str, str] = {}
        self._scopes: list[list[str]] = [[]]  # what is known since each was entered

    def name(self, stem: str) -> str:
        """A new one."""
        return f"{stem}{next(self._numbers)}"

    def do(self, text: str) -> None:
        """An instruction without a result."""
        self.lines.append(f"  {text}")

    def fresh(self, text: str) -> str:
        """The name of an instruction's result, of one that reads memory, say."""
        name = f"%v{next(self._numbers)}"
        self.lines.append(f"  {name} = {text}")
        return name

    def new(self, text: str) -> str:
        """The name of a result that depends on its operands alone, so that it is computed once."""
        name = self._known.get(text)
        if name is None:
            name = self._known[text] = self.fresh(text)
            self._scopes[-1].append(text)
        return name

    def open(self, label: str) -> None:
        """Begin a block; the one before has to have ended in a branch."""
        self.lines.append(f"{label}:")
        self.block = label

    def enter(self) -> None:
        """What is written from here on is not in scope after `leave`."""
        self._scopes.append([])

    def leave(self) -> None:
        """Close what `enter` opened."""
        for text in self._scopes.pop():
            del self._known[text]

    def loop(
        self,
        start: Index,
        end: Index,
        step: Index = 1,
        carried: Sequence[str] = (),
        *,
        maybe_empty: bool = False,
    ) -> Loop:
        """Open a loop of i over range(start, end, step); close it with its `end`."""
        return Loop(self, start, end, step, carried, maybe_empty)

    # --- integers and addresses ------------------------------------------------------------------
    def add(self, a: Index, b: Index) -> Index:
        """The sum; of numbers, a number."""
        (x, i), (y, j) = split(a), split(b)
        return self._sum(self.new(f"add nsw i64 {x}, {y}") if x and y else x or y, i + j)

    def times(self, a: Index, b: Index) -> Index:
        """The product; of numbers, a number."""
        (x, i), (y, j) = split(a), split(b)
        if x and y:
            return self.new(f"mul nsw i64 {a}, {b}")
        name, number, factor = (x, i, j) if x else (y, j, i)
        if name and factor not in (0, 1):
            name = self.new(f"mul nsw i64 {name}, {factor}")
        return self._sum(name if factor else None, number * factor)

    def _sum(self, name: str | None, number: int) -> Index:
        return Sum(self.new, name, number) if name and number else name or number

    def at(self, pointer: str, index: Index, kind: str = "double") -> str:
        """The address of an element."""
        for step in split(index):  # the number last: it is then a part of the machine instruction
            if step:
                pointer = self.new(f"getelementptr {kind}, ptr {pointer}, i64 {step}")
        return pointer

    # --- vectors in and out of memory ------------------------------------------------------------
    def load(self, pointer: str, index: Index) -> Vector:
        """The vector that begins at an element."""
        where = self.at(pointer, index)
        return Vector(self, self.fresh(f"load {self.vector}, ptr {where}, align 8"))

    def store(self, x: Vector, pointer: str, index: Index) -> None:
        """Write a vector from an element on."""
        self.do(f"store {self.vector} {x.name}, ptr {self.at(pointer, index)}, align 8")

    def scalar(self, pointer: str, index: Index) -> str:
        """One double from memory."""
        return self.fresh(f"load double, ptr {self.at(pointer, index)}, align 8")

    def splat(self, scalar: str) -> Vector:
        """One double in every lane."""
        one = self.new(f"insertelement {self.vector} poison, double {scalar}, i64 0")
        zeros = f"<{self.lanes} x i32> zeroinitializer"
        many = f"shufflevector {self.vector} {one}, {self.vector} poison, {zeros}"
        return Vector(self, self.new(many))

    def constant(self, number: float) -> Vector:
        """A number that is known, in every lane."""
        return Vector(self, f"splat (double {literal(number)})")

    def call(self, function: str, *args: Vector) -> Vector:
        """A function of LLVM's on vectors, such as llvm.sqrt."""
        short = f"@{function}.v{self.lanes}f64"
        given = ", ".join(f"{self.vector} {arg.name}" for arg in args)
        self.declared.add(f"declare {self.vector} {short}({', '.join([self.vector] * len(args))})")
        return Vector(self, self.new(f"call {self.vector} {short}({given})"))


class Loop:
    """An open loop: `i` counts, `values` are what the last turn handed on."""

    def __init__(
        self,
        body: Body,
        start: Index,
        end: Index,
        step: Index,
        carried: Sequence[str],
        maybe_empty: bool,
    ) -> None:
        self.body, self._start, self._end, self._step = body, str(start), str(end), str(step)
        self._head, self._done = body.name("turn"), body.name("done")
        self._before, self._guarded, self._first = body.block, maybe_empty, list(carried)
        if maybe_empty:
            some = body.new(f"icmp slt i64 {self._start}, {self._end}")
            body.do(f"br i1 {some}, label %{self._head}, label %{self._done}")
        else:
            body.do(f"br label %{self._head}")
        body.open(self._head)
        body.enter()
        self._at = len(body.lines)
        self.i = body.fresh("")
        self.values = [body.fresh("") for _ in carried]

    def end(self, handed_on: Sequence[str] = ()) -> list[str]:
        """Close the loop. The answer is what it carried, as it is after the last turn."""
        body, kind = self.body, self.body.vector
        following = body.fresh(f"add nsw i64 {self.i}, {self._step}")
        more = body.fresh(f"icmp slt i64 {following}, {self._end}")
        last = body.block
        body.do(f"br i1 {more}, label %{self._head}, label %{self._done}")
        lines = [f"  {self.i} = phi i64 [{self._start}, %{self._before}], [{following}, %{last}]"]
        lines += [
            f"  {name} = phi {kind} [{first}, %{self._before}], [{then}, %{last}]"
            for name, first, then in zip(self.values, self._first, handed_on, strict=True)
        ]
        body.lines[self._at : self._at + len(lines)] = lines
        body.leave()
        body.open(self._done)
        if not self._guarded:
            return list(handed_on)
        return [
            body.fresh(f"phi {kind} [{first}, %{self._before}], [{then}, %{last}]")
            for first, then in zip(self._first, handed_on, strict=True)
        ]


class Vector:
    """A vector of doubles; arithmetic with it (and with floats) writes instructions."""

    __slots__ = ("body", "name")

    def __init__(self, body: Body, name: str) -> None:
        self.body, self.name = body, name

    def _with(self, other: Vector | float) -> Vector:
        return other if isinstance(other, Vector) else self.body.constant(float(other))

    def _write(self, operation: str, a: Vector | float, b: Vector | float) -> Vector:
        a, b = self._with(a), self._with(b)
        return Vector(
            self.body, self.body.new(f"{operation} {self.body.vector} {a.name}, {b.name}")
        )

    def __add__(self, other: Vector | float) -> Vector:
        return self._write("fadd", self, other)

    def __radd__(self, other: float) -> Vector:
        return self._write("fadd", other, self)

    def __sub__(self, other: Vector | float) -> Vector:
        return self._write("fsub", self, other)

    def __rsub__(self, other: float) -> Vector:
        return self._write("fsub", other, self)

    def __mul__(self, other: Vector | float) -> Vector:
        return self._write("fmul", self, other)

    def __rmul__(self, other: float) -> Vector:
        return self._write("fmul", other, self)

    def __truediv__(self, other: Vector | float) -> Vector:
        return self._write("fdiv", self, other)

    def __rtruediv__(self, other: float) -> Vector:
        return self._write("fdiv", other, self)

    def __neg__(self) -> Vector:
        return Vector(self.body, self.body.new(f"fneg {self.body.vector} {self.name}"))

    def __abs__(self) -> Vector:
        return self.body.call("llvm.fabs", self)

    def _compare(self, how: str, other: Vector | float) -> Mask:
        text = f"fcmp {how} {self.body.vector} {self.name}, {self._with(other).name}"
        return Mask(self.body, self.body.new(text))

    # ordered comparisons: false where either is a nan
    def __lt__(self, other: Vector | float) -> Mask:
        return self._compare("olt", other)

    def __le__(self, other: Vector | float) -> Mask:
        return self._compare("ole", other)

    def __gt__(self, other: Vector | float) -> Mask:
        return self._compare("ogt", other)

    def __ge__(self, other: Vector | float) -> Mask:
        return self._compare("oge", other)

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

    def sqrt(self) -> Vector:
        """The square root; a nan below 0."""
        return self.body.call("llvm.sqrt", self)

    def rint(self) -> Vector:
        """The nearest whole number, to even."""
        return self.body.call("llvm.rint", self)

    def copysign(self, sign: Vector | float) -> Vector:
        """Its size with the sign of another."""
        return self.body.call("llvm.copysign", self, self._with(sign))

    def bits(self) -> Bits:
        """The IEEE 754 encoding."""
        text = f"bitcast {self.body.vector} {self.name} to {self.body.ints}"
        return Bits(self.body, self.body.new(text))


class Mask:
    """A truth value in every lane."""

    __slots__ = ("body", "name")

    def __init__(self, body: Body, name: str) -> None:
        self.body, self.name = body, name

    def _write(self, operation: str, other: str) -> Mask:
        return Mask(
            self.body, self.body.new(f"{operation} <{self.body.lanes} x i1> {self.name}, {other}")
        )

    def __and__(self, other: Mask) -> Mask:
        return self._write("and", other.name)

    def __or__(self, other: Mask) -> Mask:
        return self._write("or", other.name)

    def __invert__(self) -> Mask:
        return self._write("xor", "splat (i1 true)")


class Bits:
    """A vector of 64-bit integers, such as the encodings of doubles."""

    __slots__ = ("body", "name")

    def __init__(self, body: Body, name: str) -> None:
        self.body, self.name = body, name

    def _write(self, operation: str, other: Bits | int) -> Bits:
        second = other.name if isinstance(other, Bits) else f"splat (i64 {other})"
        return Bits(self.body, self.body.new(f"{operation} {self.body.ints} {self.name}, {second}"))

    def __add__(self, other: Bits | int) -> Bits:
        return self._write("add", other)

    def __sub__(self, other: Bits | int) -> Bits:
        return self._write("sub", other)

    def __and__(self, other: Bits | int) -> Bits:
        return self._write("and", other)

    def __or__(self, other: Bits | int) -> Bits:
        return self._write("or", other)

    def __xor__(self, other: Bits | int) -> Bits:
        return self._write("xor", other)

    def __lshift__(self, places: int) -> Bits:
        return self._write("shl", places)

    def __rshift__(self, places: int) -> Bits:
        """To the right, with the sign handed on."""
        return self._write("ashr", places)

    def unsigned_shift(self, places: int) -> Bits:
        """To the right, with zeros handed in."""
        return self._write("lshr", places)

    def number(self) -> Vector:
        """The double with that encoding."""
        text = f"bitcast {self.body.ints} {self.name} to {self.body.vector}"
        return Vector(self.body, self.body.new(text))


def fma(a: Vector | float, b: Vector | float, c: Vector | float) -> Vector:
    """The product of a and b, plus c; rounded once where the machine can do that fast."""
    given = [x for x in (a, b, c) if isinstance(x, Vector)]
    body = given[0].body
    lanes = [x if isinstance(x, Vector) else body.constant(float(x)) for x in (a, b, c)]
    return body.call("llvm.fmuladd", *lanes)


def select(test: Mask, a: Vector | float, b: Vector | float) -> Vector:
    """In each lane, a where the test holds, else b."""
    body = test.body
    first, second = (x if isinstance(x, Vector) else body.constant(float(x)) for x in (a, b))
    kind = f"<{body.lanes} x i1>"
    text = f"select {kind} {test.name}, {body.vector} {first.name}, {body.vector} {second.name}"
    return Vector(body, body.new(text))
