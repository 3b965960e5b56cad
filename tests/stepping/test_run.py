"""Run: a recorded backward pass that goes forwards and back, exactly."""

import math
import pickle
import subprocess
import sys
import threading
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import engine
from engine import StaleValueError, Value, numeric_mode, topological
from engine.stepping import Run
from tests.core.programs import Program, programs
from tests.stepping.test_steps import ALL, EARLIER, ONE, SEEDS, bits, grads, net, twins


def snapshots(run: Run) -> list[list[bytes]]:
    """The gradients at every position, walked to one step at a time."""
    run.restart()
    found = [grads(run.root)]
    while run.step() is not None:
        found.append(grads(run.root))
    return found


# --- walking ------------------------------------------------------------------------------------
@given(programs(ALL), SEEDS, st.one_of(st.just([]), EARLIER))
@example(ONE, -0.0, [])
@example(ONE, 1.0, [-0.0, -0.0])
def test_its_end_is_what_backward_leaves_to_the_bit(
    program: Program, seed: float, earlier: list[float]
) -> None:
    with numeric_mode("ieee"):
        traced, swept = twins(program, earlier)
        traced.trace_backward(seed).goto(-1)
        swept.backward(seed)
    assert grads(traced) == grads(swept)


@given(programs(ALL), st.one_of(st.just([]), EARLIER), st.data())
def test_goto_gets_where_stepping_gets_from_anywhere(
    program: Program, earlier: list[float], data: Any
) -> None:
    root, _ = twins(program, earlier)
    run = root.trace_backward()
    at = snapshots(run)
    assert len(at) == len(run) + 1
    for _ in range(8):
        position = data.draw(st.integers(-len(run) - 1, len(run)))
        step = run.goto(position)
        assert run.position == position % (len(run) + 1)
        assert grads(root) == at[run.position]
        assert step == run.current == (run[run.position - 1] if run.position else None)


@given(programs(ALL), st.one_of(st.just([]), EARLIER))
def test_back_undoes_each_step_exactly(program: Program, earlier: list[float]) -> None:
    root, _ = twins(program, earlier)
    run = root.trace_backward()
    at = snapshots(run)
    for position in range(len(run), 0, -1):
        assert grads(root) == at[position]
        undone = run.back()
        assert undone == run[position - 1]
    assert grads(root) == at[0]
    assert run.back() is None
    assert grads(root) == at[0]


@given(programs(ALL), SEEDS)
def test_its_steps_are_those_of_backward_steps(program: Program, seed: float) -> None:
    with numeric_mode("ieee"):
        root = program.values()[-1]
        steps = list(root.backward_steps(seed))
        run = root.trace_backward(seed)
    assert list(run) == [run[i] for i in range(len(run))]
    for mine, theirs in zip(run, steps, strict=True):
        assert (mine.index, mine.node) == (theirs.index, theirs.node)
        assert mine.position == theirs.position
        assert mine.parent is theirs.parent
        for name in ("upstream", "local", "contribution", "before", "after"):
            assert bits([getattr(mine, name)]) == bits([getattr(theirs, name)])


@given(programs(ALL))
def test_contributions_summed_in_order_are_the_gradient(program: Program) -> None:
    root = program.values()[-1]
    run = root.trace_backward()
    run.goto(-1)
    for node in topological(root):
        if node is root or (node.op is not None and not node.parents):
            continue
        total = 0.0
        for step in run.contributions(node):
            assert step.before == total
            total += step.contribution
        assert total == run.gradient(node) == node.grad


def test_restart_goes_to_the_beginning_and_earlier_gradients_come_back() -> None:
    x, _w, y = net()
    x.grad = 0.25
    run = y.trace_backward()
    assert (x.grad, y.grad) == (0.0, 1.0)
    at = snapshots(run)
    end = x.grad
    run.restart()
    assert (run.position, run.current) == (0, None)
    assert grads(y) == at[0]
    run.goto(len(run))
    assert x.grad == end == run.gradient(x) + 0.25


