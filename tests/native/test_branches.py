"""Decisions on inputs in native programs: where, choose, embeddings, classes, and control flow."""

import inspect
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import engine
from engine import (
    ControlFlowError,
    NumericError,
    Program,
    Value,
    choose,
    compiled,
    gradient,
    inputs,
    where,
)
from tests.core.test_where import POINTS, WHERES
from tests.core.test_where import derivatives as by_numbers
from tests.native.tools import REDUCES, Reduce, eager, ieee, near, reduced

HERE = Path(__file__)


# --- where ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", WHERES)
def test_where_is_selection(name: str) -> None:
    """Value, first and second derivative against ordinary `where` at each number."""
    (x,) = inputs("x")
    with ieee():
        y = WHERES[name](x)
        first = gradient(y, x)
        program = Program([x], [y, first, gradient(first, x)])
        got = program([[number] for number in POINTS])
        want = [by_numbers(WHERES[name], Value(number)) for number in POINTS]
    near(got, want, 1e-13, 1e-300)


def test_a_branch_not_taken_poisons_no_total() -> None:
    x, w = inputs("x")[0], Value(2.0, "w")
    y = where(x > 0, lambda: engine.sqrt(w * x), lambda: w * x * 3.0)
    outputs = [y, gradient(y, w), gradient(y, x)]
    rows = [[0.0], [4.0], [-1.0], [0.0], [0.25]]
    want = np.array(
        [
            [math.sqrt(2 * r), 0.5 * math.sqrt(r / 2), math.sqrt(0.5 / r)] if r > 0
            else [6 * r, 3 * r, 6]
            for (r,) in rows
        ]
    )  # fmt: skip
    near(Program([x], outputs, [w])(rows), want, 1e-14)
    for reduce in REDUCES:
        near(Program([x], outputs, [w], reduce)(rows), reduced(want, reduce), 1e-14)


@pytest.mark.parametrize("other", [2.0, -2.0, 0.0])
def test_what_a_total_adds_in_the_other_branch(other: float) -> None:
    (k, x), w = inputs("k", "x"), Value(3.0, "w")
    program = Program([k, x], [where(engine.equal(k, 1.0), w * x, other)], [w], "sum")
    assert program([[0.0, 4.0], [1.0, 5.0], [2.0, 7.0], [1.0, 1.0]]) == [18.0 + 2 * other]


# --- choose --------------------------------------------------------------------------------------
class Embedding:
    """A table of parameters, of which a row is chosen by an input; then a layer and a loss."""

    def __init__(self, many: int, wide: int) -> None:
        rng = np.random.default_rng(many)
        self.table = [[Value(x) for x in row] for row in rng.normal(size=(many, wide)).tolist()]
        self.weights = [[Value(x) for x in row] for row in rng.normal(size=(3, wide)).tolist()]
        self.token, self.target = inputs("token", "target")
        self.row = choose(self.token, self.table)
        self.logits = [engine.dot(w, self.row) for w in self.weights]
        self.loss = -choose(self.target, engine.log_softmax(self.logits))
        self.parameters = [v for rows in (self.table, self.weights) for row in rows for v in row]
        self.outputs = [self.loss, *gradient(self.loss, self.parameters)]
        self.rows = np.stack(
            [rng.integers(many, size=41), rng.integers(3, size=41)], axis=1
        ).astype(float)

    def program(self, reduce: Reduce | None = None) -> Program:
        return Program([self.token, self.target], self.outputs, self.parameters, reduce)


@pytest.mark.parametrize(("many", "wide"), [(2, 1), (5, 3), (27, 4), (3, 10)])
def test_an_embedding_is_a_gather_and_its_gradient_a_scatter(many: int, wide: int) -> None:
    model = Embedding(many, wide)
    want = eager([model.token, model.target], model.outputs, model.rows)
    near(model.program()(model.rows), want, 1e-11, 1e-14)
    for reduce in REDUCES:
        program = model.program(reduce)
        near(program(model.rows), reduced(want, reduce), 1e-11, 1e-13)
        listing = program.listing()
        assert re.search(rf"= row token of \w+ \({many} x {wide}\)", listing)
        assert f"totals ({wide} x {many}) at token += " in listing
    near(model.program("sum")(model.rows[:1]), want[0], 1e-11, 1e-14)
    theta = np.linspace(-1.0, 1.0, len(model.parameters))
    both = [model.token, model.target]
    near(
        model.program("mean")(model.rows, parameters=theta),
        reduced(eager(both, model.outputs, model.rows, model.parameters, theta), "mean"),
        1e-11,
        1e-13,
    )


