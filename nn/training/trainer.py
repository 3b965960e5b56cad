"""Trainer: does a Task, on Values."""

import math
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from typing import Any, NoReturn

from engine import NumericError, Value, no_grad
from engine.core.modes import MODE, recording
from engine.core.value import set_data
from engine.settings import Scope
from nn.checkpoint.files import CheckpointError
from nn.checkpoint.state import State, row
from nn.checks import alone, as_list, as_number, at_least_zero, counted
from nn.evaluation.measure import measure, predict
from nn.evaluation.samples import Rows, by_place, firsts
from nn.losses import LOSSES, built_in, classes_of, of_rows, poisson_loss
from nn.models import chain
from nn.models.architecture import describe, outline
from nn.models.batch import BATCH, Batch
from nn.models.layers import sized
from nn.models.module import evaluating
from nn.models.regularization import BatchNorm, Dropout, too_few
from nn.optim.gradients import clip_grad_norm
from nn.optim.schedules import ReduceLROnPlateau
from nn.training.reach import Reach
from nn.training.task import Task


class Trainer:
    """Learns from batches of rows and measures epochs, on the model's own Values.

    `NativeTrainer` derives from it, and does the same on arrays.

    Attributes:
        backend: how `History.backend` names it.
        located: whether the row of a NumericError is a place in the batch.
    """

    backend = "eager"
    located: bool = True
    arithmetic: Callable[[], AbstractContextManager[Any]] = nullcontext  # to learn in

    def __init__(self, task: Task) -> None:
        self.task: Task = task
        self.rate: float = float(task.optimizer.lr)  # which may be one of NumPy's
        task.optimizer.doubts = False  # there is more to say here
        learned = task.optimizer.params
        self.reach: Reach = Reach(task.model, task.parameters, learned, task.data.rows)
        self._factors: list[float] = []
        self._key = 0  # of the random numbers of a step
        parts, many = task.held.modules, len(task.data.rows)
        self._learning = [part.requires_grad for part in parts]
        self._drops = any(isinstance(part, Dropout) for part in parts)
        size = task.batch_size or many
        if 1 in (many, size, many % size) and any(isinstance(part, BatchNorm) for part in parts):
            too_few(1)
        self._outline = outline(task.model, task.held)
        # others may read any samples
        self._known = known = describe(task.model, task.held, self._outline)
        named = built_in(task.loss) is not None
        for rows in task.data.tables:
            rows.check(True, *["sample"] * (known is not None))
            rows.check(True, *["target"] * named, alike=known is not None)
        if named:
            task.metrics.settle(task.data.tables)
        if known and named:
            self.check_targets(task.data.tables)

    def check_targets(self, tables: Iterable[Rows]) -> None:
        """Raise the errors of a loss by name about targets, with the number of a row.

        Arguments:
            tables: rows; those of one table have outputs of one form.
        """
        loss, model = self.task.loss, self.task.model
        plain, parts = self._known and not self._known.others, chain.row(model)
        if built_in(loss) is LOSSES["binary_cross_entropy"]:  # it takes probabilities alone
            plain = False
        limited = classes_of(loss) or built_in(loss) is poisson_loss  # else any number will do
        for rows in filter(None, tables):
            sample = rows.samples[rows.numbers[0]]
            with recording:  # losses look at the graph of an output
                if plain:  # to the last layer any numbers will do
                    sized(parts[0], sample, chain.widths(parts)[0])  # for its errors
                    output = parts[-1]([0.0] * chain.widths(parts)[-2])
                else:
                    with evaluating(model):
                        output = model(sample)
                    if not all(map(alone, as_list(output))):  # a loss at each place
                        (output, *_), rows = by_place([output] * len(rows), rows)
            for target, place in firsts(rows.ys if limited else rows.ys[:1]).items():
                try:
                    with no_grad():
                        loss(output, target)
                except (TypeError, ValueError) as error:
                    raise type(error)(f"{rows.name(place)}: {error}") from None

    def _explain(self, error: ValueError, rows: Rows) -> NoReturn:
        """Raise an error in the user's terms: the row, and what a training that diverges needs.

        It may be about a row that is not finite itself, or whose output the loss does not take.
        """
        rows.check(False, "sample", "target")
        task, place = self.task, getattr(error, "row", None) if self.located else None
        if not isinstance(error, NumericError) and built_in(task.loss) is None:
            raise error  # of the user's own loss
        xs, ys = rows.xs, rows.ys
        with evaluating(task.model):  # a row alone
            for i in range(len(rows)) if place is None else [place]:
                output = None
                try:
                    output = task.model(xs[i])
                    of_rows(task.loss, [output], [ys[i]])
                except NumericError:
                    place = i
                    break
                except ValueError as wrong:
                    if output is None:  # of the user's own model
                        break
                    raise ValueError(f"{rows.name(i)}: {wrong}") from None
        if not isinstance(error, NumericError):
            raise error
        name = "" if place is None else f"{rows.name(place)}: "
        steps, found = task.optimizer.steps, str(error).removeprefix(f"row {error.row}: ")
        after = counted(steps, "step")
        why = f"diverged after {after}: lower the learning rate ({task.optimizer.lr:g}), clip"
        why = f"{why} the gradients, or" if steps else "no step was done yet, so"
        remedy = "scale the samples and targets to about 1; nn.diagnose() looks for the cause"
        raise type(error)(f"{name}{found}; {why} {remedy}")

    def set_rate(self, epoch: int, waited: int = 0) -> None:
        """Give the optimiser its learning rate for an epoch.

        Arguments:
            waited: how many epochs there were since the last improvement.
        """
        modules = self.task.held.modules if self.task.callbacks else []
        if modules and [part.requires_grad for part in modules] != self._learning:
            fault = "a callback called requires_grad_, which fit reads once, when it begins"
            remedy = "end the fit there (return True) and call fit again for the layers that"
            raise ValueError(f"{fault}; {remedy} learn from then on")
        if len(self._factors) == epoch:
            self._factors.append(self._factor(epoch, waited))
        self.task.optimizer.lr = self.rate * self._factors[epoch]

    def take(self) -> None:
        """Go on with the parameters and the rate that callbacks have left."""
        optimizer, factor = self.task.optimizer, self._factors[-1]
        at_least_zero(type(optimizer).__name__, lr=optimizer.lr)
        if optimizer.lr != self.rate * factor:  # it is for this epoch; the schedule goes on from it
            self.rate = float(optimizer.lr) / (factor or 1.0)
        self.read()

    def learn(self, batch: Sequence[int]) -> None:
        """Do one step on the rows of these numbers. Nothing keeps their graph afterwards."""
        if self._drops:
            self._key = self.task.rng.getrandbits(64)
        try:
            self._learn(batch)
        except ValueError as error:  # a NumericError is one
            self._explain(error, self.task.data.rows.take(batch))

    def _learn(self, batch: Sequence[int]) -> None:
        task, rows = self.task, self.task.data.rows.take(batch)
        with self.reach.watching():
            outputs = self.forward(rows)
        value = rows.loss(task.loss, outputs)
        if not isinstance(value, Value):
            got = f"the loss has to give one Value, got {type(value).__name__}"
            how = "with operators and the functions of engine"
            raise TypeError(f"{got}; compute it from the model's outputs {how}")
        self.reach.check_taken(task.loss, rows)
        self.reach.see(outputs, value)
        for parameter in task.parameters:
            parameter.grad = 0.0
        value.backward()
        if task.clip is not None:
            clip_grad_norm(task.optimizer.params, task.clip)
        task.optimizer.step()

    def forward(self, rows: Rows) -> list[Any]:
        """The model's outputs for a batch, with the random numbers of this step."""
        with Scope(BATCH, Batch(self._key, rows.numbers)):
            return self.task.model.forward_batch(rows.xs)

    def measure(self, table: int) -> dict[str, float]:
        """The loss and the metrics of one of `Data.tables`."""
        try:
            found = self._measure(table)
            if math.isnan(found["loss"]) and MODE.get() == "strict":
                raise NumericError("the loss is nan")
        except ValueError as error:  # a NumericError is one
            self._explain(error, self.task.data.tables[table])
        return found

    def _measure(self, table: int) -> dict[str, float]:
        task = self.task
        return measure(task.model, task.data.tables[table], task.loss, task.metrics)

    def outputs(self, table: int) -> list[Any]:
        """The model's outputs for one of `Data.tables`, as `predict` has them."""
        return predict(self.task.model, self.task.data.tables[table].xs)

    def numbers(self) -> Any:
        """The parameters as they are now, in a new sequence."""
        return [parameter.data for parameter in self.task.parameters]

    def norm(self) -> float:
        """The root of the sum of the squares of the parameters that learn."""
        return math.hypot(*[p.data for p in self.task.optimizer.params])

    def sync(self, numbers: Any = None) -> None:
        """Make the Values have the parameters that training has reached, or the numbers given."""
        if numbers is not None:
            set_data(self.task.parameters, numbers)

    def measured(self) -> dict[str, float]:
        """The numbers of an epoch for `History.log`."""
        self.reach.tell()
        found = self.measure(0)
        if self.task.monitor == "objective":
            decay = getattr(self.task.optimizer, "weight_decay", 0.0)
            found["objective"] = found["loss"] + decay / 2 * self.norm() ** 2
        if self.task.data.validation:
            found |= {f"val_{name}": x for name, x in self.measure(1).items()}
        return found

    def confusion(self) -> list[list[int]] | None:
        """The matrix for `History.confusion`, or None if it was not asked for."""
        if not self.task.metrics.confusion:
            return None
        table = 1 if self.task.data.validation else 0
        return self.task.metrics.matrix(self.outputs(table), self.task.data.tables[table])

    def state_dict(self) -> dict[str, Any]:
        """The parameters, what the optimiser remembers, and the factors of the schedule so far."""
        self.sync()
        optimizer = self.task.optimizer.state_dict() | {"lr": self.rate}
        memory = optimizer.pop("memory")
        return {
            "parameters": row(self.numbers()),
            "optimizer": optimizer,
            "memory": row([x for numbers in memory for x in numbers]),
            "sizes": row([len(numbers) for numbers in memory]),
            "factors": row(self._factors),
        }

    def load_state_dict(self, state: State) -> None:
        """Go on from there, if the schedule gives the same factors."""
        optimizer, about = self.task.optimizer, state.entry("optimizer", dict)
        factors, numbers = state.floats("factors"), state.floats("parameters", len(self.numbers()))
        plateau = isinstance(self.task.schedule, ReduceLROnPlateau)  # a setting, compared as one
        if not plateau and [*map(self._factor, range(len(factors)))] != factors:
            got = f"{state.source} is of a training with another schedule of the learning rate"
            raise CheckpointError(f"{got}; resume with the same, or start anew with resume=False")
        sizes, memory = state.counts("sizes"), state.floats("memory")
        state.need(sum(sizes) == len(memory), "memory")
        state.need(about.keys() == optimizer.state_dict().keys() - {"memory"}, "optimizer")
        each = iter(memory)
        try:
            optimizer.load_state_dict(about | {"memory": [[*islice(each, n)] for n in sizes]})
        except (TypeError, ValueError):
            state.need(False, "optimizer")
        self.rate, self._factors = optimizer.lr, factors
        Trainer.sync(self, numbers)  # the Values alone
        self.read()

    def read(self) -> None:
        """Go on with what the Values and the optimiser hold."""

    def _factor(self, epoch: int, waited: int = 0) -> float:
        """The schedule's factor for the next epoch. Raises ValueError where it gives none."""
        schedule = self.task.schedule
        if isinstance(schedule, ReduceLROnPlateau):
            return self._factors[-1] * schedule(waited) if self._factors else 1.0
        factor = 1.0 if schedule is None else schedule(epoch)
        if not 0 <= as_number(factor) < math.inf:
            got = f"got {factor!r:.60} for epoch {epoch}; return one like 1 / (1 + epoch)"
            raise ValueError(f"a schedule gives a finite factor >= 0 for every epoch, {got}")
        return float(factor)
