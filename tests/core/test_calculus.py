"""gradient, vjp, jvp, hvp, jacobian, hessian: shapes, conventions, errors and higher orders."""

import math
import random
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp

import engine
from engine import (
    Value,
    gradient,
    hessian,
    hvp,
    jacobian,
    jvp,
    no_grad,
    vjp,
)
from tests.core.oracles import ORACLES


def numbers(found: Any) -> Any:
    """The data of a Value, or of lists of them, in the same shape."""
    return found.data if isinstance(found, Value) else [numbers(each) for each in found]


def rosenbrock(xs: Sequence[Value]) -> Value:
    return engine.sum([100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in pairwise(xs)])


# --- shapes and conventions ----------------------------------------------------------------------
def test_shapes(x: Value, y: Value) -> None:
    f, g = x * y, x + y
    assert numbers(gradient(f, x)) == 3.0
    assert numbers(gradient(f, [x])) == [3.0]
    assert numbers(gradient(f, (x, y))) == [3.0, 2.0]
    assert numbers(vjp([f, g], [x, y], [1.0, 10.0])) == [13.0, 12.0]
    assert numbers(jvp(f, {x: 1.0})) == 3.0
    assert numbers(jvp([f, g], {x: 1.0, y: -1.0})) == [1.0, 0.0]
    assert numbers(hvp(f, [x, y], [1.0, 5.0])) == [5.0, 1.0]
    assert numbers(jacobian([f, g, f], [x, y])) == [[3.0, 2.0], [1.0, 1.0], [3.0, 2.0]]
    assert numbers(hessian(f, [x, y])) == [[0.0, 1.0], [1.0, 0.0]]


def test_nothing_in_nothing_out(x: Value) -> None:
    assert gradient(x * x, []) == []
    assert hvp(x * x, [], []) == []
    assert hessian(x * x, []) == []
    assert jacobian([], [x]) == []
    assert jacobian([x * x], []) == [[]]
    assert jvp([], {x: 1.0}) == []
    assert numbers(jvp(x * x, {})) == 0.0
    assert numbers(vjp([], [x], [])) == [0.0]


def test_an_input_that_the_output_does_not_depend_on_gets_zero(x: Value, y: Value) -> None:
    f = x.exp()
    for stranger in (y, f * 2, Value(0.0), y.sin()):
        assert numbers(gradient(f, [x, stranger])) == [f.data, 0.0]
        assert numbers(jvp(f, {stranger: 1.0})) == 0.0
        assert numbers(hessian(f, [x, stranger])) == [[f.data, 0.0], [0.0, 0.0]]
        assert numbers(hvp(f, [x, stranger], [0.0, 1.0])) == [0.0, 0.0]
    linear = 2 * x + 3 * y
    assert numbers(hessian(linear, [x, y])) == [[0.0, 0.0], [0.0, 0.0]]
    assert numbers(gradient(x.detach() * y, x)) == 0.0


def test_an_input_that_is_the_output(x: Value) -> None:
    f = x.sin()
    assert numbers(gradient(f, f)) == 1.0
    assert numbers(gradient(x, x)) == 1.0
    assert numbers(gradient(f, [f, x])) == [1.0, math.cos(2.0)]
    assert numbers(jvp(f, {f: 7.0})) == 7.0
    assert numbers(vjp([f, f], [f], [2.0, 3.0])) == [5.0]
    assert numbers(hessian(f, [f])) == [[0.0]]


def test_inputs_may_be_results_and_may_lie_on_one_path(x: Value, y: Value) -> None:
    """By a result: all else at its level held still; by what lies below it: all the way."""
    h = x * y
    f = h * h + x
    assert numbers(gradient(f, [h, x, y])) == [12.0, 37.0, 24.0]
    assert numbers(jvp(f, {h: 1.0})) == 12.0
    assert numbers(jvp(f, {x: 1.0, h: 0.0})) == 1.0  # what is named moves as it is told
    assert numbers(hessian(f, [h])) == [[2.0]]


