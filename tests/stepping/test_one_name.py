"""One name for a node in every view: its label, its variable, or else its expression."""

import io
import json
import random
import re
from collections.abc import Callable
from typing import Any

import pytest

import nn
from engine import Value, topological
from engine.core.value import is_constant
from engine.drawing import draw, explain, tree
from engine.stepping.debugger import debug
from engine.stepping.player import to_html
from engine.stepping.variables import children
from engine.wording.names import Names, called, shorten
from tests.drawing.test_picture import lines

Shown = dict[Value, str]


# --- graphs --------------------------------------------------------------------------------------
def readme() -> Value:
    x, w = Value(0.501, "x"), Value(2.0, "w")
    n = x * w
    loss = n + w * 3.0
    return loss  # noqa: RET504  (it is called after the variable)


def loop() -> Value:
    h, w = Value(0.5), Value(0.9)
    for _ in range(3):
        h = (h * w + Value(0.25)).tanh()
    return h * h


def long() -> Value:
    first, second = Value(1.5, "a label of more than forty letters, which is cut"), Value(2.0)
    return (first * second + first / second - first).tanh().exp() * (first + second + 1.0) ** 2


def network() -> Value:
    model = nn.MLP(2, [2, 1], activation="tanh", rng=random.Random(1))
    loss = sum((model(x) - y) ** 2 for x, y in [([1.0, 2.0], 1.0), ([0.5, -1.0], 0.0)])
    assert isinstance(loss, Value)
    return loss


def unreadable() -> Value:
    names: dict[str, Any] = {"Value": Value}
    exec(compile("x = Value(2.0); y = ((x * 3 - 1).tanh() ** 2 + -x) * 2", "<gone>", "exec"), names)
    found = names["y"]
    assert isinstance(found, Value)
    return found


GRAPHS = [readme, loop, long, network, unreadable]


# --- views ---------------------------------------------------------------------------------------
def in_pictures(root: Value) -> Shown:
    picture = draw(root, collapse=0)
    shown = lines(picture.laid_out("svg").decode())
    return {node: shown[ident][0] for node, ident in picture.ids.items() if ident in shown}


def under_the_mouse(root: Value) -> Shown:
    picture = draw(root, collapse=0)
    titles = {node: picture.titles.get(ident, "") for node, ident in picture.ids.items()}
    return {n: t.split("\n")[0].partition(" = ")[0] for n, t in titles.items() if t}


def in_the_tree(root: Value) -> Shown:
    rows = [row.strip("│├└─↑ ") for row in str(tree(root, depth=99)).splitlines()[1:]]
    found, stack = dict[Value, str](), [root]
    for row in rows:  # the tree goes down in this order
        node = stack.pop()
        if node not in found:
            stack += [parent for parent in reversed(node.parents) if not is_constant(parent)]
        found[node] = re.split(r"  +| = ", row)[0]
    return found


def in_the_player(root: Value) -> Shown:
    data = json.loads(re.search(r'id="run">(.*?)</script>', to_html(run(root)), re.DOTALL)[1])  # type: ignore[index]
    return dict(zip(topological(root), data["name"], strict=True))


def run(root: Value) -> Any:
    return root.trace_backward()


def at_the_prompt(root: Value) -> Shown:
    made, out = run(root), io.StringIO()
    debug(made, io.StringIO(f"n {len(made)}\n" + "goto 0\n" + "n 1\n" * len(made)), out)
    said = re.findall(r"^ *(\d+)/\d+  (.*?)\.grad ", out.getvalue(), re.MULTILINE)
    return {made[int(k) - 1].parent: name for k, name in said}


def explained(root: Value) -> Shown:
    found = {}
    for node in topological(root):
        if not is_constant(node):
            head = explain(root, node).splitlines()[0]
            found[node] = head.partition(" / d ")[2].partition(" = ")[0]
    return found


def in_steps(root: Value) -> Shown:
    return {step.parent: str(step).partition(".grad ")[0] for step in root.backward_steps()}


def in_forward_steps(root: Value) -> Shown:
    return {step.node: str(step).partition(" = ")[0] for step in root.forward_steps()}


def in_the_variables_pane(root: Value) -> Shown:
    found = {}
    for node in topological(root):
        shown = [name.removeprefix("<- ") for name, _, _ in children(node) if name[:2] == "<-"]
        found |= zip(node.parents, [re.sub(r" \[\d+\]$", "", name) for name in shown], strict=True)
    return found


def in_errors(root: Value) -> Shown:
    found = {}
    for node in topological(root):
        if node.parents:
            with pytest.raises(AttributeError) as error:
                node.data = 1.0
            found[node] = str(error.value).removeprefix("the data of ").partition("=")[0]
    return found


WITH_THE_GRAPH: list[Callable[[Value], Shown]] = [
    in_pictures, under_the_mouse, in_the_player, at_the_prompt, explained, in_the_tree,
]  # fmt: skip
ALONE: list[Callable[[Value], Shown]] = [
    in_steps, in_forward_steps, in_the_variables_pane, in_errors,
]  # fmt: skip


@pytest.mark.parametrize("build", GRAPHS)
@pytest.mark.parametrize("view", WITH_THE_GRAPH)
def test_who_knows_the_graph_calls_a_node_by_its_one_name(
    view: Callable[[Value], Shown], build: Callable[[], Value]
) -> None:
    root = build()
    names = Names(topological(root))
    shown = view(root)
    assert len(shown) > 2
    for node, name in shown.items():
        base, mark, _ = re.split(r"(#\d+)?$", names.of(node), maxsplit=1)
        cut = shorten(base, len(name) - len(mark or "")) + (mark or "")
        assert name == cut, names.of(node)
        assert len(name) >= min(len(names.of(node)), 18)
    inner = [node for node in topological(root) if not is_constant(node)]
    assert len({names.of(node) for node in inner}) == len(inner)


@pytest.mark.parametrize("build", GRAPHS)
@pytest.mark.parametrize("view", ALONE)
def test_who_knows_a_node_alone_calls_it_so_without_a_number(
    view: Callable[[Value], Shown], build: Callable[[], Value]
) -> None:
    root = build()
    names = Names(topological(root))
    shown = view(root)
    assert len(shown) > 2
    for node, name in shown.items():
        assert name == called(node)
        if node is not root:  # the graph tells the last of the nodes that one call of sum made
            assert re.sub(r"#\d+$", "", names.of(node)) == name


def test_names_are_what_a_user_wrote() -> None:
    names = [called(node) for node in topological(readme()) if node.parents]
    assert names == ["(w * 3.0)", "n", "loss"]
    assert Names(order := topological(network())).of(order[-1]) == "loss"
    assert [called(node) for node in topological(unreadable()) if node.parents] == [
        "(-x)",
        "(x * 3)",
        "((x * 3) - 1)",
        "tanh((x * 3) - 1)",
        "(tanh(… - 1) ** 2)",
        "((tanh(…) ** 2) + (-x))",
        "y",
    ]


@pytest.mark.parametrize("build", GRAPHS)
def test_no_view_has_a_placeholder(build: Callable[[], Value]) -> None:
    root = build()
    root.backward()
    views = [str(tree(root)), str(explain(root)), draw(root).source, to_html(run(root))]
    assert not any("\u25a1" in text for text in views)
