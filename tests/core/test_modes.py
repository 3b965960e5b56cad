"""strict, ieee and trace: which numbers are errors, and what each mode says of them."""

import inspect
import math
import re
import sys
from collections.abc import Callable
from math import inf, nan
from typing import Any

import pytest

import engine
from engine import NumericError, Value, no_grad, numeric_mode, topological
from engine.stepping import hunt

OTHERWISE = ' (or compute under numeric_mode("ieee") to let inf and nan pass)'
LOG_SUM = "logsumexp(xs) is stable where log(sum(exp(x) for x in xs)) is not"
OVERFLOW = "it overflows past 709.78; softmax, logsumexp, softplus and expm1 are stable"
PLAIN = "look at the numbers that go into it"
DIVISOR = "keep the divisor away from 0, e.g. with a small constant added"
POWER = "a power of 0 needs an exponent >= 0, one of a negative number a whole exponent"
TOO_LARGE = "it overflows past 1.8e308; take a smaller base or exponent"
ROOT = "sqrt needs an input >= 0 and its derivative one > 0; hypot(a, b) is safe at 0"
PROBABILITY = "it needs a probability strictly between 0 and 1"


def v(data: float) -> Value:
    return Value(data, "x")


# a new nan, pole or overflow: what is computed, what the message says of it, the remedy
NEW: list[tuple[Callable[[], Value], str, str]] = [
    (lambda: v(1e308) + 1e308, "add(x=1e+308, 1e+308) is inf", PLAIN),
    (lambda: v(inf) + -inf, "add(x=inf, -inf) is nan", PLAIN),
    (lambda: -1e308 - v(1e308), "sub(-1e+308, x=1e+308) is -inf", PLAIN),
    (lambda: v(1e200) * v(1e200), "mul(x=1e+200, x=1e+200) is inf", PLAIN),
    (lambda: v(inf) * 0.0, "mul(x=inf, 0.0) is nan", PLAIN),
    (lambda: v(1.0) / 0, "div(x=1.0, 0.0) is inf", DIVISOR),
    (lambda: v(-1.0) / 0, "div(x=-1.0, 0.0) is -inf", DIVISOR),
    (lambda: v(0.0) / Value(0.0), "div(x=0.0, 0.0) is nan", DIVISOR),
    (lambda: v(1.0) / 5e-324, "div(x=1.0, 5e-324) is inf", DIVISOR),
    (lambda: (lambda x: x / x)(v(0.0)), "self_ratio(x=0.0) is nan", PLAIN),
    (lambda: v(0.0) ** -1, "pow(x=0.0, -1.0) is inf", POWER),
    (lambda: v(-8.0) ** (1 / 3), "pow(x=-8.0, 0.3333333333333333) is nan", POWER),
    (lambda: v(1e200) ** 2, "pow(x=1e+200, 2.0) is inf", TOO_LARGE),
    (lambda: v(9.0) ** 1e9, "pow(x=9.0, 1000000000.0) is inf", TOO_LARGE),
    (lambda: v(1e-200) ** -2, "pow(x=1e-200, -2.0) is inf", TOO_LARGE),
    (lambda: 9.0 ** v(1e9), "xpowy(9.0, x=1000000000.0) is inf", TOO_LARGE),
    (lambda: 0.0 ** v(-1.0), "xpowy(0.0, x=-1.0) is inf", "a Value as the exponent needs"),
    (lambda: (-8.0) ** v(0.5), "xpowy(-8.0, x=0.5) is nan", "a Value as the"),
    (lambda: v(0.0).log(), "log(x=0.0) is -inf", "log needs an input > 0"),
    (lambda: v(-1.0).log(), "log(x=-1.0) is nan", "log needs an input > 0"),
    (lambda: v(-1.0).log1p(), "log1p(x=-1.0) is -inf", "log1p needs an input > -1"),
    (lambda: v(-2.0).log1p(), "log1p(x=-2.0) is nan", "log1p needs an input > -1"),
    (lambda: v(-1.0).sqrt(), "sqrt(x=-1.0) is nan", "sqrt needs an input >= 0"),
    (lambda: v(710.0).exp(), "exp(x=710.0) is inf", OVERFLOW),
    (lambda: v(710.0).expm1(), "expm1(x=710.0) is inf", OVERFLOW),
    (lambda: v(inf).sin(), "sin(x=inf) is nan", PLAIN),
    (lambda: engine.hypot(v(1.5e308), 1.5e308), "hypot(x=1.5e+308, 1.5e+308) is inf", PLAIN),
    (lambda: engine.sum([v(1e308)] * 9), f"sum({'x=1e+308, ' * 6}...) is inf", PLAIN),
    (lambda: engine.sum([v(inf), -inf]), "sum(x=inf, -inf) is nan", PLAIN),
    (lambda: engine.dot([v(1e200)], [1e200]), "dot(x=1e+200, 1e+200) is inf", PLAIN),
    (lambda: engine.binary_cross_entropy(v(1.5), 1), "binary_cross_entropy(x=1.5, 1.0) is nan", ""),
    (lambda: engine.binary_cross_entropy(v(0.0), 1), "entropy(x=0.0, 1.0) is inf", PROBABILITY),
    # with the stable alternative
    (
        lambda: engine.softmax([v(0.0), 1000.0])[0].log(),
        "log(engine.softmax([v(0.0), 1000.0])[0]=0.0) is -inf",
        "log_softmax(xs)[k] is stable where log(softmax(xs)[k]) is not",
    ),
    (
        lambda: v(-1000.0).sigmoid().log(),
        "log(v(-1000.0).sigmoid()=0.0) is -inf",
        "-softplus(-x) is stable where log(sigmoid(x)) is not",
    ),
    (
        lambda: engine.sum([v(-800.0).exp(), v(-900.0).exp()]).log(),
        "log(engine.sum([v(-800.0).exp(), v(-900.0).…=0.0) is -inf",
        LOG_SUM,
    ),
    (
        lambda: engine.binary_cross_entropy(v(-1000.0).sigmoid(), 1.0),
        "binary_cross_entropy(v(-1000.0).sigmoid()=0.0, 1.0) is inf",
        "binary_cross_entropy_with_logits(x, t) is stable, without the sigmoid",
    ),
]
new_numbers = pytest.mark.parametrize(("compute", "says", "remedy"), NEW, ids=[n[1] for n in NEW])


