"""Metrics: accuracy, R2 and the confusion matrix.

They are computed from numbers: the outputs of a model as floats (lists of them where it has
several) and the targets as they were given. One rule says which answers are right: accuracy and the
confusion matrix are counted by it.
"""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from math import fsum, inf, isclose, isinf, isnan
from operator import and_, eq
from statistics import fmean
from typing import Any, TypeAlias

from nn.checks import alone, as_list, as_number, is_number, pick, whole
from nn.evaluation.plane import largest
from nn.evaluation.samples import Rows, firsts
from nn.losses import classes_of, ignored_class, loss_name

Metric: TypeAlias = Callable[[list[Any], list[Any]], float]
Asked: TypeAlias = str | Metric | Iterable[str | Metric]

MATRIX = "a confusion matrix"


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
        """Count the rows of a training and those of its validation by one rule, if they are."""
        counted = self.confusion or "accuracy" in self.functions
        if counted and any(asks_each(firsts(rows.ys)) for rows in tables):
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
        if not alike or any(map(isnan, wanted[-1])):
            raise ValueError(
                f"{rows.name(place)}: r2 compares every output with its target, a number, got "
                f"{output!r:.60} and {target!r:.60}; for classes there are "
                '"accuracy" and "confusion"'
            )
    pairs = zip(zip(*map(as_list, outputs), strict=True), zip(*wanted, strict=True), strict=True)
    found = [_r2(*pair) for pair in pairs]
    return fsum(found) / len(found)


def _r2(outputs: Sequence[float], targets: Sequence[float]) -> float:
    try:
        mean = fsum(targets) / len(targets)
        missed = fsum([(y - x) ** 2 for x, y in zip(outputs, targets, strict=True)])
        spread = fsum([(y - mean) ** 2 for y in targets])
    except OverflowError:  # a common factor changes nothing
        top = max(map(abs, [*outputs, *targets]))
        if isinf(top):
            return -inf
        return _r2([x / top for x in outputs], [y / top for y in targets])
    if spread == 0.0:  # nothing to explain
        return float(missed == 0.0)
    return 1.0 - missed / spread


# --- which answers are right ---------------------------------------------------------------------
def threshold_of(model: object, loss: object = None) -> float:
    """The output above which an answer is yes, by the loss of a training, else by the model."""
    if known := classes_of(loss):
        return known.threshold or 0.0
    return 0.5 if getattr(model, "output", None) == "sigmoid" else 0.0


def line_of(
    who: str, outputs: int, rows: Rows, usual: float, threshold: float | None = None
) -> float | None:
    """The line above which an output means yes; None where the largest output is the class.

    The class is asked for where there are several outputs, and every target is the number of a
    class or a list of class probabilities, which sum to 1. Other lists say yes or no to each
    output: 0 or 1, or -1 or +1; a share from 0 to 1 is rounded.

    Arguments:
        who: what is counted. outputs: how many outputs there are.
        usual: the line where there is no threshold.
        threshold: with it, lists of targets say yes or no whatever they are.

    Raises ValueError for a target that is no such answer, with its row.
    """
    first = firsts(ys := rows.ys)
    listed = [y for y in first if isinstance(y, tuple)]
    fits: Callable[[float], bool] = _is_share
    if -1 in first or any(-1 in y for y in listed):
        fits = {-1.0, 1.0}.__contains__
    elif who == MATRIX and outputs == 1:
        fits = {0.0, 1.0}.__contains__
    for target, place in first.items():
        fault, remedy = _fault(who, outputs, target, fits)
        if fault:
            raise ValueError(f"{rows.name(place)}: {fault}, got {ys[place]!r:.60}; {remedy}")
    if outputs > 1 and threshold is None and not asks_each(first):
        return None
    return usual if threshold is None else threshold


