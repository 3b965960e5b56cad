"""What optimisers refuse, and that nothing is half done then."""

import math

import pytest

import nn
from engine import NumericError, Value
from nn import SGD, Adam, AdamW, Neuron, Optimizer, RMSprop, clip_grad_norm, clip_grad_value
from nn.checks import PLACES
from tests.nn.optim.test_optimizers import graded


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("make", [SGD, Adam, AdamW, RMSprop])
def test_a_bad_gradient_changes_nothing(make, bad):
    parameters = graded(1.0, bad)
    optimizer = make(parameters)
    before = optimizer.state_dict()
    with pytest.raises(NumericError) as caught:
        optimizer.step()
    assert str(caught.value) == (
        f"{make.__name__}.step: the gradient of parameter 'p1' is {bad!r}, so nothing was changed; "
        "nn.diagnose(loss, model) names the line that made it or the nan or infinity that "
        "came in as data, or else lower the learning rate or clip the gradients"
    )
    assert [p.data for p in parameters] == [1.0, 1.0]
    assert optimizer.state_dict() == before


def test_a_step_too_far_changes_nothing():
    parameters = graded(1.0, 1e200)
    parameters[1].label = None
    with pytest.raises(NumericError, match="the new value of parameter number 1 is -inf, so noth"):
        SGD(parameters, lr=1e200).step()
    assert [p.data for p in parameters] == [1.0, 1.0]


def test_an_optimizer_without_an_update_says_so():
    with pytest.raises(NotImplementedError, match=r"write Optimizer\.update\(self, value, grad"):
        Optimizer(graded(1.0), lr=1.0).step()


# --- refusals

REFUSED = {
    "lr": (lambda: SGD(graded(1), lr=-0.1), "SGD takes a finite lr >= 0, got -0.1"),
    "lr nan": (lambda: Adam(graded(1), lr=math.nan), "Adam takes a finite lr >= 0, got nan"),
    "lr text": (lambda: Adam(graded(1), lr="1"), "Adam takes a finite lr >= 0, got '1'"),
    "momentum": (
        lambda: SGD(graded(1), momentum=-1),
        "SGD takes a finite momentum >= 0, got -1",
    ),
    "decay": (
        lambda: AdamW(graded(1), weight_decay=-1),
        "AdamW takes a finite weight_decay >= 0, got -1",
    ),
    "beta": (
        lambda: Adam(graded(1), betas=(0.9, 1.0)),
        "Adam takes betas[1] in [0, 1), got 1.0",
    ),
    "alpha": (lambda: RMSprop(graded(1), alpha=1.5), "RMSprop takes alpha in [0, 1), got 1.5"),
    "eps": (lambda: RMSprop(graded(1), eps=-1), "RMSprop takes a finite eps >= 0, got -1"),
    "nesterov": (
        lambda: SGD(graded(1), nesterov=True),
        (
            "nesterov needs momentum > 0 and dampening = 0, got momentum=0.0 and dampening=0.0; "
            "try SGD(..., momentum=0.9, nesterov=True)"
        ),
    ),
    "none": (
        lambda: SGD([]),
        f"SGD got no parameters; keep Values, not all frozen, in {PLACES}",
    ),
    "a model": (
        lambda: Adam(Neuron(2)),
        "Adam takes a list of parameters, got Neuron; pass model.parameters()",
    ),
    "numbers": (
        lambda: Adam([1.0]),
        "Adam takes Values, parameter 0 is float; pass model.parameters()",
    ),
    "a result": (
        lambda: SGD([Value(1.0), Value(1.0) + Value(2.0)]),
        (
            "SGD takes leaf Values, parameter 1 is the result of add; pass the Values that it "
            "was made from"
        ),
    ),
    "twice": (
        lambda: SGD(graded(1.0) * 2),
        "SGD got the same parameter twice; list every parameter once",
    ),
    "max_norm": (
        lambda: clip_grad_norm(graded(1.0), -1),
        "clip_grad_norm takes a finite max_norm >= 0, got -1",
    ),
    "limit": (
        lambda: clip_grad_value(graded(1.0), math.inf),
        "clip_grad_value takes a finite limit >= 0, got inf",
    ),
    "every": (
        lambda: nn.step_decay(0),
        "step_decay takes every as a whole number >= 1, got 0",
    ),
    "factor": (
        lambda: nn.exponential_decay(-1),
        "exponential_decay takes a finite factor >= 0, got -1",
    ),
    "epochs": (lambda: nn.cosine(0.5), "cosine takes epochs as a whole number >= 1, got 0.5"),
    "rise": (lambda: nn.warmup(0), "warmup takes epochs as a whole number >= 1, got 0"),
    "huge": (
        lambda: nn.cosine(10**20),
        "cosine takes epochs as a whole number >= 1 below 2**63, got 100000000000000000000",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_a_reason(case):
    attempt, text = REFUSED[case]
    with pytest.raises((ValueError, TypeError)) as caught:
        attempt()
    assert str(caught.value) == text
