"""The rows of engine/operations/rectifiers.py that the core's tests do not know, against mpmath."""

import math

import mpmath
import pytest

import engine
from engine import Program, Value, gradient, inputs, numeric_mode
from engine.operations.rectifiers import SELU_ALPHA, SELU_SCALE
from tests.operations.test_elementary_rows import FAR, LINE, Exact, check, check_program

inf, nan = math.inf, math.nan
INSIDE = [1e-320, 1e-300, 1e-17, 0.2, 0.25, 0.4, 0.4999999999, 0.5000000001, 0.6, 0.75, 0.8]
BESIDE_1 = [0.999999, 1.0 - 2.0**-53]


def mish(x: mpmath.mpf) -> mpmath.mpf:
    e = mpmath.exp(x)
    return x * (e * e + 2 * e) / (e * e + 2 * e + 2)


def silu(x: mpmath.mpf) -> mpmath.mpf:
    return x / (1 + mpmath.exp(-x))


def selu(x: mpmath.mpf) -> mpmath.mpf:
    return SELU_SCALE * (x if x > 0 else SELU_ALPHA * mpmath.expm1(x))


def selu_slope(x: mpmath.mpf) -> mpmath.mpf:
    return SELU_SCALE * (1 if x >= 0 else SELU_ALPHA * mpmath.exp(x))


# the row, with its two derivatives at 50 digits
EXACT: dict[str, tuple[Exact, Exact, Exact, list[float]]] = {
    "square": (lambda x: x * x, lambda x: 2 * x, lambda x: mpmath.mpf(2), [*LINE, 1e150, -1e-150]),
    "logit": (
        lambda p: mpmath.log(p / (1 - p)),
        lambda p: 1 / (p * (1 - p)),
        lambda p: (2 * p - 1) / (p * (1 - p)) ** 2,
        [*INSIDE, *BESIDE_1],
    ),
    "softsign": (
        lambda x: x / (1 + abs(x)),
        lambda x: 1 / (1 + abs(x)) ** 2,
        lambda x: -2 * mpmath.sign(x) / (1 + abs(x)) ** 3,
        [*LINE, *FAR],
    ),
    "mish": (
        mish,
        lambda x: mpmath.diff(mish, x),
        lambda x: mpmath.diff(mish, x, 2),
        [*LINE, -1.19, -5.5, 20.0, 25.0, -39.9, -100.0, -690.0, -730.0, -745.0, -750.0, 300.0],
    ),
    "silu": (
        silu,
        lambda x: mpmath.diff(silu, x),
        lambda x: mpmath.diff(silu, x, 2),
        [*LINE, -1.27, -5.5, 20.0, -39.9, -40.1, -690.0, -730.0, -745.0, -750.0, 300.0],
    ),
    "selu": (
        selu,
        selu_slope,
        lambda x: selu_slope(x) if x < 0 else mpmath.mpf(0),
        [*LINE, -700.0, 1e300],
    ),
}
EDGES = [
    ("square", -inf, inf, -inf, 2.0),
    ("square", 1e200, inf, 2e200, 2.0),
    ("logit", 0.0, -inf, inf, -inf),
    ("logit", -0.0, -inf, inf, -inf),
    ("logit", 1.0, inf, inf, inf),
    ("logit", 0.5, 0.0, 4.0, 0.0),
    ("logit", -1e-300, nan, nan, nan),
    ("logit", 1.0 + 2.0**-52, nan, nan, nan),
    ("logit", inf, nan, nan, nan),
    ("softsign", inf, 1.0, 0.0, 0.0),
    ("softsign", -inf, -1.0, 0.0, 0.0),
    ("mish", inf, inf, 1.0, 0.0),
    ("mish", -inf, 0.0, 0.0, 0.0),
    ("mish", -1e300, 0.0, 0.0, 0.0),
    ("selu", inf, inf, SELU_SCALE, 0.0),
    ("selu", -inf, -SELU_SCALE * SELU_ALPHA, 0.0, 0.0),
    ("square", nan, nan, nan, 2.0),
    *[(name, nan, nan, nan, nan) for name in EXACT if name != "square"],
]


@pytest.mark.parametrize("name", EXACT)
def test_value_and_two_derivatives_are_those_of_mpmath(name: str) -> None:
    *exact, points = EXACT[name]
    for at in points:
        with mpmath.workdps(50):
            value, first, second = (float(f(mpmath.mpf(at))) for f in exact)  # type: ignore[operator]
        check(name, at, (value, first, second))


@pytest.mark.parametrize(("name", "at", "value", "first", "second"), EDGES)
def test_edges(name: str, at: float, value: float, first: float, second: float) -> None:
    check(name, at, (value, first, second))


@pytest.mark.parametrize("name", EXACT)
def test_a_program_agrees(name: str) -> None:
    check_program(name, [*EXACT[name][3], *[at for row, at, *_ in EDGES if row == name]])


