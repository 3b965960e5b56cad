"""Networks: odd widths, every number of rows, shared and computed weights, odd outputs."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import engine
from engine import Program, Value, gradient, inputs
from tests.native.tools import (
    REDUCES,
    SIZES,
    Array,
    Reduce,
    alone,
    eager,
    near,
    reduced,
    same_bits,
)

Activation = Callable[[Value], Value]
ACTIVATIONS: dict[str, tuple[Activation, Any, Any]] = {
    "relu": (engine.relu, lambda z: np.maximum(z, 0.0), lambda z, a: (z > 0) * 1.0),
    "tanh": (engine.tanh, np.tanh, lambda z, a: 1 - a * a),
    "sigmoid": (engine.sigmoid, lambda z: 1 / (1 + np.exp(-z)), lambda z, a: a * (1 - a)),
}


class Net:
    """A network with a loss, as a graph, and once more in NumPy with its backward pass."""

    def __init__(self, widths: Sequence[int], activation: str, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.widths, self.activation = widths, activation
        self.weights = [
            self.rng.normal(size=(j, i)) / np.sqrt(i) for i, j in itertools.pairwise(widths)
        ]
        self.biases = [self.rng.normal(size=j) * 0.3 for j in widths[1:]]
        self.xs = [Value(0.0, f"x{i}") for i in range(widths[0])]
        classes = widths[-1] > 1
        self.target = engine.inputs("y")[0] if classes else Value(0.0, "y")
        self.parameters: list[Value] = []
        hidden: list[Value] = self.xs
        for k, (w, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            values = [[Value(x) for x in row] for row in w.tolist()]
            offsets = [Value(x) for x in b.tolist()]
            hidden = [
                engine.dot(row, hidden, bias=bias)
                for row, bias in zip(values, offsets, strict=True)
            ]
            if k < len(self.weights) - 1:
                hidden = [ACTIVATIONS[activation][0](h) for h in hidden]
            self.parameters += [*[v for row in values for v in row], *offsets]
        self.logits = hidden
        if classes:
            self.loss = -engine.choose(self.target, engine.log_softmax(hidden))
        else:
            self.loss = (hidden[0] - self.target) ** 2
        self.inputs = [*self.xs, self.target]
        self.outputs = [self.loss, *gradient(self.loss, self.parameters)]

    def rows(self, many: int) -> Array:
        rows = self.rng.normal(size=(many, len(self.inputs)))
        if self.widths[-1] > 1:
            rows[:, -1] = self.rng.integers(self.widths[-1], size=many)
        return rows

    def oracle(self, rows: Array) -> Array:
        """Loss and gradients of each row."""
        _, act, slope = ACTIVATIONS[self.activation]
        a, zs, activations = rows[:, :-1], [], [rows[:, :-1]]
        for k, (w, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            z = a @ w.T + b
            a = act(z) if k < len(self.weights) - 1 else z
            zs.append(z)
            activations.append(a)
        y = rows[:, -1]
        if self.widths[-1] > 1:
            shifted = z - z.max(axis=1, keepdims=True)
            logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
            hot = np.eye(self.widths[-1])[y.astype(int)]
            loss, delta = -(logs * hot).sum(axis=1), np.exp(logs) - hot
        else:
            loss, delta = (z[:, 0] - y) ** 2, 2 * (z - y[:, None])
        parts: list[Array] = []
        for k in reversed(range(len(self.weights))):
            outer = delta[:, :, None] * activations[k][:, None, :]
            parts[:0] = [outer.reshape(len(rows), self.weights[k].size), delta]
            if k:
                delta = (delta @ self.weights[k]) * slope(zs[k - 1], activations[k])
        return np.concatenate([loss[:, None], *parts], axis=1)


NETS = [
    *[((a, b, c), name) for (a, b, c), name in zip(
        [(1, 1, 1), (2, 1, 2), (1, 3, 1), (3, 2, 5), (5, 17, 1), (7, 13, 3), (10, 7, 10),
         (13, 5, 2), (17, 10, 7), (2, 16, 1), (8, 8, 8), (4, 24, 4)],
        itertools.cycle(ACTIVATIONS))],
    ((2, 3, 5, 7, 1), "relu"),
    ((3, 10, 1, 13, 2), "tanh"),
    ((5, 7, 7, 7, 10), "sigmoid"),
    ((1, 17, 17, 1), "tanh"),
    ((6, 33, 2), "relu"),
    ((2, 5), "relu"),
    ((9, 1), "tanh"),
]  # fmt: skip


@pytest.mark.parametrize(("widths", "activation"), NETS, ids=str)
def test_networks_of_odd_widths(widths: tuple[int, ...], activation: str) -> None:
    net = Net(widths, activation)
    rows = net.rows(53)
    want = net.oracle(rows)
    near(eager(net.inputs, net.outputs, rows[:3]), want[:3], 1e-11, 1e-13)
    some = range(0, len(net.outputs), 1 + len(net.outputs) // 20)
    each = Program(net.inputs, [net.outputs[k] for k in some], net.parameters)
    near(each(rows), want[:, some], 1e-11, 1e-13)
    step = Program(net.inputs, net.outputs, net.parameters, "mean")
    near(step(rows), want.mean(axis=0), 1e-11, 1e-13)


@pytest.fixture(scope="module")
def net() -> Net:
    return Net((3, 7, 6, 4), "tanh", seed=5)


@pytest.fixture(scope="module")
def programs(net: Net) -> dict[Reduce | None, Program]:
    choices: list[Reduce | None] = [None, *REDUCES]
    return {each: Program(net.inputs, net.outputs, net.parameters, each) for each in choices}


@pytest.mark.parametrize("many", SIZES)
def test_any_number_of_rows(many: int, net: Net, programs: dict[Reduce | None, Program]) -> None:
    rows = net.rows(many)
    want = net.oracle(rows)
    got = programs[None](rows)
    assert got.shape == (many, len(net.outputs))
    near(got, want, 1e-11, 1e-13)
    near(programs["sum"](rows), want.sum(axis=0), 1e-11, 1e-11)
    if many:
        near(programs["mean"](rows), want.mean(axis=0), 1e-11, 1e-13)
    else:
        with pytest.raises(ValueError, match="the mean over no rows is undefined"):
            programs["mean"](rows)


def test_every_number_of_rows(net: Net, programs: dict[Reduce | None, Program]) -> None:
    """Whatever a block holds, here are one, two and three of them, filled exactly."""
    rows = net.rows(600)
    want = net.oracle(rows)
    near(programs[None](rows), want, 1e-11, 1e-13)
    for many in range(4, 600, 4):
        near(programs[None](rows[:many]), want[:many], 1e-11, 1e-13)


@pytest.mark.parametrize("many", [1, 63, 64, 65, 500])
def test_a_row_does_not_depend_on_its_neighbours(
    many: int, net: Net, programs: dict[Reduce | None, Program]
) -> None:
    rows = net.rows(many)
    whole = programs[None](rows)
    for k in {0, many // 2, many - 1}:
        assert (programs[None](rows[k : k + 1])[0] == whole[k]).all()
    assert (programs[None](rows[::-1])[::-1] == whole).all()


@pytest.mark.parametrize("many", SIZES[1:])
@pytest.mark.parametrize("reduce", REDUCES)
def test_totals_over_any_number_of_rows(many: int, reduce: Reduce) -> None:
    """Of a single input, of products, and of what is the same for all rows."""
    x, y, w = Value(0.0, "x"), Value(0.0, "y"), Value(3.0, "w")
    outputs = [x, y, x, x * y, x * x, w * x, w * w, w, Value(2.0), x * y + x, (x * w).tanh()]
    rows = np.random.default_rng(many).normal(size=(many, 2))
    got = Program([x, y], outputs, [w], reduce)(rows)
    want = eager([x, y], outputs, rows)
    near(got, reduced(want, reduce), 1e-13, 1e-15 * np.abs(want).sum())


def test_weights_used_twice_and_layers_that_share() -> None:
    rng = np.random.default_rng(3)
    ws = [[Value(x) for x in row] for row in rng.normal(size=(6, 6)).tolist()]
    bs = [Value(x) for x in rng.normal(size=6).tolist()]
    xs = [Value(0.0, f"x{i}") for i in range(6)]
    hidden = xs
    for _ in range(3):  # the same layer three times
        hidden = [engine.dot(w, hidden, bias=b).tanh() for w, b in zip(ws, bs, strict=True)]
    tied = [engine.dot([w[k] for w in ws], hidden) for k in range(6)]  # its transpose
    loss = engine.sum([t * t for t in tied]) + engine.dot(ws[0], ws[1])
    parameters = [*[w for row in ws for w in row], *bs]
    outputs = [loss, *gradient(loss, parameters)]
    rows = rng.normal(size=(30, 6))
    want = eager(xs, outputs, rows)
    near(Program(xs, outputs, parameters)(rows), want, 1e-11, 1e-12)
    for reduce in REDUCES:
        got = Program(xs, outputs, parameters, reduce)(rows)
        near(got, reduced(want, reduce), 1e-11, 1e-11)


@pytest.mark.parametrize("kind", ["squared", "normalised", "softmax", "scaled", "mixed"])
def test_weights_that_are_computed_from_parameters(kind: str) -> None:
    rng = np.random.default_rng(4)
    raw = [[Value(x) for x in row] for row in rng.normal(size=(5, 7)).tolist()]
    scale = Value(0.7, "scale")
    makers: dict[str, Callable[[list[Value]], list[Value]]] = {
        "squared": lambda row: [w * w for w in row],
        "normalised": lambda row: [w / engine.sqrt(engine.dot(row, row)) for w in row],
        "softmax": engine.softmax,
        "scaled": lambda row: [w * scale for w in row],
        "mixed": lambda row: [w * w if i % 2 else w for i, w in enumerate(row)],
    }
    xs = [Value(0.0, f"x{i}") for i in range(7)]
    heights = [engine.dot(makers[kind](row), xs, bias=row[0] * scale).tanh() for row in raw]
    loss = engine.dot(heights, heights) + scale * 1.0
    parameters = [*[w for row in raw for w in row], scale]
    outputs = [loss, *heights, *gradient(loss, parameters)]
    rows = rng.normal(size=(21, 7))
    want = eager(xs, outputs, rows)
    near(Program(xs, outputs, parameters)(rows), want, 1e-11, 1e-13)
    near(Program(xs, outputs, parameters, "mean")(rows), reduced(want, "mean"), 1e-11, 1e-13)
    theta = rng.normal(size=len(parameters))
    near(
        Program(xs, outputs, parameters)(rows, parameters=theta),
        eager(xs, outputs, rows, parameters, theta),
        1e-11,
        1e-13,
    )


@pytest.mark.parametrize("asked", [[0], [15], [0, 15], [1, 2, 3], [7], range(16)], ids=str)
def test_some_of_the_results_of_a_layer(asked: Sequence[int]) -> None:
    """What nobody reads is not stored; what somebody does, is."""
    rng = np.random.default_rng(6)
    xs = [Value(0.0, f"x{i}") for i in range(3)]
    ws = [[Value(x) for x in row] for row in rng.normal(size=(16, 3)).tolist()]
    sums = [engine.dot(w, xs) for w in ws]
    active = [engine.relu(s) for s in sums]
    rows = rng.normal(size=(13, 3))
    for layer in (sums, active):
        outputs = [*[layer[k] * layer[-1 - k] for k in asked], *[layer[k] for k in asked]]
        got = Program(xs, outputs, [w for row in ws for w in row])(rows)
        near(got, eager(xs, outputs, rows), 1e-13, 1e-15)


def test_second_derivatives_of_a_network() -> None:
    net = Net((2, 5, 1), "tanh")
    some = net.parameters[:4]
    outputs = [each for row in engine.hessian(net.loss, some) for each in row]
    vector = [Value(1.0 + k, f"v{k}") for k in range(4)]
    outputs += engine.hvp(net.loss, some, [v.data for v in vector])
    rows = net.rows(19)
    want = eager(net.inputs, outputs, rows)
    near(Program(net.inputs, outputs, net.parameters)(rows), want, 1e-10, 1e-13)
    got = Program(net.inputs, outputs, net.parameters, "sum")(rows)
    near(got, reduced(want, "sum"), 1e-10, 1e-12)


def test_outputs_of_every_kind() -> None:
    """Parameters, constants and inputs themselves, twice the same, independent of inputs."""
    x, unused = Value(0.0, "x"), Value(0.0, "unused")
    w, idle, leaf = Value(3.0, "w"), Value(9.0, "idle"), Value(5.0, "leaf")
    y = w * x
    outputs = [x, w, leaf, y, y, x, w * w, leaf * 2.0, w.exp() * leaf, engine.sum([])]
    want = [[2.0, 3.0, 5.0, 6.0, 6.0, 2.0, 9.0, 10.0, 5 * np.exp(3.0), 0.0],
            [4.0, 3.0, 5.0, 12.0, 12.0, 4.0, 9.0, 10.0, 5 * np.exp(3.0), 0.0]]  # fmt: skip
    rows = [[2.0, 7.0], [4.0, 8.0]]
    program = Program([x, unused], outputs, [idle, w])
    near(program(rows), want, 1e-15)
    assert program.constants == [leaf]
    near(Program([x, unused], outputs, [idle, w], "mean")(rows), np.mean(want, axis=0), 1e-15)
    near(Program([x, unused], outputs, [idle, w], "sum")(rows), np.sum(want, axis=0), 1e-15)
    theta = [1.0, 10.0]
    assert program(rows, parameters=theta)[:, :4].tolist() == [[2, 10, 5, 20], [4, 10, 5, 40]]


def test_outputs_that_no_input_reaches_and_programs_without_inputs() -> None:
    x, w = Value(0.0, "x"), Value(2.0, "w")
    assert Program([x], [w * 3.0], [w])([[1.0], [2.0]]).tolist() == [[6.0], [6.0]]
    assert Program([x], [w * 3.0], [w], "mean")([[1.0], [2.0]]).tolist() == [6.0]
    assert Program([], [w * 3.0, w], [w])(np.empty((3, 0))).tolist() == [[6.0, 2.0]] * 3
    assert Program([], [w * 3.0], [w], "sum")(np.empty((3, 0))).tolist() == [18.0]
    assert Program([x], [Value(4.0)])([[0.0]]).tolist() == [[4.0]]


# --- a row alone, whose vectors run along the outputs ---------------------------------------------
@pytest.mark.parametrize(("wide", "high"), [(9, 20), (35, 8), (67, 43)])
def test_a_row_alone_has_the_bits_that_it_has_among_others(wide: int, high: int) -> None:
    rng = np.random.default_rng(wide)
    xs = inputs(*[f"x{i}" for i in range(wide)])
    ws = [[Value(w) for w in row] for row in rng.normal(size=(high, wide)).tolist()]
    loss = sum(engine.dot(w, xs).tanh() ** 2 for w in ws)
    slopes, rows = gradient(loss, xs), rng.normal(size=(9, wide))
    parameters = [w for row in ws for w in row]
    program = Program(xs, [loss, *slopes], parameters)
    assert same_bits(np.concatenate([alone(program, row[None]) for row in rows]), program(rows))
    totals = [loss, *gradient(loss, parameters)]
    for reduce in REDUCES:
        found = alone(Program(xs, totals, parameters, reduce), rows[:1])
        near(found, eager(xs, totals, rows[:1])[0], 1e-13)


@pytest.mark.parametrize("many", [1, 2, 3, 64, 100])
def test_a_mean_is_the_sum_divided(many: int) -> None:
    (x,), ws = inputs("x"), [Value(1.0 / (k + 3), f"w{k}") for k in range(11)]
    outputs = [w * x for w in ws]
    rows = np.random.default_rng(many).normal(size=(many, 1)) * 1e-310
    mean, total = [Program([x], outputs, ws, reduce)(rows) for reduce in ("mean", "sum")]
    assert same_bits(mean, total / many)
