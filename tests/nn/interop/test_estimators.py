"""The estimators keep scikit-learn's contract and work inside its machinery."""

import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="pip install gradwalk[sklearn]")

from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_iris, make_moons
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import nn
from nn.evaluation.probabilities import answers
from nn.interop.sklearn import ScalarMLPClassifier, ScalarMLPRegressor


@parametrize_with_checks([ScalarMLPClassifier(), ScalarMLPRegressor()])
def test_scikit_learns_own_checks_pass(estimator, check) -> None:
    check(estimator)


def test_a_pipeline_is_cross_validated_on_iris() -> None:
    X, y = load_iris(return_X_y=True)
    names = load_iris().target_names[y]
    pipeline = make_pipeline(StandardScaler(), ScalarMLPClassifier((8,), "tanh", random_state=7))
    scores = cross_val_score(pipeline, X, names, cv=3)
    assert scores.mean() > 0.93
    assert set(pipeline.fit(X, names).predict(X)) == set(names)


def test_a_grid_search_finds_that_moons_need_a_hidden_layer() -> None:
    X, y = make_moons(200, noise=0.15, random_state=7)
    grid = {"hidden_layer_sizes": [(), (8, 8)], "activation": ["tanh", "relu"]}
    search = GridSearchCV(ScalarMLPClassifier(lr=0.02, max_epochs=80, random_state=7), grid, cv=3)
    search.fit(X, y)
    assert search.best_params_["hidden_layer_sizes"] == (8, 8)
    assert search.best_score_ > 0.95
    linear = [
        score
        for how, score in zip(
            search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
        )
        if how["hidden_layer_sizes"] == ()
    ]
    assert max(linear) < 0.92


def test_a_regressor_does_as_well_as_least_squares_on_diabetes() -> None:
    X, y = load_diabetes(return_X_y=True)
    model = TransformedTargetRegressor(
        make_pipeline(
            StandardScaler(), ScalarMLPRegressor((), lr=0.01, max_epochs=40, random_state=7)
        ),
        transformer=StandardScaler(),
    )
    assert cross_val_score(model, X, y, cv=3).mean() > 0.45


def test_several_targets_are_several_columns() -> None:
    X = np.linspace(-1, 1, 41)[:, None]
    y = np.hstack([X**2, -X])
    model = ScalarMLPRegressor((12,), "tanh", lr=0.03, random_state=7).fit(X, y)
    assert model.predict(X).shape == y.shape
    assert model.score(X, y) > 0.98


@pytest.mark.parametrize("kinds", [2, 3])
def test_probabilities_are_those_of_the_model(kinds: int) -> None:
    X, y = load_iris(return_X_y=True)
    X, y = X[y < kinds], y[y < kinds]
    model = ScalarMLPClassifier((5,), max_epochs=5, random_state=1).fit(X, y)
    likely = model.predict_proba(X)
    scores = np.array(nn.predict(model.model_, X.tolist())).reshape(len(X), -1)
    if kinds == 2:
        scores = np.hstack([np.zeros((len(X), 1)), scores])
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(likely, shares, rtol=1e-12)
    assert (model.predict(X) == likely.argmax(axis=1)).all()


def test_a_seed_gives_the_same_bits_and_another_other_ones() -> None:
    X, y = make_moons(60, noise=0.1, random_state=1)
    model = ScalarMLPClassifier((4,), max_epochs=5, random_state=3)
    first, again = (clone(model).fit(X, y).predict_proba(X) for _ in range(2))
    assert (first == again).all()
    assert (clone(model).set_params(random_state=4).fit(X, y).predict_proba(X) != first).any()


def test_settings_reach_the_training() -> None:
    X, y = make_moons(60, noise=0.1, random_state=1)
    how = {"optimizer": "sgd", "lr": 0.0, "max_epochs": 7, "patience": 3, "backend": "eager"}
    model = ScalarMLPClassifier(4, validation=0.25, random_state=3, **how).fit(X, y)
    assert model.history_.backend == "eager"
    assert model.history_.stopped == "patience"  # a learning rate of 0 learns nothing
    assert model.n_iter_ == 4
    assert len(set(model.history_.val_loss)) == 1
    assert model.loss_ == model.history_.val_loss[0]


