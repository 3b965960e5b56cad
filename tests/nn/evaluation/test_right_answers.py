"""Which answers are right, counted by plain loops and by scikit-learn; and what is no answer."""

import itertools
import math
import re
from typing import Any

import numpy as np
import pytest

from nn.evaluation import metrics
from nn.evaluation.metrics import (
    MATRIX,
    asks_each,
    confusion,
    decided,
    line_of,
    r2,
    right,
    share_right,
    some,
)
from nn.evaluation.samples import Rows

judges = pytest.importorskip("sklearn.metrics", reason="pip install gradwalk[sklearn]")


def rows(targets: Any, **how: Any) -> Rows:
    return Rows(targets, targets, range(len(targets)), **how)


def spaced(shape: Any, seed: int = 0) -> Any:
    """Numbers among which there are ties, and all that are compared with."""
    return np.random.default_rng(seed).choice([-1.0, 0.0, 0.3, 0.5, 2.0], shape)


@pytest.mark.parametrize("n", [1, 2, 30])
@pytest.mark.parametrize("targets", [(0, 1), (-1, 1), (0.0, 0.2, 0.5, 0.51, 1.0)])
@pytest.mark.parametrize("threshold", [None, 0.0, 0.3, -1.0])
@pytest.mark.parametrize("usual", [0.0, 0.5])
def test_one_output_is_yes_above_its_line(
    n: int, targets: Any, threshold: float | None, usual: float
) -> None:
    outputs = spaced(n, seed=n)
    ys = np.random.default_rng(1).choice(targets, n)
    line = usual if threshold is None else threshold
    said, wanted = [x > line for x in outputs], [y > 0.5 for y in ys]
    share = judges.accuracy_score(wanted, said)
    matrix = judges.confusion_matrix(wanted, said, labels=[False, True]).tolist()
    made: list[Any] = [np.array, np.ndarray.tolist, lambda xs: [[x] for x in xs.tolist()]]
    for xs, given in itertools.product(made, made):
        found = share_right(xs(outputs), rows(given(ys)), usual, threshold)
        assert found == pytest.approx(share, abs=1e-15)
        if len(targets) == 2:
            assert confusion(xs(outputs), rows(given(ys)), usual, threshold) == matrix
        elif {*ys.tolist()} - {0.0, 1.0}:
            text = f"{MATRIX} has targets 0 and 1, or -1 and +1, got"
            with pytest.raises(ValueError, match=rf"^row \d+: {re.escape(text)}"):
                confusion(xs(outputs), rows(given(ys)), usual, threshold)


@pytest.mark.parametrize("n", [1, 2, 3, 40])
@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("form", ["numbers", "floats", "shares", "one-hot"])
def test_of_several_outputs_the_first_of_the_largest_is_the_class(
    n: int, classes: int, form: str
) -> None:
    outputs = spaced((n, classes), seed=n)
    rng = np.random.default_rng(2)
    numbers = rng.integers(0, classes, n)
    given: Any = {"numbers": numbers, "floats": numbers * 1.0, "one-hot": np.eye(classes)[numbers]}
    given["shares"] = np.eye(classes)[numbers] * 0.4 + 0.6 / classes
    targets = given[form]
    said = [row.index(max(row)) for row in outputs.tolist()]
    share = judges.accuracy_score(numbers, said)
    matrix = judges.confusion_matrix(numbers, said, labels=range(classes)).tolist()
    for xs, ys in itertools.product((outputs, outputs.tolist()), (targets, targets.tolist())):
        assert share_right(xs, rows(ys), 0.5) == pytest.approx(share, abs=1e-15)
        assert confusion(xs, rows(ys), 0.5) == matrix
        if form in ("numbers", "floats"):  # a class has no threshold
            assert share_right(xs, rows(ys), 0.5, 0.3) == pytest.approx(share, abs=1e-15)


@pytest.mark.parametrize("n", [1, 2, 3, 40])
@pytest.mark.parametrize("outputs", [2, 3])
@pytest.mark.parametrize("targets", [(0, 1), (-1, 1), (0.0, 0.2, 0.5, 0.51, 1.0)])
def test_each_output_may_be_a_question_of_its_own(n: int, outputs: int, targets: Any) -> None:
    xs = spaced((n, outputs), seed=n)
    ys = np.random.default_rng(3).choice(targets, (n, outputs))
    ys[0] = targets[-1]  # whose sum is not 1
    for threshold in (None, 0.0, 0.3):
        line = 0.5 if threshold is None else threshold
        share = np.mean([((x > line) == (y > 0.5)).all() for x, y in zip(xs, ys, strict=True)])
        for a, b in itertools.product((xs, xs.tolist()), (ys, ys.tolist())):
            assert share_right(a, rows(b), 0.5, threshold) == pytest.approx(share, abs=1e-15)
            got = "a confusion matrix is of one question, got several yes-or-no outputs for each"
            remedy = "make one of each output with a metric of your own, or leave it out"
            with pytest.raises(ValueError, match=f"^{got} sample; {remedy}$"):
                confusion(a, rows(b), 0.5, threshold)


