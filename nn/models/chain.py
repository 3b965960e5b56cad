"""The layers of a model that consists of layers alone, each feeding the next."""

from itertools import pairwise
from types import SimpleNamespace
from typing import Any, TypeAlias

from nn.models.layers import Layer, Neuron, Sequential
from nn.models.module import Module, walk
from nn.models.regularization import BatchNorm

Part: TypeAlias = Layer | Neuron | BatchNorm


def layers(who: str, model: object, norms: bool = False) -> list[Part]:
    """The layers of a model that consists of layers alone, each feeding the next.

    Arguments:
        who: the function that asks, for the message of the TypeError about any other model.
        norms: whether a BatchNorm counts as a layer.

    >>> from nn import MLP
    >>> layers("draw_network", MLP(2, [3, 1], rng=7))
    [Layer(2, 3, activation='relu'), Layer(3, 1, activation='linear')]
    """
    alone = Layer | Neuron | BatchNorm if norms else Layer | Neuron
    found = [x for part in row(model) for _, x in walk(part) if isinstance(x, alone)]
    inside = {neuron for layer in found if isinstance(layer, Layer) for neuron in layer.neurons}
    found = [part for part in found if part not in inside]
    problem = _problem(model, found)
    if problem:
        fault = f"{who} takes a Neuron, a Layer, an MLP or a Module of Layers that feed each other"
        remedy = "give it Layers one by one"
        raise TypeError(f"{fault}, got {type(model).__name__}, {problem}; {remedy}")
    return found


def _problem(model: object, found: list[Part]) -> str | None:
    """Why a model does not consist of such layers, as the end of a sentence; None if it does."""
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


def row(model: Any) -> list[Any]:
    """The layers of an MLP or a Sequential, where one may stand twice. Others are a row of one."""
    return model.layers if isinstance(model, Sequential) else [model]


def neurons(part: Part) -> list[Any]:
    """The neurons of a layer. A Neuron counts as a layer of one.

    The units of a BatchNorm have one weight each and a bias, by its running statistics.
    """
    if not isinstance(part, BatchNorm):
        return [part] if isinstance(part, Neuron) else part.neurons
    found, held = [], (part.weight, part.bias, part.running.mean, part.running.var)
    for i, (weight, bias, mean, var) in enumerate(zip(*held, strict=True)):
        scale = weight / (var + part.eps).sqrt()
        w = [scale if k == i else None for k in range(part.n)]
        found.append(SimpleNamespace(w=w, b=bias - mean * scale))
    return found


def widths(parts: list[Part]) -> list[int]:
    """How many inputs the first layer has, then how many outputs each layer has.

    >>> widths([Layer(2, 3), Layer(3, 1)])
    [2, 3, 1]
    """
    return [len(neurons(parts[0])[0].w), *(len(neurons(part)) for part in parts)]
