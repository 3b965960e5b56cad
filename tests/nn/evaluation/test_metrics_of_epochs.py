"""Metrics of each epoch: equal on both backends, to NumPy's arithmetic and to the model's own."""

import random

import numpy as np
import pytest

import nn
from nn import MLP, Neuron, accuracy, confusion_matrix, fit, predict, r2_score

pytest.importorskip("llvmlite", reason="pip install gradwalk[fast]")

BACKENDS = ["eager", "native"]
_draw = random.Random(4).gauss
XS = [[_draw(0, 1), _draw(0, 1)] for _ in range(30)]
THREE = [int(a > 0.2) + int(b > 0) for a, b in XS]
LINE = [2 * a - b + 0.1 * a * b for a, b in XS]
QUIET = {"seed": 2, "progress": False, "epochs": 6}


def by_numpy(outputs, targets):
    outputs, targets = np.array(outputs, ndmin=2).T, np.array(targets, ndmin=2).T
    outputs, targets = outputs.reshape(len(outputs), -1), targets.reshape(len(targets), -1)
    missed = ((targets - outputs) ** 2).sum(axis=0)
    return (1 - missed / ((targets - targets.mean(axis=0)) ** 2).sum(axis=0)).mean()


# --- while training


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("outputs", [1, 2])
def test_r2_of_every_epoch(backend, outputs):
    ys = LINE if outputs == 1 else [[y, 1 - y * y] for y in LINE]
    model = MLP(2, [3, outputs], activation="tanh", rng=1)
    kept = {}
    how = {"loss": "mse", "metrics": ["r2"], "backend": backend, **QUIET}
    history = fit(model, XS[6:], ys[6:], validation=(XS[:6], ys[:6]), **how)
    for name, rows in (("r2", slice(6, None)), ("val_r2", slice(0, 6))):
        assert len(history.column(name)) == 6
        kept[name] = history.column(name)[history.best_epoch]
        wanted = by_numpy(np.array(predict(model, XS[rows])).T, np.array(ys[rows]).T)
        assert kept[name] == pytest.approx(wanted, rel=1e-12)
        assert kept[name] == pytest.approx(r2_score(model, XS[rows], ys[rows]), rel=1e-12)
    assert f"r2 {kept['r2']:.3g} (val {kept['val_r2']:.3g})" in repr(history)
    assert history.confusion is None


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("validation", [None, (XS[:8], THREE[:8])])
def test_the_confusion_matrix_is_of_the_parameters_that_were_kept(backend, validation):
    model = MLP(2, [3, 3], activation="tanh", rng=1)
    how = {"loss": "cross_entropy", "metrics": "confusion", "backend": backend, **QUIET}
    tuner = lambda ps: nn.SGD(ps, lr=12.0)  # noqa: E731  # so wild that the last is not the best
    history = fit(model, XS, THREE, validation=validation, optimizer=tuner, **how)
    assert history.best_epoch < 5
    rows = validation or (XS, THREE)
    assert history.confusion == confusion_matrix(model, *rows)
    share = sum(history.confusion[k][k] for k in range(3)) / len(rows[0])
    names = ("val_accuracy", "accuracy") if validation else ("accuracy",)
    assert share == history.column(names[0])[history.best_epoch]


@pytest.mark.parametrize("backend", BACKENDS)
def test_in_a_callback_the_confusion_matrix_is_of_the_epoch_that_is_over(backend):
    model, seen = MLP(2, [3, 3], activation="tanh", rng=1), []

    def look(history):
        assert history.confusion == confusion_matrix(model, XS, THREE)
        seen.append(history.confusion)

    how = {"loss": "cross_entropy", "metrics": "confusion", "backend": backend, **QUIET}
    tuner = lambda ps: nn.SGD(ps, lr=12.0)  # noqa: E731
    history = fit(model, XS, THREE, optimizer=tuner, callbacks=look, **how)
    assert history.confusion == seen[history.best_epoch]
    assert seen[-1] != seen[history.best_epoch]


