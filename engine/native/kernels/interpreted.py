"""Instructions from a table: what is irregular and large is not written out, but interpreted.

A kernel reads a stream of whole numbers, an instruction after another: which operation, where its
result goes, and where its operands are. Each operation is written once, whatever the size of the
graph, so that compiling takes no longer for a million nodes; and since an instruction is done for a
whole block of rows, reading it costs little.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.native.emit.function import Body
from engine.native.emit.indexes import Index
from engine.native.emit.vector import Vector, fma, select
from engine.native.kernels.section import Section
from engine.native.lower.plan import Interpreted
from engine.native.math.rules import max2, min2
from engine.native.needs import numpy

__all__ = ["write_interpreted"]

Key = tuple[str, int, float | None]  # an operation, its operands (or -1: any number), an exponent
Fold = Callable[
    [Sequence[Vector], Vector], list[Vector]
]  # of what is carried, and the next operand


def write_interpreted(body: Body, section: Section, kernel: Interpreted) -> None:
    """The stream, and a loop over it with a case for each operation."""
    keys: dict[Key, int] = {}
    numbers: list[int] = []
    for i in kernel.ids:
        key, operands = _encode(section, i)
        numbers += [keys.setdefault(key, len(keys)), _place(section, i)]
        numbers += [len(operands)] * (key[1] < 0)
        numbers += [_place(section, arg) for arg in operands]
    stream = numpy().array(numbers, dtype="int64")
    section.keep.append(stream)
    _Reader(body, section, f"inttoptr (i64 {stream.ctypes.data} to ptr)").write(keys, len(stream))


def _encode(section: Section, i: int) -> tuple[Key, Sequence[int]]:
    """An instruction's case and its operands; those of a `dot` in the order in which it adds."""
    op, args = section.tape.ops[i], section.tape.args[i]
    if op == "dot":
        n = len(args) // 2
        pairs = [arg for pair in zip(args[:n], args[n : 2 * n], strict=True) for arg in pair]
        rest = args[2 * n :]
        return ("dot with bias" if rest else "dot", -1, None), [*rest, *pairs]
    if op in FOLDS and (op != "sum" or len(args) > 2):
        return (op, -1, None), args
    if op == "pow" and args[1] in section.tape.numbers:
        return (op, 2, section.tape.numbers[args[1]]), args
    return (op, len(args), None), args


def _place(section: Section, i: int) -> int:
    """A slot as a distance in bytes; all bits turned, where it is the same for all rows."""
    if i in section.layout.slot:
        return section.layout.slot[i] * section.stride * 8
    return ~(section.uniform.slot[i] * section.lanes * 8)


class _Reader:
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

    def operand(self, ahead: Index) -> Callable[[str], Vector]:
        """How an operand is read, for a vector of rows."""
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
        body, (op, arity, exponent) = self.body, key
        out = body.fresh(f"getelementptr inbounds i8, ptr %ws, i64 {self.read(1)}")
        if arity < 0:
            many = self.read(2)
            rows = body.loop(0, "%nv")
            result = self.fold(op, many, rows.i)
            after = body.add(body.add("%pc", 3), many)
        else:
            readers = [self.operand(2 + k) for k in range(arity)]
            rows = body.loop(0, "%nv")
            operands = [read(rows.i) for read in readers]
            if exponent is not None:
                operands[1] = body.constant(exponent)
            result = self.section.compute(op, operands)
            after = body.add("%pc", 2 + arity)
        body.store(result, out, body.times(rows.i, self.section.lanes))
        rows.end()
        return str(after)

    def fold(self, op: str, many: str, v: str) -> Vector:
        """An operation of any number of operands, one after another."""
        body, (begin, step, turn, finish) = self.body, FOLDS[op]
        first = [self.operand(body.add(3, k))(v) for k in range(begin)]
        carried = START[op](body, first)
        loop = body.loop(begin, many, step, [x.name for x in carried], maybe_empty=True)
        given = [self.operand(body.add(body.add(loop.i, 3), k))(v) for k in range(step)]
        found = turn([Vector(body, name) for name in loop.values], given)
        return finish([Vector(body, name) for name in loop.end([x.name for x in found])])


# --- operations of any number of operands, one at a time -----------------------------------------
Carried = Sequence[Vector]


def _add(carried: Carried, given: Carried) -> list[Vector]:
    result, lost = carried
    (x,) = given
    s = result + x
    part = s - result
    return [s, lost + ((result - (s - part)) + (x - part))]


def _added(carried: Carried) -> Vector:
    result, lost = carried
    return select((result - result).equals(0.0), result + lost, result)


def _rest(carried: Carried, given: Carried) -> list[Vector]:
    top, result, lost = carried
    (x,) = given
    larger = x > top
    return [select(larger, x, top), *_add([result, lost], [select(larger, top, x)])]


def _larger(carried: Carried, given: Carried) -> list[Vector]:
    return [max2(*carried, *given)]


def _smaller(carried: Carried, given: Carried) -> list[Vector]:
    return [min2(*carried, *given)]


def _choose(carried: Carried, given: Carried) -> list[Vector]:
    index, k, result = carried
    return [index, k + 1.0, select(index.equals(k), given[0], result)]


# operands that begin it, operands that each turn takes, a turn, and what it comes to
Folding = tuple[int, int, Callable[[Carried, Carried], list[Vector]], Callable[[Carried], Vector]]
FOLDS: dict[str, Folding] = {
    "dot": (0, 2, lambda c, x: [fma(x[0], x[1], c[0])], lambda c: c[0]),
    "dot with bias": (1, 2, lambda c, x: [fma(x[0], x[1], c[0])], lambda c: c[0]),
    "sum": (1, 1, _add, _added),
    "rest": (1, 1, _rest, lambda c: _added(c[1:])),
    "maximum": (1, 1, _larger, lambda c: c[0]),
    "minimum": (1, 1, _smaller, lambda c: c[0]),
    "choose": (1, 1, _choose, lambda c: c[2]),
}
START: dict[str, Callable[[Body, Carried], Carried]] = {
    "dot": lambda body, first: [body.constant(0.0)],
    "dot with bias": lambda body, first: first,
    "sum": lambda body, first: [*first, body.constant(0.0)],
    "rest": lambda body, first: [*first, body.constant(0.0), body.constant(0.0)],
    "maximum": lambda body, first: first,
    "minimum": lambda body, first: first,
    "choose": lambda body, first: [*first, body.constant(0.0), body.constant(float("nan"))],
}
