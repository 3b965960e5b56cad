"""Section, what the kernels over the same rows share; and the kernels that take one operation
after another: maps, chunks, and rows of parameters chosen by an index.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.native.emit.function import Body, Index, Loop, Pattern
from engine.native.emit.scalar import callback, per_lane
from engine.native.emit.vector import Vector, literal
from engine.native.lower.lowering import Layout
from engine.native.lower.plan import Apply, Args, Chunk, Gather, Map, Scatter, Tape
from engine.native.math.rules import has_formula, write
from engine.native.needs import numpy


@dataclass
class Section:
    """What the kernels of a section share.

    Attributes:
        layout: slots in the workspace, whose slots are `stride` doubles apart.
        uniform: slots of what is the same for all rows, a vector of equal lanes each.
        registers: vectors that the machine holds.
        keep: tables whose addresses are in the code.
    """

    tape: Tape
    layout: Layout
    uniform: Layout
    stride: int
    lanes: int
    registers: int
    keep: list[Any] = field(default_factory=list)

    def pattern(self, positions: Any) -> Pattern:
        """Positions as code finds them."""
        found = Pattern(positions)
        self.keep.append(found.table)
        return found

    def slots(self, ids: Sequence[int]) -> Pattern:
        """The slots of instructions, as code finds them."""
        return self.pattern([self.layout.slot[i] for i in ids])

    def reader(self, body: Body, ids: Args, row: Index = 0) -> Callable[[Index, int], Vector]:
        """How code reads results of one kind, by position in ids and vector of rows from `row`."""
        tape, lanes, first = self.tape, self.lanes, ids[0]
        if tape.ops[first] == "const":
            if len(set(ids)) == 1:
                return lambda j, t: body.constant(tape.numbers[first])
            numbers = numpy().array([tape.numbers[i] for i in ids])
            self.keep.append(numbers)
            table = f"inttoptr (i64 {numbers.ctypes.data} to ptr)"
            return lambda j, t: body.splat(body.scalar(table, j))
        if tape.ops[first] == "param":
            places = self.pattern([tape.position[i] for i in ids])
            return lambda j, t: body.splat(body.scalar("%theta", places.at(body, j)))
        if first in self.layout.slot:
            slots, stride = self.slots(ids), self.stride
            return lambda j, t: body.load(
                "%ws", body.add(body.add(body.times(slots.at(body, j), stride), row), t * lanes)
            )
        same = self.pattern([self.uniform.slot[i] for i in ids])
        return lambda j, t: body.load("%uni", body.times(same.at(body, j), lanes))

    def compute(self, op: str, args: Sequence[Vector]) -> Vector:
        """An operation's result, by its formula or by calls of its float function."""
        if has_formula(op):
            return write(op, args)
        address, keep = callback(self.tape.called[op].function, len(args))
        self.keep += [self.tape.called[op], keep]
        return per_lane(args[0].body, address, *args)


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
    if ids[0] not in section.layout.slot:
        return
    slots = section.slots(ids)
    for i in range(len(results) // width):
        place = body.add(body.times(slots.at(body, body.add(j, i)), section.stride), row)
        for t in range(width):
            body.store(results[i * width + t], "%ws", body.add(place, t * section.lanes))


def write_map(body: Body, section: Section, block: Map) -> None:
    """One position after another, for all rows of the block."""
    with Loop(body, 0, len(block.steps[0].ids)) as columns, Loop(body, 0, "%nv") as rows:
        row = body.times(rows.i, section.lanes)
        write_steps(body, section, block.steps, columns.i, 1, row, 1, {})


def write_chunk(body: Body, section: Section, chunk: Chunk) -> None:
    """One instruction after another, for a vector of rows at a time."""
    ops, args = section.tape.ops, section.tape.args
    steps = [Apply(ops[i], (i,), tuple([(arg,) for arg in args[i]])) for i in chunk.ids]
    with Loop(body, 0, "%nv") as rows:
        write_steps(body, section, steps, 0, 1, body.times(rows.i, section.lanes), 1, {})


# --- embeddings: an index that varies from row to row chooses parameters --------------------------
NAN = literal(float("nan"))


def write_gather(body: Body, section: Section, gather: Gather) -> None:
    """A nan where the index is none of 0, 1, 2, ..."""
    slots, positions = section.slots(gather.ys), section.pattern(gather.positions)
    with Loop(body, 0, body.fresh(f"mul i64 %nv, {section.lanes}")) as rows:
        index, valid = _index(body, section, gather.index, rows.i, gather.positions.shape[1])
        with Loop(body, 0, len(gather.ys)) as columns:
            x = body.scalar("%theta", positions.at(body, columns.i, index))
            x = body.fresh(f"select i1 {valid}, double {x}, double {NAN}")
            place = body.add(body.times(slots.at(body, columns.i), section.stride), rows.i)
            body.store_scalar(x, "%ws", place)


def write_scatter(body: Body, section: Section, scatter: Scatter) -> None:
    """Each row adds to the totals that its index says."""
    slots, into = section.slots(scatter.a), section.pattern(scatter.into)
    with Loop(body, 0, "%m") as rows:
        index, valid = _index(body, section, scatter.index, rows.i, scatter.into.shape[1])
        with Loop(body, 0, len(scatter.a)) as columns:
            place = body.add(body.times(slots.at(body, columns.i), section.stride), rows.i)
            x = body.fresh(f"select i1 {valid}, double {body.scalar('%ws', place)}, double 0.0")
            total = into.at(body, columns.i, index)
            new = body.fresh(f"fadd double {body.scalar('%out', total)}, {x}")
            body.store_scalar(new, "%out", total)


def _index(body: Body, section: Section, i: int, row: str, many: int) -> tuple[str, str]:
    """The index of a row as an integer below `many` (0 where it is none), and whether it is one."""
    x = body.scalar("%ws", body.add(section.layout.slot[i] * section.stride, row))
    low = body.fresh(f"fcmp oge double {x}, 0.0")
    high = body.fresh(f"fcmp olt double {x}, {literal(float(many))}")
    inside = body.fresh(f"and i1 {low}, {high}")
    safe = body.fresh(f"select i1 {inside}, double {x}, double 0.0")
    index = body.fresh(f"fptosi double {safe} to i64")
    back = body.fresh(f"sitofp i64 {index} to double")
    whole = body.fresh(f"fcmp oeq double {back}, {safe}")
    return index, body.fresh(f"and i1 {inside}, {whole}")