def test_the_places_of_sequences_are_answers() -> None:
    outputs = [[0.9, 0.1], [0.6], [0.2, 0.7, 0.8]]
    targets = [[1, 1], [0], [0, 1, 1]]
    assert share_right(outputs, rows(targets), 0.5) == 4 / 6
    assert confusion(outputs, rows(targets), 0.5) == [[1, 1], [1, 3]]
    classes = [[[0.9, 0.1, 0.0]], [[0.1, 0.2, 0.3], [5.0, 4.0, 3.0]]]
    assert share_right(classes, rows([[0], [1, 0]]), 0.5) == 2 / 3
    assert confusion(classes, rows([[0], [1, 0]]), 0.5) == [[2, 0, 0], [0, 0, 1], [0, 0, 0]]
    spread = [0.9, 0.1, 0.6, 0.2, 0.7, 0.8], [1, 1, 0, 0, 1, 1]
    assert r2(outputs, rows(targets)) == pytest.approx(judges.r2_score(spread[1], spread[0]))
    assert share_right([], rows([]), 0.5) == 0.0


@pytest.mark.parametrize("n", [2, 3, 40])
@pytest.mark.parametrize("outputs", [1, 2, 3])
def test_r2_is_scikit_learns(n: int, outputs: int) -> None:
    rng = np.random.default_rng(n)
    xs, ys = rng.normal(size=(2, n, outputs))
    wanted = judges.r2_score(ys, xs)
    for a, b in itertools.product((xs, xs.tolist()), (ys, ys.tolist())):
        assert r2(a, rows(b)) == pytest.approx(wanted, rel=1e-12)
    assert r2(xs[:, 0], rows(ys[:, 0])) == pytest.approx(judges.r2_score(ys[:, 0], xs[:, 0]))


