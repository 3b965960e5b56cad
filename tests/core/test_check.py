"""check_gradient and check_operation: what is right passes, what is wrong is named."""

import math
import random
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

import engine
from engine import GradientError, Value, check_gradient, check_operation, no_grad
from engine.operations.check import differentiate
from tests.core.test_functions import CALLS
from tests.operations.rows import MORE

# differences cannot step off a whole number: of `choose` the options are checked
SMOOTH = {name: call for name, call in CALLS.items() if name != "equal" and name not in MORE}
SMOOTH["choose"] = (lambda *xs: engine.choose(1, xs), (2.5, 3.5))


@pytest.mark.parametrize("scale", [0.5, 0.9, 1.3])
@pytest.mark.parametrize("name", SMOOTH)
def test_the_gradients_of_every_function_pass(name: str, scale: float) -> None:
    f, point = SMOOTH[name]
    found = check_gradient(f, [x * scale for x in point])
    assert len(found.backward) == len(found.differences) == len(found.uncertainty) == len(point)
    for gradient, error in zip(found.backward, found.errors, strict=True):
        assert error <= 1e-7 * max(abs(gradient), 1.0)


BINARY: dict[str, Callable[[Any, Any], Value]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
    "number **": lambda a, b: 2.0**a - b**-1.5,
    "abs": lambda a, b: abs(a - 3 * b),
}


@pytest.mark.parametrize("f", BINARY.values(), ids=BINARY)
@pytest.mark.parametrize("at", [(1.5, 0.75), (0.01, 40.0), (30.0, 0.02)])
def test_the_gradients_of_operators_pass(
    f: Callable[[Any, Any], Value], at: tuple[float, float]
) -> None:
    check_gradient(f, at)


def test_a_larger_function_with_branches_that_are_not_near_passes() -> None:
    def f(*xs: Value) -> Value:
        h = [engine.dot(xs, xs[::-1], bias=x).tanh() for x in xs]
        y = engine.logsumexp(h) if h[0] > -5 else h[0]
        for x in xs:
            y = y * x + engine.softmax(h, 1) if x > 0 else y - x / y
        return y

    found = check_gradient(f, (0.3, -0.7, 1.1))
    assert len(found.backward) == 3


def test_a_point_may_be_a_number_an_int_or_a_sequence() -> None:
    for at in (2, 2.0, [2], (2.0,)):
        assert check_gradient(lambda x: x * x, at).backward == (4.0,)
    assert check_gradient(lambda: Value(3.0), []).backward == ()


def test_the_function_is_called_with_labelled_values() -> None:
    labels: list[list[str | None]] = []

    def f(*xs: Value) -> Value:
        labels.append([x.label for x in xs])
        return xs[0] * xs[1]

    check_gradient(f, [1.0, 2.0])
    assert labels[0] == ["input 0", "input 1"]


# --- what is wrong --------------------------------------------------------------------------------
def test_a_wrong_operation_is_named_with_the_input_and_the_amount() -> None:
    wrong = engine.operation(
        "wrong", lambda a, b: a * b * b, lambda y, a, b: (b * b, a * b), domain=(0.5, 2.0)
    )

    def f(u: Value, w: Value) -> Value:
        return (wrong(u.exp(), w) * 2.0 + u).tanh() * 1e-3

    with pytest.raises(GradientError) as error:
        check_gradient(f, (0.25, 0.5))
    message = str(error.value)
    found = re.fullmatch(
        r"the gradient by input 1=0\.5 is off by (\S+): backward gives (\S+), differences give "
        r"(\S+); the operation at fault is wrong\((\S+), 0\.5\): its derivative by input 1 gives "
        r"(\S+), differences give (\S+)",
        message,
    )
    assert found, message
    off, backward, differences, a, given, right = map(float, found.groups())
    assert off == pytest.approx(abs(backward - differences), rel=1e-2)
    assert differences == pytest.approx(2.0 * backward)
    assert (a, given, right) == pytest.approx((math.exp(0.25), 0.5 * a, a))
    with pytest.raises(GradientError, match=r"^the operation at fault is wrong\(.*by input 1 "):
        check_operation(wrong)
    assert issubclass(GradientError, AssertionError)


