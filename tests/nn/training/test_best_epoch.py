"""Which epoch of a training is kept, when it stops, and the rows that are held out for that."""

import math
import random

import pytest

import nn
from nn import MLP, Adam, fit
from nn.evaluation.samples import pair_up
from nn.training.data import Data
from tests.nn.training.setup import BACKENDS, XS, YS, net, numbers, own, run

pytest.importorskip("llvmlite", reason="pip install gradwalk[fast]")
pytest.importorskip("safetensors", reason="pip install gradwalk[checkpoints]")


# --- which epoch is the best


def spread(outputs, targets):
    """A metric of one's own."""
    return max(outputs) - min(outputs)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("monitor", "mode", "best"),
    [
        ("val_accuracy", None, max),
        ("accuracy", None, max),
        ("r2", None, max),
        ("val_r2", "max", max),
        ("loss", None, min),
        ("val_loss", None, min),
        ("val_spread", "max", max),
        ("spread", "min", min),
        ("objective", None, min),
    ],
)
def test_the_first_best_epoch_by_what_is_monitored_is_kept(backend, monitor, mode, best):
    model, after = net(), []
    how = {"metrics": ["r2", spread], "validation": (XS[:8], YS[:8]), "lr": 0.3, "patience": None}
    how |= {"callbacks": lambda h: after.append(numbers(model)), "backend": backend, "epochs": 12}
    found, history = run(model, monitor=monitor, mode=mode, **how)
    column = history.column(monitor)
    assert history.watched == column
    assert history.best_epoch == column.index(best(column))
    assert history.best_loss == history.val_loss[history.best_epoch]
    assert found == after[history.best_epoch]
    assert len(set(column)) > 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_objective_is_the_loss_with_what_weight_decay_adds(backend):
    decayed = {"make": lambda model: Adam(model.parameters(), weight_decay=0.1)}
    found, history = run(monitor="objective", epochs=1, backend=backend, **decayed)
    added = 0.05 * sum(x * x for x in found)
    assert history.watched == [pytest.approx(history.loss[0] + added)]


def test_patience_counts_by_what_is_monitored():
    shares = iter([0.3, 0.5, 0.5, 0.4, 0.6, 0.6, 0.6, 0.6, 0.9])

    def share(outputs, targets):
        return next(shares)

    _, history = run(metrics=share, monitor="share", mode="max", patience=3, epochs=20)
    assert (history.epochs, history.best_epoch, history.stopped) == (8, 4, "patience")


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"monitor": "val_acuracy"}, "unknown monitor 'val_acuracy', did you mean 'accuracy'"),
        ({"monitor": "val_loss"}, "unknown monitor 'val_loss', did you mean 'loss'"),
        ({"monitor": 3}, "unknown monitor 3; known: loss, accuracy"),
        (
            {"monitor": "spread", "metrics": spread},
            "unknown mode for the monitor 'spread', None; known: min, max",
        ),
        ({"mode": "lower"}, "unknown mode for the monitor 'loss', 'lower'; known: min, max"),
    ],
)
def test_what_cannot_be_monitored_is_refused(how, message):
    with pytest.raises(ValueError, match=message):
        run(**how)


# --- by how much a loss has to fall


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize(("loss", "backend"), [("mse", "eager"), ("mse", "native"), (own, "eager")])
def test_small_targets_are_learnt_as_if_there_were_no_patience(loss, backend, outputs):
    xs = [[x / 20] for x in range(-20, 21)]
    ys = [0.01 * x - 0.0015 for (x,) in xs]
    ys = ys if outputs == 1 else [[y, -y] for y in ys]
    model, patient = [MLP(1, [8, outputs], activation="tanh", rng=1) for _ in range(2)]
    how = {"loss": loss, "lr": 0.01, "epochs": 400, "progress": False, "backend": backend}
    history = fit(model, xs, ys, seed=1, **how)
    assert history.stopped == "epochs"
    assert fit(patient, xs, ys, seed=1, patience=None, **how).loss == history.loss
    assert nn.r2_score(model, xs, ys) > 0.8


@pytest.mark.parametrize("scale", [0.01, 0.3])
def test_min_delta_is_a_share_of_a_variance_below_one(scale):
    ys = [scale * a for a, _ in XS]
    variance = math.fsum(y * y for y in ys) / 24 - (math.fsum(ys) / 24) ** 2
    how = {"loss": "mse", "optimizer": "sgd", "lr": 1e-3, "epochs": 30}
    falls = run(net(), XS, ys, **how, patience=None)[1].loss
    share = (falls[0] - falls[1]) / variance
    assert run(net(), XS, ys, **how, patience=1, min_delta=share * 1.001)[1].epochs == 2
    assert run(net(), XS, ys, **how, patience=1, min_delta=share * 0.999)[1].epochs > 2


def test_min_delta_stays_for_large_targets_and_for_classes():
    how = {"optimizer": "sgd", "lr": 1e-3, "epochs": 30, "batch_size": None}
    for ys, loss in (([9.0 * a for a, _ in XS], "mse"), (YS, "binary_cross_entropy")):
        falls = run(net(), XS, ys, **how, loss=loss, patience=None)[1].loss
        change = falls[0] - falls[1]
        for share, wanted in ((1.001, {2}), (0.999, range(3, 31))):
            how_long = run(net(), XS, ys, **how, loss=loss, patience=1, min_delta=share * change)
            assert how_long[1].epochs in wanted


# --- rows held out


@pytest.mark.parametrize("share", [0.1, 0.2, 0.25, 0.5, 0.8])
@pytest.mark.parametrize("seed", range(5))
def test_every_class_is_held_out_by_its_share(share, seed):
    rng = random.Random(seed)
    ys = [0] * 100 + [1] * 20 + [2] * 10 + [3]
    rng.shuffle(ys)
    data = Data(pair_up("test", range(131), ys), share)
    data.split(rng, stratified=True)
    assert len(data.validation) == round(131 * share)
    for kind in range(4):
        count = ys.count(kind)
        assert abs(data.validation.ys.count(kind) - share * count) <= 1
        assert data.rows.ys.count(kind) >= (share < 0.5)


def test_classification_is_stratified_and_regression_is_not():
    counts = {}
    for loss in ("binary_cross_entropy", "mse"):
        for seed in range(20):
            seen = []

            def look(outputs, targets, seen=seen):
                seen.append(sum(targets))
                return 0.0

            run(loss=loss, metrics=look, validation=0.5, epochs=1, seed=seed)
            counts.setdefault(loss, set()).add(seen[-1])
    assert counts["binary_cross_entropy"] <= {sum(YS) // 2, (sum(YS) + 1) // 2}
    assert len(counts["mse"]) > 2


@pytest.mark.parametrize("backend", BACKENDS)
def test_targets_whose_variance_is_no_float_are_trained_on(backend):
    ys = [1e200 * y for y in YS]
    _, history = run(ys=ys, loss="mae", backend=backend, epochs=2)
    assert all(math.isfinite(loss) for loss in history.loss)
