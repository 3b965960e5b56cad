"""Pictures of networks show what is there: counts, words and numbers, each in its place."""

import math
import random
import subprocess
import sys
from xml.etree import ElementTree

import pytest

pytest.importorskip("matplotlib", reason="pip install gradwalk[plot]")

import matplotlib
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.patches import Circle

from engine import Value, dot, numeric_mode
from nn import (
    ACTIVATIONS,
    MLP,
    Activation,
    BatchNorm,
    Dropout,
    Layer,
    Module,
    Neuron,
    Sequential,
    accuracy,
    predict,
)
from nn.drawing import (
    draw_network,
    draw_neuron,
    plot_activations,
    plot_decision,
    plot_features,
)
from nn.drawing.activation_plot import sample
from nn.drawing.diagram import brief
from nn.drawing.figure import LONGEST, words
from nn.models import chain

XOR = [(0, 0), (0, 1), (1, 0), (1, 1)], [0, 1, 1, 0]
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


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def circles(figure):
    return [patch for patch in figure.axes[0].patches if isinstance(patch, Circle)]


def line_count(figure):
    return sum(len(lines.get_segments()) for lines in figure.axes[0].collections)


def randomise(model, seed=1, size=1.0):
    rng = random.Random(seed)
    for parameter in model.parameters():
        parameter.data = rng.gauss(0, size)
    return model


def check_circles(figure):
    """Every text whose middle is in a circle is inside that circle."""
    figure.canvas.draw()
    seen = 0
    for circle in circles(figure):
        round_ = circle.get_window_extent()
        for text in figure.axes[0].texts:
            box = text.get_window_extent()
            middle = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
            if round_.contains(*middle):
                seen += 1
                assert round_.x0 <= box.x0 <= box.x1 <= round_.x1, text
                assert round_.y0 <= box.y0 <= box.y1 <= round_.y1, text
    return seen


def check_page(figure):
    """No text reaches over the edge of the page."""
    figure.canvas.draw()
    page = figure.bbox
    for axes in figure.axes:
        for text in [*axes.texts, axes.title, axes.xaxis.label, axes.yaxis.label]:
            if text.get_text() and axes.axison | (text in axes.texts):
                box = text.get_window_extent()
                assert page.x0 <= box.x0 <= box.x1 <= page.x1, text
                assert page.y0 <= box.y0 <= box.y1 <= page.y1, text


# --- networks


