"""Neurons, layers and perceptrons: what they compute, of how many nodes, and what they refuse."""

import json
import math
import random
from collections import Counter
from pathlib import Path

import pytest

from engine import Value, topological
from nn import (
    ACTIVATIONS,
    MLP,
    BatchNorm,
    Dropout,
    Layer,
    Module,
    Neuron,
    Sequential,
    accuracy,
    cross_entropy,
    fit,
)
from nn.models.architecture import Architecture, describe
from tests.nn.models.layers_made import ELEMENTWISE, numbers

CURVES = json.loads((Path(__file__).parents[1] / "data" / "activations.json").read_text())


def operations(*outputs):
    """How many nodes of each operation the graphs hold together."""
    nodes = {node for output in outputs for node in topological(output)}
    return Counter(node.op.name if node.op else "leaf" for node in nodes)


# --- what they compute


@pytest.mark.parametrize("name", [name for name in ACTIVATIONS if name != "softmax"])
def test_a_neuron_is_an_activation_of_a_weighted_sum(name):
    neuron = Neuron(3, name, rng=5)
    neuron.b.data = 0.25
    xs = [0.5, -1.0, 2.0]
    total = math.fsum([w.data * x for w, x in zip(neuron.w, xs, strict=True)]) + 0.25
    function = ACTIVATIONS[name].function
    wanted = total if function is None else function(Value(total)).data
    assert neuron(xs).data == pytest.approx(wanted, rel=1e-14)


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve["name"])
def test_activations_are_pytorchs(curve):
    function = ACTIVATIONS[curve["name"]].function
    for x, output, slope in zip(curve["inputs"], curve["outputs"], curve["slopes"], strict=True):
        leaf = Value(x)
        y = function(leaf)
        y.backward()
        assert (y.data, leaf.grad) == pytest.approx((output, slope), rel=1e-12, abs=1e-300)


def test_softmax_is_of_the_whole_layer():
    layer = Layer(2, 3, "softmax", rng=1)
    scores = [neuron([0.5, -1.0]).data for neuron in layer.neurons]
    wanted = [math.exp(s) / sum(map(math.exp, scores)) for s in scores]
    assert [p.data for p in layer([0.5, -1.0])] == pytest.approx(wanted, rel=1e-14)


def test_a_single_output_is_a_value_and_several_are_a_list():
    assert isinstance(Neuron(2)([1, 2]), Value)
    assert isinstance(Layer(2, 1)([1, 2]), Value)
    assert isinstance(MLP(2, [3, 1])([1, 2]), Value)
    for model in (Layer(2, 3), MLP(2, [4, 3])):
        outputs = model([1, 2])
        assert isinstance(outputs, list)
        assert [type(y) for y in outputs] == [Value] * 3


def test_mlp_gradients_meet_finite_differences():
    model = MLP(2, [4, 3], activation="tanh", rng=2)

    def loss():
        return cross_entropy(model([0.4, -0.9]), 1)

    loss().backward()
    gradients = [p.grad for p in model.parameters()]
    for parameter, gradient in zip(model.parameters(), gradients, strict=True):
        x, h = parameter.data, 1e-5
        parameter.data = x + h
        above = loss().data
        parameter.data = x - h
        below = loss().data
        parameter.data = x
        assert gradient == pytest.approx((above - below) / (2 * h), rel=1e-6, abs=1e-9)


# --- layers in a row


def mixed():
    return Sequential(Layer(2, 4, "relu", 1), Layer(4, 3, "tanh", 2), Layer(3, 1, "sigmoid", 3))


def test_a_sequential_feeds_each_layer_to_the_next():
    model = mixed()
    first, second, third = model.layers
    assert model([0.3, -1.2]).data == third(second(first([0.3, -1.2]))).data
    assert (model.output, len(model.parameters())) == ("sigmoid", 12 + 15 + 4)
    assert repr(model) == f"Sequential({first!r}, {second!r}, {third!r})"


def test_an_mlp_is_a_sequential_of_its_layers():
    model = MLP(2, [4, 3], "tanh", "softmax", rng=1)
    again = Sequential(*model.layers)
    assert isinstance(model, Sequential)
    assert [y.data for y in again([0.3, -1.2])] == [y.data for y in model([0.3, -1.2])]


def test_a_sequential_inside_gives_its_layers():
    class Scaled(Sequential):
        def __call__(self, x):
            return [2 * y for y in super().__call__(x)]

    body, scaled = MLP(2, [4, 3], rng=1), Scaled(Layer(3, 2, rng=1))
    model = Sequential(Sequential(body), scaled, Layer(2, 1, rng=2))
    assert model.layers == [*body.layers, scaled, model.layers[-1]]
    scores = scaled(body([0.3, -1.2]))
    assert model([0.3, -1.2]).data == model.layers[-1](scores).data


