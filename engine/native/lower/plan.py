"""From a tape to a few kernels in order: matrix products, outer products, maps, and the rest.

A scalar graph of a network is full of repetition: the neurons of a layer are `dot` instructions
over the same inputs, their activations one operation on each, the gradients of their weights
products of each of one list with each of another. What repeats becomes a loop whose size in code
does not grow with the width; what does not is written out, a chunk of instructions at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from engine.native.lower.tape import Args

__all__ = [
    "ONE",
    "Chunk",
    "Gather",
    "Kernel",
    "Map",
    "Outer",
    "Product",
    "Scatter",
    "Step",
    "Interpreted",
    "make_plan",
]

ONE = -1  # instead of an instruction: the number 1
MANY = 1_000  # instructions that are written out, at most; more than these are interpreted
LONG = 512  # and so are those of more operands
CHUNK = 192  # operands that a chunk reads, at most: compile time grows faster than its length


@dataclass(frozen=True)
class Step:
    """One operation on many: ids[j] = op(columns[0][j], columns[1][j], ...)."""

    op: str
    ids: Args
    columns: tuple[Args, ...]


@dataclass
class Product:
    """ys[j] = bias[j] + sum over k of weights[j, k] * xs[k]; the weights are the same for all rows.

    Attributes:
        kind: `param` or `uniform`: where the weights (and the bias) are found.
        weights: their positions, (J, K). bias: of length J, or None.
        steps: what is done with each of ys at once.
    """

    xs: Args
    ys: Args
    kind: str
    weights: Any
    bias: Any
    steps: list[Step] = field(default_factory=list)

    @property
    def reads(self) -> Iterable[int]:
        """What it needs."""
        return chain(self.xs, *[column for step in self.steps for column in step.columns])

    @property
    def writes(self) -> Iterable[int]:
        """What it computes."""
        return chain(self.ys, *[step.ids for step in self.steps])


@dataclass
class Map:
    """A step by itself."""

    steps: list[Step]

    @property
    def reads(self) -> Iterable[int]:
        """What it needs."""
        return chain(*[column for step in self.steps for column in step.columns])

    @property
    def writes(self) -> Iterable[int]:
        """What it computes."""
        return chain(*[step.ids for step in self.steps])


@dataclass
class Gather:
    """ys[d] = the parameter at positions[d, index]: rows of an embedding."""

    index: int
    ys: Args
    positions: Any

    @property
    def reads(self) -> Iterable[int]:
        """What it needs."""
        return (self.index,)

    @property
    def writes(self) -> Iterable[int]:
        """What it computes."""
        return self.ys


@dataclass
class Outer:
    """totals[into[i, j]] += sum over rows of a[i] * b[j], where b may be (ONE,)."""

    a: Args
    b: Args
    into: Any

    @property
    def reads(self) -> Iterable[int]:
        """What it needs."""
        return (*self.a, *(x for x in self.b if x != ONE))

    writes: Iterable[int] = ()


@dataclass
class Scatter:
    """totals[into[i, index]] += sum over rows of a[i]."""

    index: int
    a: Args
    into: Any

    @property
    def reads(self) -> Iterable[int]:
        """What it needs."""
        return (*self.a, self.index)

    writes: Iterable[int] = ()


@dataclass
class Chunk:
    """Instructions written out one after another.

    Attributes:
        args: those of all instructions of the tape.
    """

    ids: list[int]
    args: Sequence[Args]

    @property
    def reads(self) -> Iterable[int]:
        """What it needs."""
        return chain(*[self.args[i] for i in self.ids])

    @property
    def writes(self) -> Iterable[int]:
        """What it computes."""
        return self.ids


class Interpreted(Chunk):
    """Instructions that are interpreted, one after another."""


Kernel = Product | Map | Gather | Outer | Scatter | Chunk


def make_plan(
    ops: Sequence[str],
    args: Sequence[Args],
    levels: Sequence[int],
    blocks: Sequence[Product | Map | Gather],
    totals: Sequence[Outer | Scatter],
    gone: set[int],
) -> list[Kernel]:
    """Kernels in an order in which they can run: all of one level before the next.

    Arguments:
        levels: of the instructions to be computed; 0 for others.
        blocks: loops that were found. gone: instructions that need not be computed.
    """
    at: dict[int, list[Product | Map | Gather | int]] = {}
    inside = set(gone)
    for block in blocks:
        ids = list(block.writes)
        inside.update(ids)
        at.setdefault(levels[ids[0]], []).append(block)
    # of one level those of one operation together, since an interpreter guesses the next
    for i in sorted(range(len(levels)), key=ops.__getitem__):
        if levels[i] and i not in inside:
            at.setdefault(levels[i], []).append(i)
    single = [i for step in at.values() for i in step if isinstance(i, int)]
    large = len(single) > MANY or any(len(args[i]) > LONG for i in single)
    kind = Interpreted if large else Chunk
    kernels: list[Kernel] = []
    ids, members, weight = list[int](), set[int](), 0  # of the chunk that still grows
    for step in [step for level in sorted(at) for step in at[level]]:
        if isinstance(step, int):
            full = weight > CHUNK and not large
        else:
            full = not members.isdisjoint(step.reads)
        if ids and full:
            kernels.append(kind(ids, args))
            ids, members, weight = [], set(), 0
        if isinstance(step, int):
            ids.append(step)
            members.add(step)
            weight += len(args[step]) + 1
        else:
            kernels.append(step)
    if ids:
        kernels.append(kind(ids, args))
    return kernels + list(totals)
