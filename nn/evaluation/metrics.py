"""Metrics: accuracy, R2 and the confusion matrix.

They are computed from numbers: the outputs of a model as floats (lists of them where it has
several) and the targets as they were given. One rule says which answers are right: accuracy and the
confusion matrix are counted by it.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial, reduce
from math import dist, fsum, inf
from operator import and_, eq, or_
from statistics import fmean
from typing import Any, Literal, TypeAlias

from engine.choices import pick
from nn.checks import alone, as_list, is_number
from nn.evaluation.plane import largest
from nn.evaluation.samples import Rows, by_place, columns, for_rows, is_array
from nn.losses import Classes, classes_of, ignored_class, loss_name

Metric: TypeAlias = Callable[[list[Any], list[Any]], float]
MetricName: TypeAlias = Literal["accuracy", "r2", "confusion"]
Asked: TypeAlias = MetricName | Metric | Iterable[MetricName | Metric]

MATRIX, FOR_CLASSES = "a confusion matrix", 'for classes there are "accuracy" and "confusion"'
LARGE = 1 << 14  # rows of which sums may be wrong in the last digits: exact ones take long


class Metrics:
    """What `fit` measures beside the loss.

    Arguments:
        asked: names and functions, or one of them.
        loss: accuracy is measured, asked for or not, where this is one of classification.
        model: where the loss has no classes, the model's `output` decides the threshold.
    """

    def __init__(self, asked: Asked | None, loss: Any, model: object) -> None:
        self._loss, self._usual = loss, threshold_of(model, loss)
        self.confusion: bool = False
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
                    fault = "a metric is listed by the name of its function"
                    remedy = "def it with one of its own"
                    raise ValueError(f"{fault}, and {name!r} is taken or no name; {remedy}")
                self.functions[name] = lambda outputs, rows, one=one: one(outputs, rows.ys)
            elif name == "r2" and (known := classes_of(loss)) and known.threshold != 0.5:
                got = f"r2 is of numbers, got the classes of {loss_name(loss)}"
                raise ValueError(f"{got}; {FOR_CLASSES}")
            elif function := pick(named, name, "metric"):
                self.functions[name] = function
            else:
                self.confusion = True

    def settle(self, tables: Iterable[Rows]) -> None:
        """Count the rows of a training and those of its validation by one rule, if they are."""
        counted = self.confusion or "accuracy" in self.functions
        counted &= classes_of(self._loss) != Classes(None, None)  # where lists are of shares
        if counted and any(asks_each(rows.wanted) for rows in tables):
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
                got = f"the metric {name!r} gave {type(number).__name__}"
                remedy = "return one number, computed from the lists of outputs and targets"
                raise TypeError(f"{got}; {remedy}")
            found[name] = float(number)
        return found

    def matrix(self, outputs: list[Any], rows: Rows) -> list[list[int]]:
        """The confusion matrix."""
        return confusion(*self._kept(outputs, rows), self._usual, self._threshold)

    def _accuracy(self, outputs: list[Any], rows: Rows) -> float:
        return share_right(*self._kept(outputs, rows), self._usual, self._threshold)

    def _kept(self, outputs: list[Any], rows: Rows) -> tuple[list[Any], Rows]:
        outputs, rows = by_place(outputs, rows)
        places = rows.counted(ignored_class(self._loss))
        return [outputs[i] for i in places], rows.take(places)


def r2(outputs: Sequence[Any], rows: Rows) -> float:
    """The coefficient of determination; of several outputs the mean of theirs.

    >>> r2([0.0, 2.0, 0.0, 1.0], Rows(targets=[0, 2, 0, 2], numbers=range(4)))
    0.75
    """
    outputs, rows = by_place(outputs, rows)
    wanted = rows.wanted
    odd = for_rows(lambda xs, ys: len(xs) != len(ys) or some([y != y for y in ys]), outputs, wanted)
    if True in odd:
        place = odd.index(True)
        got = outputs[place].tolist() if is_array(outputs) else outputs[place]
        expected = f"{rows.name(place)}: r2 compares every output with its target, a number"
        both = f"{got!r:.60} and {rows.ys[place]!r:.60}"
        raise ValueError(f"{expected}, got {both}; {FOR_CLASSES}")
    found = [*map(_r2, columns(outputs), columns(wanted))]
    return fsum(found) / len(found)


def _r2(outputs: Any, targets: Any) -> float:
    missed = spread = inf  # where squares overflow
    if len(targets) > LARGE and is_array(targets):
        with sys.modules["numpy"].errstate(all="ignore"):
            misses, moved = targets - outputs, targets - targets[0]
            moved -= moved.mean()
            missed, spread = float(misses @ misses), float(moved @ moved)
    else:
        outputs, targets = [*map(float, outputs)], [*map(float, targets)]
        with suppress(OverflowError):
            alike = min(targets) == max(targets)
            mean = targets[0] if alike else fsum(targets) / len(targets)
            spread = fsum([(y - mean) ** 2 for y in targets])
            missed = fsum([(y - x) ** 2 for x, y in zip(outputs, targets, strict=True)])
    if not (1e-280 < spread < inf and missed < inf):  # numbers of any size
        top = float(max(map(abs, targets))) or 1.0
        far = min(float(max(top, *map(abs, outputs))), sys.float_info.max)
        ys = [y / top for y in targets]
        missed = dist([x / far for x in outputs], [y / far for y in targets]) * (far / top)
        spread = dist(ys, [fmean(ys)] * len(ys))
        # without a spread there is nothing to explain
        return 1.0 - (missed / spread) * (missed / spread) if spread else float(not missed)
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
    wanted = rows.wanted
    signs = True in for_rows(lambda ys: some([y == -1 for y in ys]), wanted)
    no, exact = -1 if signs else 0, signs or (who == MATRIX and outputs == 1)

    def wrong(ys: Any) -> Any:
        if len(ys) == 1 < outputs:
            return (ys[0] < 0) | (ys[0] >= outputs) | (ys[0] // 1 != ys[0])
        odd = [(y != no) & (y != 1) & (exact | (y < 0) | (y > 1) | (y != y)) for y in ys]
        return len(ys) != outputs or some(odd)

    faults = for_rows(wrong, wanted)
    if True in faults:
        place = faults.index(True)
        fault, remedy = _fault(who, outputs, target := rows.ys[place])
        raise ValueError(f"{rows.name(place)}: {fault}, got {target!r:.60}; {remedy}")
    if outputs > 1 and threshold is None and not asks_each(wanted):
        return None
    return usual if threshold is None else threshold


def _fault(who: str, outputs: int, target: Any) -> tuple[str, str]:
    """What is wrong with a target, and the remedy."""
    several = as_list(target)
    if any(isinstance(y, str) for y in several):
        return "targets are numbers of classes", "write each as its class, like names.index(target)"
    if outputs > 1 and alone(target):
        fault = f"{who} of {outputs} outputs has classes from 0 to {outputs - 1}"
        return fault, "classes are counted from 0"
    if len(several) != outputs:
        return f"{who} takes a target for each output, {outputs} in all", "give one for each"
    return f"{who} has targets 0 and 1, or -1 and +1", "for numbers that are no classes there is r2"


def asks_each(targets: Sequence[Any]) -> bool:
    """Whether some target is a list that is no distribution: then lists say yes or no to each."""

    def is_no_distribution(ys: Any) -> Any:
        return len(ys) > 1 and some([y < 0 for y in ys]) | (abs(sum(ys) - 1) > 1e-6)

    return True in for_rows(is_no_distribution, targets)


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


def some(answers: Sequence[Any]) -> Any:
    """Whether any of these is true; of arrays an array that says so for each place."""
    return reduce(or_, answers, False)


def share_right(
    outputs: Sequence[Any], rows: Rows, usual: float, threshold: float | None = None
) -> float:
    """The share of rows whose answers are all right, from 0 to 1; 0 where there are no rows."""
    outputs, rows = by_place(outputs, rows)
    if not len(rows):
        return 0.0
    line = line_of("accuracy", max(for_rows(len, outputs)), rows, usual, threshold)
    return fmean(for_rows(partial(right, line=line), outputs, rows.wanted))


def confusion(
    outputs: Sequence[Any], rows: Rows, usual: float, threshold: float | None = None
) -> list[list[int]]:
    """How often each class (a row) was taken for each class (a column)."""
    outputs, rows = by_place(outputs, rows)
    size = max(for_rows(len, outputs))
    line = line_of(MATRIX, size, rows, usual, threshold)
    if size > 1 and line is not None:
        got = "a confusion matrix is of one question, got several yes-or-no outputs for each sample"
        remedy = "make one of each output with a metric of your own, or leave it out"
        raise ValueError(f"{got}; {remedy}")

    def place(xs: Any, ys: Any) -> Any:
        (found,), (wanted,) = decided(xs, ys, line)
        return wanted * many + found

    many = max(size, 2)
    counts = Counter(for_rows(place, outputs, rows.wanted))
    return [[counts[many * i + j] for j in range(many)] for i in range(many)]
