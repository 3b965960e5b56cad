"""Losses: PyTorch's figures, full digits at the extremes, and nodes."""

import json
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import nn
from engine import Program, Value, gradient, inputs, no_grad, topological
from nn import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    hinge_loss,
    l1_penalty,
    l2_penalty,
    mse_loss,
)

FIGURES = json.loads((Path(__file__).parent / "data" / "losses.json").read_text())


def lift(x):
    """Numbers in nested lists as Values in the same lists, and the Values in a row."""
    if isinstance(x, list):
        parts = [lift(part) for part in x]
        return [part for part, _ in parts], [leaf for _, leaves in parts for leaf in leaves]
    leaf = Value(x)
    return leaf, [leaf]


def flat(x):
    return [y for part in x for y in flat(part)] if isinstance(x, list) else [x]


def values(*xs):
    return [Value(x) for x in xs]


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure["name"])
def test_values_and_gradients_are_pytorchs(figure):
    outputs, leaves = lift(figure["outputs"])
    loss = getattr(nn, figure["name"])(outputs, figure["targets"])
    loss.backward()
    assert loss.data == pytest.approx(figure["loss"], rel=1e-12)
    gradient = [leaf.grad for leaf in leaves]
    assert gradient == pytest.approx(flat(figure["gradient"]), rel=1e-12, abs=1e-16)


@pytest.mark.parametrize(
    ("loss", "output", "target"),
    [
        (mse_loss, 0.3, 1.5),
        (binary_cross_entropy, 0.3, 1),
        (binary_cross_entropy_with_logits, 0.3, 0),
        (hinge_loss, 0.3, -1),
    ],
)
def test_one_sample_is_a_batch_of_one(loss, output, target):
    assert loss(Value(output), target).data == loss([Value(output)], [target]).data
    assert loss([[Value(output)]], np.array([[target]])).data == loss(Value(output), target).data


def test_outputs_may_be_plain_numbers():
    with no_grad():
        assert mse_loss([1.0, 2.0], [0, 0]).data == 2.5
        assert cross_entropy([1.0, 1.0], 0).data == math.log(2)


def test_targets_may_be_values_between_0_and_1():
    shares = [0.25, 0.0, 0.75]
    logits, given = values(1.0, -2.0, 0.5), values(*shares)
    plain, found = cross_entropy(logits, shares), cross_entropy(logits, given)
    assert found.data == pytest.approx(plain.data, rel=1e-15)
    assert [x.data for x in gradient(found, logits)] == pytest.approx(
        [x.data for x in gradient(plain, logits)], rel=1e-14
    )
    assert cross_entropy(values(-math.inf, 0.0), values(0.0, 1.0)).data == 0.0


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_a_row_of_a_matrix_is_a_row():
    rows, targets = [[1.0, 2.0], [4.0, 0.5]], [[0.0, 2.5], [3.0, 1.0]]
    expected = mse_loss(rows, targets).data
    assert mse_loss(np.matrix(rows), np.matrix(targets)).data == expected
    assert mse_loss([values(*row) for row in rows], np.matrix(targets)).data == expected


def test_targets_of_numpys():
    logits = [values(1.0, 2.0), values(0.5, -1.0)]
    wanted = cross_entropy(logits, [1, 0]).data
    assert cross_entropy(logits, np.array([1, 0])).data == wanted
    assert cross_entropy(logits, np.array([[0.0, 1.0], [1.0, 0.0]])).data == wanted
    assert cross_entropy(logits, [1.0, 0.0]).data == wanted
    assert cross_entropy(logits, np.array([3.0, -1.0]) > 0).data == wanted  # bools
    for loss in (binary_cross_entropy, binary_cross_entropy_with_logits):
        one, zero = np.array([3.0, -1.0]) > 0
        assert loss(values(0.3, 0.4), [one, zero]).data == loss(values(0.3, 0.4), [1, 0]).data


# --- digits


