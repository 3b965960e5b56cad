"""The backward pass as a program: it runs alone, gives the same bits, and can be stepped."""

import ast
import linecache
import math
import pickle
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine
from engine import Value, maximum, numeric_mode, topological
from engine.stepping import Run
from engine.stepping.unrolled import to_source, unroll
from engine.wording.names import identifiers
from tests.core.programs import Program, programs
from tests.stepping.test_steps import (
    ALL,
    EARLIER,
    ONE,
    SEEDS,
    WILD,
    WILD_PLANS,
    bits,
    net,
    twins,
    wild,
)
from tests.wording.test_names import LABELS

ROOT = Path(__file__).parents[2]


def gradients(source: str) -> dict[str, float]:
    """Run a program as a module, and give the gradients of its nodes."""
    space: dict[str, Any] = {"__name__": "imported"}
    exec(compile(source, "<source>", "exec"), space)
    return {k: v.grad for k, v in space.items() if isinstance(v, SimpleNamespace)}


def same_as_backward(run: Run, swept: Value, seed: float) -> None:
    names = identifiers(reversed(run.nodes))
    found = gradients(to_source(run))
    swept.backward(seed)
    order = topological(run.root), topological(swept)
    for mine, theirs in zip(*order, strict=True):
        if names[mine] in found:
            assert bits([found[names[mine]]]) == bits([theirs.grad])
        else:
            assert mine.op is engine.core.ops.CONSTANT


# --- the same gradients -------------------------------------------------------------------------
@given(programs(ALL), SEEDS, st.one_of(st.just([]), EARLIER))
def test_it_gives_the_gradients_of_backward_to_the_bit(
    program: Program, seed: float, earlier: list[float]
) -> None:
    with numeric_mode("ieee"):
        traced, swept = twins(program, earlier)
        same_as_backward(traced.trace_backward(seed), swept, seed)


@pytest.mark.parametrize(("seed", "earlier"), [(-0.0, []), (1.0, [-0.0]), (-0.0, [-0.0, 2.0])])
def test_zeros_keep_their_signs(seed: float, earlier: list[float]) -> None:
    traced, swept = twins(ONE, earlier)
    same_as_backward(traced.trace_backward(seed), swept, seed)


def test_a_zero_below_a_branch_that_is_not_taken_keeps_its_sign() -> None:
    pair = []
    for _ in range(2):
        x, z = Value(1.0, "x"), Value(-2.0, "z")
        pair.append(maximum(x, z * 3.0))
        x.grad, z.grad = 3.0, -0.0
    run = pair[0].trace_backward()
    run.goto(-1)
    same_as_backward(run, pair[1], 1.0)
    assert bits([v.grad for v in topological(pair[0])]) == bits(
        [v.grad for v in topological(pair[1])]
    )


@given(st.lists(WILD, min_size=2, max_size=3), WILD_PLANS)
def test_infinities_and_nans_are_written_so_that_it_runs(
    leaves: list[float], plan: list[tuple[int, int, int]]
) -> None:
    with numeric_mode("ieee"):
        pair = wild(leaves, plan), wild(leaves, plan)
        for root in pair:
            topological(root)[0].grad = math.nan
        same_as_backward(pair[0].trace_backward(), pair[1], 1.0)


