"""Run: a backward pass that can be walked in both directions."""

from array import array
from collections.abc import Callable, Iterator
from itertools import chain, repeat
from math import isfinite
from typing import Any

from engine.core.graph import reverse_order, topological
from engine.core.hooks import call_hooks, has_hooks
from engine.core.node import as_float, assign, edges
from engine.core.nonfinite import check_gradients, check_sum
from engine.core.sweep import gradients_of
from engine.core.value import Value, is_constant
from engine.outfile import Target
from engine.stepping.steps import Step

__all__ = ["Run"]


class Run:
    """A recorded backward pass. The gradients on the graph are those after `position` edges.

    A run begins before the first edge, where all gradients but the output's are 0. At its end the
    gradients are those that `backward()` leaves, to the bit: what was in `.grad` before the run is
    added. Each edge takes 28 bytes. Hooks are called once, when the run is made.

    In strict mode it is an error to make a run on which a gradient is not finite. Under
    `numeric_mode("ieee")` such a run can be made, and walked to that gradient: `until_nonfinite`.

    Attributes:
        root: the output. seed: its gradient.
        nodes: the nodes below the output, each before its parents.
        position: how many edges have been taken.
        hooked: what hooks change. For a position, each node with its gradient before and after.

    >>> x = Value(3.0, "x")
    >>> y = x * x
    >>> run = y.trace_backward()
    >>> step = run.step(); x.grad
    3.0
    >>> step = run.step(); x.grad
    6.0
    >>> step = run.back(); x.grad
    3.0
    """

    def __init__(self, root: Value, seed: float = 1.0) -> None:
        if not isinstance(root, Value):
            got = f"a run is a backward pass from one Value, got {type(root).__name__}"
            remedy = "give one of several outputs, or their sum"
            raise TypeError(f"{got}; {remedy}; engine.drawing.draw shows them in one picture")
        self.root: Value = root
        self.seed: float = as_float(seed)
        self.nodes: list[Value] = topological(root)[::-1]
        self.position: int = 0
        self._earlier = gradients_of(self.nodes)
        self._record()
        try:
            self.restart()
        except KeyboardInterrupt:  # then there is no run
            self.close()
            raise

    def _record(self) -> None:
        """Compute all edges of the pass without writing on the graph; hooks are called here."""
        number: dict[Any, int] = {node: i for i, node in enumerate(self.nodes)}
        self._grads = grads = array("d", bytes(8 * len(self.nodes)))
        grads[0] = self.seed
        self._node, self._parent, self._position = array("i"), array("i"), array("i")
        self._local, self._before = array("d"), array("d")
        self.hooked: dict[int, list[tuple[Value, float, float]]] = {}
        order = reverse_order(self.root)
        hooks = has_hooks(order)
        self._reached = {*order}  # all other nodes lie below branches that were not taken
        for node in order:
            i = number[node]
            upstream = grads[i]
            if hooks and (changed := call_hooks(node, upstream)) != upstream:
                self.hooked.setdefault(len(self._node), []).append((node, upstream, changed))
                grads[i] = upstream = changed
            for position, (parent, local) in enumerate(edges(node)):
                if local is not None and not is_constant(parent):
                    to = number[parent]
                    self._node.append(i)
                    self._parent.append(to)
                    self._position.append(position)
                    self._local.append(local)
                    self._before.append(grads[to])
                    grads[to] += upstream * local
        check_gradients(order, [grads[number[node]] for node in order], self.seed)
        for node, added, earlier in zip(self.nodes, grads, self._earlier, strict=True):
            if not isfinite(added + earlier):
                check_sum(node, earlier, added)

    # --- looking ---------------------------------------------------------------------------------
    def __len__(self) -> int:
        return len(self._node)

    def __getitem__(self, index: int) -> Step:
        """The step with that index, whether it has been taken or not."""
        end = len(self)
        if not isinstance(index, int) or not -end <= index < end:
            raise IndexError(f"this run has {end} edges, from 0 to {end - 1}; got {index!r:.60}")
        index %= end
        node, parent = self.nodes[self._node[index]], self.nodes[self._parent[index]]
        upstream, position = self._grads[self._node[index]], self._position[index]
        local, before = self._local[index], self._before[index]
        contribution = upstream * local
        after = before + contribution
        return Step(index, node, upstream, position, parent, local, contribution, before, after)

    def __iter__(self) -> Iterator[Step]:
        return (self[index] for index in range(len(self)))

    def __repr__(self) -> str:
        return f"<Run at {self.position} of {len(self):,} edges, {self.nbytes:,} bytes>"

    @property
    def nbytes(self) -> int:
        """The number of bytes that the record takes, besides the graph."""
        rows = (self._node, self._parent, self._position, self._local, self._before, self._grads)
        return sum(memoryview(row).nbytes for row in rows) + 16 * len(self.nodes)

    @property
    def current(self) -> Step | None:
        """The step that was taken last; None at the beginning."""
        return self[self.position - 1] if self.position else None

    def contributions(self, value: Value) -> list[Step]:
        """All steps that add to the gradient of a value, in order. Their sum is the gradient.

        >>> x = Value(3.0)
        >>> [step.contribution for step in (x * x + x).trace_backward().contributions(x)]
        [1.0, 3.0, 3.0]
        """
        wanted = self._number(value)
        return [self[i] for i, to in enumerate(self._parent) if to == wanted]

    def gradient(self, value: Value) -> float:
        """The gradient that this pass gives a value, wherever the run stands."""
        return self._grads[self._number(value)]

    def _number(self, value: Value) -> int:
        for i, node in enumerate(self.nodes):
            if node is value:
                return i
        raise ValueError(f"{value!r} is not below the output of this run; trace that output")

    # --- walking ---------------------------------------------------------------------------------
    def close(self) -> None:
        """Put all gradients back as they were before the run."""
        assign(self.nodes, "grad", self._earlier)

    def restart(self) -> None:
        """Go back to the beginning."""
        self.position = 0
        assign(self.nodes, "grad", chain(self._grads[:1], repeat(0.0)))
        if not len(self):  # a leaf alone: that is all
            self._land(1)

    def step(self) -> Step | None:
        """Take the next edge and return it; return None where the pass is over."""
        return None if self.position >= len(self) else self.goto(self.position + 1)

    def back(self) -> Step | None:
        """Undo the last edge and return it; return None at the beginning."""
        undone = self.current
        if undone is not None:
            self.goto(self.position - 1)
        return undone

    def goto(self, position: int) -> Step | None:
        """Go to a position, forwards or back. A position is how many edges have been taken.

        Negative positions count from the end: goto(-1) goes to the end itself. Returns the step
        before that position; None at the beginning.
        """
        if isinstance(position, bool) or not isinstance(position, int):
            raise TypeError(f"a position is a whole number of edges, got {position!r:.60}")
        end = len(self)
        if not -end - 1 <= position <= end:
            raise IndexError(f"this run has positions from 0 to {end}, got {position}")
        position %= end + 1
        start = self.position
        try:
            self._walk(position, end)
        except BaseException:  # Ctrl-C between two edges, or within one
            self.restart()
            self._walk(start, end)
            raise
        return self.current

    def _walk(self, position: int, end: int) -> None:
        if self.position == end and end:
            self._land(-1)
        nodes, parents, before = self.nodes, self._parent, self._before
        for i in range(self.position, position):
            nodes[parents[i]].grad = before[i] + self._grads[self._node[i]] * self._local[i]
            for node, _, changed in self.hooked.get(i + 1, ()):
                node.grad = changed
        for i in range(self.position - 1, position - 1, -1):
            for node, earlier, _ in self.hooked.get(i + 1, ()):
                node.grad = earlier
            nodes[parents[i]].grad = before[i]
        self.position = position
        if position == end and end:
            self._land(1)

    def _land(self, way: int) -> None:
        """At the end add the gradients from before the run (way 1), or take them off (way -1)."""
        if any(self._earlier):  # else nothing is added, not even to a -0
            for node, grad, earlier in zip(self.nodes, self._grads, self._earlier, strict=True):
                whole = grad + earlier if node in self._reached else earlier
                node.grad = whole if way > 0 else grad

    def until(self, predicate: Callable[[Step], object], *, backwards: bool = False) -> Step | None:
        """Go on to the next step that the predicate holds for, and take it.

        Backwards, the run goes to the last such step and undoes it. Returns that step. Where there
        is none, the run goes to the end (backwards, to the beginning), and None is returned.
        """
        way = range(self.position - 1, -1, -1) if backwards else range(self.position, len(self))
        for i in way:
            step = self[i]
            if predicate(step):
                self.goto(i if backwards else i + 1)
                return step
        self.goto(0 if backwards else len(self))
        return None

    def until_changed(self, value: Value, *, backwards: bool = False) -> Step | None:
        """Go on to the next step that changes the gradient of a value; see `until`."""
        self._number(value)
        return self.until(lambda s: s.parent is value and s.after != s.before, backwards=backwards)

    def until_nonfinite(self, *, backwards: bool = False) -> Step | None:
        """Go on to the next step that makes a finite gradient infinite or nan; see `until`."""
        return self.until(
            lambda step: not isfinite(step.after) and isfinite(step.before), backwards=backwards
        )

    # --- showing ---------------------------------------------------------------------------------
    def to_html(self, path: Target = None, **how: Any) -> str:
        """A page that plays the forward and the backward pass: see engine.stepping.player.

        >>> "<svg" in (Value(2.0, "x") * 3).trace_backward().to_html()
        True
        """
        from engine.stepping import player

        return player.to_html(self, path, **how)

    def to_source(self, path: Target = None) -> str:
        """The pass as plain Python that runs by itself: see engine.stepping.to_source."""
        from engine.stepping import unrolled

        return unrolled.to_source(self, path)

    def debug(self) -> None:
        """Walk through it at a prompt: see engine.stepping.debug."""
        from engine.stepping import debugger

        debugger.debug(self)
