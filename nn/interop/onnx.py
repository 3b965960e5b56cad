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


LARGEST = 3.4028234663852886e38  # float32


def to_onnx(model: Module, path: FilePath, *, dtype: str = "float64") -> None:
    """Write a model of Layers that feed each other as an ONNX model (extra `interop`).

    Arguments:
        model: an MLP, a Sequential, a Layer, a Neuron, or a Module that computes what its Layers
            in a row do, which is tried on a few random rows.
        dtype: of the weights, the input and the output: "float64" or "float32".

    Its input `x` has shape (rows, inputs), its output `y` (rows, outputs), with any number of rows.
    It runs in onnxruntime, which has few activations in FP64; the others are composed of those.

    Raises OSError where it cannot be written, ValueError where a weight is too large for float32,
    TypeError for any other model.

    >>> to_onnx(MLP(2, [3, 1], "tanh", rng=7), "model.onnx")  # doctest: +SKIP
    """
    architecture, held = described("to_onnx", model)
    onnx = needed("onnx")
    make, kinds = onnx.helper, onnx.TensorProto
    kind = pick({"float64": kinds.DOUBLE, "float32": kinds.FLOAT}, dtype, "dtype")
    graph, x = _Nodes(make), "x"
    for place, what, rest, name in architecture.modules():
        names = [each for each in held if each.startswith(f"{place}.")]
        if what == "Layer":
            x = graph.add("Gemm", x, *names, transB=1)
        elif what == "BatchNorm":
            weight, bias, mean, var = names
            scale = graph.add("Div", weight, graph.add("Sqrt", graph.add("Add", var, rest[2])))
            x = graph.add("Add", graph.add("Mul", graph.add("Sub", x, mean), scale), bias)
        if ACTIVATIONS[name].function is not None:
            x = pick(ONNX, name, "activation for ONNX")(graph, x)
    graph.nodes.append(make.make_node("Identity", [x], ["y"]))
    for name, slot in held.items():
        for number in slot.numbers:
            if dtype == "float32" and abs(number) > LARGEST:
                raise ValueError(
                    f"{name} holds {number!r}, which float32 cannot hold; leave out dtype="
                )
    numbers = [
        make.make_tensor(name, kind, slot.shape, slot.numbers) for name, slot in held.items()
    ]
    numbers += [make.make_tensor(name, kind, [], [x]) for name, x in graph.constants.items()]
    ends = [
        [make.make_tensor_value_info(name, kind, ["rows", width])]
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


# (1 + 2 z) exp(z**2) erfc(z) as a polynomial in 1 - 6 / (z + 3), for every z from 0 on: the
# interpolation at 60 Chebyshev nodes up to degree 22. What is left out is below 1e-15.
ERFC = (
    1.2530080582697296,
    -0.13562110612457576,
    -0.04756229435342038,
    0.12964515870228346,
    -0.11927366341676002,
    0.06830802735638397,
    -0.023770514891530075,
    0.0025293916672051724,
    0.0018886900977441495,
    -0.0007798312797290158,
    -0.00010515831297813128,
    0.00012509531076254534,
    4.94412434222366e-06,
    -2.0089997833284275e-05,
    -7.187883834404266e-07,
    3.454294770277738e-06,
    3.3669790806407595e-07,
    -5.963983625522741e-07,
    -1.205414228648938e-07,
    8.765881411730558e-08,
    2.7843881265502222e-08,
    -7.641962892589975e-09,
    -3.1813541434969274e-09,
)


def _elu(graph: _Nodes, x: str) -> str:
    """x where it is positive, exp(x) - 1 where it is not: relu(x) + (exp(-relu(-x)) - 1)."""
    below = graph.add("Neg", graph.add("Relu", graph.add("Neg", x)))
    return graph.add("Add", graph.add("Relu", x), graph.add("Sub", graph.add("Exp", below), 1.0))


def _gelu(graph: _Nodes, x: str) -> str:
    """relu(x) - |x| / 2 * erfc(z), where z = |x| / sqrt(2).

    onnxruntime has no Erf in FP64, and ONNX's own Gelu has the square root in FP32. So erfc(z) is
    exp(-z**2) / (1 + 2 z) times a polynomial in 1 - 6 / (z + 3).
    """
    size = graph.add("Abs", x)
    z = graph.add("Mul", size, math.sqrt(0.5))
    u = graph.add("Sub", 1.0, graph.add("Div", 6.0, graph.add("Add", z, 3.0)))
    factor: str | float = ERFC[-1]
    for number in reversed(ERFC[:-1]):
        factor = graph.add("Add", graph.add("Mul", factor, u), number)
    bell = graph.add("Exp", graph.add("Mul", graph.add("Mul", x, x), -0.5))
    half = graph.add(
        "Div", graph.add("Mul", size, 0.5), graph.add("Add", graph.add("Add", z, z), 1.0)
    )
    rest = graph.add("Mul", graph.add("Mul", half, bell), factor)
    return graph.add("Sub", graph.add("Relu", x), rest)


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
