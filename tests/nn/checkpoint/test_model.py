"""save and load: equal to the bit, and with the names of PyTorch."""

import itertools
import math
import random
import sys

import numpy as np
import pytest

from engine import Value
from nn import MLP, CheckpointError, Layer, Module, Neuron, Sequential, load, save
from nn.checkpoint.model import pack, unpack
from tests.nn.checkpoint.saved import MODELS, Own, numbers


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_a_model_comes_back_to_the_bit(model, tmp_path):
    path = tmp_path / "model.safetensors"
    save(model, path)
    again = load(str(path))
    assert repr(again) == repr(model)
    assert type(again) is type(model)
    assert numbers(again) == numbers(model)
    assert [p.label for p in again.parameters()] == [p.label for p in model.parameters()]
    assert again.training


@pytest.mark.parametrize("number", [0.1, -0.0, 5e-324, 1.7976931348623157e308, math.inf, math.nan])
def test_every_number_comes_back(number, tmp_path):
    model = Neuron(2, rng=1)
    model.w[1].data = number
    save(model, tmp_path / "a")
    assert numbers(load(tmp_path / "a")) == numbers(model)


def test_loading_leaves_the_global_generator_alone(tmp_path):
    save(MODELS[0], tmp_path / "a")
    random.seed(3)
    state = random.getstate()
    load(tmp_path / "a")
    assert random.getstate() == state


def test_names_and_shapes_are_pytorchs(tmp_path):
    save(MLP(2, [4, 3, 1], activation="relu", output="sigmoid", rng=1), tmp_path / "a")
    tensors, _ = unpack((tmp_path / "a").read_bytes(), "a")
    assert {name: tensor.shape for name, tensor in tensors.items()} == {
        "0.weight": (4, 2),
        "0.bias": (4,),
        "2.weight": (3, 4),
        "2.bias": (3,),
        "4.weight": (1, 3),
        "4.bias": (1,),
    }
    save(MLP(2, [4, 3], activation="linear", rng=1), tmp_path / "a")
    tensors, _ = unpack((tmp_path / "a").read_bytes(), "a")
    assert set(tensors) == {"0.weight", "0.bias", "1.weight", "1.bias"}  # linear is no module


def test_a_row_of_a_weight_is_a_neuron(tmp_path):
    model = Layer(2, 3, rng=1)
    save(model, tmp_path / "a")
    tensors, _ = unpack((tmp_path / "a").read_bytes(), "a")
    rows = [[w.data for w in neuron.w] for neuron in model.neurons]
    assert tensors["0.weight"].ravel().tolist() == [x for row in rows for x in row]


def test_a_model_of_ones_own_is_filled_by_name(tmp_path):
    model, other = Own(1), Own(2)
    save(model, tmp_path / "a")
    assert load(tmp_path / "a", into=other) is other
    assert numbers(other) == numbers(model)
    tensors, card = unpack((tmp_path / "a").read_bytes(), "a")
    assert {name: tensor.shape for name, tensor in tensors.items()} == {
        "first.weight": (3, 2),
        "first.bias": (3,),
        "second.weight": (1, 3),
        "second.bias": (1,),
        "more.gain": (),
    }
    assert card["model"] == {"class": f"{Own.__module__}.Own"}


def alone(model):
    """The bytes of a file in which each parameter is a tensor, as they once were written."""
    tensors = {name: np.array(p.data) for name, p in model.named_parameters()}
    return pack(tensors, {"model": {"class": "a.B"}})


class Lists(Module):
    """Parameters in all kinds of containers. Calling it does not matter here."""

    def __init__(self, start):
        count = itertools.count(start)

        def some(n):
            return [Value(float(next(count))) for _ in range(n)]

        self.row, self.one, self.lone = some(3), some(1), some(1)[0]
        self.matrix, self.cube = [some(2), some(2)], [[some(2)], [some(2)]]
        self.ragged, self.pairs = [some(1), some(2)], {"a": tuple(some(2)), "b": some(1)[0]}
        self.body, self.head = MLP(2, [3, 1], rng=start), Neuron(2, rng=start)
        self.parts = [Sequential(Layer(1, 2, "tanh", start)), *some(2)]
        self.tied = [self.row[0], *some(2)]


