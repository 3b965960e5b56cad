"""Activations: sigmoid, ReLU, tanh, softmax; what each is for, and where it stops learning.

A first course says: sigmoid for a yes or no at the output, ReLU for hidden layers, tanh where
signals should be centred on zero, softmax for one class out of several.

An activation that *saturates* is flat far from zero, and what is flat passes no gradient down.
Each layer multiplies the gradient by the slopes of its activation. A sigmoid's slope is 0.25 at
best, so ten layers of it leave the first one a millionth, and it hardly learns: the *vanishing
gradient* that kept networks shallow for decades. A tanh has slope 1 at zero, a ReLU on all of its
right half (on its left it has none: a unit that is negative for every row is dead).

Softmax is the sigmoid for several classes: of two scores x and 0 it gives sigmoid(x) and the rest.
"""

import math
import random
import statistics

import nn
from demos._common import Stage
from demos._plots import plot_curves
from engine import softmax
from nn.drawing import plot_activations
from nn.drawing.activation_plot import sample

USES: dict[nn.ActivationName, str] = {
    "sigmoid": "a binary output",
    "relu": "hidden layers",
    "tanh": "zero-centred signals",
    "softmax": "one of many classes",
}
DEPTH, WIDTH, SAMPLES = 10, 16, 40


def flat_from(name: str, side: int) -> float:
    """How far from 0 the slope falls below a hundredth of its largest; inf if it never does."""
    steepest = max(sample(name, i / 10)[1] for i in range(-100, 101))
    for i in range(1, 1001):
        if sample(name, side * i / 100)[1] < steepest / 100:
            return (i - 1) / 100
    return math.inf


def gradients_by_layer(name: nn.ActivationName, seed: int) -> list[float]:
    """The size of the weights' gradients in each layer of a deep network that is still untrained.

    For each of some random inputs it is the mean of their absolute values. Given is the median.
    """
    rng = random.Random(seed)
    model = nn.MLP(WIDTH, [WIDTH] * DEPTH + [1], activation=name, rng=rng)
    sizes: list[list[float]] = [[] for _ in range(DEPTH)]
    for _ in range(SAMPLES):
        model.zero_grad()
        nn.mse_loss(model([rng.gauss(0, 1) for _ in range(WIDTH)]), 1.0).backward()
        for found, layer in zip(sizes, model.layers, strict=False):
            found.append(statistics.fmean(abs(w.grad) for n in layer.neurons for w in n.w))
    return [statistics.median(found) for found in sizes]


def run(stage: Stage) -> None:
    """Print what tells the four apart, and draw what depth makes of their slopes."""
    rng = random.Random(stage.seed)
    drawn = [rng.gauss(0, 1) for _ in range(1000)]
    print("           for                   from -9 .. 9   mean   steepest   flat below, above")
    for name, use in USES.items():
        low, high = sample(name, -9.0)[0], sample(name, 9.0)[0]
        mean = statistics.fmean(sample(name, x)[0] for x in drawn)
        slope = max(sample(name, i / 10)[1] for i in range(-100, 101))
        flat = f"{0.0 - flat_from(name, -1):9.2f}  {flat_from(name, 1):9.2f}"
        print(f"{name:11}{use:21}{low:6.2f} {high:6.2f} {mean:8.2f} {slope:8.2f}   {flat}")
    shares = ", ".join(f"{float(p):.3f}" for p in softmax([2.0, 1.0, 0.0, -1.0]))
    print(f"softmax of (2, 1, 0, -1): {shares}, which add up to 1")

    curves = {name: gradients_by_layer(name, stage.seed) for name in ("sigmoid", "tanh", "relu")}
    for curve, sizes in curves.items():
        left = f"{sizes[0] / sizes[-1]:.2g} of the last"
        print(f"gradient in the first of {DEPTH} layers, {curve}: {left}")
    plot_activations(*USES, path=stage.path("curves.png"))
    title = "What is left of the gradient on the way down"
    across = "layer (backpropagation comes from the right)"
    plot_curves(
        stage.path("gradients.png"), title, curves, across, "mean |gradient| of a weight", log=True
    )
