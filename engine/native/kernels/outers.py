"""Outer products, added up over the rows: the gradients of weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.native.emit.function import Body, Loop, loops
from engine.native.emit.positions import Index, Least
from engine.native.emit.vector import Mask, Vector, add_to, fma, horizontal, select
from engine.native.kernels.products import LEAN, accumulate, even, tiles
from engine.native.kernels.section import Section
from engine.native.lower.plan import ONE, Args, Outer

HIGH = 8  # rows of the table at a time, which is then written as it lies in memory


def write_outer(body: Body, section: Section, outer: Outer) -> None:
    """Sums for a few pairs at a time, in registers."""
    if body.lean:
        _lean(body, section, outer)
    elif section.lanes == 1 and outer.b != (ONE,):
        _row(body, section, outer)
    else:
        _rows(body, section, outer)


def _rows(body: Body, section: Section, outer: Outer) -> None:
    """Vectors of rows, all rows of the block one after another."""
    mask, (many, across) = _tail(body), outer.into.shape
    wide = 1 if outer.b == (ONE,) else min(section.lanes, across)
    high = even(many, (section.registers - 4) // wide if wide > 1 else 8)
    for j, width in loops(body, tiles(body, across, wide)):
        for i, height in loops(body, tiles(body, many, high)):
            sums = _OuterTile(body, section, outer, mask, (i, height), (j, width)).total()
            for k in range(height):
                places, together = _places(body, section, body.add(i, k), j, width)
                horizontal(body, sums[k * width : (k + 1) * width], places, together)


def _lean(body: Body, section: Section, outer: Outer) -> None:
    """One size of tiles. What of the last ones is too much is done again, and adds 0."""
    into, mask, (high, wide) = section.lists["into"][1], _tail(body), LEAN
    wide = 1 if outer.b == (ONE,) else wide
    down, right = into.size(body), into.size(body, 1)
    ends = body.add(down, -1), body.add(right, -1)
    for j, _ in loops(body, [(0, right, wide)]):
        for i, _ in loops(body, [(0, down, high)]):
            first = Least(i, ends[0]), Least(j, ends[1])
            tile = _OuterTile(body, section, outer, mask, (first[0], high), (first[1], wide))
            sums, places = tile.total(), list[Index]()
            for n, total in enumerate(sums):
                k, t = divmod(n, wide)
                inside = [
                    body.new(f"icmp slt i64 {body.add(at, more)}, {end}")
                    for at, more, end in ((i, k, down), (j, t, right))
                ]
                both = body.new(f"and i1 {', '.join(inside)}")
                kept = f"{body.vector} {total.name}, {body.vector} zeroinitializer"
                sums[n] = Vector(body, body.new(f"select i1 {both}, {kept}"))
                places.append(into.at(body, body.add(first[0], k), body.add(first[1], t)))
            for n in range(0, high * wide, body.lanes):
                end = n + body.lanes
                horizontal(body, sums[n:end], places[n:end], False)


def _row(body: Body, section: Section, outer: Outer) -> None:
    """A row alone: a vector runs along the second list."""
    many, across = outer.into.shape
    left, right = section.slots(outer.a), section.slots(outer.b)
    for i, height in loops(body, tiles(body, many, HIGH)):
        for j, width in loops(body, tiles(body, across, body.lanes)):
            each = Loop(body, 0, outer.times, 1, [body.constant(0.0)] * height)
            a, b = body.add(body.times(each.i, many), i), body.add(body.times(each.i, across), j)
            ats = [right.at(body, body.add(b, t)) for t in range(width)]
            if width == body.lanes and right.steps and right.steps[0] == 1:
                y = body.load("%ws", ats[0])
            else:
                y = body.vector_of([body.scalar("%ws", at) for at in ats])
            xs = [body.scalar("%ws", left.at(body, body.add(a, k))) for k in range(height)]
            sums = [fma(body.splat(x), y, s) for x, s in zip(xs, each.values, strict=True)]
            for k, total in enumerate(each.end(sums)):
                add_to(body, total, *_places(body, section, body.add(i, k), j, width))


def _places(
    body: Body, section: Section, i: Index, j: Index, width: int
) -> tuple[list[Index], bool]:
    """Where the totals of a row of the table are, and whether they fill a vector."""
    into = section.lists["into"][1]
    together = bool(into.steps) and into.steps[1] == 1 and width == body.lanes
    return [into.at(body, i, body.add(j, t)) for t in range(width)], together


@dataclass
class _OuterTile:
    """Sums that stay in registers.

    Attributes:
        mask: the rows in a vector that is not full.
        down, across: the first of each list, and how many.
    """

    body: Body
    section: Section
    outer: Outer
    mask: Mask
    down: tuple[Index, int]
    across: tuple[Index, int]

    def total(self) -> list[Vector]:
        """The sums over all outer products, and over all rows."""
        body, sums = self.body, [self.body.constant(0.0)] * (self.down[1] * self.across[1])
        if self.outer.times == 1 and not body.lean:
            return self.sums(0, sums)
        each = Loop(body, 0, self.section.sizes[0](body), 1, sums)
        return each.end(self.sums(each.i, each.values))

    def sums(self, place: Index, starts: Sequence[Vector]) -> list[Vector]:
        """The sums with those of one outer product added, over all rows."""
        body, into = self.body, self.section.lists["into"][1]
        many, across = into.size(body), into.size(body, 1)
        self.a = self._slots(self.outer.a, body.times(place, many), *self.down)
        self.b = []
        if self.outer.b != (ONE,):
            self.b = self._slots(self.outer.b, body.times(place, across), *self.across)
        sums = accumulate(body, "%full", starts, self._turn)
        last = Loop(body, "%full", "%nv", 0, sums, maybe_empty=True)
        return last.end(self._turn(last.i, last.values, self.mask))

    def _slots(self, ids: Args, before: Index, first: Index, size: int) -> list[Index]:
        slots, add = self.section.slots(ids), self.body.add
        return [slots.at(self.body, add(before, add(first, k))) for k in range(size)]

    def _turn(self, v: Index, sums: Sequence[Vector], mask: Mask | None = None) -> list[Vector]:
        body, width = self.body, self.across[1]
        row = body.times(v, self.section.lanes)

        def read(at: Index) -> Vector:  # 0 where no row is, so that its product changes no sum
            x = body.load("%ws", body.add(at, row))
            return select(mask, x, 0.0) if mask else x

        xs, new = [*map(read, self.a)], list(sums)
        for t in range(width):  # one at a time: there are no more registers
            y = read(self.b[t]) if self.b else None
            for k, x in enumerate(xs):
                total = sums[k * width + t]
                new[k * width + t] = fma(x, y, total) if y else total + x
        return new


def _tail(body: Body) -> Mask:
    """The lanes of the last vector that hold rows, where it is not full."""
    lanes = body.lanes
    body.do(f"%full = udiv i64 %m, {lanes}")
    left = body.fresh(f"sub i64 %m, {body.times('%full', lanes)}")
    one = body.new(f"insertelement {body.ints} poison, i64 {left}, i64 0")
    many = body.new(
        f"shufflevector {body.ints} {one}, {body.ints} poison, <{lanes} x i32> zeroinitializer"
    )
    order = ", ".join(f"i64 {k}" for k in range(lanes))
    return Mask(body, body.new(f"icmp slt {body.ints} <{order}>, {many}"))