NOT_IN_THE_GRAPH = (
    "every operation's own derivative is right at this point, so the function has a kink, "
    "jumps or takes another branch there, or uses numbers taken out of the graph (.data, float)"
)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x * x.data,
        lambda x: x * float(x),
        lambda x: x * x.detach(),
        lambda x: x * math.sin(x),
        lambda x: Value(x.data * 2.0),
    ],
)
def test_numbers_taken_out_of_the_graph_are_diagnosed(f: Callable[[Value], Value]) -> None:
    with pytest.raises(GradientError) as error:
        check_gradient(f, 2.0)
    assert str(error.value).startswith("the gradient by input 0=2.0 is off by ")
    assert str(error.value).endswith(NOT_IN_THE_GRAPH)


def test_a_bend_made_by_a_branch_is_diagnosed() -> None:
    with pytest.raises(GradientError) as error:
        check_gradient(lambda x: x * 2.0 if x > 0 else x * 3.0, 0.0)
    assert str(error.value) == (
        "the gradient by input 0=0.0 is off by 0.5: backward gives 3.0, differences give 2.5; "
        + NOT_IN_THE_GRAPH
    )


def test_a_jump_is_not_passed_over() -> None:
    """Differences over a jump do not settle; not to know is not to agree."""
    with pytest.raises(GradientError):
        check_gradient(lambda x: x * 2.0 if x > 1 else x * 3.0, 1.0)


def test_a_wrong_derivative_close_to_the_border_of_the_domain_is_not_passed_over() -> None:
    wrong = engine.operation("wrong", math.log, lambda y, x: 2 / x)
    for at in (1e-3, 1e-13):
        with pytest.raises(GradientError):
            check_gradient(wrong, at)


def test_a_function_that_raises_nearby_is_diagnosed_all_the_same() -> None:
    wrong = engine.operation("wrong", math.sqrt, lambda y, x: 1 / y)
    with pytest.raises(GradientError, match=r"the operation at fault is wrong\(0\.05\)"):
        check_gradient(wrong, 0.05)


def test_the_tolerance_is_that_of_the_caller() -> None:
    nearly = engine.operation("nearly", lambda x: x * x, lambda y, x: 2.001 * x)
    with pytest.raises(GradientError):
        check_gradient(nearly, 2.0)
    found = check_gradient(nearly, 2.0, rtol=1e-2)
    assert found.errors[0] == pytest.approx(0.002, rel=1e-6)


@pytest.mark.parametrize("result", [3.0, None, [Value(1.0)], (Value(1.0),)], ids=repr)
def test_a_function_that_gives_no_value(result: Any) -> None:
    with pytest.raises(TypeError) as error:
        check_gradient(lambda x: result, 2.0)
    assert str(error.value) == (
        f"check_gradient needs f to return a Value, got {type(result).__name__}"
    )


# --- around it ------------------------------------------------------------------------------------
def test_a_check_leaves_gradients_elsewhere_and_the_mode_alone() -> None:
    w = Value(3.0)
    w.grad = 5.0
    check_gradient(lambda x: x.log(), 0.5)  # whose differences reach below 0
    with pytest.raises(engine.NumericError):
        Value(0.0).log()
    assert w.grad == 5.0


def test_a_check_of_a_model_leaves_its_parameters_gradients_alone() -> None:
    w = Value(3.0, "w")
    (w * 2.0).backward()
    check_gradient(lambda x: x * w, 2.0)
    assert (w.data, w.grad) == (3.0, 2.0)


def test_a_check_under_no_grad_checks_all_the_same() -> None:
    with no_grad():
        assert check_gradient(lambda x: x * x, 2.0).backward == (4.0,)


