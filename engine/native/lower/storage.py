"""Where each instruction's results lie: slots of a workspace, neighbours where a loop wants them.

A slot holds the results of one instruction for the rows of a block. Slots are used again once
nobody reads them, so that a block stays in the cache.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush

from engine.native.lower import plan
from engine.native.lower.tape import Args

__all__ = ["Layout", "lay_out"]


class Layout:
    """The slot of each instruction that has one, and how many slots there are."""

    def __init__(self) -> None:
        self.slot: dict[int, int] = {}
        self.size = 0


def lay_out(kernels: Sequence[plan.Kernel], first: Sequence[int], last: Iterable[int]) -> Layout:
    """Slots for what the kernels write and read.

    Arguments:
        first: what is there before the first kernel. last: what is read after the last.
    """
    steps = list(_steps(kernels))
    born = dict.fromkeys(first, -1)
    dies = dict.fromkeys(first, 0)
    apart: set[int] = set()  # what is read at once by whoever wrote it, and needs no slot
    for step, (reads, writes, kernel) in enumerate(steps):
        for i in writes:
            born[i] = dies[i] = step
            if not isinstance(kernel, plan.Interpreted):
                apart.add(i)
        for i in reads:
            if born.get(i, step) < step:
                dies[i] = step
                apart.discard(i)
    for i in last:
        if i in born:
            dies[i] = len(steps)
            apart.discard(i)
    for ids in _lists(kernels):  # a loop writes all of a list, or none
        if not apart.issuperset(ids):
            apart.difference_update(ids)
    return _place(_regions(kernels, first, born.keys() - apart), born, dies)


def _lists(kernels: Sequence[plan.Kernel]) -> Iterator[Args]:
    """What loops compute, list by list."""
    for kernel in kernels:
        if isinstance(kernel, plan.Product | plan.Gather):
            yield kernel.ys
        if isinstance(kernel, plan.Product | plan.Map):
            yield from (step.ids for step in kernel.steps)


def _steps(
    kernels: Sequence[plan.Kernel],
) -> Iterator[tuple[Iterable[int], Iterable[int], plan.Kernel]]:
    """What happens at once: a kernel, or one instruction of those that are interpreted."""
    for kernel in kernels:
        if isinstance(kernel, plan.Interpreted):
            yield from ((kernel.args[i], (i,), kernel) for i in kernel.ids)
        else:
            yield kernel.reads, kernel.writes, kernel


def _regions(kernels: Sequence[plan.Kernel], first: Sequence[int], stored: set[int]) -> list[Args]:
    """Lists of instructions that should be neighbours; each instruction is in one of them."""
    wishes: list[Args] = [tuple(first)]
    wishes += [kernel.xs for kernel in kernels if isinstance(kernel, plan.Product)]
    for kernel in kernels:
        if isinstance(kernel, plan.Outer):
            wishes += [kernel.a, kernel.b]
        elif isinstance(kernel, plan.Scatter):
            wishes.append(kernel.a)
    wishes += _lists(kernels)
    taken: set[int] = set()
    regions = []
    for wish in wishes:
        region = tuple([i for i in dict.fromkeys(wish) if i in stored and i not in taken])
        if region:
            taken.update(region)
            regions.append(region)
    alone = [i for k in kernels if isinstance(k, plan.Chunk) for i in k.ids]
    return regions + [(i,) for i in alone if i in stored and i not in taken]


def _place(regions: list[Args], born: dict[int, int], dies: dict[int, int]) -> Layout:
    """In the order in which regions are first written: where one of that size is free, or new."""
    layout = Layout()
    free: dict[int, list[int]] = defaultdict(list)
    held: list[tuple[int, int, int]] = []  # until when, where, how large
    spans = [(min([born[i] for i in r]), max([dies[i] for i in r]), r) for r in regions]
    for start, finish, region in sorted(spans, key=lambda span: span[0]):
        while held and held[0][0] < start:  # a kernel may not write where it still reads
            _, place, size = heappop(held)
            heappush(free[size], place)
        size = len(region)
        if free[size]:
            place = heappop(free[size])
        else:
            place, layout.size = layout.size, layout.size + size
        heappush(held, (finish, place, size))
        layout.slot |= {i: place + k for k, i in enumerate(region)}
    return layout
