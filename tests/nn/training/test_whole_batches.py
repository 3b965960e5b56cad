"""Steps on all rows at once, whose loss after a step is that before the next, computed once."""

import pytest

import nn
from engine import NumericError, Value
from nn import MLP, SGD, Module, fit, mse_loss, predict
from nn.training.workers import WorkerPool
from tests.nn.training.setup import BACKENDS, WEIGHTS, XS, numbers

pytest.importorskip("llvmlite", reason="pip install gradwalk[fast]")

YS = [2 * a - b for a, b in XS]
HOW = {"loss": "mse", "batch_size": None, "epochs": 7, "seed": 2, "patience": None}
KINDS = {
    "plain": {},
    "weights": {"sample_weight": WEIGHTS},
    "clip": {"clip": 0.1},
    "validation": {"validation": 0.25},
    "adam": {"optimizer": "adam"},
    "recorded": {"record": True},
    "a loss of one's own": {"loss": lambda outputs, targets: mse_loss(outputs, targets) * 3},
    "a metric": {"metrics": "r2"},
    "all in one batch": {"batch_size": 24},
    "more than all": {"batch_size": 25},
    "not quite all": {"batch_size": 23},
}


def trained(backend, model=None, **how):
    model = model or MLP(2, [3, 1], activation="tanh", rng=1)
    history = fit(model, XS, YS, backend=backend, progress=False, **{**HOW, **how})
    return numbers(model), history


@pytest.mark.parametrize("how", KINDS.values(), ids=KINDS)
def test_natively_the_losses_and_numbers_are_those_of_values(how):
    (ours, native), (theirs, eager) = (trained(backend, **how) for backend in ("native", "eager"))
    assert ours == pytest.approx(theirs, rel=1e-9)
    assert native.loss == pytest.approx(eager.loss, rel=1e-9)
    assert native.val_loss == pytest.approx(eager.val_loss, rel=1e-9)


@pytest.mark.parametrize("size", [None, 23, 24, 25])
@pytest.mark.parametrize("more", [{}, {"metrics": "r2"}, {"loss": "binary_cross_entropy"}])
def test_outputs_are_computed_only_where_somebody_needs_them(size, more, monkeypatch):
    model, asked, outputs = MLP(2, [3, 1], output="sigmoid", rng=1), [], WorkerPool.outputs

    def counted(pool, theta, table):
        asked.append(table)
        return outputs(pool, theta, table)

    monkeypatch.setattr(WorkerPool, "outputs", counted)
    how = {**HOW, "batch_size": size, "backend": "native", "progress": False, **more}
    fit(model, XS, [float(y > 0) for y in YS], validation=(XS, [0.0] * 24), **how)
    assert asked.count(0) == (7 if more or size == 23 else 0)
    assert asked.count(1) == 7


@pytest.mark.parametrize(
    "more", [[], [nn.Dropout(0.5, rng=3)], [nn.BatchNorm(3)]], ids=["plain", "dropout", "norm"]
)
def test_a_loss_is_that_of_the_model_in_evaluation(more):
    model = nn.Sequential(nn.Layer(2, 3, "tanh", rng=1), *more, nn.Layer(3, 1, "linear", rng=2))
    seen = []

    def look(history):
        assert history.backend == "native"
        seen.append(mse_loss(predict(model, XS), YS).data)

    _, history = trained("native", model, callbacks=look)
    assert history.loss == pytest.approx(seen, rel=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_a_callback_sets_counts_from_the_next_step_on(backend):
    model = nn.Neuron(2, "linear", rng=1)

    def reset(history):
        model.b.data = 5.0

    how = {"optimizer": "sgd", "lr": 0.01}  # which remembers nothing
    _, history = trained(backend, model, callbacks=reset, epochs=3, **how)
    again = nn.Neuron(2, "linear", rng=1)
    losses = []
    for _ in range(3):
        losses += trained(backend, again, epochs=1, **how)[1].loss
        again.b.data = 5.0
    assert history.loss == losses


class Root(Module):
    """The root of a weight, which a step with the rate 2 brings to 0 from 1."""

    def __init__(self) -> None:
        self.w = Value(1.0)

    def __call__(self, x):
        return (self.w * x) ** 0.5


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_gradient_after_the_last_step_is_no_error(backend):
    def run(epochs):
        model = Root()
        how = {"loss": "mae", "epochs": epochs, "backend": backend, "progress": False}
        return model, fit(model, [1.0], [0.0], optimizer=SGD([model.w], lr=2.0), **how)

    model, history = run(1)
    assert (model.w.data, history.loss) == (0.0, [0.0])
    with pytest.raises(NumericError, match="diverged after 1 step"):
        run(2)
