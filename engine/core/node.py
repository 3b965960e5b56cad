"""Node: a number, the operation that made it, and the nodes it was made from.

A node holds no closure and no set, and no node points back. That alone makes a graph cheap to
build, free to collect, safe to pickle and copy, and readable in a debugger.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterable
from itertools import repeat
from types import CodeType
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from engine.core.operation import Operation


N = TypeVar("N", bound="Node")
ITEM = 1 << 32  # see numbered


class Node:
    """A number, the operation that made it and the nodes it was made from; nothing else."""

    __slots__ = (
        "__weakref__", "_at", "_code", "_data", "_epoch", "_label", "grad", "op", "parents"
    )  # fmt: skip

    _at: int  # which instruction of _code made it (and see ITEM); origins.py reads the two
    _code: CodeType | None
    _data: float
    _epoch: int  # when the data was set, counted in changes to leaves (value.py)
    grad: float
    op: Operation | None  # None for a leaf
    parents: tuple[Node, ...]
    _label: str | None

    @property
    def label(self) -> str | None:
        """The name for messages and pictures, or None."""
        return self._label

    @label.setter
    def label(self, name: str | None) -> None:
        if name is not None and not isinstance(name, str):
            remedy = "use str(...)"
            if isinstance(name, (tuple, set)):  # what micrograd's operations hand on
                remedy = "an operation is made with engine.operation(...), and called"
            raise TypeError(f"a label is a str or None, got {name!r:.60}; {remedy}")
        self._label = name

    def _apply(self, op: Operation, args: tuple[Any, ...]) -> Any:
        """The node of `op` on args, of which this is one."""
        raise NotImplementedError


def edges(node: Node) -> Iterable[tuple[Node, float | None]]:
    """Each parent of a node, in order, with the derivative of the node by it.

    The derivative is None where nothing is handed on: to a branch that was not taken, and to an
    input that takes no gradient.

    >>> from engine import Value, maximum
    >>> a, b = Value(2.0), Value(3.0)
    >>> [local for parent, local in edges(a * b)], [local for parent, local in edges(maximum(a, b))]
    ([3.0, 2.0], [None, 1.0])
    """
    parents = node.parents
    op: Any = node.op
    if not parents:
        return ()
    if op.constant_partials:
        return zip(parents, op.constant_partials)  # noqa: B905
    if len(parents) == 2:  # written out, since making a list would cost a third of a sweep
        a, b = parents
        found = op.numeric(node._data, a._data, b._data)
    elif len(parents) == 1:
        found = op.numeric(node._data, parents[0]._data)
    else:
        found = op.numeric(node._data, *[parent._data for parent in parents])
    if op.branches:
        found = [local or None for local in found]
    return zip(parents, found)  # noqa: B905 (strict would cost a tenth of a sweep)


def numbered(many: list[N]) -> list[N]:
    """The nodes of a list that one call gives, each told its index, which becomes part of its name:
    `ps[0]`. To the `_at` of the first ITEM is added, to that of the second twice that, and so on.
    """
    for i, node in enumerate(many, start=1):
        node._at += i * ITEM
    return many


def assign(nodes: Iterable[Node], field: str, numbers: Iterable[Any]) -> None:
    """Set a field of many nodes in one call of C: Ctrl-C comes before it or after, not within."""
    deque(map(setattr, nodes, repeat(field), numbers), maxlen=0)


def as_float(number: Any, what: str = "a Value holds") -> float:
    """What a Value may hold, as a float; a TypeError that says what to do for anything else."""
    if isinstance(number, (int, float)):
        try:
            return float(number)
        except OverflowError:
            fault = "an int beyond 1.8e308 does not fit into a Value"
            raise OverflowError(f"{fault}; scale it") from None
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(number, (numpy.integer, numpy.floating, numpy.bool_)):
        return float(number)
    several = hasattr(number, "__len__") and getattr(number, "shape", None) != ()
    if isinstance(number, Node):
        remedy = "use it as it is, or .detach() it for a leaf of its own"
    elif number is None:
        remedy = "give a number, e.g. 0.0"
    elif isinstance(number, complex):
        remedy = "take .real or abs(...)"
    elif several and not isinstance(number, (str, bytes)):
        remedy = "make one Value for each element, e.g. [Value(x) for x in xs]"
    else:
        remedy = "convert it with float(...)"
    got = f"{what} an int, a float or a NumPy scalar, got {type(number).__name__} {number!r:.60}"
    raise TypeError(f"{got}; {remedy}")


def is_foreign(operand: object) -> bool:
    """Whether the class of an operand that is no number may know what to do with a Value.

    The classes of Python do not, so the error of `as_float` is better than what they would say.
    """
    known = type(operand).__module__ in sys.stdlib_module_names
    return not known and not isinstance(operand, complex)
