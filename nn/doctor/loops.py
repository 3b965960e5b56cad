"""Causes in loops of one's own that modules and optimisers tell; see engine/explain/causes.py."""

import ast
from collections.abc import Iterator
from math import hypot, isfinite
from typing import Any, NamedTuple

from engine.core.value import Value, is_constant
from engine.explain.causes import Row, cause, names, row
from engine.explain.facts import FEW, Facts
from engine.explain.report import Cause
from engine.source.origin import Place
from engine.source.search import called_at, calls, written
from engine.wording.names import number
from nn.doctor.facts import USUAL, argument
from nn.models.layers import Layer
from nn.models.module import Module, walk
from nn.models.regularization import Dropout
from nn.optim.optimizers import LIVE, Optimizer

CAUSES: dict[str, Row] = {}
OVER, FAR = 30.0, 100.0  # times the usual rate
SPREAD = 20.0  # times the first weights that nn draws
SHORT = 0.05  # of the length of a gradient that is left by clipping
STRONG = 0.1  # a weight decay
LARGE = 50.0  # a number that goes into the first layer


def optimizers(facts: Facts) -> list[Optimizer]:
    """Those that hold parameters of the model."""
    own = {*facts.parameters}
    return [each for each in LIVE.values() if not own.isdisjoint(each.params)]


def _file(facts: Facts) -> str:
    """The file of the loop, or else of the model."""
    if facts.sweeps:
        return facts.sweeps[-1].place.file
    places = [getattr(part, "place", None) for part in facts.model.modules()]
    return next((place.file for place in places if place), facts.place.file)


# --- optimisers ----------------------------------------------------------------------------------
@row("other_parameters", CAUSES)
def _others(facts: Facts) -> Iterator[Cause]:
    others = [each for each in LIVE.values() if each.steps and each.params[0].grad == 0.0]
    since = facts.sweeps[0].epoch if facts.sweeps else 0
    still = facts.sweeps and max(p._epoch for p in facts.own) <= since
    moved = [each for each in others if max(p._epoch for p in each.params) > since]
    if still and moved and not optimizers(facts):
        other = moved[-1]
        yield cause(
            "the optimiser has parameters of another model",
            f"none of its {len(other.params):,} parameters is one of the {len(facts.own):,} that "
            "this loss depends on, and these never changed",
            "make the optimiser from model.parameters(), after the model",
            1.0,
            other.place,
        )


@row("frozen_layer", CAUSES)
def _frozen(facts: Facts) -> Iterator[Cause]:
    held = {p for each in optimizers(facts) for p in each.params}
    left = [p for p in facts.parameters if p not in held and p in facts.found.gradient]
    if not held or not left or (facts.sweeps and left[0]._epoch > facts.sweeps[-1].epoch):
        return
    layers = [*dict.fromkeys(facts.homes[p][0] for p in left if p in facts.homes)]
    learn = {*facts.model.trainable_parameters()}
    closed = all(p not in learn for p in left)
    file = _file(facts)
    place = called_at(file, "requires_grad_") if closed else optimizers(facts)[0].place
    yield cause(
        f"{names(layers)} {'is frozen' if closed else 'is not given to the optimiser'}",
        f"{len(left):,} of {len(facts.parameters):,} parameters never change",
        "requires_grad_(True) before the optimiser is made" if closed else "model.parameters()",
        0.6,
        place or optimizers(facts)[0].place,
        left,
    )


class Rate(NamedTuple):
    """A learning rate of the loop, the usual one, its line, and how it is written."""

    lr: float
    usual: float
    place: Place
    text: str


def _rates(facts: Facts) -> Iterator[Rate]:
    for each in optimizers(facts):
        kind = type(each).__name__
        if usual := USUAL.get(kind, 0.0):
            yield Rate(each.lr, usual, argument(each.place, "lr"), f"{kind}(..., lr={{:g}})")
    by_hand = facts.sweeps and not optimizers(facts)
    place = facts.sweeps[-1].place if by_hand else facts.place
    for step in written(place.file, ast.AugAssign) if by_hand else ():
        rates = [x.value for x in ast.walk(step.value) if isinstance(x, ast.Constant)]
        if getattr(step.target, "attr", "") == "data" and rates and ".grad" in ast.unparse(step):
            usual, text = USUAL["SGD"], ast.unparse(step).replace(repr(rates[0]), "{:g}", 1)
            yield Rate(float(str(rates[0])), usual, Place(place.file, step.lineno), text)


