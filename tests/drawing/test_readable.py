"""What is drawn by default can be read: its width, how many shapes, what the legend says."""

import random
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import engine
import nn
from engine import Value
from engine.core.value import is_constant
from engine.drawing import Picture, draw, to_svg
from engine.drawing.style import KINDS, MEANINGS
from engine.drawing.wrapping import wrap
from engine.source.text import columns_of, middle
from engine.wording.names import number
from tests.benchmarks.pictures import GRAPHS as TWELVE
from tests.benchmarks.pictures import WIDE, Size, three_samples
from tests.benchmarks.systems import GRADWALK
from tests.core.programs import OPERATIONS, Program, programs
from tests.drawing.test_groups import GRAPHS, batch, chain, read, recurrent
from tests.drawing.test_picture import lines


def shapes(picture: Picture) -> dict[str, set[str]]:
    """The classes of each shape by its id, without those of the legend."""
    found = {}
    for row in picture.body:
        if shape := re.match(r'\s*"?([ng]\d+[-\w]*)"? \[label=.* class="?([\w ]+?)"? color', row):
            found[shape[1]] = set(shape[2].split())
    return found


def legend(picture: Picture) -> set[str]:
    return {title for ident, title in picture.titles.items() if re.fullmatch(r"k\d+", ident)}


def check_readable(value: Value, letters: float = 9.5, **how: Any) -> Picture:
    picture = draw(value, **how)
    svg = picture.laid_out().decode()
    size = Size.of(svg)
    assert size.width <= WIDE + 0.5
    assert size.letters >= letters, size
    found = shapes(picture)
    assert sum("copy" not in classes for classes in found.values()) <= 60
    assert legend(picture) == {MEANINGS[each] for classes in found.values() for each in classes}
    nodes, _ = read(picture)
    shown = [n for n in engine.topological(value) if n is value or not is_constant(n)]
    assert sum(nodes.values()) == len(shown)
    assert Counter(picture.ids.values()) == nodes
    return picture


# --- properties ----------------------------------------------------------------------------------
@settings(max_examples=12, deadline=None, phases=[Phase.generate])  # each is laid out
@given(programs(names=[*OPERATIONS], steps=30), st.booleans())
def test_any_graph_is_a_picture_that_can_be_read(program: Program, swept: bool) -> None:
    value = program.values()[-1]
    if swept:
        value.backward()
    check_readable(value, letters=7.0)  # numbers such as -1.234e-207 are wider than most


@pytest.mark.parametrize("build", GRAPHS)
def test_any_large_graph_is_a_picture_that_can_be_read(build: Callable[[], Value]) -> None:
    check_readable(build())


@pytest.mark.parametrize("name", TWELVE)
@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_the_twelve_pictures_of_the_sheet_can_be_read(name: str, direction: str) -> None:
    check_readable(TWELVE[name].output(GRADWALK), direction=direction)


@given(programs(names=[*OPERATIONS], steps=30), st.sampled_from([300, 800, 1600]))
def test_each_value_has_one_shape_of_its_own_or_is_in_one_box_and_copies_say_so(
    program: Program, width: int
) -> None:
    picture = draw(program.values()[-1], width=width, collapse=0)
    found = shapes(picture)
    assert {ident for ident in found if "copy" not in found[ident]} == {*picture.ids.values()}
    for ident in found.keys() - picture.ids.values():
        assert "copy" in found[ident]
        original, _, arrow = ident.partition("-")
        assert original in found
        assert arrow in picture.titles
        assert found[ident] - {"copy"} == found[original]


@given(programs(names=[*OPERATIONS], steps=30))
def test_the_arrangement_is_the_same_before_and_after_backward(program: Program) -> None:
    value = program.values()[-1]
    before = draw(value)
    value.backward()
    assert draw(value).titles.keys() - before.titles.keys() <= {f"k{i}" for i in range(12)}
    assert draw(value).ids == before.ids


