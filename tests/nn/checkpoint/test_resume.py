"""fit(..., checkpoint=path, resume=True): after any end, the same bits as without a break."""

import errno
import json
import os
import random
import signal
import struct
import subprocess
import sys
import time

import numpy as np
import pytest

import nn
from engine import Value
from nn import MLP, SGD, Adam, CheckpointError, Module, Neuron, Optimizer, fit
from nn.checkpoint.model import pack, unpack
from nn.training.task import fingerprint

pytest.importorskip("safetensors", reason="pip install gradwalk[checkpoints]")
pytest.importorskip("llvmlite", reason="pip install gradwalk[fast]")

BACKENDS = ["eager", "native"]
_draw = random.Random(8).gauss
XS = [[_draw(0, 1), _draw(0, 1)] for _ in range(24)]
YS = [int(a + b / 2 > 0.3) for a, b in XS]
HOW = {
    "loss": "binary_cross_entropy",
    "batch_size": 5,
    "seed": 5,
    "validation": 0.25,
    "clip": 1.0,
    "progress": False,
    "schedule": nn.exponential_decay(0.95),
}


def numbers(model):
    return [p.data for p in model.parameters()]


def run(path=None, epochs=12, model=None, rng=3, **how):
    """A training: its last numbers and its history."""
    model = model or MLP(2, [3, 1], activation="tanh", output="sigmoid", rng=rng)
    how = {**HOW, "epochs": epochs, "resume": path is not None, **how}
    history = fit(model, XS, YS, checkpoint=path, **how)
    return numbers(model), history, history.snapshots


def epochs_in(path):
    tensors, _ = unpack(path.read_bytes(), path)
    return tensors["training.log"].shape[0]


# --- the same bits


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"record": True},
        {"optimizer": "sgd", "schedule": None},
        {"optimizer": lambda ps: SGD(ps, lr=0.05, momentum=0.9), "batch_size": None},
        {"optimizer": "rmsprop", "validation": None},
        {"validation": (iter(XS[:7]), iter(YS[:7]))},
        {"seed": None},
        {"clip": None, "loss": "mse"},
    ],
    ids=lambda how: "-".join(how) or "plain",
)
def test_in_two_parts_it_is_the_same(how, backend, tmp_path):
    def again():  # iterators are read once
        pair = (iter(XS[:7]), iter(YS[:7]))
        return {**how, "validation": pair} if isinstance(how.get("validation"), tuple) else how

    random.seed(1)
    wanted = run(backend=backend, **again())
    random.seed(1)
    run(tmp_path / "a", 5, backend=backend, **again())
    random.seed(2)  # another process has another state, and another start
    found = run(tmp_path / "a", rng=4, backend=backend, **again())
    assert found == wanted
    assert wanted[1].epochs == 12
    assert run(tmp_path / "a", rng=4, backend=backend, **again()) == wanted  # nothing left to do


@pytest.mark.parametrize("backend", BACKENDS)
def test_patience_goes_on_counting(backend, tmp_path):
    how = {"backend": backend, "patience": 3, "min_delta": 0.02, "epochs": 50}
    wanted = run(**how)
    assert wanted[1].stopped == "patience"
    last = wanted[1].epochs
    assert 4 < last < 50
    for done in (last - 1, last, last + 1):
        path = tmp_path / f"{done}"
        run(path, **{**how, "epochs": done})
        assert run(path, **how) == wanted


def test_the_file_is_the_model_that_fit_gives(tmp_path):
    wild = {"clip": None, "patience": None, "optimizer": lambda ps: SGD(ps, lr=8), "seed": 8}
    found, history, _ = run(tmp_path / "a", 30, **wild)
    assert history.best_epoch < 29  # so that the last numbers are others
    assert numbers(nn.load(tmp_path / "a")) == found
    assert epochs_in(tmp_path / "a") == 30


def test_without_resume_it_starts_anew(tmp_path):
    wanted = run(epochs=3)
    first = run(tmp_path / "a", 5)
    with pytest.warns(UserWarning, match=r"a was there and is kept as .*a\.old; resume=True"):
        assert run(tmp_path / "a", 3, resume=False) == wanted
    assert run(tmp_path / "a.old", 5) == first
    with pytest.raises(ValueError, match="goes on from a file; say which with checkpoint=path"):
        run(resume=True)


