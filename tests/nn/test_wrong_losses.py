"""What losses refuse, with a reason, and how they see it in the graph."""

import math
import re
from functools import partial
from typing import Any

import pytest

import engine
import nn
from engine import Value, softmax
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
