"""Pictures of networks show what is there: counts, words and numbers, each in its place."""

import math
import random
import subprocess
import sys
from xml.etree import ElementTree

import matplotlib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import Value, numeric_mode
from nn import (
    ACTIVATIONS,
    MLP,
    BatchNorm,
    Dropout,
    Layer,
    Module,
    Neuron,
    Sequential,
    predict,
)
from nn.drawing import (
    draw_network,
    draw_neuron,
    plot_decision,
    plot_features,
)
from nn.drawing.diagram import brief
from nn.drawing.figure import LONGEST, words
from nn.models import chain
from tests.nn.drawing.figures import XOR, check_circles, check_page, circles, randomise, texts

pytest.importorskip("matplotlib", reason="pip install gradwalk[plot]")
HOSTILE = [
    "</text><script>alert(1)</script>",
    "$\\frac{1}{0}$",
    "_hidden",
    "a\nb\x00",
    "&amp; <b>",
    "",
]


class Row(Module):
    """Layers one after another, in a container of its own."""

    def __init__(self, *layers):
        self.parts = {"body": list(layers[:-1]), "head": layers[-1]}

    def __call__(self, x):
        for layer in [*self.parts["body"], self.parts["head"]]:
            x = layer(x)
        return x


class Skip(Row):
    """A row of layers, and something that no picture of them shows."""

    def __call__(self, x):
        return super().__call__(x) + 1.0


def line_count(figure):
    return sum(len(lines.get_segments()) for lines in figure.axes[0].collections)


# --- networks


MODELS = [
    (MLP(2, [16, 16, 1], rng=7), [2, 16, 16, 1]),
    (MLP(1, [1], rng=7), [1, 1]),
    (MLP(3, [4, 1, 2], "tanh", rng=7), [3, 4, 1, 2]),
    (Layer(3, 2, "softmax", rng=7), [3, 2]),
    (Neuron(1, rng=7), [1, 1]),
    (Neuron(12, rng=7), [12, 1]),
    (Row(Layer(2, 3, rng=7), Layer(3, 1, rng=7)), [2, 3, 1]),
    (Sequential(Layer(2, 3, "tanh", 7), Row(Layer(3, 2, "gelu", 8), Neuron(2))), [2, 3, 2, 1]),
]


def test_each_layer_of_a_sequential_has_its_own_activation_and_place():
    twice = Layer(3, 3, "silu", 8)
    model = Sequential(Layer(2, 3, "tanh", 7), twice, twice, Layer(3, 2, "softmax", 9))
    shown = texts(draw_network(model, [1.0, -2.0]))
    heads = [text for text in shown if text.split()[-1] in ACTIVATIONS]
    assert heads == ["3 tanh", "3 silu", "3 silu", "2 softmax"]


@pytest.mark.parametrize(("model", "widths"), MODELS, ids=str)
def test_a_circle_for_each_unit_and_a_line_for_each_parameter(model, widths):
    figure = draw_network(model)
    assert len(circles(figure)) == sum(widths)
    assert line_count(figure) == len(model.parameters())
    shown = texts(figure)
    heads = [shown[i + 1] for i, text in enumerate(shown) if text in ("input", "hidden", "output")]
    assert [int(head.split()[0]) for head in heads] == widths
    check_page(figure)


@pytest.mark.parametrize(("model", "widths"), MODELS, ids=str)
@pytest.mark.parametrize("size", [1.0, 1e-90, 1e5])
def test_circles_hold_what_the_model_computes(model, widths, size):
    randomise(model)
    x = [size * (-1) ** i / (i + 3) for i in range(widths[0])]
    figure = draw_network(model, x)
    answer = predict(model, [x])[0]
    shown = texts(figure)
    for number in [*x, *(answer if isinstance(answer, list) else [answer])]:
        assert brief(number) in shown
    assert check_circles(figure) == sum(widths)
    check_page(figure)