def same(a: float, b: float) -> bool:
    return a == b or (a != a and b != b)


# --- forward --------------------------------------------------------------------------------------
@new_numbers
def test_strict_raises_and_says_what_where_and_the_remedy(
    compute: Callable[[], Value], says: str, remedy: str
) -> None:
    with pytest.raises(NumericError) as error:
        compute()
    message = str(error.value)
    line = next(e for e in error.traceback if e.name == "<lambda>").lineno + 1
    assert f"{says} at {__file__}:{line}: " in message
    assert remedy in message
    assert message.endswith(OTHERWISE)
    assert isinstance(error.value, ArithmeticError)
    assert isinstance(error.value, ValueError)


@new_numbers
def test_ieee_never_raises(compute: Callable[[], Value], says: str, remedy: str) -> None:
    wanted = float(says.rpartition(" is ")[2])
    with numeric_mode("ieee"):
        assert same(compute().data, wanted)


def test_an_error_leaves_nothing_half_built() -> None:
    x, y = Value(0.0, "x"), Value(2.0, "y")
    x.grad = 5.0
    held = sys.getrefcount(x), sys.getrefcount(y)
    for _ in range(3):
        with pytest.raises(NumericError):
            y / x
        with pytest.raises(NumericError):
            engine.dot([y, x], [1e308, 1.0], bias=1.7e308)
    assert (sys.getrefcount(x), sys.getrefcount(y)) == held
    assert (x.data, x.grad, x.parents, y.data, y.grad) == (0.0, 5.0, (), 2.0, 0.0)


def test_what_is_handed_on_is_no_error() -> None:
    big, no = Value(inf), Value(nan)
    for y in (big + 1, big * -2, -big, 1 - big, big / 3, big**2, 2**big, abs(-big), big.exp()):
        assert math.isinf(y.data)
    for y in (big.log(), big.sqrt(), big.relu(), big.softplus(), engine.hypot(big, no)):
        assert y.data == inf
    assert (1 / big).data == big.tanh().data - 1 == (-big).sigmoid().data == 0.0
    for y in (no + 1, no * 0, no - no, no.log(), no.sqrt(), no.relu(), no.sin(), no / 0):
        assert math.isnan(y.data)
    assert engine.logsumexp([big, 1.0]).data == engine.sum([big, 1.0]).data == inf
    assert math.isnan(engine.softmax([no, 1.0], 0).data)
    assert engine.maximum(big, 1.0).data == inf
    assert engine.softmax([-big, 0.0, 0.0], 0).data == 0.0  # as a mask


