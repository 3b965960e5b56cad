"""Metrics by name: equal on both backends, to NumPy's arithmetic and to what is counted by hand."""

import math
import random
import re
import sys

import numpy as np
import pandas as pd
import pytest

import nn
from engine import NumericError, Value, numeric_mode
from nn import MLP, Module, Neuron, accuracy, confusion_matrix, fit, predict, r2_score
from nn.evaluation import metrics, samples
from nn.evaluation.metrics import confusion, line_of, r2, right, share_right
from nn.evaluation.samples import Rows

pytest.importorskip("llvmlite", reason="pip install gradwalk[fast]")

BACKENDS = ["eager", "native"]
_draw = random.Random(4).gauss
XS = [[_draw(0, 1), _draw(0, 1)] for _ in range(30)]
THREE = [int(a > 0.2) + int(b > 0) for a, b in XS]
LINE = [2 * a - b + 0.1 * a * b for a, b in XS]
QUIET = {"seed": 2, "progress": False, "epochs": 6}


class Answers(Module):
    """Answers by the book, whatever it is asked."""

    def __init__(self, answers, output="linear"):
        self.p, self.answers, self.output = Value(0.0), answers, output

    def __call__(self, x):
        found = self.answers[x]
        return [y + self.p for y in found] if isinstance(found, list) else found + self.p


def rows(targets):
    return Rows(targets=targets, numbers=range(len(targets)))


def by_numpy(outputs, targets):
    outputs, targets = np.array(outputs, ndmin=2).T, np.array(targets, ndmin=2).T
    outputs, targets = outputs.reshape(len(outputs), -1), targets.reshape(len(targets), -1)
    missed = ((targets - outputs) ** 2).sum(axis=0)
    return (1 - missed / ((targets - targets.mean(axis=0)) ** 2).sum(axis=0)).mean()


# --- of a model


def test_the_confusion_matrix_counts_right_classes_in_rows_and_answers_in_columns():
    model = Answers([[3, 1, 0], [0, 2, 1], [0, 2, 1], [0, 0, 1]])
    assert confusion_matrix(model, range(4), [0, 0, 1, 2]) == [[1, 1, 0], [0, 1, 0], [0, 0, 1]]
    assert confusion_matrix(model, range(1), [[0, 1, 0]]) == [[0, 0, 0], [1, 0, 0], [0, 0, 0]]
    yes = [0.2, 0.7, -1.0, 0.6]
    assert confusion_matrix(Answers(yes), range(4), [0, 1, 1, 0]) == [[0, 2], [1, 1]]
    assert confusion_matrix(Answers(yes), range(4), [-1, 1, 1, -1]) == [[0, 2], [1, 1]]
    assert confusion_matrix(Answers(yes, "sigmoid"), range(4), [0, 1, 1, 0]) == [[1, 1], [1, 1]]
    assert confusion_matrix(Answers(yes), range(4), [0, 1, 1, 0], 0.65) == [[2, 0], [1, 1]]


def test_accuracy_is_what_is_on_the_diagonal():
    model = MLP(2, [4, 3], rng=1)
    matrix = confusion_matrix(model, XS, THREE)
    assert [sum(row) for row in matrix] == [THREE.count(k) for k in range(3)]
    assert sum(matrix[k][k] for k in range(3)) / len(XS) == accuracy(model, XS, THREE)


def test_r2():
    model = Answers([1.0, 2.0, 3.0, 5.0])
    assert r2_score(model, range(4), [1, 2, 3, 5]) == 1.0
    assert r2_score(model, range(4), [1, 2, 4, 4]) == pytest.approx(1 - 2 / 6.75, rel=1e-15)
    assert r2_score(Answers([2.5, 2.5]), range(2), [2, 3]) == 0.0
    assert r2_score(Answers([9.0, 0.0]), range(2), [2, 3]) < -10
    assert r2_score(Answers([2.0, 2.0]), range(2), [2, 2]) == 1.0
    assert r2_score(Answers([2.0, 2.1]), range(2), [2, 2]) == 0.0
    pairs = Answers([[1.0, 0.0], [2.0, 1.0], [4.0, 1.0]])
    wanted = (1 + (1 - 1 / 2)) / 2
    assert r2_score(pairs, range(3), [[1, 0], [2, 1], [4, 2]]) == pytest.approx(wanted, rel=1e-15)