def test_labels_in_a_sequential_say_where_a_parameter_stands():
    own = type("Own", (Module,), {})()
    own.gain, own.shift = Value(2.0), Value(1.0, "shift")
    model = Sequential(Layer(1, 2), Sequential(Neuron(2)), own, MLP(1, [1, 1]))
    labels = [p.label for p in model.parameters()]
    assert labels[4:] == [
        *["L1.w0", "L1.w1", "L1.b"],
        *[None, "L2.shift"],
        *["L3.N0.w0", "L3.N0.b", "L4.N0.w0", "L4.N0.b"],
    ]


def test_an_architecture_says_what_a_sequential_is():
    model = mixed()
    found = describe(model)
    assert found == Architecture("Sequential", 2, [4, 3, 1], ["relu", "tanh"], "sigmoid")
    assert found.activations == ["relu", "tanh", "sigmoid"]
    assert describe(found.build()) == Architecture.from_json(found.json()) == found
    assert describe(Sequential(Layer(2, 3), Neuron(3))) is None  # it would come back as a Layer
    assert describe(Sequential(Layer(2, 3), Layer(2, 1))) is None
    tied = Layer(2, 2)
    assert describe(Sequential(tied, tied)) is None
    model.layers[1].activation = "relu"
    assert describe(model) is None


def test_an_architecture_says_what_stands_between_layers():
    layers = [Layer(2, 4, "tanh", 1), Dropout(0.2), Layer(4, 3, "linear", 2), BatchNorm(3, 0.3)]
    model = Sequential(BatchNorm(2, activation="relu"), *layers, Dropout(0.4))
    found = describe(model)
    assert found.others == [
        [0, "BatchNorm", 0.1, 1e-5, "relu"],
        *[[1, "Dropout", 0.2], [2, "BatchNorm", 0.3, 1e-5, "linear"], [2, "Dropout", 0.4]],
    ]
    assert repr(found.build()) == repr(model)
    assert describe(found.build()) == Architecture.from_json(found.json()) == found
    assert [*found.shapes()] == [
        *["0.weight", "0.bias", "0.running_mean", "0.running_var"],
        *["2.weight", "2.bias", "5.weight", "5.bias"],
        *["6.weight", "6.bias", "6.running_mean", "6.running_var"],
    ]
    assert describe(Sequential(Layer(2, 4), BatchNorm(3))) is None
    assert describe(Sequential(Dropout(0.2))) is None


def test_a_batch_goes_through_a_sequential_layer_by_layer_where_it_has_to():
    rows = [[0.5, 1.0], [2.0, -1.0], [0.0, 3.0]]
    first, norm, last = Layer(2, 3, "tanh", 1), BatchNorm(3), Layer(3, 1, "linear", 2)
    found = Sequential(first, norm, last).forward_batch(rows)
    wanted = [last(h) for h in norm.forward_batch([first(x) for x in rows])]
    assert [y.data for y in found] == [y.data for y in wanted]
    twice = type(
        "Twice", (Sequential,), {"__call__": lambda self, x: 2 * Sequential.__call__(self, x)}
    )
    with pytest.raises(ValueError, match="which a Module around it has to write"):
        twice(first, norm, last).forward_batch(rows)
    model = twice(first, last)
    assert [y.data for y in model.forward_batch(rows)] == [model(x).data for x in rows]


@pytest.mark.parametrize("own", [False, True])
def test_a_sequential_trains_natively_as_eagerly(own):
    pytest.importorskip("llvmlite", reason="pip install gradwalk[fast]")
    same = type("Same", (Module,), {"__call__": lambda self, x: x})
    rng = random.Random(1)
    xs = [[rng.gauss(0, 1), rng.gauss(0, 1)] for _ in range(40)]
    ys = [int(a * b > 0) for a, b in xs]
    found = {}
    for backend in ("native", "eager"):
        model = mixed()
        model.layers += [same()] * own
        how = {"loss": "binary_cross_entropy", "epochs": 3, "seed": 2, "progress": False}
        history = fit(model, xs, ys, backend=backend, **how)
        assert history.log[-1]["accuracy"] == accuracy(model, xs, ys)  # by the threshold 0.5
        found[backend] = numbers(model)
    assert found["native"] == pytest.approx(found["eager"], rel=1e-9)


# --- of how many nodes


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_a_neuron_is_one_dot_and_one_activation(name):
    counts = operations(Neuron(3, name, rng=1)([Value(1.0), Value(2.0), Value(3.0)]))
    extra = counts.pop("constant", 0)  # the slope of leaky_relu, alpha of elu
    assert extra <= 1
    assert counts == {"leaf": 3 + 3 + 1, "dot": 1, name: 1}


def test_a_linear_neuron_is_just_the_dot():
    assert operations(Neuron(2, "linear")([1.0, 2.0])) == {"leaf": 5, "dot": 1}


def test_an_mlp_lifts_its_inputs_once():
    model = MLP(2, [16, 16, 1], rng=1)
    assert operations(model([1.0, 2.0])) == {"leaf": 337 + 2, "dot": 33, "relu": 32}


def test_softmax_adds_one_node_an_output():
    counts = operations(*Layer(2, 3, "softmax")([1.0, 2.0]))
    assert counts == {"leaf": 9 + 2, "dot": 3, "softmax": 3}