def test_a_confident_answer_keeps_its_digits():
    logits = values(40.0, 0.0, 0.0)
    loss = cross_entropy(logits, 0)
    loss.backward()
    assert loss.data == pytest.approx(2 * math.exp(-40), rel=1e-14)
    assert [x.grad for x in logits] == pytest.approx(
        [-2 * math.exp(-40), math.exp(-40), math.exp(-40)], rel=1e-14
    )
    mixed = cross_entropy(values(40.0, 0.0, 0.0), [1.0, 0.0, 0.0])
    assert mixed.data == loss.data
    assert binary_cross_entropy_with_logits(Value(40.0), 1).data == pytest.approx(
        math.exp(-40), rel=1e-14
    )


def test_huge_logits_are_finite():
    assert cross_entropy(values(1e4, -1e4), 1).data == 2e4
    assert binary_cross_entropy_with_logits(Value(-1e4), 1).data == 1e4
    assert binary_cross_entropy([Value(1.0), Value(0.0)], [1, 0]).data == 0.0


def test_a_class_of_probability_0_does_not_matter():
    loss = cross_entropy(values(0.0, -math.inf, 0.0), [0.5, 0.0, 0.5])
    assert loss.data == pytest.approx(math.log(2))


@pytest.mark.parametrize("target", [-1, 1])
def test_the_kink_of_the_hinge_has_gradient_0(target):
    x = Value(float(target))
    hinge_loss(x, target).backward()
    assert x.grad == 0.0


# --- nodes


def operations(loss):
    return Counter(node.op.name for node in topological(loss) if node.op is not None)


def test_losses_are_few_nodes():
    xs = values(0.1, 0.2, 0.3)
    assert operations(mse_loss(xs, [1, 2, 4])) == {"sub": 3, "constant": 4, "dot": 1, "div": 1}
    assert operations(cross_entropy(xs, 1)) == {"log_softmax": 1, "neg": 1}
    batch = operations(cross_entropy([xs, xs], [1, 2]))
    assert sum(batch.values()) - batch["constant"] == 5  # two rows, their sum, its mean, minus
    assert operations(l2_penalty(xs)) == {"dot": 1, "mul": 1, "constant": 1}


# --- penalties


def test_penalties():
    parameters = values(3.0, -4.0, 0.0)
    l1 = l1_penalty(parameters, 0.5)
    l1.backward()
    assert (l1.data, [p.grad for p in parameters]) == (3.5, [0.5, -0.5, 0.0])
    parameters = values(3.0, -4.0, 0.0)
    l2 = l2_penalty(iter(parameters), 0.5)
    l2.backward()
    assert (l2.data, [p.grad for p in parameters]) == (12.5, [3.0, -4.0, 0.0])


def test_the_losses_of_regression_follow_their_formulas() -> None:
    xs, ys = [-3.0, -0.4, 0.0, 0.7, 2.5], [1.0, 0.0, 2.0, 1.0, 0.0]
    gaps = [abs(x - y) for x, y in zip(xs, ys, strict=True)]
    huber = [d * d / 2 if d <= 0.8 else 0.8 * (d - 0.4) for d in gaps]
    poisson = [math.exp(x) - y * x for x, y in zip(xs, ys, strict=True)]
    values = [Value(x) for x in xs]
    found = nn.losses.huber_loss(values, ys, delta=0.8)
    assert found.data == pytest.approx(sum(huber) / 5)
    found.backward()
    slopes = [max(-0.8, min(0.8, x - y)) / 5 for x, y in zip(xs, ys, strict=True)]
    assert [v.grad for v in values] == pytest.approx(slopes)
    assert nn.losses.mae_loss(xs, ys).data == pytest.approx(sum(gaps) / 5)
    assert nn.losses.poisson_loss(xs, ys).data == pytest.approx(sum(poisson) / 5)
    with pytest.raises(ValueError, match="counts >= 0, got -1; for other targets"):
        nn.losses.poisson_loss(Value(0.0), -1)
    with pytest.raises(ValueError, match="finite delta > 0, got 0"):
        nn.losses.huber_loss(Value(0.0), 1, delta=0)


