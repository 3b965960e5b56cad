"""Branches, poles, kinks and overflows around each other: what is not taken hands on nothing.

Each random graph is built twice: with the rows of the engine, and resolved, where Python has taken
the branches and what is left out is not there. Both must have the same derivatives.
"""

import math
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import engine
from engine import NumericError, Value, gradient, hessian, inputs, jvp, numeric_mode, topological
from engine.core.operation import rows


def _extreme(best_of: Callable[..., float]) -> Callable[..., Any]:
    def answer(*xs: Any) -> Any:
        best = best_of(number(x) for x in xs)
        tied = [x for x in xs if number(x) == best]
        return tied[0] if len(tied) == 1 else engine.sum([x * (1.0 / len(tied)) for x in tied])

    return answer


def _clamp(x: Any, low: Any, high: Any) -> Any:
    if not number(low) <= number(x) <= number(high):
        return low if number(x) < number(low) else high
    return x if number(low) < number(x) < number(high) else number(x)


def number(x: Any) -> float:
    return x.data if isinstance(x, Value) else float(x)


ROWS = SimpleNamespace(
    abs=abs,
    relu=engine.relu,
    leaky=engine.leaky_relu,
    sign=engine.sign,
    floor=engine.floor,
    hard=engine.hardtanh,
    clamp=engine.clamp,
    maximum=engine.maximum,
    minimum=engine.minimum,
    where=engine.where,
    select=lambda a, b, x, y: rows.select(rows.greater(a, b), x, y),
    choose=engine.choose,
)
RESOLVED = SimpleNamespace(
    abs=lambda x: x * float(x > 0) - x * float(x < 0),
    relu=lambda x: x if x > 0 else Value(0.0),
    leaky=lambda x: x if x > 0 else 0.01 * x,
    sign=lambda x: engine.sign(x).data,
    floor=lambda x: engine.floor(x).data,
    hard=lambda x: _clamp(x, -1.0, 1.0),
    clamp=_clamp,
    maximum=_extreme(max),
    minimum=_extreme(min),
    where=lambda test, x, y: [y, x][test]() if callable([y, x][test]) else [y, x][test],
    select=lambda a, b, x, y: x if a > b else y,
    choose=lambda i, xs: xs[int(number(i))],
)
STEPS: list[Callable[[Any, Value, Value], Any]] = [
    lambda f, a, b: a + b,
    lambda f, a, b: a * b,
    lambda f, a, b: a / b,
    lambda f, a, b: a.sqrt() + b,
    lambda f, a, b: a.log() - b,
    lambda f, a, b: a**0.5 * b,
    lambda f, a, b: a**-1 + b,
    lambda f, a, b: a.exp() - b,
    lambda f, a, b: engine.hypot(a, b),
    lambda f, a, b: engine.dot([a, b], [b, a], a),
    lambda f, a, b: engine.logsumexp([a, b]),
    lambda f, a, b: f.abs(a) + b,
    lambda f, a, b: f.relu(a - b) + b.tanh(),
    lambda f, a, b: f.relu(a).sqrt() * b,
    lambda f, a, b: f.relu(a * b),
    lambda f, a, b: f.leaky(a) - b,
    lambda f, a, b: f.sign(a) * b,
    lambda f, a, b: f.floor(a) + b,
    lambda f, a, b: f.hard(a) * b,
    lambda f, a, b: f.clamp(a, -1.0, b),
    lambda f, a, b: f.clamp(1.0, a, b),
    lambda f, a, b: f.maximum(a, b.exp(), -a),
    lambda f, a, b: f.minimum(a * a * a, b),
    lambda f, a, b: f.where(a > 0.0, lambda: a.sqrt(), b),
    lambda f, a, b: f.select(a, b, a * b * a, b.sqrt()),
    lambda f, a, b: f.choose(1.0, [a * b * b, b]),
    lambda f, a, b: f.choose(0.0, [a * 2.0, b.sqrt()]),
]
numbers = st.sampled_from([0.0, -0.0, 1.0, 2.0, -1.0, 0.5, -3.0, 1e200, -1e160])
plans = st.lists(
    st.tuples(st.integers(0, len(STEPS) - 1), st.integers(0, 99), st.integers(0, 99)),
    min_size=1,
    max_size=6,
)
leaves = st.tuples(numbers, numbers)
Plan = Sequence[tuple[int, int, int]]


def build(kind: Any, at: Sequence[float], plan: Plan) -> tuple[Value, list[Value]]:
    nodes = [Value(x) for x in at]
    for which, i, j in plan:
        made = STEPS[which](kind, nodes[-1 - i % len(nodes)], nodes[-1 - j % len(nodes)])
        nodes.append(made if isinstance(made, Value) else Value(made))
    return nodes[-1], nodes[: len(at)]