@row("lr_too_high", CAUSES)
def _high(facts: Facts) -> Iterator[Cause]:
    for rate in _rates(facts):
        over = rate.lr >= OVER * rate.usual
        wild = facts.stuck and (facts.fell < -0.5 or not isfinite(facts.losses[-1]))
        if over or (wild and rate.lr > rate.usual / 2):
            went = f"the loss went from {number(facts.losses[0])} to {number(facts.losses[-1])}"
            yield cause(
                f"the learning rate is too high: lr={rate.lr:g}",
                went if facts.sweeps else f"usual is lr={rate.usual:g}",
                rate.text.format(rate.usual if over else rate.lr / 10.0),
                0.95 if over else 0.6,
                rate.place,
            )


@row("lr_too_low", CAUSES)
def _low(facts: Facts) -> Iterator[Cause]:
    for rate in _rates(facts):
        if facts.sweeps and 0.0 < rate.lr <= rate.usual / FAR and facts.fell < 0.5:
            yield cause(
                f"the learning rate is too low: lr={rate.lr:g}",
                f"in {len(facts.losses):,} steps the loss fell by {max(facts.fell, 0.0):.1%}",
                rate.text.format(rate.usual),
                0.9,
                rate.place,
            )


@row("too_few_epochs", CAUSES)
def _few(facts: Facts) -> Iterator[Cause]:
    if facts.epochs is not None and facts.epochs <= 2:
        yield cause(
            f"too few epochs: {facts.epochs}",
            f"{len(facts.losses):,} steps, and the loss was {number(facts.losses[-1])}",
            f"range({20 * facts.epochs})",
            0.7,
            Place(_file(facts), facts.loops[0].lineno),
        )


@row("penalty_too_strong", CAUSES)
def _decay(facts: Facts) -> Iterator[Cause]:
    for each in optimizers(facts):
        decay = getattr(each, "weight_decay", 0.0)
        if decay >= STRONG:
            yield cause(
                f"weight decay is too strong: weight_decay={decay:g}",
                f"each step pulls every parameter towards 0, by lr * {decay:g} of itself",
                "weight_decay=1e-4, or none",
                0.9,
                argument(each.place, "weight_decay"),
            )
    rows = {node for node in facts.nodes if not node.parents and node not in facts.names}
    below = set[Value]()  # that samples or targets go into
    for node in facts.nodes:
        if node in rows or any(p in below for p in node.parents):
            below.add(node)
    data = {node for node in facts.terms if node in below}
    for term in [t for t in facts.terms if t not in below and t.parents and data]:
        strength = facts.found.gradient[term]
        share = strength * term.data / abs(facts.loss.data) if facts.loss.data else 0.0
        if share > 0.5 or (str(term.op) == "dot" and strength >= STRONG):
            yield cause(
                "the penalty on the parameters is too strong",
                f"{share:.0%} of the loss of {number(facts.loss.data)} is a penalty",
                "a strength of 1e-4, or none",
                0.9,
                facts.line(facts.found.above[term][0].node),
                [term],
            )
            return


@row("clip_too_strong", CAUSES)
def _clipped(facts: Facts) -> Iterator[Cause]:
    place = called_at(_file(facts), "clip_grad_norm", "clip_grad_value")
    left = hypot(*[p.grad for p in facts.own])
    whole = hypot(*[facts.found.gradient[p] for p in facts.own])
    if place and left and left < SHORT * whole:
        yield cause(
            f"gradients are clipped too short: to {number(left)}",
            f"their length is {number(whole)}",
            "clip_grad_norm(parameters, 1.0), or none",
            0.8,
            place,
        )


# --- modules -------------------------------------------------------------------------------------
def _layers(facts: Facts) -> list[tuple[str, Layer]]:
    return [(path, part) for path, part in walk(facts.model) if isinstance(part, Layer)]


