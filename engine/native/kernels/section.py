"""Section, what the kernels over the same rows share; and the kernels that take one operation
after another: maps, chunks, and rows of parameters chosen by an index.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from engine.native.emit.function import Body, Loop
from engine.native.emit.positions import Index, Pattern
from engine.native.emit.scalar import c_function, callback, per_lane
from engine.native.emit.vector import Vector, literal
from engine.native.lower import plan
from engine.native.lower.blocks import MIXED
from engine.native.lower.lowering import Layout
from engine.native.lower.plan import ONE, Apply, Args, Chunk, Gather, Map, Scatter, Tape
from engine.native.math.rules import has_formula, write
from engine.native.needs import numpy

# where the tables of kernels point into, or those of products, by their kind
MEMORY = {"positions": "%theta", "into": "%out", "param": "%theta", "uniform": "%uni"}


@dataclass
class Section:
    """What the kernels of a section share; a copy for each kernel knows where its lists are.

    Attributes:
        layout: slots in the workspace, whose slots are `stride` doubles apart.
        uniform: slots of what is the same for all rows, a vector of equal lanes each.
        size, registers: doubles in a vector of the machine, and how many it holds.
        lean: code is given sizes with each call, so that programs of any sizes share it.
        keep: tables whose addresses kernels are given.
        cases: what is interpreted: a number for each operation.
        lists: for each list of a kernel the memory that it is in, and the positions there.
        numbers: what a call of the kernel is given: starts of lists, addresses of tables.
        sizes: those of the kernel, as code finds them.
        form: what the text of its code depends on.
    """

    tape: Tape
    layout: Layout
    uniform: Layout
    stride: int
    lanes: int
    size: int
    registers: int
    lean: bool = False
    keep: list[Any] = field(default_factory=list)
    cases: dict[Any, int] = field(default_factory=dict)
    lists: dict[Any, tuple[str, Any]] = field(default_factory=dict)
    numbers: list[int] = field(default_factory=list)
    sizes: Sequence[Callable[[Body], Index]] = ()
    form: Any = None

    def of(self, kernel: Any = None, encode: Callable[..., Any] | None = None) -> Section:
        """A copy for a kernel, or for other code. `encode` is for what is interpreted."""
        own = replace(self, lists={}, numbers=[])
        if isinstance(kernel, plan.Interpreted) and encode:
            own.form = encode(own, kernel)
        elif kernel:
            own.sizes = [own.number(size) for size in getattr(kernel, "sizes", ())]
            own.form = type(kernel), not self.lean and self.stride, *own.locate(kernel)
        return own

    def number(self, number: int) -> Callable[[Body], Index]:
        """How code finds a number that each call is given."""
        place = len(self.numbers)
        self.numbers.append(number)
        return lambda body: body.position(place, number)

    def locate(self, kernel: Any) -> tuple[Any, ...]:
        """Find all lists and tables of a kernel; the answer is what the text of its code depends
        on beside its type.
        """
        steps, lists = getattr(kernel, "steps", ()), list[Args]()
        chunk, xs = isinstance(kernel, Chunk), getattr(kernel, "xs", None)
        for step in steps:
            call = step.op, len(step.columns)
            if call not in self.lists and not has_formula(step.op):
                self.numbers.append(self.called(*call))
                self.lists[call] = "", len(self.numbers) - 1
        for name, each in vars(kernel).items():
            if name == MIXED:
                for ids in each:
                    self.lists[ids] = MIXED, self.address(numpy().array([*map(self.place, ids)]))
            elif isinstance(each, int | tuple) and each not in ((), (ONE,)):
                lists.append(each if isinstance(each, tuple) else (each,))
            elif hasattr(each, "shape"):
                where = MEMORY.get(name) or MEMORY[kernel.kind]
                if where == "%uni":
                    each = numpy().vectorize(self.uniform.slot.get)(each) * self.lanes
                self.lists[name] = where, self.pattern(each, name == "weights")
        lists += [ids for step in steps for ids in (step.ids, *step.columns)]
        order = {
            ids: k
            for k, ids in enumerate(dict.fromkeys(lists))
            if self.find(ids, chunk or ids == xs)
        }
        shapes = [(where, repr(getattr(at, "shape", at))) for where, at in self.lists.values()]
        operations = tuple([(step.op, len(step.columns)) for step in steps])
        sizes = [self.lanes == 1 and len(ids) for ids in lists]
        return operations, tuple([order[ids] for ids in lists]), tuple(sizes), tuple(shapes)

    def pattern(self, positions: Any, stepped: bool = False) -> Pattern:
        """Positions as code finds them: a list, or a matrix as an array.

        Arguments:
            stepped: steps are worth code of their own, even if it is lean.
        """
        found = Pattern(positions, len(self.numbers), self.lean, stepped or not self.lean)
        self.numbers += found.numbers
        if found.steps is None:
            self.keep.append(found.table)
        return found

    def find(self, ids: Args, stepped: bool = False) -> tuple[str, Any]:
        """The memory that results of one kind are in and their positions, in doubles.

        For constants that differ, where the address of their table is given; for one constant
        itself; None for results that are in no memory.
        """
        if ids in self.lists:
            return self.lists[ids]
        tape, first = self.tape, ids[0]
        found: tuple[str, Any] = "", None
        if tape.ops[first] == "const":
            numbers = [tape.numbers[i] for i in ids]
            several = len(set(ids)) > 1
            found = ("const", self.address(numpy().array(numbers))) if several else ("", numbers[0])
        else:
            where, at, scale = "%uni", self.uniform.slot, self.lanes
            if tape.ops[first] == "param":
                where, at, scale = "%theta", tape.position, 1
            elif first in self.layout.slot:
                where, at, scale = "%ws", self.layout.slot, self.stride
            if first in at:
                found = where, self.pattern([at[i] * scale for i in ids], stepped)
        self.lists[ids] = found
        return found

    def place(self, i: int) -> int:
        """A slot as a distance in bytes; what is the same for all rows lies before the others."""
        if i in self.layout.slot:
            return self.layout.slot[i] * self.stride * 8
        return (self.uniform.slot[i] - self.uniform.size) * self.lanes * 8

    def address(self, array: Any) -> int:
        """The place, among the numbers of a call, of an array's address."""
        self.keep.append(array)
        self.numbers.append(array.ctypes.data)
        return len(self.numbers) - 1

    def slots(self, ids: Args) -> Pattern:
        """The slots of results, as code finds them."""
        found: Pattern = self.find(ids)[1]
        return found

    def reader(self, body: Body, ids: Args, row: Index = 0) -> Callable[[Index, int], Vector]:
        """How code reads results of one kind, by position in ids and vector of rows from `row`."""
        (where, found), lanes = self.find(ids), self.lanes

        def entry(j: Index, kind: str = "i64") -> str:
            at = body.at(body.handed(found, "ptr"), j, kind)
            return body.new(f"load {kind}, ptr {at}, align 8")

        if not where:
            return lambda j, t: body.constant(found)
        if where == "const" and body.lanes > lanes:
            return lambda j, t: body.load(body.handed(found, "ptr"), j)
        if where == "const":
            return lambda j, t: body.splat(entry(j, "double"))
        if lanes == 1 and where != MIXED:
            step = found.steps and found.steps[0]
            return lambda j, t: side_by_side(
                body, where, step, lambda k: found.at(body, body.add(j, k))
            )
        if where == MIXED:
            return lambda j, t: at_place(body, entry(j), body.add(row, t * lanes))
        if where == "%theta":
            return lambda j, t: body.splat(body.scalar(where, found.at(body, j)))
        if where == "%uni":
            return lambda j, t: body.load(where, found.at(body, j))
        return lambda j, t: body.load(where, body.add(body.add(found.at(body, j), row), t * lanes))

    def called(self, op: str, many: int) -> int:
        """The address of a row's float function of so many arguments."""
        row = self.tape.called[op]
        address, keep = c_function(row) or callback(row.function, many)
        self.keep += [row, keep]
        return address

    def compute(self, op: str, args: Sequence[Vector]) -> Vector:
        """An operation's result, by its formula or by calls of its float function."""
        if has_formula(op):
            return write(op, args)
        body = args[0].body
        return per_lane(body, body.handed(self.lists[op, len(args)][1], "ptr"), *args)


