"""Breast cancer: benign or malignant, by one neuron and by a network.

Wolberg, Street and Mangasarian (1993) photographed cells of 569 tumours through a microscope and
measured thirty features of each picture: how large the nuclei are, how rough, how uneven. Whether
the tumour was malignant is known.

It is a lesson in modesty. A single neuron with a sigmoid, which statisticians call *logistic
regression*, is right about as often as a network with a hidden layer. Where the classes lie on two
sides of a plane, more layers only add weights that the noise can pull at. So try the simplest model
first, and let the larger one show on held-out samples that it earns its keep.

Accuracy alone is not what a doctor asks for: a missed tumour weighs more than a false alarm, so
the story also counts how many malignant ones each model missed.
"""

from collections.abc import Sequence
from typing import Any

from sklearn.datasets import load_breast_cancer

import nn
from demos._common import Data, Row, Stage, hardest, last_layer, misses, probabilities, scaling
from demos._plots import Panel, plot_regions

SHOWN = 27, 21  # worst concave points, worst texture: two features that tell much together


def run(stage: Stage) -> None:
    """Train both models on 398 tumours, test on 171, save three pictures."""
    train, test = Data.of(load_breast_cancer()).split(stage.seed)
    scale = scaling(train)
    seen, unseen = train.map(scale), test.map(scale)
    average = [sum(column) / len(column) for column in zip(*train.xs, strict=True)]
    contestants = {
        "one neuron": nn.MLP(30, [1], rng=stage.seed),
        "a hidden layer of 8": nn.MLP(30, [8, 1], activation="tanh", rng=stage.seed),
    }
    panels = []
    for who, model in contestants.items():
        history = nn.fit(
            model,
            seen.xs,
            seen.ys,
            loss="binary_cross_entropy_with_logits",
            epochs=stage.rounds(25),
            batch_size=16,
            seed=stage.seed,
            validation=0.2,
            patience=5,
        )
        wrong = misses(model, unseen)
        stage.report(wrong, f", {who}")
        missed = sum(bad for bad, y in zip(wrong, test.ys, strict=True) if y == 0)
        print(f"  malignant ones missed: {missed} of {test.ys.count(0)}")

        def opinion(points: Sequence[Row], model: nn.MLP = model) -> Any:
            shown = [dict(zip(SHOWN, point, strict=True)) for point in points]
            rows = [[new.get(i, x) for i, x in enumerate(average)] for new in shown]
            return probabilities(model, [scale(row) for row in rows])

        pair = train.columns(*SHOWN), test.columns(*SHOWN)
        panels.append(Panel(who, *pair, opinion, wrong))

    tumour = hardest(model, unseen)
    score = last_layer(model, unseen.xs[tumour])
    stage.graph(nn.binary_cross_entropy_with_logits(score, unseen.ys[tumour]))
    history.plot(stage.path("loss.png"))
    plot_regions(
        stage.path("regions.png"), "Two of thirty features; the other 28 at their mean", panels
    )
