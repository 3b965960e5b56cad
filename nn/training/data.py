"""The rows of a training: those to learn from, those to judge by, and the batches of an epoch."""

import random
from collections.abc import Iterable, Sequence
from typing import Any

from nn.checks import is_number
from nn.evaluation.measure import Row, pair_up

__all__ = ["batches", "judges", "split"]


def judges(rows: int, validation: Any) -> list[Row] | float | None:
    """The rows to judge by, or the share of the others to hold out."""
    if validation is None:
        return None
    if is_number(validation):
        if not 0 < validation < 1 or rows < 2:
            raise ValueError(
                "validation holds out a share between 0 and 1 of at least 2 rows, got "
                f"{validation!r} of {rows}; give a share like 0.2, or (xs, ys)"
            )
        share: float = validation
        return share
    if not isinstance(validation, tuple | list) or len(validation) != 2:
        raise TypeError(
            f"validation is a share like 0.2 or the pair (xs, ys), got {type(validation).__name__}"
        )
    return pair_up("validation", *validation)


def split(
    rows: list[Row],
    judged: list[Row] | float | None,
    rng: random.Random,
    places: list[int] | None,
) -> tuple[list[Row], list[Row], list[int]]:
    """The rows to train on and those to judge by; and how they were drawn, unless it is given."""
    if judged is None or isinstance(judged, list):
        return rows, judged or [], []
    held = min(max(round(len(rows) * judged), 1), len(rows) - 1)
    if places is None:
        places = list(range(len(rows)))
        rng.shuffle(places)
    drawn = [rows[i] for i in places]
    return drawn[held:], drawn[:held], places


def batches(order: list[int], size: int, rng: random.Random) -> Iterable[Sequence[int]]:
    """The numbers of the rows in a new order, so many at a time."""
    if len(order) > size:  # else it is all the same
        rng.shuffle(order)
    return (order[start : start + size] for start in range(0, len(order), size))
