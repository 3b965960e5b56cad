"""The architecture of a model: its layers, and its tensors with the names PyTorch gives them."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from engine import Value
from nn.models.activations import ACTIVATIONS
from nn.models.chain import neurons
from nn.models.layers import MLP, Layer, Neuron
from nn.models.module import Module

__all__ = ["Architecture", "Slot", "describe", "slots"]

# The classes that a file can describe, each with its name in files.
KINDS: dict[type[Module], str] = {MLP: "MLP", Layer: "Layer", Neuron: "Neuron"}


@dataclass(frozen=True, slots=True)
class Slot:
    """A tensor of a model: its shape, and its parameters row by row."""

    shape: tuple[int, ...]
    values: list[Value]

    @property
    def numbers(self) -> list[float]:
        """The numbers that the parameters have now."""
        return [value.data for value in self.values]

    def fill(self, numbers: Iterable[float]) -> None:
        """Give the parameters these numbers, row by row."""
        for value, number in zip(self.values, numbers, strict=True):
            value.data = number


@dataclass(frozen=True, slots=True)
class Architecture:
    """The layers of an MLP, a Layer or a Neuron, from which it can be built again.

    Attributes:
        model: "MLP", "Layer" or "Neuron".
        n_in: how many inputs. widths: how many neurons each layer has.
        activation: that of the hidden layers. A Layer and a Neuron have that of the output here.
        output: the activation of the last layer.
    """

    model: str
    n_in: int
    widths: list[int]
    activation: str
    output: str

    @classmethod
    def from_json(cls, found: Any) -> "Architecture":
        """Read what `asdict` wrote. Raises ValueError where it is anything else."""
        if not isinstance(found, dict) or found.keys() != set(cls.__dataclass_fields__):
            raise ValueError(f"an architecture has {', '.join(cls.__dataclass_fields__)}")
        self = cls(**found)
        sizes = [self.n_in, *self.widths] if isinstance(self.widths, list) else []
        if len(sizes) < 2 or not all(type(size) is int and size >= 1 for size in sizes):
            raise ValueError("n_in and the widths of an architecture are whole numbers >= 1")
        if self.model not in KINDS.values():
            raise ValueError('the model of an architecture is "MLP", "Layer" or "Neuron"')
        if self.model != "MLP" and (len(self.widths) > 1 or self.activation != self.output):
            raise ValueError("a Layer or Neuron has one width and one activation")
        if self.model == "Neuron" and self.widths != [1]:
            raise ValueError("the width of a Neuron is 1")
        for name in (self.activation, self.output):
            if not isinstance(name, str) or name not in ACTIVATIONS:
                raise ValueError(f"the activation of an architecture is one of {[*ACTIVATIONS]}")
        return self

    def json(self) -> dict[str, Any]:
        """For a file's metadata."""
        return asdict(self)

    @property
    def activations(self) -> list[str]:
        """The activation of each layer."""
        return [self.activation] * (len(self.widths) - 1) + [self.output]

    def places(self) -> list[int]:
        """The index of each layer in PyTorch's Sequential, where an activation is a layer too."""
        places = [0]
        for name in self.activations[:-1]:
            places.append(places[-1] + (1 if ACTIVATIONS[name].function is None else 2))
        return places

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each tensor by its name in PyTorch."""
        found: dict[str, tuple[int, ...]] = {}
        inputs = [self.n_in, *self.widths]
        for place, n_in, n_out in zip(self.places(), inputs, self.widths, strict=False):
            found[f"{place}.weight"] = n_out, n_in
            found[f"{place}.bias"] = (n_out,)
        return found

    def build(self) -> Module:
        """A model with this architecture, whose weights are still to be filled in."""
        if self.model == "Neuron":
            return Neuron(self.n_in, self.output, 0)
        if self.model == "Layer":
            return Layer(self.n_in, self.widths[0], self.output, 0)
        return MLP(self.n_in, self.widths, self.activation, self.output, 0)


def describe(model: Module) -> Architecture | None:
    """The Architecture of a model. None for a class of the user's own.

    It is also None for an MLP, a Layer or a Neuron with parts that were changed or added.
    """
    kind = KINDS.get(type(model))
    if kind is None:
        return None
    layers = _rows(model)
    if isinstance(model, MLP):
        names = model.activation, model.output
    else:
        names = layers[-1][0], layers[-1][0]
    rows = [row for _, row in layers]
    found = Architecture(kind, len(rows[0][0].w), [len(row) for row in rows], *names)
    sizes, parameters = [found.n_in, *found.widths], model.parameters()
    held = [value for row in rows for neuron in row for value in (*neuron.w, neuron.b)]
    sound = (
        found.activations == [name for name, _ in layers]
        and len(set(held)) == len(held)
        and set(held) == set(parameters)
        and all(
            type(neuron) is Neuron
            and len(neuron.w) == n_in
            and neuron.activation == _inner(activation)
            for n_in, (activation, row) in zip(sizes, layers, strict=False)
            for neuron in row
        )
    )
    return found if sound else None


def slots(model: Module) -> dict[str, Slot]:
    """The tensors of a model by name; together they have all its parameters.

    Names and shapes are those of PyTorch's Sequential. In a class of the user's own, each parameter
    is a tensor of shape () under its path.

    Raises ValueError where there are no parameters, or two of one name.
    """
    card = describe(model)
    if card is None:
        named = model.named_parameters()
        if len(dict(named)) != len(named) or not named:
            raise ValueError(
                f"{type(model).__name__} has {'parameters of one name' if named else 'none'}; "
                "a checkpoint needs parameters, each with a name of its own"
            )
        return {name: Slot((), [parameter]) for name, parameter in named}
    found = []
    for _, row in _rows(model):
        found += [[weight for neuron in row for weight in neuron.w], [neuron.b for neuron in row]]
    shapes = card.shapes()
    return dict(zip(shapes, map(Slot, shapes.values(), found), strict=True))


def _rows(model: Any) -> list[tuple[str, list[Neuron]]]:
    """The activation and the neurons of each layer of an MLP, a Layer or a Neuron."""
    parts = model.layers if isinstance(model, MLP) else [model]
    return [(part.activation, neurons(part)) for part in parts]


def _inner(activation: str) -> str:
    """The activation of each neuron of a layer: linear where it takes the layer as a whole."""
    return "linear" if ACTIVATIONS[activation].layerwise else activation
