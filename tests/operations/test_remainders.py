"""The sign, the remainders of divisions, and Python's own operators and functions for them."""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import NumericError, Value, gradient, hessian, inputs, numeric_mode
from engine.core.operation import TABLE
from engine.native import Program
from engine.wording.latex import latex
from engine.wording.notation import PLAIN, Term
from engine.wording.notation import derivatives as formulas
from tests.core.test_conformance import meets

inf, nan = math.inf, math.nan
NAMES = ["fmod", "remainder", "floor_divide"]
EDGES = [
    # a, b; fmod, remainder, floor_divide
    (7.0, 0.0, nan, nan, inf),
    (7.0, -0.0, nan, nan, -inf),
    (0.0, 0.0, nan, nan, nan),
    (inf, 2.0, nan, nan, nan),
    (inf, 0.0, nan, nan, inf),
    (2.0, inf, 2.0, 2.0, 0.0),
    (-2.0, inf, -2.0, inf, -1.0),
    (inf, inf, nan, nan, nan),
    (nan, 2.0, nan, nan, nan),
    (2.0, nan, nan, nan, nan),
    (-0.0, 3.0, -0.0, 0.0, -0.0),
    (0.0, -3.0, 0.0, -0.0, -0.0),
    (-6.0, 3.0, -0.0, 0.0, -2.0),
    (6.0, -3.0, 0.0, -0.0, -2.0),
    (-1e-20, 1.0, -1e-20, 1.0, -1.0),
    (1e300, 1e-300, math.fmod(1e300, 1e-300), 1e300 % 1e-300, inf),
    (5e-324, 3.0, 5e-324, 5e-324, 0.0),
    # where a / b rounds up to a whole number
    (1.0, 0.1, math.fmod(1.0, 0.1), 1.0 % 0.1, 9.0),
    (-1.0, 0.1, math.fmod(-1.0, 0.1), -1.0 % 0.1, -10.0),
]


def derivatives(name: str, a: float, b: float) -> list[float]:
    """Value, gradient and Hessian."""
    with numeric_mode("ieee"):
        x, y = Value(a), Value(b)
        z = TABLE[name](x, y)
        return [
            node.data
            for node in [z, *gradient(z, [x, y]), *(d for row in hessian(z, [x, y]) for d in row)]
        ]


def same(got: float, want: float) -> bool:
    return (got != got and want != want) or (
        got == want and math.copysign(1.0, got) == math.copysign(1.0, want)
    )


@pytest.mark.parametrize(("a", "b", "fmod", "remainder", "floor_divide"), EDGES)
def test_edges(a: float, b: float, fmod: float, remainder: float, floor_divide: float) -> None:
    for name, want in zip(NAMES, [fmod, remainder, floor_divide], strict=True):
        got = derivatives(name, a, b)[0]
        assert same(got, want), f"{name}({a}, {b}) is {got}, not {want}"


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e3), st.booleans())
def test_derivatives_are_the_exact_quotients(a: float, b: float, negative: bool) -> None:
    b = -b if negative else b
    exact = Fraction(a) / Fraction(b)
    for name, quotient in (("fmod", math.trunc(exact)), ("remainder", math.floor(exact))):
        assert derivatives(name, a, b)[1:] == [1.0, -quotient, 0.0, 0.0, 0.0, 0.0], name
    assert derivatives("floor_divide", a, b) == [math.floor(exact), *[0.0] * 6]
    assert TABLE["fmod"].function(a, b) == math.fmod(a, b)
    assert TABLE["remainder"].function(a, b) == a % b


def test_where_the_quotient_is_undefined_so_is_the_derivative() -> None:
    for a, b in [(0.0, 0.0), (inf, 2.0), (nan, 2.0), (2.0, nan)]:
        for name in NAMES[:2]:
            value, by_a, by_b, *_ = derivatives(name, a, b)
            assert value != value
            assert by_a == 1.0
            assert by_b != by_b


