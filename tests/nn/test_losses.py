"""Losses: PyTorch's figures, full digits at the extremes, nodes, and refusals."""

import json
import math
import re
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import engine
import nn
from engine import Program, Value, inputs, no_grad, softmax, topological
from nn import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    hinge_loss,
    l1_penalty,
    l2_penalty,
    mse_loss,
)
from nn.pairs import bounds

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


# --- refusals

V = Value(0.5)
REFUSED = {
    "lengths": (
        lambda: mse_loss([V, V, V], [1, 2]),
        "mse_loss got 3 outputs and 2 targets; give one target for each",
    ),
    "lengths inside": (
        lambda: mse_loss([[V, V], [V, V]], [[1, 2], [1]]),
        "mse_loss got 2 outputs and 1 targets; give one target for each",
    ),
    "empty": (
        lambda: mse_loss([], []),
        "mse_loss got an empty list; give at least one output and its target",
    ),
    "one against many": (
        lambda: hinge_loss(V, [1, 1]),
        (
            "hinge_loss got one for an output and a list of 2 for its target; both are single, or "
            "lists of the same length"
        ),
    ),
    "many against one": (
        lambda: mse_loss([V, V], 1),
        (
            "mse_loss got a list of 2 for an output and one for its target; both are single, or "
            "lists of the same length"
        ),
    ),
    "hinge of 0": (
        lambda: hinge_loss([V], [0]),
        "hinge_loss takes targets -1 and +1, got 0; write the second class as -1",
    ),
    "a target of -1": (
        lambda: binary_cross_entropy_with_logits(V, -1),
        (
            "binary_cross_entropy_with_logits takes targets from 0 to 1, got -1; write the two "
            "classes as 0 and 1"
        ),
    ),
    "a target of nan": (
        lambda: binary_cross_entropy(V, math.nan),
        "binary_cross_entropy takes targets from 0 to 1, got nan; write the two classes as 0 and 1",
    ),
    "no probability": (
        lambda: binary_cross_entropy(Value(1.5), 1),
        (
            "binary_cross_entropy takes probabilities from 0 to 1, got 1.5; end the model in a "
            "sigmoid, or use binary_cross_entropy_with_logits"
        ),
    ),
    "class too large": (
        lambda: cross_entropy([V, V, V], 3),
        "cross_entropy takes a class from 0 to 2 for 3 logits, got 3; classes are counted from 0",
    ),
    "class too small": (
        lambda: cross_entropy([V, V], -1),
        "cross_entropy takes a class from 0 to 1 for 2 logits, got -1; classes are counted from 0",
    ),
    "half a class": (
        lambda: cross_entropy([V, V], 0.5),
        "cross_entropy takes a class from 0 to 1 for 2 logits, got 0.5; classes are counted from 0",
    ),
    "no class": (
        lambda: cross_entropy([V, V], math.nan),
        "cross_entropy takes a class from 0 to 1 for 2 logits, got nan; classes are counted from 0",
    ),
    "a name": (
        lambda: cross_entropy([[V, V]], ["cat"]),
        (
            "cross_entropy takes a class from 0 to 1 for 2 logits, got 'cat'; classes are counted "
            "from 0"
        ),
    ),
    "one logit": (
        lambda: cross_entropy(V, 0),
        (
            "cross_entropy takes a list of logits, one for each class, got a single one; for a "
            "model with one output use binary_cross_entropy_with_logits"
        ),
    ),
    "a list of one": (
        lambda: cross_entropy([[V], [V]], [0, 0]),
        (
            "cross_entropy takes two or more logits, one for each class, got 1; for one output use "
            "binary_cross_entropy_with_logits"
        ),
    ),
    "no logits": (
        lambda: cross_entropy([], []),
        "cross_entropy got an empty list; give at least one output and its target",
    ),
    "one target for a batch": (
        lambda: cross_entropy([[V, V], [V, V]], 1),
        (
            "cross_entropy got a batch of 2 rows of logits and the single target 1; give a list "
            "with one target for each row"
        ),
    ),
    "lengths of a batch": (
        lambda: cross_entropy([[V, V], [V, V]], [1]),
        "cross_entropy got 2 rows of logits and 1 targets; give one target for each",
    ),
    "shares": (
        lambda: cross_entropy([V, V, V], [0.5, 0.5]),
        "cross_entropy got 3 logits and 2 class probabilities; give one for each class",
    ),
    "shares of too much": (
        lambda: cross_entropy([V, V], [1, 1]),
        (
            "cross_entropy takes class probabilities >= 0 that sum to 1, got [1.0, 1.0]; for a "
            "batch give a list of logits for every row"
        ),
    ),
    "shares below 0": (
        lambda: cross_entropy([V, V], [1.5, -0.5]),
        (
            "cross_entropy takes class probabilities >= 0 that sum to 1, got [1.5, -0.5]; for a "
            "batch give a list of logits for every row"
        ),
    ),
    "softmax twice": (
        lambda: cross_entropy(softmax([V, Value(2.0)]), 1),
        (
            "cross_entropy takes logits and applies softmax itself, got outputs of softmax; give "
            "the model output='linear'"
        ),
    ),
    "a model": (
        lambda: l2_penalty(nn.Neuron(2)),
        "l2_penalty takes a list of parameters, got Neuron; pass model.parameters()",
    ),
    "one parameter": (
        lambda: l1_penalty(V),
        "l1_penalty takes a list of parameters, got Value; pass model.parameters()",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_a_reason(case):
    attempt, text = REFUSED[case]
    with pytest.raises((ValueError, TypeError)) as caught:
        attempt()
    assert str(caught.value) == text


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


@pytest.mark.parametrize("backend", ["native", "eager"])
@pytest.mark.parametrize(
    ("loss", "kind", "message"),
    [
        (partial(nn.huber_loss, beta=1.0), TypeError,
         "huber_loss takes these settings by name: delta; got beta; leave it out"),
        (partial(nn.mse_loss, reduction="sum"), TypeError,
         "mse_loss takes these settings by name: none; got reduction; leave it out"),
        (partial(nn.huber_loss, 2.0), TypeError,
         "huber_loss takes these settings by name: delta; got 2.0; leave it out"),
        (partial(nn.huber_loss, delta=Value(2.0)), ValueError,
         "row 0: huber_loss takes a finite delta > 0, got Value(data=2.0, grad=0.0); give a num"),
        (partial(nn.huber_loss, delta="2"), ValueError,
         "row 0: huber_loss takes a finite delta > 0, got '2'; give a number, such as 1.0"),
        (partial(nn.cross_entropy, label_smoothing=Value(0.1)), ValueError,
         "got Value(data=0.1, grad=0.0); give a number, such as 0.1"),
        (partial(nn.cross_entropy, ignore_index=0.5), ValueError,
         "takes ignore_index as a whole number, got 0.5; give one, such as -100"),
    ],
)  # fmt: skip
def test_settings_of_a_loss_that_it_does_not_take(
    loss: Any, kind: type[Exception], message: str, backend: str
) -> None:
    model = nn.MLP(1, [2 if loss.func is nn.cross_entropy else 1], rng=7)
    before = [p.data for p in model.parameters()]
    with pytest.raises(kind) as error:
        nn.fit(model, [[0.1], [0.5]], [1, 0], loss=loss, epochs=1, backend=backend)
    assert message in str(error.value)
    assert [p.data for p in model.parameters()] == before


@pytest.mark.parametrize("name", ["mae", "l1", "huber", "smooth_l1_loss", "poisson_nll"])
def test_the_losses_of_regression_train_natively_as_eagerly(name: str) -> None:
    found = []
    for backend in ("native", "eager"):
        model = nn.MLP(1, [3, 1], rng=7)
        rows = [[0.1], [0.5], [0.9], [1.7]], [1, 0, 2, 4]
        found.append(nn.fit(model, *rows, loss=name, epochs=3, seed=7, backend=backend).loss)
    assert found[0] == pytest.approx(found[1], rel=1e-12)


@pytest.mark.parametrize("made", ["sigmoid", "softmax", "exponentials"])
def test_a_loss_of_logits_refuses_what_the_graph_shows_to_be_probabilities(made: str) -> None:
    logits = [Value(1.0), Value(-2.0)]
    powers = [x.exp() for x in logits]
    total = powers[0] + powers[1]
    outputs = {
        "sigmoid": [x.sigmoid() for x in logits],
        "softmax": softmax(logits),
        "exponentials": [x / total for x in powers],
    }[made]
    got = "sigmoid" if made == "sigmoid" else "softmax"
    with pytest.raises(ValueError, match=f"applies softmax itself, got outputs of {got}"):
        nn.cross_entropy(outputs, 0)
    with pytest.raises(ValueError, match=f"applies sigmoid itself, got outputs of {got}"):
        nn.binary_cross_entropy_with_logits(outputs, [1, 0])
    temperature = Value(2.0)
    assert nn.cross_entropy([x / temperature for x in logits], 0).data > 0


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        (lambda x: -x.sigmoid(), (-1.0, 0.0)),
        (lambda x: engine.sum([x.sigmoid(), x.tanh(), Value(2.0).sigmoid()]), (-1.0, 3.0)),
        (lambda x: abs(x) + x.relu() + x.softplus(), (0.0, math.inf)),
        (lambda x: 3 / (2 + abs(x)), (0.0, 1.5)),
        (lambda x: x.tanh() - 3 * x.sigmoid(), (-4.0, 1.0)),
        (lambda x: x.tanh() / x.tanh(), (-math.inf, math.inf)),
        (lambda x: engine.clamp(x, -2.0, 3.0), (-2.0, 3.0)),
        (lambda x: engine.clamp(x.tanh(), 2.0, 0.5), (2.0, 2.0)),
        (lambda x: engine.maximum(x, x.sigmoid(), 0.5), (0.5, math.inf)),
        (lambda x: engine.minimum(x, x.sigmoid()), (-math.inf, 1.0)),
    ],
)
def test_operations_bound_their_results(made, wanted):
    for number in (-30.0, -0.5, 0.5, 30.0):
        found = made(Value(number))
        assert bounds(found) == wanted
        assert wanted[0] <= found.data <= wanted[1]


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


@pytest.mark.parametrize("share", [-0.1, 1.1, math.nan, "some"])
def test_a_share_to_smooth_is_one(share: object) -> None:
    with pytest.raises(ValueError, match=f"takes label_smoothing from 0 to 1, got {share!r}"):
        cross_entropy([V, V], 0, label_smoothing=share)
    with pytest.raises(ValueError, match="class from 0 to 1 for 2 logits, got -100"):
        cross_entropy([V, V], -100)
    assert cross_entropy([V, V], -1, ignore_index=-1).data == 0.0


@pytest.mark.parametrize("index", ["none", 0.5, math.nan, [1]])
def test_an_index_to_ignore_is_one(index: object) -> None:
    with pytest.raises(ValueError, match=re.escape(f"as a whole number, got {index!r}")):
        cross_entropy([V, V], 0, ignore_index=index)
