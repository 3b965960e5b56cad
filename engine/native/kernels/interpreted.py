"""Instructions from a table: what is irregular and large is not written out, but interpreted.

A kernel reads a stream of whole numbers, an instruction after another: which operation, where its
result goes, and where its args are. Each operation is written once, whatever the size of the
graph, so that compiling takes no longer for a million nodes; and since an instruction is done for a
whole block of rows, reading it costs little.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from engine.native.emit.function import Body, Index, Loop
from engine.native.emit.scalar import per_lane
from engine.native.emit.vector import Vector
from engine.native.kernels.section import Section, at_place
from engine.native.lower.plan import Interpreted
from engine.native.math.reductions import FOLDS, Fold, fold
from engine.native.math.rules import CHEAP, cost, has_formula, write
from engine.native.needs import numpy

# An operation, and for each argument the number that it is, or None; () for those of a loop.
Key = tuple[str, tuple[float | None, ...]]


def encode(own: Section, kernel: Interpreted) -> Any:
    """Put the stream of a kernel among the numbers of its call. The answer is what its code depends
    on: all kernels of a section are one function, which has the operations of all of them.
    """
    numbers = list[int]()
    for i in kernel.ids:
        key, args = _encode(own, i)
        numbers += [own.cases.setdefault(key, len(own.cases)), own.place(i)]
        if key[0] in FOLDS:
            numbers.append(len(args))
        elif not has_formula(key[0]):
            numbers.append(own.called(key[0], len(args)))
        numbers += [own.place(arg) for arg in args]
    own.address(numpy().array(numbers, dtype="int64"))
    own.numbers.append(len(numbers))
    return Interpreted, own.stride


def write_interpreted(body: Body, section: Section, kernel: Interpreted) -> None:
    """A loop over the stream with a case for each operation."""
    _Stream(body, section, body.handed(0, "ptr")).write(section.cases, body.handed(1, "i64"))


def _encode(section: Section, i: int) -> tuple[Key, Sequence[int]]:
    """An instruction's case, and its arguments in the order in which the case reads them."""
    op, args = section.tape.ops[i], section.tape.args[i]
    if op in FOLDS:
        name, ordered = fold(op, args)
        return (name, ()), ordered
    unknown = (None,) * len(args)
    if has_formula(op) and cost(op, unknown) > CHEAP:
        known = tuple([section.tape.numbers.get(arg) for arg in args])
        if cost(op, known) < cost(op, unknown) // 2:  # such as x**2 beside x**y
            return (op, known), args
    return (op, unknown), args


class _Stream:
    """Writes the loop over a stream."""

    def __init__(self, body: Body, section: Section, stream: str) -> None:
        self.body, self.section, self.stream = body, section, stream

    def write(self, keys: dict[Key, int], length: str) -> None:
        body = self.body
        body.do("br label %next")
        head, start = len(body.lines), body.block
        arrivals = [("0", start)]
        body.open("next")
        body.do("")  # the phi of %pc, when all arrivals are known
        case = body.fresh(f"load i64, ptr {body.at(self.stream, '%pc', 'i64')}, align 8")
        labels = [f"i64 {number}, label %case{number}" for number in keys.values()]
        body.do(f"switch i64 {case}, label %over [{' '.join(labels)}]")
        for key, number in keys.items():
            body.open(f"case{number}")
            body.enter()
            after = self.case(key)
            more = body.fresh(f"icmp slt i64 {after}, {length}")
            body.do(f"br i1 {more}, label %next, label %over")
            arrivals.append((after, body.block))
            body.leave()
        edges = ", ".join(f"[{value}, %{block}]" for value, block in arrivals)
        body.lines[head + 1] = f"  %pc = phi i64 {edges}"
        body.open("over")

    def read(self, ahead: Index) -> str:
        """A number of the stream."""
        place = self.body.at(self.stream, self.body.add("%pc", ahead), "i64")
        return self.body.fresh(f"load i64, ptr {place}, align 8")

    def argument(self, ahead: Index) -> Callable[[str], Vector]:
        """How an argument is read, for a vector of rows."""
        body, place = self.body, self.read(ahead)
        return lambda v: at_place(body, place, body.times(v, self.section.lanes))

    def case(self, key: Key) -> str:
        """One operation for all rows of the block; the answer is where the next one begins."""
        body, (op, constants) = self.body, key
        out = body.fresh(f"getelementptr inbounds i8, ptr %ws, i64 {self.read(1)}")
        extra = self.read(2) if op in FOLDS or not has_formula(op) else None
        first = 3 if extra else 2
        readers = [self.argument(first + k) for k in range(len(constants))]
        with Loop(body, 0, "%nv") as rows:
            if op in FOLDS:
                result = self.fold(FOLDS[op], str(extra), rows.i)
                after = body.add(body.add("%pc", first), extra or 0)
            else:
                args = [
                    read(rows.i) if number is None else body.constant(number)
                    for read, number in zip(readers, constants, strict=True)
                ]
                function = body.new(f"inttoptr i64 {extra} to ptr") if extra else ""
                result = per_lane(body, function, *args) if extra else write(op, args)
                after = body.add("%pc", first + len(constants))
            body.store(result, out, body.times(rows.i, self.section.lanes))
        return str(after)

    def fold(self, fold: Fold, many: str, v: str) -> Vector:
        """An operation of any number of arguments, one after another."""
        body = self.body
        first = [self.argument(body.add(3, k))(v) for k in range(fold.begin)]
        start = fold.start(body, first)
        loop = Loop(body, fold.begin, many, fold.step, start, maybe_empty=True)
        given = [self.argument(body.add(body.add(loop.i, 3), k))(v) for k in range(fold.step)]
        return fold.finish(loop.end(fold.turn(loop.values, given)))
