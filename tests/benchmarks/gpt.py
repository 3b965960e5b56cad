"""gpt: one block of a transformer in plain scalars, built and swept backward.

The peer is the Value that such programs bring along: what a node was made from and its local
derivatives in slots, an order found by recursion, and nothing that makes sure of anything.
"""

import math
import random
from collections.abc import Callable, Sequence
from itertools import pairwise
from operator import getitem
from typing import Any

from tests.benchmarks.harness import Contender, Effort, race
from tests.benchmarks.report import Row, rows_of
from tests.benchmarks.systems import GRADWALK, leaf_of

__all__ = ["BARE", "BareValue", "contender", "loss_of", "measure_gpt", "parameters"]

BARE = "a bare Value"
VOCABULARY, WIDTH, HEADS = 27, 16, 4
HEAD = WIDTH // HEADS

Vector = list[Any]
Matrix = list[Vector]


class BareValue:
    """A number with its gradient, and what it was made from with the derivative by each."""

    __slots__ = ("children", "data", "grad", "local_grads")

    def __init__(
        self,
        data: float,
        children: "tuple[BareValue, ...]" = (),
        local_grads: tuple[float, ...] = (),
    ) -> None:
        self.data = data
        self.grad = 0.0
        self.children = children
        self.local_grads = local_grads

    def __add__(self, other: "BareValue | float") -> "BareValue":
        other = other if isinstance(other, BareValue) else BareValue(other)
        return BareValue(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other: "BareValue | float") -> "BareValue":
        other = other if isinstance(other, BareValue) else BareValue(other)
        return BareValue(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, other: float) -> "BareValue":
        return BareValue(self.data**other, (self,), (other * self.data ** (other - 1),))

    def exp(self) -> "BareValue":
        y = math.exp(self.data)
        return BareValue(y, (self,), (y,))

    def log(self) -> "BareValue":
        return BareValue(math.log(self.data), (self,), (1.0 / self.data,))

    def relu(self) -> "BareValue":
        return BareValue(max(0.0, self.data), (self,), (float(self.data > 0.0),))

    def __neg__(self) -> "BareValue":
        return self * -1.0

    def __sub__(self, other: "BareValue | float") -> "BareValue":
        return self + (-other)

    def __truediv__(self, other: "BareValue | float") -> "BareValue":
        return self * other**-1

    __radd__ = __add__
    __rmul__ = __mul__

    def backward(self) -> None:
        order: list[BareValue] = []
        seen: set[BareValue] = set()

        def visit(node: BareValue) -> None:
            if node not in seen:
                seen.add(node)
                for child in node.children:
                    visit(child)
                order.append(node)

        visit(self)
        self.grad = 1.0
        for node in reversed(order):
            for child, local in zip(node.children, node.local_grads):  # noqa: B905  # as it is there
                child.grad += local * node.grad


# --- the network: no biases, RMS norm without weights ---------------------------------------------
def parameters(leaf: Callable[[float], Any], tokens: int) -> dict[str, Matrix]:
    """The same numbers for every kind of leaf."""
    rng = random.Random(7)
    shapes = {
        "token": (VOCABULARY, WIDTH),
        "position": (tokens, WIDTH),
        **dict.fromkeys(("query", "key", "value", "project"), (WIDTH, WIDTH)),
        "up": (4 * WIDTH, WIDTH),
        "down": (WIDTH, 4 * WIDTH),
        "scores": (VOCABULARY, WIDTH),
    }
    return {
        name: [[leaf(rng.gauss(0.0, 0.2)) for _ in range(width)] for _ in range(count)]
        for name, (count, width) in shapes.items()
    }


def linear(matrix: Matrix, xs: Vector) -> Vector:
    return [sum(w * x for w, x in zip(row, xs, strict=True)) for row in matrix]


def softmax(xs: Vector) -> Vector:
    largest = max(x.data for x in xs)
    exps = [(x - largest).exp() for x in xs]
    total = sum(exps)
    return [e / total for e in exps]


def norm(xs: Vector) -> Vector:
    scale = (sum(x * x for x in xs) / len(xs) + 1e-5) ** -0.5
    return [x * scale for x in xs]


def attend(
    query: Vector, keys: Matrix, values: Matrix, softmax: Callable[[Vector], Vector]
) -> Vector:
    """What each head reads from the tokens up to this one."""
    read = []
    for h in range(0, WIDTH, HEAD):
        ours = slice(h, h + HEAD)
        weights = softmax(
            [
                sum(q * k for q, k in zip(query[ours], key[ours], strict=True)) / HEAD**0.5
                for key in keys
            ]
        )
        read += [
            sum(w * v for w, v in zip(weights, column, strict=True))
            for column in zip(*(value[ours] for value in values), strict=True)
        ]
    return read


def loss_of(
    net: dict[str, Matrix],
    tokens: Sequence[Any],
    item: Callable[[Any, Any], Any] = getitem,
    softmax: Callable[[Vector], Vector] = softmax,
) -> Any:
    """The mean cross-entropy of each next token, with the functions that pick and share."""
    keys: Matrix = []
    values: Matrix = []
    losses = []
    for at, (token, target) in enumerate(pairwise(tokens)):
        embedded = zip(item(net["token"], token), net["position"][at], strict=True)
        x = norm([t + p for t, p in embedded])
        inner = norm(x)
        keys.append(linear(net["key"], inner))
        values.append(linear(net["value"], inner))
        read = attend(linear(net["query"], inner), keys, values, softmax)
        x = [a + b for a, b in zip(x, linear(net["project"], read), strict=True)]
        hidden = [h.relu() for h in linear(net["up"], norm(x))]
        x = [a + b for a, b in zip(x, linear(net["down"], hidden), strict=True)]
        losses.append(-item(softmax(linear(net["scores"], x)), target).log())
    return sum(losses) / len(losses)


def contender(system: str, count: int = 8) -> Contender:
    """One row of so many tokens: the graph, its gradients, and these set back to 0."""
    rng = random.Random(3)
    tokens = [rng.randrange(VOCABULARY) for _ in range(count + 1)]
    net = parameters(BareValue if system == BARE else leaf_of(system), count)
    leaves = [p for matrix in net.values() for row in matrix for p in row]

    def gradients() -> Any:
        for p in leaves:
            p.grad = 0.0
        loss = loss_of(net, tokens)
        loss.backward()
        return loss

    return Contender(system, gradients, lambda: [gradients().data, *(p.grad for p in leaves)])


def measure_gpt(effort: Effort) -> list[Row]:
    result = race([contender(system) for system in (GRADWALK, BARE)], effort)
    return rows_of("gpt T=8, one row: build, backward", result, {BARE: 1.0})