MODELS = [
    (MLP(2, [16, 16, 1], rng=7), [2, 16, 16, 1]),
    (MLP(1, [1], rng=7), [1, 1]),
    (MLP(3, [4, 4, 1], "tanh", rng=7), [3, 4, 4, 1]),
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


def test_pyplot_stays_away_and_a_missing_matplotlib_names_the_extra():
    code = "from nn.drawing import *; from nn import *; import sys; draw_network(Neuron(2))"
    code += "; assert 'matplotlib.pyplot' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
    code = "import sys; sys.modules['matplotlib'] = None; import nn.drawing"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert 'need matplotlib; install it with pip install "gradwalk[plot]"' in done.stderr


# --- neurons


@pytest.mark.parametrize("n_in", [1, 2, 12])
@pytest.mark.parametrize("size", [1.0, 1e-90, 1e8])
@pytest.mark.parametrize("activation", [a for a in ACTIVATIONS if a != "softmax"])
def test_a_neuron_shows_its_numbers(n_in, size, activation):
    neuron = randomise(Neuron(n_in, activation, rng=7))
    x = [Value(size * (i + 1) / 3, f"input {i}") for i in range(n_in)]
    figure = draw_neuron(neuron, x)
    shown = min(n_in, 7) if n_in > 8 else n_in
    assert sum(text.startswith("w") and "=" in text for text in texts(figure)) == shown
    assert {"input 0", "Σ", activation, brief(neuron(x).data)} <= set(texts(figure))
    assert check_circles(figure) == shown + 2
    check_page(figure)
    (point,) = [line for line in figure.axes[0].child_axes[0].lines if line.get_marker() == "o"]
    total = dot(neuron.w, x, neuron.b).data
    assert (point.get_xdata()[0], point.get_ydata()[0]) == (total, neuron(x).data)


def test_a_neuron_without_a_sample_has_names_and_no_point():
    figure = draw_neuron(Neuron(2, "tanh", rng=7))
    assert {"x0", "x1", "Σ", "y", "b = 0"} <= set(texts(figure))
    assert all(line.get_marker() != "o" for line in figure.axes[0].child_axes[0].lines)


def test_names_on_arrows_do_not_touch_the_circles():
    neuron = Neuron(1, "linear", rng=7)
    neuron.w[0].label, neuron.w[0].data = "W" * 40, -1.23456e-100
    figure = draw_neuron(neuron)
    figure.canvas.draw()
    (name,) = [text for text in figure.axes[0].texts if "W" in text.get_text()]
    box = name.get_window_extent()
    assert not any(circle.get_window_extent().overlaps(box) for circle in circles(figure))


# --- activations


def test_every_activation_but_linear_is_plotted_on_the_same_scales():
    figure = plot_activations()
    titles = [axes.get_title("left") for axes in figure.axes]
    assert [title.split()[0] for title in titles] == [n for n in ACTIVATIONS if n != "linear"]
    assert len({(axes.get_xlim(), axes.get_ylim()) for axes in figure.axes}) == 1
    for name, axes in zip(titles, figure.axes, strict=True):
        notes = [text.get_text() for text in axes.texts]
        kinked = {"relu": ["kink at 0:\nslope 0"], "leaky_relu": ["kink at 0:\nslope 0.01"]}
        assert notes == kinked.get(name, [])


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("x", [-1.3, 0.7, 3.1])
def test_the_drawn_derivative_is_the_slope_of_the_drawn_curve(name, x):
    step = 1e-5
    slope = (sample(name, x + step)[0] - sample(name, x - step)[0]) / (2 * step)
    assert sample(name, x)[1] == pytest.approx(slope, abs=1e-8)


def test_kinks_of_a_row_of_ones_own_are_found(monkeypatch):
    monkeypatch.setitem(ACTIVATIONS, "relu2", Activation(lambda x: (x - 1.234).relu() * 2.0))
    (axes,) = plot_activations("relu2").axes
    assert [text.get_text() for text in axes.texts] == ["kink at 1.234:\nslope 0"]


def test_an_unknown_activation_is_refused():
    with pytest.raises(ValueError, match="did you mean 'relu'"):
        plot_activations("tanh", "rellu")


# --- decisions


@pytest.mark.parametrize(
    ("model", "ys"),
    [
        (MLP(2, [4, 1], "tanh", rng=7), [0, 1, 1, 0]),
        (MLP(2, [4, 1], "tanh", rng=7), [-1, 1, 1, -1]),
        (MLP(2, [4, 1], "tanh", "sigmoid", rng=7), [0, 1, 1, 0]),
        (MLP(2, [4, 3], "tanh", rng=7), [0, 1, 2, 0]),
        (MLP(2, [4, 3], "tanh", "softmax", rng=7), [0, 1, 2, 0]),
    ],
    ids=str,
)
def test_the_picture_and_the_accuracy_agree(model, ys):
    randomise(model)
    figure = plot_decision(model, XOR[0], ys)
    right = round(4 * accuracy(model, XOR[0], ys))
    axes = figure.axes[0]
    assert axes.get_title("left") == f"{right} of 4 right ({right / 4:.1%})"
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    kinds = 3 if 2 in ys else 2
    assert names == [f"class {k}" for k in range(kinds)] + ["wrong"] * (right < 4)
    marks = {c.get_label(): len(c.get_offsets()) for c in axes.collections if len(c.get_offsets())}
    assert sum(marks.get(f"class {k}", 0) for k in range(kinds)) == 4
    assert marks.get("wrong", 0) == 4 - right


def test_colours_mix_by_the_probabilities_of_the_model():
    neuron = Neuron(2, "sigmoid", rng=7)
    for p, weight in zip(neuron.parameters(), [30.0, 0.0, -15.0], strict=True):
        p.data = weight
    (image,) = plot_decision(neuron, *XOR).axes[0].images
    pixels = np.asarray(image.get_array())
    left, right = pixels[30, 0], pixels[30, -1]
    assert left[2] > left[0]  # bluish: class 0
    assert right[0] > right[2]  # orange: class 1


def test_other_targets_make_a_regression():
    figure = plot_decision(MLP(2, [3, 1], "tanh", rng=7), XOR[0], [0.0, 2.5, 1.0, 7.0])
    assert len(figure.axes) == 2
    assert figure.axes[1].get_ylabel().startswith("output")
    assert not figure.legends


@pytest.mark.parametrize(
    ("xs", "ys", "says"),
    [
        ([(1, 2, 3)], [0], "sample 0 has 3 features"),
        ([(1, 2), (1, math.nan)], [0, 1], r"sample 1 has \(1.0, nan\)"),
        ([], [], "plot_decision got no samples"),
        ([(1, 2)], [0, 1], "got 1 samples and 2 targets"),
        ([(1, 2)], [3], r"classes from 0 to 2 for 3 outputs, got 3;"),
        ([(1, 2)], ["x"], "classes from 0 to 2 for 3 outputs, got 'x'"),
    ],
)
def test_data_that_make_no_plane_are_refused(xs, ys, says):
    with pytest.raises(ValueError, match=says):
        plot_decision(MLP(2, [3], rng=7), xs, ys)


# --- features


def test_weights_of_image_inputs_are_images():
    model = MLP(64, [5, 2], rng=7)
    figure = plot_features(model)
    images = [axes.images[0] for axes in figure.axes[:5]]
    for image, neuron in zip(images, model.layers[0].neurons, strict=True):
        drawn = np.asarray(image.get_array())
        assert drawn.shape == (8, 8)
        assert drawn.ravel().tolist() == [w.data for w in neuron.w]
        assert (
            image.get_clim()[0]
            == -image.get_clim()[1]
            == -max(abs(w.data) for n in model.layers[0].neurons for w in n.w)
        )
    assert plot_features(model, shape=(4, 16)).axes[0].images[0].get_array().shape == (4, 16)


def test_weights_of_few_inputs_are_bars():
    neuron = Neuron(3, rng=7)
    (axes,) = plot_features(neuron, features=["a", "b", "c"]).axes
    assert [bar.get_width() for bar in axes.patches] == [w.data for w in neuron.w]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["a", "b", "c"]


def test_the_input_that_excites_a_deep_unit_is_found():
    """Behind a linear layer the answer is known: the weights multiplied out, in that direction."""
    model = MLP(5, [4, 2], "linear", rng=7)
    first = np.array([[w.data for w in n.w] for n in model.layers[0].neurons])
    for axes, neuron in zip(plot_features(model, 1).axes, model.layers[1].neurons, strict=True):
        exact = np.array([w.data for w in neuron.w]) @ first
        found = np.array([bar.get_width() for bar in axes.patches])
        assert np.linalg.norm(found) == pytest.approx(math.sqrt(5))
        assert found @ exact / np.linalg.norm(exact) == pytest.approx(math.sqrt(5), rel=1e-2)


def test_a_unit_that_nothing_reaches_is_called_silent():
    model = MLP(2, [2, 1], rng=7)
    for parameter in model.layers[0].parameters():
        parameter.data = -1.0 if parameter.label.endswith("b") else 0.0
    assert plot_features(model, 1).axes[0].get_title("left") == "unit 0: silent"


def test_features_change_nothing_in_the_model_and_are_seeded():
    model = MLP(3, [4, 2], "tanh", rng=7)
    before = [(p.data, p.grad) for p in model.parameters()]
    widths = [
        [
            bar.get_width()
            for axes in plot_features(model, -1, seed=seed).axes
            for bar in axes.patches
        ]
        for seed in (1, 1)
    ]
    assert widths[0] == widths[1]
    assert before == [(p.data, p.grad) for p in model.parameters()]


def test_what_does_not_fit_is_refused():
    model = MLP(6, [2, 1], rng=7)
    with pytest.raises(ValueError, match=r"a layer from 0 to 1 \(or -1 for the last\), got 2"):
        plot_features(model, 2)
    with pytest.raises(ValueError, match=r"of 6 pixels for 6 inputs, got \(2, 2\)"):
        plot_features(model, shape=(2, 2))
