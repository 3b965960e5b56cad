"""Class weights: PyTorch's formula, on both backends, for batches and for what is measured."""

import math
import random

import numpy as np
import pytest

import nn
from engine import Value
from nn import MLP, SGD, Neuron, fit, predict
from nn.evaluation.samples import Rows

pytest.importorskip("llvmlite", reason="pip install gradwalk[fast]")

BACKENDS = ["eager", "native"]
_draw = random.Random(4).gauss
XS = [[_draw(0, 1), _draw(0, 1)] for _ in range(30)]
THREE = [int(a > 0.2) + int(b > 0) for a, b in XS]
RARE = [int(a + b > 1.0) for a, b in XS]
QUIET = {"seed": 2, "progress": False, "epochs": 6}


def numbers(model):
    return [p.data for p in model.parameters()]


def surprises(logits, ys):
    """The cross entropy of each row, by NumPy."""
    logits = np.array(logits)
    return np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(ys)), ys]


LOGITS = [[0.0, 0.0], [math.log(3), 0.0], [0.0, math.log(7)]]


def weighted_loss():
    rows = Rows(LOGITS, [0, 1, 1], range(3), weights=[1.0, 4.0, 4.0])
    return rows.loss(nn.cross_entropy, [[*map(Value, x)] for x in LOGITS])


def test_the_weighted_mean_on_paper():
    by_hand = (math.log(2) + 4 * math.log(4) + 4 * math.log(8 / 7)) / 9
    assert weighted_loss().data == pytest.approx(by_hand, rel=1e-15)


def test_it_is_that_of_pytorch():
    torch = pytest.importorskip("torch", reason="pip install gradwalk[interop]")
    logits, weights = (torch.tensor(x, dtype=torch.float64) for x in (LOGITS, [1, 4]))
    theirs = torch.nn.functional.cross_entropy(logits, torch.tensor([0, 1, 1]), weight=weights)
    assert weighted_loss().data == pytest.approx(theirs.item(), rel=1e-14)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("batch_size", [None, 1])
def test_one_step_by_hand(backend, batch_size):
    """Of one weight and bias, logits 0: the gradient of a row is w (1/2 - y) x."""
    model = Neuron(1, "linear", rng=1)
    for p in model.parameters():
        p.data = 0.0
    xs, ys = [[1.0], [2.0], [4.0]], [0, 0, 1]
    rows = range(3) if batch_size is None else [0]
    fit(
        model,
        [xs[i] for i in rows],
        [ys[i] for i in rows],
        loss="binary_cross_entropy_with_logits",
        optimizer=lambda ps: SGD(ps, lr=1.0),
        class_weights={0: 0.5, 1: 3.0},
        backend=backend,
        batch_size=batch_size,
        epochs=1,
        progress=False,
    )
    if batch_size is None:
        wanted = [-(0.5 * 0.5 * 3 - 0.5 * 3 * 4) / 4.0, -(0.5 * 0.5 * 2 - 0.5 * 3) / 4.0]
    else:  # the weight of a single row cancels
        wanted = [-0.5, -0.5]
    assert numbers(model) == pytest.approx(wanted, rel=1e-14)


CASES = {
    "three": ("cross_entropy", THREE, 3, [1.0, 2.0, 0.5]),
    "logits": ("binary_cross_entropy_with_logits", RARE, 1, {0: 1.0, 1: 6.0}),
    "floats": ("binary_cross_entropy_with_logits", np.array(RARE, dtype=float), 1, [1, 6]),
    "probabilities": ("binary_cross_entropy", RARE, 1, "balanced"),
    "hinge": ("hinge", [2 * y - 1 for y in RARE], 1, {-1: 1.0, 1: 6.0}),
}


@pytest.mark.parametrize("case", CASES)
def test_both_backends_learn_the_same(case):
    loss, ys, outputs, weights = CASES[case]
    found = []
    for backend in BACKENDS:
        output = "sigmoid" if loss == "binary_cross_entropy" else "linear"
        model = MLP(2, [3, outputs], activation="tanh", output=output, rng=1)
        how = {"class_weights": weights, "validation": 0.3, "batch_size": 5, "clip": 1.0, **QUIET}
        history = fit(model, XS, ys, loss=loss, backend=backend, **how)
        assert history.backend == backend
        found.append((numbers(model), history))
    (eager, one), (native, other) = found
    assert eager == pytest.approx(native, rel=1e-12, abs=1e-12)
    for name in ("loss", "val_loss"):
        assert one.column(name) == pytest.approx(other.column(name), rel=1e-12)
    assert (one.accuracy, one.val_accuracy) == (other.accuracy, other.val_accuracy)
    plain = MLP(2, [3, outputs], activation="tanh", output=output, rng=1)
    fit(plain, XS, ys, loss=loss, **{**how, "class_weights": None})
    assert numbers(plain) != pytest.approx(eager, rel=1e-3)


