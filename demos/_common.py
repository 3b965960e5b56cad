"""What the stories share: data with a held-out part, scaling, opinions, and where results go."""

import math
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine import Value
from engine.drawing import LayoutError, to_dot, to_svg
from engine.native.needs import numpy
from nn import MLP
from nn.evaluation.programs import answers

__all__ = [
    "Data",
    "Row",
    "Stage",
    "hardest",
    "inputs",
    "last_layer",
    "misses",
    "probabilities",
    "scaling",
]

Row = Sequence[float]


@dataclass(frozen=True)
class Data:
    """Samples, one row of features each, and the class of each as an index into `classes`."""

    xs: list[list[float]]
    ys: list[int]
    features: list[str]
    classes: list[str]

    @classmethod
    def of(cls, bunch: Any) -> "Data":
        """What one of scikit-learn's `load_...` functions gave, as plain numbers and words."""
        kinds = [str(kind) for kind in bunch.target_names]
        return cls(bunch.data.tolist(), bunch.target.tolist(), [*bunch.feature_names], kinds)

    def split(self, seed: int, share: float = 0.3) -> tuple["Data", "Data"]:
        """Hold out a share of each class, chosen by the seed: (to learn from, to test on)."""
        rng = random.Random(seed)
        train: list[int] = []
        test: list[int] = []
        for kind in range(len(self.classes)):
            members = [i for i, y in enumerate(self.ys) if y == kind]
            rng.shuffle(members)
            cut = round(len(members) * share)
            test += members[:cut]
            train += members[cut:]
        return self._rows(train), self._rows(test)

    def _rows(self, chosen: list[int]) -> "Data":
        return replace(self, xs=[self.xs[i] for i in chosen], ys=[self.ys[i] for i in chosen])

    def columns(self, *chosen: int) -> "Data":
        """The samples with only some of their features."""
        xs = [[x[j] for j in chosen] for x in self.xs]
        return replace(self, xs=xs, features=[self.features[j] for j in chosen])

    def map(self, change: Callable[[Row], list[float]]) -> "Data":
        """The samples with every row changed."""
        return replace(self, xs=[change(x) for x in self.xs])


def scaling(train: Data) -> Callable[[Row], list[float]]:
    """Make the function that gives every feature mean 0 and spread 1 over the training samples.

    Over those only: figures taken from the held-out part would tell the model about it.

    >>> scale = scaling(Data([[1.0, 5.0], [3.0, 7.0]], [0, 1], ["a", "b"], ["no", "yes"]))
    >>> scale([2.0, 8.0])
    [0.0, 2.0]
    """
    columns = list(zip(*train.xs, strict=True))
    means = [math.fsum(column) / len(column) for column in columns]
    spreads = [
        math.sqrt(math.fsum((x - mean) ** 2 for x in column) / len(column)) or 1.0
        for column, mean in zip(columns, means, strict=True)
    ]
    return lambda row: [(x - m) / s for x, m, s in zip(row, means, spreads, strict=True)]


def probabilities(model: Any, rows: Any) -> Any:
    """How likely each class is for each row: the model's scores as an array of shares of 1.

    A single score is that of the second class against the first.

    >>> from nn import Neuron
    >>> neuron = Neuron(1, "linear", rng=7)
    >>> neuron.w[0].data = 1.0
    >>> probabilities(neuron, [[0.0], [800.0]]).tolist()
    [[0.5, 0.5], [0.0, 1.0]]
    """
    np, scores = numpy(), answers(model, rows)
    if scores.shape[1] == 1:
        scores = np.hstack([np.zeros_like(scores), scores])
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def misses(model: MLP, data: Data) -> list[bool]:
    """For each sample, whether the class that the model finds likeliest is the wrong one."""
    said = probabilities(model, data.xs).argmax(axis=1).tolist()
    return [answer != y for answer, y in zip(said, data.ys, strict=True)]


def hardest(model: MLP, data: Data) -> int:
    """The index of the sample whose true class the model finds least likely: the largest loss."""
    likely = probabilities(model, data.xs)
    return min(range(len(data.ys)), key=lambda i: float(likely[i, data.ys[i]]))


def inputs(data: Data, i: int) -> list[Value]:
    """Sample i as Values that carry the names of the features, for a graph to look at."""
    names = [name.removesuffix(" (cm)") for name in data.features]  # scaled, it has no unit
    return [Value(x, name) for x, name in zip(data.xs[i], names, strict=True)]


def last_layer(model: MLP, row: Row) -> Value | list[Value]:
    """What a model answers, with a graph of its last layer only.

    A whole network of some hundred values makes no picture to look at, so what the hidden layers
    answered is cut off and given as leaves. Their gradients are what backpropagation hands down.
    """
    signal: Any = [Value(x) for x in row]
    for layer in model.layers[:-1]:
        signal = layer(signal)
    leaves = [Value(value.data, f"hidden {i}") for i, value in enumerate(signal)]
    found: Value | list[Value] = model.layers[-1](leaves)
    return found


@dataclass(frozen=True)
class Stage:
    """Where a story plays: its name, the directory for its pictures, and what the user asked.

    `pictures` collects the files that it leaves. `eager` asks for a comparison with Values alone.
    """

    name: str
    out: Path
    seed: int
    epochs: int | None
    pictures: list[Path] = field(default_factory=list)
    eager: bool = False

    def rounds(self, usual: int) -> int:
        """The epochs to train for: what the user asked, or what the story usually takes."""
        return self.epochs or usual

    def path(self, picture: str) -> Path:
        """The file for a picture of this story, such as `out/iris-loss.png`."""
        self.pictures.append(self.out / f"{self.name}-{picture}")
        return self.pictures[-1]

    def report(self, wrong: list[bool], who: str = "") -> None:
        """Print the share of held-out samples that a model gets right."""
        right = wrong.count(False)
        print(f"test accuracy{who}: {right / len(wrong):.1%} ({right} of {len(wrong)})")

    def graph(self, loss: Value) -> None:
        """Save the graph of a loss, with its gradients."""
        loss.label = "loss"
        loss.zero_grad()
        loss.backward()
        self.draw("graph", loss)

    def draw(self, picture: str, values: Any, **how: Any) -> None:
        """Save the graph of some values, drawn so, as SVG (as DOT where nothing draws)."""
        try:
            svg = to_svg(values, **how)
        except LayoutError as error:
            print(f"the graph is saved as DOT text only: {error}", file=sys.stderr)
            self.path(f"{picture}.dot").write_text(to_dot(values, **how), encoding="utf-8")
        else:
            self.path(f"{picture}.svg").write_text(svg, encoding="utf-8")
