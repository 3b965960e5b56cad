"""A model in PyTorch and back again: to_torch and from_torch.

PyTorch is imported when it is asked for; nothing else here needs it.
"""

from __future__ import annotations

import math
from typing import Any

from nn.checks import pick
from nn.interop.common import described, needed
from nn.models.activations import ACTIVATIONS
from nn.models.architecture import slots
from nn.models.layers import MLP
from nn.models.module import Module

__all__ = ["from_torch", "to_torch"]

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
    """Build the `torch.nn.Sequential` of an MLP, a Layer or a Neuron, in FP64 (extra `interop`).

    It takes a tensor of shape (rows, inputs) and gives one of shape (rows, outputs), even where
    there is a single output.

    >>> to_torch(MLP(2, [3, 1], "tanh", rng=7))  # doctest: +SKIP
    Sequential(
      (0): Linear(in_features=2, out_features=3, bias=True)
      (1): Tanh()
      (2): Linear(in_features=3, out_features=1, bias=True)
    )
    """
    architecture, held = described("to_torch", model)
    torch, parts = needed("torch"), []
    for place, name in zip(architecture.places(), architecture.activations, strict=True):
        n_out, n_in = held[f"{place}.weight"].shape
        parts.append(torch.nn.Linear(n_in, n_out, dtype=torch.float64))
        if ACTIVATIONS[name].function is not None:
            kind, settings = pick(TORCH, name, "activation for PyTorch")
            parts.append(getattr(torch.nn, kind)(**settings))
    sequential = torch.nn.Sequential(*parts)
    sequential.load_state_dict(
        {
            name: torch.tensor(slot.numbers, dtype=torch.float64).reshape(slot.shape)
            for name, slot in held.items()
        }
    )
    return sequential


def from_torch(sequential: Any) -> MLP:
    """Build the MLP of a `torch.nn.Sequential` of Linear modules with activations between them.

    Its numbers are the same, since FP64 has all numbers of FP32. A Linear without a bias gets
    biases of 0. The hidden layers have to share one activation, as those of an MLP do.

    Raises ValueError for a module that has no counterpart here.

    >>> from_torch(to_torch(MLP(2, [3, 1], "tanh", rng=7)))  # doctest: +SKIP
    MLP(2, [3, 1], activation='tanh', output='linear')
    """
    torch = needed("torch")
    if not isinstance(sequential, torch.nn.Sequential):
        raise TypeError(f"from_torch takes a Sequential, got {type(sequential).__name__}")
    layers: list[tuple[Any, str]] = []
    for place, part in enumerate(sequential):
        if isinstance(part, torch.nn.Linear):
            layers.append((part, "linear"))
        elif isinstance(part, torch.nn.Identity):
            continue
        elif not layers or layers[-1][1] != "linear":
            raise ValueError(
                f"module {place}, {part}, does not follow a Linear; from_torch takes Linear "
                "modules with at most one activation after each"
            )
        else:
            layers[-1] = layers[-1][0], _activation(place, part)
    hidden = {name for _, name in layers[:-1]} or {"relu"}
    if not layers or len(hidden) > 1:
        got = f"the activations {sorted(hidden)}" if layers else "no Linear"
        raise ValueError(
            f"an MLP has layers that share one hidden activation, got {got}; build Layers, "
            "and fill them with load(path, into=model)"
        )
    widths = [linear.out_features for linear, _ in layers]
    model = MLP(layers[0][0].in_features, widths, hidden.pop(), layers[-1][1], 0)
    held = iter(slots(model).values())
    for linear, _ in layers:
        bias = [0.0] * linear.out_features if linear.bias is None else linear.bias.tolist()
        next(held).fill(linear.weight.flatten().tolist())
        next(held).fill(bias)
    return model


def _activation(place: int, part: Any) -> str:
    """The name of the activation that a module of torch.nn is."""
    for name, (kind, settings) in TORCH.items():
        if type(part) is getattr(needed("torch").nn, kind):
            for setting, wanted in settings.items():
                got = getattr(part, setting)
                same = got in (-1, 1) if setting == "dim" else got == wanted
                if not same and not (setting == "threshold" and 20 <= got < math.inf):
                    raise ValueError(
                        f"module {place}, {part}, has {setting}={got!r}, and {name} here is with "
                        f"{wanted!r}; change the module"
                    )
            return name
    raise ValueError(
        f"module {place}, {part}, has no counterpart here; from_torch takes Linear, Identity and "
        + ", ".join(kind for kind, _ in TORCH.values())
    )
