"""fit: it learns, repeats itself by seed, and leaves nothing behind."""

import gc
import random
import weakref
from array import array

import numpy as np
import pytest

import nn
from engine import Value
from nn import MLP, SGD, Neuron, accuracy, fit, mse_loss
from nn.training.data import _shuffle
from tests.nn.training.setup import QUIET, line, numbers

XOR = [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)], [0, 1, 1, 0]


# --- it learns


@pytest.mark.parametrize(
    ("loss", "output", "targets"),
    [
        ("binary_cross_entropy_with_logits", "linear", [0, 1, 1, 0]),
        ("binary_cross_entropy", "sigmoid", [0, 1, 1, 0]),
        ("hinge", "linear", [-1, 1, 1, -1]),
        ("hinge_loss", "linear", [-1, 1, 1, -1]),
    ],
)
def test_xor_is_learned(loss, output, targets):
    model = MLP(2, [4, 1], activation="tanh", output=output, rng=1)
    history = fit(model, XOR[0], targets, loss=loss, epochs=300, seed=1, **QUIET)
    assert history.accuracy[history.best_epoch] == 1.0
    assert accuracy(model, XOR[0], targets) == 1.0


def test_xor_in_two_classes():
    model = MLP(2, [4, 2], activation="tanh", rng=1)
    history = fit(model, *XOR, loss="cross_entropy", epochs=300, seed=1, **QUIET)
    assert history.accuracy[history.best_epoch] == 1.0
    assert accuracy(model, *XOR) == 1.0


@pytest.mark.parametrize("optimizer", nn.OPTIMIZERS)
def test_a_line_is_found_by_every_optimizer(optimizer):
    model = Neuron(1, "linear", rng=3)
    how = {"epochs": 250, "batch_size": 4, "patience": None, "seed": 1, **QUIET}
    fit(model, *line(), loss="mse", optimizer=optimizer, **how)
    assert [model.w[0].data, model.b.data] == pytest.approx([2, -1], abs=0.05)


def test_several_outputs_and_arrays():
    xs = np.linspace(-1, 1, 12).reshape(-1, 1)
    ys = np.concatenate([xs, -xs], axis=1)
    model = MLP(1, [2], rng=1)
    history = fit(model, xs, ys, loss="mse", optimizer="sgd", epochs=100, seed=1, **QUIET)
    assert history.loss[-1] < 1e-3
    assert history.accuracy == []


def test_any_iterables_will_do():
    a, b = Neuron(1, "linear", rng=3), Neuron(1, "linear", rng=3)
    xs, ys = line()
    wanted = fit(a, xs, ys, loss="mse", epochs=3, seed=1, **QUIET)
    found = fit(b, (iter(x) for x in xs), iter(ys), loss="mse", epochs=3, seed=1, **QUIET)
    assert found == wanted
    assert numbers(a) == numbers(b)


def test_one_epoch_is_one_pass_in_batches():
    seen = []

    def loss(outputs, targets):
        if model.training:
            seen.append(list(targets))
        return mse_loss(outputs, targets)

    model = Neuron(1, "linear", rng=3)
    how = {"loss": loss, "backend": "eager", **QUIET}
    fit(model, [[i] for i in range(7)], range(7), epochs=2, batch_size=3, seed=1, **how)
    assert [len(batch) for batch in seen] == [3, 3, 1] * 2
    first, second = [[y for batch in seen[i : i + 3] for y in batch] for i in (0, 3)]
    assert sorted(first) == sorted(second) == list(range(7))
    assert first != second != list(range(7))
    seen.clear()
    fit(model, [[i] for i in range(7)], range(7), epochs=1, batch_size=None, **how)
    assert [len(batch) for batch in seen] == [7]


@pytest.mark.parametrize("many", [1, 2, 3, 4, 7, 8, 9, 100, 1023, 1024, 1025])
def test_rows_are_shuffled_as_python_does(many):
    class Own(random.Random):
        pass

    for kind in (random.Random, Own):
        mine, wanted = array("q", range(many)), array("q", range(many))
        rng, other = kind(5), kind(5)
        for _ in range(3):
            _shuffle(mine, rng)
            other.shuffle(wanted)
        assert mine == wanted
        assert rng.getstate() == other.getstate()