class Dropout(Module):
    """It draws from a generator of its own, and holds a number that only the loss has."""

    def __init__(self):
        self.body = MLP(2, [4, 1], "tanh", rng=1)
        self.rng = random.Random(7)

    def __call__(self, x):
        keep = [self.rng.random() < 0.8 or not self.training for _ in x]
        return self.body([a * k for a, k in zip(x, keep, strict=True)])


def test_a_model_that_draws_numbers(tmp_path):
    how = {"loss": "mse", "epochs": 6}
    wanted = run(model=Dropout(), **how)
    run(tmp_path / "a", model=Dropout(), **{**how, "epochs": 2})
    assert run(tmp_path / "a", model=Dropout(), **how) == wanted
    model = nn.load(tmp_path / "a", into=Dropout())
    assert numbers(model) == wanted[0]


class Ragged(Optimizer):
    """Remembers more and more, and more still of its own."""

    seen = 0.0

    def update(self, value, gradient, memory):
        self.seen += gradient
        return value - self.lr * gradient - 1e-3 * self.seen, *memory[-2:], gradient

    def state_dict(self):
        return super().state_dict() | {"seen": self.seen}

    def load_state_dict(self, state):
        super().load_state_dict(state)
        self.seen = state["seen"]


def test_an_optimizer_of_ones_own_and_a_parameter_that_only_it_has(tmp_path):
    def parts():
        model, scale = Neuron(2, "tanh", rng=1), Value(0.5, "scale")

        def loss(outputs, targets):
            return sum((scale * o - y) ** 2 for o, y in zip(outputs, targets, strict=True)) / 5

        optimizer = Ragged([*model.parameters(), scale], lr=0.01)
        return {"model": model, "loss": loss, "optimizer": optimizer}, optimizer

    how, whole = parts()
    wanted = run(**how)
    run(tmp_path / "a", 5, **parts()[0])
    how, optimizer = parts()
    assert run(tmp_path / "a", **how) == wanted
    assert optimizer.state_dict() == whole.state_dict()
    assert [p.data for p in optimizer.params] == [p.data for p in whole.params]


@pytest.mark.parametrize("backend", BACKENDS)
def test_ctrl_c_and_the_same_call_again_with_the_same_things(backend, tmp_path):
    """The very objects: the model has its best parameters by then, and the optimiser moved on."""
    wanted = run(backend=backend, optimizer=lambda ps: Adam(ps, lr=0.03))
    model = MLP(2, [3, 1], activation="tanh", output="sigmoid", rng=3)
    optimizer, calls = Adam(model.parameters(), lr=0.03), []

    def schedule(epoch):
        calls.append(epoch)
        if len(calls) in (9, 20):
            raise KeyboardInterrupt
        return HOW["schedule"](epoch)

    how = {"model": model, "optimizer": optimizer, "schedule": schedule, "backend": backend}
    for _ in range(2):
        assert run(tmp_path / "a", **how)[1].stopped == "interrupt"
    assert run(tmp_path / "a", **how) == wanted


# --- real processes, real signals

