"""Explanations, held against the enumeration of all paths where there are few enough."""

import math
import re
from collections.abc import Callable
from itertools import islice, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine
from engine import StaleValueError, Value, gradient, numeric_mode, operation, topological
from engine.core.value import is_constant
from engine.explain.explanation import explain
from engine.explain.paths import count, largest, path_sums
from engine.wording.names import number
from engine.wording.notation import locals_of
from tests.core.programs import OPERATIONS, Program, path_sum, programs
from tests.stepping.test_steps import WILD, WILD_PLANS, bits, wild

CALLED = re.compile(r"path(?: \d+)?: ")


def factors(output: Value, x: Value) -> list[list[float]]:
    """The local derivatives along every path there is, from the output down."""
    if output is x:
        return [[]]
    return [
        [local, *below]
        for parent, local in zip(output.parents, locals_of(output), strict=True)
        if local is not None and not is_constant(parent)
        for below in factors(parent, x)
    ]


def products(output: Value, x: Value) -> list[float]:
    return [math.prod(path) for path in factors(output, x)]


@given(programs([*OPERATIONS], steps=6), st.data())
def test_paths_are_those_of_the_enumeration_in_its_order(program: Program, data: Any) -> None:
    nodes = program.values()
    x = nodes[data.draw(st.integers(0, len(nodes) - 2))]
    everything = products(nodes[-1], x)
    found = path_sums(nodes[-1])
    open_ = [path for path in factors(nodes[-1], x) if all(path)]  # a product may underflow
    alive = sorted((abs(math.prod(path)) for path in open_), reverse=True)
    assert count(found, x) == (len(everything), len(alive))
    best = [*largest(found, x)]
    assert [abs(product) for product, _ in best] == pytest.approx(alive, rel=1e-12)
    assert len({tuple((id(e.node), e.position) for e in path) for _, path in best}) == len(best)
    for product, path in best:
        assert product == math.prod(edge.local for edge in path)
        assert [path[0].node, path[-1].parent] == [nodes[-1], x] if path else nodes[-1] is x
        assert all(a.parent is b.node for a, b in pairwise(path))
    if everything:
        size = sum(map(abs, everything))
        assert found.size[x] == pytest.approx(size, rel=1e-12)
        assert found.gradient[x] == pytest.approx(sum(everything), rel=1e-9, abs=1e-12 * size)


@given(programs([*OPERATIONS]))
def test_gradients_are_those_of_backward_to_the_last_bit(program: Program) -> None:
    nodes = program.values()
    found = path_sums(nodes[-1])
    slopes = gradient(nodes[-1], nodes[:-1])
    assert all(node.grad == 0.0 for node in nodes)
    nodes[-1].backward()
    scale = path_sum(nodes[-1])
    for node, slope in zip(nodes, slopes, strict=False):
        if node in found.gradient:
            assert found.gradient[node] == node.grad
            assert slope.data == pytest.approx(node.grad, rel=1e-9, abs=1e-12 * scale)


@given(programs([*OPERATIONS], steps=6), st.integers(1, 4))
def test_shares_and_the_rest_sum_up_to_the_gradient(program: Program, paths: int) -> None:
    nodes = program.values()
    x = nodes[0]
    text = explain(nodes[-1], x, paths=paths)
    everything = products(nodes[-1], x)
    headed = [line for line in text.splitlines() if CALLED.match(line)]
    alive = sum(map(bool, everything))  # a product that underflows may be shown as well
    assert min(paths, alive) <= len(headed) <= min(paths, len(everything))
    slope = gradient(nodes[-1], x).data
    rest = re.findall(r"^([\d,]+) more path", text, re.MULTILINE)
    assert [int(r.replace(",", "")) for r in rest] == [len(everything) - len(headed)] * (
        len(everything) > len(headed) > 0
    )
    shares = [float(s) for s in re.findall(r", (\S+) % of it", text)]
    if len(everything) > 1 and abs(slope) > 1e-2:
        assert sum(shares) == pytest.approx(100.0, abs=0.05 * (1 + sum(map(abs, shares)) / 100))


def test_the_chain_rule_is_written_step_by_step() -> None:
    x, w, b = Value(2.0, "x"), Value(-3.0, "w"), Value(6.5, "b")
    n = x * w + b
    loss = (n.tanh() - 1) ** 2
    table = [
        ["loss = (n.tanh() - 1) ** 2", "d loss / d (n.tanh() - 1) = 2 × (n.tanh() - 1) = -1.076"],
        ["n.tanh() - 1", "d (n.tanh() - 1) / d n.tanh() = 1"],
        ["tanh(n)", "d n.tanh() / d n = sech2(n) = 0.7864"],
        ["n = (x * w) + b", "d n / d (x * w) = 1"],
        ["x × w", "d (x * w) / d w = x = 2"],
    ]
    at = ["(n.tanh() - 1) = -0.5379", "n.tanh() = 0.4621", "n = 0.5", "(x * w) = -6", "w = -3"]
    assert explain(loss, w).splitlines() == [
        "d loss / d w = -1.692, along 1 path",
        "",
        "path: -1.076 × 1 × 0.7864 × 1 × 2 = -1.692",
        *(f"  {made:<26}  {slope:<55}  {x}" for (made, slope), x in zip(table, at, strict=True)),
    ]


