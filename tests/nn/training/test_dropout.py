"""Dropout: what is left out, and that the same is left out whoever computes."""

import copy
import pickle
import random

import numpy as np
import pytest

import nn
from engine.settings import Scope
from nn import MLP, Dropout, Layer, Module, Sequential, accuracy, fit, predict
from nn.models.batch import BATCH, Batch, mask
from tests.nn.training.pools import check_going_on, check_threads

_draw = random.Random(8).gauss
XS = [[_draw(0, 1), _draw(0, 1)] for _ in range(90)]
YS = [int(a * b > 0) for a, b in XS]


def model(p=0.3):
    return Sequential(Layer(2, 6, "tanh", 1), Dropout(p), Layer(6, 1, "linear", 2))


def train(net, **how):
    how = {"loss": "binary_cross_entropy_with_logits", "epochs": 5, "batch_size": 16, **how}
    history = fit(net, XS, YS, **{"seed": 1, "progress": False, **how})
    return [p.data for p in net.parameters()], history.loss, history.backend


# --- the layer


def test_units_are_left_out_with_probability_p_and_else_enlarged():
    layer, many = Dropout(0.3, rng=1), 20_000
    found = layer([2.0] * many)
    assert set(found) == {0.0, 2.0 / 0.7}
    assert abs(found.count(0.0) / many - 0.3) < 4 * (0.21 / many) ** 0.5
    assert layer.eval()([2.0, 3.0]) == [2.0, 3.0]
    assert Dropout(0.0)([2.0]) == [2.0]
    assert Dropout(0.5, rng=3)(4.0) in (0.0, 8.0)  # as a layer of one unit gives it
    assert repr(layer) == "Dropout(0.3)"


def test_its_own_rng_decides_outside_of_fit():
    xs, rng = [1.0] * 50, random.Random(2)
    assert Dropout(0.5, rng=7)(xs) == Dropout(0.5, rng=random.Random(7))(xs)
    wanted = [(rng.random() >= 0.5) * 2.0 for _ in xs]
    random.seed(2)
    assert Dropout(0.5)(xs) == wanted
    for layer in (Dropout(0.5), Dropout(0.5, rng=4)):
        copies = copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))
        assert [repr(each) for each in copies] == ["Dropout(0.5)"] * 2


@pytest.mark.parametrize("p", [-0.1, 1.0, float("nan"), "0.5", None, True])
def test_other_probabilities_are_errors(p):
    with pytest.raises(ValueError, match=r"Dropout takes p in \[0, 1\), got"):
        Dropout(p)


def test_gradients_go_through_the_units_that_are_kept():
    net = model(0.5)
    hidden = net.layers[1](net.layers[0]([0.5, -1.0]))
    net.layers[2](hidden).backward()
    for neuron, unit in zip(net.layers[0].neurons, hidden, strict=True):
        assert (neuron.b.grad != 0.0) == (unit.data != 0.0)


# --- its random numbers


def test_factors_of_rows_places_and_steps_are_independent():
    rows, places = np.arange(400, dtype="uint64")[:, None], np.arange(50, dtype="uint64")
    table = np.array([mask(key, rows, places, 0.4) for key in range(5)]) > 0
    assert abs(table.mean() - 0.6) < 4 * (0.24 / table.size) ** 0.5
    for axis in range(3):
        for lag in (1, 2):
            one, other = table, np.roll(table, lag, axis)
            spread = 4 * (0.6 * 0.4) / table.size**0.5
            assert abs((one & other).mean() - one.mean() ** 2) < spread
    counts = table.sum(axis=(0, 2))  # of a row: binomial
    assert abs(counts.var() / (250 * 0.24) - 1) < 0.3


def test_factors_are_the_same_bits_one_by_one_and_in_an_array():
    rows, places = np.array([[0], [7], [2**40]], dtype="uint64"), np.arange(9, dtype="uint64")
    key = 0xFEDCBA9876543210
    found = mask(key, rows, places, np.full(9, 0.3))
    assert found.tolist() == [[mask(key, int(r), i, 0.3) for i in range(9)] for r in rows[:, 0]]


# --- in fit


@pytest.mark.parametrize("how", [{}, {"class_weights": "balanced"}, {"validation": 0.2}])
def test_native_and_eager_trainings_leave_out_the_same(how):
    (eager, loss, _), (native, other, backend) = [
        train(model(), backend=backend, **how) for backend in ("eager", "auto")
    ]
    assert backend == "native"
    np.testing.assert_allclose(eager, native, rtol=1e-11)
    np.testing.assert_allclose(loss, other, rtol=1e-11)


@pytest.mark.parametrize("backend", ["eager", "native"])
def test_the_seed_of_fit_decides_and_not_the_rng(backend):
    first = train(model(), backend=backend)
    random.seed(5)
    assert train(model(), backend=backend) == first
    assert train(model(), backend=backend, seed=2) != first
    assert train(model(0.0), backend=backend) != first


def test_threads_find_the_same_bits(small_shards):
    check_threads(train, model)


@pytest.mark.parametrize("backend", ["eager", "native"])
def test_a_training_goes_on_with_the_same_numbers(backend, tmp_path):
    check_going_on(train, model, backend, tmp_path / "a")
    again = nn.load(tmp_path / "a")
    assert repr(again) == repr(model())


def test_a_row_has_the_same_numbers_in_any_company():
    layer, found = Dropout(0.5, rng=1), []
    for numbers in ([5, 2, 9], [9, 7, 8, 5]):
        with Scope(BATCH, Batch(77, numbers)):
            twice = [layer.forward_batch([[1.0] * 30] * len(numbers)) for _ in range(2)]
            found.append(dict(zip(numbers, zip(*twice, strict=True), strict=True)))
    assert [found[0][n] for n in (5, 9)] == [found[1][n] for n in (5, 9)]
    assert len({str(units) for each in found for row in each.values() for units in row}) == 10


def test_nothing_is_left_out_of_predictions():
    net = model(0.9)
    plain = MLP(2, [6, 1], "tanh", rng=0)
    for p, q in zip(plain.parameters(), net.parameters(), strict=True):
        p.data = q.data
    for many in (5, 90):
        assert predict(net, XS[:many]) == predict(plain, XS[:many])
    xs = XS * 2  # for so many rows it is a program
    np.testing.assert_allclose(predict(net, xs), predict(plain, xs), rtol=1e-12)
    assert accuracy(net, XS, YS) == accuracy(plain, XS, YS)
    assert net.training


class Own(Module):
    """Dropout in a model of one's own, twice in a row."""

    def __init__(self):
        self.first, self.last, self.drop = (
            Layer(2, 4, "tanh", 1),
            Layer(4, 1, "linear", 2),
            Dropout(0.4),
        )

    def __call__(self, x):
        return self.last(self.drop(self.first(self.drop([*x]))))


def test_a_model_of_ones_own_drops_the_same_natively():
    results = [train(Own(), backend=backend) for backend in ("eager", "native")]
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-11)


@pytest.mark.parametrize("backend", ["eager", "native"])
def test_every_module_has_its_mode_again(backend):
    net = model()
    net.layers[1].eval()
    predict(net, XS)
    assert [part.training for part in net.layers] == [True, False, True]
    train(net, backend=backend, epochs=1)
    assert [part.training for part in net.layers] == [True, False, True]


@pytest.mark.parametrize("backend", ["eager", "native"])
def test_a_callback_may_leave_the_model_in_evaluation_mode(backend):
    left, alone = model(), model()
    found = train(left, backend=backend, callbacks=lambda history: left.eval() and None)
    assert found == train(alone, backend=backend)
    assert left.training
