"""The estimators keep scikit-learn's contract and work inside its machinery."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="pip install gradwalk[sklearn]")

from scipy.sparse import csc_matrix, csr_array
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import (
    load_diabetes,
    load_iris,
    make_moons,
    make_multilabel_classification,
)
from sklearn.ensemble import AdaBoostClassifier, VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import nn
from nn.evaluation.programs import answers
from nn.interop.sklearn import ScalarMLPClassifier, ScalarMLPRegressor
from tests.nn.interop.estimators import BOTH, separated, theta

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


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
    model = ScalarMLPRegressor((12,), "tanh", lr=0.03, alpha=0.01, random_state=7).fit(X, y)
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
    how = {"optimizer": "sgd", "lr": 0.0, "max_epochs": 7, "backend": "eager"}
    how |= {"early_stopping": True, "validation_fraction": 0.25, "n_iter_no_change": 3}
    model = ScalarMLPClassifier(4, random_state=3, **how).fit(X, y)
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
        ({"alpha": -1.0}, "ScalarMLPClassifier takes a finite alpha >= 0, got -1.0"),
        ({"tol": None}, "ScalarMLPClassifier takes a finite tol >= 0, got None"),
        ({"early_stopping": True, "validation_fraction": 2}, "a share between 0 and 1"),
        ({"validation_fraction": None}, "takes a finite validation_fraction >= 0, got None"),
        ({"optimizer": lambda parameters: 3}, "the function given as optimizer made int"),
        ({"max_epochs": 0}, "fit takes epochs as a whole number >= 1, got 0"),
    ],
)
def test_settings_that_mean_nothing_are_errors(how, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
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


def test_they_are_found_in_nn() -> None:
    assert nn.ScalarMLPClassifier is ScalarMLPClassifier


@pytest.mark.parametrize("sparse", [csr_array, csc_matrix])
@pytest.mark.parametrize("kind", BOTH)
def test_sparse_rows_are_rows(kind, sparse) -> None:
    X, y = separated()
    X[X < 0.5] = 0.0
    dense, thin = (kind((4,), max_epochs=5, random_state=1).fit(x, y) for x in (X, sparse(X)))
    assert (theta(dense) == theta(thin)).all()
    assert (dense.predict(X) == thin.predict(sparse(X))).all()


def test_scores_and_logarithms_keep_their_digits() -> None:
    X, y = [[-400.0], [-1.0], [1.0], [400.0]], ["no", "no", "yes", "yes"]
    model = ScalarMLPClassifier((), alpha=0.0, random_state=1).fit(X, y)
    scores, logs = model.decision_function(X), model.predict_log_proba(X)
    assert scores.shape == (4,)
    assert ((scores > 0) == (model.predict(X) == "yes")).all()
    far = abs(scores[-1])
    assert far > 30
    assert logs[-1].tolist() == pytest.approx([-far, -np.exp(-far)], rel=1e-9, abs=0.0)
    X, y = separated()
    model = ScalarMLPClassifier((), random_state=1).fit(X, y)
    assert (model.decision_function(X).argmax(axis=1) == model.predict(X)).all()
    np.testing.assert_allclose(model.predict_log_proba(X), np.log(model.predict_proba(X)))


@pytest.mark.parametrize("labels", [2, 4])
def test_several_labels_are_columns_of_0_and_1(labels: int) -> None:
    X, y = make_multilabel_classification(300, 10, n_classes=labels, random_state=7)
    model = make_pipeline(StandardScaler(), ScalarMLPClassifier(random_state=7)).fit(X, y)
    found, likely = model.predict(X), model.predict_proba(X)
    assert found.shape == likely.shape == model.decision_function(X).shape == y.shape
    assert ((likely > 0.5) == found).all()
    np.testing.assert_allclose(np.exp(model.predict_log_proba(X)), likely)
    assert (found == y).mean() > 0.8
    assert model[-1].history_.accuracy[-1] == model.score(X, y)
    again = clone(model).fit(X, csr_array(y))
    assert (again.predict(X) == found).all()
    with pytest.raises(ValueError, match=r"learns the classes .*, got targets with \[0, 1\]"):
        model[-1].set_params(warm_start=True).fit(X, y[:, 0])
    with pytest.raises(ValueError, match="1d array"):
        ScalarMLPClassifier().fit(X, y * np.arange(1, labels + 1))
    with pytest.raises(ValueError, match="takes targets from 0 to 1, got"):
        ScalarMLPClassifier().fit(X, 2 * y)


def test_the_scale_of_targets_does_not_matter() -> None:
    X, y = load_diabetes(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    scores = []
    for scale, shift in ((1.0, 0.0), (1e-4, 0.5), (1e4, -7e5)):
        model = ScalarMLPRegressor((4,), max_epochs=20, random_state=1)
        scores.append(model.fit(X, scale * y + shift).score(X, scale * y + shift))
        assert model.loss_ == pytest.approx(1.0 - scores[-1])
        np.testing.assert_allclose(model.predict(X), nn.predict(model.model_, X), rtol=1e-9)
    assert scores == pytest.approx([scores[0]] * 3, rel=1e-6)
    flat = ScalarMLPRegressor((4,), random_state=1).fit(X, np.full(len(X), 3.0))
    np.testing.assert_allclose(flat.predict(X), 3.0, atol=0.2)


@pytest.mark.parametrize("kinds", [2, 3])
def test_scorers_find_what_they_need(kinds: int) -> None:
    X, y = load_iris(return_X_y=True)
    X, names = X[50 - 50 * (kinds == 3) :], np.array(["c", "b", "a"])[y[50 - 50 * (kinds == 3) :]]
    model = make_pipeline(StandardScaler(), ScalarMLPClassifier((8,), random_state=1))
    for scorer, least in (("roc_auc" + "_ovr" * (kinds == 3), 0.95), ("neg_log_loss", -0.4)):
        assert cross_val_score(model, X, names, cv=3, scoring=scorer).mean() > least


def test_other_estimators_take_them_as_a_part() -> None:
    X, y = separated()
    X, names = StandardScaler().fit_transform(X), np.array(["a", "b", "c"])[y]
    model = ScalarMLPClassifier((8,), lr=0.05, max_epochs=50, random_state=1)
    for whole in (
        CalibratedClassifierCV(model, cv=3),
        VotingClassifier([("ours", model), ("theirs", LogisticRegression())], voting="soft"),
        AdaBoostClassifier(model, n_estimators=3),
        GridSearchCV(model, {"alpha": [0.1, 2.0], "early_stopping": [True, False]}, cv=3),
    ):
        assert whole.fit(X, names).score(X, names) > 0.8


def test_frames_keep_the_names_of_their_columns() -> None:
    pandas = pytest.importorskip("pandas", reason="pip install pandas")
    X, y = separated()
    frame = pandas.DataFrame(X, columns=["width", "height"])
    model = ScalarMLPClassifier((4,), random_state=1).fit(frame, pandas.Series(y))
    assert model.feature_names_in_.tolist() == ["width", "height"]
    assert (
        model.predict(frame) == ScalarMLPClassifier((4,), random_state=1).fit(X, y).predict(X)
    ).all()
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame.rename(columns={"width": "depth"}))
