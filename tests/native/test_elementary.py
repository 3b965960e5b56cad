"""The elementary functions against mpmath: their greatest error, and all special cases."""

import math
import threading
from collections.abc import Callable
from functools import wraps
from typing import Any

import mpmath
import numpy as np
import pytest
from mpmath import mpf

import engine
from engine import Program, inputs, operation
from engine.core.operation import TABLE, floats
from engine.native.emit.scalar import c_function, callback, outlined, per_lane
from engine.native.emit.vector import Vector
from engine.native.math import elementary
from engine.native.math.powers import pow_rule, power
from engine.native.math.rules import RULES
from tests.native import make_polynomials
from tests.native.harness import SPECIALS, Array, Compiled, borders, doubles, source, worst

rng = np.random.default_rng(5)


def near(low: float, high: float, n: int = 4000) -> Array:
    """A grid, as many at random, and small ones of every size."""
    small = np.ldexp(rng.uniform(1.0, 2.0, n), rng.integers(-70, 3, n)) * rng.choice([-1, 1], n)
    xs = np.concatenate([np.linspace(low, high, n), rng.uniform(low, high, n), small])
    return xs[(xs > low) & (xs < high)]


def far(limit: float = math.inf, low: float = -math.inf) -> Array:
    """Any bit patterns and the borders of all binades, as far as the function is asked there."""
    xs = np.concatenate([doubles(4000), borders(), [x for x in SPECIALS if x]])
    return xs[(np.abs(xs) <= limit) & (xs > low)]


def exact(function: Callable[[Any], Any], limit: float = 1e4) -> Callable[[float], Any]:
    """At mpmath's digits; past the limit, where all is decided, it is asked at the limit."""
    return lambda x: function(mpf(min(max(x, -limit), limit)))


def log1p(x: Any) -> Any:
    x = mpf(x)
    return mpmath.log1p(x) if abs(x) < 0.1 else mpmath.log(1 + x)


def sigmoid(x: Any) -> Any:
    return 1 / (1 + mpmath.exp(-x))


def normal_cdf(x: Any) -> Any:
    return mpmath.erfc(-x / mpmath.sqrt(2)) / 2


def normal_pdf(x: Any) -> Any:
    return mpmath.exp(-x * x / 2) / mpmath.sqrt(2 * mpmath.pi)


def gauss(x: Any) -> Any:
    return 2 * mpmath.exp(-x * x) / mpmath.sqrt(mpmath.pi)


ANGLES = [
    near(-100.0, 100.0),
    near(-(2.0**20), 2.0**20),
    np.arange(-667_000, 667_000, 311) * (math.pi / 2),
]
POSITIVE = np.concatenate([np.abs(far()), near(0.5, 2.0), near(0.0, 1e3)])

# name: (exact function, inputs, greatest error in ulp, also where products are not fused)
BOUNDS: dict[str, tuple[Callable[[float], Any], Array, float]] = {
    "exp": (exact(mpmath.exp), np.concatenate([near(-746.0, 710.0), far()]), 1.2),
    "log": (mpmath.log, POSITIVE[(POSITIVE > 0) & np.isfinite(POSITIVE)], 1.0),
    "tanh": (exact(mpmath.tanh), np.concatenate([near(-20.0, 20.0), far(), near(0.16, 0.36)]), 1.8),
    "expm1": (exact(mpmath.expm1), np.concatenate([near(-60.0, 710.0), near(-1, 1), far()]), 2.5),
    "log1p": (log1p, np.concatenate([near(-1.0, 3.0), far(low=-1.0, limit=1e300)]), 1.2),
    "sech2": (
        exact(lambda x: mpmath.sech(x) ** 2),
        np.concatenate([near(-374.0, 374.0), far()]),
        3.6,
    ),
    "sigmoid": (exact(sigmoid), np.concatenate([near(-746.0, 40.0), far()]), 3.0),
    "sigmoid_slope": (
        exact(lambda x: sigmoid(x) * sigmoid(-x)),
        np.concatenate([near(-746.0, 746.0), far()]),
        3.6,
    ),
    "softplus": (
        lambda x: log1p(mpmath.exp(mpf(x))) if x < 800.0 else mpf(x),
        np.concatenate([near(-746.0, 746.0), far(low=-1e4)]),
        2.0,
    ),
    "normal_cdf": (exact(normal_cdf, 100.0), np.concatenate([near(-38.6, 9.0), far()]), 4.5),
    "normal_pdf": (exact(normal_pdf, 100.0), np.concatenate([near(-38.6, 38.6), far()]), 2.5),
    "gauss": (exact(gauss, 100.0), np.concatenate([near(-27.3, 27.3), far()]), 2.5),
    "sin": (mpmath.sin, np.concatenate([*ANGLES, far(limit=2.0**20)]), 1.5),
    "cos": (mpmath.cos, np.concatenate([*ANGLES, far(limit=2.0**20)]), 1.5),
    "tan": (mpmath.tan, np.concatenate([*ANGLES, far(limit=2.0**20)]), 3.0),
    "sqrt": (lambda x: mpmath.sqrt(x), POSITIVE[np.isfinite(POSITIVE)], 0.5000001),
    "rsqrt": (lambda x: 1 / mpmath.sqrt(x), POSITIVE[(POSITIVE > 0) & np.isfinite(POSITIVE)], 1.5),
}


