"""Outer products, added up over rows: the gradients of weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.native.emit.function import Body, Loop
from engine.native.emit.indexes import Index
from engine.native.emit.shuffles import horizontal
from engine.native.emit.tiles import accumulate, even, tiles
from engine.native.emit.vector import Mask, Vector, fma, select
from engine.native.kernels.section import Section
from engine.native.lower.plan import ONE, Outer

__all__ = ["write_outer"]


def write_outer(body: Body, section: Section, outer: Outer) -> None:
    """Sums for a few pairs at a time, over all rows of the block."""
    body.do(f"%full = udiv i64 %m, {section.lanes}")
    wide = 1 if outer.b == (ONE,) else min(section.lanes, len(outer.b))
    high = even(len(outer.a), (section.registers - 4) // wide if wide > 1 else 8)
    for first, last, width in tiles(len(outer.b), wide):
        columns = Loop(body, first, last, width)
        for start, end, height in tiles(len(outer.a), high):
            rows = Loop(body, start, end, height)
            _outer_tile(body, section, outer, rows.i, height, columns.i, width)
            rows.end()
        columns.end()


def _outer_tile(
    body: Body, section: Section, outer: Outer, i: str, height: int, j: str, width: int
) -> None:
    stride, lanes = section.stride, section.lanes
    left = section.slots(outer.a)
    right = None if outer.b == (ONE,) else section.slots(outer.b)
    b_at = []
    if right is not None:
        b_at = [body.times(right.at(body, body.add(j, k)), stride) for k in range(width)]
    a_at = [body.times(left.at(body, body.add(i, k)), stride) for k in range(height)]

    def turn(v: Index, sums: Sequence[Vector], mask: Any = None) -> list[Vector]:
        row = body.times(v, lanes)
        xs = [body.load("%ws", body.add(at, row)) for at in a_at]
        new = list(sums)
        if right is None:
            for k, x in enumerate(xs):
                new[k] = sums[k] + (x if mask is None else select(mask, x, 0.0))
        for t, at in enumerate(b_at):  # one at a time: there are no more registers
            y = body.load("%ws", body.add(at, row))
            for k, x in enumerate(xs):
                total = sums[k * width + t]
                if mask is None:
                    new[k * width + t] = fma(x, y, total)
                else:
                    new[k * width + t] = total + select(mask, x * y, 0.0)
        return new

    sums = accumulate(body, "%full", [body.constant(0.0)] * (height * width), turn)
    last = Loop(body, "%full", "%nv", 1, [x.name for x in sums], maybe_empty=True)
    masked = turn(last.i, [Vector(body, name) for name in last.values], _tail(body))
    sums = [Vector(body, name) for name in last.end([x.name for x in masked])]
    into = section.pattern(outer.into)
    for k in range(height):
        places = [into.at(body, body.add(i, k), body.add(j, t)) for t in range(width)]
        together = into.regular and into.steps[1] == 1 and width == lanes
        horizontal(body, sums[k * width : (k + 1) * width], places, together)


def _tail(body: Body) -> Mask:
    """The lanes of the last vector that hold rows, where it is not full."""
    lanes = body.lanes
    left = body.fresh(f"sub i64 %m, {body.times('%full', lanes)}")
    one = body.new(f"insertelement {body.ints} poison, i64 {left}, i64 0")
    many = body.new(
        f"shufflevector {body.ints} {one}, {body.ints} poison, <{lanes} x i32> zeroinitializer"
    )
    order = ", ".join(f"i64 {k}" for k in range(lanes))
    return Mask(body, body.new(f"icmp slt {body.ints} <{order}>, {many}"))
