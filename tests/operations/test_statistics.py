"""Products, means, spreads and lengths: value, gradient and Hessian, against mpmath."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine
from engine import Program, Value, gradient, hessian, inputs, numeric_mode, topological
from engine.core.operation import TABLE
from engine.drawing.view import opened
from tests.core.test_conformance import meets

inf, nan = math.inf, math.nan
Function = Callable[..., Value]
FUNCTIONS: dict[str, Function] = {
    "prod": engine.prod,
    "mean": engine.mean,
    "var": engine.var,
    "var of all": lambda xs: engine.var(xs, correction=0),
    "std": engine.std,
    "std of all": lambda xs: engine.std(xs, correction=0),
    "norm": engine.norm,
}
Derivatives = tuple[Any, list[Any], list[list[Any]]]


def oracle(name: str, floats: Sequence[float]) -> Derivatives:
    """The value, the gradient and the Hessian at 50 digits, in closed form."""
    xs = [mpmath.mpf(x) for x in floats]
    n = len(xs)
    every = range(n)

    def without(*left_out: int) -> Any:
        return mpmath.fprod(x for k, x in enumerate(xs) if k not in left_out)

    if name == "prod":
        bends = [[without(i, j) if i != j else mpmath.mpf(0) for j in every] for i in every]
        return without(), [without(i) for i in every], bends
    m = mpmath.fsum(xs) / n
    if name == "mean":
        return m, [mpmath.mpf(1) / n] * n, [[mpmath.mpf(0)] * n for _ in every]
    ds = xs if name == "norm" else [x - m for x in xs]
    shift = 0 if name == "norm" else mpmath.mpf(1) / n
    divisor = 1 if name == "norm" else n - (name in ("var", "std"))
    squares = mpmath.fsum(d * d for d in ds)
    if name.startswith("var"):
        bends = [[2 * ((i == j) - shift) / divisor for j in every] for i in every]
        return squares / divisor, [2 * d / divisor for d in ds], bends
    length, root = mpmath.sqrt(squares), mpmath.sqrt(divisor)
    if not length:
        return length, [length] * n, [[length] * n for _ in every]
    us = [d / length for d in ds]
    bends = [[((i == j) - shift - us[i] * us[j]) / length / root for j in every] for i in every]
    return length / root, [u / root for u in us], bends


def derivatives(f: Function, at: Sequence[float]) -> tuple[float, list[float], list[list[float]]]:
    with numeric_mode("ieee"):
        xs = [Value(x) for x in at]
        y = f(xs)
        slopes = [slope.data for slope in gradient(y, xs)]
        y.backward()
        assert all(meets(x.grad, slope) for x, slope in zip(xs, slopes, strict=True))
        return y.data, slopes, [[d.data for d in each] for each in hessian(y, xs)]


def check(name: str, at: Sequence[float]) -> None:
    with mpmath.workdps(400):  # for what is 1e-300 beside 1
        value, slopes, bends = oracle(name, at)
        wanted = float(value), [*map(float, slopes)], [[*map(float, each)] for each in bends]
    got = derivatives(FUNCTIONS[name], at)
    assert meets(got[0], wanted[0])
    for found, want in zip(got[1], wanted[1], strict=True):
        assert meets(found, want), (found, want)
    for found_row, want_row in zip(got[2], wanted[2], strict=True):
        for found, want in zip(found_row, want_row, strict=True):
            assert meets(found, want, 1e-15), (found, want)


POINTS = [
    [1.0, 2.0, 6.0],
    [-0.3, 0.7],
    [0.0, 2.0, 3.0],
    [0.0, -0.0, 3.0],
    [0.0, 0.0, 0.0, 1.0],
    [2.0, 2.0, 2.0],
    [0.1] * 10,
    [1e8 + 1, 1e8 + 2, 1e8 + 4],
    [1e15, 1e15 + 0.125, 1e15 - 0.5],
    [1e16, 1.0, -1e16],
    [3.0, 1e-200, -1e-200],
    [1.0, 1.0 + 2.0**-40, 3.0],
    [0.0, 3e-3, 1e-3, 2e-3, 4e-3],
    [1e-170, 2e-170, -4e-170],
    [1e-290, 3e-290],
    [1e150, -3e150],
    [3e200, 1e-200, -2.0],
]
every_function = pytest.mark.parametrize("name", FUNCTIONS)


@every_function
@pytest.mark.parametrize("at", POINTS, ids=str)
def test_value_gradient_and_hessian_are_those_of_mpmath(name: str, at: list[float]) -> None:
    check(name, at)


@pytest.mark.parametrize("name", ["prod", "mean", "norm", "var", "var of all"])
def test_tiny_inputs_keep_their_digits(name: str) -> None:
    check(name, [1e-310, 3e-310])


@pytest.mark.parametrize("name", ["prod", "mean", "norm", "var of all", "std of all"])
@pytest.mark.parametrize("at", [3.0, -0.5, 0.0])
def test_of_one_input(name: str, at: float) -> None:
    check(name, [at])


@every_function
@given(
    st.lists(
        st.floats(-1e3, 1e3).map(lambda x: round(x, 3)) | st.sampled_from([0.0, -0.0, 1.0]),
        min_size=2,
        max_size=5,
    )
)
def test_so_they_are_anywhere(name: str, at: list[float]) -> None:
    check(name, at)


@pytest.mark.parametrize("name", ["prod", "mean", "std of all", "norm"])
def test_nothing_overflows_on_the_way(name: str) -> None:
    at = [1.7e308, -1.7e308, 1e-308, 0.5] if name == "prod" else [1.7e308, 1.7e308, 1.7e308]
    at = [1.7e308, -1.7e308] if name == "std of all" else [1.7e308, 1.0] if name == "norm" else at
    check(name, at)


def test_a_variance_may_overflow_on_the_way() -> None:
    check("var of all", [1.2e154, -1.2e154, 1.2e154, -1.2e154])


EDGES = [
    ("prod", [inf, 0.0], nan, [0.0, inf]),
    ("prod", [inf, -2.0], -inf, [-2.0, inf]),
    ("prod", [1e300, -1e300], -inf, [-1e300, 1e300]),
    ("prod", [nan, 0.0, 0.0], nan, [0.0, nan, nan]),
    ("mean", [inf, 1.0], inf, [0.5, 0.5]),
    ("mean", [inf, -inf], nan, [0.5, 0.5]),
    ("mean", [nan, 1.0], nan, [0.5, 0.5]),
    ("var", [inf, 1.0], nan, [nan, nan]),
    ("std", [nan, 1.0], nan, [nan, nan]),
    ("norm", [inf, 1.0], inf, [1.0, 0.0]),
    ("norm", [-inf, inf, 1.0], inf, [-math.sqrt(0.5), math.sqrt(0.5), 0.0]),
    ("norm", [nan, 1.0], nan, [nan, nan]),
]


@pytest.mark.parametrize(("name", "at", "value", "slopes"), EDGES)
def test_edges(name: str, at: list[float], value: float, slopes: list[float]) -> None:
    got = derivatives(FUNCTIONS[name], at)
    assert meets(got[0], value)
    for found, want in zip(got[1], slopes, strict=True):
        assert meets(found, want), got[1]


@every_function
def test_a_program_agrees(name: str) -> None:
    for n in (2, 3, 4):
        with numeric_mode("ieee"):
            xs = inputs(*[f"x{i}" for i in range(n)])
            y = FUNCTIONS[name](xs)
            slopes = gradient(y, xs)
            bends = [d for slope in slopes for d in gradient(slope, xs)]
            program = Program(xs, [y, *slopes, *bends])
            rows = [at for at in [*POINTS, *[edge[1] for edge in EDGES]] if len(at) == n]
            for at, found in zip(rows, program(rows).tolist(), strict=True):
                value, first, second = derivatives(FUNCTIONS[name], at)
                wants = [value, *first, *[d for each in second for d in each]]
                scale = max([abs(d) for d in wants[n + 1 :] if math.isfinite(d)], default=0.0)
                for got, want in zip(found, wants, strict=True):
                    assert meets(got, want, 1e-15 * max(1.0, scale)), (at, found, wants)


@every_function
def test_a_picture_can_open_it(name: str) -> None:
    xs = [Value(x) for x in (1.0, 2.0, 6.0)]
    y = FUNCTIONS[name](xs)
    open_form = opened(topological(y))[y]
    assert open_form.data == y.data
    assert y.op is not None
    assert open_form.op is not y.op
    assert TABLE[y.op.name].expand is not None
    assert TABLE[y.op.name].expand(*[p.data for p in y.parents]) == pytest.approx(y.data, rel=1e-15)


def test_many_inputs_are_one_node() -> None:
    xs = [Value(1.0 + 1e-4 * i) for i in range(2000)]
    for f in FUNCTIONS.values():
        y = f(xs)
        assert [p for p in y.parents if p in set(xs)] == xs
        y.backward()


def test_of_nothing() -> None:
    assert engine.prod([]).data == 1.0
    for f in (engine.mean, engine.var, engine.std, engine.norm):
        with pytest.raises(ValueError, match=r"takes at least one input, got none"):
            f([])


def test_errors_say_what_to_do() -> None:
    x, untyped = Value(1.0), Value
    for f in (engine.prod, engine.mean, engine.var, engine.std, engine.norm):
        with pytest.raises(TypeError, match=rf"{f.__name__} takes a list .* got Value"):
            f(x)  # type: ignore[operator]
    message = r"var takes more inputs than its correction, got 1 with correction=1; give more"
    with pytest.raises(ValueError, match=message):
        engine.var([x])
    with pytest.raises(ValueError, match=r"std takes more .* got 2 with correction=2"):
        engine.std([x, 2.0], correction=2)
    with pytest.raises(TypeError, match="Value"):
        engine.std([x, 2.0], correction=untyped(1.0))  # type: ignore[arg-type]
