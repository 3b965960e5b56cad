"""What repeats is compiled once, whatever its size; what is long or irregular does not spoil it."""

import re
from collections.abc import Callable, Sequence

import numpy as np
import pytest

import engine
from engine import Program, Value, gradient
from engine.native.lower.plan import Interpreted
from tests.benchmarks.graphs import GRAPHS, physics, recurrent
from tests.benchmarks.graphs.graph import Graph
from tests.benchmarks.native import transformer
from tests.native.tools import alone, eager, near, same_bits

LARGE = {"rnn of 200 steps", "layers of 512"}


def program(graph: Graph) -> Program:
    return Program(graph.inputs, graph.outputs, graph.parameters)


def interpreted(compiled: Program) -> int:
    """How many instructions."""
    kernels = compiled._compiled.assembly.kernels
    return sum(len(kernel.ids) for kernel in kernels if isinstance(kernel, Interpreted))


def functions(compiled: Program) -> int:
    return compiled.source.count("\ndefine ")


@pytest.mark.parametrize(
    ("make", "few", "many"),
    [
        (recurrent.rnn, 20, 200),
        (lambda steps: recurrent.gru(steps, width=4), 20, 60),
        (lambda steps: recurrent.lstm(steps, width=4), 20, 60),
        (recurrent.chain, 20, 80),
        (physics.pendulum, 10, 40),
        (physics.kalman, 40, 160),
        (physics.newton, 20, 160),
    ],
)
def test_code_does_not_grow_with_what_repeats(
    make: Callable[[int], Graph], few: int, many: int
) -> None:
    short, long = program(make(few)), program(make(many))
    assert long.stats.nodes > many / few * 0.6 * short.stats.nodes
    assert functions(long) <= functions(short) + 6
    assert len(long.source) < 1.3 * len(short.source)
    assert interpreted(long) == interpreted(short) == 0


@pytest.mark.parametrize("name", [name for name in GRAPHS if name not in LARGE])
def test_what_repeats_is_right(name: str) -> None:
    graph = GRAPHS[name]()
    rows = graph.rows(3)
    compiled = program(graph)
    near(compiled(rows), eager(graph.inputs, graph.outputs, rows), 1e-9, 1e-12)
    assert same_bits(alone(compiled, rows[:1]), compiled(rows)[:1])


def test_a_gpt_at_all_places_is_one_product_a_matrix() -> None:
    compiled = transformer.recorded(5)
    products = re.findall(r"@.*, and (\d) more such", compiled.listing())
    assert len(products) >= 9
    assert max(products) == "4"
    rows = transformer.data(3, 5)
    answers = [alone(compiled, row[None]) for row in rows]
    near(np.mean(answers, axis=0), compiled(rows), 1e-12, 1e-14)


def test_a_long_list_does_not_send_everything_to_the_interpreter() -> None:
    xs = [Value(0.1 * k, f"x{k}") for k in range(600)]
    w = Value(0.5, "w")
    terms = [xs[0].sin(), *xs[1:]]
    outputs = [engine.sum(terms), engine.maximum(*terms), engine.dot(terms, terms[::-1])]
    outputs += [engine.sum([0.25, w, *xs]), engine.dot([*xs, 2.0, w], [w, *xs, 3.0]) * w]
    compiled = Program(xs, outputs, [w])
    assert interpreted(compiled) == 0
    rows = np.random.default_rng(0).normal(size=(9, 600))
    near(compiled(rows), eager(xs, outputs, rows), 1e-12)
    with_nothing = rows * 0.0
    near(compiled(with_nothing), eager(xs, outputs, with_nothing), 1e-12)


def test_only_what_is_irregular_is_interpreted() -> None:
    rng = np.random.default_rng(1)
    xs = [Value(0.1 + 0.1 * k, f"x{k}") for k in range(6)]
    steps = list(xs)
    for _ in range(300):  # repeats
        a, b = steps[-2:]
        steps.append(a.sin() * 0.5 + b * 0.25)
    wild = list(xs)
    for k, (i, j) in enumerate(rng.integers(0, 40, size=(1500, 2)).tolist()):
        a, b = wild[-1 - i % len(wild)], wild[-1 - j % len(wild)]
        wild.append([a + b, a - b, a.relu(), engine.maximum(a, b)][k % 4] * 0.75)
    both = [steps[-1] * 2.0, *wild[-3:]]
    compiled = Program(xs, both)
    rows = rng.normal(size=(5, 6))
    assert same_bits(compiled(rows), Program(xs, both[:1] + both[1:])(rows))
    near(compiled(rows), eager(xs, both, rows), 1e-13)
    alone = Program(xs, steps[-1:])
    assert interpreted(alone) == 0
    assert 0 < interpreted(compiled) < compiled.stats.nodes
    told = re.findall(r"(\d+) instructions in all, interpreted", compiled.listing())
    assert sum(map(int, told)) == interpreted(compiled)