@pytest.mark.parametrize("name", ["mae", "l1", "huber", "smooth_l1_loss", "poisson_nll"])
def test_the_losses_of_regression_train_natively_as_eagerly(name: str) -> None:
    found = []
    for backend in ("native", "eager"):
        model = nn.MLP(1, [3, 1], rng=7)
        rows = [[0.1], [0.5], [0.9], [1.7]], [1, 0, 2, 4]
        found.append(nn.fit(model, *rows, loss=name, epochs=3, seed=7, backend=backend).loss)
    assert found[0] == pytest.approx(found[1], rel=1e-12)


# --- label smoothing, and rows to ignore

LOGITS = [[2.0, -1.0, 0.5], [0.1, 0.2, -0.3], [-2.0, 1.5, 0.0], [0.7, 0.7, -4.0]]
TARGETS = [0, -100, 1, 2]


def smoothed(logits: list[float], target: int | list[float], share: float) -> float:
    """The cross entropy against what is left of the target and the rest for all classes alike."""
    total = math.fsum(map(math.exp, logits))
    wanted = target if isinstance(target, list) else [float(k == target) for k in range(3)]
    wanted = [(1 - share) * w + share / 3 for w in wanted]
    return -math.fsum(
        w * math.log(math.exp(x) / total) for w, x in zip(wanted, logits, strict=True)
    )


@pytest.mark.parametrize("share", [0.0, 0.1, 1.0])
def test_label_smoothing_and_ignore_index_by_their_formula(share: float) -> None:
    how = {"label_smoothing": share, "ignore_index": -100}
    terms = {
        i: smoothed(LOGITS[i], target, share) for i, target in enumerate(TARGETS) if target >= 0
    }
    rows, leaves = lift(LOGITS)
    loss = cross_entropy(rows, TARGETS, **how)
    assert loss.data == pytest.approx(math.fsum(terms.values()) / 3, rel=1e-14)
    loss.backward()
    assert [leaf.grad for leaf in leaves[3:6]] == [0.0, 0.0, 0.0]
    assert cross_entropy(LOGITS[0], 0, **how).data == pytest.approx(terms[0], rel=1e-14)
    soft = [0.5, 0.2, 0.3]
    assert cross_entropy(LOGITS[0], soft, **how).data == pytest.approx(
        smoothed(LOGITS[0], soft, share), rel=1e-14
    )
    assert cross_entropy(rows[1:2], [-100], **how).data == 0.0
    assert cross_entropy(rows[1], -100, **how).data == 0.0


def test_label_smoothing_and_ignore_index_are_pytorchs() -> None:
    torch = pytest.importorskip("torch", reason="pip install gradwalk[interop]")
    logits, leaves = lift(LOGITS)
    theirs = torch.tensor(LOGITS, dtype=torch.float64, requires_grad=True)
    how = {"label_smoothing": 0.1, "ignore_index": -100}
    wanted = torch.nn.functional.cross_entropy(theirs, torch.tensor(TARGETS), **how)
    wanted.backward()
    found = cross_entropy(logits, TARGETS, **how)
    found.backward()
    assert found.data == pytest.approx(wanted.item(), rel=1e-14)
    gradient = [leaf.grad for leaf in leaves]
    assert gradient == pytest.approx(theirs.grad.flatten().tolist(), rel=1e-12, abs=1e-16)


def test_targets_of_a_program_are_ignored_and_smoothed_too() -> None:
    pytest.importorskip("llvmlite", reason="pip install gradwalk[fast]")
    xs, ys = inputs("a", "b", "c", "d", "e", "f"), inputs("s", "t")
    how = {"label_smoothing": 0.1, "ignore_index": -100}
    program = Program([*xs, *ys], [cross_entropy([xs[:3], xs[3:]], ys, **how)], [])
    for targets in ([0, 2], [-100, 1], [2, -100], [-100, -100]):
        wanted = cross_entropy(LOGITS[:2], targets, **how).data
        found = program([[*LOGITS[0], *LOGITS[1], *targets]])
        assert found[0, 0] == pytest.approx(wanted, rel=1e-12)
