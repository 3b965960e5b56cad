"""Register tiles: as many sums as there are registers for, so that each number that is loaded is
used several times.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from engine.native.emit import Body, Lanes

__all__ = ["accumulate", "tiles"]


def tiles(total: int, size: int) -> Iterator[tuple[int, int, int]]:
    """Whole tiles as (start, end, size), then what is left as one smaller tile."""
    whole = total - total % size
    if whole:
        yield 0, whole, size
    if total > whole:
        yield whole, total, total - whole


def accumulate(
    body: Body,
    many: int | str,
    starts: Sequence[Lanes],
    turn: Callable[[str | int, Sequence[Lanes]], list[Lanes]],
    unroll: int = 2,
) -> list[Lanes]:
    """Sums carried through `many` turns of a loop, a few of them written out."""
    sums = list(starts)
    whole = many - many % unroll if isinstance(many, int) else many
    if isinstance(many, str):
        unroll = 1
    if whole != 0:
        loop = body.loop(
            0, whole, unroll, [x.name for x in sums], maybe_empty=isinstance(many, str)
        )
        inner = [Lanes(body, name) for name in loop.values]
        for u in range(unroll):
            inner = turn(body.add(loop.i, u), inner)
        sums = [Lanes(body, name) for name in loop.end([x.name for x in inner])]
    if isinstance(many, int) and isinstance(whole, int):
        for k in range(whole, many):
            sums = turn(k, sums)
    return sums
