"""The graphs that `to_onnx` writes, read and computed by a stand-in for onnx and its runtime."""

import math
import random
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from nn import ACTIVATIONS, MLP, BatchNorm, Layer, Module, Neuron, Sequential
from nn.interop.onnx import LARGEST, ONNX
from nn.models.activations import Activation
from tests.nn.interop import stand_in_onnx as onnx
from tests.nn.interop.converted import MODELS, XS, Own, outputs


@pytest.fixture(autouse=True)
def _instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", onnx)


@pytest.mark.parametrize("model", [*MODELS, Own()], ids=repr)
def test_a_graph_answers_as_the_model_does(model: Module, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    nn.to_onnx(model, path)
    wanted = outputs(model)
    np.testing.assert_allclose(onnx.run(path, XS), wanted, rtol=1e-13, atol=2e-14)
    np.testing.assert_allclose(onnx.run(path, XS[:1]), wanted[:1], rtol=1e-13, atol=2e-14)
    assert onnx.run(path, XS).dtype == np.float64
    nn.to_onnx(model, path, dtype="float32")
    found = onnx.run(path, XS)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, rtol=2e-4, atol=1e-5)


def test_gelu_keeps_its_digits_in_its_tails(tmp_path: Path) -> None:
    neuron, path = Neuron(1, activation="gelu", rng=1), tmp_path / "gelu.onnx"
    neuron.w[0].data, neuron.b.data = 1.0, 0.0
    nn.to_onnx(neuron, path)
    xs = np.linspace(-12, 12, 501).reshape(-1, 1)
    wanted = [[x / 2 * math.erfc(-x * math.sqrt(0.5))] for (x,) in xs]
    np.testing.assert_allclose(onnx.run(path, xs), wanted, rtol=3e-14, atol=0)


def test_a_file_says_what_goes_in_and_out_and_by_which_operations(tmp_path: Path) -> None:
    row = Sequential(Layer(2, 3, "softmax", 1), BatchNorm(3, 0.5, 0.25), Layer(3, 1, "linear", 1))
    nn.to_onnx(row, tmp_path / "a")
    found = onnx.read(tmp_path / "a")
    graph = found.pop("graph")
    made = {"producer_name": "gradwalk", "opset_imports": [["", 17]], "ir_version": 8}
    assert found == {**made, "checked": True}
    assert graph["ends"] == [["x", 11, ["rows", 2]], ["y", 11, ["rows", 1]]]
    assert graph["name"] == "gradwalk"
    norm = [f"2.{name}" for name in ("weight", "bias", "running_mean", "running_var")]
    weight, bias, mean, var = norm
    assert graph["nodes"] == [
        ["Gemm", ["x", "0.weight", "0.bias"], "0.Gemm", {"transB": 1}],
        ["Softmax", ["0.Gemm"], "1.Softmax", {"axis": -1}],
        ["Sub", ["1.Softmax", mean], "2.Sub", {}],
        ["Add", [var, "constant 0.25"], "3.Add", {}],
        ["Sqrt", ["3.Add"], "4.Sqrt", {}],
        ["Div", [weight, "4.Sqrt"], "5.Div", {}],
        ["Mul", ["2.Sub", "5.Div"], "6.Mul", {}],
        ["Add", ["6.Mul", bias], "7.Add", {}],
        ["Gemm", ["7.Add", "3.weight", "3.bias"], "8.Gemm", {"transB": 1}],
        ["Identity", ["8.Gemm"], "y", {}],
    ]
    shapes = {name: (kind, shape) for name, kind, shape, _ in graph["numbers"]}
    tensors = {"0.weight": [3, 2], "0.bias": [3], "3.weight": [1, 3], "3.bias": [1]}
    tensors |= {name: [3] for name in norm} | {"constant 0.25": []}
    assert shapes == {name: (11, shape) for name, shape in tensors.items()}
    nn.to_onnx(row, tmp_path / "a", dtype="float32")
    graph = onnx.read(tmp_path / "a")["graph"]
    assert {kind for _, kind, *_ in graph["numbers"] + graph["ends"]} == {1}


# What float32 holds at most, and the next number.
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_float32_takes_its_largest_number_and_none_above(sign: float, tmp_path: Path) -> None:
    assert float(np.finfo("float32").max) == LARGEST
    model, path = MLP(1, [1], rng=1), tmp_path / "x"
    bias = model.layers[0].neurons[0].b
    bias.data = sign * LARGEST
    nn.to_onnx(model, path, dtype="float32")
    path.unlink()
    for number in (math.nextafter(LARGEST, math.inf), 1e39, math.inf):
        bias.data = sign * number
        text = f"0.bias holds {bias.data!r}, which float32 cannot hold; leave out dtype="
        with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
            nn.to_onnx(model, path, dtype="float32")
        assert not path.exists()
        nn.to_onnx(model, path)
        path.unlink()


def test_types_and_activations_that_onnx_has_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = "^unknown dtype 'float16', did you mean 'float64'\\? Known: float64, float32$"
    with pytest.raises(ValueError, match=text):
        nn.to_onnx(MLP(1, [1], rng=1), tmp_path / "x", dtype="float16")
    monkeypatch.setitem(ACTIVATIONS, "cube", Activation(lambda x: x * x * x))
    known = ", ".join(ONNX)
    with pytest.raises(ValueError, match=f"^unknown activation for ONNX 'cube'; known: {known}$"):
        nn.to_onnx(MLP(2, [2, 1], "cube", rng=1), tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_layers_of_ones_own_are_tried_on_rows_from_near_and_far(tmp_path: Path) -> None:
    """The same few at every time, some of which tell a skip or an if from the layers alone."""
    seen: list[list[float]] = []

    class Seeing(Own):
        def __call__(self, x: Any) -> Any:
            seen.append([*x])
            return super().__call__(x)

    nn.to_onnx(Seeing(), tmp_path / "x")
    rng = random.Random(0)
    assert seen == [[rng.gauss(0, 2), rng.gauss(0, 2)] for _ in range(8)]
    bent = type("Bent", (Own,), {"__call__": lambda self, x: self.head([x[0], x[1]])})
    with pytest.raises(TypeError, match=r"^to_onnx takes a model that applies its Layers one"):
        nn.to_onnx(bent(), tmp_path / "y")