def test_paths_that_cancel_show_shares_beyond_100_percent() -> None:
    w = Value(2.0, "w")
    text = explain(w * 3 - w * 2, w)
    assert re.findall(r"= (\S+), (\S+) % of it", text) == [("3", "+300"), ("-2", "-200")]
    assert "cancel" not in text
    text = explain(1000 * w - 1000.0001 * w, w)
    assert "why: the paths cancel: their sizes add up to 2000.0" in text
    assert "why: the paths cancel" in explain(w - w, w)


a, b, c = Value(2.0, "a"), Value(-3.0, "b"), Value(0.0, "c")
REASONS: dict[str, tuple[Callable[[], Value], Value, list[str]]] = {
    "dead relu": (lambda: b.relu() * a, b, ["step(b) = 0", "flat at b = -3 (a dead ReLU)"]),
    "factor": (lambda: b * c, b, ["d (b * c) / d b = c = 0", "a factor of 0 in b × c"]),
    "computed factor": (
        lambda: b * (a - 2),
        b,
        ["d (b * (a - 2)) / d b = a - 2 = 0", "0 in b × (a - 2)"],
    ),
    "number": (lambda: b * 0.0, b, ["a factor of 0 in b × 0"]),
    "saturated": (
        lambda: (b * 300).tanh(),
        b,
        ["tanh(b * 300) is flat at (b * 300) = -900 (saturated)"],
    ),
    "nearly": (
        lambda: (b * 10).sigmoid(),
        b,
        ["= 9.358e-14", "flat at (b * 10) = -30 (saturated)"],
    ),
    "clamped": (lambda: engine.clamp(b, -1.0, 1.0), b, ["is -1, and not b = -3"]),
    "maximum": (lambda: engine.maximum(a, b, c), b, ["maximum(a, b, c) is a, and not b = -3"]),
    "own": (lambda: flat(a), a, ["flat(a) is flat at a = 2"]),
    "absent": (
        lambda: a * c,
        b,
        ["b did not go into (a * c): it is none of the 3 values below it"],
    ),
    "detached": (lambda: a * b.detach(), b, ["another leaf is called b there", ".detach()"]),
    "taken out": (lambda: a * float(b), b, ["the number -3 is there"]),
    "branch": (lambda: engine.where(b > 0, b, a), b, ["where() links only the branch"]),
    "underflow": (lambda: a * 1e-200 * 1e-200, a, ["a factor of 1e-200"]),
}
flat = operation("flat", lambda x: 1.0, lambda y, x: 0.0)


@pytest.mark.parametrize("name", REASONS)
def test_the_reason_of_a_gradient_that_is_zero_or_tiny(name: str) -> None:
    build, x, said = REASONS[name]
    text = explain(build(), x)
    why = [line for line in text.splitlines() if line.startswith("why: ")]
    assert all(any(part in line for line in why) for part in said), text
    assert abs(gradient(build(), x).data) < 1e-9


@pytest.mark.parametrize("build", [lambda: a * b, lambda: a.relu() + b, lambda: (a * b).tanh()])
def test_an_ordinary_gradient_needs_no_reason(build: Callable[[], Value]) -> None:
    assert "why" not in explain(build(), a)


def test_a_gradient_that_vanishes_factor_by_factor_says_so() -> None:
    x = leaf = Value(1.0, "x")
    for _ in range(100):
        x = x * 0.5
    text = explain(x, leaf)
    assert "why: it vanishes: the 100 factors" in text
    assert "in the mean, and their product is about 1e-30" in text


def test_what_is_not_finite_names_the_first_value_the_first_step_and_the_remedy() -> None:
    text = explain(c.sqrt() * 3 + a, c)  # in strict mode
    assert text.startswith("d (c.sqrt() * 3 + a) / d c = inf")
    assert "the first step that is not finite: d c.sqrt() / d c = inf, times 3 from above" in text
    assert "(c = 0); sqrt needs an input >= 0" in text
    with numeric_mode("ieee"):
        loss = (b * 0).log() * a
    text = explain(loss, b)
    assert "log(b * 0) = -inf is the first value that is not finite (b * 0 = -0)" in text
    assert text.count("; log needs an input > 0") == 2


