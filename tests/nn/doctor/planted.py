"""Faults in trainings by fit, each a function of its name; the line to blame ends in HERE."""

import math
import random
from typing import Any

from engine import NumericError
from nn import MLP, SGD, Adam, AdamW, Dropout, History, Layer, Sequential, fit

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
