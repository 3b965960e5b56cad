"""What `to_onnx` uses of onnx, and a runtime in NumPy: for tests where they are not installed."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy.special import expit, softmax  # type: ignore[import-untyped]

DTYPES = {11: "float64", 1: "float32"}  # by onnx's numbers of types
TensorProto = SimpleNamespace(DOUBLE=11, FLOAT=1)


class Model(SimpleNamespace):
    """Whether it was checked is written with it."""

    checked: Any = None

    def SerializeToString(self) -> bytes:  # noqa: N802, RUF100 (onnx's name)
        return json.dumps(vars(self)).encode()


def _node(operation: str, inputs: list[str], outputs: list[str], **settings: Any) -> Any:
    (output,) = outputs
    return [operation, inputs, output, settings]


def _graph(nodes: Any, name: str, inputs: Any, outputs: Any, numbers: Any) -> Any:
    return {"name": name, "nodes": nodes, "ends": [*inputs, *outputs], "numbers": numbers}


def _tensor(name: str, kind: int, shape: Any, numbers: Any) -> Any:
    assert np.size(numbers) == np.prod(shape, dtype=int)
    return [name, kind, [*shape], [*numbers]]


def _check(model: Model, full_check: bool = False) -> None:
    """Every name is made once, and before it is used."""
    names = [name for name, *_ in model.graph["numbers"]] + [model.graph["ends"][0][0]]
    for _, inputs, output, _ in model.graph["nodes"]:
        assert {*inputs} <= {*names}
        names.append(output)
    assert len(names) == len({*names})
    model.checked = full_check


helper = SimpleNamespace(
    make_node=_node,
    make_graph=_graph,
    make_tensor=_tensor,
    make_tensor_value_info=lambda *about: [*about],
    make_opsetid=lambda *about: [*about],
    make_model=lambda graph, **how: Model(graph=graph, **how),
)
checker = SimpleNamespace(check_model=_check)


def _gemm(x: Any, weight: Any, bias: Any, transB: int) -> Any:  # noqa: N803, RUF100 (onnx's name)
    assert transB == 1
    return x @ weight.T + bias


RUN: dict[str, Any] = {
    "Gemm": _gemm,
    "Abs": np.abs,
    "Add": np.add,
    "Div": np.divide,
    "Exp": np.exp,
    "Identity": lambda x: x,
    "Log": np.log,
    "Max": np.maximum,
    "Mul": np.multiply,
    "Neg": np.negative,
    "Reciprocal": np.reciprocal,
    "Relu": lambda x: np.maximum(x, 0),
    "Sigmoid": expit,
    "Softmax": lambda x, axis: softmax(x, axis=axis),
    "Sqrt": np.sqrt,
    "Sub": np.subtract,
    "Tanh": np.tanh,
}


def read(path: Path) -> Any:
    """What was written."""
    return json.loads(path.read_bytes())


def run(path: Path, rows: Any) -> Any:
    """The outputs of a written model for rows."""
    graph = read(path)["graph"]
    (x, kind, _), (y, *_) = graph["ends"]
    held = {x: np.array(rows, DTYPES[kind])}
    for name, type_of, shape, numbers in graph["numbers"]:
        held[name] = np.array(numbers, DTYPES[type_of]).reshape(shape)
    with np.errstate(all="ignore"):
        for operation, inputs, output, settings in graph["nodes"]:
            held[output] = RUN[operation](*[held[name] for name in inputs], **settings)
    return held[y]
