"""Models elsewhere: equal outputs in PyTorch and onnxruntime, and back again."""

import math

import numpy as np
import pytest

import nn
from engine import Value, numeric_mode
from nn import ACTIVATIONS, MLP, CheckpointError, Layer, Neuron, Sequential, load, predict, save
from nn.interop.onnx import ONNX
from nn.interop.torch import TORCH
from nn.models.activations import Activation
from tests.nn.interop.converted import MODELS, XS, Own, numbers, outputs

NEEDED = "pip install gradwalk[interop] onnxruntime"


@pytest.fixture(name="torch")
def _torch():
    return pytest.importorskip("torch", reason=NEEDED)


def test_every_activation_has_its_counterparts():
    assert TORCH.keys() == ONNX.keys() == ACTIVATIONS.keys() - {"linear"}


# --- PyTorch


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_pytorch_answers_the_same(model, torch):
    sequential = nn.to_torch(model)
    with torch.no_grad():
        found = sequential(torch.tensor(XS, dtype=torch.float64)).numpy()
    np.testing.assert_allclose(found, outputs(model), rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("model", [m for m in MODELS if isinstance(m, Sequential)], ids=repr)
def test_there_and_back_to_the_bit(model, torch):
    again = nn.from_torch(nn.to_torch(model).train())
    assert repr(again) == repr(model)
    assert numbers(again) == numbers(model)
    for mode in (True, False):
        again = nn.from_torch(nn.to_torch(model).train(mode))
        assert {part.training for part in again.modules()} == {mode}


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_pytorch_reads_what_save_writes_and_writes_what_load_reads(model, torch, tmp_path):
    files = pytest.importorskip("safetensors.torch", reason=NEEDED)
    sequential = nn.to_torch(model)
    for parameter in [*sequential.parameters(), *sequential.buffers()]:
        torch.nn.init.zeros_(parameter)
    save(model, tmp_path / "a")
    sequential.load_state_dict(files.load_file(tmp_path / "a"))
    with torch.no_grad():
        found = sequential(torch.tensor(XS, dtype=torch.float64)).numpy()
    np.testing.assert_allclose(found, outputs(model), rtol=1e-13, atol=1e-14)

    files.save_file(sequential.state_dict(), tmp_path / "b")
    with pytest.raises(CheckpointError, match="holds no architecture, which cannot be built"):
        load(tmp_path / "b")
    save(model, tmp_path / "a")
    other = load(tmp_path / "a")
    for parameter in other.parameters(True):
        parameter.data = 0.0
    assert numbers(load(tmp_path / "b", into=other)) == numbers(model)


def test_single_precision_is_taken_exactly_and_half_is_not(torch, tmp_path):
    files = pytest.importorskip("safetensors.torch", reason=NEEDED)
    parts = torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1, bias=False)
    sequential = torch.nn.Sequential(*parts)
    model = nn.from_torch(sequential)
    assert repr(model) == "MLP(2, [3, 1], activation='tanh', output='linear')"
    assert model.layers[1].neurons[0].b.data == 0.0
    assert [w.data for w in model.layers[0].neurons[1].w] == parts[0].weight[1].tolist()
    layer = torch.nn.Sequential(torch.nn.Linear(2, 1))
    files.save_file(layer.state_dict(), tmp_path / "a")
    assert numbers(load(tmp_path / "a", into=Neuron(2)))[:2] == layer[0].weight[0].tolist()
    files.save_file(layer.half().state_dict(), tmp_path / "a")
    with pytest.raises(CheckpointError, match="is F16, not F64"):
        load(tmp_path / "a", into=Neuron(2))


