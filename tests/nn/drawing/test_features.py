"""What plots of features show, against a search that is written down once more with numpy."""

import math
import random
from typing import Any

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="pip install gradwalk[plot]")

from engine import Value, gradient
from nn import MLP, Layer, Module, Neuron, Sequential
from nn.drawing import plot_features
from tests.nn.drawing.album import silent
from tests.nn.drawing.figures import randomise


def shown(figure: Any) -> list[list[float]]:
    """The numbers of each unit, from bars or from pixels."""
    rows = []
    for axes in figure.axes:
        if axes.images:
            rows.append(np.ravel(axes.images[0].get_array()).tolist())
        elif axes.patches or axes.get_title("left").startswith("unit"):
            rows.append([bar.get_width() for bar in axes.patches])
    return rows


def scaled(xs: Any, length: float) -> Any:
    norm = math.sqrt(sum(x * x for x in xs))
    return np.array([x * length / norm for x in xs]) if norm else xs


def climb(model: MLP[Any], layer: int, unit: int, seed: int) -> Any:
    """Thirty steps uphill, each shorter than the one before, within a ball."""
    n_in, rng = len(model.layers[0].neurons[0].w), random.Random(seed)
    x = scaled(np.array([rng.gauss(0, 1) for _ in range(n_in)]), 0.1 * math.sqrt(n_in))
    for step in range(30):
        slopes, y = np.eye(n_in), x
        for before in model.layers[:layer]:
            w = np.array([[p.data for p in neuron.w] for neuron in before.neurons])
            y = np.tanh(w @ y + np.array([neuron.b.data for neuron in before.neurons]))
            slopes = (1 - y * y)[:, None] * (w @ slopes)
        top = np.array([p.data for p in model.layers[layer].neurons[unit].w])
        x = x + scaled(top @ slopes, 0.4 * math.sqrt(n_in) * (1 - step / 30))
        if np.linalg.norm(x) > math.sqrt(n_in):
            x = scaled(x, math.sqrt(n_in))
    return x


@pytest.mark.parametrize("seed", [0, 3])
@pytest.mark.parametrize("widths", [(3, 4, 2), (1, 2, 2), (4, 3, 1, 2), (25, 2, 1), (2, 1, 1)])
def test_a_deeper_unit_is_shown_with_what_a_search_finds(widths: Any, seed: int) -> None:
    model: Any = randomise(MLP(widths[0], [*widths[1:]], "tanh", rng=1), size=0.8)
    for layer in range(1, len(widths) - 1):
        found = shown(plot_features(model, layer, seed=seed))
        exact = [climb(model, layer, unit, seed) for unit in range(widths[layer + 1])]
        assert np.array(found) == pytest.approx(np.array(exact), rel=1e-6, abs=1e-9)
        last = shown(plot_features(model, layer - len(widths) + 1, seed=seed))
        assert last == found
    assert shown(plot_features(model)) == shown(plot_features(model, 0, seed=seed))
    again = shown(plot_features(model, 1))
    assert again == shown(plot_features(model, 1, seed=0))


def test_a_search_stops_where_it_is_flat_and_keeps_what_it_found() -> None:
    """A step leads out of the slope; from there on nothing changes."""
    first, second = Layer(1, 1, "relu", 1), Neuron(1, "linear", rng=1)
    rng = random.Random(0)
    start = 0.1 if rng.gauss(0, 1) > 0 else -0.1
    for parameter, x in zip(first.parameters(), (-1.0, 0.2), strict=True):
        parameter.data = x  # it is on below 0.2
    second.w[0].data = -1.0  # so that upwards is to the right
    ((found,),) = shown(plot_features(Sequential(first, second), 1))
    assert found == pytest.approx(start + 0.4)


