"""Instructions from a table: what is irregular and large is not written out, but interpreted.

A kernel reads a stream of whole numbers, an instruction after another: which operation, where its
result goes, and where its args are. Each operation is written once, whatever the size of the
graph, so that compiling takes no longer for a million nodes; and since an instruction is done for a
whole block of rows, reading it costs little.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.native.emit.function import Body, Index, Loop
from engine.native.emit.vector import Vector
from engine.native.kernels.section import Section
from engine.native.lower.plan import Interpreted
from engine.native.math.reductions import FOLDS, Fold, fold
from engine.native.math.rules import CHEAP, cost, has_formula
from engine.native.needs import numpy

# An operation, and for each argument the number that it is, or None; () for those of a loop.
Key = tuple[str, tuple[float | None, ...]]


def write_interpreted(body: Body, section: Section, kernel: Interpreted) -> None:
    """The stream, and a loop over it with a case for each operation."""
    keys: dict[Key, int] = {}
    numbers: list[int] = []
    for i in kernel.ids:
        key, args = _encode(section, i)
        numbers += [keys.setdefault(key, len(keys)), _place(section, i)]
        numbers += [len(args)] * (key[0] in FOLDS)
        numbers += [_place(section, arg) for arg in args]
    stream = numpy().array(numbers, dtype="int64")
    section.keep.append(stream)
    _Stream(body, section, f"inttoptr (i64 {stream.ctypes.data} to ptr)").write(keys, len(stream))


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


def _place(section: Section, i: int) -> int:
    """A slot as a distance in bytes; all bits turned, where it is the same for all rows."""
    if i in section.layout.slot:
        return section.layout.slot[i] * section.stride * 8
    return ~(section.uniform.slot[i] * section.lanes * 8)


class _Stream:
    """Writes the loop over a stream."""

    def __init__(self, body: Body, section: Section, stream: str) -> None:
        self.body, self.section, self.stream = body, section, stream

    def write(self, keys: dict[Key, int], length: int) -> None:
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
        same = body.fresh(f"icmp slt i64 {place}, 0")
        turned = body.fresh(f"xor i64 {place}, -1")
        distance = body.fresh(f"select i1 {same}, i64 {turned}, i64 {place}")
        base = body.fresh(f"select i1 {same}, ptr %uni, ptr %ws")
        pointer = body.fresh(f"getelementptr inbounds i8, ptr {base}, i64 {distance}")
        step = body.fresh(f"select i1 {same}, i64 0, i64 {self.section.lanes}")
        return lambda v: body.load(pointer, body.times(v, step))

    def case(self, key: Key) -> str:
        """One operation for all rows of the block; the answer is where the next one begins."""
        body, (op, constants) = self.body, key
        out = body.fresh(f"getelementptr inbounds i8, ptr %ws, i64 {self.read(1)}")
        many = self.read(2) if op in FOLDS else None
        readers = [self.argument(2 + k) for k in range(len(constants))]
        with Loop(body, 0, "%nv") as rows:
            if many:
                result = self.fold(FOLDS[op], many, rows.i)
                after = body.add(body.add("%pc", 3), many)
            else:
                args = [
                    read(rows.i) if number is None else body.constant(number)
                    for read, number in zip(readers, constants, strict=True)
                ]
                result = self.section.compute(op, args)
                after = body.add("%pc", 2 + len(constants))
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