@pytest.mark.parametrize("made", [list, np.array])
@pytest.mark.parametrize("large", [4, 5, None])
def test_sums_are_exact_where_there_are_few_rows(
    made: Any, large: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Added one after another, each of three ones would be lost beside 2**54."""
    assert metrics.LARGE == 16384
    monkeypatch.setattr(metrics, "LARGE", large or metrics.LARGE)
    targets = [-(2.0**26), 2.0**26, 2.0**26, -(2.0**26)]
    outputs = [y - miss for y, miss in zip(targets, (2.0**27, 1.0, 1.0, 1.0), strict=True)]
    assert r2(made(outputs), rows(made(targets))) == -(2.0**-52)


@pytest.mark.parametrize("large", [1, 99])
def test_a_spread_may_overflow_where_what_is_missed_does_not(
    large: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "LARGE", large)
    targets = np.array([-1e154, 1e154])
    assert r2(targets - 9e153, rows(targets)) == pytest.approx(0.19)


def test_decisions() -> None:
    for xs, ys, line, said, wanted in (
        ([0.5], [0.5], 0.5, [False], [False]),
        ([0.6], [0.6], 0.5, [True], [True]),
        ([0.6], [0.6], None, None, None),
        ([1.0, 2.0], [1], None, [1], [1]),
        ([1.0, 2.0], [1], 0.5, [1], [1]),
        ([1.0, 2.0, 2.0], [0.2, 0.3, 0.5], None, [1], [2]),
        ([1.0, 0.0], [0.2, 0.8], 0.5, [True, False], [False, True]),
    ):
        if line is not None or len(xs) > 1:
            assert decided(xs, ys, line) == (said, wanted)
            assert right(xs, ys, line) == (said == wanted)
    assert some([]) is False
    assert some([False, True]) is some([True]) is True
    assert some([np.array([True, False]), np.array([False, False])]).tolist() == [True, False]


def test_lists_that_are_no_distribution_ask_each() -> None:
    for targets in (
        [0, 1], [[0], [1]], [[0.5, 0.5]], [[1, 0], [0, 1]], [[0.5, 0.5 + 9e-7]],
        [[0.5, 0.5 - 9e-7]], [[0.0, 0.0, 1.0]], [[5.0]],
    ):  # fmt: skip
        assert not asks_each(targets)
        assert not asks_each(np.array(targets))
    for targets in (
        [[0.5, 0.5 + 2e-6]], [[0.5, 0.5 - 2e-6]], [[-1e-9, 1 + 1e-9]], [[1, 1]], [[0, 0]],
        [[1, 0], [1, 1]], [[-1, 1]], [[2, -1]],
    ):  # fmt: skip
        assert asks_each(targets)
        assert asks_each(np.array(targets))


LINES = [  # outputs, targets, the line without a threshold and with one
    (1, [0, 1], 0.2, 0.7), (1, [-1, 1], 0.2, 0.7), (1, [0.4], 0.2, 0.7), (1, [[1]], 0.2, 0.7),
    (2, [0, 1], None, 0.7), (2, [[0], [1]], None, 0.7), (2, [[0.5, 0.5]], None, 0.7),
    (2, [[1, 1], [0.5, 0.5]], 0.2, 0.7), (2, [[-1, 1]], 0.2, 0.7), (3, [[1, 1, 0]], 0.2, 0.7),
    (3, [2, 0.0], None, 0.7), (1, [1, 1.0], 0.2, 0.7), (1, [True, False], 0.2, 0.7),
]  # fmt: skip


@pytest.mark.parametrize(("outputs", "targets", "usual", "given"), LINES)
def test_by_which_line_answers_are_counted(
    outputs: int, targets: Any, usual: Any, given: float
) -> None:
    for made in (list, np.array):
        for threshold, wanted in ((None, usual), (0.7, given)):
            assert line_of("accuracy", outputs, rows(made(targets)), 0.2, threshold) == wanted


REMEDY = "for numbers that are no classes there is r2"
COUNTED = "classes are counted from 0"
WORDS = "write each as its class, like names.index(target)"
FAULTS = [  # outputs, a target, and what is said of it
    (1, 2, "{who} has targets 0 and 1, or -1 and +1, got 2; " + REMEDY),
    (1, -0.5, "{who} has targets 0 and 1, or -1 and +1, got -0.5; " + REMEDY),
    (1, math.nan, "{who} has targets 0 and 1, or -1 and +1, got nan; " + REMEDY),
    (1, [1, 0], "{who} takes a target for each output, 1 in all, got [1, 0]; give one for each"),
    (1, [], "{who} takes a target for each output, 1 in all, got []; give one for each"),
    (1, "yes", "targets are numbers of classes, got 'yes'; " + WORDS),
    (2, 2, "{who} of 2 outputs has classes from 0 to 1, got 2; " + COUNTED),
    (2, -1, "{who} of 2 outputs has classes from 0 to 1, got -1; " + COUNTED),
    (2, -0.5, "{who} of 2 outputs has classes from 0 to 1, got -0.5; " + COUNTED),
    (2, 2.5, "{who} of 2 outputs has classes from 0 to 1, got 2.5; " + COUNTED),
    (2, math.inf, "{who} of 2 outputs has classes from 0 to 1, got inf; " + COUNTED),
    (3, 0.5, "{who} of 3 outputs has classes from 0 to 2, got 0.5; " + COUNTED),
    (3, math.nan, "{who} of 3 outputs has classes from 0 to 2, got nan; " + COUNTED),
    (2, "no", "targets are numbers of classes, got 'no'; " + WORDS),
    (2, ["a", "b"], "targets are numbers of classes, got ['a', 'b']; " + WORDS),
    (2, [1, 0, 0],
     "{who} takes a target for each output, 2 in all, got [1, 0, 0]; give one for each"),
    (3, [1, 0], "{who} takes a target for each output, 3 in all, got [1, 0]; give one for each"),
    (2, [1, 2], "{who} has targets 0 and 1, or -1 and +1, got [1, 2]; " + REMEDY),
    (2, [0.5, -0.5], "{who} has targets 0 and 1, or -1 and +1, got [0.5, -0.5]; " + REMEDY),
    (2, [7.123456789012345] * 40, "{who} takes a target for each output, 2 in all, got "
     + repr([7.123456789012345] * 40)[:60] + "; give one for each"),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(FAULTS)))
@pytest.mark.parametrize("at", [0, 2])
def test_a_target_that_is_no_answer_is_named_with_its_row(case: int, at: int) -> None:
    outputs, target, text = FAULTS[case]
    good: Any = 0 if outputs == 1 or not isinstance(target, list) else [1.0, *[0.0] * (outputs - 1)]
    targets: Any = [good] * 3
    targets[at] = target
    for who in ("accuracy", MATRIX):
        said = f"row {at} of it: {text.format(who=who)}"
        with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
            line_of(who, outputs, rows(targets, source=" of it"), 0.0)


def test_signs_and_shares_do_not_mix_and_no_outputs_have_no_targets() -> None:
    text = "^row 0: accuracy takes a target for each output, 0 in all, got 1; give one for each$"
    with pytest.raises(ValueError, match=text):
        line_of("accuracy", 0, rows([1]), 0.0)
    for targets in ([-1, 0.5], [-1, 0], [1, -1, 0.0], [-1, -0.5], [2, -1], [-1, math.nan]):
        wrong = next(i for i, y in enumerate(targets) if y not in (-1, 1))
        with pytest.raises(
            ValueError, match=f"^row {wrong}: accuracy has targets 0 and 1, or -1 a"
        ):
            line_of("accuracy", 1, rows(targets), 0.0)
    with pytest.raises(ValueError, match=f"^row 0: {MATRIX} has targets 0 and 1, or -1 and "):
        line_of(MATRIX, 1, rows([0.5]), 0.0)
    assert line_of(MATRIX, 2, rows([[0.5, 0.5]]), 0.0) is None