@pytest.mark.parametrize("index", [-1.0, 5.0, 0.5, -0.5, 4.999, 1e18, -1e300, 2.0**63])
@pytest.mark.parametrize("reduce", [None, "sum"])
def test_an_index_that_is_none(index: float, reduce: Reduce | None) -> None:
    model = Embedding(5, 2)
    program = model.program(reduce)
    rows = model.rows.copy()
    rows[17, 0] = index
    with pytest.raises(NumericError) as error:
        program(rows)
    assert str(error.value).startswith(f"row 17: choose(token={index!r}, ")
    assert "a whole number that counts the 5 options from 0" in str(error.value)
    with ieee():
        got = program(rows)
    if reduce:
        assert math.isnan(got[0])
    else:
        assert np.isnan(got[17, 0])
        assert np.isfinite(np.delete(got, 17, axis=0)).all()


def test_an_index_of_minus_zero_counts_from_zero() -> None:
    (i,) = inputs("i")
    table = [Value(1.0), Value(2.0)]
    program = Program([i], [choose(i, table), choose(i, [10.0, i + 20.0])], table)
    assert program([[-0.0], [0.0], [1.0]]).tolist() == [[1, 10], [1, 10], [2, 21]]


def test_computed_and_constant_options_and_indexes() -> None:
    i, x = inputs("i", "x")
    w = [Value(1.5, "w0"), Value(-2.0, "w1"), Value(0.5, "w2")]
    k = Value(2.0, "k")
    chosen = [
        choose(i, [x * w[0], (x + w[1]).tanh(), w[2]]),
        choose(i, [1.0, 2.0, 4.0]) * x,
        choose(i, w) * choose(2.0 - i, w),
        choose(i, [w[0], w[0], w[1]]) ** 2,
        choose(k, w) * x,
        choose(where(x > 0, 1.0, 0.0), [x.exp(), -x]),
    ]
    loss = engine.sum(chosen)
    outputs = [*chosen, *gradient(loss, [*w, x]), gradient(gradient(loss, w[0]), x)]
    rows = [[j % 3, 0.3 * j - 1.0] for j in range(11)]
    want = eager([i, x], outputs, rows)
    near(Program([i, x], outputs, [*w, k])(rows), want, 1e-13, 1e-15)
    near(Program([i, x], outputs, [*w, k], "mean")(rows), reduced(want, "mean"), 1e-13, 1e-14)
    got = Program([i, x], outputs[4:5], [*w, k])([[0, 1.0]], parameters=[7.0, 8.0, 9.0, 1.0])
    assert got.tolist() == [[8.0]]


# --- control flow --------------------------------------------------------------------------------
def test_an_if_on_an_input_of_a_compiled_function_is_an_error_of_its_line() -> None:
    @compiled
    def kinked(x: Value) -> Value:
        if x > 0:
            return x
        return -x

    line = inspect.getsourcelines(kinked.function)[1] + 2
    for _ in range(2):  # the second time too
        with pytest.raises(ControlFlowError) as error:
            kinked(1.0)
        assert f"{HERE}:{line}: it depends on an input" in str(error.value)
        assert "where(test, a, b)" in str(error.value)

    better = compiled(lambda x: where(x > 0, x, -x))
    assert better([-2.0, 3.0]).tolist() == [2.0, 3.0]


DECISIONS: list[Callable[[Value, Value, Value], Value]] = [
    lambda x, v, w: where(w > 0, x, -x),
    lambda x, v, w: where(w * v > 0, x, -x),
    lambda x, v, w: x * max(v, w),
    lambda x, v, w: x * sorted([v, w])[0],
    lambda x, v, w: x if w > v else -x,
    lambda x, v, w: x if w else -x,
    lambda x, v, w: x if w == 1.0 else -x,
]


