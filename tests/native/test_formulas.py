"""Formulas written by hand, and the rows that they become natively."""

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest

import engine
from engine import Program, gradient
from engine.core.operation import rows as table
from engine.native.lower.instructions import record_tape
from engine.native.lower.raising import FORMULAS
from tests.native.scalars import WS, XS, W, X, Y, ops
from tests.native.tools import eager, ieee, near, same_bits


# --- formulas ------------------------------------------------------------------------------------
def named(text: str, x: Any) -> Any:
    functions = ("exp", "log", "log1p", "expm1", "tanh", "sigmoid", "silu", "softplus", "erf")
    functions += ("gelu", "gelu_tanh")
    known = {name: getattr(engine, name) for name in functions}
    return eval(text, known | {"normal_cdf": table.normal_cdf, "x": x})


@pytest.mark.parametrize(("written", "row"), FORMULAS.items(), ids=FORMULAS)
def test_formulas_are_rows(written: str, row: str) -> None:
    (x,) = engine.inputs("x")
    numbers = [0.0, math.inf, 5e-324, 1e-9, 30.0, 745.0, 800.0, 1e300]
    numbers += [math.nan, *[-number for number in numbers], *np.linspace(-0.9, 3.0, 40).tolist()]
    rows = [[number] for number in numbers]
    with ieee():
        by_hand, by_name = named(written, x), named(row, x)
        got = Program([x], [by_hand])(rows)
        assert same_bits(got, Program([x], [by_name])(rows))
        want, exact = eager([x], [by_hand], rows), eager([x], [by_name], rows)
    assert not (np.isnan(got) & ~np.isnan(want)).any()
    assert not (np.isinf(got) & np.isfinite(want)).any()
    infinite = np.isinf(want) & np.isinf(got)
    assert same_bits(got[infinite], want[infinite])
    fair = np.isfinite(got) & np.isfinite(want)
    near(got[fair], want[fair], 1e-8, 1e-9)  # the bound of what was written: it may cancel
    near(got[fair], exact[fair], 1e-14)
    tapes = [record_tape([x], [], [each])[0] for each in (by_hand, by_name)]
    assert Counter(tapes[0].ops) == Counter(tapes[1].ops)


def test_gelu_by_hand_runs_in_vectors_beside_its_gradient() -> None:
    (x,) = engine.inputs("x")
    y = 0.5 * x * (1.0 + engine.erf(x / math.sqrt(2.0)))
    program, rows = Program([x], [y, gradient(y, x)]), np.linspace(-9.0, 9.0, 99)[:, None]
    assert "erf" not in program.listing()
    near(program(rows), eager([x], [engine.gelu(x), gradient(engine.gelu(x), x)], rows), 1e-12)


def test_what_others_read_of_a_formula_stays() -> None:
    power = (-X).exp()
    assert ops(1.0 / (1.0 + power), power) == {"neg": 1, "exp": 1, "add": 1, "div": 1}
    assert ops(1.0 / (1.0 + power)) == {"sigmoid": 1}
    y = X / (1.0 + (-Y).exp())  # two names
    assert ops(y) == {"neg": 1, "exp": 1, "add": 1, "div": 1}


def test_squares_are_products_of_a_sum() -> None:
    assert ops(sum((x - w) ** 2 for x, w in zip(XS, WS, strict=True))) == {"sub": 8, "dot": 1}
    assert ops(X**2 + X * X) == {"dot": 1}


def test_a_power_of_two_divides_as_a_factor() -> None:
    assert ops(X / 4.0) == {"mul": 1}
    assert ops(X / 5.0) == {"div": 1}
    numbers = [[math.inf], [math.nan], [-0.0], [5e-324], [3.0], [1e308]]
    divided = [X / 2.0, X / -8.0, X / 2.0**-900, X / 2.0**1010]
    with ieee():
        assert same_bits(Program([X], divided)(numbers), eager([X], divided, numbers))


def test_steps_are_taken_from_what_relu_gives() -> None:
    y = X.relu()
    tape, _ = record_tape(XS, WS, [y, gradient(y * W, X)])
    assert Counter(tape.ops)["gate"] == 1
    assert "step" not in tape.ops
    numbers = [[x] for x in (math.inf, -math.inf, math.nan, 0.0, -0.0, 2.0, -2.0)]
    outputs = [y, table.step(X), gradient(y * W, X)]
    with ieee():
        assert same_bits(Program([X], outputs, [W])(numbers), eager([X], outputs, numbers))
