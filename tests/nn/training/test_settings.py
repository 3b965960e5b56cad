"""Every setting of fit does the same on Values, natively, with workers, and after a break."""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import nn
from nn import SGD, Adam
from nn.checkpoint.model import unpack
from tests.nn.training.setup import BACKENDS, WEIGHTS, frozen, net, numbers, run

pytest.importorskip("llvmlite", reason="pip install gradwalk[fast]")
pytest.importorskip("safetensors", reason="pip install gradwalk[checkpoints]")


def grouped(model):
    first, second = model.layers
    groups = [
        {"params": first.parameters(), "lr": 0.001},
        {"params": second.parameters()},
    ]
    return Adam(groups, lr=0.05)


class Halving:
    """A callback that halves the rate after the third epoch."""

    def __init__(self, make):
        self.make, self.rates = make, []

    def __call__(self, model):
        self.optimizer = self.make(model)
        return self.optimizer

    def after(self, history):
        self.rates.append(self.optimizer.lr)
        if history.epochs == 3:
            self.optimizer.lr *= 0.5


def halved():
    halving = Halving(grouped)
    return {"make": halving, "callbacks": halving.after, "schedule": nn.exponential_decay(0.9)}


def moved():
    held = []

    def make(model):
        held[:] = [model]
        return Adam(model.parameters(), lr=0.02, amsgrad=True)

    def move(history):
        if history.epochs == 3:
            for parameter in held[0].parameters():
                parameter.data *= 0.5

    return {"make": make, "callbacks": move}


plateau = nn.ReduceLROnPlateau(factor=0.5, patience=2)
SETTINGS = {
    "lr": lambda: {"lr": 0.003},
    "frozen": lambda: {"make": frozen},
    "grouped": lambda: {"make": grouped, "schedule": nn.cosine(8)},
    "halved": halved,
    "moved": moved,
    "weighed": lambda: {"sample_weight": WEIGHTS, "validation": 0.25},
    "stratified": lambda: {"validation": 0.25, "loss": "binary_cross_entropy"},
    "monitor": lambda: {"monitor": "val_accuracy", "validation": 0.25, "patience": 3, "lr": 0.2},
    "plateau": lambda: {"schedule": plateau, "min_delta": 0.05, "lr": 0.05},
    "both-weights": lambda: {"sample_weight": WEIGHTS, "class_weights": [1, 3]},
}
every = pytest.mark.parametrize("name", SETTINGS)


@every
def test_it_changes_the_training_and_natively_to_the_last_digits(name):
    (eager, one), (native, two) = [run(**SETTINGS[name](), backend=b) for b in BACKENDS]
    assert native == pytest.approx(eager, rel=1e-9)
    assert two.loss == pytest.approx(one.loss, rel=1e-9)
    assert (one.best_epoch, one.stopped) == (two.best_epoch, two.stopped)
    assert eager != run(backend="eager")[0]


@every
def test_workers_give_the_same_bits(name, monkeypatch):
    monkeypatch.setattr("engine.native.threads.GRAIN", 1)  # so that there are shards
    monkeypatch.setattr("engine.native.threads.PER_TOTAL", 1)
    with ThreadPoolExecutor(2) as executor:
        assert run(**SETTINGS[name](), executor=executor) == run(**SETTINGS[name]())


@every
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("broken", [1, 3, 5])
def test_in_two_parts_it_is_the_same(name, backend, broken, tmp_path):
    file = {"backend": backend, "checkpoint": tmp_path / "a", "resume": True}
    run(**SETTINGS[name](), **file, epochs=broken)
    assert run(net(2), **SETTINGS[name](), **file) == run(**SETTINGS[name](), backend=backend)


# --- the rate


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_rate_that_a_callback_assigns_holds(backend):
    halving = Halving(lambda model: SGD(model.parameters(), lr=0.5))
    run(make=halving, callbacks=halving.after, backend=backend)
    assert halving.rates == [0.5] * 3 + [0.25] * 5
    assert halving.optimizer.lr == 0.25


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_schedule_goes_on_from_a_rate_that_a_callback_assigns(backend):
    halving = Halving(lambda model: SGD(model.parameters(), lr=0.5))
    how = {"callbacks": halving.after, "schedule": nn.step_decay(2, 0.5), "backend": backend}
    run(make=halving, **how)
    assert halving.rates == [0.5, 0.5, 0.25, 0.125 / 1, 0.0625, 0.0625, 0.03125, 0.03125]
    assert halving.optimizer.lr == 0.25


def test_a_rate_after_one_of_zero():
    rates = []

    def restart(history):
        rates.append(optimizer.lr)
        optimizer.lr = 0.125

    model = net()
    optimizer = SGD(model.parameters(), lr=0.5)
    schedule = [1.0, 0.0, 0.5, 1.0].__getitem__
    run(model, optimizer=optimizer, callbacks=restart, schedule=schedule, epochs=4)
    assert rates == [0.5, 0.0, 0.0625, 0.25]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("rate", [-0.1, math.nan, "fast"])
def test_a_rate_that_is_none_is_refused(backend, rate):
    model = net()
    optimizer = SGD(model.parameters(), lr=0.5)
    with pytest.raises(ValueError, match="SGD takes a finite lr >= 0, got"):
        run(
            model,
            optimizer=optimizer,
            callbacks=lambda h: setattr(optimizer, "lr", rate),
            backend=backend,
        )
    assert optimizer.lr == 0.5


