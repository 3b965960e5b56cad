"""Operations of one's own: one call, checked on request, differentiable twice."""

import math
import re
from collections.abc import Callable
from math import inf, nan
from typing import Any

import pytest

import engine
from engine import (
    GradientError,
    NumericError,
    Value,
    gradient,
    hessian,
    jvp,
    numeric_mode,
    operation,
)
from engine.core.operation import TABLE, lookup, rows


def cube(**how: Any) -> Any:
    return operation("cube", lambda x: x * x * x, lambda y, x: 3 * x**2, **how)


def test_one_call_makes_an_operation_for_values_and_for_numbers() -> None:
    op = cube(symbol="x³", tex="{0}^3")
    x = Value(2.0, "x")
    y = op(x)
    y.backward()
    assert (y.data, x.grad, y.op, y.parents) == (8.0, 12.0, op, (x,))
    assert op(2.0) == 8.0
    assert (op.name, op.symbol, op.tex, str(op), repr(op)) == (
        *("cube", "x³", "{0}^3", "cube", "<operation cube>"),
    )
    assert repr(y) == "Value(data=8.0, grad=1.0, op=cube)"
    assert lookup("cube") is op


def test_it_differentiates_again_and_forward() -> None:
    op = cube(check=True)
    x = Value(2.0)
    slope = gradient(op(x * 1.0), x)
    curvature = gradient(slope, x)
    assert (slope.data, curvature.data, gradient(curvature, x).data) == (12.0, 12.0, 6.0)
    assert jvp(op(x), {x: 2.0}).data == 24.0


def test_partials_may_use_the_functions_of_the_engine() -> None:
    wave = operation(
        "wave",
        lambda x: math.sin(x) * math.exp(x),
        lambda y, x: y + engine.cos(x) * engine.exp(x),
        check=True,
    )
    x = Value(0.5)
    y = wave(x)
    y.backward()
    assert x.grad == pytest.approx(math.exp(0.5) * (math.sin(0.5) + math.cos(0.5)), rel=1e-15)
    second = gradient(gradient(y, x), x)
    assert second.data == pytest.approx(2 * math.exp(0.5) * math.cos(0.5), rel=1e-14)


PARTIALS: dict[str, Any] = {
    "all in a tuple": lambda y, a, b: (2 * a * b, a * a),
    "all in a list": lambda y, a, b: [2 * a * b, a * a],
    "a tuple of functions": (lambda y, a, b: 2 * a * b, lambda y, a, b: a * a),
    "a list of functions": [lambda y, a, b: 2 * a * b, lambda y, a, b: a**2],
}


@pytest.mark.parametrize("partials", PARTIALS.values(), ids=PARTIALS)
def test_several_inputs(partials: Any) -> None:
    op = operation("aab", lambda a, b: a * a * b, partials, check=True)
    a, b = Value(2.0), Value(5.0)
    op(a, b).backward()
    assert (a.grad, b.grad) == (20.0, 4.0)
    assert [[d.data for d in row] for row in hessian(op(a, b), [a, b])] == [[10.0, 4.0], [4.0, 0.0]]
    assert op(a, 3).data == op(2, b).data - 8.0 == op(2.0, 3.0) == 12.0  # numbers among them
    a.grad = 0.0
    op(a, a).backward()
    assert a.grad == 12.0


def test_any_number_of_inputs() -> None:
    op = operation("total", lambda *xs: math.fsum(xs), lambda y, *xs: (1.0,) * len(xs), check=True)
    xs = [Value(float(i)) for i in range(5)]
    op(*xs).backward()
    assert [x.grad for x in xs] == [1.0] * 5


def test_constant_partials() -> None:
    op = operation("twice", lambda x: 2 * x, lambda y, x: 2, check=True)
    x = Value(3.0)
    op(x).backward()
    assert (x.grad, gradient(gradient(op(x), x), x).data) == (2.0, 0.0)


# --- the check ------------------------------------------------------------------------------------
def test_a_wrong_derivative_is_caught_before_the_operation_gets_in() -> None:
    with pytest.raises(GradientError) as error:
        operation("cubic", lambda x: x**3, lambda y, x: 2 * x**2, check=True)
    found = re.fullmatch(
        r"the operation at fault is cubic\((.*)\): its derivative by input 0 gives (.*), "
        r"differences give (.*)",
        str(error.value),
    )
    assert found
    x, given, differences = map(float, found.groups())
    assert given == 2 * x**2
    assert differences == pytest.approx(3 * x**2, rel=1e-8)
    assert "cubic" not in TABLE
    operation("cubic", lambda x: x**3, lambda y, x: 3 * x**2, check=True)  # now it is right


