"""Whom `diagnose` can be asked of, and what it leaves as it is."""

import copy
import math
import pickle
import random
from typing import Any, cast

import pytest

import nn
from engine import NumericError
from engine.explain.report import Report
from nn import SGD, Adam, Dropout, History, Layer, Sequential, fit
from nn.doctor.symptoms import Symptoms
from nn.doctor.trials import Training, classes_in
from nn.training.history import Start
from tests.nn.doctor.planted import (
    BINARY,
    HOW,
    XS,
    YS,
    adam,
    lr_too_high,
    lr_too_low,
    net,
    too_few_epochs,
)
from tests.nn.doctor.reports import compare


# --- a healthy training --------------------------------------------------------------------------
def healthy() -> History:
    return fit(net(activation="tanh"), XS, YS, epochs=150, optimizer=adam, **BINARY)


def test_of_a_healthy_training_nothing_is_found_and_what_was_done_is_said() -> None:
    report = healthy().diagnose()
    assert not report
    assert str(report).startswith("nothing found\n  looked at 150 losses and 120 rows, for ")


def shown(report: Report) -> tuple[Any, ...]:
    return str(report), report.causes, report.looked


def test_the_same_training_gets_the_same_report_whatever_happened_between() -> None:
    history = lr_too_low()
    before = shown(history.diagnose())
    random.seed(99)
    too_few_epochs().diagnose()
    for p in history.start.task.parameters:  # type: ignore[union-attr]
        p.data = 7.0
    assert shown(history.diagnose()) == before


def test_nothing_of_the_users_is_touched() -> None:
    rng = random.Random(4)
    model = Sequential(Layer(2, 12, "relu", rng), Dropout(0.2, rng), Layer(12, 1, "linear", rng))
    optimizer = nn.Adam(model.parameters(), lr=1e-6, weight_decay=0.1)
    xs, ys, weights = copy.deepcopy(XS), [*YS], [1.0 + k % 2 for k in range(120)]
    history = fit(model, xs, ys, optimizer=optimizer, epochs=30, sample_weight=weights, **BINARY)
    model.layers[1].eval()
    for i, p in enumerate(model.parameters()):
        p.grad = i / 7.0

    def state() -> Any:
        own = [(p, p.data, p.grad, p._epoch, p.label) for p in model.parameters()]
        modes = [(part, part.training, vars(part).get("requires_grad")) for part in model.modules()]
        kept = optimizer.lr, optimizer.weight_decay, optimizer.steps, [*optimizer.memory]
        return (
            own,
            modes,
            kept,
            [*optimizer.params],
            rng.getstate(),
            random.getstate(),
            repr(history),
        )

    before = state()
    rows = copy.deepcopy((xs, ys, weights))
    assert history.diagnose().causes[0].verified
    assert state() == before
    assert rows == (xs, ys, weights)


# --- whom it can be asked of ---------------------------------------------------------------------
def test_an_error_of_fit_and_the_last_training_can_be_asked_about() -> None:
    with pytest.raises(NumericError, match=r"nn\.diagnose\(\) looks for the cause") as caught:
        fit(net(), XS, YS, epochs=60, optimizer=lambda p: SGD(p, lr=1e200), **BINARY)
    asked = nn.diagnose(caught.value)
    assert asked.causes[0].name == "lr_too_high"
    assert asked.causes[0].verified
    assert "unchanged, it diverges" in asked.causes[0].tried  # type: ignore[operator]
    compare("an error of fit", asked)
    assert shown(nn.diagnose()) == shown(asked)
    history = healthy()
    assert shown(nn.diagnose()) == shown(history.diagnose())


def test_a_model_can_be_asked_about_before_it_is_trained() -> None:
    history, model = healthy(), net()
    optimizer = SGD(model.parameters(), lr=1e-6)
    before = [(p.data, p.grad, p._epoch) for p in model.parameters()]
    report = nn.diagnose(model, XS, YS, optimizer=optimizer, **BINARY)
    assert report.causes[0].name == "lr_too_low"
    assert [(p.data, p.grad, p._epoch) for p in model.parameters()] == before
    assert (optimizer.lr, optimizer.steps) == (1e-6, 0)
    assert not nn.diagnose(), "the last training is that of the user"
    assert history.epochs == 150
    diverged = nn.diagnose(model, XS, YS, optimizer=lambda p: SGD(p, lr=1e200), **BINARY)
    assert diverged.causes[0].name == "lr_too_high"


def test_a_model_can_be_asked_about_with_the_optimizer_that_fit_takes_by_itself() -> None:
    xs = [[i / 30 - 1] for i in range(60)]
    model = nn.MLP(1, [6, 1], "tanh", output="tanh", rng=1)
    report = nn.diagnose(model, xs, [1.6 * x for (x,) in xs], loss="mse", seed=1)
    assert report.causes[0].name == "activation_on_output"
    assert "tanh gives numbers from -1 to 1; 23 of 60 targets are beyond" in report.causes[0].seen
    compare("a model before it is trained", report)


