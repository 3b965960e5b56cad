"""Numbers that were read out of a graph, by `.data`, say: constants, where they go back in."""

from __future__ import annotations

import sys
from typing import Any
from weakref import WeakKeyDictionary, ref

from engine.source.lost import at, in_library

NODES = 8  # that a Reading remembers
LATEST = 256  # numbers of leaves that are remembered

# The constants that were made of such numbers, as long as they live.
reads: WeakKeyDictionary[Any, Reading] = WeakKeyDictionary()
# By the line that compared such a number or made it an int: the nodes, and when it was read.
compared: dict[str, tuple[tuple[Any, ...], float]] = {}
# By the number: the leaf that it was read of last, when, and the line.
latest: dict[float, tuple[ref[Any], float, str]] = {}


class Reading(float):
    """What `.data` gives while a user has inputs: a float that knows the line where it was read.

    So does what the operators of Python make of it. In a graph it is a constant, and a program of
    that graph would not notice that the node's number changes.

    Attributes:
        nodes: those that it was read from, or the first few. time, line: when and where.
    """

    __slots__ = ("line", "nodes", "time")

    nodes: tuple[Any, ...]
    time: float
    line: str

    def __new__(cls, number: Any = 0.0, *about: Any) -> Any:
        """A float, where nothing is said about it: who takes a number's class to make others."""
        if not about:
            return float(number)
        read = super().__new__(cls, number)
        read.nodes, read.time, read.line = about
        return read

    def __reduce__(self) -> tuple[Any, ...]:
        return float, (float(self),)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **how: Any) -> Any:
        """What NumPy makes of a float: one of another class would widen float32."""
        plain = [float(x) if x.__class__ is Reading else x for x in inputs]
        return getattr(ufunc, method)(*plain, **how)


def _following(name: str) -> Any:
    plain = getattr(float, name)

    def method(self: Reading, *others: Any) -> Any:
        if any(isinstance(x, float) and x.__class__ not in (float, Reading) for x in others):
            return NotImplemented  # those of NumPy derive from float, and so come first
        found = plain(self, *others)
        if found.__class__ is not float:
            return found
        both = [self, *[other for other in others if isinstance(other, Reading)]]
        nodes = [node for read in both for node in read.nodes][:NODES]
        return Reading(found, tuple(nodes), max([read.time for read in both]), self.line)

    return method


PAIRED = {"add", "sub", "mul", "truediv", "floordiv", "mod", "pow"}
for _name in PAIRED | {f"r{name}" for name in PAIRED} | {"neg", "pos", "abs", "round"}:
    setattr(Reading, f"__{_name}__", _following(f"__{_name}__"))


def _deciding(name: str) -> Any:
    plain = getattr(float, name)

    def method(self: Reading, *others: Any) -> Any:
        frame = sys._getframe(1)
        if not in_library(frame):
            compared[at(frame.f_code, frame.f_lineno)] = self.nodes, self.time
        return plain(self, *others)

    return method


# Who asks for equality looks, more often than not.
for _name in ("lt", "le", "gt", "ge", "bool", "int", "trunc", "floor", "ceil"):
    setattr(Reading, f"__{_name}__", _deciding(f"__{_name}__"))


def remembered(number: float, node: Any, leaf: bool, time: float, line: str) -> Reading:
    """The number of a node as a float that knows where it was read."""
    if leaf:
        if len(latest) >= LATEST:
            latest.clear()
        latest[number] = ref(node), time, line
    read: Reading = Reading(number, (node,), time, line)
    return read
