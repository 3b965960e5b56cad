"""Weights: how much the rows of each class count in a loss, and how much each row."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from nn.checks import as_number, is_number, whole
from nn.evaluation.samples import samples
from nn.losses import Classes, Loss, built_in, classes_of, ignored_class, loss_name
from nn.training.data import Data

__all__ = ["ClassWeights", "class_table", "sample_weights"]

ClassWeights: TypeAlias = str | Mapping[Any, float] | Sequence[float]


def sample_weights(loss: Loss, given: Iterable[float], data: Data) -> list[float]:
    """The weight of each row as `fit` takes them, checked."""
    if not built_in(loss):
        raise ValueError(
            f"sample_weight is for losses by name, got {loss_name(loss)}; leave it out, or weigh "
            "the rows in a loss of your own"
        )
    weights = [as_number(weight) for weight in samples(given, "weights")]
    many = len(data.given)
    bad = [weight for weight in weights if not 0 <= weight < math.inf]
    if bad or len(weights) != many or not any(weights):
        got = f"{bad[0]!r}" if bad else f"{len(weights)} with the sum {sum(weights)}"
        raise ValueError(
            f"sample_weight takes a finite number >= 0 for each of the {many} rows, not all of "
            f"them 0, got {got}; give 1 for a row that counts as usual"
        )
    return weights


def class_table(loss: Loss, weights: ClassWeights, data: Data) -> dict[int, float]:
    """The weight of each target as `fit` takes class weights, checked for all targets."""
    classes = classes_of(loss)
    if classes is None:
        raise ValueError(
            "class_weights are for losses of classification by name (cross_entropy, hinge, ...), "
            f"got {loss_name(loss)}; leave them out, or weigh the rows in a loss of your own"
        )
    ignored = ignored_class(loss)
    targets, others = (
        [_class(y) for y in rows.take(rows.counted(ignored)).ys]
        for rows in (data.given, data.validation)
    )
    table = _table(weights, targets, classes)
    for name, weight in table.items():
        if not (is_number(weight) and 0 < weight < math.inf):
            raise ValueError(
                f"class_weights takes finite numbers > 0, got {weight!r} for class {name!r}; leave "
                "out the rows of a class that is not to count"
            )
    for target in dict.fromkeys([*targets, *others]):
        if target not in table:
            raise ValueError(
                f"class_weights has no weight for the target {target!r}, only for "
                f"{', '.join(map(repr, table))}; give one for every class that the rows have"
            )
    return {name: float(weight) for name, weight in table.items()}


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