@given(st.data())
def test_rows_keep_the_order_of_what_is_made_of_what(data: st.DataObject) -> None:
    count = data.draw(st.integers(2, 30))
    names = [str(i) for i in range(count)]
    edges = data.draw(
        st.lists(st.tuples(st.sampled_from(names), st.sampled_from(names)), max_size=60)
    )
    edges = [(a, b) for a, b in edges if int(a) < int(b)]
    extents = {name: (data.draw(st.floats(40, 90)), 30.0) for name in names}
    most = data.draw(st.sampled_from([300.0, 600.0, float("inf")]))
    found = wrap(edges, extents, 0, 40.0, most)
    assert found.row.keys() == {*names}
    assert all(found.row[a] <= found.row[b] for a, b in edges)
    assert all(found.column[a] < found.column[b] for a, b in edges)
    if most == float("inf"):
        assert {*found.row.values()} == {0}


# --- rows ----------------------------------------------------------------------------------------
def test_a_long_chain_goes_on_in_the_row_below_from_a_copy_of_where_it_was_broken() -> None:
    y = chain(12)
    y.backward()
    wide, wrapped = shapes(draw(y, width=None)), draw(y)
    assert not any("copy" in classes for classes in wide.values())
    copies = {ident for ident, classes in shapes(wrapped).items() if "copy" in classes}
    assert 2 <= len(copies) <= 6
    text = lines(wrapped.laid_out().decode())
    for ident in copies:
        original = ident.split("-")[0]
        assert text[ident][0] == text[original][0]  # its name, or a number like #1
        assert text[ident][1].startswith("data")
        assert text[ident][2].startswith("grad += ")
    heights = [float(y) for y in re.findall(r'<ellipse [^>]*cy="(.*?)"', to_svg(y))]
    assert max(heights) - min(heights) > 100
    assert Size.of(to_svg(y, width=None)).width > 2 * WIDE


def test_copies_of_a_shared_leaf_say_what_each_use_adds_to_its_gradient() -> None:
    w, h = Value(0.5, "w"), Value(0.9, "h")
    for _ in range(8):
        h = (w * h).tanh()
    h.backward()
    text = lines(to_svg(h))
    weights = [shown for shown in text.values() if shown[0] == "w"]
    (full,) = [shown[-1] for shown in weights if "+=" not in shown[-1]]
    added = [float(shown[-1].removeprefix("grad += ")) for shown in weights if "+=" in shown[-1]]
    assert full == f"grad {number(w.grad)}"
    assert len(added) == 7
    first = next(node for node in engine.topological(h) if w in node.parents)  # has w itself
    assert sum(added) == pytest.approx(w.grad - first.grad * 0.9, rel=1e-3)


def test_a_width_is_kept_by_wrapping_before_it_is_by_smaller_letters() -> None:
    y = chain(10)
    for width in (700, 1000, 1600):
        size = Size.of(to_svg(y, width=width))
        assert size.width <= width + 0.5
        assert size.letters > 9.5
    assert " size=" not in draw(y, width=None).source


# --- words ---------------------------------------------------------------------------------------
def test_three_samples_of_micrograds_network_are_boxes_in_words_of_their_reader() -> None:
    loss = three_samples()
    loss.backward()
    picture = check_readable(loss)
    text = {shown[0]: shown[1:] for shown in lines(picture.laid_out().decode()).values()}
    assert text["inputs"][:2] == ["3 samples of 3 inputs", "9 values"]
    assert text["L0.N0"][:3] == ["4 parameters", "3 dot, 3 relu", "10 values"]
    assert text["loss terms"][:2] == ["3 sub, 3 pow, 2 add", "8 values"]
    assert text["loss"] == ["+", f"data {loss.data:#.4g}", "grad 1"]
    assert len(text) == 1 + 4 + 4 + 1 + 1 + 1
    layers = {title.split("\n")[0]: title for title in draw(loss, collapse=1).titles.values()}
    assert "4 neurons, 16 parameters\n12 dot, 12 relu\n40 values" in layers["L0"]


