"""One operation on many results, and chunks of instructions written out one after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.native.emit.function import Body, Vector
from engine.native.emit.scalar import callback, per_lane
from engine.native.lower.indexes import Index
from engine.native.lower.plan import Chunk, Map, Step
from engine.native.lower.storage import Layout, Pattern
from engine.native.lower.tape import Args, Tape
from engine.native.math.powers import pow_constant, pow_partial_constant
from engine.native.math.reductions import NARY
from engine.native.math.rules import RULES
from engine.native.needs import numpy

__all__ = ["Section", "write_chunk", "write_map", "write_steps"]


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

    def compute(self, op: str, operands: Sequence[Vector]) -> Vector:
        """An operation of the table, or of a user's own."""
        if op in NARY:
            return NARY[op](operands)
        known = [operand.number for operand in operands]
        if op == "pow" and (exponent := known[1]) is not None:
            return pow_constant(operands[0], exponent)
        if op == "power_partial" and (j := known[2]) is not None and (k := known[3]) is not None:
            return pow_partial_constant(operands[0], operands[1], j, k)
        if op in RULES:
            return RULES[op](*operands)
        address, keep = callback(self.tape.own[op].function, len(operands))
        self.keep += [self.tape.own[op], keep]
        return per_lane(operands[0].body, address, *operands)


Reader = Callable[[Index, int], Vector]  # of a position in the column, and of a vector of rows


def write_steps(
    body: Body,
    section: Section,
    steps: Sequence[Step],
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
                read = _reader(body, section, column, row)
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


def _reader(body: Body, section: Section, column: Args, row: Index) -> Reader:
    """How a position of a column is read."""
    tape, lanes = section.tape, section.lanes
    first = column[0]
    if tape.ops[first] == "const":
        numbers = numpy().array([tape.numbers[i] for i in column])
        if len(set(column)) == 1:
            return lambda j, t: body.constant(tape.numbers[first])
        section.keep.append(numbers)
        table = f"inttoptr (i64 {numbers.ctypes.data} to ptr)"
        return lambda j, t: body.splat(body.scalar(table, j))
    if tape.ops[first] == "param":
        places = section.pattern([tape.position[i] for i in column])
        return lambda j, t: body.splat(body.scalar("%theta", places.at(body, j)))
    if first in section.layout.slot:
        slots, stride = section.slots(column), section.stride
        return lambda j, t: body.load(
            "%ws", body.add(body.add(body.times(slots.at(body, j), stride), row), t * lanes)
        )
    same = section.pattern([section.uniform.slot[i] for i in column])
    return lambda j, t: body.load("%uni", body.times(same.at(body, j), lanes))


def write_map(body: Body, section: Section, block: Map) -> None:
    """One position after another, for all rows of the block."""
    columns = body.loop(0, len(block.steps[0].ids))
    rows = body.loop(0, "%nv")
    row = body.times(rows.i, section.lanes)
    write_steps(body, section, block.steps, columns.i, 1, row, 1, {})
    rows.end()
    columns.end()


def write_chunk(body: Body, section: Section, chunk: Chunk) -> None:
    """One instruction after another, for a vector of rows at a time."""
    tape = section.tape
    loop = body.loop(0, "%nv")
    row = body.times(loop.i, section.lanes)
    found: dict[int, Vector] = {}
    for i in chunk.ids:
        for arg in tape.args[i]:
            if arg not in found:
                found[arg] = _reader(body, section, (arg,), row)(0, 0)
        found[i] = section.compute(tape.ops[i], [found[arg] for arg in tape.args[i]])
        write_results(body, section, (i,), [found[i]], 0, row, 1)
    loop.end()
