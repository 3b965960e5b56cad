"""Matrix products, whose sums stay in registers: weights that are the same for all rows, with
results that vary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from engine.native.emit.function import Body, Loop, loops
from engine.native.emit.positions import Index, Least
from engine.native.emit.vector import Vector, fma, transposed
from engine.native.kernels.section import Section, side_by_side, write_results, write_steps
from engine.native.lower.plan import Product, Reduction
from engine.native.math.reductions import FOLDS


# --- register tiles: each number that is loaded is used several times -----------------------------
def tiles(body: Body, total: Index, size: int) -> Iterator[tuple[Index, Index, int]]:
    """Whole tiles as (start, end, size), then what is left as one smaller tile, or one by one."""
    if not isinstance(total, int):
        whole = body.multiple(total, size)
        yield from ((0, whole, size), (whole, total, 1))[:size]
        return
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
    many: Index,
    starts: Sequence[Vector],
    turn: Callable[[Index, Sequence[Vector]], list[Vector]],
) -> list[Vector]:
    """Sums carried through `many` turns of a loop, a few of them written out."""
    sums, known = list(starts), isinstance(many, int)
    # (measured: more is slower, and takes longer to compile)
    unroll = 1 if body.lean else 2 if known else 4
    whole = body.multiple(many, unroll)
    for start, end, step in ((0, whole, unroll), (whole, many, 1)):
        if start == end:
            continue
        loop = Loop(body, start, end, step, sums, maybe_empty=not known)
        inner = loop.values
        for u in range(step):
            inner = turn(body.add(loop.i, u), inner)
        sums = loop.end(inner)
    return sums


# --- matrix products ------------------------------------------------------------------------------
WIDE = 57_344  # doubles: inputs of more than these do not stay in the cache from output to output
FEW = 64  # weights of an output: of fewer, it does not matter how far they are apart
STEPS = 32  # that are written out for an output, at most, unless there are more
SMALL = 6_000  # doubles that are copied to the stack, at most
LEAN = 4, 2  # outputs and vectors of rows at a time, where code is lean
PARTS, PLACES = 4, 8  # vectors of outputs at a time, or places, for a row alone
# A weight, of a tile's first output, which of its outputs, and which input.
Weight = Callable[[Index, int, Index], Vector]
Spot = tuple[Index, Index]  # a place, and a row


def write_product(body: Body, section: Section, product: Product) -> None:
    """Sums for a few outputs and a few vectors of rows at a time, over all inputs."""
    writer = _Writer(body, section, product)
    if body.lean:
        writer.write_lean()
    elif section.lanes == 1:
        writer.write_along()
    else:
        writer.write_rows()


class _Writer:
    def __init__(self, body: Body, section: Section, product: Product) -> None:
        self.body, self.section, self.product = body, section, product
        self.high, self.many = product.weights.shape
        self.height, width = LEAN if body.lean else _tile(self.high, section.registers)
        # many steps are done for few rows at a time: it is the same, in less code
        self.width = max(min(width, STEPS // max(len(product.steps), 1)), 1)
        self.pointer, self.weights = section.lists["weights"]
        self.bias = None if product.bias is None else section.lists["bias"][1]
        self.xs = section.slots(product.xs)
        self.terms = self.weights.size(body, 1)
        self.vectors = body.times("%nv", section.sizes[0](body))  # of rows, at all places

    def write_rows(self) -> None:
        """Vectors of rows. Weights that are many and no neighbours are gathered for each tile of
        outputs, where there are several vectors of rows that use them.
        """
        body, many = self.body, self.many
        together = self.weights.steps and self.weights.steps[1] == 1
        if together or many < FEW or many * self.height > SMALL:
            self.write(None)
        else:
            pack = body.room(many * self.height)
            several = body.fresh(f"icmp sgt i64 {self.vectors}, 3")
            body.either(several, partial(self.write, pack), partial(self.write, None))

    def write_lean(self) -> None:
        """One size of tiles. What of the last ones is too much is done again, or is in no row."""
        high = self.weights.size(self.body)
        body, lanes, last = self.body, self.section.lanes, self.body.add(high, -1)
        for j, height in loops(body, [(0, high, self.height)]):
            for p, _ in loops(body, [(0, self.section.sizes[0](body), 1)]):
                for v, width in loops(body, [(0, "%nv", self.width)]):
                    spots = [(p, body.times(body.add(v, t), lanes)) for t in range(width)]
                    self.tile(Least(j, last), height, spots, self.far)

    def write_along(self) -> None:
        """A row alone: vectors run along the outputs, for several places at a time."""
        body, product, lanes = self.body, self.product, self.body.lanes
        times, high = product.times, self.high
        parts = 1 if times > 1 else min(PARTS, -(-high // lanes))
        most = high - lanes if high % (parts * lanes) else None  # where the last vector begins
        size = even(times, PLACES)
        found = body.room(parts * size * lanes)
        with Loop(body, 0, high, parts * lanes) as outputs:
            starts = [body.least(body.add(outputs.i, k * lanes), most) for k in range(parts)]
            for p, places in loops(body, tiles(body, times, size)):
                for k, total in enumerate(self.sums_along(starts, p, places)):
                    body.store(total, found, k * lanes)
                with Loop(body, 0, parts * places) as each:
                    shift = body.times(each.i, high if times > 1 else lanes)
                    j = body.add(outputs.i, shift if times == 1 else 0)
                    at = body.least(j, most)
                    if times > 1:
                        at = body.add(body.add(at, body.times(p, high)), shift)
                    total = body.load(found, body.times(each.i, lanes))
                    write_results(body, self.section, product.ys, [total], at, 0, 1)
                    write_steps(
                        body, self.section, product.steps, at, 1, 0, 1, {product.ys: [total]}
                    )

    def sums_along(self, starts: Sequence[Index], p: Index, places: int) -> list[Vector]:
        """The sums of the outputs from each start on, at some places from p on."""
        body, lanes, many, weights = self.body, self.body.lanes, self.many, self.weights
        turned = weights.steps and weights.steps[1] == 1 and lanes > 1
        step = weights.steps and weights.steps[0]

        def read(j: Index, k: Index, size: int) -> list[Vector]:
            if turned and size > 1:
                lines = [self.weight_at(j, k, i) for i in range(lanes)]
                return transposed(body, [body.load(self.pointer, line) for line in lines])
            return [
                side_by_side(body, self.pointer, step, partial(self.weight_at, j, body.add(k, u)))
                for u in range(size)
            ]

        sums = [body.constant(0.0)] * (len(starts) * places)
        if self.bias is not None:
            bias, by = self.bias, self.bias.steps and self.bias.steps[0]
            for q, j in enumerate(starts):
                place = partial(lambda j, i: bias.at(body, body.add(j, i)), j)
                first = side_by_side(body, self.pointer, by, place)
                sums[q * places : (q + 1) * places] = [first] * places
        unit = lanes if turned else 2
        for start, end, size in tiles(body, many, unit):
            size = unit if size == unit else 1
            loop = Loop(body, start, end, size, sums)
            sums = [*loop.values]
            for q, j in enumerate(starts):
                for u, w in enumerate(read(j, loop.i, size)):
                    k = body.add(loop.i, u)
                    for t in range(places):
                        at = self.xs.at(body, body.add(body.times(body.add(p, t), many), k))
                        x = body.splat(body.scalar("%ws", at))
                        sums[q * places + t] = fma(w, x, sums[q * places + t])
            sums = loop.end(sums)
        return sums

    def weight_at(self, j: Index, k: Index, i: int) -> Index:
        """The position of a weight, of the output that is i after j."""
        at: Index = self.weights.at(self.body, self.body.add(j, i), k)
        return at

    def write(self, pack: str | None) -> None:
        """All tiles. With inputs that do not stay in the cache, all outputs of a few rows first."""
        body, outputs = self.body, [*tiles(self.body, self.high, self.height)]
        vectors = [*tiles(body, self.vectors, self.width)]
        if pack is None and self.many * self.section.stride > WIDE:
            for v, width in loops(body, vectors):
                for j, height in loops(body, outputs):
                    self.tile(j, height, self._where(v, width), self.far)
            return
        for j, height in loops(body, outputs):
            weight = self.far if pack is None else self.gather(j, height, pack)
            for v, width in loops(body, vectors):
                self.tile(j, height, self._where(v, width), weight)

    def _where(self, v: Index, width: int) -> list[Spot]:
        """The place of each vector from one on, and its first row."""
        body, lanes = self.body, self.section.lanes
        if self.product.times == 1:
            return [(0, body.times(body.add(v, t), lanes)) for t in range(width)]
        place = body.new(f"udiv i64 {v}, %nv")
        inner, found = body.new(f"sub i64 {v}, {body.times(place, '%nv')}"), list[Any]()
        for _ in range(width):
            found.append((place, body.times(inner, lanes)))
            after = body.add(inner, 1)
            over = body.new(f"icmp eq i64 {after}, %nv")
            inner = body.new(f"select i1 {over}, i64 0, i64 {after}")
            place = str(body.add(place, body.new(f"zext i1 {over} to i64")))
        return found

    def far(self, j: Index, i: int, k: Index) -> Vector:
        """A weight from where it is."""
        return self.body.splat(self.body.scalar(self.pointer, self.weight_at(j, k, i)))

    def gather(self, j: Index, height: int, pack: str) -> Weight:
        """Copy the weights of a tile; the answer reads the copy."""
        body = self.body
        with Loop(body, 0, self.many) as each:
            for i in range(height):
                at = self.weight_at(j, each.i, i)
                place = body.add(body.times(each.i, height), i)
                body.store_scalar(body.scalar(self.pointer, at), pack, place)
        return lambda j, i, k: body.splat(body.scalar(pack, body.add(body.times(k, height), i)))

    def tile(self, j: Index, height: int, spots: Sequence[Spot], weight: Weight) -> None:
        """Sums in registers, then the steps that follow."""
        body, section, product, width = self.body, self.section, self.product, len(spots)
        starts = [body.constant(0.0)] * (height * width)
        if self.bias is not None:
            for i in range(height):
                at = self.bias.at(body, body.add(j, i))
                start = body.splat(body.scalar(self.pointer, at))
                starts[i * width : (i + 1) * width] = [start] * width

        def turn(k: Index, sums: Sequence[Vector]) -> list[Vector]:
            inputs = []
            for p, row in spots:
                at = self.xs.at(body, body.add(body.times(p, self.terms), k))
                inputs.append(body.load("%ws", body.add(at, row)))
            new = []
            for i in range(height):
                w = weight(j, i, k)
                new += [fma(w, x, sums[i * width + t]) for t, x in enumerate(inputs)]
            return new

        sums = accumulate(body, self.terms, starts, turn)
        for t, (p, row) in enumerate(spots):
            found, at, before = sums[t::width], j, body.times(p, self.weights.size(body))
            if before != 0:
                at = replace(j, before=before) if isinstance(j, Least) else body.add(before, j)
            write_results(body, section, product.ys, found, at, row, 1)
            write_steps(body, section, product.steps, at, height, row, 1, {product.ys: found})


def _tile(height: int, registers: int) -> tuple[int, int]:
    """How many outputs and how many vectors of rows fit the registers."""
    many = next((size for size in (4, 6, 5, 3) if height % size == 0), min(height, 4))
    return many, max(1, min(6, (registers - 1) // (many + 1)))


# --- one operation of many operands -------------------------------------------------------------
def write_reduction(body: Body, section: Section, reduction: Reduction) -> None:
    """For a few results and a few vectors of rows at a time, over all operands."""
    (step,) = reduction.steps
    fold = FOLDS[step.op]
    first, others = step.columns[: fold.begin], step.columns[fold.begin :]
    many, turns = (size(body) for size in section.sizes)
    size = 4 if step.op.startswith("dot") and not body.lean else 1
    for j, height in loops(body, tiles(body, many, size)):
        for v, width in loops(body, tiles(body, "%nv", size)):
            row = body.times(v, section.lanes)
            begin, read = [[section.reader(body, c, row) for c in each] for each in (first, others)]
            places = [(body.add(j, i), t) for i in range(height) for t in range(width)]
            starts = [fold.start(body, [x(*place) for x in begin]) for place in places]
            held = len(starts[0])
            loop = Loop(body, 0, turns, 1, [x for start in starts for x in start])
            after: list[Vector] = []
            for k, (i, t) in enumerate(places):
                at = body.add(body.times(i, turns), loop.i)
                carried = loop.values[k * held : (k + 1) * held]
                after += fold.turn(carried, [x(at, t) for x in read])
            ends = loop.end(after)
            results = [fold.finish(ends[k : k + held]) for k in range(0, len(ends), held)]
            write_results(body, section, step.ids, results, j, row, width)
