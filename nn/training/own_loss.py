"""Losses of the user's own in native trainings: those that are means over rows."""

import math
import operator
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

from engine import Value, no_grad, numeric_mode
from engine.core.modes import recording
from nn.checks import as_list, counted
from nn.evaluation.programs import COMPARED
from nn.evaluation.samples import Rows, firsts, hashable
from nn.losses import Loss, of_rows
from nn.models.module import Module, evaluating
from nn.training.task import NotCompilable

MOST = 1000  # different targets that a loss is tried on


class OwnLoss:
    """A loss as a function of one row. Raises NotCompilable where it is no mean over rows.

    Where targets are lists of several lengths it may be the mean over all their places instead.

    What it gives for a row is recorded while targets have no numbers. A decision on a target is an
    error then, or it shows on the rows that the loss is tried on: they have all targets there are,
    or many of them.
    """

    def __init__(self, loss: Loss, model: Module) -> None:
        self._loss, self._model, self._by_place = loss, model, False

    def __call__(self, output: Any, target: Any) -> Value:
        """The loss of one row."""
        return self._of([output], [target])

    def _of(self, outputs: list[Any], targets: list[Any]) -> Value:
        try:
            found = of_rows(self._loss, outputs, targets)
        except Exception as error:
            fault = f"the loss cannot be tried on {counted(len(outputs), 'row')}"
            raise NotCompilable(f"{fault}: {type(error).__name__}: {error}") from error
        if not isinstance(found, Value):
            raise NotCompilable(f"the loss gave {type(found).__name__} for one row, not a Value")
        return found

    def check_model(self, rows: Rows) -> None:
        """Check that for two rows the loss is the mean of what it is for each, or of their places.

        So what is no mean is not compiled in vain.
        """
        sizes = firsts([len(as_list(y)) for y in rows.ys])
        rows = rows.take([*dict.fromkeys([*sizes.values(), *few(rows)])][:2])
        with evaluating(self._model), numeric_mode("ieee"), recording:  # losses look at graphs
            outputs = [self._model(x) for x in rows.xs]
            losses = [float(x) for x in map(self, outputs, rows.ys)]
            try:
                self.check(rows, outputs, losses)
            except NotCompilable:
                self._by_place = len(sizes) > 1
                if not self._by_place:
                    raise
                rows = self.weighed(rows)
                self.check(rows, outputs, [*map(operator.mul, rows.ws, losses)])

    def weighed(self, rows: Rows) -> Rows:
        """The rows, with their numbers of places as weights if it is the mean over these."""
        if not self._by_place:
            return rows
        return replace(rows, weights=[len(as_list(y)) for y in rows.targets])

    def check(self, rows: Rows, outputs: Sequence[Any], losses: Sequence[float]) -> None:
        """Check that the loss of these rows is the mean of these, each times a row's weight."""
        with evaluating(self._model), numeric_mode("ieee"), no_grad():
            wanted = float(self._of([*map(_lifted, outputs)], rows.ys))
        found = math.fsum(losses) / math.fsum(rows.ws)
        size = max(fmean(map(abs, losses)), abs(wanted))
        if math.isfinite(wanted) and not abs(found - wanted) <= 1e-9 * size:
            fault = f"the loss of {len(losses)} rows is {wanted:.6g}, and {found:.6g} as the mean"
            remedy = 'one that is no mean, or that changes in a training, needs backend="eager"'
            raise NotCompilable(f"{fault} of what it was for each; {remedy}")


def _lifted(output: Any) -> Any:
    """An output of numbers as one of Values, as a model gives it."""
    several = isinstance(output, list | tuple)
    return [*map(_lifted, output)] if several else Value(float(output))


def few(rows: Rows) -> range:
    """The places of some rows from everywhere."""
    return range(0, len(rows), -(-len(rows) // COMPARED))


def various(rows: Rows, most: int = MOST) -> list[int]:
    """The places of some rows, and of the first with each target, or with the most frequent."""
    first = firsts(targets := [*map(hashable, rows.ys)])
    often = [first[y] for y, _ in Counter(targets).most_common(most)]
    return [*dict.fromkeys([*few(rows), *often])]
