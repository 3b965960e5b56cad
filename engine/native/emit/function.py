"""A function of LLVM IR while it is written: its text, its loops, and positions in memory.

Formulas are ordinary Python on `Vector`: `x * x + 1.0` writes two instructions. An instruction that
was written before, on the same operands and where it is still in scope, is not written again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from operator import mul
from typing import Any

from engine.native.emit.vector import Vector, literal
from engine.native.needs import numpy


@dataclass(frozen=True)
class Sum:
    """A name plus a number, which addresses take as they are: it is added up only where it is read
    as text. What is not written need not be compiled.

    Attributes:
        write: writes an instruction, and answers its name.
    """

    write: Callable[[str], str]
    name: str
    number: int

    def __str__(self) -> str:
        return self.write(f"add nsw i64 {self.name}, {self.number}")


Index = str | int | Sum


def split(index: Index) -> tuple[str | None, int]:
    """The name in an index, if there is one, and the number."""
    if isinstance(index, Sum):
        return index.name, index.number
    return (None, index) if isinstance(index, int) else (index, 0)


class Pattern:
    """The positions of a list or a matrix of things: steps of a fixed size, or else a table."""

    def __init__(self, positions: Any) -> None:
        table = self.table = numpy().ascontiguousarray(positions, dtype="int64")
        self.start = int(table.flat[0])
        self.steps = [
            int(table.take(1, axis).flat[0]) - self.start if size > 1 else 0
            for axis, size in enumerate(table.shape)
        ]
        axes = numpy().ogrid[tuple(map(slice, table.shape))]
        grid = self.start + sum(map(mul, axes, self.steps))
        self.regular = bool((grid == table).all())

    def at(self, body: Any, *indexes: Index) -> Index:
        """The position of one of them, as an index while a body is written."""
        if self.regular:
            place: Index = self.start
            for index, step in zip(indexes, self.steps, strict=True):
                place = body.add(place, body.times(index, step))
            return place
        flat: Index = 0
        for index, size in zip(indexes, self.table.shape, strict=True):
            flat = body.add(body.times(flat, size), index)
        address = f"inttoptr (i64 {self.table.ctypes.data} to ptr)"
        return str(body.new(f"load i64, ptr {body.at(address, flat, 'i64')}, align 8"))


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

    def store_scalar(self, x: str, pointer: str, index: Index) -> None:
        """One double into memory."""
        self.do(f"store double {x}, ptr {self.at(pointer, index)}, align 8")

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
    """A loop of i over range(start, end, step), open until `end` or a `with` closes it.

    Arguments:
        carried: what the first turn begins with; `values` are what the last turn handed on.
        maybe_empty: whether there may be no turn.
    """

    def __init__(
        self,
        body: Body,
        start: Index,
        end: Index,
        step: Index = 1,
        carried: Sequence[Vector] = (),
        *,
        maybe_empty: bool = False,
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
        self.values = [Vector(body, body.fresh("")) for _ in carried]

    def __enter__(self) -> Loop:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self, handed_on: Sequence[Vector] = ()) -> list[Vector]:
        """Close the loop. The answer is what it carried, as it is after the last turn."""
        body, kind = self.body, self.body.vector
        following = body.fresh(f"add nsw i64 {self.i}, {self._step}")
        more = body.fresh(f"icmp slt i64 {following}, {self._end}")
        last = body.block
        body.do(f"br i1 {more}, label %{self._head}, label %{self._done}")
        lines = [f"  {self.i} = phi i64 [{self._start}, %{self._before}], [{following}, %{last}]"]
        lines += [
            f"  {x.name} = phi {kind} [{first.name}, %{self._before}], [{then.name}, %{last}]"
            for x, first, then in zip(self.values, self._first, handed_on, strict=True)
        ]
        body.lines[self._at : self._at + len(lines)] = lines
        body.leave()
        body.open(self._done)
        if not self._guarded:
            return list(handed_on)
        ends = [
            f"phi {kind} [{first.name}, %{self._before}], [{then.name}, %{last}]"
            for first, then in zip(self._first, handed_on, strict=True)
        ]
        return [Vector(body, body.fresh(end)) for end in ends]


def loops(body: Body, spans: Iterable[tuple[Index, Index, int]]) -> Iterator[tuple[str, int]]:
    """A loop over each (start, end, step), one after another: its index and its step."""
    for start, end, step in spans:
        with Loop(body, start, end, step, maybe_empty=not isinstance(end, int)) as loop:
            yield loop.i, step
