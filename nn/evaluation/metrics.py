"""Metrics: accuracy, R2 and the confusion matrix.

They are computed from numbers: the outputs of a model as floats (lists of them where it has
several) and the targets as they were given.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from nn.checks import is_number, pick, whole
from nn.evaluation.plane import largest
from nn.losses import classes_of

__all__ = [
    "Asked",
    "Metric",
    "Metrics",
    "confusion",
    "r2",
    "right_rows",
    "share_right",
    "threshold_of",
]

Metric: TypeAlias = Callable[[list[Any], list[Any]], float]
Asked: TypeAlias = str | Metric | Iterable[str | Metric]


class Metrics:
    """What `fit` measures beside the loss.

    Arguments:
        asked: names and functions, or one of them.
        loss: accuracy is measured, asked for or not, where this is one of classification.
        model: where the loss has no classes, the model's `output` decides the threshold.
    """

    def __init__(self, asked: Asked | None, loss: Any, model: object) -> None:
        self._loss, self._model, self.confusion = loss, model, False
        self.functions: dict[str, Metric] = {}
        if classes_of(loss):
            self.functions["accuracy"] = self._accuracy
        named: dict[str, Metric | None] = {"accuracy": self._accuracy, "r2": r2, "confusion": None}
        listed = [asked] if isinstance(asked, str) or callable(asked) else asked or []
        for one in listed:
            name = getattr(one, "__name__", type(one).__name__) if callable(one) else one
            if callable(one):
                taken = name in ("loss", *named, *self.functions) or name.startswith("val_")
                if taken or name == "<lambda>":
                    raise ValueError(
                        f"a metric is listed by the name of its function, and {name!r} is taken or "
                        "no name; def it with one of its own"
                    )
                self.functions[name] = one
            elif function := pick(named, name, "metric"):
                self.functions[name] = function
            else:
                self.confusion = True

    @property
    def names(self) -> list[str]:
        """What is measured, as a checkpoint has it."""
        return [*self.functions, *(["confusion"] if self.confusion else [])]

    def threshold(self, several: bool) -> float | None:
        """As `threshold_of` has it for this loss and model."""
        return threshold_of(self._model, several, self._loss)

    def of(
        self, outputs: list[Any], targets: list[Any], known: Mapping[str, float] | None = None
    ) -> dict[str, float]:
        """Every metric by its name; those in `known` are not computed again."""
        found = dict(known or {})
        for name, function in self.functions.items():
            if name in found:
                continue
            number = function(outputs, targets)
            if not is_number(number):
                raise TypeError(
                    f"the metric {name!r} gave {type(number).__name__}; return one number, "
                    "computed from the lists of outputs and targets"
                )
            found[name] = float(number)
        return found

    def matrix(self, outputs: list[Any], targets: Sequence[Any]) -> list[list[int]]:
        """The confusion matrix."""
        return confusion(outputs, targets, self.threshold(isinstance(outputs[0], list)))

    def _accuracy(self, outputs: list[Any], targets: list[Any]) -> float:
        return share_right(outputs, targets, self.threshold(isinstance(outputs[0], list)))


def threshold_of(model: object, several: bool, loss: object = None) -> float | None:
    """An output above this threshold means yes. None: the class is that of the largest output.

    Arguments:
        several: whether the model gives a list, which may be of one output.
        loss: what it was trained with, if that is known.
    """
    if known := classes_of(loss):
        return known.threshold
    if several:
        return None
    return 0.5 if getattr(model, "output", None) == "sigmoid" else 0.0


def share_right(outputs: Sequence[Any], targets: Sequence[Any], threshold: float | None) -> float:
    """The share of samples whose outputs are right, from 0 to 1."""
    right = 0
    for output, target in zip(outputs, targets, strict=True):
        found, wanted = _decided(output, target, threshold)
        right += found == wanted
    return right / len(outputs)


def right_rows(outputs: Any, targets: Any, threshold: float | None, several: bool) -> Any:
    """Whether each row of an array of outputs is right, by the rule of `share_right`.

    Arguments:
        outputs: an array of shape (rows, outputs). targets: (rows, 1) or (rows, outputs).
        threshold: an output above it means yes; None takes the largest output.
        several: whether the model gives a list, which may be of one output.
    """
    if not several:
        return (outputs[:, 0] > (threshold or 0.0)) == (targets[:, 0] > 0.5)
    if targets.shape[1] > 1 and threshold is not None:
        return ((outputs > threshold) == (targets > 0.5)).all(axis=1)
    wanted = targets.argmax(axis=1) if targets.shape[1] > 1 else targets[:, 0]
    return outputs.argmax(axis=1) == wanted


def confusion(
    outputs: Sequence[Any], targets: Sequence[Any], threshold: float | None
) -> list[list[int]]:
    """How often each class (a row) was taken for each class (a column)."""
    size = len(outputs[0]) if isinstance(outputs[0], list) else 0
    if size and threshold is not None:
        raise ValueError(
            "a confusion matrix is of one question, got several yes-or-no outputs for each sample; "
            "make one of each output with a metric of your own, or leave it out"
        )
    matrix = [[0] * (size or 2) for _ in range(size or 2)]
    for output, target in zip(outputs, targets, strict=True):
        found, wanted = _decided(output, target, threshold)
        if size and (whole(wanted) is None or not 0 <= wanted < size):
            raise ValueError(
                f"a confusion matrix of {size} outputs has classes from 0 to {size - 1}, got "
                f"{target!r}; classes are counted from 0"
            )
        matrix[int(wanted)][found] += 1
    return matrix


def r2(outputs: Sequence[Any], targets: Sequence[Any]) -> float:
    """The coefficient of determination; of several outputs the mean of theirs.

    >>> r2([1.0, 2.0, 3.0], [1, 2, 4])
    0.7857142857142857
    """
    pairs = [_numbers(*pair) for pair in zip(outputs, targets, strict=True)]
    found, wanted = (list(zip(*rows, strict=True)) for rows in zip(*pairs, strict=True))
    return math.fsum(map(_r2, found, wanted)) / len(found)


def _r2(outputs: Sequence[float], targets: Sequence[float]) -> float:
    mean = math.fsum(targets) / len(targets)
    missed = math.fsum([(y - x) ** 2 for x, y in zip(outputs, targets, strict=True)])
    spread = math.fsum([(y - mean) ** 2 for y in targets])
    if spread == 0.0:  # nothing to explain
        return float(missed == 0.0)
    return 1.0 - missed / spread


def _numbers(output: Any, target: Any) -> tuple[list[float], list[float]]:
    """An output and its target as lists of one length."""
    found = output if isinstance(output, list) else [output]
    listed = hasattr(target, "__iter__")
    wanted = [float(y) for y in target] if listed else [float(target)]
    if listed != isinstance(output, list) or len(found) != len(wanted):
        raise ValueError(
            f"r2 compares every output with its target, got {output!r} and {target!r}; for classes "
            'there are "accuracy" and "confusion"'
        )
    return found, wanted


def _decided(output: Any, target: Any, threshold: float | None) -> tuple[Any, Any]:
    """What a model answers to a sample, and what is right.

    Both are yes or no, the number of a class, or a list of yes or no.
    """
    if isinstance(target, str):  # which would pass for a list, since it can be iterated
        raise ValueError(
            f"targets are numbers of classes, got {target!r}; write each as its class, like "
            "names.index(target)"
        )
    if not isinstance(output, list):
        return output > (threshold or 0.0), float(target) > 0.5
    if not hasattr(target, "__iter__"):
        return largest(output), float(target)
    if threshold is None:
        return largest(output), largest(list(target))
    pairs = [_decided(*pair, threshold) for pair in zip(output, target, strict=True)]
    return [found for found, _ in pairs], [wanted for _, wanted in pairs]
