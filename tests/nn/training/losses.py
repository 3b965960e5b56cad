"""What tests of losses share: targets of several kinds, and a training by both backends."""

import random
from collections.abc import Callable
from typing import Any

import pytest

import engine
from engine import Value
from nn import MLP, fit

_draw = random.Random(3).gauss
XS = [[_draw(0, 1), _draw(0, 1)] for _ in range(60)]
LINE = [2 * a - b for a, b in XS]
THREE = [int(a > 0) + int(b > 0) for a, b in XS]
RARE = [7 if i == 37 else 0 for i in range(60)]
IGNORING = [-100 if i % 7 == 3 else y for i, y in enumerate(THREE)]
Loss = Callable[[list[Any], list[Any]], Value]


def train(loss: Any, ys: Any, outputs: int = 1, backend: str = "auto", **how: Any) -> Any:
    model = MLP(2, [4, outputs], activation="tanh", rng=1)
    how = {"epochs": 3, "seed": 1, "progress": False, "backend": backend, **how}
    history = fit(model, how.pop("xs", XS), ys, loss=loss, **how)
    numbers = [*history.loss, *history.val_loss, *[p.data for p in model.parameters()]]
    return history.backend, numbers, history


def alike(loss: Any, ys: Any, outputs: int = 1, **how: Any) -> str:
    """The backend that was chosen; the other one has to give the same numbers."""
    backend, numbers, history = train(loss, ys, outputs, **how)
    _, wanted, eager = train(loss, ys, outputs, "eager", **how)
    assert numbers == pytest.approx(wanted, rel=1e-9, abs=1e-12)
    assert history.column("accuracy") == eager.column("accuracy")
    return str(backend)


def mean(term: Callable[[Any, Any], Any]) -> Loss:
    return lambda outputs, targets: engine.sum([*map(term, outputs, targets)]) / len(outputs)
