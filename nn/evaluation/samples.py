"""Rows: samples and their targets, made from lists, arrays, data frames and other iterables."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import engine

__all__ = ["Rows", "pair_up", "samples"]


@dataclass(frozen=True, slots=True)
class Rows:
    """As many samples as targets, and weights if they have some. Iterating gives pairs (x, y)."""

    xs: Sequence[Any] = ()
    ys: Sequence[Any] = ()
    weights: Sequence[float] | None = None

    def __len__(self) -> int:
        return len(self.xs)

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        return zip(self.xs, self.ys, strict=True)

    def take(self, numbers: Sequence[int]) -> "Rows":
        """The rows of these numbers, in their order."""
        weights = None if self.weights is None else [self.weights[i] for i in numbers]
        return Rows([self.xs[i] for i in numbers], [self.ys[i] for i in numbers], weights)

    def loss(self, loss: Callable[[Any, Any], Any], outputs: Sequence[Any]) -> Any:
        """The loss of a model's outputs for these rows.

        With weights it is `sum(weight * loss) / sum(weight)`, as PyTorch has it. Rows that all have
        the weight 0 have the loss 0.
        """
        if self.weights is None:
            return loss(outputs, list(self.ys))
        terms = [loss(*pair) for pair in zip(outputs, self.ys, strict=True)]
        return engine.dot(terms, self.weights) / (math.fsum(self.weights) or 1.0)


def pair_up(who: str, xs: Iterable[Any], ys: Iterable[Any]) -> Rows:
    """Samples and targets as rows.

    A sample that is an iterator becomes a tuple, since an iterator can be read only once.
    """
    rows = Rows([tuple(x) if hasattr(x, "__next__") else x for x in samples(xs)], [*samples(ys)])
    if len(rows.xs) != len(rows.ys):
        raise ValueError(
            f"{who} got {len(rows.xs)} samples and {len(rows.ys)} targets; give one target for each"
        )
    if not rows:
        raise ValueError(f"{who} got no samples; give at least one and its target")
    return rows


def samples(table: Any) -> Iterable[Any]:
    """What to iterate over. Iterating over a data frame would give the names of its columns."""
    found: Iterable[Any] = table.to_numpy() if hasattr(table, "to_numpy") else table
    return found
