"""Hyperbolic and inverse trigonometric rows: value and two derivatives, against mpmath."""

import math
from collections.abc import Callable
from typing import Any

import mpmath
import pytest

import engine
from engine import Value, gradient, hessian, inputs, numeric_mode
from engine.core.operation import TABLE
from engine.native import Program
from tests.core.test_conformance import meets

inf, nan = math.inf, math.nan
LINE = [0.0, -0.0, 1e-300, -1e-300, 1e-8, -1e-5, 0.3, -0.7, 1.0, 2.5, -3.0, 40.0, -40.0]
FAR = [1e10, -1e154, 1e160, -1e300]
SHUT = [0.0, 1e-300, -1e-10, 1e-5, 0.3, -0.7, 0.999999, -0.9999999999]  # between -1 and 1
ABOVE = [1.0000000001, 1.1, 3.0, 40.0, 1e10, 1e300]  # above 1

# the row, with its two derivatives at 50 digits
Exact = Callable[[Any], Any]
CLOSED: dict[str, tuple[Exact, Exact, Exact, list[float]]] = {
    "sinh": (mpmath.sinh, mpmath.cosh, mpmath.sinh, [*LINE, 700.0, -710.0, 710.4758600739439]),
    "cosh": (mpmath.cosh, mpmath.sinh, mpmath.cosh, [*LINE, 700.0, -710.0, 710.4758600739439]),
    "asinh": (
        mpmath.asinh,
        lambda x: 1 / mpmath.sqrt(1 + x * x),
        lambda x: -x / mpmath.sqrt(1 + x * x) ** 3,
        [*LINE, *FAR],
    ),
    "acosh": (
        mpmath.acosh,
        lambda x: 1 / mpmath.sqrt(x * x - 1),
        lambda x: -x / mpmath.sqrt(x * x - 1) ** 3,
        ABOVE,
    ),
    "atanh": (
        mpmath.atanh,
        lambda x: 1 / (1 - x * x),
        lambda x: 2 * x / (1 - x * x) ** 2,
        SHUT,
    ),
    "asin": (
        mpmath.asin,
        lambda x: 1 / mpmath.sqrt(1 - x * x),
        lambda x: x / mpmath.sqrt(1 - x * x) ** 3,
        SHUT,
    ),
    "acos": (
        mpmath.acos,
        lambda x: -1 / mpmath.sqrt(1 - x * x),
        lambda x: -x / mpmath.sqrt(1 - x * x) ** 3,
        SHUT,
    ),
    "atan": (
        mpmath.atan,
        lambda x: 1 / (1 + x * x),
        lambda x: -2 * x / (1 + x * x) ** 2,
        [*LINE, *FAR],
    ),
}
EDGES = [
    ("sinh", 1000.0, inf, inf, inf),
    ("sinh", 710.475860073944, inf, inf, inf),
    ("sinh", -inf, -inf, inf, -inf),
    ("cosh", -1000.0, inf, -inf, inf),
    ("asinh", inf, inf, 0.0, 0.0),
    ("acosh", 1.0, 0.0, inf, -inf),
    ("acosh", inf, inf, 0.0, 0.0),
    ("acosh", 0.5, nan, nan, nan),
    ("atanh", 1.0, inf, inf, inf),
    ("atanh", -1.0, -inf, inf, -inf),
    ("atanh", 1.5, nan, nan, nan),
    ("asin", 1.0, math.pi / 2, inf, inf),
    ("asin", -1.0, -math.pi / 2, inf, -inf),
    ("asin", -2.0, nan, nan, nan),
    ("acos", 1.0, 0.0, -inf, -inf),
    ("acos", -1.0, math.pi, -inf, inf),
    ("atan", -inf, -math.pi / 2, 0.0, 0.0),
    *[(name, nan, nan, nan, nan) for name in CLOSED],
]


