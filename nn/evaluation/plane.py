"""For pictures of the plane of two features: its window, the classes, and how sure a model is."""

import math
from collections.abc import Sequence
from typing import Any

from nn.checks import alone, as_list, as_number


def row(x: Any) -> list[float]:
    """A sample as a list of floats, with nan for what is no number. It may be a single number."""
    return [*map(as_number, as_list(x))]


def in_plane(point: Sequence[float]) -> bool:
    """Whether a sample is two finite numbers."""
    return len(point) == 2 and all(map(math.isfinite, point))


def largest(xs: Any) -> Any:
    """The index of the largest number, the first of several; of an array, that in each column."""
    if hasattr(xs, "argmax"):
        return xs.argmax(axis=0)
    return max(range(len(xs)), key=xs.__getitem__)


def last_activation(model: object) -> object:
    """The name of the activation of the outputs; None where the model does not tell."""
    return getattr(model, "output", getattr(model, "activation", None))


def classes(who: str, outputs: int, targets: Sequence[Any]) -> tuple[int, list[float]]:
    """How many classes there are, and the class of each target.

    With several outputs each is a class; a target is its number, or a list of probabilities. With
    one output there are two classes if the targets are 0 and 1, or -1 and +1. Otherwise it is a
    regression: the count is 0, and the targets are given as numbers.

    Raises ValueError for a target that is no class of several outputs.

    >>> classes("plot", 3, [2, [0.5, 0.1, 0.4]]), classes("plot", 1, [-1, 1])
    ((3, [2, 0]), (2, [0, 1]))
    """
    if outputs == 1:
        numbers = [float(as_list(y)[0]) for y in targets]
        if {*numbers} <= {0.0, 1.0} or {*numbers} <= {-1.0, 1.0}:
            return 2, [int(y > 0.5) for y in numbers]
        return 0, numbers
    plain = [y if alone(y) else largest(list(y)) for y in targets]
    for y in plain:
        if y not in range(outputs):
            expected = f"{who} takes classes from 0 to {outputs - 1} for {outputs} outputs"
            raise ValueError(f"{expected}, got {y!r:.60}; classes are counted from 0")
    return outputs, [int(y) for y in plain]


def shares(outputs: Sequence[float], last: object) -> list[float]:
    """How sure a model is of each class, as shares that sum to 1.

    Arguments:
        outputs: the numbers that the model gives for a sample.
        last: their activation. What is not yet a probability is taken for a logit.

    >>> shares([0.0], "linear"), shares([0.25], "sigmoid"), shares([0.5, 0.5], "softmax")
    ([0.5, 0.5], [0.75, 0.25], [0.5, 0.5])
    """
    several = len(outputs) > 1
    if several and last == "softmax":
        return list(outputs)
    if last == "sigmoid" and not several:
        return [1 - outputs[0], outputs[0]]
    scores = outputs if several else [0.0, outputs[0]]
    powers = [math.exp(score - max(scores)) for score in scores]
    total = sum(powers)
    return [power / total for power in powers]


def window(points: Sequence[Sequence[float]]) -> list[tuple[float, float]]:
    """The lower and the upper corner of the plane, with some room around the samples.

    >>> window([(0.0, 2.0), (1.0, 2.0)])
    [(-0.12, 1.0), (1.12, 3.0)]
    """
    ends = []
    for column in zip(*points, strict=True):
        low, high = min(column), max(column)
        room = 0.12 * (high - low) or 0.5 * max(abs(low), 1.0)
        ends.append((low - room, high + room))
    return list(zip(*ends, strict=True))
