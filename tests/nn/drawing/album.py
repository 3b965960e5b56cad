"""The album of plots: what `nn.drawing` draws, with where it stands and how it looks.

`python -m tests.nn.drawing.album` writes tests/data/plots.txt; look at plots whose lines change.
Each version of matplotlib measures letters anew, so the file begins with the one that it was
written with.
"""

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib

from engine import Value, numeric_mode
from nn import MLP, BatchNorm, Dropout, Layer, Neuron, Sequential
from nn.drawing import (
    draw_network,
    draw_neuron,
    plot_activations,
    plot_decision,
    plot_features,
    plot_history,
)
from nn.training.history import History
from tests.nn.drawing.looks import lines_of

FILE = Path(__file__).parents[2] / "data" / "plots.txt"


def filled(model: Any, size: float = 1.0) -> Any:
    """Parameters of both signs, few of them alike."""
    for i, parameter in enumerate(model.parameters()):
        parameter.data = size * (i * 5 % 17 - 8) / 8
    return model


def network(*widths: int, output: Any = "linear") -> MLP[Any]:
    model: MLP[Any] = filled(MLP(widths[0], [*widths[1:]], "tanh", output=output, rng=1))
    return model


def neuron(inputs: int, activation: Any, bias: float | None = None) -> Neuron:
    made = Neuron(inputs, activation, rng=1)
    for i, parameter in enumerate(made.parameters()):
        parameter.data = (i * 3 % 7 - 3) / 2
    if bias is not None:
        made.b.data = bias
    return made


def odd(model: Any, many: int, x: list[float]) -> Any:
    """So many weights are no numbers, or 0."""
    with numeric_mode("ieee"):
        numbers = [math.nan, math.inf, 0.0, -0.0][:many]
        for parameter, number in zip(model.parameters(), numbers, strict=False):
            parameter.data = number
        return draw_network(model, x)


def curves(logs: dict[str, list[float]], best: int | None = None) -> Any:
    """A plot of a training with these numbers."""
    found = History(best_epoch=best)
    found.log = [dict(zip(logs, row, strict=True)) for row in zip(*logs.values(), strict=True)]
    return plot_history(found)


def history(*names: str) -> Any:
    """Seven epochs."""
    return curves({n: [1 / (i + k + 1) for i in range(7)] for k, n in enumerate(names)}, 4)


def grid(sides: int) -> list[list[float]]:
    return [[i / 2 - 1, j / 2 - 1] for i in range(sides) for j in range(sides)]


def flat(answer: float) -> Any:
    """It answers this whatever is asked."""
    made = filled(Neuron(2, "linear", rng=1), 0.0)
    made.b.data = answer
    return made


def tied(sign: float) -> Any:
    """Two classes with the same score where the first number is below 0."""
    first, second = Layer(2, 1, "relu", 1), Layer(1, 2, "linear", 1)
    for parameter, x in zip(first.parameters(), (1.0, 0.0, 0.0), strict=True):
        parameter.data = x
    for unit, x in zip(second.neurons, (0.0, sign), strict=True):
        unit.w[0].data = x
    return Sequential(first, second)


def silent(inputs: int, units: int, loud: int = 0) -> Any:
    """Behind a layer that nothing gets through; but the first units get the inputs."""
    first, second = Layer(inputs, 2, "relu", 1), Layer(2, units, "linear", 1)
    for i, unit in enumerate(first.neurons):
        for w in unit.w:
            w.data = float(i)
        unit.b.data = -1.0
    for i, unit in enumerate(second.neurons):
        for w, x in zip(unit.w, (1.0, float(i < loud)), strict=True):
            w.data = x
    return Sequential(first, second)


def mixed() -> Any:
    """Layers of all kinds, and names of layers that are long."""
    parts = Layer(2, 3, "leaky_relu", 1), BatchNorm(3, activation="relu"), Dropout(0.3)
    return filled(Sequential(Dropout(0.1), *parts, Layer(3, 2, "softmax", 1), BatchNorm(2)))


