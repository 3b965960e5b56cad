"""Training as machine code: the graph of one row is recorded once and run over whole batches.

The model, the loss and the gradients are the same graphs as ever; the optimiser's formulas run on
arrays as they do on numbers. The Values get their numbers when the training is over.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from typing import Any

from engine import ControlFlowError, Program, Value, gradient, inputs, no_grad, numeric_mode
from engine.native.lower.tape import record_tape
from engine.native.needs import available, numpy
from nn.evaluation.measure import Loss, Row
from nn.evaluation.metrics import Metrics
from nn.losses import LOSSES
from nn.models.architecture import describe
from nn.models.module import Module
from nn.optim.gradients import check_finite
from nn.optim.optimizers import Optimizer
from nn.training.class_weights import Weighted
from nn.training.isolation import on_trial
from nn.training.shards import Work
from nn.training.workers import Team

__all__ = ["NativeTrainer", "Unfit"]

TRIED = 8  # rows on which a recorded model is held against itself


class Unfit(ValueError):
    """Why a training cannot run natively."""


class NativeTrainer:
    """The same as EagerTrainer, on arrays. Raises Unfit where the training is no fixed program."""

    backend = "native"

    def __init__(
        self,
        executor: Executor | None,
        model: Module,
        loss: Loss,
        tuner: Optimizer,
        parameters: Sequence[Value],
        rows: Sequence[Row],
        held_out: Sequence[Row],
        clip: float | None,
        metrics: Metrics,
    ) -> None:
        if not available():
            raise Unfit("llvmlite or numpy is missing (pip install gradwalk[fast])")
        weights = loss.weights if isinstance(loss, Weighted) else None
        self._weighted = weights is not None
        self.loss = loss = loss.loss if isinstance(loss, Weighted) else loss
        if loss not in LOSSES.values():
            raise Unfit("a loss of your own is a function of a whole batch, not of each row")
        if type(tuner).step is not Optimizer.step:
            raise Unfit(f"{type(tuner).__name__} has a step of its own; give it an update instead")
        self.tuner, self.clip, self.parameters = tuner, clip, parameters
        self._shape, table = _matrix(rows, weights)
        tables = [table, _matrix(held_out, weights)[1]] if held_out else [table]
        self.metrics = metrics
        self._targets, self._judged = [y for _, y in rows], [y for _, y in held_out]
        with on_trial(model) as drew:
            _check_targets(model, loss, [*rows, *held_out])
            step = self._program(model.train(), learn=True)
            forward = self._program(model.eval(), learn=False)
            if drew():
                raise Unfit("the model draws random numbers, as dropout does")
        self._team = Team(Work(step, forward, tables), executor)
        if not describe(model):  # what an MLP computes is known
            with on_trial(model):  # as it is without a record
                self._compare(model, rows[:TRIED])
        place = {p: i for i, p in enumerate(parameters)}
        self._learned = numpy().array([place[p] for p in tuner.params])
        self.reload()
        self.confusion()  # for its errors, before anything changes

    def reload(self) -> None:
        """Go on from the numbers that the Values and the optimiser have by now."""
        array, tuner = numpy().array, self.tuner
        self._theta: Any = array([p.data for p in self.parameters])
        self._grads: Any = array([p.grad for p in tuner.params])
        self._memory = tuple(array(column) for column in zip(*tuner.memory, strict=True))

    def _program(self, model: Module, learn: bool) -> Program:
        """The loss of one row, with its gradients or with the outputs."""
        width, targets = self._shape
        xs = inputs(*[f"x{i}" for i in range(width or 1)])
        ys = inputs(*[f"y{i}" for i in range(targets or 1)])
        ws = inputs("w") if self._weighted else []
        tapes = []
        for _ in range(2):  # a model that draws random numbers is another one each time
            try:
                found = model(xs if width else xs[0])
                loss = self.loss(found, ys if targets else ys[0])
                loss = loss * ws[0] if ws else loss
            except (ControlFlowError, TypeError) as error:
                raise Unfit(f"the model cannot be recorded: {error}") from error
            tapes.append(record_tape([*xs, *ys, *ws], self.parameters, [loss])[0])
        if tapes[0].structure() != tapes[1].structure():
            raise Unfit("the model computes something else each time, as dropout does")
        self._listed = isinstance(found, list | tuple)
        if learn:
            wanted = [loss, *gradient(loss, self.tuner.params), *ws]
            return Program([*xs, *ys, *ws], wanted, self.parameters, reduce="sum")
        wanted = [loss, *(found if self._listed else [found])]
        return Program([*xs, *ys, *ws], wanted, self.parameters)

    def _compare(self, model: Module, rows: Sequence[Row]) -> None:
        """Hold the programs against the model, which may look at numbers that no record has."""
        work, theta = self._team.work, [p.data for p in self.parameters]
        table = work.tables[0][: len(rows)]
        weights = table[:, -1].tolist() if self._weighted else [1.0] * len(rows)
        with numeric_mode("ieee"), no_grad():  # what is not finite is an error of the training
            for train, program in ((True, work.step), (False, work.forward)):
                model.train(train)
                losses = [float(self.loss(model(x), y)) for x, y in rows]
                wanted = math.fsum(map(operator.mul, weights, losses)) / len(rows)
                found = program(table, theta)
                got = float(found[0] if train else found[:, 0].sum()) / len(rows)
                if math.isfinite(wanted) and not math.isclose(
                    got, wanted, rel_tol=1e-6, abs_tol=1e-9
                ):
                    raise Unfit(
                        f"the model's loss is {wanted:.6g}, and {got:.6g} when it is recorded; "
                        "does it look at .data, or change from call to call?"
                    )

    def learn(self, batch: Sequence[int]) -> None:
        """One step on the rows of these numbers."""
        tuner = self.tuner
        totals = self._team.totals(self._theta, batch)
        if self._weighted:
            grads = self._grads = totals[1:-1] / totals[-1]
        else:
            grads = self._grads = totals[1:] / len(batch)
        if self.clip is not None:
            norm = math.hypot(*grads.tolist())
            if norm > self.clip:
                grads *= self.clip / norm
        new, *memory = self._update(self._theta[self._learned], grads.copy())
        if not numpy().isfinite(new).all():
            check_finite(f"{type(tuner).__name__}.step", "new value", tuner.params, new.tolist())
        self._theta = self._theta.copy()  # the one before may be kept as the best
        self._theta[self._learned] = new
        self._memory = tuple(memory)
        tuner.steps += 1

    def _update(self, numbers: Any, grads: Any) -> tuple[Any, ...]:
        """The optimiser's formula: those of nn.optim on arrays, one of a user's on numbers."""
        update: Any = self.tuner.update
        if update.__module__ == "nn.optim.optimizers":
            answers: tuple[Any, ...] = update(numbers, grads, self._memory)
            return answers
        memory = list(zip(*[m.tolist() for m in self._memory], strict=True)) or [()] * len(grads)
        each = zip(numbers.tolist(), grads.tolist(), memory, strict=True)
        return tuple(map(numpy().array, zip(*[update(*one) for one in each], strict=True)))

    def measured(self) -> dict[str, float]:
        """What the History says of an epoch."""
        numbers = self._measure(0, self._targets)
        if self._judged:
            judged = self._measure(1, self._judged)
            numbers |= {f"val_{name}": x for name, x in judged.items()}
        return numbers

    def _measure(self, table: int, targets: list[Any]) -> dict[str, float]:
        rows, found = self._team.work.tables[table], self._team.outputs(self._theta, table)
        whole = math.fsum(rows[:, -1].tolist()) if self._weighted else len(found)
        numbers = {"loss": math.fsum(found[:, 0].tolist()) / whole}
        known = {}
        if "accuracy" in self.metrics.functions:  # of many rows it takes long in Python
            threshold = self.metrics.threshold(self._listed)
            width, several = self._shape
            wanted = rows[:, width or 1 :][:, : several or 1]
            right = _right(found[:, 1:], wanted, threshold, self._listed)
            known["accuracy"] = int(right.sum()) / len(right)
        if self.metrics.functions.keys() - known:
            known = self.metrics.of(self._listing(found), targets, known)
        return numbers | known

    def confusion(self) -> list[list[int]] | None:
        """The matrix of the rows to judge by, if it is asked for."""
        if not self.metrics.confusion:
            return None
        outputs = self._listing(self._team.outputs(self._theta, 1 if self._judged else 0))
        return self.metrics.matrix(outputs, self._judged or self._targets)

    def _listing(self, found: Any) -> list[Any]:
        """The outputs as `predict` has them."""
        outputs: list[Any] = (found[:, 1:] if self._listed else found[:, 1]).tolist()
        return outputs

    def numbers(self) -> Any:
        """All parameters as they are now."""
        return self._theta

    def sync(self, numbers: Any = None) -> None:
        """Give the model's Values the numbers, or those that they have here by now."""
        if numbers is not None:
            self._theta = numpy().asarray(numbers)
        for parameter, number in zip(self.parameters, self._theta.tolist(), strict=True):
            parameter.data = number
        for parameter, grad in zip(self.tuner.params, self._grads.tolist(), strict=True):
            parameter.grad = grad
        if self._memory:
            self.tuner.memory = list(zip(*[m.tolist() for m in self._memory], strict=True))


