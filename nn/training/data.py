"""The rows of a training: those to learn from, those to validate on, and their order."""

import random
from array import array
from collections.abc import Iterable, Mapping, MutableSequence, Sequence
from dataclasses import replace
from typing import Any

from nn.checkpoint.state import State, row
from nn.checks import as_number, is_number
from nn.evaluation.samples import Rows, pair_up
from nn.models.module import Module

__all__ = ["Data", "Generators"]


class Data:
    """Rows to learn from, in an order that changes with every epoch, and rows to validate on.

    Arguments:
        rows: all rows that were given.
        validation: as for `fit`: a pair (xs, ys), the share of the rows to hold out, or None.
        model: decides how targets are read, as in `pair_up`.

    Attributes:
        given: all rows.
        share: the share that is held out; None where nothing is.
        classes, samples: the weights that `weigh` was given.
        rows, validation: those to learn from and those to validate on. Where a share is held out
            this is so only after `split` or `load_state_dict`.
    """

    def __init__(self, rows: Rows, validation: Any, model: object = None) -> None:
        self.given, self.share, many = rows, _share(len(rows), validation), len(rows)
        self._held = 0 if self.share is None else min(max(round(many * self.share), 1), many - 1)
        pair = None if self._held else validation
        self.rows, self.validation = rows, Rows()
        if pair is not None:
            xs, ys = pair
            self.validation = pair_up("validation", xs, ys, model, " of the validation")
        self.places: Sequence[int] = ()  # in `given`: of the rows held out, then of the others
        self.order: MutableSequence[int] = array("q", range(many - self._held))
        self.classes: Mapping[Any, float] | None = None
        self.samples: Sequence[float] | None = None

    def weigh(
        self,
        classes: Mapping[Any, float] | None,
        samples: Sequence[float] | None,
        ignored: float | None = None,
    ) -> None:
        """Give every row a weight: that of its class times its own. Both are 1 where not given.

        Rows whose target is the ignored one have the weight 0.
        """
        self.classes, self.samples = classes, samples
        if classes or samples or ignored is not None:
            self.given = self.rows = self._weighed(self.given, samples, ignored)
            self.validation = self._weighed(self.validation, None, ignored)
            self._check_weights()

    def _weighed(self, rows: Rows, samples: Sequence[float] | None, ignored: float | None) -> Rows:
        weights, classes = samples or [1.0] * len(rows), self.classes
        if classes:  # the ignored one is none of them
            weights = [w * classes.get(y, 0.0) for w, y in zip(weights, rows.ys, strict=True)]
        elif ignored is not None:
            weights = [w * (as_number(y) != ignored) for w, y in zip(weights, rows.ys, strict=True)]
        return replace(rows, weights=weights)

    def _check_weights(self) -> None:
        """Raise ValueError where all rows to learn from, or all to validate on, have weight 0."""
        for rows, what in zip(self.tables, ("learn from", "validate on"), strict=True):
            if rows and rows.weights and not any(map(rows.weights.__getitem__, rows.numbers)):
                raise ValueError(
                    f"{rows.name(0)} and all others to {what} have the weight 0, or a target that "
                    "the loss ignores; give rows that count too"
                )

    @property
    def tables(self) -> tuple[Rows, Rows]:
        """The rows to learn from, and those to validate on."""
        return self.rows, self.validation

    def split(self, rng: random.Random, stratified: bool = False) -> None:
        """Hold out the share that was asked for; stratified, it is held out of every class."""
        if self._held:
            places = array("q", range(len(self.given)))
            rng.shuffle(places)
            self._hold_out(_stratified(places, self.given.ys) if stratified else places)

    def batches(self, size: int | None, rng: random.Random) -> Iterable[Sequence[int]]:
        """The numbers of the rows in a new order, in batches of that size (None: all at once)."""
        size = size or len(self.order)
        if len(self.order) > size:  # else it is all the same
            rng.shuffle(self.order)
        return (self.order[start : start + size] for start in range(0, len(self.order), size))

    def state_dict(self) -> dict[str, Any]:
        """Which rows are held out, and the order of the last epoch."""
        return {"places": row(self.places), "order": row(self.order)}

    def load_state_dict(self, state: State) -> None:
        """Hold out the same rows, and go on from the same order."""
        places = state.order("places", len(self.given) if self._held else 0)
        self.order = state.order("order", len(self.order))
        self._hold_out(places)

    def _hold_out(self, places: Sequence[int]) -> None:
        if self._held:
            self.places, many = places, self._held
            self.validation = self.given.take(places[:many])
            self.rows = self.given.take(places[many:])
            self._check_weights()


class Generators:
    """The generators of random numbers: that of `fit`, and those that are held by modules."""

    def __init__(self, rng: random.Random, model: Module) -> None:
        held = [x for part in model.modules() for x in vars(part).values()]
        found = [rng, *[x for x in held if isinstance(x, random.Random)]]
        self.all = list(dict.fromkeys(found))

    def state_dict(self) -> dict[str, Any]:
        """The state of each."""
        return {"generators": [generator.getstate() for generator in self.all]}

    def load_state_dict(self, state: State) -> None:
        """Draw the same numbers from here on."""
        found = state.entry("generators", list)
        state.need(len(found) == len(self.all), "generators")
        for generator, one in zip(self.all, found, strict=True):
            try:
                version, words, gauss = one
                generator.setstate((version, tuple(words), gauss))
            except (TypeError, ValueError, OverflowError):
                state.need(False, "generators")
            state.need(gauss is None or is_number(gauss), "generators")


def _stratified(places: Sequence[int], targets: Sequence[Any]) -> list[int]:
    """Places in an order of which every first part has about the same share of every class.

    >>> _stratified([4, 3, 2, 1, 0], "aabbb")
    [4, 1, 3, 0, 2]
    """
    classes: dict[Any, list[int]] = {}
    for i in places:
        target = targets[i]
        kind = tuple(target) if hasattr(target, "__iter__") else target
        classes.setdefault(kind, []).append(i)
    ranks = {i: (n + 0.5) / len(same) for same in classes.values() for n, i in enumerate(same)}
    return sorted(places, key=ranks.__getitem__)


def _share(rows: int, validation: Any) -> float | None:
    """The share of the rows to hold out, if that is what `validation` says; it is checked."""
    if is_number(validation):
        if not 0 < validation < 1 or rows < 2:
            raise ValueError(
                "validation holds out a share between 0 and 1 of at least 2 rows, got "
                f"{validation!r} of {rows}; give a share like 0.2, or (xs, ys)"
            )
        share: float = validation
        return share
    pair = isinstance(validation, tuple | list) and len(validation) == 2
    if validation is not None and not pair:
        raise TypeError(
            f"validation is a share like 0.2 or the pair (xs, ys), got {type(validation).__name__}"
        )
    return None
