"""What the terminal debugger shows of a run."""

import io
import re
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import Value
from engine.stepping.breakpoints import NodeNames
from engine.stepping.condition import FIELDS
from engine.stepping.debugger import Debugger
from engine.stepping.views import Piece, Views, fitted, lit
from engine.wording.terminal import width
from tests.stepping.debugged import neuron, ran, said, talk


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("p w.data", "w.data = -3.0"),
        ("w.data", "w.data = -3.0"),
        ("p contribution * 2", "contribution * 2 = 5.076200907289606"),
        ("p edge, index", None),
        ("p parent == x", "parent == x = True"),
        ("p node.op", "node.op = 'mul'"),
        ("p 1/0", "1/0 = inf"),
        ("print max(before, after, -1)", "print max(before, after, -1)"),
    ],
)
def test_p_shows_nodes_numbers_and_formulas(asked: str, answer: str | None) -> None:
    shown = said("goto 8", asked)[1:]
    if answer is None:
        assert shown[0].startswith("*** ")
    else:
        assert shown[0].startswith(answer.removeprefix("print "))


@given(st.text("ab日本", max_size=9), st.text("ab日本", max_size=3), st.integers(0, 14))
def test_a_line_is_cut_to_the_columns_that_there_are(text: str, rest: str, columns: int) -> None:
    """Where half of a wide character would fit, the dots come a column early."""
    assert width(fitted([Piece(text), Piece(rest)], columns, colour=False)) <= columns
    shown = fitted([Piece(text)], columns, colour=False)
    if width(text) <= columns:
        assert shown == text
    else:
        kept = shown.removesuffix("…")
        assert text.startswith(kept)
        assert shown == kept + "…" * (columns > 0)
        assert columns == 0 or width(text[: len(kept) + 1]) > columns - 1


@pytest.mark.parametrize("many", [2, 16, 17, 18, 40])
def test_a_chain_is_shown_but_for_what_is_in_its_middle(many: int) -> None:
    """The dots stand for two nodes or more: for one, they would take the line that it takes."""
    y = Value(0.5, "x")
    for _ in range(many - 1):
        y = -y
    run = y.trace_backward()
    _, *lines, _ = Views(run, NodeNames(run)).way(run[-1])
    dots = [line[0].text for line in lines if line[0].text.startswith("…")]
    assert dots == ([f"… {many - 16} more"] if many > 17 else [])
    assert len(lines) - len(dots) == (16 if many > 17 else many)


def test_p_alone_shows_all_of_the_step() -> None:
    shown = said("goto 8", "p")[1:]
    assert [line.split()[0].strip(":") for line in shown] == [*FIELDS]
    assert "edge = 8" in shown
    assert "index = 7" in shown


def test_the_graph_around_here_marks_the_edge() -> None:
    *_, head, here, first, second = said("goto 8", "graph")
    assert head.split() == ["data", "grad", "local"]
    assert here.startswith("n = ×")
    assert first.startswith("├─▶x")
    assert second.startswith("└─ w")
    *_, first, second = said("goto 9", "graph")
    assert (first[:4], second[:4]) == ("├─ x", "└─▶w")


def test_a_node_without_a_name_is_called_the_same_by_every_command() -> None:
    x, w = Value(2.0), Value(-3.0)
    run = (((x * w).tanh() + (x * w) ** 2) * (w - x).exp()).trace_backward()
    met = set()
    for k in range(1, len(run) + 1):
        step, *rest, source = talk(run, f"goto {k}", "graph", "source")[:-1]
        given = step.partition("  ")[2].partition(".grad ")[0]
        (marked,) = (row for row in rest if "▶" in row)
        assert re.split(r"▶|  +", marked)[1] == given
        assert source.startswith(f"{given}.grad += ")
        rows = (row.strip("│├└─▶↑ ") for row in rest if "data" not in row and "over" not in row)
        drawn = {re.split(r"  +| = ", row)[0] for row in rows}
        for name in drawn:
            assert talk(run, f"p {name}")[0].startswith(f"{name}  data ")
        met |= drawn
    assert met >= {"x", "w", "(x * w)", "(x * w)#2", "(x * w).tanh()", "((x * w) ** 2)"}
    assert len(met) == 10