@pytest.mark.parametrize("name", NAMES)
def test_a_program_agrees(name: str) -> None:
    rows = [[a, b] for a, b, *_ in EDGES] + [[-7.3, 2.0], [7.3, -2.0], [1e15 + 0.5, 0.3]]
    with numeric_mode("ieee"):
        x, y = inputs("x", "y")
        z = TABLE[name](x, y)
        curves = [d for row in hessian(z, [x, y]) for d in row]
        program = Program([x, y], [z, *gradient(z, [x, y]), *curves])
        for row, found in zip(rows, program(rows).tolist(), strict=True):
            for got, want in zip(found, derivatives(name, *row), strict=True):
                assert meets(got, want), row


@pytest.mark.parametrize(
    ("at", "want"),
    [(2.5, 1.0), (-1e-300, -1.0), (0.0, 0.0), (-0.0, -0.0), (inf, 1.0), (-inf, -1.0), (nan, nan)],
)
def test_sign(at: float, want: float) -> None:
    with numeric_mode("ieee"):
        x, (z,) = Value(at), inputs("z")
        y = x.sign()
        native = Program([z], [z.sign(), gradient(z.sign(), z)])([[at]]).tolist()[0]
        first = gradient(y, x)
        found = [y.data, first.data, gradient(first, x).data]
    slope = nan if at != at else 0.0
    for got, wanted in zip([*found, *native], [want, slope, slope, want, slope], strict=True):
        assert got == wanted or (got != got and wanted != wanted)


PYTHON: dict[str, tuple[Callable[..., Any], str]] = {
    "floor": (math.floor, "floor"),
    "ceil": (math.ceil, "ceil"),
    "trunc": (math.trunc, "trunc"),
    "round": (round, "round"),
    "%": (lambda x: x % 2, "remainder"),
    "reflected %": (lambda x: 7 % x, "remainder"),
    "//": (lambda x: x // 2, "floor_divide"),
    "reflected //": (lambda x: 7 // x, "floor_divide"),
    "divmod": (lambda x: divmod(x, 2)[0], "floor_divide"),
    "divmod's rest": (lambda x: divmod(x, 2)[1], "remainder"),
    "reflected divmod": (lambda x: divmod(7, x)[0], "floor_divide"),
    "reflected divmod's rest": (lambda x: divmod(7, x)[1], "remainder"),
}


@pytest.mark.parametrize("name", PYTHON)
@pytest.mark.parametrize("at", [2.5, -2.5, 3.75, -0.3])
def test_pythons_own_are_recorded(name: str, at: float) -> None:
    f, row = PYTHON[name]
    x = Value(at)
    y = f(x)
    assert type(y) is Value
    assert str(y.op) == row
    assert x in y.parents
    assert y.data == f(at)


def test_the_gradient_of_a_remainder() -> None:
    x = Value(-7.5)
    (x % 2).backward()
    assert x.grad == 1.0
    b = Value(2.0)
    (-7.5 % b).backward()
    assert b.grad == 4.0
    with pytest.raises(NumericError, match="keep the divisor away from 0 and the dividend finite"):
        x % 0


def test_digits_are_for_numbers() -> None:
    with pytest.raises(TypeError, match=r"round\(x\.data, 2\)"):
        round(Value(1.2345), 2)


def test_they_know_who_made_them() -> None:
    x = Value(7.5, "x")
    rest = x % 2
    whole = 20 // x
    both = divmod(x, 2)
    assert [n.op.name for n in both if n.op] == ["floor_divide", "remainder"]
    for node in (rest, whole, *both):
        assert node._code is not None
        assert node._code.co_filename == __file__


def test_they_are_written_as_in_python_and_in_mathematics() -> None:
    x, y = Value(7.5, "x"), Value(2.0, "y")
    assert str(latex((x + 1) % y)) == r"(x + 1) \,\%\, y"
    assert str(latex(2 * (x % y))) == r"2 \cdot (x \,\%\, y)"
    assert str(latex(x // y)) == r"\left\lfloor \frac{x}{y} \right\rfloor"
    assert [
        each.text for each in formulas(x % y, lambda node: Term(node.label or "r", PLAIN)) if each
    ] == ["1", "-(x // y)"]