@row("shared_weights", CAUSES)
def _shared(facts: Facts) -> Iterator[Cause]:
    for path, part in walk(facts.model):
        for name, held in vars(part).items() if isinstance(part, Module) else ():
            things = [x for x in held if isinstance(x, Module | Value)] if _listed(held) else []
            twice = [x for x in things if sum(x is y for y in things) > 1]
            if twice and any(isinstance(x, Value) or x.parameters() for x in twice):
                where = f"{path}.{name}".lstrip(".")
                yield cause(
                    f"{where} holds one {type(twice[0]).__name__} {len(twice)} times",
                    "they share their weights, and compute and learn the same",
                    f"a list of {len(twice)} that are made one by one: [make() for _ in range(n)]",
                    0.95,
                    _repeated(facts) or facts.module_at(where),
                )


def _listed(held: Any) -> bool:
    return isinstance(held, list | tuple) and len(held) > 1


def _repeated(facts: Facts) -> Place | None:
    """A line that repeats a list: `[Neuron(3)] * 4`."""
    for times in written(_file(facts), ast.BinOp):
        left = times.left
        part = isinstance(left, ast.Subscript) and isinstance(left.slice, ast.Slice)
        if isinstance(times.op, ast.Mult) and (part or isinstance(left, ast.List)):
            return Place(_file(facts), times.lineno)
    return None


@row("equal_weights", CAUSES)
def _equal(facts: Facts) -> Iterator[Cause]:
    for path, layer in _layers(facts):
        weights = [tuple([w.data for w in neuron.w]) for neuron in layer.neurons]
        none = not any(map(any, weights))
        if len({*weights}) == 1 and len({*map(id, layer.neurons)}) > 1:
            yield cause(
                f"all weights of {path or 'the layer'} are {'0' if none else 'equal'}",
                "they compute the same, and get the same gradients",
                "begin with the weights that nn draws",
                0.97,
                facts.set_at or layer.place,
                name="zero_weights" if none else "",
            )
            return


@row("init_too_large", CAUSES)
def _size(facts: Facts) -> Iterator[Cause]:
    for path, layer in _layers(facts) if facts.set_at or not facts.sweeps else ():
        sizes = [abs(w.data) for neuron in layer.neurons for w in neuron.w]
        usual, mean = layer.n_in**-0.5, sum(sizes) / len(sizes)
        scaled = facts.scaled if facts.stuck or facts.fell < 0.8 else 1.0
        large = mean > SPREAD * usual or scaled > SPREAD
        small = 0.0 < mean < usual / SPREAD / 5 or scaled < 1 / SPREAD
        if large or small:
            yield cause(
                f"the weights of {path or 'the layer'} are too {'large' if large else 'small'}",
                f"{number(mean)} in the mean; usual for {layer.n_in} inputs is {number(usual)}",
                "begin with the weights that nn draws",
                0.85,
                facts.set_at or layer.place,
                name="" if large else "init_too_small",
            )
            return


@row("no_activation", CAUSES)
def _linear(facts: Facts) -> Iterator[Cause]:
    layers = [layer for _, layer in _layers(facts)]
    own = [n for n in facts.nodes if n in facts.units and len(n.parents) == 1]
    if len(layers) > 1 and not own and all(layer.activation == "linear" for layer in layers):
        bent = [n for n in facts.nodes if len(n.parents) <= 2 and n.op and n.op.own]
        inner = {p for layer in layers[1:] for p in layer.neurons[0].w}
        fed = [n for n in facts.nodes if any(p in inner for p in n.parents)]
        straight = all(p in facts.units for n in fed for p in n.parents if not is_constant(p))
        if straight and not bent:
            yield cause(
                "the hidden layers have no activation",
                f"{len(layers)} linear layers compute what one does",
                'activation="relu"',
                0.8,
                argument(layers[0].place, "activation"),
            )


@row("too_narrow", CAUSES)
def _narrow(facts: Facts) -> Iterator[Cause]:
    layers = [layer for _, layer in _layers(facts)][:-1]
    if layers and min(len(layer.neurons) for layer in layers) < 2 and facts.fell < 0.8:
        yield cause(
            "a hidden layer has 1 unit",
            f"all that it knows of {layers[0].n_in} inputs goes through it",
            "8 units or more",
            0.6,
            min(layers, key=lambda layer: len(layer.neurons)).place,
        )


