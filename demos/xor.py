"""XOR: why a hidden layer is needed.

Four clouds of points sit on the corners of a square; opposite corners belong together. A single
neuron computes a weighted sum, so its border is a straight line, and no straight line has two
opposite corners on one side and the other two on the other. Minsky and Papert made that point in
1969, and interest in neural networks faded for a decade.

A *hidden layer* bends the plane first: each of its neurons draws a line of its own, and the output
neuron combines them. The nonlinear activation in between is what does it; without it, a weighted
sum of weighted sums would be a weighted sum again, and the border one straight line. The page
`learning.html` plays how the network finds its borders, epoch by epoch.
"""

import functools
import random

import nn
from demos._common import Data, Stage, hardest, inputs, misses, probabilities
from demos._plots import Panel, plot_regions


def clouds(seed: int, size: int = 30) -> Data:
    """Four clouds of points around the corners of a square, opposite corners of one class."""
    rng = random.Random(seed)
    xs, ys = [], []
    for corner in range(4):
        a, b = divmod(corner, 2)
        xs += [[rng.gauss(2 * a - 1, 0.3), rng.gauss(2 * b - 1, 0.3)] for _ in range(size)]
        ys += [a ^ b] * size
    return Data(xs, ys, ["first input", "second input"], ["same", "different"])


def run(stage: Stage) -> None:
    """Train a single neuron and a small network on the same points, and compare."""
    train, test = clouds(stage.seed).split(stage.seed)
    contestants = {
        "a single neuron": nn.MLP(2, [1], rng=stage.seed),
        "with a hidden layer of 4": nn.MLP(2, [4, 1], activation="tanh", rng=stage.seed),
    }
    panels = []
    for who, model in contestants.items():
        history = nn.fit(
            model,
            train.xs,
            train.ys,
            loss="binary_cross_entropy_with_logits",
            optimizer=lambda parameters: nn.Adam(parameters, lr=0.03),
            epochs=stage.rounds(80),
            batch_size=8,
            seed=stage.seed,
            record=True,
        )
        wrong = misses(model, test)
        stage.report(wrong, f", {who}")
        opinion = functools.partial(probabilities, model)
        panels.append(Panel(who, train, test, opinion, wrong))

    point = hardest(model, test)
    score = model(inputs(test, point))
    stage.graph(nn.binary_cross_entropy_with_logits(score, test.ys[point]))
    history.plot(stage.path("loss.png"))
    history.to_html(stage.path("learning.html"), features=train.features, classes=train.classes)
    plot_regions(stage.path("regions.png"), "One straight line is not enough for XOR", panels)
