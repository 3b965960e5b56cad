"""The rows of a training: those to learn from, those to validate on, their order and weights."""

import math
import random
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, MutableSequence, Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any, Literal, TypeAlias

from engine import no_grad
from nn.checkpoint.state import State, row
from nn.checks import alone, as_list, as_number, is_number, whole
from nn.evaluation.samples import Rows, hashable, pair_up, samples
from nn.losses import Classes, Loss, built_in, classes_of, ignored_class, loss_name
from nn.models.module import Module, evaluating

SHORT = 20_000  # rows
ClassWeights: TypeAlias = Literal["balanced"] | Mapping[Any, float] | Sequence[float]


class Data:
    """Rows to learn from, in an order that changes with every epoch, and rows to validate on.

    Arguments:
        rows: all rows that were given.
        validation: as for `fit`: a pair (xs, ys), the share of the rows to hold out, or None.
        model: decides how targets are read, as in `pair_up`.

    Attributes:
        given: all rows.
        share: the share that is held out; None where nothing is.
        classes, samples: the weights of classes and of rows that `weigh` was given, checked.
        rows, validation: those to learn from and those to validate on. Where a share is held out
            this is so only after `split` or `load_state_dict`.
    """

    def __init__(self, rows: Rows, validation: Any, model: object = None) -> None:
        self.share: float | None = _share(len(rows), validation)
        self.given: Rows = rows
        self.rows: Rows = rows
        self.validation: Rows = Rows()
        self._model, many = model, len(rows)
        self._held = 0 if self.share is None else min(max(round(many * self.share), 1), many - 1)
        if validation is not None and not self._held:
            xs, ys = validation
            self.validation = pair_up("validation", xs, ys, model, " of the validation")
        self.places: Sequence[int] = ()  # in `given`: of the rows held out, then of the others
        self.order: MutableSequence[int] = array("q", range(many - self._held))
        self.classes: Mapping[Any, float] | None = None
        self.samples: Sequence[float] | None = None

    def weigh(self, loss: Loss, classes: ClassWeights | None, each: Iterable[float] | None) -> None:
        """Give every row a weight: that of its class times its own. Both are 1 where not given.

        Rows whose target is the one that the loss ignores have the weight 0. Sequences count once
        for each place, where they differ in how many that are.

        Arguments:
            classes, each: as `class_weights` and `sample_weight` of `fit`.
        """
        ignored = ignored_class(loss)
        self._sequences = self._are_sequences(ignored)
        self.classes = None if classes is None else _class_weights(loss, classes, self)
        self.samples = None if each is None else _sample_weights(loss, each, len(self.given))
        if self.classes or self.samples or ignored is not None or self._sequences:
            self.given = self.rows = self._weighed(self.given, self.samples, ignored)
            self.validation = self._weighed(self.validation, None, ignored)
            self._check_weights()

    def _weighed(self, rows: Rows, samples: Sequence[float] | None, ignored: float | None) -> Rows:
        weights, classes = samples or [1.0] * len(rows), self.classes
        if classes:  # the ignored one is none of them
            weights = [w * classes.get(y, 0.0) for w, y in zip(weights, rows.ys, strict=True)]
        elif ignored is not None or self._sequences:
            each = rows.ys if self._sequences else [[y] for y in rows.ys]
            counts = [sum(as_number(y) != ignored for y in ys) for ys in each]
            weights = [w * many for w, many in zip(weights, counts, strict=True)]
        return replace(rows, weights=weights)

    def _are_sequences(self, ignored: float | None) -> bool:
        """Whether a row counts as often as it has places with a target, so that all count alike."""
        if not isinstance(self._model, Module) or alone(self.given.targets[0]):
            return False
        ys = [y for rows in self.tables for y in rows.ys]
        if ignored is None or any(map(alone, ys)):
            return not any(map(alone, ys)) and len({*map(len, ys)}) > 1
        with evaluating(self._model), no_grad():
            return not all(map(alone, as_list(self._model(self.given.samples[0]))))

    def _check_weights(self) -> None:
        """Raise ValueError where all rows to learn from, or all to validate on, have weight 0."""
        for rows, what in zip(self.tables, ("learn from", "validate on"), strict=True):
            if rows and rows.weights and not any(map(rows.weights.__getitem__, rows.numbers)):
                fault = f"{rows.name(0)} and all others to {what} have the weight 0"
                remedy = "give rows that count too"
                raise ValueError(f"{fault}, or a target that the loss ignores; {remedy}")

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
            _shuffle(self.order, rng)
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
        self.all: list[random.Random] = [*dict.fromkeys(found)]

    def state_dict(self) -> dict[str, Any]:
        """The state of each."""
        return {"generators": [generator.getstate() for generator in self.all]}

    def load_state_dict(self, state: State) -> None:
        """Draw the same numbers from here on."""
        found = state.entry("generators", list)
        try:
            for generator, (version, words, gauss) in zip(self.all, found, strict=True):
                state.need(gauss is None or is_number(gauss), "generators")
                generator.setstate((version, tuple(words), gauss))
        except (TypeError, ValueError, OverflowError):
            state.need(False, "generators")


