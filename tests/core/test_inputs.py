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
from engine import ControlFlowError, Value, gradient, inputs, where
from engine.core import inputs as open_inputs
from engine.core.modes import RECORDING
from engine.settings import Scope

HERE = Path(__file__)


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


def test_a_parameter_is_named_as_one_while_a_function_is_recorded() -> None:
    (x,), w = inputs("x"), Value(2.0, "w")
    with Scope(RECORDING, True):
        for leaf, why in [(w, "a parameter, which may change"), (x, "an input, which varies")]:
            with pytest.raises(ControlFlowError, match=f"it depends on {why}"):
                float(leaf * 2.0)


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
    since = open_inputs.declared[weakref.ref(x)]
    assert open_inputs.looked_at(a, since) == open_inputs.looked_at(w, -1) == ""
    assert b.data < 1.0  # to read a number is no decision
    assert open_inputs.looked_at(a, since) == ""
    assert a != 3.0
    assert open_inputs.looked_at(a, since) == f"{HERE}:{here() - 1}"
    assert isinstance(x * w > 0, Value)  # recorded, so nobody has looked
    assert open_inputs.looked_at(w, -1) == open_inputs.looked_at(x, -1) == ""
    v = Value(3.0)
    assert v != 3.0
    line = here() - 1
    assert (v * 2.0).data == 6.0  # which takes back no look at a leaf
    assert open_inputs.looked_at(v, since) == f"{HERE}:{line}"


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
            with pytest.raises(ControlFlowError, match=r"^== of (x|h)=nan .* equal\(a, b\)"):
                attempt()
    with pytest.raises(ControlFlowError, match=r"^== of h=nan"):
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


def test_a_result_is_visited_once_however_often_what_grows_on_it_is_compared() -> None:
    def calls(x: Value) -> int:
        seen = 0

        def count(*_: Any) -> None:
            nonlocal seen
            seen += 1

        sys.setprofile(count)
        try:
            assert x > -2.0
        finally:
            sys.setprofile(None)
        return seen

    for grow in (Value.tanh, Value.__neg__, lambda x: x + 0.5):
        x, counted = Value(0.5), []
        for _ in range(6):
            x = grow(x)
            counted.append(calls(x))
        assert len(set(counted[1:])) == 1, counted


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


def test_whose_inputs_they_are_is_told_by_who_asks_for_them() -> None:
    """Reading a number of a program that `fit` or `compiled` records is told of by these."""
    mine: list[bool] = []

    def made_here(row: list[Value]) -> Value:  # which the library calls
        (x,) = inputs("x")
        mine.append(weakref.ref(x) in open_inputs.handmade)
        return row[0] * 2.0

    assert engine.compiled(made_here)([1.0]) == 2.0
    assert set(mine) == {True}
    seen: list[Any] = []
    engine.compiled(lambda row: seen.extend(map(weakref.ref, row)) or row[0] * 2.0)([1.0])
    assert open_inputs.handmade.isdisjoint(seen)


def test_inputs_are_leaves_with_labels() -> None:
    assert engine.inputs() == []
    x, y = engine.inputs("x", "y")
    assert [(v.label, v.op, v.parents) for v in (x, y)] == [("x", None, ()), ("y", None, ())]
