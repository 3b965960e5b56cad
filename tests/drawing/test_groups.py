"""What is collapsed of a graph too large to read: nothing gets lost, and the rest can be read."""

import os
import pickle
import random
import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine
from engine import Value, dot, gradient, topological
from engine.core.value import is_constant
from engine.drawing import Picture, draw
from engine.drawing.groups import ARROWS, arrows, counts, group
from engine.drawing.view import view
from nn import MLP, Module, mse_loss
from tests.core.programs import OPERATIONS, Program, programs


# --- graphs --------------------------------------------------------------------------------------
def chain(length: int) -> Value:
    y = Value(1.0)
    for _ in range(length):
        y = y * 1.0001 + 0.5
    return y


def recurrent(steps: int = 300) -> Value:
    w, u, h = Value(0.5, "w"), Value(0.3, "u"), Value(0.0)
    for i in range(steps):
        h = (w * h + u * float(i % 3)).tanh()
    h.backward()
    return h


def batch(size: int = 12) -> Value:
    model = MLP(4, [8, 8, 1], rng=1)
    loss = mse_loss([model([0.1 * i] * 4) for i in range(size)], [0.5] * size)
    loss.backward()
    return loss


def unpickled() -> Value:
    loss: Value = pickle.loads(pickle.dumps(batch()))
    return loss


def slope() -> Value:
    loss = batch()
    first = next(n for n in topological(loss) if n.label == "L0.N0.w0")
    found: Value = gradient(loss, first)
    return found


class Block(Module):
    """A module of one's own, with its own names."""

    def __init__(self, name: str) -> None:
        self.w = [Value(0.1 * i, f"{name}.cell{i % 3}.w{i}") for i in range(9)]

    def __call__(self, x: Value) -> Value:
        return sum((w * x).tanh() for w in self.w)  # type: ignore[return-value]


def custom() -> Value:
    y = Value(1.0, "start")
    for k in range(30):
        y = Block(f"block{k}")(y)
    y.backward()
    return y


def threads() -> Value:
    parts: list[Value] = [Value(0.0)] * 4

    def work(i: int) -> None:
        parts[i] = chain(100) * batch(2)

    for i in range(4):
        thread = threading.Thread(target=work, args=(i,))
        thread.start()
        thread.join()
    return engine.sum(parts)


def tangled() -> Value:
    rng, nodes = random.Random(7), [Value(1.0, f"x{i}") for i in range(5)]
    for _ in range(800):
        nodes.append((rng.choice(nodes) * rng.choice(nodes)).sin())
    return engine.sum(nodes)


def lines(source: str) -> Value:
    names: dict[str, Any] = {"y": Value(0.5)}
    exec(compile(source, "made.py", "exec"), names)
    y: Value = names["y"]
    return y


def many_lines() -> Value:
    return lines("y = (y * 1.01).tanh()\n" * 1000)


def many_functions() -> Value:
    return lines(
        "".join(f"def f{i}(y): return (y * 1.01).tanh()\ny = f{i}(y)\n" for i in range(1000))
    )


def large_functions() -> Value:
    body = "\n for _ in range(4): y = (y * 1.01).tanh()\n return y\n"
    return lines("".join(f"def f{i}(y):{body}y = f{i}(y)\n" for i in range(500)))


def many_names() -> Value:
    return engine.sum([Value(1.0, f"M{i}.x") * 2.0 for i in range(1000)])


def many_modules() -> Value:
    return engine.sum([Value(1.0, f"M{i}.x{j}") * 2.0 for i in range(300) for j in range(5)])


def wide() -> Value:
    model = MLP(30, [30, 1], rng=1)
    y = model([0.5] * 30)
    assert isinstance(y, Value)
    return y


GRAPHS: list[Callable[[], Value]] = [
    batch, custom, large_functions, many_functions, many_lines, many_modules, many_names, recurrent,
    slope, tangled, threads, unpickled, wide,
]  # fmt: skip
EACH = pytest.mark.parametrize("build", GRAPHS)


# --- nothing gets lost ---------------------------------------------------------------------------
def read(picture: Picture) -> tuple[dict[str, int], Counter[tuple[str, str]]]:
    """What a picture's text says: how many values each node stands for, how many operands go."""
    nodes: dict[str, int] = {}
    links: Counter[tuple[str, str]] = Counter()
    for row in map(str.strip, picture.body):
        arrow = re.match(r'"?(\w+)[-\w]*"? -> (\w+) \[.*id="(.*?)"', row)
        box = re.match(r"([ng]\d+) \[label=(.*?) class=", row)  # a copy has a longer name
        if arrow:
            title = picture.titles[arrow[3]]
            times = re.match(r"([\d,]+) edge", title)
            links[arrow[1], arrow[2]] += int(times[1].replace(",", "")) if times else 1
        elif box:
            values = re.search(r"([\d,]+) values", box[2]) if box[1].startswith("g") else None
            nodes[box[1]] = int(values[1].replace(",", "")) if values else 1
    return nodes, links