def test_inputs_and_outputs_may_be_named_twice(x: Value, y: Value) -> None:
    f = x * x * y
    assert numbers(gradient(f, [x, y, x])) == [12.0, 4.0, 12.0]
    assert numbers(jacobian([f, f], [x, x])) == [[12.0, 12.0], [12.0, 12.0]]
    assert numbers(vjp([f, f], [x], [1.0, 2.0])) == [36.0]
    assert numbers(vjp([f, f], [x], [Value(1.0), 2.0])) == [36.0]
    assert numbers(jvp([f, f], {x: 1.0})) == [12.0, 12.0]
    assert numbers(hessian(f, [x, x])) == [[6.0, 6.0], [6.0, 6.0]]


@pytest.mark.parametrize("seed", range(60))
def test_sums_of_sums_have_the_gradients_of_backward(seed: int) -> None:
    """Additions in any order, some of which are read twice, or read another one twice."""
    rng = random.Random(seed)
    nodes = [Value(rng.uniform(-1.0, 1.0)) for _ in range(4)]
    for _ in range(40):
        near = [nodes[-1], *rng.choices(nodes[-6:], k=3), *rng.choices(nodes, k=2)]
        a, b = rng.sample(near, 2)
        nodes.append(rng.choice([a + b, a + b, b + a, a * b, a + 0.5, a - b, (a + b).relu()]))
    found = vjp([nodes[-1]], nodes, [1.0])
    nodes[-1].backward()
    # but for the sign of a zero
    assert [each + 0.0 for each in numbers(found)] == [node.grad for node in nodes]


def test_nodes_are_left_alone(x: Value, y: Value) -> None:
    f = rosenbrock([x, y, x * y])
    f.backward()
    before = [node.grad for node in engine.topological(f)]
    once = numbers(hessian(f, [x, y]))
    gradient(f, [x, y])
    jvp(f, {x: 1.0})
    vjp([f], [x], [2.0])
    assert numbers(hessian(f, [x, y])) == once
    assert [node.grad for node in engine.topological(f)] == before
    assert (x.label, x.parents, x.op) == ("x", (), None)


def test_what_comes_back_belongs_to_the_caller(x: Value) -> None:
    """A derivative that is a plain number is no shared constant: a label on it stays there."""
    one, other = gradient(x + 1, x), gradient(x + 2, x)
    assert one is not other
    one.label = "slope"
    assert other.label is None
    assert all(node.label is None for node in (x * 1.0).parents[1:])


def test_cotangents_and_tangents_may_be_values(x: Value, y: Value) -> None:
    """Then what comes back can be differentiated by them too."""
    weight = Value(5.0)
    (pulled,) = vjp([x * x], [x], [weight])
    assert numbers(gradient(pulled, [weight, x])) == [4.0, 10.0]
    pushed = jvp(x * x * y, {x: weight, y: 1.0})
    assert pushed.data == 12.0 * 5.0 + 4.0
    assert numbers(gradient(pushed, [weight, x, y])) == [12.0, 34.0, 20.0]


def test_a_derivative_is_a_graph_like_any_other(x: Value) -> None:
    slope = gradient(x**3, x)
    slope.backward()
    assert x.grad == 12.0
    penalty = slope * slope  # as in a gradient penalty
    assert numbers(gradient(penalty, x)) == 2 * 12.0 * 12.0


def test_without_recording_there_are_numbers_and_no_silent_zeros(x: Value) -> None:
    f = x**3
    with no_grad():
        slope = gradient(f, x)
        assert (slope.data, slope.parents) == (12.0, ())
        assert numbers(jvp(f, {x: 1.0})) == 12.0
        try:
            second = numbers(hessian(f, [x])), numbers(hvp(f, [x], [1.0]))
        except RuntimeError:
            return  # an error that says so is as good
        assert second == ([[12.0]], [12.0])


# --- higher orders -------------------------------------------------------------------------------
def test_hessian_of_rosenbrock() -> None:
    """In closed form: the textbook's tridiagonal matrix."""
    at = [-1.2, 1.0, 0.5]
    xs = [Value(x) for x in at]
    a, b, c = at
    assert numbers(hessian(rosenbrock(xs), xs)) == [
        pytest.approx([1200 * a * a - 400 * b + 2, -400 * a, 0.0]),
        pytest.approx([-400 * a, 202 + 1200 * b * b - 400 * c, -400 * b]),
        pytest.approx([0.0, -400 * b, 200.0]),
    ]


