"""The table of causes: of each, its name, what is seen of it, and the changes that would mend it.

A row is a function of the facts. It gives suspicions, or nothing. To add a cause is to add a row.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from statistics import fmean, pstdev
from typing import Any, NamedTuple

from engine.explain.report import Cause
from engine.source.origin import Place
from engine.wording.names import number
from nn.checks import listed
from nn.doctor import changes
from nn.doctor.facts import Facts, argument, ratio
from nn.doctor.trials import Training
from nn.models.layers import Layer
from nn.models.regularization import Dropout

FLAT = 0.99  # a tanh or a sigmoid beyond it is saturated
MANY = 0.5  # of the units of a layer
SMALL = 4  # units of a layer that are few
UNEVEN = 5.0  # times as many rows of one class as of another
BOUNDS = {"relu": (0.0, float("inf")), "tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0)}


@dataclass(frozen=True, slots=True)
class Remedy:
    """A change of a training: in words for the report, short for what was tried, and itself."""

    do: str
    short: str
    change: Callable[[Training], None]


class Suspicion(NamedTuple):
    """A cause that symptoms suggest, and the changes that would mend it.

    `certain` says that it needs no trial: it is plain to see, and wrong in any case.
    """

    cause: Cause
    remedies: tuple[Remedy, ...] = ()
    certain: bool = False


Row = Callable[[Facts], Iterator[Suspicion]]
CAUSES: dict[str, Row] = {}


def suspect(
    title: str,
    seen: str,
    weight: float,
    place: Place | None = None,
    remedies: tuple[Remedy, ...] = (),
    do: str = "",
    certain: bool = False,
) -> Suspicion:
    """A suspicion; see Cause. Its name is that of its row."""
    return Suspicion(Cause("", title, seen, do, weight, place), remedies, certain)


def row(name: str) -> Callable[[Row], Row]:
    """Put a function into the table."""

    def put(function: Row) -> Row:
        CAUSES[name] = function
        return function

    return put


# --- the steps -----------------------------------------------------------------------------------
@row("lr_too_high")
def _high(facts: Facts) -> Iterator[Suspicion]:
    losses, lr = facts.losses, facts.start.rate
    over = facts.usual and lr >= 10.0 * facts.usual
    broke = not losses or losses[-1] > losses[0] or losses[-1] != losses[-1]
    if over or broke or facts.rises > 0.25:
        went = f"the loss rose in {facts.rises:.0%} of {len(losses)} epochs"
        seen = went if losses else "the training broke off: numbers became infinite or nan"
        if broke and losses:
            seen = f"the loss went from {number(losses[0])} to {number(losses[-1])}, and {went[9:]}"
        weight = 0.9 if over else 0.7 if broke else 0.4
        yield _rate(facts, "the learning rate is too high", seen, weight, (0.1, 0.01, 0.001))


@row("lr_too_low")
def _low(facts: Facts) -> Iterator[Suspicion]:
    lr, falls = facts.start.rate, facts.rises < 0.1 and facts.late > 0.0
    under = bool(facts.usual) and lr <= facts.usual / 10.0
    if under or falls:
        fell = f"the loss fell by {facts.late:.1%} in the last quarter of the epochs, and rose in"
        seen = f"{fell} {facts.rises:.0%} of them"
        factors = (10.0, 100.0, 1000.0) if lr <= facts.usual / 500.0 else (10.0, 100.0)
        weight = 0.8 if under else 0.2
        yield _rate(facts, "the learning rate is too low", seen, weight, factors)


def _rate(
    facts: Facts, what: str, seen: str, weight: float, factors: tuple[float, ...]
) -> Suspicion:
    lr, kind = facts.start.rate, type(facts.task.optimizer).__name__
    remedies = [
        Remedy(f"{kind}(..., lr={lr * f:.3g})", f"lr={lr * f:.3g}", partial(changes.rate, f))
        for f in factors
    ]
    return suspect(f"{what}: lr={lr:g}", seen, weight, facts.made("lr"), tuple(remedies))


@row("too_few_epochs")
def _few(facts: Facts) -> Iterator[Suspicion]:
    task, done = facts.task, len(facts.losses)
    if facts.history.stopped == "epochs" and (facts.late > 0.01 or done <= 20):
        more = Remedy(
            f"epochs={task.epochs * 10}",
            f"{task.epochs * 10} epochs",
            partial(changes.more_epochs, 10),
        )
        seen = f"the loss was still falling: by {facts.late:.1%} in the last quarter"
        weight = 0.6 if done <= 20 else 0.3
        yield suspect(f"too few epochs: {done}", seen, weight, facts.at("epochs"), (more,))


@row("batch_size")
def _batch(facts: Facts) -> Iterator[Suspicion]:
    size, many = facts.task.batch_size, len(facts.task.data.rows)
    whole = (size is None or size >= many) and many > 64
    if size == 1 or whole:
        steps = "one step an epoch" if whole else "each step follows a single row"
        change = partial(changes.setting, "batch_size", 32)
        yield suspect(
            f"the batches are too {'large' if whole else 'small'}: batch_size={size}",
            f"{many} rows in batches of {many if whole else 1}: {steps}",
            0.5 if size == 1 else 0.3,
            facts.at("batch_size"),
            (Remedy("batch_size=32", "batch_size=32", change),),
        )


@row("weight_decay")
def _decay(facts: Facts) -> Iterator[Suspicion]:
    decay = getattr(facts.task.optimizer, "weight_decay", 0.0)
    if decay >= 1e-3:
        none = Remedy("weight_decay=0", "weight_decay=0", _of_optimizer("weight_decay", 0.0))
        seen = f"each step pulls every parameter towards 0, by lr * {decay:g} of itself"
        title = f"weight decay is too strong: weight_decay={decay:g}"
        yield suspect(
            title, seen, 0.7 if decay > 0.05 else 0.3, facts.made("weight_decay"), (none,)
        )


def _of_optimizer(name: str, value: Any) -> Callable[[Training], None]:
    return partial(changes.of_optimizer, name, value)


@row("clip")
def _clip(facts: Facts) -> Iterator[Suspicion]:
    if facts.task.clip is not None:
        none = Remedy("leave out clip", "clip=None", partial(changes.setting, "clip", None))
        seen = f"no gradient may be longer than {facts.task.clip:g}"
        title = f"gradients are clipped too short: clip={facts.task.clip:g}"
        yield suspect(title, seen, 0.5, facts.at("clip"), (none,))


@row("dropout")
def _dropout(facts: Facts) -> Iterator[Suspicion]:
    for part in facts.task.held.modules:
        if isinstance(part, Dropout) and part.p >= 0.3:
            less = Remedy("Dropout(0.1)", "Dropout(0.1)", partial(changes.dropout, 0.1))
            seen = f"in training, {part.p:.0%} of the units are 0"
            title = f"dropout is too strong: Dropout({part.p:g})"
            yield suspect(title, seen, 0.6 if part.p > 0.5 else 0.3, part.place, (less,))
            return


@row("frozen")
def _frozen(facts: Facts) -> Iterator[Suspicion]:
    task = facts.task
    learned = {*task.optimizer.params}
    left = [(path, p) for path, p in task.model.named_parameters() if p not in learned]
    if left:
        closed = {*task.model.trainable_parameters()}
        frozen = [path for path, p in left if p not in closed]
        why = "requires_grad_(False)" if frozen else "the optimiser was not given them"
        names = listed([*dict.fromkeys([_above(path) for path, _ in left])])
        yield suspect(
            f"{names} {'is frozen' if frozen else 'has no optimiser'}",
            f"{len(left)} of {len(task.held.parameters)} parameters never change: {why}",
            0.6,
            None if frozen else task.optimizer.place,
            (
                Remedy(
                    "requires_grad_(True)" if frozen else "give it model.parameters()",
                    "all parameters learning",
                    changes.learn_all,
                ),
            ),
        )


def _above(path: str) -> str:
    """The layer of a parameter."""
    parts = path.split(".")
    return ".".join(parts[:2]) if parts[0] == "layers" else parts[0]


# --- the model -----------------------------------------------------------------------------------
@row("dead_units")
def _dead(facts: Facts) -> Iterator[Suspicion]:
    for k, layer in enumerate(facts.layers[:-1]):
        if layer.activation != "relu":
            continue
        dead = [not any(unit) for unit in facts.units[k]]
        if sum(dead) >= MANY * len(dead):
            biases = [neuron.b.data for neuron in layer.neurons]
            below = max(biases) < 0.0
            why = f"; their biases are {number(max(biases))} at most" if below else ""
            yield suspect(
                f"dead ReLUs in {_called(facts, k)}",
                f"{sum(dead)} of {len(dead)} units gave 0 for all of {len(facts.units[k][0])} rows "
                f"as the training began{why}",
                0.9,
                layer.place,
                (_fresh(),),
            )


@row("saturated")
def _saturated(facts: Facts) -> Iterator[Suspicion]:
    for k, layer in enumerate(facts.layers[:-1]):
        if layer.activation in ("tanh", "sigmoid"):
            middle = 0.5 if layer.activation == "sigmoid" else 0.0
            flat = [
                sum(abs(x - middle) > FLAT * (1.0 - middle) for x in unit) / len(unit)
                for unit in facts.units[k]
            ]
            share = sum(flat) / len(flat)
            if share >= MANY:
                yield suspect(
                    f"{_called(facts, k)} is saturated",
                    f"as the training began, {share:.0%} of the numbers that its units gave were "
                    f"at an end of {layer.activation}",
                    0.7,
                    layer.place,
                    (_fresh(),),
                )


@row("equal_weights")
def _equal(facts: Facts) -> Iterator[Suspicion]:
    for k, layer in enumerate(facts.layers):
        weights = [tuple([w.data for w in neuron.w]) for neuron in layer.neurons]
        none = not any(map(any, weights)) and len(facts.layers) > 1
        if (len(weights) > 1 and len({*weights}) == 1) or none:
            how = "0" if none else "equal"
            yield suspect(
                f"all weights of {_called(facts, k)} begin {how}",
                "so its units compute the same, and learn the same",
                0.9,
                layer.place,
                (_fresh(),),
            )


def _fresh() -> Remedy:
    do = "begin with the weights that nn draws (leave the parameters of new layers as they are)"
    return Remedy(do, "new weights", changes.fresh)


def _called(facts: Facts, k: int) -> str:
    """How the user finds a layer."""
    return f"layers.{k} ({facts.layers[k]!r})"


@row("linear")
def _linear(facts: Facts) -> Iterator[Suspicion]:
    hidden = facts.layers[:-1]
    if hidden and all(layer.activation == "linear" for layer in hidden):
        relu = partial(changes.activation, "relu", True)
        yield suspect(
            "the hidden layers have no activation",
            f"{len(facts.layers)} linear layers compute what one does",
            0.7,
            _argument(facts, hidden[0], "activation"),
            (Remedy("activation='relu'", "activation='relu'", relu),),
        )


@row("output_activation")
def _output(facts: Facts) -> Iterator[Suspicion]:
    last = facts.layers[-1] if facts.layers else None
    if last is None or last.activation not in BOUNDS or facts.loss == "binary_cross_entropy":
        return
    low, high = BOUNDS[last.activation]
    outside = [y for y in facts.targets if not low <= y <= high]
    if outside or facts.classifies:
        seen = f"{last.activation} gives numbers from {low:g} to {high:g}; "
        seen += f"{len(outside)} of {len(facts.targets)} targets are beyond"
        if facts.classifies:
            seen = f"{facts.loss} takes scores, and {last.activation} bounds them"
        linear = partial(changes.activation, "linear", False)
        yield suspect(
            f"the outputs go through {last.activation}",
            seen,
            0.8,
            _argument(facts, last, "output"),
            (Remedy("output='linear'", "output='linear'", linear),),
        )


def _argument(facts: Facts, layer: Layer, name: str) -> Place:
    return argument(layer.place, name)


@row("too_narrow")
def _narrow(facts: Facts) -> Iterator[Suspicion]:
    widths = [len(layer.neurons) for layer in facts.layers[:-1]]
    if widths and min(widths) < SMALL:
        yield suspect(
            f"a hidden layer has {min(widths)} unit{'s' * (min(widths) > 1)}",
            f"all that it knows of {facts.layers[0].n_in} inputs goes through them",
            0.6,
            facts.layers[widths.index(min(widths))].place,
            (Remedy("hidden layers of 16", "16 units", partial(changes.wider, 16)),),
        )


# --- the rows ------------------------------------------------------------------------------------
@row("inputs_not_scaled")
def _inputs(facts: Facts) -> Iterator[Suspicion]:
    columns = facts.columns
    spread = [c.spread for c in columns if c.spread]
    if not spread:
        return
    large = max(range(len(columns)), key=lambda i: columns[i].size)
    small = min(range(len(columns)), key=lambda i: columns[i].spread or math.inf)
    times = ratio(columns[large].size, columns[small].spread)
    if columns[large].size > 10.0 or columns[large].size < 0.1:
        seen = f"{facts.column_name(large)} goes up to {number(columns[large].size)}"
        if large != small:
            seen += f", {times:,.0f} times the deviation of {facts.column_name(small)}"
        do = "subtract each column's mean and divide by its deviation, both of the training rows"
        scaled = Remedy(do, "scaled samples", changes.standard_inputs)
        weight = 0.7 if columns[large].size > 50.0 else 0.4
        yield suspect("the samples are not scaled", seen, weight, facts.start.place, (scaled,))


@row("targets_not_scaled")
def _targets(facts: Facts) -> Iterator[Suspicion]:
    if facts.classifies or not facts.targets or facts.begun.classes:
        return
    mean, spread = fmean(facts.targets), pstdev(facts.targets)
    if spread and (spread > 10.0 or spread < 0.01 or abs(mean) > 10.0 * spread):
        do = "subtract the mean of the targets, divide by their deviation, and undo both to predict"
        scaled = Remedy(do, "scaled targets", changes.standard_targets)
        seen = f"their mean is {number(mean)}, their deviation {number(spread)}"
        yield suspect("the targets are not scaled", seen, 0.6, facts.start.place, (scaled,))


@row("loss_for_numbers")
def _for_numbers(facts: Facts) -> Iterator[Suspicion]:
    classes = facts.begun.classes
    if classes and facts.loss in ("mse", "mae", "huber") and len(classes) > 1:
        two = len(classes) == 2
        name = "binary_cross_entropy_with_logits" if two else "cross_entropy"
        do = f"loss={name!r} on linear outputs, one for each class"
        yield suspect(
            f"{facts.loss} is a loss of numbers, and the targets are classes",
            f"the targets are {listed([f'{x:g}' for x in classes])}",
            0.6,
            facts.at("loss"),
            (Remedy(do, f"loss={name!r}", changes.classify),),
        )


@row("loss_for_classes")
def _for_classes(facts: Facts) -> Iterator[Suspicion]:
    if facts.loss == "cross_entropy" and len(facts.counts) > 15:
        rows = len(facts.begun.ys)
        if rows < 10 * len(facts.counts):
            do = "loss='mse' with one linear output"
            yield suspect(
                "cross_entropy is a loss of classes, and the targets are numbers",
                f"{rows} rows have {len(facts.counts)} different targets",
                0.9,
                facts.at("loss"),
                (Remedy(do, "loss='mse'", changes.regress),),
                certain=True,
            )


@row("imbalanced")
def _uneven(facts: Facts) -> Iterator[Suspicion]:
    counts = facts.counts.most_common()
    if facts.classifies and len(counts) > 1 and not facts.task.data.classes:
        (most, many), (least, few) = counts[0], counts[-1]
        if many >= UNEVEN * few:
            balanced = partial(changes.setting, "class_weights", "balanced")
            yield suspect(
                "the classes are imbalanced",
                f"{many} rows of class {most:g}, {few} of class {least:g}",
                0.6,
                facts.start.place,
                (Remedy('class_weights="balanced"', "balanced weights", balanced),),
            )


@row("constant_targets")
def _constant(facts: Facts) -> Iterator[Suspicion]:
    if len(facts.begun.ys) > 1 and facts.targets and len({*facts.targets}) == 1:
        seen = f"all {len(facts.targets)} are {number(facts.targets[0])}"
        do = "look at where the targets come from"
        yield suspect("all targets are the same", seen, 1.0, facts.start.place, do=do, certain=True)


@row("class_missing")
def _missing(facts: Facts) -> Iterator[Suspicion]:
    if facts.loss != "cross_entropy" or not facts.layers or not facts.targets:
        return
    outputs, seen = len(facts.layers[-1].neurons), {int(y) for y in facts.targets}
    missing = sorted({*range(outputs)} - seen)
    if missing and len(facts.task.data.given) <= len(facts.targets):
        shifted = missing == [0] and len(seen) == outputs - 1
        title = "the labels are off by one" if shifted else f"class {missing[0]} is never a target"
        do = "count the classes from 0" if shifted else "give rows of it, or one output less"
        text = f"{outputs} outputs, and targets {listed([str(x) for x in sorted(seen)])}"
        yield suspect(title, text, 0.9, facts.start.place, do=do, certain=True)
