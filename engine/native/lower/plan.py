"""What lowering makes of a graph: a tape of instructions, and a plan of kernels that compute them.

A scalar graph of a network is full of repetition: the neurons of a layer are `dot` instructions
over the same inputs, their activations one operation on each, the gradients of their weights
products of each of one list with each of another. What repeats becomes a loop whose size in code
does not grow with the width; what does not is written out, a chunk of instructions at a time.
"""

from __future__ import annotations

import hashlib
import marshal
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

from engine.core.operation import TABLE, Operation

Args = tuple[int, ...]


class Tape:
    """Instructions by number: `ops[i]` on the results of `args[i]`.

    The leaves are `input` and `param` (whose place among the inputs and the parameters is in
    `position`) and `const` (whose number is in `numbers`).
    """

    def __init__(self) -> None:
        self.ops: list[str] = []
        self.args: list[Args] = []
        self.position: dict[int, int] = {}
        self.numbers: dict[int, float] = {}
        self.varying: list[bool] = []  # from row to row; else the same for all rows of a call
        self.outputs: list[int] = []
        self.called: dict[str, Operation] = {}  # rows whose float function is called
        self.raised: Counter[str] = Counter()  # how many instructions raising.py made of others
        self.written: Tape | None = None  # what it was raised from
        self._known: dict[Any, int] = {}
        self._constants = self.numbers.keys()

    def leaf(self, op: str, position: int) -> int:
        """An input or a parameter."""
        self.position[number := len(self.ops)] = position
        self.ops.append(op)
        self.args.append(())
        self.varying.append(op == "input")
        return number

    def const(self, number: float) -> int:
        """A constant: the same number is the same instruction."""
        found = self.keep("const", (), exactly(number))
        self.numbers[found] = number
        return found

    def put(self, op: str, args: Args) -> int:
        """The instruction of a row of the table (or of a step of an expansion)."""
        if not self._constants.isdisjoint(args):
            if op == "mul":  # exactly its other factor
                for one, other in (args, args[::-1]):
                    if self.numbers.get(one) == 1.0:
                        return other
            # a user's row may have the name of a step, such as "share", which has no row
            row = self.called.get(op) or TABLE.get(op)
            known = row and (op in self.called or not row.own)
            if row and known and all(arg in self.numbers for arg in args):
                return self.const(fold(row.function, [self.numbers[arg] for arg in args]))
        return self.keep(op, args)

    def keep(self, op: str, args: Args, key: Any = None) -> int:
        """An instruction as it is: the same one, if it is there already."""
        new = len(self.ops)
        number = self._known.setdefault(key or (op, args), new)
        if number == new:
            self.ops.append(op)
            self.args.append(args)
            self.varying.append(any(map(self.varying.__getitem__, args)))
        return number

    def end(self) -> Tape:
        """Itself, with nothing more to come: what would find instructions again takes much room."""
        self._known.clear()
        return self

    def call(self, op: Operation, args: Args) -> int:
        """An instruction that calls a row's float function, for each row of inputs by itself."""
        name = f"{op.name}@{id(op)}"  # a user's row may be replaced by another of its name
        self.called[name] = op
        return self.put(name, args)

    def inline(self, parts: Tape, args: Args) -> int:
        """The instructions of another tape, with args for its inputs; the number of its output."""
        self.called |= parts.called
        numbers: list[int] = []
        for i, (op, inner) in enumerate(zip(parts.ops, parts.args, strict=True)):
            if op == "input":
                numbers.append(args[parts.position[i]])
            elif op == "const":
                numbers.append(self.const(parts.numbers[i]))
            else:
                numbers.append(self.put(op, tuple([numbers[k] for k in inner])))
        return numbers[parts.outputs[0]]

    @cached_property
    def key(self) -> bytes:
        """The structure in short."""
        return hashlib.sha256(marshal.dumps(self.structure(), 2)).digest()

    def structure(self) -> tuple[Any, ...]:
        """What two programs have to share to share their code."""
        numbers = tuple((i, x.hex()) for i, x in self.numbers.items())
        positions = tuple(self.position.items())
        return tuple(self.ops), tuple(self.args), numbers, positions, tuple(self.outputs)


