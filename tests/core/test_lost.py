"""Numbers that functions of `math` take out of a graph and that come back into one."""

import cmath
import math
import warnings
from collections.abc import Callable, Iterator
from math import sin
from pathlib import Path
from typing import Any

import pytest

import engine
from engine import Value, no_grad
from engine.source import lost

HERE = str(Path(__file__))
Function = Callable[[Value], Any]


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    yield
    lost.taken.clear()


def through_a_variable(x: Value) -> Value:
    root = math.sqrt(x)
    return x * root


def through_a_function(x: Value) -> Value:
    def tanh(x: Value) -> float:
        return math.tanh(x)

    factor = tanh(x)
    return factor * x


LOSES: dict[str, tuple[Function, str]] = {
    "direct": (lambda x: x * math.sin(x), "engine.sin"),
    "imported": (lambda x: x + sin(x * 2.0), "engine.sin"),
    "changed in the line": (lambda x: x / (1.0 + math.exp(-x)), "engine.exp"),
    "of two": (lambda x: x * math.hypot(x, 2.0), "engine.hypot"),
    "a new Value": (lambda x: Value(math.tanh(x)), "engine.tanh"),
    "a function of several": (lambda x: engine.maximum(x, math.log(x)), "engine.log"),
    "a variable": (through_a_variable, "engine.sqrt"),
    "another function": (through_a_function, "engine.tanh"),
    "sum": (lambda x: x * math.fsum([x, x]), "engine.sum"),
    "round": (lambda x: x * math.sqrt(x * 0.0 + 4.0), "engine.sqrt"),
}


@pytest.mark.parametrize("name", LOSES)
def test_a_lost_gradient_is_said_once_naming_the_line_and_the_twin(name: str) -> None:
    function, twin = LOSES[name]
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("default")
        for i in range(3):
            function(Value(1.3 + i))
    assert len(found) == 1
    assert f"use {twin}," in str(found[0].message)
    assert found[0].filename == HERE
    first = function.__code__.co_firstlineno
    assert first <= found[0].lineno <= first + 2


QUIET: dict[str, Function] = {
    "isclose": lambda x: (math.isclose(x, 1.3), x * 1.3),
    "isfinite": lambda x: (math.isfinite(x), math.isnan(x), x + 2.0),
    "printed": lambda x: (f"{x} {x:.2f} {x!r}", x + 2.0),
    "sorted": lambda x: (sorted([x, Value(0.0)]), x + 2.0),
    "looked at": lambda x: (math.exp(x), [x * 2.0 for _ in range(300)]),
    "a literal": lambda x: x * 2.0 if math.sqrt(x) > 0 else x,
    "float": lambda x: x * float(x),
    "data": lambda x: x * math.sin(x.data),
    "rounding": lambda x: x * math.floor(x),
    "numbers": lambda x: x * math.sin(1.3),
    "a constant": lambda x: x * math.sin(engine.core.value.constant(0.5)),
    "no graph": lambda x: no_grad()(lambda: x * math.sin(x))(),
    "complex": lambda x: x * abs(cmath.exp(2.0)),
}


@pytest.mark.parametrize("name", QUIET)
def test_what_loses_nothing_or_says_that_it_does_is_quiet(name: str) -> None:
    for number in (1.3, 4.0):
        QUIET[name](Value(number))


def test_a_number_that_is_round_is_another_one_elsewhere() -> None:
    assert math.sqrt(Value(4.0)) == 2.0
    numbers = [2.0, 3.0]
    assert [(lambda x, y: x * y)(Value(1.0), y).data for y in numbers] == [2.0, 3.0]


def test_each_twin_is_there_and_is_meant() -> None:
    for name in lost.NAMES.split():
        function: Any = getattr(engine, name)
        if hasattr(math, name):  # cbrt and exp2 came with Python 3.11
            x = 1.4 if name == "acosh" else 0.4
            xs = (x, 0.3) if name in ("atan2", "fmod", "hypot") else (x,)
            assert function(*xs).data == pytest.approx(getattr(math, name)(*xs))


def test_what_is_remembered_is_little_and_forgotten() -> None:
    xs = [Value(0.1 * i) for i in range(50)]
    for x in xs:
        math.sin(x)
    assert len(lost.taken) <= 2  # the place of the call (Python 3.11 has two for one)
    number = 0.7
    for x in xs * 10:
        x + number
    assert lost.taken == {}


# --- gradients that are no floats ----------------------------------------------------------------
@pytest.mark.parametrize("grad", [None, 0, False, 0.0])
def test_none_is_no_gradient(grad: Any) -> None:
    w = Value(2.0, "w")
    (w * w).backward()
    w.grad = grad
    (w * w).backward()
    assert w.grad == 4.0
    assert type(w.grad) is float


@pytest.mark.parametrize("grad", [1, True])
def test_what_is_a_number_is_added_to(grad: Any) -> None:
    import numpy as np

    for kind in (type(grad), np.float64, np.float32, np.int64, np.bool_):
        w = Value(2.0, "w")
        w.grad = kind(grad)
        (w * w).backward()
        assert w.grad == 5.0
        assert type(w.grad) is float


@pytest.mark.parametrize("grad", ["1.0", Value(1.0), [1.0], 1j, b"1", object()])
def test_other_gradients_are_refused(grad: Any) -> None:
    w, v = Value(2.0, "w"), Value(3.0)
    v.grad = 1.0
    w.grad = grad
    for _ in range(2):
        with pytest.raises(
            TypeError, match=r"the grad of a Value is an int, a float or a NumPy scalar, got"
        ):
            (w * v).backward()
        assert v.grad == 1.0
    w.grad = None
    (w * v).backward()
    assert (w.grad, v.grad) == (3.0, 3.0)
