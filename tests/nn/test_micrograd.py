"""Code written for micrograd runs with only its imports changed."""

import random

import numpy as np
import pytest

from engine import Value
from nn import MLP, Layer, Module, Neuron


def test_nonlin():
    assert Neuron(3, nonlin=True).activation == "relu"
    assert Neuron(3, nonlin=False).activation == "linear"
    assert Neuron(3, False).activation == "linear"
    assert Layer(3, 2, nonlin=False).neurons[1].activation == "linear"
    assert Layer(3, 2, nonlin=True).activation == "relu"


def test_attributes_and_order_of_parameters():
    model = MLP(3, [4, 4, 1])
    assert [len(layer.neurons) for layer in model.layers] == [4, 4, 1]
    assert len(model.parameters()) == 41
    neuron = model.layers[0].neurons[0]
    assert model.parameters()[:4] == [*neuron.w, neuron.b]


def test_its_own_weights_on_request():
    """The figures are micrograd's: random.seed(1337); MLP(2, [16, 16, 1]).parameters()."""
    random.seed(1337)
    model = MLP(2, [16, 16, 1], init="uniform")
    found = [p.data for p in model.parameters()]
    assert found[:3] == [0.23550571390294128, 0.06653114721000164, 0.0]
    assert sum(found) == pytest.approx(6.8621742082939665, rel=1e-14)


def test_a_subclass_in_its_style():
    class Scale(Module):
        def __init__(self):
            self.s = Value(2.0)

        def __call__(self, x):
            return [self.s * xi for xi in x]

        def parameters(self):
            return [self.s]

    model = Scale()
    sum(model([1.0, 2.0])).backward()
    assert model.s.grad == 3.0
    model.zero_grad()
    assert model.s.grad == 0


def test_the_readme_s_neuron():
    n = Neuron(2)
    x = [Value(1.0), Value(-2.0)]
    y = n(x)
    y.backward()
    assert y.data >= 0


def test_the_demo_notebook():
    """Its training loop as it stands there, on two half moons: SVM loss, L2, decaying rate."""
    np.random.seed(1337)
    random.seed(1337)
    angles = np.random.rand(60) * np.pi
    y = np.arange(60) % 2 * 2 - 1  # -1 or 1
    X = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    X[y == 1] = [1.0, 0.5] - X[y == 1]
    X += np.random.randn(60, 2) * 0.1
    model = MLP(2, [8, 8, 1])

    def loss(batch_size=None):
        if batch_size is None:
            Xb, yb = X, y
        else:
            ri = np.random.permutation(X.shape[0])[:batch_size]
            Xb, yb = X[ri], y[ri]
        inputs = [list(map(Value, xrow)) for xrow in Xb]

        # forward the model to get scores
        scores = list(map(model, inputs))

        # svm "max-margin" loss
        losses = [(1 + -yi * scorei).relu() for yi, scorei in zip(yb, scores)]  # noqa: B905
        data_loss = sum(losses) * (1.0 / len(losses))
        # L2 regularization
        alpha = 1e-4
        reg_loss = alpha * sum((p * p for p in model.parameters()))  # noqa: UP034
        total_loss = data_loss + reg_loss

        # also get accuracy
        accuracy = [(yi > 0) == (scorei.data > 0) for yi, scorei in zip(yb, scores)]  # noqa: B905
        return total_loss, sum(accuracy) / len(accuracy)

    # optimization
    for k in range(60):
        # forward
        total_loss, acc = loss()

        # backward
        model.zero_grad()
        total_loss.backward()

        # update (sgd)
        learning_rate = 1.0 - 0.9 * k / 100
        for p in model.parameters():
            p.data -= learning_rate * p.grad

    assert acc == 1.0
    assert total_loss.data < 0.1


def test_nonlin_of_a_neuron_reads_and_can_be_set():
    relu, linear = Neuron(2, nonlin=True, rng=1), Neuron(2, nonlin=False, rng=1)
    assert (relu.nonlin, linear.nonlin) == (True, False)
    sample = next([x, 1.0] for x in (9.0, -9.0) if linear([x, 1.0]).data < 0)
    assert relu(sample).data == 0.0
    relu.nonlin, linear.nonlin = False, True
    assert (relu.activation, linear.activation) == ("linear", "relu")
    assert relu(sample).data < 0.0
    assert linear(sample).data == 0.0
    assert dict(relu.named_parameters()).keys() == {"w.0", "w.1", "b"}
