"""Causes in the model: its first weights, its activations, its widths."""

from collections.abc import Callable, Iterator
from math import hypot, sqrt

from engine.source.origin import Place
from engine.wording.names import number
from nn.doctor import changes
from nn.doctor.symptoms import Symptoms, argument
from nn.doctor.table import Suspicion, remedy, row, suspect
from nn.models.activations import bound
from nn.models.layers import Layer

FLAT = 0.99  # a tanh or a sigmoid beyond it is saturated
MANY = 0.5  # of the units of a layer
SMALL = 4  # units of a layer that are few
FAR = 5.0  # times the size that suits a layer
DRAWN = "begin with the weights that nn draws (leave the parameters of new layers as they are)"
FRESH = remedy(DRAWN, changes.fresh, short="new weights")
BOUNDS = {"relu": (0.0, float("inf")), "tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0)}


@row("dead_relu")
def _dead(facts: Symptoms) -> Iterator[Suspicion]:
    for k, layer in enumerate(facts.layers[:-1]):
        if layer.activation != "relu":
            continue
        dead = [not any(unit) for unit in facts.units[k]]
        if sum(dead) >= MANY * len(dead):
            biases = [neuron.b.data for neuron in layer.neurons]
            below = max(biases) < 0.0
            why = f"; their biases are {number(max(biases))} at most" if below else ""
            gave = f"{sum(dead)} of {len(dead)} units gave 0"
            seen = f"{gave} for all of {len(facts.units[k][0])} rows as the training began{why}"
            title, place = f"dead ReLUs in {_called(facts.layers, k)}", _set_at(facts, layer, True)
            yield suspect(title, seen, 0.9, place, FRESH)
            return


@row("saturated")
def _saturated(facts: Symptoms) -> Iterator[Suspicion]:
    for k, layer in enumerate(facts.layers[:-1]):
        if layer.activation in ("tanh", "sigmoid"):
            middle = 0.5 if layer.activation == "sigmoid" else 0.0
            flat = [
                sum(abs(x - middle) > FLAT * (1.0 - middle) for x in unit) / len(unit)
                for unit in facts.units[k]
            ]
            share = sum(flat) / len(flat)
            if share >= MANY:
                title = f"{_called(facts.layers, k)} is saturated"
                gave = f"{share:.0%} of the numbers that its units gave were"
                seen = f"as the training began, {gave} at an end of {layer.activation}"
                yield suspect(title, seen, 0.7, layer.place, FRESH)


@row("zero_weights")
def _zero(facts: Symptoms) -> Iterator[Suspicion]:
    for k, weights in enumerate(_weights(facts)):
        if len(facts.every) > 1 and not any(map(any, weights)):
            yield _alike(facts, k, "0")
            return


@row("equal_weights")
def _equal(facts: Symptoms) -> Iterator[Suspicion]:
    for k, weights in enumerate(_weights(facts)):
        several = len({*map(id, facts.every[k].neurons)}) > 1
        if several and len({*weights}) == 1 and any(map(any, weights)):
            yield _alike(facts, k, "equal")
            return


def _weights(facts: Symptoms) -> list[list[tuple[float, ...]]]:
    """The first weights of every neuron, by layer."""
    return [[tuple([w.data for w in n.w]) for n in layer.neurons] for layer in facts.every]


def _alike(facts: Symptoms, k: int, how: str) -> Suspicion:
    title = f"all weights of {_called(facts.every, k)} begin {how}"
    seen = "so its units compute the same, and learn the same"
    return suspect(title, seen, 0.95, _set_at(facts, facts.every[k]), FRESH)


@row("init_too_large")
def _huge(facts: Symptoms) -> Iterator[Suspicion]:
    yield from _sizes(facts, "large", lambda times: times > FAR)


@row("init_too_small")
def _tiny(facts: Symptoms) -> Iterator[Suspicion]:
    yield from _sizes(facts, "small", lambda times: times < 1.0 / FAR)


def _sizes(facts: Symptoms, how: str, odd: Callable[[float], bool]) -> Iterator[Suspicion]:
    """Weights that are many times as large, or as small, as suits their layer."""
    for k, (layer, weights) in enumerate(zip(facts.every, _weights(facts), strict=True)):
        size = hypot(*[hypot(*each) for each in weights]) / sqrt(len(weights) * layer.n_in)
        times = size / (bound(layer.activation, None, layer.n_in, len(weights)) / sqrt(3.0))
        if odd(times) and len({*weights}) > 1:
            seen = f"they are {number(size)} in the mean, {times:.3g} times what suits {layer!r}"
            title = f"the weights of {_called(facts.every, k)} begin too {how}"
            yield suspect(title, seen, 0.9, _set_at(facts, facts.every[k]), FRESH)
            return


def _set_at(facts: Symptoms, layer: Layer, biases: bool = False) -> Place | None:
    """The line that set a layer's weights or biases, or else that where it was made."""
    values = [neuron.b if biases else neuron.w[0] for neuron in layer.neurons]
    return facts.set_at(values) or layer.place


def _called(layers: list[Layer], k: int) -> str:
    """How the user finds a layer."""
    return f"layers.{k} ({layers[k]!r})"


@row("no_activation")
def _linear(facts: Symptoms) -> Iterator[Suspicion]:
    hidden = facts.layers[:-1]
    if hidden and all(layer.activation == "linear" for layer in hidden):
        relu = remedy("activation='relu'", changes.activation, "relu", True)
        seen = f"{len(facts.layers)} linear layers compute what one does"
        place = argument(hidden[0].place, "activation")
        yield suspect("the hidden layers have no activation", seen, 0.7, place, relu)


@row("activation_on_output")
def _output(facts: Symptoms) -> Iterator[Suspicion]:
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
        linear = remedy("output='linear'", changes.activation, "linear", False)
        title, place = f"the outputs go through {last.activation}", argument(last.place, "output")
        yield suspect(title, seen, 0.8, place, linear)


@row("too_narrow")
def _narrow(facts: Symptoms) -> Iterator[Suspicion]:
    widths = [len(layer.neurons) for layer in facts.layers[:-1]]
    if widths and (least := min(widths)) < SMALL:
        wider = remedy("hidden layers of 16", changes.wider, 16, short="16 units")
        title = f"a hidden layer has {least} unit{'s' * (least > 1)}"
        seen = f"all that it knows of {facts.layers[0].n_in} inputs goes through them"
        yield suspect(title, seen, 0.6, facts.layers[widths.index(least)].place, wider)
