"""Trainings by programs: recorded once, and of the model as it is now."""

import copy
import warnings

import numpy as np
import pytest

import nn
from engine import Value
from nn import MLP, Neuron, predict
from nn.evaluation import programs
from nn.models import module
from nn.training import trainer
from nn.training.native import NativeTrainer
from tests.nn.evaluation.models_made import XS, Custom, share, twin


def test_a_fit_is_recorded_once_and_a_second_one_not_at_all(records, monkeypatch):
    graphs = []
    real = NativeTrainer._graph
    monkeypatch.setattr(NativeTrainer, "_graph", lambda *a: graphs.append(0) or real(*a))

    def train(model, **how):
        how = {"loss": "cross_entropy", "epochs": 2, "seed": 1, "progress": False} | how
        nn.fit(model, XS, (XS[:, 0] > 0).astype(int), backend="native", **how)
        return [p.data for p in model.parameters()], len(graphs), len(records)

    first = train(MLP(2, [6, 2], "gelu", rng=1))
    assert first[1:] == (1, 2)
    assert train(MLP(2, [6, 2], "gelu", rng=1)) == first
    programs._kept.clear()
    assert train(MLP(2, [6, 2], "gelu", rng=1)) == (first[0], 2, 4)
    assert train(MLP(2, [6, 2], "gelu", rng=1), class_weights=[1.0, 2.0])[1:] == (3, 6)
    backwards = lambda ps: nn.SGD(ps[::-1])  # noqa: E731
    assert train(MLP(2, [6, 2], "gelu", rng=1), optimizer=backwards)[1:] == (4, 8)
    assert train(Custom(lambda self, x: self.layer(x)))[1:] == (5, 10)
    dropped = nn.Sequential(nn.Layer(2, 6, rng=1), nn.Dropout(0.5), nn.Layer(6, 2, rng=2))
    assert train(dropped)[1:] == (7, 12)  # once in each mode


class Called(Custom):
    """It notes for each call whether it is on Values."""

    moody = False

    def __call__(self, x):
        self.calls.append(type(x[0]) is Value)
        return super().__call__([y * (1.0 + self.training) for y in x] if self.moody else x)


class Moody(Called):
    moody = True


@pytest.mark.parametrize(
    ("loss", "kind", "recorded", "called"),
    [
        ("mse", Called, 1, 1 + 4 + 4),  # one to check targets, four in each mode to compare
        ("mse", Moody, 2, 1 + 8 + 8),
        (lambda xs, ys: nn.mse_loss(xs, ys), Called, 1, 2 + 4 + 4),
        (lambda xs, ys: nn.mse_loss(xs, ys), Moody, 2, 2 + 8 + 8),
    ],
    ids=["named", "named, with modes", "own", "own, with modes"],
)
def test_a_native_fit_calls_a_model_as_often_as_it_needs_to(loss, kind, recorded, called):
    model = kind(lambda self, x: self.layer(x))
    model.calls = calls = []
    nn.fit(model, XS, [[0.5, 1.0]] * len(XS), loss=loss, epochs=3, progress=False)
    assert (calls.count(True), calls.count(False)) == (recorded, called)


@pytest.mark.parametrize("how", ["attribute", "class"])
def test_a_model_that_computes_something_else_in_each_mode_is_recorded_in_each(how):
    def function(self, x):
        return [y * (2.0 if self.training else 1.0) for y in self.layer(x)]

    model = Custom(function)
    if how == "class":  # which hides that of Module
        model.__class__ = type("Own", (Custom,), {"training": True})
    found, again = copy.deepcopy(model), copy.deepcopy(model)
    how = {"loss": "mse", "epochs": 3, "progress": False, "seed": 1}
    native = nn.fit(found, XS, [[0.5, 1.0]] * len(XS), backend="native", **how)
    eager = nn.fit(again, XS, [[0.5, 1.0]] * len(XS), backend="eager", **how)
    assert native.loss == pytest.approx(eager.loss, rel=1e-9)