def test_functions_of_users_are_called_from_shared_code() -> None:
    def cubed(a: float) -> float:
        return a * a * a if a > 0.0 else -((-a) ** 3)  # a decision cannot be traced

    def most(*args: float) -> float:
        return max(args) if args[0] == args[0] else args[0]  # of any number of arguments

    cube = engine.operation("cube", cubed, lambda y, a: 3.0 * a * a)
    largest = engine.operation("most", most, lambda y, *args: (0.0,) * len(args))
    x, w = Value(0.3, "x"), Value(0.9, "w")
    y = x
    for _ in range(200):
        y = (cube(y) * w + x.sin()) * 0.5
    outputs = [y, *gradient(y, [x, w]), largest(x, w) * 2.0 + largest(x, w, y)]
    compiled = Program([x], outputs, [w])
    rows = [[0.1], [0.5], [0.9]]
    near(compiled(rows), eager([x], outputs, rows), 1e-11)
    assert functions(compiled) < 30


def test_functions_of_many_operands_that_are_no_loop_are_called() -> None:
    xs, w = [Value(0.1 * k, f"x{k}") for k in range(33)], Value(2.0, "w")
    outputs = [row(xs) for row in (engine.mean, engine.prod)]
    outputs += gradient(outputs[0] * w, [xs[0], w])
    rows = np.random.default_rng(0).normal(1.0, 0.1, size=(9, 33))
    near(Program(xs, outputs, [w])(rows), eager(xs, outputs, rows), 1e-14)


def test_mixed_lists_read_what_varies_and_what_does_not() -> None:
    xs = [Value(0.1 * k, f"x{k}") for k in range(50)]
    ws = [Value(0.3 * k - 1.0, f"w{k}") for k in range(50)]
    mixed = [x if k % 3 else w for k, (x, w) in enumerate(zip(xs, ws, strict=True))]
    mixed[7] = Value(4.0, "constant")
    outputs = [engine.dot(mixed[k:] + mixed[:k], xs) for k in range(9)]
    outputs += [engine.dot([ws[0] * 2.0, *mixed[1:]], xs), engine.logsumexp(mixed)]
    compiled = Program(xs, outputs, ws)
    for count in (1, 5, 40):
        rows = np.random.default_rng(count).normal(size=(count, 50))
        near(compiled(rows), eager(xs, outputs, rows), 1e-12, 1e-13)
    reduced = Program(xs, outputs, ws, reduce="mean")
    near(reduced(rows), compiled(rows).mean(axis=0), 1e-12, 1e-13)


def test_loops_over_lists_of_several_lengths_are_several() -> None:
    """Also where a list is of constants, or mixed, so that no slots tell how long it is."""
    index, *xs = engine.inputs("index", *[f"x{k}" for k in range(60)])
    w, lengths = Value(2.5, "w"), (35, 47, 60)
    outputs = [engine.choose(index, [1.0 / (k + n) for k in range(n)]) for n in lengths]
    for row in (engine.sum, lambda x: engine.maximum(*x), lambda x: engine.dot(x, x[::-1])):
        outputs += [row([xs[0], w, *xs[2:n]]) for n in lengths]
    rows = np.random.default_rng(0).normal(size=(9, 61))
    rows[:, 0] = range(26, 35)
    near(Program([index, *xs], outputs, [w])(rows), eager([index, *xs], outputs, rows), 1e-12)


@pytest.mark.parametrize("exponents", [(-0.5, 1.5, 3.0), (0.3, 1.3, 2.3)])
def test_powers_in_loops_have_the_bits_of_one_alone(exponents: Sequence[float]) -> None:
    """Each cheap exponent has a loop of its own; all others share one."""
    xs = engine.inputs(*[f"x{k}" for k in range(30)])
    orders = [exponents[k % 3 :] + exponents[: k % 3] for k in range(30)]
    outputs = [
        (x * x + 0.1) ** order for x, several in zip(xs, orders, strict=True) for order in several
    ]
    loops, rows = Program(xs, outputs), np.random.default_rng(0).normal(size=(9, 30))
    for exponent in exponents if -0.5 in exponents else ():
        assert f"], {exponent:g})\n" in loops.listing() + "\n"
    for k in range(3):
        alone = Program(xs[k : k + 1], outputs[3 * k : 3 * k + 3])
        assert same_bits(loops(rows)[:, 3 * k : 3 * k + 3], alone(rows[:, k : k + 1]))
