"""`compiled`: functions of scalars."""

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import engine
import nn
from engine import ControlFlowError, NumericError, Program, Value, compiled, gradient, sqrt, where
from tests.native.tools import near


@compiled
def length(x: Value, y: Value) -> Value:
    """How far from the origin."""
    return sqrt(x * x + y * y)


def test_numbers_give_a_float_and_arrays_give_arrays() -> None:
    answer = length(3.0, 4.0)
    assert type(answer) is float
    assert answer == 5.0
    assert type(length(3, 4)) is type(length(np.float32(3.0), np.int8(4))) is float
    assert length([3.0, 6.0], [4.0, 8.0]).tolist() == [5.0, 10.0]
    assert length(np.array(3.0), 4.0) == 5.0
    assert length([], []).shape == (0,)


def test_arrays_broadcast() -> None:
    x, y = np.arange(6.0).reshape(2, 3), np.arange(3.0)
    near(length(x, y), np.hypot(x, y), 1e-15)
    near(length(x, 2.0), np.hypot(x, 2.0), 1e-15)
    near(length(x[:, :1], y), np.hypot(x[:, :1], y), 1e-15)
    near(length(x.T[::-1], 1), np.hypot(x.T[::-1], 1), 1e-15)
    assert length(np.zeros((4, 1, 2)), np.zeros((3, 1))).shape == (4, 3, 2)
    with pytest.raises(ValueError, match="broadcast"):
        length(x, [1.0, 2.0])


def test_several_results_come_as_a_list() -> None:
    both = compiled(lambda a, b: (a + b, a * b))
    assert both(2.0, 5.0) == [7.0, 10.0]
    total, product = both([1.0, 2.0], 3.0)
    assert (total.tolist(), product.tolist()) == ([4.0, 5.0], [3.0, 6.0])
    single = compiled(lambda a: [a * 2.0])
    assert single(3.0) == [6.0]


def test_results_that_are_numbers_or_inputs() -> None:
    f: Any = compiled(lambda a: (a, 1.5, a * 0.0 + 2))
    assert f(3.0) == [3.0, 1.5, 2.0]
    g: Any = compiled(lambda a: 7.0)
    assert g(1.0) == 7.0
    assert g([1.0, 2.0]).tolist() == [7.0, 7.0]


def test_the_function_is_called_once() -> None:
    calls = []

    @compiled
    def f(x: Value) -> Value:
        calls.append(x)
        return x * 2.0

    assert calls == []
    assert [f(1.0), f(2.0), f([3.0])[0]] == [2.0, 4.0, 6.0]
    assert len(calls) == 1
    assert calls[0].label == "x"
    assert f.program is f.program
    assert len(calls) == 1


def test_leaves_of_the_surroundings_are_read_anew() -> None:
    w, b = Value(2.0, "w"), Value(0.5, "b")

    @compiled
    def line(x: Value) -> tuple[Value, Value]:
        y = w * x + b
        return y, gradient(y * y, w)

    assert line(3.0) == [6.5, 39.0]
    w.data, b.data = 1.0, 0.0
    assert line(3.0) == [3.0, 18.0]
    assert set(line.program.parameters) == {w, b}
    assert line.program.constants == []


def test_it_decides_row_by_row_with_where() -> None:
    f = compiled(lambda x: where(x > 1, lambda: engine.log(x), lambda: x - 1.0))
    near(f([0.0, 1.0, np.e]), [-1.0, 0.0, 1.0], 1e-15)


def test_it_looks_like_the_function() -> None:
    assert length.__name__ == "length"
    assert length.__doc__ == "How far from the origin."
    assert isinstance(length.program, Program)
    assert [x.label for x in length.program.inputs] == ["x", "y"]


def test_wrong_calls_and_wrong_functions() -> None:
    with pytest.raises(TypeError, match=re.escape("length takes 2 numbers (x, y), got 1")):
        length(1.0)
    with pytest.raises(TypeError, match="got 3"):
        length(1.0, 2.0, 3.0)
    with pytest.raises(TypeError, match="real numbers"):
        length("a", 2.0)
    with pytest.raises(TypeError, match=r"a fixed number of scalars, got \*xs"):
        compiled(lambda *xs: xs[0])
    with pytest.raises(TypeError, match="at least one scalar, this one takes none"):
        compiled(lambda: Value(1.0))
    with pytest.raises(NumericError, match="row 1"):
        compiled(lambda x: engine.log(x))([1.0, -1.0])


