"""Decisions on the inputs of a program: recorded below them, ordinary everywhere else."""

import inspect
import math
import sys
import threading
import weakref
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
from engine.core import inputs as open_inputs

HERE = Path(__file__)
Function = Callable[[Value], Value]


# --- ordinary Values: as ever --------------------------------------------------------------------
def ordinary() -> None:
    a, b = Value(1.0), Value(2.0)
    assert (a < b) is True
    assert (a > b) is False
    assert (a <= 1) is True
    assert (a >= 1.5) is False
    assert (Value.__lt__(b, 1), Value.__ge__(b, 3)) == (False, False)
    assert sorted([b, a, Value(1.5)])[0] is a
    assert max(a, b) is b
    assert min([a, b]) is a
    assert 0 < a < b <= 2
    assert not a < b < 1
    assert (a < np.float64(2.0)) is True
    assert (np.float64(2.0) > a) is True
    assert (a > np.int64(2)) is False
    assert (Value(math.nan) > a) is (Value(math.nan) <= a) is False
    assert bool(a)
    assert not Value(0.0)
    assert (float(b), int(Value(-2.5))) == (2.0, -2)


def test_comparisons_of_ordinary_values_are_bools_also_beside_inputs() -> None:
    ordinary()
    (x,) = inputs("x")
    ordinary()
    assert isinstance(x > 0, Value)


@pytest.mark.parametrize("other", ["a", None, [1.0], 1j], ids=repr)
def test_comparisons_with_what_is_no_number_are_type_errors(other: Any) -> None:
    (x,) = inputs("x")
    for value in (Value(1.0), x):
        for compared in (
            lambda a: a < other,
            lambda a: a >= other,
            lambda a: other > a,
        ):
            with pytest.raises(TypeError, match=f"got {type(other).__name__}|not supported"):
                compared(value)


# --- below inputs: Values ------------------------------------------------------------------------
def test_comparisons_below_inputs_are_recorded() -> None:
    x, y = inputs("x", "y")
    h = (x * 2.0).tanh()
    cases: list[tuple[Any, str, tuple[Any, Any]]] = [
        (x > y, "greater", (x, y)),
        (x < y, "greater", (y, x)),
        (x >= y, "greater_equal", (x, y)),
        (x <= y, "greater_equal", (y, x)),
        (h > x, "greater", (h, x)),
        (Value(1.0) < x, "greater", (x, None)),
    ]
    for test, name, (left, right) in cases:
        assert isinstance(test, Value)
        assert test.op is not None
        assert test.op.name == name
        assert test.parents[0] is left
        assert right is None or test.parents[1] is right
    for test in (x > 0, x > np.float64(0.0), Value.__gt__(x, 0)):
        assert test.op.name == "greater"
        assert [p.data for p in test.parents[1:]] == [0.0]
    assert [(x >= 1).parents[1].data, (x <= 1).parents[0].data] == [1.0, 1.0]


def here() -> int:
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return frame.f_back.f_lineno


def a_while(x: Value) -> None:
    while x > 0:
        break


def an_if(x: Value) -> None:
    if x > 0:
        raise AssertionError


def test_python_cannot_decide_below_inputs() -> None:
    x, y = inputs("x", "y")
    h = x * 2.0 + y
    attempts: list[tuple[str, Callable[[], Any]]] = [
        ("bool", lambda: bool(x)),
        ("bool", lambda: h and 1),
        ("bool", lambda: h or 1),
        ("bool", lambda: not h),
        ("bool", lambda: 1 if h > 0 else 2),
        ("bool", lambda: max(x, y)),
        ("bool", lambda: sorted([h, x])),
        ("bool", lambda: 0 < x < 1),
        ("bool", lambda: [i for i in range(3) if x > i]),
        ("bool", lambda: any([x > 0])),
        ("float", lambda: float(h)),
        ("float", lambda: math.exp(x)),
        ("int", lambda: int(x)),
    ]
    for how, attempt in attempts:
        with pytest.raises(ControlFlowError) as error:
            attempt()
        line = attempt.__code__.co_firstlineno
        message = str(error.value)
        assert message.startswith(f"{how} of "), message
        assert f" at {HERE}:{line}: it depends on an input" in message
        assert message.endswith("maximum, clamp or choose(index, options)")
        assert "where(test, a, b)" in message
    for attempt in (a_while, an_if):
        with pytest.raises(ControlFlowError) as error:
            attempt(x)
        assert f"{HERE}:{attempt.__code__.co_firstlineno + 1}: " in str(error.value)
    assert issubclass(ControlFlowError, TypeError)


# --- where and choose ----------------------------------------------------------------------------
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
        with pytest.raises(TypeError, match=r"write engine\.choose\(index, table\), which gives"):
            table[index]


