"""Laws that hold whatever the numbers are: two ways to the same gradient must meet."""

import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

import engine
from engine import Value, gradient, hessian, hvp, jvp, numeric_mode, topological
from engine.operations.check import differentiate
from tests.core.programs import OPERATIONS, SMOOTH, Program, path_sum, programs

ALL = list(OPERATIONS)
moderate = st.floats(-1e3, 1e3)
TINY = 1e-300  # below it floats lose digits


def swept(program: Program, seed: float = 1.0) -> list[float]:
    """The gradients of all nodes after one sweep over fresh Values."""
    nodes = program.values()
    nodes[-1].backward(seed)
    return [node.grad for node in nodes]


def derivatives(f: Callable[..., Value], *at: float) -> list[float]:
    """Value, gradient and Hessian of a function, in a row."""
    xs = [Value(x) for x in at]
    y = f(*xs)
    slopes = gradient(y, xs)
    return [n.data for n in [y, *slopes, *(h for row in hessian(y, xs) for h in row)]]


# --- two ways to write the same ------------------------------------------------------------------
@given(moderate)
@example(655.8733391468174)  # where a libm's pow(x, 2.0) is not x * x
def test_x_times_x_is_x_squared_to_the_bit(x: float) -> None:
    assert derivatives(lambda x: x * x, x) == derivatives(lambda x: x**2, x)
    assert derivatives(lambda x: x + x, x) == derivatives(lambda x: 2 * x, x)
    assert derivatives(lambda x: x - x, x) == [0.0, 0.0, 0.0]
    assert derivatives(lambda x: 0 - (0 - x), x) == [x, 1.0, 0.0]
    if x:
        assert derivatives(lambda x: x / x, x) == [1.0, 0.0, 0.0]


Same = tuple[Callable[..., Value], Callable[..., Value]]
IDENTITIES: dict[str, Same] = {
    "reciprocal": (lambda x, y: 1 / x, lambda x, y: x**-1),
    "sqrt": (lambda x, y: x**0.5, lambda x, y: engine.sqrt(x)),
    "power of a Value": (lambda x, y: x ** Value(2.0), lambda x, y: x * x),
    "power as exp": (lambda x, y: x**y, lambda x, y: engine.exp(y * engine.log(x))),
    "power of a number": (lambda x, y: 3.0**y, lambda x, y: engine.exp(math.log(3.0) * y)),
    "log of a product": (lambda x, y: engine.log(x * x), lambda x, y: 2 * engine.log(x)),
    "exp of log": (lambda x, y: engine.exp(engine.log(x)), lambda x, y: x * 1),
    "log1p": (lambda x, y: engine.log1p(x), lambda x, y: engine.log(1 + x)),
    "expm1": (lambda x, y: engine.expm1(y), lambda x, y: engine.exp(y) - 1),
    "Pythagoras": (lambda x, y: engine.sin(y) ** 2 + engine.cos(y) ** 2, lambda x, y: y * 0 + 1),
    "tan": (lambda x, y: engine.tan(y / 3), lambda x, y: engine.sin(y / 3) / engine.cos(y / 3)),
    "tanh": (lambda x, y: engine.tanh(y), lambda x, y: 2 * engine.sigmoid(2 * y) - 1),
    "silu": (lambda x, y: engine.silu(y), lambda x, y: y * engine.sigmoid(y)),
    "softplus": (lambda x, y: engine.softplus(y) - engine.softplus(-y), lambda x, y: y * 1),
    "relu": (lambda x, y: engine.relu(y) - engine.relu(-y) + 0 * x, lambda x, y: y * 1),
    "hypot": (lambda x, y: engine.hypot(x, y), lambda x, y: (x * x + y * y) ** 0.5),
    "where": (lambda x, y: engine.where(x > y, x * y, -x), lambda x, y: x * y if x > y else -x),
    "clamp": (
        lambda x, y: engine.clamp(y, -1, x),
        lambda x, y: engine.maximum(engine.minimum(y, x), -1),
    ),
    "maximum": (lambda x, y: engine.maximum(x, y), lambda x, y: (x + y + abs(x - y)) / 2),
    "conjugates": (lambda x, y: (x + y) * (x - y), lambda x, y: x * x - y * y),
    "logsumexp": (
        lambda x, y: engine.logsumexp([x, y]),
        lambda x, y: x + engine.softplus(y - x),
    ),
    "softmax": (lambda x, y: engine.softmax([x, y], 0), lambda x, y: engine.sigmoid(x - y)),
    "cross-entropy": (
        lambda x, y: engine.binary_cross_entropy(engine.sigmoid(y), 0.25),
        lambda x, y: engine.binary_cross_entropy_with_logits(y, 0.25),
    ),
}


