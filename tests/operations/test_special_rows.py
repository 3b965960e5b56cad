"""Special functions, logarithms and roots: value and two derivatives, against mpmath."""

import math

import mpmath
import pytest

from engine import Value, gradient, hessian, numeric_mode
from engine.core.operation import TABLE
from engine.operations.logarithms import logaddexp
from tests.core.test_conformance import meets
from tests.operations.test_elementary_rows import FAR, LINE, Exact, check, check_program

inf, nan = math.inf, math.nan
POSITIVE = [1e-300, 1e-10, 0.3, 0.9999999, 1.0000001, 1.5, 2.0, 2.5, 9.0, 40.0, 1e10, 1e300]
ROOT = 1.4616321449683622  # of digamma
GAMMA = [x for x in POSITIVE if x < 1e300]
GAMMA += [0.5, 1.0, 1.4999, 1.5001, 2.0000001, 3.0, 15.9, 170.0, ROOT, 1.46163, 1.2, 1.7]
GAMMA += [
    -1e-300,
    -1e-10,
    -0.3,
    -0.5,
    -0.9999999,
    -1.0000001,
    -1.5,
    -2.25,
    -7.75,
    -40.3,
    -1000.3,
]
TAILS = [5.0, 6.5, 20.0, 26.5, 27.2, -0.1, -6.5, -26.5]


def lgamma(x: mpmath.mpf) -> mpmath.mpf:
    return mpmath.re(mpmath.loggamma(x))


def gauss(x: mpmath.mpf) -> mpmath.mpf:
    return 2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-x * x)


def cbrt(x: mpmath.mpf) -> mpmath.mpf:
    return mpmath.sign(x) * mpmath.cbrt(abs(x))


CLOSED: dict[str, tuple[Exact, Exact, Exact, list[float]]] = {
    "erf": (mpmath.erf, gauss, lambda x: -2 * x * gauss(x), [*LINE, *FAR, *TAILS]),
    "erfc": (
        mpmath.erfc,
        lambda x: -gauss(x),
        lambda x: 2 * x * gauss(x),
        [*LINE, *TAILS],
    ),
    "lgamma": (lgamma, mpmath.digamma, lambda x: mpmath.psi(1, x), GAMMA),
    "digamma": (
        mpmath.digamma,
        lambda x: mpmath.psi(1, x),
        lambda x: mpmath.psi(2, x),
        GAMMA,
    ),
    "log2": (
        lambda x: mpmath.log(x, 2),
        lambda x: 1 / (x * mpmath.log(2)),
        lambda x: -1 / (x * x * mpmath.log(2)),
        POSITIVE,
    ),
    "log10": (
        mpmath.log10,
        lambda x: 1 / (x * mpmath.log(10)),
        lambda x: -1 / (x * x * mpmath.log(10)),
        POSITIVE,
    ),
    "exp2": (
        lambda x: mpmath.mpf(2) ** x,
        lambda x: mpmath.log(2) * mpmath.mpf(2) ** x,
        lambda x: mpmath.log(2) ** 2 * mpmath.mpf(2) ** x,
        [*LINE, 1000.3, -1000.3, -1060.5, 1023.9, 2000.0, -2000.0],
    ),
    "cbrt": (
        cbrt,
        lambda x: 1 / (3 * cbrt(x) ** 2),
        lambda x: -2 / (9 * cbrt(x) ** 5),
        [*filter(None, LINE), *FAR, 5e-324, -1e-180, 1e180],
    ),
}
EDGES = [
    ("erf", inf, 1.0, 0.0, 0.0),
    ("erf", -inf, -1.0, 0.0, 0.0),
    ("erfc", inf, 0.0, 0.0, 0.0),
    ("erfc", 1e160, 0.0, 0.0, 0.0),
    ("erfc", -1e300, 2.0, 0.0, 0.0),
    ("erfc", -inf, 2.0, 0.0, 0.0),
    ("lgamma", 0.0, inf, -inf, inf),
    ("lgamma", -0.0, inf, inf, inf),
    ("lgamma", -5e-324, -math.log(5e-324), inf, inf),
    ("lgamma", -1.0, inf, nan, inf),
    ("lgamma", -1e300, inf, nan, inf),
    ("lgamma", 1e308, inf, math.log(1e308), 1e-308),
    ("lgamma", inf, inf, inf, 0.0),
    ("lgamma", -inf, inf, nan, nan),
    ("digamma", 0.0, -inf, inf, -inf),
    ("digamma", -0.0, inf, inf, inf),
    ("digamma", -5e-324, inf, inf, inf),
    ("digamma", 1e-310, -inf, inf, -inf),
    ("digamma", -3.0, nan, inf, nan),
    ("digamma", inf, inf, 0.0, 0.0),
    ("digamma", -inf, nan, nan, nan),
    *[
        (name, *case)
        for name in ("log2", "log10")
        for case in [
            (0.0, -inf, inf, -inf),
            (-0.0, -inf, inf, -inf),
            (-1.0, nan, nan, nan),
            (inf, inf, 0.0, 0.0),
            (-inf, nan, nan, nan),
        ]
    ],
    ("exp2", 1024.0, inf, inf, inf),
    ("exp2", inf, inf, inf, inf),
    ("exp2", -inf, 0.0, 0.0, 0.0),
    ("cbrt", 0.0, 0.0, inf, -inf),
    ("cbrt", -0.0, -0.0, inf, inf),
    ("cbrt", inf, inf, 0.0, 0.0),
    ("cbrt", -inf, -inf, 0.0, 0.0),
    *[(name, nan, nan, nan, nan) for name in CLOSED],
]


