"""Features: what deep means. What each layer responds to, and what can be read off it.

A first course says: in a deep network each layer builds on the one before, from edges to parts to
whole things; the network learns its features, where one used to make them by hand.

Whether a layer is *better* than the one before can be measured: a **linear probe**, a softmax
without hidden layer, learns the digits from what the layer gives, and is tested on held-out images.
It can only draw planes, so it does well where the layer has laid the classes out flat. Beside it
stand probes of the raw pixels, of hand-made features (the ink in every row and column), and of the
same layers before training, with weights that are still random.

On the digits as they come the ladder is nearly flat, from 96% for pixels to 97% for the third
layer: a plane through pixel space is all it takes. So here each digit lies somewhere on a paper of
12 by 12, and no single pixel means anything. Now depth is worth something: much in the first layer,
less in each further one. Before training, a layer is worse than the pixels, and depth does not
help. The runs differ in split, places and weights; their spread is printed beside the mean.

The images show what units respond to: the weights of the first layer (blue for ink that counts for
the unit, orange against), and for the other layers the image found by walking uphill along the
gradient of a unit with respect to its *input*, the best of twenty walks from real images. There are
strokes and corners in them, but at one place each: without convolution a layer has no reason to
look for the same shape elsewhere, and pixels at the rim, seldom inked, keep their random weights.
"""

import random
import statistics
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

import nn
from demos._common import Data, Stage
from demos._plots import plot_images, plot_ladder
from demos.digits import digits
from engine import Program, Value, choose, dot, gradient, inputs
from nn.evaluation.programs import answers

PAPER, COPIES, WIDTHS, RUNS = 12, 2, (32, 32, 32), 4
LADDER = ("rows and columns", "raw pixels", "layer 1", "layer 2", "layer 3")
UNITS, STARTS, STEPS = 10, 20, 40  # to show of each layer; walks uphill, and their steps


def moved(data: Data, copies: int, rng: random.Random) -> Data:
    """Every image so many times, each time at another place on the paper."""
    xs = []
    for row in data.xs * copies:
        paper, (down, right) = np.zeros((PAPER, PAPER)), (rng.randrange(PAPER - 7) for _ in "xy")
        paper[down : down + 8, right : right + 8] = np.reshape(row, (8, 8))
        xs.append(paper.ravel().tolist())
    return Data(xs, data.ys * copies, [], data.classes)


def by_hand(rows: Any) -> Any:
    """The ink in every row and in every column of each image."""
    papers = np.reshape(rows, (-1, PAPER, PAPER))
    return np.hstack([papers.sum(axis=1), papers.sum(axis=2)])


def layers(model: nn.MLP) -> Program:
    """A program from an image to what all units of all hidden layers give, one after another."""
    pixels = inputs(*[f"x{i}" for i in range(PAPER**2)])
    signal: Any = pixels
    units: list[Value] = []
    for layer in model.layers[:-1]:
        signal = layer(signal)
        units += signal
    return Program(pixels, units, model.parameters())


def probed(seen: Any, ys: Sequence[int], unseen: Any, truth: Sequence[int], seed: int) -> float:
    """The share of held-out images that a linear model tells from such features."""
    mean, spread = seen.mean(axis=0), seen.std(axis=0)
    seen, unseen = ((rows - mean) / np.where(spread > 1e-9, spread, 1.0) for rows in (seen, unseen))
    probe = nn.MLP(seen.shape[1], [10], rng=seed)
    how: Any = {"epochs": 10, "batch_size": 128, "seed": seed, "progress": False}
    nn.fit(probe, seen.tolist(), ys, loss="cross_entropy", **how)
    said = answers(probe, unseen).argmax(axis=1)
    return float((said == np.array(truth)).mean())


