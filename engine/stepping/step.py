"""Step and ForwardStep: one edge of the backward pass, one node of the forward pass."""

from dataclasses import dataclass

from engine.core.value import Value
from engine.wording.names import called, identifiers, made_by
from engine.wording.numbers import number
from engine.wording.terminal import printable

__all__ = ["ForwardStep", "Step"]


@dataclass(frozen=True, slots=True)
class Step:
    """One edge of the backward pass: a node hands gradient to one of its parents.

    Attributes:
        index: which edge of the pass it is, from 0 on.
        node: the node whose gradient is handed on. upstream: that gradient, complete.
        position: which of the parents gets it, from 0 on; in `a * a` both are a. parent: that one.
        local: the derivative of the node by the parent at that position.
        contribution: upstream times local, what is added to the parent's gradient.
        before, after: the parent's gradient, in this pass, before and after it.
    """

    index: int
    node: Value
    upstream: float
    position: int
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
        target = called(self.parent, f"parent {self.position}")
        change = f"{target}.grad {number(self.before)} -> {number(self.after)}"
        return printable(
            f"{change}  (+= {number(self.upstream)} × {number(self.local)})  {made_by(self.node)}"
        )

    def source(self, target: str = "") -> str:
        """This step as a line of Python; see `Run.to_source` for the whole pass.

        Arguments:
            target: what to call the parent; by default what `to_source` would call it.

        >>> x = Value(0.5)
        >>> y = x * 4.0
        >>> next(y.backward_steps()).source()
        'x.grad += 1.0 * 4.0'
        """
        target = target or identifiers([self.parent])[self.parent]
        return f"{target}.grad += {self.upstream!r} * {self.local!r}"


@dataclass(frozen=True, slots=True)
class ForwardStep:
    """One node of the forward pass: an operation on numbers gives a number.

    Attributes:
        index: which node of the pass it is, from 0 on.
        node: the node. parents: what it was made from. inputs: their numbers. data: the result.
    """

    index: int
    node: Value
    parents: tuple[Value, ...]
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
        return printable(
            f"{called(self.node)} = {op} of {numbers} = {number(self.data)}  {made_by(self.node)}"
        )
