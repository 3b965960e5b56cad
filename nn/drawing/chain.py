"""What can be drawn of a model: the layers that feed each other, and what they answer."""

from itertools import pairwise
from typing import Any, TypeAlias

from engine import no_grad
from nn.evaluation.measure import predict
from nn.models.layers import Layer, Neuron
from nn.models.module import Module

__all__ = ["answers", "layers", "neurons", "widths"]

Part: TypeAlias = Layer | Neuron


def layers(who: str, model: object) -> list[Part]:
    """The layers of a model that is nothing but layers in a row; for any other, a TypeError.

    >>> from nn import MLP
    >>> layers("draw_network", MLP(2, [3, 1], rng=7))
    [Layer(2, 3, activation='relu'), Layer(3, 1, activation='linear')]
    """
    found: list[Part] = []
    seen: set[int] = set()
    stack = [model]
    while stack:
        thing = stack.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, Layer | Neuron):
            found.append(thing)
        elif isinstance(thing, Module | dict):
            inside = vars(thing) if isinstance(thing, Module) else thing
            stack.extend(reversed(inside.values()))
        elif isinstance(thing, list | tuple):
            stack.extend(reversed(thing))
    problem = _problem(model, found)
    if problem:
        raise TypeError(
            f"{who} takes a Neuron, a Layer, an MLP or a Module of Layers that feed each other, "
            f"got {type(model).__name__}, {problem}; draw its Layers one by one"
        )
    return found


def _problem(model: object, found: list[Part]) -> str | None:
    """What keeps a model from being a row of layers, as the end of a sentence."""
    if not isinstance(model, Module):
        return "which is no Module"
    if not found:
        return "which holds no Layer"
    for before, after in pairwise(found):
        out, taken = len(neurons(before)), widths([after])[0]
        if out != taken:
            return f"in which a part with {out} outputs stands before one with {taken} inputs"
    if set(model.parameters()) - {p for part in found for p in part.parameters()}:
        return "which has parameters outside of its Layers"
    return None


def neurons(part: Part) -> list[Neuron]:
    """The neurons of a layer; a neuron alone is a layer of one."""
    return [part] if isinstance(part, Neuron) else part.neurons


def widths(parts: list[Part]) -> list[int]:
    """How many numbers go in, and how many come out of each layer.

    >>> widths([Layer(2, 3), Layer(3, 1)])
    [2, 3, 1]
    """
    return [len(neurons(parts[0])[0].w), *(len(neurons(part)) for part in parts)]


def answers(who: str, model: Module, parts: list[Part], x: Any) -> list[list[float]]:
    """What the inputs and every unit of every layer hold for a sample.

    Raises TypeError where the model says something else than its layers do one after another: it
    computes more than a picture of them shows.

    >>> answers("draw_network", layer := Layer(1, 2, "linear", rng=7), [layer], [0.0])
    [[0.0], [0.0, 0.0]]
    """
    signal: Any = tuple(x) if hasattr(x, "__iter__") else (x,)
    columns = [signal]
    with no_grad():
        for part in parts:
            signal = part(signal)
            columns.append(signal if isinstance(signal, list) else [signal])
    numbers = [[float(value) for value in column] for column in columns]
    said = predict(model, [columns[0]])[0]
    if repr(said if isinstance(said, list) else [said]) != repr(numbers[-1]):  # a nan is a nan
        raise TypeError(
            f"{who} takes a model that applies its Layers one after another, got "
            f"{type(model).__name__}, which makes {said!r:.60} of this sample where they make "
            f"{numbers[-1]!r:.60}; draw its Layers one by one"
        )
    return numbers
