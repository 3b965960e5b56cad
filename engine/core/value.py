"""Value: a float that remembers how it was made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat
from math import inf, nan
from sys import _getframe
from typing import Any, Self, TypeAlias

from engine.core.copies import deep_copy, reduce_node, shallow_copy
from engine.core.graph import describe, topological
from engine.core.inputs import Comparisons, declared, look
from engine.core.modes import NO_GRAD
from engine.core.node import Node, as_float, assign, is_foreign
from engine.core.nonfinite import check_value
from engine.core.numerics import divide
from engine.core.operation import Operation, rows
from engine.core.ops import CONSTANT
from engine.core.shortcuts import Shortcuts
from engine.core.sweep import backward
from engine.forks import fork_safe_lock
from engine.source.lost import check_back, outside_library, taken
from engine.source.reads import Reading, reads
from engine.source.traces import note_change

Number = float  # an int is one to type checkers; NumPy's scalars are checked when they come

_new = object.__new__
_constant, _add, _sub, _mul = CONSTANT, rows.add, rows.sub, rows.mul
_lock = fork_safe_lock()
_makes_nodes = True  # a module that says so is passed over when a node looks for who made it
_epoch = 0  # how often any leaf was changed; a node older than its parent's last change is stale


class Value(Shortcuts, Comparisons):
    """A node of a computation graph: a float, and how it came about.

    Arithmetic and the functions of `engine` on Values record new Values; `backward()` then gives
    every Value below the result its `.grad`, the derivative of the result by it.

    Arguments:
        data: an int, a float or a NumPy scalar. Anything else is a TypeError.
        label: a name for messages and pictures.

    Attributes:
        data: the number. It can be set on a leaf; not on a result, which has to be built again.
        grad: the derivative, summed over all calls of `backward()` since it was last zeroed.
        op: the operation that made it, None for a leaf; `constant` for a number in an expression.
        parents: the Values it was made from.
        label: its name, or None.

    Equality and hash are by identity, so that a Value can be a key of a dictionary: `x == 2.0` is
    False whatever x is, and `x.data == 2.0` or `engine.equal(x, 2.0)` compares the numbers. `<`,
    `>=`, `bool()` and `float()` look at the data. `round(x)` is a Value; `round(x.data, 2)` is a
    number to show.

    >>> a, b = Value(2.0, "a"), Value(-3.0, "b")
    >>> c = a * b + a
    >>> c.backward()
    >>> c
    Value(data=-4.0, grad=1.0, op=add)
    >>> a
    Value(data=2.0, grad=-2.0, label='a')
    >>> a == 2.0, a >= 2.0, a.data == 2.0
    (False, True, True)
    """

    __slots__ = ()

    grad: float
    op: Operation | None
    parents: tuple[Value, ...]

    def __init__(self, data: Number, label: str | None = None, _op: str = "") -> None:
        self._data, self.grad, self.op = as_float(data), 0.0, None
        self.parents, self._label, self._epoch = (), None, _epoch
        if label is not None:
            self.label = (label, _op) if _op else label  # type: ignore[assignment]  # refused there
        frame = _maker(_getframe())
        if taken and data.__class__ is float:
            check_back(data, frame)
        elif data.__class__ is Reading:
            reads[self] = data
        self._code, self._at = frame.f_code, frame.f_lasti >> 1

    @property
    def data(self) -> float:
        """The number."""
        if declared:
            return look(self, "data")
        return self._data

    @data.setter
    def data(self, number: Number) -> None:
        if self.op is not None:
            got = f"the data of {describe(self)} cannot be set, since it was computed"
            remedy = "change a leaf and build the expression again, or take .detach()"
            raise AttributeError(f"{got}; {remedy}")
        value = as_float(number)
        global _epoch
        with _lock:
            _epoch += 1
            self._data, self._epoch = value, _epoch
            note_change(_getframe(1), _epoch)

    @staticmethod
    def _advance(epoch: int) -> None:
        """Move the clock of changes to at least that epoch."""
        global _epoch
        with _lock:
            _epoch = max(_epoch, epoch)

    def _apply(self, op: Operation, args: tuple[Any, ...]) -> Value:
        return apply(op, args)

    # --- arithmetic ------------------------------------------------------------------------------
    # what a Value does not know is left to the class of the other
    def __add__(self, other: Value | Number) -> Value:
        if other.__class__ is not Value and (other := constant(other, True)) is None:
            return NotImplemented
        return record(_add, (self, other), self._data + other._data)

    def __sub__(self, other: Value | Number) -> Value:
        if other.__class__ is not Value and (other := constant(other, True)) is None:
            return NotImplemented
        return record(_sub, (self, other), self._data - other._data)

    def __mul__(self, other: Value | Number) -> Value:
        if other.__class__ is not Value and (other := constant(other, True)) is None:
            return NotImplemented
        return record(_mul, (self, other), self._data * other._data)

    def __radd__(self, other: Number) -> Value:
        number = constant(other)
        return record(_add, (number, self), number._data + self._data)

    def __rsub__(self, other: Number) -> Value:
        number = constant(other)
        return record(_sub, (number, self), number._data - self._data)

    def __rmul__(self, other: Number) -> Value:
        number = constant(other)
        return record(_mul, (number, self), number._data * self._data)

    def __truediv__(self, other: Value | Number) -> Value:
        if other is self:
            return record(rows.self_ratio, (self,), divide(self._data, self._data))
        if (other := constant(other, True)) is None:
            return NotImplemented
        return record(rows.div, (self, other), divide(self._data, other._data))

    def __rtruediv__(self, other: Number) -> Value:
        number = constant(other)
        return record(rows.div, (number, self), divide(number._data, self._data))

    def __pow__(self, other: Value | Number) -> Value:
        if (other := constant(other, True)) is None:
            return NotImplemented
        op = rows.pow if other.op is CONSTANT else rows.xpowy
        return record(op, (self, other), op.function(self._data, other._data))

    def __rpow__(self, other: Number) -> Value:
        op = rows.pow if self.op is CONSTANT else rows.xpowy
        number = constant(other)
        return record(op, (number, self), op.function(number._data, self._data))

    def __neg__(self) -> Value:
        return record(rows.neg, (self,), -self._data)

    def __pos__(self) -> Value:
        return self

    def __abs__(self) -> Value:
        return record(rows.abs, (self,), abs(self._data))

    def __format__(self, spec: str) -> str:
        return format(self._data, spec) if spec else repr(self)

    def __repr__(self) -> str:
        label = f", label={self.label!r}" if self.label is not None else ""
        made = f", op={self.op}" if self.op is not None else ""
        return f"Value(data={self._data!r}, grad={self.grad!r}{label}{made})"

    # --- gradients -------------------------------------------------------------------------------
    def backward(self, seed: Number = 1.0) -> None:
        """Add to `.grad` of this Value and of all below it the derivative of this one by each.

        Arguments:
            seed: what this Value's own gradient is taken to be; all gradients scale with it.

        Raises:
            StaleValueError: a leaf was changed since the expression was built.
            NumericError: in strict mode, a gradient came out infinite or undefined. Then, as after
                any error, no gradient has changed.

        >>> x = Value(3.0)
        >>> y = x * x * x
        >>> y.backward(); x.grad
        27.0
        >>> y.backward(); x.grad
        54.0
        """
        backward(self, as_float(seed))

    def zero_grad(self) -> None:
        """Set `.grad` of this Value and of all below it to 0."""
        for node in topological(self):
            node.grad = 0.0

    def detach(self) -> Value:
        """A leaf with the same data and label: gradients stop there."""
        return Value(look(self, "detach"), self.label)

    # --- copies ----------------------------------------------------------------------------------
    def __copy__(self) -> Self:
        return shallow_copy(self, self.parents)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return deep_copy(self, memo)

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return reduce_node(self)


Scalar: TypeAlias = Value | Number


def record(op: Operation, parents: tuple[Any, ...], data: float) -> Value:
    """A new node: what an operation on parents gave. All nodes but leaves are made here.

    A node keeps the code that was running and the number of its instruction. They give it a name
    and a line. Both are only looked up when somebody asks, so keeping them costs next to nothing.
    """
    if data - data or NO_GRAD.open:  # inf or nan; or somebody, somewhere, wants no graph
        if data - data:
            check_value(op, parents, data)
        if NO_GRAD.open and NO_GRAD.get():
            return Value(data)
    node = _new(Value)
    node._data = data
    node.grad = 0.0
    node.op = op
    node.parents = parents
    node._label = None
    node._epoch = _epoch
    try:
        frame: Any = _getframe(2)
    except ValueError:  # called from C alone
        frame = _getframe()
    if "_makes_nodes" in frame.f_globals:
        frame = _maker(frame)
    node._code = frame.f_code
    node._at = frame.f_lasti >> 1  # instructions are two bytes, and small ints cost no memory
    return node


def _maker(frame: Any) -> Any:
    """The first frame, from this one outwards, of a module that does not say `_makes_nodes`."""
    while "_makes_nodes" in frame.f_globals and frame.f_back:
        frame = frame.f_back
    return frame


def apply(op: Operation, args: Sequence[Any]) -> Value:
    """A node of an operation on Values and numbers; a node too where all are numbers."""
    parents = tuple([constant(arg) for arg in args])
    try:
        data = op.function(*[parent._data for parent in parents])
    except (ValueError, ZeroDivisionError):  # the table's own functions never raise
        data = nan
    except OverflowError:
        data = inf
    return record(op, parents, data)


def epoch() -> int:
    """How often any leaf was changed so far. While the count stays, so do all numbers."""
    return _epoch


def set_data(leaves: Sequence[Value], numbers: Iterable[Number]) -> None:
    """Set the data of leaves, as one change: a step of an optimiser changes many."""
    global _epoch
    found = [x if x.__class__ is float else as_float(x) for x in numbers]
    with _lock:
        _epoch += 1
        note_change(outside_library(_getframe()), _epoch)
        assign(leaves, "_epoch", repeat(_epoch))
        assign(leaves, "_data", found)


_shared: dict[float, Value] = {}


def constant(number: Any, operand: bool = False) -> Any:
    """A number as a Value that takes no gradient; a Value as it is.

    An operand that is neither gives None where its own class may know what to do with a Value.

    A number that was met recently has its node already: `x = x * 2`, a million times over, makes
    one node for the 2. A node is not shared once somebody has given it a label or a gradient, and
    that of 0 never is, since 0 has a sign.
    """
    if number.__class__ is not float:
        if isinstance(number, Value):
            return number
        if number.__class__ is Reading:
            node: Any = fresh_constant(float(number))
            reads[node] = number
            return node
        try:
            number = as_float(number)
        except TypeError:
            if operand and is_foreign(number):
                return None
            raise
    elif taken:
        check_back(number, _getframe(1))
    if not number:
        return fresh_constant(number)
    node = _shared.get(number)
    if node is None or node._label is not None or node.grad:
        if len(_shared) > 30:
            _shared.clear()
        node = _shared[number] = fresh_constant(number)
    return node


def fresh_constant(number: float) -> Value:
    """A number as a Value that takes no gradient, in a node that nobody else has."""
    node = _new(Value)
    node._data, node.grad, node.op = number, 0.0, _constant
    node.parents, node._label, node._epoch = (), None, _epoch
    node._code, node._at = None, 0
    return node


def is_constant(node: Node) -> bool:
    """Tell whether a node is a number written in the source: pictures show it in its consumer."""
    return node.op is CONSTANT
