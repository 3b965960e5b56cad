"""Predictions by programs: those of the model as it is now, whatever happened to it before."""

import math
import random
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import engine
from engine import NumericError, Value, no_grad, numeric_mode
from nn import MLP, Layer, Module, Neuron, predict
from nn.evaluation import programs
from nn.evaluation.measure import MANY
from nn.evaluation.programs import known_architecture, outputs
from nn.models.activations import ACTIVATIONS
from tests.nn.evaluation.models_made import RNG, XS, Custom, share, twin


def called(model, xs=XS):
    """What the model's calls answer."""
    with no_grad():
        found = [model(x) for x in np.asarray(xs).tolist()]
    return np.array([[float(v) for v in y] if isinstance(y, list) else float(y) for y in found])


def check(model, xs=XS):
    assert outputs(model, xs) is not None
    found = predict(model, xs)
    np.testing.assert_allclose(found, called(model, xs), rtol=1e-12, atol=1e-300)
    return found


@pytest.mark.parametrize("make", [list, np.asarray, pd.DataFrame, deque, iter, np.float32])
def test_rows_of_all_kinds_are_predicted(make):
    model = MLP(2, [3, 2], "tanh", rng=1)
    rows = XS.astype("float32").astype("float64")
    found = predict(model, make(rows))
    assert isinstance(found, list)
    assert isinstance(found[0], list)
    assert type(found[0][0]) is float
    np.testing.assert_allclose(found, called(model, rows), rtol=1e-12)


def test_a_list_and_a_number_come_back_as_the_model_gives_them():
    assert type(check(MLP(2, [3, 1], rng=1))[0]) is float
    assert type(check(Neuron(1, "tanh", 1), XS[:, 0])[0]) is float
    assert len(check(Layer(2, 3, "softmax", 1))[0]) == 3

    class Single(Module):
        def __init__(self):
            self.layer = Layer(2, 1, "tanh", 1)

        def __call__(self, x):
            return [self.layer(x)]

    assert len(check(Single())[0]) == 1


def test_a_changed_model_gets_new_answers(monkeypatch):
    model = MLP(2, [4, 4, 2], "tanh", rng=1)
    seen = [check(model)]

    def new():
        seen.append(check(model))
        assert all(seen[-1] != before for before in seen[:-1])

    model.layers[0].neurons[1].w[0].data = 3.0
    new()
    model.layers[1].neurons[0].b = Value(2.0)
    new()
    model.layers[2].neurons[0].w[1] = Value(0.5) * Value(3.0)
    new()
    model.layers[0].neurons.reverse()
    new()
    model.layers[1].activation = "relu"  # the neurons' own activations count
    assert check(model) == seen[-1]
    for neuron in model.layers[1].neurons:
        neuron.activation = "relu"
    for neuron in model.layers[0].neurons:
        neuron.activation = "relu"
    model.layers[0].activation = model.activation = "relu"
    new()
    model.layers[1].neurons[0].w[0] = model.layers[1].neurons[1].w[0]  # shared
    new()
    monkeypatch.setitem(ACTIVATIONS, "relu", replace(ACTIVATIONS["relu"], function=Value.sigmoid))
    new()
    scale = [2.0]
    own = replace(ACTIVATIONS["relu"], function=lambda x: scale[0] * x)
    monkeypatch.setitem(ACTIVATIONS, "relu", own)
    new()
    scale[0] = 3.0
    new()
    neuron = model.layers[0].neurons[0]
    neuron.forward = lambda xs: xs[0] * 7.0
    new()
    model.layers.insert(1, Layer(4, 4, "relu", 5))
    new()
    model.layers[1].neurons.pop()
    with pytest.raises(ValueError, match="takes 4 inputs, got 3"):
        predict(model, XS)


def test_modules_of_ones_own_are_predicted_in_evaluation_mode():
    model = Custom(lambda self, x: [y * 2.0 if self.training else y for y in self.layer(x)])
    model.eval()
    wanted = called(model)
    model.train()
    np.testing.assert_allclose(predict(model, XS), wanted, rtol=1e-12)
    assert model.training
    assert outputs(model, XS) is not None
    model.factor = 3.0
    model.work = lambda self, x: [y * self.factor for y in self.layer(x)]
    first = check(model)
    model.factor = 4.0
    assert check(model) != first


def _decides(self, x):
    return [y if x[0] > 0.3 else -y for y in self.layer(x)]


def _looks(self, x):
    return self.layer(x)[0] * (1.0 if isinstance(x[0], float) else 2.0)


