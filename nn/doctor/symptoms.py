"""What can be seen of a training: its losses, its rows, its layers."""

import ast
import math
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from statistics import fmean
from typing import Any, NamedTuple

from engine import Value, no_grad, numeric_mode
from engine.source.origin import Place
from engine.source.search import spans, written
from engine.source.traces import changed_at
from engine.wording.names import safe
from nn.checks import alone, as_list, as_number
from nn.doctor.trials import Training, class_of
from nn.evaluation.measure import signals as outputs
from nn.losses import LOSSES, built_in, classes_of, of_rows
from nn.models import chain
from nn.models.layers import Layer
from nn.models.module import Contents, Module, evaluating
from nn.optim.optimizers import RATES
from nn.training.history import History, Start
from nn.training.task import Task

SEEN = 64  # rows on which units are looked at
NEAR = 300  # rows of which the closest ones are looked for


class Scale(NamedTuple):
    """The numbers of a sample's column: their mean, deviation and largest size."""

    mean: float
    spread: float
    size: float


class Symptoms:
    """What is known of a training.

    Attributes:
        history, start: of the training. task: what it was asked to do. begun: a copy as it began.
    """

    def __init__(self, history: History, start: Start) -> None:
        self.history: History = history
        self.start: Start = start
        self.task: Task = start.task
        self.begun: Training = Training.of(history)

    @property
    def losses(self) -> list[float]:
        """The loss of each epoch."""
        return self.history.loss

    @cached_property
    def rises(self) -> float:
        """In which share of the epochs the loss rose."""
        pairs = [*zip(self.losses, self.losses[1:], strict=False)]
        return fmean([after > before for before, after in pairs]) if pairs else 0.0

    @cached_property
    def late(self) -> float:
        """By which share of itself the loss fell in the last quarter of the epochs."""
        if len(self.losses) < 4:
            return 0.0
        then, now = self.losses[-1 - len(self.losses) // 4], self.losses[-1]
        return (then - now) / abs(then) if then else 0.0

    @property
    def usual(self) -> float:
        """The usual rate of this kind of optimiser; 0 where that is not known."""
        return RATES.get(type(self.task.optimizer), 0.0)

    @cached_property
    def rows(self) -> list[list[float]]:
        """The samples; none where they are no lists of numbers of one length."""
        rows = [[*map(as_number, as_list(x))] for x in self.begun.xs]
        return rows if len({*map(len, rows)}) == 1 else []

    @cached_property
    def columns(self) -> list[Scale]:
        """About the columns of the samples."""
        columns = [*zip(*self.rows, strict=True)]
        return [Scale(*spread(c), max(map(abs, c))) for c in columns]

    def column_name(self, i: int) -> str:
        """How the user calls a column."""
        names = self.task.data.given.columns
        return safe(str(names[i])) if names else f"column {i}"

    @cached_property
    def targets(self) -> list[float]:
        """The targets, where each is one number."""
        ys = self.begun.ys
        return [*map(as_number, ys)] if all(map(alone, ys)) else []

    @cached_property
    def counts(self) -> Counter[Any]:
        """How often each class is a target."""
        return Counter(map(class_of, self.begun.ys)) if self.begun.classes else Counter()

    @cached_property
    def missing(self) -> list[int]:
        """Outputs of classes that are never a target."""
        if self.loss != "cross_entropy" or not self.layers or not self.counts:
            return []
        return sorted({*range(len(self.layers[-1].neurons))} - self.counts.keys())

    @cached_property
    def related(self) -> float:
        """How much more the targets of rows that lie close together have in common than those of
        any rows: 1 if all, 0 if nothing.
        """
        chosen = self.rows[:NEAR]
        ys = [*map(class_of, self.begun.ys[:NEAR])] if self.begun.classes else self.targets[:NEAR]
        wild = not all(math.isfinite(column.spread) for column in self.columns)
        if not chosen or not ys or len({*ys}) < 2 or wild:
            return 1.0
        scales = [(c.mean, c.spread or 1.0) for c in self.columns]
        rows = [[(x - m) / s for x, (m, s) in zip(row, scales, strict=True)] for row in chosen]
        order = range(len(rows))
        near = [sorted(order, key=lambda j: math.dist(rows[i], rows[j]))[1:6] for i in order]
        if self.begun.classes:
            alike = fmean(fmean(ys[i] == ys[j] for j in near[i]) for i in order)
            chance = sum((n / len(ys)) ** 2 for n in Counter(ys).values())
            return (alike - chance) / (1.0 - chance)
        missed = fmean((ys[i] - fmean(ys[j] for j in near[i])) ** 2 for i in order)
        return 1.2 - missed / spread(ys)[1] ** 2  # five neighbours have a variance of their own

    @cached_property
    def hopeless(self) -> bool:
        """Whether a copy of the training is not much better than a guess on rows held out."""
        guess = 1.0 / len(self.begun.classes) if self.begun.classes else 0.0
        return Training.of(self.history).score() < guess + 0.35 * (1.0 - guess)

    @cached_property
    def growth(self) -> float:
        """How many times as large the loss of some rows is where each of them comes twice."""
        xs, ys = self.begun.xs[:4], self.begun.ys[:4]
        try:
            with no_grad():
                outputs = [self.begun.model(x) for x in xs]
                once = of_rows(self.task.loss, outputs, ys).data
                twice = of_rows(self.task.loss, outputs * 2, ys * 2).data
        except (TypeError, ValueError, ArithmeticError):
            return 1.0
        return ratio(twice, once)

    @property
    def loss(self) -> str:
        """The name of the loss; "" for one of the user's own."""
        return next((k for k, v in LOSSES.items() if v is built_in(self.task.loss)), "")

    @property
    def classifies(self) -> bool:
        """Whether the loss is one of classification."""
        return classes_of(self.task.loss) is not None

    @cached_property
    def layers(self) -> list[Layer]:
        """The layers of a model that is a row of them, as they began; else none."""
        try:
            with evaluating(self.begun.model), numeric_mode("ieee"):
                found = chain.layers("diagnose", self.begun.model)
                outputs("diagnose", self.begun.model, found, self.begun.xs[0])  # is it a row?
        except (TypeError, ValueError):
            return []
        return [each for each in found if isinstance(each, Layer)]

    @cached_property
    def every(self) -> list[Layer]:
        """All layers of the model, as they began."""
        return [each for each in self.begun.model.modules() if isinstance(each, Layer)]

    @cached_property
    def units(self) -> list[list[list[float]]]:
        """For each layer and unit what it gave for some rows as the training began."""
        return signals(self.begun.model, self.layers, self.begun.xs[:SEEN])

    def set_at(self, values: Sequence[Value]) -> Place | None:
        """The line that set parameters of the copy, one after another, before the training."""
        held = Contents(self.begun.model).parameters
        every = dict.fromkeys([*held, *self.begun.optimizer.params])
        when = dict(zip(every, self.start.changes, strict=True))
        last = {when[value] for value in values}
        if len(last) < max(len(values), 2):
            return None
        origin = changed_at(max(last))
        return origin.place if origin else None

    def at(self, name: str) -> Place:
        """The line of an argument of the call of `fit`."""
        return argument(self.start.place, name)

    def made(self, name: str) -> Place | None:
        """The line of an argument of the optimiser, or else that where it was made."""
        place = self.task.optimizer.place
        if place.line == self.start.place.line and place.file == self.start.place.file:
            return self.at(name)  # fit has made it
        return argument(place, name)


def signals(model: Module, layers: Sequence[Layer], xs: Sequence[Any]) -> list[list[list[float]]]:
    """For each layer and unit what it gives for each sample."""
    found: list[list[list[float]]] = [[[] for _ in layer.neurons] for layer in layers]
    with no_grad(), numeric_mode("ieee"):
        for x in xs:
            signal: Any = as_list(x)
            for layer, units in zip(layers, found, strict=True):
                signal = as_list(layer(signal))
                for unit, value in zip(units, signal, strict=True):
                    unit.append(float(value))
    return found


def spread(column: Sequence[float]) -> tuple[float, float]:
    """The mean of numbers and their deviation, which may be infinite or nan as they may."""
    if min(column) == max(column):
        return column[0], 0.0  # a mean is rounded
    mean = sum(column) / len(column)
    return mean, math.sqrt(sum([(x - mean) * (x - mean) for x in column]) / len(column))


def argument(place: Place, name: str) -> Place:
    """The line of an argument by name of a call that stands at a place, or else that place."""
    around = [call for call in written(place.file, ast.Call) if spans(call, place)]
    found = [each for call in around for each in call.keywords if each.arg == name]
    return Place(place.file, found[0].value.lineno) if found else place


def ratio(a: float, b: float) -> float:
    """How many times the one is the other."""
    return a / b if b else math.inf