def test_what_has_no_such_number_is_refused():
    with pytest.raises(ValueError, match=r'r2 compares every output .*"accuracy" and'):
        r2([[1.0, 2.0]], rows([1]))
    with pytest.raises(ValueError, match="r2 compares every output"):
        r2([[1.0, 2.0]], rows([[1, 2, 3]]))
    with pytest.raises(ValueError, match=r"has classes from 0 to 1, got 2; classes are counted"):
        confusion([[1.0, 2.0]], rows([2]), 0.0)
    with pytest.raises(ValueError, match="is of one question, got several yes-or-no outputs"):
        confusion([[1.0, 2.0]], rows([[1, 1]]), 0.5)
    with pytest.raises(ValueError, match="r2_score got no samples"):
        r2_score(Answers([]), [], [])
    with pytest.raises(ValueError, match="confusion_matrix got 1 samples and 2 targets"):
        confusion_matrix(Answers([1.0]), [0], [1, 0])


@pytest.mark.parametrize("measure", [accuracy, confusion_matrix])
@pytest.mark.parametrize(("output", "word"), [([1.0, 2.0], "setosa"), (1.0, "1"), (-1.0, "no")])
def test_words_are_no_classes(measure, output, word):
    with pytest.raises(ValueError, match=f"numbers of classes, got '{word}'; write each as its cl"):
        measure(Answers([output]), [0], [word])


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


@pytest.mark.parametrize("threshold", [None, 0.0, 0.5])
@pytest.mark.parametrize(("outputs", "width"), [(1, 1), (3, 1), (3, 3)])
def test_arrays_are_judged_as_lists_are(outputs, width, threshold):
    rng = np.random.default_rng(1)
    found = rng.normal(size=(200, outputs))
    targets = rng.integers(0, 2, size=(200, width)).astype(float)
    wanted = rows(targets.tolist() if width > 1 else targets[:, 0].tolist())
    line = line_of("accuracy", outputs, wanted, 0.2, threshold)
    share = right(found.T, targets.T, line).mean()
    assert 0 < share < 1
    for plain in (found.tolist(), *([found[:, 0].tolist()] if outputs == 1 else [])):
        assert share == pytest.approx(share_right(plain, wanted, 0.2, threshold), abs=1e-15)


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


def test_a_list_of_one_output_says_yes_or_no():
    model = Answers([[0.7], [-0.2], [0.4]])
    for targets in ([1, 0, 0], [[1], [0], [0]]):
        assert accuracy(model, range(3), targets) == 2 / 3
        assert confusion_matrix(model, range(3), targets) == [[1, 1], [0, 1]]


def test_shares_are_rounded():
    model = Answers([1.0, -1.0, -1.0])
    assert accuracy(model, range(3), [0.9, 0.3, 0.7]) == 2 / 3


