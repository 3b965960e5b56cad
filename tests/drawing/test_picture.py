"""What a picture shows: read back from the DOT text and from the SVG."""

import copy
import os
import pickle
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable
from typing import Any

import graphviz
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import engine
from engine import Value
from engine.drawing import draw, to_dot, to_svg
from engine.drawing.view import Outputs
from engine.wording.names import safe, shorten
from tests.core.programs import OPERATIONS, Program, programs

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
        if group.attrib["class"].startswith("node") and "legend" not in group.attrib["class"]
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
    assert set(shown) == {"x", "w", "b", "(x * w)", "(x * w + b)", "y"}


def test_drawing_gives_a_digraph_with_an_arrow_per_operand_in_topological_names() -> None:
    x = Value(3.0)
    picture = draw(x * x + x, legend=False)
    assert isinstance(picture, graphviz.Digraph)
    arrows = Counter(row.split("[")[0].strip() for row in picture.body if "->" in row)
    assert arrows == {"n0 -> n1": 2, "n1 -> n2": 1, "n0 -> n2": 1}


def test_leaves_operations_and_output_differ_in_shape_and_colour_as_in_class() -> None:
    rows = [row for row in draw(neuron(), legend=False).body if "->" not in row]
    looks = {}
    for row in rows:
        kind = row.split("class=")[1].split("]")[0].split()[0]
        looks[kind] = [word for word in row.split() if word.startswith(("shape=", "fillcolor="))]
    assert set(looks) == {"leaf", "operation", "output"}
    assert len({tuple(look) for look in looks.values()}) == 3
    classes = [
        g.attrib["class"] for g in ET.fromstring(to_svg(neuron(), legend=False)).iter(f"{SVG}g")
    ]
    assert Counter(c for c in classes if "node" in c) == {
        "node leaf": 3,
        "node operation": 2,
        "node output": 1,
    }


@pytest.mark.parametrize(
    ("build", "shown"),
    [
        (lambda x: x * 2, ["(x * 2)"]),
        (lambda x: 2 - x, ["(2 - x)"]),
        (lambda x: x - 2, ["(x - 2)"]),
        (lambda x: 1e-06 * x, ["(1e-06 * x)"]),
        (lambda x: x**3, ["(x**3)"]),
        (lambda x: engine.hypot(x, 4.0), ["engine.hypot(x, 4.0)"]),
        (
            lambda x: engine.dot([x, 2.0], [1.0, x], 0.5),
            ["engine.dot([x, 2.0], [1…", "dot(x, 2, …, 0.5)"],
        ),
    ],
)
def test_numbers_fold_into_the_operation_that_uses_them(
    build: Callable[[Value], Value], shown: list[str]
) -> None:
    x = Value(3.0, label="x")
    nodes = lines(to_svg(build(x)))
    assert len(nodes) == 2
    assert nodes["n1"][:-1] == shown


def test_a_constant_is_drawn_where_it_is_the_output() -> None:
    assert lines(to_svg((Value(3.0) * 2).parents[1])) == {"n0": ["2", "data 2"]}


@pytest.mark.parametrize("label", HOSTILE)
def test_a_label_is_text_whatever_it_holds(label: str) -> None:
    x = Value(1.0, label=label)
    y = x * 2
    svg = to_svg(y)
    assert lines(svg)["n0"][:-1] == [safe(label)]
    tags = {element.tag.removeprefix(SVG) for element in ET.fromstring(svg).iter()}
    assert tags <= {"svg", "g", "title", "polygon", "path", "text", "ellipse"}
    assert not any(
        name.lower().startswith("on") or "href" in name
        for element in ET.fromstring(svg).iter()
        for name in element.attrib
    )


@settings(max_examples=5, deadline=None, phases=[Phase.generate])
@given(st.lists(st.text(min_size=1, max_size=30), min_size=40, max_size=40))
def test_any_text_at_all_reads_back_up_to_blanks(labels: list[str]) -> None:
    leaves = [Value(1.0, label=label) for label in {*labels}]
    total = engine.sum(leaves)
    names = {node: f"n{i}" for i, node in enumerate(engine.topological(total))}
    shown = lines(to_svg(total, collapse=0))
    for leaf in leaves:
        (read,) = shown[names[leaf]][:-1]
        assert "".join(read.split()) == "".join(safe(leaf.label or "").split())
        wanted = shorten(safe(leaf.label or ""), 20)
        assert wanted.count("\u200e") in (
            0,
            2,
        )  # a cut keeps both marks of words from right to left


def test_no_number_is_rounded_to_nought() -> None:
    y = Value(1e-6, label="x") * 1e-6
    y.backward()
    assert lines(to_svg(y)) == {
        "n0": ["x", "data 1e-06", "grad 1e-06"],
        "n1": ["y", "x × 1e-06", "data 1e-12", "grad 1"],
    }


def test_a_label_is_text_in_a_box_a_frame_a_formula_and_a_title_too() -> None:
    terms = []
    labels = [label.replace(".", "·") for label in HOSTILE]  # a dot would make a box in a box
    for label in labels:
        leaves = [Value(1.0, label=f"{label}.w{i}") for i in range(6)]
        terms.append(engine.dot(leaves, leaves))
        terms[-1].label = label
    y = engine.sum([term * term for term in terms])
    ways: list[Any] = [
        {"depth": 2, "collapse": 0},
        {"collapse": 1},
        {"collapse": 1, "open": labels},
    ]
    for how in ways:
        root = ET.fromstring(to_svg(y, **how))
        tags = {element.tag.removeprefix(SVG) for element in root.iter()}
        assert tags <= {"svg", "g", "title", "polygon", "polyline", "path", "text", "ellipse"}
        assert not [key for each in root.iter() for key in each.attrib if "href" in key]
        titles = [title.text or "" for title in root.iter(f"{SVG}title")]
        words = {text.text or "" for text in root.iter(f"{SVG}text")}
        for label in labels:
            assert any(title.startswith((label, safe(label))) for title in titles), label
            assert safe(label) in words or words.issuperset(label.split("\n")), label


