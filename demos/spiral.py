"""Spiral: three arms, and how far a small network can wind its border.

A first course says: hidden units are edges, and layers put edges together into shapes.

Along each arm the class stays the same while the direction turns, so whoever wants to tell the
arms apart has to count turns. Each neuron of the first layer sees one straight edge; the second
layer puts edges together into wedges and corners. More neurons, more edges, a smoother winding:
this is *capacity*, and what it costs is time and data. The linear model, which is shown
beside it, has three straight borders that meet in one point, and gets about half of the points.

It also shows what training is: a walk downhill without a map. For some epochs hardly anything
happens, then an arm falls into place and the loss drops: `learning.html` plays it.
"""

import functools
import math
import random

import nn
from demos._common import Data, Stage, hardest, last_layer, misses, probabilities
from demos._plots import Panel, plot_regions


def arms(seed: int, size: int = 60) -> Data:
    """Three arms that wind out from the centre by two thirds of a turn, blurred a little."""
    rng = random.Random(seed)
    xs, ys = [], []
    for arm in range(3):
        for i in range(size):
            radius = (i + 1) / size
            angle = 2 * math.pi * (arm / 3 + 0.66 * radius) + rng.gauss(0, 0.12)
            xs.append([radius * math.cos(angle), radius * math.sin(angle)])
            ys.append(arm)
    return Data(
        xs, ys, ["first coordinate", "second coordinate"], ["first arm", "second arm", "third arm"]
    )


def run(stage: Stage) -> None:
    """Train both models on 126 points, test on 54, save three pictures and a page."""
    train, test = arms(stage.seed).split(stage.seed)
    contestants = {
        "a linear model": nn.MLP(2, [3], rng=stage.seed),
        "hidden layers of 16 and 8": nn.MLP(2, [16, 8, 3], activation="tanh", rng=stage.seed),
    }
    panels = []
    for who, model in contestants.items():
        history = nn.fit(
            model,
            train.xs,
            train.ys,
            loss="cross_entropy",
            optimizer=lambda parameters: nn.Adam(parameters, lr=0.02),
            epochs=stage.rounds(120),
            batch_size=16,
            seed=stage.seed,
            record=True,
            patience=None,
        )
        wrong = misses(model, test)
        stage.report(wrong, f", {who}")
        opinion = functools.partial(probabilities, model)
        panels.append(Panel(who, train, test, opinion, wrong))

    point = hardest(model, test)
    stage.graph(nn.cross_entropy(last_layer(model, test.xs[point]), test.ys[point]))
    history.plot(stage.path("loss.png"))
    history.to_html(stage.path("learning.html"), features=train.features, classes=train.classes)
    plot_regions(stage.path("regions.png"), "Borders wound between three arms", panels)