def test_a_share_is_held_out_at_random():
    trained, measured = set(), []

    def loss(outputs, targets):
        (trained.update if model.training else measured.append)(targets)
        return mse_loss(outputs, targets)

    model = Neuron(1, "linear", rng=3)
    fit(
        model,
        [[i] for i in range(20)],
        range(20),
        loss=loss,
        epochs=1,
        validation=0.3,
        seed=1,
        backend="eager",
        **QUIET,
    )
    (held_out,) = (set(targets) for targets in measured if not trained & set(targets))
    assert len(held_out) == 6
    assert trained | held_out == set(range(20))
    assert held_out not in (set(range(6)), set(range(14, 20)))


def test_parameters_that_the_loss_brings_along():
    scale = Value(0.0, "scale")
    model = Neuron(1, "linear", rng=3)
    history = fit(
        model,
        *line(),
        loss=lambda outputs, targets: mse_loss(outputs, targets) + (scale - 3) ** 2,
        optimizer=lambda ps: SGD([*ps, scale], lr=0.1),
        epochs=60,
        seed=1,
        **QUIET,
    )
    assert scale.data == pytest.approx(3, abs=1e-3)
    assert history.best_loss < 0.2


def test_a_loss_that_cannot_be_hashed():
    class Unhashable:
        __hash__ = None

        def __call__(self, outputs, targets):
            return mse_loss(outputs, targets)

    fit(Neuron(1, rng=1), *line(), loss=Unhashable(), epochs=1, **QUIET)


def test_the_graph_of_a_batch_is_gone_before_the_next():
    alive = []

    def loss(outputs, targets):
        assert all(reference() is None for reference in alive)
        value = mse_loss(outputs, targets)
        alive[:] = [weakref.ref(value)]
        return value

    gc.disable()
    try:
        fit(Neuron(1, rng=1), *line(), loss=loss, epochs=2, batch_size=5, **QUIET)
    finally:
        gc.enable()


def test_a_regression_makes_no_table_of_its_targets(monkeypatch):
    """They may be a million numbers, all of them different."""

    def for_rows(function, *columns):
        raise AssertionError("nothing is counted")

    monkeypatch.setattr("nn.evaluation.metrics.for_rows", for_rows)
    xs = [[0.1 * i] for i in range(20)]
    fit(MLP(1, [1], rng=1), xs, [x for (x,) in xs], loss="mse", epochs=2, progress=False)
    with pytest.raises(AssertionError, match="nothing is counted"):
        fit(MLP(1, [1], rng=1), xs, [0] * 20, loss="mse", epochs=2, metrics="accuracy")


# --- it repeats itself


def run(seed, **how):
    model = MLP(1, [3, 1], activation="tanh", rng=5)
    how = {"loss": "mse", "epochs": 4, "batch_size": 6, "validation": 0.3, **QUIET, **how}
    return fit(model, *line(), seed=seed, **how), numbers(model)


def test_the_same_seed_gives_the_same_bits():
    assert run(7) == run(7) == run(random.Random(7))
    assert run(7) != run(8)
    random.seed(7)
    assert run(None) == run(7)


def test_a_schedule_and_its_end():
    rates = []

    class Spy(SGD):
        def step(self):
            rates.append(self.lr)
            super().step()

    made = []

    def make(parameters):
        made.append(Spy(parameters, lr=0.5))
        return made[0]

    run(1, optimizer=make, schedule=nn.step_decay(2, 0.5), batch_size=None)
    assert rates == [0.5, 0.5, 0.25, 0.25]
    assert made[0].lr == 0.5


def test_a_factor_of_numpy_is_a_float():
    """Times np.float32 a rate would lose half of its digits."""
    how = {"loss": "mse", "epochs": 3, "seed": 1, **QUIET}
    wanted = fit(Neuron(1, "linear", rng=3), *line(), schedule=lambda e: 0.5, **how)
    assert (
        fit(Neuron(1, "linear", rng=3), *line(), schedule=lambda e: np.float32(0.5), **how)
        == wanted
    )
