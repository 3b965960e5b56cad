"""Code for few rows: it is given sizes with each call, and has the bits of code for many rows."""

from collections.abc import Callable, Sequence
from functools import partial
from math import inf
from typing import Any

import numpy as np
import pytest

import engine
from engine import Program, Value, choose, gradient, inputs, softmax
from engine.native import assembly, library
from engine.native.assembly import assemble
from engine.native.lower.instructions import record_tape
from nn import MLP
from nn.losses import LOSSES
from tests.native.tools import same_bits

ROWS = 1, 2, 7, 8, 9, 24, 33, 400, 1000
Graph = tuple[list[Value], list[Value], list[Value]]  # inputs, outputs, parameters


def network(
    n: int, widths: Sequence[int], loss: str, activation: str = "relu", gradients: bool = True
) -> Graph:
    model = MLP(n, widths, activation=activation, rng=1)
    xs = inputs(*[f"x{i}" for i in range(n)])
    many = widths[-1] if loss == "mse" else 1
    ys = inputs(*[f"y{i}" for i in range(many)])
    found = model(xs)
    lost = LOSSES[loss](found, ys if many > 1 else ys[0])
    outputs = found if isinstance(found, list) else [found]
    if gradients:
        outputs = gradient(lost, model.parameters())
    return [*ys, *xs], [lost, *outputs], model.parameters()


def embedding() -> Graph:
    """Rows of parameters chosen by an index, forwards and back."""
    token, x = inputs("token", "x")
    table = [[Value(0.1 * i - 0.2 * j) for i in range(5)] for j in range(6)]
    columns = [choose(token, column) for column in zip(*table, strict=True)]
    leaves = [w for row in table for w in row]
    loss = engine.sum([c.tanh() * x for c in columns])
    return [token, x], [loss, *gradient(loss, leaves)], leaves


def wide() -> Graph:
    """Reductions of many operands, some of which are the same for all rows."""
    xs, ws = inputs(*[f"x{i}" for i in range(40)]), [Value(0.01 * i) for i in range(40)]
    shares = softmax([x * w for x, w in zip(xs, ws, strict=True)])
    loss = shares[0] + engine.maximum(*xs[:35], *ws) + (ws[1] * ws[2]).exp()
    return xs, [loss, *gradient(loss, ws), ws[3] * ws[4], Value(2.5)], ws


def places(many: int = 3) -> Graph:
    """The same layers at several places, and a state that is carried from one to the next."""
    xs, y = inputs(*[f"x{i}" for i in range(5 * many)]), *inputs("y")
    model, after = MLP(5, [7, 4], activation="tanh", rng=2), MLP(8, [4], output="tanh", rng=3)
    h: list[Any] = [0.5, -0.5, 1.0, 0.25]
    for k in range(0, 5 * many, 5):
        h = after([*model(xs[k : k + 5]), *h])
    leaves = [*model.parameters(), *after.parameters()]
    loss = LOSSES["cross_entropy"](h, y)
    return [y, *xs], [loss, *h, *gradient(loss, leaves)], leaves


def straight() -> Graph:
    """No loops, and a float function that is called."""
    x, y = inputs("x", "y")
    own = engine.operation("own", lambda a: a * a, lambda _, a: 2 * a)
    w = Value(0.7)
    z = (own(x) * w).tanh() + (y - x * w).exp() * 0.3579
    return [x, y], [z], [w]


def interpreted() -> Graph:
    """More than is written out."""
    x, y = inputs("x", "y")
    w = Value(0.3)
    z = x
    for k in range(600):
        z = (z * w + y) * (0.5 + k / 1000) if k % 3 else (z - y).tanh()
    return [x, y], [z], [w]


GRAPHS: dict[str, Callable[[], Graph]] = {
    "tiny": partial(network, 2, [2, 1], "mse"),
    "odd": partial(network, 3, [7, 3], "mse", "tanh"),
    "classes": partial(network, 13, [16, 3], "cross_entropy", "gelu"),
    "two classes": partial(network, 40, [16, 1], "binary_cross_entropy_with_logits"),
    "deep": partial(network, 64, [64, 10], "cross_entropy"),
    "forward": partial(network, 5, [9, 4], "mse", "sigmoid", False),
    "embedding": embedding,
    "wide": wide,
    "straight": straight,
    "places": places,
    "many places": partial(places, 8),
    "interpreted": interpreted,
}


