"""How the estimators train: with alpha, weights and parts of rows, from where, and until when."""

import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="pip install gradwalk[sklearn]")

from sklearn.base import clone
from sklearn.datasets import make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_score
from sklearn.neural_network import MLPRegressor

import nn
from nn.interop.sklearn import ScalarMLPClassifier, ScalarMLPRegressor
from tests.nn.interop.estimators import BOTH, separated, theta

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
# Training on all rows at once, in which epochs are steps and order does not matter.
STEPS = {"batch_size": None, "n_iter_no_change": None, "random_state": 3}


@pytest.mark.parametrize("backend", ["native", "eager"])
def test_alpha_adds_to_the_loss_what_it_adds_in_scikit_learn(backend: str) -> None:
    X, y = separated()
    how = {"optimizer": "sgd", "lr": 0.0, "max_epochs": 1, "backend": backend}
    ours = ScalarMLPRegressor((4,), alpha=7.0, **how, **STEPS).fit(X, (y - y.mean()) / y.std())
    (added,) = np.subtract(ours.history_.column("objective"), ours.history_.loss)
    first, last = ours.model_.layers
    weights = [np.array([[w.data for w in n.w] for n in side.neurons]).T for side in (first, last)]
    theirs = MLPRegressor(hidden_layer_sizes=(4,), batch_size=len(X), random_state=3)
    losses = []
    for alpha in (7.0, 0.0):
        theirs.set_params(alpha=alpha).fit(X, y)
        theirs.coefs_ = [w.copy() for w in weights]  # which it changes
        theirs.intercepts_ = [np.zeros(w.shape[1]) for w in weights]
        losses.append(theirs.partial_fit(X, y).loss_)
    assert added == pytest.approx(losses[0] - losses[1], rel=1e-9)


def test_alpha_of_adamw_is_its_decay_and_a_function_has_its_own() -> None:
    X, y = separated()
    for optimizer, decay in (("adam", 0.1), ("adamw", 0.1), (lambda p: nn.AdamW(p), 0.01)):
        model = ScalarMLPClassifier((4,), optimizer=optimizer, alpha=9.0, max_epochs=1).fit(X, y)
        assert model._optimizer.weight_decay == decay


@pytest.mark.parametrize("kind", BOTH)
def test_alpha_decides_how_large_the_weights_get_and_the_kept_epoch(kind) -> None:
    X, y = separated()
    models = [kind((4,), alpha=a, random_state=1).fit(X, y) for a in (0.0, 2.0, 20.0, 2000.0)]
    sizes = [np.hypot.reduce(theta(model)) for model in models]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < 0.5 * sizes[0]
    history = models[2].history_
    assert history.best_epoch == np.argmin(history.column("objective"))


@pytest.mark.parametrize("kind", BOTH)
def test_a_partial_fit_is_an_epoch_and_goes_on(kind) -> None:
    X, y = separated()
    known = {"classes": [0, 1, 2]} if kind is ScalarMLPClassifier else {}
    once = kind((4,), max_epochs=1, **STEPS).fit(X, y)
    parts = kind((4,), **STEPS).partial_fit(X, y, **known)
    assert (theta(parts) == theta(once)).all()
    whole = kind((4,), alpha=0.0, max_epochs=3, **STEPS).fit(X, y)
    parts = kind((4,), alpha=0.0, **STEPS)
    for _ in range(3):  # with the moments of the same Adam, through a pickle too
        parts = pickle.loads(pickle.dumps(parts.partial_fit(X, y, **known)))
    np.testing.assert_allclose(theta(parts), theta(whole), rtol=1e-9)
    np.testing.assert_allclose(parts.loss_curve_, whole.loss_curve_, rtol=1e-9)
    assert (parts.n_iter_, parts.t_, len(parts.loss_curve_)) == (1, 270, 3)
    assert parts.best_loss_ == min(parts.loss_curve_)


def test_partial_fits_of_few_rows_learn_as_well_as_a_fit() -> None:
    X, y = separated()
    model = ScalarMLPClassifier((8,), random_state=1)
    for start in range(0, 9000, 10):  # some parts lack a class
        rows = np.arange(start, start + 10) % 90
        model.partial_fit(X[rows], y[rows], classes=[0, 1, 2])
    assert model.score(X, y) > 0.9


def test_partial_fit_refuses_classes_that_it_does_not_know() -> None:
    X, y = separated()
    model = ScalarMLPClassifier((4,), random_state=1)
    with pytest.raises(ValueError, match="classes must be passed on the first call to partial_fit"):
        model.partial_fit(X, y)
    with pytest.raises(
        ValueError, match=r"learns the classes \[0, 1\], got targets with \[0, 1, 2\]"
    ):
        model.partial_fit(X, y, classes=[0, 1])
    model.fit(X, y)
    with pytest.raises(ValueError, match="not the same as on last call"):
        model.partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match="give all classes to the first partial_fit"):
        model.partial_fit(X, y + 1)
    with pytest.raises(ValueError, match="set early_stopping=False, or call fit"):
        model.set_params(early_stopping=True).partial_fit(X, y)
    with pytest.raises(ValueError, match="partial_fit cannot balance"):
        model.set_params(early_stopping=False, class_weight="balanced").partial_fit(X, y)


