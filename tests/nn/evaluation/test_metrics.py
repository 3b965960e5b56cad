"""Metrics of a model: equal to what is counted by hand, and for arrays as for lists."""

import math
import re
import sys
from fractions import Fraction
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine import NumericError, Value, numeric_mode
from nn import MLP, Module, accuracy, confusion_matrix, r2_score
from nn.evaluation import metrics, samples
from nn.evaluation.metrics import confusion, line_of, r2, right, share_right
from nn.evaluation.samples import Rows

pytest.importorskip("llvmlite", reason="pip install gradwalk[fast]")


class Answers(Module):
    """Answers by the book, whatever it is asked."""

    def __init__(self, answers, output="linear"):
        self.p, self.answers, self.output = Value(0.0), answers, output

    def __call__(self, x):
        found = self.answers[x]
        return [y + self.p for y in found] if isinstance(found, list) else found + self.p


def rows(targets):
    return Rows(targets=targets, numbers=range(len(targets)))


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


SIZES = st.sampled_from([0.0, 1.0, -1.5, 1e-200, -3e-170, 1e160, 1e200, -3e250, 1e308])
NUMBERS = st.floats(-4.0, 4.0) | SIZES


@example([(1e200, 1.0), (0.0, 2.0)], 99)
@example([(1e200, 1.0), (0.0, 2.0)], 1)
@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=2, max_size=6), st.sampled_from([1, 99]))
def test_r2_of_numbers_of_any_size_is_that_of_fractions(pairs, large):
    outputs, targets = np.array(pairs).T
    with patch.object(metrics, "LARGE", large):  # more rows are summed by NumPy
        found = r2(outputs, rows(targets))
    xs, ys = map(Fraction, outputs.tolist()), [*map(Fraction, targets.tolist())]
    mean = sum(ys) / len(ys)
    spread = sum((y - mean) ** 2 for y in ys)
    missed = sum((y - x) ** 2 for x, y in zip(xs, ys, strict=True))
    if not spread:
        assert found == float(not missed)
    elif missed / spread < 10**300:
        assert found == pytest.approx(float(1 - missed / spread), rel=1e-9, abs=1e-9)
    else:
        assert found < -1e299


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
