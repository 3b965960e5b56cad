"""The networks that are compared: their shapes, their data, their first weights."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nn import MLP
from tests.benchmarks import moons
from tests.benchmarks.systems import load

__all__ = ["DIGITS", "MNIST", "MOONS", "MOONS_TANH", "Batch", "Floats", "Network", "matrices"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Batch:
    """Samples (N, n_in) and their targets (N,): numbers, or classes as whole numbers."""

    xs: Floats
    ys: Floats

    def rows(self) -> Floats:
        """Samples and targets side by side: (N, n_in + 1)."""
        return np.ascontiguousarray(np.column_stack([self.xs, self.ys]))


@dataclass(frozen=True)
class Network:
    """A multilayer perceptron and what it learns; `widths` begins with the inputs."""

    name: str
    widths: tuple[int, ...]
    activation: Literal["relu", "tanh"]
    loss: Literal["mse", "cross_entropy"]
    data: Callable[[int], Batch]

    def model(self) -> MLP:
        return MLP(self.widths[0], self.widths[1:], activation=self.activation, rng=7)

    def theta(self) -> Floats:
        """The first parameters, in the order of `nn.MLP`: each neuron's weights, then its bias."""
        return np.array([p.data for p in self.model().parameters()])

    def flops(self, rows: int) -> float:
        """For every parameter and row: a multiply-add forward, and two backward."""
        return 6.0 * rows * sum((n + 1) * m for n, m in pairwise(self.widths))

    def idle_flops(self, rows: int) -> float:
        """Those of them that find the adjoints of the inputs, which nobody asks for."""
        return 2.0 * rows * self.widths[0] * self.widths[1]


def matrices(widths: tuple[int, ...], theta: Floats) -> list[tuple[Floats, Floats]]:
    """Each layer's weights (n_out, n_in) and biases (n_out,), copied out of the parameters."""
    layers, start = [], 0
    for n_in, n_out in pairwise(widths):
        stop = start + (n_in + 1) * n_out
        layer = theta[start:stop].reshape(n_out, n_in + 1)
        layers.append((layer[:, :-1].copy(), layer[:, -1].copy()))
        start = stop
    return layers


def _moons(count: int) -> Batch:
    points = moons.rows(count)
    return Batch(np.array([x for x, _ in points]), np.array([y for _, y in points]))


def _digits(count: int) -> Batch:
    """Scans of 8 x 8 pixels that come with scikit-learn."""
    images: Any = load("sklearn.datasets").load_digits()
    return Batch(images.data[:count] / 16.0, images.target[:count].astype(float))


def _mnist(count: int) -> Batch:
    rng = np.random.default_rng(7)
    return Batch(rng.random((count, 784)), rng.integers(0, 10, count).astype(float))


MOONS = Network("moons", (2, 16, 16, 1), "relu", "mse", _moons)
MOONS_TANH = Network("moons-tanh", (2, 16, 16, 1), "tanh", "mse", _moons)
DIGITS = Network("digits", (64, 32, 10), "relu", "cross_entropy", _digits)
MNIST = Network("mnist-size", (784, 128, 10), "relu", "cross_entropy", _mnist)
