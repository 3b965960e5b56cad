"""Faults in trainings by fit: each is named first, with its line, and a remedy that was tried."""

import copy
import inspect
import math
import pickle
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nn
from engine import NumericError
from engine.explain.report import Report
from nn import MLP, SGD, Adam, AdamW, Dropout, History, Layer, Sequential, fit
from nn.doctor.trials import Training

RNG = random.Random(1)
XS, YS, SIX = [], [], []
for k in range(120):
    angle = math.pi * RNG.random()
    across, up = math.cos(angle), math.sin(angle)
    x = (across, up) if k % 2 else (1.0 - across, 0.5 - up)
    XS.append([x[0] * 1.5 - 0.7 + RNG.gauss(0, 0.1), x[1] * 2.0 - 0.5 + RNG.gauss(0, 0.1)])
    YS.append(k % 2)
    SIX.append((4, 0, 2, 5, 1, 3)[int(angle) % 3 + 3 * (k % 2)])
THREE = [(y + (x[0] > 0.3)) % 3 for x, y in zip(XS, YS, strict=True)]
NUMBERS = [x[0] * x[1] for x in XS]
HOW: dict[str, Any] = {"batch_size": 16, "patience": None, "progress": False, "seed": 1}
BINARY: dict[str, Any] = {**HOW, "loss": "binary_cross_entropy_with_logits"}


def adam(parameters: Any) -> Adam:
    return Adam(parameters, lr=0.02)


def net(**how: Any) -> MLP:
    return MLP(2, [12, 1], rng=1, **how)


# --- the faults; the line that is wrong ends in HERE ---------------------------------------------
def lr_too_high() -> History:
    return fit(
        net(),
        XS,
        YS,
        epochs=60,
        optimizer=lambda p: Adam(
            p,
            lr=30.0,  # HERE
        ),
        **BINARY,
    )


def lr_too_low() -> History:
    model = net()
    optimizer = SGD(model.parameters(), lr=1e-5)  # HERE
    return fit(model, XS, YS, epochs=60, optimizer=optimizer, **BINARY)


def too_few_epochs() -> History:
    return fit(
        net(),
        XS,
        YS,
        epochs=1,  # HERE
        optimizer=adam,
        **BINARY,
    )


def inputs_not_scaled() -> History:
    xs = [[a * 3000.0 + 5000.0, b] for a, b in XS]
    return fit(net(activation="tanh"), xs, YS, epochs=60, optimizer=adam, **BINARY)  # HERE


def targets_not_scaled() -> History:
    ys = [y * 1000.0 + 5000.0 for y in NUMBERS]
    return fit(net(), XS, ys, epochs=60, optimizer=adam, loss="mse", **HOW)  # HERE


def dead_relu() -> History:
    model = net()
    for neuron in model.layers[0].neurons:
        neuron.b.data = -50.0  # HERE
    return fit(model, XS, YS, epochs=60, optimizer=adam, **BINARY)


def saturated() -> History:
    model = MLP(2, [12, 1], activation="sigmoid", rng=1)  # HERE
    for neuron in model.layers[0].neurons:
        neuron.b.data = 60.0
    return fit(model, XS, YS, epochs=60, optimizer=adam, **BINARY)


def zero_weights() -> History:
    model = net()
    for p in model.parameters():
        p.data = 0.0  # HERE
    return fit(model, XS, YS, epochs=60, optimizer=adam, **BINARY)


def equal_weights() -> History:
    model = net(activation="tanh")
    for p in model.parameters():
        p.data = 0.5  # HERE
    return fit(model, XS, YS, epochs=60, optimizer=adam, **BINARY)


def init_too_large() -> History:
    model = net(activation="tanh")
    for neuron in model.layers[0].neurons:
        for w in neuron.w:
            w.data *= 300.0  # HERE
    return fit(model, XS, YS, epochs=60, optimizer=adam, **BINARY)


def no_activation() -> History:
    model = MLP(
        2,
        [12, 12, 1],
        activation="linear",  # HERE
        rng=1,
    )
    return fit(model, XS, YS, epochs=60, optimizer=adam, **BINARY)


def activation_on_output() -> History:
    model = MLP(
        2,
        [12, 1],
        output="relu",  # HERE
        rng=1,
    )
    return fit(model, XS, [-abs(y) for y in NUMBERS], epochs=60, loss="mse", **HOW)


def too_narrow() -> History:
    model = MLP(2, [1, 1], rng=2)  # HERE
    return fit(model, XS, YS, epochs=100, optimizer=adam, **BINARY)


def mse_for_classes() -> History:
    return fit(
        net(),
        XS,
        SIX,
        epochs=100,
        loss="mse",  # HERE
        optimizer=adam,
        **HOW,
    )


def imbalanced() -> History:
    rng = random.Random(2)
    ys = [int(k % 10 == 0) for k in range(400)]
    xs = [[rng.gauss(1.3 * y, 1.0), rng.gauss(0.0, 1.0)] for y in ys]
    return fit(MLP(2, [4, 1], rng=1), xs, ys, epochs=60, optimizer=adam, **BINARY)  # HERE


