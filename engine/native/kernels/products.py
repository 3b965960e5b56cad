"""Matrix products: weights that are the same for all rows, times results that vary with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from engine.native.emit.function import Body, Loop
from engine.native.emit.indexes import Index
from engine.native.emit.tiles import accumulate, tiles
from engine.native.emit.vector import Vector, fma
from engine.native.kernels.maps import write_results, write_steps
from engine.native.kernels.section import Section
from engine.native.lower.plan import Product
from engine.native.needs import numpy

__all__ = ["write_product"]

WIDE = 57_344  # doubles: inputs of more than these do not stay in the cache from output to output
FEW = 64  # weights of an output: of fewer, it does not matter how far they are apart
STEPS = 32  # that are written out for an output, at most, unless there are more
SMALL = 6_000  # doubles that are copied to the stack, at most
# A weight, of a tile's first output, which of its outputs, and which input.
Weight = Callable[[Index, int, Index], Vector]


def write_product(body: Body, section: Section, product: Product) -> None:
    """Sums for a few outputs and a few vectors of rows at a time, over all inputs."""
    writer = _Writer(body, section, product)
    if not writer.scattered():
        writer.write(None)
        return
    # weights far apart (those of a transposed matrix) are gathered for each tile of outputs, where
    # there are several vectors of rows that use them
    copy = f"[{len(product.xs) * writer.height} x double]"
    pack = body.fresh(f"alloca {copy}, align 64")
    body.do(f"br i1 {body.fresh('icmp sgt i64 %nv, 3')}, label %several, label %few")
    for label, where in (("several", pack), ("few", None)):
        body.open(label)
        body.enter()
        writer.write(where)
        body.leave()
        body.do("br label %end")
    body.open("end")


class _Writer:
    def __init__(self, body: Body, section: Section, product: Product) -> None:
        self.body, self.section, self.product = body, section, product
        self.height, width = _tile(len(product.ys), section.registers)
        # many steps are done for few rows at a time: it is the same, in less code
        self.width = max(min(width, STEPS // max(len(product.steps), 1)), 1)
        parameters = product.kind == "param"
        self.pointer, self.scale = ("%theta", 1) if parameters else ("%uni", section.lanes)
        self.weights = section.pattern(self._places(product.weights))
        self.bias = None
        if product.bias is not None:
            self.bias = section.pattern(self._places(product.bias))
        self.xs = section.slots(product.xs)

    def _places(self, weights: Any) -> Any:
        """Where they are: parameters by position, computed ones in their slots."""
        if self.product.kind == "param":
            return weights
        return numpy().vectorize(self.section.uniform.slot.__getitem__)(weights)

    def scattered(self) -> bool:
        """Whether the weights of an output are many and no neighbours."""
        together = self.weights.regular and self.weights.steps[1] == 1
        many = len(self.product.xs)
        return not together and many >= FEW and many * self.height <= SMALL

    def write(self, pack: str | None) -> None:
        """All tiles. With inputs that do not stay in the cache, all outputs of a few rows first."""
        body, many, vectors = self.body, len(self.product.ys), self._vectors()
        if pack is None and len(self.product.xs) * self.section.stride > WIDE:
            for first, last, wide in vectors:
                columns = Loop(body, first, last, wide, maybe_empty=True)
                for start, end, size in tiles(many, self.height):
                    rows = Loop(body, start, end, size)
                    self.tile(rows.i, size, columns.i, wide, self.far)
                    rows.end()
                columns.end()
            return
        for start, end, size in tiles(many, self.height):
            rows = Loop(body, start, end, size)
            weight = self.far if pack is None else self.gather(rows.i, size, pack)
            for first, last, wide in vectors:
                columns = Loop(body, first, last, wide, maybe_empty=True)
                self.tile(rows.i, size, columns.i, wide, weight)
                columns.end()
            rows.end()

    def _vectors(self) -> list[tuple[Index, Index, int]]:
        """Rows in vectors, several at a time, then one by one."""
        if self.width == 1:
            return [(0, "%nv", 1)]
        rest = self.body.fresh(f"urem i64 %nv, {self.width}")
        whole = self.body.fresh(f"sub i64 %nv, {rest}")
        return [(0, whole, self.width), (whole, "%nv", 1)]

    def far(self, j: Index, i: int, k: Index) -> Vector:
        """A weight from where it is."""
        at = self.body.times(self.weights.at(self.body, self.body.add(j, i), k), self.scale)
        return self.body.splat(self.body.scalar(self.pointer, at))

    def gather(self, j: Index, height: int, pack: str) -> Weight:
        """Copy the weights of a tile; the answer reads the copy."""
        body = self.body
        each = Loop(body, 0, len(self.product.xs))
        for i in range(height):
            at = body.times(self.weights.at(body, body.add(j, i), each.i), self.scale)
            place = body.add(body.times(each.i, height), i)
            body.store_scalar(body.scalar(self.pointer, at), pack, place)
        each.end()
        return lambda j, i, k: body.splat(body.scalar(pack, body.add(body.times(k, height), i)))

    def tile(self, j: Index, height: int, v: Index, width: int, weight: Weight) -> None:
        """Sums in registers, then the steps that follow."""
        body, section, product = self.body, self.section, self.product
        lanes, row = section.lanes, body.times(v, section.lanes)
        starts = [body.constant(0.0)] * (height * width)
        if self.bias is not None:
            for i in range(height):
                at = body.times(self.bias.at(body, body.add(j, i)), self.scale)
                start = body.splat(body.scalar(self.pointer, at))
                starts[i * width : (i + 1) * width] = [start] * width

        def turn(k: Index, sums: Sequence[Vector]) -> list[Vector]:
            place = body.add(body.times(self.xs.at(body, k), section.stride), row)
            inputs = [body.load("%ws", body.add(place, t * lanes)) for t in range(width)]
            new = []
            for i in range(height):
                w = weight(j, i, k)
                new += [fma(w, x, sums[i * width + t]) for t, x in enumerate(inputs)]
            return new

        sums = accumulate(body, len(product.xs), starts, turn)
        write_results(body, section, product.ys, sums, j, row, width)
        write_steps(body, section, product.steps, j, height, row, width, {product.ys: sums})


def _tile(height: int, registers: int) -> tuple[int, int]:
    """How many outputs and how many vectors of rows fit the registers."""
    many = next((size for size in (4, 6, 5, 3) if height % size == 0), min(height, 4))
    return many, max(1, min(6, (registers - 1) // (many + 1)))