def _counts(self, x):
    self.calls += 1
    return self.layer(x)[0] * self.calls


def _remembers(self, x):
    self.calls = 0.5 * self.calls + float(self.layer(x)[0])
    return self.calls


def _draws(self, x):
    return self.layer(x)[0] * random.random()


@pytest.mark.parametrize("work", [_decides, _looks, _counts, _remembers, _draws])
def test_what_is_no_formula_is_computed_by_calls(work):
    model, twin = Custom(work), Custom(work)
    random.seed(5)
    assert outputs(model, XS) is None
    found = predict(model, XS)
    random.seed(5)
    wanted = called(twin)
    assert np.array_equal(np.array(found), wanted)
    assert model.calls == twin.calls


def test_rows_that_are_no_table_are_left_to_the_model():
    model = MLP(2, [2], rng=1)
    for rows in (
        [("a", 1.0)] * MANY,
        [[Value(1.0), 2.0]] * MANY,
        [[1.0, 2.0]] * (MANY - 1) + [[1.0]],
        np.ma.masked_array(XS, XS > 9.0),
        np.zeros((MANY, 2, 1)),
        XS.astype(object),
        RNG.normal(size=(MANY, 3)),
    ):
        assert outputs(model, rows) is None
    assert predict(model, [[Value(1.0), 2.0]] * MANY)[0] == called(model, [[1.0, 2.0]])[0].tolist()
    with pytest.raises(ValueError, match="takes 2 inputs, got 3"):
        predict(model, RNG.normal(size=(MANY, 3)))


def test_errors_are_those_of_the_model():
    model = MLP(2, [2], rng=1)
    rows = [*XS[:-1].tolist(), [1e308, -1e308]]
    model.layers[0].neurons[0].w[0].data = 1e10
    errors = []
    for given in (rows, rows[-1:]):
        with pytest.raises(NumericError) as error:
            predict(model, given)
        errors.append(str(error.value).partition(f"row {len(given) - 1}: "))
    assert errors[0][::2] == errors[1][::2]  # before and after the number of the row
    with numeric_mode("ieee"):
        np.testing.assert_allclose(predict(model, rows)[-1:], predict(model, rows[-1:]))
        assert np.isinf(predict(model, rows)).sum() == 1


def test_one_program_serves_all_models_of_an_architecture(records):
    models = [MLP(2, [5, 3], "silu", rng=seed) for seed in range(6)]
    with ThreadPoolExecutor(6) as pool:
        for model, found in zip(models, pool.map(lambda m: predict(m, XS), models), strict=True):
            np.testing.assert_allclose(found, called(model), rtol=1e-12)
    assert len(records) == 1
    with no_grad():
        predict(MLP(2, [5, 3], "elu", rng=1), XS)
    check(MLP(2, [5, 3], "elu", rng=2))
    assert len(records) == 2


def test_few_programs_are_kept(monkeypatch):
    monkeypatch.setattr(programs, "MOST", 3 * programs.EACH)
    for width in range(1, 6):
        outputs(MLP(2, [width, 1], rng=1), XS)
        assert 1 <= len(programs._kept) <= 3
    assert known_architecture(MLP(2, [5, 1], rng=1))[0] in [key[0] for key in programs._kept]


def test_names_of_parameters_are_paths_and_a_shared_one_has_its_first():
    model = twin(share)
    computed = model.layers[1].neurons[0].w[1] * 2.0
    model.more, model.alone = [model.layers[0].neurons[0].b, computed], [Value(1.0)]
    names = dict(model.named_parameters())
    assert [*names.values()] == model.parameters()
    assert len(names) == 4 * 3 - 1 + 5 + 1
    assert names["layers.0.neurons.0.w.0"] is model.layers[0].neurons[1].w[0]
    assert names["alone.0"] is model.alone[0]
    assert not {"layers.0.neurons.1.w.0", "more.0", "more.1"} & names.keys()


@pytest.mark.parametrize("many", [20, 600])
@pytest.mark.parametrize("ragged", [False, True])
def test_predict_names_the_row_that_a_model_is_undefined_for(many, ragged):
    class Root(Module):
        def __call__(self, xs):
            return engine.sqrt(engine.sum(xs))

    rows = [[1.0 + i, *[0.5] * (ragged and i % 2)] for i in range(many)]
    assert predict(Root(), rows) == pytest.approx([math.sqrt(sum(row)) for row in rows])
    rows[17] = [-3.0] * len(rows[17])
    with pytest.raises(NumericError, match=r"^row 17: sqrt\(-") as error:
        predict(Root(), rows)
    assert error.value.row == 17
