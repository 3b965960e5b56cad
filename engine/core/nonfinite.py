"""Numbers that are not finite: where the first one was made, and the errors of strict mode.

The ordinary path pays for one check of a result, and for one sum of gradients after a sweep.
"""

import sys
from collections.abc import Iterator, Sequence
from math import isfinite, isinf, isnan
from typing import Any, NamedTuple

from engine.core.graph import describe
from engine.core.hooks import has_hooks
from engine.core.modes import MODE, NumericError, NumericOverflowError, NumericZeroDivisionError
from engine.core.node import ITEM, Node, edges
from engine.core.operation import Operation
from engine.core.ops import CONSTANT
from engine.core.origins import name_of
from engine.source.lost import FOLDERS, at, in_library, outside_library


def check_value(op: Operation, parents: tuple[Node, ...], y: float) -> None:
    """In strict mode, raise NumericError where an operation on finite numbers gave inf or nan."""
    for parent in parents:
        x = parent._data
        if isnan(x) or (isinf(x) and not isnan(y)):
            return  # handed on, not made here
    inputs = [parent._data for parent in parents]
    if MODE.get() == "strict":
        kind = _kind(op.name, 0.0 in inputs, y)
        raise kind(f"{call_of(op, parents)} is {y}{_where()}: {remedy(op, parents, y)}")


DIVISIONS = ("div", "self_ratio", "pow", "xpowy", "remainder", "floor_divide")


def _kind(name: str, of_zero: bool, y: float) -> type[NumericError]:
    """The NumericError that can also be caught as what Python raises there."""
    if of_zero:
        return NumericZeroDivisionError if name in DIVISIONS else NumericError
    return NumericOverflowError if isinf(y) else NumericError


class Edge(NamedTuple):
    """An edge of the reverse sweep, with the gradient of the parent before and after it."""

    node: Node
    position: int
    upstream: float
    local: float
    before: float
    after: float


def nonfinite_edges(order: Sequence[Node], seed: float) -> Iterator[Edge]:
    """The edges on which finite numbers make a gradient that is not finite, the first one first.

    Arguments: the order of a sweep, the root first, and the gradient of the root.
    """
    gradient = dict.fromkeys(order, 0.0)
    gradient[order[0]] = seed
    for node in order:
        upstream = gradient[node]
        if not isfinite(upstream) or not all(isfinite(parent._data) for parent in node.parents):
            continue
        for position, (parent, local) in enumerate(edges(node)):
            if local is not None and parent.op is not CONSTANT:
                before = gradient[parent]
                gradient[parent] = after = before + upstream * local
                if isfinite(before) and not isfinite(after):
                    yield Edge(node, position, upstream, local, before, after)


def check_gradients(order: Sequence[Node], gradients: Sequence[float], seed: float) -> None:
    """In strict mode, raise NumericError where a reverse sweep gave inf or nan.

    Arguments: the order of the sweep, the root first; the gradients that it gave, in this order;
    and the one that it began with.
    """
    if isfinite(sum(gradients)) or MODE.get() != "strict" or not isfinite(seed):
        return
    found = next(nonfinite_edges(order, seed), None)
    if found is None:  # a hook made it; or it was handed on, or only the sum is not finite
        for node, grad in zip(order, gradients, strict=True) if has_hooks(order) else ():
            if not isfinite(grad):
                fault = f"the gradient of {describe(node)} is {grad}"
                remedy = "let the hook return finite numbers, or remove() it"
                raise NumericError(f"{fault}, by what a hook made of it or of one above; {remedy}")
        return
    raise NumericError(describe_edge(found))


def describe_edge(edge: Edge) -> str:
    """An edge on which a gradient went bad: its node, where that was made, and what to do."""
    node, position, upstream, local, _, gradient = edge
    op: Any = node.op
    found = f"the gradient of {describe(node.parents[position])} is {gradient}"
    through = f"through {call_of(op, node.parents)} = {node._data!r}{made_at(node)}"
    what = f"it receives the upstream gradient {upstream!r} times the local derivative {local!r}"
    return f"{found}: {through} {what}: {remedy(op, node.parents, node._data)}"


def check_sum(node: Node, before: float, added: float) -> None:
    """In strict mode, raise NumericError where the finite gradients of two sweeps overflow."""
    if not (isfinite(before) and isfinite(added)) or MODE.get() != "strict":
        return
    fault = f"the gradient of {describe(node)}{made_at(node)} overflows when it is added to the"
    remedy = "call zero_grad() between the two"
    raise NumericError(f"{fault} {before!r} of an earlier backward(); {remedy}")


def describe_call(node: Node) -> str:
    """A node that went bad: the operation on its parents, where it was made, and what to do."""
    op: Any = node.op
    advice = remedy(op, node.parents, node._data)
    return f"{call_of(op, node.parents)} is {node._data}{made_at(node)}: {advice}"


def call_of(op: Operation, parents: tuple[Node, ...]) -> str:
    """An operation on its parents, as a call: the first six by their names and numbers."""
    shown = [describe(p) if name_of(p) or p.parents else repr(p._data) for p in parents[:6]]
    shown += ["..."] * (len(parents) > 6)
    return f"{op.name}({', '.join(shown)})"


def remedy(op: Operation, parents: tuple[Node, ...], y: float) -> str:
    """What to do about an operation that is y, or its derivative, undefined or infinite there."""
    advice = op.advice(parents, y) or "look at the numbers that go into it"
    return f'{advice} (or compute under numeric_mode("ieee") to let inf and nan pass)'


def made_at(node: Node) -> str:
    """The line that made a node (origins.py tells more), or where that is a line of the library,
    the user's line that called it.
    """
    if node._code is None:
        return ""
    if node._code.co_filename.startswith(FOLDERS):
        return _where()
    line = [*node._code.co_positions()][node._at % ITEM][0]
    return f" (made at {at(node._code, line)})"


def _where() -> str:
    """The line outside this package and `nn` that is being executed."""
    frame = outside_library(sys._getframe(2))
    return "" if in_library(frame) else f" at {at(frame.f_code, frame.f_lineno)}"