@pytest.mark.parametrize("at", [-709.0, -720.0, -740.0, -745.0, -750.0])
@pytest.mark.parametrize(("name", "exact"), [("mish", mish), ("silu", silu)])
def test_the_far_left_keeps_the_digits_that_an_exponential_loses(
    name: str, exact: Exact, at: float
) -> None:
    with mpmath.workdps(50):
        wants = [float(mpmath.diff(exact, mpmath.mpf(at), k)) for k in range(3)]
    (x,) = engine.inputs("x")
    with numeric_mode("ieee"):
        for node, rows in ((x, [[at]]), (Value(at), None)):
            y = getattr(engine, name)(node)
            first = gradient(y, node)
            outputs = [y, first, gradient(first, node)]
            got = Program([x], outputs)(rows).tolist()[0] if rows else [v.data for v in outputs]
            for number, want in zip(got, wants, strict=True):
                assert abs(number - want) <= 2 * math.ulp(want)


def test_the_sign_of_zero_stays() -> None:
    for function in (engine.softsign, engine.mish, engine.selu, engine.hardtanh):
        for zero in (0.0, -0.0):
            assert math.copysign(1.0, function(Value(zero)).data) == math.copysign(1.0, zero)


@pytest.mark.parametrize(
    ("at", "value", "slope"),
    [(-2.0, -1.0, 0.0), (-1.0, -1.0, 0.0), (0.5, 0.5, 1.0), (1.0, 1.0, 0.0), (inf, 1.0, 0.0)],
)
def test_hardtanh_is_held_between_its_bounds(at: float, value: float, slope: float) -> None:
    with numeric_mode("ieee"):
        x = Value(at)
        y = engine.hardtanh(x)
        first = gradient(y, x)
        assert (y.data, first.data, gradient(first, x).data) == (value, slope, 0.0)
    wide = engine.hardtanh(Value(at), max_val=5.0, min_val=-1.5)
    assert wide.data == min(max(at, -1.5), 5.0)


# --- far out and at kinks -----------------------------------------------------------------------
TAIL = [-0.5, -1.0, -1.5, -6.867, -20.1, -28.847, -33.3, -36.0, -37.25]


def test_the_left_tail_of_gelu_keeps_its_digits_natively_too() -> None:
    (x,) = inputs("x")
    native = Program([x], [engine.gelu(x)])([[number] for number in TAIL])
    for number, program in zip(TAIL, native.ravel().tolist(), strict=True):
        wanted = number * mpmath.ncdf(mpmath.mpf(number))
        for found in (engine.gelu(Value(number)).data, program):
            assert abs(found - wanted) <= 8e-16 * abs(wanted), number


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_all_derivatives_of_elu_at_its_kink_are_of_the_left_side(alpha: float, zero: float) -> None:
    x, a = Value(zero), Value(alpha)
    first = gradient(engine.elu(x, a), [x, a])
    assert [each.data for each in first] == [alpha, 0.0]
    second = gradient(first[0], [x, a])
    assert [each.data for each in second] == [alpha, 1.0]
    assert gradient(first[1], x).data == 1.0  # the mixed one, in the other order
    assert gradient(second[0], x).data == alpha
    u, b = inputs("u", "b")
    (du,) = gradient(engine.elu(u, b), [u])
    program = Program([u, b], [du, gradient(du, u), gradient(du, b)])
    assert program([[zero, alpha]]).ravel().tolist() == [alpha, alpha, 1.0]


def test_the_mixed_derivative_of_leaky_relu_at_its_kink_is_one_in_both_orders() -> None:
    x, slope = Value(0.0), Value(0.25)
    by_x, by_slope = gradient(engine.leaky_relu(x, slope), [x, slope])
    assert (by_x.data, by_slope.data) == (0.25, 0.0)
    assert gradient(by_x, slope).data == gradient(by_slope, x).data == 1.0


def test_a_power_of_minus_zero_has_the_derivative_of_its_side() -> None:
    x = Value(-0.0)
    with numeric_mode("ieee"):
        for n in (-1, -2, -3, -4):
            plain, general = x**n, x ** Value(n)
            first = gradient(plain, x), gradient(general, x)
            assert first[0].data == first[1].data == math.copysign(math.inf, (-1.0) ** n)
            second = [gradient(each, x).data for each in first]
            assert second[0] == second[1] == math.copysign(math.inf, (-1.0) ** n)
    u, n = inputs("u", "n")
    (slope,) = gradient(u**n, [u])
    program = Program([u, n], [slope])
    rows = [[-0.0, -1.0], [-0.0, -2.0], [0.0, -1.0], [0.0, -2.0], [-0.0, -3.0]]
    with numeric_mode("ieee"):
        assert program(rows).ravel().tolist() == [-inf, inf, -inf, -inf, -inf]
