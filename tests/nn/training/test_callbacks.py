"""Callbacks of fit: when they are called, what they see, and how they end a training."""

import random

import numpy as np
import pytest

import nn
from nn import MLP, SGD, fit, mse_loss, predict

pytest.importorskip("llvmlite", reason="pip install gradwalk[fast]")

BACKENDS = ["eager", "native"]
_draw = random.Random(4).gauss
XS = [[_draw(0, 1), _draw(0, 1)] for _ in range(20)]
YS = [2 * a - b for a, b in XS]


def numbers(model):
    return [p.data for p in model.parameters()]


def run(model, backend="auto", **how):
    how = {"loss": "mse", "seed": 2, "progress": False, "epochs": 6, "batch_size": 6, **how}
    return fit(model, XS, YS, backend=backend, **how)


def net():
    return MLP(2, [3, 1], activation="tanh", rng=1)


@pytest.mark.parametrize("backend", BACKENDS)
def test_each_is_called_once_an_epoch_with_the_numbers_of_that_epoch(backend):
    model, seen = net(), []

    def look(history):
        assert history.backend == backend
        assert mse_loss(predict(model, XS), YS).data == pytest.approx(history.loss[-1], rel=1e-12)
        assert history.best_epoch == history.loss.index(min(history.loss))
        seen.append(("a", history.epochs, numbers(model)))

    history = run(model, backend, callbacks=[look, lambda h: seen.append(("b", h.epochs))])
    assert [one[:2] for one in seen] == [(who, n) for n in range(1, 7) for who in "ab"]
    assert seen[2 * history.best_epoch][2] == numbers(model)
    assert len({tuple(one[2]) for one in seen[::2]}) == 6
    assert history.stopped == "epochs"


@pytest.mark.parametrize("backend", BACKENDS)
def test_to_look_on_changes_nothing(backend):
    watched, alone = net(), net()
    found = run(watched, backend, callbacks=lambda h: predict(watched, XS))
    assert found == run(alone, backend)
    assert numbers(watched) == numbers(alone)


@pytest.mark.parametrize("backend", BACKENDS)
def test_true_stops_after_all_were_called(backend):
    after = []
    stop, other = lambda h: h.epochs == 3, lambda h: after.append(h.epochs)
    history = run(net(), backend, callbacks=[stop, other])
    assert (history.epochs, history.stopped, after) == (3, "callback", [1, 2, 3])
    assert repr(history).startswith("History(3 epochs, stopped by callback, kept epoch ")
    assert history.loss == run(net(), backend, epochs=3).loss


def test_only_true_stops():
    assert run(net(), callbacks=lambda h: [h.epochs]).epochs == 6
    assert run(net(), callbacks=lambda h: 1).epochs == 6
    assert run(net(), callbacks=lambda h: np.ones(3) > 0).epochs == 6


def test_true_of_numpy_is_true():
    history = run(net(), callbacks=lambda h: np.mean(h.loss[-1:]) >= h.loss[-1])
    assert (history.epochs, history.stopped) == (1, "callback")
    assert run(net(), callbacks=lambda h: np.float64(1.0) > 2).epochs == 6


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_what_one_raises_gives_the_best_back(backend, error):
    model, seen, made = net(), [], []

    def make(parameters):
        made.append(SGD(parameters, lr=0.9))  # so wild that the last is not the best
        return made[0]

    def fail(history):
        seen.append((history.loss[-1], numbers(model)))
        if history.epochs == 5:
            raise error("enough")

    how = {"callbacks": fail, "optimizer": make, "clip": 1.0, "schedule": nn.step_decay(2, 0.5)}
    if error is KeyboardInterrupt:
        history = run(model, backend, **how)
        assert (history.stopped, history.epochs) == ("interrupt", 5)
    else:
        with pytest.raises(RuntimeError, match="enough"):
            run(model, backend, **how)
    best = min(seen)
    assert numbers(model) == best[1] != seen[-1][1]
    assert made[0].lr == 0.9
    assert model.training


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_was_called_off_can_go_on(backend, tmp_path):
    pytest.importorskip("safetensors", reason="pip install gradwalk[checkpoints]")
    file = {"checkpoint": tmp_path / "run", "resume": True}
    assert run(net(), backend, callbacks=lambda h: h.epochs == 2, **file).epochs == 2
    model, whole = net(), net()
    assert run(model, backend, **file) == run(whole, backend)
    assert numbers(model) == numbers(whole)


@pytest.mark.parametrize("callbacks", [3, ["print"], "print"])
def test_what_cannot_be_called_is_refused(callbacks):
    model = net()
    before = numbers(model)
    with pytest.raises(TypeError, match=r"callbacks are functions of the History, got .*; give"):
        run(model, callbacks=callbacks)
    assert numbers(model) == before


@pytest.mark.parametrize("backend", BACKENDS)
def test_layers_are_frozen_between_fits_and_not_by_a_callback(backend):
    model = net()

    def freeze(history):
        model.layers[0].requires_grad_(False)
        return history.epochs == 2

    with pytest.raises(ValueError, match=r"called requires_grad_, .* call fit again"):
        run(model, backend, callbacks=freeze)
    model.requires_grad_(True)

    def freeze_and_end(history):
        model.layers[0].requires_grad_(False)
        return True

    run(model, backend, callbacks=freeze_and_end)
    first = numbers(model.layers[0])
    run(model, backend)
    assert numbers(model.layers[0]) == first
