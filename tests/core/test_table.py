"""The table tests itself: each row against its mathematics, at inputs from the row's own domain."""

import math
import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine import Value, check_operation, gradient
from engine.core.operation import TABLE, Operation
from tests.core.oracles import (
    ILL_CONDITIONED,
    NOISE,
    NUMBERS,
    ORACLES,
    ROWS,
    agree,
    asked,
    close,
    curvature,
    exact,
    intervals,
    points,
    sides,
    slope_on,
    ulps,
    wiggle,
)
from tests.operations.rows import MORE

every_row = pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
n_ary_row = pytest.mark.parametrize(
    "row", [row for row in ROWS.values() if row.expand], ids=lambda row: row.name
)
# there are many rows: a part of what a single test tries is enough for each
given_few = settings(max_examples=settings.default.max_examples // 6)
anything = st.floats(allow_nan=True, allow_infinity=True)


def test_every_row_has_an_oracle() -> None:
    assert set(ORACLES) == set(ROWS)
    assert set(ROWS) | MORE == {name for name in TABLE if not TABLE[name].own} - {"constant"}
    assert all(TABLE[name] is row for name, row in ROWS.items())


def leaves(row: Operation, xs: Sequence[float]) -> list[Any]:
    """Inputs as a user gives them: Values, but numbers where the row wants numbers."""
    return [x if i in NUMBERS.get(row.name, ()) else Value(x) for i, x in enumerate(xs)]


def check_value(row: Operation, xs: Sequence[float]) -> None:
    oracle = ORACLES[row.name]
    got, want = row.function(*xs), exact(oracle, xs)
    off = ulps(got, want)
    if off > 4 and row.name in ILL_CONDITIONED and abs(got - want) <= 8 * wiggle(oracle, xs):
        return
    assert off <= 4, f"{row.name}{tuple(xs)} is {got!r}, {off:.3g} ulp away from {want}"


@every_row
def test_value_is_within_4_ulp_at_random_points(row: Operation) -> None:
    """Far more points than hypothesis would try, and none of them special."""
    rng = random.Random(row.name)
    for _ in range(10 * settings.default.max_examples):
        xs = [rng.uniform(*interval) for interval in intervals(row, rng.randint(1, 5))]
        check_value(row, xs)


@pytest.mark.parametrize(
    ("name", "xs"),
    [
        ("normal_pdf", [-0.9932952028825754]),
        ("normal_pdf", [1.569052535654949]),
        (
            "softmax",
            [-2.4402755388968953, 1.6677077730981003, -2.9602887645396856, -1.5187274791227225],
        ),
        ("softmax", [-1.6366835675840137, 0.7038714846432335, 2.3807534772789065]),
        ("log_softmax", [1.2325305055495024, -2.982500570255439]),
        ("log_softmax", [1.4305048941791103, -2.776156639563133]),
        ("sech2", [2.76990107474749]),
        ("sigmoid_slope", [2.6737701122725674]),
        ("logit_residual", [1.8916299551183613, 0.3817289786713272]),
    ],
)
def test_value_is_within_4_ulp_at_the_hardest_points_found(name: str, xs: list[float]) -> None:
    """The worst of 60,000 random points each, where plain formulas were off by up to 5.3 ulp."""
    check_value(ROWS[name], xs)


@every_row
@given_few
@given(data=st.data())
def test_value_is_within_4_ulp(row: Operation, data: st.DataObject) -> None:
    xs = data.draw(points(row))
    check_value(row, xs)
    assert row(*leaves(row, xs)).data == row.function(*xs)


@every_row
@given_few
@given(data=st.data())
def test_first_derivative_is_within_1e_12(row: Operation, data: st.DataObject) -> None:
    xs = data.draw(points(row))
    i = data.draw(st.sampled_from(asked(row, len(xs))))
    oracle = ORACLES[row.name]
    exact(oracle, xs)
    inputs = leaves(row, xs)
    row(*inputs).backward()
    got = inputs[i].grad
    left, right = sides(oracle, i, xs)
    if agree(left, right):
        assert close(got, slope_on(1, oracle, i), xs, 1e-12), f"{got!r} by input {i}, not {right}"
    else:  # a kink, where each number between the slopes of either side is a sub-gradient
        assert min(left, right) - NOISE <= got <= max(left, right) + NOISE


@every_row
@given_few
@given(data=st.data())
def test_second_derivative(row: Operation, data: st.DataObject) -> None:
    """By `gradient` twice, and by the row's partials on Values: both are what mpmath says."""
    xs = data.draw(points(row))
    assume(len({xs[i] for i in asked(row, len(xs))}) == len(asked(row, len(xs))))  # a tie may bend
    i = data.draw(st.sampled_from(asked(row, len(xs))))
    j = data.draw(st.sampled_from(asked(row, len(xs))))
    oracle = ORACLES[row.name]
    if not all(agree(*sides(oracle, k, xs)) for k in {i, j}):
        return
    inputs = leaves(row, xs)
    first = gradient(row(*inputs), inputs[i])
    got = gradient(first, inputs[j]).data
    assert close(got, curvature(oracle, i, j), xs, 1e-11, 1e-15), f"{got!r} by inputs {i} and {j}"

    partial = row.partials(row(*inputs), *inputs)[i]
    if isinstance(partial, Value):
        assert partial.data == pytest.approx(first.data, rel=1e-14)
        partial.backward()
        assert inputs[j].grad == pytest.approx(got, rel=1e-11, abs=1e-13)
    else:
        assert (partial, 0.0) == (first.data, got)


@every_row
@given_few
@given(data=st.data())
def test_rows_answer_everywhere_and_partials_on_floats_have_one_meaning(
    row: Operation, data: st.DataObject
) -> None:
    """`function` and `partials` never raise; None stands for what takes no gradient."""
    xs = [data.draw(anything) for _ in data.draw(points(row))]
    for i in NUMBERS.get(row.name, ()):
        xs[i] = data.draw(st.sampled_from([0.0, 1.0, 2.0, 3.0]))
    y = row.function(*xs)
    assert isinstance(y, float)
    partials = tuple(row.partials(y, *xs))
    assert len(partials) == len(xs)
    for i, each in enumerate(partials):
        none = i in NUMBERS.get(row.name, ()) or (row.name in ("select", "choose") and i == 0)
        assert each is None if none else isinstance(each, float)
    if row.constant_partials is not None:
        assert row.constant_partials == partials


@pytest.mark.parametrize(
    "row", [row for row in ROWS.values() if row.finite_partials], ids=lambda row: row.name
)
@given_few
@given(data=st.data())
def test_partials_are_finite_where_the_table_says_so(row: Operation, data: st.DataObject) -> None:
    finite = st.floats(-1e150, 1e150)  # whose products do not overflow
    xs = [data.draw(finite) for _ in data.draw(points(row))]
    if row.name == "pow":
        xs[1] = float(data.draw(st.integers(0, 2)))
    if row.name == "div":
        xs[1] = data.draw(st.sampled_from([1.0, -3.0, 1e-3]))
    assert not callable(row.finite_partials) or row.finite_partials(None, xs[1])
    y = row.function(*xs)
    assert math.isfinite(y) or row.name in ("choose", "div", "dot")  # no such option; an overflow
    assert all(each is None or math.isfinite(each) for each in row.partials(y, *xs))


@pytest.mark.parametrize("name", ["relu", "clamp", "select", "choose", "maximum", "minimum"])
@given_few
@given(data=st.data())
def test_a_branch_that_is_not_taken_does_not_matter(name: str, data: st.DataObject) -> None:
    """An input whose partial is 0 can move a little, and the output stays to the bit."""
    row = ROWS[name]
    xs = data.draw(points(row))
    y = row.function(*xs)
    for i, local in enumerate(row.partials(y, *xs)):
        if local == 0.0:
            moved = [
                row.function(*xs[:i], math.nextafter(xs[i], to), *xs[i + 1 :])
                for to in (math.inf, -math.inf)
            ]
            assert y in moved


@n_ary_row
@given_few
@given(data=st.data())
def test_n_ary_row_is_its_expansion(row: Operation, data: st.DataObject) -> None:
    """Value and gradients; inputs may be the same node more than once, but two never tie."""
    xs = data.draw(points(row).filter(lambda xs: len(set(xs)) == len(xs)))
    inputs = [Value(x) for x in xs]
    picks = data.draw(st.lists(st.sampled_from(inputs), min_size=1, max_size=5))
    assert row.expand is not None
    node, expansion = row(*picks), row.expand(*picks)
    assert node.op is row
    # log and exp of the expansion round where log1p of the row does not
    assert node.data == pytest.approx(float(expansion), rel=1e-13, abs=1e-14)
    if isinstance(expansion, Value):
        wanted = gradient(expansion, inputs)
        for got, want in zip(gradient(node, inputs), wanted, strict=True):
            assert got.data == pytest.approx(want.data, rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("name", ["maximum", "minimum"])
@given(signs=st.lists(st.sampled_from([1.0, -1.0]), min_size=1, max_size=6))
def test_ties_share_evenly(name: str, signs: list[float]) -> None:
    """In the row exactly; its expansion compares two at a time, and may weight them otherwise."""
    row = TABLE[name]
    best = row.function(*signs)
    inputs = [Value(x) for x in signs]
    row(*inputs).backward()
    share = 1 / signs.count(best)
    assert [x.grad for x in inputs] == [share if x == best else 0.0 for x in signs]
    assert row.expand is not None
    if len(inputs) > 1:
        expanded = [g.data for g in gradient(row.expand(*inputs), inputs)]
        assert math.fsum(expanded) == 1.0
        assert [g > 0 for g in expanded] == [x == best for x in signs]


def test_a_sum_answers_also_where_it_overflows_on_the_way() -> None:
    huge, inf, total = 1.7e308, math.inf, TABLE["sum"].function
    assert total(huge, huge, -huge) == huge
    assert total(huge, huge) == inf
    assert total(-huge, -huge, inf) == inf
    assert math.isnan(total(huge, huge, inf, -inf))


@pytest.mark.parametrize("row", [row for row in ROWS.values() if row.name != "choose"], ids=str)
def test_check_operation_passes(row: Operation) -> None:
    """An index that moves a little, as differences would have it, is none."""
    check_operation(row)


@every_row
def test_tex_can_be_filled_in(row: Operation) -> None:
    """Braces of TeX's own have to be doubled, or `format` takes them for places."""
    shown = row.tex.format(*(f"<{i}>" for i in range(4)))
    assert shown.count("{") == shown.count("}")
