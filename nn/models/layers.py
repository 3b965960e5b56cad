"""Neuron, Layer, Sequential and MLP. A neuron is two nodes: a weighted sum and an activation.

The names of the attributes are micrograd's (`neuron.w`, `neuron.b`, `layer.neurons`, `mlp.layers`).
The first weights are drawn from `rng`: a `random.Random`, an int seed (the same seed gives the same
bits), or None for Python's global generator, which `random.seed()` seeds.
"""

import random
import re
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from engine import Value, dot
from engine.choices import pick, spelled
from engine.core.graph import uncollected
from engine.source.origin import Place
from nn.checks import alone, as_list, count, generator, place, whole
from nn.models.activations import ACTIVATIONS, ActivationName, InitName, bound
from nn.models.module import Module, Out

Inputs: TypeAlias = Value | float | Iterable[Value | float]
Source: TypeAlias = random.Random | int | None


class Neuron(Module[Value]):
    """A weighted sum of its inputs and a bias, through an activation: `activation(w . x + b)`.

    Arguments:
        n_in: how many inputs it takes.
        activation: a name in `ACTIVATIONS`. softmax needs a whole Layer.
        rng: the weights are drawn from it. The bias starts at 0.
        nonlin: as in micrograd, True is relu and False is linear.
        init: a name in `INITS`. None for the one that suits the activation.
        n_out: how many neurons its layer has; the initialisation "xavier" depends on it.

    A call takes n_in Values or numbers and gives a Value: a `dot` node, and on top of it a node of
    the activation unless that is linear.

    >>> neuron = Neuron(3, "tanh", rng=7)
    >>> neuron
    Neuron(3, activation='tanh')
    >>> neuron([1.0, 2.0])
    Traceback (most recent call last):
    ValueError: Neuron takes 3 inputs, got 2; check the width of the layer before it, or the sample
    """

    @spelled
    def __init__(
        self,
        n_in: int,
        activation: ActivationName | bool = "relu",
        rng: Source = None,
        *,
        nonlin: bool | None = None,
        init: InitName | None = None,
        n_out: int = 1,
    ) -> None:
        count("Neuron", "n_in", n_in)
        count("Neuron", "n_out", n_out)
        self.activation = _activation(activation, nonlin)
        width, draw = bound(self.activation, init, n_in, n_out), generator(rng).uniform
        if ACTIVATIONS[self.activation].layerwise:
            fault = f"{self.activation} looks at all outputs of a layer at once"
            remedy = f"use Layer(..., activation={self.activation!r})"
            raise ValueError(f"{fault}, so one Neuron cannot have it; {remedy}")
        self.w: list[Value] = [Value(draw(-width, width), f"w{i}") for i in range(n_in)]
        self.b: Value = Value(0.0, "b")
        self.place: Place = place()

    @property
    def nonlin(self) -> bool:
        """Whether there is an activation. Set it to True for relu, to False for none."""
        return self.activation != "linear"

    @nonlin.setter
    def nonlin(self, nonlin: bool) -> None:
        self.activation = _activation(bool(nonlin), None)

    def __call__(self, x: Inputs) -> Value:
        """The output for one sample of n_in Values or numbers."""
        return self.forward(lifted(self, x, len(self.w)))

    def forward(self, xs: Sequence[Value]) -> Value:
        """The output for n_in Values, which are not checked: a Layer does so once for all."""
        total = dot(self.w, xs, self.b)
        function = ACTIVATIONS[self.activation].function
        return total if function is None else function(total)

    def __repr__(self) -> str:
        return f"Neuron({len(self.w)}, activation={self.activation!r})"


