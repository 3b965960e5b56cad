"""Copies of graphs: `copy`, `deepcopy` and `pickle` of nodes, without recursion."""

import threading
import weakref
from operator import attrgetter
from typing import Any, TypeVar

from engine.core.graph import topological
from engine.core.node import Node

N = TypeVar("N", bound=Node)
# What a pickle holds of a node, in the order in which `rebuild` takes it.
FIELDS = attrgetter("_data", "grad", "op", "parents", "_label", "_epoch")


def shallow_copy(node: N, parents: tuple[Node, ...]) -> N:
    """A node of its own with the same fields, but for its parents."""
    copy: N = object.__new__(type(node))
    copy._data, copy.grad, copy.op = node._data, node.grad, node.op
    copy._code, copy._at = node._code, node._at
    copy.parents, copy._label, copy._epoch = parents, node._label, node._epoch
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
# own fields only, and its parents are in the pickler's memo already. (The first node is in its own
# list too. Pickle takes it from the memo.)
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
        return rebuild, (type(node), *FIELDS(node))
    order = topological(node)
    ids = {id(each) for each in order}
    return _root, ([_Mark(ids, True), *order, _Mark(ids, False)],)


def _root(listed: list[Any]) -> Any:
    return listed[-2]


def rebuild(kind: type[Any], *fields: Any) -> Any:
    """A node of that class from its FIELDS. The clock of changes must not fall behind its epoch, or
    a later change to a leaf would look older than what was computed from it.
    """
    node = object.__new__(kind)
    node._data, node.grad, node.op, node.parents, node._label, node._epoch = fields
    node._code, node._at = None, 0  # code cannot be pickled
    kind._advance(node._epoch)
    return node
