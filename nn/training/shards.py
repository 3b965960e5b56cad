"""The rows of a training as programs read them, cut into shards for the workers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from engine import Program
from engine.native.needs import numpy
from engine.native.threads import Piece, added, border
from nn.evaluation.programs import Form
from nn.evaluation.samples import Rows, is_array
from nn.models.batch import mask
from nn.training.task import NotCompilable

Shape: TypeAlias = tuple[int, int]  # how long a sample and its target are; 0 for a lone number
Stage: TypeAlias = tuple[Shape, int, int]
MEASURED = 4096  # rows that are measured at once: as a program reads them, they are a copy
JOINED = 1 << 18  # numbers of a table of which such a copy is kept


@dataclass(frozen=True)
class Table:
    """Rows of a program, made of columns when they are asked for.

    Attributes:
        columns: arrays of samples, of targets and of weights, of two dimensions and any real type.
        numbers: which of their rows these are, in their order, as an array.
        shapes: all that there are. Samples and targets shorter than others have zeros behind them.
        which: the place in `shapes` of that of each row; not read where there is one.
    """

    columns: Sequence[Any]
    numbers: Any
    shapes: Sequence[Shape]
    which: Any

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, places: Any) -> Any:
        """The rows at these places, a slice, a range or a sequence, as a float64 array."""
        if isinstance(places, range) and places.step == 1:
            places = slice(places.start, places.stop)
        if self.joined is None:
            return self._join(places)
        return self.joined[places] if isinstance(places, slice) else self.joined.take(places, 0)

    @cached_property
    def joined(self) -> Any:
        """All rows, if they are few: of many a copy would be too large."""
        width = sum(column.shape[1] for column in self.columns)
        return self._join(slice(None)) if len(self) * width <= JOINED else None

    def _join(self, places: Any) -> Any:
        chosen = self.numbers[places]
        parts = [column.take(chosen, axis=0) for column in self.columns]
        return numpy().concatenate(parts, axis=1, dtype="float64")

    def of(self, shape: Shape, places: Any) -> Any:
        """The rows at these places, all of one shape, without the zeros behind."""
        if len(self.shapes) == 1:
            return self[places]
        n, m, (xs, ys, *_) = *shape, [column.shape[1] for column in self.columns]
        spare = [*range(n or 1, xs), *range(xs + (m or 1), xs + ys)]
        return numpy().delete(self[places], spare, axis=1)

    def groups(self, places: Any) -> list[tuple[Shape, Any, Any]]:
        """Of the rows at these places, those of each shape: which of them, and their places."""
        if len(self.shapes) == 1:
            return [(self.shapes[0], slice(None), places)]
        np = numpy()
        found = self.which[self.numbers[places := np.asarray(places)]]
        every = [(self.shapes[k], np.flatnonzero(found == k)) for k in np.unique(found)]
        return [(shape, at, places[at]) for shape, at in every]

    def column(self, i: int) -> Any:
        """One of the columns."""
        return self.columns[i].take(self.numbers, axis=0)


@dataclass(frozen=True)
class Programs:
    """The programs for rows of one shape.

    Attributes:
        programs: those of a step. They give totals over rows: that of the loss and its gradients
            first.
        forward: that of a measurement, which gives the loss and the outputs of each row.
        rates: the probabilities of the dropout masks that programs of a step take behind the
            columns of a row.
        form: that of an output.
    """

    programs: Sequence[Program]
    forward: Program
    rates: Sequence[float] = ()
    form: Form = ()


@dataclass(frozen=True)
class Work:
    """All that a worker needs for a training. It is sent to each worker once.

    Attributes:
        steps: the programs, by the shape of rows.
        tables: the rows to learn from, and those to validate on.
    """

    steps: Mapping[Shape, Programs]
    tables: Sequence[Any]

    @cached_property
    def small(self) -> bool:
        """Whether rows are read from tables that are copies already, with nothing beside them."""
        drawn = any(step.rates for step in self.steps.values())
        return not drawn and all(table.joined is not None for table in self.tables)

    def rows(self, stage: Stage, chosen: Any) -> Any:
        """Rows to learn from, with the random numbers of a step."""
        shape, _, key = stage
        found, rates = self.tables[0].of(shape, chosen), self.steps[shape].rates
        if not rates:
            return found
        np = numpy()
        numbers = self.tables[0].numbers[chosen].astype("uint64")[:, None]
        masks = mask(key, numbers, np.arange(len(rates), dtype="uint64"), np.array(rates))
        return np.concatenate([found, masks], axis=1)

    def totals(
        self, stage: Stage, theta: Any, chosen: Any, size: int, shards: int, first: int, end: int
    ) -> list[Piece]:
        """The totals over the shards from `first` to `end`, `added`.

        Arguments:
            stage: the shape of the rows, which of a step's programs, and the key of the step's
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

    def outputs(self, theta: Any, table: int, places: Any) -> Any:
        """The loss and the outputs of the rows at these places of a table.

        Rows with fewer outputs than others have zeros behind them.
        """
        starts = range(0, len(places) or 1, MEASURED)
        parts = [self._outputs(theta, self.tables[table], places[i : i + MEASURED]) for i in starts]
        return parts[0] if len(parts) == 1 else numpy().concatenate(parts)

    def _outputs(self, theta: Any, table: Table, places: Any) -> Any:
        forwards = {shape: step.forward for shape, step in self.steps.items()}
        if len(forwards) == 1:
            ((shape, forward),) = forwards.items()
            return forward(table.of(shape, places), theta)
        found = numpy().zeros((len(places), max(len(each.outputs) for each in forwards.values())))
        for shape, at, some in table.groups(places):
            rows, forward = table.of(shape, some), forwards[shape]
            found[at, : len(forward.outputs)] = forward(rows, theta)
        return found


def table_of(rows: Rows) -> Table:
    """The rows as programs read them. If there are weights, a third column has them."""
    np = numpy()
    try:
        sizes, columns = zip(*map(_column, (rows.samples, rows.targets)), strict=True)
    except (TypeError, ValueError) as error:
        raise NotCompilable(f"the rows are not lists of numbers: {error}") from error
    shapes, which = [sizes], None
    if not all(isinstance(size, int) for size in sizes):
        every = np.stack([np.broadcast_to(size, len(rows.samples)) for size in sizes], axis=1)
        shapes, which = np.unique(every, axis=0, return_inverse=True)
        shapes, which = [(n, m) for n, m in shapes.tolist()], which.ravel()
    ws = [] if rows.weights is None else [np.array(rows.weights)[:, None]]
    return Table([*columns, *ws], np.asarray(rows.numbers), shapes, which)


def _column(given: Sequence[Any]) -> tuple[Any, Any]:
    """How long the samples or targets are (0 for lone numbers), and an array of them.

    If they have several lengths, that of each, and an array with zeros behind the shorter ones.
    """
    np = numpy()
    try:
        column = np.asarray(given)
        if column.dtype == object and not any(isinstance(x, str) for x in column.flat):
            column = column.astype("float64")
    except ValueError:
        lengths, flat = np.array([*map(len, given)]), np.concatenate(given)
        if not is_array(flat) or flat.ndim > 1 or not all(lengths):
            raise TypeError("some are empty, or hold something else") from None
        column = np.zeros((len(lengths), lengths.max()))
        column[np.arange(lengths.max()) < lengths[:, None]] = flat
        return lengths, column
    if not is_array(column) or column.ndim > 2 or not column.size:
        raise TypeError("they hold something else")
    return (0, column[:, None]) if column.ndim == 1 else (column.shape[1], column)
