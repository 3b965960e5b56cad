"""A model as a file of ONNX: to_onnx.

The library `onnx` is imported when it is asked for; nothing else here needs it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from engine.choices import pick
from nn.checkpoint.files import FilePath, write
from nn.interop.common import described, needed
from nn.models.activations import ACTIVATIONS
from nn.models.module import Module

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
    graph = _Graph(make)
    x = _Tensor(graph, "x")
    for place, what, rest, name in architecture.modules():
        tensors = [_Tensor(graph, each) for each in held if each.startswith(f"{place}.")]
        if what == "Layer":
            x = x.Gemm(*tensors, transB=1)
        elif what == "BatchNorm":
            weight, bias, mean, var = tensors
            x = x.Sub(mean).Mul(weight.Div(var.Add(rest[2]).Sqrt())).Add(bias)
        if ACTIVATIONS[name].function is not None:
            x = pick(ONNX, name, "activation for ONNX")(x)
    graph.nodes.append(make.make_node("Identity", [x.name], ["y"]))
    numbers = [make.make_tensor(name, kind, [], [x]) for name, x in graph.constants.items()]
    for name, slot in held.items():
        for number in slot.numbers:
            if dtype == "float32" and abs(number) > LARGEST:
                got = f"{name} holds {number!r}, which float32 cannot hold"
                raise ValueError(f"{got}; leave out dtype=")
        numbers.append(make.make_tensor(name, kind, slot.shape, slot.numbers))
    sizes = {"x": architecture.n_in, "y": architecture.widths[-1]}
    ends = [[make.make_tensor_value_info(name, kind, ["rows", n])] for name, n in sizes.items()]
    whole = make.make_graph(graph.nodes, "gradwalk", *ends, numbers)
    # the version is that of the set of operations, so that older readers take it
    versions = {"opset_imports": [make.make_opsetid("", 17)], "ir_version": 8}
    made = make.make_model(whole, producer_name="gradwalk", **versions)
    onnx.checker.check_model(made, full_check=True)
    write(path, made.SerializeToString())


@dataclass
class _Graph:
    """The nodes of an ONNX graph, and the numbers that they take by name."""

    make: Any
    nodes: list[Any] = field(default_factory=list)
    constants: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class _Tensor:
    """A tensor of an ONNX graph. It has a method for each operation of ONNX, which adds a node."""

    graph: _Graph
    name: str

    def __getattr__(self, operation: str) -> "Callable[..., _Tensor]":
        return partial(self._node, operation)

    def _node(self, operation: str, *others: "_Tensor | float", **settings: Any) -> "_Tensor":
        nodes, names = self.graph.nodes, [self.name]
        for x in others:
            names.append(x.name if isinstance(x, _Tensor) else f"constant {x}")
            if not isinstance(x, _Tensor):
                self.graph.constants[names[-1]] = x
        output = f"{len(nodes)}.{operation}"
        nodes.append(self.graph.make.make_node(operation, names, [output], **settings))
        return _Tensor(self.graph, output)


# (1 + 2 z) exp(z**2) erfc(z) as a polynomial in 1 - 6 / (z + 3), for every z from 0 on: the
# interpolation at 60 Chebyshev nodes up to degree 22. What is left out is below 1e-15.
ERFC = (
    1.2530080582697296, -0.13562110612457576, -0.04756229435342038, 0.12964515870228346,
    -0.11927366341676002, 0.06830802735638397, -0.023770514891530075, 0.0025293916672051724,
    0.0018886900977441495, -0.0007798312797290158, -0.00010515831297813128, 0.00012509531076254534,
    4.94412434222366e-06, -2.0089997833284275e-05, -7.187883834404266e-07, 3.454294770277738e-06,
    3.3669790806407595e-07, -5.963983625522741e-07, -1.205414228648938e-07, 8.765881411730558e-08,
    2.7843881265502222e-08, -7.641962892589975e-09, -3.1813541434969274e-09,
)  # fmt: skip


def _gelu(x: _Tensor) -> _Tensor:
    """relu(x) - |x| / 2 * erfc(z), where z = |x| / sqrt(2).

    onnxruntime has no Erf in FP64, and ONNX's own Gelu has the square root in FP32. So erfc(z) is
    exp(-z**2) / (1 + 2 z) times a polynomial in 1 - 6 / (z + 3).
    """
    z = x.Abs().Mul(math.sqrt(0.5))
    u = z.Add(3.0).Reciprocal().Mul(-6.0).Add(1.0)
    factor = u.Mul(ERFC[-1]).Add(ERFC[-2])
    for number in reversed(ERFC[:-2]):
        factor = factor.Mul(u).Add(number)
    bell = x.Mul(x).Mul(-0.5).Exp()
    half = x.Abs().Mul(0.5).Div(z.Add(z).Add(1.0))
    return x.Relu().Sub(half.Mul(bell).Mul(factor))


ONNX: dict[str, Callable[[_Tensor], _Tensor]] = {
    "relu": lambda x: x.Relu(),
    "leaky_relu": lambda x: x.Max(x.Mul(0.01)),
    # relu(x) + (exp(-relu(-x)) - 1)
    "elu": lambda x: x.Relu().Add(x.Neg().Relu().Neg().Exp().Sub(1.0)),
    "gelu": _gelu,
    "silu": lambda x: x.Mul(x.Sigmoid()),
    # relu(x) + log(1 + exp(-|x|)), which cannot overflow as log(1 + exp(x)) does
    "softplus": lambda x: x.Relu().Add(x.Abs().Neg().Exp().Add(1.0).Log()),
    "tanh": lambda x: x.Tanh(),
    "sigmoid": lambda x: x.Sigmoid(),
    "softmax": lambda x: x.Softmax(axis=-1),
}
