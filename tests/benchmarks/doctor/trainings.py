"""Healthy trainings, as the text of scripts that a user could have written.

Each is a row of `TRAININGS`: data, network, how it is trained. A script ends with `score`, on rows
that were not learned from: the share that is right, or R2.
"""

from dataclasses import dataclass
from typing import Any

__all__ = ["TRAININGS", "Data", "Training"]

HEAD = """\
import random

import numpy as np
from sklearn import datasets
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import engine
import nn
from engine import Value, operation
from nn import MLP, SGD, Adam, Dropout, Layer, Module, Sequential, fit

SEED = {seed}
xs, ys = datasets.{load}
xs, x_test, ys, y_test = train_test_split(xs, ys, test_size=0.3, random_state=SEED{stratify})
"""
SCALED = """\
scaler = StandardScaler().fit(xs)
xs, x_test = scaler.transform(xs), scaler.transform(x_test)
"""
SCALED_TARGETS = """\
center, spread = ys.mean(), ys.std()
ys, y_test = (ys - center) / spread, (y_test - center) / spread
"""
FIT = """
history = fit(
    model,
    xs,
    ys,
    loss={loss},
    optimizer=lambda p: {optimizer}(p, lr={lr}),
    epochs={epochs},
    batch_size={batch},
    seed=SEED,
    progress=False,
)
"""
LOOP = """
xs, ys = xs.tolist(), ys.tolist()
optimizer = {optimizer}(model.parameters(), lr={lr})
rng = random.Random(SEED)
order = list(range(len(xs)))
for epoch in range({epochs}):
    rng.shuffle(order)
    for start in range(0, len(order), {batch}):
        batch = order[start : start + {batch}]
        outputs = [model(xs[i]) for i in batch]
        loss = nn.{function}(outputs, [ys[i] for i in batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""
MODEL = """\
model = MLP({n_in}, [{widths}], activation="{activation}", output="{output}", rng=SEED)
"""


@dataclass(frozen=True)
class Data:
    """Samples and targets: how they are loaded, how many inputs and outputs, and the loss."""

    load: str
    n_in: int
    n_out: int
    loss: str

    @property
    def regression(self) -> bool:
        return self.loss == "mse"


def _stored(name: str, n_in: int, n_out: int, loss: str) -> Data:
    return Data(f"load_{name}(return_X_y=True)", n_in, n_out, loss)


IRIS = _stored("iris", 4, 3, "cross_entropy")
WINE = _stored("wine", 13, 3, "cross_entropy")
CANCER = _stored("breast_cancer", 30, 1, "binary_cross_entropy")
DIGITS = _stored("digits", 64, 10, "cross_entropy")
DIABETES = _stored("diabetes", 10, 1, "mse")
MOONS = Data(
    "make_moons(300, noise=0.15, random_state=SEED)", 2, 1, "binary_cross_entropy_with_logits"
)


@dataclass(frozen=True)
class Training:
    """A network learns data, by `fit` or in a loop of one's own.

    Attributes:
        model: the text that makes the model. Empty: an MLP.
        measure: the text of the score. Empty: `nn.accuracy` or `nn.r2_score`.
    """

    data: Data
    hidden: tuple[int, ...]
    activation: str = "relu"
    loop: bool = False
    optimizer: str = "Adam"
    lr: float = 0.01
    epochs: int = 60
    batch: int = 32
    model: str = ""
    measure: str = ""

    @property
    def words(self) -> dict[str, Any]:
        """What the text of a script says of this training."""
        data = self.data
        return {
            "widths": ", ".join(map(str, (*self.hidden, data.n_out))),
            "output": "sigmoid" if data.loss == "binary_cross_entropy" else "linear",
            "stratify": "" if data.regression else ", stratify=ys",
            "function": "mse_loss" if data.regression else data.loss,
            **vars(data),
            **{name: value for name, value in vars(self).items() if name != "data"},
            "loss": repr(data.loss).replace("'", '"'),
        }

    def script(self, seed: int) -> str:
        """The text of the script, with all that is drawn drawn from the seed."""
        judge = "r2_score" if self.data.regression else "accuracy"
        measure = self.measure or f"score = nn.{judge}(model, x_test, y_test)\n"
        parts = [HEAD, SCALED, SCALED_TARGETS if self.data.regression else "", "\n"]
        parts += [self.model or MODEL, LOOP if self.loop else FIT]
        return "".join([part.format(seed=seed, **self.words) for part in parts]) + measure


TRAININGS: dict[str, Training] = {
    "moons": Training(MOONS, (16, 16), epochs=60),
    "iris": Training(IRIS, (8,), "tanh", epochs=100),
    "wine": Training(WINE, (16,), epochs=40),
    "breast_cancer": Training(CANCER, (8,), epochs=40),
    "digits": Training(DIGITS, (32,), epochs=20),
    "diabetes": Training(DIABETES, (8,), "tanh", lr=0.005, epochs=40),
    "moons, 3 layers": Training(MOONS, (12, 12, 12), "tanh", epochs=60),
    "iris, 3 layers, sgd": Training(IRIS, (12, 12, 12), optimizer="SGD", lr=0.1, epochs=100),
    "digits, 2 layers, sgd": Training(DIGITS, (32, 16), optimizer="SGD", lr=0.1, epochs=30),
    "diabetes, 2 layers, sgd": Training(DIABETES, (8, 8), optimizer="SGD", lr=0.02, epochs=40),
    "iris, loop": Training(IRIS, (8,), "tanh", True, lr=0.02, epochs=20, batch=16),
    "moons, loop": Training(MOONS, (12, 12), loop=True, lr=0.02, epochs=15, batch=16),
    "wine, loop, sgd": Training(
        WINE, (8,), loop=True, optimizer="SGD", lr=0.1, epochs=25, batch=16
    ),
    "diabetes, loop": Training(DIABETES, (6,), "tanh", True, lr=0.01, epochs=8, batch=16),
    "iris, 3 layers, loop, sgd": Training(
        IRIS, (8, 8, 8), loop=True, optimizer="SGD", lr=0.1, epochs=25, batch=16
    ),
}
