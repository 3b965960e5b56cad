"""softmax and its kin of many scores: the digits of the tails, the special cases, and the work."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp

import engine
from engine import NumericError, Program, Value, gradient, hessian, jvp, numeric_mode, topological
from engine.operations.softmax import FEW
from tests.core.oracles import DIGITS

mp.dps = DIGITS
inf, nan = math.inf, math.nan
MANY = FEW + 2
RISING = [0.1 * i for i in range(MANY)]

# Scores, filled up to MANY with those of the last.
TAILS: dict[str, list[float]] = {
    "alike": [0.0],
    "one far above": [40.0, 0.0],
    "one very far above": [800.0, 3.0, 1.0, 0.0],
    "one far below": [1.0, -800.0, 2.0, 0.0],
    "huge": [1e308, 1e300, -1e308],
    "a tie far above": [1e300, 1e300, 0.0],
    "a tie above": [40.0, 40.0, 39.0, 0.0],
    "just more than half": [0.0, -0.7, -40.0],
    "just less than half": [0.0, -0.69, -40.0],
    "large and close": [1000.0, 999.9, 999.7, 998.3],
    "masked": [-inf, 2.0, 1.0, -inf],
    "masked but for one": [2.0, -inf],
}
tails = pytest.mark.parametrize("scores", TAILS.values(), ids=TAILS)


def filled(scores: Sequence[float]) -> list[float]:
    return [*scores, *[scores[-1]] * (MANY - len(scores))]


def shares(xs: Sequence[float]) -> list[Any]:
    top = max(xs)
    powers = [mp.exp(mp.mpf(x) - mp.mpf(top)) for x in xs]
    return [power / mp.fsum(powers) for power in powers]


def rest(ps: Sequence[Any], k: int) -> Any:
    """1 - ps[k]; at 50 digits the difference would lose what is below 1e-50."""
    return mp.fsum([p for i, p in enumerate(ps) if i != k])


def near(got: float, want: Any, relative: float = 1e-13) -> bool:
    return math.isclose(got, float(want), rel_tol=relative, abs_tol=1e-307)


# --- digits --------------------------------------------------------------------------------------
@tails
def test_values_keep_their_digits(scores: list[float]) -> None:
    xs = filled(scores)
    with numeric_mode("ieee"):
        logs = engine.log_softmax(xs)
    for p, y, x, want in zip(engine.softmax(xs), logs, xs, shares(xs), strict=True):
        assert near(p.data, want, 1e-15)
        if x == max(xs):
            assert near(y.data, mp.log1p(-rest(shares(xs), xs.index(x))), 1e-15)
        elif x > -inf:
            assert near(y.data, mp.mpf(x) - max(xs) + mp.log(max(shares(xs))), 1e-15)
        else:
            assert y.data == -inf


@tails
def test_gradients_keep_their_digits(scores: list[float]) -> None:
    """Of each output alone, by `backward` and as a graph: no difference of near numbers is left."""
    xs = [Value(x) for x in filled(scores)]
    ps = shares([x.data for x in xs])
    with numeric_mode("ieee"):
        for i, (p, y) in enumerate(zip(engine.softmax(xs), engine.log_softmax(xs), strict=True)):
            slopes = [rest(ps, i) if i == j else -ps[j] for j in range(MANY)]
            for output, factor in ((p, ps[i]), (y, 1)):
                for x in xs:
                    x.grad = 0.0
                output.backward()
                for x, slope, want in zip(xs, gradient(output, xs), slopes, strict=True):
                    assert near(x.grad, factor * want)
                    assert near(slope.data, factor * want)
                turn = jvp(output, {xs[1]: 1.0})
                assert near(turn.data, factor * slopes[1])


@tails
def test_second_derivatives_keep_their_digits(scores: list[float]) -> None:
    xs = [Value(x) for x in filled(scores)]
    ps = shares([x.data for x in xs])
    with numeric_mode("ieee"):
        for output in (engine.log_softmax(xs)[0], engine.log_softmax(xs, Value(0.0))):
            for i, row in enumerate(hessian(output, xs)):
                for j, bend in enumerate(row):
                    want = -ps[i] * rest(ps, i) if i == j else ps[i] * ps[j]
                    assert near(bend.data, want, 1e-12)


def test_second_derivatives_of_a_share() -> None:
    """p (1 - p) (1 - 2 p) by the score itself, which is 1e-17 of one far above."""
    xs = [Value(x) for x in filled([40.0, 0.0])]
    ps = shares([x.data for x in xs])
    for i, p in enumerate(engine.softmax(xs)[:3]):
        bend = gradient(gradient(p, xs[i]), xs[i]).data
        assert near(bend, ps[i] * rest(ps, i) * (1 - 2 * ps[i]), 1e-12)


@pytest.mark.parametrize("scores", [[40.0, 0.0], [0.0, -0.69, -40.0], [5.0, 5.0, 1.0]])
def test_a_sum_of_all_keeps_the_digits_of_the_largest(scores: list[float]) -> None:
    """What the others hand to the largest is no less than 1e-17 of what it hands to itself."""
    xs = [Value(x) for x in filled(scores)]
    ps = shares([x.data for x in xs])
    weights = [1.0 + i for i in range(MANY)]
    for x, slope in zip(xs, gradient(engine.dot(engine.softmax(xs), weights), xs), strict=True):
        k = xs.index(x)
        terms = [ps[k] * p * (weights[k] - w) for p, w in zip(ps, weights, strict=True)]
        assert abs(slope.data - mp.fsum(terms)) <= 1e-14 * mp.fsum(map(abs, terms))


# --- special cases -------------------------------------------------------------------------------
SPECIAL = st.sampled_from([0.0, -0.0, 1.0, 2.5, 40.0, -800.0, 1e308, -1e308, inf, -inf, nan])


def everything(f: Callable[..., list[Value]], scores: Sequence[float], many: int) -> list[float]:
    """Outputs and first derivatives of the first few, by both kinds of sweep."""
    xs = [Value(x) for x in scores]
    found = []
    for y in f(xs)[:many]:
        for x in xs:
            x.grad = 0.0
        y.backward()
        slopes = gradient(y, xs)[:many]
        found += [y.data, *[x.grad for x in xs[:many]], *[slope.data for slope in slopes]]
    return found


@given(st.lists(SPECIAL, min_size=2, max_size=4), st.booleans())
def test_scores_of_minus_infinity_change_nothing(scores: list[float], logs: bool) -> None:
    """So what holds for few holds for many, which are computed otherwise."""
    f: Any = engine.log_softmax if logs else engine.softmax
    with numeric_mode("ieee"):
        few = everything(f, scores, len(scores))
        many = everything(f, scores + [-inf] * MANY, len(scores))
    assert many == pytest.approx(few, rel=1e-14, abs=0.0, nan_ok=True)


@pytest.mark.parametrize("many", [1, 2, MANY])
def test_of_nothing_but_masks(many: int) -> None:
    xs = [Value(-inf) for _ in range(many)]
    with numeric_mode("ieee"):
        assert {p.data for p in engine.softmax(xs)} == {0.0}
        assert {y.data for y in engine.log_softmax(xs)} == {-inf}


@given(st.lists(st.floats(-30.0, 30.0), min_size=MANY, max_size=3 * MANY), st.integers(-40, 40))
def test_shares_add_up_and_do_not_know_a_shift(scores: list[float], shift: int) -> None:
    xs = [Value(math.ldexp(round(math.ldexp(x, 20)), -20)) for x in scores]
    ps = engine.softmax(xs)
    assert math.fsum(p.data for p in ps) == pytest.approx(1.0, rel=1e-15)
    shifted = engine.softmax([x.data + shift for x in xs])  # exact at 20 binary places
    assert [p.data for p in shifted] == [p.data for p in ps]
    engine.dot(ps, [math.cos(i) for i in range(len(ps))]).backward()
    assert math.fsum(x.grad for x in xs) == pytest.approx(0.0, abs=1e-15)


# --- an index that is a Value --------------------------------------------------------------------
@pytest.mark.parametrize("scores", [[1.0, 3.0, 2.0], filled([40.0, 0.0]), RISING])
def test_an_index_may_be_a_value(scores: list[float]) -> None:
    xs = [Value(x) for x in scores]
    for k in range(len(xs)):
        index = Value(float(k))
        chosen, wanted = engine.log_softmax(xs, index), engine.log_softmax(xs, k)
        assert chosen.data == wanted.data
        chosen.backward()
        assert index.grad == 0.0
        for x, slope in zip(xs, gradient(wanted, xs), strict=True):
            assert near(x.grad, slope.data)
            x.grad = 0.0


def test_an_index_that_is_none() -> None:
    with pytest.raises(NumericError, match="the index is a whole number that counts the options"):
        engine.log_softmax([1.0, 2.0], Value(2.0))
    with pytest.raises(TypeError, match="softmax takes the index of an input, got Value"):
        engine.softmax([1.0, 2.0], Value(0.0))  # type: ignore[call-overload]


# --- the work ------------------------------------------------------------------------------------
def size(*outputs: Value) -> int:
    """The nodes and edges of a graph."""
    return sum(1 + len(node.parents) for node in topological(*outputs))


def loss_of_index(xs: list[Value], target: Value) -> Value:
    return engine.log_softmax(xs, target)


def loss_of_list(xs: list[Value], target: Value) -> Value:
    return engine.choose(target, engine.log_softmax(xs))


def loss_of_shares(xs: list[Value], target: Value) -> Value:
    return engine.dot(engine.softmax(xs), [math.cos(i) for i in range(len(xs))]) * target


def work(loss: Callable[..., Value], classes: int) -> list[int]:
    """Of a loss, its gradient, a gradient of that, and a program of the first two."""
    xs, (target,) = engine.inputs(*[f"x{i}" for i in range(classes)]), engine.inputs("target")
    output = loss(xs, target)
    slopes = gradient(output, xs)
    bends = gradient(slopes[0], xs)
    program = Program([*xs, target], [output, *slopes])
    return [size(output), size(*slopes), size(*bends), program.stats.nodes]


@pytest.mark.parametrize("loss", [loss_of_index, loss_of_list, loss_of_shares])
def test_all_work_grows_with_the_classes_and_not_with_their_square(
    loss: Callable[..., Value],
) -> None:
    for once, twice, thrice in zip(*[work(loss, n) for n in (30, 60, 90)], strict=True):
        assert twice > once
        assert thrice - twice == pytest.approx(twice - once, abs=3)  # some numbers are shared


# --- natively ------------------------------------------------------------------------------------
@pytest.mark.parametrize("loss", [loss_of_index, loss_of_list])
def test_a_program_keeps_the_digits(loss: Callable[..., Value]) -> None:
    xs, (target,) = engine.inputs(*[f"x{i}" for i in range(MANY)]), engine.inputs("target")
    output = loss(xs, target)
    program = Program([*xs, target], [output, *gradient(output, xs), *engine.softmax(xs)])
    cases = [[*filled(scores), k] for scores in TAILS.values() for k in (0, 1, MANY - 1)]
    with numeric_mode("ieee"):
        answers = program(cases)
        for (*row, k), (value, *found) in zip(cases, answers.tolist(), strict=True):
            leaves = [Value(x) for x in row]
            wanted = engine.log_softmax(leaves, int(k))
            assert near(value, wanted.data, 1e-14)
            ps = shares(row)
            for j, (slope, p) in enumerate(zip(found[:MANY], found[MANY:], strict=True)):
                assert near(slope, rest(ps, j) if j == k else -ps[j], 1e-13)
                assert near(p, ps[j], 1e-14)


def test_the_gradient_of_an_embedding_is_added_to_the_rows_that_were_chosen() -> None:
    """No derivative of the loss may be infinite, so nothing has to stand behind a condition."""
    table = [[Value(math.sin(i + j)) for j in range(MANY)] for i in range(MANY)]
    token, target = engine.inputs("token", "target")
    logits = [engine.choose(token, column) for column in table]
    parameters = [w for column in table for w in column]
    slopes = gradient(-engine.log_softmax(logits, target), parameters)
    program = Program([token, target], slopes, parameters, reduce="sum")
    assert f"totals ({MANY} x {MANY}) at token" in program.listing()
    (one,) = [x for x in program([[3.0, 0.0]]) if x < 0.0]
    assert near(one, -rest(shares([column[3].data for column in table]), 0))