@pytest.mark.parametrize(
    ("numbers", "error", "message"),
    [
        (np.ma.masked_equal([1.0, 2.0], 2.0), ValueError, "the numbers y: [1] of the MaskedArray"),
        ({1.0, 2.0}, TypeError, "the numbers y are a set, which has no order; give a list"),
        ({0: 1.0}, TypeError, "the numbers y are a dict, which is read as its keys"),
    ],
)
def test_what_is_no_array_of_numbers(numbers: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        length(3.0, numbers)


def test_containers_of_other_libraries_are_read_as_arrays() -> None:
    assert length(3.0, pd.Series([4.0, 0.0])).tolist() == [5.0, 3.0]
    assert length(3.0, sparse.csr_array([[4.0, 0.0]])).tolist() == [[5.0, 3.0]]


# --- rows ----------------------------------------------------------------------------------------
class Recurrent:
    """A function of a row of any length, as people write it: a state that each number moves."""

    def __init__(self) -> None:
        self.w, self.u, self.b = [Value(x) for x in (0.7, -1.3, 0.2)]

    def state(self, xs: list[Any]) -> Any:
        h = Value(0.0)
        for x in xs:
            h = (self.w * x + self.u * h + self.b).tanh()
        return h

    def slopes(self, xs: list[Any], y: Any) -> list[Value]:
        loss = (self.state(xs) - y) ** 2
        return [loss, *gradient(loss, [self.w, self.u, self.b])]


ROWS = [[3.0, 1.0, 4.0], [1.0, 5.0], [-9.0], [2.0, 6.0, 5.0], [3.0, 5.0], [8.0, 9.0, 7.0, 9.0]]


def test_rows_of_different_length_are_answered_in_their_order() -> None:
    model, calls = Recurrent(), []
    state = compiled(lambda xs: calls.append(len(xs)) or model.state(xs))  # type: ignore[func-returns-value]
    for rows in (ROWS, ROWS[::-1], [np.array(row) for row in ROWS], tuple(map(tuple, ROWS))):
        near(state(rows), [model.state(list(row)).data for row in rows], 1e-13)
    assert sorted(calls) == [1, 2, 3, 4]
    assert set(state.programs) == {(1,), (2,), (3,), (4,)}
    assert [x.label for x in state.programs[2,].inputs] == ["xs[0]", "xs[1]"]
    assert type(state(ROWS[0])) is float
    assert state(ROWS[0]) == state(ROWS)[0]
    model.w.data = 0.1
    near(state(ROWS), [model.state(row).data for row in ROWS], 1e-13)


def test_rows_of_one_length_are_rows_too() -> None:
    state = compiled(model := Recurrent().state)
    rows = np.linspace(-1.0, 1.0, 12).reshape(4, 3)
    near(state(rows), [model(list(row)).data for row in rows], 1e-13)
    near(state(rows.T.tolist()), [model(list(row)).data for row in rows.T], 1e-13)
    layer = nn.Layer(3, 2, "tanh", rng=7)  # which takes no single number either
    answers = np.stack(compiled(layer)(rows), axis=-1)
    near(answers, [[x.data for x in layer(row)] for row in rows], 1e-14)


def test_numbers_may_stand_beside_rows() -> None:
    model = Recurrent()
    slopes = compiled(model.slopes)
    ys = [0.5, 1.0, -1.0, 0.0, 0.25, 2.0]
    for given in (ys, np.array(ys), 0.5):
        each = np.broadcast_to(given, len(ROWS)).tolist()
        wanted = [model.slopes(row, y) for row, y in zip(ROWS, each, strict=True)]
        near(np.stack(slopes(ROWS, given), -1), [[x.data for x in row] for row in wanted], 1e-13)
    assert slopes(y=1.0, xs=[1.0, 5.0]) == [found[1] for found in slopes(ROWS, ys)]
    with pytest.raises(ValueError, match=r"slopes takes as many of each argument, got \[5, 6\]"):
        slopes(ROWS, ys[:-1])


def test_totals_do_not_depend_on_how_rows_were_grouped() -> None:
    state = compiled(Recurrent().state)
    alone = [state(row) for row in ROWS]
    assert state(ROWS).sum() == np.sum(alone)
    assert state(ROWS).tolist() == alone


def test_what_is_no_row_is_an_error_that_names_it() -> None:
    layer = nn.Layer(2, 1, rng=7)
    cases: list[tuple[Any, list[Any], type[Exception], str]] = [
        (Recurrent().state, [[1.0], []], ValueError, "row 1 is empty; leave it out"),
        (Recurrent().state, [], ValueError, "row 0 is empty"),
        (
            Recurrent().state,
            [[1.0], [2.0, Value(1.0)]],
            TypeError,
            r"row 1, xs\[1\]: rows hold numb",
        ),
        (Recurrent().state, [[1.0, 2.0], [[2.0]]], ValueError, "as row 1: rows have the shape"),
        (Recurrent().state, [[1.0], 2.0], TypeError, "as row 1: 'Value' object is not iterable"),
        (
            layer,
            [[1.0, 2.0], [1.0]] * 2,
            ValueError,
            "as row 1: Layer takes 2 inputs, got 1; check",
        ),
        (
            lambda xs: [x * 2.0 for x in xs],
            ROWS,
            ValueError,
            "a list of 1, a list of 2, .* for",
        ),
        (
            lambda xs: 1 / xs[-1],
            [*ROWS, [3.0, 0.0]],
            NumericError,
            "row 6: ",
        ),
    ]
    for function, rows, error, message in cases:
        with pytest.raises(error, match=message):
            compiled(function)(rows)


def test_a_function_of_numbers_takes_no_rows_of_several_lengths() -> None:
    message = r"length takes single numbers, got rows of several lengths .* loop over a row take"
    with pytest.raises(ValueError, match=message):
        length(ROWS, 1.0)
    with pytest.raises(
        ValueError, match=r"2 numbers, .*several lengths .* engine\.compiled and nn\.fit"
    ):
        length.program(ROWS)
    with pytest.raises(ControlFlowError, match=r"bool of \(x > 0\)"):  # and not as a row
        compiled(lambda x: x if x > 0 else -x)([1.0, -1.0])
    for number in (3.0, np.array(3.0)):
        with pytest.raises(TypeError, match="'Value' object is not iterable"):
            compiled(lambda xs: engine.sum(x for x in xs))(number)


def test_a_function_may_give_other_results_for_other_lengths_one_length_at_a_time() -> None:
    @compiled
    def slopes(xs: Any) -> Any:
        return gradient(sum(x**3 for x in xs), xs) if len(xs) > 1 else xs[0]

    for _ in range(2):  # what was recorded last is not what counts
        assert [column.tolist() for column in slopes([[1, 2], [3, 4]])] == [[3, 27], [12, 48]]
        assert slopes([1, 2]) == [3, 12]
        assert slopes([[5], [6]]).tolist() == [5, 6]
    for rows, got in (
        ([[1, 2], [3]], "a list of 2, a number"),
        ([[1, 2], [3, 4, 5]], "a list of 2, a list of 3"),
    ):
        with pytest.raises(ValueError, match=f"slopes gives {got} for rows of .* one length at a"):
            slopes(rows)


LOOKED_UP: dict[str, Any] = {
    "an array": lambda t: t * np.arange(3.0)[t],
    "a table": lambda t: t * np.ones((3, 2))[t][0],
    "a dictionary": lambda t: {0.0: t, 1.0: 2 * t}[t],
    "a list": lambda t: [t, 2 * t][t],
    "a slice": lambda t: sum([t, 2 * t][:t]),
    "a count": lambda t: sum(t for _ in range(t)),
}


@pytest.mark.parametrize("case", LOOKED_UP)
def test_an_input_is_no_index_and_no_count(case: str) -> None:
    message = rf"index .*{re.escape(__file__)}:\d+: .*\(index, table\) gives the item .* range\(n\)"
    with pytest.raises(ControlFlowError, match=message):
        compiled(LOOKED_UP[case])(1.0)


def test_other_errors_of_look_ups_are_those_of_the_function() -> None:
    for error, function in {
        IndexError: lambda t: t * [1.0][int("3")],
        KeyError: lambda t: t * {"a": 1.0}["b"],
    }.items():
        with pytest.raises(error) as found:
            compiled(function)(1.0)
        assert not isinstance(found.value, ControlFlowError)
    with pytest.raises(TypeError, match=r"an index is an int, got .*; write int\(x\)"):
        range(Value(2.0))  # type: ignore[call-overload]


def test_arguments_by_name_and_with_defaults() -> None:
    @compiled
    def f(x: Value, y: Value, *, z: Any = 1.0) -> Value:
        return x * y + z

    assert f(2.0, 3.0) == f(2.0, y=3.0) == f(y=3.0, x=2.0) == f(2.0, 3.0, z=1.0) == 7.0
    assert f(x=[1.0, 2.0], y=3.0, z=0.0).tolist() == [3.0, 6.0]
    with pytest.raises(TypeError, match=r"f takes 3 numbers \(x, y, z\), got 1: missing .*'y'"):
        f(1.0)
    with pytest.raises(TypeError, match="got 3: got an unexpected keyword argument 'q'"):
        f(1.0, 2.0, q=3.0)
    with pytest.raises(TypeError, match="multiple values for argument 'x'"):
        f(1.0, 2.0, x=3.0)


def test_a_method_is_refused_and_a_bound_one_is_taken() -> None:
    class Line:
        twice = compiled(lambda x: x * 2.0)

        def __init__(self, slope: float) -> None:
            self.slope = Value(slope)
            self.f = compiled(self.f)  # type: ignore[method-assign]

        @compiled
        def g(self, x: Value) -> Value:
            return self.slope * x  # type: ignore[attr-defined]

        def f(self, x: Value) -> Value:
            return self.slope * x

    line = Line(2.0)
    assert [line.f(3.0), Line(5.0).f(3.0), Line.twice(4.0)] == [6.0, 15.0, 8.0]
    with pytest.raises(TypeError, match=r"g is compiled and cannot be a method.*self\.g = compil"):
        line.g(3.0)


def test_a_function_can_be_compiled_as_it_is_written() -> None:
    def total(a: Value, b: Value, c: Value) -> Value:
        return a * b + b * c + c * a

    rows = np.random.default_rng(5).normal(size=(3, 200))
    want = [a * b + b * c + c * a for a, b, c in zip(*rows.tolist(), strict=True)]
    assert compiled(total, exact=True)(*rows).tolist() == want
    assert compiled(total)(*rows).tolist() != want
