"""Modules find their parameters: all of them, once, in order, by the path one would type."""

import copy
import pickle

import pytest

from engine import Value
from nn import MLP, Module


class Everything(Module):
    """Parameters in each kind of place, a shared one, and things that are none."""

    def __init__(self):
        self.first = Value(1.0)
        self.items = [Value(2.0), (Value(3.0), {"deep": Value(4.0)})]
        self.again = self.first
        self.table = {"a": Value(5.0), 7: Value(6.0)}
        self.inner = MLP(1, [1], rng=1)
        self.parent = self  # a cycle
        self.result = self.first * 2
        self.count, self.name, self.nothing = 3, "text", None


NAMES = [
    "first",
    "items.0",
    "items.1.0",
    "items.1.1.deep",
    "table.a",
    "table.7",
    "inner.layers.0.neurons.0.w.0",
    "inner.layers.0.neurons.0.b",
]


def test_parameters_are_found_everywhere_once_and_in_order():
    model = Everything()
    assert [name for name, _ in model.named_parameters()] == NAMES
    found = model.parameters()
    assert isinstance(found, list)
    assert found == [parameter for _, parameter in model.named_parameters()]
    assert [p.data for p in found[:6]] == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]


def test_a_path_leads_to_its_parameter():
    model = MLP(3, [4, 2], rng=1)
    named = dict(model.named_parameters())
    assert named["layers.0.neurons.1.w.0"] is model.layers[0].neurons[1].w[0]
    assert len(named) == 3 * 4 + 4 + 4 * 2 + 2


def test_a_constant_is_no_parameter():
    model = Module()
    model.number = (Value(1.0) * 3).parents[1]
    assert model.number.op.name == "constant"
    assert model.parameters() == []


def test_a_deep_nest_is_an_ordinary_module():
    model = Module()
    model.nest = Value(1.0)
    for _ in range(5000):
        model.nest = [model.nest]
    assert len(model.parameters()) == 1


def test_zero_grad():
    model = MLP(2, [3, 1], rng=1)
    model([1.0, 2.0]).backward()
    assert any(p.grad for p in model.parameters())
    model.zero_grad()
    assert not any(p.grad for p in model.parameters())


def test_train_and_eval_reach_every_module_inside():
    model = Everything()
    assert model.training
    assert model.eval() is model
    assert not model.training
    assert not model.inner.layers[0].neurons[0].training
    assert model.train() is model
    assert model.inner.layers[0].neurons[0].training


def test_repr_names_what_is_inside_and_survives_a_cycle():
    assert repr(MLP(2, [3, 1])) == "MLP(2, [3, 1], activation='relu', output='linear')"
    inside = "inner=MLP(1, [1], activation='relu', output='linear')"
    assert repr(Everything()) == f"Everything({inside}, parent=..., 8 parameters)"
    one = Module()
    one.x = Value(1.0)
    assert repr(one) == "Module(1 parameter)"


def test_a_model_without_a_call_says_so():
    with pytest.raises(NotImplementedError, match=r"write Everything\.__call__\(self, x\)"):
        Everything()(1.0)


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_model_survives_copying_and_pickling(clone):
    model = MLP(2, [3, 2], activation="gelu", output="softmax", rng=3)
    twin = clone(model)
    assert [(n, p.data, p.label) for n, p in twin.named_parameters()] == [
        (n, p.data, p.label) for n, p in model.named_parameters()
    ]
    assert not set(twin.parameters()) & set(model.parameters())
    assert [y.data for y in twin([0.5, 1])] == [y.data for y in model([0.5, 1])]