def test_it_runs_by_itself_and_prints_the_gradients(tmp_path: Path) -> None:
    x, w, y = net()
    x.grad = 0.25
    file = tmp_path / "pass.py"
    assert to_source(y.trace_backward(), file) == str(file)
    y.zero_grad()
    x.grad = 0.25
    y.backward()
    done = subprocess.run(
        [sys.executable, "-I", "-W", "error", str(file)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    shown = dict(line.split(".grad = ") for line in done.stdout.splitlines())
    assert (float(shown["x"]), float(shown["w"])) == (x.grad, w.grad)
    assert len(shown) == sum(not (n.op and not n.parents) for n in topological(y))


def test_asking_for_the_source_changes_no_gradient() -> None:
    _, _, y = net()
    run = y.trace_backward()
    run.goto(3)
    before = [node.grad for node in topological(y)]
    to_source(run)
    unroll(run)()
    assert [node.grad for node in topological(y)] == before
    assert run.position == 3


# --- what it says -------------------------------------------------------------------------------
def test_a_line_says_the_formula_and_the_place() -> None:
    x, w = Value(2.0, "x"), Value(-3.0)
    n = x * w
    source = to_source((n.tanh() ** 3).trace_backward())
    assert re.search(
        r"^x\.grad \+= -3\.0 \* n\.grad +# n = x \* w, d n / d x = w  test_unr", source, re.M
    )
    assert re.search(
        r"^w\.grad \+= 2\.0 \* n\.grad +# n = x \* w, d n / d w = x  test_unr", source, re.M
    )
    assert "d tanh_1 / d n = sech2(n)" in source
    assert "d pow_1 / d tanh_1 = 3 * tanh_1 ** 2" in source


def test_each_edge_is_one_line_in_the_order_of_the_run() -> None:
    _, _, y = net()
    run = y.trace_backward()
    names = identifiers(reversed(run.nodes))
    lines = [line for line in to_source(run).splitlines() if ".grad += " in line]
    assert [line.partition("  #")[0].strip() for line in lines] == [
        f"{names[s.parent]}.grad += {s.local!r} * {names[s.node]}.grad" for s in run
    ]


def test_a_derivative_of_ones_own_operation_is_written_from_its_partials() -> None:
    cube = engine.operation("cube!", lambda x: x**3, lambda y, x: 3 * x**2)
    kink = engine.operation("kink", abs, lambda y, x: 1.0 if x > 0 else -1.0)
    x = Value(2.0, "x")
    source = to_source((cube(x) + kink(x) + kink(-x)).trace_backward())
    assert "d cube__1 / d x = 3 * x ** 2" in source
    assert "x.grad += 1.0 * kink_2.grad" in source


def test_the_parents_of_a_wide_operation_are_counted() -> None:
    xs = [Value(0.1 * i, f"x{i}") for i in range(200)]
    source = to_source((engine.softmax(xs, 0) + engine.dot(xs, xs)).trace_backward())
    assert "softmax_1 = softmax of 200 nodes" in source
    assert len(max(source.splitlines(), key=len)) < 300


# --- names --------------------------------------------------------------------------------------
@pytest.mark.parametrize("label", LABELS, ids=lambda label: ascii(label[:20]))
def test_no_label_breaks_out(label: str, tmp_path: Path) -> None:
    x = Value(2.0, label)
    name = label if label.isprintable() and label else "blank"
    row = engine.operation(name, lambda a: a * 2, lambda y, a: (2.0,))
    y = row(x) * x
    y.label = label
    run = y.trace_backward()
    path = Path(to_source(run, tmp_path / "pass.py"))
    found = gradients(path.read_text(encoding="utf-8"))
    names = identifiers(reversed(run.nodes))
    assert set(found) == set(names.values())
    assert found[names[x]] == 8.0
    done = subprocess.run([sys.executable, "-I", path], capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert {type(node).__name__ for node in tree.body} == {
        "Expr", "ImportFrom", "Assign", "AugAssign", "If"
    }  # fmt: skip


@given(st.lists(st.text(max_size=6), min_size=1, max_size=5))
def test_whatever_the_labels_it_runs(labels: list[str]) -> None:
    nodes = [Value(float(i), label) for i, label in enumerate(labels)]
    run = engine.sum([node * 2 for node in nodes]).trace_backward()
    found = gradients(to_source(run))
    names = identifiers(reversed(run.nodes))
    assert [found[names[node]] for node in nodes] == [2.0] * len(nodes)


# --- stepped through ----------------------------------------------------------------------------
def test_what_is_unrolled_has_its_source_and_lets_it_go() -> None:
    x = Value(3.0, "x")
    run = (x * x).trace_backward()
    one, two = unroll(run), unroll(run)
    file = one.__code__.co_filename
    assert file != two.__code__.co_filename
    assert Path(file).is_absolute()
    assert not Path(file).exists()
    linecache.checkcache(file)
    assert "".join(linecache.getlines(file)) == to_source(run)
    one()
    assert one.__globals__["x"].grad == 6.0
    del one
    assert file not in linecache.cache


def test_pdb_steps_through_it_without_a_file(tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    script.write_text(
        "import pdb\n"
        "from engine import Value\n"
        "from engine.stepping.unrolled import unroll\n"
        "x, w = Value(0.501, 'x'), Value(2.0, 'w')\n"
        "n = x * w\n"
        "y = n * w\n"
        "pdb.runcall(unroll(y.trace_backward()))\n"
        "print('done')\n",
        encoding="utf-8",
    )
    commands = [
        "tbreak 14",  # the first edge
        "c", "p y.grad, w.grad", "n", "p n.grad", "n", "display w.grad", "n", "n", "p w", "c",
    ]  # fmt: skip
    source = to_source(_two_products().trace_backward()).splitlines()
    assert source[13].startswith("n.grad += 2.0 * y.grad")
    done = subprocess.run(
        [sys.executable, script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "PATH": "", "HOME": str(tmp_path)},
        input="\n".join(commands) + "\n",
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    assert "-> n.grad += 2.0 * y.grad" in done.stdout
    assert "# y = n * w, d y / d n = w  mine.py:6" in done.stdout
    assert "(Pdb) (1.0, 0.0)" in done.stdout
    assert "display w.grad: 1.002" in done.stdout
    assert "display w.grad: 2.004  [old: 1.002]" in done.stdout
    assert "namespace(data=2.0, grad=2.004)" in done.stdout
    assert done.stdout.rstrip().endswith("done")


def _two_products() -> Value:
    x, w = Value(0.501, "x"), Value(2.0, "w")
    n = x * w
    y = n * w
    return y  # noqa: RET504 (its name is in the source)


# --- size ---------------------------------------------------------------------------------------
def test_20_000_edges_are_written_and_run() -> None:
    w = y = Value(0.999, "w")
    for _ in range(10_000):
        y = w * y
    run = y.trace_backward()
    backward = unroll(run)
    backward()
    assert backward.__globals__["w"].grad == run.gradient(w)


def test_a_leaf_alone_and_an_unpickled_graph_have_a_source_too() -> None:
    x = Value(2.0, "x")
    x.grad = 0.5
    assert gradients(to_source(x.trace_backward(3.0))) == {"x": 3.5}
    _, _, y = net()
    copy = pickle.loads(pickle.dumps(y))
    assert gradients(to_source(copy.trace_backward()))["mul_3"] == 1.0