def test_the_input_whose_derivative_is_wrong_is_named() -> None:
    with pytest.raises(GradientError, match=r"is ab\(.*, .*\): its derivative by input 1 gives"):
        operation("ab", lambda a, b: a * b, lambda y, a, b: (b, 2 * a), check=True)


def test_a_second_derivative_that_is_lost_is_caught() -> None:
    with pytest.raises(GradientError) as error:
        operation("sine", math.sin, lambda y, x: math.cos(x), check=True)
    found = re.fullmatch(
        r"the second derivative of sine\((.*)\) by inputs 0 and 0 is 0\.0, differences give (.*) "
        r"\(from the first\); write the partials with operators and engine functions, not with "
        r"math or \.data",
        str(error.value),
    )
    assert found
    x, differences = map(float, found.groups())
    assert differences == pytest.approx(-math.sin(x), rel=1e-8)


def test_a_mixed_second_derivative_that_is_lost_is_caught() -> None:
    with pytest.raises(
        GradientError, match=r"second derivative of ab\(.*\) by inputs [01] and [01]"
    ):
        operation("ab", lambda a, b: a * b, lambda y, a, b: (float(b), float(a)), check=True)


def test_the_check_draws_from_the_domain() -> None:
    drawn: list[tuple[float, ...]] = []

    def function(a: float, b: float) -> float:
        drawn.append((a, b))
        return math.log(a) * b

    operation(
        "alogb",
        function,
        lambda y, a, b: (b / a, engine.log(a)),
        domain=((2.0, 3.0), (10.0, 11.0)),
        check=True,
    )
    assert len(drawn) >= 40
    for a, b in drawn:  # and a little around it, for the differences
        assert 1.5 < a < 3.5
        assert 8.5 < b < 12.5


def test_the_check_draws_on_both_sides_of_zero_where_no_domain_is_given() -> None:
    operation("twice", lambda x: 2.0 * x, lambda y, x: 2.0)
    assert rows.twice.domain == rows.add.domain == (-3.0, 3.0)


@pytest.mark.parametrize(
    ("function", "partial", "domain"),
    [
        (math.log, lambda y, x: 1 / x, (0.001, 0.5)),
        (math.sqrt, lambda y, x: 0.5 / y, (0.001, 0.5)),
        (math.acos, lambda y, x: -((1 - x * x) ** -0.5), (-0.99, 0.99)),
        (math.exp, lambda y, x: y, (600.0, 709.0)),
        (lambda x: 1 / x, lambda y, x: -y * y, (0.001, 0.5)),
    ],
    ids=["log", "sqrt", "acos", "exp", "reciprocal"],
)
def test_the_check_survives_the_border_of_the_domain(
    function: Callable[[float], float], partial: Any, domain: tuple[float, float]
) -> None:
    """Differences reach past the domain, where functions from `math` raise."""
    operation("own", function, partial, domain=domain, check=True)
    with pytest.raises(GradientError):
        operation("own", function, lambda y, x: 2 * partial(y, x), domain=domain, check=True)


# --- what a function may answer -------------------------------------------------------------------
RAISES: list[tuple[Callable[[float], float], float, float]] = [
    (math.log, -1.0, nan),
    (lambda x: 1 / x, 0.0, nan),
    (math.exp, 1000.0, inf),
    (lambda x: nan, 1.0, nan),
    (lambda x: -inf, 1.0, -inf),
]


@pytest.mark.parametrize(("function", "at", "wanted"), RAISES)
def test_a_function_that_raises_is_undefined_there(
    function: Callable[[float], float], at: float, wanted: float
) -> None:
    op = operation("own", function, lambda y, x: 1.0, remedy="stay where it is defined")
    x = Value(at, "x")
    with pytest.raises(NumericError) as error:
        op(x)
    message = str(error.value)
    assert message.startswith(f"own(x={at}) is {wanted} at {__file__}:")
    assert "stay where it is defined (or compute under" in message
    with numeric_mode("ieee"):
        assert repr(op(x).data) == repr(wanted)