@pytest.mark.parametrize(
    ("loss", "output", "ys"),
    [
        ("binary_cross_entropy", "sigmoid", [int(y > 0) for y in LINE]),
        ("binary_cross_entropy_with_logits", "linear", [int(y > 0) for y in LINE]),
        ("hinge", "linear", [1 if y > 0 else -1 for y in LINE]),
        ("mse", "sigmoid", [int(y > 0) for y in LINE]),
        ("mse", "linear", [1 if y > 0 else -1 for y in LINE]),
    ],
)
def test_both_backends_count_the_same(loss, output, ys):
    found = []
    for backend in BACKENDS:
        model = MLP(2, [3, 1], activation="tanh", output=output, rng=1)
        how = {"metrics": ["accuracy", "confusion"], "validation": 0.3, **QUIET}
        history = fit(model, XS, ys, loss=loss, backend=backend, **how)
        assert history.accuracy[history.best_epoch] > 0
        found.append((history.accuracy, history.val_accuracy, history.confusion))
    assert found[0] == found[1]
    assert sum(map(sum, found[0][2])) == 9
    assert len(found[0][0]) == 6


@pytest.mark.parametrize("backend", BACKENDS)
def test_functions_of_ones_own(backend):
    seen = []

    def largest_miss(outputs, targets):
        seen.append(targets)
        return max(abs(x - y) for x, y in zip(outputs, targets, strict=True))

    model = Neuron(2, "linear", rng=1)
    how = {"loss": "mse", "backend": backend, **QUIET}
    history = fit(model, XS, LINE, metrics=largest_miss, **how)
    wanted = max(abs(x - y) for x, y in zip(predict(model, XS), LINE, strict=True))
    found = history.column("largest_miss")
    assert found[history.best_epoch] == pytest.approx(wanted, rel=1e-12)
    assert len(found) == 6
    assert all(targets == LINE for targets in seen)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_training_that_goes_on_measures_the_same(backend, tmp_path):
    pytest.importorskip("safetensors", reason="pip install gradwalk[checkpoints]")

    def run(epochs, **how):
        model = MLP(2, [3, 3], activation="tanh", rng=1)
        how = {"metrics": ["confusion", entropy], "validation": 0.3, "backend": backend, **how}
        return fit(model, XS, THREE, loss="cross_entropy", **{**QUIET, "epochs": epochs}, **how)

    def entropy(outputs, targets):
        return sum(map(sum, outputs))

    file = {"checkpoint": tmp_path / "run", "resume": True}
    wanted = run(6)
    run(3, **file)
    assert run(6, **file) == wanted
    assert wanted.confusion is not None
    with pytest.raises(nn.CheckpointError, match=r"a training with metrics=.*entropy"):
        run(6, **{**file, "metrics": []})


def test_the_curves_of_other_metrics_are_drawn():
    pytest.importorskip("matplotlib", reason="pip install gradwalk[plot]")
    how = {"loss": "mse", "metrics": "r2", **QUIET}
    history = fit(Neuron(2, "linear", rng=1), XS, LINE, validation=0.3, **how)
    loss, score = history.plot().axes
    assert [axes.get_title("left") for axes in (loss, score)] == ["loss", "r2"]
    assert [list(line.get_ydata()) for line in score.lines[:2]] == [
        history.column("r2"),
        history.column("val_r2"),
    ]


def loss(outputs, targets):
    return 1.0


def words(outputs, targets):
    return "fine"


