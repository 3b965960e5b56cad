"""The chain rule as paths: each path from an output down to a value adds to the value's gradient.

A graph of n nodes can have 2**n paths, so they are never listed. One sweep from the output down
finds for every node the sum of the paths to it and the size of the largest. A search from the value
up then knows which way the large paths go.
"""

from collections import Counter
from collections.abc import Iterator
from heapq import heappop, heappush
from math import inf, isfinite, log, prod
from typing import Any, NamedTuple

from engine.core.graph import reverse_order, topological
from engine.core.modes import numeric_mode
from engine.core.node import edges
from engine.core.nonfinite import nonfinite_edges
from engine.core.value import Value, is_constant


class Link(NamedTuple):
    """A value, the position of one of its parents, and the derivative by that parent."""

    node: Value
    position: int
    local: float

    @property
    def parent(self) -> Value:
        """The parent."""
        return self.node.parents[self.position]


Path = tuple[Link, ...]  # from the output down


class PathSums(NamedTuple):
    """For each value, sums over all paths from an output down to it.

    What a path adds to the gradient is the product of the local derivatives along it.

    Attributes:
        order: the values, the output first.
        gradient: the derivative of the output by each value, which is the sum over all paths.
        size: the sum of the absolute values of the paths. It is larger where paths cancel.
        best: the logarithm of the largest absolute value of a path; -inf where all are 0.
        links: the edges, in the order of the sweep.
        above: of each value, the edges that lead to it.
    """

    order: list[Value]
    gradient: dict[Value, float]
    size: dict[Value, float]
    best: dict[Value, float]
    links: list[Link]
    above: dict[Value, list[Link]]

    def between(self, value: Value) -> set[Value]:
        """The nodes on the paths from the output to a value, both ends included."""
        seen = {value} & self.gradient.keys()
        stack = [*seen]
        while stack:
            for edge in self.above.get(stack.pop(), ()):
                if edge.node not in seen:
                    seen.add(edge.node)
                    stack.append(edge.node)
        return seen


def path_sums(output: Value) -> PathSums:
    """Sum up the paths below an output, in the order and with the arithmetic of `backward()`.

    >>> x = Value(3.0)
    >>> found = path_sums(x * x - 5 * x)
    >>> found.gradient[x], found.size[x]
    (1.0, 11.0)
    """
    order = topological(output)[::-1]
    gradient, size, best = (dict.fromkeys(order, x) for x in (0.0, 0.0, -inf))
    found = PathSums(order, gradient, size, best, links=[], above={})
    gradient[output], size[output], best[output] = 1.0, 1.0, 0.0
    with numeric_mode("ieee"):  # to look at a graph never raises
        for node in reverse_order(output):
            for _, parent, local in _edges(node):
                if local is None:
                    continue
                gradient[parent] += gradient[node] * local
                size[parent] += size[node] * abs(local)
                best[parent] = max(best[parent], best[node] + _log(local))
        for node in order:
            for position, parent, local in _edges(node):
                link = Link(node, position, local or 0.0)
                found.links.append(link)
                found.above.setdefault(parent, []).append(link)
    return found


def broken_edges(output: Value) -> list[Any]:
    """The edges on which finite numbers make a gradient that is not, in the order of backward()."""
    with numeric_mode("ieee"):
        return [*nonfinite_edges(reverse_order(output), 1.0)]


def _edges(node: Any) -> Iterator[tuple[int, Any, float | None]]:
    """The edges below a node. The derivative by a branch that was not taken is None."""
    for position, (parent, local) in enumerate(edges(node)):
        if not is_constant(parent) and (local is not None or node.op.branches):
            yield position, parent, local


def _log(local: float) -> float:
    """The logarithm of the absolute value; -inf for 0, inf and nan, which no path goes through."""
    return log(abs(local)) if local and isfinite(local) else -inf


def count(found: PathSums, value: Value) -> tuple[int, int]:
    """The exact number of paths to a value, and how many of them have no factor of 0.

    >>> x = Value(1.0)
    >>> y = x
    >>> for _ in range(100):
    ...     y = y + y
    >>> count(path_sums(y), x)[0] == 2**100
    True
    """
    between = found.between(value)
    left = Counter(edge.node for node in between for edge in found.above.get(node, ()))
    ways = {found.order[0]: (1, 1)}
    for node in found.order:
        if node in between and node is not found.order[0]:
            total = alive = 0
            for edge in found.above.get(node, ()):  # a number in an expression has none
                ways_there, alive_there = ways[edge.node]
                total += ways_there
                alive += alive_there if _log(edge.local) > -inf else 0
                left[edge.node] -= 1
                if not left[edge.node]:  # such a number can have millions of digits
                    del ways[edge.node]
            ways[node] = total, alive
    return ways.get(value, (0, 0))


def largest(found: PathSums, value: Value) -> Iterator[tuple[float, Path]]:
    """The paths down to a value with their products, the largest first, without those that are 0.

    The search runs from the value up. What a step costs is how much the path loses against the
    largest one, in logarithms. The steps of the largest path cost exactly 0, so that the search
    follows it straight to the output.
    """
    tie = 0
    heap: list[tuple[float, int, Value, Any]] = [(0.0, tie, value, None)]
    while heap:
        cost, _, node, trail = heappop(heap)
        while node is not found.order[0]:
            step = None
            for edge in found.above.get(node, ()):
                total = found.best[edge.node] + _log(edge.local)
                if total == -inf:
                    continue
                if step is None and total == found.best[node]:
                    step = edge
                    continue
                tie -= 1  # among equals the youngest: the one that is nearest to the output
                heappush(heap, (cost + found.best[node] - total, tie, edge.node, (edge, trail)))
            if step is None:
                break
            node, trail = step.node, (step, trail)
        else:
            path = []
            while trail is not None:
                edge, trail = trail
                path.append(edge)
            yield prod(edge.local for edge in path), tuple(path)
