"""The hunt: the one operation, or the one edge, that made a number that is not finite."""

import math
import re
from collections.abc import Callable
from math import inf, isfinite, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine
from engine import NumericError, StaleValueError, Value, numeric_mode, topological
from engine.explain.hunt import Finding, hunt
from tests.core.programs import Program, programs
from tests.stepping.test_steps import ALL, WILD_PLANS, wild

FINITE = st.sampled_from([0.0, -0.0, 1e308, -1e308, 1e200, 5e-324, -1.0, 2.0, 710.0, -800.0])


# --- properties ---------------------------------------------------------------------------------
@given(st.lists(FINITE, min_size=2, max_size=4), WILD_PLANS)
def test_it_finds_something_exactly_where_something_is_bad(
    leaves: list[float], plan: list[tuple[int, int, int]]
) -> None:
    with numeric_mode("ieee"):
        root = wild(leaves, plan)
        finding = hunt(root)
    order = topological(root)
    assert all(node.grad == 0.0 for node in order)
    bad_values = [node for node in order if not isfinite(node.data)]
    with numeric_mode("ieee"):
        root.backward()
    bad_gradients = [node for node in order if not isfinite(node.grad)]
    if finding is None:
        assert not bad_values
        assert not bad_gradients
    elif finding.kind == "value":
        assert finding.node in bad_values
        assert all(isfinite(parent.data) for parent in finding.parents)
    else:
        assert finding.kind == "gradient"
        assert not bad_values
        assert finding.parent in bad_gradients
        assert isfinite(finding.upstream or 0.0)
        assert isfinite(finding.before or 0.0)
        assert not isfinite((finding.before or 0.0) + (finding.upstream or 0.0) * finding.local)  # type: ignore[operator]
    if finding is not None:
        assert str(finding) == repr(finding)


@given(programs(ALL))
def test_a_sound_graph_has_nothing_to_find(program: Program) -> None:
    assert hunt(program.values()[-1]) is None


# --- what it says -------------------------------------------------------------------------------
def softmax_log() -> Value:
    xs = [Value(0.0, "a"), Value(1000.0, "b")]
    p = engine.softmax(xs)
    return -p[0].log() * 2


SAYS: list[tuple[Callable[[], Value], list[str]]] = [
    (
        softmax_log,
        ["log(p[0]) is -inf, the first that is not finite",
         ": p[0].log()",
         "  p[0] = softmax(a, b) = 0  test_hunt.py:",
         "try: log_softmax(xs)[k] is stable where log(softmax(xs)[k]) is not"],
    ),
    (
        lambda: (lambda x: -(x.sigmoid().log()))(Value(-1000.0, "x")),
        ["is -inf", "sigmoid(x) = 0", "try: -softplus(-x) is stable where log(sigmoid(x)) is not"],
    ),
    (
        lambda: engine.sum([Value(-800.0).exp(), Value(-900.0).exp()]).log(),
        ["try: logsumexp(xs) is stable"],
    ),
    (
        lambda: Value(800.0, "score").exp() - 1.0,
        ["exp(score) is inf", "score = 800  test_hunt.py:", "try: it overflows past 709.78"],
    ),
    (
        lambda: (Value(1.0, "a") / (Value(2.0, "b") - 2.0)).tanh(),
        ["is inf", "a = 1", "b - 2 = 0", "try: keep the divisor away from 0"],
    ),
    (
        lambda: (Value(3.0, "x") ** 2 + Value(0.0, "y")).log() * Value(0.0, "z").sqrt(),
        ["sqrt(z) is 0, but the gradient of z becomes inf",
         "it receives 2.197 from above times d ",
         " / d z = 0.5 × rsqrt(z) = inf",
         "try: sqrt needs an input >= 0 and its derivative one > 0; hypot(a, b) is safe at 0"],
    ),
    (
        lambda: (Value(0.0, "x").sqrt() * 0.0).tanh(),
        ["becomes nan", "0 × inf is nan", "choose with where()"],
    ),
    (
        lambda: engine.sum([Value(1e308, "w")] * 20) * 1e-300 * 0.0 + Value(nan, "input") * 2,
        ["is inf"],
    ),
    (lambda: Value(nan, "input") * 2 + 1, ["input is nan from the start: it came in as data"]),
    (lambda: Value(1.0, "x") * inf, ["a number is inf from the start"]),
    (lambda: (lambda x: x - x)(Value(inf, "x")), ["x - x is nan", "x = inf"]),
]  # fmt: skip


