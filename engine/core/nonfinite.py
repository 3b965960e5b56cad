"""What strict and trace mode say of a number that is not finite. Only ever reached by such numbers,
so that the ordinary path pays one subtraction for it.
"""

import sys
from collections.abc import Sequence
from math import isfinite, isinf
from typing import Any

from engine.core.graph import describe
from engine.core.modes import MODE, NumericError, Trace
from engine.core.node import ITEM, Node, Operation
from engine.core.origins import name

__all__ = [
    "describe_call",
    "judge_gradient",
    "judge_local",
    "judge_number",
    "judge_sum",
    "judge_value",
]


def judge_value(op: Operation, parents: tuple[Node, ...], y: float) -> Trace | None:
    """A new nan or infinity as the value of an operation: raises in strict mode; in trace mode
    gives the trace that is to remember the node.
    """
    inputs = [parent._data for parent in parents]
    if any(x != x for x in inputs) if y != y else not all(map(isfinite, inputs)):
        return None  # handed on, not made here
    mode, trace = MODE.get()
    if mode == "strict":
        raise NumericError(f"{_call(op, parents)} is {y}{_where()}: {_remedy(op, parents)}")
    return trace if mode == "trace" else None


def judge_gradient(order: list[Node], seed: float) -> None:
    """The same for the reverse sweep over `order` (the root first): plays it again, looking at each
    edge, to find the one that made the first gradient that is not finite.
    """
    mode, trace = MODE.get()
    if mode == "ieee" or not isfinite(seed):
        return
    adjoint = dict.fromkeys(order, 0.0)
    adjoint[order[0]] = seed
    for node in order:
        inputs = [parent._data for parent in node.parents]
        if node.op is None or not isfinite(adjoint[node]) or not all(map(isfinite, inputs)):
            continue
        for i, (parent, local) in enumerate(
            zip(node.parents, node.op.numeric(node._data, *inputs), strict=True)
        ):
            if parent.op is not None and not parent.parents:
                continue  # a constant
            if parent not in adjoint:
                continue  # a branch that was not taken
            adjoint[parent] += adjoint[node] * local
            if isfinite(adjoint[parent]):
                continue
            if mode == "trace":
                if trace.backward is None:
                    trace.backward = node
                return
            raise NumericError(
                f"the gradient of {_called(parent, f'input {i}')} is {adjoint[parent]}: through "
                f"{_call(node.op, node.parents)} = {node._data!r}{_made(node)} it receives the "
                f"upstream gradient {adjoint[node]!r} times the local derivative {local!r}: "
                f"{_remedy(node.op, node.parents)}"
            )


def judge_sum(node: Node, before: float) -> None:
    """The same for a sum of what an earlier sweep left and what this one added, both finite."""
    mode, _ = MODE.get()
    if mode == "strict" and isinf(node.grad) and isfinite(before) and node.grad != before:
        raise NumericError(
            f"the gradient of {_called(node)}{_made(node)} overflows when it is added to the "
            f"{before!r} of an earlier backward(); call zero_grad() between the two"
        )


def judge_local(node: Node, i: int, local: float) -> None:
    """The same for a local derivative that is infinite or undefined between finite numbers."""
    if MODE.get()[0] == "strict" and all(isfinite(parent._data) for parent in node.parents):
        op: Any = node.op
        raise NumericError(
            f"the derivative of {_call(op, node.parents)}{_made(node)} by input {i} is {local}: "
            f"{_remedy(op, node.parents)}"
        )


def judge_number(result: Any, factors: Sequence[Any]) -> Any:
    """The same for a gradient that is a plain number, where no node is recorded to be judged."""
    if result.__class__ is not float or isfinite(result) or MODE.get()[0] != "strict":
        return result
    if all(map(isfinite, factors)):
        shown = ", ".join(map(repr, factors[:6]))
        raise NumericError(f"a gradient made of {shown} is {result}: scale the numbers")
    return result


def describe_call(node: Node) -> str:
    """A node that went bad: the operation on its operands, where it was made, and what to do."""
    op: Any = node.op
    return f"{_call(op, node.parents)} is {node._data}{_made(node)}: {_remedy(op, node.parents)}"


def _call(op: Operation, parents: tuple[Node, ...]) -> str:
    shown = [_called(p) if name(p) or p.parents else repr(p._data) for p in parents[:6]]
    shown += ["..."] * (len(parents) > 6)
    return f"{op.name}({', '.join(shown)})"


def _called(node: Node, otherwise: str = "") -> str:
    """A node by its label or variable, or else by what it is, with its number."""
    return describe(node, name(node) or otherwise)


def _remedy(op: Operation, parents: tuple[Node, ...]) -> str:
    advice = op.advice(parents) or "look at the numbers that go into it"
    return f'{advice} (or compute under numeric_mode("ieee") to let inf and nan pass)'


def _made(node: Node) -> str:
    """The line that made a node (origins.py tells more)."""
    if node._code is None:
        return ""
    line = [*node._code.co_positions()][node._at % ITEM][0]
    return f" (made at {node._code.co_filename}:{line})"


def _where() -> str:
    """The line outside this package and `nn` that is being executed."""
    frame: Any = sys._getframe(2)
    while frame and frame.f_globals.get("__name__", "").split(".")[0] in ("engine", "nn"):
        frame = frame.f_back
    return f" at {frame.f_code.co_filename}:{frame.f_lineno}" if frame else ""
