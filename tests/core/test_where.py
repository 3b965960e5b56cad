"""where and choose: the branch that is taken, its derivatives, and tables of options."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import engine
from engine import (
    ControlFlowError,
    NumericError,
    Value,
    choose,
    equal,
    gradient,
    inputs,
    jvp,
    log,
    numeric_mode,
    sin,
    sqrt,
    where,
)

HERE = Path(__file__)
Function = Callable[[Value], Value]

# Each is a function of one number, which reads as ordinary code; the tests are at and around kinks.
WHERES: dict[str, Function] = {
    "greater": lambda x: where(x > 0, lambda: x * x, lambda: x.sin()),
    "less": lambda x: where(x < 0.5, lambda: x.exp(), lambda: x * 3.0),
    "at least": lambda x: where(x >= 0, lambda: x * x * x, lambda: -x),
    "at most": lambda x: where(x <= 1, 1.0, lambda: x * x),
    "sqrt": lambda x: where(x > 0, lambda: sqrt(x), lambda: x * 2.0),
    "log": lambda x: where(x > 0, lambda: log(x), lambda: x * 3.0),
    "reciprocal": lambda x: where(x > 0, lambda: 1 / x, lambda: x * 3.0),
    "root": lambda x: where(x > 0, lambda: x**0.5, lambda: x * 3.0),
    "root, deep": lambda x: where(x > 0, lambda: sin(x**0.5) * x + x.sqrt(), lambda: x * 3.0),
    "to the other branch": lambda x: where(x <= 0, lambda: x * 3.0, lambda: x.log() / x),
    "constants": lambda x: where(x > 0, 1.0, -1.0) * x,
    "nested": lambda x: where(
        x > 0, lambda: where(x > 1, lambda: sqrt(x - 1.0), lambda: log(x)), lambda: x * 5.0
    ),
    "in the other": lambda x: where(
        x > 1, lambda: sqrt(x - 1.0), lambda: where(x > 0, lambda: log(x), lambda: x * x)
    ),
    "behind a where": lambda x: where(where(x > 0, 1.0, x) > 0.5, lambda: log(x), lambda: x * x),
    "a branch in both": lambda x: (lambda s: where(x > 0, s * 2.0, s * s))(x * x + 1.0),
    "a branch outside too": lambda x: (lambda s: where(x > 0, s, 1.0) + s)(sqrt(x + 3.0)),
    "test of a branch": lambda x: (lambda s: where(s > 0.5, s * 2.0, s.exp()))(x.sin()),
}


def shared_test(x: Value) -> Value:
    test = x > 0
    root = where(test, lambda: sqrt(abs(x)), 0.0)
    return root + where(test, lambda: x.log(), lambda: x * 2.0)


def one_branch_of_two(x: Value) -> Value:
    if not isinstance(x > 0, Value):  # at numbers: only where it is needed
        return where(x > 0, lambda: sqrt(x), 0.0) + where(x > 1, lambda: sqrt(x) * 2.0, 0.0)
    root = sqrt(abs(x))
    return where(x > 0, root, 0.0) + where(x > 1, root * 2.0, 0.0)


WHERES["a test in two"] = shared_test
WHERES["a branch of two"] = one_branch_of_two
POINTS = [-2.0, -1.0, -0.0, 0.0, 0.25, 0.5, 1.0, 1.5, 4.0]


def derivatives(f: Function, x: Value) -> tuple[float, float, float]:
    y = f(x)
    first = gradient(y, x)
    return y.data, first.data, gradient(first, x).data


def open_at(number: float) -> Value:
    """An input that holds a number, so that what is recorded on it can be looked at."""
    (x,) = inputs("x")
    x.data = number
    return x


@pytest.mark.parametrize("name", WHERES)
@pytest.mark.parametrize("number", POINTS)
def test_a_recorded_where_is_the_ordinary_one(name: str, number: float) -> None:
    """Value, first and second derivative; also where the branch not taken is undefined or has an
    infinite derivative.
    """
    f = WHERES[name]
    with numeric_mode("ieee"):
        wanted = derivatives(f, Value(number))
        assert derivatives(f, open_at(number)) == pytest.approx(wanted, rel=1e-14, nan_ok=True)
        x = open_at(number)
        f(x).backward()
        assert x.grad == pytest.approx(wanted[1], rel=1e-14, nan_ok=True)
        x = open_at(number)
        for _ in f(x).backward_steps():
            pass
        assert x.grad == pytest.approx(wanted[1], rel=1e-14, nan_ok=True)
        x = open_at(number)
        assert jvp(f(x), {x: 1.0}).data == pytest.approx(wanted[1], rel=1e-14, nan_ok=True)


def test_a_branch_not_taken_is_no_error_of_a_backward_pass_in_strict_mode() -> None:
    x = open_at(0.0)
    y = where(x > 0, sqrt(x), x * 2.0)
    y.backward()
    assert x.grad == 2.0
    x = open_at(0.0)
    with pytest.raises(NumericError, match=r"gradient of x=0\.0 is inf"):
        where(x >= 0, sqrt(x), x * 2.0).backward()


def test_what_both_branches_read_is_behind_no_gate() -> None:
    """Or all of a network would be, below a loss that is a `where`."""
    x, y = inputs("x", "y")
    h = (x * 2.0).tanh()
    for loss in (
        where(y > 0, h * 3.0, h.exp()),
        where(y > 0, h * 3.0, lambda: where(y > -1.0, h.exp(), -h)),
        where(y > 0, lambda: where(x > y, h * 3.0, h), lambda: where(y > -1.0, h.exp(), -h)),
    ):
        slope = gradient(loss, x)
        assert slope.op is not None
        assert slope.op.name in ("mul", "dot")
        assert [p for p in engine.topological(slope) if p.op and p.op.name == "step"] == []
    some = where(y > 0, h * 3.0, 0.0) + where(x > 0, h, 0.0)
    assert any(p.op and p.op.name == "step" for p in engine.topological(gradient(some, x)))


def test_where_takes_any_open_test() -> None:
    for number, taken in ((2.0, 1.0), (0.0, -1.0), (-3.0, 1.0), (math.nan, 1.0)):
        assert where(open_at(number), 1.0, -1.0)._data == taken
        assert where(Value(number), 1.0, -1.0).data == taken
    for number, taken in ((2.0, 1.0), (0.0, -1.0)):
        assert where(equal(open_at(number), 2.0), 1.0, -1.0).data == taken


def test_equal_says_which_numbers_are() -> None:
    a, b = Value(2.0), Value(3.0)
    assert [equal(a, 2).data, equal(a, b).data, equal(0.0, Value(-0.0)).data] == [1.0, 0.0, 1.0]
    assert equal(Value(math.nan), 1.0).data == 0.0  # as in Python, and as `>` has it
    y = equal(a, b)
    y.backward()
    assert (a.grad, b.grad) == (0.0, 0.0)


@pytest.mark.parametrize("index", [0, 1, 2])
def test_choose_takes_one_and_gives_it_the_gradient(index: int) -> None:
    i, xs = Value(float(index), "i"), [Value(1.5), Value(2.5), Value(3.5)]
    y = choose(i, xs) ** 2
    assert y.data == xs[index].data ** 2
    y.backward()
    wanted = [2.0 * x.data if k == index else 0.0 for k, x in enumerate(xs)]
    assert [x.grad for x in xs] == wanted
    assert i.grad == 0.0
    slopes = gradient(y, [i, *xs])
    assert [g.data for g in slopes] == [0.0, *wanted]
    seconds = [gradient(g, x).data for g, x in zip(slopes[1:], xs, strict=True)]
    assert seconds == [2.0 if k == index else 0.0 for k in range(3)]
    assert choose(index, [1, 2, 4]).data == [1, 2, 4][index]


@pytest.mark.parametrize("index", [-1.0, 3.0, 0.5, 2.0000000001, math.inf, -1e300])
def test_an_index_that_is_none(index: float) -> None:
    xs = [Value(1.0), Value(2.0), Value(3.0)]
    if math.isfinite(index):
        with pytest.raises(NumericError, match="a whole number that counts the 3 options from 0"):
            choose(Value(index), xs)
    with numeric_mode("ieee"):
        assert math.isnan(choose(Value(index), xs).data)
        assert math.isnan(choose(index, xs).data)
    with pytest.raises(ValueError, match="choose takes at least one input"):
        choose(Value(0.0), [])


@pytest.mark.parametrize("shape", [list, tuple, np.array, lambda rows: zip(*rows, strict=True)])
def test_a_table_gives_a_row_and_that_row_the_gradient(shape: Callable[[Any], Any]) -> None:
    table = [[Value(10.0 * i + k) for k in range(3)] for i in range(3)]
    given = [[*row] for row in shape(table)]
    row = choose(Value(1.0), shape(table))
    assert [x.data for x in row] == [x.data for x in given[1]]
    engine.dot([2.0, 3.0, 4.0], row).backward()
    assert [[x.grad for x in each] for each in given] == [[0.0] * 3, [2.0, 3.0, 4.0], [0.0] * 3]


@pytest.mark.parametrize(
    ("table", "widths"),
    [
        ([[1.0, 2.0], [3.0]], "2 in row 0 and 1 in row 1"),
        ([[1.0], [2.0], []], "1 in row 0 and 0 in row 2"),
        ([1.0, [2.0, 3.0]], "0 in row 0 and 2 in row 1"),
    ],
)
def test_a_table_with_rows_of_several_lengths_is_an_error(table: Any, widths: str) -> None:
    message = f"rows of one length, got {widths}; give every row as many numbers"
    with pytest.raises(ValueError, match=message):
        choose(Value(0.0), table)


def test_a_row_that_a_table_does_not_have() -> None:
    with pytest.raises(NumericError, match=r"choose\(token=3.0, .* counts the 3 options from 0"):
        choose(Value(3.0, "token"), [[1.0, 2.0]] * 3)


@pytest.mark.parametrize("table", [[1.0, 2.0], (1.0, 2.0), "ab", [[1.0], [2.0]]])
def test_a_value_as_an_index_of_python_names_choose(table: Any) -> None:
    (x,) = inputs("x")
    with pytest.raises(ControlFlowError, match=rf"^index of x.* at {HERE}:\d+: it depends on an"):
        table[x]
    for index in (x, Value(1.0)):
        with pytest.raises(
            TypeError, match=r"choose\(index, table\) gives|int\(x\) or choose\(x, table\)"
        ):
            table[index]


def test_an_option_not_chosen_cannot_poison_a_sweep() -> None:
    with numeric_mode("ieee"):
        for index, wanted in ((0, 2.0), (1, math.inf), (2, 0.5)):
            x = Value(0.0)
            y = choose(Value(float(index)), [x * 2.0, sqrt(x), sin(x) * 0.5])
            y.backward()
            assert x.grad == wanted
            assert jvp(y, {x: 1.0}).data == wanted
