"""Rows: samples and their targets, made from lists, arrays, data frames and other iterables."""

import math
import sys
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from math import inf, isfinite
from operator import itemgetter
from typing import Any

import engine
from engine import NumericError, Value, no_grad
from engine.containers import table
from engine.core.modes import MODE
from engine.core.node import as_float
from nn.checks import alone, as_list, as_number
from nn.losses import of_rows
from nn.models.module import Module, evaluating


@dataclass(frozen=True, slots=True)
class Rows:
    """Some of the rows that a user gave. Iterating gives pairs of a sample and its target.

    Attributes:
        samples, targets: those of all rows that were given, as lists or arrays of numbers.
        numbers: which of them these rows are, in their order.
        columns: the names of a sample's numbers, if the samples were a frame.
        source: where the user gave them, as messages say it behind the number of a row.
        weights: those of all rows that were given, if they have some.
        whole: the rows that these are places of, one after another: see `by_place`.
    """

    samples: Sequence[Any] = ()
    targets: Sequence[Any] = ()
    numbers: Sequence[int] = range(0)
    columns: Sequence[Any] = ()
    source: str = ""
    weights: Sequence[float] | None = None
    whole: "Rows | None" = None

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        return zip(self.xs, self.ys, strict=True)

    @property
    def xs(self) -> list[Any]:
        """The samples of these rows."""
        return [self.samples[i] for i in self.numbers]

    @property
    def ys(self) -> list[Any]:
        """The targets of these rows."""
        return [self.targets[i] for i in self.numbers]

    @property
    def ws(self) -> list[float]:
        """The weights of these rows: 1 where none were given."""
        given = self.weights
        return [1.0] * len(self) if given is None else [given[i] for i in self.numbers]

    @property
    def wanted(self) -> Any:
        """The targets of these rows, as `as_array` has them."""
        found: Any = self.targets
        if self.numbers != range(len(found)):
            found = found.take(self.numbers, axis=0) if is_array(found) else self.ys
        return as_array(found)

    def loss(self, loss: Callable[[Any, Any], Any], outputs: Sequence[Any]) -> Any:
        """The loss of a model's outputs for these rows.

        With weights it is `sum(weight * loss) / sum(weight)`, as PyTorch has it. Rows that all have
        the weight 0 have the loss 0.
        """
        if self.weights is None:
            return of_rows(loss, outputs, self.ys)
        terms = [loss(*pair) for pair in zip(outputs, self.ys, strict=True)]
        return engine.dot(terms, self.ws) / (math.fsum(self.ws) or 1.0)

    def take(self, places: Iterable[int]) -> "Rows":
        """The rows at these places among these rows. Nothing that they hold is copied."""
        return replace(self, numbers=array("q", map(self.numbers.__getitem__, places)))

    def counted(self, ignored: float | None) -> Sequence[int]:
        """The places of the rows with another target than one that a loss ignores."""
        if ignored is None:
            return range(len(self))
        return [i for i, y in enumerate(self.ys) if as_number(y) != ignored]

    def name(self, place: int) -> str:
        """How the user finds the row at a place among these rows."""
        number = self.numbers[place]
        if self.whole:
            for i, ys in enumerate(self.whole.ys):
                if number < len(ys):
                    return f"{self.whole.name(i)}, place {number}"
                number -= len(ys)
        return f"row {number}{self.source}"

    def check(self, types: bool, *kinds: str, alike: bool = True) -> None:
        """Raise an error for the first row that is not made of finite numbers.

        Arguments:
            types: whether what is no number, and rows of several lengths, are errors too.
            kinds: what to look at, "sample" and "target".
            alike: whether lists of several lengths are such errors.

        Raises NumericError for nan and infinity in strict mode, else TypeError or ValueError.
        """
        for kind in kinds:
            column, width = getattr(self, f"{kind}s"), None
            for place, i in enumerate(() if _is_finite(column) else self.numbers):
                row, name = as_list(column[i]), self.name(place)
                if types and isinstance(column[i], Set | Mapping):
                    got = type(column[i]).__name__
                    remedy = "give its numbers in their order, as a list"
                    raise TypeError(f"{name}: the {kind} is a {got}; {remedy}")
                names = self.columns if kind == "sample" and self.columns else range(len(row))
                for called, number in zip(names, row, strict=False):
                    if fault := _fault(number, types):
                        where = f"the {kind}" + f"'s column {called!r}" * (not alone(column[i]))
                        raise fault[0](f"{name}: {where} is {fault[1]}")
                size: int | str = "none (a number)" if alone(column[i]) else len(row)
                width = size if width is None else width
                if types and size != width and (alike or str in map(type, (size, width))):
                    text = f"the {kind} has length {size}, others {width}; write all of them alike"
                    raise ValueError(f"{name}: {text}")