def test_what_has_no_counterpart_is_named(torch, monkeypatch):
    t = torch.nn
    linear = t.Linear(2, 2)
    for parts, message in [
        ([linear, t.AlphaDropout()], r"module 1, AlphaDropout\(.*\), has no .* Dropout.* SiLU"),
        ([linear, t.BatchNorm1d(2, affine=False)], r"module 1, BatchNorm1d\(.*no momentum, weight"),
        ([linear, t.BatchNorm1d(3)], r"module 1, BatchNorm1d\(3.*, follows .* 2 outputs"),
        ([linear, t.Dropout(), t.ReLU()], r"module 2, ReLU\(\), does not follow a Linear"),
        ([linear, t.Flatten(0)], r"module 1, Flatten\(.*\), has no counterpart .* from 1 to -1"),
        ([t.Sequential(linear, t.Conv1d(1, 1, 1))], r"module 0\.1, Conv1d\(.*\), has no counterpa"),
        ([linear, t.Linear(3, 1)], r"module 1, Linear\(.*\), follows a Linear of 2 outputs; give"),
        (
            [linear, t.ELU(alpha=2.0)],
            r"module 1, ELU\(.*\), has alpha=2\.0, and elu here is with 1",
        ),
        ([linear, t.GELU(approximate="tanh")], "has approximate='tanh', and gelu here is with 'no"),
        ([linear, t.Softmax(dim=0)], "has dim=0"),
        ([t.ReLU(), linear], r"module 0, ReLU\(\), does not follow a Linear"),
        ([linear, t.ReLU(), t.Tanh()], r"module 2, Tanh\(\), does not follow a Linear"),
        ([], "got no Linear"),
    ]:
        with pytest.raises(ValueError, match=message):
            nn.from_torch(t.Sequential(*parts))
    with pytest.raises(TypeError, match="from_torch takes a Sequential, got Linear"):
        nn.from_torch(linear)
    with pytest.raises(TypeError, match="got Backwards; build a Sequential of the modules in it"):
        nn.from_torch(type("Backwards", (t.Sequential,), {"forward": None})(linear))
    monkeypatch.setitem(ACTIVATIONS, "cube", Activation(lambda x: x * x * x))
    with pytest.raises(ValueError, match="unknown activation for PyTorch 'cube'"):
        nn.to_torch(MLP(2, [2, 1], "cube", rng=1))
    assert repr(nn.from_torch(t.Sequential(linear, t.Identity(), t.Softplus()))).endswith(
        "output='softplus')"
    )


def test_a_real_sequential_of_pytorch(torch):
    t, act = torch.nn, torch.nn.ReLU()
    body = t.Sequential(t.Linear(6, 5, bias=False), act, t.Dropout(0.5), t.Linear(5, 4), act)
    head = t.Sequential(t.Sequential(t.Linear(4, 3), t.Tanh()), t.Identity(), t.Linear(3, 2))
    real = t.Sequential(t.Flatten(), body, t.AlphaDropout(), head, t.Softmax(dim=1)).double()
    model, xs = nn.from_torch(real.eval()), torch.randn(7, 2, 3, dtype=torch.float64)
    assert [layer.activation for layer in model.layers] == ["relu", "relu", "tanh", "softmax"]
    assert type(model) is Sequential
    with torch.no_grad():
        wanted = real(xs).numpy()
    found = predict(model, xs.reshape(7, 6).tolist())
    np.testing.assert_allclose(found, wanted, rtol=1e-13, atol=1e-14)
    assert type(nn.from_torch(body)) is MLP
    single = nn.from_torch(t.Sequential(t.Linear(2, 1), t.Sigmoid()))
    assert repr(single) == "MLP(2, [1], activation='relu', output='sigmoid')"


CONVERT = {"to_torch": nn.to_torch, "to_onnx": lambda model: nn.to_onnx(model, "x")}


def test_a_row_of_layers_of_ones_own_is_converted(torch, tmp_path):
    model = Own()
    before = [p.label for p in model.parameters()]
    with torch.no_grad():
        found = nn.to_torch(model)(torch.tensor(XS, dtype=torch.float64)).numpy()
    np.testing.assert_allclose(found, outputs(model), rtol=1e-13, atol=1e-14)
    assert [p.label for p in model.parameters()] == before
    runtime = pytest.importorskip("onnxruntime", reason=NEEDED)
    nn.to_onnx(model, tmp_path / "model.onnx")
    session = runtime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"x": np.array(XS)})
    np.testing.assert_allclose(found, outputs(model), rtol=1e-13, atol=2e-14)


def test_a_layer_that_stands_twice_is_converted_twice(torch):
    shared = Layer(2, 2, "tanh", rng=1)
    model = Sequential(shared, shared, Layer(2, 1, "linear", rng=2))
    with torch.no_grad():
        found = nn.to_torch(model)(torch.tensor(XS, dtype=torch.float64)).numpy()
    np.testing.assert_allclose(found, outputs(model), rtol=1e-13, atol=1e-14)


