"""Across the lanes of vectors: sums, and squares turned over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.native.emit.function import Body
from engine.native.emit.indexes import Index
from engine.native.emit.vector import Vector

__all__ = ["horizontal", "transposed"]


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
    if together:
        body.store(body.load("%out", places[0]) + sums[0], "%out", places[0])
        return
    for k, place in enumerate(places):
        total = body.fresh(f"fadd double {body.scalar('%out', place)}, {sums[0].lane(k)}")
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
