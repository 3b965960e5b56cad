"""The backward pass one edge at a time, in a loop that the user writes.

Under all settings a debugger stops in the user's code. So `for step in loss.backward_steps()` is a
place for a breakpoint, with a condition such as `step.parent is w`.
"""

from collections.abc import Iterator
from typing import Any

from engine.core.graph import check_fresh, reverse_order, topological
from engine.core.hooks import visited
from engine.core.node import as_float, edges
from engine.core.nonfinite import check_gradients
from engine.core.ops import is_constant
from engine.core.sweep import Gradients
from engine.core.value import Value
from engine.stepping.step import ForwardStep, Step

__all__ = ["backward_steps", "forward_steps"]


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
    with Gradients(order, add=True):
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