@pytest.mark.parametrize(("compute", "says"), SAYS)
def test_it_says_what_where_out_of_what_and_the_remedy(
    compute: Callable[[], Value], says: list[str]
) -> None:
    with numeric_mode("ieee"):
        value = compute()
    text = str(hunt(value))
    assert "test_hunt.py:" in text or "a number" in text
    for part in says:
        assert part in text


def test_a_gradient_that_overflows_in_a_sum_says_so() -> None:
    x = Value(1e-8, "x")
    a, b = x * 1e308, x * 1e308
    finding = hunt(a + b)
    assert finding is not None
    assert (finding.parent, finding.local, finding.before, finding.after) == (x, 1e308, 1e308, inf)
    assert "1e+308 + 1e+308 overflows" in str(finding)


def test_it_gives_the_exact_place() -> None:
    with numeric_mode("ieee"):
        x = Value(0.0, "x")
        y = 1.0 + x.log() * 2.0
    finding = hunt(y)
    assert finding is not None
    assert finding.origin is not None
    assert finding.origin.code == "x.log()"
    assert finding.origin.file == __file__
    assert finding.parents == (x,)
    assert finding.parent is None


# --- innocents ----------------------------------------------------------------------------------
def test_the_branch_not_taken_is_not_found_guilty() -> None:
    x = Value(0.0, "x")
    with numeric_mode("ieee"):
        good = engine.where(x > 0.0, x.log(), x * 2.0)
        bad = engine.where(x <= 0.0, x.log(), x * 2.0)
    assert hunt(good) is None
    assert str(hunt(bad)).startswith("log(x) is -inf")


def test_a_mask_of_minus_infinity_is_no_fault() -> None:
    scores = [Value(1.0, "a"), Value(2.0, "b") * 1.0, -inf]
    assert hunt(engine.softmax(scores)[0] * 3) is None


def test_those_that_passed_it_on_are_not_counted_and_other_makers_are() -> None:
    with numeric_mode("ieee"):
        bad = [Value(0.0, f"x{i}").log() for i in range(3)]
        y = (engine.sum(bad) * 2).tanh() + engine.sum([b - b for b in bad])
    finding = hunt(y)
    assert finding is not None
    assert finding.others == 2
    assert "2 more values went bad without help" in str(finding)


@pytest.mark.parametrize("many", [1, 5, 6, 7, 1006])
def test_six_parents_are_listed_each_once_and_no_number_of_the_source(many: int) -> None:
    """Finding and the NumericError of strict mode say the same of them."""
    xs = [Value(1e308, f"x{i}") for i in range(many)]
    with numeric_mode("ieee"):
        finding = hunt(engine.sum([*xs, xs[0], 1e308]))
    assert finding is not None
    assert finding.parents[:many] == tuple(xs)
    listed = [line.split() for line in str(finding).splitlines() if line.startswith("  x")]
    assert [words[:3] for words in listed] == [
        [f"x{i}", "=", "1e+308"] for i in range(min(many, 6))
    ]
    more = [line for line in str(finding).splitlines() if "more parent" in line]
    assert more == ([f"  … {many - 6:,} more parent" + "s" * (many > 7)] if many > 6 else [])
    operands = [*(f"x{i}=1e+308" for i in range(many)), "x0=1e+308", "1e+308"]
    named = ", ".join(operands[:6] + ["..."] * (len(operands) > 6))
    with pytest.raises(NumericError, match=f"^{re.escape(f'sum({named}) is inf')}"):
        engine.sum([*xs, xs[0], 1e308])


@pytest.mark.parametrize("label", ["a\nb", "\x1b[31mred", "\u202eback", "x" * 1000])
def test_a_label_does_nothing_to_the_text(label: str) -> None:
    with numeric_mode("ieee"):
        for y in (Value(0.0, label).log(), Value(nan, label) + 1, Value(0.0, label).sqrt()):
            lines = str(hunt(y)).splitlines()
            assert all(line.isprintable() or "\u200e" in line for line in lines)
            assert len(lines) <= 4


def test_what_is_no_value_and_what_is_stale_is_an_error() -> None:
    with pytest.raises(TypeError, match="hunt takes a Value, got float; give the loss"):
        hunt(1.0)  # type: ignore[arg-type]
    x = Value(1.0, "x")
    y = x * 2
    x.data = 3.0
    with pytest.raises(StaleValueError):
        hunt(y)


def test_a_long_chain_and_a_wide_sum_are_searched() -> None:
    with numeric_mode("ieee"):
        x = y = Value(1.0, "x")
        y = engine.sum([x] * 3000) * 1e308
        for _ in range(50_000):
            y = -y
    finding = hunt(y)
    assert isinstance(finding, Finding)
    assert finding.node.data == inf
    assert str(finding.node.op) == "mul"
    assert math.isinf(y.data)
