"""Settings of estimators, their names and defaults, and how exactly they reach the training."""

import math
import random
import re
import warnings
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="pip install gradwalk[sklearn]")

from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

import nn
from nn.interop import estimator
from nn.interop.sklearn import ScalarMLPClassifier, ScalarMLPRegressor
from tests.nn.interop.estimators import BOTH, separated, theta

DEFAULTS = {
    "hidden_layer_sizes": (16,), "activation": "relu", "optimizer": "adam", "lr": None,
    "alpha": 0.3, "max_epochs": 200, "batch_size": 100, "n_iter_no_change": 10, "tol": 1e-4,
    "early_stopping": False, "validation_fraction": 0.1, "warm_start": False, "clip": None,
    "random_state": None, "verbose": False, "backend": "auto",
}  # fmt: skip
# One beside each default, and how `fit` gets it.
REACH: dict[str, tuple[Any, str, Any]] = {
    "lr": (0.5, "lr", 0.5),
    "max_epochs": (7, "epochs", 7),
    "batch_size": (None, "batch_size", None),
    "n_iter_no_change": (None, "patience", None),
    "tol": (0.0, "min_delta", 0.0),
    "clip": (2.0, "clip", 2.0),
    "verbose": (True, "progress", True),
    "backend": ("eager", "backend", "eager"),
    "early_stopping": (True, "validation", 0.1),
}


def asked(monkeypatch: pytest.MonkeyPatch, model: Any, *rows: Any, **how: Any) -> dict[str, Any]:
    """What `nn.fit` is asked when an estimator learns."""
    seen: dict[str, Any] = {}

    def fit(*given: Any, **settings: Any) -> Any:
        seen.update(settings, given=given)
        return nn.fit(*given, **{**settings, "epochs": 1, "progress": False})

    monkeypatch.setattr(estimator, "fit", fit)
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
        model.fit(*rows, **how)
    return seen


@pytest.mark.parametrize("kind", BOTH)
def test_settings_have_these_names_and_defaults(kind: Any) -> None:
    own = {"class_weight": None} if kind is ScalarMLPClassifier else {"alpha": 1.0}
    assert kind().get_params() == DEFAULTS | own
    assert kind((3,), "tanh").get_params() == DEFAULTS | own | {
        "hidden_layer_sizes": (3,),
        "activation": "tanh",
    }
    with pytest.raises(TypeError, match="__init__"):
        kind((3,), "tanh", "sgd")


