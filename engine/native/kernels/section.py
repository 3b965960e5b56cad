"""Section: what the kernels that run over the same rows have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.native.emit.indexes import Pattern
from engine.native.emit.scalar import callback, per_lane
from engine.native.emit.vector import Vector
from engine.native.lower.storage import Layout
from engine.native.lower.tape import Tape
from engine.native.math.powers import pow_constant, pow_partial_constant
from engine.native.math.reductions import NARY
from engine.native.math.rules import RULES

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
