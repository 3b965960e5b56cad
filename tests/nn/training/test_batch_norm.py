"""BatchNorm: its statistics, its gradients, and trainings that agree."""

import math
import random

import numpy as np
import pytest

import nn
from engine import Value
from nn import BatchNorm, Dropout, Layer, Module, Sequential, fit, mse_loss, predict
from tests.nn.training.pools import check_going_on, check_threads

_draw = random.Random(8).gauss
XS = [[_draw(1, 2), _draw(0, 1)] for _ in range(90)]
YS = [[math.sin(a) + b, a * b] for a, b in XS]


def model(*more):
    return Sequential(
        *[BatchNorm(2), Layer(2, 5, "linear", 1), BatchNorm(5, 0.2, 1e-4, "tanh"), *more],
        *[Layer(5, 4, "tanh", 2), BatchNorm(4), Layer(4, 2, "linear", 3)],
    )


def train(net, **how):
    # Adam would make something of what is 0 but for rounding: the gradient of a bias before a norm
    how = {"loss": "mse", "optimizer": "sgd", "epochs": 5, "batch_size": 16, **how}
    history = fit(net, XS, YS, **{"seed": 1, "progress": False, **how})
    return [p.data for p in net.parameters(True)], history.loss, history.backend


# --- the layer


def test_a_batch_gets_mean_0_and_variance_1():
    norm = BatchNorm(2)
    found = np.array([[y.data for y in row] for row in norm.forward_batch(XS)])
    wide = np.var(XS, axis=0)
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(found.var(axis=0), wide / (wide + 1e-5), rtol=1e-12)
    running = [[x.data for x in held] for held in (norm.running.mean, norm.running.var)]
    np.testing.assert_allclose(running[0], 0.1 * np.mean(XS, axis=0), rtol=1e-12)
    np.testing.assert_allclose(running[1], 0.9 + 0.1 * np.var(XS, axis=0, ddof=1), rtol=1e-12)
    norm.eval()
    found = np.array([[y.data for y in norm(x)] for x in XS])
    wanted = (np.array(XS) - running[0]) / np.sqrt(np.array(running[1]) + 1e-5)
    np.testing.assert_allclose(found, wanted, rtol=1e-12)
    assert running == [[x.data for x in held] for held in (norm.running.mean, norm.running.var)]


def test_running_statistics_are_no_parameters():
    norm = BatchNorm(3)
    assert len(norm.parameters()) == len(norm.trainable_parameters()) == 6
    assert [name for name, _ in norm.named_parameters(True)][6:8] == [
        "running.mean.0",
        "running.mean.1",
    ]


def test_gradients_go_through_the_statistics():
    net, rows = model(), XS[:6]

    def loss():
        return mse_loss(net.forward_batch(rows), YS[:6])

    loss().backward()
    for p in net.parameters():
        x, step = p.data, 1e-6
        p.data = x + step
        above = loss().data
        p.data = x - step
        below = loss().data
        p.data = x
        assert math.isclose(p.grad, (above - below) / (2 * step), rel_tol=1e-5, abs_tol=1e-8)


@pytest.mark.parametrize("call", [lambda net: net(XS[0]), lambda net: net.forward_batch(XS[:1])])
def test_a_single_row_is_an_error_in_training(call):
    with pytest.raises(
        ValueError, match=r"BatchNorm takes the statistics of 2 rows .* model\.eval"
    ):
        call(model())
    assert len(call(model().eval())) in (1, 2)


def test_a_batch_of_one_row_is_an_error_before_training():
    for how in ({"batch_size": 1}, {"batch_size": 89}):
        with pytest.raises(ValueError, match="batch_size that leaves no row alone"):
            train(model(), **how)


def test_settings_are_checked():
    for settings, message in [
        ((0,), "BatchNorm takes n as a whole number"),
        ((2, -0.1), "BatchNorm takes a finite momentum >= 0"),
        ((2, 0.1, math.nan), "BatchNorm takes a finite eps >= 0"),
        ((2, 0.1, 1e-5, "rellu"), "unknown activation 'rellu', did you mean 'relu'"),
    ]:
        with pytest.raises(ValueError, match=message):
            BatchNorm(*settings)
    with pytest.raises(ValueError, match="BatchNorm takes 3 inputs, got 2"):
        BatchNorm(3).forward_batch(XS)


# --- in fit


