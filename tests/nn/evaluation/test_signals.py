"""What the layers of a model hold for a sample, and what is measured beside the loss."""

import math
from typing import Any

import numpy as np
import pytest

from engine import Value
from nn import MLP, Layer, Module, Neuron, predict
from nn.evaluation.measure import measure, signals
from nn.evaluation.metrics import Metrics
from nn.evaluation.samples import Rows
from nn.losses import mse_loss


def test_signals_are_those_of_every_layer() -> None:
    model = MLP(2, [3, 2], "tanh", rng=1)
    hidden = [math.tanh(sum(w.data * x for w, x in zip(n.w, (0.5, -1.0), strict=True)) + n.b.data)
              for n in model.layers[0].neurons]  # fmt: skip
    for x in ([0.5, -1.0], (0.5, -1.0), np.array([0.5, -1.0])):
        found = signals("who", model, [*model.layers], x)
        assert found == [[0.5, -1.0], pytest.approx(hidden), predict(model, [x])[0]]
    assert signals("who", n := Neuron(1, "tanh", rng=1), [n], 2.0)[1] == [predict(n, [[2.0]])[0]]
    with pytest.raises(
        TypeError, match=r"^who takes a model that applies its Layers one after ano"
    ):
        signals("who", model, [model.layers[0]], [0.5, -1.0])
    for seed in range(8):  # whichever answer is the larger
        with pytest.raises(TypeError, match=r"^who takes a model that applies its Layers one"):
            signals("who", model, [Layer(2, 2, "linear", rng=seed)], [0.5, -1.0])
    one = predict(model, [[0.5, -1.0]])[0]
    layer = Layer(2, 1, "linear", rng=3)
    said = predict(layer, [[0.5, -1.0]])[0]
    with pytest.raises(TypeError) as error:
        signals("who", model, [layer], [0.5, -1.0])
    assert str(error.value) == (
        "who takes a model that applies its Layers one after another, got MLP, which makes "
        f"{one!r:.60} of this sample where they make {[said]!r:.60}; "
        "give activations to the Layers, or give it Layers one by one"
    )


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_measure_is_the_loss_and_what_was_asked_for(n: int) -> None:
    class Doubling(Module):
        def __call__(self, x: Any) -> Any:
            assert not self.training
            y = x[0] * Value(2.0)
            assert y.parents == ()
            return y

    xs, ys = [[1.0], [2.0], [3.0]][:n], [1.0, 4.0, 8.0][:n]
    rows = Rows(xs, ys, range(n))
    gaps = [2 * x - y for (x,), y in zip(xs, ys, strict=True)]

    def worst(outputs: list[float], targets: list[float]) -> float:
        return max(abs(x - y) for x, y in zip(outputs, targets, strict=True))

    model = Doubling()
    found = measure(model, rows, mse_loss, Metrics([worst], mse_loss, model))
    assert found == {
        "loss": pytest.approx(sum(g * g for g in gaps) / n),
        "worst": max(map(abs, gaps)),
    }
    assert model.training
