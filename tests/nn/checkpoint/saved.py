"""What tests of files share: models, and the parts of a file."""

import struct

import pytest

from engine import Value
from nn import ACTIVATIONS, MLP, Layer, Module, Neuron, Sequential

safetensors = pytest.importorskip("safetensors", reason="pip install gradwalk[checkpoints]")


class Own(Module):
    """Two layers with a skip, and a gain in a dict."""

    def __init__(self, rng=1):
        self.first, self.second = Layer(2, 3, "tanh", rng), Layer(3, 1, "linear", rng)
        self.more = {"gain": Value(2.0)}

    def __call__(self, x):
        return self.second(self.first(x)) * self.more["gain"]


def numbers(model):
    return [struct.pack("<d", p.data) for p in model.parameters()]


MODELS = [
    MLP(3, [4, 2, 1], activation="gelu", output="sigmoid", rng=1),
    MLP(2, [3], activation="tanh", output="softmax", rng=1),
    MLP(1, [1], rng=1),
    *[Layer(2, 3, name, rng=1) for name in ACTIVATIONS],
    Layer(3, 1, "relu", rng=1),
    Neuron(4, "silu", rng=1),
    Sequential(Layer(2, 4, "gelu", 1), Layer(4, 3, "linear", 2), Layer(3, 2, "softmax", 3)),
    Sequential(Layer(2, 1, "tanh", 1)),
]