def test_a_second_fit_walks_its_model_once(monkeypatch):
    def train():
        model, walks = MLP(2, [6, 2], rng=1), []
        with monkeypatch.context() as patch:
            for room, name in ((module, "_parts"), (trainer, "outline"), (programs, "outline")):
                real = getattr(room, name)
                patch.setattr(room, name, lambda *a, f=real, n=name: walks.append(n) or f(*a))
            nn.fit(model, XS, XS, loss="mse", epochs=2, progress=False)
        return walks

    train()
    assert sorted(train()) == ["_parts", "outline"]


@pytest.mark.parametrize("change", ["shared", "result", "tuple", "added"])
def test_a_model_of_ours_with_other_weights_trains_as_on_values(change):
    def train(backend):
        model = MLP(2, [3, 2], "tanh", rng=1)
        first, second, *_ = model.layers[0].neurons
        if change == "shared":
            second.w = first.w
        elif change == "result":
            first.w[0] = first.w[0] * 2.0
        elif change == "tuple":
            first.w = tuple(first.w)
        else:
            model.scale = Value(2.0)
        before = [float(x) for x in first.w]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is not reached
            history = nn.fit(
                model, XS, XS, loss="mse", epochs=3, seed=1, progress=False, backend=backend
            )
        assert (float(first.w[0]) == before[0]) == (change == "result")
        return history.loss

    assert train("auto") == pytest.approx(train("eager"), rel=1e-9)


def test_a_loss_put_into_the_table_is_read_anew(monkeypatch):
    scale = [1.0]
    monkeypatch.setitem(nn.LOSSES, "mine", lambda x, y: scale[0] * nn.mse_loss(x, y))
    losses = []
    for scale[0] in (1.0, 4.0):
        model = MLP(2, [3, 1], rng=1)
        history = nn.fit(model, XS, XS[:, 0], loss="mine", epochs=1, progress=False, seed=1)
        assert history.backend == "native"
        assert history.loss[0] == pytest.approx(
            scale[0] * nn.mse_loss(predict(model, XS), XS[:, 0]).data, rel=1e-9
        )
        losses.append(history.loss[0])
    assert losses[1] > 2.0 * losses[0]


@pytest.mark.parametrize(("kind", "name"), [(Neuron, "forward"), (nn.Layer, "__call__")])
def test_a_formula_put_into_a_class_is_read_anew(kind, name, monkeypatch):
    def train(backend):
        model = MLP(2, [3, 2], "tanh", rng=1)
        ys = [[0.5, 1.0]] * len(XS)
        how = {"loss": "mse", "epochs": 2, "seed": 1, "progress": False, "backend": backend}
        return nn.fit(model, XS, ys, **how).loss, predict(model, XS)

    before, real = train("native"), getattr(kind, name)

    def doubled(self, x):
        found = real(self, x)
        return [2 * y for y in found] if isinstance(found, list) else 2 * found

    monkeypatch.setattr(kind, name, doubled)
    for native, eager in zip(train("native"), train("eager"), strict=True):
        np.testing.assert_allclose(native, eager, rtol=1e-9)
    assert train("native")[0] != before[0]


class Doubled(MLP):
    def __call__(self, x):
        return 2.0 * super().__call__(x)


def bend(model):
    model.layers[0].neurons[1].activation = "relu"


VARIANTS = {
    "another loss": (twin, "mae"),
    "frozen": (lambda: twin(lambda m: m.layers[0].requires_grad_(False)), "mse"),
    "shared leaves": (lambda: twin(share), "mse"),
    "another activation": (lambda: twin(bend), "mse"),
    "another formula": (lambda: twin(kind=Doubled), "mse"),
    "a module of one's own": (lambda: Custom(lambda self, x: sum(self.layer(x)).sigmoid()), "mse"),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_a_second_fit_meets_no_program_of_another_training(name):
    make, loss = VARIANTS[name]
    how = {"epochs": 3, "seed": 1, "progress": False}
    nn.fit(twin(), XS, XS[:, 0], loss="mse", backend="native", **how)  # keeps its programs
    models = {backend: make() for backend in ("native", "eager")}
    found = {
        backend: nn.fit(model, XS, XS[:, 0], loss=loss, backend=backend, **how).loss
        for backend, model in models.items()
    }
    np.testing.assert_allclose(found["native"], found["eager"], rtol=1e-9)
    numbers = [[p.data for p in model.parameters()] for model in models.values()]
    np.testing.assert_allclose(*numbers, rtol=1e-7)
