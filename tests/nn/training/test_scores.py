"""Outputs that do not fit a loss: probabilities are no scores, and scores no probabilities."""

import functools
import math
from collections.abc import Callable
from typing import Any

import pytest

import engine
import nn
from engine import Value
from nn import Layer, Module, fit
from tests.nn.training.losses import THREE, XS

pytest.importorskip("llvmlite", reason="pip install gradwalk[fast]")


class Ends(Module):
    """A layer and what comes after it."""

    def __init__(self, outputs: int, end: Callable[[Any], Any]) -> None:
        self.layer, self.end = Layer(2, outputs, "linear", rng=1), end

    def __call__(self, x: Any) -> Any:
        return self.end(self.layer(x))


def shares(xs: list[Any]) -> list[Any]:
    powers = [(x - engine.maximum(*xs)).exp() for x in xs]
    total = sum(powers)
    return [power / total for power in powers]


def over_logsumexp(xs: list[Any]) -> list[Any]:
    return [(x - engine.logsumexp(xs)).exp() for x in xs]


def times_reciprocal(xs: list[Any]) -> list[Any]:
    powers = [x.exp() for x in xs]
    return [power * (1 / sum(powers)) for power in powers]


SIGMOIDS: dict[str, Callable[[Any], Any]] = {
    "sigmoid": lambda x: x.sigmoid(),
    "1 / (1 + exp(-x))": lambda x: 1 / (1 + (-x).exp()),
    "a power of -1": lambda x: (1 + (-x).exp()) ** -1,
    "exp(x) / (1 + exp(x))": lambda x: x.exp() / (1 + x.exp()),
    "(tanh(x / 2) + 1) / 2": lambda x: (engine.tanh(x / 2) + 1) / 2,
    "tanh(x / 2) / 2 + 0.5": lambda x: 0.5 * engine.tanh(x / 2) + 0.5,
    "of both signs": lambda x: engine.where(
        x > 0, lambda: 1 / (1 + (-x).exp()), lambda: x.exp() / (1 + x.exp())
    ),
    "the other class": lambda x: 1 - x.sigmoid(),
    "away from its ends": lambda x: engine.clamp(x.sigmoid(), 1e-7, 1 - 1e-7),
    "by maximum and minimum": lambda x: engine.maximum(1e-7, engine.minimum(x.sigmoid(), 0.9)),
}
SOFTMAXES: dict[str, Callable[[Any], Any]] = {
    "softmax": engine.softmax,
    "less the largest": shares,
    "less logsumexp": over_logsumexp,
    "times 1 / total": times_reciprocal,
    "sigmoids": lambda xs: [x.sigmoid() for x in xs],
}
YES = [int(a > 0) for a, _ in XS]
SIGNS = [2 * y - 1 for y in YES]
BACKENDS = pytest.mark.parametrize("backend", ["native", "eager"])


@BACKENDS
@pytest.mark.parametrize("name", SIGMOIDS)
def test_a_sigmoid_is_no_score_however_it_is_written(name: str, backend: str) -> None:
    end, how = SIGMOIDS[name], {"epochs": 1, "progress": False, "backend": backend}
    for loss, ys in (("binary_cross_entropy_with_logits", YES), ("hinge", SIGNS), ("poisson", YES)):
        with pytest.raises(ValueError, match="got outputs of sigmoid; give the model output='lin"):
            fit(Ends(1, end), XS, ys, loss=loss, **how)
    fit(Ends(1, end), XS, YES, loss="binary_cross_entropy", **how)
    with pytest.raises(ValueError, match="got outputs of sigmoid"):
        nn.hinge_loss(end(Value(0.3)), 1)


@BACKENDS
@pytest.mark.parametrize("name", SOFTMAXES)
def test_a_softmax_is_no_score_however_it_is_written(name: str, backend: str) -> None:
    end, how = SOFTMAXES[name], {"epochs": 1, "progress": False, "backend": backend}
    lists = [[int(y == k) for k in range(3)] for y in THREE]
    for loss, ys in (
        ("cross_entropy", THREE),
        (functools.partial(nn.cross_entropy, label_smoothing=0.1), THREE),
        (lambda outputs, targets: nn.cross_entropy(outputs, targets), THREE),
        ("binary_cross_entropy_with_logits", lists),
        ("hinge", [[2 * y - 1 for y in row] for row in lists]),
    ):
        with pytest.raises(
            ValueError, match=r"got outputs of (softmax|sigmoid); give the model ou"
        ):
            fit(Ends(3, end), XS, ys, loss=loss, **how)
    with pytest.raises(ValueError, match="got outputs of"):
        nn.cross_entropy(end([Value(0.3), Value(-1.0), Value(0.5)]), 1)


@BACKENDS
@pytest.mark.parametrize("name", ["exp", "softplus"])
def test_a_count_is_no_logarithm_of_one(name: str, backend: str) -> None:
    with pytest.raises(ValueError, match=f"applies exp itself, got outputs of {name}; give the mo"):
        fit(Ends(1, getattr(Value, name)), XS, YES, loss="poisson", progress=False, backend=backend)


SCORES: dict[str, Callable[[Any], Any]] = {
    "linear": lambda x: x,
    "from 0 to 1 by chance": lambda x: 0.5 + 0.01 * x,
    "3 tanh": lambda x: 3 * x.tanh(),
    "relu": lambda x: x.relu(),
    "silu": lambda x: x.silu(),
    "scaled sigmoid": lambda x: 8 * x.sigmoid(),
    "centred sigmoid": lambda x: x.sigmoid() - 0.5,
}


@BACKENDS
@pytest.mark.parametrize("name", SCORES)
def test_scores_are_no_probabilities(name: str, backend: str) -> None:
    end, how = SCORES[name], {"epochs": 1, "progress": False, "backend": backend}
    fit(Ends(1, end), XS, YES, loss="binary_cross_entropy_with_logits", **how)
    fit(Ends(1, end), XS, SIGNS, loss="hinge", **how)
    fit(Ends(3, lambda xs: [*map(end, xs)]), XS, THREE, loss="cross_entropy", **how)
    temperature = [10 * x for x in engine.softmax([Value(1.0), Value(2.0)])]
    for logits in ([0.25, 0.75], [Value(0.25), Value(0.75)], temperature):
        assert math.isfinite(nn.cross_entropy(logits, 0).data)