def climb(model: nn.MLP, layer: int, starts: Any) -> Any:
    """For each unit of a layer an image that excites it: gradient ascent on the input.

    Each step goes a set way up the gradient, and back to what images are: no ink below 0, and a
    certain length. All units climb from all starts at once, as rows of one program; the highest
    that a unit came is kept, since where units below are silent there is no slope to follow.
    """
    pixels, (which,) = inputs(*[f"x{i}" for i in range(PAPER**2)]), inputs("unit")
    signal: Any = pixels
    for part in model.layers[:layer]:
        signal = part(signal)
    sums = [dot(unit.w, signal, unit.b) for unit in model.layers[layer].neurons]
    unit = choose(which, sums)
    program = Program([*pixels, which], [unit, *gradient(unit, pixels)], model.parameters())
    units = np.repeat(np.arange(UNITS), len(starts))[:, None]
    images, length = np.tile(starts, (UNITS, 1)), np.linalg.norm(starts, axis=1).mean()
    for step in range(STEPS):
        way = program(np.hstack([images, units]))[:, 1:]
        way /= np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-12)
        images = np.maximum(images + 0.2 * length * (1 - step / STEPS) * way, 0.0)
        images *= length / np.linalg.norm(images, axis=1, keepdims=True)
    heights = program(np.hstack([images, units]))[:, 0].reshape(UNITS, -1)
    return images.reshape(*heights.shape, -1)[np.arange(UNITS), heights.argmax(axis=1)]


def ladder(seed: int, epochs: int) -> tuple[nn.MLP, list[float], list[float]]:
    """A trained network, the figures of all probes, and those of its layers before training."""
    rng = random.Random(seed)
    train, test = digits().split(seed)
    train, test = moved(train, COPIES, rng), moved(test, 1, rng)
    model = nn.MLP(PAPER**2, [*WIDTHS, 10], rng=rng)

    def probes(*features: Any) -> list[float]:
        return [probed(seen, train.ys, unseen, test.ys, seed) for seen, unseen in features]

    def by_layer() -> list[Any]:
        program, cuts = layers(model), np.cumsum(WIDTHS)[:-1]
        both = (np.split(program(rows.xs), cuts, axis=1) for rows in (train, test))
        return [*zip(*both, strict=True)]

    before = probes(*by_layer())
    how: Any = {"loss": "cross_entropy", "epochs": epochs, "seed": seed, "progress": False}
    nn.fit(model, train.xs, train.ys, **how)
    pixels = np.array(train.xs), np.array(test.xs)
    return model, probes(tuple(map(by_hand, pixels)), pixels, *by_layer()), before


def run(stage: Stage) -> None:
    """Climb the ladder with several seeds, print it, and draw it with what the units respond to."""
    runs = [ladder(stage.seed + i, stage.rounds(20)) for i in range(RUNS)]
    trained = [list(each) for each in zip(*[figures for _, figures, _ in runs], strict=True)]
    random_ones = [list(each) for each in zip(*[before for _, _, before in runs], strict=True)]
    print(f"test accuracy of a linear probe, mean of {RUNS} runs (standard deviation)")
    for name, shares in zip(LADDER, trained, strict=True):
        print(f"  {name:18}{spread(shares)}")
    for name, shares in zip(LADDER[2:], random_ones, strict=True):
        print(f"  {name + ', random':18}{spread(shares)}")
    steps = [[b - a for a, b in zip(*pair, strict=True)] for pair in pairwise(trained)]
    for name, gains in zip(LADDER[1:], steps, strict=True):
        up = sum(gain > 0 for gain in gains)
        print(f"  {name} is above what stands before it in {up} of {RUNS} runs")

    title = "What a linear probe reads off digits at random places"
    plot_ladder(stage.path("ladder.png"), title, LADDER, trained, random_ones)
    model = runs[0][0]
    starts = np.array(moved(digits(), 1, random.Random(stage.seed)).xs[:STARTS])
    rows = {"layer 1:\nweights": [[w.data for w in n.w] for n in model.layers[0].neurons[:UNITS]]}
    for k in range(1, len(model.layers)):
        name = "output:\n0 to 9" if k == len(WIDTHS) else f"layer {k + 1}:\nexcited by"
        rows[name] = climb(model, k, starts)
    images = {name: np.reshape(row, (-1, PAPER, PAPER)) for name, row in rows.items()}
    plot_images(stage.path("units.png"), "What units respond to", images)


def spread(shares: Sequence[float]) -> str:
    """A mean with its standard deviation.

    >>> spread([0.5, 0.7])
    '60.0% (14.1)'
    """
    return f"{statistics.fmean(shares):.1%} ({100 * statistics.stdev(shares):.1f})"
