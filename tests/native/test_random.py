"""Random graphs: what native code answers is what the engine answers."""

import math
from collections.abc import Callable
from operator import add, mul, neg, sub, truediv
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine import Program, Value, gradient, hessian, where
from engine.core import inputs as open_inputs
from engine.explain.paths import path_sums
from tests.core import programs as random_graphs
from tests.native.tools import REDUCES, Reduce, alone, eager, ieee, reduced, same_bits, wiggle

some = settings(max_examples=max(settings.default.max_examples // 2, 8))  # each compiles


def leaves(numbers: tuple[float, ...], kinds: list[str]) -> list[Value]:
    """Leaves with numbers; all that may change are declared, so that comparisons are recorded."""
    made = [Value(x, f"leaf{i}") for i, x in enumerate(numbers)]
    open_inputs.declare([leaf for leaf, kind in zip(made, kinds, strict=True) if kind != "const"])
    return made


@some
@given(
    graph=random_graphs.programs(list(random_graphs.OPERATIONS), steps=8),
    kinds=st.lists(st.sampled_from(["input", "param", "const"]), min_size=3, max_size=3),
    order=st.sampled_from([0, 1, 2]),
    reduce=st.sampled_from([None, *REDUCES]),
    many=st.sampled_from([1, 3, 4, 9]),
)
def test_random_graphs(
    graph: random_graphs.Program, kinds: list[str], order: int, reduce: Reduce | None, many: int
) -> None:
    """Values, gradients and second derivatives, by row and reduced.

    The tolerance is 4 units in the last place of the result, and 4 times what such a unit of each
    node on the way is worth at the result (tools.wiggle).
    """
    kinds = ["input", *kinds][: len(graph.leaves)]
    made = leaves(graph.leaves, kinds)
    inputs = [leaf for leaf, kind in zip(made, kinds, strict=True) if kind == "input"]
    parameters = [leaf for leaf, kind in zip(made, kinds, strict=True) if kind == "param"]
    asked = inputs[:2] + parameters[:1]
    with ieee():
        top = graph.run(made)[-1]
        outputs = [top]
        if order > 0:
            outputs += gradient(top, asked)
        if order > 1:
            outputs += [each for row in hessian(top, asked[:2]) for each in row]
        program = Program(inputs, outputs, parameters, reduce)
        center = np.array([leaf.data for leaf in inputs])
        rows = center * (1 + np.linspace(0.0, 1e-5, many))[:, None]
        got = alone(program, rows) if many == 1 else program(rows)
        want = eager(inputs, outputs, rows)
    slack = 4 * wiggle(inputs, outputs, center) * 1.1 + 4 * np.spacing(np.abs(want)).max(axis=0)
    if reduce:
        slack = slack + many * 2.0**-52 * np.abs(want).max(axis=0)
        slack, want = slack * (many if reduce == "sum" else 1), reduced(want, reduce)
    np.testing.assert_array_less(np.abs(got - want), np.broadcast_to(slack + 1e-300, want.shape))


def choose_values(i: Any, a: Any, b: Any) -> Any:
    return engine.choose(where(i > 0, 1.0, 0.0), [a, b])


# Rows that are one instruction, or are computed in the same order.
EXACT: dict[str, tuple[int, Callable[..., Any]]] = {
    "add": (2, add),
    "sub": (2, sub),
    "mul": (2, mul),
    "div": (2, truediv),
    "neg": (1, neg),
    "abs": (1, abs),
    "relu": (1, engine.relu),
    "sqrt": (1, engine.sqrt),
    "leaky_relu": (1, lambda x: engine.leaky_relu(x, 0.25)),
    "clamp": (1, lambda x: engine.clamp(x, -1.0, 2.0)),
    "clamp to anything": (3, engine.clamp),
    "maximum": (3, engine.maximum),
    "minimum": (3, engine.minimum),
    "max": (2, engine.maximum),
    "max turned": (2, lambda a, b: engine.maximum(b, a)),
    "min turned": (2, lambda a, b: engine.minimum(b, a)),
    "greater": (2, lambda a, b: where(a > b, 1.0, -0.5)),
    "at least": (2, lambda a, b: where(a >= b, b, a)),
    "equal": (2, engine.equal),
    "select": (3, lambda t, a, b: where(t, a, b)),
    "choose": (3, choose_values),
    "square": (1, lambda x: x**2),
    "inverse": (1, lambda x: 1.0 / x),
    "half": (1, lambda x: x * 0.5 - 1.0),
}
anything = st.floats(allow_nan=True, allow_infinity=True)


@some
@given(data=st.data(), many=st.sampled_from([1, 2, 5, 8, 13]))
def test_elementwise_graphs_are_equal_to_the_bit(data: st.DataObject, many: int) -> None:
    """At all doubles: zeros of both signs, infinities, nans, subnormal numbers."""
    *inputs, parameter = engine.inputs("a", "b", "c", "p")
    parameter.data, constant = data.draw(anything), Value(data.draw(anything))
    nodes = [*inputs, parameter, constant]
    with ieee():
        for _ in range(data.draw(st.integers(3, 25))):
            count, function = EXACT[data.draw(st.sampled_from(sorted(EXACT)))]
            picks = [nodes[data.draw(st.integers(0, len(nodes) - 1))] for _ in range(count)]
            nodes.append(function(*picks))
        outputs = nodes[3:]
        program = Program(inputs, outputs, [parameter])
        special = [0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, 1.0, -1.0, 1.7e308]
        numbers = st.one_of(st.sampled_from(special), anything, st.floats(-3.0, 3.0))
        rows = [[data.draw(numbers) for _ in inputs] for _ in range(many)]
        got = alone(program, rows) if many == 1 else program(rows)
        want = eager(inputs, outputs, rows)
    for k, output in enumerate(outputs):
        assert same_bits(got[:, k], want[:, k]), (output.op, got[:, k], want[:, k])


def test_each_exact_row_at_every_pair_of_specials() -> None:
    specials = [0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, -5e-324, 1.0, -1.0, 0.5, 1e308]
    a, b, c = engine.inputs("a", "b", "c")
    with ieee():
        outputs = [f(*(a, b, c)[:count]) for count, f in EXACT.values()]
        program = Program([a, b, c], outputs)
        rows = [(x, y, z) for x in specials for y in specials for z in (1.0, 0.0, math.nan)]
        got, want = program(rows), eager([a, b, c], outputs, rows)
    wrong = [n for k, n in enumerate(EXACT) if not same_bits(got[:, k], want[:, k])]
    assert wrong == []


# Poles, kinks and branches of every kind, of two nodes: what is exact, so that no rounding decides.
BRANCHING: list[Callable[[Any, Any], Any]] = [
    *(add, sub, mul, truediv, engine.maximum, lambda a, b: engine.minimum(a, b, 1.0)),
    lambda a, b: a.sqrt() + b,
    lambda a, b: a**0.5 * b,
    lambda a, b: a**-1 + b,
    lambda a, b: abs(a) * b,
    lambda a, b: (a - b).relu() + a,
    lambda a, b: engine.leaky_relu(a) - b,
    lambda a, b: engine.clamp(a, -1.0, b),
    lambda a, b: engine.clamp(1.0, a, b),
    lambda a, b: where(a > b, a, b * 2.0),
    lambda a, b: where(a > 0.0, lambda: a.sqrt(), b),
    lambda a, b: where(engine.equal(a, b), a * 3.0, b.sqrt()),
    lambda a, b: engine.choose(where(a > b, 1.0, 0.0), [a, b]),
    lambda a, b: engine.choose(where(a >= 0.0, 0.0, 1.0), [a * 2.0, b.sqrt()]),
]


def branching(nodes: list[Any], plan: list[tuple[int, int, int]]) -> Any:
    """The last node of a graph; each step picks two of the latest."""
    for which, i, j in plan:
        nodes.append(BRANCHING[which](nodes[-1 - i % len(nodes)], nodes[-1 - j % len(nodes)]))
    return nodes[-1]


@some
@given(
    rows=st.lists(
        st.tuples(*[st.sampled_from([0.0, -0.0, 1.0, 2.0, -1.0, 0.5, -3.0])] * 3), min_size=1
    ),
    plan=st.lists(
        st.tuples(st.integers(0, len(BRANCHING) - 1), st.integers(0, 9), st.integers(0, 9)),
        min_size=1,
        max_size=9,
    ),
)
def test_each_row_is_its_own_graph(
    rows: list[tuple[float, ...]], plan: list[tuple[int, int, int]]
) -> None:
    """A program answers for each row what `backward()` leaves on the graph of that row alone, in
    which the branches that the row does not take are not there.
    """
    inputs = engine.inputs("a", "b", "c")
    with ieee():
        top = branching([*inputs], plan)
        found = Program(inputs, [top, *gradient(top, inputs)])(rows).tolist()
        for row, (value, *slopes) in zip(rows, found, strict=True):
            alone = [Value(x) for x in row]
            root = branching([*alone], plan)
            root.backward()
            assert same_bits([value + 0.0], [root.data + 0.0]), row
            size = path_sums(root).size
            for x, got in zip(alone, slopes, strict=True):
                scale = size.get(x, 0.0)
                # at a pole that is taken, terms of both signs may cancel to 0 or almost
                pole = math.isinf(scale) and not math.isfinite(got) and not math.isfinite(x.grad)
                near = pole or abs(got - x.grad) <= 1e-13 * scale
                assert near or same_bits([got + 0.0], [x.grad + 0.0]), (row, got, x.grad)


def test_a_graph_with_all_shapes_of_dot() -> None:
    """Of parameters, of inputs, of both, of constants; with and without a bias; many at a time."""
    xs = [Value(0.0, f"x{i}") for i in range(7)]
    ws = [[Value(math.sin(7 * j + i), "w") for i in range(7)] for j in range(9)]
    bs = [Value(0.1 * j, "b") for j in range(9)]
    outputs = [
        *[engine.dot(w, xs) for w in ws],
        *[engine.dot(xs, w, bias=b) for w, b in zip(ws, bs, strict=True)],
        *[engine.dot([0.25 * i for i in range(7)], xs, bias=b) for b in bs],
        *[engine.dot(xs[k:], xs[: 7 - k]) for k in range(7)],
        *[engine.dot(w, w, bias=xs[0]) for w in ws],
        *[engine.dot([*w[:3], *xs[3:]], xs) for w in ws],
        *[engine.dot(w, [xs[0], xs[0], *xs[2:]]) for w in ws],
        *[engine.dot([w[0]] * 7, xs) for w in ws],
    ]
    parameters = [*[w for row in ws for w in row], *bs]
    rows = np.random.default_rng(1).normal(size=(37, 7))
    want = eager(xs, outputs, rows)
    scale = eager(xs, [engine.dot(map(abs, w), [2.0] * 7) for w in ws], rows[:1]).max()
    np.testing.assert_allclose(
        Program(xs, outputs, parameters)(rows), want, rtol=1e-14, atol=scale * 1e-15
    )
    for reduce in REDUCES:
        np.testing.assert_allclose(
            Program(xs, outputs, parameters, reduce)(rows),
            reduced(want, reduce),
            rtol=1e-13,
            atol=scale * 1e-14,
        )
