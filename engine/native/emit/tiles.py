"""Register tiles: as many sums as there are registers for, so that each number that is loaded is
used several times.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from engine.native.emit.function import Body, Loop
from engine.native.emit.indexes import Index
from engine.native.emit.vector import Vector

__all__ = ["accumulate", "even", "tiles"]


def tiles(total: int, size: int) -> Iterator[tuple[int, int, int]]:
    """Whole tiles as (start, end, size), then what is left as one smaller tile."""
    whole = total - total % size
    if whole:
        yield 0, whole, size
    if total > whole:
        yield whole, total, total - whole


def even(total: int, most: int) -> int:
    """The size of tiles: as large as can be, or a little smaller where all are then of one size,
    since each size is written out by itself.
    """
    sizes = range(min(total, most), max(3, most // 2 - 1), -1)
    return next((size for size in sizes if total % size == 0), min(total, most))


def accumulate(
    body: Body,
    many: int | str,
    starts: Sequence[Vector],
    turn: Callable[[Index, Sequence[Vector]], list[Vector]],
) -> list[Vector]:
    """Sums carried through `many` turns of a loop, a few of them written out."""
    sums, known = list(starts), isinstance(many, int)
    unroll = 2 if known else 4  # (measured: more is slower, and takes longer to compile)
    rest: Any = many % unroll if isinstance(many, int) else body.new(f"urem i64 {many}, {unroll}")
    whole = many - rest if isinstance(many, int) else body.new(f"sub i64 {many}, {rest}")
    for start, end, step in ((0, whole, unroll), (whole, many, 1)):
        if start == end:
            continue
        loop = Loop(body, start, end, step, [x.name for x in sums], maybe_empty=not known)
        inner = [Vector(body, name) for name in loop.values]
        for u in range(step):
            inner = turn(body.add(loop.i, u), inner)
        sums = [Vector(body, name) for name in loop.end([x.name for x in inner])]
    return sums