@pytest.mark.parametrize("decide", DECISIONS)
def test_a_decision_on_a_parameter_is_not_baked_into_a_program(decide: Any) -> None:
    v, w = Value(2.0, "v"), Value(1.0, "w")
    assert v > w  # before there is an input: it cannot be about a graph of it
    (x,) = inputs("x")
    output = decide(x, v, w)
    with pytest.raises(ControlFlowError, match=rf"^[vw]=\d.0, or a result of it.*{HERE}:\d+, "):
        Program([x], [output], [v, w])
    u = Value(3.0)
    assert Program([x], [x * u - w], [u]).constants == [w]  # and a constant stays one


@pytest.mark.parametrize("decide", DECISIONS)
def test_parameters_are_open_while_a_function_is_recorded(decide: Any) -> None:
    v, w = Value(2.0, "v"), Value(1.0, "w")
    f = compiled(lambda x: decide(x, v, w))
    try:
        assert f(3.0) == decide(Value(3.0), v, w).data
    except ControlFlowError as error:
        assert "it depends on a parameter, which may change" in str(error)  # noqa: PT017
    else:
        w.data = -5.0
        assert f(3.0) == decide(Value(3.0), v, w).data == -3.0


def test_a_gradient_through_a_decision_on_a_parameter() -> None:
    w = Value(2.0, "w")
    f = compiled(lambda x: gradient(where(w > 0, w * w * x, -w), w))
    assert f(3.0) == 12.0
    w.data = -2.0
    assert f(3.0) == -1.0


def test_a_function_is_recorded_under_no_grad_too() -> None:
    with engine.no_grad():
        assert compiled(lambda x: x * 2.0)(3.0) == 6.0


SIBLINGS: list[Callable[[Any, Any], Any]] = [
    lambda x, w: max(x * w, x),
    lambda x, w: x * min(w, w * w),
    lambda x, w: x if 0 < w < 5 else -x,
    lambda x, w: x if w in (-2.0, 5.0) else -x,
    lambda x, w: x * 2.0 if x != 0 else x * 3.0 + 7.0,
    lambda x, w: x * 2.0 if x == w else x * 3.0,
    lambda x, w: x * abs(w),
    lambda x, w: x * bool(w > 0),
    lambda x, w: x * int(w),
    lambda x, w: x * float(w),
    lambda x, w: x * Value.detach(Value(1.0) * w),
    lambda x, w: x * round(w * 1.2),
    lambda x, w: x * math.floor(w * 1.5),
    lambda x, w: x * math.sin(w),
    lambda x, w: x if math.isclose(w, 1.0) else -x,
]


def by_function(decide: Any, w: Value) -> Callable[[list[float]], Any]:
    return compiled(lambda x: decide(x, w))


def by_program(decide: Any, w: Value) -> Callable[[list[float]], Any]:
    (x,) = inputs("x")
    program = Program([x], [decide(x, w)], [w])
    return lambda rows: program([[row] for row in rows])[:, 0]


@pytest.mark.parametrize("make", [by_function, by_program])
@pytest.mark.parametrize("number", [1.0, -2.0])
@pytest.mark.filterwarnings("ignore:math.sin takes the number out")
@pytest.mark.parametrize("decide", SIBLINGS)
def test_each_answer_is_right_or_an_error(decide: Any, number: float, make: Any) -> None:
    w, rows = Value(number, "w"), [3.0, -3.0, 0.0, 1.0]
    try:
        answer = make(decide, w)
        for changed in (1.0, -2.0):
            w.data = changed
            assert answer(rows).tolist() == [decide(row, changed) for row in rows]
    except ControlFlowError as error:
        assert str(HERE) in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("make", "number", "wanted"),
    [
        (lambda x: engine.sqrt(engine.clamp(x, 0.0, 1.0)), -1.0, [0.0, 0.0]),  # sqrt'(0) is inf
        (lambda x: engine.maximum(2.0 * x, -x.exp()), 1000.0, [2000.0, 2.0]),  # exp overflows
    ],
)
def test_outputs_alone_are_judged(make: Any, number: float, wanted: list[float]) -> None:
    """An infinite number on the way is no error where no output shows it; eagerly it is one."""
    (x,) = inputs("x")
    y = make(x)
    assert Program([x], [y, gradient(y, x)])([[number]]).tolist() == [wanted]
    with pytest.raises(NumericError):
        make(Value(number)).backward()
