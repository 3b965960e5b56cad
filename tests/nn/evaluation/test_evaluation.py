"""What a trained model answers: numbers, in evaluation mode; and how many are right."""

import pandas as pd
import pytest

from engine import Value
from nn import MLP, Module, Neuron, accuracy, fit, predict, r2_score


class Doubler(Module):
    def __init__(self, several=False):
        self.k, self.several, self.modes = Value(2.0), several, []

    def __call__(self, x):
        self.modes.append(self.training)
        y = self.k * x
        assert y.parents == ()  # no graph is recorded
        return [y, -y] if self.several else y


@pytest.mark.parametrize("model", [3, Neuron])
def test_what_is_no_model_is_named(model):
    with pytest.raises(TypeError, match=r"predict takes a Module, got (int|type);"):
        predict(model, [[1.0]])
    with pytest.raises(TypeError, match=r"r2_score takes a Module, got (int|type);"):
        r2_score(model, [[1.0]], [1.0])


def test_predict_gives_floats_in_evaluation_mode():
    model = Doubler()
    assert predict(model, iter([1, -3])) == [2.0, -6.0]
    assert model.modes == [False, False]
    assert model.training
    assert predict(Doubler(several=True), [1]) == [[2.0, -2.0]]
    assert predict(model, []) == []


@pytest.mark.parametrize("backend", ["auto", "eager"])
def test_data_frames_are_their_rows(backend):
    xs, ys = [[1.0, 2.0], [3.0, -4.0]], [1, 0]  # as many rows as columns
    frame = pd.DataFrame(xs, columns=["a", "b"], index=[5, 7])
    column = pd.Series(ys, index=[5, 7])
    found = []
    for table, targets in ((frame, column), (xs, ys)):
        model = MLP(2, [2, 1], rng=1)
        how = {"loss": "mse", "epochs": 2, "seed": 1, "progress": False, "backend": backend}
        history = fit(model, table, targets, validation=(table, targets), **how)
        found.append((history, predict(model, table), accuracy(model, table, targets)))
    assert found[0] == found[1]


def test_accuracy():
    model = Doubler()
    assert accuracy(model, [1, -1, 3, -3], [1, 0, 0, 0]) == 0.75
    assert accuracy(model, [1, -1, 3, -3], [1, -1, -1, -1]) == 0.75
    assert accuracy(model, [0.2, 0.3], [0, 1], threshold=0.5) == 1.0
    model.output = "sigmoid"
    assert accuracy(model, [0.2, 0.3], [0, 1]) == 1.0
    several = Doubler(several=True)
    assert accuracy(several, [1, -1], [0, 0]) == 0.5
    assert accuracy(several, [1, -1], [[0.9, 0.1], [0.2, 0.8]]) == 1.0
    assert accuracy(several, [1, -1], [[1, 0], [1, 1]], threshold=0.0) == 0.5


def test_accuracy_of_several_questions_at_once():
    ys = [[0, 1], [1, 1], [1, 0], [0, 0]]
    xs = [(0, 0), (0, 1), (1, 0), (1, 1)]
    model = MLP(2, [2], output="sigmoid", rng=1)
    history = fit(model, xs, ys, loss="binary_cross_entropy", epochs=1, seed=1, progress=False)
    assert history.accuracy == [accuracy(model, xs, ys, threshold=0.5)]


def test_accuracy_refuses_nothing_to_judge():
    with pytest.raises(ValueError, match="accuracy got no samples; give at least one"):
        accuracy(Doubler(), [], [])
    with pytest.raises(ValueError, match="accuracy got 1 samples and 2 targets"):
        accuracy(Doubler(), [1], [1, 2])
