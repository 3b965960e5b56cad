"""Numbers in a picture are short and honest; labels stay text."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.drawing.canvas import plain
from engine.wording.names import number


@pytest.mark.parametrize(
    ("x", "shown"),
    [
        (0.0, "0"),
        (-0.0, "-0"),
        (3.0, "3"),
        (-0.5, "-0.5"),
        (0.1, "0.1"),
        (0.1 + 0.2, "0.3000"),
        (1 + 2**-52, "1.000"),
        (2 / 3, "0.6667"),
        (1e-06, "1e-06"),
        (1.23456789e-06, "1.235e-06"),
        (5e-324, "5e-324"),
        (12345.678, "12345.7"),
        (123456.0, "123456"),
        (999999.96, "1000000.0"),
        (1234567.0, "1.235e+06"),
        (1e308, "1e+308"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (math.nan, "nan"),
    ],
)
def test_numbers_as_they_are_shown(x: float, shown: str) -> None:
    assert number(x) == shown


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_shown_number_is_short_close_and_says_when_it_was_rounded(x: float) -> None:
    shown = number(x)
    assert len(shown) <= 12
    assert Decimal(shown).is_finite()
    exact = Decimal(x)
    assert abs(Decimal(shown) - exact) <= abs(exact) * Decimal("0.0006") + Decimal("5e-324")
    assert math.copysign(1.0, float(shown)) == math.copysign(1.0, x)
    assert (float(shown) == 0.0) == (x == 0.0)
    if len(Decimal(shown).as_tuple().digits) < 4:  # fewer digits than rounding leaves
        assert float(shown) == x


def test_markup_is_escaped_and_what_xml_cannot_hold_is_shown_by_a_symbol() -> None:
    assert plain(r"\N &amp; \l") == r"\\N &amp;amp; \\l"
    assert plain("a\nb") == r"a\nb"
    assert plain("a\n") == "a\\n\xa0"
    assert plain("\0\t\r\x7f\ud800\uffff") == "␀␉␍␡\ufffd\ufffd"
