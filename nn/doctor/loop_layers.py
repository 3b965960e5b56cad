"""Causes in loops of one's own that layers tell, and what goes in and out of them."""

import ast
from collections.abc import Iterator
from functools import partial

from engine.core.value import Value, is_constant
from engine.explain.causes import Row, entry
from engine.explain.facts import FEW, Facts
from engine.explain.report import Cause, cause, names
from engine.source.origin import Place
from engine.source.search import called_at, calls, written
from engine.wording.names import number
from nn.doctor.data_causes import STANDARD
from nn.doctor.loops import file_of
from nn.doctor.model_causes import BOUNDS
from nn.doctor.symptoms import argument
from nn.models.layers import Layer
from nn.models.module import Module, walk
from nn.models.regularization import Dropout

CAUSES: dict[str, Row] = {}
row = partial(entry, CAUSES)
DRAWN = "begin with the weights that nn draws"
SPREAD = 20.0  # times the first weights that nn draws
LARGE = 50.0  # a number that goes into the first layer


# --- modules -------------------------------------------------------------------------------------
def _layers(facts: Facts) -> list[tuple[str, Layer]]:
    return [(path, part) for path, part in walk(facts.model) if isinstance(part, Layer)]


@row("shared_weights")
def _shared(facts: Facts) -> Iterator[Cause]:
    for path, part in walk(facts.model):
        for name, held in vars(part).items() if isinstance(part, Module) else ():
            listed = held if isinstance(held, list | tuple) else ()
            things = [x for x in listed if isinstance(x, Module | Value)]
            twice = [x for x in things if sum(x is y for y in things) > 1]
            if twice and any(isinstance(x, Value) or x.parameters() for x in twice):
                where = f"{path}.{name}".lstrip(".")
                title = f"{where} holds one {type(twice[0]).__name__} {len(twice)} times"
                seen = "they share their weights, and compute and learn the same"
                do = f"a list of {len(twice)} that are made one by one: [make() for _ in range(n)]"
                place = _repeated(facts) or facts.module_at(where)
                yield cause(title, seen, do, 0.95, place)


def _repeated(facts: Facts) -> Place | None:
    """A line that repeats a list: `[Neuron(3)] * 4`."""
    for times in written(file_of(facts), ast.BinOp):
        left = times.left
        part = isinstance(left, ast.Subscript) and isinstance(left.slice, ast.Slice)
        if isinstance(times.op, ast.Mult) and (part or isinstance(left, ast.List)):
            return Place(file_of(facts), times.lineno)
    return None


@row("equal_weights")
def _equal(facts: Facts) -> Iterator[Cause]:
    for path, layer in _layers(facts):
        weights = [tuple([w.data for w in neuron.w]) for neuron in layer.neurons]
        none = not any(map(any, weights))
        if len({*weights}) == 1 and len({*map(id, layer.neurons)}) > 1:
            title = f"all weights of {path or 'the layer'} are {'0' if none else 'equal'}"
            seen = "they compute the same, and get the same gradients"
            place, name = facts.set_at or layer.place, "zero_weights" if none else ""
            yield cause(title, seen, DRAWN, 0.97, place, name=name)
            return


@row("init_too_large")
def _size(facts: Facts) -> Iterator[Cause]:
    for path, layer in _layers(facts) if facts.set_at or not facts.sweeps else ():
        sizes = [abs(w.data) for neuron in layer.neurons for w in neuron.w]
        usual, mean = layer.n_in**-0.5, sum(sizes) / len(sizes)
        scaled = facts.scaled if facts.fell < 0.95 else 1.0
        large = mean > SPREAD * usual or scaled > SPREAD
        small = 0.0 < mean < usual / SPREAD / 5 or scaled < 1 / SPREAD
        if large or small:
            title = f"the weights of {path or 'the layer'} are too {'large' if large else 'small'}"
            seen = f"{number(mean)} in the mean; usual for {layer.n_in} inputs is {number(usual)}"
            place, name = facts.set_at or layer.place, "" if large else "init_too_small"
            yield cause(title, seen, DRAWN, 0.97, place, name=name)
            return


@row("no_activation")
def _linear(facts: Facts) -> Iterator[Cause]:
    layers = [layer for _, layer in _layers(facts)]
    own = [n for n in facts.nodes if n in facts.units and len(n.parents) == 1]
    if len(layers) > 1 and not own and all(layer.activation == "linear" for layer in layers):
        bent = [n for n in facts.nodes if len(n.parents) <= 2 and n.op and n.op.own]
        inner = {p for layer in layers[1:] for p in layer.parameters()}
        fed = [n for n in facts.nodes if any(p in inner for p in n.parents)]
        straight = all(p in facts.units for n in fed for p in n.parents if not is_constant(p))
        if straight and not bent:
            title, do = "the hidden layers have no activation", 'activation="relu"'
            seen = f"{len(layers)} linear layers compute what one does"
            yield cause(title, seen, do, 0.8, argument(layers[0].place, "activation"))