@pytest.mark.parametrize("name", BOUNDS)
def test_error_is_bounded(name: str) -> None:
    function, inputs, bound = BOUNDS[name]
    xs = inputs[~np.isnan(inputs)]
    error, where = worst(Compiled(RULES[name], 1)(xs), function, xs)
    assert error <= bound, (name, error, where)


def same(got: float, want: float) -> bool:
    """Equal, with the sign of a zero."""
    return (got != got and want != want) or (
        got == want and math.copysign(1.0, got) == math.copysign(1.0, want)
    )


@pytest.mark.parametrize("name", BOUNDS)
def test_zeros_infinities_and_nans(name: str) -> None:
    xs = [0.0, -0.0, math.inf, -math.inf, math.nan, -1.0, -5e-324]
    function = TABLE[name].function
    found = Compiled(RULES[name], 1)(xs)
    for x, y in zip(xs, found.tolist(), strict=True):
        want = function(x)
        if math.isfinite(want) and want and x:
            assert math.isclose(y, want, rel_tol=1e-15)
        elif want:
            assert math.isclose(y, want, rel_tol=1e-15) or same(y, want), (x, y, want)
        else:
            assert same(y, want), (x, y, want)


@pytest.mark.parametrize("name", BOUNDS)
def test_a_nan_with_any_payload_stays_a_nan(name: str) -> None:
    payloads = np.random.default_rng(1).integers(1, 2**51, 400, dtype=np.uint64)
    xs = (payloads | np.uint64(0x7FF8000000000000)).view(np.float64)
    assert np.isnan(Compiled(RULES[name], 1)(np.concatenate([xs, -xs]))).all()


def test_exp_overflows_and_vanishes_where_math_exp_does() -> None:
    for border in (709.782712893384, -745.1332191019412):
        xs, x = [], math.nextafter(border, -1e3)
        for _ in range(4):
            xs.append(x)
            x = math.nextafter(x, math.inf)
        want = [floats.exp(x) for x in xs]
        assert 1 < len(set(want)) <= 4
        found = Compiled(RULES["exp"], 1)(xs)
        assert np.isinf(found).tolist() == [math.isinf(w) for w in want]
        assert (found == 0.0).tolist() == [w == 0.0 for w in want]


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_large_angles_are_right_lane_by_lane(name: str) -> None:
    xs = np.concatenate([far(), 2.0**20 + np.arange(-40.0, 40.0), [1e22, 3.0, -1e5, math.inf]])
    xs = xs[np.isfinite(xs)]
    with mpmath.workprec(1200):
        error, where = worst(Compiled(RULES[name], 1)(xs), getattr(mpmath, name), xs)
    assert error <= 3.0, where


def test_the_polynomials_are_what_their_script_makes() -> None:
    assert make_polynomials.text() == make_polynomials.TARGET.read_text(encoding="utf-8")


# --- powers --------------------------------------------------------------------------------------
def powers(n: int) -> tuple[Array, Array]:
    """Bases and exponents whose power is anything from the smallest number to the largest."""
    x = np.concatenate(
        [np.exp(rng.uniform(-5, 5, n)), np.abs(doubles(n, 3)), 1 + rng.normal(size=n) * 1e-9]
    )
    x = x[(x > 0) & np.isfinite(x) & (x != 1.0)]
    return x, rng.uniform(-744.0, 709.7, len(x)) / np.log(x)


def test_pow_is_within_2_ulp() -> None:
    x, y = powers(3000)
    error, where = worst(Compiled(power, 2)(x, y), lambda a, b: mpf(a) ** mpf(b), x, y)
    assert error <= 2.0, where


def test_pow_at_all_special_pairs() -> None:
    edges = [*SPECIALS, 0.25, -3.0, 1 + 2.0**-52, 7.0, 1e300]
    x, y = (c.ravel() for c in np.meshgrid(edges, edges))
    for got, a, b in zip(Compiled(power, 2)(x, y).tolist(), x.tolist(), y.tolist(), strict=True):
        want = floats.pow(a, b)
        assert same(got, want) or math.isclose(got, want, rel_tol=1e-15), (a, b, got, want)


