"""All readings of a gradient agree to the bit: there is one reverse pass, and one way to an edge.

The graphs are random, with sharing, branches, poles and kinks, in ieee mode: infinities and nans
are part of them.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

import engine
from engine import NumericError, Value, gradient, numeric_mode, topological
from engine.core.graph import reverse_order
from engine.core.inputs import is_open
from engine.core.node import edges
from engine.core.operation import rows
from engine.explain.hunt import hunt
from engine.explain.paths import path_sums
from engine.stepping import to_source
from engine.wording.names import identifiers

NUMBERS = st.sampled_from(
    [0.0, -0.0, 1.0, 2.0, -1.0, 0.5, -3.0, 1e-300, 1e200, math.inf, -math.inf, math.nan]
)

# Each takes two nodes. Poles, kinks and branches of every kind, around each other.
OPERATIONS: list[Callable[[Value, Value], Value]] = [
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b,
    lambda a, b: a / b,
    lambda a, b: a.sqrt() + b,
    lambda a, b: a.log() - b,
    lambda a, b: a**0.5 * b,
    lambda a, b: a**-1 + b,
    lambda a, b: abs(a) * b,
    lambda a, b: a.relu() + b.tanh(),
    lambda a, b: (a - b).relu(),
    lambda a, b: engine.maximum(a, b),
    lambda a, b: engine.minimum(a, b, 1.0),
    lambda a, b: engine.clamp(a, -1.0, b),
    lambda a, b: engine.where(a > b, a, b * 2.0),
    lambda a, b: engine.where(a > 0.0, lambda: a.sqrt(), b),
    lambda a, b: engine.choose(1.0, [a, b]),
    lambda a, b: engine.choose(0.0, [a * 2.0, b.sqrt()]),
    lambda a, b: rows.select(rows.greater(a, b), a, b),
    lambda a, b: engine.hypot(a, b),
    lambda a, b: engine.dot([a, b], [b, a], a),
    lambda a, b: engine.logsumexp([a, b]),
]
PLANS = st.lists(
    st.tuples(st.integers(0, len(OPERATIONS) - 1), st.integers(0, 99), st.integers(0, 99)),
    min_size=1,
    max_size=9,
)


def build(leaves: Sequence[float], plan: Sequence[tuple[int, int, int]]) -> tuple[Value, list[Any]]:
    """The last node of a plan, and its leaves."""
    nodes = [Value(x, f"x{i}") for i, x in enumerate(leaves)]
    for which, i, j in plan:
        a, b = nodes[-1 - i % len(nodes)], nodes[-1 - j % len(nodes)]
        nodes.append(OPERATIONS[which](a, b))
    return nodes[-1], nodes[: len(leaves)]


def bits(x: float) -> str:
    return float.hex(x) if x == x else "nan"


def by_source(root: Value, nodes: Sequence[Value]) -> list[float]:
    """The gradients of these nodes by the unrolled program."""
    run = root.trace_backward()
    program: dict[str, Any] = {"__name__": "unrolled"}
    exec(to_source(run), program)
    names = identifiers(reversed(run.nodes))
    return [program[names[node]].grad for node in nodes]


@given(st.lists(NUMBERS, min_size=2, max_size=3), PLANS)
def test_all_readings_agree_to_the_bit(
    leaves: list[float], plan: list[tuple[int, int, int]]
) -> None:
    with numeric_mode("ieee"):
        root, inputs = build(leaves, plan)
        root.backward()
        nodes = [n for n in topological(root) if n.op is None or n.parents]
        wanted = [bits(node.grad) for node in nodes]

        root.zero_grad()
        for _ in root.backward_steps():
            pass
        assert [bits(node.grad) for node in nodes] == wanted, "steps"

        root.zero_grad()
        run = root.trace_backward()
        run.goto(-1)
        assert [bits(node.grad) for node in nodes] == wanted, "run"
        assert [bits(run.gradient(node)) for node in nodes] == wanted, "run.gradient"

        root.zero_grad()
        found = path_sums(root)
        assert [bits(found.gradient[node]) for node in nodes] == wanted, "explain"
        assert [bits(x) for x in by_source(root, nodes)] == wanted, "source"
        finding = hunt(root)
        good = all(math.isfinite(x) for node in nodes for x in (node.data, found.gradient[node]))
        given = all(map(math.isfinite, leaves))  # else nothing need have gone bad on the way
        assert not given or (finding is None) == good, "hunt"

        root.zero_grad()
        order = reverse_order(root)
        root.grad = 1.0
        for node in order:
            for parent, local in edges(node):
                if local is not None and not engine.core.value.is_constant(parent):
                    parent.grad += node.grad * local
        assert [bits(node.grad) for node in nodes] == wanted, "the loop of a reader"

        for x, got in zip(inputs, gradient(root, inputs), strict=True):
            assert bits(got.data + 0.0) == bits((x.grad if x in nodes else 0.0) + 0.0), "gradient"


@given(
    st.lists(NUMBERS, min_size=2, max_size=3),
    PLANS,
    st.sampled_from([1.0, -0.0, 1e308, math.inf]),
    st.sampled_from([0.0, 1.0, 1.5e308, math.inf]),
)
@example([1.0, 1.0], [(0, 0, 1)], 1e308, 1.5e308)  # the sum with the earlier gradient overflows
def test_in_strict_mode_all_readings_raise_the_same_error(
    leaves: list[float], plan: list[tuple[int, int, int]], seed: float, earlier: float
) -> None:
    def by_backward(root: Value) -> None:
        root.backward(seed)

    def by_steps(root: Value) -> None:
        for _ in root.backward_steps(seed):
            pass

    def by_run(root: Value) -> None:
        root.trace_backward(seed).goto(-1)

    def attempt(read: Callable[[Value], None]) -> tuple[str, list[str]]:
        try:
            root, _ = build(leaves, plan)
        except (NumericError, OverflowError):
            assume(False)
        nodes = [node for node in topological(root) if node.op is None or node.parents]
        for node in nodes:
            node.grad = earlier
        said = ""
        try:
            read(root)
        except NumericError as error:
            said = str(error)
        return said, [bits(node.grad) for node in nodes]

    wanted = attempt(by_backward)
    assert attempt(by_steps) == wanted
    assert attempt(by_run) == wanted


BRANCHES: dict[str, Callable[[Value, Value], Value]] = {
    "where": lambda bad, good: engine.where(good > 0.0, good, bad),
    "select": lambda bad, good: rows.select(rows.greater(good, 0.0), good, bad),
    "choose": lambda bad, good: engine.choose(1.0, [bad, good]),
    "maximum": lambda bad, good: engine.maximum(bad - 1e9, good),
    "minimum": lambda bad, good: engine.minimum(bad + 1e9, good),
    "clamp": lambda bad, good: engine.clamp(bad, good, 1e9),
    "clamp from above": lambda bad, good: engine.clamp(bad + 1e9, -1e9, good),
    "relu": lambda bad, good: (bad - 1e9).relu() + good,
}
POLES: dict[str, Callable[[Value], Value]] = {
    "sqrt": lambda x: x.sqrt(),
    "root": lambda x: x**0.5,
    "cube root": lambda x: x ** (1 / 3),
    "hypot by hand": lambda x: (x * x).sqrt(),
    "deep": lambda x: ((x.sqrt() * 2.0).tanh() + x).sqrt(),
}


@pytest.mark.parametrize("pole", POLES.values(), ids=POLES)
@pytest.mark.parametrize("branch", BRANCHES.values(), ids=BRANCHES)
def test_a_branch_that_is_not_taken_hands_on_exactly_nothing(
    branch: Callable[[Value, Value], Value], pole: Callable[[Value], Value]
) -> None:
    """In strict mode, where 0 times the infinite derivative at the pole would be an error."""
    z, w = Value(0.0, "z"), Value(3.0, "w")
    y = branch(pole(z), w)
    y.backward()
    assert (z.grad, w.grad) == (0.0, 1.0)
    assert [g.data for g in gradient(y, [z, w])] == [0.0, 1.0]
    assert [h.data for row in engine.hessian(y, [z, w]) for h in row] == [0.0] * 4
    assert engine.jvp(y, {z: 5.0, w: 2.0}).data == 2.0
    y.zero_grad()
    for step in y.backward_steps():
        assert math.isfinite(step.contribution)
    assert (z.grad, w.grad) == (0.0, 1.0)
    run = y.trace_backward()
    assert [run.gradient(x) for x in (z, w) if x in run.nodes] in ([0.0, 1.0], [1.0])


@pytest.mark.parametrize("pole", POLES.values(), ids=POLES)
@pytest.mark.parametrize("branch", BRANCHES.values(), ids=BRANCHES)
def test_nor_does_it_in_a_program(
    branch: Callable[[Value, Value], Value], pole: Callable[[Value], Value]
) -> None:
    z, w = engine.inputs("z", "w")
    y = branch(pole(z), w)
    program = engine.Program([z, w], [y, *gradient(y, [z, w])])
    assert program([[0.0, 3.0]]).tolist() == [[3.0, 0.0, 1.0]]


OVERFLOWS: dict[str, Callable[[Value], Value]] = {
    "product": lambda x: x * x * x,
    "power": lambda x: x**3,
    "exp": lambda x: x.exp() + x,
    "quotient": lambda x: x / (1.0 / x),
    "prod": lambda x: (x * 2.0) * (x * x).sqrt(),
}
LEFT_OUT: dict[str, Callable[[Value, Value], Value]] = {
    **{name: BRANCHES[name] for name in ("where", "select", "choose", "minimum")},
    "maximum": lambda bad, good: engine.maximum(-bad, good),
    "clamp": lambda bad, good: engine.clamp(-bad, good, 1e9),
    "clamp from above": lambda bad, good: engine.clamp(bad, -1e9, good),
    "relu": lambda bad, good: (-bad).relu() + good,
    "hardtanh": lambda bad, good: engine.hardtanh(bad) + good - 1.0,
    "within a branch": lambda bad, good: engine.minimum(engine.maximum(bad, -good), good),
}


@pytest.mark.parametrize("big", [1e200, math.inf])
@pytest.mark.parametrize("overflow", OVERFLOWS.values(), ids=OVERFLOWS)
@pytest.mark.parametrize("branch", LEFT_OUT.values(), ids=LEFT_OUT)
def test_nor_does_one_that_overflows(
    branch: Callable[[Value, Value], Value], overflow: Callable[[Value], Value], big: float
) -> None:
    with numeric_mode("ieee"):
        for x, w in ((Value(big), Value(3.0)), engine.inputs("x", "w")):
            y = branch(overflow(x), w)
            slopes = [*gradient(y, [x, w]), engine.jvp(y, {w: 1.0}), engine.jvp(y, {x: 1.0})]
            if is_open(x):
                found = engine.Program([x, w], slopes)([[big, 3.0]])[0].tolist()
            else:
                found = [slope.data for slope in slopes]
            assert found == [0.0, 1.0, 1.0, 0.0]


def test_what_a_relu_leaves_out_does_not_move() -> None:
    """The root has an infinite derivative at 0, but neither side of the sweep has to do with it."""
    for x in (Value(-1.0), Value(0.0)):
        y = x.relu().sqrt()
        assert engine.jvp(y, {x: 1.0}).data == 0.0
        with numeric_mode("ieee"):
            assert gradient(y, x).data == 0.0
        for derive in (  # they come to the gradient of the relu
            y.backward,
            y.trace_backward,
            lambda y=y: [*y.backward_steps()],
            lambda y=y, x=x: gradient(y, x),
        ):
            with pytest.raises(engine.NumericError, match=r"sqrt\(x\.relu\(\)=0\.0\)"):
                derive()


def test_a_factor_of_zero_is_no_branch() -> None:
    """The square of a root has the derivative 1 at 0: 0 times an infinity is no answer, but nan."""
    x = Value(0.0)
    with numeric_mode("ieee"):
        root = x.sqrt()
        (root * root).backward()
    assert math.isnan(x.grad)


@pytest.mark.parametrize("seed", [math.inf, math.nan, 0.0])
def test_a_seed_that_is_not_finite_goes_where_the_branch_went(seed: float) -> None:
    with numeric_mode("ieee"):
        for build in (lambda x, b: engine.maximum(x, b * 0.0), lambda x, b: b.relu() + x):
            x, b = Value(0.5), Value(-1.0)
            y = build(x, b)
            y.backward(seed)
            got = engine.vjp([y], [x, b], [seed])
            assert [bits(g.data + 0.0) for g in got] == [bits(x.grad + 0.0), bits(b.grad + 0.0)]


def test_a_quotient_that_is_rounded_may_be_infinite_for_those_above_it() -> None:
    with numeric_mode("ieee"):
        a, b, c = Value(1.0), Value(2.0), Value(0.0)
        y = engine.maximum(a, b) * (b // c)
        y.backward()
        assert [bits(g.data) for g in gradient(y, [a, b, c])] == [bits(n.grad) for n in (a, b, c)]
