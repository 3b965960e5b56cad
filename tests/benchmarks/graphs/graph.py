"""What is computed of a row, and the helpers that graphs are written with."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from math import prod
from typing import Any

import numpy as np

import engine
from engine import Value, gradient, hessian

__all__ = ["Graph", "Weights", "affine", "curved", "gradients", "inputs", "neuron", "split"]

Matrix = list[list[Value]]
Formula = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class Graph:
    """A number of a row's inputs and of parameters, and its derivatives.

    Attributes:
        outputs: the number first; then its gradient by the parameters, or, where it is `second`,
            its gradient and its Hessian by the inputs.
        jax: of arrays of the inputs and of the parameters, the number.
        mean: over the rows, as in training; else an answer for each row.
        classes: how many whole numbers the last input is one of; 0 where it is a number as others.
    """

    inputs: list[Value]
    parameters: list[Value]
    outputs: list[Value]
    jax: Formula
    mean: bool = False
    second: bool = False
    classes: int = 0

    def rows(self, count: int) -> Any:
        rng = np.random.default_rng(7)
        rows = rng.uniform(0.1, 0.9, (count, len(self.inputs)))
        if self.classes:
            rows[:, -1] = rng.integers(0, self.classes, count)
        return rows

    def arguments(self) -> dict[str, Any]:
        """Those of `engine.Program`."""
        both = {"inputs": self.inputs, "outputs": self.outputs, "parameters": self.parameters}
        return both | ({"reduce": "mean"} if self.mean else {})

    def over(self, **changes: Any) -> "Graph":
        """The same with other attributes."""
        return replace(self, **changes)


def gradients(xs: list[Value], parameters: list[Value], loss: Value, jax: Formula) -> Graph:
    """The loss and its gradient by all parameters."""
    return Graph(xs, parameters, [loss, *gradient(loss, parameters)], jax)


def curved(xs: list[Value], value: Value, jax: Formula) -> Graph:
    """The value, its gradient and its Hessian by all inputs."""
    rows = [x for row in hessian(value, xs) for x in row]
    return Graph(xs, [], [value, *gradient(value, xs), *rows], jax, second=True)


class Weights:
    """Parameters, drawn one after another, which a network takes as matrices and vectors."""

    def __init__(self) -> None:
        self.all: list[Value] = []
        self._rng = random.Random(7)

    def vector(self, n: int) -> list[Value]:
        made = [Value(self._rng.uniform(-0.5, 0.5), f"w{len(self.all) + k}") for k in range(n)]
        self.all += made
        return made

    def matrix(self, rows: int, columns: int) -> Matrix:
        return [self.vector(columns) for _ in range(rows)]


def inputs(n: int) -> list[Value]:
    return [*engine.inputs(*[f"x{k}" for k in range(n)])]


def affine(matrix: Matrix, bias: Sequence[Value], xs: Sequence[Value]) -> list[Value]:
    """As people write it: a bias and a sum of products for each row."""
    return [
        sum((w * x for w, x in zip(row, xs, strict=True)), b)
        for row, b in zip(matrix, bias, strict=True)
    ]


def neuron(weights: Sequence[Value], xs: Sequence[Any]) -> Value:
    """The square of a sum of products: a number to differentiate."""
    return sum((w * x for w, x in zip(weights, xs, strict=True)), Value(0.0)) ** 2


def split(theta: Any, *shapes: tuple[int, ...]) -> list[Any]:
    """An array of parameters as the matrices and vectors that were drawn one after another."""
    ends = [*accumulate(map(prod, shapes))]
    starts = [0, *ends]
    return [theta[a:b].reshape(s) for a, b, s in zip(starts, ends, shapes, strict=False)]
