"""Breaks a picture that would be too wide into rows, as lines of text are broken.

It knows how large shapes are about, and puts them into columns as Graphviz will.
"""

from bisect import bisect
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from math import ceil

Extent = tuple[float, float]  # width and height, in points

BETWEEN = 11.0  # and between shapes in one column
LATER = 4  # columns before the end of a row among which the best break is looked for


@dataclass(frozen=True)
class Rows:
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


def rows(
    edges: Iterable[tuple[str, str]],
    extents: Mapping[str, Extent],
    along: int,
    gap: float,
    most: float,
    nameless: Collection[str] = (),
) -> Rows:
    """Put shapes into rows.

    Arguments:
        edges: from shape to shape, by their ids.
        extents: of each shape, by its id; each is made of those before it.
        along: which of the two extents lies along the arrows.
        gap: between two columns, in points.
        most: how long a row may be.
        nameless: what had better not be drawn again at the start of a row.

    >>> chain = [("a", "b"), ("b", "c"), ("c", "d")]
    >>> rows(chain, dict.fromkeys("abcd", (60.0, 30.0)), 0, 40.0, 250.0).row
    {'a': 0, 'b': 0, 'c': 1, 'd': 1}
    """
    below: dict[str, list[str]] = defaultdict(list)
    above: dict[str, list[str]] = defaultdict(list)
    order = {each: i for i, each in enumerate(extents)}
    for tail, head in edges:
        if order[tail] < order[head]:  # boxes may be made of each other
            below[head].append(tail)
            above[tail].append(head)
    column: dict[str, int] = {}
    alone: set[str] = set()  # made of leaves alone, and of what is used once
    for each in extents:
        column[each] = max((column[tail] + 1 for tail in below[each]), default=0)
        if all(
            not below[tail] or (tail in alone and len(above[tail]) == 1) for tail in below[each]
        ):
            alone.add(each)
    loose: list[str] = []  # that has room to stand just before its use; so do leaves
    for each in reversed(column):
        if each in alone and above[each]:
            latest = min(column[head] for head in above[each]) - 1
            if latest > column[each] or not below[each]:
                column[each] = latest
                loose.append(each)
    length = [0.0] * (max(column.values(), default=0) + 1)
    for each, at in column.items():
        length[at] = max(length[at], extents[each][along] + gap)
    beside = set(loose)
    costs = [0.0] * (len(length) + 1)  # of a break before each column
    for tail, heads in above.items():
        for at in range(column[tail] + 1, max((column[head] + 1 for head in heads), default=0)):
            costs[at] += (tail not in beside) * (1.5 if tail in nameless else 1.0)
    starts = _starts(length, costs, most)
    row = {each: bisect(starts, at) - 1 for each, at in column.items()}
    for each in loose:
        row[each] = min(row[head] for head in above[each])
    breadth: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for each, at in row.items():
        breadth[at][column[each]] += extents[each][1 - along] + BETWEEN
    spans = [(min(columns), max(columns) + 1) for columns in breadth.values()]
    return Rows(
        row,
        column,
        max(end - start for start, end in spans),
        max(sum(length[start:end]) for start, end in spans),
        sum(max(each.values()) for each in breadth.values()),
    )


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
        ends = range(max(end - LATER, starts[-1] + 1), end + 1)
        starts.append(min(ends, key=lambda at: (costs[at], -at)))
    return starts
