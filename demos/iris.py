"""Iris: three kinds of flower told apart by four measurements.

In 1936 R. A. Fisher published the lengths and widths of the sepals and petals of 150 irises, 50 of
each of three species. Setosa is easily told by its small petals; versicolor and virginica overlap.

A classifier is a function from four numbers to three scores, one a species; the highest score is
its answer. Softmax turns scores into probabilities, and *cross-entropy* says how bad those are:
minus the logarithm of the probability that the true species got. Training walks downhill on the
mean of that loss. What counts is not how well the network does on the flowers it learnt from, but
on flowers it never saw: so 45 of the 150 are held out, and looked at only once, at the very end.
Which 45 is chance. With another `--seed` the network gets from 42 to all of them right, so a
figure from so few has a wide margin.

Three things to look at afterwards: the graph of one flower's loss (the one that the network found
hardest), with the gradient that each number got from it: where its weights would have to go to do
better; the loss, falling; and the borders that the network drew.
"""

from collections.abc import Sequence
from typing import Any

from sklearn.datasets import load_iris

import nn
from demos._common import Data, Row, Stage, hardest, inputs, misses, probabilities, scaling
from demos._plots import Panel, plot_regions


def run(stage: Stage) -> None:
    """Train on 105 flowers, test on 45, save three pictures."""
    train, test = Data.of(load_iris()).split(stage.seed)
    scale = scaling(train)
    seen, unseen = train.map(scale), test.map(scale)

    # A fifth of the flowers learnt from only decides which epoch's network is kept.
    model = nn.MLP(4, [5, 3], activation="tanh", rng=stage.seed)
    history = nn.fit(
        model,
        seen.xs,
        seen.ys,
        loss="cross_entropy",
        epochs=stage.rounds(100),
        batch_size=8,
        seed=stage.seed,
        validation=0.2,
    )
    wrong = misses(model, unseen)
    stage.report(wrong)

    flower = hardest(model, unseen)
    scores = model(inputs(unseen, flower))
    stage.graph(nn.cross_entropy(scores, unseen.ys[flower]))
    history.plot(stage.path("loss.png"))

    average = [sum(column) / len(column) for column in zip(*train.xs, strict=True)]

    def opinion(petals: Sequence[Row]) -> Any:
        return probabilities(model, [scale([*average[:2], *petal]) for petal in petals])

    petals = train.columns(2, 3), test.columns(2, 3)
    plot_regions(
        stage.path("regions.png"),
        "The borders between three species",
        [Panel("by two of four features; the sepals at their mean", *petals, opinion, wrong)],
    )
