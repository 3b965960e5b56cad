"""backward_steps and forward_steps: what `backward()` does, in the user's own loop."""

import dataclasses
import gc
import linecache
import math
import struct
import sys
from types import FrameType
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import engine
from engine import NumericError, StaleValueError, Value, numeric_mode, topological
from engine.core.operation import rows
from engine.core.sweep import backward
from tests.core.programs import OPERATIONS, Program, programs

SEEDS = st.sampled_from([1.0, -2.5, 0.0, -0.0, 1e-300, 1e300])
EARLIER = st.lists(st.floats(-1e3, 1e3), min_size=40, max_size=40)
ALL = sorted(OPERATIONS)
ONE = Program((2.0,), (("neg", (0,)),))


def bits(numbers: list[float]) -> list[bytes]:
    """Numbers to be compared to the bit; all nans are one."""
    return [b"nan" if math.isnan(x) else struct.pack("<d", x) for x in numbers]


def grads(root: Value) -> list[bytes]:
    return bits([node.grad for node in topological(root)])


def twins(program: Program, earlier: list[float]) -> tuple[Value, Value]:
    """The same graph twice, with the same gradients from before."""
    pair = program.values()[-1], program.values()[-1]
    for root in pair:
        for node, grad in zip(topological(root), earlier, strict=False):
            if node.op is None or node.parents:
                node.grad = grad
    return pair


def net() -> tuple[Value, Value, Value]:
    x, w = Value(2.0, "x"), Value(-3.0, "w")
    return x, w, (x * w + x * x).tanh() * 0.5


# --- the graph afterwards -----------------------------------------------------------------------
@given(programs(ALL), SEEDS, st.one_of(st.just([]), EARLIER))
@example(ONE, -0.0, [])
@example(ONE, 1.0, [-0.0, -0.0])
def test_gone_through_it_leaves_what_backward_leaves_to_the_bit(
    program: Program, seed: float, earlier: list[float]
) -> None:
    with numeric_mode("ieee"):
        stepped, swept = twins(program, earlier)
        for _ in stepped.backward_steps(seed):
            pass
        swept.backward(seed)
    assert grads(stepped) == grads(swept)


WILD = st.sampled_from([math.inf, -math.inf, math.nan, 0.0, -0.0, 1e308, -1e308, 5e-324, -1.0, 2.0])
WILD_OPERATIONS = [
    *(lambda a, b, f=f: f(a) + b for f in (engine.log, engine.exp, engine.sqrt, engine.relu)),
    lambda a, b: a * b,
    lambda a, b: a / b,
    lambda a, b: engine.where(a > b, a, b * 0.0),
    lambda a, b: engine.maximum(a, b),
    lambda a, b: engine.softmax([a, b], index=0),
    lambda a, b: engine.dot([a, b], [b, a], a),
    lambda a, b: (a - b) ** 3,
    lambda a, b: abs(a) ** 0.5 + b,
    lambda a, b: engine.minimum(a.sqrt(), b),
    lambda a, b: engine.clamp(a, -1.0, b),
    lambda a, b: engine.choose(1.0, [a.log(), b]),
    lambda a, b: rows.select(rows.greater(a, b), a.sqrt(), b),
]
WILD_PLANS = st.lists(
    st.tuples(st.integers(0, len(WILD_OPERATIONS) - 1), st.integers(0, 99), st.integers(0, 99)),
    max_size=8,
)


def wild(leaves: list[float], plan: list[tuple[int, int, int]]) -> Value:
    """A graph of poles, kinks and branches that were not taken."""
    nodes = [Value(x) for x in leaves]
    for which, i, j in plan:
        nodes.append(WILD_OPERATIONS[which](nodes[i % len(nodes)], nodes[j % len(nodes)]))
    return engine.sum(nodes[-2:])


