"""Which modules of PyTorch a model becomes, and which become a model: with a stand-in for it."""

import math
import re
import sys
from typing import Any

import numpy as np
import pytest

import nn
from engine import numeric_mode
from nn import ACTIVATIONS, MLP, BatchNorm, Dropout, Layer, Module, Neuron, Sequential
from nn.interop.torch import TORCH
from nn.models.activations import Activation
from tests.nn.interop import stand_in_torch as torch
from tests.nn.interop.converted import MODELS, XS, Own, numbers, outputs

t = torch.nn


@pytest.fixture(autouse=True)
def _instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", torch)


@pytest.mark.parametrize("model", [*MODELS, Own()], ids=repr)
def test_the_modules_answer_as_the_model_does(model: Module) -> None:
    made = nn.to_torch(model)
    np.testing.assert_allclose(made(np.array(XS)), outputs(model), rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("model", [m for m in MODELS if isinstance(m, Sequential)], ids=repr)
@pytest.mark.parametrize("training", [True, False])
def test_there_and_back_is_the_same_model(model: Module, training: bool) -> None:
    made = nn.to_torch(model).train(training)
    again = nn.from_torch(made)
    assert repr(again) == repr(model) or not training  # Dropout is left out
    assert numbers(again) == numbers(model)
    assert {part.training for part in again.modules()} == {training}
    model.train(training)
    assert {part.training for part in nn.to_torch(model)} == {training}
    model.eval()


def test_modules_have_the_settings_of_the_layers() -> None:
    row = Sequential(Layer(2, 3, "leaky_relu", 1), BatchNorm(3, 0.25, 1e-4, "elu"), Dropout(0.3),
                     Layer(3, 4, "softplus", 1), Layer(4, 1, "linear", 1))  # fmt: skip
    assert [repr(part) for part in nn.to_torch(row)] == [
        "Linear(in_features=2, out_features=3, bias=True)",
        "LeakyReLU(negative_slope=0.01)",
        "BatchNorm1d(num_features=3, eps=0.0001, momentum=0.25)",
        "ELU(alpha=1.0)",
        "Dropout(p=0.3)",
        "Linear(in_features=3, out_features=4, bias=True)",
        "Softplus(beta=1.0, threshold=40.0)",
        "Linear(in_features=4, out_features=1, bias=True)",
    ]
    assert repr([*nn.to_torch(Layer(1, 2, "softmax", 1))][1]) == "Softmax(dim=-1)"
    assert repr([*nn.to_torch(Neuron(1, "gelu", 1))][1]) == "GELU(approximate='none')"


def linear(n: int, m: int = 2, **how: Any) -> Any:
    return t.Linear(n, m, **how)


MADE = [
    ([linear(2, 1)], "MLP(2, [1], activation='relu', output='linear')"),
    ([linear(2, 1), t.Sigmoid()], "MLP(2, [1], activation='relu', output='sigmoid')"),
    (
        [linear(3), t.Tanh(), linear(2, 4), t.Tanh(), linear(4, 1)],
        "MLP(3, [2, 4, 1], activation='tanh', output='linear')",
    ),
    (
        [linear(3), t.Tanh(), linear(2), t.ReLU(), linear(2), t.Softmax(dim=1)],
        (
            "Sequential(Layer(3, 2, activation='tanh'), Layer(2, 2, activation='relu'), "
            "Layer(2, 2, activation='softmax'))"
        ),
    ),
    (
        [t.Flatten(), t.Sequential(linear(2), t.Identity(), t.Softplus(threshold=20)), linear(2)],
        "MLP(2, [2, 2], activation='softplus', output='linear')",
    ),
    ([linear(2), t.Softplus(threshold=1e300)], "MLP(2, [2], activation='relu', output='softplus')"),
    ([linear(2), t.Softmax(dim=-1)], "MLP(2, [2], activation='relu', output='softmax')"),
    (
        [linear(2, 3), t.BatchNorm1d(3, momentum=0.5, eps=1e-3), t.ReLU(), t.Dropout(0.2)],
        (
            "Sequential(Layer(2, 3, activation='linear'), "
            "BatchNorm(3, momentum=0.5, eps=0.001, activation='relu'), Dropout(0.2))"
        ),
    ),
    (
        [t.BatchNorm1d(4), linear(4, 1)],
        (
            "Sequential(BatchNorm(4, momentum=0.1, eps=1e-05, activation='linear'), "
            "Layer(4, 1, activation='linear'))"
        ),
    ),
]


@pytest.mark.parametrize(("parts", "wanted"), MADE, ids=lambda x: x if isinstance(x, str) else "")
def test_a_row_of_modules_becomes_a_model_that_answers_the_same(parts: Any, wanted: str) -> None:
    row = t.Sequential(*parts)
    model = nn.from_torch(row.train())
    assert repr(model) == wanted
    model = nn.from_torch(row.eval())
    shape = nn.models.architecture.describe(model)
    assert shape is not None
    xs = np.random.default_rng(5).normal(size=(6, shape.n_in))
    np.testing.assert_allclose(outputs(model, xs), row(xs), rtol=1e-12, atol=1e-14)


def test_what_does_nothing_in_evaluation_mode_is_left_out() -> None:
    parts = linear(2), t.Dropout(0.5), t.AlphaDropout(), t.Identity(), t.Flatten(), t.ReLU()
    model = nn.from_torch(t.Sequential(*parts).eval())
    assert repr(model) == "MLP(2, [2], activation='relu', output='relu')"


def test_a_linear_without_a_bias_gets_biases_of_0() -> None:
    bare = linear(3, 2, bias=False)
    model: Any = nn.from_torch(t.Sequential(bare, t.Tanh(), linear(2, 1)))
    assert [[w.data for w in n.w] for n in model.layers[0].neurons] == bare.weight.tolist()
    assert [n.b.data for n in model.layers[0].neurons] == [0.0, 0.0]


ENDS = "from_torch takes Linear modules with at most one activation after each"
TAKES = (
    "from_torch takes Linear, Identity, Flatten from 1 to -1, Dropout, BatchNorm1d and "
    "ReLU, LeakyReLU, ELU, GELU, SiLU, Softplus, Tanh, Sigmoid, Softmax"
)
REFUSED = [
    ([t.AlphaDropout()], f"module 1, AlphaDropout(p=0.5), has no counterpart here; {TAKES}"),
    ([t.Flatten(0)], "module 1, Flatten(start_dim=0, end_dim=-1), has no counterpart here"),
    ([t.Flatten(1, 2)], "module 1, Flatten(start_dim=1, end_dim=2), has no counterpart here"),
    ([t.Sequential(t.ReLU(), t.Conv1d())], "module 1.1, Conv1d(), has no counterpart here"),
    ([t.Sequential(t.ReLU(), t.Sequential(t.ReLU()))],
     f"module 1.1.0, ReLU(), does not follow a Linear; {ENDS}"),
    ([t.ReLU(), t.Tanh()], f"module 2, Tanh(), does not follow a Linear; {ENDS}"),
    ([t.Dropout(), t.ReLU()], f"module 2, ReLU(), does not follow a Linear; {ENDS}"),
    ([linear(3)], ("module 1, Linear(in_features=3, out_features=2, bias=True), follows a Linear "
     "of 2 outputs; give it as many inputs")),
    ([t.BatchNorm1d(3)], ("module 1, BatchNorm1d(num_features=3, eps=1e-05, momentum=0.1), follows "
     "a Linear of 2 outputs; give it as many inputs")),
    ([t.BatchNorm1d(2), linear(3)], ("module 2, Linear(in_features=3, out_features=2, bias=True), "
     "follows a Linear of 2 outputs; give it as many inputs")),
    ([t.BatchNorm1d(2, affine=False)], ("module 1, BatchNorm1d(num_features=2, eps=1e-05, "
     "momentum=0.1), has no momentum, weight or running mean")),
    ([t.BatchNorm1d(2, momentum=None)], ("module 1, BatchNorm1d(num_features=2, eps=1e-05, "
     "momentum=None), has no momentum, weight or running mean")),
    ([t.ELU(alpha=2.0)],
     "module 1, ELU(alpha=2.0), has alpha=2.0, and elu here is with 1.0; change the module"),
    ([t.Softmax(dim=0)],
     "module 1, Softmax(dim=0), has dim=0, and softmax here is with -1; change the module"),
    ([t.Softmax(dim=2)],
     "module 1, Softmax(dim=2), has dim=2, and softmax here is with -1; change the module"),
    ([t.Softmax(dim=-2)],
     "module 1, Softmax(dim=-2), has dim=-2, and softmax here is with -1; change the module"),
    ([t.Softplus(threshold=19.0)], ("module 1, Softplus(beta=1.0, threshold=19.0), has threshold="
     "19.0, and softplus here is with 40.0; change the module")),
    ([t.Softplus(threshold=float("inf"))], "has threshold=inf, and softplus here is with 40.0"),
    ([t.Softplus(beta=20.0)], "has beta=20.0, and softplus here is with 1.0; change the module"),
]  # fmt: skip


@pytest.mark.parametrize(("parts", "text"), REFUSED, ids=lambda x: x if isinstance(x, str) else "")
def test_modules_without_a_counterpart_are_named_with_their_place(parts: Any, text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        nn.from_torch(t.Sequential(linear(2), *parts).train())


def test_what_is_no_row_of_linear_modules_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^module 0, ReLU\(\), does not follow a Linear; "):
        nn.from_torch(t.Sequential(t.ReLU(), linear(2)))
    nothing = "^from_torch takes one Linear module or more, got no Linear$"
    for parts in ([], [t.Identity()], [t.BatchNorm1d(2)]):
        with pytest.raises(ValueError, match=nothing):
            nn.from_torch(t.Sequential(*parts))
    remedy = "build a Sequential of the modules in it, in the order in which they are applied"
    backwards = type("Backwards", (t.Sequential,), {"forward": None})(linear(2))
    for wrong, name in ((linear(2), "Linear"), (backwards, "Backwards"), (3, "int")):
        with pytest.raises(
            TypeError, match=f"^from_torch takes a Sequential, got {name}; {remedy}"
        ):
            nn.from_torch(wrong)


def test_an_activation_that_a_user_added_has_no_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ACTIVATIONS, "cube", Activation(lambda x: x * x * x))
    known = ", ".join(TORCH)
    with pytest.raises(ValueError, match=f"unknown activation for PyTorch 'cube'; known: {known}$"):
        nn.to_torch(MLP(2, [2, 1], "cube", rng=1))


def test_weights_that_are_not_finite_are_given_as_they_are() -> None:
    for model in (MLP(2, [2, 1], rng=1), Own()):
        model.parameters()[0].data = math.inf
        with numeric_mode("ieee"):
            assert nn.to_torch(model).parts[0].weight.array[0, 0] == math.inf
