"""Several outputs in one picture: what they share, what they are called, and what is refused."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine
from engine import Value, topological
from engine.core.value import is_constant
from engine.drawing import draw, to_dot, to_png, to_svg, tree
from engine.drawing.groups import OUTPUTS
from engine.drawing.view import scattered, view
from engine.stepping import Run
from engine.stepping.variables import text
from engine.wording.names import safe
from nn import MLP
from tests.core.programs import OPERATIONS, Program, programs
from tests.drawing.test_picture import classes, lines


def pair() -> tuple[Value, Value]:
    """Two results of one sum."""
    a, b, c = Value(2.0, "a"), Value(-3.0, "b"), Value(6.5, "c")
    n = a * b + c
    y1 = n.tanh()
    y2 = n * n
    return y1, y2


@given(programs([*OPERATIONS], steps=8), st.data())
def test_shared_parts_are_drawn_once_and_every_output_is_marked(
    program: Program, data: st.DataObject
) -> None:
    values = program.values()
    chosen = data.draw(st.lists(st.sampled_from(values), min_size=1, max_size=4))
    order = topological(*chosen)
    seen = view(chosen)
    wanted = {node for node in order if node in chosen or not is_constant(node)}
    assert len(seen.nodes) == len(wanted)
    assert set(seen.nodes) == wanted
    place = {node: i for i, node in enumerate(seen.nodes)}
    assert all(place[p] < place[n] for n in seen.nodes for p in n.parents if p in place)
    assert {node for node, kind in seen.kinds.items() if kind == "output"} == {*chosen}
    options: list[dict[str, Any]] = [{}, {"expand": True}, {"depth": 1}, {"collapse": 1}]
    for how in [*options, {"only": chosen[0]}]:
        source = draw(chosen, width=None, legend=False, **how).source
        marked = len(re.findall(r'class="?output', source))
        assert 1 <= marked <= len({*chosen})
        if "only" not in how:
            assert marked == len({*chosen})


def test_one_output_is_drawn_alike_alone_and_in_a_list() -> None:
    y, _ = pair()
    y.backward()
    assert draw([y]).source == draw(y).source == draw(v for v in [[y]]).source
    assert draw([y, y], expand=True).source == draw(y, expand=True).source
    assert str(tree([y])) == str(tree(y))


@pytest.mark.parametrize(
    ("shape", "names"),
    [
        (lambda a, b: [a, b], ["y1", "y2"]),
        (lambda a, b: (b, a), ["y2", "y1"]),
        (lambda a, b: np.array([a, b]), ["y1", "y2"]),
        (lambda a, b: {"mean": a, "var": b}, ["mean", "var"]),
        (
            lambda a, b: {"head": {"mean": a, "all": [a, b]}},
            ["head.mean, head.all[0]", "head.all[1]"],
        ),
        (lambda a, b: {"mean": a, 2: [b * 1.0]}, ["mean", "2[0]"]),
        (lambda a, b: [a * 1.0, {"b": b * 1.0}], ["[1].b"]),
        (lambda a, b: {"": a, "<b>\n|": b}, ["y1", "<b>\n|"]),
    ],
)
def test_outputs_have_the_names_of_keys_or_their_own(
    shape: Callable[[Value, Value], Any], names: list[str]
) -> None:
    given = shape(*pair())
    shown = [node for node in lines(to_svg(given)).values() if "data" not in node[0]]
    for name in names:
        assert sum(node[0] == safe(name) for node in shown) == 1, name
    titles = {title.text for title in ET.fromstring(to_svg(given)).iter() if "title" in title.tag}
    text = str(tree(given))
    for name in names:
        assert any(title and title.startswith(f"{safe(name)} = ") for title in titles), name
        assert f"{safe(name)} = " in text


def test_gradients_are_those_on_the_nodes_and_an_output_is_never_called_dead() -> None:
    y1, y2 = pair()
    y1.backward()
    for both in ([y1, y2], [y2, y1]):
        found = classes(both)
        assert found["y1"] == found["y2"] == ["output"]
        assert found["a"] == ["leaf"]
    own = Value(1.0, "own")
    z = y2 + own
    assert classes([y1, z])["own"] == ["leaf", "zero"]
    y1.grad = 1e-9  # the largest gradient of an output is what others are compared with
    y2.grad = 1e9
    own.grad = 1e8
    assert classes([y1, z, y2])["own"] == ["leaf"]
    assert classes([y1, z])["own"] == ["leaf", "exploding"]


@pytest.mark.parametrize("expand", [False, True])
def test_none_is_a_gradient_of_zero_in_pictures(expand: bool) -> None:
    def drawn(before: float | None) -> tuple[str, str, str]:
        for node in topological(y):
            node.grad = before  # type: ignore[assignment]
        svg = to_svg(y, expand=expand)
        for node in topological(y):
            node.grad = before  # type: ignore[assignment]
        return svg, str(tree(y)), text(y)

    y = pair()[0]
    assert drawn(None) == drawn(0.0)


def test_a_shared_subtree_is_written_once_in_the_tree() -> None:
    y1, y2 = pair()
    text = str(tree({"first": y1, "second": y2}))
    assert [line.split("  ")[0] for line in text.splitlines() if not line.startswith(" ")] == [
        "first = tanh",
        "└─ n = +",
        "second = ×",
        "├─ ↑ n",
        "└─ ↑ n",
    ]
    n = y2.parents[0]
    assert str(tree([y1, n])).splitlines()[-1].startswith("↑ n ")
    assert "2 values are not shown" in str(tree([y1, y2], lines=5))


def test_layers_and_neurons_collapse_beside_their_outputs() -> None:
    model = MLP(2, [4, 3], rng=1)
    outputs = model([1.0, 2.0])
    picture = draw(outputs, collapse=1)
    assert {title.split("\n")[0] for title in picture.titles.values()} >= {"L0", "L1"}
    assert len(re.findall(r'class="?output', picture.source)) == 3
    assert "no group" not in draw(outputs, open=["L0"]).source


def test_many_outputs_are_one_box_where_the_rest_is_in_boxes() -> None:
    model = MLP(2, [4, 1], rng=1)
    rows = [model([float(i), 1.0]) for i in range(OUTPUTS + 1)]
    titles = draw(rows, collapse=1).titles
    assert sum(title.startswith("outputs\n") for title in titles.values()) == 1
    assert len(draw(rows, collapse=1).ids) == len(view(rows).nodes)
    assert draw(rows[1:], collapse=1).source.count("class=output") == OUTPUTS
    assert draw(rows, collapse=1, open="outputs").source.count("class=output") == OUTPUTS + 1


def test_an_output_that_is_used_all_over_is_drawn_once() -> None:
    w, h = Value(0.5, "w"), Value(0.1, "h")
    for _ in range(10):
        h = (w * h).tanh()
    assert scattered(view(h)) == {w}
    assert scattered(view([h, w])) == set()
    assert draw([h, w], width=None).source.count("w\\n") == 1


def test_all_formats_take_several() -> None:
    ys = pair()
    assert to_dot(ys).startswith("digraph")
    assert to_png(ys).startswith(b"\x89PNG")
    assert to_svg(dict(enumerate(ys))).count('class="node output"') == 2
    steps = (y for y in ys)
    assert isinstance(steps, Iterator)
    assert to_svg(steps).count('class="node output"') == 2


@pytest.mark.parametrize("take", [draw, tree])
@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ([], ValueError, "at least one Value, got an empty list"),
        ({}, ValueError, "at least one Value, got an empty dict"),
        ({"a": []}, ValueError, "at least one Value, got an empty dict"),
        ([Value(1.0), 3.0], TypeError, r"got float for \[1\]; give Values themselves"),
        ({"mean": None}, TypeError, r"got NoneType for mean; give Values themselves"),
        (
            {"a": [[Value(1.0)], ["x"]]},
            TypeError,
            r"got str for a\[1\]\[0\]; give Values themselves",
        ),
        ({Value(1.0)}, TypeError, "got set; give Values themselves"),
        ("y", TypeError, "got str; give Values themselves"),
        (np.array([1.0]), TypeError, r"got float64 for \[0\]; give Values themselves"),
    ],
)
def test_what_holds_no_values_is_an_error_that_says_where(
    take: Callable[[Any], Any], given: Any, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        take(given)


def test_a_run_begins_at_one_value_and_says_so() -> None:
    y1, y2 = pair()
    with pytest.raises(TypeError, match=r"one Value, got list; .* engine\.drawing\.draw"):
        Run([y1, y2])  # type: ignore[arg-type]
    assert "<svg" in engine.sum([y1, y2]).to_html()