@pytest.mark.parametrize("reduce", [None, "sum", "mean"])
@pytest.mark.parametrize("graph", GRAPHS)
def test_lean_code_has_the_bits_of_code_for_many_rows(graph: str, reduce: Any) -> None:
    xs, outputs, leaves = GRAPHS[graph]()
    few, many = (Program(xs, outputs, leaves, reduce, rows=rows) for rows in (1, inf))
    assert [each._compiled.assembly.lean for each in (few, many)] == [True, False]
    few._left = inf  # it is not to become the other
    assert few.stats.flops == many.stats.flops  # shards of a training have the same rows
    for rows in ROWS:
        rng = np.random.default_rng(rows)
        table = rng.normal(size=(rows, len(xs)))
        table[:, 0] = rng.integers(0, 2, size=rows)
        assert same_bits(few(table), many(table))


def test_only_straight_code_that_will_run_seldom_is_not_optimised() -> None:
    """Counted work of the compiler, which takes longest for code without loops."""
    xs, outputs, leaves = straight()
    tape, _ = record_tape(xs, leaves, outputs)
    few, many = (assemble(tape, None, 4, rows) for rows in (1, inf))
    kinds = [type(kernel).__name__ for kernel in few.kernels]
    left = [name for name, (_, _, optimised) in few.functions.items() if not optimised]
    assert len(left) == kinds.count("Chunk") > 0
    assert len(left) < len(few.functions)
    assert all(optimised for _, _, optimised in many.functions.values())


def test_code_that_is_lean_adds_up_several_products_as_before() -> None:
    xs, ws = inputs("a", "b", "c"), [Value(0.3), Value(0.7)]
    state: Any = ws[0]
    for x in xs:
        state = (state * ws[1] + x).tanh()
    wanted = [gradient(state, w) for w in ws]
    few, many = (Program(xs, wanted, ws, "sum", rows=rows) for rows in (1, inf))
    for rows in ROWS:
        table = np.random.default_rng(rows).normal(size=(rows, 3))
        assert same_bits(few(table), many(table))


def test_programs_of_other_sizes_share_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[tuple[str, bool]] = []
    real = library.compile_text
    monkeypatch.setattr(library, "compile_text", lambda *a: compiled.append(a) or real(*a))
    monkeypatch.setattr(library, "_shared", type(library._shared)())

    def make(n: int, widths: Sequence[int]) -> None:
        xs, outputs, leaves = network(n, widths, "cross_entropy")
        Program(xs, outputs, leaves, "sum", rows=n)

    make(4, [2, 3])
    assert [fast for _, fast in compiled] == [False, True]
    make(13, [16, 3])  # of as many classes
    assert len(compiled) == 2
    make(21, [8, 5])
    assert [fast for _, fast in compiled] == [False, True, False]
    assert len(library._shared) < 20


@pytest.mark.parametrize("rows", [1, inf])
def test_programs_of_other_lengths_share_functions(
    rows: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All but straight code and sums over the places, where they take as many rows at once."""
    compiled: list[str] = []
    real = library.compile_text
    monkeypatch.setattr(library, "compile_text", lambda *a: compiled.append(a[0]) or real(*a))
    monkeypatch.setattr(library, "_shared", type(library._shared)())
    monkeypatch.setattr(library, "_kept", type(library._kept)())
    monkeypatch.setattr(assembly, "_block", lambda *_: 48)
    functions = list[int]()
    for many in (7, 8):
        compiled.clear()
        Program(*places(many), "sum", rows=rows)
        functions.append(sum(text.count("\ndefine ") for text in compiled))
    assert functions[0] >= 20
    assert functions[1] <= 0.4 * functions[0]


def test_few_functions_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "_shared", type(library._shared)())
    monkeypatch.setattr(library, "KEPT", 3)
    for k in range(20):
        x = Value(0.5)
        assert Program([x], [(x + float(k)) * x], rows=1)([[1.0]]).tolist() == [[1.0 + k]]
    assert len(library._shared) <= 12
