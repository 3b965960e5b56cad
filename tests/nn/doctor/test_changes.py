"""What the doctor's remedies change in the copy of a training."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from engine.wording.names import number
from nn import MLP, SGD, Adam, Dropout, Layer, Module, Sequential, fit
from nn.doctor import changes
from nn.doctor.trials import Training
from nn.losses import LOSSES
from nn.models.layers import Layer as Row
from tests.nn.doctor.reports import keep

RNG = random.Random(5)
XS = [[RNG.gauss(3.0, 2.0), 7.0, float(i)] for i in range(30)]
YS = [float(i % 3 == 0) + i % 2 for i in range(30)]


def training(loss: Any = "mse", ys: Any = YS, model: Any = None, optimizer: Any = None) -> Training:
    model = model or MLP(3, [4, 2, 1], "tanh", rng=1)
    how = {"epochs": 2, "batch_size": 8, "seed": 1, "progress": False, "patience": None}
    optimizer = optimizer or (lambda p: Adam(p, lr=0.02, weight_decay=0.5))
    return Training.of(fit(model, XS, ys, loss=loss, optimizer=optimizer, clip=1.0, **how))


def shown(t: Training) -> str:
    """All of a training that a change may be of."""
    parts = [part for part in t.model.modules() if isinstance(part, Row)]
    lines = [repr(t.model), f"lr {t.optimizer.lr:g}, {t.epochs} epochs, {t.settings}"]
    lines += [f"decay {getattr(t.optimizer, 'weight_decay', None)}, classes {t.classes}"]
    lines += [f"loss {next((k for k, v in LOSSES.items() if v is t.loss), 'own')}"]
    lines += [f"{len(t.optimizer.params)} learn, remembered {[*map(len, t.optimizer.memory)]}"]
    lines += [f"drops {part.p}" for part in t.model.modules() if isinstance(part, Dropout)]
    for part in parts:
        first = part.neurons[0]
        weights = ", ".join(number(w.data) for w in first.w)
        kinds = {str(n.activation) for n in part.neurons}
        lines.append(f"{part!r} {kinds}: {weights}; {number(first.b.data)}")
    lines += [f"{[*map(number, x)]} -> {y!r}" for x, y in zip(t.xs[:4], t.ys[:4], strict=True)]
    return "\n".join(lines)


def frozen() -> Training:
    model = MLP(3, [4, 2, 1], "tanh", rng=1)
    model.layers[0].requires_grad_(False)
    return training(model=model)


def grouped() -> Training:
    model = MLP(3, [4, 2, 1], "tanh", rng=1)
    groups = [
        {"params": layer.parameters(), "lr": 0.1 * (i + 1)} for i, layer in enumerate(model.layers)
    ]
    return training(model=model, optimizer=SGD(groups, lr=0.1))


def dropped() -> Training:
    layers = Layer(3, 4, "relu", 1), Dropout(0.9, 1), Layer(4, 1, "linear", 2)
    return training(model=Sequential(*layers))


def classes(outputs: int, many: int) -> Callable[[], Training]:
    def make() -> Training:
        model = MLP(3, [4, outputs], "tanh", output="tanh", rng=1)
        ys: Any = [(i * 7 % many) + 2.0 for i in range(30)]
        ys = [[float(y == 2.0), float(y != 2.0)] for y in ys] if outputs > 1 else ys
        return training("mse", ys, model)

    return make


def scores(many: int) -> Training:
    return training("cross_entropy", [i % many for i in range(30)], MLP(3, [4, many], rng=1))


class Own(Module):
    """A model that is no row of layers."""

    def __init__(self) -> None:
        self.only = Layer(3, 1, "linear", 1)

    def __call__(self, x: Any) -> Any:
        return self.only(x)


CASES: dict[str, tuple[Callable[[], Training], Callable[[Training], None]]] = {
    "rate": (training, lambda t: changes.rate(0.5, t)),
    "setting": (training, lambda t: changes.setting("clip", None, t)),
    "optimizer": (training, lambda t: changes.of_optimizer("weight_decay", 0.0, t)),
    "epochs": (training, lambda t: changes.more_epochs(10, t)),
    "learn all": (frozen, changes.learn_all),
    "learn": (grouped, changes.learn),
    "fresh": (training, changes.fresh),
    "inputs": (training, changes.standard_inputs),
    "targets": (training, changes.standard_targets),
    "targets in lists": (lambda: training(ys=[[y] for y in YS]), changes.standard_targets),
    "hidden": (training, lambda t: changes.activation("relu", True, t)),
    "last": (training, lambda t: changes.activation("sigmoid", False, t)),
    "wider": (dropped, lambda t: changes.wider(8, t)),
    "not narrower": (training, lambda t: changes.wider(3, t)),
    "two classes": (classes(1, 2), changes.classify),
    "two classes of two": (classes(2, 2), changes.classify),
    "three classes": (classes(1, 3), changes.classify),
    "numbers": (lambda: scores(3), changes.regress),
    "dropout": (dropped, lambda t: changes.dropout(0.1, t)),
    "mean": (training, changes.mean_of_rows),
    "both": (training, lambda t: changes.both(changes.fresh, lambda t: changes.rate(2.0, t), t)),
}


@pytest.mark.parametrize("name", CASES)
def test_a_change_is_what_it_was(name: str) -> None:
    make, change = CASES[name]
    made = make()
    change(made)
    keep(f"change: {name}", shown(made))


@pytest.mark.parametrize(
    "change", [lambda t: changes.wider(8, t), lambda t: changes.replaced(t, t.model.only, 2)]
)
def test_layers_of_a_model_of_ones_own_are_not_replaced(change: Callable[[Training], None]) -> None:
    with pytest.raises(TypeError, match="the layers of this model cannot be replaced"):
        change(training(model=Own()))
