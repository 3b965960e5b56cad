"""A tape lowered: its kernels in order, and the slots in which their results are kept.

A slot holds the results of one instruction for the rows of a block. Where a loop wants it, results
are neighbours. Slots are used again once nobody reads them, so that a block stays in the cache.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import chain, groupby
from typing import Any
from zlib import crc32

from engine.native.lower import plan
from engine.native.lower.blocks import find_blocks, find_levels, find_products, find_totals, kind
from engine.native.lower.plan import Args, Tape

MANY = 1_000  # instructions that are written out, at most; more than these are interpreted
FEW = 256  # of a row alone, since an interpreter does several at once
LONG = 512  # and so are those of more operands
CHUNK = 192  # operands that a chunk reads, at most: compile time grows faster than its length


@dataclass(frozen=True)
class Lowered:
    """What is to be written.

    Attributes:
        once: kernels of what is the same for all rows, run once. uniform: the slots of that.
        kernels: those of what varies, run for each block of rows. layout: the slots of that.
    """

    once: list[plan.Kernel]
    uniform: Layout
    kernels: list[plan.Kernel]
    layout: Layout


def lower(tape: Tape, reduce: str | None, alone: bool = False) -> Lowered:
    """The kernels of a tape; where it is reduced, totals over rows are kernels of their own."""
    sinks = [(i, k) for k, i in enumerate(tape.outputs) if tape.varying[i]] if reduce else []
    totals, gone = find_totals(tape, sinks)
    products = find_products(tape, gone)
    levels = find_levels(tape, True, products)
    blocks = find_blocks(tape, levels, products, gone)
    kernels = make_plan(tape, levels, blocks, totals, gone, alone)
    once = make_plan(tape, find_levels(tape, False), [], [], set(), alone)
    inputs = [i for i, op in enumerate(tape.ops) if op == "input"]
    unique = list(dict.fromkeys(tape.outputs))
    layout = lay_out(kernels, inputs, [] if reduce else [i for i in unique if tape.varying[i]])
    computed = {i for k in once for i in k.writes}
    wanted = {i for k in kernels for i in k.reads}.union(unique, *map(_weights, kernels))
    lists = [k.mixed for k in kernels if isinstance(k, plan.Reduction)]
    lists += [[tuple(k.reads)] for k in (*kernels, *once) if isinstance(k, plan.Interpreted)]
    read = {i for i in chain(*chain(*lists)) if not tape.varying[i]}
    pinned = sorted(read - computed)  # leaves: what is interpreted or mixed reads slots alone
    return Lowered(
        once, lay_out(once, pinned, [*pinned, *sorted(computed & wanted)]), kernels, layout
    )


def _weights(kernel: plan.Kernel) -> list[int]:
    """The computed weights of a product."""
    if not isinstance(kernel, plan.Product) or kernel.kind == "param":
        return []
    return [*kernel.weights.flat, *([] if kernel.bias is None else kernel.bias.flat)]


def make_plan(
    tape: Tape,
    levels: Sequence[int],
    blocks: Sequence[plan.Map | plan.Gather],
    totals: Sequence[plan.Outer | plan.Scatter],
    gone: set[int],
    alone: bool,
) -> list[plan.Kernel]:
    """Kernels in an order in which they can run: all of one level before the next.

    Arguments:
        levels: of the instructions to be computed; 0 for others.
        blocks: loops that were found. gone: instructions that need not be computed.
    """
    ops, args = tape.ops, tape.args
    at: dict[int, list[plan.Map | plan.Gather | int]] = {}
    inside = set(gone)
    for block in blocks:
        ids = list(block.writes)
        inside.update(ids)
        at.setdefault(levels[ids[0]], []).append(block)
    # of one level those of one operation together, since an interpreter guesses the next
    singles = [i for i, level in enumerate(levels) if level and i not in inside]
    for i in sorted(singles, key=lambda i: (ops[i], len(args[i]))):
        at.setdefault(levels[i], []).append(i)
    steps = [step for level in sorted(at) for step in at[level]]
    marks = _marks(tape, [step for step in steps if isinstance(step, int)])
    kernels: list[Any] = []
    ids, members, weight = list[int](), set[int](), 0  # of the chunk that still grows
    for step in steps:
        cut = len(ids)
        if isinstance(step, int):
            weight += len(args[step]) + 1
            if weight <= CHUNK or not ids:
                cut = 0
            else:
                cut = min(range(cut // 2, cut), key=lambda k: marks[ids[k]]) + 1
        elif members.isdisjoint(step.reads):
            cut = 0
        if cut:
            kernels.append(plan.Chunk(ids[:cut], ops, args))
            ids = ids[cut:]
            members, weight = set(ids), sum([len(args[i]) + 1 for i in ids])
        if isinstance(step, int):
            ids.append(step)
            members.add(step)
        else:
            kernels.append(step)
    if ids:
        kernels.append(plan.Chunk(ids, ops, args))
    few = not alone or len(marks) <= FEW
    return [*_interpret(tape, kernels, MANY if few else 0), *totals]


def _marks(tape: Tape, singles: Sequence[int]) -> dict[int, int]:
    """A number for each instruction that depends on what it does and where its parents are nearby.

    Chunks end where it is least, so that what repeats is cut at the same places, and its chunks
    are of the same form.
    """
    place = {i: k for k, i in enumerate(singles)}
    marks, last = {}, 0
    for k, i in enumerate(singles):
        near = [min(k - place.get(arg, -CHUNK), CHUNK) for arg in tape.args[i]]
        text = repr((tape.ops[i], near)).encode()
        marks[i], last = crc32(text, last), crc32(text)
    return marks


def _interpret(tape: Tape, kernels: Sequence[Any], most: int) -> Iterator[Any]:
    """Kernels, of whose chunks those that repeat most are written out, once for each form; what
    exceeds `most` is interpreted.
    """
    forms = {id(k): _form(tape, k.ids) for k in kernels if isinstance(k, plan.Chunk)}
    many, written, total = Counter(forms.values()), {None}, 0
    once = sum([len(form[0]) for form in many if many[form] == 1])
    for form, count in many.most_common():
        total += len(form[0]) if count > 1 else 0
        size = total if count > 1 else total + once
        if size <= most and all(len(each) <= LONG for each in form[0]):
            written.add(form)
    for known, some in groupby(kernels, lambda k: forms.get(id(k)) in written):
        found = [*some]
        if not known:
            found = [plan.Interpreted([i for k in found for i in k.ids], tape.ops, tape.args)]
        yield from found


def _form(tape: Tape, ids: Sequence[int]) -> Any:
    """What chunks have in common that are one function called at several places."""
    place: dict[int, int] = {}
    number = [
        (tape.ops[i], *[place.setdefault(arg, len(place)) for arg in (*tape.args[i], i)])
        for i in ids
    ]
    return tuple(number), tuple([tape.numbers.get(i, kind(tape, i)) for i in place])


# --- where results lie ----------------------------------------------------------------------------
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
    steps: list[tuple[Iterable[int], Iterable[int], plan.Kernel]] = []  # what happens at once
    for kernel in kernels:
        if isinstance(kernel, plan.Interpreted):
            steps += [(kernel.args[i], (i,), kernel) for i in kernel.ids]
        else:
            steps.append((kernel.reads, kernel.writes, kernel))
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
        if isinstance(kernel, plan.Map):
            yield from (step.ids for step in kernel.steps)


def _regions(kernels: Sequence[plan.Kernel], first: Sequence[int], stored: set[int]) -> list[Args]:
    """Lists of instructions that should be neighbours; each instruction is in one of them."""
    wishes: list[Args] = [tuple(first)]
    wishes += [kernel.xs for kernel in kernels if isinstance(kernel, plan.Product)]
    for kernel in kernels:
        if isinstance(kernel, plan.Outer):
            wishes += chain(*kernel.pairs)
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


class _Free:
    """Slots that nobody needs any more, in spans as long as can be."""

    def __init__(self) -> None:
        self.end = 0  # of all slots
        self._spans: list[tuple[int, int]] = []  # size and place, by size
        self._at: dict[int, tuple[int, int]] = {}  # each by its first slot, and by that behind it

    def take(self, size: int) -> int:
        """From the smallest span that is large enough, or at the end."""
        k = bisect_left(self._spans, (size, 0))
        _, place = span = self._spans[k] if k < len(self._spans) else (0, self.end)
        if k == len(self._spans):
            span = self._at.get(-self.end, span)  # what lies before the end, and some more
            place, self.end = span[1], span[1] + size
        if span[0]:
            self._drop(span)
        if span[0] > size:
            self._keep((span[0] - size, place + size))
        return place

    def give(self, place: int, size: int) -> None:
        """Back again."""
        for span in (self._at.get(-place), self._at.get(place + size)):
            if span:
                self._drop(span)
                place, size = min(place, span[1]), size + span[0]
        self._keep((size, place))

    def _keep(self, span: tuple[int, int]) -> None:
        insort(self._spans, span)
        self._at[span[1]] = self._at[-span[0] - span[1]] = span

    def _drop(self, span: tuple[int, int]) -> None:
        del self._spans[bisect_left(self._spans, span)]
        del self._at[span[1]], self._at[-span[0] - span[1]]


def _place(regions: list[Args], born: dict[int, int], dies: dict[int, int]) -> Layout:
    """In the order in which regions are first written: where there is room, or at the end."""
    layout, free = Layout(), _Free()
    held: list[tuple[int, int, int]] = []  # until when, where, how large
    spans = [(min([born[i] for i in r]), max([dies[i] for i in r]), r) for r in regions]
    for start, finish, region in sorted(spans, key=lambda span: span[0]):
        while held and held[0][0] < start:  # a kernel may not write where it still reads
            free.give(*heappop(held)[1:])
        place, size = free.take(len(region)), len(region)
        heappush(held, (finish, place, size))
        layout.slot |= {i: place + k for k, i in enumerate(region)}
    layout.size = free.end
    return layout
