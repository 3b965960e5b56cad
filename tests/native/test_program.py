"""Programs as objects: constants and parameters, errors, copies, the cache, what they tell."""

import math
import re
import threading
from typing import Any

import numpy as np
import pytest

import engine
from engine import NumericError, Program, Value, gradient
from engine.native.program import Stats
from tests.native.tools import REDUCES, Reduce, ieee, line


# --- leaves --------------------------------------------------------------------------------------
def test_constants_are_frozen_and_listed() -> None:
    x, w, k = Value(0.0, "x"), Value(2.0, "w"), Value(3.0, "k")
    program = Program([x], [w * x + k], [w])
    assert program.constants == [k]
    assert program([[1.0]]).tolist() == [[5.0]]
    k.data = 100.0
    assert program([[1.0]]).tolist() == [[5.0]]
    assert Program([x], [w * x + k], [w])([[1.0]]).tolist() == [[102.0]]


def test_parameters_are_read_anew_at_every_call() -> None:
    x, w, v = Value(0.0, "x"), Value(2.0, "w"), Value(0.0, "v")
    program = Program([x], [w * x + v], [w, v])
    for number in (2.0, -1.0, 0.5):
        w.data = number
        assert program([[4.0]]).tolist() == [[4.0 * number]]
    w.data += 1.0
    v.data -= 3.0
    assert program([[4.0]]).tolist() == [[3.0]]
    assert program([[4.0]], parameters=[0.0, 0.0]).tolist() == [[0.0]]
    assert program([[4.0]]).tolist() == [[3.0]]
    other = Program([x], [w * x + v], [w, v])
    setter = threading.Thread(target=lambda: setattr(w, "data", 10.0))
    setter.start()
    setter.join()
    assert program([[4.0]]).tolist() == other([[4.0]]).tolist() == [[37.0]]


def test_a_stale_graph_is_run_with_the_numbers_of_now() -> None:
    x, w = Value(1.0, "x"), Value(2.0, "w")
    y = w * x
    w.data = 5.0
    assert Program([x], [y])([[3.0]]).tolist() == [[15.0]]
    x.data = 7.0
    assert Program([x], [y], [w])([[3.0]]).tolist() == [[15.0]]


X, W = Value(1.0, "x"), Value(2.0, "w")
Y = X * W


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"inputs": X, "outputs": [Y]}, TypeError, "inputs is a list of Values, got Value"),
        ({"inputs": [X], "outputs": Y}, TypeError, "write outputs=[...]"),
        ({"inputs": [X], "outputs": []}, ValueError, "at least one output, got none"),
        ({"inputs": [1.0], "outputs": [Y]}, TypeError, "inputs takes Values, got float 1.0"),
        ({"inputs": [X], "outputs": [3.0]}, TypeError, "outputs takes Values, got float 3.0"),
        ({"inputs": [Y], "outputs": [Y]}, ValueError, "inputs are leaves, got Y=2.0"),
        ({"inputs": [X], "outputs": [Y], "parameters": [Y]}, ValueError, "take .detach() of it"),
        ({"inputs": [X, X], "outputs": [Y]}, ValueError, "inputs has a Value twice"),
        ({"inputs": [X], "outputs": [Y], "parameters": [X]}, ValueError, "an input and a param"),
        ({"inputs": [X], "outputs": [Y], "reduce": "max"}, ValueError, "unknown reduce 'max'"),
        ({"inputs": 3, "outputs": [Y]}, TypeError, "inputs is a list of Values, got 3"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)  # fmt: skip
def test_what_makes_no_program(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=re.escape(message)):
        Program(**arguments)


def test_an_input_that_is_missing_makes_no_program() -> None:
    with pytest.raises(ValueError, match="z=nan is an input that is not among inputs="):
        Program(engine.inputs("q"), engine.inputs("z"))


