"""Rows in, results out: between the caller's arrays and the slots of a block of rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from engine.native.emit.function import Body, Loop
from engine.native.emit.indexes import Index, Pattern
from engine.native.emit.shuffles import transposed
from engine.native.emit.vector import Vector
from engine.native.kernels.section import Section
from engine.native.lower.blocks import kind

__all__ = ["write_pinned", "write_rows_in", "write_rows_out", "write_same"]


def write_rows_in(body: Body, section: Section) -> None:
    """To slots; what is left of the last vector repeats the last row."""
    tape, layout = section.tape, section.layout
    inputs = [i for i, op in enumerate(tape.ops) if op == "input" and i in layout.slot]
    if not inputs:
        return
    columns = section.pattern([tape.position[i] for i in inputs])
    slots = section.slots(inputs)
    padded = body.fresh(f"mul i64 %nv, {section.lanes}")
    last = body.fresh("sub i64 %m, 1")
    squares = _squares(body, section, columns, slots)
    each = Loop(body, 0, len(inputs))
    column = body.times(columns.at(body, each.i), "%right")
    slot = body.times(slots.at(body, each.i), section.stride)
    start: Index = 0
    if squares is not None:
        inside = body.fresh(f"icmp slt i64 {each.i}, {squares[1]}")
        start = body.fresh(f"select i1 {inside}, i64 {squares[0]}, i64 0")
    for first, end in ((start, "%m"), ("%m", padded)):
        loop = Loop(body, first, end, 1, maybe_empty=True)
        row = loop.i if end == "%m" else last
        x = body.scalar("%rows", body.add(body.times(row, "%down"), column))
        body.store_scalar(x, "%ws", body.add(slot, loop.i))
        loop.end()
    each.end()


def _squares(
    body: Body, section: Section, columns: Pattern, slots: Pattern
) -> tuple[str, int] | None:
    """Neighbouring columns a square of numbers at a time, turned over in registers.

    Returns how many rows of how many columns that were; None where columns are no neighbours.
    """
    lanes, whole = section.lanes, len(columns.table) // section.lanes * section.lanes
    if not whole or [columns.steps, slots.steps] != [[1], [1]] or not slots.regular:
        return None
    full = body.fresh(f"sub i64 %m, {body.fresh(f'urem i64 %m, {lanes}')}")
    beside = body.fresh("icmp eq i64 %right, 1")
    rows = body.fresh(f"select i1 {beside}, i64 {full}, i64 0")
    down = Loop(body, 0, rows, lanes, maybe_empty=True)
    across = Loop(body, 0, whole, lanes)
    lines = []
    for k in range(lanes):
        row = body.times(body.add(down.i, k), "%down")
        lines.append(body.load("%rows", body.add(row, columns.at(body, across.i))))
    for k, line in enumerate(transposed(body, lines)):
        slot = body.times(slots.at(body, body.add(across.i, k)), section.stride)
        body.store(line, "%ws", body.add(slot, down.i))
    across.end()
    down.end()
    return rows, whole


def write_rows_out(body: Body, section: Section) -> None:
    """From slots; what is the same for all rows is repeated."""
    outputs = section.tape.outputs
    varying = [(k, i) for k, i in enumerate(outputs) if i in section.layout.slot]
    same = [(k, i) for k, i in enumerate(outputs) if i not in section.layout.slot]
    if varying:
        places = section.pattern([k for k, _ in varying])
        slots = section.slots([i for _, i in varying])
        each = Loop(body, 0, len(varying))
        slot = body.times(slots.at(body, each.i), section.stride)
        place = places.at(body, each.i)
        loop = Loop(body, 0, "%m")
        x = body.scalar("%ws", body.add(slot, loop.i))
        body.store_scalar(x, "%out", body.add(body.times(loop.i, len(outputs)), place))
        loop.end()
        each.end()
    for place, number in _same(body, section, same):
        loop = Loop(body, 0, "%m")
        body.store_scalar(number.lane(0), "%out", body.add(body.times(loop.i, len(outputs)), place))
        loop.end()


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
    kinds = defaultdict(list)
    for place, i in outputs:
        kinds[kind(section.tape, i)].append((place, i))
    for found in kinds.values():
        places = section.pattern([place for place, _ in found])
        read = section.reader(body, tuple([i for _, i in found]))
        loop = Loop(body, 0, len(found))
        yield places.at(body, loop.i), read(loop.i, 0)
        loop.end()
