"""Cross entropies of many shapes against NumPy's sums, with their gradients, and their limits."""

import itertools
import math
import re
from typing import Any

import numpy as np
import pytest

from engine import Program, Value, inputs, topological
from nn import binary_cross_entropy, binary_cross_entropy_with_logits, cross_entropy


def wanted(logits: Any, shares: Any, smoothing: float) -> tuple[float, Any]:
    """The mean over rows, and its gradient."""
    logits, shares = np.array(logits), np.array(shares)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    likely = powers / powers.sum(axis=1, keepdims=True)
    shares = (1 - smoothing) * shares + smoothing / logits.shape[1]
    loss = -(shares * np.log(likely)).sum() / len(logits)
    return loss, (likely - shares) / len(logits)


def check(found: Value, leaves: Any, loss: float, gradient: Any) -> None:
    found.backward()
    assert found.data == pytest.approx(loss, rel=1e-12)
    assert [x.grad for x in np.ravel(leaves)] == pytest.approx(np.ravel(gradient), abs=1e-14)


def values(numbers: Any) -> Any:
    return [values(x) if np.ndim(x) else Value(float(x)) for x in numbers]


SHAPES = [*itertools.product((1, 2, 3), (2, 3, 5))]


@pytest.mark.parametrize(("rows", "classes"), SHAPES)
@pytest.mark.parametrize("smoothing", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("form", ["numbers", "shares", "one-hot", "shares as Values"])
def test_rows_of_logits(rows: int, classes: int, smoothing: float, form: str) -> None:
    rng = np.random.default_rng(7)
    logits = rng.normal(0.0, 2.0, (rows, classes))
    numbers = rng.integers(0, classes, rows)
    shares = rng.dirichlet(np.ones(classes), rows)
    if form in ("numbers", "one-hot"):
        shares = np.eye(classes)[numbers]
    targets: Any = {"numbers": numbers, "shares as Values": values(shares)}.get(form, shares)
    loss, gradient = wanted(logits, shares, smoothing)
    for given in (targets, list(targets)):
        leaves = values(logits)
        check(cross_entropy(leaves, given, label_smoothing=smoothing), leaves, loss, gradient)
        assert cross_entropy(logits, given, smoothing).data == pytest.approx(loss, rel=1e-12)
    if rows == 1:
        leaves = values(logits[0])
        check(cross_entropy(leaves, targets[0], smoothing), leaves, loss, gradient)


@pytest.mark.parametrize("lengths", [[1], [2], [1, 3], [2, 2], [3, 1, 2]])
@pytest.mark.parametrize("smoothing", [0.0, 0.25])
def test_sequences_of_several_lengths(lengths: list[int], smoothing: float) -> None:
    rng = np.random.default_rng(7)
    logits = [rng.normal(size=(n, 3)) for n in lengths]
    targets = [rng.integers(0, 3, n).tolist() for n in lengths]
    shares = np.eye(3)[[t for some in targets for t in some]]
    loss, gradient = wanted(np.concatenate(logits), shares, smoothing)
    leaves = [values(some) for some in logits]
    flat = [x for some in leaves for row in some for x in row]
    check(cross_entropy(leaves, targets, smoothing), flat, loss, gradient)
    soft = [np.eye(3)[some].tolist() for some in targets]
    assert cross_entropy(leaves, soft, smoothing).data == pytest.approx(loss, rel=1e-12)


@pytest.mark.parametrize("ignored", [-100, -1, 0, 2])
@pytest.mark.parametrize("targets", [[0], [2], [1, 1], [2, 0, 1, 2], [0, 0, 0]])
def test_rows_to_ignore(ignored: int, targets: list[int]) -> None:
    """The same for targets that a program gets as its inputs, all of them or the last."""
    pytest.importorskip("llvmlite", reason="pip install gradwalk[fast]")
    rng = np.random.default_rng(7)
    targets = [*targets, *([ignored] if ignored < 0 else [])]
    logits, n = rng.normal(size=(len(targets), 3)), len(targets)
    kept = [i for i, t in enumerate(targets) if t != ignored]
    shares = np.eye(3)[[targets[i] for i in kept]]
    loss = wanted(logits[kept], shares, 0.25)[0] if kept else 0.0
    how: dict[str, Any] = {"label_smoothing": 0.25, "ignore_index": ignored}
    for given in (targets, [float(t) for t in targets], np.array(targets)):
        found = cross_entropy(logits, given, **how)
        assert found.data == pytest.approx(loss, rel=1e-12)
        assert "maximum" not in {str(node.op) for node in topological(found)}  # it is known
    for varying in (n, 1):
        asked = inputs(*[f"t{i}" for i in range(varying)])
        asked = asked if isinstance(asked, list | tuple) else [asked]
        made = cross_entropy(logits, [*targets[: n - varying], *asked], **how)
        (found,) = Program([*asked], [made], [])([targets[n - varying :]])[0]
        assert found == pytest.approx(loss, rel=1e-12)


def test_one_row_to_ignore_is_0_and_has_no_gradient() -> None:
    nothing = cross_entropy([values([1.0, 2.0])], [3], ignore_index=3)
    assert (nothing.data, nothing.parents) == (0.0, ())
    index: Any = -100.0
    assert cross_entropy([1.0, 2.0], 1, ignore_index=index).data < 0.4


def test_a_row_with_one_target_that_varies_is_a_plain_row() -> None:
    pytest.importorskip("llvmlite", reason="pip install gradwalk[fast]")
    (t,) = inputs("t", "u")[:1]
    made = cross_entropy([values([1.0, 2.0])], [t], ignore_index=5)
    assert "maximum" not in {str(node.op) for node in topological(made)}
    (found,) = Program([t], [made], [])([[1.0], [0.0], [5.0]]).T
    assert found == pytest.approx([math.log1p(math.exp(-1)), math.log1p(math.exp(1)), 0.0])


# --- limits
V = Value(0.5)


@pytest.mark.parametrize("smoothing", [-5e-324, math.nextafter(1.0, 2.0), math.inf, -math.inf])
def test_one_beside_the_limits_of_smoothing(smoothing: float) -> None:
    text = (
        f"cross_entropy takes label_smoothing from 0 to 1, got {smoothing!r}; give a number, such"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(text)} as 0.1$"):
        cross_entropy([V, V], 0, label_smoothing=smoothing)


def test_probabilities_of_classes_sum_to_1_but_for_rounding() -> None:
    for shares in ([0.5, 0.5 + 9e-7], [0.5, 0.5 - 9e-7], [0.0, 1.0], [1 / 3] * 3):
        assert cross_entropy([V] * len(shares), shares).data == pytest.approx(
            math.log(len(shares)), rel=2e-6
        )
    for shares in ([0.5, 0.5 + 2e-6], [0.5, 0.5 - 2e-6], [-1e-9, 1 + 1e-9], [0.0, 0.0]):
        text = f"cross_entropy takes class probabilities >= 0 that sum to 1, got {shares}; for a "
        with pytest.raises(
            ValueError, match=f"^{re.escape(text)}batch give a list of logits for e"
        ):
            cross_entropy([V, V], shares)


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_classes_are_counted_from_0_to_one_below_their_number(classes: int) -> None:
    rng = np.random.default_rng(7)
    logits = rng.normal(size=classes)
    for k in range(classes):
        loss = wanted([logits], np.eye(classes)[[k]], 0.0)[0]
        assert cross_entropy(logits, k).data == pytest.approx(loss)
        assert cross_entropy(logits, np.float64(k)).data == pytest.approx(loss)
    for wrong in (-1, classes, classes + 1, 0.5, math.inf):
        text = f"cross_entropy takes a class from 0 to {classes - 1} for {classes} logits, got "
        with pytest.raises(ValueError, match=f"^{text}{wrong!r}; classes are counted from 0$"):
            cross_entropy(logits, wrong)


FEW = "cross_entropy takes two or more logits, one for each class, got {}; for one output use"
FEW += " binary_cross_entropy_with_logits"
WRONG: list[tuple[Any, Any, str]] = [
    ([[]], [0], FEW.format(0)),
    ([V], 0, FEW.format(1)),
    ([[V, V], [V]], [0, 0], FEW.format(1)),
    ([[V, V], 0.5], [0, 1],
     "cross_entropy: row 1 is float 0.5; give a list of logits for each row"),
    ([[[V, V], 2]], [[1, 0]], "cross_entropy: row 1 is int 2; give a list of logits for each row"),
    ([[[V, V]], [[V, V], [V, V]]], [[1], [0]],
     "cross_entropy got 2 places and 1 targets; give one target for each"),
    ([[[V, V]]], [0, 1],
     "cross_entropy got 1 rows of logits and 2 targets; give one target for each"),
    ([[V, V]] * 3, 7, ("cross_entropy got a batch of 3 rows of logits and the single target 7; "
                       "give a list with one target for each row")),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(WRONG)))
