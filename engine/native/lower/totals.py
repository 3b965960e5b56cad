"""Totals over rows as few loops: grids of each of a list with each of another, and scatters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from engine.native.lower.plan import ONE, Outer, Scatter
from engine.native.lower.tape import Args, Tape
from engine.native.needs import numpy

__all__ = ["find_totals"]

Term = tuple[int, int, int]  # two factors, and the position of the total


def find_totals(
    tape: Tape, sinks: Sequence[tuple[int, int]]
) -> tuple[list[Outer | Scatter], set[int]]:
    """What adds up the outputs over the rows, and the instructions that need not be computed
    because of it: an output that nobody else reads is never stored row by row.

    Arguments:
        sinks: instruction and position of each output.
    """
    terms, gone = _terms(tape, sinks)
    totals = [_scatter(tape, grid) or grid for grid in _grids(terms)]
    if any(isinstance(each, Scatter) for each in totals):
        gone |= _unread(tape, gone, totals)
    return totals, gone


def _terms(tape: Tape, sinks: Sequence[tuple[int, int]]) -> tuple[list[Term], set[int]]:
    read = {arg for args in tape.args for arg in args}
    positions: dict[int, list[int]] = defaultdict(list)
    for i, position in sinks:
        positions[i].append(position)
    terms: list[Term] = []
    gone = set()
    for i, places in positions.items():
        args, op = tape.args[i], tape.ops[i]
        pairs: list[tuple[int, int]] = [(i, ONE)]
        if i not in read and op in ("mul", "dot"):
            n = len(args) // 2
            split = [*zip(args[:n], args[n : 2 * n], strict=True)]
            split += [(bias, ONE) for bias in args[2 * n :]]
            if all(tape.varying[a] and (b == ONE or tape.varying[b]) for a, b in split):
                pairs = split
                gone.add(i)
        terms += [(a, b, place) for place in places for a, b in pairs]
    return terms, gone


def _grids(terms: Iterable[Term]) -> list[Outer]:
    partners: dict[int, dict[int, int]] = {}
    more = []
    for a, b, position in terms:
        mine = partners.setdefault(a, {})
        if b in mine:
            more.append((a, b, position))  # the same product into another total
        else:
            mine[b] = position
    sums = {a: mine.pop(ONE) for a, mine in partners.items() if ONE in mine}
    rows: dict[Args, list[int]] = defaultdict(list)
    for a, mine in partners.items():
        if mine:
            rows[tuple(mine)].append(a)
    array = numpy().array
    grids = [
        Outer(tuple(a), b, array([[*partners[each].values()] for each in a]))
        for b, a in rows.items()
    ]
    if sums:
        grids.append(Outer(tuple(sums), (ONE,), array([*sums.values()])[:, None]))
    return grids + (_grids(more) if more else [])


def _scatter(tape: Tape, grid: Outer) -> Scatter | None:
    """A grid whose second factors say which of 0, 1, 2, ... an index is: one of them is 1."""
    indexes = set()
    for k, b in enumerate(grid.b):
        if b == ONE or tape.ops[b] != "equal":
            return None
        index, number = tape.args[b]
        if tape.numbers.get(number) != k or not tape.varying[index]:
            return None
        indexes.add(index)
    return Scatter(indexes.pop(), grid.a, grid.into) if len(indexes) == 1 else None


def _unread(tape: Tape, gone: set[int], totals: Iterable[Outer | Scatter]) -> set[int]:
    """What nobody reads any more."""
    reads = {i for each in totals for i in each.reads}
    unread = set()
    for i in reversed(range(len(tape.ops))):
        if i in gone:
            continue
        if i in reads or not tape.varying[i]:
            reads.update(tape.args[i])
        else:
            unread.add(i)
    return unread