class Layer(Module[Out]):
    """Neurons side by side, which all take the same inputs.

    Arguments as for `Neuron`, but n_out is how many neurons it has. A call gives a list of n_out
    Values, or a Value where n_out is 1.

    >>> layer = Layer(2, 3, activation="softmax", rng=7)
    >>> round(sum(p.data for p in layer([0.5, -1.0])), 12)
    1.0
    """

    @spelled
    def __init__(
        self,
        n_in: int,
        n_out: int,
        activation: ActivationName | bool = "relu",
        rng: Source = None,
        *,
        nonlin: bool | None = None,
        init: InitName | None = None,
    ) -> None:
        self.n_in: int = count("Layer", "n_in", n_in)
        count("Layer", "n_out", n_out)
        self.activation = _activation(activation, nonlin)
        row = pick(ACTIVATIONS, self.activation, "activation")
        if row.layerwise and n_out == 1:
            got = f"{self.activation} over a single output is always 1"
            remedy = "use 'sigmoid' for one, or give the layer an output for each class"
            raise ValueError(f"{got}; {remedy}")
        inner: ActivationName = "linear" if row.layerwise else self.activation
        rng = generator(rng)
        with uncollected():
            made = [Neuron(n_in, inner, rng, init=init, n_out=n_out) for _ in range(n_out)]
            self.neurons: list[Neuron] = made
        self.place: Place = place()
        for j, neuron in enumerate(self.neurons):
            _prefix(neuron, f"N{j}.")

    def __call__(self, x: Inputs) -> Out:
        """The outputs for one sample of n_in Values or numbers."""
        xs = lifted(self, x, self.n_in)
        outputs = [neuron.forward(xs) for neuron in self.neurons]
        row = ACTIVATIONS[self.activation]
        if row.layerwise and row.function is not None:
            outputs = list(row.function(outputs))
        return outputs[0] if len(outputs) == 1 else outputs  # type: ignore[return-value]

    def __repr__(self) -> str:
        return f"Layer({self.n_in}, {len(self.neurons)}, activation={self.activation!r})"


class Sequential(Module[Out]):
    """Layers in a row, each of which feeds the next.

    Arguments:
        layers: Layers, Dropout, BatchNorm, Modules of your own. A Sequential gives its layers.

    A call gives what the last layer gives. Labels of parameters start with the place of the layer:
    `L0.N3.w2` is the third weight of the fourth neuron of the first layer.

    >>> model = Sequential(Layer(2, 8, "relu", 7), Layer(8, 4, "tanh", 8), Layer(4, 1, "linear", 9))
    >>> model.layers[1], model.output, len(model.parameters())
    (Layer(8, 4, activation='tanh'), 'linear', 65)
    """

    def __init__(self, *layers: Module) -> None:
        self.layers: list[Any] = []
        for layer in layers:
            if not isinstance(layer, Module):
                got = f"Sequential takes Layers in a row, got {type(layer).__name__} {layer!r:.60}"
                remedy = "write Sequential(Layer(2, 3, 'tanh'), Layer(3, 1, 'linear'))"
                raise TypeError(f"{got}; {remedy}")
            plain = type(layer).__call__ is Sequential.__call__
            self.layers += layer.layers if plain else [layer]  # type: ignore[attr-defined]
        if not self.layers:
            raise ValueError("Sequential takes at least one Layer, got none; give one: Layer(2, 1)")
        self.output: str | None = getattr(self.layers[-1], "activation", None)
        for k, layer in enumerate(self.layers):
            _prefix(layer, f"L{k}.")

    def __call__(self, x: Inputs) -> Out:
        """The outputs for one sample of n_in Values or numbers."""
        for layer in self.layers:
            x = layer(x)
        return x  # type: ignore[return-value]  # there is a layer, so this is what it gave

    def forward_batch(self, rows: Sequence[Any]) -> list[Any]:
        """The outputs for every sample: layer by layer where a layer needs the whole batch."""
        own = [type(layer).forward_batch is not Module.forward_batch for layer in self.layers]
        if not any(own) or type(self).__call__ is not Sequential.__call__:
            return super().forward_batch(rows)
        for layer in self.layers:
            rows = layer.forward_batch(rows)
        return [*rows]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.layers))})"


