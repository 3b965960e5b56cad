"""The programs of a step. A model with BatchNorm needs several of them.

BatchNorm works with the means and variances of a whole batch, and a program sees one row at a time.
So the graph of a row has leaves that stand for these statistics. For each BatchNorm one program
gives the totals of its inputs x, and one those of `(x - mean)**2`. With the statistics in place,
the main program gives the totals of the loss and of its gradients, by the parameters and by the
statistics. Then the chain rule leads back through the statistics, the last BatchNorm first: a third
program gives the gradients of `a * x + b * (x - mean)**2`, where a and b are those of the loss by
the mean and the variance, over the number of rows. All of these are totals over rows, which workers
can share.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from engine import Program, Value, dot, gradient
from engine.core.modes import recording
from engine.native.needs import numpy
from nn.models.batch import RecordedBatch


class Stages:
    """What has to be computed in a step.

    Arguments:
        batch: what layers have asked for when a row was recorded.
        parameters: of the programs. After their numbers theta has the statistics of each BatchNorm,
            its means and then its variances, and the gradient of the loss by each of these.
        learned: the parameters that learn.
    """

    def __init__(
        self, batch: RecordedBatch, parameters: Sequence[Value], learned: Sequence[Value]
    ) -> None:
        self.batch: RecordedBatch = batch
        self.learned: Sequence[Value] = learned
        self.norms: list[tuple[Any, int]] = [(norm, len(xs)) for norm, xs, _, _ in batch.norms]
        self._shared = [leaf for _, _, *both in batch.norms for leaves in both for leaf in leaves]
        self._pulls = [Value(0.0) for _ in self._shared]
        self.parameters: list[Value] = [*parameters, *self._shared, *self._pulls]
        # of each BatchNorm: where its statistics begin in theta, and where its running ones are
        self._norms, at = list[tuple[int, Any, list[int], list[int]]](), len(parameters)
        for norm, xs, _, _ in batch.norms:
            running = norm.running.mean, norm.running.var
            mean, var = ([self.position[x] for x in held] for held in running)
            self._norms.append((at, norm, mean, var))
            at += 2 * len(xs)

    @cached_property
    def position(self) -> dict[Value, int]:
        """The place of each parameter in theta."""
        return {parameter: i for i, parameter in enumerate(self.parameters)}

    def programs(
        self, leaves: Sequence[Value], loss: Value, weights: Sequence[Value], rows: int
    ) -> list[Program]:
        """The program of the loss, then three for each BatchNorm."""
        inputs, shared, at = [*leaves, *self.batch.masks], self._shared, 0

        def program(outputs: Sequence[Value]) -> Program:
            return Program(inputs, outputs, self.parameters, "sum", rows)

        made = [program([loss, *gradient(loss, [*self.learned, *shared]), *weights])]
        for _, xs, means, _ in self.batch.norms:
            with recording:
                squares = [(x - m) ** 2 for x, m in zip(xs, means, strict=True)]
                gain = dot([*xs, *squares], self._pulls[at : at + 2 * len(xs)])
            pulled = gradient(gain, [*self.learned, *shared[:at]])
            made += [program(xs), program(squares), program(pulled)]
            at += 2 * len(xs)
        return made

    def totals(self, theta: Any, many: int, ask: Callable[[Any, int], Any]) -> tuple[Any, Any]:
        """The totals of a step: of the loss, of its gradients, and of weights if there are some.

        Arguments:
            theta: the numbers of the parameters.
            many: how many rows the batch has.
            ask: gives the totals of one of the programs, by its number.

        Also returns the parameters with running statistics that have moved.
        """
        if not self._norms:
            return ask(theta, 0), theta
        size, learned = len(self._shared), len(self.learned)
        full, moved = numpy().concatenate([theta, numpy().zeros(2 * size)]), theta.copy()
        for i, (at, norm, *running) in enumerate(self._norms):
            for j, held in enumerate(running):
                found = ask(full, 3 * i + j + 1) / many
                full[at : at + len(held)] = found
                at += len(held)
                unbiased = found * many / (many - 1) if j else found
                moved[held] += norm.momentum * (unbiased - moved[held])
        totals = ask(full, 0)
        for i, (at, _, *running) in reversed([*enumerate(self._norms)]):
            wide, first = 2 * len(running[0]), 1 + learned + at - len(theta)
            full[at + size : at + size + wide] = totals[first : first + wide] / many
            pulled = ask(full, 3 * i + 3)
            totals[1 : 1 + len(pulled)] += pulled
        return numpy().delete(totals, range(1 + learned, 1 + learned + size)), moved