def test_a_wide_layer_is_abbreviated_with_its_count():
    figure = draw_network(MLP(64, [40, 10], rng=7), limit=6)
    assert len(circles(figure)) == 3 * 5
    assert texts(figure).count("⋮") == 3
    assert {"64", "40 relu", "10 linear"} <= set(texts(figure))
    # 5 units and a bias to each of 5 units, twice
    assert line_count(figure) == 2 * 6 * 5
    gids = {circle.get_gid() for circle in circles(figure)}
    assert len(gids) == 15
    assert {gid.rpartition("-")[2] for gid in gids if gid.startswith("input")} == {
        "0",
        "1",
        "2",
        "62",
        "63",
    }


def test_signs_differ_in_colour_and_dash_and_widths_follow_the_weights():
    layer = Layer(3, 1, "linear", rng=7)
    for p, weight in zip(layer.parameters(), [2.0, -1.0, 0.5, -0.25], strict=True):
        p.data = weight
    up, down = draw_network(layer).axes[0].collections
    assert list(up.get_linewidths()) == pytest.approx([0.4 + 0.25 * 2.4, 0.4 + 2.4])
    assert list(down.get_linewidths()) == pytest.approx([0.4 + 0.125 * 2.4, 0.4 + 0.5 * 2.4])
    assert tuple(up.get_edgecolors()[0][:3]) != tuple(down.get_edgecolors()[0][:3])
    assert up.get_linestyles() != down.get_linestyles()


def test_weights_that_are_not_finite_stand_out_and_break_nothing():
    neuron = Neuron(3, "linear", rng=7)
    with numeric_mode("ieee"):
        for p, weight in zip(neuron.parameters(), [math.nan, -math.inf, 1.0, 0.0], strict=True):
            p.data = weight
        figure = draw_network(neuron, [1.0, 2.0, 3.0])
        assert "nan" in texts(draw_neuron(neuron, [1.0, 2.0, 3.0]))
    names = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert names == ["positive weight (widest line: 1)", "not a finite weight"]
    assert line_count(figure) == 4


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (3, "got int, which is no Module"),
        (Module(), "got Module, which holds no Layer"),
        (Row(Layer(2, 3), Layer(2, 1)), "a part with 3 outputs stands before one with 2 inputs"),
        (type("Odd", (Row,), {"extra": Value(1.0)})(Layer(2, 1)), None),
    ],
)
def test_what_is_no_row_of_layers_is_refused(model, says):
    if says is None:
        model.extra = Value(1.0)
        says = "which has parameters outside of its Layers"
    for draw in (draw_network, plot_features):
        with pytest.raises(TypeError, match=says):
            draw(model)


def test_batch_norm_is_a_column_and_dropout_a_word():
    rng = random.Random(7)
    norms = BatchNorm(3, activation="relu"), BatchNorm(2)
    body = Layer(2, 3, "tanh", 1), norms[0], Dropout(0.3), Layer(3, 2, "linear", 2), norms[1]
    model = Sequential(Dropout(0.1), *body)
    randomise(model)
    for norm in norms:
        for mean, var in zip(norm.running.mean, norm.running.var, strict=True):
            mean.data, var.data = rng.gauss(0, 1), rng.uniform(0.5, 2.0)
    x = [0.5, -1.0]
    figure = draw_network(model, x)
    assert model.training
    headings = ["2, dropout 0.1", "3 tanh", "3 batch norm, relu, dropout 0.3", "2 linear"]
    assert [text for text in texts(figure) if text in headings] == headings
    assert "2 batch norm" in texts(figure)
    assert line_count(figure) == 3 * (2 + 1) + 3 * (1 + 1) + 2 * (3 + 1) + 2 * (1 + 1)
    assert check_circles(figure) == 2 + 3 + 3 + 2 + 2
    y = [value.data for value in model.eval()(x)]
    assert texts(figure)[-len(y) :] == [brief(number) for number in y]
    check_page(figure)
    # the lines of a BatchNorm are what it computes
    units = chain.neurons(norms[1])
    found = [
        unit.w[i].data * number + unit.b.data
        for i, (unit, number) in enumerate(zip(units, x, strict=True))
    ]
    assert found == pytest.approx([value.data for value in norms[1](x)])
    with pytest.raises(TypeError, match="which has parameters outside of its Layers"):
        plot_features(model)