def test_weights_that_are_not_finite_are_converted(torch):
    model = MLP(2, [2, 1], rng=1)
    model.parameters()[0].data = math.inf
    with numeric_mode("ieee"):
        assert torch.isinf(nn.to_torch(model)[0].weight[0, 0])


@pytest.mark.parametrize("convert", CONVERT)
def test_a_model_that_is_no_row_of_layers_is_an_error(convert):
    skip = type("Skip", (Own,), {"__call__": lambda self, x: Own.__call__(self, x) + x[0]})()
    more = Own()
    more.gain = Value(1.0)
    changed = MLP(2, [2, 1], rng=1)
    changed.layers[1].neurons[0].activation = "tanh"
    for model, message in [
        (skip, "takes a model that applies its Layers one after another, got Skip, which makes"),
        (more, "got Own, which has parameters outside of its Layers; give it Layers one by one"),
        (changed, "takes Layers and Neurons as they were made, got MLP MLP.*, in which one was ch"),
        (3, "got int, which is no Module"),
    ]:
        with pytest.raises(TypeError, match=f"^{convert} .*{message}"):
            CONVERT[convert](model)


# --- ONNX


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_onnx_answers_the_same(model, tmp_path):
    onnx = pytest.importorskip("onnx", reason=NEEDED)
    runtime = pytest.importorskip("onnxruntime", reason=NEEDED)
    from onnx.reference import ReferenceEvaluator

    path = tmp_path / "model.onnx"
    nn.to_onnx(model, path)
    wanted, rows = outputs(model), {"x": np.array(XS)}
    with np.errstate(all="ignore"):
        (found,) = ReferenceEvaluator(onnx.load(path)).run(None, rows)
    np.testing.assert_allclose(found, wanted, rtol=1e-13, atol=2e-14)
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, rows)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, wanted, rtol=1e-13, atol=2e-14)
    (one,) = session.run(None, {"x": np.array(XS[:1])})  # any number of rows
    np.testing.assert_allclose(one, wanted[:1], rtol=1e-13, atol=2e-14)
    nn.to_onnx(model, path, dtype="float32")
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (single,) = session.run(None, {"x": np.array(XS, dtype="float32")})
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, wanted, rtol=2e-4, atol=1e-5)


def test_onnx_has_gelu_to_the_last_digits_and_in_its_tails(tmp_path):
    onnx = pytest.importorskip("onnx", reason=NEEDED)
    from onnx.reference import ReferenceEvaluator

    neuron, path = nn.Neuron(1, activation="gelu", rng=1), tmp_path / "gelu.onnx"
    for parameter, number in zip(neuron.parameters(), (1.0, 0.0), strict=True):
        parameter.data = number
    nn.to_onnx(neuron, path)
    xs = np.linspace(-12, 12, 501).reshape(-1, 1)
    (found,) = ReferenceEvaluator(onnx.load(path)).run(None, {"x": xs})
    wanted = [[x / 2 * math.erfc(-x * math.sqrt(0.5))] for (x,) in xs]
    np.testing.assert_allclose(found, wanted, rtol=3e-14, atol=0)


def test_onnx_refuses_other_types_and_weights_that_do_not_fit(tmp_path):
    pytest.importorskip("onnx", reason=NEEDED)
    model, path = MLP(1, [1], rng=1), tmp_path / "x"
    with pytest.raises(ValueError, match="unknown dtype 'float16'"):
        nn.to_onnx(model, path, dtype="float16")
    model.parameters()[0].data = -1e39
    with pytest.raises(ValueError, match=r"weight holds -1e\+39, which float32 cannot hold"):
        nn.to_onnx(model, path, dtype="float32")
    assert not path.exists()
    nn.to_onnx(model, path)


def test_onnx_lacks_what_a_user_added(monkeypatch, tmp_path):
    pytest.importorskip("onnx", reason=NEEDED)
    monkeypatch.setitem(ACTIVATIONS, "cube", Activation(lambda x: x * x * x))
    with pytest.raises(ValueError, match="unknown activation for ONNX 'cube'"):
        nn.to_onnx(MLP(2, [2, 1], "cube", rng=1), tmp_path / "x")
    assert list(tmp_path.iterdir()) == []
