"""Large graphs, many rows, many programs; and a machine without the packages."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import engine
from engine import Program, Value, gradient
from tests.native.tools import eager, near

ROOT = Path(__file__).parents[2]
PEAK = """
def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
"""


def run(program: str) -> str:
    """What a program prints in an interpreter of its own."""
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=ROOT, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


# --- large graphs: the chain of 100,000 is among the conformance cases -------------------------
def test_a_wide_graph() -> None:
    xs = [Value(0.0, f"x{i}") for i in range(50)]
    ws = [Value(0.01 * i, "w") for i in range(2_000)]
    y = engine.sum([engine.maximum(*[w * x for x in xs]) for w in ws])
    program = Program(xs, [y], ws)
    assert program.stats.nodes > 100_000
    rows = np.random.default_rng(0).normal(size=(3, 50))
    near(program(rows)[:, 0], rows.max(axis=1) * sum(0.01 * i for i in range(2_000)), 1e-12)


def test_a_random_graph() -> None:
    rng = np.random.default_rng(1)
    xs = [Value(float(x), f"x{k}") for k, x in enumerate(rng.normal(size=8))]
    nodes = list(xs)
    picks = rng.integers(0, 400, size=(85_000, 2))
    for k, (a, b) in enumerate(picks.tolist()):
        left, right = nodes[-1 - a % len(nodes)], nodes[-1 - b % len(nodes)]
        made = [left + right, left - right, left * 0.5, left.relu(), engine.maximum(left, right)]
        nodes.append(made[k % 5] * 0.75)
    outputs = nodes[-20:]
    program = Program(xs, outputs, exact=True)
    assert program.stats.nodes > 100_000
    rows = rng.normal(size=(5, 8))
    want = eager(xs, outputs, rows)
    assert (program(rows) == want).all()
    near(Program(xs, outputs)(rows), want, 1e-12)


def test_a_deep_graph_and_its_gradient() -> None:
    x, w = Value(0.3, "x"), Value(0.9, "w")
    y = x
    for _ in range(10_000):
        y = (w * y + x) * 0.5
    outputs = [y, *gradient(y, [x, w])]
    rows = [[0.1], [0.5], [0.9]]
    near(Program([x], outputs, [w])(rows), eager([x], outputs, rows), 1e-11)


def test_one_node_of_a_hundred_thousand_operands() -> None:
    x, y = Value(0.3, "x"), Value(0.9, "y")
    total = engine.sum([x * float(k % 7) for k in range(100_000)])
    largest = engine.maximum(*[y - float(k) for k in range(100_000)])
    rows = np.array([[0.1, 2.0], [1.0, -3.0]])
    want = np.column_stack([rows[:, 0] * sum(k % 7 for k in range(100_000)), rows[:, 1]])
    near(Program([x, y], [total, largest])(rows), want, 1e-14)


# --- memory --------------------------------------------------------------------------------------
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's /proc")
def test_memory_is_bounded_over_ten_million_rows() -> None:
    """What is needed on top of the rows does not depend on how many there are."""
    answer = run(
        PEAK
        + """
import numpy as np
from engine import Program, Value, gradient
x, w = Value(0.5, "x"), Value(2.0, "w")
y = (w * x).tanh() * x + x
program = Program([x], [y, *gradient(y, [w])], [w], "mean")
rows = np.full((10**7, 1), 0.25)
program(rows[:1000])
before = peak()
got = program(rows)
small = program(rows[:1000])
assert np.allclose(got, small, rtol=1e-9), (got, small)
print(peak() - before)
"""
    )
    assert float(answer) < 8.0  # megabytes; the rows are 80, and one number for each 80 more


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's /proc")
def test_compilations_leave_nothing() -> None:
    answer = run(
        PEAK
        + """
from engine import Program, Value
def resident():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024
def make(k):
    x = Value(0.5, "x")
    assert Program([x], [x + float(k)])([[1.0]])[0, 0] == 1.0 + k
for k in range(100):
    make(k)
before = resident()
for k in range(100, 1000):
    make(k)
print(resident() - before)
"""
    )
    # megabytes; 64 programs are kept, and 100 that stayed would be more than ten times as much
    assert float(answer) < 5.0


def test_importing_the_engine_loads_neither() -> None:
    loaded = run(
        "import sys, engine; from engine import Program, compiled; "
        "print([m for m in ('llvmlite', 'numpy') if m in sys.modules])"
    )
    assert loaded == "[]"
    assert run("import sys, engine; print('engine.native' in sys.modules)") == "False"
