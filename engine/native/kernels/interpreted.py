"""Instructions from a table: what is irregular and large is not written out, but interpreted.

A kernel reads a stream of whole numbers, an instruction after another: which operation, where its
result goes, and where its args are. Each operation is written once, whatever the size of the
graph, so that compiling takes no longer for a million nodes; and since an instruction is done for a
whole block of rows, reading it costs little. Of a row alone, several instructions of one operation
are done at once, a lane each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any

from engine.native.emit.function import Body, Loop
from engine.native.emit.positions import Index
from engine.native.emit.scalar import per_lane
from engine.native.emit.vector import Vector
from engine.native.kernels.section import Section, at_place
from engine.native.lower.plan import Interpreted
from engine.native.math.reductions import FOLDS, Fold, fold
from engine.native.math.rules import CHEAP, cost, has_formula, write
from engine.native.needs import numpy

# An operation; for each argument the number that it is, or None, and () for those of a loop; and
# how many instructions are done at once.
Key = tuple[str, tuple[float | None, ...], int]
FEW = 3  # of a row alone, instructions at once, at least


def encode(own: Section, kernel: Interpreted) -> Any:
    """Put the stream of a kernel among the numbers of its call. The answer is what its code depends
    on: all kernels of a section are one function, which has the operations of all of them.
    """
    numbers = list[int]()
    for (op, constants), ids, lists in _groups(own, kernel.ids):
        key = op, constants, len(ids)
        numbers += [own.cases.setdefault(key, len(own.cases)), *map(own.place, ids)]
        if op in FOLDS:
            numbers.append(len(lists[0]))
        elif not has_formula(op):
            numbers.append(own.called(op, len(lists[0])))
        numbers += [own.place(arg) for args in zip(*lists, strict=True) for arg in args]
    own.address(numpy().array(numbers, dtype="int64"))
    own.numbers.append(len(numbers))
    return Interpreted, own.stride


def _groups(own: Section, ids: Sequence[int]) -> Iterator[tuple[Any, list[int], list[Any]]]:
    """What is done at once: the case, the instructions, and the arguments of each."""
    size = own.size if own.lanes == 1 else 1
    for (case, _), found in groupby(ids, lambda i: (_encode(own, i)[0], len(own.tape.args[i]))):
        group = [*found]
        while group:
            now = group[:size]
            for k, i in enumerate(now):
                if not set(now).isdisjoint(own.tape.args[i]):
                    now = now[:k]  # it needs one of these
                    break
            if len(now) < FEW or not (case[0] in FOLDS or has_formula(case[0])):
                now = now[:1]
            group = group[len(now) :]
            if len(now) > 1:
                now += now[-1:] * (size - len(now))
            yield case, now, [_encode(own, i)[1] for i in now]


def write_interpreted(body: Body, section: Section, kernel: Interpreted) -> None:
    """A loop over the stream with a case for each operation."""
    _Stream(body, section, body.handed(0, "ptr")).write(section.cases, body.handed(1, "i64"))


def _encode(section: Section, i: int) -> tuple[Any, Sequence[int]]:
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

    def argument(self, ahead: Index, many: int) -> Callable[[str], Vector]:
        """How an argument of so many instructions is read, for a vector of rows."""
        body, lanes = self.body, self.section.lanes
        places = [self.read(body.add(ahead, k)) for k in range(many)]
        if lanes == 1:
            return lambda v: body.vector_of([body.scalar(self.where(x), 0) for x in places])
        return lambda v: at_place(body, places[0], body.times(v, lanes))

    def where(self, place: str) -> str:
        """A pointer to a slot."""
        return self.body.fresh(f"getelementptr inbounds i8, ptr %ws, i64 {place}")

    def case(self, key: Key) -> str:
        """One operation for all rows of the block; the answer is where the next one begins."""
        body, (op, constants, many) = self.body, key
        body.resize(max(self.section.lanes, many))
        outs = [self.where(self.read(1 + k)) for k in range(many)]
        first = 1 + many
        extra = None
        if op in FOLDS or not has_formula(op):
            extra, first = self.read(first), first + 1
        readers = [self.argument(first + k * many, many) for k in range(len(constants))]
        with Loop(body, 0, "%nv") as rows:
            if op in FOLDS:
                result = self.fold(FOLDS[op], str(extra), first, many, rows.i)
                after = body.add(body.add("%pc", first), body.times(extra or 0, many))
            else:
                args = [
                    read(rows.i) if number is None else body.constant(number)
                    for read, number in zip(readers, constants, strict=True)
                ]
                function = body.new(f"inttoptr i64 {extra} to ptr") if extra else ""
                result = per_lane(body, function, *args) if extra else write(op, args)
                after = body.add("%pc", first + len(constants) * many)
            if many == 1:
                body.store(result, outs[0], body.times(rows.i, self.section.lanes))
            else:
                for k, out in enumerate(outs):
                    body.store_scalar(result.lane(k), out, 0)
        return str(after)

    def fold(self, fold: Fold, end: str, before: int, many: int, v: str) -> Vector:
        """An operation of any number of arguments, one after another."""
        body = self.body

        def given(first: Index, number: int) -> list[Vector]:
            places = [body.add(body.times(body.add(first, k), many), before) for k in range(number)]
            return [self.argument(place, many)(v) for place in places]

        start = fold.start(body, given(0, fold.begin))
        loop = Loop(body, fold.begin, end, fold.step, start, maybe_empty=True)
        return fold.finish(loop.end(fold.turn(loop.values, given(loop.i, fold.step))))
