"""What of a graph is drawn: its parts, kinds, local derivatives, and n-ary nodes opened."""

import copy
import pickle
from math import inf, isfinite, isnan, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine
from engine import Value, gradient, numeric_mode, topological
from engine.core.value import is_constant
from engine.drawing import draw
from engine.drawing.captions import _samples
from engine.drawing.view import View, scattered, view
from engine.wording.notation import locals_of
from nn import MLP, Module, mse_loss
from tests.core.programs import OPERATIONS, Program, path_sum, programs

PROGRAMS = programs(names=[*OPERATIONS], steps=8)


def snapshot(*roots: Value) -> list[tuple[str, ...]]:
    """All there is in a graph, to see whether it changed."""
    slots = ("_data", "grad", "label", "op", "parents", "_epoch", "_code", "_at")
    order = topological(*roots)
    number = {node: str(i) for i, node in enumerate(order)}
    return [
        tuple(
            " ".join(map(number.__getitem__, node.parents))
            if slot == "parents"
            else repr(getattr(node, slot))
            for slot in slots
        )
        for node in order
    ]


def edges(seen: View) -> list[tuple[Value, Value, float]]:
    """Each arrow that has a number: the node, its operand, the local derivative."""
    return [
        (node, parent, local)
        for node in seen.nodes
        for parent, local in zip(node.parents, locals_of(node), strict=True)
        if parent in seen.kinds and local is not None
    ]


# --- local derivatives ---------------------------------------------------------------------------
@given(PROGRAMS)
def test_the_number_on_an_arrow_is_the_derivative_of_the_operation_by_that_operand(
    program: Program,
) -> None:
    for node in view(program.values()[-1]).nodes:
        inputs = [parent.data for parent in node.parents]
        for i, local in enumerate(locals_of(node)):
            if local is None or is_constant(node.parents[i]) or node.op is None:
                continue
            if node.op.name in ("maximum", "minimum") and inputs.count(inputs[i]) > 1:
                continue  # a tie is a kink
            step = 1e-5 * max(1.0, abs(inputs[i]))
            moved = [
                node.op.function(*inputs[:i], inputs[i] + side * step, *inputs[i + 1 :])
                for side in (1, -1)
            ]
            slope = (moved[0] - moved[1]) / (2 * step)
            assert local == pytest.approx(slope, rel=1e-4, abs=1e-4), (node.op, inputs, i)


@given(PROGRAMS)
def test_what_the_arrows_hand_on_adds_up_to_the_gradients(program: Program) -> None:
    output = program.values()[-1]
    output.backward()
    handed = dict.fromkeys(topological(output), 0.0)
    handed[output] = 1.0
    for node, parent, local in edges(view(output)):
        handed[parent] += node.grad * local
    for node in view(output).nodes:
        assert handed[node] == pytest.approx(node.grad, abs=1e-12 * path_sum(output), rel=1e-9)


def test_a_derivative_that_is_not_finite_is_shown_and_never_raised_not_even_in_strict_mode() -> (
    None
):
    with numeric_mode("ieee"):
        x = Value(0.0)
        roots = [engine.sqrt(x), engine.log(x), 1.0 / x, x * inf, x**-1.0]
    with numeric_mode("strict"):
        for root in roots:
            assert not any(map(isfinite, filter(None, locals_of(root)))), root
            assert "n0 -> n1" in draw(root).source


@pytest.mark.parametrize("error", [ZeroDivisionError, ValueError, IndexError, RuntimeError])
def test_a_graph_whose_own_operation_has_a_partial_that_raises_is_drawn(
    error: type[Exception],
) -> None:
    def partial(y: Any, x: Any) -> Any:
        raise error("no derivative")

    broken = engine.operation("drawn_broken", lambda x: x * 2, partial)
    assert "drawn_broken" in draw(broken(Value(1.0)) + 1.0).source


# --- parts ---------------------------------------------------------------------------------------
@given(PROGRAMS, st.integers(0, 6))
def test_depth_counts_steps_by_the_shortest_way(program: Program, depth: int) -> None:
    output = program.values()[-1]
    near, ring = {output}, {output}
    for _ in range(depth):
        ring = {parent for node in ring for parent in node.parents}
        near |= ring
    seen = view(output, depth=depth)
    assert set(seen.nodes) == {node for node in near if node is output or not is_constant(node)}
    for node in seen.nodes:
        assert seen.hidden(node) == sum(not (p in near or is_constant(p)) for p in node.parents)


