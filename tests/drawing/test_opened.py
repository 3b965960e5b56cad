"""What stands for a single operation, opened into the smaller ones that it is made of."""

from collections.abc import Callable
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine
from engine import Value, no_grad, numeric_mode, topological
from engine.drawing import draw
from engine.drawing.view import view
from tests.core.programs import Program, path_sum
from tests.drawing.test_view import PROGRAMS, snapshot


def labelled(program: Program) -> Value:
    leaves = [Value(x, f"leaf {i}") for i, x in enumerate(program.leaves)]
    output: Value = program.run(leaves)[-1]
    return output


@given(PROGRAMS, st.sampled_from(["strict", "ieee"]))
def test_opened_nodes_have_the_gradients_of_the_expression_written_out(
    program: Program, mode: Any
) -> None:
    output = labelled(program)
    output.backward()
    before, scale = snapshot(output), path_sum(output)
    with numeric_mode(mode):
        seen = view(output, expand=True)
    assert snapshot(output) == before
    shown = {node: node.grad for node in seen.nodes}
    leaves = {node.label: node.grad for node in topological(output) if node.label}
    assert {node.label: node.grad for node in seen.nodes if not node.parents} == leaves
    assert {*seen.nodes}.isdisjoint(topological(output))
    assert (next(iter(seen.outputs)).data, next(iter(seen.outputs)).grad) == (
        output.data,
        output.grad,
    )
    next(iter(seen.outputs)).zero_grad()
    next(iter(seen.outputs)).backward()
    for node, grad in shown.items():
        assert node.grad == pytest.approx(grad, rel=1e-6, abs=1e-9 * scale)


MANY: list[Callable[[list[Value]], Value]] = [
    engine.sum,
    lambda xs: engine.dot(xs, xs[::-1]),
    lambda xs: engine.dot(xs, [1.0] * len(xs), xs[0]),
    lambda xs: engine.maximum(*xs),
    lambda xs: engine.minimum(*xs),
    engine.logsumexp,
    lambda xs: engine.softmax(xs, 1),
    lambda xs: engine.log_softmax(xs, 0),
    lambda xs: engine.tanh(engine.softmax(xs)[2] * 3.0),
]
NAMES = ["sum", "dot", "affine", "max", "min", "logsumexp", "softmax", "log_softmax", "inside"]


@pytest.mark.parametrize("build", MANY, ids=NAMES)
def test_all_that_takes_many_operands_is_opened_down_to_elementary_operations(
    build: Callable[[list[Value]], Value],
) -> None:
    y = build([Value(0.5, "a"), Value(1.5, "b"), Value(-1.0, "c"), Value(0.25, "d")])
    seen = view(y, expand=True)
    assert all(len(node.parents) <= 2 for node in seen.nodes)
    assert len([node for node in seen.nodes if not node.parents]) == 4
    assert next(iter(seen.outputs)).data == y.data


def test_of_an_opened_node_only_the_result_has_its_name() -> None:
    xs = [Value(x, f"leaf {x}") for x in (0.5, 1.5, -1.0, 0.25)]
    total = engine.sum(xs)
    inner = engine.dot(xs, xs)
    top = engine.maximum(*xs)
    smooth = engine.logsumexp(xs)
    share = engine.softmax(xs, 1)
    named = {"total": total, "inner": inner, "top": top, "smooth": smooth, "share": share}
    wrong = []
    for name, root in named.items():
        for drawn in (root, root * 2.0):
            rows = [row for row in draw(drawn, expand=True).body if "->" not in row]
            found = sum(f'label="{name}\\n' in row for row in rows)
            wrong += [f"{name} {found} times"] * (found != 1)
    assert not wrong


@pytest.mark.parametrize("build", MANY[:6], ids=NAMES[:6])
def test_of_a_single_operand_there_is_nothing_to_open_that_would_fail(
    build: Callable[[list[Value]], Value],
) -> None:
    x = Value(0.5, "x")
    y = build([x])
    y.backward()
    seen = view(y, expand=True)
    assert (next(iter(seen.outputs)).data, next(iter(seen.outputs)).grad) == (y.data, 1.0)
    assert [node.grad for node in seen.nodes if node.label == "x"] == [x.grad]


def test_opening_works_where_no_graph_is_recorded_and_in_the_middle_of_a_sweep() -> None:
    ws = [Value(1.0, "a"), Value(2.0, "b")]
    y = engine.dot(ws, ws)
    with no_grad():
        assert len(view(y, expand=True).nodes) == 5
    drawn = []

    def partial(y: Any, x: Any) -> Any:  # a person who has stopped there, in a debugger
        drawn.append(draw(engine.dot(ws, ws), expand=True))
        return 1.0

    engine.operation("drawn_within", lambda x: x, partial)(y).backward()
    assert len(drawn) == 1


def test_opening_shows_gradients_that_overflowed_and_those_before_backward() -> None:
    with numeric_mode("ieee"):
        x = Value(1.0, "x")
        y = engine.sum([x, x, x]) * 1e308 * 10.0
        y.backward(10.0)
    with numeric_mode("strict"):
        grads = [node.grad for node in view(y, expand=True).nodes]
    assert inf in grads
    fresh = view(engine.dot([x], [x]) + 1.0, expand=True)
    assert [node.grad for node in fresh.nodes if node.parents] == [0.0, 0.0]