def test_no_line_of_the_library_is_in_a_label() -> None:
    model = nn.MLP(3, [4, 2], activation="tanh", rng=1)
    xs = [[random.Random(i).random() for _ in range(3)] for i in range(9)]
    for loss in ("cross_entropy", "mse_loss"):
        targets: Any = [i % 2 for i in range(9)]
        targets = targets if loss == "cross_entropy" else [[t, 1.0 - t] for t in targets]
        value = getattr(nn, loss)([model(x) for x in xs], targets)
        for how in ({}, {"collapse": 1}, {"collapse": 2}, {"limit": 4}):
            for ident, title in draw(value, **how).titles.items():
                assert ident[0] != "g" or not re.search(r"\b(nn|engine)/", title), title


def test_the_inputs_and_the_terms_of_a_loss_can_be_opened() -> None:
    loss = three_samples()
    for name, inside in (("inputs", 9), ("loss terms", 8)):
        picture = draw(loss, open=name)
        assert picture.titles["f0"] == name
        frame = picture.source.partition("subgraph cluster_0 {")[2].partition("\n\t}")[0]
        assert len(re.findall(r"^\s*n\d+ \[", frame, re.MULTILINE)) == inside


def test_gradients_are_left_out_until_there_are_any() -> None:
    x = Value(2.0, "x")
    y = x * 3.0
    assert "grad" not in " ".join(word for shown in lines(to_svg(y)).values() for word in shown)
    assert lines(to_svg(y, grad=True))["n0"] == ["x", "data 2", "grad 0"]
    y.backward()
    assert lines(to_svg(y))["n0"] == ["x", "data 2", "grad 3"]
    assert lines(to_svg(y, grad=False))["n0"] == ["x", "data 2"]
    assert "|grad|" not in draw(batch(), collapse=1, grad=False).source


@pytest.mark.parametrize(
    ("make", "shown"),
    [
        (lambda a, b: a**2, "(-3.685) ** 2"),
        (lambda a, b: 0 - b, "0 - (-1)"),
        (lambda a, b: a - b, "-3.685 - (-1)"),
        (lambda a, b: a * b, "-3.685 × (-1)"),
        (lambda a, b: 2.0**b, "2 ** (-1)"),
    ],
)
def test_negative_numbers_stand_in_parentheses_where_they_belong(
    make: Callable[[Value, Value], Value], shown: str
) -> None:
    y = make(*[Value(x) for x in (-3.685, -1.0)])
    y.label = "y"
    assert lines(to_svg(y, depth=0))["n0"] == ["y", shown, f"data {number(y.data)}"]


def test_a_long_label_is_cut_in_its_middle_and_is_in_full_under_the_mouse() -> None:
    label = "the mean over " + "very " * 40 + "many losses"
    x = Value(1.0, label)
    y = x * 2
    y.label = label
    picture = draw(y)
    for ident in ("n0", "n1"):
        (first, *_) = lines(picture.laid_out().decode())[ident]
        name = first.removesuffix("#2")
        assert len(name) <= 40
        assert name.startswith("the mean over")
        assert name.endswith("many losses")
        assert label in picture.titles[ident]


@given(st.text(), st.integers(3, 60))
def test_a_text_cut_in_its_middle_keeps_its_ends(text: str, width: int) -> None:
    cut = middle(text, width)
    assert sum(max(columns_of(char), 1) for char in cut) <= width
    first, mark, last = cut.rpartition("…")
    if cut != text:
        assert mark
        assert text.startswith(first)
        assert text.endswith(last)
        assert len(first) + len(last) < len(text)


# --- the legend ----------------------------------------------------------------------------------
def test_no_two_entries_of_the_legend_look_the_same() -> None:
    looks = {(kind["shape"], kind.get("peripheries")) for kind in KINDS.values()}
    assert len(looks) == len(KINDS)
    assert len({*MEANINGS.values()}) == len(MEANINGS)


def test_the_legend_can_be_left_out_and_names_the_fill_by_gradient() -> None:
    y = recurrent(3)
    assert not legend(draw(y, legend=False))
    assert "cluster_legend" not in draw(y, legend=False).source
    assert "darker: larger gradient" in legend(draw(y, strength=True))
    assert "made of more than is drawn" in legend(draw(y, depth=2))