def test_an_option_not_chosen_cannot_poison_a_sweep() -> None:
    with numeric_mode("ieee"):
        for index, wanted in ((0, 2.0), (1, math.inf), (2, 0.5)):
            x = Value(0.0)
            y = choose(Value(float(index)), [x * 2.0, sqrt(x), sin(x) * 0.5])
            y.backward()
            assert x.grad == wanted
            assert jvp(y, {x: 1.0}).data == wanted


# --- inputs leave no trace -----------------------------------------------------------------------
def test_inputs_die_with_their_last_reader() -> None:
    x, y = inputs("x", "y")
    z = where(x > y, x.sqrt(), gradient(y * y, y))
    assert open_inputs.is_open(z)
    assert math.isnan(x._data)
    assert len(open_inputs.declared) >= 2
    watched = [weakref.ref(node) for node in (x, y, z)]
    del x, y, z
    assert [reference() for reference in watched] == [None] * 3
    assert not any(open_inputs.is_open(each) for each in (Value(1.0), 1.0, None))


def test_a_look_is_noted_at_every_leaf_below_with_its_line_and_time() -> None:
    a, w = Value(1.0), Value(5.0)
    b = (a * 2.0).tanh()
    assert open_inputs.looked_at(a, -1) == ""
    assert b > 0
    line = here() - 1
    assert open_inputs.looked_at(a, -1) == f"{HERE}:{line}"
    (x,) = inputs("x")
    since = open_inputs.declared[id(x)]
    assert open_inputs.looked_at(a, since) == open_inputs.looked_at(w, -1) == ""
    assert b.data < 1.0  # to read a number is no decision
    assert open_inputs.looked_at(a, since) == ""
    assert a != 3.0
    assert open_inputs.looked_at(a, since) == f"{HERE}:{here() - 1}"
    assert isinstance(x * w > 0, Value)  # recorded, so nobody has looked
    assert open_inputs.looked_at(w, -1) == open_inputs.looked_at(x, -1) == ""


def test_equality_is_identity_and_refuses_what_is_open() -> None:
    a, b = Value(1.0), Value(1.0)
    assert [a == a, a == b, a != b, a == 1.0, a != 1, a in [b, a], a in (1.0,)] == [
        *(True, False, True, False, True, True, False)
    ]
    assert len({a, b, a}) == 2
    x, y = inputs("x", "y")
    h = x * a
    assert [x == x, x != x, x in [x, y], x == "x", x is None] == [True, False, True, False, False]
    for number in (0, 1.5, True, np.float32(1.0), np.int64(2), Value(2.0), h):
        for attempt in (
            lambda n=number: x == n,
            lambda n=number: x != n,
            lambda n=number: n == x,
            lambda n=number: x in (n, 3.0),
        ):
            with pytest.raises(ControlFlowError, match=r"^== of (x|mul)=nan .* equal\(a, b\)"):
                attempt()
    with pytest.raises(ControlFlowError, match=r"^== of mul=nan"):
        assert h != 0


def test_the_data_of_what_is_open_cannot_be_read() -> None:
    (x,) = inputs("x")
    for read in (
        lambda: x.data,
        lambda: (x * 2.0).data,
        lambda: (x > 0).data,
        lambda: where(x > 0, 1.0, -1.0).data,
        lambda: x.detach(),
    ):
        with pytest.raises(ControlFlowError, match=f"{HERE}:"):
            read()
    x.data = 3.0
    assert [x.data, (x * 2.0).data, (x > 0).data] == [3.0, 6.0, 1.0]


def test_comparing_does_not_walk_a_graph_twice() -> None:
    """Otherwise the time would grow with the square of the length."""

    def calls(x: Any, length: int) -> int:
        seen = 0

        def count(*_: Any) -> None:
            nonlocal seen
            seen += 1

        sys.setprofile(count)
        try:
            for _ in range(length):
                x = where(x > 0, x * 0.5, x + 2.0)
        finally:
            sys.setprofile(None)
        return seen

    for start in (lambda: inputs("x")[0], lambda: Value(1.0)):
        assert calls(start(), 400) < 5 * calls(start(), 100)


def test_threads_record_side_by_side() -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(100):
                (x,) = inputs("x")
                assert isinstance(where(x > 0, x, -x), Value)
                ordinary()
                with pytest.raises(ControlFlowError):
                    bool(x > 0)
        except BaseException as error:  # noqa: BLE001 (to be raised in the test's own thread)
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []


def test_inputs_are_leaves_with_labels() -> None:
    assert engine.inputs() == []
    x, y = engine.inputs("x", "y")
    assert [(v.label, v.op, v.parents) for v in (x, y)] == [("x", None, ()), ("y", None, ())]