def exactly(number: float) -> float | str:
    """A number as a key: -0.0 has another than 0.0, and any two nans have one."""
    return number if number == number and number else repr(number)


def fold(function: Callable[..., float], numbers: Sequence[float]) -> float:
    """A row's function on numbers, as a Value computes it."""
    try:
        return function(*numbers)
    except (ValueError, ZeroDivisionError):
        return float("nan")
    except OverflowError:
        return float("inf")


# --- kernels --------------------------------------------------------------------------------------
ONE = -1  # instead of an instruction: the number 1


@dataclass(frozen=True)
class Apply:
    """One operation on many: ids[j] = op(columns[0][j], columns[1][j], ...)."""

    op: str
    ids: Args
    columns: tuple[Args, ...]


@dataclass
class Map:
    """Operations on many, done for one position after another."""

    steps: list[Apply]

    @property
    def sizes(self) -> Sequence[int]:
        """How many positions there are."""
        return [len(step.ids) for step in self.steps[:1]]

    @property
    def reads(self) -> Iterable[int]:
        """What it needs."""
        return chain(*[column for step in self.steps for column in step.columns])

    @property
    def writes(self) -> Iterable[int]:
        """What it computes."""
        return chain(*[step.ids for step in self.steps])


@dataclass
class Reduction(Map):
    """One operation of many operands, in a loop over them, for each of a list.

    The columns of its step are those operands that the loop begins with, then those of its turns,
    which are as many times as long as there are turns: those of one result, then of the next.

    Attributes:
        mixed: columns in which some vary from row to row, and some do not.
    """

    mixed: list[Args]

    @property
    def sizes(self) -> Sequence[int]:
        """How many results there are, and turns for each."""
        (step,) = self.steps
        return len(step.ids), len(step.columns[-1]) // len(step.ids)


@dataclass
class Product(Map):
    """ys[j] = bias[j] + sum over k of weights[j, k] * xs[k]; the weights are the same for all rows.

    The lists of several products with the same weights follow one another: those of the places of
    a sequence, say.

    Attributes:
        steps: what is done with each of ys at once.
        kind: `param` or `uniform`: where the weights (and the bias) are found.
        weights: their positions, (J, K). bias: of length J, or None.
    """

    xs: Args
    ys: Args
    kind: str
    weights: Any
    bias: Any

    @property
    def times(self) -> int:
        """How many products there are."""
        return len(self.ys) // len(self.weights)

    @property
    def sizes(self) -> Sequence[int]:
        """What its code is given."""
        return [self.times]

    @property
    def reads(self) -> Iterable[int]:
        """What it needs."""
        return chain(self.xs, super().reads)

    @property
    def writes(self) -> Iterable[int]:
        """What it computes."""
        return chain(self.ys, super().writes)


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
    """totals[into[i, j]] += sum over rows of a[i] * b[j], where b may be (ONE,).

    The lists of several outer products into the same totals follow one another: those of the
    places of a sequence, say.
    """

    a: Args
    b: Args
    into: Any

    @property
    def times(self) -> int:
        """How many outer products there are."""
        return len(self.a) // len(self.into)

    @property
    def sizes(self) -> Sequence[int]:
        """What its code is given."""
        return [self.times]

    @property
    def pairs(self) -> Iterator[tuple[Args, Args]]:
        """The two lists of each."""
        high, wide = self.into.shape
        for k in range(self.times):
            b = self.b if self.b == (ONE,) else self.b[k * wide : (k + 1) * wide]
            yield self.a[k * high : (k + 1) * high], b

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
        ops, args: those of all instructions of the tape.
    """

    ids: list[int]
    ops: Sequence[str]
    args: Sequence[Args]

    @property
    def steps(self) -> list[Apply]:
        """Each by itself."""
        columns = [tuple([(arg,) for arg in self.args[i]]) for i in self.ids]
        return [Apply(self.ops[i], (i,), each) for i, each in zip(self.ids, columns, strict=True)]

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


Kernel = Map | Gather | Outer | Scatter | Chunk
