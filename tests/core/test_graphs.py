"""Gradients of random graphs with sharing, against oracles that know nothing of graphs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import Value, gradient, jacobian, jvp, no_grad, topological, vjp
from engine.operations.check import differentiate
from tests.core.programs import OPERATIONS, Program, path_sum, programs

STEP = 1e-20


@given(programs())
def test_backward_agrees_with_complex_steps(program: Program) -> None:
    """The imaginary part of f(x + ih) is h f'(x): no difference, so nothing cancels."""
    nodes = program.values()
    output = nodes[-1]
    output.backward()
    tolerance = 1e-9 * path_sum(output)
    for i, leaf in enumerate(nodes[: len(program.leaves)]):
        moved = [complex(x, STEP * (i == j)) for j, x in enumerate(program.leaves)]
        answer = complex(program.run(moved, kind=1)[-1])
        assert output.data == pytest.approx(answer.real, rel=1e-9, abs=1e-9)
        assert leaf.grad == pytest.approx(answer.imag / STEP, rel=1e-9, abs=tolerance)


@given(programs(list(OPERATIONS)))
def test_backward_agrees_with_differences(program: Program) -> None:
    """Richardson extrapolation of central differences: for each operation, n-ary ones included."""
    nodes = program.values()
    nodes[-1].backward()
    tolerance = 1e-9 * path_sum(nodes[-1])
    for i, x in enumerate(program.leaves):

        def moved(t: float, i: int = i) -> float:
            leaves = [*program.leaves[:i], t, *program.leaves[i + 1 :]]
            with no_grad():
                return float(program.run([Value(y) for y in leaves])[-1])

        estimate, uncertainty = differentiate(moved, x)
        assert abs(nodes[i].grad - estimate) <= tolerance + 10 * uncertainty


@given(programs(list(OPERATIONS)), st.data())
def test_backward_is_gradient_is_forward_mode(program: Program, data: st.DataObject) -> None:
    nodes = program.values()
    output, leaves = nodes[-1], nodes[: len(program.leaves)]
    close = {"rel": 1e-12, "abs": 1e-12 * path_sum(output)}
    gradients = [g.data for g in gradient(output, leaves)]
    assert all(node.grad == 0.0 for node in nodes)  # gradient() leaves nothing behind
    forward = [jvp(output, {leaf: 1.0}).data for leaf in leaves]
    output.backward()
    assert [leaf.grad for leaf in leaves] == pytest.approx(gradients, **close)
    assert forward == pytest.approx(gradients, **close)

    along = [data.draw(st.floats(-2, 2)) for _ in leaves]
    product = sum(g * v for g, v in zip(gradients, along, strict=True))
    tangents = dict(zip(leaves, along, strict=True))
    assert jvp(output, tangents).data == pytest.approx(product, **close)


@given(programs(list(OPERATIONS)))
def test_interior_nodes_get_their_gradients_too(program: Program) -> None:
    """What `.grad` of a result says is what `gradient` says by it."""
    nodes = program.values()
    output = nodes[-1]
    output.backward()
    wanted = [g.data for g in gradient(output, nodes)]
    close = {"rel": 1e-12, "abs": 1e-12 * path_sum(output)}
    assert [node.grad for node in nodes] == pytest.approx(wanted, **close)


@given(programs(list(OPERATIONS)), st.data())
def test_a_result_receives_what_a_leaf_in_its_place_would(
    program: Program, data: st.DataObject
) -> None:
    whole = program.values()
    cut = data.draw(st.integers(0, len(whole) - 2))
    whole[-1].backward()
    parts = program.values(cut)
    parts[-1].backward()
    close = {"rel": 1e-12, "abs": 1e-12 * path_sum(whole[-1])}
    assert parts[cut].grad == pytest.approx(whole[cut].grad, **close)
    assert parts[cut].parents == ()


@given(programs(), st.data())
def test_gradients_of_several_outputs(program: Program, data: st.DataObject) -> None:
    """vjp and jacobian of any nodes at once, against complex steps of each."""
    nodes = program.values()
    leaves = nodes[: len(program.leaves)]
    picks = data.draw(st.lists(st.integers(0, len(nodes) - 1), min_size=1, max_size=3))
    outputs = [nodes[i] for i in picks]
    weights = [data.draw(st.floats(-2, 2)) for _ in picks]
    rows = [[d.data for d in row] for row in jacobian(outputs, leaves)]
    together = [g.data for g in vjp(outputs, leaves, weights)]
    tolerance = 1e-9 * max(map(path_sum, outputs))
    for j in range(len(leaves)):
        moved = [complex(x, STEP * (i == j)) for i, x in enumerate(program.leaves)]
        answers = program.run(moved, kind=1)
        column = [complex(answers[i]).imag / STEP for i in picks]
        assert [row[j] for row in rows] == pytest.approx(column, rel=1e-9, abs=tolerance)
        product = sum(w * d for w, d in zip(weights, column, strict=True))
        assert together[j] == pytest.approx(product, rel=1e-9, abs=8 * tolerance)


def test_what_is_no_value_has_no_graph() -> None:
    with pytest.raises(TypeError, match=r"^a graph is that below Values, got list \[Value"):
        topological([Value(1.0)])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"got float 2\.0; give each by itself"):
        topological(Value(1.0), 2.0)  # type: ignore[arg-type]
