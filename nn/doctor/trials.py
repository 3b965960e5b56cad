"""Trials: a remedy is applied to a copy of a training, which then trains beside an unchanged copy.

Both begin with the same numbers and take the same batches. How good they are is measured on rows
that neither learns from: by the mean over the classes of how many were right, or by R2. All of that
is decided by counts and not by clocks, so that the same training gets the same report.
"""

import math
import random
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy, deepcopy
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean
from typing import Any

from engine.core.value import set_data
from nn.checks import as_list, as_number
from nn.evaluation.measure import predict
from nn.evaluation.metrics import r2
from nn.evaluation.samples import Rows
from nn.losses import classes_of
from nn.models.module import Contents, Module
from nn.optim.optimizers import Optimizer
from nn.training.fit import fit
from nn.training.history import LAST, History

ROWS = 1_500  # that a trial takes at most
VISITS = 2e8  # of a weight by a row, at most; they take a fifth of a second natively
STEPS = 6_000  # at most
EAGER = 200  # times fewer, where Values are trained
HELD = 3  # of so many rows one is held out
FEWEST = 12  # rows of which some can be held out
FAILED = -1.0  # the score of a training that diverges


@contextmanager
def aside() -> Iterator[None]:
    """What is trained inside the block is not the last training of the user."""
    last = [*LAST]
    try:
        yield
    finally:
        LAST.clear()
        LAST.extend(last)


@dataclass(eq=False)
class Training:
    """A copy of a training, with everything that a remedy may change."""

    model: Module
    optimizer: Optimizer
    xs: list[Any]
    ys: list[Any]
    loss: Any
    epochs: int
    settings: dict[str, Any]
    learned: Sequence[int]
    held: Sequence[int]
    native: bool

    @classmethod
    def of(cls, history: History, fold: int = 0) -> "Training":
        """A copy of a training as it began.

        Arguments:
            fold: which of the rows are held out.
        """
        start: Any = history.start
        task = start.task
        optimizer = copy(task.optimizer)
        optimizer.memory, optimizer.steps, optimizer.lr = [], 0, start.rate
        model, optimizer = deepcopy((task.model, optimizer))
        optimizer.memory = [()] * len(optimizer.params)
        held = Contents(model).parameters
        set_data(list(dict.fromkeys([*held, *optimizer.params])), start.numbers)
        rows = chosen(len(task.data.given), ROWS)
        xs, ys = ([column[i] for i in rows] for column in (task.data.given.xs, task.data.given.ys))
        order = random.Random(fold).sample(range(len(rows)), len(rows))
        many = len(rows) // HELD if len(rows) >= FEWEST else 0
        weights = task.data.samples and [task.data.samples[i] for i in rows]
        settings = {name: getattr(task, name) for name in ("batch_size", "schedule", "clip")}
        classes = dict(task.data.classes) if task.data.classes else None
        settings |= {"class_weights": classes, "sample_weight": weights}
        native = history.backend == "native"
        learned, kept_out = sorted(order[many:]), sorted(order[:many] or order)
        made = cls(
            model, optimizer, xs, ys, task.loss, task.epochs, settings, learned, kept_out, native
        )
        made.epochs = min(task.epochs, made.affordable())
        return made

    def affordable(self) -> int:
        """How many epochs a trial may take."""
        rows, size = len(self.learned), self.settings["batch_size"] or len(self.learned)
        visits = rows * max(len(self.optimizer.params), 1)
        most = min(VISITS / visits, STEPS / math.ceil(rows / size))
        return max(int(most if self.native else most / EAGER), 1)

    def cost(self) -> float:
        """About how many seconds a trial takes, by what it has to do."""
        rows, size = len(self.learned), self.settings["batch_size"] or len(self.learned)
        steps, visits = math.ceil(rows / size), rows * len(self.optimizer.params)
        seconds = self.epochs * (steps * 2.5e-5 + visits * 1.5e-9)
        return 0.012 + seconds * (1 if self.native else EAGER)

    @cached_property
    def classes(self) -> list[Any]:
        """The classes, where the targets are some; else nothing."""
        return classes_in(self.ys, classes_of(self.loss) is not None)

    def score(self) -> float:
        """Train it, and say how good it is on the rows held out: 1 at most."""
        settings = dict(self.settings)
        if weights := settings["sample_weight"]:
            settings["sample_weight"] = [weights[i] for i in self.learned]
        xs, ys = ([column[i] for i in self.learned] for column in (self.xs, self.ys))
        how: dict[str, Any] = {"loss": self.loss, "optimizer": self.optimizer, **settings}
        how |= {"epochs": self.epochs, "seed": 0, "patience": None, "progress": False}
        try:
            with warnings.catch_warnings(), aside():
                warnings.simplefilter("ignore")
                fit(self.model, xs, ys, **how)
                return self.judge(self.model)
        except (ValueError, ArithmeticError):  # a NumericError is one: it diverges
            return FAILED

    def judge(self, model: Module) -> float:
        """How good a model is on the rows held out."""
        outputs = predict(model, [self.xs[i] for i in self.held])
        targets = [self.ys[i] for i in self.held]
        if not all(math.isfinite(x) for output in outputs for x in as_list(output)):
            return FAILED
        if not self.classes:
            return max(r2(outputs, Rows(targets=targets, numbers=range(len(targets)))), FAILED)
        right: dict[Any, list[bool]] = {}
        for output, target in zip(outputs, targets, strict=True):
            wanted = class_of(target)
            right.setdefault(wanted, []).append(self.answer(output) == wanted)
        return fmean(map(fmean, right.values()))

    def answer(self, output: Any) -> Any:
        """The class that an output stands for."""
        known = classes_of(self.loss)
        if isinstance(output, list):
            return max(range(len(output)), key=output.__getitem__)
        if known and known.threshold is not None:
            return (known.targets or (0, 1))[output > known.threshold]
        return min(self.classes, key=lambda each: abs(each - output))


def classes_in(targets: Sequence[Any], sure: bool) -> list[Any]:
    """The classes that targets are, if they can be some: few, unless it is sure that they are."""
    found = Counter(map(class_of, targets))
    few = len(found) <= min(20, len(targets) / 3)
    return sorted(found) if None not in found and (few or sure) else []


def class_of(target: Any) -> Any:
    """The class that a target is, if it can be one: a whole number, or one of several that is 1."""
    if isinstance(target, list | tuple) or hasattr(target, "tolist"):
        several = as_list(target)
        if len(several) > 1:
            best = max(range(len(several)), key=lambda i: as_number(several[i]))
            return best if sorted(map(as_number, several))[-2:] == [0.0, 1.0] else None
        target = several[0]
    number = as_number(target)
    return number if number.is_integer() else None


def chosen(many: int, most: int) -> Sequence[int]:
    """All row numbers, or so many at random."""
    return range(many) if many <= most else sorted(random.Random(0).sample(range(many), most))