@pytest.mark.parametrize("kind", BOTH)
def test_estimators_are_themselves_and_shown_as_scikit_learns_are(kind: Any) -> None:
    one, other = kind(alpha=0.5), kind(alpha=0.5)
    assert one != other
    assert one == one
    assert len({one, other, clone(one)}) == 3
    assert repr(one) == f"{kind.__name__}(alpha=0.5)"
    assert repr(kind()) == f"{kind.__name__}()"
    assert repr(estimator.ScalarMLP(tol=1.0)) == "ScalarMLP(tol=1.0)"
    assert estimator.ScalarMLP() != estimator.ScalarMLP()
    assert len({estimator.ScalarMLP(), estimator.ScalarMLP()}) == 2


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("name", REACH)
def test_a_setting_is_an_argument_of_fit(
    kind: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    X, y = separated()
    usual: dict[str, Any] = {
        "lr": None,
        "epochs": 200,
        "batch_size": 100,
        "patience": 10,
        "min_delta": 1e-4,
    }
    usual |= {"clip": None, "progress": False, "backend": "auto"}
    usual |= {"validation": None, "monitor": "objective"}
    value, argument, wanted = REACH[name]
    for model, changes in ((kind(), {}), (kind(**{name: value}), {argument: wanted})):
        seen = asked(monkeypatch, model, X, y)
        if "validation" in changes:
            changes["monitor"] = None
        got = {key: seen[key] for key in usual}
        assert got == usual | changes
        loss = "cross_entropy" if kind is ScalarMLPClassifier else "mse"
        assert seen["loss"] == loss
        assert "sample_weight" not in seen
        assert "class_weights" not in seen


class Seeds(np.random.RandomState):
    """Says for which bound it is asked."""

    bounds: list[Any]

    def randint(self, *bounds: Any) -> Any:
        self.bounds = [*bounds]
        return 5


@pytest.mark.parametrize("kind", BOTH)
def test_a_random_state_seeds_the_weights_and_the_order(
    kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    X, y = separated()
    state = Seeds()
    seen = asked(monkeypatch, kind((3,), random_state=state, max_epochs=0, lr=0.0), X, y)
    assert state.bounds == [2147483647]  # what fits into 32 bits, on every platform
    rng = random.Random(5)
    outputs = 3 if kind is ScalarMLPClassifier else 1
    wanted = nn.MLP(2, [3, outputs], "relu", rng=rng, init="xavier")
    model = seen["given"][0]
    hidden = [p.data for p in model.layers[0].parameters()]
    assert hidden == [p.data for p in wanted.layers[0].parameters()]
    assert isinstance(seen["seed"], random.Random)


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize(("epochs", "n"), [(1, 90), (3, 90), (3, 20)])
def test_rows_and_epochs_are_counted(kind: Any, epochs: int, n: int) -> None:
    X, y = separated()
    X, y = X[:n], y[:n]
    how = {"max_epochs": epochs, "n_iter_no_change": None, "lr": 0.0, "random_state": 1}
    model = kind((2,), **how).fit(X, y)
    assert (model.n_iter_, model.t_, len(model.loss_curve_)) == (epochs, n * epochs, epochs)
    assert model.best_loss_ == model.loss_ == model.history_.best_loss
    known = {"classes": [0, 1, 2]} if kind is ScalarMLPClassifier else {}
    for k in (1, 2):
        model.partial_fit(X[:10], y[:10], **known)
        assert (model.n_iter_, model.t_) == (1, n * epochs + 10 * k)
        assert len(model.loss_curve_) == epochs + k
    once = kind((2,), **how)
    for k in (1, 2, 3):
        once.partial_fit(X, y, **known)
        assert (once.n_iter_, once.t_, len(once.loss_curve_)) == (1, n * k, k)


@pytest.mark.parametrize("kind", BOTH)
def test_alpha_is_shared_by_all_rows_that_were_seen(kind: Any) -> None:
    X, y = separated()
    how: dict[str, Any] = {"max_epochs": 2, "n_iter_no_change": None, "random_state": 1}
    model = kind((2,), alpha=6.0, **how)
    assert model.fit(X, y)._optimizer.weight_decay == 6.0 / 90
    known = {"classes": [0, 1, 2]} if kind is ScalarMLPClassifier else {}
    parts = clone(model)
    for seen in (0, 30, 60):
        parts.partial_fit(X[:30], y[:30], **known)
        assert parts._optimizer.weight_decay == 6.0 / (30 + seen)
    for weights, rows in ((np.full(90, 0.1), 90), (np.full(90, 3.0), 270.0)):
        weighed = clone(model).fit(X, y, sample_weight=weights)
        assert weighed._optimizer.weight_decay == pytest.approx(6.0 / rows)
    some = (np.arange(90) < 45) * 1.0  # rows without a weight are left out
    assert clone(model).fit(X, y, some)._optimizer.weight_decay == pytest.approx(6.0 / 45)
    assert clone(model).fit(X, y, some).t_ == 90
    for alpha in (0.0, 5e-324):
        clone(model).set_params(alpha=alpha).fit(X, y)


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("name", ["alpha", "tol", "validation_fraction"])
@pytest.mark.parametrize("wrong", [-5e-324, math.nan, math.inf, "1", True])
def test_settings_that_are_no_numbers_from_0_up_are_named(kind: Any, name: str, wrong: Any) -> None:
    text = f"{kind.__name__} takes a finite {name} >= 0, got {wrong!r}"
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        kind(**{name: wrong}).fit(*separated())


@pytest.mark.parametrize("kind", BOTH)
def test_what_is_told_of_epochs_that_ran_out(kind: Any) -> None:
    X, y = separated()
    text = (
        f"{kind.__name__}: the loss had not settled after max_epochs=2; raise max_epochs or lr, "
        "scale the columns of X (StandardScaler), or set n_iter_no_change=None where so many "
        "epochs are what you want"
    )
    with pytest.warns(ConvergenceWarning, match=f"^{re.escape(text)}$"):
        kind((4,), max_epochs=2).fit(X, y)
    with warnings.catch_warnings(action="error"):
        kind((4,), max_epochs=2, n_iter_no_change=None).fit(X, y)
        kind((4,), random_state=1, tol=0.1).fit(X, y)
        known = {"classes": [0, 1, 2]} if kind is ScalarMLPClassifier else {}
        kind((4,)).partial_fit(X, y, **known)


@pytest.mark.parametrize("scale", [1.0, 250.0])
@pytest.mark.parametrize("several", [False, True])
def test_a_regressor_learns_standard_scores(
    scale: float, several: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    X, y = separated()
    targets = np.column_stack([y, y * y, np.full(90, 2.0)]) if several else 1.0 * y
    targets = scale * targets - 3
    weights = np.random.default_rng(1).uniform(0.5, 2.0, 90)
    for given in (None, weights):
        model = ScalarMLPRegressor((3,), lr=0.0, random_state=1)
        seen = asked(monkeypatch, model, X, targets, sample_weight=given)
        columns = targets.reshape(90, -1)
        mean = np.average(columns, axis=0, weights=given)
        spread = np.sqrt(np.average((columns - mean) ** 2, axis=0, weights=given))
        scores = (columns - mean) / np.where(spread == 0, 1.0, spread)
        np.testing.assert_allclose(np.reshape(seen["given"][2], scores.shape), scores, rtol=1e-12)
        before = theta(model)
        model.set_params(warm_start=True)
        asked(monkeypatch, model, X, targets, sample_weight=given)
        np.testing.assert_allclose(theta(model), before, rtol=1e-12, atol=1e-12)
        assert model.predict(X).shape == targets.shape
