"""Breaks a picture that would be too wide into rows, as lines of text are broken.

It knows how large shapes are about, and puts them into columns as Graphviz will.
"""

from bisect import bisect
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from math import ceil

Extent = tuple[float, float]  # width and height, in points
Shapes = dict[str, list[str]]  # some for each shape, by their ids

BETWEEN = 11.0  # and between shapes in one column
LATER = 4  # columns before the end of a row among which the best break is looked for


@dataclass(frozen=True)
class Wrapped:
    """The row and the column of each shape, and how large the whole will be.

    Attributes:
        row, column: of each shape, by its id, from 0 on; columns go on from row to row.
        columns: of the longest row.
        length, breadth: in points, along the arrows and across.
    """

    row: Mapping[str, int]
    column: Mapping[str, int]
    columns: int
    length: float
    breadth: float


def wrap(
    edges: Iterable[tuple[str, str]],
    extents: dict[str, Extent],
    along: int,
    gap: float,
    most: float,
    nameless: Collection[str] = (),
) -> Wrapped:
    """Put shapes into rows.

    Arguments:
        edges: from shape to shape, by their ids.
        extents: of each shape, by its id; each is made of those before it.
        along: which of the two extents lies along the arrows.
        gap: between two columns, in points.
        most: how long a row may be.
        nameless: what had better not be drawn again at the start of a row.

    >>> chain = [("a", "b"), ("b", "c"), ("c", "d")]
    >>> wrap(chain, dict.fromkeys("abcd", (60.0, 30.0)), 0, 40.0, 300.0).row
    {'a': 0, 'b': 0, 'c': 0, 'd': 1}
    """
    below, above = _neighbours(edges, extents)
    column, loose = _columns(extents, below, above)
    length = [0.0] * (max(column.values(), default=0) + 1)
    for each, at in column.items():
        length[at] = max(length[at], extents[each][along] + gap)
    costs = [0.0] * (len(length) + 1)  # of a break before each column
    for tail in above.keys() - loose.keys():
        for at in range(column[tail] + 1, max(column[head] for head in above[tail]) + 1):
            costs[at] += 1.5 if tail in nameless else 1.0
    starts = _starts(length, costs, most)
    row = {each: bisect(starts, at) - 1 for each, at in column.items()}
    for each in loose:
        row[each] = min(row[head] for head in above[each])
    breadth: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for each, at in row.items():
        breadth[at][column[each]] += extents[each][1 - along] + BETWEEN
    for tail, heads in above.items():  # what is drawn again stands just before its use
        for head in heads:
            if row[tail] != row[head]:
                breadth[row[head]][column[head] - 1] += extents[tail][1 - along] + BETWEEN
    first = {at: min(columns) for at, columns in breadth.items()}
    wide: dict[int, float] = defaultdict(float)  # all rows share their columns
    for each, at in row.items():
        place = column[each] - first[at]
        wide[place] = max(wide[place], extents[each][along] + gap)
    high = sum(max(each.values()) for each in breadth.values())
    return Wrapped(row, column, len(wide), sum(wide.values()), high)


def _neighbours(edges: Iterable[tuple[str, str]], shapes: Iterable[str]) -> tuple[Shapes, Shapes]:
    """What each shape is made of, and what is made of it."""
    below, above = defaultdict(list), defaultdict(list)
    order = {each: i for i, each in enumerate(shapes)}
    for tail, head in edges:
        if order[tail] < order[head]:  # boxes may be made of each other
            below[head].append(tail)
            above[tail].append(head)
    return dict(below), dict(above)


def _columns(
    extents: dict[str, Extent], below: Shapes, above: Shapes
) -> tuple[dict[str, int], dict[str, None]]:
    """The column of each shape, and those that stand just before their use.

    These are leaves, and what is made of leaves alone and used once, if it has room to move.
    """
    column: dict[str, int] = {}
    alone: set[str] = set()
    for each in extents:
        column[each] = max((column[tail] + 1 for tail in below.get(each, ())), default=0)
        made = [tail for tail in below.get(each, ()) if tail in below]
        if all(tail in alone and len(above[tail]) == 1 for tail in made):
            alone.add(each)
    loose: dict[str, None] = {}
    for each in reversed(extents.keys()):
        if each in alone and each in above:
            latest = min(column[head] for head in above[each]) - 1
            if latest > column[each] or each not in below:
                column[each] = latest
                loose[each] = None
    return column, loose


def _starts(length: list[float], costs: list[float], most: float) -> list[int]:
    """The first column of each row: rows about equally long, broken where it costs least."""
    wide, total = max(length), sum(length)
    room = most - wide  # a row begins with what goes on from the one before
    count = 1 if total <= most else ceil(total / max(room, 1.0))
    room = min(room, total / count + wide)
    starts = [0]
    while count > 1:
        end, taken = starts[-1] + 1, length[starts[-1]] - wide * (len(starts) == 1)
        while end < len(length) and taken + length[end] <= room:
            taken += length[end]
            end += 1
        if end == len(length):
            break
        # never in the first half of a row, nor right behind the leaves that it begins with
        soonest = max(end - LATER, (starts[-1] + end + 1) // 2, min(starts[-1] + 2, end))
        ends = range(soonest, end + 1)
        starts.append(min(ends, key=lambda at: (costs[at], -at)))
    return starts
