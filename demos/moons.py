"""Moons: two crescents, and the curve that a network bends between them.

A first course says: a network without a hidden layer draws a straight line, one with a hidden layer
a curve.

Two half circles reach into each other, blurred by noise: the picture everybody draws first, since
one look tells whether a classifier works. A straight line gets most points right and can never get
all, as the linear model beside it shows. A network with two hidden layers bends its border
into an S; `learning.html` plays how, epoch by epoch.

The noise is worth a look: some points lie beyond the other crescent by pure chance. A model that
gets those right as well has learnt the noise, and the held-out points would show it. So the share
that is right is no goal in itself; it is a goal for points that the model never saw.
"""

import functools

from sklearn.datasets import make_moons

import nn
from demos._common import Data, Stage, hardest, last_layer, misses, probabilities
from demos._plots import Panel, plot_regions


def run(stage: Stage) -> None:
    """Train both models on 140 points, test on 60, save three pictures and a page."""
    xs, ys = make_moons(n_samples=200, noise=0.15, random_state=stage.seed)
    names = ["first coordinate", "second coordinate"], ["upper moon", "lower moon"]
    train, test = Data(xs.tolist(), ys.tolist(), *names).split(stage.seed)

    contestants = {
        "a linear model": nn.MLP(2, [1], rng=stage.seed),
        "two hidden layers of 8": nn.MLP(2, [8, 8, 1], activation="tanh", rng=stage.seed),
    }
    panels = []
    for who, model in contestants.items():
        history = nn.fit(
            model,
            train.xs,
            train.ys,
            loss="binary_cross_entropy_with_logits",
            epochs=stage.rounds(80),
            batch_size=8,
            seed=stage.seed,
            record=True,
            validation=0.2,
        )
        wrong = misses(model, test)
        stage.report(wrong, f", {who}")
        opinion = functools.partial(probabilities, model)
        panels.append(Panel(who, train, test, opinion, wrong))

    point = hardest(model, test)
    score = last_layer(model, test.xs[point])
    stage.graph(nn.binary_cross_entropy_with_logits(score, test.ys[point]))
    history.plot(stage.path("loss.png"))
    history.to_html(stage.path("learning.html"), features=train.features, classes=train.classes)
    plot_regions(stage.path("regions.png"), "A border bent between two moons", panels)
