"""Which row made a result infinite or nan, and which node of it."""

from __future__ import annotations

from math import isfinite
from typing import Any

from engine.core.copies import shallow_copy
from engine.core.graph import describe, topological
from engine.core.modes import NumericError
from engine.core.nonfinite import describe_call
from engine.core.value import Value
from engine.native.lower.tape import fold

__all__ = ["explain_row"]


def explain_row(program: Any, rows: Any, theta: Any) -> None:
    """Raise NumericError for the first row whose results, computed again by the engine, are bad."""
    bounds = _suspects(program, rows, theta)
    for row in range(*bounds):
        numbers = [float(x) for x in rows[row]]
        found = _first_bad(program, numbers, theta)
        if found is not None:
            error = NumericError(f"row {row}: {found}")
            error.row = row
            raise error
    raise NumericError(
        f"a total over the rows {bounds[0]} to {bounds[1] - 1} is infinite or nan though every "
        "row is finite; scale the outputs"
    )


def _suspects(program: Any, rows: Any, theta: Any) -> tuple[int, int]:
    """The rows among which there is a bad one: halved as long as one half alone is bad."""
    first, end = 0, len(rows)
    while end - first > 1:
        middle = (first + end) // 2
        if program.is_finite(rows[first:middle], theta):
            if program.is_finite(rows[middle:end], theta):
                break
            first = middle
        else:
            end = middle
    return first, end


def _first_bad(program: Any, numbers: list[float], theta: Any) -> str | None:
    """The first node that makes a bad number out of good ones, for one row of inputs."""
    given = dict(zip(program.inputs, numbers, strict=True))
    given |= dict(zip(program.parameters, map(float, theta), strict=True))
    for kind, leaves in (("input", program.inputs), ("parameter", program.parameters)):
        for i, x in enumerate(leaves):
            if not isfinite(given[x]):
                return f"the {kind} {x.label or i} is {given[x]}"
    copies: dict[Value, Value] = {}
    for node in topological(*program.outputs):
        copy = shallow_copy(node, tuple([copies[parent] for parent in node.parents]))
        copies[node] = copy
        if not node.parents:
            copy._data = given.get(node, node._data)
            continue
        op: Any = node.op
        copy._data = fold(op.function, [parent._data for parent in copy.parents])
        if not isfinite(copy._data) and all(isfinite(p._data) for p in copy.parents):
            return describe_call(copy)
    bad = next((o for o in program.outputs if not isfinite(copies[o]._data)), None)
    return None if bad is None else f"the output {describe(copies[bad])} is not finite"