def check_complete(value: Value, **how: Any) -> None:
    shown = [n for n in topological(value) if n is value or not is_constant(n)]
    picture = draw(value, **how)
    ids = picture.ids
    assert ids.keys() == {*shown}
    assert ids[value][0] == "n"  # in no box
    inside = Counter(ids.values())
    across = Counter(
        (ids[p], ids[n]) for n in shown for p in n.parents if p in ids and ids[p] != ids[n]
    )
    assert arrows(ids) == across
    nodes, links = read(picture)
    assert nodes == inside
    assert links == across


@EACH
def test_boxes_and_loose_nodes_are_all_there_is_and_arrows_count_every_operand(
    build: Callable[[], Value],
) -> None:
    value = build()
    for collapse in (None, 1, 2):
        check_complete(value, collapse=collapse)


@given(programs(names=[*OPERATIONS]), st.sampled_from([None, 1, 2]), st.integers(0, 20))
def test_nothing_is_lost_of_any_graph_whatever_is_collapsed_or_opened(
    program: Program, collapse: int | None, limit: int
) -> None:
    value = program.values()[-1]
    check_complete(value, collapse=collapse, limit=limit)
    names = list(group(view(value), 2, (), 0).boxes)
    if names:
        check_complete(value, collapse=collapse, open=names[0])
        check_complete(value, collapse=collapse, open=set(names))


# --- it can be read ------------------------------------------------------------------------------
@EACH
def test_what_was_collapsed_can_be_read(build: Callable[[], Value]) -> None:
    picture = draw(build())
    nodes, links = read(picture)
    assert 1 < len(nodes) <= 60
    assert len(links) <= ARROWS
    titles = [title for ident, title in picture.titles.items() if ident[0] == "g"]
    assert not [title for title in titles if re.search(r"(nn|engine)/\w+\.py|layers\.py", title)]


def test_the_boxes_are_in_the_picture_by_name_with_what_they_hold() -> None:
    loss = batch()
    found = group(view(loss))
    assert any(name.count(".") for name in found.boxes)
    picture = draw(loss, collapse=2)
    titles = {title.split("\n")[0]: title for title in picture.titles.values()}
    neurons = [name for name in found.boxes if re.fullmatch(r"L[012]\.N\d", name)]
    assert len(neurons) == 8 + 8 + 1
    for name in neurons:
        assert all((node.label or name).startswith(name) for node in found.boxes[name])
        parameters = sum(not node.parents for node in found.boxes[name])
        assert parameters == (5 if name.startswith("L0") else 9)
        assert f"\n{parameters} parameters\n" in titles[name]
        results = [node.op.name for node in found.boxes[name] if node.op is not None]
        assert Counter(results) == ({"dot": 12} if name == "L2.N0" else {"dot": 12, "relu": 12})
    coarse = group(view(loss), 1)
    assert {name for name in coarse.boxes if re.fullmatch(r"L\d", name)} == {"L0", "L1", "L2"}
    source = draw(loss, collapse=1).source
    for name in coarse.boxes:
        assert f'label="{name}\\n' in source


def test_the_boxes_of_a_script_are_its_functions_and_its_lines() -> None:
    source = (
        "def f(y):\n    for i in range(9):\n        y = y.tanh()\n        y = y * 1.5 + i\n"
        "    return y\nfor _ in range(9):\n    y = f(y)\n    y = y - 1.5 - y\n"
    )
    y = lines(source)
    assert set(group(view(y), 1).boxes) == {"made.py f()", "made.py"}
    assert set(group(view(y), 2).boxes) == {"made.py:3", "made.py:4", "made.py:8"}


def test_comprehensions_belong_to_the_function_around_them() -> None:
    source = (
        "def f(y):\n    rows = [[y * i + j for j in range(3)] for i in range(3)]\n"
        "    return sum(x * x for row in rows for x in row)\ny = f(y)\n"
    )
    assert set(group(view(lines(source)), 1).boxes) == {"made.py f()"}