@pytest.mark.parametrize(
    ("f", "at", "wanted"),
    [
        (math.sin, 1.0, math.cos(1.0)),
        (math.exp, -20.0, math.exp(-20.0)),
        (lambda x: x**3, 1e6, 3e12),
        (lambda x: 7.0, 3.0, 0.0),
        (lambda x: math.log(x) if x > 0 else math.nan, 1e-3, 1e3),
        (lambda x: abs(x - 1.0), 1.001, 1.0),
        (lambda x: math.exp(-1e4 * x * x), 0.0, 0.0),
        # what is left of numbers that cancel, where tiny steps see their rounding alone
        (lambda x: 1.0 / (1.0 + math.exp(-x)) - 0.5 - x / 4.0, 0.0, 0.0),
        (lambda x: math.exp(x) - 1.0 - x, 0.0, 0.0),
        (lambda x: math.exp(x) - 1.0 - x, 1e-6, math.expm1(1e-6)),
        (lambda x: (1000.0 + x * x) - 1000.0, 0.0, 0.0),
        (lambda x: math.log(1.0 + x * x), 1e-6, 2e-6 / (1.0 + 1e-12)),
        (lambda x: -(x**3) / 6.0, 0.0, 0.0),
    ],
)
def test_differences_know_how_well_they_know(
    f: Callable[[float], float], at: float, wanted: float
) -> None:
    estimate, uncertainty = differentiate(f, at)
    assert estimate == pytest.approx(wanted, rel=1e-7, abs=1e-11)
    assert abs(estimate - wanted) <= 10 * uncertainty + 1e-12 * abs(wanted)
    assert uncertainty <= 1e-7 * abs(wanted) + 1e-7


def test_few_gradients_behind_a_large_number_are_called_wrong() -> None:
    """An offset leaves steps in the values, and tiny differences are all alike. What differences
    give is a matter of chance then, but nine in ten know how far off they are.
    """
    wrong, rng = list[tuple[float, float]](), random.Random(4)
    points = [(offset, rng.uniform(-3.0, 3.0)) for offset in (1e4, 1e8, 1e9, 1e11) * 30]
    for offset, at in points:
        for f in (lambda x: x * x, Value.sin, Value.exp):
            with suppress(GradientError):
                check_gradient(lambda x, f=f, offset=offset: (f(x) + offset) - offset, at)
                continue
            wrong.append((offset, at))
    assert len(wrong) <= len(points) * 3 / 10


@pytest.mark.parametrize("away", [1e-1, 1e-2, 1e-3, 1e-4, 1e-6, 1e-8])
def test_a_gradient_beside_a_kink_or_a_pole_is_right(away: float) -> None:
    for at in (away, -away):
        check_gradient(engine.relu, at)
        check_gradient(abs, at)
        if away > 1e-6:
            check_gradient(lambda x: 1 / x, at)
        check_gradient(lambda x: (1e4 * x).sin(), at)


@pytest.mark.parametrize("at", [0.0, 1e-6, -1e-3])
@pytest.mark.parametrize(
    "f",
    [
        lambda x: x.sigmoid() - 0.5 - x / 4,
        lambda x: x.exp() - 1 - x,
        lambda x: (1 + x * x).log(),
        lambda x: engine.softplus(x) - x / 2,
        lambda x: x.tanh() - x,
    ],
)
def test_a_gradient_of_almost_nothing_is_right(f: Callable[[Value], Value], at: float) -> None:
    found = check_gradient(f, at)
    assert found.errors[0] <= 10 * found.uncertainty[0] + 1e-15 <= 1e-11


def test_a_kink_is_no_fault_of_the_operation() -> None:
    with pytest.raises(GradientError) as error:
        check_gradient(engine.relu, 0.0)
    assert "at fault" not in str(error.value)
    assert "has a kink" in str(error.value)


def test_rounding_of_a_large_sum_is_no_fault_of_the_operation() -> None:
    with pytest.raises(GradientError) as error:
        check_gradient(lambda x: x + 1e20, 1.0)
    assert "differences do not settle" in str(error.value)
