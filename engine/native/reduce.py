"""Sums across the lanes of a vector."""

from __future__ import annotations

from collections.abc import Sequence

from engine.native.emit import Body, Lanes

__all__ = ["horizontal"]


def horizontal(
    body: Body, vectors: Sequence[Lanes], places: Sequence[str | int], together: bool
) -> None:
    """Add the sum over the lanes of each vector to the total at its place.

    Arguments:
        vectors: at most as many as there are lanes.
        together: the places are neighbours, and as many as there are lanes.
    """
    sums = [*vectors] + [body.constant(0.0)] * (body.lanes - len(vectors))
    while len(sums) > 1:
        sums = [_halve(body, x, y) for x, y in zip(sums[::2], sums[1::2], strict=True)]
    if together:
        body.store(body.load("%out", places[0]) + sums[0], "%out", places[0])
        return
    for k, place in enumerate(places):
        lane = body.new(f"extractelement {body.vector} {sums[0].name}, i64 {k}")
        where = body.at("%out", place)
        before = body.fresh(f"load double, ptr {where}, align 8")
        body.do(f"store double {body.fresh(f'fadd double {before}, {lane}')}, ptr {where}, align 8")


def _halve(body: Body, x: Lanes, y: Lanes) -> Lanes:
    """Neighbouring lanes added: the first half of the result is of x, the second of y."""
    lanes = body.lanes
    parts = []
    for odd in (0, 1):
        order = ", ".join(f"i32 {2 * k + odd}" for k in range(lanes))
        both = f"{body.vector} {x.name}, {body.vector} {y.name}"
        parts.append(Lanes(body, body.new(f"shufflevector {both}, <{lanes} x i32> <{order}>")))
    return parts[0] + parts[1]
