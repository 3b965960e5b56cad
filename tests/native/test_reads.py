"""Numbers read out of Values: an error or a warning where a program would bake them in."""

import copy
import json
import math
import pickle
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import engine
from engine import (
    ControlFlowError,
    Program,
    Value,
    choose,
    compiled,
    gradient,
    inputs,
    where,
)

HERE = Path(__file__)


@pytest.mark.parametrize(
    "look",
    [
        lambda x: x > 0.5,
        lambda x: x <= 0.5,
        lambda x: max(x, Value(0.0)),
        bool,
        lambda x: not x,
        lambda x: where(x > 0.5, 1.0, 2.0),
        lambda x: sorted([x, Value(2.0)]),
    ],
)
def test_a_leaf_that_was_compared_is_no_input_any_more(look: Callable[[Value], Any]) -> None:
    x, w = Value(1.0, "x"), Value(2.0, "w")
    look(x)
    with pytest.raises(ControlFlowError) as error:
        Program([x], [x * w], [w])
    line = look.__code__.co_firstlineno if hasattr(look, "__code__") else None
    place = f"{HERE}:{line}" if line else f"{HERE}:"
    assert str(error.value).startswith(f"x=1.0, or a result of it, was read at {place}")
    assert "make the inputs with engine.inputs(...)" in str(error.value)


@pytest.mark.parametrize("number", [2.0, -2.0])
def test_a_plain_result_that_was_compared_is_an_error_whatever_became_of_it(number: float) -> None:
    x, w = Value(number, "x"), Value(2.0, "w")
    h = x * w
    attempts: list[Callable[[], Value]] = [
        lambda: h.tanh() if h > 0 else h,
        lambda: h if h > 0 else h * 0.0,  # the output itself
        lambda: x if x * w > 0 else -x,  # it is no more
        lambda: x if (x * 2.0).exp() < 1 else -x,
        lambda: max(h, -h),
        lambda: x * 2.0 if x == 1.0 else x,
        lambda: x if x not in (0.0, 1.0) else -x,
    ]
    for attempt in attempts:
        x, w = Value(number, "x"), Value(2.0, "w")
        h = x * w
        output = attempt()
        place = f"{HERE}:{attempt.__code__.co_firstlineno}"
        with pytest.raises(ControlFlowError, match=f"^x={number}, or a result of it.*{place},"):
            Program([x], [output], [w])


@pytest.mark.parametrize(
    "take",
    [
        lambda w: w.data,
        lambda w: float(w),
        lambda w: int(w),
        lambda w: w.detach(),
        lambda w: math.sin(w),
        lambda w: math.tanh(w * 2.0),
    ],
)
def test_a_number_taken_out_of_a_parameter_is_not_baked_in(take: Any) -> None:
    w = Value(2.0, "w")
    with pytest.raises(ControlFlowError, match="depends on a parameter"):
        compiled(lambda x: x * take(w))(1.0)


NUMBERS: list[Callable[[Value, Value], Any]] = [
    lambda x, w: x * w.data,
    lambda x, w: w.data * x,
    lambda x, w: x + (2.0 * w.data - 1.0) ** 2 / 3.0,
    lambda x, w: x * Value(w.data),
    lambda x, w: x * (w * 3.0).data,
    lambda x, w: x * sum([w.data, 2.0]),
    lambda x, w: x * max(-7.0, w.data),
    lambda x, w: x * np.float64(2.0) * +w.data,
    lambda x, w: engine.dot([x, x], [1.0, round(w.data, 1)]),
    lambda x, w: where(x > w.data, x, -x),
    lambda x, w: choose(0.0 * x, [w.data, 3.0]),
    lambda x, w: x * (Value(3.0).data * w.data),  # from two, of which one is a constant
    lambda x, w: (x - copy.copy(w).data + w.data % 1.0) * w,
    lambda x, w: gradient((x * w.data) ** 2, x),
]


@pytest.mark.parametrize("number", [1.0, 0.0, -2.5])
@pytest.mark.parametrize("read", NUMBERS)
def test_a_number_that_was_read_is_not_baked_into_a_program(read: Any, number: float) -> None:
    w, (x,) = Value(number, "w"), inputs("x")
    output = read(x, w)
    place = f"{HERE}:{read.__code__.co_firstlineno},"
    with pytest.raises(ControlFlowError, match=f"parameter, .*was read at {place} .*baked into"):
        Program([x], [output], [w])
    want = float(read(Value(2.0), w))
    assert Program([x], [output])([[2.0]])[0, 0] == pytest.approx(want, 1e-14)  # it cannot change