@row("too_narrow")
def _narrow(facts: Facts) -> Iterator[Cause]:
    layers = [layer for _, layer in _layers(facts)][:-1]
    if layers and min(len(layer.neurons) for layer in layers) < 2 and facts.fell < 0.8:
        place = min(layers, key=lambda layer: len(layer.neurons)).place
        seen = f"all that it knows of {layers[0].n_in} inputs goes through it"
        yield cause("a hidden layer has 1 unit", seen, "8 units or more", 0.6, place)


@row("dropout_at_evaluation")
def _mode(facts: Facts) -> Iterator[Cause]:
    dropping = [m for m in facts.model.modules() if isinstance(m, Dropout) and m.p]
    file, loops = file_of(facts), facts.loops
    if not any(vars(m).get("training", True) for m in dropping) or not loops:
        return
    lists = [ast.unparse(each.func) for each in calls(file, "parameters")]
    models = [each.removesuffix(".parameters") for each in lists]
    end = loops[0].end_lineno or 0
    after = [call.lineno for call in calls(file, *models) if call.lineno > end]
    if after and not called_at(file, "eval", "train"):
        title, do = "dropout is on where the model is evaluated", "model.eval() before it"
        seen = f"after training the model is called at line {after[0]}, and it is in training mode"
        yield cause(title, seen, do, 0.8, Place(file, after[0]))


@row("dropout_too_strong")
def _dropout(facts: Facts) -> Iterator[Cause]:
    for part in facts.model.modules():
        if isinstance(part, Dropout) and part.p > 0.7:
            seen = f"in training, {part.p:.0%} of the units are 0"
            title = f"dropout is too strong: Dropout({part.p:g})"
            yield cause(title, seen, "Dropout(0.1)", 0.8, part.place)


# --- outputs and targets -------------------------------------------------------------------------
@row("mse_for_classes")
def _classes(facts: Facts) -> Iterator[Cause]:
    pairs = [(x, t) for x, t in facts.targets if not str(facts.loss.op).startswith("binary")]
    squares = [n for n in facts.nodes if str(n.op) == "sub" and n not in facts.units]
    seen = {t for _, t in pairs}
    whole = all(t.is_integer() and 0 <= t <= 20 for t in seen)
    if squares and len(seen) > 2 and whole and len(pairs) >= 1.5 * len(seen):
        title = "mse is a loss of numbers, and the targets are classes"
        targets = f"the targets are {names([f'{t:g}' for t in sorted(seen)])}"
        do = "nn.cross_entropy on linear outputs, one for each class"
        yield cause(title, targets, do, 0.75, facts.loss_at)


@row("activation_on_output")
def _bounded(facts: Facts) -> Iterator[Cause]:
    pairs = facts.targets
    (op, *others) = {str(x.op) for x, _ in pairs} or {""}
    if others or op not in BOUNDS:
        return
    low, high = BOUNDS[op]
    scores = _scores(facts)
    beyond = [t for _, t in pairs if not low <= t <= high]
    if (scores and op != "sigmoid") or (beyond and not scores):
        layers = _layers(facts)
        seen = f"{op} gives numbers from {low:g} to {high:g}, and "
        seen += "the loss takes any score" if scores else f"{len(beyond)} targets are beyond"
        place = argument(layers[-1][1].place, "output") if layers else facts.line(pairs[0][0])
        yield cause(f"the outputs go through {op}", seen, 'output="linear"', 0.85, place)


def _scores(facts: Facts) -> bool:
    """Whether the loss takes logarithms: its outputs are scores or probabilities."""
    return any("log" in str(n.op) and n not in facts.units for n in facts.nodes)


def inputs(facts: Facts) -> list[tuple[float, ...]]:
    """The rows that go into the first layer in this graph."""
    first = {w for _, layer in _layers(facts)[:1] for w in layer.neurons[0].w}
    fed = [n for n in facts.nodes if any(p in first for p in n.parents)]
    rows = [tuple([p.data for p in n.parents if p not in facts.names]) for n in fed]
    plain = all(not p.parents or p in facts.names for n in fed for p in n.parents)
    return rows if plain and len({*map(len, rows)}) == 1 and any(rows) else []


@row("inputs_not_scaled")
def _scales(facts: Facts) -> Iterator[Cause]:
    rows = inputs(facts)
    largest = max((abs(x) for each in rows for x in each), default=0.0)
    if largest > LARGE:
        seen = f"numbers up to {number(largest)} go into the first layer"
        yield cause("the samples are not scaled", seen, STANDARD, 0.93, facts.loop_at(0))


@row("targets_not_scaled")
def _targets(facts: Facts) -> Iterator[Cause]:
    sizes = [abs(t) for _, t in facts.targets]
    if sizes and not _scores(facts) and max(sizes) > LARGE / 2.0 and len(sizes) > FEW:
        seen = f"targets up to {number(max(sizes))}"
        do = "subtract their mean, divide by their deviation, and undo both to predict"
        yield cause("the targets are not scaled", seen, do, 0.92, facts.loss_at)
