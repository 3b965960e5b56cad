"""Indexes while code is written: numbers that are known, names, and sums of the two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Index", "Sum", "split"]


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