ONE, SEVERAL = Answers([1.0] * 3), Answers([[1.0, 2.0, 0.0]] * 3)
NO_CLASS = "has targets 0 and 1, or -1 and +1, got {}; for numbers that are no classes there is r2"
CLASS = "of 3 outputs has classes from 0 to 2, got {}; classes are counted from 0"
LENGTH = "takes a target for each output, {} in all, got {}; give one for each"
NUMBER = "compares every output with its target, a number, got {} and {}; for classes there are "
SENSELESS = [
    (accuracy, ONE, [0, 3.7, 1], 1, NO_CLASS.format("3.7")),
    (accuracy, ONE, [0, 1, 2], 2, NO_CLASS.format("2")),
    (accuracy, ONE, [1, -1, 0], 2, NO_CLASS.format("0")),
    (accuracy, ONE, [1, math.nan, 0], 1, NO_CLASS.format("nan")),
    (accuracy, ONE, [[1, 0]] * 3, 0, LENGTH.format(1, "[1, 0]")),
    (accuracy, SEVERAL, [0, 1, 3], 2, CLASS.format("3")),
    (accuracy, SEVERAL, [0, -1, 2], 1, CLASS.format("-1")),
    (accuracy, SEVERAL, [0, 1.5, 2], 1, CLASS.format("1.5")),
    (accuracy, SEVERAL, [[0, 1]] * 3, 0, LENGTH.format(3, "[0, 1]")),
    (accuracy, SEVERAL, [[0, 1, 0], [0, 5, 1], [0, 0, 0]], 1, NO_CLASS.format("[0, 5, 1]")),
    (confusion_matrix, ONE, [0, 0.3, 1], 1, NO_CLASS.format("0.3")),
    (confusion_matrix, SEVERAL, [0, 1, 3], 2, CLASS.format("3")),
    (r2_score, SEVERAL, [0, 1, 2], 0, NUMBER.format("[1.0, 2.0, 0.0]", "0")),
    (r2_score, ONE, [0, 1, "a"], 2, NUMBER.format("1.0", "'a'")),
    (r2_score, ONE, [0, math.nan, 1], 1, NUMBER.format("1.0", "nan")),
]


@pytest.mark.parametrize("case", range(len(SENSELESS)))
def test_a_number_that_would_mean_nothing_is_refused_with_the_row(case):
    measure, model, targets, row, text = SENSELESS[case]
    who = {accuracy: "accuracy", confusion_matrix: "a confusion matrix", r2_score: "r2"}[measure]
    with pytest.raises(ValueError, match=f"^{re.escape(f'row {row}: {who} {text}')}"):
        measure(model, range(3), targets)


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


@pytest.mark.parametrize("size", [1.0, 1e150, 1e200, 1e308])
def test_r2_of_large_numbers_is_that_of_small_ones(size: float) -> None:
    outputs, targets = [0.1, 0.2, 0.3], [0.1, 0.2, 0.4]
    rows = Rows(targets=[size * y for y in targets], numbers=range(3))
    wanted = r2(outputs, Rows(targets=targets, numbers=range(3)))
    assert r2([size * x for x in outputs], rows) == pytest.approx(wanted, rel=1e-12)
    assert r2([math.inf, *outputs[1:]], rows) == -math.inf


# --- many rows


def planted(targets, *faults):
    """Targets as they are, then with one of these in a row of its own."""
    for fault in (None, *faults):
        found = targets.copy()
        if fault is not None:
            found[7], found[11] = fault, fault
        yield found


_rng = np.random.default_rng(5)
FORMS = [  # outputs, targets
    *[(3, ys) for ys in planted(_rng.integers(0, 3, 20), 3, -1)],
    *[(3, ys) for ys in planted(_rng.integers(0, 3, 20).astype(float), 0.5, math.nan, math.inf)],
    *[(3, ys) for ys in planted(_rng.integers(0, 2, (20, 3)), 5, -1, 0)],
    *[(3, ys) for ys in planted(_rng.dirichlet([1, 1, 1], 20), math.nan, 1.5)],
    (3, _rng.integers(0, 2, (20, 3)).astype(bool)),
    (3, _rng.integers(0, 2, (20, 3)).astype("uint8")),
    *[(1, ys) for ys in planted(_rng.integers(0, 2, 20), -1, 2)],
    *[(1, ys) for ys in planted(2 * _rng.integers(0, 2, 20) - 1, 0, 3)],
    *[(1, ys) for ys in planted(_rng.random(20), math.nan, -0.5)],
    (1, _rng.integers(0, 2, 20).astype(bool)),
    *[(1, ys) for ys in planted(_rng.normal(size=20), math.nan)],
    *[(3, ys) for ys in planted(_rng.normal(size=(20, 3)), math.nan)],
    (3, _rng.normal(size=(20, 2))),
]