@pytest.mark.parametrize("kinds", [("yes", "no"), ("b", "a", "c")])
def test_a_class_that_weighs_more_is_found_more_often(kinds) -> None:
    rng = np.random.default_rng(7)
    X = np.concatenate([rng.normal(2 * k, 1.2, (12 if k == 0 else 100, 1)) for k in range(3)])
    y = np.repeat([kinds[0], kinds[1], kinds[-1]], [12, 100, 100])

    def found(weights):
        model = ScalarMLPClassifier((), class_weight=weights, lr=0.05, random_state=1).fit(X, y)
        return [float((model.predict(X)[y == kind] == kind).mean()) for kind in kinds]

    alone, balanced = found(None), found("balanced")
    assert balanced[0] > alone[0] + 0.2
    weights = {kind: 1 / (y == kind).sum() for kind in kinds}
    assert found(weights) == balanced
    assert found({kinds[0]: 1.0}) == alone  # those left out weigh 1
    assert found({kinds[0]: 1e3})[0] == 1.0


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"class_weight": "balance"}, "'balance'"),
        ({"class_weight": {0: -1.0}}, r"finite numbers > 0, got -1\.0 for class 0"),
        ({"optimizer": "adm"}, "unknown optimizer 'adm', did you mean 'adam'"),
        ({"activation": "tan"}, "unknown activation 'tan', did you mean 'tanh'"),
        ({"lr": -1.0}, "fit takes a finite lr >= 0, got -1.0"),
        ({"max_epochs": 0}, "fit takes epochs as a whole number >= 1, got 0"),
    ],
)
def test_settings_that_mean_nothing_are_errors(how, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ScalarMLPClassifier(**how).fit([[0.0], [1.0]], [0, 1])


def test_one_class_and_no_training_are_errors() -> None:
    with pytest.raises(ValueError, match=r"two or more classes, got one class: \[3\]"):
        ScalarMLPClassifier().fit([[0.0], [1.0]], [3, 3])
    with pytest.raises(NotFittedError):
        ScalarMLPRegressor().predict([[0.0]])


class Own(nn.Module):
    """A model that decides for each row with an if."""

    def __call__(self, x):
        (x,) = x
        return x if x > 0 else x * 0.0


def test_answers_without_a_program_are_those_of_predict(monkeypatch: pytest.MonkeyPatch) -> None:
    assert answers(Own(), [[2.0], [-3.0]]).tolist() == [[2.0], [0.0]]
    model, rows = nn.MLP(2, [4, 3], rng=1), [[0.5, -1.0], [2.0, 3.0]]
    native = answers(model, rows)
    monkeypatch.setattr("nn.evaluation.programs.available", lambda: False)
    assert answers(model, rows).tolist() == nn.predict(model, rows)
    np.testing.assert_allclose(native, nn.predict(model, rows), rtol=1e-13)


def test_they_are_found_in_nn_and_missed_with_a_remedy() -> None:
    assert nn.ScalarMLPClassifier is ScalarMLPClassifier
    code = "import sys; sys.modules['sklearn'] = None; import nn; nn.ScalarMLPRegressor"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert 'pip install "gradwalk[sklearn]"' in ran.stderr


def test_ctrl_c_ends_a_cross_validation_and_leaves_the_best_epoch() -> None:
    X, y = make_moons(60, random_state=7)
    rates: list[float] = []

    class Interrupted(nn.SGD):
        def step(self) -> None:
            rates.append(self.lr)
            if len(rates) == 25:
                raise KeyboardInterrupt
            super().step()

    model = ScalarMLPClassifier((3,), optimizer=Interrupted, batch_size=None, backend="eager")
    with pytest.raises(KeyboardInterrupt):
        cross_val_score(model, X, y, cv=3)
    assert len(rates) == 25  # no other fold has begun
    rates.clear()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert (model.history_.stopped, model.n_iter_) == ("interrupt", 24)
    assert model.predict(X).shape == (60,)