# --- results that are not finite -----------------------------------------------------------------
@pytest.mark.parametrize("many", [1, 4, 9, 97, 1000])
@pytest.mark.parametrize("reduce", [None, "mean", "sum"])
def test_the_first_bad_row_and_its_node_are_named(many: int, reduce: Any) -> None:
    x, w = Value(0.5, "x"), Value(1.0, "w")
    h = (w * x).log()
    program = Program([x], [h * 2.0, x], [w], reduce)
    rows = np.linspace(1.0, 2.0, many)[:, None]
    assert np.isfinite(program(rows)).all()
    for bad in {0, many // 2, many - 1}:
        odd = rows.copy()
        odd[bad] = -1.0
        odd[many - 1] = -2.0 if bad < many - 1 else odd[bad]
        with pytest.raises(NumericError) as error:
            program(odd)
        message = str(error.value)
        assert message.startswith(f"row {bad}: log((w * x)=-1.0) is nan")
        assert f"(made at {__file__}:" in message
        assert "log needs an input > 0" in message
        with ieee():
            got = program(odd)
        assert np.isnan(got[0] if reduce else got[bad, 0])
        assert np.isfinite(got[1] if reduce else got[bad, 1])


def test_an_infinite_total_of_finite_rows() -> None:
    x = Value(1.0, "x")
    program = Program([x], [x * 1e308], reduce="sum")
    with pytest.raises(NumericError, match="a total over the rows 0 to 1 is infinite or nan thoug"):
        program([[1.0], [1.0]])
    with ieee():
        assert program([[1.0], [1.0]]).tolist() == [math.inf]


@pytest.mark.parametrize("reduce", [None, *REDUCES])
def test_a_sum_that_overflows_only_on_its_way_names_its_row(reduce: Reduce | None) -> None:
    """The engine's own sum is exact, however large its parts are."""
    xs, big = [Value(1.0, f"x{k}") for k in range(3)], 1.5e308
    program = Program(xs, [engine.sum(xs)], reduce=reduce)
    with pytest.raises(
        NumericError, match="row 1: a sum overflows on its way to a finite"
    ) as error:
        program([[1.0, 1.0, 1.0], [big, big, -big], [1.0, 1.0, 1.0]])
    assert error.value.row == 1


def test_a_bad_gradient_names_its_row_too() -> None:
    x = Value(1.0, "x")
    program = Program([x], [gradient(x.sqrt(), x)])
    assert program([[4.0]]).tolist() == [[0.25]]
    with pytest.raises(NumericError, match=r"^row 1: rsqrt\(x=0\.0\) is inf"):
        program([[4.0], [0.0]])


# --- what they tell ------------------------------------------------------------------------------
def test_repr_stats_and_source() -> None:
    xs, ws, program = line(2)
    assert repr(program) == "Program(2 inputs, 2 outputs, 2 parameters)"
    assert repr(Program(xs, xs, reduce="sum")) == (
        "Program(2 inputs, 2 outputs, 0 parameters, reduce='sum')"
    )
    stats = program.stats
    assert isinstance(stats, Stats)
    assert stats.nodes == 2 + 2 + 1 + 2 * 2  # inputs, parameters, 0.5, and what is computed
    assert stats.blocks == 1
    assert stats.flops == 4
    assert stats.bytes > 0
    assert 0.0 < stats.compile_time < 60.0
    assert Program(xs, program.outputs, ws).stats.cached
    assert "define i64 @run(" in program.source
    assert "fmul <" in program.source


def test_stats_do_not_grow_with_rows_and_equal_nodes_are_one() -> None:
    x, w = Value(1.0, "x"), Value(2.0, "w")
    twice = [(x * w).tanh(), (x * w).tanh()]
    program = Program([x], [*twice, twice[0] + twice[1]], [w])
    assert program.stats.nodes == 2 + 3
    before = program.stats
    program(np.zeros((5000, 1)))
    assert program.stats == before


def test_listing_names_inputs_parameters_and_loops() -> None:
    x, w, v = Value(1.0, "x"), Value(2.0, "weight"), Value(3.0)
    listing = Program([x], [(w * x + v * 0.125).exp()], [w, v]).listing()
    assert re.fullmatch(
        r"v\d+ = mul\(p1, 0\.125\)\nv\d+ = mul\(weight, x\)\nv\d+ = add\(v\d+, v\d+\)\n"
        r"v\d+ = exp\(v\d+\)",
        listing,
    ), listing
    xs = [Value(0.0, f"x{i}") for i in range(8)]
    ws = [[Value(0.1 * i * j) for i in range(8)] for j in range(8)]
    hidden = [engine.dot(row, xs).tanh() for row in ws]
    loss = engine.dot(hidden, hidden)
    parameters = [p for row in ws for p in row]
    step = Program(xs, [loss, *gradient(loss, parameters)], parameters, "mean")
    text = step.listing()
    assert "= params (8 x 8) @ [x0 .. x7]" in text
    assert re.search(r"totals \(8 x 8\) \+= \[v.*\] outer \[x0 \.\. x7\]", text)
    assert len(text.splitlines()) < 30  # and not one line for each of 100 nodes


def test_listing_names_each_of_the_matrices_that_are_multiplied_as_one() -> None:
    xs = [Value(0.0, f"x{i}") for i in range(8)]

    def listing(*names: str) -> str:
        ws = [
            [Value(i + 8.0 * j, f"{name}[{i}]") for i in range(8)] for j, name in enumerate(names)
        ]
        outputs = [engine.dot(row, xs) for row in ws]
        return Program(xs, outputs, [w for row in ws for w in row]).listing()

    assert " = W (3 x 8) @ [x0 .. x7]" in listing("W", "W", "W")
    assert " = [W, V] (3 x 8) @ [x0 .. x7]" in listing(
        "W", "V", "W"
    )  # the first and the last are one
    assert " = [A, B, C, D] (4 x 8) @" in listing("A", "B", "C", "D")
    assert " = params (5 x 8) @" in listing(*"ABCDE")


def test_unlabelled_inputs_go_by_number() -> None:
    a, b = Value(1.0), Value(2.0)
    program = Program([a, b], [a * b])
    assert "mul(input 0, input 1)" in program.listing()
    with pytest.raises(ValueError, match=re.escape("(input 0, input 1), got 3")):
        program(np.zeros((2, 3)))