def _matrix(
    rows: Sequence[Row], weights: Mapping[Any, float] | None
) -> tuple[tuple[int, int], Any]:
    """Rows as numbers: samples, targets and (if there are weights) the weight of each.

    And how many there are of the first two, 0 where it is a lone number.
    """
    shapes = {tuple([len(x) if hasattr(x, "__len__") else 0 for x in row]) for row in rows}
    if len(shapes) != 1:
        raise Unfit("the rows are not all of one length")
    (shape,) = shapes
    try:
        columns = [numpy().array(column, dtype="float64") for column in zip(*rows, strict=True)]
    except (TypeError, ValueError) as error:
        raise Unfit(f"the rows are not lists of numbers: {error}") from error
    table = numpy().hstack([column.reshape(len(rows), -1) for column in columns])
    if table.shape[1] != sum(size or 1 for size in shape):
        raise Unfit("the rows are lists of lists")
    if weights is not None:
        table = numpy().column_stack([table, [weights[y] for _, y in rows]])
    return (shape[0], shape[1]), table


def _check_targets(model: Module, loss: Loss, rows: Sequence[Row]) -> None:
    """The errors that the loss has for targets and for the model's outputs, before any step."""
    with no_grad():
        output = model(rows[0][0])
        for target in {tuple(y) if hasattr(y, "__len__") else y for _, y in rows}:
            loss(output, target)


def _right(outputs: Any, targets: Any, threshold: float | None, listed: bool) -> Any:
    """For each row whether its class was found, as metrics.py has it."""
    if not listed:
        return (outputs[:, 0] > (threshold or 0.0)) == (targets[:, 0] > 0.5)
    if targets.shape[1] > 1 and threshold is not None:
        return ((outputs > threshold) == (targets > 0.5)).all(axis=1)
    wanted = targets.argmax(axis=1) if targets.shape[1] > 1 else targets[:, 0]
    return outputs.argmax(axis=1) == wanted
