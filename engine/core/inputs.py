"""Decisions on numbers that are not known yet: the inputs of a program, which vary from row to row.

In ordinary code `x > 0` looks at the number and answers with a bool. Below a declared input there
is no number to look at. So the comparison is recorded, and `where` and `choose` keep all branches.
`if`, `and` and `float(x)` would fix one answer for all rows, so they are errors.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from types import CodeType, FrameType
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from engine.core.graph import describe, topological
from engine.core.node import Node, as_float, is_foreign
from engine.core.operation import Operation

__all__ = ["ControlFlowError", "compare", "declare", "is_open", "look", "looked_at"]


class ControlFlowError(TypeError):
    """Python decided on the value of a program's input, which varies from row to row.

    Record the decision instead: `where(test, a, b)` or `choose(index, options)`.
    """


_inputs: WeakSet[Node] = WeakSet()
_looks: WeakKeyDictionary[Node, tuple[CodeType, int]] = WeakKeyDictionary()
REMEDY = "record the decision with where(test, a, b), maximum, clamp or choose(index, options)"


def declare(nodes: Iterable[Node]) -> None:
    """Let these leaves be inputs of a program, as long as they live."""
    _inputs.update(nodes)


def is_open(node: object) -> bool:
    """Whether a node depends on a declared input."""
    return bool(_inputs) and isinstance(node, Node) and not _inputs.isdisjoint(topological(node))


def compare(op: Operation, a: Any, b: Any) -> Any:
    """A comparison: a bool, or a node where one of the two is open. NotImplemented where it is for
    the class of one of them to say.
    """
    for each in (a, b):
        if is_open(each):
            return each._apply(op, (a, b))
    frame = sys._getframe(2)
    numbers = []
    for each in (a, b):
        if isinstance(each, Node):
            _looks[each] = frame.f_code, frame.f_lineno
            numbers.append(each._data)
        else:
            try:
                numbers.append(as_float(each))
            except TypeError:
                if is_foreign(each):
                    return NotImplemented
                raise
    return bool(op.function(*numbers))


def look(node: Node, how: str, frame: FrameType) -> float:
    """The number, for Python to decide on; an error where there is none."""
    if is_open(node):
        raise ControlFlowError(
            f"{how} of {describe(node)} at {frame.f_code.co_filename}:{frame.f_lineno}: it depends "
            f"on an input, which varies from row to row, so one answer cannot be for all; {REMEDY}"
        )
    if how == "bool":
        _looks[node] = frame.f_code, frame.f_lineno
    return node._data


def looked_at(node: Node) -> str:
    """The line where ordinary code compared a node, or took its bool; "" where none did."""
    code, line = _looks.get(node, (None, 0))
    return f"{code.co_filename}:{line}" if code else ""
