"""The architecture of a model: its layers, and its tensors with the names PyTorch gives them."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import asdict, dataclass, field
from itertools import chain
from typing import Any, TypeAlias

from engine import Value
from engine.core.value import set_data
from nn.models.activations import ACTIVATIONS, ActivationName
from nn.models.chain import Part, neurons, row, widths
from nn.models.layers import MLP, Layer, Neuron, Sequential
from nn.models.module import Contents, Module, leaves_of
from nn.models.regularization import BatchNorm, Dropout

# The classes that a file can describe, each with its name in files.
KINDS: dict[type[Module], str] = {kind: kind.__name__ for kind in (MLP, Sequential, Layer, Neuron)}
# What may stand between the Layers of a Sequential, each with the attributes that are its settings.
OTHERS: dict[type[Module], list[str]] = {
    Dropout: ["p"],
    BatchNorm: ["momentum", "eps", "activation"],
}
# Each takes how many units it gets, and its settings.
MAKE: dict[str, Callable[..., Module]] = {
    "Dropout": lambda n, *settings: Dropout(*settings),
    "BatchNorm": BatchNorm,
}


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
        set_data(self.values, numbers)


@dataclass(frozen=True, slots=True)
class Architecture:
    """The layers of a model, from which it can be built again.

    Attributes:
        model: "MLP", "Sequential", "Layer" or "Neuron".
        n_in: how many inputs. widths: how many neurons each layer has.
        activation: that of the hidden layers; a list with that of each in a Sequential. A Layer
            and a Neuron have that of the output here.
        output: the activation of the last layer.
        others: what else stands in a Sequential: each behind how many layers, the name of its
            class, and its settings as in OTHERS.
    """

    model: str
    n_in: int
    widths: list[int]
    activation: ActivationName | list[ActivationName]
    output: ActivationName
    others: list[list[Any]] = field(default_factory=list)

    @classmethod
    def from_json(cls, found: Any) -> "Architecture":
        """Read what `asdict` wrote. Raises ValueError where it is anything else."""
        fields = set(cls.__dataclass_fields__)
        if not isinstance(found, dict) or {*found, "others"} != fields:
            raise ValueError(f"an architecture has {', '.join(cls.__dataclass_fields__)}")
        self = cls(**found)
        sizes = [self.n_in, *self.widths] if isinstance(self.widths, list) else []
        if len(sizes) < 2 or not all(type(size) is int and size >= 1 for size in sizes):
            raise ValueError("n_in and the widths of an architecture are whole numbers >= 1")
        if self.model not in KINDS.values():
            raise ValueError(f"the model of an architecture is one of {[*KINDS.values()]}")
        listed, hidden = isinstance(self.activation, list), len(self.widths) - 1
        if listed != (self.model == "Sequential") or (listed and len(self.activation) != hidden):
            raise ValueError("a Sequential, and no other, has a list of its hidden activations")
        if self.others and not listed:
            raise ValueError("a Sequential, and no other, has others between its layers")
        if self.model in ("Layer", "Neuron") and (hidden or self.activation != self.output):
            raise ValueError("a Layer or Neuron has one width and one activation")
        for name in [*(self.activation if listed else [self.activation]), self.output]:
            if not isinstance(name, str) or name not in ACTIVATIONS:
                raise ValueError(f"the activation of an architecture is one of {[*ACTIVATIONS]}")
        try:
            for place, name, *settings in self.others:
                range(len(sizes)).index(place)
                MAKE[name](1, *settings)  # for the errors about its settings
        except (TypeError, ValueError, KeyError) as error:
            raise ValueError(f"the others of an architecture cannot be made: {error}") from None
        return self

    def json(self) -> dict[str, Any]:
        """For a file's metadata."""
        # without others it is as in files from before there were any
        return {name: x for name, x in asdict(self).items() if x or name != "others"}

    @property
    def activations(self) -> list[ActivationName]:
        """The activation of each layer."""
        hidden = self.activation
        if isinstance(hidden, str):
            hidden = [hidden] * (len(self.widths) - 1)
        return [*hidden, self.output]

    def modules(self) -> Iterator[tuple[int, str, list[Any], str]]:
        """What stands in a row: its place in PyTorch, its class, its arguments, its activation.

        In PyTorch's Sequential an activation has a place of its own.
        """
        sizes, place = [self.n_in, *self.widths], 0
        layers = [
            ["Layer", *row] for row in zip(sizes, self.widths, self.activations, strict=False)
        ]
        for k, n in enumerate(sizes):
            row = [[name, n, *settings] for at, name, *settings in self.others if at == k]
            for kind, *arguments in row + layers[k : k + 1]:
                activation = next((x for x in arguments if isinstance(x, str)), "linear")
                yield place, kind, arguments, activation
                place += 1 if ACTIVATIONS[activation].function is None else 2

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each tensor by its name in PyTorch."""
        found: dict[str, tuple[int, ...]] = {}
        for place, kind, (n, *settings), _ in self.modules():
            if kind == "Layer":
                found |= {f"{place}.weight": (settings[0], n), f"{place}.bias": (settings[0],)}
            elif kind == "BatchNorm":
                names = "weight", "bias", "running_mean", "running_var"
                found |= {f"{place}.{name}": (n,) for name in names}
        return found

    def build(self) -> Module:
        """A model with this architecture, whose weights are still to be filled in."""
        if self.model == "Neuron":
            return Neuron(self.n_in, self.output, 0)
        if isinstance(self.activation, str) and self.model == "MLP":
            return MLP(self.n_in, self.widths, self.activation, self.output, 0)
        layers = [make(kind, *given) for _, kind, given, _ in self.modules()]
        return layers[0] if self.model == "Layer" else Sequential(*layers)


Outline: TypeAlias = tuple[Architecture, list[Value]]


def make(kind: str, n: int, *settings: Any) -> Module:
    """A Layer, a Dropout or a BatchNorm, as `Architecture.modules` says them."""
    return Layer(n, settings[0], settings[1], 0) if kind == "Layer" else MAKE[kind](n, *settings)


def describe(
    model: Module, held: Contents | None = None, found: Outline | None = None
) -> Architecture | None:
    """The Architecture of a model. None for a class of the user's own.

    It is also None where parts of the model were changed or added, and for a Sequential of anything
    but Layers, Dropout and BatchNorm.

    Arguments: what is known of the model already.
    """
    found = found or outline(model, held)
    if found is None:  # perhaps it is no Module
        return None
    parameters = held.parameters if held else leaves_of(model)
    same = found[1] == parameters or set(found[1]) == set(parameters)
    return found[0] if same else None


def outline(model: Module, contents: Contents | None = None) -> Outline | None:
    """The Architecture that a model computes, and the parameters of its layers in their order.

    None as for `describe`, but other parameters in the model do not matter.
    """
    kind, parts = KINDS.get(type(model)), row(model)
    layers = [part for part in parts if type(part) not in OTHERS or kind != "Sequential"]
    if kind is None or (isinstance(model, Sequential) and {*map(type, layers)} != {Layer}):
        return None
    hidden: Any = getattr(model, "activation", "")
    output = getattr(parts[-1], "activation", None)
    found = describe_row(layers, kind, None if kind == "Sequential" else hidden)
    if found is None or getattr(model, "output", output) != output:
        return None
    lists, sizes, before = list[Sequence[Value]](), [found.n_in, *found.widths], 0
    for part in parts:
        if type(part) in OTHERS:
            settings = [getattr(part, name) for name in OTHERS[type(part)]]
            found.others.append([before, type(part).__name__, *settings])
            if getattr(part, "n", sizes[before]) != sizes[before]:
                return None
            lists += _held(part)
        else:
            for neuron in neurons(part):
                lists += neuron.w, (neuron.b,)
            before += 1
    if contents is not None and contents.lists == lists:  # which compares the lists, not what is in
        held: list[Value] = contents.parameters
        return (found, held) if len(held) == sum(map(len, lists)) else None
    held = [*chain(*lists)]
    sound = len(set(held)) == len(held) and {*map(type, held)} == {Value}
    return (found, held) if sound else None


def describe_row(
    parts: list[Part], kind: str = "Sequential", hidden: ActivationName | None = None
) -> Architecture | None:
    """The Architecture of Layers and Neurons that feed each other. None where one was changed.

    Arguments:
        kind: of what model they are the layers.
        hidden: the activation that the hidden layers have to share. None: each has its own.
    """
    if not {*map(type, parts)} <= {Layer, Neuron}:
        return None
    sizes, names = widths(parts), [part.activation for part in parts]
    shared = names[:-1] if hidden is None else hidden
    found = Architecture(kind, sizes[0], sizes[1:], shared, names[-1])
    sound = found.activations == names and all(
        type(neuron) is Neuron
        and "forward" not in vars(neuron)
        and len(neuron.w) == n_in
        and neuron.activation == ("linear" if ACTIVATIONS[name].layerwise else name)
        for part, n_in, name in zip(parts, sizes, names, strict=False)
        for neuron in neurons(part)
    )
    return found if sound else None


def tensors(architecture: Architecture, parts: list[Part]) -> dict[str, Slot]:
    """The tensors of layers with this architecture, with their names and shapes in PyTorch."""
    found = [values for part in parts for values in _held(part)]
    shapes = architecture.shapes()
    return dict(zip(shapes, map(Slot, shapes.values(), found), strict=True))


def _held(part: Any) -> list[list[Value]]:
    """The numbers of each tensor of a layer, in the order of `Architecture.shapes`."""
    if isinstance(part, BatchNorm):
        return [part.weight, part.bias, part.running.mean, part.running.var]
    if isinstance(part, Dropout):
        return []
    side = neurons(part)
    return [[weight for neuron in side for weight in neuron.w], [neuron.b for neuron in side]]


def slots(model: Module, names: Set[str] = frozenset()) -> dict[str, Slot]:
    """The tensors of a model by name; together they have all its parameters.

    Names and shapes are those of PyTorch's Sequential. In a class of the user's own, a Layer has
    the tensors `path.weight` of shape (outputs, inputs) and `path.bias`. A list of parameters is a
    tensor under its path, and so is a list of lists that are equally long.

    Arguments:
        names: those in a file. Older files have each parameter as a tensor of shape () under its
            path; for the names of such a file these are the tensors.

    Raises ValueError where there are no parameters, or two of one name.
    """
    architecture = describe(model)
    if architecture is not None:
        return tensors(architecture, row(model))
    named = model.named_parameters(True)
    if len(dict(named)) != len(named) or not named:
        got = f"{type(model).__name__} has {'parameters of one name' if named else 'none'}"
        raise ValueError(f"{got}; a checkpoint needs parameters, each with a name of its own")
    alone = {name: Slot((), [parameter]) for name, parameter in named}
    if alone.keys() == names:
        return alone
    found = {_renamed(path): slot for path, slot in alone.items()}
    if len(found) != len(alone):  # a class that has both `neurons` and `weight`
        found = alone
    while (joined := _joined(found)).keys() != found.keys():
        found = joined
    return found


def _renamed(path: str) -> str:
    """The path of a parameter, where `neurons.2.w.1` at its end becomes `weight.2.1`."""
    path = re.sub(r"\brunning\.(mean|var)\.(\d+)$", r"running_\1.\2", path)
    path = re.sub(r"\bneurons\.(\d+)\.w\.(\d+)$", r"weight.\1.\2", path)
    return re.sub(r"\bneurons\.(\d+)\.b$", r"bias.\1", path)


def _joined(held: dict[str, Slot]) -> dict[str, Slot]:
    """These tensors, but of each list that holds tensors of one shape there is a single one."""
    groups: dict[str, dict[str, Slot]] = {}
    for name, slot in held.items():
        path, _, key = name.rpartition(".")
        groups.setdefault(path, {})[key] = slot
    found: dict[str, Slot] = {}
    for path, group in groups.items():
        shapes = {slot.shape for slot in group.values()}
        counted = [*group] == [str(i) for i in range(len(group))]
        if counted and len(shapes) == 1 and path not in held:
            values = [value for slot in group.values() for value in slot.values]
            found[path] = Slot((len(group), *shapes.pop()), values)
        else:
            found |= {f"{path}.{key}" if path else key: slot for key, slot in group.items()}
    return found
