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
from engine.native.lower.blocks import find_blocks, find_levels
from engine.native.lower.plan import (
    Chunk,
    Gather,
    Interpreted,
    Kernel,
    Map,
    Outer,
    Product,
    Scatter,
    make_plan,
)
from engine.native.lower.storage import lay_out
from engine.native.lower.tape import Args, Tape
from engine.native.lower.totals import find_totals

__all__ = ["Assembly", "assemble"]

CACHE = 32_000  # doubles: half of a cache of the second level
LARGE = 2_000  # weights
LINE = 8  # doubles in a line of the cache


@dataclass
class Assembly:
    """The text, and how much of a workspace it wants.

    Attributes:
        doubles: of the workspace. block: rows that are computed together, at most.
        flops: additions and multiplications of a row. keep: what the code has addresses of.
    """

    text: str
    doubles: int
    block: int
    kernels: list[Kernel]
    flops: int
    keep: list[Any]


def assemble(
    tape: Tape,
    reduce: str | None,
    lanes: int,
    block: int | None = None,
) -> Assembly:
    """The module of a tape.

    Arguments:
        lanes: doubles in a vector.
        block: rows that go through the kernels together, at most; None fits them into the cache.
    """
    unique = list(dict.fromkeys(tape.outputs))
    sinks = [(i, k) for k, i in enumerate(tape.outputs) if tape.varying[i]] if reduce else []
    inputs = [i for i, op in enumerate(tape.ops) if op == "input"]
    totals, gone = find_totals(tape, sinks)
    levels = find_levels(tape, True)
    plan = make_plan(tape.ops, tape.args, levels, find_blocks(tape, levels, gone), totals, gone)
    before = make_plan(tape.ops, tape.args, find_levels(tape, False), [], [], set())
    layout = lay_out(plan, inputs, [] if reduce else [i for i in unique if tape.varying[i]])
    computed = {i for k in before for i in k.writes}
    wanted = {i for k in plan for i in k.reads}.union(unique, *[_weights(k) for k in plan])
    pinned = sorted(
        {i for k in (*plan, *before) if isinstance(k, Interpreted) for i in k.reads}.difference(
            computed, [i for i, varies in enumerate(tape.varying) if varies]
        )
    )
    uniform = lay_out(before, pinned, [*pinned, *sorted(computed & wanted)])
    block = block or _block(layout.size, lanes, plan)
    registers = 32 if lanes == 8 else 16
    inner = Section(tape, layout, uniform, _apart(block), lanes, registers)
    outer = Section(tape, uniform, uniform, lanes, lanes, registers)
    module = _Module(lanes)
    same = [module.add("pinned", KERNEL, write_pinned, outer)]
    same += [module.kernel(k, outer, f"u{i}") for i, k in enumerate(before)]
    module.add("rows_in", ROWS_IN, write_rows_in, inner)
    rowwise = [module.kernel(k, inner, f"k{i}") for i, k in enumerate(plan)]
    if not reduce:
        rowwise.append(module.add("rows_out", KERNEL, write_rows_out, inner))
    module.define("run", RUN, Driver(inner, reduce, same, rowwise, block).write())
    doubles = uniform.size * lanes + layout.size * inner.stride
    keep = inner.keep + outer.keep
    return Assembly(module.text(), doubles, block, [*before, *plan], _flops(plan, tape.args), keep)


def _weights(kernel: Kernel) -> list[int]:
    """The computed weights of a product."""
    if not isinstance(kernel, Product) or kernel.kind == "param":
        return []
    return [*kernel.weights.flat, *([] if kernel.bias is None else kernel.bias.flat)]


def _block(slots: int, lanes: int, kernels: Sequence[Kernel]) -> int:
    """How many rows a block has, in whole vectors: as many as the cache takes; more where large
    matrices of weights would otherwise be read again for few rows, or a table of instructions.
    """
    weights = max([k.weights.size for k in kernels if isinstance(k, Product)], default=0)
    least = 64 if weights >= LARGE else 3 * lanes
    if any(isinstance(kernel, Interpreted) for kernel in kernels):
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


def _flops(kernels: Sequence[Kernel], args: Sequence[Args]) -> int:
    """Additions and multiplications of one row."""
    total = 0
    for kernel in kernels:
        match kernel:
            case Product():
                total += 2 * len(kernel.xs) * len(kernel.ys)
            case Outer():
                total += 2 * len(kernel.a) * len(kernel.b)
            case Scatter():
                total += len(kernel.a)
            case Chunk() | Interpreted():
                total += sum(max(len(args[i]) - 1, 1) for i in kernel.ids)
        if isinstance(kernel, Product | Map):
            total += sum(len(step.ids) for step in kernel.steps)
    return total


WRITERS: dict[type[Any], Callable[[Body, Section, Any], None]] = {
    Product: write_product,
    Map: write_map,
    Gather: write_gather,
    Scatter: write_scatter,
    Outer: write_outer,
    Chunk: write_chunk,
    Interpreted: write_interpreted,
}


class _Module:
    """Functions, and the names that they call."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        self.functions: list[str] = []
        self.declared: set[str] = set()

    def text(self) -> str:
        return "\n\n".join(["\n".join(sorted(self.declared)), *self.functions])

    def kernel(self, kernel: Kernel, section: Section, name: str) -> str:
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