def penalty_too_strong() -> History:
    return fit(
        net(),
        XS,
        YS,
        epochs=60,
        optimizer=lambda p: AdamW(p, lr=0.02, weight_decay=20.0),  # HERE
        **BINARY,
    )


def clip_too_strong() -> History:
    return fit(
        net(),
        XS,
        YS,
        epochs=60,
        clip=1e-4,  # HERE
        optimizer=lambda p: SGD(p, lr=0.3),
        **BINARY,
    )


def dropout_too_strong() -> History:
    model = Sequential(
        Layer(2, 12, "relu", 1),
        Dropout(0.95, 3),  # HERE
        Layer(12, 1, "linear", 2),
    )
    return fit(model, XS, YS, epochs=60, optimizer=adam, **BINARY)


def frozen_layer() -> History:
    model = MLP(2, [4, 4, 1], rng=5)
    for layer in model.layers[:2]:
        layer.requires_grad_(False)  # HERE
    return fit(model, XS, YS, epochs=60, optimizer=adam, **BINARY)


def sum_not_mean() -> History:
    def loss(outputs: Any, targets: Any) -> Any:
        return sum((o - t) ** 2 for o, t in zip(outputs, targets, strict=True))

    try:
        fit(net(), XS, YS, epochs=30, loss=loss, optimizer=lambda p: SGD(p, lr=0.1), **HOW)  # HERE
    except NumericError as error:
        return error.history  # type: ignore[attr-defined,no-any-return]
    raise AssertionError("it did not diverge")


TRIED = [
    lr_too_high,
    lr_too_low,
    too_few_epochs,
    inputs_not_scaled,
    targets_not_scaled,
    dead_relu,
    saturated,
    zero_weights,
    equal_weights,
    init_too_large,
    no_activation,
    activation_on_output,
    too_narrow,
    mse_for_classes,
    imbalanced,
    penalty_too_strong,
    clip_too_strong,
    dropout_too_strong,
    frozen_layer,
    sum_not_mean,
]


# What is plain to see and wrong in any case, whatever a trial says.
def constant_labels() -> History:
    return fit(net(), XS, [1] * 120, epochs=10, optimizer=adam, **BINARY)  # HERE


def class_missing() -> History:
    model = MLP(2, [12, 4], rng=1)
    return fit(model, XS, THREE, epochs=20, loss="cross_entropy", optimizer=adam, **HOW)  # HERE


def labels_off_by_one() -> History:
    ys = [y + 1 for y in THREE]
    model = MLP(2, [12, 4], rng=1)
    return fit(model, XS, ys, epochs=20, loss="cross_entropy", optimizer=adam, **HOW)  # HERE


def shuffled_labels() -> History:
    ys = random.Random(3).sample(YS, 120)
    return fit(net(), XS, ys, epochs=20, optimizer=adam, **BINARY)  # HERE


def leaking_column() -> History:
    xs = [[*x, float(y)] for x, y in zip(XS, YS, strict=True)]
    return fit(MLP(3, [12, 1], rng=1), xs, YS, epochs=20, optimizer=adam, **BINARY)  # HERE


def duplicated_rows() -> History:
    return fit(net(), XS[:30] * 4, YS[:30] * 4, epochs=20, optimizer=adam, **BINARY)  # HERE


def dropout_at_evaluation() -> History:
    model = Sequential(Layer(2, 12, "relu", 1), Dropout(0.2, 3), Layer(12, 1, "linear", 2))
    history = fit(model, XS, YS, epochs=20, optimizer=adam, **BINARY)
    model.train()
    model(XS[0])  # HERE
    return history


PLAIN = [
    constant_labels,
    class_missing,
    labels_off_by_one,
    shuffled_labels,
    leaking_column,
    duplicated_rows,
    dropout_at_evaluation,
]


def here(fault: Callable[[], History]) -> tuple[str, int]:
    lines, start = inspect.getsourcelines(fault)
    (at,) = [i for i, line in enumerate(lines) if line.rstrip().endswith("# HERE")]
    return Path(__file__).name, start + at


def first(fault: Callable[[], History], report: Report) -> Any:
    cause = report.causes[0]
    assert cause.name == fault.__name__, report
    assert cause.place is not None
    assert (Path(cause.place.file).name, cause.place.line) == here(fault)
    return cause


@pytest.mark.parametrize("fault", TRIED)
def test_it_is_named_first_at_its_line_and_its_remedy_helped(fault: Callable[[], History]) -> None:
    cause = first(fault, fault().diagnose())
    assert cause.verified
    assert cause.gain > 0.0
    assert cause.tried.startswith("with ")


@pytest.mark.parametrize("fault", PLAIN)
def test_what_is_plain_to_see_is_named_first_at_its_line(fault: Callable[[], History]) -> None:
    first(fault, fault().diagnose())


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
