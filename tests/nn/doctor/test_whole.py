"""What the doctor does with a whole training: copies, the order of causes, and its graph."""

from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

import nn
from engine import NumericError
from nn import MLP, SGD, Dropout, History, Sequential, fit, losses
from nn.doctor import changes, examine
from nn.doctor.examine import Trials, of_history
from nn.doctor.symptoms import Symptoms
from nn.doctor.table import Remedy
from nn.doctor.trials import Training
from nn.training.history import LAST
from tests.nn.doctor.test_examine import suspicion

XS = [[i / 10, (i * 7 % 10) / 10] for i in range(20)]
YS = [x[0] - x[1] for x in XS]


def asked(*given: Any, **how: Any) -> Any:
    return nn.diagnose(*given, **how)


def history(**how: Any) -> History:
    usual: dict[str, Any] = {"loss": "mse", "epochs": 2, "seed": 1, "progress": False}
    return fit(MLP(2, [4, 1], "tanh", rng=1), XS, YS, **usual | {"optimizer": sgd} | how)


def symptoms(made: Any) -> Symptoms:
    return Symptoms(made, made.start)


def sgd(parameters: Any) -> SGD:
    return SGD(parameters, lr=0.25)


@pytest.mark.parametrize(
    ("cost", "many", "seconds", "folds"),
    [(1.0, 10, 36.0, 3), (1.0, 10, 35.0, 2), (1.0, 10, 71.0, 5), (1.0, 10, 72.0, 6),
     (1.0, 10, 999.0, 6), (1.0, 0, 12.0, 3), (1.0, 2, 12.0, 3), (1.0, 3, 12.0, 2),
     (0.5, 2, 6.0, 3), (1.0, 9, 0.0, 2)],
)  # fmt: skip
def test_choices_of_rows_are_as_many_as_there_is_time_for(
    cost: float, many: int, seconds: float, folds: int
) -> None:
    facts: Any = SimpleNamespace(begun=SimpleNamespace(cost=lambda: cost))
    trials = Trials(facts, many, seconds)
    assert (trials.folds, trials.left) == (folds, seconds)
    assert (trials.base, trials.vain, trials.alone) == ({}, [], [])


def test_a_score_is_that_of_a_changed_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Training, "score", lambda t: t.optimizer.lr + t.held[0])
    made = history()
    trials = Trials(symptoms(made), 3, 2.0)
    change = Remedy("", "", partial(changes.rate, 2.0))
    for fold in (0, 1, 4):
        first = Training.of(made, fold).held[0]
        left = trials.left
        assert trials.score(fold) == 0.25 + first
        assert trials.score(fold, change) == 0.5 + first
        assert trials.left == pytest.approx(left - 2 * Training.of(made).cost())