@given(PROGRAMS, st.data())
def test_only_draws_what_lies_on_a_path_from_the_sources_to_the_output(
    program: Program, data: st.DataObject
) -> None:
    output = program.values()[-1]
    order = topological(output)
    sources = data.draw(st.lists(st.sampled_from(order), min_size=1, max_size=3))
    below = {node: {*topological(node)} for node in order}
    wanted = [n for n in order if not below[n].isdisjoint(sources) and not (is_constant(n))]
    seen = view(output, only=iter(sources))
    assert seen.nodes == [node for node in wanted if node in below[output]]
    if len(sources) == 1:
        assert view(output, only=sources[0]).nodes == seen.nodes
    assert seen.kinds[output] == "output"


def test_the_output_alone_is_a_picture_too() -> None:
    y = Value(2.0) * 3.0 + 1.0
    assert view(y, depth=0).nodes == view(y, only=y).nodes == [y]
    assert "cut" in draw(y, depth=0).source
    assert "cut" not in draw(y).source
    assert view(Value(1.0)).kinds.popitem()[1] == "output"  # type: ignore[attr-defined]


# --- kinds ---------------------------------------------------------------------------------------
class Line(Module):
    """A model of one's own."""

    def __init__(self) -> None:
        self.slopes, self.offset = [Value(float(i)) for i in range(2)], Value(1.0)

    def __call__(self, x: Any) -> Value:
        return self.slopes[0] * x + self.slopes[1] * x + self.offset


def kinds(value: Value, **how: Any) -> dict[Value, str]:
    return dict(view(value, **how).kinds)


def test_leaves_are_guessed_and_what_is_said_about_them_goes_before_the_guess() -> None:
    line, x = Line(), Value(2.0)
    y = line(x)
    own = {*line.slopes, line.offset}
    guessed = kinds(y)
    assert {node for node, kind in guessed.items() if kind == "parameter"} == own
    assert {node for node, kind in guessed.items() if kind == "input"} == {x}
    assert [kind for node, kind in guessed.items() if node.parents][-1] == "output"
    assert kinds(y, parameters=iter([x]))[x] == "parameter"
    assert kinds(y, parameters=iter([x]))[line.offset] == "input"
    assert kinds(y, parameters=[])[x] == "leaf"
    assert kinds(y, inputs=iter([line.offset]))[line.offset] == "input"
    assert kinds(y, inputs=[line.offset])[x] == "leaf"
    assert kinds(y, inputs=[])[x] == "leaf"
    assert kinds(y, expand=True, parameters=[x]) != guessed
    assert sorted(kinds(y, expand=True, parameters=[x]).values()).count("parameter") == 1


def test_without_an_object_there_are_just_leaves_and_with_a_network_its_own() -> None:
    x, w = Value(2.0), Value(3.0)
    y = x * w + 1.0
    assert kinds(y) == {x: "leaf", w: "leaf", y.parents[0]: "operation", y: "output"}
    model = MLP(2, [3, 1], rng=1)
    loss = mse_loss([model([1.0, 2.0])], [0.5])
    for graph in (loss, copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):
        found = view(graph)
        parameters = [n.label for n in found.nodes if found.kinds[n] == "parameter"]
        assert sorted(map(str, parameters)) == sorted(str(p.label) for p in model.parameters())
        assert sorted(n.data for n in found.nodes if found.kinds[n] == "input") == [1.0, 2.0]


# --- leaves that are used all over ---------------------------------------------------------------
def test_the_weights_of_a_recurrent_network_are_drawn_once_for_each_use() -> None:
    w, u, h = Value(0.5, "w"), Value(0.3, "u"), Value(0.0, "h")
    for _ in range(10):
        h = (w * h + u).tanh()
    h.backward()
    picture = draw(h, width=None, legend=False)
    assert scattered(view(h)) == {w, u}
    rows = [row.strip() for row in picture.body]
    copies = [row.split()[0].strip('"') for row in rows if "class=" in row and " copy" in row]
    assert len(copies) == len(set(copies)) == 18
    for name in copies:
        arrows = [row for row in rows if "->" in row and f"{name}" in row.replace('"', "").split()]
        assert len(arrows) == 1
    assert set(copies) < picture.titles.keys()
    weights = {f"n{i}" for i, node in enumerate(view(h).nodes) if node in (w, u)}
    assert weights < {row.split()[0] for row in rows}  # and once in full, where it is used first


