"""A model as a file of ONNX: to_onnx.

The library `onnx` is imported when it is asked for; nothing else here needs it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from nn.checkpoint.files import FilePath, write
from nn.checks import pick
from nn.interop.common import described, needed
from nn.models.activations import ACTIVATIONS
from nn.models.module import Module

__all__ = ["to_onnx"]


def to_onnx(model: Module, path: FilePath) -> None:
    """Write an MLP, a Layer or a Neuron as an ONNX model in FP64 (extra `interop`).

    Its input `x` has shape (rows, inputs), its output `y` (rows, outputs), with any number of rows.
    It runs in onnxruntime, which has few activations in FP64; the others are composed of those.
    Only gelu does not run there, since onnxruntime has no Erf in FP64. Its file is valid ONNX, for
    other systems.

    Raises OSError where it cannot be written.

    >>> to_onnx(MLP(2, [3, 1], "tanh", rng=7), "model.onnx")  # doctest: +SKIP
    """
    architecture, held = described("to_onnx", model)
    onnx = needed("onnx")
    make, double = onnx.helper, onnx.TensorProto.DOUBLE
    graph, x = _Nodes(make), "x"
    for place, name in zip(architecture.places(), architecture.activations, strict=True):
        x = graph.add("Gemm", x, f"{place}.weight", f"{place}.bias", transB=1)
        if ACTIVATIONS[name].function is not None:
            x = pick(ONNX, name, "activation for ONNX")(graph, x)
    graph.nodes.append(make.make_node("Identity", [x], ["y"]))
    numbers = [
        make.make_tensor(name, double, slot.shape, slot.numbers) for name, slot in held.items()
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