REFUSED = {
    "accuracies": ({"metrics": "accuracies"}, "unknown metric 'accuracies', did you mean 'accurac"),
    "a number": ({"metrics": [3]}, "unknown metric 3; known: accuracy, r2, confusion"),
    "taken": ({"metrics": loss}, "a metric is listed by the name of its function, and 'loss' is"),
    "no name": ({"metrics": lambda outputs, targets: 1.0}, "a metric is listed by the name of its"),
    "words": ({"metrics": words}, "the metric 'words' gave str; return one number, computed from"),
    "questions": (
        {"metrics": "confusion", "loss": "binary_cross_entropy_with_logits"},
        "a confusion matrix is of one question, got several yes-or-no outputs for each sample; ",
    ),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_a_reason(case, backend):
    how, text = REFUSED[case]
    model = MLP(2, [2], rng=3)
    before = [p.data for p in model.parameters()]
    ys = [[k % 2, 1] for k in THREE]
    with pytest.raises((ValueError, TypeError)) as caught:
        fit(model, XS, ys, **{"loss": "mse", "backend": backend, **QUIET, **how})
    assert str(caught.value).startswith(text)
    assert [p.data for p in model.parameters()] == before


# --- one rule

BOTH = [[int(a > 0), int(b > 0.5)] for a, b in XS]
QUESTIONS = {
    "logits": ("binary_cross_entropy_with_logits", "linear", BOTH),
    "probabilities": ("binary_cross_entropy", "sigmoid", BOTH),
    "hinge": ("hinge", "linear", [[2 * y - 1 for y in row] for row in BOTH]),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", QUESTIONS)
def test_several_questions_are_counted_as_scikit_learn_counts_them(case, backend):
    metrics = pytest.importorskip("sklearn.metrics", reason="pip install gradwalk[sklearn]")
    loss, output, ys = QUESTIONS[case]
    model = MLP(2, [4, 2], activation="tanh", output=output, rng=1)
    history = fit(model, XS, ys, loss=loss, backend=backend, **QUIET)
    found = np.array(predict(model, XS)) > (0.5 if output == "sigmoid" else 0.0)
    wanted = metrics.accuracy_score(np.array(BOTH), found.astype(int))
    assert 0 < wanted < 1
    assert history.accuracy[history.best_epoch] == accuracy(model, XS, ys) == wanted


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy_with_logits", "mse"])
def test_lists_with_one_yes_each_are_classes_for_every_loss(loss, backend):
    lists = [[float(y == k) for k in range(3)] for y in THREE]
    model = MLP(2, [4, 3], activation="tanh", rng=1)
    history = fit(model, XS, lists, loss=loss, metrics="accuracy", backend=backend, **QUIET)
    found = accuracy(model, XS, lists)
    assert history.accuracy[history.best_epoch] == found == accuracy(model, XS, THREE)
    matrix = confusion_matrix(model, XS, lists)
    assert sum(matrix[k][k] for k in range(3)) / 30 == found
    strict = np.array(predict(model, XS)) > 0.0
    assert accuracy(model, XS, lists, 0.0) == (strict == np.array(lists)).all(axis=1).mean()


def test_accuracy_is_what_is_on_the_diagonal():
    model = MLP(2, [4, 3], rng=1)
    matrix = confusion_matrix(model, XS, THREE)
    assert [sum(row) for row in matrix] == [THREE.count(k) for k in range(3)]
    assert sum(matrix[k][k] for k in range(3)) / len(XS) == accuracy(model, XS, THREE)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("metric", "loss", "outputs", "ys", "text"),
    [
        ("accuracy", "mse", 1, LINE, r"row 0: accuracy has targets 0 and 1, .* there is r2"),
        ("accuracy", "mse", 3, [[3, 1, 2]] * 30, r"row 0: accuracy has targets 0 and 1, "),
        ("confusion", "mse", 1, LINE, r"row 0: a confusion matrix has targets 0 and 1, "),
        ("confusion", "binary_cross_entropy", 1, [0.3] * 30, r"row 0: a confusion matrix has targ"),
        ("r2", "cross_entropy", 3, THREE, r"r2 is of numbers, got the classes of cross_entropy; "),
        ("r2", "hinge", 1, [1, -1] * 15, r"r2 is of numbers, got the classes of hinge_loss; for"),
    ],
)
def test_so_it_is_while_training(metric, loss, outputs, ys, text, backend):
    output = "sigmoid" if loss == "binary_cross_entropy" else "linear"
    model = MLP(2, [3, outputs], output=output, rng=1)
    before = [p.data for p in model.parameters()]
    with pytest.raises(ValueError, match=f"^{text}"):
        fit(model, XS, ys, loss=loss, metrics=metric, backend=backend, **QUIET)
    assert [p.data for p in model.parameters()] == before


@pytest.mark.parametrize("backend", ["eager", "native"])
def test_training_and_validation_are_counted_by_one_rule(backend: str) -> None:
    """Alone, targets that all sum to 1 would ask for the largest output."""
    draw = random.Random(1).gauss
    xs = [[draw(0, 1) for _ in range(3)] for _ in range(60)]
    ys, held_out = [[1, 0], [0, 1], [1, 1]] * 20, [[1, 0], [0, 1], [1, 0]] * 20
    model = nn.MLP(3, [4, 2], rng=1)
    how = {"epochs": 1, "seed": 1, "progress": False, "backend": backend}
    loss = "binary_cross_entropy_with_logits"
    history = nn.fit(model, xs, ys, loss=loss, validation=(xs, held_out), **how)
    found = nn.predict(model, xs)
    for name, targets in (("accuracy", ys), ("val_accuracy", held_out)):
        right = [
            all((x > 0) == (y > 0.5) for x, y in zip(*pair, strict=True))
            for pair in zip(found, targets, strict=True)
        ]
        assert history.log[-1][name] == sum(right) / len(right)
