"""Backpropagation: the reverse sweep, and what keeps gradients safe around it.

The loop in `backward` is the documentation of backprop: stop in it with any debugger, and
`node, parent, local, upstream, contribution` are what a textbook calls them.
"""

from collections.abc import Sequence
from contextlib import suppress
from itertools import compress
from threading import get_ident

from engine.core.graph import reverse_order
from engine.core.hooks import visited
from engine.core.node import Node, as_float, edges
from engine.core.nonfinite import check_gradients, check_sum
from engine.core.ops import CONSTANT
from engine.forks import fork_safe_lock, in_forked_child
from engine.source.traces import note_sweep

_sweeping = fork_safe_lock()  # gradients are summed up on the nodes: one sweep at a time


def backward(root: Node, seed: float) -> None:
    """Add to `.grad` of every node below the root seed times the derivative of the root by it.

    From the root down each node hands its own gradient (`upstream`) times a local derivative to
    each parent, and is visited when all its consumers have been.
    """
    order = reverse_order(root)
    with _sweeping, Gradients(order, add=True) as held:
        root.grad = seed
        for node in visited(order):
            upstream = node.grad
            for parent, local in edges(node):
                if local is not None and parent.op is not CONSTANT:
                    contribution = upstream * local
                    parent.grad += contribution
        check_gradients(order, [node.grad for node in order], seed)
    note_sweep(order, held)


def gradients_of(nodes: Sequence[Node]) -> list[float]:
    """The gradient of each node. None counts as 0, and what can be a float is made one.

    Raises TypeError where anything else was assigned to `grad`.
    """
    found = [node.grad for node in nodes]
    with suppress(TypeError):  # a sum is the quickest way to see that all are floats
        if type(sum(found)) in (float, int):
            return found
    for node in nodes:
        node.grad = as_float(0.0 if node.grad is None else node.grad, "the grad of a Value is")
    return [node.grad for node in nodes]


class Gradients:
    """Sets the gradients of nodes aside: inside the `with` block they begin at 0.

    At the end, and where anything raises, what was set aside comes back.

    Arguments:
        nodes: whose gradients.
        add: this is a sweep. At its end, the new gradients are added to the old ones, unless
            something raised. One sweep can be open at a time, since it sums gradients up on the
            nodes; a second one is a RuntimeError.
    """

    __slots__ = ("_add", "_before", "_nodes", "_thread")
    _open: "Gradients | None" = None
    _thread: int

    def __init__(self, nodes: Sequence[Node], add: bool = False) -> None:
        self._nodes, self._add = nodes, add

    def __enter__(self) -> Node | None:
        with _sweeping:
            if self._add and Gradients._open is not None:
                when = "while another thread is in backward_steps(); let that end first"
                if Gradients._open._thread == get_ident():
                    when = "within backward(); let the outer one end first"
                end = "a backward_steps() ends when it is gone through or closed"
                raise RuntimeError(f"backward() was called {when} ({end})")
            self._before = gradients_of(self._nodes)
            self._thread = get_ident()
            if self._add:
                Gradients._open = self
        held = next(compress(self._nodes, self._before), None)  # the first that has a gradient
        for node in self._nodes if held is not None else ():
            node.grad = 0.0
        return held

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        add = self._add and error is None
        try:
            if add and any(self._before):
                # added as a whole, so that the same sweep twice is exactly double
                for node, earlier in zip(self._nodes, self._before, strict=True):
                    added = node.grad
                    node.grad = added + earlier
                    if node.grad - node.grad:
                        check_sum(node, earlier, added)
        except BaseException:
            add = False
            raise
        finally:
            if not add:
                for node, grad in zip(self._nodes, self._before, strict=True):
                    node.grad = grad
            if self._add:
                Gradients._open = None


def _undo_lost_sweep() -> None:
    """In a forked child, put back what the sweep of another thread has changed so far."""
    lost = Gradients._open
    if lost is not None and lost._thread != get_ident():
        lost.__exit__(RuntimeError)


in_forked_child(_undo_lost_sweep)