def test_a_gradient_of_none_counts_as_0_as_in_backward() -> None:
    x, w, y = net()
    x.grad, w.grad = None, 0.25  # type: ignore[assignment]
    y.trace_backward().goto(-1)
    found = x.grad, w.grad
    x.grad, w.grad = None, 0.25  # type: ignore[assignment]
    y.grad = 0.0
    y.backward()
    assert (x.grad, w.grad) == found


def test_a_leaf_alone_is_a_run_of_no_edges() -> None:
    x = Value(2.0)
    x.grad = 0.5
    run = x.trace_backward(3.0)
    assert (len(run), x.grad, run.step(), run.back(), run.current) == (0, 3.5, None, None, None)
    assert run.goto(0) is run.goto(-1) is None
    run.restart()
    assert x.grad == 3.5
    assert run.gradient(x) == 3.0
    with pytest.raises(IndexError):
        run.goto(1)
    with pytest.raises(IndexError):
        run[0]


def test_a_run_of_100_000_edges_goes_to_and_fro_exactly() -> None:
    w = y = Value(0.999, "w")
    for _ in range(50_000):
        y = w * y
    run = y.trace_backward()
    assert len(run) == 100_000
    run.goto(-1)
    end = w.grad
    assert end == run.gradient(w)
    run.goto(7)
    run.goto(99_998)
    run.goto(-1)
    assert w.grad == end
    assert 28 * len(run) <= run.nbytes < 50 * len(run)
    assert "100,000" in repr(run)


def test_a_second_run_over_the_same_graph_and_a_backward_agree() -> None:
    x, _w, y = net()
    y.backward()
    once = x.grad
    run = y.trace_backward()
    run.goto(-1)
    assert x.grad == 2 * once


# --- stopping -----------------------------------------------------------------------------------
@given(programs(ALL, steps=8), st.data())
def test_until_stops_at_the_next_one_that_holds_both_ways(program: Program, data: Any) -> None:
    root = program.values()[-1]
    run = root.trace_backward()
    at = snapshots(run)
    wanted = data.draw(st.sets(st.integers(0, len(run)), max_size=4)) if len(run) else set()
    start = data.draw(st.integers(0, len(run)))
    run.goto(start)
    step = run.until(lambda step: step.index in wanted)
    after = [i for i in sorted(wanted) if start <= i < len(run)]
    assert (step.index if step else None) == (after[0] if after else None)
    assert run.position == (after[0] + 1 if after else len(run))
    assert grads(root) == at[run.position]
    run.goto(start)
    step = run.until(lambda step: step.index in wanted, backwards=True)
    before = [i for i in sorted(wanted) if i < start]
    assert (step.index if step else None) == (before[-1] if before else None)
    assert run.position == (before[-1] if before else 0)
    assert grads(root) == at[run.position]


def test_until_changed_stops_at_each_change_of_a_gradient() -> None:
    x, w = Value(3.0, "x"), Value(0.0, "w")
    y = x * w + x + (x * 0.0)
    run = y.trace_backward()
    met = []
    while (step := run.until_changed(x)) is not None:
        met.append(step.contribution)
        assert x.grad == step.after != step.before
    assert met == [1.0]  # 0 * 1 twice changes nothing
    assert run.position == len(run)
    assert run.until_changed(x, backwards=True) is not None
    assert x.grad == 0.0
    assert run.until_changed(x, backwards=True) is None
    assert run.position == 0


def test_until_nonfinite_stops_where_a_gradient_goes_bad_both_ways() -> None:
    x = Value(0.0, "x")
    y = x.sqrt() * 3 + x
    with numeric_mode("ieee"):
        run = y.trace_backward()
    step = run.until_nonfinite()
    assert step is not None
    assert step.parent is x
    assert math.isfinite(step.before)
    assert x.grad == math.inf
    assert run.until_nonfinite() is None
    assert run.until_nonfinite(backwards=True) == step
    assert math.isfinite(x.grad)


def test_an_error_of_a_predicate_leaves_the_run_where_it_was() -> None:
    _, _, y = net()
    run = y.trace_backward()
    run.goto(2)
    before = grads(y)
    with pytest.raises(ZeroDivisionError):
        run.until(lambda step: 1 / 0)
    assert (run.position, grads(y)) == (2, before)