@pytest.mark.parametrize(
    "n", [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 8.0, -1.0, -2.0, -3.0, 0.5, -0.5, 1.5, -1.5, 2.5, -2.5, 9.0]
)
def test_pow_of_a_constant(n: float) -> None:
    xs = np.concatenate([near(-50.0, 50.0, 500), far()])
    found = Compiled(lambda x: pow_rule(x, x.body.constant(n)), 1)(xs)
    for x, got in zip(xs.tolist(), found.tolist(), strict=True):
        want = floats.pow(x, n)
        assert same(got, want) or abs(got - want) <= (1 + abs(n)) * math.ulp(want), (x, got, want)
    if n == 2.0:
        assert found.tolist() == pytest.approx(
            [x * x for x in xs.tolist()], rel=0, abs=0, nan_ok=True
        )


# --- what the instructions are -------------------------------------------------------------------
def length(formula: Callable[[Vector], Vector]) -> int:
    return len(source(formula, 1).splitlines())


def test_a_function_and_its_derivative_share_their_work() -> None:
    for name, slope in (("tanh", "sech2"), ("sigmoid", "sigmoid_slope"), ("softplus", "sigmoid")):
        f, g = RULES[name], RULES[slope]
        both = length(lambda x, f=f, g=g: f(x) + g(x))  # type: ignore[misc]
        assert both < max(length(f), length(g)) + 8, name
        divisions = source(lambda x, f=f, g=g: f(x) + g(x), 1).count("fdiv")  # type: ignore[misc]
        assert divisions == (2 if name == "softplus" else 1)


def test_exp_neither_divides_nor_branches() -> None:
    text = source(RULES["exp"], 1)
    assert "fdiv" not in text
    assert length(RULES["exp"]) - length(lambda x: -x) < 32


def test_exp_adds_what_was_lost() -> None:
    high, low = 50.0, 3e-15
    got = Compiled(lambda x: elementary.exp(x, x * 0.0 + low), 1)([high])
    error, _ = worst(got, lambda x: mpmath.exp(mpf(x) + mpf(low)), np.array([high]))
    assert error <= 1.0


# --- a scalar function per lane ------------------------------------------------------------------
def test_a_python_function_is_called_for_each_lane() -> None:
    address, keep = callback(lambda a, b: math.atan2(a, b), 2)
    a, b = rng.normal(size=(2, 37))
    found = Compiled(lambda x, y: per_lane(x.body, address, x, y), 2)(a, b)
    assert found.tolist() == [keep(*pair) for pair in zip(a, b, strict=True)]
    assert found.tolist() == [math.atan2(*pair) for pair in zip(a, b, strict=True)]


def test_what_a_python_function_raises_is_a_number() -> None:
    address, _keep = callback(lambda x: math.log(x) if x < 4.0 else math.exp(x), 1)
    found = Compiled(lambda x: per_lane(x.body, address, x), 1)([1.0, -1.0, 1e3])
    assert found[0] == 0.0
    assert math.isnan(found[1])
    assert found[2] == math.inf


def test_a_python_function_is_called_from_other_threads() -> None:
    address, _keep = callback(math.cos, 1)
    run = Compiled(lambda x: per_lane(x.body, address, x), 1)
    xs, found = np.linspace(0.0, 9.0, 500), [np.empty(0)] * 3

    def work(k: int) -> None:
        found[k] = run(xs)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(f, [math.cos(x) for x in xs]) for f in found)


def test_a_function_of_its_own_is_written_once() -> None:
    def twice(x: Vector) -> Vector:
        return x + x

    text = source(lambda x: outlined("twice", twice, x) * outlined("twice", twice, x + 1.0), 1)
    assert text.count("define internal") == 1
    assert text.count("call <") == 2


IN_C = ["acos", "acosh", "asin", "asinh", "atan", "cbrt", "cosh", "erf", "erfc", "exp2"]


@pytest.mark.parametrize("name", IN_C)
def test_what_c_has_is_called_without_python_and_gives_the_same_bits(name: str) -> None:
    function = TABLE[name].function
    found = c_function(TABLE[name])
    assert found is not None
    xs = [*SPECIALS, *doubles(2000), *rng.normal(0.0, 3.0, 2000)]
    got = Compiled(lambda x: per_lane(x.body, found[0], x), 1)(xs).tolist()
    assert all(same(y, function(x)) for x, y in zip(xs, got, strict=True))


def test_a_row_of_ones_own_is_not_what_it_wraps() -> None:
    """Its function is called, though it says that it wraps one which C has."""
    doubled = operation("doubled", wraps(math.cosh)(lambda x: 2.0 * math.cosh(x)), derivative)
    assert c_function(doubled) is None
    (x,) = inputs("x")
    assert Program([x], [doubled(x)])([[0.0]]).tolist() == [[2.0]]


def derivative(y: Any, x: Any) -> tuple[Any, ...]:
    return (2.0 * engine.sinh(x),)