@pytest.mark.parametrize("case", range(len(FORMS)))
@pytest.mark.parametrize("threshold", [None, 0.3])
def test_an_array_counts_as_its_rows_do_one_by_one(case, threshold, monkeypatch):
    """The same numbers and the same errors, whoever holds the targets, with and without NumPy."""
    size, targets = FORMS[case]
    outputs = np.random.default_rng(case).normal(size=(20, size))
    outputs = outputs if size > 1 else outputs[:, 0]

    def found(xs, ys):
        for function in (share_right, confusion, lambda xs, rows, *_: r2(xs, rows)):
            try:
                yield function(xs, rows(ys), 0.0, threshold)
            except ValueError as error:
                yield re.sub(r"got .*;", "", str(error))  # arrays are written in other ways

    many = [[*found(outputs, targets)], [*found(outputs.tolist(), targets.tolist())]]
    monkeypatch.setattr(samples, "as_array", lambda column: column)
    share, matrix, score = found(outputs.tolist(), targets.tolist())
    if not isinstance(score, str):
        score = pytest.approx(score, rel=1e-12)
    assert many == [[share, matrix, score]] * 2


@pytest.mark.parametrize("measure", [accuracy, confusion_matrix, r2_score])
@pytest.mark.parametrize("form", ["numbers", "column", "lists"])
def test_python_has_nothing_to_do_for_each_row_of_arrays(measure, form):
    size = 3 if form == "lists" else 1
    model, rng = MLP(2, [4, size], rng=1), np.random.default_rng(1)
    calls = []
    for many in (500, 500, 1500):  # at first it is compiled
        xs = rng.normal(size=(many, 2))
        ys = (np.eye(size) if size > 1 else np.arange(2.0)[:, None])[
            rng.integers(0, max(size, 2), many)
        ]
        ys = ys[:, 0] if form == "numbers" else ys
        calls.append(0)

        def count(frame, event, arg):
            calls[-1] += event == "call"

        sys.setprofile(count)
        try:
            measure(model, xs, ys)
        finally:
            sys.setprofile(None)
    assert calls[1] == calls[2] < 1000


def test_lists_of_true_and_false_answer_each_question():
    model = Answers([[1.0, 2.0], [1.0, -1.0]])
    assert accuracy(model, range(2), [[True, True], [False, True]]) == 0.5


@pytest.mark.parametrize("large", [1 << 14, 1])
@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1.0, 1e160])
def test_r2_of_numbers_whose_squares_no_float_holds(scale, large, monkeypatch):
    monkeypatch.setattr(metrics, "LARGE", large)
    xs, ys = [0.5, 2.0, 4.0, 4.0], [1.0, 2.0, 3.0, 5.0]
    for made in (list, np.array):
        found = r2(*[part([scale * x for x in xy]) for part, xy in ((made, xs), (rows, ys))])
        assert found == pytest.approx(1 - 2.25 / 8.75, rel=1e-12)
        for alike in (0.1, 0.46062555936923566):  # 49 times the second is rounded
            targets = [alike * scale] * 49
            assert r2(made(targets), rows(made(targets))) == 1.0
            assert r2(made([2 * y for y in targets]), rows(made(targets))) == 0.0


# --- samples that are no numbers


@pytest.mark.parametrize("measure", [accuracy, confusion_matrix, r2_score])
@pytest.mark.parametrize("many", [5, 400])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("made", [np.array, list, pd.DataFrame])
def test_a_sample_that_is_not_finite_is_named_by_row_and_column(measure, many, bad, made):
    xs = [[0.5, -0.5] for _ in range(many)]
    xs[3][1] = bad
    model, ys = MLP(2, [2, 1], rng=1), [0, 1] * (many // 2) + [0] * (many % 2)
    with pytest.raises(NumericError, match=rf"^row 3: the sample's column 1 is {bad}; fill it in"):
        measure(model, made(xs), ys)
    with numeric_mode("ieee"):
        measure(model, made(xs), ys)
