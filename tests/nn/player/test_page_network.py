"""The data of a page: its epochs, its curves, and the units and lines of the network."""

import base64
import math
import sys
from fractions import Fraction
from html import escape
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import Value
from nn import MLP, BatchNorm, History, Layer, Module, Neuron, Sequential
from nn.player import to_html, training_page
from nn.player.training_page import evenly, floats, network
from tests.nn.player.recorded import data, history, recording, singles

PAIR = [([0.0, 1.0], 0), ([1.0, 0.5], 1)]


# --- epochs


@given(st.integers(1, 300), st.integers(2, 40), st.data())
def test_epochs_are_as_evenly_spread_as_whole_numbers_can_be(
    count: int, most: int, draw: st.DataObject
) -> None:
    also = draw.draw(st.integers(0, count - 1))
    found = evenly(count, most, also)
    exact = [math.floor(Fraction(i * (count - 1), most - 1)) for i in range(most)]
    assert found == (sorted({*exact, also}) if count > most else [*range(count)])
    assert evenly(count, most) == (exact if count > most else found)


def test_a_page_opens_at_the_kept_epoch_and_else_before_the_training() -> None:
    made = recording(Neuron(1, rng=1), [([1.0], 2.0)], 5)
    assert [data(to_html(history(made, best)))["kept"] for best in (None, 0, 4)] == [0, 1, 5]
    assert data(to_html(history(made)))["epochs"] == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(("log", "shots"), [(3, 6), (6, 3), (4, 4), (0, 1), (0, 3)])
def test_only_epochs_are_shown_of_which_all_is_known(log: int, shots: int) -> None:
    made = recording(Neuron(1, rng=1), [([1.0], 2.0)], shots - 1)
    run = History([{"loss": 1.0}] * log, recording=made)
    assert data(to_html(run))["epochs"] == [*range(min(log + 1, shots))]


@pytest.mark.parametrize(("inputs", "most"), [(1, 7), (2, 3), (3, 7)])
def test_fewer_epochs_are_shown_where_a_plane_is_slow(
    inputs: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_page, "FRAMES", 7)
    monkeypatch.setattr(training_page, "TIMES", 3)
    monkeypatch.setattr(training_page, "CELLS", 2)
    made = recording(Neuron(inputs, rng=1), [([1.0] * inputs, 0)], 30)
    assert len(data(to_html(history(made)))["epochs"]) == 7
    monkeypatch.setattr(training_page, "available", lambda: False)
    assert len(data(to_html(history(made)))["epochs"]) == most


def test_the_most_that_a_page_shows() -> None:
    names = ("FRAMES", "LIMIT", "CELLS", "TIMES", "POINTS")
    assert [getattr(training_page, name) for name in names] == [400, 16, 32, 40, 500]


# --- curves and words


def test_curves_are_in_the_order_in_which_they_are_read_and_begin_before_the_training() -> None:
    made = recording(Neuron(1, rng=1), [([1.0], 2.0)], 1)
    made.start = {"val_accuracy": 0.5, "r2": 3.0, "val_loss": math.inf, "loss": 2.0}
    log = [{**dict.fromkeys(made.start, 0.25), "loss": math.nan, "accuracy": -math.inf}]
    found = data(to_html(History(log, recording=made)))["log"]
    assert [*found.items()] == [
        ("loss", [2.0, "NaN"]),
        ("val_loss", ["Infinity", 0.25]),
        ("val_accuracy", [0.5, 0.25]),
    ]
    made.start = {"accuracy": 0.0, "loss": 2.0}
    found = data(to_html(History([{"loss": 1.0, "accuracy": 0.5}], recording=made)))["log"]
    assert found == {"loss": [2.0, 1.0], "accuracy": [0.0, 0.5]}


class Called(Neuron):
    """It is shown as a text of so many characters, of which some cannot be seen as they are."""

    def __repr__(self) -> str:
        return "<&\x01" + "a" * (len(self.w) - 3)


@pytest.mark.parametrize("size", [3, 79, 80, 81, 200])
def test_a_page_says_what_was_trained_and_how_it_ended(size: int) -> None:
    page = to_html(history(recording(Called(size, rng=1), [([0.5] * size, 0)], 3), 1))
    name = escape("<&␁") + ("a" * (size - 3) if size <= 80 else "a" * 76 + "…")
    assert f"<title>Training of {name}</title>" in page
    assert f"<h1>{name}<span>, epoch by epoch</span></h1>" in page
    assert "<p>3 epochs, kept epoch 2: loss 0.5" in page
    assert 'aria-label="Before the training"' in page
    speeds = [line.strip() for line in page.splitlines() if "<option" in line]
    assert speeds == [
        '<option value="2">2 a second</option>',
        '<option value="10" selected>10 a second</option>',
        '<option value="30">30 a second</option>',
        '<option value="100">100 a second</option>',
    ]


def test_names_are_short_and_can_be_seen() -> None:
    made = recording(Neuron(3, rng=1), [([1.0] * 3, 2.0)], 1)
    names = ["a" * 24, "b" * 25, "c\t\x00"]
    found = data(to_html(history(made), features=names, classes=[7.5]))["network"]
    assert found["features"] == ["a" * 24, "b" * 23 + "…", "c␉␀"]
    assert found["classes"] == ["7.5"]