@given(st.lists(st.floats(-2, 2), min_size=2, max_size=5), st.data())
def test_hvp_is_the_hessian_times_the_vector(at: list[float], data: st.DataObject) -> None:
    v = [data.draw(st.floats(-2, 2)) for _ in at]
    xs = [Value(x) for x in at]
    f = rosenbrock(xs) * engine.logsumexp(xs) + math.prod(xs, start=Value(1.0)).tanh()
    whole = numbers(hessian(f, xs))
    size = max(1.0, *(abs(h) for row in whole for h in row))
    for row, column in zip(whole, zip(*whole, strict=True), strict=True):
        assert row == pytest.approx(column, rel=1e-11, abs=1e-12 * size)
    wanted = [math.fsum(h * w for h, w in zip(row, v, strict=True)) for row in whole]
    assert numbers(hvp(f, xs, v)) == pytest.approx(wanted, rel=1e-11, abs=1e-11 * size)


def test_the_vector_of_hvp_is_held_still(x: Value, y: Value) -> None:
    """Also where it is made of the inputs: H v, with v as it is, is no derivative of v."""
    f = x * x * y
    assert numbers(hvp(f, [x, y], [x, y])) == [6 * 2.0 + 4 * 3.0, 4 * 2.0]
    assert numbers(hvp(f, [x, y], gradient(f, [x, y]))) == [6 * 12.0 + 4 * 4.0, 4 * 12.0]


ORDERS: dict[str, tuple[Callable[[Value], Value], Callable[[Any], Any]]] = {
    **{
        name: (getattr(Value, name), ORACLES[name])
        for name in (
            *("exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tan", "tanh", "sigmoid"),
            *("softplus", "silu", "gelu", "gelu_tanh"),
        )
    },
    "1/x": (lambda x: 1 / x, lambda x: 1 / x),
    "x**5": (lambda x: x**5, lambda x: x**5),
    "x**2.5": (lambda x: x**2.5, lambda x: x ** mp.mpf("2.5")),
    "x**x": (lambda x: x**x, lambda x: x**x),
    "2**x": (lambda x: 2**x, lambda x: 2**x),
    "hypot": (lambda x: engine.hypot(x, 2.0), lambda x: mp.hypot(x, 2)),
    "x/(1+x)": (lambda x: x / (1 + x), lambda x: x / (1 + x)),
    "logsumexp": (
        lambda x: engine.logsumexp([x, 2 * x, 1.0]),
        lambda x: ORACLES["logsumexp"](x, 2 * x, 1),
    ),
    "softmax": (
        lambda x: engine.softmax([x, 2 * x, 1.0], index=1),
        lambda x: ORACLES["softmax"](2 * x, x, 1),
    ),
    "log_softmax": (
        lambda x: engine.log_softmax([x, 2 * x, 1.0], index=2),
        lambda x: ORACLES["log_softmax"](1, x, 2 * x),
    ),
    "entropy": (
        lambda x: engine.binary_cross_entropy(x / 2, 0.25),
        lambda x: ORACLES["binary_cross_entropy"](x / 2, mp.mpf("0.25")),
    ),
    "logits": (
        lambda x: engine.binary_cross_entropy_with_logits(x, 0.25),
        lambda x: ORACLES["binary_cross_entropy_with_logits"](x, mp.mpf("0.25")),
    ),
}


@pytest.mark.parametrize("name", ORDERS)
@pytest.mark.parametrize("at", [0.3, 1.1])
def test_derivatives_up_to_the_fourth(name: str, at: float) -> None:
    """In reverse over reverse, and in forward over forward mode."""
    f, oracle = ORDERS[name]
    x = Value(at)
    backward = forward = f(x)
    for order in range(1, 5):
        backward, forward = gradient(backward, x), jvp(forward, {x: 1.0})
        want = float(mp.diff(oracle, mp.mpf(at), order))
        assert backward.data == pytest.approx(want, rel=1e-11, abs=1e-13)
        assert forward.data == pytest.approx(want, rel=1e-11, abs=1e-13)


def test_piecewise_functions_have_flat_second_derivatives() -> None:
    for f in (abs, Value.relu, Value.leaky_relu, lambda x: engine.clamp(x, -1, 2)):
        for at in (-1.5, 0.75, 2.5):
            x = Value(at)
            slope = gradient(f(x), x)
            assert numbers(gradient(slope, x)) == 0.0
            assert numbers(jvp(slope, {x: 1.0})) == 0.0