def seconds(y: Value, xs: Sequence[Value]) -> list[float]:
    return [each.data for row in hessian(y, xs) for each in row]


def same(got: Sequence[float], want: Sequence[float]) -> bool:
    """To the bit, but for the sign of a zero."""
    return [*map(repr, (x + 0.0 for x in got))] == [*map(repr, (x + 0.0 for x in want))]


@given(leaves, plans)
def test_what_is_left_out_might_as_well_not_be_there(at: tuple[float, ...], plan: Plan) -> None:
    with numeric_mode("ieee"):
        y, xs = build(ROWS, at, plan)
        assume(all(math.isfinite(node.data) for node in topological(y) if node.op is None))
        assume(not any(math.isnan(node.data) for node in topological(y)))
        resolved, rs = build(RESOLVED, at, plan)
        y.backward()
        resolved.backward()
        first = [x.grad for x in xs]
        assert same([slope.data for slope in gradient(y, xs)], first)
        big = any(abs(node.data) > 1e100 for node in topological(y))
        for got, want in zip(first, [r.grad for r in rs], strict=True):
            assert big or repr(got) == repr(want) or got == pytest.approx(want, 1e-12, 1e-12)
        for got, want in zip(seconds(y, xs), seconds(resolved, rs), strict=True):
            assert big or repr(got) == repr(want) or got == pytest.approx(want, 1e-11, 1e-11)
        for x, slope in zip(xs, first, strict=True):
            if math.isfinite(slope) and not big:
                assert jvp(y, {x: 1.0}).data == pytest.approx(slope, 1e-11, 1e-11)


@pytest.mark.parametrize("kind", ["relu", "choose", "where"])
def test_what_is_read_behind_many_branches_has_one_sum(kind: str) -> None:
    """A weight of many places: its gradient, and the derivatives of that."""

    def build(rows: Any) -> tuple[Value, list[Value]]:
        a, b = leaves = [Value(0.7), Value(-1.3)]
        terms: list[Any] = []
        for x, y in ((1.0, 2.0), (-3.0, 0.5), (2.0, -1.0), (0.1, -0.3), (2.5, 0.0)):
            z = x * (a / (b * b)) + y * b
            if kind == "choose":
                z = rows.choose(float(x > 0), [z * b, a / b])
            elif kind == "where":
                z = rows.select(z, y, a * z, (b - z) / a)
            terms.append(rows.relu(z) * (a / b))
        return sum(terms[1:], terms[0]), leaves

    (y, xs), (resolved, rs) = build(ROWS), build(RESOLVED)
    slopes = gradient(y, xs)
    assert any(node.op is rows.dot_where for node in topological(*slopes))
    total, wanted = engine.dot(slopes, slopes), gradient(resolved, rs)
    assert [x.data for x in slopes] == pytest.approx([x.data for x in wanted], 1e-13)
    assert seconds(y, xs) == pytest.approx(seconds(resolved, rs), 1e-12)
    third = gradient(engine.dot(wanted, wanted), rs)
    assert [x.data for x in gradient(total, xs)] == pytest.approx([x.data for x in third], 1e-12)
    total.backward()  # through the numbers of the same rows
    assert [x.grad for x in xs] == pytest.approx([x.data for x in third], 1e-12)
    assert seconds(total, xs) == pytest.approx(seconds(engine.dot(wanted, wanted), rs), 1e-11)


@given(leaves, plans)
def test_strict_mode_finds_the_same_fault_in_both(at: tuple[float, ...], plan: Plan) -> None:
    def attempt(derive: Callable[[Value, Any], Any]) -> Any:
        try:
            y, xs = build(ROWS, at, plan)
        except NumericError:
            assume(False)
        try:
            return [repr(slope + 0.0) for slope in derive(y, xs)]
        except NumericError:
            return "an error"

    def by_backward(y: Value, xs: Sequence[Value]) -> list[float]:
        y.backward()
        return [x.grad for x in xs]

    def by_run(y: Value, xs: Sequence[Value]) -> list[float]:
        y.trace_backward().goto(-1)
        return [x.grad for x in xs]

    wanted = attempt(by_backward)
    assert attempt(lambda y, xs: [s.data for s in gradient(y, xs)]) == wanted
    assert attempt(by_run) == wanted


def test_only_what_may_not_be_finite_stands_behind_a_condition() -> None:
    """Counted work: a product that is finite on every row needs no `select`."""

    def selects(f: Callable[[Value], Value]) -> int:
        (x,), w, v = inputs("x"), Value(2.0), Value(3.0)
        slopes = gradient((f(x * w) * v).relu(), [x, w, v])
        return [node.op for node in topological(*slopes)].count(rows.select)

    finite = {selects(f) for f in (engine.tanh, engine.sigmoid, engine.sin)}
    assert len(finite) == 1
    assert min(selects(f) for f in (engine.log, engine.sqrt, engine.asin)) > finite.pop()