@row("dropout_at_evaluation", CAUSES)
def _mode(facts: Facts) -> Iterator[Cause]:
    dropping = [m for m in facts.model.modules() if isinstance(m, Dropout) and m.p]
    file, loops = _file(facts), facts.loops
    if not any(vars(m).get("training", True) for m in dropping) or not loops:
        return
    models = {
        ast.unparse(each.func).removesuffix(".parameters") for each in calls(file, "parameters")
    }
    end = loops[0].end_lineno or 0
    after = [call.lineno for call in calls(file, *models) if call.lineno > end]
    if after and not called_at(file, "eval", "train"):
        yield cause(
            "dropout is on where the model is evaluated",
            f"after training the model is called at line {after[0]}, and it is in training mode",
            "model.eval() before it",
            0.8,
            Place(file, after[0]),
        )


@row("dropout_too_strong", CAUSES)
def _dropout(facts: Facts) -> Iterator[Cause]:
    for part in facts.model.modules():
        if isinstance(part, Dropout) and part.p > 0.7:
            seen = f"in training, {part.p:.0%} of the units are 0"
            title = f"dropout is too strong: Dropout({part.p:g})"
            yield cause(title, seen, "Dropout(0.1)", 0.8, part.place)


# --- outputs and targets -------------------------------------------------------------------------
@row("mse_for_classes", CAUSES)
def _classes(facts: Facts) -> Iterator[Cause]:
    pairs = [(x, t) for x, t in facts.targets if not str(facts.loss.op).startswith("binary")]
    squares = [n for n in facts.nodes if str(n.op) == "sub" and n not in facts.units]
    seen = {t for _, t in pairs}
    whole = all(t.is_integer() and 0 <= t <= 20 for t in seen)
    if squares and len(seen) > 2 and whole and len(pairs) >= 1.5 * len(seen):
        yield cause(
            "mse is a loss of numbers, and the targets are classes",
            f"the targets are {names([f'{t:g}' for t in sorted(seen)])}",
            "nn.cross_entropy on linear outputs, one for each class",
            0.75,
            facts.loss_at,
        )


@row("activation_on_output", CAUSES)
def _bounded(facts: Facts) -> Iterator[Cause]:
    ends = {"relu": (0.0, float("inf")), "tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0)}
    pairs = facts.targets
    ops = {str(x.op) for x, _ in pairs}
    if len(ops) != 1 or not ops & ends.keys():
        return
    (op,) = ops
    low, high = ends[op]
    scores = [n for n in facts.nodes if "log" in str(n.op) and n not in facts.units]
    beyond = [t for _, t in pairs if not low <= t <= high]
    if (scores and op != "sigmoid") or (beyond and not scores):
        layers = _layers(facts)
        seen = f"{op} gives numbers from {low:g} to {high:g}, and "
        seen += "the loss takes any score" if scores else f"{len(beyond)} targets are beyond"
        place = argument(layers[-1][1].place, "output") if layers else facts.line(pairs[0][0])
        do = 'output="linear"'
        yield cause(f"the outputs go through {op}", seen, do, 0.85, place)


@row("inputs_not_scaled", CAUSES)
def _inputs(facts: Facts) -> Iterator[Cause]:
    first = {w for path, layer in _layers(facts)[:1] for w in layer.neurons[0].w}
    fed = [n for n in facts.nodes if any(p in first for p in n.parents)]
    sizes = [abs(p.data) for n in fed for p in n.parents if p not in first and not p.parents]
    if sizes and max(sizes) > LARGE:
        yield cause(
            "the samples are not scaled",
            f"numbers up to {number(max(sizes))} go into the first layer",
            "subtract each column's mean and divide by its deviation, both of the training rows",
            0.93,
            Place(_file(facts), facts.loops[0].lineno) if facts.loops else None,
        )


@row("targets_not_scaled", CAUSES)
def _targets(facts: Facts) -> Iterator[Cause]:
    scores = [n for n in facts.nodes if "log" in str(n.op) and n not in facts.units]
    sizes = [abs(t) for _, t in facts.targets]
    if sizes and not scores and max(sizes) > LARGE / 2.0 and len(sizes) > FEW:
        yield cause(
            "the targets are not scaled",
            f"targets up to {number(max(sizes))}",
            "subtract their mean, divide by their deviation, and undo both to predict",
            0.92,
            facts.loss_at,
        )