@pytest.mark.parametrize("more", [(), (Dropout(0.3),)], ids=["alone", "with dropout"])
@pytest.mark.parametrize(
    "how",
    [{}, {"sample_weight": [1.0 + i % 3 for i in range(90)]}, {"validation": 0.2, "clip": 0.1}],
)
def test_native_and_eager_trainings_agree(more, how):
    (eager, loss, _), (native, other, backend) = [
        train(model(*more), backend=backend, **how) for backend in ("eager", "auto")
    ]
    assert backend == "native"
    np.testing.assert_allclose(eager, native, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(loss, other, rtol=1e-9)


def test_threads_find_the_same_bits(small_shards):
    check_threads(train, model)


@pytest.mark.parametrize("backend", ["eager", "native"])
def test_a_training_goes_on_to_the_same_bits(backend, tmp_path):
    wanted = check_going_on(train, model, backend, tmp_path / "a")
    assert [p.data for p in nn.load(tmp_path / "a").parameters(True)] == wanted[0]


@pytest.mark.parametrize("backend", ["eager", "native"])
def test_the_objective_leaves_running_statistics_and_what_is_frozen_out(backend):
    net = model()
    net.layers[1].requires_grad_(False)
    optimizer = nn.SGD(net.trainable_parameters(), weight_decay=0.5)
    how = {"epochs": 1, "monitor": "objective", "progress": False, "backend": backend}
    (found,) = fit(net, XS, YS, loss="mse", optimizer=optimizer, **how).log
    squares = sum(p.data**2 for p in net.trainable_parameters())
    assert found["objective"] == pytest.approx(found["loss"] + 0.25 * squares)


def test_a_fit_that_cannot_begin_moves_nothing():
    net = model()
    before = [p.data for p in net.parameters(True)]
    with pytest.raises(ValueError, match="as the mean of what it was for each"):
        train(net, loss=lambda outputs, ys: mse_loss(outputs, ys) * len(ys), backend="native")
    history = train(net, epochs=1, backend="native")
    assert history == train(model(), epochs=1, backend="native")
    assert before != [p.data for p in net.parameters(True)]


class Own(Module):
    """BatchNorm in a model of one's own, beside a path around it."""

    def __init__(self):
        self.body = Sequential(Layer(2, 3, "tanh", 1), BatchNorm(3))
        self.head = Layer(3, 2, "linear", 2)

    def _join(self, units, x):
        return [y + x[0] for y in self.head(units)]

    def __call__(self, x):
        return self._join(self.body(x), x)

    def forward_batch(self, rows):
        return [self._join(*pair) for pair in zip(self.body.forward_batch(rows), rows, strict=True)]


def test_a_model_of_ones_own():
    eager, native = [train(Own(), backend=backend) for backend in ("eager", "native")]
    np.testing.assert_allclose(eager[0], native[0], rtol=1e-9, atol=1e-12)
    lazy = type("Lazy", (Own,), {"forward_batch": Module.forward_batch})
    with pytest.raises(ValueError, match="which a Module around it has to write"):
        train(lazy())


def test_files_and_architectures_have_it_all(tmp_path):
    net = model(Dropout(0.25))
    net.forward_batch(XS)
    nn.save(net, tmp_path / "a")
    again = nn.load(tmp_path / "a")
    assert repr(again) == repr(net)
    assert predict(again, XS) == predict(net, XS)
    own = Own()
    own.body.forward_batch(XS)
    nn.save(own, tmp_path / "b")
    assert predict(nn.load(tmp_path / "b", into=Own()), XS) == predict(own, XS)


def test_pytorch_trains_the_same():
    torch = pytest.importorskip("torch", reason="pip install gradwalk[interop]")
    net = model()
    other = nn.to_torch(net)
    xs, ys = [torch.tensor(rows, dtype=torch.float64) for rows in (XS, YS)]
    optimizer = torch.optim.SGD(other.parameters(), lr=0.1)
    for _ in range(6):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(other(xs), ys).backward()
        optimizer.step()
    wanted = [x.data for x in nn.from_torch(other).parameters(True)]
    for backend in ("eager", "native"):
        net = model()
        fit(
            net,
            XS,
            YS,
            loss="mse",
            optimizer="sgd",
            batch_size=None,
            epochs=6,
            backend=backend,
            progress=False,
        )
        np.testing.assert_allclose(
            [p.data for p in net.parameters(True)], wanted, rtol=1e-9, atol=1e-12
        )


def test_values_come_in_and_out_one_by_one():
    norm = BatchNorm(1, activation="relu")
    found = norm.forward_batch([Value(1.0), 3.0, [5.0]])
    assert [round(y.data, 3) for y in found] == [0.0, 0.0, 1.225]