@pytest.mark.parametrize("name", CLOSED)
def test_value_and_two_derivatives_are_those_of_mpmath(name: str) -> None:
    *exact, points = CLOSED[name]
    with mpmath.workdps(50):
        wants = [[float(f(mpmath.mpf(x))) for f in exact] for x in points]  # type: ignore[operator]
    for x, (value, first, second) in zip(points, wants, strict=True):
        check(name, x, (value, first, second))


@pytest.mark.parametrize(("name", "at", "value", "first", "second"), EDGES)
def test_edges(name: str, at: float, value: float, first: float, second: float) -> None:
    check(name, at, (value, first, second))


@pytest.mark.parametrize("order", [1.0, 2.0, 3.0, 6.0])
def test_the_derivatives_of_digamma(order: float) -> None:
    with mpmath.workdps(50):
        for at in GAMMA:
            with numeric_mode("ieee"):
                x = Value(at)
                y = TABLE["polygamma"](order, x)
                first = gradient(y, x)
            for got, n in ((y, order), (first, order + 1)):
                assert meets(got.data, float(mpmath.psi(int(n), mpmath.mpf(at)))), (n, at)


def test_powers_of_the_base_are_exact() -> None:
    for n in range(-1074, 1024):
        assert TABLE["log2"].function(TABLE["exp2"].function(n)) == n
    assert [TABLE["log10"].function(10.0**n) for n in range(23)] == [*range(23)]


@pytest.mark.parametrize(
    ("a", "b", "value", "shares"),
    [
        (1000.0, 1000.0, 1000.0 + math.log(2.0), (0.5, 0.5)),
        (0.0, 40.0, 40.0, (math.exp(-40.0), 1.0)),
        (-1e5, 1.0, 1.0, (0.0, 1.0)),
        (inf, 1.0, inf, (1.0, 0.0)),
        (inf, inf, inf, (0.5, 0.5)),
        (-inf, 3.0, 3.0, (0.0, 1.0)),
        (-inf, -inf, -inf, (0.0, 0.0)),
        (nan, 1.0, nan, (nan, nan)),
    ],
)
def test_logaddexp(a: float, b: float, value: float, shares: tuple[float, float]) -> None:
    with numeric_mode("ieee"):
        x, y = Value(a), Value(b)
        z = logaddexp(x, y)
        found = [z, *gradient(z, [x, y])]
        curve = hessian(z, [x, y])
    for got, want in zip(found, [value, *shares], strict=True):
        assert meets(got.data, want)
    p, q = shares
    for got, want in zip(curve[0] + curve[1], [p * q, -p * q, -p * q, p * q], strict=True):
        assert meets(got.data, want, 1e-15)


def test_logaddexp_takes_two() -> None:
    with pytest.raises(TypeError, match="3 were given"):
        logaddexp(1.0, 2.0, 3.0)  # type: ignore[call-arg]


@pytest.mark.parametrize("name", CLOSED)
def test_a_program_agrees(name: str) -> None:
    check_program(name, [*CLOSED[name][3], *[at for row, at, *_ in EDGES if row == name]])