NETWORKS: dict[str, Callable[[], Any]] = {
    "network": lambda: draw_network(network(2, 4, 1)),
    "network with numbers": lambda: draw_network(network(2, 3, 2), [0.5, -1.0]),
    "network of many": lambda: draw_network(network(40, 30, 20, 3), limit=9),
    "network with names": lambda: draw_network(
        network(3, 4, 3, output="softmax"), [1, 2, 3], features=[*"abc"], classes=["x", "yy", "zzz"]
    ),
    "network of one layer": lambda: draw_network(network(2, 3)),
    "network of one weight": lambda: draw_network(filled(Neuron(1, "linear", rng=1)), 2.0),
    "network of five layers": lambda: draw_network(network(1, 2, 3, 4, 5, 2)),
    "network of all kinds": lambda: draw_network(mixed(), [1.0, 2.0]),
    "network without sizes": lambda: draw_network(filled(network(2, 3, 1), 0.0), [0.0, 0.0]),
    "network of odd numbers": lambda: odd(network(2, 3, 1), 4, [1.0, -1.0]),
    "network of no finite numbers": lambda: odd(Neuron(1, "linear", rng=1), 2, [1.0]),
    "network of 9": lambda: draw_network(network(9, 2), [i / 8 for i in range(9)]),
    "network of 16": lambda: draw_network(network(16, 2), [i / 8 for i in range(16)]),
    "network of 17": lambda: draw_network(network(17, 1), [i / 8 for i in range(17)]),
    "network of small numbers": lambda: draw_network(
        filled(network(1, 2, 1), 1e-90), 1.5e-100, limit=3, features=["the feature"]
    ),
}
NEURONS: dict[str, Callable[[], Any]] = {
    "neuron": lambda: draw_neuron(neuron(3, "tanh")),
    "neuron with numbers": lambda: draw_neuron(neuron(2, "relu"), [Value(1.5, "a"), Value(-0.5)]),
    "neuron of many": lambda: draw_neuron(neuron(30, "sigmoid"), [i / 9 for i in range(30)]),
    "neuron of 8": lambda: draw_neuron(neuron(8, "silu"), [i / 9 for i in range(8)]),
    "neuron of 9": lambda: draw_neuron(neuron(9, "leaky_relu"), features=[*"abcdefghi"]),
    "neuron of all 12": lambda: draw_neuron(neuron(12, "elu"), limit=12),
    "neuron of 1000": lambda: draw_neuron(neuron(1000, "linear"), limit=3),
    "linear neuron": lambda: draw_neuron(neuron(1, "linear"), [2.0], features=["size"]),
    "neuron of one number": lambda: draw_neuron(neuron(1, "gelu"), -0.5),
    "neuron with long numbers": lambda: draw_neuron(neuron(1, "linear", -1.2345678e-99), [1e-101]),
    **{
        f"neuron with a sum of {total:g}": partial(
            draw_neuron, neuron(1, "softplus" if total < 1e300 else "linear", total), [0.0]
        )
        for total in (0.0, 3.07, 3.08, 3.5, -3.5, -20.0, 1e6, 4.49e307, 4.5e307)
    },
}
ACTIVATED: dict[str, Callable[[], Any]] = {
    "activations": plot_activations,
    "one activation": lambda: plot_activations("linear"),
    "two activations": lambda: plot_activations("leaky_relu", "tanh"),
    "three activations": lambda: plot_activations("relu", "gelu", "softmax"),
    "four activations": lambda: plot_activations("elu", "silu", "softplus", "sigmoid"),
}
DECISIONS: dict[str, Callable[[], Any]] = {
    "decision": lambda: plot_decision(
        network(2, 3, 1), grid(4), [i % 2 for i in range(16)], features=["length", "width"]
    ),
    "decision of three": lambda: plot_decision(
        network(2, 4, 3), grid(3), [i % 3 for i in range(9)], classes=["p", "q", "r"]
    ),
    "decision of eleven": lambda: plot_decision(
        network(2, 11, output="softmax"), grid(4), [i % 11 for i in range(16)]
    ),
    "decision that is all right": lambda: plot_decision(
        filled(Neuron(2, "sigmoid", rng=1)), [[-1, 0], [1, 0]], [1, 0]
    ),
    "decision at one point": lambda: plot_decision(
        filled(Neuron(2, "tanh", rng=1), 90.0), [[3.0, 3.0]], [-1]
    ),
    "decision without a border": lambda: plot_decision(
        filled(Neuron(2, "linear", rng=1), 0.0), grid(2), [0, 1, 1, 1]
    ),
    "decision that is even on the left": lambda: plot_decision(tied(1.0), grid(3), [0, 1, 1] * 3),
    "decision that is even elsewhere": lambda: plot_decision(tied(-1.0), grid(3), [0, 1, 1] * 3),
    "regression": lambda: plot_decision(network(2, 3, 1), grid(3), [i / 4 for i in range(9)]),
    "regression of one number": lambda: plot_decision(
        filled(Neuron(2, "linear", rng=1), 0.0), [[1, 2], [3, 5]], [0.5, 0.5]
    ),
    "regression from 0 to 1": lambda: plot_decision(flat(1.0), grid(2), [0.0, 0.5, 1.0, 1.0]),
    "regression from 0 to 2.3": lambda: plot_decision(flat(1.0), grid(2), [0.0, 2.3, 1.0, 1.0]),
    "regression that is flat": lambda: plot_decision(flat(2.5), [[1, 2], [3, 5]], [2.5, 2.5]),
}
FEATURED: dict[str, Callable[[], Any]] = {
    "features": lambda: plot_features(network(4, 5, 2)),
    "features as pixels": lambda: plot_features(network(6, 9, 2), shape=(2, 3)),
    "features of a deeper layer": lambda: plot_features(network(4, 6, 5, 2), 1, seed=3),
    "many features": lambda: plot_features(network(3, 40, 1), features=[*"abc"]),
    "features of a neuron": lambda: plot_features(neuron(1, "tanh")),
    "features of 8 inputs": lambda: plot_features(network(8, 7)),
    "features of 9 inputs": lambda: plot_features(network(9, 9)),
    "features of 16 inputs": lambda: plot_features(network(16, 2)),
    "features of 20 inputs": lambda: plot_features(network(20, 2)),
    "features of 21 inputs": lambda: plot_features(network(21, 2)),
    "features of 25 names": lambda: plot_features(network(25, 2), features=range(25)),
    "features of small weights": lambda: plot_features(filled(network(3, 2), 0.3)),
    "features of larger weights": lambda: plot_features(filled(network(3, 2), 2.6)),
    "features of nothing": lambda: plot_features(filled(network(3, 2), 0.0)),
    "features of silent units": lambda: plot_features(silent(2, 1), 1),
    "features of silent pixels": lambda: plot_features(silent(4, 2), -1, shape=(2, 2)),
    "features of some silent units": lambda: plot_features(silent(16, 3, 1), 1),
}
HISTORIES: dict[str, Callable[[], Any]] = {
    "history": lambda: history("loss"),
    "history with more": lambda: history(
        "loss", "accuracy", "r2", "val_loss", "val_accuracy", "val_r2"
    ),
    "history of one epoch": lambda: curves({"loss": [2.0], "val_loss": [1.0]}, 0),
    "history of other names": lambda: curves({"loss": [2.0, 1.0], "acc": [0.1, 1], "F1": [0, 1]}),
    "history of two epochs": lambda: curves({"loss": [2.0, 1.0], "accuracy": [0.25, 1.0]}),
    "history of a tenth": lambda: curves({"loss": [10.0, 3.0, 1.0], "accuracy": [0.1, 0.5, 1]}, 2),
    "history below a tenth": lambda: curves({"loss": [10.5, 3.0, 1.0], "val_loss": [9.0, 5, 2]}),
    "history of a thousandth": lambda: curves({"loss": [1000.0, 30.0, 1.0]}),
    "history by validation": lambda: curves({"loss": [3.0, 2.0, 1.0], "val_loss": [999.0, 5, 2]}),
    "history down to 0": lambda: curves({"loss": [100.0, 30.0, 0.0]}),
    "history below 0": lambda: curves({"loss": [100.0, 1.0, -3.0]}, 2),
}
PLOTS = NETWORKS | NEURONS | ACTIVATED | DECISIONS | FEATURED | HISTORIES


def main() -> None:
    """Write the file anew."""
    lines = [f"matplotlib=={matplotlib.__version__}"]
    lines += [line for name in PLOTS for line in lines_of(name, PLOTS[name]())]
    FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
