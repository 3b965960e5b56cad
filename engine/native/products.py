"""Matrix products: weights that are the same for all rows, times results that vary with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.native.emit import Body, Lanes, fma
from engine.native.maps import Section, write_results, write_steps
from engine.native.needs import numpy
from engine.native.plan import Product
from engine.native.tiles import accumulate, tiles

__all__ = ["write_product"]


def write_product(body: Body, section: Section, product: Product) -> None:
    """Sums for a few outputs and a few vectors of rows at a time, over all inputs."""
    height, width = product_tile(len(product.ys), section.registers)
    for start, end, size in tiles(len(product.ys), height):
        rows = body.loop(start, end, size)
        whole = body.fresh(f"sub i64 %nv, {body.fresh(f'urem i64 %nv, {width}')}")
        for first, last, wide in ((0, whole, width), (whole, "%nv", 1)):
            if wide == width or width > 1:
                columns = body.loop(first, last, wide, maybe_empty=True)
                _product_tile(body, section, product, rows.i, size, columns.i, wide)
                columns.end()
        rows.end()


def product_tile(height: int, registers: int) -> tuple[int, int]:
    """How many outputs and how many vectors of rows fit the registers."""
    for many in (4, 6, 5, 3):
        if height % many == 0:
            break
    else:
        many = min(height, 4)
    return many, max(1, min(6, (registers - 1) // (many + 1)))


def _product_tile(
    body: Body, section: Section, product: Product, j: str, height: int, v: str, width: int
) -> None:
    stride, lanes = section.stride, section.lanes
    pointer, scale = ("%theta", 1) if product.kind == "param" else ("%uni", lanes)
    weights = section.pattern(_places(section, product, product.weights))
    xs = section.slots(product.xs)
    row = body.times(v, lanes)
    starts = [body.constant(0.0)] * (height * width)
    if product.bias is not None:
        bias = section.pattern(_places(section, product, product.bias))
        for i in range(height):
            at = body.times(bias.at(body, body.add(j, i)), scale)
            starts[i * width : (i + 1) * width] = [body.splat(body.scalar(pointer, at))] * width

    def turn(k: str | int, sums: Sequence[Lanes]) -> list[Lanes]:
        place = body.add(body.times(xs.at(body, k), stride), row)
        inputs = [body.load("%ws", body.add(place, t * lanes)) for t in range(width)]
        new = []
        for i in range(height):
            at = weights.at(body, body.add(j, i), k)
            weight = body.splat(body.scalar(pointer, body.times(at, scale)))
            new += [fma(weight, x, sums[i * width + t]) for t, x in enumerate(inputs)]
        return new

    sums = accumulate(body, len(product.xs), starts, turn)
    write_results(body, section, product.ys, sums, j, row, width)
    write_steps(body, section, product.steps, j, height, row, width, {product.ys: sums})


def _places(section: Section, product: Product, weights: Any) -> Any:
    """Where they are: parameters by position, computed ones in their slots."""
    if product.kind == "param":
        return weights
    return numpy().vectorize(section.uniform.slot.__getitem__)(weights)
