"""What the tests of native programs share: eager answers row by row, and how near is near."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from engine import Program, Value, numeric_mode, topological
from engine.core.ops import CONSTANT
from engine.native.lower.plan import fold

Array = npt.NDArray[np.float64]

# N around every boundary: vectors of 2, 4 and 8 lanes, and blocks of 8 to 384 rows.
SIZES = [0, 1, 2, 3, 4, 5, 7, 8, 9, 63, 64, 65, 95, 96, 97, 1000]


def eager(
    inputs: Sequence[Value],
    outputs: Sequence[Value],
    rows: Any,
    parameters: Sequence[Value] = (),
    theta: Any = None,
) -> Array:
    """The outputs for each row by the engine's float functions, node by node."""
    order = topological(*outputs)
    answers = []
    for row in np.asarray(rows, dtype="float64").reshape(-1, len(inputs)):
        data = dict(zip(inputs, row.tolist(), strict=True))
        if theta is not None:
            data |= dict(zip(parameters, map(float, theta), strict=True))
        for node in order:
            if node in data:
                continue
            if node.parents:
                op: Any = node.op
                data[node] = fold(op.function, [data[parent] for parent in node.parents])
            else:
                data[node] = node._data
        answers.append([data[output] for output in outputs])
    return np.array(answers).reshape(-1, len(outputs))


def alone(program: Program, row: Any) -> Array:
    """The answer for one row: in code for many rows and in code for one it is the same."""
    answer: Array = program(row)
    program._compile_alone()
    assert same_bits(program(row), answer)
    return answer


def wiggle(inputs: Sequence[Value], outputs: Sequence[Value], row: Sequence[float]) -> Array:
    """How far each output of a row moves, at the most, for roundings on the way: the sum over nodes
    of what half a unit in the last place of the node's own value is worth at the output.

    Each node is moved by itself (2**-30 of its value) and all that is above it computed again, so
    it is measured, not derived: a wrong derivative cannot widen it.
    """
    order = [node for node in topological(*outputs) if node.op is not CONSTANT]
    data = dict(zip(inputs, map(float, row), strict=True))

    def run(moved: Value | None) -> tuple[list[float], float]:
        known, step = dict(data), 0.0
        for node in order:
            if node not in known:
                op: Any = node.op
                args = [p.data if p.op is CONSTANT else known[p] for p in node.parents]
                known[node] = fold(op.function, args) if node.parents else node.data
            if node is moved:
                step = abs(known[node]) * 2.0**-30
                known[node] += step
        return [known.get(o, o.data) for o in outputs], step

    base, _ = run(None)
    total = np.zeros(len(outputs))
    for node in order:
        shifted, step = run(node)
        if step:
            moved = np.abs(np.array(shifted) - base) / step
            total += np.nan_to_num(moved) * math.ulp(abs(step * 2.0**30))
    return total


def ulps(got: Any, want: Any) -> Array:
    """How far apart, in units in the last place of the second; equal specials are 0 apart."""
    got, want = np.asarray(got), np.asarray(want)
    with np.errstate(invalid="ignore", over="ignore"):
        off = np.abs(got - want) / np.spacing(np.abs(want))
    same = (got == want) | (np.isnan(got) & np.isnan(want))
    return np.where(same, 0.0, np.where(np.isnan(off), np.inf, off))


def same_bits(got: Any, want: Any) -> bool:
    """Whether two arrays are of equal bits; one nan is as good as another."""
    a, b = np.ascontiguousarray(got, "float64"), np.ascontiguousarray(want, "float64")
    if a.shape != b.shape:
        return False
    either = (a.view("int64") == b.view("int64")) | (np.isnan(a) & np.isnan(b))
    return bool(either.all())


def reduced(answers: Array, reduce: str) -> Array:
    """The exact sum or mean over the rows, rounded once."""
    sums = np.array([math.fsum(column) for column in answers.T])
    return sums / len(answers) if reduce == "mean" else sums


def near(got: Any, want: Any, rtol: float = 1e-12, atol: float = 0.0) -> None:
    np.testing.assert_allclose(got, want, rtol=rtol, atol=atol)


@contextmanager
def ieee() -> Iterator[None]:
    with numeric_mode("ieee"):
        yield


def line(width: int = 1) -> tuple[list[Value], list[Value], Program]:
    """A little program: for each input x and parameter w, w * x + 0.5."""
    xs = [Value(0.0, f"x{i}") for i in range(width)]
    ws = [Value(i + 1.0, f"w{i}") for i in range(width)]
    ys = [w * x + 0.5 for x, w in zip(xs, ws, strict=True)]
    return xs, ws, Program(xs, ys, ws)


Reduce = Literal["mean", "sum"]
REDUCES: list[Reduce] = ["mean", "sum"]
__all__ = [
    "REDUCES",
    "SIZES",
    "Array",
    "Reduce",
    "eager",
    "ieee",
    "line",
    "near",
    "reduced",
    "same_bits",
    "ulps",
    "wiggle",
]