@given(st.lists(WILD, min_size=2, max_size=4), WILD_PLANS)
def test_infinities_and_nans_pass_in_it_as_in_backward(
    leaves: list[float], plan: list[tuple[int, int, int]]
) -> None:
    with numeric_mode("ieee"):
        stepped, swept = wild(leaves, plan), wild(leaves, plan)
        for _ in stepped.backward_steps():
            pass
        swept.backward()
    assert grads(stepped) == grads(swept)


@given(programs(ALL))
def test_a_step_says_what_happened_on_the_graph(program: Program) -> None:
    root = program.values()[-1]
    adjoint: dict[Value, float] = {}
    adjoint[root] = 1.0
    for index, step in enumerate(root.backward_steps()):
        assert step.index == index
        assert step.node.parents[step.position] is step.parent
        assert step.upstream == step.node.grad == adjoint[step.node]
        assert step.contribution == step.upstream * step.local
        assert step.before == adjoint.get(step.parent, 0.0)
        assert step.after == step.before + step.contribution == step.parent.grad
        adjoint[step.parent] = step.after
    assert all(node.grad == adjoint.get(node, 0.0) for node in topological(root))


def edges_of_the_sweep(root: Value) -> list[tuple[Value, Value, float]]:
    """The edges in the order in which the loop in engine/core/sweep.py adds their contributions."""
    code, found = backward.__code__, []
    lines = [line for _, _, line in code.co_lines() if line is not None]
    source = {line for line in lines if "parent.grad += contribution" in _line(code, line)}

    def tracer(frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code is not code:
            return None
        if event == "line" and frame.f_lineno in source:
            here = frame.f_locals
            found.append((here["node"], here["parent"], here["contribution"]))
        return tracer

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        root.backward()
    finally:
        sys.settrace(before)
    assert found
    return found


def _line(code: Any, line: int) -> str:
    return linecache.getline(code.co_filename, line)


@given(programs(ALL, steps=8))
def test_the_order_is_that_of_the_loop_in_backward(program: Program) -> None:
    root = program.values()[-1]
    steps = [(s.node, s.parent, s.contribution) for s in root.backward_steps()]
    assert steps == edges_of_the_sweep(root)


def test_numbers_of_the_source_get_no_edge() -> None:
    x = Value(2.0)
    y = 3.0 * x**2 + 1.0
    parents = [step.parent for step in y.backward_steps()]
    assert all(parent.op is None or parent.parents for parent in parents)
    assert len(parents) == 3


def test_a_leaf_alone_has_no_edge_and_gets_the_seed() -> None:
    x = Value(2.0)
    x.grad = 0.5
    assert list(x.backward_steps(3.0)) == []
    assert x.grad == 3.5


def test_a_chain_of_100_000_edges_is_gone_through() -> None:
    x = y = Value(1.0)
    for _ in range(100_000):
        y = -y
    *_, last = y.backward_steps()
    assert (last.index, last.parent, x.grad) == (99_999, x, 1.0)


# --- left early ---------------------------------------------------------------------------------
def test_a_break_puts_the_gradients_back() -> None:
    x, w, y = net()
    x.grad, w.grad, y.grad = 1.0, -2.0, 0.25
    before, within = grads(y), []
    for step in y.backward_steps():
        within = grads(y)
        if step.parent is w:
            break
    gc.collect()  # where the loop's generator is not dropped at once
    assert grads(y) == before != within
    y.backward()


def test_close_and_an_error_within_put_back() -> None:
    x, _, y = net()
    x.grad = 1.0
    before = grads(y)
    steps = y.backward_steps()
    next(steps)
    next(steps)
    steps.close()  # type: ignore[attr-defined]
    assert grads(y) == before
    steps = y.backward_steps()
    next(steps)
    with pytest.raises(KeyError):
        steps.throw(KeyError("mine"))  # type: ignore[attr-defined]
    assert grads(y) == before
    y.backward()


def test_nothing_happens_before_the_first_step_is_asked_for() -> None:
    _, _, y = net()
    y.backward_steps()
    assert y.grad == 0.0
    y.backward()


def test_no_other_sweep_can_begin_within_it() -> None:
    _, _, y = net()
    steps = y.backward_steps()
    next(steps)
    for other in (y.backward, (Value(1.0) * 2).backward, lambda: next(y.backward_steps())):
        with pytest.raises(RuntimeError, match="let the outer one end first"):
            other()
    assert len(list(steps)) == 7
    y.backward()


def test_a_changed_leaf_is_an_error_at_the_first_step() -> None:
    x, _, y = net()
    x.data = 5.0
    with pytest.raises(StaleValueError, match=r"x=5\.0 was changed"):
        next(y.backward_steps())
    with pytest.raises(StaleValueError):
        next(y.forward_steps())


@pytest.mark.parametrize("seed", ["1", None, [1.0]])
def test_a_seed_is_a_number(seed: Any) -> None:
    _, _, y = net()
    with pytest.raises(TypeError):
        next(y.backward_steps(seed))
    assert y.grad == 0.0


def test_in_strict_mode_it_raises_as_backward_does_and_puts_back() -> None:
    def build() -> tuple[Value, Value]:
        x = Value(0.0, "x")
        x.grad = 2.0
        return x, x.sqrt() * 3 + x

    x, y = build()
    with pytest.raises(NumericError) as stepped:
        list(y.backward_steps())
    assert (x.grad, y.grad) == (2.0, 0.0)
    x, y = build()
    with pytest.raises(NumericError) as swept:
        y.backward()
    assert str(stepped.value) == str(swept.value)
    x, y = build()
    with pytest.raises(NumericError) as traced:
        y.trace_backward()
    assert (x.grad, y.grad) == (2.0, 0.0)
    assert str(traced.value) == str(swept.value)


# --- Step ---------------------------------------------------------------------------------------
def test_a_step_is_frozen_and_small() -> None:
    _, _, y = net()
    step = next(y.backward_steps())
    with pytest.raises(dataclasses.FrozenInstanceError):
        step.after = 1.0  # type: ignore[misc]
    assert not hasattr(step, "__dict__")
    assert len(repr(step)) < 1000


def test_a_step_can_be_read_aloud() -> None:
    x, w = Value(0.501, "x"), Value(2.0, "w")
    n = x * w
    lines = [str(step) for step in n.backward_steps(3.0)]
    here = "test_steps.py:"
    assert lines[0].startswith("x.grad 0 -> 6  (+= 3 × 2)  n = x * w  " + here)
    assert lines[1].startswith("w.grad 0 -> 1.503  (+= 3 × 0.501)  n = x * w  " + here)


def test_a_nameless_leaf_is_called_by_its_number() -> None:
    y = Value(2.0) * Value(3.0)
    first, second = [str(step) for step in y.backward_steps()]
    assert first.startswith("Value(2).grad 0 -> 3")
    assert second.startswith("Value(3).grad 0 -> 2")


HOSTILE = ["a\nb", "\x1b[31m", "\u202eback", "x" * 1000, "", "a\rb"]


@pytest.mark.parametrize("label", HOSTILE)
def test_a_step_is_one_line_whatever_a_label_holds(label: str) -> None:
    x = Value(1.0, label)
    y = x * 2
    y.label = label
    for line in (str(next(y.backward_steps())), str(next(y.forward_steps()))):
        assert line.isprintable()
        assert len(line) < 300


# --- forward ------------------------------------------------------------------------------------
@given(programs(ALL))
def test_forward_steps_tell_every_operation_once_and_change_nothing(program: Program) -> None:
    root = program.values()[-1]
    steps = list(root.forward_steps())
    assert [s.node for s in steps] == [node for node in topological(root) if node.parents]
    known: set[Value] = set()
    for index, step in enumerate(steps):
        assert step.index == index
        assert step.parents == step.node.parents
        assert step.inputs == tuple(parent.data for parent in step.parents)
        assert step.data == step.node.data == step.node.op.function(*step.inputs)  # type: ignore[union-attr]
        assert all(not parent.parents or parent in known for parent in step.parents)
        known.add(step.node)
    assert all(node.grad == 0.0 for node in topological(root))
