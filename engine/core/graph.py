"""The order of a graph, and whether its numbers are fresh.

Graphs are walked with a stack of our own, never by recursion: a chain of a million nodes is an
ordinary graph.
"""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from engine.core.modes import StaleValueError
from engine.core.node import Node, edges
from engine.core.origins import called, name_of
from engine.source.traces import told

N = TypeVar("N", bound=Node)


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the collector of cycles: it would look through a growing graph again and again, and
    finds none there.
    """
    enabled = gc.isenabled()
    try:
        gc.disable()
        yield
    finally:
        if enabled:
            gc.enable()


def topological(*roots: N) -> list[N]:
    """All nodes below the roots (and the roots), parents before children, each once.

    The order depends on the graph alone: depth first, from the last parent to the first.

    >>> from engine import Value, topological
    >>> a, b = Value(2.0, "a"), Value(3.0, "b")
    >>> [node.label or node.op.name for node in topological(a * b + a)]
    ['a', 'b', 'mul', 'add']
    """
    for root in roots:
        if not isinstance(root, Node):
            got = f"{type(root).__name__} {root!r:.60}"
            raise TypeError(f"a graph is that below Values, got {got}; give each by itself")
    return _depth_first(roots, set())


def reverse_order(root: N) -> list[N]:
    """The nodes that a gradient of the root comes to, each before its parents: the root first.

    What lies only in branches that were not taken is left out.
    Raises StaleValueError where a leaf was changed after a node that reads it was made.

    >>> from engine import Value, maximum
    >>> a, b = Value(2.0, "a"), Value(3.0, "b")
    >>> [node.label or node.op.name for node in reverse_order(maximum(a, b))]
    ['maximum', 'b']
    """
    seen: set[Any] = set()
    left_out: list[N] = []
    order = _depth_first((root,), seen, left_out)
    check_fresh(order + _depth_first(left_out, seen) if left_out else order)
    order.reverse()
    return order


def _depth_first(roots: Sequence[N], seen: set[Any], left_out: list[N] | None = None) -> list[N]:
    """The nodes below the roots that are not in `seen`, parents first.

    Where `left_out` is given, untaken parents are added to it and not followed.
    """
    order: list[Any] = []
    stack: list[Any] = [*reversed(roots)]
    while stack:
        node = stack.pop()
        if node is None:  # all below the next one are in order: it follows
            order.append(stack.pop())
        elif node not in seen:
            seen.add(node)
            parents = node.parents
            if left_out is not None and parents and node.op.branches:
                parents = _taken(node, left_out)
            # all parents in order already: in a network that is true of most neurons
            if not parents or (len(parents) > 2 and seen.issuperset(parents)):
                order.append(node)
            else:
                stack.append(node)
                stack.append(None)
                stack += parents
    return order


def _taken(node: Any, left_out: list[Any]) -> Sequence[Any]:
    """The parents that a row with branches takes; the others are added to what is left out."""
    branches = node.op.branches
    if branches is True:
        found = [*edges(node)]
        left_out += [parent for parent, local in found if local is None]
        return [parent for parent, local in found if local is not None]
    if branches(node._data):
        return node.parents  # type: ignore[no-any-return]
    left_out += node.parents
    return ()


def check_fresh(order: Sequence[Node]) -> None:
    """Raise StaleValueError if a leaf was changed after a node that reads it was made."""
    newest_leaf, oldest_result = 0, order[-1]._epoch if order else 0
    for node in order:
        if node.parents:
            if node._epoch < oldest_result:
                oldest_result = node._epoch
        elif node._epoch > newest_leaf:
            newest_leaf = node._epoch
    if newest_leaf <= oldest_result:
        return
    for node in order:
        for parent in node.parents:
            if parent._epoch > node._epoch:
                by = told(parent._epoch) if parent._code else ""
                fault = f"{describe(parent)} was changed after {describe(node)} was computed"
                why = "so gradients would mix old and new numbers"
                remedy = f"build the expression again after changing a leaf{by}"
                raise StaleValueError(f"{fault} from it, {why}; {remedy}")


def describe(node: Node) -> str:
    """A node in a few words for a message: what it is called, with its number."""
    return called(node) + (f"={node._data!r}" if node.parents or name_of(node) else "")