def _fault(who: str, outputs: int, target: Any, fits: Callable[[float], bool]) -> tuple[str, str]:
    """What is wrong with a target, and the remedy; "" where nothing is."""
    several = target if isinstance(target, tuple) else (target,)
    if any(isinstance(y, str) for y in several):
        return "targets are numbers of classes", "write each as its class, like names.index(target)"
    if outputs > 1 and several is not target:
        fault = f"{who} of {outputs} outputs has classes from 0 to {outputs - 1}"
        return fault * (whole(target) not in range(outputs)), "classes are counted from 0"
    if len(several) != outputs:
        return f"{who} takes a target for each output, {outputs} in all", "give one for each"
    fault = f"{who} has targets 0 and 1, or -1 and +1"
    wrong = not all(fits(as_number(y)) for y in several)
    return fault * wrong, "for numbers that are no classes there is r2"


def _is_share(target: float) -> bool:
    return 0 <= target <= 1


def asks_each(targets: Iterable[Any]) -> bool:
    """Whether some target is a list that is no distribution: then lists say yes or no to each."""
    lists = [y for y in targets if isinstance(y, tuple) and all(map(is_number, y))]
    return not all(min(y) >= 0 and isclose(sum(y), 1, rel_tol=1e-6) for y in lists)


def decided(outputs: Any, targets: Any, line: float | None) -> tuple[list[Any], list[Any]]:
    """What outputs answer, and what is right: the number of a class, or a yes or no for each.

    Arguments:
        outputs, targets: a number for each output of one row; or an array, of whose rows each is
            an output for all rows. A single target of several outputs is the number of a class.
        line: see `line_of`.
    """
    if len(outputs) > 1 and (line is None or len(targets) == 1):
        return [largest(outputs)], [largest(targets) if len(targets) > 1 else targets[0]]
    return [x > line for x in outputs], [y > 0.5 for y in targets]


def right(outputs: Any, targets: Any, line: float | None) -> Any:
    """Whether every answer is right: a bool for one row, an array of them for an array.

    >>> right([0.1, 0.7], [1], None), right([0.1, 0.7], [0, 1], 0.5), right([-3.0], [1], 0.0)
    (True, True, False)
    """
    return reduce(and_, map(eq, *decided(outputs, targets, line)))


def _most(outputs: Sequence[Any]) -> int:
    """How many outputs a row has; the most, where rows have several lengths."""
    return max(map(len, outputs)) if hasattr(outputs[0], "__len__") else 1


def share_right(
    outputs: Sequence[Any], rows: Rows, usual: float, threshold: float | None = None
) -> float:
    """The share of rows whose answers are all right, from 0 to 1; 0 where there are no rows."""
    if not len(rows):
        return 0.0
    line = line_of("accuracy", _most(outputs), rows, usual, threshold)
    given: Any = outputs, rows.ys
    try:  # of many rows it takes long one by one
        array = sys.modules["numpy"].array
        found, wanted = [array(x, "float64").reshape(len(rows), -1).T for x in given]
        answers = right(found, wanted, line)
    except (KeyError, TypeError, ValueError):  # no numpy, or rows of several lengths
        answers = [right(as_list(x), as_list(y), line) for x, y in zip(*given, strict=True)]
    return fmean(answers)


def confusion(
    outputs: Sequence[Any], rows: Rows, usual: float, threshold: float | None = None
) -> list[list[int]]:
    """How often each class (a row) was taken for each class (a column)."""
    size = _most(outputs)
    line = line_of(MATRIX, size, rows, usual, threshold)
    if size > 1 and line is not None:
        raise ValueError(
            "a confusion matrix is of one question, got several yes-or-no outputs for each sample; "
            "make one of each output with a metric of your own, or leave it out"
        )
    matrix = [[0] * max(size, 2) for _ in range(max(size, 2))]
    for output, target in zip(outputs, rows.ys, strict=True):
        (found,), (wanted,) = decided(as_list(output), as_list(target), line)
        matrix[int(wanted)][found] += 1
    return matrix
