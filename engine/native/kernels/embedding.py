"""Rows of parameters chosen by an index that varies from row to row, and their gradients."""

from __future__ import annotations

from engine.native.emit.function import Body, Loop
from engine.native.emit.vector import literal
from engine.native.kernels.section import Section
from engine.native.lower.plan import Gather, Scatter

__all__ = ["write_gather", "write_scatter"]

NAN = literal(float("nan"))


def write_gather(body: Body, section: Section, gather: Gather) -> None:
    """A nan where the index is none of 0, 1, 2, ..."""
    slots, positions = section.slots(gather.ys), section.pattern(gather.positions)
    rows = Loop(body, 0, body.fresh(f"mul i64 %nv, {section.lanes}"))
    index, valid = _index(body, section, gather.index, rows.i, gather.positions.shape[1])
    columns = Loop(body, 0, len(gather.ys))
    x = body.scalar("%theta", positions.at(body, columns.i, index))
    x = body.fresh(f"select i1 {valid}, double {x}, double {NAN}")
    place = body.add(body.times(slots.at(body, columns.i), section.stride), rows.i)
    body.store_scalar(x, "%ws", place)
    columns.end()
    rows.end()


def write_scatter(body: Body, section: Section, scatter: Scatter) -> None:
    """Each row adds to the totals that its index says."""
    slots, into = section.slots(scatter.a), section.pattern(scatter.into)
    rows = Loop(body, 0, "%m")
    index, valid = _index(body, section, scatter.index, rows.i, scatter.into.shape[1])
    columns = Loop(body, 0, len(scatter.a))
    place = body.add(body.times(slots.at(body, columns.i), section.stride), rows.i)
    x = body.fresh(f"select i1 {valid}, double {body.scalar('%ws', place)}, double 0.0")
    total = into.at(body, columns.i, index)
    new = body.fresh(f"fadd double {body.scalar('%out', total)}, {x}")
    body.store_scalar(new, "%out", total)
    columns.end()
    rows.end()


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
