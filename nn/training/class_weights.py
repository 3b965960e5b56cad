"""Class weights: a loss in which the rows of a rare class count for more."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import engine
from engine import Value
from nn.checks import is_number, whole
from nn.losses import Classes, Loss, classes_of
from nn.training.data import Data

__all__ = ["ClassWeights", "Weighted", "weighted"]

ClassWeights: TypeAlias = str | Mapping[Any, float] | Sequence[float]


class Weighted:
    """A loss of classification, as the mean of its rows weighted by their classes.

    That is `sum(w[y] * loss(x, y)) / sum(w[y])` over the rows of a batch, as PyTorch has it.

    Arguments:
        loss: the loss of one row.
        weights: the weight of each target.

    >>> from nn import hinge_loss
    >>> loss = Weighted(hinge_loss, {-1: 1.0, 1: 3.0})
    >>> loss([Value(0.0), Value(0.5)], [-1, 1]).data
    0.625
    """

    def __init__(self, loss: Loss, weights: Mapping[Any, float]) -> None:
        self.loss, self.weights = loss, weights

    def __call__(self, outputs: Iterable[Any], targets: Iterable[Any]) -> Value:
        """The loss of a batch."""
        targets = list(targets)
        weights = [self.weights[target] for target in targets]
        terms = [self.loss(*pair) for pair in zip(outputs, targets, strict=True)]
        return engine.dot(terms, weights) / math.fsum(weights)


def weighted(loss: Loss, weights: ClassWeights, data: Data) -> Weighted:
    """The loss with class weights as `fit` takes them, checked for all targets of the data."""
    classes = classes_of(loss)
    if classes is None:
        raise ValueError(
            "class_weights are for losses of classification by name (cross_entropy, hinge, ...), "
            f"got {getattr(loss, '__name__', type(loss).__name__)}; leave them out, or weigh the "
            "rows in a loss of your own"
        )
    targets = [_class(y) for y in data.given.ys]
    table = _table(weights, targets, classes)
    for name, weight in table.items():
        if not (is_number(weight) and 0 < weight < math.inf):
            raise ValueError(
                f"class_weights takes finite numbers > 0, got {weight!r} for class {name!r}; leave "
                "out the rows of a class that is not to count"
            )
    for target in dict.fromkeys([*targets, *[_class(y) for y in data.validation.ys]]):
        if target not in table:
            raise ValueError(
                f"class_weights has no weight for the target {target!r}, only for "
                f"{', '.join(map(repr, table))}; give one for every class that the rows have"
            )
    return Weighted(loss, {name: float(weight) for name, weight in table.items()})


def _table(weights: ClassWeights, targets: list[int], classes: Classes) -> dict[int, float]:
    """The weights by target."""
    if isinstance(weights, str):
        if weights != "balanced":
            raise ValueError(
                f'class_weights by name is "balanced", got {weights!r}; or give a mapping from '
                "class to weight, or a list of weights"
            )
        counts = Counter(targets)
        return {name: len(targets) / (len(counts) * counts[name]) for name in sorted(counts)}
    if isinstance(weights, Mapping):
        return dict(sorted([(_class(name), weight) for name, weight in weights.items()]))
    if not hasattr(weights, "__iter__"):
        raise TypeError(
            f"class_weights is a mapping from class to weight, a list of weights or "
            f'"balanced", got {type(weights).__name__}; give one like {{0: 1.0, 1: 5.0}}'
        )
    listed = list(weights)
    if classes.targets is None:
        return dict(enumerate(listed))
    if len(listed) != 2:
        raise ValueError(
            f"class_weights of two classes is a list of 2 weights, got {len(listed)}; give that of "
            "the class no, then that of the class yes"
        )
    return dict(zip(classes.targets, listed, strict=True))


def _class(target: Any) -> int:
    """A target as the number of a class."""
    number = whole(target)
    if number is None:
        raise ValueError(
            f"class_weights needs targets that are numbers of classes, got {target!r}; write each "
            "as its class, or leave the weights out"
        )
    return number