# --- errors -------------------------------------------------------------------------------------
def test_steps_are_indexed_as_those_of_a_list() -> None:
    x = Value(2.0)
    run = Run((x * 3.0 + x).tanh())
    end = len(run)
    assert [run[i - end].index for i in range(end)] == [run[i].index for i in range(end)]
    for index in (end, -end - 1, 0.5, None):
        with pytest.raises(IndexError, match=f"this run has {end} edges, from 0 to {end - 1}; got"):
            run[index]  # type: ignore[index]


@pytest.mark.parametrize(
    ("position", "error"),
    [(9, IndexError), (-10, IndexError), (1.0, TypeError), ("1", TypeError), (True, TypeError)],
)
def test_a_place_that_is_none_is_an_error_that_moves_nothing(
    position: Any, error: type[Exception]
) -> None:
    _, _, y = net()
    run = y.trace_backward()
    assert len(run) == 8
    run.goto(3)
    before = grads(y)
    with pytest.raises(error):
        run.goto(position)
    assert (run.position, grads(y)) == (3, before)


def test_a_value_of_another_graph_has_no_gradient_here() -> None:
    _, _, y = net()
    run = y.trace_backward()
    for ask in (run.gradient, run.contributions, run.until_changed):
        with pytest.raises(ValueError, match="trace that output"):
            ask(Value(1.0, "other"))
    assert run.position == 0


def test_a_stale_graph_and_a_bad_seed_change_nothing() -> None:
    x, _, y = net()
    x.grad = 1.0
    with pytest.raises(TypeError):
        y.trace_backward("1")  # type: ignore[arg-type]
    assert (x.grad, y.grad) == (1.0, 0.0)
    x.data = 3.0
    with pytest.raises(StaleValueError):
        y.trace_backward()
    assert (x.grad, y.grad) == (1.0, 0.0)


# --- copies and threads -------------------------------------------------------------------------
def test_a_run_survives_pickling_where_it_stands() -> None:
    _, _, y = net()
    run = y.trace_backward()
    run.goto(3)
    copy = pickle.loads(pickle.dumps(run))
    assert (copy.position, len(copy)) == (3, len(run))
    assert grads(copy.root) == grads(y)
    copy.goto(-1)
    run.goto(-1)
    assert grads(copy.root) == grads(y)
    assert copy.root is not y


def test_runs_over_different_graphs_walk_in_threads() -> None:
    ends: dict[int, list[bytes]] = {}

    def walk(k: int) -> None:
        x = Value(0.5 + k)
        y = engine.sum([(x * i).tanh() for i in range(50)])
        run = y.trace_backward()
        for position in (len(run), 3, len(run) // 2, 0, len(run)):
            run.goto(position)
        ends[k] = grads(y)
        fresh = Value(0.5 + k)
        z = engine.sum([(fresh * i).tanh() for i in range(50)])
        z_run = z.trace_backward()
        z_run.goto(-1)
        assert grads(z) == ends[k]

    threads = [threading.Thread(target=walk, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ends) == 4


def test_walking_and_reading_a_graph_need_no_graphviz() -> None:
    program = (
        "import sys; sys.modules['graphviz'] = None\n"
        "from engine import Value\n"
        "from engine.drawing import explain, latex, tree\n"
        "from engine.stepping import diagnose, hunt, unroll\n"
        "x = Value(3.0, 'x'); y = (x * x).tanh()\n"
        "run = y.trace_backward(); run.goto(-1); unroll(run)()\n"
        "asked = tree, explain, latex, diagnose\n"
        "print(*[len(str(ask(y))) > 9 for ask in asked], hunt(y), x.grad)\n"
        "print(*[step.contribution > 0 for step in y.backward_steps()], *y.forward_steps())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("True True True True None ")


def test_ctrl_c_while_it_begins_leaves_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    x = Value(2.0)
    y = x * x
    x.grad = 5.0

    def pressed(run: Run) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Run, "restart", pressed)
    with pytest.raises(KeyboardInterrupt):
        y.trace_backward()
    assert (x.grad, y.grad) == (5.0, 0.0)
    y.backward()  # which an open run would not let
    assert x.grad == 9.0
