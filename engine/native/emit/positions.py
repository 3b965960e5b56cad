"""Positions in memory while a function is written: indexes, and the places of lists of things."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import mul
from typing import TYPE_CHECKING, Any

from engine.native.needs import numpy

if TYPE_CHECKING:
    from engine.native.emit.function import Body


@dataclass(frozen=True)
class Sum:
    """A name plus what a call is given plus a number, which addresses take as they are: they are
    added up only where they are read as text. What is not written need not be compiled.

    Attributes:
        write: writes an instruction, and answers its name.
    """

    write: Callable[[str], str]
    name: str | None
    given: str | None
    number: int

    def __str__(self) -> str:
        total, *others = filter(None, (self.name, self.given, self.number))
        for other in others:
            total = self.write(f"add nsw i64 {total}, {other}")
        return str(total)


@dataclass(frozen=True)
class Least:
    """An index to which numbers are added, up to a last one: what were beyond it is that one.

    Attributes:
        before: is added to either.
    """

    index: Index
    last: Index
    before: Index = 0


Index = str | int | Sum | Least


def split(index: Index) -> tuple[str | None, str | None, int]:
    """The name in an index and what it is given, if there are any, and the number."""
    assert not isinstance(index, Least)
    if isinstance(index, Sum):
        return index.name, index.given, index.number
    return (None, None, index) if isinstance(index, int) else (index, None, 0)


class Pattern:
    """The positions of a list or a matrix of things: steps of a fixed size, or else a table.

    Where it starts, or the address of a table, is the first of `numbers`. Each call of a function
    is given them, from `place` on among its own, so that the function's text is the same wherever
    the things are. Where the text is lean, the sizes and the steps are among them.

    Arguments:
        stepped: whether it may be steps.

    Attributes:
        steps: None where it is a table.
        shape: what the text depends on: the sizes, and the steps if there are any.
    """

    def __init__(self, positions: Any, place: int, lean: bool, stepped: bool) -> None:
        self.table: Any = numpy().array(positions, "int64")
        self.place: int = place
        self.lean: bool = lean
        self.sizes: Any = self.table.shape
        start, steps = self._find_steps() if stepped else (0, None)
        self.steps: list[int] | None = steps
        self.numbers: list[Any] = [self.table.ctypes.data if self.steps is None else start]
        self.shape: Any = self.sizes, self.steps
        if lean:
            self.numbers += [*self.sizes, *(self.steps or ())]
            self.shape = len(self.sizes), self.steps is None

    def _find_steps(self) -> tuple[int, list[int] | None]:
        table = self.table
        start = int(table.flat[0])
        if table.size == 1:  # as most are
            return start, [0] * table.ndim
        steps = [
            int(table.take(1, axis).flat[0]) - start if size > 1 else 0
            for axis, size in enumerate(table.shape)
        ]
        axes = numpy().ogrid[tuple(map(slice, table.shape))]
        regular = (start + sum(map(mul, axes, steps)) == table).all()
        return start, steps if regular else None

    def at(self, body: Body, *indexes: Index) -> Index:
        """The position of one of them, as an index while a body is written."""
        if self.steps is not None:
            place = body.position(self.place, self.numbers[0])
            for k, index in enumerate(indexes):
                place = body.add(place, body.times(index, self._given(body, self.steps, k, True)))
            return place
        flat: Index = 0
        for k, index in enumerate(indexes):
            flat = body.add(body.times(flat, self.size(body, k)), index)
        where = body.at(body.handed(self.place, "ptr"), flat, "i64")
        return body.new(f"load i64, ptr {where}, align 8")

    def size(self, body: Body, axis: int = 0) -> Index:
        """How many there are along an axis."""
        return self._given(body, self.sizes, axis, False)

    def _given(self, body: Body, numbers: Sequence[int], k: int, later: bool) -> Index:
        at = self.place + 1 + later * len(numbers) + k
        return body.position(at, numbers[k]) if self.lean else numbers[k]
