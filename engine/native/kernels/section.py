"""Section: what the kernels that run over the same rows have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.native.emit.function import Body
from engine.native.emit.indexes import Index, Pattern
from engine.native.emit.scalar import callback, per_lane
from engine.native.emit.vector import Vector
from engine.native.lower.storage import Layout
from engine.native.lower.tape import Args, Tape
from engine.native.math.formulas import has_formula, write
from engine.native.needs import numpy

__all__ = ["Section"]


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
