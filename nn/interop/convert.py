"""The same model elsewhere: to_torch, from_torch, to_onnx.

The libraries are imported when they are asked for; nothing else here needs them.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from typing import Any

from nn.checkpoint.files import FilePath, write
from nn.checks import pick
from nn.models.activations import ACTIVATIONS
from nn.models.architecture import Architecture, Slot, describe, slots
from nn.models.layers import MLP
from nn.models.module import Module

__all__ = ["from_torch", "to_onnx", "to_torch"]

# The modules of torch.nn, with what makes them compute what is computed here. From 40 up softplus
# is its input to the last digit; PyTorch says so from 20 up, where it is not.
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

    It takes a tensor of shape (rows, inputs) and gives (rows, outputs), also where there is one.

    >>> to_torch(MLP(2, [3, 1], "tanh", rng=7))  # doctest: +SKIP
    Sequential(
      (0): Linear(in_features=2, out_features=3, bias=True)
      (1): Tanh()
      (2): Linear(in_features=3, out_features=1, bias=True)
    )
    """
    architecture, held = _described("to_torch", model)
    torch, parts = _needed("torch"), []
    for place, name in zip(architecture.places(), architecture.activations, strict=True):
        n_out, n_in = held[f"{place}.weight"].shape
        parts.append(torch.nn.Linear(n_in, n_out, dtype=torch.float64))
        if ACTIVATIONS[name].function is not None:
            kind, settings = pick(TORCH, name, "activation for PyTorch")
            parts.append(getattr(torch.nn, kind)(**settings))
    sequential = torch.nn.Sequential(*parts)
    sequential.load_state_dict(
        {
            name: torch.tensor([v.data for v in slot.values], dtype=torch.float64).reshape(
                slot.shape
            )
            for name, slot in held.items()
        }
    )
    return sequential


def from_torch(sequential: Any) -> MLP:
    """Build the MLP of a `torch.nn.Sequential` of Linear modules with activations between them.

    Its numbers are the same (in FP64, which has all of FP32's). A Linear without a bias gets one
    of 0. The hidden layers have to share one activation, as those of an MLP do.

    Raises ValueError, naming it, where there is a module that has no counterpart here.

    >>> from_torch(to_torch(MLP(2, [3, 1], "tanh", rng=7)))  # doctest: +SKIP
    MLP(2, [3, 1], activation='tanh', output='linear')
    """
    torch = _needed("torch")
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
    for layer, (linear, _) in zip(model.layers, layers, strict=True):
        biases = [0.0] * linear.out_features if linear.bias is None else linear.bias.tolist()
        for neuron, row, bias in zip(layer.neurons, linear.weight.tolist(), biases, strict=True):
            neuron.b.data = bias
            for weight, number in zip(neuron.w, row, strict=True):
                weight.data = number
    return model


def to_onnx(model: Module, path: FilePath) -> None:
    """Write an MLP, a Layer or a Neuron as an ONNX model in FP64 (extra `interop`).

    Its input `x` has shape (rows, inputs), its output `y` (rows, outputs), with any number of rows.
    It runs in onnxruntime, which has few activations in FP64, so the others are put together from
    those. Only gelu needs ONNX's Erf, which onnxruntime does not have in FP64: that file is valid,
    and for other systems.

    Raises OSError where it cannot be written.

    >>> to_onnx(MLP(2, [3, 1], "tanh", rng=7), "model.onnx")  # doctest: +SKIP
    """
    architecture, held = _described("to_onnx", model)
    onnx = _needed("onnx")
    make, double = onnx.helper, onnx.TensorProto.DOUBLE
    graph, x = _Nodes(make), "x"
    for place, name in zip(architecture.places(), architecture.activations, strict=True):
        x = graph.add("Gemm", x, f"{place}.weight", f"{place}.bias", transB=1)
        if ACTIVATIONS[name].function is not None:
            x = pick(ONNX, name, "activation for ONNX")(graph, x)
    graph.nodes.append(make.make_node("Identity", [x], ["y"]))
    numbers = [
        make.make_tensor(name, double, slot.shape, [v.data for v in slot.values])
        for name, slot in held.items()
    ]
    numbers += [make.make_tensor(name, double, [], [x]) for name, x in graph.constants.items()]
    ends = [
        [make.make_tensor_value_info(name, double, ["rows", width])]
        for name, width in (("x", architecture.n_in), ("y", architecture.widths[-1]))
    ]
    made = make.make_model(
        make.make_graph(graph.nodes, "gradwalk", *ends, numbers),
        opset_imports=[make.make_opsetid("", 17)],
        ir_version=8,  # the one of that set, so that older readers take it
        producer_name="gradwalk",
    )
    onnx.checker.check_model(made, full_check=True)
    write(path, made.SerializeToString())


