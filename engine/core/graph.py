"""Order, freshness and copies of graphs: everything that walks nodes without touching gradients.

Graphs are walked with a stack of our own, never by recursion: a chain of a million nodes is an
ordinary graph.
"""

import threading
import weakref
from collections.abc import Sequence
from typing import Any, TypeVar

from engine.core.modes import StaleValueError
from engine.core.node import Node, Operation

__all__ = ["check_fresh", "describe", "topological"]

N = TypeVar("N", bound=Node)


def topological(*roots: N) -> list[N]:
    """All nodes below the roots (and the roots), parents before children, each once.

    The order depends on the graph alone: depth first, from the last parent to the first.

    >>> from engine import Value, topological
    >>> a, b = Value(2.0, "a"), Value(3.0, "b")
    >>> [node.label or node.op.name for node in topological(a * b + a)]
    ['a', 'b', 'mul', 'add']
    """
    order: list[Any] = []
    seen: set[Any] = set()
    stack: list[Any] = [*reversed(roots)]
    while stack:
        node = stack.pop()
        if node is None:  # all below the next one are in order: it follows
            order.append(stack.pop())
        elif node not in seen:
            seen.add(node)
            parents = node.parents
            # all parents in order already: in a network that is true of most neurons
            if not parents or (len(parents) > 2 and seen.issuperset(parents)):
                order.append(node)
            else:
                stack.append(node)
                stack.append(None)
                stack += parents
    return order


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
        for i, parent in enumerate(node.parents):
            if parent._epoch > node._epoch:
                raise StaleValueError(
                    f"{describe(parent, f'input {i}')} was changed after {describe(node)} was "
                    "computed from it, so gradients would mix old and new numbers; build the "
                    "expression again after changing a leaf"
                )


def describe(node: Node, otherwise: str = "") -> str:
    """A node in a few words for a message: its label, or what it is, with its number."""
    name = node.label or otherwise or (node.op.name if node.op else "a leaf")
    return f"{name}={node._data!r}"


# --- copies -------------------------------------------------------------------------------------
def shallow_copy(node: N, parents: tuple[Node, ...]) -> N:
    copy: N = object.__new__(type(node))
    copy._data, copy.grad, copy.op = node._data, node.grad, node.op
    copy._code, copy._at = node._code, node._at
    copy.parents, copy.label, copy._epoch = parents, node.label, node._epoch
    return copy


def deep_copy(root: N, memo: dict[int, Any]) -> N:
    """`copy.deepcopy` of a graph without recursion; nodes shared with other copies stay shared."""
    for node in topological(root):
        if id(node) not in memo:
            parents = tuple(memo[id(parent)] for parent in node.parents)
            memo[id(node)] = shallow_copy(node, parents)
    copied: N = memo[id(root)]
    return copied


# Pickle would recurse from a node into its parents. So the first node it meets hands over a list of
# all its ancestors, oldest first, between two marks: while the marks are open each node gives its
# own fields only, and its parents are in the pickler's memo already. (That the node itself is in
# that list too, pickle resolves: it takes what the memo holds.)
_listed = threading.local()


class _Mark:
    def __init__(self, ids: set[int], opening: bool) -> None:
        self.ids, self.opening = ids, opening

    def __reduce__(self) -> tuple[Any, ...]:
        # weakly: a dump that fails drops its list, and with it the mark
        _listed.mark = weakref.ref(self) if self.opening else None
        return bool, ()


def reduce_node(node: Node) -> tuple[Any, ...]:
    """What `__reduce__` of a node returns."""
    reference = getattr(_listed, "mark", None)
    mark = reference() if reference else None
    if not node.parents or (mark is not None and id(node) in mark.ids):
        fields = (node._data, node.grad, node.op, node.parents, node.label, node._epoch)
        return rebuild, (type(node), *fields)
    order = topological(node)
    ids = {id(each) for each in order}
    return _root, ([_Mark(ids, True), *order, _Mark(ids, False)],)


def _root(listed: list[Any]) -> Any:
    return listed[-2]


def rebuild(
    kind: type[Any],
    data: float,
    grad: float,
    op: Operation | None,
    parents: tuple[Node, ...],
    label: str | None,
    epoch: int,
) -> Any:
    """A node from its pickled fields. The clock of changes must not fall behind its epoch, or a
    later change to a leaf would look older than what was computed from it.
    """
    node = object.__new__(kind)
    node._data, node.grad, node.op, node.parents = data, grad, op, parents
    node.label, node._epoch = label, epoch
    node._code, node._at = None, 0  # code cannot be pickled
    kind._advance(epoch)
    return node