@pytest.mark.parametrize("name", ["features", "classes"])
def test_a_text_is_not_taken_for_a_list_of_names(name: str) -> None:
    made = history(recording(Neuron(3, rng=1), [([1.0] * 3, 2.0)], 1))
    for text, shown in ("ab", "'ab'"), ("c" * 59, "'" + "c" * 59), ("", "''"):
        with pytest.raises(TypeError) as caught:
            to_html(made, **{name: text})
        said = f"to_html takes {name} as a list of names, got the text {shown}"
        assert str(caught.value) == said


def test_what_was_not_recorded_is_not_played() -> None:
    said = "nothing was recorded of this training, so there is nothing to play; "
    empty = recording(Neuron(1, rng=1), [([1.0], 2.0)], -1)
    for run in History(), History([{"loss": 1.0}]), History(recording=empty):
        with pytest.raises(ValueError, match="nothing was recorded") as caught:
            to_html(run)
        assert str(caught.value) == said + "train with fit(..., record=True)"


# --- units and lines


def shown(width: int) -> list[int]:
    return [unit for unit in range(width) if width <= 16 or unit < 8 or unit >= width - 8]


MODELS: list[Any] = [
    Neuron(1, "tanh", rng=1),
    Neuron(17, "relu", rng=1),
    Layer(3, 2, "softmax", rng=1),
    MLP(2, [15, 16, 17, 1], "tanh", rng=1),
    MLP(18, [40, 3], "gelu", output="sigmoid", rng=1),
    Sequential(Layer(2, 3, "silu", 1), Neuron(3, "elu", rng=1)),
]


@pytest.mark.parametrize("model", MODELS, ids=[type(model).__name__ for model in MODELS])
def test_a_line_for_each_weight_between_units_that_are_shown(model: Any) -> None:
    layers = [[each] if isinstance(each, Neuron) else each.neurons for each in parts(model)]
    widths = [len(layers[0][0].w), *map(len, layers)]
    made = recording(model, [([0.5] * widths[0], 0)], 3)
    found: Any = network(made, [0, 2, 3], [], [])
    lines, labels, weights = [], [], list[list[float]]([[], [], []])
    for k, layer in enumerate(layers):
        for to, unit in enumerate(shown(widths[k + 1])):
            ends = [layer[unit].w[i] for i in shown(widths[k])]
            for slot, weight in enumerate([*ends, layer[unit].b]):
                lines.append((k, slot, to))
                labels.append(weight.label)
                at = next(i for i, p in enumerate(made.parameters) if p is weight)
                for row, epoch in zip(weights, (0, 2, 3), strict=True):
                    row.append(made.snapshots[epoch][at])
    assert found["lines"] == lines
    assert found["names"] == labels
    assert singles(found["weights"]) == np.ravel(weights).astype("float32").tolist()
    words = ["input", *(part.activation for part in parts(model))]
    columns = zip(map(shown, widths), widths, words, strict=True)
    assert found["columns"] == [{"units": u, "size": s, "words": w} for u, s, w in columns]


def parts(model: Any) -> list[Any]:
    return model.layers if isinstance(model, Sequential) else [model]


@pytest.mark.parametrize("given", [0, 1, 2, 3, 4])
def test_names_are_shown_if_there_is_one_for_each(given: int) -> None:
    made, names = recording(MLP(2, [4, 3], rng=1), PAIR), [*"abcd"][:given]
    found: Any = network(made, [0], names, names)
    assert found["features"] == (names if given == 2 else [])
    assert found["classes"] == (names if given == 3 else [])
    made = recording(MLP(3, [2, 4, 1], rng=1), PAIR)
    found = network(made, [0], names, names)
    assert (found["features"], found["classes"]) == (names * (given == 3), names * (given == 1))


def test_a_parameter_without_a_name_has_none() -> None:
    made = recording(Neuron(2, rng=1), PAIR)
    made.parameters[1].label = None
    found: Any = network(made, [0], [], [])
    assert [bool(name) for name in found["names"]] == [True, False, True]
    assert found["names"][1] == ""


class Line(Module):
    def __init__(self) -> None:
        self.w = Value(0.5, "w")

    def __call__(self, x: Any) -> Any:
        return x[0] * self.w


@pytest.mark.parametrize("model", [Line(), Sequential(Layer(2, 2, rng=1), BatchNorm(2))])
def test_what_is_no_row_of_layers_has_no_network(model: Any) -> None:
    assert network(recording(model, PAIR), [0], [], []) is None


@given(st.lists(st.floats(allow_nan=False)))
def test_weights_are_floats_of_32_bits_on_every_machine(numbers: list[float]) -> None:
    other = "little" if sys.byteorder == "big" else "big"
    with np.errstate(over="ignore"):
        assert base64.b64decode(floats(numbers)) == np.array(numbers, "<f4").tobytes()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "byteorder", other)
            assert base64.b64decode(floats(numbers)) == np.array(numbers, ">f4").tobytes()
