"""Rounding rows: Python's own functions, the sign of zeros, and derivatives of 0."""

import math

import pytest

from engine import Value, gradient, inputs, numeric_mode
from engine.core.operation import TABLE
from engine.native import Program

PYTHON = {"floor": math.floor, "ceil": math.ceil, "trunc": math.trunc, "round": round}
POINTS = [0.0, -0.0, 0.5, -0.5, 1.5, 2.5, -2.5, 1e-300, -1e-300, 3.0, 4503599627370495.5, 1e300]


@pytest.mark.parametrize("name", PYTHON)
@pytest.mark.parametrize("at", [*POINTS, math.inf, -math.inf, math.nan])
def test_it_rounds_as_python_does(name: str, at: float) -> None:
    want = float(PYTHON[name](at)) if math.isfinite(at) else at
    with numeric_mode("ieee"):
        x, (z,) = Value(at), inputs("z")
        y = TABLE[name](x)
        first = gradient(y, x)
        second = gradient(first, x)
        program = Program([z], [TABLE[name](z)])
        native = program([[at]]).tolist()[0][0]
    for got in (y.data, native):
        assert got == want or (got != got and want != want)
        assert at != at or math.copysign(1.0, got) == math.copysign(1.0, at)
    assert at != at or (first.data, second.data) == (0.0, 0.0)
