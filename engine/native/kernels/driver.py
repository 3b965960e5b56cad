"""The function that runs a program: rows in, block after block, results and totals out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from engine.native.emit.function import Body, Loop, loops
from engine.native.emit.positions import Index, Pattern
from engine.native.emit.vector import Vector, literal, transposed
from engine.native.kernels.products import tiles
from engine.native.kernels.section import Section
from engine.native.lower.blocks import kind


# --- between the caller's arrays and the slots of a block of rows ---------------------------------
def write_rows_in(body: Body, section: Section) -> None:
    """To slots; what is left of the last vector repeats the last row."""
    tape, layout = section.tape, section.layout
    inputs = [i for i, op in enumerate(tape.ops) if op == "input" and i in layout.slot]
    if not inputs:
        return
    columns = section.pattern([tape.position[i] for i in inputs])
    slots = section.slots(tuple(inputs))
    padded = body.fresh(f"mul i64 %nv, {section.lanes}")
    last = body.fresh("sub i64 %m, 1")
    squares = _squares(body, section, columns, slots)
    with Loop(body, 0, columns.size(body)) as each:
        column = body.times(columns.at(body, each.i), "%right")
        slot = slots.at(body, each.i)
        start: Index = 0
        if squares is not None:
            inside = body.fresh(f"icmp slt i64 {each.i}, {squares[1]}")
            start = body.fresh(f"select i1 {inside}, i64 {squares[0]}, i64 0")
        for k, (i, _) in enumerate(loops(body, [(start, "%m", 1), ("%m", padded, 1)])):
            x = body.scalar("%rows", body.add(body.times(last if k else i, "%down"), column))
            body.store_scalar(x, "%ws", body.add(slot, i))


def _squares(
    body: Body, section: Section, columns: Pattern, slots: Pattern
) -> tuple[str, Index] | None:
    """Neighbouring columns a square of numbers at a time, turned over in registers.

    Returns how many rows of how many columns that were; None where columns are no neighbours.
    """
    lanes, many = section.lanes, columns.sizes[0]
    if many < lanes or columns.steps != [1] or slots.steps != [section.stride]:
        return None
    whole = body.multiple(columns.size(body), lanes)
    full = body.fresh(f"sub i64 %m, {body.fresh(f'urem i64 %m, {lanes}')}")
    beside = body.fresh("icmp eq i64 %right, 1")
    rows = body.fresh(f"select i1 {beside}, i64 {full}, i64 0")
    with (
        Loop(body, 0, rows, lanes, maybe_empty=True) as down,
        Loop(body, 0, whole, lanes) as across,
    ):
        lines = []
        for k in range(lanes):
            row = body.times(body.add(down.i, k), "%down")
            lines.append(body.load("%rows", body.add(row, columns.at(body, across.i))))
        for k, line in enumerate(transposed(body, lines)):
            body.store(line, "%ws", body.add(slots.at(body, body.add(across.i, k)), down.i))
    return rows, whole


def write_rows_out(body: Body, section: Section) -> None:
    """From slots; what is the same for all rows is repeated."""
    outputs = section.tape.outputs
    many = section.number(len(outputs))(body)
    varying = [(k, i) for k, i in enumerate(outputs) if i in section.layout.slot]
    same = [(k, i) for k, i in enumerate(outputs) if i not in section.layout.slot]
    if varying:
        places = section.pattern([k for k, _ in varying])
        slots = section.slots(tuple([i for _, i in varying]))
    # a few rows at a time, so that a line of `out` is filled while it is near
    for row, few in loops(body, tiles(body, "%m", 1 if body.lean else section.lanes)):
        starts = [body.times(body.add(row, k), many) for k in range(few)]
        if varying:
            with Loop(body, 0, places.size(body)) as each:
                place, at = places.at(body, each.i), body.add(slots.at(body, each.i), row)
                xs = None if few == 1 else body.load("%ws", at)
                for k, start in enumerate(starts):
                    x = xs.lane(k) if xs else body.scalar("%ws", at)
                    body.store_scalar(x, "%out", body.add(start, place))
        for place, y in _same(body, section, same):
            for start in starts:
                body.store_scalar(y.lane(0), "%out", body.add(start, place))


def write_pinned(body: Body, section: Section) -> None:
    """Constants and parameters to slots of their own, for kernels that read all from slots."""
    ops = section.tape.ops
    pinned = [(slot, i) for i, slot in section.layout.slot.items() if ops[i] in ("const", "param")]
    for slot, x in _same(body, section, pinned):
        body.store(x, "%uni", body.times(slot, section.lanes))


def write_same(body: Body, section: Section, count: str | None) -> None:
    """The outputs that are the same for all rows, times the count of rows if there is one."""
    same = [(k, i) for k, i in enumerate(section.tape.outputs) if not section.tape.varying[i]]
    for place, x in _same(body, section, same):
        y = x if count is None else x * body.splat(count)
        body.store_scalar(y.lane(0), "%out", place)


def _same(
    body: Body, section: Section, outputs: Sequence[tuple[int, int]]
) -> Iterator[tuple[Index, Vector]]:
    """Where each goes, and its number in all lanes; in a loop that closes when it goes on."""
    kinds, lanes = defaultdict(list), body.lanes
    body.resize(section.lanes)
    for place, i in outputs:
        kinds[kind(section.tape, i)].append((place, i))
    for found in kinds.values():
        places = section.pattern([place for place, _ in found])
        read = section.reader(body, tuple([i for _, i in found]))
        with Loop(body, 0, places.size(body)) as each:
            yield places.at(body, each.i), read(each.i, 0)
    body.resize(lanes)


# --- block after block of rows --------------------------------------------------------------------
BLOCK = "i64 %nv, i64 %m, ptr noalias readonly %given"
KERNEL = f"ptr noalias %ws, ptr noalias %theta, ptr noalias %uni, ptr noalias %out, {BLOCK}"
ROWS_IN = f"ptr noalias %rows, i64 %down, i64 %right, ptr noalias %ws, {BLOCK}"
RUN = "ptr %call"
RUNS = "ptr %calls, i64 %count"
HEAD = 8  # doubles at the beginning of a workspace
CALL = {  # what lies there, 64 bits each
    "rows": "ptr",
    "down_bytes": "i64",
    "right_bytes": "i64",
    "n": "i64",
    "theta": "ptr",
    "out": "ptr",
    "ws": "ptr",
    "over": "double",  # what a mean is divided by, or how often what is the same is added
}


def write_runs(body: Body, _: Section) -> str:
    """`run`, as often as there are calls. The answer is 1 if it is so for any of them."""
    odd = body.room(1)
    body.do(f"store i64 0, ptr {odd}, align 8")
    with Loop(body, 0, "%count") as each:
        call = body.at("%calls", body.times(each.i, len(CALL)))
        space = body.fresh(f"load ptr, ptr {body.at(call, [*CALL].index('ws'))}, align 8")
        run = body.fresh(f"load ptr, ptr {body.at(space, 2)}, align 8")
        found = body.fresh(f"call i64 {run}(ptr {call})")
        found = body.fresh(f"or i64 {body.fresh(f'load i64, ptr {odd}, align 8')}, {found}")
        body.do(f"store i64 {found}, ptr {odd}, align 8")
    return body.fresh(f"load i64, ptr {odd}, align 8")


@dataclass
class Driver:
    """Calls the kernels, which are in a table: the address of each function, and that of the
    numbers which this call of it is given. A workspace begins with the address of the table, that
    of the driver's own numbers, and its own.

    Attributes:
        once: kernels for what is the same for all rows, called once; they come first.
        rowwise: kernels for a block of rows; the first of them brings the rows.
        block: rows, at most.
    """

    reduce: str | None
    once: int
    rowwise: int
    block: int
    section: Section

    def write(self, body: Body, _: Section) -> str:
        """Its body. The answer is 1 if anything in `out` is not finite, else 0."""
        lanes, many = self.section.lanes, len(self.section.tape.outputs)
        before = HEAD + self.section.uniform.size * lanes
        self.unpack(body)
        numbers = self.once, self.once + 1, self.once + self.rowwise, before, many, self.block
        once, first, end, at, self._many, self._most = (
            self.section.number(number)(body) for number in numbers
        )
        body.do(f"%uni = getelementptr inbounds double, ptr %ws, i64 {HEAD}")
        body.do(f"%block = getelementptr inbounds double, ptr %ws, i64 {at}")
        same = f"ptr %uni, ptr %theta, ptr %uni, ptr %out, i64 1, i64 {lanes}"
        self.call(body, 0, once, same)
        if self.reduce:
            size = body.times(self._many, 8)
            body.do(f"call void @llvm.memset.p0.i64(ptr %out, i8 0, i64 {size}, i1 false)")
            body.declared.add("declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
        blocks, m, nv = self.split(body)
        rows = body.at("%rows", body.times(blocks.i, "%down"))
        out = "%out" if self.reduce else body.at("%out", body.times(blocks.i, self._many))
        where = f"ptr %block, i64 {nv}, i64 {m}"
        self.call(body, once, first, f"ptr {rows}, i64 %down, i64 %right, {where}")
        given = f"ptr %block, ptr %theta, ptr %uni, ptr {out}, i64 {nv}, i64 {m}"
        self.call(body, first, end, given)
        blocks.end()
        return self.finish(body) if self.reduce else self.odd(body, body.times("%n", self._many))

    def call(self, body: Body, first: Index, end: Index, arguments: str) -> None:
        """Call so many kernels of the table."""
        with Loop(body, first, end, maybe_empty=True) as each:
            entry = body.at("%table", body.times(each.i, 2))
            kernel = body.fresh(f"load ptr, ptr {entry}, align 8")
            given = body.fresh(f"load ptr, ptr {body.at(entry, 1)}, align 8")
            body.do(f"call void {kernel}({arguments}, ptr {given})")

    def unpack(self, body: Body) -> None:
        """What it is called with, by name."""
        body.first = body.lines
        for k, name in enumerate(CALL):
            body.do(f"%{name} = load {CALL[name]}, ptr {body.at('%call', k)}, align 8")
        body.do("%table = load ptr, ptr %ws, align 8")
        body.do(f"%given = load ptr, ptr {body.at('%ws', 1)}, align 8")
        body.do("%down = ashr i64 %down_bytes, 3")
        body.do("%right = ashr i64 %right_bytes, 3")

    def split(self, body: Body) -> tuple[Loop, str, str]:
        """A loop over all rows in blocks of about as many each, in whole vectors.

        Returns the loop, and how many rows and vectors its block has.
        """
        lanes, above = self.section.lanes, body.add(body.add("%n", self._most), -1)
        blocks = body.fresh(f"udiv i64 {above}, {self._most}")
        some = body.fresh(f"call i64 @llvm.umax.i64(i64 {blocks}, i64 1)")
        body.declared.add("declare i64 @llvm.umax.i64(i64, i64)")
        body.declared.add("declare i64 @llvm.umin.i64(i64, i64)")
        above = body.fresh(f"sub i64 {body.fresh(f'add i64 %n, {some}')}, 1")
        each = self.vectors(body, body.fresh(f"udiv i64 {above}, {some}"))
        size = body.fresh(f"mul i64 {each}, {lanes}")
        loop = Loop(body, 0, "%n", size, maybe_empty=True)
        left = body.fresh(f"sub i64 %n, {loop.i}")
        m = body.fresh(f"call i64 @llvm.umin.i64(i64 {left}, i64 {size})")
        return loop, m, self.vectors(body, m)

    def vectors(self, body: Body, rows: str) -> str:
        """How many vectors so many rows fill, the last one perhaps in part."""
        lanes = self.section.lanes
        return body.fresh(f"udiv i64 {body.fresh(f'add i64 {rows}, {lanes - 1}')}, {lanes}")

    def finish(self, body: Body) -> str:
        """From sums to means, and what is the same for all rows; the answer is that of `odd`."""
        many, count = self._many, "%over"
        if self.reduce == "sum":
            write_same(body, self.section, count)
            return self.odd(body, many)
        write_same(body, self.section, None)  # divided, it is odd where it was
        whole = body.fresh(f"fptosi double {count} to i64")
        less = body.fresh(f"and i64 {whole}, {body.fresh(f'sub i64 {whole}, 1')}")
        exact = body.fresh(f"icmp eq i64 {less}, 0")  # its inverse is: a product takes less time
        inverse = body.fresh(f"fdiv double {literal(1.0)}, {count}")
        found = body.choose(
            exact,
            lambda: self.strange(body, many, lambda x: x * body.splat(inverse)),
            lambda: self.strange(body, many, lambda x: x / body.splat(count)),
        )
        write_same(body, self.section, None)
        return self.flag(body, found)

    def odd(self, body: Body, total: Index) -> str:
        """1 where any output is infinite or nan, else 0."""
        return self.flag(body, self.strange(body, total))

    def flag(self, body: Body, found: Vector) -> str:
        """1 where any lane is a nan, else 0."""
        return body.fresh(f"zext i1 {found.is_nan().any()} to i64")

    def strange(
        self, body: Body, total: Index, change: Callable[[Vector], Vector] | None = None
    ) -> Vector:
        """A nan, in some lane, where any output is not finite. In passing they are changed."""
        lanes = body.lanes
        whole = body.multiple(total, lanes)
        found = [body.constant(0.0)]
        for start, end, step in ((0, whole, lanes), (whole, total, 1)):
            loop = Loop(body, start, end, step, found, maybe_empty=True)
            one = step == 1
            x = body.splat(body.scalar("%out", loop.i)) if one else body.load("%out", loop.i)
            if change:
                x = change(x)
                if one:
                    body.store_scalar(x.lane(0), "%out", loop.i)
                else:
                    body.store(x, "%out", loop.i)
            # bits put together, and not added up: so the next turn need not wait for this one
            found = loop.end([(loop.values[0].bits() | (x - x).bits()).number()])
        return found[0]
