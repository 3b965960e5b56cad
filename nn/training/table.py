"""The rows of a training as its programs read them: columns of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.native.needs import numpy
from nn.evaluation.samples import Rows, is_array
from nn.training.own_loss import NotCompilable

__all__ = ["Table", "table_of"]


@dataclass(frozen=True)
class Table:
    """Rows of a program, made of columns when they are asked for.

    Attributes:
        columns: arrays of samples, of targets and of weights, of two dimensions and any real type.
        numbers: which of their rows these are, in their order, as an array.
        lengths: how long all samples are, or an array of how long each is; shorter ones have zeros
            behind them.
    """

    columns: Sequence[Any]
    numbers: Any
    lengths: Any

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, places: Any) -> Any:
        """The rows at these places, a slice or a sequence, as a float64 array."""
        chosen = self.numbers[places]
        parts = [column.take(chosen, axis=0) for column in self.columns]
        return numpy().concatenate(parts, axis=1, dtype="float64")

    def groups(self, places: Any) -> dict[int, Any]:
        """Of the rows at these places, those of each length."""
        places = numpy().asarray(places)
        if isinstance(self.lengths, int):
            return {self.lengths: places}
        found = self.lengths[self.numbers[places]]
        return {int(n): places[found == n] for n in numpy().unique(found)}

    def column(self, i: int) -> Any:
        """One of the columns."""
        return self.columns[i].take(self.numbers, axis=0)


def table_of(rows: Rows) -> tuple[Table, int]:
    """The rows as programs read them, and how long targets are (0 for lone numbers).

    If there are weights, a third column has the weight of each target.
    """
    tall, ys = _column(rows.targets)
    lengths: Any
    try:
        lengths, xs = _column(rows.samples)
    except NotCompilable:
        lengths, xs = _padded(rows.samples)
    ws = [] if rows.weights is None else [numpy().array(rows.weights)[:, None]]
    return Table([xs, ys, *ws], numpy().asarray(rows.numbers), lengths), tall


def _padded(given: Sequence[Any]) -> tuple[Any, Any]:
    """The length of each sample, and an array of them with zeros behind the shorter ones."""
    np = numpy()
    try:
        lengths, flat = np.array([*map(len, given)]), np.concatenate(given)
    except (TypeError, ValueError) as error:
        raise NotCompilable(f"the rows are not lists of numbers: {error}") from error
    if not is_array(flat) or flat.ndim > 1 or not all(lengths):
        raise NotCompilable("the rows are not lists of numbers")
    column = np.zeros((len(lengths), lengths.max()))
    column[np.arange(lengths.max()) < lengths[:, None]] = flat
    return lengths, column


def _column(given: Sequence[Any]) -> tuple[int, Any]:
    """How long each of the samples or targets is (0 for a lone number), and an array of them."""
    try:
        column = numpy().asarray(given)
        if column.dtype == object and not any(isinstance(x, str) for x in column.flat):
            column = column.astype("float64")
    except (TypeError, ValueError) as error:
        raise NotCompilable(f"the rows are not lists of numbers of one length: {error}") from error
    if not is_array(column) or column.ndim > 2 or not column.size:
        raise NotCompilable("the rows are not lists of numbers")
    return (0, column[:, None]) if column.ndim == 1 else (column.shape[1], column)
