"""Doctor: five trainings that do not learn, what `diagnose` says of each, and the cure.

A training that does not learn raises no error: the loss is a number, and it is bad. Which of forty
things is wrong is what courses leave to experience. `history.diagnose()` looks at the losses, the
rows and the layers, tries what it suspects in copies of the training, and keeps what helped on rows
held out; `diagnose(loss, model)` does what can be done for a loop of your own. Each answer is a
line of your script, and what to write there instead.

Each function below is such a training, with one mistake that `mended` takes out as the report says.
"""

import random
from collections.abc import Callable
from typing import Any, NamedTuple

from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine, make_moons

import nn
from demos._common import Data, Row, Stage, misses, scaling
from demos._plots import plot_cure
from engine.stepping import Report
from nn.drawing import Figure

HOW: dict[str, Any] = {"batch_size": 16, "patience": None, "progress": False}


class Trained(NamedTuple):
    """What came of a training: the model, the loss of each epoch, and who to ask about it.

    `ready` is what is done to a sample before the model sees it.
    """

    model: nn.MLP
    losses: list[float]
    diagnose: Callable[[], Report]
    ready: Callable[[Row], list[float]] = list


def rate(train: Data, epochs: int, seed: int, mended: bool) -> Trained:
    """Steps that are far too long: each jumps over the valley, and lands higher up."""
    model = nn.MLP(64, [16, 10], activation="tanh", rng=seed)
    lr = 0.5 if mended else 5.0
    history = nn.fit(
        model,
        train.xs,
        train.ys,
        loss="cross_entropy",
        optimizer=lambda parameters: nn.SGD(parameters, lr=lr),
        epochs=epochs,
        seed=seed,
        **HOW,
    )
    return Trained(model, history.loss, history.diagnose)


def scale(train: Data, epochs: int, seed: int, mended: bool) -> Trained:
    """Samples as they were measured: proline goes up to 1,680, the hue of a wine to 1.7."""
    ready = scaling(train) if mended else list
    train = train.map(ready)
    model = nn.MLP(13, [16, 3], activation="tanh", rng=seed)
    history = nn.fit(
        model,
        train.xs,
        train.ys,
        loss="cross_entropy",
        epochs=epochs,
        seed=seed,
        **HOW,
    )
    return Trained(model, history.loss, history.diagnose, ready)


def dead(train: Data, epochs: int, seed: int, mended: bool) -> Trained:
    """First biases so low that no ReLU is ever on: no gradient gets through any of them."""
    model = nn.MLP(30, [8, 1], rng=seed)
    for neuron in model.layers[0].neurons if not mended else ():
        neuron.b.data = -50.0
    history = nn.fit(
        model,
        train.xs,
        train.ys,
        loss="binary_cross_entropy_with_logits",
        epochs=epochs,
        seed=seed,
        **HOW,
    )
    return Trained(model, history.loss, history.diagnose)


def linear(train: Data, epochs: int, seed: int, mended: bool) -> Trained:
    """Three layers with nothing in between, which bend no more than one."""
    model = nn.MLP(2, [8, 8, 1], activation="relu" if mended else "linear", rng=seed)
    history = nn.fit(
        model,
        train.xs,
        train.ys,
        loss="binary_cross_entropy_with_logits",
        epochs=epochs,
        seed=seed,
        **HOW,
    )
    return Trained(model, history.loss, history.diagnose)


def loop(train: Data, epochs: int, seed: int, mended: bool) -> Trained:
    """A loop of one's own that never clears the gradients, so that each step repeats all others."""
    rng, order, losses = random.Random(seed), [*range(len(train.xs))], []
    model = nn.MLP(4, [8, 3], activation="tanh", rng=seed)
    optimizer = nn.SGD(model.parameters(), lr=0.4)
    for _ in range(epochs):
        rng.shuffle(order)
        total = 0.0
        for start in range(0, len(order), 16):
            batch = order[start : start + 16]
            outputs = [model(train.xs[i]) for i in batch]
            loss = nn.cross_entropy(outputs, [train.ys[i] for i in batch])
            if mended:
                optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.data * len(batch)
        losses.append(total / len(order))
    return Trained(model, losses, lambda: nn.diagnose(loss, model))


def moons(seed: int) -> Data:
    """Two crescents, the one set of rows here that nobody measured."""
    xs, ys = make_moons(n_samples=300, noise=0.15, random_state=seed)
    return Data(xs.tolist(), ys.tolist(), ["across", "up"], ["upper", "lower"])


class Case(NamedTuple):
    """A training, its rows, and how many epochs it takes."""

    train: Callable[[Data, int, int, bool], Trained]
    data: Callable[[int], Data]
    epochs: int


CASES = {
    "A learning rate of 5": Case(rate, lambda _: Data.of(load_digits()), 30),
    "Samples as they were measured": Case(scale, lambda _: Data.of(load_wine()), 60),
    "First biases of -50": Case(dead, lambda _: Data.of(load_breast_cancer()), 40),
    "No activation between the layers": Case(linear, moons, 80),
    "Gradients that are never cleared": Case(loop, lambda _: Data.of(load_iris()), 30),
}


def told(title: str, stage: Stage) -> Figure:
    """Break a training, print what is said of it, and mend it: a slide on that."""
    case = CASES[title]
    train, test = case.data(stage.seed).split(stage.seed)
    if case.train is not scale:
        ready = scaling(train)
        train, test = train.map(ready), test.map(ready)
    epochs = stage.rounds(case.epochs)
    broken = case.train(train, epochs, stage.seed, False)
    report = broken.diagnose()
    print(f"\n{title.upper()}", report, sep="\n")
    mended = case.train(train, epochs, stage.seed, True)
    curves = {}
    for who, one in (("as it was", broken), ("mended as it says", mended)):
        wrong = misses(one.model, test.map(one.ready))
        stage.report(wrong, f", {who}")
        curves[f"{who}: {wrong.count(False) / len(wrong):.0%} right"] = one.losses
    return plot_cure(title, curves, report)


def run(stage: Stage) -> None:
    """Break five trainings, print what is said of each, mend it, and save a slide on it."""
    for title, case in CASES.items():
        told(title, stage).savefig(stage.path(f"{case.train.__name__}.svg"))
