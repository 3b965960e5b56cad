"""Rows of numbers as a caller has them, as one float64 matrix; and which row made a bad result."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

from engine.containers import table
from engine.core.copies import shallow_copy
from engine.core.graph import describe, reverse_order, topological
from engine.core.modes import NumericError, numeric_mode
from engine.core.node import as_float
from engine.core.nonfinite import describe_call, describe_edge, nonfinite_edges
from engine.core.value import Value
from engine.native.lower.plan import fold
from engine.native.needs import numpy


def as_rows(rows: Any, labels: Sequence[str]) -> Any:
    """A float64 array of shape (N, number of inputs), of any strides; without a copy where it can.

    Arguments:
        rows: an array, a list of rows, a frame with a column for each input; for a single input
            also a plain list of numbers.
        labels: the names of the inputs.

    Raises:
        ValueError: rows of another width. TypeError: what are no real numbers.
    """
    np, width = numpy(), len(labels)
    needs = f"each row needs {width} number{'s' * (width != 1)}"
    if hasattr(rows, "columns") and hasattr(rows, "to_numpy"):
        rows = _columns(rows, labels)
    array = as_array(table("rows", rows), needs)
    if array.ndim == 1 and array.size == 0:
        array = np.empty((0, width))
    if array.ndim == 1 and width == 1:
        array = array[:, None]
    array = as_floats(array, "rows", labels)
    if array.ndim != 2:
        remedy = "write [row] for a single row" if array.ndim == 1 else "reshape it"
        raise ValueError(f"rows have the shape (N, {width}), got {array.shape}; {remedy}")
    if array.shape[1] != width:
        shown = ", ".join(labels[:6]) + ", ..." * (width > 6)
        raise ValueError(f"{needs} ({shown}), got {array.shape[1]}")
    if not array.flags.aligned or any(step % 8 for step in array.strides):
        array = array.copy()
    return array


LOOPS = "functions and models that loop over a row take them, in engine.compiled and nn.fit"


def as_array(rows: Any, needs: str, remedy: str = LOOPS) -> Any:
    """Rows as an array of any kind. Raises ValueError where they have several lengths.

    Arguments:
        needs: what they should be, for the message. remedy: what to do.
    """
    try:
        return numpy().asarray(rows)
    except ValueError as error:
        raise ValueError(f"{needs}, got rows of several lengths ({error}); {remedy}") from None


def as_vector(numbers: Any, length: int) -> Any:
    """A contiguous float64 array of that many numbers."""
    needs = f"parameters has the shape ({length},), one number for each parameter"
    array = as_array(numbers, needs, "give the numbers in one list")
    array = numpy().ascontiguousarray(as_floats(array, "parameters"))
    if array.shape != (length,):
        raise ValueError(f"{needs}, got {array.shape}")
    return array


def check_out(out: Any, shape: tuple[int, ...], *read: Any) -> None:
    """An error unless results of that shape can be written to `out` while others are read."""
    np = numpy()
    kind = getattr(out, "dtype", type(out).__name__), getattr(out, "shape", ())
    if type(out) is not np.ndarray or kind != (np.dtype("float64"), shape):
        raise ValueError(
            f"out is a float64 array of shape {shape}, got {kind[0]} of shape {kind[1]}; make it "
            f"with numpy.empty({shape})"
        )
    if not (out.flags.c_contiguous and out.flags.aligned and out.flags.writeable):
        raise ValueError(
            "out is read-only, or not in one piece; make it with numpy.empty, or leave it out"
        )
    if any(isinstance(each, np.ndarray) and np.may_share_memory(out, each) for each in read):
        raise ValueError("out shares memory with what is read; give an array of its own")


def as_floats(array: Any, name: str, labels: Sequence[str] = ()) -> Any:
    """An array in float64. Raises TypeError for the first item that is no real number."""
    if array.dtype == "float64":  # unpickled arrays have a dtype of their own
        return array
    if array.dtype == object:
        for i, odd in enumerate(array.flat):
            if isinstance(odd, (int, float)):
                as_float(odd)  # for its error where an int is too large
                continue
            if array.ndim == 2 and array.shape[1] == len(labels):
                name = f"row {i // len(labels)}, {labels[i % len(labels)]}: {name}"
            remedy = "take .data" if isinstance(odd, Value) else "convert it with float(...)"
            raise TypeError(f"{name} hold numbers, got {type(odd).__name__} {odd!r:.60}; {remedy}")
    elif array.dtype.kind not in "fiub":
        raise TypeError(f"{name} hold real numbers, got the dtype {array.dtype}; convert them")
    return array.astype("float64")


def _columns(frame: Any, labels: Sequence[str]) -> Any:
    """A frame's columns in the order of the inputs: by name, or as it is where it has no names."""
    names = list(frame.columns)
    missing = [label for label in labels if label not in names]
    if not missing:
        return frame[list(labels)]
    remedy = ""
    if len(names) == len(labels):
        if not any(isinstance(name, str) for name in names) or labels[0].startswith("input "):
            return frame
        remedy = "; rename its columns, or give frame.to_numpy() to go by their order"
    shown = ", ".join(map(str, names))
    raise ValueError(f"the frame has no column {', '.join(missing[:6])}; it has {shown}{remedy}")


# --- the row, and its node, that made a result infinite or nan ------------------------------------
def explain_row(program: Any, rows: Any, theta: Any) -> None:
    """Raise NumericError for the first row whose results, computed again by the engine, are bad."""
    bounds = _suspects(program, rows, theta)
    for row in range(*bounds):
        numbers = [float(x) for x in rows[row]]
        found = _first_bad(program, numbers, theta)
        if len(range(*bounds)) == 1:  # it is no total over rows
            found = found or "a sum overflows on its way to a finite output; scale its terms"
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
        if _finite(program, rows[first:middle], theta):
            if _finite(program, rows[middle:end], theta):
                break
            first = middle
        else:
            end = middle
    return first, end


def _finite(program: Any, rows: Any, theta: Any) -> bool:
    with numeric_mode("ieee"):
        return bool(numpy().isfinite(program(rows, theta)).all())


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
        copies[node], copy._epoch = copy, 0
        if not node.parents:
            copy._data = given.get(node, node._data)
            continue
        op: Any = node.op
        copy._data = fold(op.function, [parent._data for parent in copy.parents])
        if not isfinite(copy._data) and all(isfinite(p._data) for p in copy.parents):
            # what follows the first output may be its gradient: then the user's node is to blame
            loss = copies.get(program.outputs[0])
            with numeric_mode("ieee"):
                edges = nonfinite_edges(reverse_order(loss), 1.0) if loss else iter(())
                edge = next(edges, None)
            return describe_edge(edge) if edge else describe_call(copy)
    bad = next((o for o in program.outputs if not isfinite(copies[o]._data)), None)
    return None if bad is None else f"the output {describe(copies[bad])} is not finite"