def test_shapes_that_do_not_fit_say_what_does(case: int) -> None:
    logits, targets, text = WRONG[case]
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        cross_entropy(logits, targets)


@pytest.mark.parametrize("loss", [binary_cross_entropy, binary_cross_entropy_with_logits])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_yes_or_no_by_the_formula(loss: Any, n: int) -> None:
    rng = np.random.default_rng(7)
    logits, targets = rng.normal(size=n), rng.choice([0.0, 1.0, 0.3], n)
    likely = 1 / (1 + np.exp(-logits))
    each = -targets * np.log(likely) - (1 - targets) * np.log(1 - likely)
    slopes = likely - targets
    if loss is binary_cross_entropy:
        slopes /= likely * (1 - likely)
    given = likely if loss is binary_cross_entropy else logits
    leaves = values(given)
    check(loss(leaves, targets), leaves, each.mean(), slopes / n)
    assert loss([leaves, leaves], [targets] * 2).data == pytest.approx(each.mean())
    for ends in (0, 1):
        assert loss(given, [ends] * n).data > 0
        for wrong in (-5e-324, math.nextafter(1.0, 2.0)):
            with pytest.raises(ValueError, match="takes targets from 0 to 1, got"):
                loss(given, [ends] * (n - 1) + [wrong])


def test_probabilities_are_from_0_to_1() -> None:
    assert binary_cross_entropy([0.0, 1.0], [0, 1]).data == 0.0
    for wrong in (-5e-324, math.nextafter(1.0, 2.0)):
        text = f"binary_cross_entropy takes probabilities from 0 to 1, got {wrong!r}; end the model"
        with pytest.raises(
            ValueError, match=f"^{text} in a sigmoid, or use binary_cross_entropy_w"
        ):
            binary_cross_entropy([0.5, wrong], [0, 1])
