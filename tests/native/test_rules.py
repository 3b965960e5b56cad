"""Each rule answers what the row's float function answers."""

import inspect
import itertools
import math
from collections import defaultdict
from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest

from engine import Value, gradient, numeric_mode
from engine.core.node import Node
from engine.core.operation import TABLE, floats
from engine.native.emit.vector import Vector
from engine.native.math.powers import power_partial
from engine.native.math.reductions import STEPS
from engine.native.math.rules import RULES
from engine.operations.softmax import _exp_difference
from tests.core.test_conformance import CASES, build, number
from tests.native.harness import SPECIALS, Array, Compiled, doubles
from tests.operations.rows import MORE

NARY = {"choose", "sum", "dot", "maximum", "minimum", "logsumexp", "softmax", "log_softmax"}
ANY = [name for name in RULES if name != "power_partial"]  # whose orders are small whole numbers
EDGES = [*SPECIALS, 1.0000001, 0.9999999, 709.78, 710.0, -38.0, -39.0, -40.0]


def inputs(name: str) -> int:
    if name in ("abs", "tanh", "hypot"):
        return 2 if name == "hypot" else 1
    return len(inspect.signature(TABLE[name].function).parameters)


@cache
def compiled(name: str) -> Compiled:
    return Compiled(RULES[name], inputs(name))


def meets(got: float, want: float) -> bool:
    if math.isnan(want) or math.isinf(want):
        return got == want or (got != got and want != want)
    if want == 0.0 and got == 0.0:
        return math.copysign(1.0, got) == math.copysign(1.0, want)
    return abs(got - want) <= max(1e-12 * abs(want), 8 * math.ulp(want))


def pairs(edges: list[float]) -> Array:
    return np.array(list(itertools.product(edges, repeat=2))).T


def check(name: str, columns: Array) -> None:
    function = TABLE[name].function
    for got, *xs in zip(compiled(name)(*columns).tolist(), *columns.tolist(), strict=True):
        want = float(function(*xs))
        assert meets(got, want), f"{name}{tuple(xs)} is {got!r}, not {want!r}"


def test_every_row_of_the_core_runs_in_vectors() -> None:
    """By a rule, or as a loop, or in steps, or made of others. Rows of the other rooms may be calls
    of their float functions.
    """
    engine = {name for name, row in TABLE.items() if not row.own}
    assert engine - MORE - NARY - {"constant", "where"} == RULES.keys() - MORE


@pytest.mark.parametrize("name", RULES)
def test_a_rule_is_its_row_on_its_domain(name: str) -> None:
    domain = TABLE[name].domain
    each = [domain] * inputs(name) if isinstance(domain[0], float) else domain
    rng = np.random.default_rng(3)
    check(name, np.array([rng.uniform(*interval, 2000) for interval in each]))


@pytest.mark.parametrize("name", ANY)
def test_a_rule_is_its_row_anywhere(name: str) -> None:
    n, rng = inputs(name), np.random.default_rng(4)
    check(name, np.array([doubles(2000, seed) for seed in range(n)]))
    check(name, rng.normal(size=(n, 2000)) * 10)
    check(name, np.round(rng.normal(size=(n, 1000)) * 4))


@pytest.mark.parametrize("name", ANY)
def test_a_rule_is_its_row_at_the_edges(name: str) -> None:
    n = inputs(name)
    edges = EDGES if n < 3 else [*EDGES[::3], -math.inf, math.inf, math.nan, 0.0, 1.0]
    check(name, np.array(list(itertools.product(edges, repeat=n))).T)


@pytest.mark.parametrize(("j", "k"), [(1, 0), (0, 1), (2, 0), (1, 1), (0, 2), (3, 0), (1, 2)])
def test_power_partial_of_constant_orders(j: int, k: int) -> None:
    rng = np.random.default_rng(9)
    ordinary = np.array([np.exp(rng.uniform(-3, 3, 2000)), rng.uniform(-9, 9, 2000)])
    x, y = np.concatenate([ordinary, pairs(EDGES)], axis=1)
    run = Compiled(
        lambda a, b: power_partial(a, b, a.body.constant(float(j)), a.body.constant(float(k))), 2
    )
    for got, a, b in zip(run(x, y).tolist(), x.tolist(), y.tolist(), strict=True):
        want = floats.power_partial(a, b, j, k)
        # terms of both signs may cancel: what they are made of is the scale
        scale = floats.pow(a, b - j) * (1 + min(abs(b), 1e60)) ** j if a > 0.0 else 0.0
        scale *= (1 + abs(floats.log(a))) ** k if math.isfinite(scale) and scale else 1.0
        assert meets(got, want) or abs(got - want) <= 4e-15 * scale, (a, b, got, want)


# --- the table of cases --------------------------------------------------------------------------
def nodes(root: Value) -> Iterator[Node]:
    seen = set[int]()
    stack: list[Node] = [root]
    while stack:
        node = stack.pop()
        if id(node) not in seen:
            seen.add(id(node))
            yield node
            stack += node.parents


def graphs() -> Iterator[Value]:
    """Value, first and second derivatives of each case; the long chains say nothing new."""
    for case in CASES:
        if case["op"].startswith(("chain", "fanout")):
            continue
        leaves = [Value(number(x)) for x in case["inputs"]]
        output = build(case["op"])(*leaves)
        slopes = gradient(output, leaves)
        yield output
        yield from slopes
        for leaf, slope in zip(leaves, slopes, strict=True):
            yield gradient(slope, leaf)


def test_rules_meet_every_operation_of_the_cases() -> None:
    met: defaultdict[str, set[tuple[str, ...]]] = defaultdict(set)
    with numeric_mode("ieee"):
        for root in graphs():
            for node in nodes(root):
                if node.op is not None and node.op.name in RULES:
                    met[node.op.name].add(tuple(repr(p.data) for p in node.parents))
    assert len(met) > 30
    assert sum(map(len, met.values())) > 2000
    for name, found in met.items():
        if all(len(inputs_) == inputs(name) for inputs_ in found):
            check(name, np.array([[float(x) for x in xs] for xs in found]).T)
        else:
            pytest.fail(f"{name} is recorded with {set(map(len, found))} parents")


# --- parts of what takes any number of inputs ----------------------------------------------------
def test_exp_difference() -> None:
    rng = np.random.default_rng(8)
    m = np.concatenate([rng.normal(size=4000) * 30, doubles(2000, 1)])
    with np.errstate(invalid="ignore"):
        x = m - np.concatenate([rng.exponential(30, 4000), np.abs(doubles(2000, 2))])
    x, m = (np.concatenate([c, edge]) for c, edge in zip((x, m), pairs(EDGES), strict=True))
    ordered = (x <= m) | np.isnan(m)
    x, m = x[ordered], m[ordered]
    for got, a, b in zip(
        Compiled(STEPS["exp_difference"], 2)(x, m), x.tolist(), m.tolist(), strict=True
    ):
        infinite = math.isinf(b)
        want = float(a == b and b > 0.0) if infinite else _exp_difference(a, b)
        assert meets(got, want), (a, b, got, want)


def test_the_larger_and_the_smaller_let_a_nan_win() -> None:
    a, b = pairs(EDGES)
    for rule, function in ((Vector.maximum, floats.maximum), (Vector.minimum, floats.minimum)):
        found = Compiled(rule, 2)(a, b)
        want = [function(*pair) for pair in zip(a.tolist(), b.tolist(), strict=True)]
        assert np.array_equal(found, want, equal_nan=True)
