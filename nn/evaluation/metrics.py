"""Metrics: accuracy, R2 and the confusion matrix.

They are computed from numbers: the outputs of a model as floats (lists of them where it has
several) and the targets as they were given.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from nn.checks import alone, as_list, as_number, is_number, pick
from nn.evaluation.counting import asks_each, confusion, line_of, share_right, threshold_of
from nn.evaluation.samples import Rows, firsts
from nn.losses import classes_of, ignored_class, loss_name

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
        self._loss, self._usual, self.confusion = loss, threshold_of(model, loss), False
        self._threshold: float | None = None
        named: dict[str, Any] = {"accuracy": self._accuracy, "r2": r2, "confusion": None}
        self.functions: dict[str, Any] = {}
        if classes_of(loss):
            self.functions["accuracy"] = self._accuracy
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
                self.functions[name] = lambda outputs, rows, one=one: one(outputs, rows.ys)
            elif name == "r2" and (known := classes_of(loss)) and known.threshold != 0.5:
                raise ValueError(
                    f"r2 is of numbers, got the classes of {loss_name(loss)}; for classes there "
                    'are "accuracy" and "confusion"'
                )
            elif function := pick(named, name, "metric"):
                self.functions[name] = function
            else:
                self.confusion = True

    def settle(self, tables: Iterable[Rows]) -> None:
        """Count the rows of a training and those of its validation by one rule."""
        if any(asks_each(firsts(rows.ys)) for rows in tables):
            self._threshold = self._usual

    @property
    def names(self) -> list[str]:
        """What is measured, as a checkpoint has it."""
        return [*self.functions, *(["confusion"] if self.confusion else [])]

    def counted(self, outputs: int, rows: Rows) -> tuple[slice | list[int], float | None]:
        """The places of the rows that are counted, and by which line: see `line_of`."""
        places = rows.counted(ignored_class(self._loss))
        line = line_of("accuracy", outputs, rows.take(places), self._usual, self._threshold)
        return slice(None) if len(places) == len(rows) else [*places], line

    def of(
        self, outputs: list[Any], rows: Rows, known: Mapping[str, float] | None = None
    ) -> dict[str, float]:
        """Every metric by its name; those in `known` are not computed again."""
        found = dict(known or {})
        for name, function in self.functions.items():
            if name in found:
                continue
            number = function(outputs, rows)
            if not is_number(number):
                raise TypeError(
                    f"the metric {name!r} gave {type(number).__name__}; return one number, "
                    "computed from the lists of outputs and targets"
                )
            found[name] = float(number)
        return found

    def matrix(self, outputs: list[Any], rows: Rows) -> list[list[int]]:
        """The confusion matrix."""
        return confusion(*self._kept(outputs, rows), self._usual, self._threshold)

    def _accuracy(self, outputs: list[Any], rows: Rows) -> float:
        return share_right(*self._kept(outputs, rows), self._usual, self._threshold)

    def _kept(self, outputs: list[Any], rows: Rows) -> tuple[list[Any], Rows]:
        places = rows.counted(ignored_class(self._loss))
        return [outputs[i] for i in places], rows.take(places)


def r2(outputs: Sequence[Any], rows: Rows) -> float:
    """The coefficient of determination; of several outputs the mean of theirs.

    >>> r2([1.0, 2.0, 3.0], Rows(targets=[1, 2, 4], numbers=range(3)))
    0.7857142857142857
    """
    wanted = []
    for place, (output, target) in enumerate(zip(outputs, rows.ys, strict=True)):
        wanted.append([as_number(y) for y in as_list(target)])
        alike = alone(target) == alone(output) and len(wanted[-1]) == len(as_list(output))
        if not alike or any(map(math.isnan, wanted[-1])):
            raise ValueError(
                f"{rows.name(place)}: r2 compares every output with its target, a number, got "
                f"{output!r:.60} and {target!r:.60}; for classes there are "
                '"accuracy" and "confusion"'
            )
    pairs = zip(zip(*map(as_list, outputs), strict=True), zip(*wanted, strict=True), strict=True)
    found = [_r2(*pair) for pair in pairs]
    return math.fsum(found) / len(found)


def _r2(outputs: Sequence[float], targets: Sequence[float]) -> float:
    try:
        mean = math.fsum(targets) / len(targets)
        missed = math.fsum([(y - x) ** 2 for x, y in zip(outputs, targets, strict=True)])
        spread = math.fsum([(y - mean) ** 2 for y in targets])
    except OverflowError:  # a common factor changes nothing
        top = max(map(abs, [*outputs, *targets]))
        if math.isinf(top):
            return -math.inf
        return _r2([x / top for x in outputs], [y / top for y in targets])
    if spread == 0.0:  # nothing to explain
        return float(missed == 0.0)
    return 1.0 - missed / spread