# --- what is no good -----------------------------------------------------------------------------
BAD: list[tuple[dict[str, Any], str]] = [
    ({"direction": "up"}, r"unknown direction 'up'; known: LR, TB, RL, BT"),
    ({"direction": None}, r"unknown direction None; known: LR"),
    ({"depth": -1}, r"depth is .* got -1"),
    ({"depth": 1.5}, r"depth is .* got 1\.5"),
    ({"depth": True}, r"depth is .* got True"),
    ({"depth": nan}, r"depth is .* got nan"),
    ({"only": []}, r"only "),
    ({"only": 3}, r"only .* got (an )?int"),
    ({"only": [3]}, r"only takes a Value, .* got int for \[0\]; give Values"),
    ({"only": Value(7.0)}, r"only takes Values that went into .* got Value\(data=7\.0"),
    ({"parameters": 3}, r"parameters .* got (an )?int"),
    ({"parameters": [3]}, r"parameters .* got (an? )?int"),
    ({"inputs": 3}, r"inputs .* got (an )?int"),
    ({"inputs": "x"}, r"inputs .* got (a )?str"),
    ({"collapse": 3}, r"collapse is .* got 3"),
    ({"collapse": True}, r"collapse is .* got True"),
    ({"collapse": "1"}, r"collapse is .* got '1'"),
    ({"collapse": 1.0}, r"collapse is .* got 1\.0"),
    ({"limit": "a"}, r"limit .* got 'a'"),
    ({"limit": None}, r"limit .* got None"),
    ({"limit": -1}, r"limit .* got -1"),
    ({"open": 3}, r"open .* got (an int|3|int)"),
    ({"open": [3]}, r"open .* got|no group 3"),
    ({"open": "L9"}, r"no group 'L9' to open in this graph"),
]


@pytest.mark.parametrize(("how", "said"), BAD, ids=[str(how) for how, _ in BAD])
def test_a_bad_argument_is_an_error_that_says_what_is_taken_and_changes_nothing(
    how: dict[str, Any], said: str
) -> None:
    y = (Value(2.0, "x") * Value(3.0, "w")).tanh()
    y.backward()
    before = snapshot(y)
    with pytest.raises((TypeError, ValueError), match=said):
        draw(y, **how)
    assert snapshot(y) == before


@given(PROGRAMS, st.booleans(), st.booleans(), st.sampled_from([None, 0, 1, 2]))
def test_drawing_leaves_the_graph_as_it_was(
    program: Program, expand: bool, strength: bool, collapse: int | None
) -> None:
    output = program.values()[-1]
    output.backward()
    slope = gradient(output, next(n for n in topological(output) if n.op is None))
    roots = [output, slope] if isinstance(slope, Value) else [output]
    before = snapshot(*roots)
    for root in roots:
        pictures = {
            draw(root, expand=expand, strength=strength, collapse=collapse).source for _ in range(2)
        }
        assert len(pictures) == 1
    assert snapshot(*roots) == before
    assert not any(isnan(node.grad) for node in topological(*roots))


@pytest.mark.parametrize(
    ("size", "many", "said"),
    [(2, 4, "4 samples of 2 inputs"), (3, 2, "2 samples of 3 inputs"), (1, 4, ""), (3, 1, "")],
)
def test_inputs_that_one_operation_takes_are_a_sample(size: int, many: int, said: str) -> None:
    weights = [Value(1.0, f"w{i}") for i in range(size)]
    samples = [[Value(2.0, f"x{i}{k}") for k in range(size)] for i in range(many)]
    loss = engine.sum([engine.dot(xs, weights).tanh() for xs in samples])
    assert _samples([x for xs in samples for x in xs], view(loss)) == said