@pytest.mark.parametrize("how", [{"y": [5] * 40}, {"y": [5, 6] * 20, "lr": 1e300}])
def test_a_fit_that_fails_leaves_all_as_it_was(how) -> None:
    how, X = dict(how), np.random.default_rng(1).normal(size=(40, 2))
    model = ScalarMLPClassifier(max_epochs=2, random_state=1).fit(X, [0, 1, 2, 1] * 10)
    wanted = model.predict_proba(X).tolist()
    y = how.pop("y")
    with pytest.raises(ValueError, match=r"two or more classes|lower the learning rate"):
        model.set_params(optimizer="sgd", **how).fit(X[:, :1], y)
    assert model.predict_proba(X).tolist() == wanted
    assert (model.classes_.tolist(), model.n_features_in_) == ([0, 1, 2], 2)


@pytest.mark.parametrize("kind", BOTH)
def test_a_warm_start_goes_on_with_the_parameters(kind) -> None:
    X, y = separated()
    how = {"optimizer": "sgd", "lr": 0.05, **STEPS}
    whole = kind((4,), max_epochs=10, **how).fit(X, y)
    model = kind((4,), max_epochs=5, warm_start=True, **how)
    assert model.fit(X, y).fit(X, y).n_iter_ == 5
    np.testing.assert_allclose(theta(model), theta(whole), rtol=1e-9)
    np.testing.assert_allclose(model.loss_curve_, whole.loss_curve_, rtol=1e-9)
    with pytest.raises(ValueError, match=r"goes on with MLP\(2, \[4, .*ask for MLP\(2, \[5, "):
        model.set_params(hidden_layer_sizes=(5,)).fit(X, y)
    assert len(model.set_params(warm_start=False).fit(X, y).loss_curve_) == 5


@pytest.mark.parametrize("kind", BOTH)
def test_a_weight_is_as_good_as_a_row_that_is_there_so_often(kind) -> None:
    X, y = separated()
    times = np.random.default_rng(1).integers(0, 4, len(X))
    model = kind((4,), max_epochs=30, **STEPS)
    weighed = clone(model).fit(X, y, sample_weight=times)
    repeated = clone(model).fit(X.repeat(times, axis=0), y.repeat(times))
    np.testing.assert_allclose(theta(weighed), theta(repeated), rtol=1e-6)
    assert weighed.score(X, y, times) == pytest.approx(
        repeated.score(X.repeat(times, axis=0), y.repeat(times))
    )
    shares = clone(model).fit(X, y, sample_weight=np.full(len(X), 1 / len(X)))
    np.testing.assert_allclose(theta(shares), theta(clone(model).fit(X, y)), rtol=1e-6)


def test_rows_of_every_class_are_held_out_and_decide_when_to_stop() -> None:
    X, y = separated()
    y = np.where(np.arange(90) < 6, 2, y % 2)
    model = ScalarMLPClassifier((16,), early_stopping=True, lr=0.05, random_state=1)
    model.set_params(validation_fraction=0.5, n_iter_no_change=4, alpha=0.0).fit(X, y)
    history = model.history_
    assert history.stopped == "patience"
    assert history.best_epoch == np.argmin(history.val_loss) < model.n_iter_ - 1
    assert model.loss_ == model.best_loss_ == min(history.val_loss)
    assert model.loss_curve_ == history.loss


@pytest.mark.parametrize("kind", BOTH)
def test_epochs_that_run_out_are_told_with_a_remedy(kind) -> None:
    X, y = separated()
    text = f"{kind.__name__}: the loss had not settled after max_epochs=2; raise max_epochs"
    with pytest.warns(ConvergenceWarning, match=text) as caught:
        kind((4,), max_epochs=2).fit(X, y)
    assert caught[0].filename == __file__


@pytest.mark.filterwarnings("error::sklearn.exceptions.ConvergenceWarning")
def test_nothing_is_told_of_epochs_that_were_asked_for() -> None:
    X, y = separated()
    ScalarMLPClassifier((4,), max_epochs=2, n_iter_no_change=None).fit(X, y)
    ScalarMLPClassifier((4,), random_state=1, tol=0.1).fit(X, y)
    ScalarMLPRegressor((4,)).partial_fit(X, y)


def test_ctrl_c_ends_a_cross_validation_and_leaves_the_best_epoch() -> None:
    X, y = make_moons(60, random_state=7)
    rates: list[float] = []

    class Interrupted(nn.SGD):
        def step(self) -> None:
            rates.append(self.lr)
            if len(rates) == 25:
                raise KeyboardInterrupt
            super().step()

    how = {"batch_size": None, "backend": "eager", "n_iter_no_change": None}  # it ends no sooner
    model = ScalarMLPClassifier((3,), optimizer=Interrupted, **how)
    with pytest.raises(KeyboardInterrupt):
        cross_val_score(model, X, y, cv=3)
    assert len(rates) == 25  # no other fold has begun
    rates.clear()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert (model.history_.stopped, model.n_iter_) == ("interrupt", 24)
    assert model.predict(X).shape == (60,)