def test_a_dropout_that_was_called_before_fit_is_not_blamed_after_it() -> None:
    drops = Dropout(0.2, rng=1)
    model = Sequential(Layer(2, 4, activation="tanh", rng=1), drops, Layer(4, 1, rng=1))
    model([0.5, -0.5])
    assert drops.called is not None
    fit(model, [[0, 0], [0, 1], [1, 0]], [0, 1, 1], loss="mse", epochs=2, progress=False)
    assert drops.called is None


def test_a_history_that_was_pickled_says_why_it_cannot_be_asked() -> None:
    history = too_few_epochs()
    copied = pickle.loads(pickle.dumps(history))
    assert copied == history
    with pytest.raises(ValueError, match="was loaded, and its data are gone; diagnose that of a"):
        copied.diagnose()
    assert history.diagnose()


@pytest.mark.parametrize("subject", [3, "history", ValueError("mine"), [1.0]])
def test_what_cannot_be_asked_about_is_an_error(subject: Any) -> None:
    with pytest.raises(TypeError, match=f"diagnose takes .*, got {type(subject).__name__}"):
        nn.diagnose(subject)


def test_two_causes_are_mended_together_where_neither_helps_alone() -> None:
    model = net()
    for parameter in model.parameters():
        parameter.data = 0.0
    report = fit(
        model, XS, YS, epochs=60, optimizer=lambda p: Adam(p, lr=1e-7), **BINARY
    ).diagnose()
    first, second, *_ = report.causes
    assert {first.name, second.name} == {"zero_weights", "lr_too_low"}
    assert first.verified
    assert second.verified
    assert first.do == second.do
    assert "nn draws" in first.do
    assert "lr=" in first.do
    compare("two causes", report)


@pytest.mark.parametrize(
    ("targets", "score", "hopeless"),
    [
        ([0.0, 1.0], 0.67, True),
        ([0.0, 1.0], 0.68, False),
        ([0.0, 1.0, 2.0], 0.56, True),
        ([0.0, 1.0, 2.0], 0.57, False),
        (None, 0.34, True),
        (None, 0.36, False),
    ],
)
def test_a_training_is_hopeless_a_third_of_the_way_from_a_guess(
    targets: list[float] | None, score: float, hopeless: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    ys = [(targets or [x[0] for x in XS])[i % len(targets or XS)] for i in range(len(XS))]
    history = fit(net(), XS, ys, epochs=1, loss="mse", **HOW)
    monkeypatch.setattr(Training, "score", lambda training: score)
    assert Symptoms(history, cast(Start, history.start)).hopeless is hopeless


def test_more_seconds_try_on_more_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    history, scores, score = lr_too_high(), list[float](), Training.score

    def counted(training: Training) -> float:
        scores.append(score(training))
        return scores[-1]

    monkeypatch.setattr(Training, "score", counted)
    history.diagnose(seconds=0.01)
    few = len(scores)
    assert history.diagnose(seconds=10.0).causes[0].verified
    assert 0 < few < len(scores) - few


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e300, -1e308])
def test_a_number_far_out_is_named_and_no_error(bad: float) -> None:
    samples = [[bad, x[1]] if i == 3 else x for i, x in enumerate(XS)]
    try:
        report = fit(net(), samples, YS, epochs=3, **BINARY).diagnose()
    except NumericError as error:
        report = nn.diagnose(error)
    usual = {"inputs_not_scaled"} if math.isfinite(bad) else {"nan_inputs", "inf_inputs"}
    assert report.causes[0].name in usual


@pytest.mark.parametrize(
    ("targets", "sure", "classes"),
    [
        ([*range(10)] * 3, False, [*range(10)]),
        ([*range(11)] * 3, False, [*range(11)]),
        ([*range(10), *range(10)], False, []),  # half as many as rows: they may be counts
        ([*range(10), *range(10)], True, [*range(10)]),
        ([*range(20)] * 9, False, [*range(20)]),
        ([*range(21)] * 9, False, []),
        ([*range(21)] * 9, True, [*range(21)]),
        ([0.0, 1.5] * 9, True, []),
        ([[0, 1, 0], [1, 0, 0], [0, 0, 1]] * 3, False, [0, 1, 2]),
        ([[0.5], [1.0]] * 9, True, []),
        ([[0, 2, 0], [1, 0, 0]] * 9, True, []),
    ],
)
def test_targets_are_classes_where_there_are_few(
    targets: list[Any], sure: bool, classes: list[int]
) -> None:
    assert classes_in(targets, sure) == classes