def test_underflow_is_no_error_in_either_pass() -> None:
    x = Value(1e-200)
    ys = [x * x, x * 1e-200, x**2, (x - 1000).exp(), (x - 1000).sigmoid(), Value(5e-324) / 2]
    ys += [engine.dot([x], [x]), (x - 800).softplus(), (x - 50).gelu(), (x - 1000).silu()]
    assert [abs(y.data) for y in ys] == [0.0] * len(ys)
    for y in ys:
        y.backward()
    deep = Value(1.0)
    ((deep * 1e-200) * 1e-200).backward()
    assert deep.grad == 0.0


# --- backward -------------------------------------------------------------------------------------
# the graph above x, where x is, the gradient of x, the node at which it went bad, the message
BAD_GRADIENTS: list[tuple[Callable[[Value], Value], float, float, str, str]] = [
    (lambda x: engine.sqrt(x) * 3, 0.0, inf, "sqrt",
     "the gradient of x=0.0 is inf: through sqrt(x=0.0) = 0.0 it receives the upstream gradient "
     "3.0 times the local derivative inf: " + ROOT),
    (lambda x: x * 1e200 * 1e200, 1e-300, inf, "mul",
     "the gradient of x=1e-300 is inf: through mul(x=1e-300, 1e+200) = 1e-100 it receives the "
     "upstream gradient 1e+200 times the local derivative 1e+200: " + PLAIN),
    (lambda x: x**0.5 * 0.0, 0.0, nan, "pow",
     "the gradient of x=0.0 is nan: through pow(x=0.0, 0.5) = 0.0 it receives the upstream "
     "gradient 0.0 times the local derivative inf: " + POWER),
    (lambda x: 1e-160 / x / x, 1e-160, -inf, "div",
     "the gradient of x=1e-160 is -inf: through div((1e-160 / x)=1.0, x=1e-160) = 1e+160 it "
     "receives the upstream gradient 1.0 times the local derivative -inf: " + DIVISOR),
    # each of two contributions is finite
    (lambda x: x * 1e308 - x * -1e308, 2.0**-500, inf, "mul",
     f"the gradient of x={2.0**-500} is inf: through mul(x={2.0**-500}, -1e+308) = "
     f"{-1e308 * 2.0**-500} it receives the upstream gradient -1.0 times the local derivative "
     "-1e+308: " + PLAIN),
]  # fmt: skip
bad_gradients = pytest.mark.parametrize(
    ("build", "at", "gradient", "op", "says"), BAD_GRADIENTS, ids=[row[3] for row in BAD_GRADIENTS]
)


@bad_gradients
def test_strict_raises_in_the_backward_pass_and_changes_no_gradient(
    build: Callable[[Value], Value], at: float, gradient: float, op: str, says: str
) -> None:
    x = v(at)
    y = build(x)
    for i, node in enumerate(topological(y)):
        node.grad = float(i)
    before = [node.grad for node in topological(y)]
    with pytest.raises(NumericError) as error:
        y.backward()
    message, place = re.subn(rf" \(made at {re.escape(__file__)}:\d+\)", "", str(error.value))
    assert (message, place) == (says + OTHERWISE, 1)
    assert [node.grad for node in topological(y)] == before


@bad_gradients
def test_ieee_hands_on_in_the_backward_pass(
    build: Callable[[Value], Value], at: float, gradient: float, op: str, says: str
) -> None:
    x = v(at)
    y = build(x)
    with numeric_mode("ieee"):
        y.backward()
    assert same(x.grad, gradient)
    found = hunt(y)
    assert found is not None
    assert found.node.op is not None
    assert found.node.op.name == op


def test_gradients_of_infinite_and_nan_inputs_are_handed_on() -> None:
    w = Value(2.0)
    for number in (inf, nan):
        w.zero_grad()
        y = Value(number) * w
        y.backward()
        assert same(w.grad, number)
        y.backward(seed=0.5)
    w.zero_grad()
    (w * 3).backward(seed=inf)  # somebody asked for it
    assert w.grad == inf


def test_overflow_between_two_sweeps_is_an_error_too() -> None:
    x = Value(1e-10, "x")
    y = x * 1.5e308
    y.backward()
    with pytest.raises(NumericError):
        y.backward()
    assert x.grad == 1.5e308


