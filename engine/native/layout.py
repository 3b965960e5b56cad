"""Where each instruction's results lie: slots of a workspace, neighbours where a loop wants them.

A slot holds the results of one instruction for the rows of a block. Slots are used again once
nobody reads them, so that a block stays in the cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from engine.native.needs import numpy as np
from engine.native.plan import Chunk, Gather, Kernel, Map, Outer, Product, Scatter
from engine.native.tape import Args

__all__ = ["Layout", "Pattern", "lay_out"]


class Pattern:
    """The positions of a list or a matrix of things: steps of a fixed size, or else a table."""

    def __init__(self, positions: Any) -> None:
        table = self.table = np().ascontiguousarray(positions, dtype="int64")
        self.start = int(table.flat[0])
        self.steps = [
            int(table.take(1, axis).flat[0]) - self.start if size > 1 else 0
            for axis, size in enumerate(table.shape)
        ]
        grid = self.start + sum(
            np().arange(size).reshape([-1 if a == axis else 1 for a in range(table.ndim)]) * step
            for axis, (size, step) in enumerate(zip(table.shape, self.steps, strict=True))
        )
        self.regular = bool((grid == table).all())

    def at(self, body: Any, *indexes: str | int) -> str | int:
        """The position of one of them, as an index while a body is written."""
        if self.regular:
            place: str | int = self.start
            for index, step in zip(indexes, self.steps, strict=True):
                place = body.add(place, body.times(index, step))
            return place
        flat: str | int = 0
        for index, size in zip(indexes, self.table.shape, strict=True):
            flat = body.add(body.times(flat, size), index)
        address = f"inttoptr (i64 {self.table.ctypes.data} to ptr)"
        return str(body.new(f"load i64, ptr {body.at(address, flat, 'i64')}, align 8"))


class Layout:
    """The slot of each instruction that has one, and how many slots there are."""

    def __init__(self) -> None:
        self.slot: dict[int, int] = {}
        self.size = 0


def lay_out(kernels: Sequence[Kernel], first: Sequence[int], last: Sequence[int]) -> Layout:
    """Slots for what the kernels write and read.

    Arguments:
        first: what is there before the first kernel. last: what is read after the last.
    """
    born = dict.fromkeys(first, -1)
    dies = {}
    for step, kernel in enumerate(kernels):
        for i in kernel.writes:
            born[i] = step
        for i in kernel.reads:
            if i in born:
                dies[i] = step
    for i in last:
        dies[i] = len(kernels)
    for i in first:
        dies.setdefault(i, 0)
    # what a chunk alone reads of its own needs no slot
    stored = {i for i, step in dies.items() if step > born[i]}
    for ids in chain(*map(_lists, kernels)):
        if not stored.isdisjoint(ids):  # a loop stores all of a list, or none
            stored.update(ids)
            dies.update({i: born[i] for i in ids if i not in dies})
    regions = _regions(kernels, first, stored)
    return _place(regions, born, dies, len(kernels))


def _lists(kernel: Kernel) -> list[Args]:
    """The lists of results that a loop computes."""
    match kernel:
        case Product():
            return [kernel.ys, *[step.ids for step in kernel.steps]]
        case Map():
            return [step.ids for step in kernel.steps]
        case Gather():
            return [kernel.ys]
    return []


def _regions(kernels: Sequence[Kernel], first: Sequence[int], stored: set[int]) -> list[Args]:
    """Lists of instructions that should be neighbours; each instruction is in one of them."""
    wishes: list[Args] = [tuple(first)]
    wishes += [kernel.xs for kernel in kernels if isinstance(kernel, Product)]
    for kernel in kernels:
        match kernel:
            case Outer():
                wishes += [kernel.a, kernel.b]
            case Scatter():
                wishes.append(kernel.a)
            case _:
                wishes += _lists(kernel)
    wishes += [(i,) for kernel in kernels if isinstance(kernel, Chunk) for i in kernel.ids]
    taken: set[int] = set()
    regions = []
    for wish in wishes:
        region = tuple([i for i in dict.fromkeys(wish) if i in stored and i not in taken])
        if region:
            taken.update(region)
            regions.append(region)
    return regions


def _place(regions: list[Args], born: dict[int, int], dies: dict[int, int], end: int) -> Layout:
    """First fit, in the order in which regions are first written."""
    layout = Layout()
    open_regions: list[tuple[int, int, int]] = []  # (dies, start, size)
    spans = [(min(born[i] for i in r), max(dies[i] for i in r), r) for r in regions]
    for start, finish, region in sorted(spans, key=lambda span: span[0]):
        # a kernel may not write where it still reads
        open_regions = [each for each in open_regions if each[0] >= start]
        place = 0
        for _, other, size in sorted(open_regions, key=lambda each: each[1]):
            if place + len(region) <= other:
                break
            place = max(place, other + size)
        open_regions.append((finish, place, len(region)))
        for k, i in enumerate(region):
            layout.slot[i] = place + k
        layout.size = max(layout.size, place + len(region))
    return layout
