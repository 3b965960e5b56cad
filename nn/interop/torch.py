"""A model in PyTorch and back again: to_torch and from_torch.

PyTorch is imported when it is asked for; nothing else here needs it.
"""

import math
from collections.abc import Iterator
from typing import Any

from engine.choices import pick
from nn.interop.common import described, needed
from nn.models.activations import ACTIVATIONS
from nn.models.architecture import make, slots
from nn.models.layers import MLP, Sequential
from nn.models.module import Module

# The module of torch.nn for each activation, with the settings that make it compute the same as
# here. From 40 up softplus(x) is x to the last digit. PyTorch's usual threshold of 20 is too low.
TORCH: dict[str, tuple[str, dict[str, Any]]] = {
    "relu": ("ReLU", {}),
    "leaky_relu": ("LeakyReLU", {"negative_slope": 0.01}),
    "elu": ("ELU", {"alpha": 1.0}),
    "gelu": ("GELU", {"approximate": "none"}),
    "silu": ("SiLU", {}),
    "softplus": ("Softplus", {"beta": 1.0, "threshold": 40.0}),
    "tanh": ("Tanh", {}),
    "sigmoid": ("Sigmoid", {}),
    "softmax": ("Softmax", {"dim": -1}),
}


def to_torch(model: Module) -> Any:
    """Build the `torch.nn.Sequential` of a model of Layers, in FP64 (extra `interop`).

    Arguments:
        model: an MLP, a Sequential, a Layer, a Neuron, or a Module that computes what its Layers
            in a row do, which is tried on a few random rows. Others raise TypeError.

    It takes a tensor of shape (rows, inputs) and gives one of shape (rows, outputs), even where
    there is a single output. It is in training or evaluation mode as the model is.

    >>> to_torch(MLP(2, [3, 1], "tanh", rng=7))  # doctest: +SKIP
    Sequential(
      (0): Linear(in_features=2, out_features=3, bias=True)
      (1): Tanh()
      (2): Linear(in_features=3, out_features=1, bias=True)
    )
    """
    architecture, held = described("to_torch", model)
    torch, parts = needed("torch"), []
    float64 = torch.float64
    for _, what, (n, *rest), name in architecture.modules():
        if what == "Layer":
            parts.append(torch.nn.Linear(n, rest[0], dtype=float64))
        elif what == "Dropout":
            parts.append(torch.nn.Dropout(rest[0]))
        else:
            momentum, eps, _ = rest
            parts.append(torch.nn.BatchNorm1d(n, eps, momentum, dtype=float64))
        if ACTIVATIONS[name].function is not None:
            kind, settings = pick(TORCH, name, "activation for PyTorch")
            parts.append(getattr(torch.nn, kind)(**settings))
    sequential = torch.nn.Sequential(*parts)
    numbers = {k: torch.tensor(x.numbers, dtype=float64).reshape(x.shape) for k, x in held.items()}
    sequential.load_state_dict(numbers)
    return sequential.train(model.training)


def from_torch(sequential: Any) -> Sequential:
    """Build the model of a `torch.nn.Sequential` of Linear modules with activations between them.

    It is an MLP where the hidden layers share one activation, else a Sequential. Its numbers are
    the same, since FP64 has all numbers of FP32. A Linear without a bias gets biases of 0. There
    may be Sequentials inside, BatchNorm1d and Dropout, and Identity, Flatten, and Dropout in
    evaluation mode, which is left out. The model is in training or evaluation mode as the
    Sequential is.

    Raises ValueError for a module that has no counterpart here.

    >>> from_torch(to_torch(MLP(2, [3, 1], "tanh", rng=7)))  # doctest: +SKIP
    MLP(2, [3, 1], activation='tanh', output='linear')
    """
    t = needed("torch").nn
    found = _layers(t, sequential)
    layers = [arguments for kind, arguments, _ in found if kind == "Layer"]
    if not layers:
        raise ValueError("from_torch takes one Linear module or more, got no Linear")
    names = [name for _, _, name in layers]
    hidden = [*{*names[:-1]}] or ["relu"]
    model = Sequential(*[make(kind, *arguments) for kind, arguments, _ in found])
    if len(hidden) == 1 and len(layers) == len(found):
        model = MLP(layers[0][0], [n_out for _, n_out, _ in layers], hidden[0], names[-1], 0)
    held = iter(slots(model).values())
    for kind, _, part in found:
        tensors = "weight", "bias", "running_mean", "running_var"
        for name in tensors[: {"Layer": 2, "Dropout": 0}.get(kind)]:
            slot, tensor = next(held), getattr(part, name)
            slot.fill([0.0] * len(slot.values) if tensor is None else tensor.flatten().tolist())
    return model.train(sequential.training)


