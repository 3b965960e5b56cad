"""The passes one step at a time, in a loop that the user writes: Step and ForwardStep.

Under all settings a debugger stops in the user's code. So `for step in loss.backward_steps()` is a
place for a breakpoint, with a condition such as `step.parent is w`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from engine.core.graph import check_fresh, reverse_order, topological
from engine.core.hooks import visited
from engine.core.node import as_float, edges
from engine.core.nonfinite import check_gradients
from engine.core.sweep import Gradients
from engine.core.value import Value, is_constant
from engine.wording.names import called, identifiers, made_by, number
from engine.wording.terminal import printable

__all__ = ["ForwardStep", "Step", "backward_steps", "forward_steps"]


@dataclass(frozen=True, slots=True)
class Step:
    """One edge of the backward pass: a node hands gradient to one of its parents.

    Attributes:
        index: the number of the edge in the pass, from 0 on.
        node: the node whose gradient is handed on.
        upstream: the gradient of the node, which is complete by now.
        position: which of the node's parents gets it, from 0 on. In `a * a` both of them are a.
        parent: the parent at that position.
        local: the derivative of the node by the parent at that position.
        contribution: upstream times local, which is added to the parent's gradient.
        before, after: the parent's gradient in this pass, before and after the addition.
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
        change = f"{called(self.parent)}.grad {number(self.before)} -> {number(self.after)}"
        added = f"(+= {number(self.upstream)} × {number(self.local)})"
        return printable(f"{change}  {added}  {made_by(self.node)}")

    def source(self, target: str = "") -> str:
        """This step as a line of Python. `Run.to_source` gives the whole pass.

        Arguments:
            target: what to call the parent. By default it is called by its label, its variable or
                its operation.

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
        index: the number of the node in the pass, from 0 on.
        node: the node.
        parents: the nodes that it was made from.
        inputs: the numbers of the parents.
        data: the number of the node.
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
        op = self.node.op.symbol if self.node.op else ""
        result = f"{op} of {', '.join(map(number, self.inputs))} = {number(self.data)}"
        return printable(f"{called(self.node)} = {result}  {made_by(self.node)}")


def backward_steps(root: Value, seed: float = 1.0) -> Iterator[Step]:
    """Do what `backward()` does, one edge at a time, and give each edge when it is done.

    A loop that runs to the end leaves the graph as `backward()` does, to the bit. A loop that ends
    early, by a `break` or an error, puts all gradients back. Until either happens, no other
    backward pass can begin.

    >>> x = Value(3.0)
    >>> y = x * x
    >>> [(step.position, x.grad) for step in y.backward_steps()]
    [(0, 3.0), (1, 6.0)]
    """
    seed = as_float(seed)
    order = reverse_order(root)
    with Gradients(order) as gradients:
        gradients.begin(sweep=True)
        root.grad = seed
        index = 0
        for node in visited(order):
            upstream = node.grad
            each: Any  # the parents of a Value are Values
            for position, each in enumerate(edges(node)):
                parent, local = each
                if local is None or is_constant(parent):
                    continue
                before, contribution = parent.grad, upstream * local
                parent.grad = after = before + contribution
                yield Step(
                    index, node, upstream, position, parent, local, contribution, before, after
                )
                index += 1
        check_gradients(order, [node.grad for node in order], seed)
        gradients.add()


def forward_steps(root: Value) -> Iterator[ForwardStep]:
    """Give each node that the forward pass computed, parents first. Nothing is computed again.

    >>> x = Value(3.0)
    >>> y = (x * x + 1).log()
    >>> [step.data for step in y.forward_steps()]
    [9.0, 10.0, 2.302585092994046]
    """
    order = topological(root)
    check_fresh(order)
    made = (node for node in order if node.parents)
    for index, node in enumerate(made):
        inputs = tuple([parent.data for parent in node.parents])
        yield ForwardStep(index, node, node.parents, inputs, node.data)
