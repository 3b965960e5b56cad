"""Indexes while code is written: numbers that are known, names, and sums of the two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.native.needs import numpy

__all__ = ["Index", "Pattern", "Sum", "split"]


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
        grid = self.start + sum(
            numpy().arange(size).reshape([-1 if a == axis else 1 for a in range(table.ndim)]) * step
            for axis, (size, step) in enumerate(zip(table.shape, self.steps, strict=True))
        )
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
