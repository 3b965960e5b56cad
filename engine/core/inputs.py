"""Decisions on numbers that are not known yet: the inputs of a program, which vary from row to row.

In ordinary code `x > 0` looks at the number and answers with a bool. Below a declared input there
is no number to look at. So the comparison is recorded, and `where` and `choose` keep all branches.
`if`, `and` and `float(x)` would fix one answer for all rows, so they are errors. While the function
of a program is called, all Values are like that: parameters change too.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from math import inf
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

from engine.core.graph import describe, topological
from engine.core.modes import NO_GRAD, RECORDING
from engine.core.node import Node, as_float, is_foreign
from engine.core.operation import Operation, rows
from engine.core.ops import CONSTANT
from engine.source.lost import at, in_library, note_taken
from engine.source.reads import remembered

if TYPE_CHECKING:
    from engine.core.value import Scalar


class ControlFlowError(TypeError):
    """Python decided on the value of a program's input, which varies from row to row.

    Record the decision instead: `where(test, a, b)` or `choose(index, options)`.
    """


# When somebody looked at a node, and the code and the line. Time is counted in calls of `declare`.
Look = tuple[float, CodeType | None, int]
OPEN: Look = (inf, None, 0)  # the node depends on a declared input
CLOSED: Look = (-1, None, 0)  # it does not, and nobody has looked

# Kept beside the graph, as long as the nodes are alive. What C calls when a node ends, as pop here,
# is done even where Ctrl-C comes; and no later node is taken for an earlier one.
declared: dict[ref[Node], int] = {}  # when each input was declared
handmade: set[ref[Node]] = set()  # those of a program that a user writes, not of `compiled`, `fit`
_looks: WeakKeyDictionary[Node, Look] = WeakKeyDictionary()  # the last at each leaf or its results
_known: dict[ref[Node], Look] = {}  # what was found out about the nodes below a result
_now = 0
REMEDY = "record the decision with where(test, a, b), maximum, clamp or choose(index, options)"
VARIES = "an input, which varies from row to row"
EQUAL = "record the test with equal(a, b), or ask `a is b` for the same node"
INDEX = (
    "engine.choose(index, table) gives the item or the row at that index; for a count, as in "
    "range(n) or [:n], take the most there can be, and of that where(k < n, x, 0.0)"
)
REMEDIES = {"==": EQUAL, "index": INDEX}


def declare(nodes: Iterable[Node]) -> None:
    """Make these leaves inputs of a program, for as long as they live."""
    global _now
    _now += 1
    by_hand = not in_library(sys._getframe(2))
    for node in nodes:
        declared[ref(node, declared.pop)] = _now
        if by_hand:
            handmade.add(ref(node, handmade.discard))


def is_open(node: object) -> bool:
    """Whether a node depends on a declared input, or on anything while a program is recorded."""
    if not declared or not isinstance(node, Node) or node.op is CONSTANT:
        return False
    if node.parents:
        return RECORDING.get() or _survey(node, CLOSED) is OPEN
    return ref(node) in declared or RECORDING.get()


def looked_at(leaf: Node, since: float) -> str:
    """The line where Python decided on a leaf or on a result of it at that time or later, or ""."""
    time, code, line = _looks.get(leaf, CLOSED)
    return at(code, line) if code and time >= since else ""


def compare(op: Operation, a: Any, b: Any) -> Any:
    """What a comparison gives: a bool, or a node where one of the two is open.

    It is NotImplemented where an operand of another library may know what to do with a Value.
    """
    for each in (a, b) if declared else ():
        if is_open(each):
            return each._apply(op, (a, b))
    frame = _caller()
    for each in (a, b):
        if isinstance(each, Node):
            _survey(each, (_now, frame.f_code, frame.f_lineno))
    try:
        numbers = [each._data if isinstance(each, Node) else as_float(each) for each in (a, b)]
    except TypeError:
        if any(is_foreign(each) for each in (a, b) if not isinstance(each, Node)):
            return NotImplemented
        raise
    return bool(op.function(*numbers))


def _caller() -> FrameType:
    """Who called the method of Value that looks or compares; the method itself where C did."""
    frame = sys._getframe(2)
    frame = frame.f_back or frame
    return frame.f_back if frame.f_code.co_name.startswith("_array_") and frame.f_back else frame


def look(node: Node, how: str) -> float:
    """The number of a node, for a method of Value that hands it to Python.

    Arguments:
        how: what is done with it. "bool" and "==" decide something, and that is noted. "data" reads
            the number, which an input has if it was given one.

    Raises ControlFlowError where the number varies.
    """
    frame = _caller()
    if how in ("data", "==", "detach") and in_library(frame):
        return node._data  # pictures and messages show a nan where there is no number
    if declared and is_open(node) and not (how == "data" and _has_number(node)):
        why = VARIES if _survey(node, CLOSED) is OPEN else "a parameter, which may change"
        what = f"{how} of {describe(node)} at {at(frame.f_code, frame.f_lineno)}"
        fault = f"it depends on {why}, so one answer cannot be for all"
        raise ControlFlowError(f"{what}: {fault}; {REMEDIES.get(how, REMEDY)}")
    if how in ("bool", "==") or (declared and how in ("float", "int", "detach")):
        _survey(node, (_now, frame.f_code, frame.f_lineno))
    if how in ("data", "float", "int") and node.op is not CONSTANT and not NO_GRAD.open:
        note_taken(node._data, how, frame)
        if how == "data" and handmade:
            line = at(frame.f_code, frame.f_lineno)
            return remembered(node._data, node, not node.parents, _now, line)
    return node._data


def _has_number(node: Node) -> bool:
    """Whether all inputs below were given numbers, and no function is recorded."""
    inputs = [each for each in topological(node) if ref(each) in declared]
    return not RECORDING.get() and all(each._data == each._data for each in inputs)


def _survey(root: Node, look: Look) -> Look:
    """OPEN where a node depends on a declared input. Else this look or a later one.

    The look is noted at all leaves below. Each result is visited once, however often the graph
    grows and is looked at again.
    """
    found: dict[Node, Look] = {}
    stack: list[Any] = [root]
    while stack:
        node = stack.pop()
        if node is None:  # all below the next one are done
            node = stack.pop()
            found[node] = OPEN if OPEN in [found[p] for p in node.parents] else look
            if look is not CLOSED and not node.parents:
                _looks[node] = look
        elif node not in found:
            known = OPEN if ref(node) in declared else _known.get(ref(node))
            if known and known[0] >= look[0]:
                found[node] = known
            else:
                stack += (node, None, *node.parents)
    if len(found) > 1:
        _known.update({ref(node, _known.pop): known for node, known in found.items()})
    return found[root]


class Comparisons(Node):
    """The methods by which Python compares a Value, or looks at its number to decide something.

    They answer with bools and numbers; below the inputs of a program, where no number is known, the
    comparisons give Values. Equality and hash are by identity.
    """

    __slots__ = ()

    def __lt__(self, other: Scalar) -> Any:
        return compare(rows.greater, other, self)

    def __le__(self, other: Scalar) -> Any:
        return compare(rows.greater_equal, other, self)

    def __gt__(self, other: Scalar) -> Any:
        return compare(rows.greater, self, other)

    def __ge__(self, other: Scalar) -> Any:
        return compare(rows.greater_equal, self, other)

    def __eq__(self, other: object) -> bool:
        if other is self or (other.__class__ is self.__class__ and not declared):
            return other is self
        if hasattr(other, "__float__") and (not isinstance(other, Node) or is_open(self)):
            look(self, "==")
        return NotImplemented

    __hash__: Any = object.__hash__

    def __bool__(self) -> bool:
        return look(self, "bool") != 0.0

    def __float__(self) -> float:
        return look(self, "float")

    def __int__(self) -> int:
        return int(look(self, "int"))

    def __index__(self) -> int:
        if is_open(self):
            look(self, "index")
        got = f"an index is an int, got {describe(self)}"
        raise TypeError(f"{got}; write int(x) or choose(x, table)")