@pytest.mark.parametrize("backend", BACKENDS)
def test_losses_of_the_history_are_weighted_and_accuracies_are_not(backend):
    model, weights = MLP(2, [3, 3], activation="tanh", rng=1), np.array([1.0, 2.0, 0.5])
    how = {"class_weights": weights, "loss": "cross_entropy", "backend": backend, **QUIET}
    history = fit(model, XS[9:], THREE[9:], validation=(XS[:9], THREE[:9]), **how)
    for name, rows in (("", slice(9, None)), ("val_", slice(0, 9))):
        ys = THREE[rows]
        w = weights[ys]
        wanted = (w * surprises(predict(model, XS[rows]), ys)).sum() / w.sum()
        kept = history.log[history.best_epoch]
        assert kept[f"{name}loss"] == pytest.approx(wanted, rel=1e-12)
        assert kept[f"{name}accuracy"] == nn.accuracy(model, XS[rows], ys)


@pytest.mark.parametrize("backend", BACKENDS)
def test_equal_weights_change_nothing_and_balanced_is_n_by_k_times_count(backend):
    def run(weights):
        model = MLP(2, [3, 3], activation="tanh", rng=1)
        how = {"class_weights": weights, "batch_size": 7, "backend": backend, **QUIET}
        fit(model, XS, THREE, loss="cross_entropy", **how)
        return numbers(model)

    assert run([3, 3, 3]) == pytest.approx(run(None), rel=1e-12)
    balanced = {k: 30 / (3 * THREE.count(k)) for k in range(3)}
    assert run("balanced") == run(balanced) == run([balanced[k] for k in range(3)])
    assert run("balanced") != pytest.approx(run(None), rel=1e-3)


@pytest.mark.parametrize(("loss", "no"), [("hinge", -1), ("binary_cross_entropy_with_logits", 0)])
def test_a_list_of_two_is_no_then_yes(loss, no):
    def run(weights):
        model = Neuron(2, "linear", rng=1)
        ys = [1 if y else no for y in RARE]
        return fit(model, XS, ys, loss=loss, class_weights=weights, **QUIET).loss

    assert run([1, 6]) == run({1: 6, no: 1}) != run([6, 1])


def test_a_rare_class_is_found_more_often():
    ys = [int(a + b + _draw(0, 1) > 1.5) for a, b in XS * 4]
    found = []
    for weights in (None, "balanced"):
        model = Neuron(2, "linear", rng=1)
        how = {"loss": "binary_cross_entropy_with_logits", "class_weights": weights}
        fit(model, XS * 4, ys, **{**QUIET, "epochs": 60}, **how)
        found.append(nn.confusion_matrix(model, XS * 4, ys)[1])
    (missed, hit), (missed_balanced, hit_balanced) = found
    assert hit_balanced > hit
    assert missed_balanced < missed


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_training_with_weights_goes_on(backend, tmp_path):
    pytest.importorskip("safetensors", reason="pip install gradwalk[checkpoints]")

    def run(epochs, **how):
        model = MLP(2, [3, 3], activation="tanh", rng=1)
        how = {"class_weights": "balanced", "validation": 0.3, "backend": backend, **how}
        history = fit(model, XS, THREE, loss="cross_entropy", **{**QUIET, "epochs": epochs}, **how)
        return numbers(model), history

    file = {"checkpoint": tmp_path / "run", "resume": True}
    run(3, **file)
    assert run(6, **file) == run(6)
    with pytest.raises(nn.CheckpointError, match="is of a training with class_weights="):
        run(6, **file, class_weights=[1, 1, 1])


REFUSED = {
    "loss": ({"loss": "mse"}, "class_weights are for losses of classification by name"),
    "own loss": ({"loss": lambda xs, ys: xs[0][0]}, "class_weights are for losses of classific"),
    "name": ({"class_weights": "even"}, "class_weights by name is \"balanced\", got 'even'; or"),
    "number": ({"class_weights": 3}, "class_weights is a mapping from class to weight, a list"),
    "zero": ({"class_weights": [1, 0, 1]}, "class_weights takes finite numbers > 0, got 0 for cl"),
    "word": ({"class_weights": [1, "a", 1]}, "class_weights takes finite numbers > 0, got 'a' for"),
    "too few": (
        {"class_weights": [1, 2]},
        "class_weights has no weight for the target 2, only for 0, 1; give one for every class",
    ),
    "validation": (
        {"class_weights": "balanced", "validation": ([[1, 2]], [3])},
        "class_weights has no weight for the target 3, only for 0, 1, 2; give one for every",
    ),
    "shares": (
        {"ys": [[0.5, 0.5, 0.0]] * 30},
        "class_weights needs targets that are numbers of classes, got [0.5, 0.5, 0.0]; write",
    ),
    "three of two": (
        {"loss": "hinge"},
        "class_weights of two classes is a list of 2 weights, got 3; give that of the class no",
    ),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_a_reason(case, backend):
    how, text = REFUSED[case]
    model = MLP(2, [3], rng=3)
    before = numbers(model)
    call = {"ys": THREE, "loss": "cross_entropy", "class_weights": [1, 2, 3], **QUIET, **how}
    with pytest.raises((ValueError, TypeError)) as caught:
        fit(model, XS, backend=backend, **call)
    assert str(caught.value).startswith(text)
    assert numbers(model) == before