def test_lists_of_parameters_are_tensors_with_shapes(tmp_path):
    model, other = Lists(1), Lists(100)
    save(model, tmp_path / "a")
    tensors, _ = unpack((tmp_path / "a").read_bytes(), "a")
    assert {name: tensor.shape for name, tensor in tensors.items()} == {
        "row": (3,),
        "one": (1,),
        "lone": (),
        "matrix": (2, 2),
        "cube": (2, 1, 2),
        "ragged.0": (1,),
        "ragged.1": (2,),
        "pairs.a": (2,),
        "pairs.b": (),
        "body.layers.0.weight": (3, 2),
        "body.layers.0.bias": (3,),
        "body.layers.1.weight": (1, 3),
        "body.layers.1.bias": (1,),
        "head.w": (2,),
        "head.b": (),
        "parts.0.layers.0.weight": (2, 1),
        "parts.0.layers.0.bias": (2,),
        "parts.1": (),
        "parts.2": (),
        "tied.1": (),  # the first of the list is row's
        "tied.2": (),
    }
    assert tensors["cube"].ravel().tolist() == [10.0, 11.0, 12.0, 13.0]
    assert numbers(load(tmp_path / "a", into=other)) == numbers(model)
    (tmp_path / "b").write_bytes(alone(model))
    assert numbers(load(tmp_path / "b", into=Lists(200))) == numbers(model)


def test_names_that_would_collide_stay_apart(tmp_path):
    class Both(Layer):
        def __init__(self):
            super().__init__(1, 2, rng=1)
            self.weight = [[Value(1.0)], [Value(2.0)]]
            self.dots = {"x": Value(3.0), "x.0": Value(4.0)}

    model = Both()
    save(model, tmp_path / "a")
    tensors, _ = unpack((tmp_path / "a").read_bytes(), "a")
    assert tensors["weight"].shape == (2, 1)
    assert tensors["neurons.0.w"].shape == (1,)
    assert tensors["dots.x"].ravel().tolist() == [3.0]
    other = Both()
    for parameter in other.parameters():
        parameter.data = 0.0
    assert numbers(load(tmp_path / "a", into=other)) == numbers(model)


def test_a_sequential_of_modules_of_ones_own_is_filled(tmp_path):
    model, other = (Sequential(Layer(2, 3, "tanh", i), Own(i)) for i in (1, 2))
    other.layers[1].first = Layer(3, 3, rng=1)
    model.layers[1].first = Layer(3, 3, rng=2)
    save(model, tmp_path / "a")
    with pytest.raises(CheckpointError, match=r"holds a 'nn.models.layers.Sequential', which"):
        load(tmp_path / "a")
    assert numbers(load(tmp_path / "a", into=other)) == numbers(model)


def test_an_mlp_that_was_changed_by_hand_is_of_ones_own(tmp_path):
    shared = MLP(2, [2, 1], rng=1)
    shared.layers[1].neurons[0].w[0] = shared.layers[0].neurons[0].w[0]
    mixed = MLP(2, [2, 2, 1], rng=1)
    mixed.layers[1].activation = "tanh"
    more = MLP(2, [2, 1], rng=1)
    more.gain = Value(1.0)
    for model in (shared, mixed, more):
        save(model, tmp_path / "a")
        with pytest.raises(CheckpointError, match=r"holds a 'nn.models.layers.MLP', which"):
            load(tmp_path / "a")
        assert load(tmp_path / "a", into=model) is model
        (tmp_path / "b").write_bytes(alone(model))
        assert load(tmp_path / "b", into=model) is model


def test_a_class_that_a_file_names_is_never_imported(tmp_path):
    card = {"model": {"class": "antigravity.Module"}}
    (tmp_path / "a").write_bytes(pack({}, card))
    with pytest.raises(CheckpointError, match=r"'antigravity\.Module', which cannot be built"):
        load(tmp_path / "a")
    assert "antigravity" not in sys.modules
