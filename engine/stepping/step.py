"""Step: one edge of a pass over the graph, and the one line that says what happened on it."""

import keyword
import re
from dataclasses import dataclass

from engine.core.origins import name, where
from engine.core.value import Value
from engine.wording.numbers import number, operation, shorten
from engine.wording.terminal import safe

SHORT = 24  # characters of code that can stand for a name

__all__ = ["ForwardStep", "Step", "called", "made_by"]


def called(node: Value, otherwise: str = "") -> str:
    """What to call a node: its label or variable, its code if short, else what is given.

    >>> x = Value(0.5, "x")
    >>> called(x), called(x * 4.0)
    ('x', '(x * 4.0)')
    """
    named, origin = name(node), where(node)
    if named:
        return safe(named)
    if node.parents and origin is not None and not origin.library and 0 < len(origin.code) <= SHORT:
        return f"({safe(origin.code)})"
    return otherwise or (node.op.name if node.op else "a leaf")


def made_by(node: Value) -> str:
    """How a node was made and where: `n = x*w  run.py:4`."""
    if not node.parents:
        return called(node)
    origin = where(node)
    if origin is not None and origin.code and not origin.library:
        made = origin.code
    else:
        operands = [safe(name(p) or number(p.data)) for p in node.parents]
        made = operation(node.op, operands) if node.op else ""
    named = name(node)
    place = f"  {origin}" if origin is not None else ""
    return (f"{safe(named)} = " if named else "") + shorten(made, 60) + place


@dataclass(frozen=True, slots=True)
class Step:
    """One edge of the backward pass: a node hands gradient to one of its operands.

    Attributes:
        index: which edge of the pass it is, from 0 on.
        node: the node whose gradient is handed on. upstream: that gradient, complete.
        operand: which argument of the node gets it; `a * a` has two. parent: the node it gets to.
        local: the derivative of the node by that argument.
        contribution: upstream times local, what is added to the parent's gradient.
        before, after: the parent's gradient, in this pass, before and after it.
    """

    index: int
    node: Value
    upstream: float
    operand: int
    parent: Value
    local: float
    contribution: float
    before: float
    after: float

    def __str__(self) -> str:
        """One line that a person can read aloud.

        >>> x, w = Value(0.501), Value(3.0)
        >>> n = x * w
        >>> for step in n.backward_steps(2.0):
        ...     print(str(step).partition("  n =")[0])
        x.grad 0 -> 6  (+= 2 × 3)
        w.grad 0 -> 1.002  (+= 2 × 0.501)
        """
        target = called(self.parent, f"operand {self.operand}")
        change = f"{target}.grad {number(self.before)} -> {number(self.after)}"
        return (
            f"{change}  (+= {number(self.upstream)} × {number(self.local)})  {made_by(self.node)}"
        )

    def source(self, target: str = "") -> str:
        """This step as a line of Python; see `Run.to_source` for the whole pass.

        Arguments:
            target: what to call the parent; by default after its label or variable.

        >>> x = Value(0.5)
        >>> y = x * 4.0
        >>> next(y.backward_steps()).source()
        'x.grad += 1.0 * 4.0'
        """
        if not target:
            called = name(self.parent) or f"operand {self.operand}"
            target = re.sub(r"\W", "_", called.rstrip("]")) or "_"  # ps[0] is to be ps_0
            if target[0].isdigit() or keyword.iskeyword(target):
                target = f"_{target}"
        return f"{target}.grad += {self.upstream!r} * {self.local!r}"


@dataclass(frozen=True, slots=True)
class ForwardStep:
    """One node of the forward pass: an operation on operands gives a number.

    Attributes:
        index: which node of the pass it is, from 0 on.
        node: the node. operands: its arguments. inputs: their numbers. data: what came out.
    """

    index: int
    node: Value
    operands: tuple[Value, ...]
    inputs: tuple[float, ...]
    data: float

    def __str__(self) -> str:
        """One line that a person can read aloud.

        >>> x = Value(0.5)
        >>> y = x * 4.0
        >>> print(str(next(y.forward_steps())).partition("  <doc")[0])
        y = × of 0.5, 4 = 2  y = x * 4.0
        """
        numbers = ", ".join(number(x) for x in self.inputs)
        op = self.node.op.symbol if self.node.op else ""
        return (
            f"{called(self.node)} = {op} of {numbers} = {number(self.data)}  {made_by(self.node)}"
        )
