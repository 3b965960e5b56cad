"""The backward pass one edge at a time, in a loop that belongs to the user.

A debugger stops in the user's own code under any settings; so `for step in loss.backward_steps()`
is where to set a breakpoint, with a condition such as `step.parent is w`.
"""

from collections.abc import Iterator
from typing import Any

from engine.core.branches import reached
from engine.core.graph import check_fresh, topological
from engine.core.node import as_float
from engine.core.nonfinite import judge_gradient
from engine.core.ops import CONSTANT
from engine.core.sweep import Sweep
from engine.core.value import Value
from engine.stepping.step import ForwardStep, Step

__all__ = ["backward_steps", "edges", "forward_steps"]


def backward_steps(root: Value, seed: float = 1.0) -> Iterator[Step]:
    """Do what `backward()` does, one edge at a time: after each, the graph is as in its midst.

    Run to the end it leaves the graph as `backward()` does, to the bit. Left early (`break`, an
    error), it puts the gradients back as they were. Until then no other sweep can begin.

    >>> x = Value(3.0)
    >>> y = x * x
    >>> [(step.operand, x.grad) for step in y.backward_steps()]
    [(0, 3.0), (1, 6.0)]
    """
    seed = as_float(seed)
    with Sweep(root) as nodes:
        order: list[Any] = nodes
        order[0].grad = seed
        index, judged = 0, False
        alive = set(reached(order))
        for node in order:
            upstream = node.grad
            if upstream - upstream and not judged:  # inf or nan: in strict mode, an error
                judge_gradient(reached(order), seed)
                judged = True
            if node not in alive:
                continue
            for operand, parent, local in edges(node):
                before, contribution = parent.grad, upstream * local
                parent.grad = after = before + contribution
                yield Step(
                    index, node, upstream, operand, parent, local, contribution, before, after
                )
                index += 1


def edges(node: Any) -> Iterator[tuple[int, Any, float]]:
    """The operands of a node that take gradient: position, node, local derivative."""
    if node.parents:
        found = node.op.slopes or node.op.numeric(node._data, *[p._data for p in node.parents])
        for operand, (parent, local) in enumerate(zip(node.parents, found, strict=True)):
            if parent.op is not CONSTANT:
                yield operand, parent, local


def forward_steps(root: Value) -> Iterator[ForwardStep]:
    """What the forward pass computed, one node at a time, operands first. Changes nothing.

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
