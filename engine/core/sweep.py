"""Backpropagation: the reverse sweep, and the two sweeps that carry graphs instead of numbers.

The loop in `backward` is the documentation of backprop: stop in it with any debugger, and
`node, parent, local, upstream, contribution` are what a textbook calls them.
"""

import threading
from collections.abc import Container, Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

from engine.core import ops
from engine.core.branches import BRANCHES, Gates, reached
from engine.core.graph import check_fresh, topological
from engine.core.modes import numeric_mode
from engine.core.node import Node
from engine.core.nonfinite import judge_gradient, judge_local, judge_number, judge_sum
from engine.core.ops import CONSTANT

__all__ = ["Sweep", "backward", "pullback", "pushforward"]


_sweeping = threading.RLock()  # gradients are summed up on the nodes: one sweep at a time
_busy = False
_ieee = numeric_mode("ieee")


def backward(root: Node, seed: float) -> None:
    """Add to `.grad` of every node below the root seed times the derivative of the root by it.

    From the root down each node hands its own gradient (`upstream`) times a local derivative to
    each parent, and is visited when all its consumers have been.
    """
    with _sweeping, Sweep(root) as order:
        _sweep(order, seed)


class Sweep:
    """What is around a sweep, which runs on nodes whose gradients are 0.

    What an earlier sweep left in `.grad` is set aside until the end and then added, or put back if
    anything raises. Entering it gives all nodes, the root first.
    """

    __slots__ = ("_before", "_order", "_root")

    def __init__(self, root: Node) -> None:
        self._root = root

    def __enter__(self) -> list[Node]:
        global _busy
        with _sweeping:
            if _busy:
                raise RuntimeError(
                    "backward() was called within backward(); let the outer one end first"
                    " (a backward_steps() ends when it is gone through or closed)"
                )
            self._order = order = topological(self._root)
            check_fresh(order)
            order.reverse()
            self._before = [node.grad for node in order]
            _busy = True
        if any(self._before):
            for node in order:
                node.grad = 0.0
        return order

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        global _busy
        try:
            if error is not None:
                self._put_back()
            elif any(self._before):
                # added as a whole, so that the same sweep twice is exactly double
                for node, grad in zip(self._order, self._before, strict=True):
                    node.grad += grad
                    if node.grad - node.grad:
                        judge_sum(node, grad)
        except BaseException:
            self._put_back()
            raise
        finally:
            _busy = False

    def _put_back(self) -> None:
        for node, grad in zip(self._order, self._before, strict=True):
            node.grad = grad


def _sweep(order: list[Node], seed: float) -> None:
    """From the root, which comes first, to the leaves; all gradients are 0 before."""
    order[0].grad = seed
    judged, calm, alive = False, None, None  # calm: whether all data is finite
    for node in order:
        upstream = node.grad
        if upstream - upstream and not judged:  # inf or nan: in strict mode, an error
            judge_gradient(reached(order), seed)
            judged = True
        parents = node.parents
        if not parents:
            continue
        op: Any = node.op
        if not upstream:
            if op.tame:
                if calm is None:
                    calm = all(isfinite(each._data) for each in order)
                if calm:  # it would hand on zeros, as below a dead ReLU
                    continue
            if alive is None:
                alive = set(reached(order))
            if node not in alive:  # 0 times an infinite derivative would be a nan
                continue
        locals_ = op.slopes or op.numeric(node._data, *[parent._data for parent in parents])
        for parent, local in zip(parents, locals_):  # noqa: B905 (strict costs a tenth of all)
            if parent.op is not CONSTANT:
                contribution = upstream * local
                parent.grad += contribution


def pullback(seeds: Mapping[Any, Any], inputs: Sequence[Any]) -> list[Any]:
    """The reverse sweep on Values: for each input the sum over outputs of seed times derivative.

    The adjoint of a node is one `dot`, of its consumers' adjoints with their local derivatives.
    Only nodes between the outputs and the inputs are visited. What is a plain number stays one.
    """
    order = topological(*seeds)
    check_fresh(order)
    between = set(inputs)
    for node in order:
        if not between.isdisjoint(node.parents):
            between.add(node)
    terms: dict[Any, list[tuple[Any, Any]]] = {node: [(s, 1.0)] for node, s in seeds.items()}
    adjoint: dict[Any, Any] = {}
    gates = Gates(seeds) if any(node.op is ops.select for node in order) else None
    for node in reversed(order):
        if node in between:
            upstream = adjoint[node] = _dot(terms.pop(node, []))
            if not between.isdisjoint(node.parents):
                edges = _edges(node, between)
                for parent, term in (
                    gates.terms(node, upstream, edges)
                    if gates
                    else [(parent, (upstream, local)) for _, parent, local in edges]
                ):
                    terms.setdefault(parent, []).append(term)
    return [adjoint.get(node, 0.0) for node in inputs]


def pushforward(outputs: Sequence[Any], tangents: Mapping[Any, Any]) -> list[Any]:
    """The forward sweep on Values: how each output moves when the nodes move by their tangents."""
    order = topological(*outputs)
    check_fresh(order)
    moved: dict[Any, Any] = dict(tangents)
    for node in order:
        if node in moved or not any(parent in moved for parent in node.parents):
            continue
        if node.op in BRANCHES:  # here too the others would be 0 times
            index, *options = node.parents
            moved[node] = node.op(index, *[moved.get(option, 0.0) for option in options])
        else:
            moved[node] = _dot([(moved[parent], local) for _, parent, local in _edges(node, moved)])
    return [moved.get(node, 0.0) for node in outputs]


def _edges(node: Any, wanted: Container[Any]) -> Iterator[tuple[int, Any, Any]]:
    """The wanted parents, each with its position and the local derivative by it, as a Value.

    Constants stay numbers, so that they fold. Derivatives that are not wanted may be undefined.
    """
    inputs = [p._data if p.op is CONSTANT else p for p in node.parents]
    with _ieee:
        found = node.op.partials(node, *inputs)
    for i, (parent, local) in enumerate(zip(node.parents, found, strict=True)):
        if parent in wanted:
            if local is None:
                raise TypeError(
                    f"input {i} of {node.op} is a number, which takes no gradient; make it a Value"
                )
            number = local._data if isinstance(local, Node) else local
            if not isfinite(number):
                judge_local(node, i, number)
            yield i, parent, local


def _dot(terms: list[tuple[Any, Any]]) -> Any:
    """The sum of products, in one node; without one where a factor 0 or 1 is known."""
    terms = [(u, v) for u, v in terms if not (v.__class__ is float and v == 0.0)]
    if not terms:
        return 0.0
    ups, downs = zip(*terms, strict=True)
    if len(terms) > 1:
        if all(d.__class__ is float and d == 1.0 for d in downs):
            return judge_number(ops.total(*ups), ups)
        return judge_number(ops.dot(*ups, *downs), (*ups, *downs))
    (up,), (down,) = ups, downs
    if down.__class__ is float and abs(down) == 1.0:
        return up if down == 1.0 else -up
    if up.__class__ is float and up == 1.0:
        return down
    return judge_number(ops.mul(up, down), (up, down))