def test_a_number_of_what_an_input_makes_is_not_baked_in_either() -> None:
    (x,) = inputs("x")
    x.data = 2.0
    with pytest.raises(ControlFlowError, match=f"was read at {HERE}:"):
        Program([x], [x * (x + 1.0).data])


@pytest.mark.parametrize(
    "take",
    [
        lambda w: float(f"{w.data}"),
        lambda w: float(str(w.data)),
        lambda w: math.sin(w.data),
        lambda w: math.exp(w.data),
    ],
)
def test_a_number_that_took_a_way_round_is_warned_of(take: Any) -> None:
    w, (x,) = Value(0.3, "w"), inputs("x")
    with pytest.warns(UserWarning, match=r"it may have been baked into the program") as found:
        Program([x], [x * take(w)], [w])
    assert (found[0].filename, found[0].lineno) == (__file__, take.__code__.co_firstlineno)


@pytest.mark.parametrize(
    "decide",
    [
        lambda x, w: x if w.data > 0.0 else -x,
        lambda x, w: x * max(0.0, -w.data),
        lambda x, w: x if (w * 2.0).data - 1.0 <= 0 else -x,
        lambda x, w: x if w.data else -x,
        lambda x, w: x * sorted([w.data, 0.1])[0],
        lambda x, w: x * [2.0, 3.0][int(w.data)],
        lambda x, w: x * math.ceil(w.data),
    ],
)
def test_a_decision_on_a_number_that_was_read_is_warned_of(decide: Any) -> None:
    w, (x,) = Value(0.3, "w"), inputs("x")
    with pytest.warns(UserWarning, match=r"it may have been baked into the program") as found:
        Program([x], [decide(x, w) * w], [w])
    assert (found[0].filename, found[0].lineno) == (__file__, decide.__code__.co_firstlineno)


@pytest.mark.filterwarnings("error")
def test_numbers_that_are_read_for_something_else_are_no_matter() -> None:
    for number in (0.0, 1.0, 0.1, 0.3):
        w, scale = Value(number, "w"), Value(3.7)
        factor = w.data  # before there is an input, it is a number
        (x,) = inputs("x")
        shown = f"{w.data} {(x * w).op} {scale.data:.3f}"
        assert shown.endswith("3.700")
        w.data -= 0.5 * w.data  # a step, as people write it
        assert w.data in (number / 2, -1.0)
        copied = Value(0.0)  # a model that follows another
        copied.data = w.data
        w.data = number
        output = where(x > 0, x * w * factor, 0.1 * x) + scale.data * w + 0.3 + 1.0 * x + 0.0
        output += copied * 0.0
        found = Program([x], [output], [w])
        w.data = 2.0
        assert found([[3.0]])[0, 0] == pytest.approx(6.0 * number + 7.4 + 0.3 + 3.0)


def test_a_number_that_was_read_is_a_float_like_any_other() -> None:
    (_x,), w = inputs("x"), Value(2.5)
    read = w.data
    assert isinstance(read, float)
    assert [type(f(read)) for f in (copy.copy, copy.deepcopy)] == [float, float]
    assert type(pickle.loads(pickle.dumps(read))) is float
    assert (read, hash(read), repr(read), f"{read:.2f}") == (2.5, hash(2.5), "2.5", "2.50")
    assert (read - 3.0) ** 0.5 == (2.5 - 3.0) ** 0.5  # which is complex
    assert (int(read), round(read), divmod(read, 2), math.floor(read)) == (2, 2, (1.0, 0.5), 2)
    assert [str(json.loads(json.dumps(x))) for x in (read, read * 2)] == ["2.5", "5.0"]
    with pytest.raises(ZeroDivisionError):
        read / 0.0
    narrow, wide = np.ones(2, "float32"), np.float64(2.0)
    for f in (
        lambda a: statistics.mean([a, a]),
        lambda a: type(a)(3.0) + type(a).fromhex("0x1p3"),
        lambda a: a - wide,
        lambda a: wide**a,
        lambda a: (narrow * a).dtype,
        lambda a: (a * narrow[0]).dtype,
        lambda a: np.add.outer(narrow, a).dtype,
    ):
        assert (f(read), type(f(read))) == (f(2.5), type(f(2.5)))


ALONE = """
from engine import Value, inputs
(x,), w = inputs("x"), Value(2.5)
assert type(w.data) is not float
del x
assert type(w.data) is float
"""


def test_a_number_is_a_plain_float_when_no_input_is_there_any_more() -> None:
    subprocess.run([sys.executable, "-P", "-c", ALONE], check=True)  # other tests may hold inputs