def test_lr_is_that_of_the_optimizer():
    assert run(lr=0.003) == run(make=lambda model: Adam(model.parameters(), lr=0.003))
    model = net()
    optimizer = SGD(model.parameters(), lr=7.0)
    assert run(model, optimizer=optimizer, lr=0.1)[0] == run(optimizer="sgd")[0]
    assert optimizer.lr == 0.1
    with pytest.raises(ValueError, match=r"fit takes a finite lr >= 0, got -1"):
        run(lr=-1)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_rate_of_numpys_is_a_number_like_any(backend, tmp_path):
    def train(rate, **how):
        def change(history):
            optimizer.lr = rate(0.03 * history.epochs)

        optimizer = Adam((model := net()).parameters(), lr=rate(0.03))
        return run(
            model, make=lambda _: optimizer, backend=backend, callbacks=change, patience=None, **how
        )

    wanted = train(lambda x: float(np.float32(x)))
    assert train(np.float32, checkpoint=tmp_path / "a") == wanted
    assert train(np.float32, checkpoint=tmp_path / "a", resume=True, epochs=8)[0] == wanted[0]


def test_a_step_at_a_rate_of_numpys_rounds_as_any():
    def step(rate):
        parameter = nn.MLP(1, [1], rng=1).parameters()[0]
        parameter.grad = 0.7
        SGD([parameter], lr=rate).step()
        return parameter.data

    assert step(np.float32(0.1)) == step(float(np.float32(0.1)))


# --- what a callback changes


@pytest.mark.parametrize("backend", BACKENDS)
def test_parameters_that_a_callback_changes_are_those_that_learn_on(backend):
    model, after = net(), []

    def reset(history):
        after.append(numbers(model))
        for parameter, number in zip(model.parameters(), numbers(net(3)), strict=True):
            parameter.data = number

    still = {"optimizer": "sgd", "lr": 0.0, "backend": backend, "callbacks": reset}
    found, history = run(model, **still, epochs=3)
    assert after == [numbers(net(1)), numbers(net(3)), numbers(net(3))]
    assert len(set(history.loss)) == 2
    assert found == after[history.best_epoch]  # of the best epoch, as it was measured


# --- a plateau


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_rate_falls_on_a_plateau(backend):
    rates = []
    values = iter([5.0, 4.0, 4.0, 4.0, 4.0, 4.0, 3.0, 3.0, 3.0, 1.0])

    def value(outputs, targets):
        return next(values)

    model = net()
    optimizer = SGD(model.parameters(), lr=1.0)
    how = {"metrics": value, "monitor": "value", "mode": "min", "epochs": 10, "patience": None}
    how |= {"schedule": plateau, "optimizer": optimizer, "backend": backend}
    run(model, callbacks=lambda h: rates.append(optimizer.lr), **how)
    assert rates == [1.0] * 4 + [0.5] * 2 + [0.25] * 3 + [0.125]
    assert optimizer.lr == 1.0


def test_a_plateau_of_other_settings_is_another_training(tmp_path):
    file = {"checkpoint": tmp_path / "a", "resume": True}
    run(schedule=plateau, **file, epochs=2)
    with pytest.raises(nn.CheckpointError, match=r"schedule='ReduceLROnPlateau\(factor=0.5.*None"):
        run(**file)
    with pytest.raises(ValueError, match="ReduceLROnPlateau takes patience as a whole number >= 1"):
        nn.ReduceLROnPlateau(patience=0)


# --- checkpoints


def epochs_in(path):
    tensors, _ = unpack(path.read_bytes(), path)
    return tensors["training.log"].shape[0]


@pytest.mark.parametrize("backend", BACKENDS)
def test_checkpoints_after_every_third_epoch_and_the_last(backend, tmp_path):
    path, seen = tmp_path / "a", []
    how = {"checkpoint": path, "checkpoint_every": 3, "resume": True, "backend": backend}
    run(callbacks=lambda h: seen.append(epochs_in(path)), **how)
    assert seen == [0, 0, 3, 3, 3, 6, 6, 8]
    assert run(net(2), **how, epochs=11) == run(backend=backend, epochs=11)
    assert epochs_in(path) == 11

    stopped = {"checkpoint": tmp_path / "b", "checkpoint_every": 100, "backend": backend}
    found, _ = run(callbacks=lambda h: h.epochs == 4, **stopped)
    assert epochs_in(tmp_path / "b") == 4
    assert numbers(nn.load(tmp_path / "b")) == found


def test_what_is_changed_in_a_callback_is_lost_with_it_where_it_raises(tmp_path):
    def spoil(history):
        if history.epochs == 3:
            optimizer.lr = 9.0
            raise RuntimeError

    file = {"checkpoint": tmp_path / "a", "resume": True}
    model = net()
    optimizer = Adam(model.parameters(), lr=0.01)
    with pytest.raises(RuntimeError):
        run(model, optimizer=optimizer, callbacks=spoil, **file)
    assert run(net(2), **file) == run()


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"checkpoint_every": 2}, "checkpoint_every is how often to write a file; say which with"),
        ({"checkpoint_every": 0}, "fit takes checkpoint_every as a whole number >= 1, got 0"),
        ({"checkpoint_every": None}, "fit takes checkpoint_every as a whole number >= 1, got None"),
    ],
)
def test_writing_at_no_time_is_refused(how, message):
    with pytest.raises(ValueError, match=message):
        run(**how)