# --- looks ---------------------------------------------------------------------------------------
def classes(value: Outputs, **how: Any) -> dict[str, list[str]]:
    """The classes of each node, by its first line."""
    rows = [row for row in draw(value, legend=False, **how).body if "->" not in row]
    found = {}
    for row in rows:
        names = row.partition("class=")[2]
        quoted = names.startswith('"')
        names = names.split('"')[1] if quoted else names.split()[0]
        found[row.partition("label=")[2].strip('"').split("\\n")[0]] = names.split()
    return found


def test_what_is_remarkable_is_flagged_and_only_after_backward() -> None:
    with engine.numeric_mode("ieee"):
        dead, big, bad = Value(-1.0, "dead"), Value(1.0, "big"), Value(0.0, "bad")
        y = dead.relu() + big * 1e7 + engine.sqrt(bad)
        y.label = "y"
        calm = {"dead": ["leaf"], "big": ["leaf"], "bad": ["leaf"], "y": ["output"]}
        assert {name: classes(y)[name] for name in calm} == calm
        y.backward()
    flagged = {"dead": ["zero"], "big": ["exploding"], "bad": ["nonfinite"], "y": []}
    assert {name: classes(y)[name][1:] for name in flagged} == flagged
    shown = {node[0]: node[1:] for node in lines(to_svg(y)).values()}
    assert shown["bad"] == ["data 0", "grad inf !"]
    assert shown["big"] == ["data 1", "grad 1e+07 !"]
    assert shown["dead"] == ["data -1", "grad 0"]
    boxed = draw(y, collapse=1).source
    assert "nonfinite" in boxed
    y.zero_grad()
    assert {name: classes(y)[name] for name in calm} == calm


def test_an_exploding_gradient_is_one_a_thousand_times_that_of_the_output() -> None:
    for seed in (1.0, 1e-6, 50.0):
        x = Value(1.0, "x")
        y = x * 1001.0
        y.backward(seed)
        assert ("exploding" in classes(y)["x"]) == (seed >= 1.0)
    x = Value(1.0, "x")
    y = x * 999.0
    y.backward()
    assert classes(y)["x"] == ["leaf"]


@given(st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=12))
def test_strength_is_darker_the_larger_the_gradient(slopes: list[float]) -> None:
    xs = [Value(1.0, f"x{i}") for i in range(len(slopes))]
    y = engine.dot(xs, slopes)
    y.backward()
    fills = {}
    for row in draw(y, strength=True).body:
        if 'label="x' in row:
            name = row.partition('label="')[2].split("\\n")[0]
            fill = row.partition('fillcolor="#')[2][:6]
            fills[name] = sum(int(fill[i : i + 2], 16) for i in (0, 2, 4))
    brightness = [
        (abs(x.grad), -fills[str(x.label)])
        for x in xs
        if abs(x.grad) > 0.0  # else it is flagged
    ]
    assert [dark for _, dark in sorted(brightness)] == sorted(dark for _, dark in brightness)
    assert "fillcolor" in draw(y, strength=True).source


@pytest.mark.parametrize("direction", ["LR", "TB", "RL", "BT"])
def test_arrows_point_where_they_are_told_to(direction: str) -> None:
    y = neuron()
    centres = {}
    for group in ET.fromstring(to_svg(y, direction=direction)).iter(f"{SVG}g"):
        text = group.find(f"{SVG}text")
        if group.attrib["class"].startswith("node") and text is not None:
            centres[text.text] = float(text.attrib["x"]), float(text.attrib["y"])
    (x1, y1), (x2, y2) = centres["x"], centres["y"]
    gone = {"LR": x2 - x1, "RL": x1 - x2, "TB": y2 - y1, "BT": y1 - y2}
    assert max(gone.values()) == gone[direction] > 50


@given(programs(names=[*OPERATIONS]), st.booleans(), st.sampled_from([0, 1, 2]))
def test_ids_are_unique_and_say_what_they_did_before_backward(
    program: Program, expand: bool, collapse: int
) -> None:
    y = program.values()[-1]
    before = draw(y, expand=expand, collapse=collapse, legend=False)
    y.backward()
    picture = draw(y, expand=expand, collapse=collapse, legend=False)
    ids = [match[1] for row in picture.body if (match := re.search(r'\bid="?([^" ]+)', row))]
    assert len(ids) == len(set(ids)) == len([row for row in picture.body if "class=" in row])
    assert set(ids) == picture.titles.keys() == before.titles.keys()
    assert all(re.fullmatch(r"[a-z0-9-]+", each) for each in ids)
    heads = [row.split(" [")[0] for row in picture.body if "->" in row and "class=" in row]
    assert {end.strip('\t "') for head in heads for end in head.split(" -> ")} <= set(ids)


def test_a_picture_of_gradients_and_of_what_was_unpickled_and_of_many_threads_is_drawn() -> None:
    y = neuron()
    [slope] = [engine.gradient(y, x) for x in engine.topological(y) if x.label == "w"]
    for value in (slope, pickle.loads(pickle.dumps(y)), copy.deepcopy(y)):
        picture = draw(value, legend=False)
        assert len(lines(to_svg(value))) == len(picture.titles) - picture.source.count("->")


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
    with pytest.raises(TypeError, match=r"draw takes a Value, .* got float; .*"):
        draw(3.0)  # type: ignore[arg-type]
