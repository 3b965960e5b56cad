"""A model's outputs for many rows as an array, computed natively where that can be."""

from typing import Any

from engine.native.needs import numpy
from nn.evaluation.measure import predict
from nn.evaluation.programs import outputs
from nn.models.module import Module


def answers(model: Module, rows: Any) -> Any:
    """The model's outputs for rows of numbers, as an array of shape (rows, outputs).

    They agree with the model's own but for the last digits. A Program computes them where the extra
    `fast` is installed and the model's graph is the same for all rows.

    >>> from nn import MLP
    >>> answers(MLP(2, [3], rng=7), [[1.0, -1.0], [0.0, 0.5]]).shape
    (2, 3)
    """
    np = numpy()
    rows = np.asarray(rows, dtype="float64")
    found = outputs(model, rows)
    if found is None:
        found = np.array(predict(model, rows.tolist()))
    return found.reshape(len(rows), -1)


def probabilities(model: Module, rows: Any) -> Any:
    """How likely each class is for each row: the model's scores as an array of shares of 1.

    A single score is that of the second class against the first.

    >>> from nn import Neuron
    >>> neuron = Neuron(1, "linear", rng=7)
    >>> neuron.w[0].data = 1.0
    >>> probabilities(neuron, [[0.0], [800.0]]).tolist()
    [[0.5, 0.5], [0.0, 1.0]]
    """
    np, scores = numpy(), answers(model, rows)
    if scores.shape[1] == 1:
        scores = np.hstack([np.zeros_like(scores), scores])
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
