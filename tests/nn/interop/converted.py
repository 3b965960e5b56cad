"""Models that can be had in other libraries, rows for them, and what the models answer."""

from typing import Any

import numpy as np

from nn import ACTIVATIONS, MLP, BatchNorm, Dropout, Layer, Module, Neuron, Sequential, predict

# Far out too, where a formula that overflows or cancels would show.
XS = [[0.3, -1.2], [0.0, 0.0], [-2.5, 4.0], [60.0, -35.0], [-900.0, 800.0], [1e-9, -1e-12]]


def batches(model: Module) -> Module:
    """The model after it has seen a batch, in evaluation mode."""
    model.forward_batch([[0.5, -1.0], [2.5, 3.0], [-0.5, 1.0]])
    return model.eval()


NAMES: Any = list(ACTIVATIONS)
MODELS = [
    *[MLP(2, [5, 3], name, "linear", rng=i) for i, name in enumerate(NAMES)],
    *[MLP(2, [4, 2], "tanh", name, rng=i) for i, name in enumerate(NAMES)],
    MLP(2, [4, 4, 1], "relu", "sigmoid", rng=1),
    Layer(2, 3, "softmax", rng=1),
    Neuron(2, "tanh", rng=1),
    Sequential(Layer(2, 4, "gelu", 1), Layer(4, 3, "linear", 2), Layer(3, 2, "softmax", 3)),
    Sequential(MLP(2, [4, 3], "relu", "tanh", rng=1), Layer(3, 1, "sigmoid", 2)),
    batches(
        Sequential(BatchNorm(2), Layer(2, 4, "tanh", 1), Dropout(0.3), Layer(4, 1, "linear", 2))
    ),
    batches(Sequential(Layer(2, 3, "linear", 1), BatchNorm(3, 0.2, 1e-4, "softmax"), Dropout(0.1))),
]


class Own(Module):
    """Layers of one's own, in a row."""

    def __init__(self) -> None:
        self.first, self.rest = Layer(2, 3, "tanh", rng=1), [Layer(3, 2, "silu", rng=2)]
        self.head = Neuron(2, "sigmoid", rng=3)

    def __call__(self, x: Any) -> Any:
        return self.head(self.rest[0](self.first(x)))


def outputs(model: Module, xs: Any = XS) -> Any:
    return np.array(predict(model, xs)).reshape(len(xs), -1)


def numbers(model: Module) -> list[float]:
    return [p.data for p in model.parameters(True)]