class _Nodes:
    """The nodes of an ONNX graph, each of which has one output."""

    def __init__(self, make: Any) -> None:
        self.make = make
        self.nodes: list[Any] = []
        self.constants: dict[str, float] = {}

    def add(self, kind: str, *inputs: str | float, **settings: Any) -> str:
        """The output's name. An input that is a number becomes a constant."""
        names = []
        for x in inputs:
            name = x if isinstance(x, str) else f"constant {x}"
            if not isinstance(x, str):
                self.constants[name] = x
            names.append(name)
        output = f"{len(self.nodes)}.{kind}"
        self.nodes.append(self.make.make_node(kind, names, [output], **settings))
        return output


def _elu(graph: _Nodes, x: str) -> str:
    """x where it is positive, exp(x) - 1 where it is not: relu(x) + (exp(-relu(-x)) - 1)."""
    below = graph.add("Neg", graph.add("Relu", graph.add("Neg", x)))
    return graph.add("Add", graph.add("Relu", x), graph.add("Sub", graph.add("Exp", below), 1.0))


def _gelu(graph: _Nodes, x: str) -> str:
    """x / 2 * (1 + erf(x / sqrt(2))). ONNX's own Gelu has the square root in FP32."""
    share = graph.add("Add", graph.add("Erf", graph.add("Mul", x, math.sqrt(0.5))), 1.0)
    return graph.add("Mul", graph.add("Mul", x, 0.5), share)


def _softplus(graph: _Nodes, x: str) -> str:
    """log(1 + exp(x)), which cannot overflow as relu(x) + log(1 + exp(-|x|))."""
    small = graph.add("Exp", graph.add("Neg", graph.add("Abs", x)))
    return graph.add("Add", graph.add("Relu", x), graph.add("Log", graph.add("Add", small, 1.0)))


ONNX: dict[str, Callable[[_Nodes, str], str]] = {
    "relu": lambda graph, x: graph.add("Relu", x),
    "leaky_relu": lambda graph, x: graph.add("Max", x, graph.add("Mul", x, 0.01)),
    "elu": _elu,
    "gelu": _gelu,
    "silu": lambda graph, x: graph.add("Mul", x, graph.add("Sigmoid", x)),
    "softplus": _softplus,
    "tanh": lambda graph, x: graph.add("Tanh", x),
    "sigmoid": lambda graph, x: graph.add("Sigmoid", x),
    "softmax": lambda graph, x: graph.add("Softmax", x, axis=-1),
}


def _described(who: str, model: Any) -> tuple[Architecture, dict[str, Slot]]:
    architecture = describe(model)
    if architecture is None:
        raise TypeError(
            f"{who} takes an MLP, a Layer or a Neuron as they were made, got "
            f"{type(model).__name__} {model!r}; give the parts of it one by one"
        )
    return architecture, dict(slots(model))


def _activation(place: int, part: Any) -> str:
    """The name of the activation that a module of torch.nn is."""
    for name, (kind, settings) in TORCH.items():
        if type(part).__name__ == kind and type(part).__module__.startswith("torch.nn."):
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


def _needed(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(
            f"{name} is needed; install it with pip install gradwalk[interop] ({error})"
        ) from error