def test_a_model_that_computes_more_than_its_layers_do_is_refused():
    with pytest.raises(TypeError, match="draw_network takes a model that applies its Layers one"):
        draw_network(Skip(Layer(2, 1, rng=7)), [1.0, 2.0])


def test_wrong_arguments_say_what_was_expected():
    model = MLP(2, [3, 1], rng=7)
    with pytest.raises(ValueError, match="takes 2 inputs, got 3"):
        draw_network(model, [1, 2, 3])
    with pytest.raises(ValueError, match="takes 2 features, got 1: a; name each one once"):
        draw_network(model, features=["a"])
    with pytest.raises(TypeError, match="classes as a list of 1 names, got 'yes'"):
        draw_network(model, classes="yes")
    with pytest.raises(ValueError, match="a limit from 3 up"):
        draw_network(model, limit=2)
    with pytest.raises(ValueError, match="limit as a whole number"):
        draw_network(model, limit="8")
    with pytest.raises(TypeError, match=r"takes a Neuron, got MLP; a layer has some in \.neurons"):
        draw_neuron(model)


# --- words and files


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_text_whatever_they_hold(name, tmp_path):
    model, called = MLP(2, [2], rng=7), [name, "plain"]
    path = tmp_path / "picture.svg"
    draws = [
        lambda: draw_network(model, features=called, classes=called, path=path),
        lambda: draw_neuron(model.layers[0].neurons[0], [1.0, 2.0], features=called, path=path),
        lambda: plot_decision(model, *XOR, features=called, classes=called, path=path),
        lambda: plot_features(model, features=called, path=path),
    ]
    for draw in draws:
        draw()
        tree = ElementTree.parse(path)
        assert not [e for e in tree.iter() if e.tag.rpartition("}")[2] in ("script", "a")]
        read = ["".join(e.itertext()).strip() for e in tree.iter() if e.tag.endswith("}text")]
        assert "plain" in read
        assert words(name) in read or not words(name)


@given(st.text())
def test_words_are_one_short_line_that_xml_can_hold(text):
    line = words(text)
    assert len(line) <= LONGEST
    assert line.isprintable()
    ElementTree.fromstring(f"<t>{line.replace('&', '&amp;').replace('<', '&lt;')}</t>")
    assert words(line) == line


@given(st.floats(-1e308, 1e308) | st.sampled_from([math.inf, -math.inf, math.nan]))
def test_a_brief_number_is_short_and_near(x):
    text = brief(x)
    assert len(text) <= 9
    if math.isfinite(x):
        assert float(text) == pytest.approx(x, rel=0.051)
        assert (float(text) == 0) == (x == 0)


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf"])
def test_saved_bytes_are_the_same_every_time_and_under_every_style(suffix, tmp_path):
    model = MLP(2, [3, 1], "tanh", rng=7)
    seen = []
    for i, settings in enumerate([{}, {"svg.fonttype": "path", "figure.facecolor": "black"}]):
        path = tmp_path / f"{i}.{suffix}"
        with matplotlib.rc_context(settings):
            draw_network(model, [1.0, 2.0], path=path)
        seen.append(path.read_bytes())
    assert seen[0] == seen[1]


def test_a_notebook_is_given_a_picture_of_the_page_in_double_resolution():
    figure = draw_network(MLP(2, [3, 1], rng=7))
    picture, size = figure._repr_png_()
    assert picture.startswith(b"\x89PNG")
    width = int.from_bytes(picture[16:20], "big")
    assert abs(width - 2 * size["width"]) <= 2


def test_pyplot_stays_away():
    code = "from nn.drawing import *; from nn import *; import sys; draw_network(Neuron(2))"
    code += "; assert 'matplotlib.pyplot' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