class MLP(Sequential[Out]):
    """A multilayer perceptron: a Sequential whose hidden layers share one activation.

    Arguments:
        n_in: how many numbers one sample has.
        widths: how many neurons each layer has, the output layer last: `[16, 16, 1]`.
        activation: that of the hidden layers. output: that of the last layer.
        rng, init: as for `Neuron`.

    A call gives a Value where the last layer has one neuron, else a list of Values. Type checkers,
    which cannot see that, take it for Any, or for what is said: `MLP[Value](2, [16, 1])`,
    `MLP[list[Value]](2, [16, 3])`.

    >>> model = MLP(2, [16, 16, 1], activation="tanh", rng=7)
    >>> model
    MLP(2, [16, 16, 1], activation='tanh', output='linear')
    >>> len(model.parameters()), model.layers[0].neurons[3].w[1].label
    (337, 'L0.N3.w1')
    """

    layers: list[Layer]

    @spelled
    def __init__(
        self,
        n_in: int,
        widths: Sequence[int],
        activation: ActivationName = "relu",
        output: ActivationName = "linear",
        rng: Source = None,
        *,
        init: InitName | None = None,
    ) -> None:
        widths, rng = _widths(widths), generator(rng)
        pick(ACTIVATIONS, _activation(activation, None), "activation")  # also of no hidden layer
        names = [activation] * (len(widths) - 1) + [output]
        each = zip([n_in, *widths], widths, names, strict=False)
        super().__init__(*[Layer(n, width, name, rng, init=init) for n, width, name in each])
        self.activation: ActivationName = activation
        self.output: str | None = output

    def __repr__(self) -> str:
        n_in, widths = self.layers[0].n_in, [len(layer.neurons) for layer in self.layers]
        how = f"activation={self.activation!r}, output={self.output!r}"
        return f"MLP({n_in}, {widths}, {how})"


def _activation(name: ActivationName | bool, nonlin: bool | None) -> ActivationName:
    """The activation's name. As in micrograd, True means relu and False means linear."""
    if isinstance(name, bool):
        nonlin = name
    if nonlin is None:
        return name  # type: ignore[return-value]  # no bool; `pick` judges it
    if whole(nonlin) is None:
        got = f"{type(nonlin).__name__} {nonlin!r:.60}"
        raise TypeError(f"nonlin is True for relu or False for linear, got {got}")
    return "relu" if nonlin else "linear"


def _widths(widths: Any) -> list[int]:
    remedy = "; MLP(2, [16, 16, 1]) has two hidden layers of 16 and one output"
    if alone(widths):
        raise TypeError(f"MLP takes a list of widths, got {widths!r:.60}{remedy}")
    checked = [count("MLP", "each width", width, remedy) for width in widths]
    if not checked:
        raise ValueError(f"MLP takes at least one width, got an empty list{remedy}")
    return checked


def _prefix(module: Module, prefix: str) -> None:
    """Put a prefix before the labels of parameters, in place of that of an earlier Sequential."""
    for parameter in module.parameters():
        if label := parameter.label:
            own = re.sub(r"^L\d+\.", "", label) if label[0] == "L" else label
            parameter.label = prefix + own


def lifted(module: Module, x: Inputs, n_in: int) -> tuple[Value, ...]:
    """The sample as a tuple of n_in Values, which every neuron can read, unlike an iterator."""
    return tuple([v if isinstance(v, Value) else Value(v) for v in sized(module, x, n_in)])


def sized(module: Module, x: Inputs, n_in: int) -> tuple[Any, ...]:
    """The sample as a tuple of n_in Values and numbers.

    A single Value or number is a sample of one: a layer of one neuron gives that to the next.
    """
    if isinstance(x, (set, frozenset, dict)):
        got = f"{type(module).__name__} takes a list of inputs, got a {type(x).__name__}"
        raise TypeError(f"{got}; give its numbers in their order")
    xs, inputs = tuple(as_list(x)), f"input{'s' * (n_in > 1)}"
    if xs and not alone(xs[0]):
        expected = f"{type(module).__name__} takes one sample, of {n_in} {inputs}"
        remedy = "call it for each: [model(x) for x in xs], or nn.predict(model, xs)"
        raise ValueError(f"{expected}, got {len(xs)} in a list; {remedy}")
    if len(xs) != n_in:
        fault = f"{type(module).__name__} takes {n_in} {inputs}, got {len(xs)}"
        raise ValueError(f"{fault}; check the width of the layer before it, or the sample")
    return xs