PROGRAM = """
import sys, time
from tests.nn.checkpoint.test_resume import run, HOW
def schedule(epoch):
    time.sleep(0.004)
    return HOW["schedule"](epoch)
found, history, _ = run(sys.argv[1], 200, backend=sys.argv[2], schedule=schedule, patience=150)
print(history.stopped, history.best_epoch, [x.hex() for x in found], history.loss)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent another way there")
@pytest.mark.parametrize("backend", BACKENDS)
def test_signals_in_real_runs(backend, tmp_path):
    """Interrupted, terminated and killed in turn, then left to end."""
    path, root = tmp_path / "a", os.fspath(nn.__path__[0]) + "/.."
    program = [sys.executable, "-c", PROGRAM, str(path), backend]
    for sent, epoch in ((signal.SIGINT, 5), (signal.SIGTERM, 30), (signal.SIGKILL, 60)):
        with subprocess.Popen(program, stdout=subprocess.PIPE, text=True, cwd=root) as process:
            while not path.exists() or epochs_in(path) < epoch:
                assert process.poll() is None
                time.sleep(0.002)
            process.send_signal(sent)
            out, _ = process.communicate(timeout=60)
        assert epochs_in(path) < 200
        assert process.returncode == (0 if sent == signal.SIGINT else -sent)
        assert out.startswith("interrupt" if sent == signal.SIGINT else "")
    ran = subprocess.run(program, capture_output=True, text=True, cwd=root, check=True)
    found, history, _ = run(epochs=200, backend=backend, patience=150)
    hexed = [x.hex() for x in found]
    assert (
        ran.stdout.split()
        == f"{history.stopped} {history.best_epoch} {hexed} {history.loss}".split()
    )


# --- what cannot be gone on with


def frozen(layer):
    model = MLP(2, [3, 1], "tanh", "sigmoid", rng=1)
    model.layers[layer].requires_grad_(False)
    return model


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"batch_size": 6}, "is of a training with batch_size=5, this one has batch_size=6; resum"),
        ({"optimizer": "sgd"}, r"optimizer='Adam\(lr=0.01, .*', this one has optimizer='SGD\("),
        ({"optimizer": lambda ps: Adam(ps, lr=0.02)}, "lr=0.01, .*lr=0.02"),
        ({"loss": "mse"}, "loss='binary_cross_entropy', this one has loss='mse'"),
        ({"loss": lambda outputs, targets: nn.mse_loss(outputs, targets)}, "has loss='.*lambda>'"),
        ({"validation": 0.5}, "validation=0.25, this one has validation=0.5"),
        ({"validation": (XS, YS)}, "rows='[0-9a-f]{32}'"),
        ({"seed": 6}, "seed=5, this one has seed=6"),
        ({"seed": random.Random(5)}, "seed=5, this one has seed=None"),
        ({"patience": None}, "patience=20, this one has patience=None"),
        ({"min_delta": 0.0}, "min_delta=0.0001, this one has min_delta=0"),
        ({"clip": 2.0}, r"clip=1\.0, this one has clip=2\.0"),
        ({"record": True}, "record=False, this one has record=True"),
        ({"backend": "native"}, "backend='eager', this one has backend='native'"),
        ({"epochs": 3}, "finished 4 epochs, this one has epochs=3; ask for as many or more"),
        ({"schedule": None}, "another schedule of the learning rate"),
        ({"schedule": nn.exponential_decay(0.9)}, "another schedule of the learning rate"),
        ({"model": MLP(2, [4, 1], "tanh", "sigmoid", rng=1)}, r"has \(3, 2\) as tensor '0.weight'"),
        ({"model": MLP(2, [3, 1], "relu", "sigmoid", rng=1)}, "of a training of another model"),
        ({"model": Dropout()}, "as tensor 'body.layers.0"),
        ({"model": frozen(0)}, r"frozen=None, this one has frozen=\['0.weight', '0.bias'\]; re"),
        ({"optimizer": lambda ps: Adam([*ps][8:], lr=0.01)}, r"s frozen=\['0.weight', '0.bias'\]"),
    ],
)  # fmt: skip
def test_another_training_is_an_error_and_nothing_moves(how, message, tmp_path):
    run(tmp_path / "a", 4, backend="eager")
    before = (tmp_path / "a").read_bytes()
    model = how.get("model") or MLP(2, [3, 1], activation="tanh", output="sigmoid", rng=9)
    start = numbers(model)
    with pytest.raises(CheckpointError, match=message):
        run(tmp_path / "a", **{"backend": "eager", **how, "model": model})
    assert numbers(model) == start
    assert (tmp_path / "a").read_bytes() == before


def test_what_was_frozen_stays_so_or_is_named(tmp_path):
    run(tmp_path / "a", 4, model=frozen(0))
    with pytest.raises(
        CheckpointError, match=r"frozen=\['0.weight', '0.bias'\], this one has frozen=\['2.weight"
    ):
        run(tmp_path / "a", 8, model=frozen(1))
    whole = run(tmp_path / "b", 8, model=frozen(0))
    assert run(tmp_path / "a", 8, model=frozen(0))[0] == whole[0]


def test_other_data_are_an_error(tmp_path):
    run(tmp_path / "a", 2)
    model = MLP(2, [3, 1], activation="tanh", output="sigmoid", rng=3)
    how = {**HOW, "epochs": 4, "checkpoint": tmp_path / "a", "resume": True}
    moved = [[a, b + 1e-16] for a, b in XS]
    assert moved != XS
    for xs, ys in ((moved, YS), (XS[::-1], YS[::-1]), (XS[1:], YS[1:])):
        with pytest.raises(
            CheckpointError, match=r"of a training with rows='.*', this one has rows="
        ):
            fit(model, xs, ys, **how)
    fit(model, [tuple(x) for x in XS], [float(y) for y in YS], **how)  # the same, typed otherwise


def test_the_fingerprint_of_rows_of_any_kind():
    same = [[1, 2.0], (1.0, 2), np.array([1.0, 2.0]), [np.array(1.0), Value(2.0)], iter([1, 2])]
    assert len({fingerprint(rows) for rows in same}) == 1
    others = [[2, 1], [[1], 2], [1, [2]], ["1", "2"], [1], [1, 2, 0], {1: 2}, {1: 3}, [None, 2]]
    others += [[0.0], [-0.0], "ab", ["a", "b"], [], [[]]]
    assert len({fingerprint(rows) for rows in [*others, same[0]]}) == len(others) + 1


def test_a_model_without_a_training_is_an_error(tmp_path):
    nn.save(MLP(2, [3, 1], activation="tanh", output="sigmoid", rng=3), tmp_path / "a")
    with pytest.raises(CheckpointError, match="holds a model and no training; give load"):
        run(tmp_path / "a")


def test_a_full_disk_ends_the_training_with_the_best_and_the_old_file(tmp_path, monkeypatch):
    wanted, _, _ = run(epochs=3)
    run(tmp_path / "a", 3)
    before, real, calls = (tmp_path / "a").read_bytes(), os.fsync, []

    def fsync(descriptor):
        calls.append(descriptor)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fsync)
    model = MLP(2, [3, 1], activation="tanh", output="sigmoid", rng=3)
    with pytest.raises(
        OSError, match="No space left on device; the file that was there is unchanged"
    ):
        run(tmp_path / "a", model=model)
    assert (tmp_path / "a").read_bytes() == before
    assert numbers(model) != wanted  # the fourth epoch was better
    with pytest.raises(OSError, match="No space left on device; no file was made"):
        run(tmp_path / "b")
    assert len(calls) == 2  # each at once: the second before any epoch
    monkeypatch.setattr(os, "fsync", real)
    assert run(tmp_path / "a") == run()


# --- files that are wrong


def spoilt(rng, tensors, card):
    """The file with one thing of the training changed; None where that leaves it good."""
    tensors, about = dict(tensors), json.loads(json.dumps(card["training"]))
    names = [name for name in tensors if name.startswith("training.")]
    name = rng.choice(names)
    tensor = tensors[name]
    kind = rng.randrange(5)
    values = tensor.copy()
    if kind == 0:
        del tensors[name]
    elif kind == 1:
        tensors[name] = np.append(values, 0.0)
    elif kind == 2 and len(values) and name not in ("training.parameters", "training.kept"):
        wrong = rng.choice([-1.0, 0.5, 1e300, float("nan"), 99.0])
        values.flat[rng.randrange(values.size)] = wrong
        tensors[name] = values
    else:
        tree = about
        while True:
            key = rng.choice(list(tree) if isinstance(tree, dict) else range(len(tree)))
            if not isinstance(tree[key], dict | list) or not tree[key] or rng.random() < 0.3:
                break
            tree = tree[key]
        bad = [None, True, -1, 10**30, 1e308, float("nan"), "x", [], [[]], {}, {"a": 1}]
        tree[key] = rng.choice(bad)
    return pack(tensors, {**card, "training": about})


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_spoilt_training_is_refused_whole_or_taken_whole(backend, tmp_path):
    path, rng, refused = tmp_path / "a", random.Random(2), 0
    run(path, 2, backend=backend, record=True)
    tensors, card = unpack(path.read_bytes(), path)
    wrong = []
    for _ in range(400 if backend == "eager" else 60):
        path.write_bytes(spoilt(rng, tensors, card))
        model = MLP(2, [3, 1], activation="tanh", output="sigmoid", rng=1)
        optimizer = Adam(model.parameters(), lr=0.01)
        before = [struct.pack("<d", p.data) for p in model.parameters()]
        source = random.Random(5)
        how = {
            "epochs": 2,
            "optimizer": optimizer,
            "backend": backend,
            "record": True,
            "seed": source,
        }
        try:
            run(path, model=model, **how)  # which has nothing left to do
        except CheckpointError:
            refused += 1
            after = [struct.pack("<d", p.data) for p in model.parameters()]
            if (after, optimizer.steps, optimizer.memory) != (before, 0, [()] * len(before)):
                wrong.append(before)
    assert wrong == []
    assert refused > (200 if backend == "eager" else 30)
