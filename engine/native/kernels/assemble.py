"""A module's text: each kernel as a function, and the one that calls them block by block."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from engine.native.emit.function import Body
from engine.native.kernels.driver import KERNEL, ROWS_IN, RUN, Driver
from engine.native.kernels.embedding import write_gather, write_scatter
from engine.native.kernels.interpreted import write_interpreted
from engine.native.kernels.io import write_pinned, write_rows_in, write_rows_out
from engine.native.kernels.maps import write_chunk, write_map
from engine.native.kernels.outers import write_outer
from engine.native.kernels.products import write_product
from engine.native.kernels.section import Section
from engine.native.lower import plan
from engine.native.lower.lowering import lower
from engine.native.lower.tape import Args, Tape

__all__ = ["Assembly", "assemble"]

CACHE = 32_000  # doubles: half of a cache of the second level
LARGE = 2_000  # weights
LINE = 8  # doubles in a line of the cache


@dataclass
class Assembly:
    """The text, and how much of a workspace it wants.

    Attributes:
        doubles: of the workspace. flops: additions and multiplications of a row.
        keep: what the code has addresses of.
    """

    text: str
    doubles: int
    kernels: list[plan.Kernel]
    flops: int
    keep: list[Any]


def assemble(tape: Tape, reduce: str | None, lanes: int) -> Assembly:
    """The module of a tape, for vectors of so many doubles."""
    lowered = lower(tape, reduce)
    rows = _block(lowered.layout.size, lanes, lowered.kernels)
    registers = 32 if lanes == 8 else 16
    inner = Section(tape, lowered.layout, lowered.uniform, _apart(rows), lanes, registers)
    outer = Section(tape, lowered.uniform, lowered.uniform, lanes, lanes, registers)
    module = _Module(lanes)
    once = [module.add("pinned", KERNEL, write_pinned, outer)]
    once += [module.kernel(k, outer, f"u{i}") for i, k in enumerate(lowered.once)]
    module.add("rows_in", ROWS_IN, write_rows_in, inner)
    rowwise = [module.kernel(k, inner, f"k{i}") for i, k in enumerate(lowered.kernels)]
    if not reduce:
        rowwise.append(module.add("rows_out", KERNEL, write_rows_out, inner))
    module.define("run", RUN, Driver(inner, reduce, once, rowwise, rows).write())
    return Assembly(
        module.text(),
        lowered.uniform.size * lanes + lowered.layout.size * inner.stride,
        [*lowered.once, *lowered.kernels],
        _flops(lowered.kernels, tape.args),
        inner.keep + outer.keep,
    )


def _block(slots: int, lanes: int, kernels: Sequence[plan.Kernel]) -> int:
    """How many rows a block has, in whole vectors: as many as the cache takes; more where large
    matrices of weights would otherwise be read again for few rows, or a table of instructions.
    """
    weights = max([k.weights.size for k in kernels if isinstance(k, plan.Product)], default=0)
    least = 64 if weights >= LARGE else 3 * lanes
    if any(isinstance(kernel, plan.Interpreted) for kernel in kernels):
        least = 8 * lanes
    rows = max(CACHE // max(slots, 1), least)
    step = 3 * lanes if rows >= 12 * lanes and least < 64 else lanes
    return min(rows // step * step, 48 * lanes)


def _apart(block: int) -> int:
    """How far slots are apart: an odd number of cache lines, or those of neighbouring slots would
    all want the same few places in the cache.
    """
    lines = -(-block // LINE)
    return (lines + 1 - lines % 2) * LINE


def _flops(kernels: Sequence[plan.Kernel], args: Sequence[Args]) -> int:
    """Additions and multiplications of one row."""
    total = 0
    for kernel in kernels:
        match kernel:
            case plan.Product():
                total += 2 * len(kernel.xs) * len(kernel.ys)
            case plan.Outer():
                total += 2 * len(kernel.a) * len(kernel.b)
            case plan.Scatter():
                total += len(kernel.a)
            case plan.Chunk():
                total += sum(max(len(args[i]) - 1, 1) for i in kernel.ids)
        if isinstance(kernel, plan.Product | plan.Map):
            total += sum(len(step.ids) for step in kernel.steps)
    return total


WRITERS: dict[type[Any], Callable[[Body, Section, Any], None]] = {
    plan.Product: write_product,
    plan.Map: write_map,
    plan.Gather: write_gather,
    plan.Scatter: write_scatter,
    plan.Outer: write_outer,
    plan.Chunk: write_chunk,
    plan.Interpreted: write_interpreted,
}


class _Module:
    """Functions, and the names that they call."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        self.functions: list[str] = []
        self.declared: set[str] = set()

    def text(self) -> str:
        return "\n\n".join(["\n".join(sorted(self.declared)), *self.functions])

    def kernel(self, kernel: plan.Kernel, section: Section, name: str) -> str:
        write = WRITERS[type(kernel)]
        return self.add(name, KERNEL, lambda body, of: write(body, of, kernel), section)

    def add(self, name: str, arguments: str, write: Callable[..., None], section: Section) -> str:
        body = Body(self.lanes)
        write(body, section)
        body.do("ret void")
        return self.define(name, arguments, body, "internal void")

    def define(self, name: str, arguments: str, body: Body, kind: str = "i64") -> str:
        self.declared |= body.declared
        lines = [f"define {kind} @{name}({arguments}) {{", *body.lines, "}"]
        self.functions.append("\n".join(lines))
        return name