def pair_up(
    who: str, xs: Iterable[Any], ys: Iterable[Any], model: object = None, source: str = ""
) -> Rows:
    """Samples and targets as rows.

    With a model, targets that are lists of one are numbers, unless its outputs are such lists too.
    """
    given, targets = samples(xs), samples(ys, "targets")
    if len(given) != len(targets):
        got = f"{who} got {len(given)} samples and {len(targets)} targets"
        raise ValueError(f"{got}; give one target for each")
    if not len(given):
        raise ValueError(f"{who} got no samples; give at least one and its target")
    single = targets.shape[1:] == (1,) if is_array(targets) else all(map(_is_single, targets))
    if single and isinstance(model, Module):
        with evaluating(model), no_grad():
            output = model(given[0])
        if not isinstance(output, list | tuple) or len(output) > 1:
            targets = targets[:, 0] if is_array(targets) else [y[0] for y in targets]
    return Rows(given, targets, range(len(given)), [*getattr(xs, "columns", ())], source)


def samples(given: Any, what: str = "samples") -> Any:
    """Samples or targets as an array of numbers, or as a list."""
    found = table(what, given)
    listed = hasattr(found, "__iter__") or hasattr(found, "__getitem__")
    if not listed or getattr(found, "shape", None) == ():
        got = type(given).__name__
        raise TypeError(f"the {what} are a single {got}; give a list with one for each row")
    return found if is_array(found) or isinstance(found, list) else table(what, [*found])


def hashable(target: Any) -> Any:
    """A target as a key: a list as a tuple."""
    listed = hasattr(target, "__len__") and not isinstance(target, str)
    return tuple(target) if listed else target


def firsts(targets: Iterable[Any]) -> dict[Any, int]:
    """Every target that there is, `hashable`, with the place of the first row that has it."""
    keys = [*map(hashable, targets)]
    found = dict(zip(reversed(keys), reversed(range(len(keys))), strict=True))
    return dict(sorted(found.items(), key=itemgetter(1)))


def by_place(outputs: Any, rows: Rows) -> tuple[Any, Rows]:
    """Outputs and rows as they are; of sequences each place, as a row of its own.

    Sequences have a target for each output, and these are lists, or not as many for each row.
    """
    if is_array(as_array(outputs)) or any(map(alone, rows.ys)):
        return outputs, rows
    alike = len({len(as_list(xs)) for xs in outputs}) == 1
    if alike and all(alone(x) for xs in outputs for x in as_list(xs)[:1]):
        return outputs, rows
    for place, (xs, ys) in enumerate(zip(outputs, rows.ys, strict=True)):
        if len(as_list(xs)) != len(ys):
            text = f"{len(as_list(xs))} outputs and {len(ys)} targets; give one target for each"
            raise ValueError(f"{rows.name(place)}: the sequence has {text}")
    every = [y for ys in rows.ys for y in ys]
    return [x for xs in outputs for x in xs], Rows((), every, range(len(every)), whole=rows)


def is_array(column: object) -> bool:
    """Whether it is an array of real numbers or of rows of them."""
    kind = getattr(getattr(column, "dtype", None), "kind", " ")
    return kind in "fiub" and getattr(column, "ndim", 3) < 3


def as_array(column: Any) -> Any:
    """Numbers, or rows of one length, as an array of one dimension or two; others as they are."""
    try:
        found: Any = sys.modules["numpy"].asarray(column)
    except (KeyError, ValueError):  # nobody has imported it, or the lengths differ
        return column
    return found if is_array(found) and found.size else column


def columns(given: Sequence[Any]) -> Any:
    """The numbers of rows, or numbers, in columns: in the rows of an array, if they are numbers."""
    array = as_array(given)
    if is_array(array):
        return array.astype("float64").reshape(len(array), -1).T
    return zip(*map(as_list, given), strict=False)


def for_rows(function: Callable[..., Any], *given: Sequence[Any]) -> list[Any]:
    """What a function gives for each row. Of each that is given it gets the numbers of the row.

    Where all are numbers it is called once, with arrays in place of numbers. So it has to do with
    `|` and `&` what is `or` and `and` for numbers.

    >>> for_rows(lambda xs, ys: xs[0] < ys[1], [1.0, 5.0], [[0.0, 2.0], [0.0, 3.0]])
    [True, False]
    """
    arrays = [*map(as_array, given)]
    if not all(map(is_array, arrays)):
        rows = zip(*given, strict=True)
        return [function(*[[*map(as_number, as_list(x))] for x in row]) for row in rows]
    with sys.modules["numpy"].errstate(all="ignore"):
        found = function(*map(columns, arrays))
    return [*found.tolist()] if is_array(found) else [found] * len(given[0])


def _is_single(target: Any) -> bool:
    """Whether a target is a list of one number."""
    listed = isinstance(target, list | tuple) or getattr(target, "shape", ()) != ()
    return listed and len(target) == 1 and not hasattr(target[0], "__len__")


def _is_finite(column: Any) -> bool:
    """Whether these are finite numbers and all of one length; False where only Python can tell."""
    array = as_array(column)
    return is_array(array) and array.size > 0 and bool(-inf < array.min() <= array.max() < inf)


def _fault(number: Any, types: bool) -> tuple[type[Exception], str] | None:
    """What is wrong with a number of a row: the error and its text."""
    try:
        found = number.data if isinstance(number, Value) else as_float(number)
    except (TypeError, OverflowError):
        text = f"{type(number).__name__} {number!r:.60}; write it as a number"
        return (TypeError, text) if types else None
    bad = not isfinite(found) and MODE.get() == "strict"
    return (NumericError, f"{found}; fill it in, or leave the row out") if bad else None