def side_by_side(body: Body, where: str, step: int | None, at: Callable[[int], Index]) -> Vector:
    """A vector of what is at so many places, which are a step apart if there is one."""
    if step == 0:
        return body.splat(body.scalar(where, at(0)))
    if step == 1:
        return body.load(where, at(0))
    return body.vector_of([body.scalar(where, at(k)) for k in range(body.lanes)])


def at_place(body: Body, place: str, row: Index) -> Vector:
    """A vector of rows at what `place` answered, which is known when the code runs."""
    same = body.new(f"icmp slt i64 {place}, 0")
    pointer = body.new(f"getelementptr inbounds i8, ptr %ws, i64 {place}")
    return body.load(pointer, body.new(f"select i1 {same}, i64 0, i64 {row}"))


def write_steps(
    body: Body,
    section: Section,
    steps: Sequence[Apply],
    j: Index,
    height: int,
    row: Index,
    width: int,
    found: dict[Args, list[Vector]],
) -> None:
    """Steps for a few positions from j on, and a few vectors of rows.

    Arguments:
        found: what is in registers already, by column: `height` times `width` vectors.
    """
    for step in steps:
        for column in step.columns:
            if column not in found:
                read = section.reader(body, column, row)
                places = [(body.add(j, i), t) for i in range(height) for t in range(width)]
                found[column] = [read(*place) for place in places]
        operands = zip(*[found[column] for column in step.columns], strict=True)
        found[step.ids] = [section.compute(step.op, each) for each in operands]
        write_results(body, section, step.ids, found[step.ids], j, row, width)