def lit_ids(svg: str) -> set[str]:
    """Of a picture the elements that its style lights."""
    style = svg.partition("<style>")[2].partition("</style>")[0]
    return {*re.findall(r"#([\w-]+)", style)} & {e.get("id", "") for e in ET.fromstring(svg).iter()}


def test_a_picture_has_the_edge_and_its_ends_lit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert said("goto 9", "graph here.svg")[-1] == "written: here.svg"
    svg = (tmp_path / "here.svg").read_text(encoding="utf-8")
    elements = [*ET.fromstring(svg).iter()]
    ids = {}
    for e in elements:
        words = ["".join(text.itertext()) for text in e.findall("{*}text")]
        ids |= {words[0]: e.get("id")} if words else {}
    assert lit_ids(svg) == {f"{ids['n']}-1", ids["n"], ids["w"]}


def test_a_picture_of_many_values_has_boxes_lit() -> None:
    h = x = Value(0.5)
    for _ in range(300):
        h = (h * x).tanh()
    run = h.trace_backward()
    svg = lit(h, run.goto(200))
    assert lit_ids(svg)


def test_source_is_python_and_the_line_it_comes_from(script: Path) -> None:
    done = ran(script, "goto 9", "source")
    assert done.stdout.splitlines()[2:4] == [
        "w.grad += -0.8460334845482677 * 2.0",
        "neuron.py:4  n = x * w",
    ]


def test_the_way_from_the_output_takes_what_gives_each_node_most() -> None:
    x, w = Value(3.0, "x"), Value(-2.0, "w")
    much, little, none = x * w * 5.0, x.tanh(), x * 0.0
    y = (none + little) * 0.5 + much * much + little
    run = y.trace_backward()
    views = Views(run, NodeNames(run))
    for step in run:
        way = views.chain(step)
        assert (way[0].node, way[-1].index) == (y, step.index)
        for edge, below in pairwise(way):
            assert edge.parent is below.node
            given = [abs(e.upstream * e.local) for e in run if e.parent is edge.parent]
            assert abs(edge.upstream * edge.local) == max(given)
    assert max(len(views.chain(step)) for step in run) == 5


def test_a_chain_of_a_hundred_thousand_is_shown_from_both_ends() -> None:
    h = x = Value(1.0, "x")
    for _ in range(100_000):
        h = h + 1.0
    shown = talk(h * x, "goto -1", "where")
    assert len(shown) < 25
    assert "… 99,986 more" in shown
    assert "product of the local derivatives: 1" in shown


def test_a_page_is_written_where_a_run_can(tmp_path: Path) -> None:
    run = neuron().trace_backward()
    if not hasattr(run, "to_html"):
        assert talk(run, "html x.html") == ["*** this run cannot be written as a page"]
        return
    path = tmp_path / "run.html"
    assert talk(run, f"html {path}") == [f"written: {path}"]
    assert path.read_text(encoding="utf-8").lower().startswith("<!doctype html>")


def test_layers_neurons_and_lines_can_be_stopped_at() -> None:
    ws = [Value(0.1, f"L{i}.N{j}.w0") for i in range(2) for j in range(2)]
    x = Value(1.0, "x")
    m, n = x * ws[0], x * ws[1]
    a, b = m.tanh(), n.tanh()
    loss = a * ws[2] + b * ws[3]
    run = loss.trace_backward()
    prompt = Debugger(run, io.StringIO(), io.StringIO(), {})

    def stops(where: str) -> set[str]:
        return {
            prompt.names.of(step.node) for step in run if prompt.breakpoints.stop(where).holds(step)
        }

    assert stops("L0") == {"a", "b", "m", "n"}
    assert stops("L0.N1") == {"b", "n"}
    assert stops("L1") == {"(a * ws[2])", "(b * ws[3])", "loss"}
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    line = 1 + lines.index("    loss = a * ws[2] + b * ws[3]")
    assert stops(f"{Path(__file__).name}:{line}") == stops("L1")