def test_nothing_is_searched_for_where_it_is_flat(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[int]()

    def counted(*arguments: Any) -> Any:
        asked.append(1)
        return gradient(*arguments)

    monkeypatch.setattr("nn.drawing.features.gradient", counted)
    plot_features(silent(2, 3), 1)
    assert len(asked) == 3


@pytest.mark.parametrize("units", [1, 2, 36, 37])
def test_units_are_counted_where_there_are_more_than_36(units: int) -> None:
    figure: Any = plot_features(Layer(2, units, "relu", 1))
    titles = [axes.get_title("left") for axes in figure.axes]
    assert titles == [f"unit {i}" for i in range(min(units, 36))]
    several = f" (the first 36 of {units})" if units > 36 else ""
    assert [text.get_text() for text in figure.texts] == [f"layer 0: weights{several}"]
    weights = [[w.data for w in neuron.w] for neuron in Layer(2, units, "relu", 1).neurons]
    assert shown(figure) == weights[:36]


def test_a_picture_says_which_layer_it_is_of() -> None:
    model = MLP(2, [3, 4, 2], "tanh", rng=1)
    what = ["weights", *["input that excites the unit most"] * 2]
    for layer in range(3):
        for asked in (layer, layer - 3):
            figure: Any = plot_features(model, asked)
            assert figure.texts[0].get_text() == f"layer {layer}: {what[layer]}"
            assert len(shown(figure)) == (3, 4, 2)[layer]


@pytest.mark.parametrize("layer", [2, -3, 5, True, False, "0", 0.5, None])
def test_a_layer_that_is_not_there_is_refused(layer: Any) -> None:
    with pytest.raises(ValueError, match="takes a layer") as caught:
        plot_features(MLP(2, [3, 1], rng=1), layer)
    said = "plot_features takes a layer from 0 to 1 (or -1 for the last), got "
    assert str(caught.value) == said + repr(layer)


SQUARES = {16: (4, 4), 25: (5, 5), 289: (17, 17)}


@pytest.mark.parametrize("inputs", [1, 9, 15, 16, 17, 25, 289])
def test_a_square_of_16_or_more_is_an_image_unless_inputs_have_names(inputs: int) -> None:
    layer = Layer(inputs, 2, "relu", 1)
    plain: Any = plot_features(layer)
    images = [axes.images[0] for axes in plain.axes if axes.images]
    shapes = [SQUARES[inputs]] * 2 if inputs in SQUARES else []
    assert [np.shape(image.get_array()) for image in images] == shapes
    if inputs > 36:
        return  # bars of so many would be slow
    named: Any = plot_features(layer, features=range(inputs))
    assert not any(axes.images for axes in named.axes)
    labels = [tick.get_text() for tick in named.axes[0].get_yticklabels()]
    assert labels == [str(i) for i in range(inputs)]
    several: Any = plot_features(layer, shape=(1, inputs), features=range(inputs))
    assert [np.shape(axes.images[0].get_array()) for axes in several.axes[:2]] == [(1, inputs)] * 2


@pytest.mark.parametrize("inputs", [1, 8, 20, 21])
def test_bars_have_names_up_to_20(inputs: int) -> None:
    figure: Any = plot_features(Layer(inputs, 2, "relu", 1))
    labels = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert (labels == [f"x{i}" for i in range(inputs)]) == (inputs <= 20)
    first, second = [axes.yaxis.get_major_ticks()[0].label1 for axes in figure.axes]
    assert (first.get_visible(), second.get_visible()) == (True, False)


@pytest.mark.parametrize(
    "shape", [(2, 2), (6,), (1, 2, 3), (-2, -3), (0, 6), (6, 0), (), (-1, -6), (7, 1)]
)
def test_a_shape_is_a_height_and_a_width(shape: Any) -> None:
    with pytest.raises(ValueError, match="takes a shape") as caught:
        plot_features(MLP(6, [2, 1], rng=7), shape=shape)
    said = "plot_features takes a shape (height, width) of 6 pixels for 6 inputs, got "
    assert str(caught.value) == f"{said}{shape!r}; leave it out for bars"


@pytest.mark.parametrize("shape", [(1, 6), (6, 1), (2, 3), (3, 2)])
def test_pixels_are_rows_of_the_inputs(shape: tuple[int, int]) -> None:
    model = MLP(6, [2, 1], rng=7)
    figure: Any = plot_features(model, shape=shape)
    for i, axes in enumerate(figure.axes[:2]):
        weights = np.array([w.data for w in model.layers[0].neurons[i].w])
        assert np.array_equal(axes.images[0].get_array(), weights.reshape(shape))


class Odd(Module):
    def __init__(self) -> None:
        self.w = Value(1.0)


def test_what_has_no_layers_is_refused() -> None:
    with pytest.raises(TypeError, match="plot_features takes a Neuron, a Layer, an MLP"):
        plot_features(Odd())
