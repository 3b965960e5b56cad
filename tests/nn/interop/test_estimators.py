"""The estimators keep scikit-learn's contract and work inside its machinery."""

import pickle
import subprocess
import sys

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
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import nn
from nn.evaluation.probabilities import answers
from nn.interop.sklearn import ScalarMLPClassifier, ScalarMLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
BOTH = [ScalarMLPClassifier, ScalarMLPRegressor]
# Training on all rows at once, in which epochs are steps and order does not matter.
STEPS = {"batch_size": None, "n_iter_no_change": None, "random_state": 3}


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


def separated(seed: int = 0):
    """Rows of three classes as words, whose number is a target for regressors too."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, 90)
    return rng.normal(size=(90, 2)) + 2.0 * y[:, None], y


def theta(model) -> np.ndarray:
    return np.array([p.data for p in model.model_.parameters()])


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