def test_large_finite_gradients_whose_sum_overflows_are_no_error() -> None:
    xs = [Value(1e-10) for _ in range(4)]
    engine.dot(xs, [1.5e308, 1.5e308, -1.5e308, -1.5e308]).backward()
    assert [x.grad for x in xs] == [1.5e308, 1.5e308, -1.5e308, -1.5e308]


def test_gradient_and_jvp_raise_too() -> None:
    x = Value(0.0, "x")
    y = x.sqrt()
    line = inspect.currentframe().f_lineno - 1  # type: ignore[union-attr]
    said = rf"of sqrt\(x=0\.0\) \(made at .*test_modes\.py:{line}\) by input 0 is inf"
    with pytest.raises(NumericError, match=said):
        engine.gradient(y, x)
    with pytest.raises(NumericError, match="sqrt needs an input >= 0"):
        engine.jvp(y, {x: 1.0})
    with numeric_mode("ieee"):
        assert engine.gradient(y, x).data == inf


# --- names ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("mode", ["Strict", "", None, 3, "no"], ids=repr)
def test_a_mode_that_does_not_exist(mode: Any) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011 (the text follows)
        numeric_mode(mode)
    assert str(error.value).startswith(f"unknown numeric mode {mode!r}")
    assert str(error.value).endswith("nown: strict, ieee")


# --- without a graph ------------------------------------------------------------------------------
def test_results_under_no_grad_are_leaves() -> None:
    x = Value(2.0, "x")
    with no_grad():
        made = [x + 1, 1 + x, x * x, x / x, x**2, -x, abs(x), x.exp(), x.leaky_relu()]
        made += [engine.dot([x], [x]), engine.sum([x, x]), engine.where(True, x, x)]
        made += engine.softmax([x, x])
    assert {(y.op, y.parents, y.label, y.grad) for y in made} == {(None, (), None, 0.0)}
    y = made[0]
    y.data = 7.0  # as leaves they may be set
    (y * x).backward()
    assert (y.grad, x.grad) == (2.0, 7.0)


def test_no_grad_leaves_existing_graphs_alone() -> None:
    x = Value(2.0)
    y = x * x
    with no_grad():
        y.backward()
        slope = engine.gradient(y, x)
        x.data -= 0.5 * x.grad
    assert (x.grad, x.data, slope.data, slope.parents) == (4.0, 0.0, 4.0, ())


def test_no_grad_does_not_hide_errors() -> None:
    with no_grad():
        with pytest.raises(NumericError, match=r"log\(0\.0\) is -inf"):
            Value(0.0).log()
        with numeric_mode("ieee"):
            y = Value(0.0).log()
    assert (y.data, y.parents) == (-inf, ())


def test_detach_stops_gradients_and_keeps_number_and_label() -> None:
    x = Value(3.0, "x")
    x.grad = 5.0
    y = x * x
    y.label = "y"
    d = y.detach()
    assert (d.data, d.label, d.grad, d.op, d.parents) == (9.0, "y", 0.0, None, ())
    assert d is not y
    (d * x).backward()
    assert (x.grad, d.grad, y.grad) == (5.0 + 9.0, 3.0, 0.0)
    d.data = 1.0
    assert y.data == 9.0
    y.backward()  # what happens to a detached Value makes nothing stale


def test_errors_call_nodes_by_their_variables_and_say_where_they_were_made() -> None:
    x, far = Value(0.0), Value(1.0)
    n = x * 2.0
    y = n.sqrt()
    here = sys._getframe().f_lineno - 1
    with pytest.raises(NumericError) as caught:
        y.backward()
    message = str(caught.value)
    assert message.startswith(
        f"the gradient of n=0.0 is inf: through sqrt(n=0.0) = 0.0 (made at {__file__}:{here}) "
    )
    assert "hypot(a, b) is safe at 0" in message
    with pytest.raises(NumericError, match=r"^div\(far=1\.0, n=0\.0\) is inf at .*: keep the div"):
        far / n
    (far * 1.5e308).backward()
    again = rf"^the gradient of far=1\.0 \(made at .*:{here - 2}\) overflows when it is added"
    with pytest.raises(NumericError, match=again):
        (far * 1.5e308).backward()


def test_an_infinite_seed_is_handed_on_whatever_was_there_before() -> None:
    for earlier in (0.0, 1.0):
        x = Value(2.0, "x")
        y = x * 2.0
        x.grad = earlier
        y.backward(inf)
        assert x.grad == inf