def test_an_operation_of_ones_own_may_raise() -> None:
    bad = operation(
        "bad", lambda x: x, lambda y, x: 1.0 / (x.data - 2.0 if isinstance(x, Value) else x - 2.0)
    )
    text = explain(bad(a), a)
    assert text.startswith("d bad(a) / d a = nan")
    assert text.endswith("times 1 from above, through bad(a) (a = 2)")


def test_2_to_the_60_paths_are_counted_and_not_listed() -> None:
    x = leaf = Value(1.0, "x")
    for _ in range(60):
        x = x * 0.5 + x * 0.75
    text = explain(x, leaf, paths=3)
    assert "along 1,152,921,504,606,846,976 paths" in text
    assert "1,152,921,504,606,846,973 more paths: " in text
    best = [product for product, _ in islice(largest(path_sums(x), leaf), 62)]
    assert best == pytest.approx([0.75**60] + [0.75**59 * 0.5] * 60 + [0.75**58 * 0.25])


def test_equal_paths_do_not_send_the_search_to_and_fro() -> None:
    x = leaf = Value(1.0, "x")
    for _ in range(300):
        x = x * 0.3 + x * 0.3  # products that round differently along the way
    found = path_sums(x)
    best = [*islice(largest(found, leaf), 20)]
    assert len(best) == 20
    assert count(found, leaf) == (2**300, 2**300)
    assert "along about 10^90 paths" in explain(x, leaf)


def test_a_chain_of_100_000_shows_the_two_ends_of_its_path() -> None:
    x = leaf = Value(0.5, "x")
    for _ in range(100_000):
        x = x.sin()
    text = explain(x, leaf)
    assert "… 99,988 more factors, together " in text
    assert len(text.splitlines()) < 20


def test_paths_with_a_factor_of_zero_are_counted_with_the_rest() -> None:
    text = explain(a * 3 + b.relu() * a + a * c, a)
    assert "2 more paths (2 of them with a factor of 0): 0, +0 % of it" in text


def test_what_rounding_leaves_is_no_share_of_paths_that_are_zero() -> None:
    w = Value(0.3, "w")
    text = explain(sum((w * x - 2 * x) ** 2 for x in (0.0, 1.0, 2.0)), w)
    assert "1 more path (1 of them with a factor of 0): 0, +0 % of it" in text


def test_without_a_value_each_leaf_has_a_line_the_largest_gradient_first() -> None:
    text = explain((a * 3 + b) * b + a * a, None)
    lines = [re.split(r"  +", line) for line in text.splitlines()[2:]]
    assert lines == [
        ["a", "add · mul · add · mul", "-5", "-9, +180 % of it"],
        ["b", "add · mul", "0", "3"],
    ]
    many = explain(engine.sum([Value(1.0) for _ in range(30)]))
    assert many.splitlines()[-1] == "… and 10 more leaves, with smaller gradients"
    assert len(many.splitlines()) == 23


def test_explaining_changes_nothing() -> None:
    x = Value(2.0, "x")
    y = x * x
    y.backward()
    y.label = None
    before = [(n.data, n.grad, n.label, n.parents) for n in topological(y)]
    explain(y, x)
    explain(y)
    assert [(n.data, n.grad, n.label, n.parents) for n in topological(y)] == before


def test_errors_say_what_is_expected() -> None:
    with pytest.raises(TypeError, match="explain takes Values, got float for a loss"):
        explain(3.0)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="got str for the value"):
        explain(a * b, "a")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="from 1 on, got 0"):
        explain(a * b, a, paths=0)
    x = Value(1.0)
    y = x * 2
    x.data = 3.0
    with pytest.raises(StaleValueError):
        explain(y, x)
    assert "it is the loss itself" in explain(x, x)


@given(st.lists(WILD, min_size=2, max_size=4), WILD_PLANS)
def test_around_poles_and_kinks_it_says_what_backward_gives(
    leaves: list[float], plan: list[tuple[int, int, int]]
) -> None:
    with numeric_mode("ieee"):
        loss = wild(leaves, plan)
        loss.backward()
    found = path_sums(loss)
    nodes = [node for node in topological(loss) if not is_constant(node)]
    assert bits([found.gradient[node] for node in nodes]) == bits([node.grad for node in nodes])
    for leaf in nodes[:2]:
        text = explain(loss, leaf)
        assert f"= {number(leaf.grad)}" in text.splitlines()[0]
        paths = [math.prod(path) for path in factors(loss, leaf)]
        if all(map(math.isfinite, [*paths, leaf.grad])) and found.size[leaf] < 1e300:
            tolerance = 1e-12 * found.size[leaf] + 1e-300
            assert math.fsum(paths) == pytest.approx(leaf.grad, abs=tolerance)


def test_a_number_in_an_expression_has_no_path() -> None:
    x = Value(3.0, "x")
    y = x * 2.0
    assert explain(y, y.parents[1]).startswith("d y / d 2 = 0, along 0 paths")
