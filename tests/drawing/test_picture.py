"""What a picture shows: read back from the DOT text and from the SVG."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable

import graphviz
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import engine
from engine import Value
from engine.drawing import draw, to_dot, to_svg

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = [
    "<b>bold</b>",
    "<table><tr><td>cell</td></tr></table>",
    "</svg><script>alert(1)</script>",
    "]]><!-- -->",
    "{left|right} <port>",
    'she said "hi"',
    "\\N \\G \\E \\l \\r",
    "ends in \\",
    'both \\"',
    "&lt;b&gt; &amp; &#60; &",
    "javascript:alert(1)",
    "n0 -> n1; }",
    "node",
    "%3",
    "-4.2",
    "two\nlines",
    "σ′ 日本 🎉 é",
    "\u202eright to left",
]


def lines(svg: str) -> dict[str, list[str]]:
    """The lines of text of each node, by the node's id."""
    return {
        group.attrib["id"]: [text.text or "" for text in group.iter(f"{SVG}text")]
        for group in ET.fromstring(svg).iter(f"{SVG}g")
        if group.attrib["class"].startswith("node")
    }


def neuron() -> Value:
    x, w, b = Value(2.0, label="x"), Value(-3.0, label="w"), Value(6.5, label="b")
    y = (x * w + b).tanh()
    y.label = "y"
    y.backward()
    return y


def test_a_node_shows_its_label_operation_data_and_gradient() -> None:
    shown = {node[0]: node[1:] for node in lines(to_svg(neuron())).values()}
    assert shown["x"] == ["data 2", "grad -2.359"]
    assert shown["y"] == ["tanh", "data 0.4621", "grad 1"]
    assert set(shown) == {"x", "w", "b", "×", "+", "y"}


def test_drawing_gives_a_digraph_with_an_arrow_per_operand_in_topological_names() -> None:
    x = Value(3.0)
    picture = draw(x * x + x)
    assert isinstance(picture, graphviz.Digraph)
    arrows = Counter(row.split("[")[0].strip() for row in picture.body if "->" in row)
    assert arrows == {"n0 -> n1": 2, "n1 -> n2": 1, "n0 -> n2": 1}


def test_leaves_operations_and_output_differ_in_shape_and_colour_as_in_class() -> None:
    rows = [row for row in draw(neuron()).body if "->" not in row]
    looks = {}
    for row in rows:
        kind = row.split("class=")[1].split("]")[0].split()[0]
        looks[kind] = [word for word in row.split() if word.startswith(("shape=", "fillcolor="))]
    assert set(looks) == {"leaf", "operation", "output"}
    assert len({tuple(look) for look in looks.values()}) == 3
    classes = [g.attrib["class"] for g in ET.fromstring(to_svg(neuron())).iter(f"{SVG}g")]
    assert Counter(c for c in classes if "node" in c) == {
        "node leaf": 3,
        "node operation": 2,
        "node output": 1,
    }


@pytest.mark.parametrize(
    ("build", "shown"),
    [
        (lambda x: x * 2, "□ × 2"),
        (lambda x: 2 - x, "2 - □"),
        (lambda x: x - 2, "□ - 2"),
        (lambda x: 1e-06 * x, "1e-06 × □"),
        (lambda x: x**3, "□ ** 3"),
        (lambda x: engine.hypot(x, 4.0), "hypot(□, 4)"),
        (lambda x: engine.dot([x, 2.0], [1.0, x], 0.5), "dot(□, 2, …, 0.5)"),
    ],
)
def test_numbers_fold_into_the_operation_that_uses_them(
    build: Callable[[Value], Value], shown: str
) -> None:
    x = Value(3.0, label="x")
    nodes = lines(to_svg(build(x)))
    assert len(nodes) == 2
    assert nodes["n1"][0] == shown
    assert not any("□" in line for line in nodes["n0"])


def test_a_constant_is_drawn_where_it_is_the_output() -> None:
    assert lines(to_svg((Value(3.0) * 2).parents[1])) == {"n0": ["data 2", "grad 0"]}


@pytest.mark.parametrize("label", HOSTILE)
def test_a_label_is_text_whatever_it_holds(label: str) -> None:
    x = Value(1.0, label=label)
    y = x * 2
    y.label = label
    svg = to_svg(y)
    shown = lines(svg)
    assert shown["n0"][:-2] == label.split("\n")
    assert shown["n1"][:-3] == label.split("\n")
    tags = {element.tag.removeprefix(SVG) for element in ET.fromstring(svg).iter()}
    assert tags <= {"svg", "g", "title", "polygon", "path", "text", "ellipse"}
    assert not any(
        name.lower().startswith("on") or "href" in name
        for element in ET.fromstring(svg).iter()
        for name in element.attrib
    )


@settings(max_examples=5, deadline=None, phases=[Phase.generate])
@given(st.lists(st.text(min_size=1, max_size=30), min_size=40, max_size=40))
def test_any_text_at_all_reads_back_up_to_blanks_and_control_characters(labels: list[str]) -> None:
    leaves = [Value(1.0, label=label) for label in labels]
    total = engine.sum(leaves)
    names = {node: f"n{i}" for i, node in enumerate(engine.topological(total))}
    shown = lines(to_svg(total))
    for leaf, label in zip(leaves, labels, strict=True):
        read = shown[names[leaf]][:-2]
        wanted = [line or " " for line in label.split("\n")]
        assert len(read) == len(wanted)
        for got, line in zip(read, wanted, strict=True):
            assert len(got) == len(line)
            assert all(
                a == b or not b.isprintable() or b == " " for a, b in zip(got, line, strict=True)
            )


def test_no_number_is_rounded_to_nought() -> None:
    y = Value(1e-6, label="x") * 1e-6
    y.backward()
    assert lines(to_svg(y)) == {
        "n0": ["x", "data 1e-06", "grad 1e-06"],
        "n1": ["y", "□ × 1e-06", "data 1e-12", "grad 1"],
    }


def test_one_graph_gives_the_same_bytes_in_every_process() -> None:
    code = (
        "from engine import *; from engine.drawing import *; "
        "x = Value(0.5, label='x'); y = (x.exp() * x + x.tanh() * 2) / x; y.backward(); "
        "print(to_dot(y), to_svg(y))"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONUTF8": "1"},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "424242")
    }
    assert len(seen) == 1
    assert b"<svg" in seen.pop()


def test_drawing_changes_nothing_in_the_graph() -> None:
    y = neuron()
    nodes = engine.topological(y)
    before = [(node.data, node.grad, node.label) for node in nodes]
    assert to_dot(y) == to_dot(y)
    assert [(node.data, node.grad, node.label) for node in engine.topological(y)] == before


def test_what_is_no_value_is_an_error() -> None:
    with pytest.raises(TypeError, match=r"draw takes a Value, got float; .*"):
        draw(3.0)  # type: ignore[arg-type]
