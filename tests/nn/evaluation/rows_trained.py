"""A short training on rows, and a model of one's own."""

from typing import Any

import numpy as np
import pytest

from engine import Value
from nn import MLP, Module, fit

XS = np.random.default_rng(1).normal(size=(40, 3)).round(2)
XS[:, 2] = XS[:, 0] > 0
YS = (XS @ [1.0, -2.0, 0.5]).round(3)
BACKENDS = pytest.mark.parametrize("backend", ["native", "eager"])
HOW = {"loss": "mse", "epochs": 2, "seed": 5, "progress": False, "batch_size": 8}


def net() -> Module:
    return MLP(3, [4, 1], activation="tanh", rng=3)


def train(xs: Any, ys: Any, backend: str = "native", **how: Any) -> list[Any]:
    """The losses and the parameters of a short training."""
    model = how.pop("model", None) or net()
    history = fit(model, xs, ys, backend=backend, **{**HOW, **how})
    return [history.log, [p.data for p in model.parameters()]]


class Scaled(Module):
    """As many outputs as inputs, and an error of the user's own."""

    def __init__(self) -> None:
        self.w = Value(0.5)

    def __call__(self, x: Any) -> Any:
        if -1.0 in x:
            raise ValueError("no -1 here")
        return [self.w * v for v in x]
