"""One operation on many results, and chunks of instructions written out one after another."""

from __future__ import annotations

from collections.abc import Sequence

from engine.native.emit.function import Body, Loop
from engine.native.emit.indexes import Index
from engine.native.emit.vector import Vector
from engine.native.kernels.section import Section
from engine.native.lower.plan import Chunk, Map, Step
from engine.native.lower.tape import Args

__all__ = ["write_chunk", "write_map", "write_results", "write_steps"]


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
    columns = Loop(body, 0, len(block.steps[0].ids))
    rows = Loop(body, 0, "%nv")
    row = body.times(rows.i, section.lanes)
    write_steps(body, section, block.steps, columns.i, 1, row, 1, {})
    rows.end()
    columns.end()


def write_chunk(body: Body, section: Section, chunk: Chunk) -> None:
    """One instruction after another, for a vector of rows at a time."""
    tape = section.tape
    loop = Loop(body, 0, "%nv")
    row = body.times(loop.i, section.lanes)
    found: dict[int, Vector] = {}
    for i in chunk.ids:
        for arg in tape.args[i]:
            if arg not in found:
                found[arg] = section.reader(body, (arg,), row)(0, 0)
        found[i] = section.compute(tape.ops[i], [found[arg] for arg in tape.args[i]])
        write_results(body, section, (i,), [found[i]], 0, row, 1)
    loop.end()
