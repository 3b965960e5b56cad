"""What fit records of a model is what the model does, and recording leaves no mark on it."""

import math
import random
import threading

import numpy as np
import pytest

import nn
from engine import Value
from nn import MLP, Layer, Module, fit
from nn.evaluation.isolation import isolated

XS = [[math.sin(7 * i), math.cos(5 * i)] for i in range(24)]
YS = [int(a * b > 0) for a, b in XS]


class Hidden(Module):
    """A layer of three units, and what subclasses make of each."""

    def __init__(self):
        self.first, self.last = Layer(2, 3, "tanh", rng=1), Layer(3, 1, "linear", rng=2)

    def unit(self, x):
        return x

    def __call__(self, x):
        return self.last([self.unit(h) for h in self.first(x)])


class Dropout(Hidden):
    """It leaves out so few that two calls are often the same."""

    def __init__(self, rng):
        super().__init__()
        self.rng = rng

    def unit(self, x):
        return x * 0.0 if self.training and self.rng.random() < 0.05 else x


class Rectifier(Hidden):
    """As people write it who think of numbers."""

    def unit(self, x):
        return x if x.data > 0 else x * 0.0


class Normalized(Hidden):
    """It remembers a running mean, and takes it off."""

    def __init__(self, only_when=(True, False)):
        super().__init__()
        self.mean, self.only_when = 0.0, only_when

    def unit(self, x):
        if self.training:
            self.mean = 0.9 * self.mean + 0.1 * x.data
        return x - self.mean if self.training in self.only_when else x


class Counting(Hidden):
    """It is a fixed program beside that."""

    calls = 0

    def unit(self, x):
        self.calls += 1
        return x


def train(model, **how):
    how = {"loss": "binary_cross_entropy_with_logits", "epochs": 3, "batch_size": 8, **how}
    history = fit(model, XS, YS, seed=1, progress=False, **how)
    return history, [p.data for p in model.parameters()]


@pytest.mark.parametrize(
    "make",
    [
        lambda seed: Dropout(random.Random(seed)),
        lambda seed: Dropout(np.random.default_rng(seed)),
        lambda seed: Dropout(np.random.RandomState(seed)),
        lambda seed: random.seed(seed) or Dropout(random),
        lambda seed: np.random.seed(seed) or Dropout(np.random),
        lambda seed: Rectifier(),
        lambda seed: Normalized(only_when=(False,)),
    ],
    ids=["random", "Generator", "RandomState", "global", "numpy", "data", "evaluation"],
)
def test_what_is_no_fixed_program_trains_as_if_nobody_had_tried(make):
    for seed in range(3):
        found = train(make(seed))
        assert found == train(make(seed), backend="eager")
        assert found[0].backend == "eager"


def test_a_mean_that_is_taken_off_as_a_number_is_told_of():
    with pytest.warns(UserWarning, match="takes a number out of its graph here"):
        found = train(Normalized())
    with pytest.warns(UserWarning, match="takes a number out of its graph here"):
        assert found == train(Normalized(), backend="eager")
    assert found[0].backend == "eager"


def test_the_reason_is_said():
    with pytest.raises(ValueError, match=r"nn\.Dropout trains natively; leave out backend="):
        train(Dropout(random.Random(7)), backend="native")
    with pytest.raises(
        ValueError, match=r"cannot be recorded: data of tanh\(.*\)=nan at .*where\(test"
    ):
        train(Rectifier(), backend="native")


@pytest.mark.parametrize("class_weights", [None, "balanced"])
def test_what_a_fixed_program_does_beside_is_no_hindrance(class_weights):
    model = Counting()
    assert train(model, class_weights=class_weights)[0].backend == "native"
    assert model.calls == 0


def test_what_other_threads_draw_is_not_held_against_an_mlp():
    """Nor taken back: their numbers are those of the generator."""
    drawn, done = [], threading.Event()

    def draw():
        while not done.is_set():
            drawn.append(random.random())

    random.seed(1)
    thread = threading.Thread(target=draw)
    thread.start()
    model = nn.MLP(2, [3, 1], rng=1)
    for _ in range(5):
        assert train(model, backend="native", epochs=1)[0].backend == "native"
    done.set()
    thread.join()
    again = random.Random(1)
    assert drawn == [again.random() for _ in drawn]


def test_randomness_that_has_no_state_and_lists():
    model = Dropout(random.SystemRandom())
    model.parts = [Counting()]
    with isolated(model) as drew:
        model.parts[0].calls = 3
        model.later = Value(1.0)
        assert not drew()
        model.rng.random()
        assert not drew()
    assert model.parts[0].calls == 0
    assert not hasattr(model, "later")
    assert nn.predict(model, XS[:1])


@pytest.mark.parametrize("backend", ["auto", "native", "eager"])
def test_a_model_may_have_parameters_as_micrograds_have_them(backend):
    class Own(Module):
        def __init__(self):
            super().__init__()
            self.layer = MLP(2, [3, 1], rng=1)

        def __call__(self, x):
            return self.layer(x)

        def parameters(self):  # without the argument that Module's takes
            return [p for layer in self.layer.layers for n in layer.neurons for p in [*n.w, n.b]]

    xs = [[0.1 * i, 1.0 - 0.1 * i] for i in range(10)]
    ys = [a * b for a, b in xs]
    history = fit(Own(), xs, ys, loss="mse", epochs=5, progress=False, backend=backend)
    assert history.loss[-1] < history.loss[0]