def _layers(t: Any, sequential: Any) -> list[tuple[str, list[Any], Any]]:
    """The layers that modules make here, each with its class, its arguments and its module."""
    found, width = list[tuple[str, list[Any], Any]](), 0
    for place, part in _modules(t, sequential, ""):
        if isinstance(part, t.Linear | t.BatchNorm1d):
            linear = isinstance(part, t.Linear)
            n_in = part.in_features if linear else part.num_features
            if width not in (0, n_in):
                got = f"module {place}, {part}, follows a Linear of {width} outputs"
                raise ValueError(f"{got}; give it as many inputs")
            width = part.out_features if linear else n_in
            if linear:
                found.append(("Layer", [n_in, width, "linear"], part))
            elif None in (part.momentum, part.weight, part.running_mean):
                raise ValueError(f"module {place}, {part}, has no momentum, weight or running mean")
            else:
                found.append(("BatchNorm", [n_in, part.momentum, part.eps, "linear"], part))
        elif isinstance(part, t.Dropout) and part.training:
            found.append(("Dropout", [width, part.p], part))
        elif not _does_nothing(t, part):
            name, arguments = _activation(place, part), found[-1][1] if found else []
            if "linear" not in arguments:
                got = f"module {place}, {part}, does not follow a Linear"
                remedy = "from_torch takes Linear modules with at most one activation after each"
                raise ValueError(f"{got}; {remedy}")
            arguments[arguments.index("linear")] = name
    return found


def _modules(t: Any, sequential: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The modules of a Sequential, and of those inside it, each with its place."""
    if getattr(type(sequential), "forward", None) is not t.Sequential.forward:
        got = f"from_torch takes a Sequential, got {type(sequential).__name__}"
        remedy = "build a Sequential of the modules in it, in the order in which they are applied"
        raise TypeError(f"{got}; {remedy}")
    for i, part in enumerate(sequential):
        if isinstance(part, t.Sequential):
            yield from _modules(t, part, f"{path}{i}.")
        else:
            yield f"{path}{i}", part


def _does_nothing(t: Any, part: Any) -> bool:
    """Whether a module gives rows of numbers as it got them."""
    nothing = (t.Identity,) if part.training else (t.Identity, t.Dropout, t.AlphaDropout)
    flat = isinstance(part, t.Flatten) and (part.start_dim, part.end_dim) == (1, -1)
    return flat or isinstance(part, nothing)


def _activation(place: str, part: Any) -> str:
    """The name of the activation that a module of torch.nn is."""
    for name, (kind, settings) in TORCH.items():
        if type(part) is getattr(needed("torch").nn, kind):
            for setting, wanted in settings.items():
                got = getattr(part, setting)
                same = got in (-1, 1) if setting == "dim" else got == wanted
                if not same and not (setting == "threshold" and 20 <= got < math.inf):
                    fault = f"module {place}, {part}, has {setting}={got!r}"
                    remedy = "change the module"
                    raise ValueError(f"{fault}, and {name} here is with {wanted!r}; {remedy}")
            return name
    others = ", ".join(kind for kind, _ in TORCH.values())
    takes = f"Linear, Identity, Flatten from 1 to -1, Dropout, BatchNorm1d and {others}"
    fault = f"module {place}, {part}, has no counterpart here"
    raise ValueError(f"{fault}; from_torch takes {takes}")