@pytest.mark.parametrize("name", IDENTITIES)
@settings(max_examples=settings.default.max_examples // 5)  # there are many
@given(x=st.floats(0.0625, 3.0), y=st.floats(-3.0, 3.0))
def test_identities(name: str, x: float, y: float) -> None:
    """Value, gradient and Hessian; rounded differently on the way, so only nearly the same."""
    assume(y not in (x, 0.0, -1.0))  # where some of them bend
    one, other = (derivatives(f, x, y) for f in IDENTITIES[name])
    assert one == pytest.approx(other, rel=1e-10, abs=1e-10)


@given(st.lists(st.floats(-20, 20), min_size=1, max_size=6), st.randoms())
def test_order_of_terms_does_not_matter_within_rounding(xs: list[float], random: Any) -> None:
    order = list(range(len(xs)))
    random.shuffle(order)
    for f in (
        lambda values: sum(v * v for v in values),
        lambda values: engine.sum([v * v for v in values]),
        engine.logsumexp,
        lambda values: engine.maximum(*values),
        lambda values: engine.dot(values, values),
        lambda values: math.prod((v / 10 for v in values), start=Value(1.0)),
    ):
        plain, mixed = [Value(x) for x in xs], [Value(x) for x in xs]
        one, other = f(plain), f([mixed[i] for i in order])
        one.backward()
        other.backward()
        assert other.data == pytest.approx(one.data, rel=1e-13)
        wanted = [x.grad for x in plain]
        assert [x.grad for x in mixed] == pytest.approx(wanted, rel=1e-13, abs=TINY)


@given(programs(ALL), st.randoms())
def test_order_of_construction_does_not_matter_at_all(program: Program, random: Any) -> None:
    """The same graph, its nodes made in another order: the same bits."""
    made: dict[int, Value] = {i: Value(x) for i, x in enumerate(program.leaves)}
    first = len(made)
    waiting = list(range(len(program.steps)))
    while waiting:
        ready = [k for k in waiting if all(i in made for i in program.steps[k][1])]
        k = random.choice(ready)
        waiting.remove(k)
        made[first + k] = program.step(k, made)
    nodes = [made[i] for i in range(len(made))]
    output = program.finish(nodes)
    output.backward()
    assert [node.grad for node in [*nodes, output]] == swept(program)


# --- linearity -----------------------------------------------------------------------------------
@given(programs(ALL), st.floats(-10, 10), st.integers(-60, 60))
def test_linear_in_the_seed(program: Program, seed: float, exponent: int) -> None:
    """Nearly so, and for powers of two, which round nothing, to the bit."""
    plain = swept(program)
    tolerance = 1e-12 * path_sum(program.values()[-1])
    scaled = [seed * g for g in plain]
    assert swept(program, seed) == pytest.approx(
        scaled, rel=1e-11, abs=abs(seed) * tolerance + TINY
    )
    if all(g == 0 or abs(g) > 1e-250 for g in plain):
        pairs = zip(swept(program, 2.0**exponent), plain, strict=True)
        # what is 0 may be so small that it was rounded to that
        assert all(found == 2.0**exponent * g if g else abs(found) < 1e-250 for found, g in pairs)
    assert swept(program, -1.0) == [-g for g in plain]
    assert swept(program, 0.0) == [0.0 for _ in plain]


@given(programs(ALL), programs(ALL), moderate, moderate)
def test_linear_in_the_output(one: Program, other: Program, a: float, b: float) -> None:
    """The gradient of a sum is the sum of the gradients, also where the two share their leaves."""
    leaves = [Value(x) for x in max(one.leaves, other.leaves, key=len)]
    # each program at its own point, so that no kink of one is met at the other's
    shared = [
        [leaf + (x - leaf.data) for leaf, x in zip(leaves, p.leaves, strict=False)]
        for p in (one, other)
    ]
    y, z = one.run(shared[0])[-1], other.run(shared[1])[-1]
    both = [g.data for g in gradient(a * y + b * z, leaves)]
    wanted = [
        a * p.data + b * q.data
        for p, q in zip(gradient(y, leaves), gradient(z, leaves), strict=True)
    ]
    scale = abs(a) * path_sum(y) + abs(b) * path_sum(z)
    assert both == pytest.approx(wanted, rel=1e-12, abs=1e-12 * scale + TINY)


# --- repeated sweeps -----------------------------------------------------------------------------
@given(programs(ALL), st.integers(2, 4))
def test_backward_again_adds_the_same_again(program: Program, times: int) -> None:
    once = swept(program)
    nodes = program.values()
    total = [0.0] * len(nodes)
    for _ in range(times):
        nodes[-1].backward()
        total = [g + t for g, t in zip(once, total, strict=True)]
        assert [node.grad for node in nodes] == total
    nodes[-1].zero_grad()
    nodes[-1].backward()
    assert [node.grad for node in nodes] == once


def test_24_after_12_and_never_36() -> None:
    x = Value(2.0)
    y = x * x
    z = y * 3 * 1
    z.backward()
    assert x.grad == 12.0
    z.backward()
    assert (x.grad, y.grad) == (24.0, 6.0)


@given(programs(ALL), st.data())
def test_what_was_there_before_is_added_as_a_whole(program: Program, data: st.DataObject) -> None:
    """Even 1e16, in which single contributions would be lost one by one."""
    fresh = swept(program)
    nodes = program.values()
    before = [data.draw(st.sampled_from([0.0, 1.0, -0.1, 1e16])) for _ in nodes]
    for node, grad in zip(nodes, before, strict=True):
        node.grad = grad
    nodes[-1].backward()
    assert [node.grad for node in nodes] == [g + b for g, b in zip(fresh, before, strict=True)]


@given(programs(ALL), st.data())
def test_sweeps_from_several_roots_add_up(program: Program, data: st.DataObject) -> None:
    nodes = program.values()
    picks = data.draw(st.lists(st.integers(0, len(nodes) - 1), min_size=2, max_size=4))
    total = [0.0] * len(nodes)
    for pick in picks:
        alone = program.values()
        alone[pick].backward()
        total = [node.grad + t for node, t in zip(alone, total, strict=True)]
        nodes[pick].backward()
    assert [node.grad for node in nodes] == total


# --- forward and reverse, first and second ------------------------------------------------------
@given(programs(ALL), st.data())
def test_forward_mode_is_reverse_mode(program: Program, data: st.DataObject) -> None:
    """For any u and v, u (J v) is (u J) v."""
    nodes = program.values()
    leaves = nodes[: len(program.leaves)]
    outputs = [nodes[-1], nodes[data.draw(st.integers(0, len(nodes) - 1))]]
    u = [data.draw(st.floats(-2, 2)) for _ in outputs]
    v = [data.draw(st.floats(-2, 2)) for _ in leaves]
    pushed = jvp(outputs, dict(zip(leaves, v, strict=True)))
    pulled = engine.vjp(outputs, leaves, u)
    there = sum(a * b.data for a, b in zip(u, pushed, strict=True))
    back = sum(a * b.data for a, b in zip(v, pulled, strict=True))
    scale = sum(map(path_sum, outputs)) * 4 * len(leaves)
    assert there == pytest.approx(back, rel=1e-11, abs=1e-11 * scale)


@settings(max_examples=settings.default.max_examples // 3)  # each takes many sweeps
@given(programs(SMOOTH, steps=8))
def test_second_derivative_is_the_derivative_of_the_first(program: Program) -> None:
    """Hessian by gradients of gradients, by hvp, forward over reverse, and by differences."""
    leaves = [Value(x) for x in program.leaves]
    output = program.run(leaves)[-1]
    slopes = gradient(output, leaves)
    whole = [[h.data for h in row] for row in hessian(output, leaves)]
    size = max(1.0, max(map(path_sum, slopes)))
    for i, x in enumerate(program.leaves):
        unit = [float(i == j) for j in range(len(leaves))]
        product = [h.data for h in hvp(output, leaves, unit)]
        forward = [h.data for h in jvp(slopes, {leaves[i]: 1.0})]
        column = [row[i] for row in whole]
        assert whole[i] == pytest.approx(column, rel=1e-9, abs=1e-11 * size)  # symmetry
        assert product == pytest.approx(column, rel=1e-9, abs=1e-11 * size)
        assert forward == pytest.approx(column, rel=1e-9, abs=1e-11 * size)

        def first(t: float, i: int = i) -> float:
            return swept(
                Program((*program.leaves[:i], t, *program.leaves[i + 1 :]), program.steps)
            )[i]

        estimate, uncertainty = differentiate(first, x)
        assert abs(whole[i][i] - estimate) <= 1e-9 * size + 10 * uncertainty


# --- determinism ---------------------------------------------------------------------------------
@given(programs(ALL))
def test_the_same_program_gives_the_same_bits(program: Program) -> None:
    runs = []
    for _ in range(3):
        junk = [object() for _ in range(17)]  # so that the nodes lie elsewhere in memory
        leaves = [Value(x) for x in program.leaves]
        output = program.run(leaves)[-1]
        returned = [g.data for g in gradient(output, leaves)]
        output.backward()
        order = [(node.op and node.op.name, node.data, node.grad) for node in topological(output)]
        runs.append((order, returned))
        del junk
    assert runs[0] == runs[1] == runs[2]


SCRIPT = """
import random, sys
from engine import Value, dot, gradient, hessian, logsumexp, maximum, softmax, topological

rng = random.Random(7)
junk = [object() for _ in range(int(sys.argv[1]) * 1000)]
nodes = [Value(rng.uniform(-1, 1), f"x{i}") for i in range(6)]
leaves = nodes[:]
for _ in range(300):
    a, b, c = rng.choices(nodes[-40:], k=3)
    made = rng.choice([
        lambda: a * b, lambda: a + b, lambda: a.tanh() - b, lambda: dot([a, b], [c, a], c),
        lambda: logsumexp([a, b, c]), lambda: softmax([a, b, c])[1], lambda: maximum(a, b, c),
        lambda: a / (b * b + 1), lambda: (a * a + 1) ** c.tanh(),
    ])()
    nodes.append(made.tanh())
y = sum(nodes)
returned = gradient(y, leaves)
y.backward()
figures = [node.grad for node in topological(y)] + [g.data for g in returned]
figures += [h.data for row in hessian(leaves[0].exp() * y.tanh(), leaves[:2]) for h in row]
print(" ".join(map(float.hex, figures)))
"""


def test_the_same_bits_in_every_process_whatever_the_hash_seed() -> None:
    answers = set()
    for seed in ("0", "1", "4242"):
        path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
        run = subprocess.run(
            [sys.executable, "-c", SCRIPT, seed],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        answers.add(run.stdout)
    assert len(answers) == 1
    assert len(answers.pop().split()) > 300


def test_powers_at_the_far_ends() -> None:
    """Where y - 1 rounds to y, a power of a negative number keeps its sign, a tiny one its zero."""
    with numeric_mode("ieee"):
        for exponent in (1e300, Value(1e300)):
            x = Value(-1.0)
            (x**exponent).backward()
            assert x.grad == -1e300
        x = Value(0.5)
        assert gradient(gradient(x ** Value(1e300), x), x).data == 0.0
    a, b = Value(5e-324), Value(5e-324)
    engine.hypot(a, b).backward()
    assert a.grad == b.grad == pytest.approx(math.sqrt(0.5), rel=1e-15)