def test_a_message_says_how_many_things_each_level_leaves() -> None:
    for value in (batch(), custom(), recurrent()):
        for level, left in counts(view(value)):
            assert len(read(draw(value, collapse=level))[0]) == left


def test_small_graphs_are_left_as_they_are_and_the_limit_says_what_is_small() -> None:
    y = chain(10)
    assert not group(view(y)).boxes
    assert not group(view(y), limit=len(view(y).nodes)).boxes
    assert group(view(y), limit=len(view(y).nodes) - 1).boxes
    assert group(view(y), 2).boxes
    assert not group(view(recurrent()), 0).boxes


def test_a_hundred_thousand_nodes_are_a_picture_of_a_few() -> None:
    y = chain(50_000)
    y.backward()
    nodes, links = read(draw(y))
    assert sum(nodes.values()) == 100_001
    assert len(nodes) < 10
    assert links.total() >= 2


# --- opened --------------------------------------------------------------------------------------
def test_a_layer_opens_into_its_neurons_and_a_neuron_into_its_nodes() -> None:
    loss = batch()
    inside = {n for n in view(loss).nodes if (n.label or "").startswith("L0.")}
    layer = group(view(loss), 1, "L0")
    assert {"L1", "L2"} <= layer.boxes.keys()
    assert "L0" not in layer.boxes
    assert {f"L0.N{i}" for i in range(8)} <= layer.boxes.keys()
    assert {layer.frames[node] for node in inside} == {"L0"}
    both = group(view(loss), 1, ["L0", "L0.N3"])
    assert "L0.N3" not in both.boxes
    assert {f"L0.N{i}" for i in range(8) if i != 3} <= both.boxes.keys()
    loose = [n for n in inside if n not in both.of]
    assert loose
    assert all(n.label is not None and n.label.startswith("L0.N3.") for n in loose)
    neuron = group(view(loss), 2, "L0.N3")
    assert "L0.N3" not in neuron.boxes
    assert {"L0.N2", "L1.N3"} <= neuron.boxes.keys()


def test_a_layer_opened_where_neurons_are_boxes_shows_no_more_than_was_asked_for() -> None:
    picture = draw(batch(), open="L0.N3")
    nodes, _ = read(picture)
    frame = picture.source.partition("subgraph cluster_0 {")[2].partition("\n\t}")[0]
    assert "label=" in frame
    assert "id=f0" in frame
    assert "L0.N3" in frame
    assert "L0.N3.w0" in frame
    assert "L0.N2" not in frame
    assert picture.titles["f0"] == "L0.N3"
    assert len(nodes) < 80


@pytest.mark.parametrize("wanted", ["L0.N33", "l0", "", "made.py", ["L0", "nothing"]])
def test_a_box_that_is_not_there_is_an_error_that_names_some_that_are(wanted: Any) -> None:
    with pytest.raises(
        ValueError, match=r"no group .* to open in this graph; there are \d+, among"
    ):
        draw(batch(), open=wanted)
    three = r"among them '[^']*', '[^']*', '[^']*'$"
    for wanted in ("L0.N", "#####"):  # where none is near, the first ones
        with pytest.raises(ValueError, match=three):
            draw(batch(), open=wanted)


def test_an_open_frame_has_the_boxes_inside_that_belong_to_it() -> None:
    picture = draw(batch(), collapse=1, open="L0")
    frame = picture.source.partition("subgraph cluster_0 {")[2].partition("\n\t}")[0]
    assert len(re.findall(r"^\s*g\d+ \[", frame, re.MULTILINE)) == 8


# --- addresses -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "name", ["<b>.x", "a|b.c", '".q', "\\N.w", "&lt;.w", "σ 日本.w", ".w", "a..b"]
)
def test_a_box_with_a_hostile_name_is_drawn_as_that_name(name: str) -> None:
    leaves = [Value(1.0, f"{name}{i}") for i in range(6)]
    value = dot(leaves, leaves).tanh() * 2.0
    box = name.rpartition(".")[0]
    found = group(view(value), 1)
    assert box.split(".")[0] in found.boxes
    check_complete(value, collapse=1)
    check_complete(value, collapse=1, open=box.split(".")[0])
    assert draw(value, collapse=1).titles["g0"].split("\n")[0] in found.boxes


def test_one_graph_has_the_same_bytes_in_every_process() -> None:
    names = "batch, tangled, slope, unpickled, custom"
    code = f"from tests.drawing.test_groups import *; [print(draw(f()).source) for f in ({names})]"
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONUTF8": "1"},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "4242")
    }
    assert len(seen) == 1
    assert seen.pop().count(b"digraph") == 5