@pytest.mark.parametrize("result", [None, "3", 3j, [3.0], Value(3.0)], ids=repr)
def test_a_function_that_gives_no_number_is_a_type_error(result: Any) -> None:
    op = operation("own", lambda x: result, lambda y, x: 1.0)
    x = Value(1.0)
    with pytest.raises(TypeError, match="a Value holds an int, a float or a NumPy scalar, got"):
        op(x)
    assert (x.data, x.grad) == (1.0, 0.0)


@pytest.mark.parametrize("result", [3, True, 3.0])
def test_a_function_may_give_any_number_that_a_value_may_hold(result: Any) -> None:
    y = operation("own", lambda x: result, lambda y, x: 0.0)(Value(1.0))
    assert (type(y._data), y.data) == (float, float(result))


def test_an_error_that_is_no_number_s_fault_is_not_swallowed() -> None:
    def broken(x: float) -> float:
        raise LookupError("a bug")

    with pytest.raises(LookupError, match="a bug"):
        operation("own", broken, lambda y, x: 1.0)(Value(1.0))


def test_ieee_mode_never_raises_in_the_partials_either() -> None:
    op = operation("reciprocal", lambda x: 1 / x, lambda y, x: -1 / (x * x))
    with numeric_mode("ieee"):
        x = Value(0.0)
        op(x).backward()
        assert not math.isfinite(x.grad)


def test_partials_are_one_for_each_input() -> None:
    for partials, given in ((lambda y, a, b: (b,), 1), (lambda y, a, b: b, 1), ([abs] * 3, 3)):
        wrong = [lambda y, a, b: b] * 3 if isinstance(partials, list) else partials
        op = operation("own", lambda a, b: a * b, wrong)
        a, b = Value(2.0), Value(3.0)
        y = op(a, b)
        for sweep in (y.backward, lambda: gradient(y, a), lambda: jvp(y, {a: 1.0})):  # noqa: B023
            with pytest.raises(ValueError) as error:  # noqa: PT011 (the text follows)
                sweep()
            assert str(error.value) == (
                f"own was called with 2 inputs, and its partials give {given} derivatives; give "
                "one for each input"
            )
        assert (a.grad, b.grad, y.grad) == (0.0, 0.0, 0.0)


# --- names ----------------------------------------------------------------------------------------
def test_a_notebook_s_cell_may_run_twice() -> None:
    old = cube()
    x = Value(2.0)
    before = old(x)
    new = operation("cube", lambda x: x**3, lambda y, x: 3 * x * x)
    assert lookup("cube") is new
    before.backward()  # a graph keeps the rule it was built with
    new(x).backward()
    assert (before.op, x.grad) == (old, 24.0)


@pytest.mark.parametrize("name", ["tanh", "add", "constant", "sum", "abs"])
def test_an_operation_of_the_engine_cannot_be_replaced(name: str) -> None:
    row = TABLE[name]
    with pytest.raises(ValueError) as error:  # noqa: PT011 (the text follows)
        operation(name, math.tanh, lambda y, x: 1 - y * y)
    assert str(error.value) == f"{name!r} is an operation of the engine; choose another name"
    assert TABLE[name] is row


@pytest.mark.parametrize("name", ["", None, 3, b"cube"], ids=repr)
def test_a_name_is_a_string(name: Any) -> None:
    with pytest.raises(TypeError, match=f"an operation's name is a str, got {name!r}"):
        operation(name, math.tanh, lambda y, x: 1 - y * y)


@pytest.mark.parametrize(
    ("function", "partials", "shown"),
    [(3.0, abs, "3.0"), (abs, 1.0, "1.0"), (abs, [abs, 1.0], "1.0"), (abs, "x", "'x'")],
)
def test_what_cannot_be_called(function: Any, partials: Any, shown: str) -> None:
    with pytest.raises(TypeError) as error:
        operation("own", function, partials)
    assert str(error.value) == f"own needs functions for its value and its partials, got {shown}"
    assert "own" not in TABLE


def test_what_a_partial_raises_is_not_lost() -> None:
    op = operation("own", lambda x: x, lambda y, x: int("abc"))
    with pytest.raises(
        NumericError, match=r"the partials of own\(2\.0\) raise ValueError"
    ) as error:
        op(Value(2.0)).backward()
    assert isinstance(error.value.__cause__, ValueError)