def _shuffle(order: MutableSequence[int], rng: random.Random) -> None:
    """What `rng.shuffle` does, with the same numbers, in a quarter of the time."""
    if type(rng) not in (random.Random, ModuleType):
        rng.shuffle(order)
        return
    many, draw = len(order), rng.getrandbits
    items: Any = [*order] if many < SHORT else order  # a list is quick as long as a cache holds it
    for bits in range(many.bit_length(), 1, -1):  # that the places from `end` down to `low` have
        low, end = (1 << bits - 1) - 1, min(many, (1 << bits) - 1)
        for i in range(end - 1, low - 1, -1):
            j = draw(bits)
            while j > i:
                j = draw(bits)
            items[i], items[j] = items[j], items[i]
    if items is not order:
        order[:] = array("q", items)


def _stratified(places: Sequence[int], targets: Sequence[Any]) -> list[int]:
    """Places in an order of which every first part has about the same share of every class.

    >>> _stratified([4, 3, 2, 1, 0], "aabbb")
    [4, 1, 3, 0, 2]
    """
    classes: dict[Any, list[int]] = {}
    for i in places:
        classes.setdefault(hashable(targets[i]), []).append(i)
    ranks = {i: (n + 0.5) / len(same) for same in classes.values() for n, i in enumerate(same)}
    return sorted(places, key=ranks.__getitem__)


def _share(rows: int, validation: Any) -> float | None:
    """The share of the rows to hold out, if that is what `validation` says; it is checked."""
    if validation is None or (isinstance(validation, tuple | list) and len(validation) == 2):
        return None
    if not is_number(validation):
        rule = "validation is a share like 0.2 or the pair (xs, ys)"
        raise TypeError(f"{rule}, got {type(validation).__name__}")
    if not 0 < validation < 1 or rows < 2:
        expected = "validation holds out a share between 0 and 1 of at least 2 rows"
        remedy = "give a share like 0.2, or (xs, ys)"
        raise ValueError(f"{expected}, got {validation!r:.60} of {rows}; {remedy}")
    return float(validation)


def _sample_weights(loss: Loss, given: Iterable[float], many: int) -> list[float]:
    """The weight of each row as `fit` takes them, checked."""
    if not built_in(loss):
        fault = f"sample_weight is for losses by name, got {loss_name(loss)}"
        raise ValueError(f"{fault}; leave it out, or weigh the rows in a loss of your own")
    weights = [as_number(weight) for weight in samples(given, "weights")]
    bad = [f"{x!r} in row {i}" for i, x in enumerate(weights) if not 0 <= x < math.inf]
    if bad or len(weights) != many or not any(weights):
        got = bad[0] if bad else f"{len(weights)} with the sum {sum(weights)}"
        what = f"sample_weight takes a finite number >= 0 for each of the {many} rows"
        remedy = "give 1 for a row that counts as usual"
        raise ValueError(f"{what}, not all of them 0, got {got}; {remedy}")
    return weights


def _class_weights(loss: Loss, weights: ClassWeights, data: Data) -> dict[int, float]:
    """The weight of each target as `fit` takes class weights, checked for all targets."""
    classes = classes_of(loss)
    if classes is None:
        rule = "class_weights are for losses of classification by name (cross_entropy, hinge, ...)"
        remedy = "leave them out, or weigh the rows in a loss of your own"
        raise ValueError(f"{rule}, got {loss_name(loss)}; {remedy}")
    ignored, both = ignored_class(loss), (data.given, data.validation)
    targets, others = ([*map(_class, rows.take(rows.counted(ignored)).ys)] for rows in both)
    table = _table(weights, targets, classes)
    for name, weight in table.items():
        if not (is_number(weight) and 0 < as_number(weight) < math.inf):
            got = f"finite numbers > 0, got {weight!r:.60} for class {name!r:.60}"
            remedy = "leave out the rows of a class that is not to count"
            raise ValueError(f"class_weights takes {got}; {remedy}")
    for target in dict.fromkeys([*targets, *others]):
        if target not in table:
            fault = f"class_weights has no weight for the target {target!r}"
            remedy = "give one for every class that the rows have"
            raise ValueError(f"{fault}, only for {', '.join(map(repr, table))}; {remedy}")
    return {name: float(weight) for name, weight in table.items()}


def _table(weights: ClassWeights, targets: list[int], classes: Classes) -> dict[int, float]:
    """The weights by target."""
    if isinstance(weights, str):
        if weights != "balanced":
            got = f'class_weights by name is "balanced", got {weights!r:.60}'
            raise ValueError(f"{got}; or give a mapping from class to weight, or a list of weights")
        counts = Counter(targets)
        return {name: len(targets) / (len(counts) * counts[name]) for name in sorted(counts)}
    if isinstance(weights, Mapping):
        return dict(sorted([(_class(name), weight) for name, weight in weights.items()]))
    if not hasattr(weights, "__iter__"):
        rule = 'class_weights is a mapping from class to weight, a list of weights or "balanced"'
        remedy = "give one like {0: 1.0, 1: 5.0}"
        raise TypeError(f"{rule}, got {type(weights).__name__}; {remedy}")
    listed = list(weights)
    if classes.targets is None:
        return dict(enumerate(listed))
    if len(listed) != 2:
        got = f"class_weights of two classes is a list of 2 weights, got {len(listed)}"
        raise ValueError(f"{got}; give that of the class no, then that of the class yes")
    return dict(zip(classes.targets, listed, strict=True))


def _class(target: Any) -> int:
    """A target as the number of a class."""
    number = whole(target)
    if number is None:
        got = f"class_weights needs targets that are numbers of classes, got {target!r:.60}"
        raise ValueError(f"{got}; write each as its class, or leave the weights out")
    return number
