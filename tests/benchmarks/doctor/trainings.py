"""Healthy trainings, as the text of scripts that a user could have written.

Each is a row of `TRAININGS`: data, network, how it is trained. A script ends with `score`, on rows
that were not learned from: the share that is right, or R2.
"""

from dataclasses import dataclass
from typing import Any

from tests.benchmarks.doctor.parts import (
    BY_HAND,
    BY_NAME,
    DROPOUT,
    FIT,
    HEAD,
    LOOP,
    MICROGRAD,
    MODEL,
    OWN_MODULE,
    OWN_OPERATIONS,
    SCALED,
    SCALED_TARGETS,
)

__all__ = ["TRAININGS", "Data", "Training"]


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

STYLES = {"fit": FIT, "by name": BY_NAME, "loop": LOOP, "micrograd": MICROGRAD}


@dataclass(frozen=True)
class Training:
    """A network learns data, by `fit` or in a loop of one's own.

    Attributes:
        style: how it is trained; see `STYLES`.
        model: the text that makes the model. Empty: an MLP.
        measure: the text of the score. Empty: `nn.accuracy` or `nn.r2_score`.
    """

    data: Data
    hidden: tuple[int, ...]
    activation: str = "relu"
    style: str = "fit"
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
            "lower": self.optimizer.lower(),
            "width": self.hidden[0],
            "more_in": data.n_in + 1,
            "more_out": data.n_out + 1,
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
        parts += [self.model or MODEL, STYLES[self.style]]
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
    "iris, loop": Training(IRIS, (8,), "tanh", "loop", lr=0.04, epochs=20, batch=16),
    "moons, loop": Training(MOONS, (12, 12), style="loop", lr=0.02, epochs=15, batch=16),
    "wine, loop, sgd": Training(
        WINE, (8,), style="loop", optimizer="SGD", lr=0.2, epochs=25, batch=16
    ),
    "diabetes, loop": Training(DIABETES, (6,), "tanh", "loop", lr=0.01, epochs=8, batch=16),
    "iris, 3 layers, loop, sgd": Training(
        IRIS, (8, 8, 8), style="loop", optimizer="SGD", lr=0.1, epochs=25, batch=16
    ),
    "wine, 2 layers, by name": Training(WINE, (16, 8), "tanh", "by name", epochs=40),
    "digits, by name": Training(DIGITS, (24,), style="by name", epochs=25),
    "diabetes, by name": Training(DIABETES, (6,), "tanh", "by name", lr=0.005, epochs=40),
    "moons, sgd, by name": Training(MOONS, (16, 8), "relu", "by name", "SGD", 0.2, epochs=150),
    "iris, as in micrograd": Training(IRIS, (6,), "tanh", "micrograd", "SGD", 0.5, epochs=60),
    "diabetes, as in micrograd": Training(
        DIABETES, (4,), "tanh", "micrograd", "SGD", 0.2, epochs=25
    ),
    "wine, as in micrograd": Training(WINE, (6,), "relu", "micrograd", "SGD", 0.6, epochs=40),
    "breast_cancer, loop": Training(CANCER, (4,), "tanh", "loop", lr=0.02, epochs=3, batch=16),
    "wine, dropout": Training(WINE, (16,), epochs=60, model=DROPOUT, measure=BY_HAND),
    "digits, dropout": Training(DIGITS, (32,), epochs=30, model=DROPOUT, measure=BY_HAND),
    "wine, dropout, loop": Training(
        WINE, (12,), "tanh", "loop", epochs=15, batch=16, model=DROPOUT, measure=BY_HAND
    ),
    "moons, own module": Training(MOONS, (16,), "tanh", lr=0.02, epochs=60, model=OWN_MODULE),
    "wine, own module, loop": Training(
        WINE, (8,), "tanh", "loop", lr=0.02, epochs=10, batch=16, model=OWN_MODULE
    ),
    "moons, own module, loop": Training(
        MOONS, (12,), style="loop", lr=0.02, epochs=15, batch=16, model=OWN_MODULE
    ),
    "moons, own operations": Training(MOONS, (12,), lr=0.03, epochs=60, model=OWN_OPERATIONS),
    "iris, own operations, loop": Training(
        IRIS, (6,), style="loop", lr=0.02, epochs=20, batch=16, model=OWN_OPERATIONS
    ),
}
