"""Pictures of neurons, activations, decisions and features show what is there."""

import math

import numpy as np
import pytest

from engine import Value, dot
from nn import (
    ACTIVATIONS,
    MLP,
    Activation,
    Neuron,
    accuracy,
)
from nn.drawing import (
    draw_neuron,
    plot_activations,
    plot_decision,
    plot_features,
)
from nn.drawing.activation_plot import sample
from nn.drawing.diagram import brief
from tests.nn.drawing.figures import XOR, check_circles, check_page, circles, randomise, texts

pytest.importorskip("matplotlib", reason="pip install gradwalk[plot]")


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