def write_results(
    body: Body,
    section: Section,
    ids: Args,
    results: Sequence[Vector],
    j: Index,
    row: Index,
    width: int,
) -> None:
    """To the slots of those who have one."""
    where, slots = section.find(ids)
    if where != "%ws":
        return
    if body.lanes > section.lanes and not (slots.steps and slots.steps[0] == 1):
        (result,) = results
        for k in range(body.lanes):
            body.store_scalar(result.lane(k), "%ws", slots.at(body, body.add(j, k)))
        return
    for i in range(len(results) // width):
        place = body.add(slots.at(body, body.add(j, i)), row)
        for t in range(width):
            body.store(results[i * width + t], "%ws", body.add(place, t * section.lanes))


def write_map(body: Body, section: Section, block: Map) -> None:
    """One position after another, for all rows of the block. Of a row alone, a vector of positions;
    the last may begin before the one before it ends.
    """
    many, size = len(block.steps[0].ids), body.lanes // section.lanes
    with Loop(body, 0, section.sizes[0](body), size) as columns, Loop(body, 0, "%nv") as rows:
        j = body.least(columns.i, many - size if many % size else None)
        row = body.times(rows.i, section.lanes)
        write_steps(body, section, block.steps, j, 1, row, 1, {})


def write_chunk(body: Body, section: Section, chunk: Chunk) -> None:
    """One instruction after another, for a vector of rows at a time."""
    with Loop(body, 0, "%nv") as rows:
        body.first = body.lines  # what a call is given is read where it is used: it is much
        write_steps(body, section, chunk.steps, 0, 1, body.times(rows.i, section.lanes), 1, {})


# --- embeddings: an index that varies from row to row chooses parameters --------------------------
NAN = literal(float("nan"))


def write_gather(body: Body, section: Section, gather: Gather) -> None:
    """A nan where the index is none of 0, 1, 2, ..."""
    slots, positions = section.slots(gather.ys), section.lists["positions"][1]
    with Loop(body, 0, body.fresh(f"mul i64 %nv, {section.lanes}")) as rows:
        index, valid = _index(body, section, gather.index, rows.i, positions.size(body, 1))
        with Loop(body, 0, positions.size(body)) as columns:
            x = body.scalar("%theta", positions.at(body, columns.i, index))
            x = body.fresh(f"select i1 {valid}, double {x}, double {NAN}")
            place = body.add(slots.at(body, columns.i), rows.i)
            body.store_scalar(x, "%ws", place)


def write_scatter(body: Body, section: Section, scatter: Scatter) -> None:
    """Each row adds to the totals that its index says."""
    slots, into = section.slots(scatter.a), section.lists["into"][1]
    with Loop(body, 0, "%m") as rows:
        index, valid = _index(body, section, scatter.index, rows.i, into.size(body, 1))
        with Loop(body, 0, into.size(body)) as columns:
            place = body.add(slots.at(body, columns.i), rows.i)
            x = body.fresh(f"select i1 {valid}, double {body.scalar('%ws', place)}, double 0.0")
            total = into.at(body, columns.i, index)
            new = body.fresh(f"fadd double {body.scalar('%out', total)}, {x}")
            body.store_scalar(new, "%out", total)


def _index(body: Body, section: Section, i: int, row: str, many: Index) -> tuple[str, str]:
    """The index of a row as an integer below `many` (0 where it is none), and whether it is one."""
    x = body.scalar("%ws", body.add(section.slots((i,)).at(body, 0), row))
    low = body.fresh(f"fcmp oge double {x}, 0.0")
    end = (
        literal(float(many)) if isinstance(many, int) else body.new(f"sitofp i64 {many} to double")
    )
    high = body.fresh(f"fcmp olt double {x}, {end}")
    inside = body.fresh(f"and i1 {low}, {high}")
    safe = body.fresh(f"select i1 {inside}, double {x}, double 0.0")
    index = body.fresh(f"fptosi double {safe} to i64")
    back = body.fresh(f"sitofp i64 {index} to double")
    whole = body.fresh(f"fcmp oeq double {back}, {safe}")
    return index, body.fresh(f"and i1 {inside}, {whole}")
