"""The rows of a training as programs read them, cut into shards for the workers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from engine import Program
from engine.native.needs import numpy
from engine.native.threads import Piece, added, border
from nn.evaluation.samples import Rows, is_array
from nn.models.batch import mask
from nn.training.task import NotCompilable

Stage: TypeAlias = tuple[int, int, int]
MEASURED = 4096  # rows that are measured at once: as a program reads them, they are a copy
JOINED = 1 << 18  # numbers of a table of which such a copy is kept


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
        """The rows at these places, a slice, a range or a sequence, as a float64 array."""
        if isinstance(places, range) and places.step == 1:
            places = slice(places.start, places.stop)
        if self._joined is None:
            return self._join(places)
        return self._joined[places] if isinstance(places, slice) else self._joined.take(places, 0)

    @cached_property
    def _joined(self) -> Any:
        """All rows, if they are few: of many a copy would be too large."""
        width = sum(column.shape[1] for column in self.columns)
        return self._join(slice(None)) if len(self) * width <= JOINED else None

    def _join(self, places: Any) -> Any:
        chosen = self.numbers[places]
        parts = [column.take(chosen, axis=0) for column in self.columns]
        return numpy().concatenate(parts, axis=1, dtype="float64")

    def groups(self, places: Any) -> dict[int, Any]:
        """Of the rows at these places, those of each length."""
        if isinstance(self.lengths, int):
            return {self.lengths: places}
        places = numpy().asarray(places)
        found = self.lengths[self.numbers[places]]
        return {int(n): places[found == n] for n in numpy().unique(found)}

    def column(self, i: int) -> Any:
        """One of the columns."""
        return self.columns[i].take(self.numbers, axis=0)


@dataclass(frozen=True)
class Programs:
    """The programs for samples of one length.

    Attributes:
        programs: those of a step. They give totals over rows: that of the loss and its gradients
            first.
        forward: that of a measurement, which gives the loss and the outputs of each row.
        rates: the probabilities of the dropout masks that programs of a step take behind the
            columns of a row.
    """

    programs: Sequence[Program]
    forward: Program
    rates: Sequence[float] = ()


@dataclass(frozen=True)
class Work:
    """All that a worker needs for a training. It is sent to each worker once.

    Attributes:
        steps: the programs, by the length of samples.
        tables: the rows to learn from, and those to validate on.
    """

    steps: Mapping[int, Programs]
    tables: Sequence[Any]

    def rows(self, stage: Stage, chosen: Any) -> Any:
        """Rows to learn from, with the random numbers of a step."""
        n, i, key = stage
        found, rates = self.tables[0][chosen], self.steps[n].rates
        found = self._cut(found, 0, len(self.steps[n].programs[i].inputs) - len(rates))
        if not rates:
            return found
        np = numpy()
        numbers = self.tables[0].numbers[chosen].astype("uint64")[:, None]
        masks = mask(key, numbers, np.arange(len(rates), dtype="uint64"), np.array(rates))
        return np.concatenate([found, masks], axis=1)

    def _cut(self, rows: Any, table: int, width: int) -> Any:
        """Rows of a table without the zeros behind samples that are shorter than others."""
        if rows.shape[1] == width:
            return rows
        end = self.tables[table].columns[0].shape[1]
        return numpy().delete(rows, range(end + width - rows.shape[1], end), axis=1)

    def totals(
        self, stage: Stage, theta: Any, chosen: Any, size: int, shards: int, first: int, end: int
    ) -> list[Piece]:
        """The totals over the shards from `first` to `end`, `added`.

        Arguments:
            stage: the length of the samples, which of a step's programs, and the key of the step's
                random numbers.
            theta: the parameters.
            chosen: the rows that these shards are made of, as an array of numbers or a range.
            size: how many rows the whole step has. shards: how many shards that makes.
        """
        start = border(size, shards, first)
        program = self.steps[stage[0]].programs[stage[1]]
        spare: list[Any] = []  # to allocate memory for each shard could take longer than the shard

        def pieces() -> Iterator[Piece]:
            for shard in range(first, end):
                low, high = [border(size, shards, i) - start for i in (shard, shard + 1)]
                rows = self.rows(stage, chosen[low:high])
                yield shard, 1, program(rows, theta, spare.pop() if spare else None)

        return added(pieces(), spare)

    def outputs(self, theta: Any, table: int, start: int, end: int) -> Any:
        """The loss and the outputs of the rows from `start` to `end` of a table."""
        held, (first, *more) = self.tables[table], self.steps.values()
        found = numpy().empty((end - start, len(first.forward.outputs)))
        for i in range(start, end, MEASURED):
            j = min(i + MEASURED, end)
            if not more:  # samples have one length
                first.forward(held[i:j], theta, found[i - start : j - start])
                continue
            for n, places in held.groups(numpy().arange(i, j)).items():
                forward = self.steps[n].forward
                rows = self._cut(held[places], table, len(forward.inputs))
                found[places - start] = forward(rows, theta)
        return found


def table_of(rows: Rows) -> tuple[Table, int]:
    """The rows as programs read them, and how long targets are (0 for lone numbers).

    If there are weights, a third column has the weight of each target.
    """
    lengths: Any
    try:
        tall, ys = _column(rows.targets)
        try:
            lengths, xs = _column(rows.samples)
        except (TypeError, ValueError):
            lengths, xs = _padded(rows.samples)
    except (TypeError, ValueError) as error:
        raise NotCompilable(f"the rows are not lists of numbers: {error}") from error
    ws = [] if rows.weights is None else [numpy().array(rows.weights)[:, None]]
    return Table([xs, ys, *ws], numpy().asarray(rows.numbers), lengths), tall


def _padded(given: Sequence[Any]) -> tuple[Any, Any]:
    """The length of each sample, and an array of them with zeros behind the shorter ones."""
    np = numpy()
    lengths, flat = np.array([*map(len, given)]), np.concatenate(given)
    if not is_array(flat) or flat.ndim > 1 or not all(lengths):
        raise TypeError("they hold something else")
    column = np.zeros((len(lengths), lengths.max()))
    column[np.arange(lengths.max()) < lengths[:, None]] = flat
    return lengths, column


def _column(given: Sequence[Any]) -> tuple[int, Any]:
    """How long each of the samples or targets is (0 for a lone number), and an array of them."""
    column = numpy().asarray(given)
    if column.dtype == object and not any(isinstance(x, str) for x in column.flat):
        column = column.astype("float64")
    if not is_array(column) or column.ndim > 2 or not column.size:
        raise TypeError("they hold something else")
    return (0, column[:, None]) if column.ndim == 1 else (column.shape[1], column)