def check(name: str, at: float, want: tuple[float, float, float]) -> None:
    with numeric_mode("ieee"):
        x = Value(at)
        y = TABLE[name](x)
        (first,) = gradient(y, [x])
        (second,) = gradient(first, [x])
        ((again,),) = hessian(y, [x])
    assert meets(y.data, want[0])
    assert meets(first.data, want[1])
    assert meets(second.data, want[2], 1e-15)
    assert meets(again.data, want[2], 1e-15)


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


POINTS = [(1.0, 2.0), (-3.0, -0.5), (1e-200, 1.0), (1e200, -1e200), (1e308, -1.1e308)]
POINTS += [(0.3, 0.3 + 1e-13), (-7e-100, 7.000000001e-100), (-1e-200, -1e-160)]


@pytest.mark.parametrize("at", POINTS)
def test_the_angle_of_a_point(at: tuple[float, float]) -> None:
    with mpmath.workdps(50):
        y, x = (mpmath.mpf(part) for part in at)
        square = x * x + y * y
        cross = (y * y - x * x) / square**2
        wants = [mpmath.atan2(y, x), x / square, -y / square]
        wants += [-2 * x * y / square**2, cross, cross, 2 * x * y / square**2]
    a, b = Value(at[0]), Value(at[1])
    angle = TABLE["atan2"](a, b)
    c, d = inputs("c", "d")
    with numeric_mode("ieee"):
        found, recorded = (
            [y, *gradient(y, xs), *(each for row in hessian(y, xs) for each in row)]
            for y, xs in ((angle, [a, b]), (TABLE["atan2"](c, d), [c, d]))
        )
        answers = Program([c, d], recorded)([at]).tolist()[0]
    for got, native, want in zip(found, answers, wants, strict=True):
        assert meets(got.data, float(want))
        assert meets(native, float(want))


def test_the_length_of_two_numbers_bends_at_the_origin_as_that_of_a_list_does() -> None:
    a, b = Value(0.0), Value(0.0)
    for length in (engine.hypot(a, b), engine.norm([a, b])):
        assert [d.data for row in hessian(length, [a, b]) for d in row] == [0.0] * 4


@pytest.mark.parametrize("base", [5e-324, 1e-310, 1e-300])
def test_the_first_power_of_a_tiny_base_does_not_bend(base: float) -> None:
    a, one = Value(base), Value(1.0)
    c, d = inputs("c", "d")
    assert gradient(gradient(a**one, a), a).data == 0.0
    assert Program([c, d], [gradient(gradient(c**d, c), c)])([[base, 1.0]]).tolist() == [[0.0]]


def test_the_angle_at_signed_zeros_and_at_infinity() -> None:
    atan2 = TABLE["atan2"].function
    for y, x in [(0.0, -0.0), (-0.0, -0.0), (0.0, 0.0), (inf, -inf), (-1.0, inf), (nan, 1.0)]:
        with numeric_mode("ieee"):
            got = TABLE["atan2"](Value(y), Value(x)).data
        assert meets(got, atan2(y, x))
    with numeric_mode("ieee"):
        a, b = Value(0.0), Value(0.0)
        assert all(d.data != d.data for d in gradient(TABLE["atan2"](a, b), [a, b]))


@pytest.mark.parametrize("name", CLOSED)
def test_a_program_agrees(name: str) -> None:
    check_program(name, [*CLOSED[name][3], *[at for row, at, *_ in EDGES if row == name]])


def check_program(name: str, points: list[float]) -> None:
    with numeric_mode("ieee"):
        (x,) = inputs("x")
        y = TABLE[name](x)
        first = gradient(y, x)
        outputs = [y, first, gradient(first, x)]
        program = Program([x], outputs)
        for at in points:
            z = Value(at)
            value = TABLE[name](z)
            slope = gradient(value, z)
            wants = [value.data, slope.data, gradient(slope, z).data]
            for got, want in zip(program([[at]]).tolist()[0], wants, strict=True):
                assert meets(got, want, 1e-15)
