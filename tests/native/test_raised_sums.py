"""How accurate raised sums are, and what they give at the end of the range of doubles."""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import engine
from engine import Program, Value, dot, gradient
from tests.native.scalars import WS, XS, some
from tests.native.tools import eager, ieee, same_bits

# --- how accurate they are -----------------------------------------------------------------------
leaf = st.sampled_from([*XS[:3], *WS[:3], 0.0, -0.0, 1.0, -1.0, 0.75])
product = st.tuples(st.just("mul"), leaf, leaf)
TREES: Any = st.recursive(
    st.one_of(leaf, product, product),
    lambda tree: st.one_of(
        st.tuples(st.sampled_from(["add", "sub", "add"]), tree, st.one_of(product, tree)),
        st.tuples(st.just("add"), product, tree),
        st.tuples(st.just("neg"), tree),
        st.lists(tree, min_size=2, max_size=9).map(lambda trees: ("total", *trees)),
    ),
    max_leaves=25,
)
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
}


def built(tree: Any) -> Any:
    """The graph of a tree, with Python's operators."""
    if not isinstance(tree, tuple):
        return tree
    op, *parts = tree[0], *map(built, tree[1:])
    if op == "neg":
        return -parts[0]
    return sum(parts) if op == "total" else BINARY[op](*parts)


def bounded(tree: Any, numbers: dict[Any, float]) -> tuple[Fraction, Fraction, Fraction]:
    """What a tree is worth exactly, the sum of its terms' sizes, and to first order how far
    roundings may take it away where it is computed as it is written.
    """
    if not isinstance(tree, tuple):
        x = Fraction(numbers.get(tree, tree))
        return x, abs(x), Fraction(0)
    op, *parts = tree[0], *[bounded(part, numbers) for part in tree[1:]]
    if op == "neg":
        return -parts[0][0], *parts[0][1:]
    answer, *others = parts
    if op == "total":
        op = "add"
    for other in others:
        size = BINARY["mul" if op == "mul" else "add"](answer[1], other[1])
        error = answer[2] + other[2]
        if op == "mul":
            error = answer[2] * other[1] + answer[1] * other[2]
        answer = BINARY[op](answer[0], other[0]), size, error + size / 2**53
    return answer


@some
@given(trees=st.lists(TREES, min_size=1, max_size=4), data=st.data())
def test_trees_are_as_accurate_as_they_were_written(trees: list[Any], data: st.DataObject) -> None:
    numbers = st.one_of(
        st.floats(-4.0, 4.0), st.integers(-3, 3).map(float), st.floats(-1e12, 1e12)
    ).filter(lambda x: not 0.0 < abs(x) < 1e-90)
    outputs = [x if isinstance(x := built(tree), Value) else Value(x) for tree in trees]
    program = Program(XS[:3], outputs, WS[:3])
    rows = data.draw(st.lists(st.lists(numbers, min_size=3, max_size=3), min_size=1, max_size=4))
    theta = data.draw(st.lists(numbers, min_size=3, max_size=3))
    for row, found in zip(rows, program(rows, theta).tolist(), strict=True):
        known = dict(zip([*XS[:3], *WS[:3]], [*row, *theta], strict=True))
        for tree, got in zip(trees, found, strict=True):
            want, _, bound = bounded(tree, known)
            assert abs(Fraction(got) - want) <= bound * (1 + Fraction(1, 2**40)), (tree, known)


@some
@given(trees=st.lists(TREES, min_size=1, max_size=4), data=st.data())
def test_trees_make_no_infinity_and_no_nan_of_their_own(
    trees: list[Any], data: st.DataObject
) -> None:
    special = [0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, 1e100, -1e100]
    numbers = st.one_of(st.sampled_from(special), st.floats(-4.0, 4.0))
    outputs = [x if isinstance(x := built(tree), Value) else Value(x) for tree in trees]
    rows = data.draw(st.lists(st.lists(numbers, min_size=3, max_size=3), min_size=1, max_size=4))
    theta = data.draw(st.lists(numbers, min_size=3, max_size=3))
    with ieee():
        raised = Program(XS[:3], outputs, WS[:3])(rows, theta)
        written = Program(XS[:3], outputs, WS[:3], exact=True)(rows, theta)
    assert same_bits(written, eager(XS[:3], outputs, rows, WS[:3], theta))
    assert same_bits(np.isnan(raised), np.isnan(written))
    infinite = np.isinf(written) | np.isinf(raised)
    assert same_bits(raised[infinite], written[infinite])


def test_a_lone_product_takes_no_term_from_behind_a_difference() -> None:
    x, y, z = XS[:3]
    for late in (x * x - y + z, dot([z], [1.0], x * x - y)):
        assert Program(XS[:3], [late])([[1e8, 1e16, 1.0]]).tolist() == [[1.0]]
    assert Program(XS[:3], [z + x * x - y])([[1e8, 1e16, 1.0]]).tolist() == [[0.0]]


def test_a_sum_that_ends_in_zero_is_no_choice() -> None:
    x, y, z = XS[:3]
    outputs = [engine.sum([x, y * z, 0.0]) + y, engine.dot([x, 0.0], [y, z]) + z * y]
    assert Program(XS[:3], outputs)([[2.0, 3.0, 5.0]]).tolist() == [[20.0, 21.0]]


def test_sums_that_overflow_on_the_way() -> None:
    """In the order in which they are written: so what is finite stays finite."""
    big = 1.5e308
    terms = [a * b for a, b in zip(XS[:4], XS[4:], strict=True)]
    forward = [*[big, -big, big, -big], *[1.0] * 4]
    outputs = [sum(terms), (terms[3] + (terms[2] + (terms[1] + terms[0])))]
    program = Program(XS, outputs)
    assert program([forward]).tolist() == [[0.0, 0.0]]
    with ieee():
        assert program([[big, big, -big, -big, *forward[4:]]]).tolist() == [[math.inf, math.inf]]


def test_what_only_the_raised_form_makes_infinite_is_computed_as_written() -> None:
    """Weights of a mixed sum are added up by themselves."""
    big, one = 1.5e308, [1.0] * 4
    mixed = [f(k) for k in range(4) for f in (lambda k: WS[k] * XS[k], lambda k: XS[4 + k] * XS[k])]
    program = Program(XS, [sum(mixed)], WS[:4])
    assert "dot(w0, w1, w2, w3, x0, x1, x2, x3)" in program.listing()
    answer = program([[*one, -big, -big, big, big]] * 3, [big, big, -big, -big])
    assert answer.tolist() == [[0.0]] * 3


def test_a_unit_with_an_infinite_input_has_the_derivatives_that_were_written() -> None:
    unit = sum(w * x for w, x in zip(WS, XS, strict=True)).relu()
    asked = [*WS[:3], *XS[:3]]
    outputs, rows = [unit, *gradient(unit, asked)], [[math.inf, *[1.0] * 7], [1.0] * 8]
    program = Program(XS, outputs, WS)
    for theta in ([-1.0] * 8, [1.0] * 8):
        with ieee():
            assert same_bits(program(rows, theta), eager(XS, outputs, rows, WS, theta))
