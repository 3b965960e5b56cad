"""What gradient, jvp, vjp and their kin refuse, and say."""

import math
from collections.abc import Callable
from typing import Any

import pytest

import engine
from engine import (
    NumericError,
    StaleValueError,
    Value,
    gradient,
    hessian,
    hvp,
    jacobian,
    jvp,
    numeric_mode,
    vjp,
)
from tests.core.test_calculus import numbers


@pytest.mark.parametrize(
    ("attempt", "error", "text"),
    [
        (lambda f, x: gradient(f, [3.0]), TypeError, "inputs takes Values.*got float 3.0"),
        (lambda f, x: gradient(f, "x"), TypeError, "inputs .*got str 'x'; give the Value itself"),
        (lambda f, x: gradient(f, 3), TypeError, r"inputs is a list of .*got int; write \[x\]"),
        (lambda f, x: gradient(f, None), TypeError, "inputs .*got NoneType"),
        (lambda f, x: gradient(3.0, [x]), TypeError, "outputs takes Values.*got float 3.0"),
        (lambda f, x: gradient([f], [x]), TypeError, r"outputs takes.*got list.*take jacobian\("),
        (lambda f, x: jvp(f, x), TypeError, r"tangents is a dict of .*Value; write \{x: 1.0\}"),
        (lambda f, x: gradient(f, iter([x])), TypeError, "inputs is a list of Values, got list_it"),
        (lambda f, x: gradient(f, {x: 1}), TypeError, "inputs takes Values of the graph, got int"),
        (lambda f, x: vjp(f, [x], [1.0]), TypeError, "outputs is a list of Values, got Value"),
        (lambda f, x: vjp([f], x, [1.0]), TypeError, "inputs is a list of Values, got Value"),
        (
            lambda f, x: vjp([f], [x], []),
            ValueError,
            "cotangents takes one number for each of the outputs, got 0 for 1",
        ),
        (lambda f, x: vjp([f], [x], ["1"]), TypeError, "got str '1'"),
        (lambda f, x: jvp(f, {1.0: x}), TypeError, "tangents takes Values.*got float 1.0"),
        (lambda f, x: jvp(f, {x: None}), TypeError, "got NoneType"),
        (lambda f, x: jvp(3.0, {x: 1.0}), TypeError, "outputs is a list of Values, got float"),
        (
            lambda f, x: hvp(f, [x], [1, 2]),
            ValueError,
            "vector takes one number for.*inputs, got 2 for 1",
        ),
        (lambda f, x: hvp(f, [x], ["1"]), TypeError, "got str '1'"),
        (lambda f, x: hvp(f, x, [1.0]), TypeError, "inputs is a list of Values, got Value"),
        (lambda f, x: jacobian(f, [x]), TypeError, "outputs is a list of Values, got Value"),
        (lambda f, x: jacobian([f], x), TypeError, "inputs is a list of Values, got Value"),
        (lambda f, x: jacobian([f], [1.0]), TypeError, "inputs takes Values.*got float 1.0"),
        (lambda f, x: hessian(f, x), TypeError, "inputs is a list of Values, got Value"),
        (lambda f, x: hessian(f, ["x"]), TypeError, "inputs takes Values.*got str 'x'"),
        (lambda f, x: hessian(1.0, [x]), TypeError, "outputs takes Values.*got float 1.0"),
    ],
)
def test_errors_say_what_was_got_and_what_is_expected(
    attempt: Callable[[Value, Value], Any], error: type[Exception], text: str, x: Value
) -> None:
    f = x * x
    with pytest.raises(error, match=text):
        attempt(f, x)
    assert (f.grad, x.grad, x.data) == (0.0, 0.0, 2.0)
    assert numbers(gradient(f, x)) == 4.0


@pytest.mark.parametrize(
    "attempt",
    [
        lambda f, x: gradient(f, x),
        lambda f, x: gradient(f * 2, [x]),
        lambda f, x: vjp([f], [x], [1.0]),
        lambda f, x: jvp(f, {x: 1.0}),
        lambda f, x: hvp(f, [x], [1.0]),
        lambda f, x: jacobian([x, f], [x]),
        lambda f, x: hessian(f, [x]),
    ],
)
def test_a_leaf_changed_since_is_an_error(attempt: Callable[[Value, Value], Any], x: Value) -> None:
    f = x * x
    slope = gradient(f, x)
    x.data = 5.0
    with pytest.raises(StaleValueError, match=r"x=5.0 was changed after f=4.0 was computed"):
        attempt(f, x)
    with pytest.raises(StaleValueError, match="build the expression again"):
        gradient(slope, x)
    assert numbers(gradient(x * x, x)) == 10.0


def test_a_derivative_that_is_infinite_is_an_error_as_in_backward() -> None:
    for f in (Value.sqrt, lambda x: x**0.5, lambda x: x ** Value(0.25)):
        x = Value(0.0)
        with pytest.raises(NumericError):
            f(x).backward()
        for attempt in (lambda f=f, x=x: gradient(f(x), x), lambda f=f, x=x: jvp(f(x), {x: 1.0})):
            with pytest.raises(NumericError):
                attempt()
        with numeric_mode("ieee"):
            assert numbers(gradient(f(x), x)) == math.inf


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x * 1e200 * 1e200,
        lambda x: x / 1e-309,
        lambda x: engine.dot([x, x], [1.7e308, 1.7e308]),
        lambda x: x * 1.7e308 + x * 1.7e308,
    ],
)
def test_so_it_is_where_only_numbers_meet(f: Callable[[Value], Value]) -> None:
    """Constants are folded on the way down; what overflows there is an overflow all the same."""
    x = Value(1e-200)
    y = f(x)
    for attempt in (y.backward, lambda: gradient(y, x), lambda: jvp(y, {x: 1.0})):
        with pytest.raises(NumericError):
            attempt()
    with numeric_mode("ieee"):
        assert numbers(gradient(y, x)) == numbers(jvp(y, {x: 1.0})) == math.inf


def test_a_derivative_that_nobody_asked_for_may_be_undefined() -> None:
    """The one by the target is infinite at p = 0; only that by p is wanted."""
    p = Value(0.0, "p")
    loss = engine.binary_cross_entropy(p, 0.0)
    loss.backward()
    assert numbers(gradient(loss, p)) == p.grad == 1.0
    assert numbers(jvp(loss, {p: 2.0})) == 2.0


def test_the_error_of_an_infinite_derivative_names_the_operation_and_the_remedy() -> None:
    x = Value(0.0, "x")
    with pytest.raises(NumericError, match=r"sqrt\(x=0\.0\) .* by input 0 is inf: sqrt"):
        gradient(x.sqrt(), x)


def test_a_constant_exponent_takes_no_gradient() -> None:
    n = Value(3.0) ** 2
    for attempt in (
        lambda: gradient(n, n.parents),
        lambda: jvp(n, {n.parents[1]: 1.0}),
        lambda: hessian(n, n.parents),
    ):
        with pytest.raises(TypeError, match="input 1 of pow is a number, which takes no gradient"):
            attempt()