def told(rows: dict[str, Any], scores: dict[str, float], **how: Any) -> Any:
    """The report where these are the rows of causes, and remedies have these scores."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(examine, "CAUSES", rows)
        patch.setattr(Trials, "score", lambda trials, fold, remedy=None: scores[
            remedy.short if remedy else ""
        ])  # fmt: skip
        return of_history(history(), **how)


def test_causes_are_ordered_by_their_gain_and_weight() -> None:
    def bad(error: type[Exception]) -> Any:
        def row(facts: Any) -> Any:
            yield suspicion(certain=True)
            raise error

        return row

    rows: dict[str, Any] = {
        "plain": lambda facts: [suspicion(certain=True, weight=0.1)],
        "most": lambda facts: [suspicion("most", weight=0.2)],
        "half": lambda facts: [suspicion("half", weight=0.4)],
        "heavy": lambda facts: [suspicion("quarter", weight=0.9)],
        "vain": lambda facts: [suspicion("vain", weight=0.6), suspicion("none", weight=0.7)],
        "one": bad(ValueError),
        "other": bad(OverflowError),
    }
    scores = {"": 0.0, "most": 0.8, "half": 0.4, "quarter": 0.2, "vain": 0.0, "none": 0.01}
    report = told(rows, scores)
    # gain / 0.8 + weight: 1.2, 1.15, 1.1 (as if it gained the most), 0.9
    assert [cause.name for cause in report.causes] == ["most", "heavy", "plain", "half"]
    looked, vain = report.looked
    assert looked == "looked at 2 losses and 20 rows, for 7 causes"
    assert vain == "tried without gain: none, vain"
    assert 0.0 < report.seconds < 60.0
    with pytest.raises(KeyError):
        told({"row": bad(KeyError)}, scores)


def test_without_causes_nothing_is_found() -> None:
    report = told({}, {})
    assert report.causes == ()
    assert report.looked == ("looked at 2 losses and 20 rows, for 0 causes",)


def test_two_are_tried_together_only_where_none_helps_alone() -> None:
    rows: dict[str, Any] = {
        "a": lambda facts: [suspicion("a", weight=0.4)],
        "b": lambda facts: [suspicion("b", weight=0.5)],
    }
    scores = {"": 0.0, "a": 0.0, "b": 0.0, "b and a": 0.5}
    assert [cause.name for cause in told(rows, scores).causes] == ["b", "a"]
    report = told(rows, scores | {"a": 0.25})
    assert [cause.name for cause in report.causes] == ["a"]
    rows["c"] = lambda facts: [suspicion(certain=True)]
    assert len(told(rows, scores).causes) == 3


# --- the graph of its loss -----------------------------------------------------------------------
def in_graph(made: History, error: object = None) -> tuple[list[Any], list[Any]]:
    """What the graph tells, and the targets of the rows that it is of."""
    seen: list[Any] = []

    def noted(loss: Any, outputs: Any, targets: Any) -> Any:
        seen.extend(targets)
        return losses.of_rows(loss, outputs, targets)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(examine, "of_rows", noted)
        causes = examine._in_graph(symptoms(made), error)
    return causes, seen


def test_the_graph_is_that_of_the_first_rows_or_of_the_one_with_the_error() -> None:
    made = history()
    assert in_graph(made) == ([], YS[:8])
    for error, targets in [
        (ValueError("row 3: it is bad"), [YS[3]]),
        (NumericError("row 12: it is bad"), [YS[12]]),
        (ValueError("at row 3: it is bad"), YS[:8]),
        (ValueError("row 3"), YS[:8]),
    ]:
        assert in_graph(made, error) == ([], targets)
    few = fit(MLP(2, [1], rng=1), XS[:3], YS[:3], loss="mse", epochs=1, progress=False)
    assert in_graph(few) == ([], YS[:3])


def shared(model: Any) -> Any:
    model.layers[0].neurons = model.layers[0].neurons[:1] * 4
    return model


def test_what_the_graph_tells_weighs_no_more_than_first_weights() -> None:
    made = fit(shared(MLP(2, [4, 1], rng=1)), XS, YS, loss="mse", epochs=1, progress=False)
    (cause,), _ = in_graph(made)
    assert (cause.name, cause.weight) == ("shared_weights", 0.85)
    assert made.diagnose().of("shared_weights") == [cause]


def test_only_some_causes_are_asked_of_the_graph() -> None:
    model = MLP(2, [4, 1], activation="linear", rng=1)
    for parameter in model.parameters():
        parameter.data = 1e6
    made = fit(model, XS, YS, loss="mse", epochs=1, progress=False)
    assert in_graph(made)[0] == []


@pytest.mark.parametrize("error", [TypeError, ValueError])
def test_a_loss_that_cannot_be_computed_tells_nothing(error: type[Exception]) -> None:
    made: Any = history()

    def loss(outputs: Any, targets: Any) -> Any:
        raise error

    vars(made.start.task)["loss"] = loss
    assert in_graph(made)[0] == []


def test_dropout_is_off_in_the_graph_and_as_before_after_it() -> None:
    model = Sequential(nn.Layer(2, 4, "tanh", 1), Dropout(0.99, 1), nn.Layer(4, 1, "linear", 1))
    made = fit(model, XS, YS, loss="mse", epochs=1, progress=False)
    assert in_graph(made)[0] == []
    assert model.training


# --- whom it is asked of -------------------------------------------------------------------------
def test_a_model_is_trained_as_a_copy_with_the_settings_of_fit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[Any] = []

    def noted(model: Any, *data: Any, **settings: Any) -> History:
        calls.append((model, data, settings))
        return made

    made, model = history(), MLP(2, [4, 1], rng=1)
    monkeypatch.setattr(examine, "fit", noted)
    monkeypatch.setattr(examine, "of_history", lambda *given: given)
    own = SGD(model.parameters(), lr=0.5)
    for more in ({"optimizer": own}, {"optimizer": sgd}, {}):
        settings: dict[str, Any] = {"epochs": 3, "progress": True, "callbacks": [calls]} | more
        assert asked(model, XS, YS, seconds=7.0, **settings) == (made, 7.0, None)
        copied, data, how = calls[-1]
        assert data == (XS, YS)
        assert copied is not model
        assert [p.data for p in copied.parameters()] == [p.data for p in model.parameters()]
        assert how["callbacks"][0] is calls
        assert {k: how[k] for k in ("epochs", "progress")} == {"epochs": 3, "progress": False}
        assert {*how} == {*settings}
        if "optimizer" in more:
            kept = how["optimizer"]
            assert kept is sgd or (kept is not own and kept.params == copied.parameters())


def test_an_error_of_fit_is_asked_about_with_its_history(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examine, "of_history", lambda *given: given)
    made = history()
    error: Any = NumericError("row 3: bad")
    error.history = made
    assert asked(error) == (made, 2.0, error)
    assert asked(made, seconds=3.0) == (made, 3.0, None)
    assert asked() == (made, 2.0, None)


def test_without_a_training_there_is_nothing_to_ask_about() -> None:
    LAST.clear()
    with pytest.raises(TypeError, match="or an error of fit, got NoneType"):
        nn.diagnose()
    made = history()
    assert nn.diagnose().looked[0].startswith(f"looked at {made.epochs} losses")


def test_seconds_are_for_trials_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []
    begin = Trials.__init__

    def noted(trials: Trials, facts: Any, many: int, seconds: float) -> None:
        given.append((many, seconds))
        begin(trials, facts, many, seconds)

    monkeypatch.setattr(Trials, "__init__", noted)
    rows: dict[str, Any] = {
        "a": lambda facts: [suspicion("a", "b"), suspicion()],
        "b": lambda facts: [suspicion("a", "a", "c")],
    }
    told(rows, {"": 0.0, "a": 0.0, "b": 0.0, "c": 0.0, "b and c": 0.0}, seconds=5.0)
    told({}, {})
    assert given == [(5, 3.0), (0, 1.2)]
