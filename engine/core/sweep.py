"""Backpropagation: the reverse sweep, and what keeps gradients safe around it.

The loop in `backward` is the documentation of backprop: stop in it with any debugger, and
`node, parent, local, upstream, contribution` are what a textbook calls them.
"""

from collections.abc import Sequence
from contextlib import suppress
from itertools import compress, repeat
from threading import get_ident
from typing import Self

from engine.core.graph import reverse_order
from engine.core.hooks import visited
from engine.core.node import Node, as_float, assign, edges
from engine.core.nonfinite import check_gradients, check_sum
from engine.core.ops import CONSTANT
from engine.forks import fork_safe_lock, in_forked_child
from engine.source.traces import note_sweep

WITHIN = "within backward(); let the outer one end first"
BESIDE = "while another thread is in backward_steps(); let that end first"
ENDS = "(a backward_steps() ends when it is gone through or closed)"
_sweeping = fork_safe_lock()  # gradients are summed up on the nodes: one sweep at a time


def backward(root: Node, seed: float) -> None:
    """Add to `.grad` of every node below the root seed times the derivative of the root by it.

    From the root down each node hands its own gradient (`upstream`) times a local derivative to
    each parent, and is visited when all its consumers have been.
    """
    order = reverse_order(root)
    with _sweeping, Gradients(order) as gradients:
        held = gradients.begin(sweep=True)
        root.grad = seed
        for node in visited(order):
            upstream = node.grad
            for parent, local in edges(node):
                if local is None or parent.op is CONSTANT:
                    continue
                contribution = upstream * local
                parent.grad += contribution
        check_gradients(order, [node.grad for node in order], seed)
        gradients.add()
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
    """Inside the `with` block, from `begin()` on, the gradients of nodes begin at 0.

    At its end, and where anything raises, those from before come back; but not after `add()`.
    They are set in one go, and no Ctrl-C comes in between.
    """

    __slots__ = ("_before", "_nodes", "_thread")
    _open: "Gradients | None" = None
    _before: list[float] | None
    _thread: int

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._nodes, self._before = nodes, None

    def __enter__(self) -> Self:
        return self

    def begin(self, sweep: bool = False) -> Node | None:
        """Set the gradients aside, and give the first node that has one.

        Arguments:
            sweep: gradients are summed up on the nodes, so one sweep can be open at a time; a
                second one is a RuntimeError.
        """
        with _sweeping:
            if sweep and Gradients._open is not None:
                other = Gradients._open._thread != get_ident()
                raise RuntimeError(f"backward() was called {BESIDE if other else WITHIN} {ENDS}")
            self._before, self._thread = gradients_of(self._nodes), get_ident()
            if sweep:
                Gradients._open = self
        held = next(compress(self._nodes, self._before), None)
        if held is not None:
            assign(self._nodes, "grad", repeat(0.0))
        return held

    def add(self) -> None:
        """Keep the new gradients, added as a whole to those from before: so the same sweep twice is
        exactly double.
        """
        if any(self._before or ()):
            for node, earlier in zip(self._nodes, self._before or (), strict=True):
                added = node.grad
                node.grad = added + earlier
                if node.grad - node.grad:
                    check_sum(node, earlier, added)
        Gradients._open = self._before = None

    def __exit__(self, *_: object) -> None:
        before, self._before = self._before, None
        if Gradients._open is self:
            Gradients._open = None
        if before is not None:
            assign(self._nodes, "grad", before)


def _undo_lost_sweep() -> None:
    """In a forked child, put back what the sweep of another thread has changed so far."""
    lost = Gradients._open
    if lost is not None and lost._thread != get_ident():
        lost.__exit__()


in_forked_child(_undo_lost_sweep)
