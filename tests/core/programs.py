"""Random programs: expressions with sharing, run on Values or on complex numbers.

A program is data. Its operations are chosen so that no value grows past 30 and none comes near a
kink, so an oracle may move the leaves a little.
"""

import cmath
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import add, mul, neg, sub
from typing import Any

from hypothesis import strategies as st

import engine
from engine import Value, topological

__all__ = ["ANALYTIC", "OPERATIONS", "SMOOTH", "Program", "path_sum", "programs"]


@dataclass(frozen=True)
class Program:
    """Leaves, and steps that each apply an operation to what is there; then a sum of loose ends."""

    leaves: tuple[float, ...]
    steps: tuple[tuple[str, tuple[int, ...]], ...]

    def step(self, k: int, nodes: Any, kind: int = 0) -> Any:
        """What step k makes of the nodes (a list or a dict) that it picks."""
        name, picks = self.steps[k]
        return OPERATIONS[name][kind](*(nodes[i] for i in picks))

    def finish(self, nodes: Sequence[Any], kind: int = 0) -> Any:
        """The output: the sum of the nodes that no step reads."""
        used = {i for _, picks in self.steps for i in picks}
        return OPERATIONS["sum"][kind](*(node for i, node in enumerate(nodes) if i not in used))

    def run(self, leaves: Sequence[Any], kind: int = 0, cut: int | None = None) -> list[Any]:
        """All nodes, the output last: on Values (kind 0) or on complex numbers (kind 1). The node
        at `cut` is a leaf with the same number instead.
        """
        nodes = list(leaves)
        for k in range(len(self.steps)):
            node = self.step(k, nodes, kind)
            nodes.append(node.detach() if len(nodes) == cut else node)
        return [*nodes, self.finish(nodes, kind)]

    def values(self, cut: int | None = None) -> list[Value]:
        """All nodes as fresh Values, the output last."""
        return self.run([Value(x) for x in self.leaves], cut=cut)


# --- operations on complex numbers: those of a real function, continued --------------------------
def _sigmoid(z: complex) -> complex:
    return 1 / (1 + cmath.exp(-z))


def _softplus(z: complex) -> complex:
    return cmath.log(1 + cmath.exp(z))


def _logsumexp(*zs: complex) -> complex:
    return cmath.log(sum(map(cmath.exp, zs)))


def _dot(*zs: complex) -> complex:
    n = len(zs) // 2
    return sum(map(mul, zs[:n], zs[n : 2 * n])) + sum(zs[2 * n :])


def _extreme(choose: Callable[..., float]) -> Callable[..., complex]:
    def answer(*zs: complex) -> complex:
        best = choose(z.real for z in zs)
        tied = [z for z in zs if z.real == best]
        return sum(tied) / len(tied)

    return answer


def _dot_values(*xs: Value) -> Value:
    n = len(xs) // 2
    return engine.dot(xs[:n], xs[n : 2 * n], *xs[2 * n :])


# name: the operation on Values, and on complex numbers (None where cmath has no such function).
OPERATIONS: dict[str, tuple[Callable[..., Any], Any]] = {
    "add": (add, add),
    "sub": (sub, sub),
    "mul": (mul, mul),
    "neg": (neg, neg),
    "div": (lambda a, b: a / (b * b + 0.5), lambda a, b: a / (b * b + 0.5)),
    "reciprocal": (lambda a: 2 / (a * a + 1), lambda a: 2 / (a * a + 1)),
    "square": (lambda a: a**2, lambda a: a * a),
    "self_product": (lambda a: a * a, lambda a: a * a),
    "twice": (lambda a: a + a, lambda a: a + a),
    "cube": (lambda a: a**3, lambda a: a * a * a),
    "affine": (lambda a: 1.5 - a * 0.25, lambda a: 1.5 - a * 0.25),
    "inverse_root": (lambda a: (1 + a * a) ** -0.5, lambda a: 1 / cmath.sqrt(1 + a * a)),
    "power": (lambda a, b: (a * a + 1) ** b, lambda a, b: cmath.exp(b * cmath.log(a * a + 1))),
    "exponential": (lambda a: 2**a, lambda a: cmath.exp(cmath.log(2) * a)),
    "exp": (engine.exp, cmath.exp),
    "expm1": (engine.expm1, lambda z: cmath.exp(z) - 1),
    "log": (lambda a: engine.log(a * a + 0.25), lambda a: cmath.log(a * a + 0.25)),
    "log1p": (lambda a: engine.log1p(a * a), lambda a: cmath.log(1 + a * a)),
    "sqrt": (lambda a: engine.sqrt(a * a + 0.5), lambda a: cmath.sqrt(a * a + 0.5)),
    "sin": (engine.sin, cmath.sin),
    "cos": (engine.cos, cmath.cos),
    "tan": (lambda a: engine.tan(a.tanh()), lambda a: cmath.tan(cmath.tanh(a))),
    "tanh": (engine.tanh, cmath.tanh),
    "sigmoid": (engine.sigmoid, _sigmoid),
    "softplus": (engine.softplus, _softplus),
    "silu": (engine.silu, lambda z: z * _sigmoid(z)),
    "gelu_tanh": (
        engine.gelu_tanh,
        lambda z: z * _sigmoid(2 * cmath.sqrt(2 / cmath.pi) * (z + 0.044715 * z * z * z)),
    ),
    "gelu": (engine.gelu, None),
    "logits": (
        lambda x, t: engine.binary_cross_entropy_with_logits(x, t.sigmoid()),
        lambda x, t: _sigmoid(t) * _softplus(-x) + (1 - _sigmoid(t)) * _softplus(x),
    ),
    "entropy": (
        lambda p, t: engine.binary_cross_entropy(0.9 * p.sigmoid() + 0.05, t.sigmoid()),
        None,
    ),
    "sum": (lambda *xs: engine.sum(xs), lambda *zs: sum(zs)),
    "dot": (_dot_values, _dot),
    "logsumexp": (lambda *xs: engine.logsumexp(xs), _logsumexp),
    "softmax": (
        lambda *xs: engine.softmax(xs, index=0),
        lambda *zs: cmath.exp(zs[0]) / sum(map(cmath.exp, zs)),
    ),
    "log_softmax": (
        lambda *xs: engine.log_softmax(xs, index=len(xs) - 1),
        lambda *zs: zs[-1] - _logsumexp(*zs),
    ),
    "abs": (abs, lambda z: z if z.real > 0 else -z),
    "relu": (engine.relu, lambda z: z if z.real > 0 else 0 * z),
    "leaky_relu": (engine.leaky_relu, lambda z: z if z.real > 0 else 0.01 * z),
    "elu": (engine.elu, lambda z: z if z.real > 0 else cmath.exp(z) - 1),
    "hypot": (engine.hypot, lambda a, b: cmath.sqrt(a * a + b * b)),
    "clamp": (
        lambda a: engine.clamp(a, -1.0, 1.25),
        lambda z: z if -1 < z.real < 1.25 else -1.0 if z.real < 0 else 1.25,
    ),
    "maximum": (engine.maximum, _extreme(max)),
    "minimum": (engine.minimum, _extreme(min)),
    "where": (
        lambda a, b: engine.where(a > b, a.sin(), b * b),
        lambda a, b: cmath.sin(a) if a.real > b.real else b * b,
    ),
}
ANALYTIC = [name for name, (_, on_complex) in OPERATIONS.items() if on_complex is not None]
N_ARY = {"sum", "dot", "logsumexp", "softmax", "log_softmax", "maximum", "minimum"}
BINARY = {"add", "sub", "mul", "div", "power", "logits", "entropy", "hypot", "where"}


def _gap(*xs: float) -> float:
    ordered = sorted(xs)
    return min((b - a for a, b in pairwise(ordered)), default=1.0)


# How far the different inputs of an operation are from a kink or a jump.
MARGINS: dict[str, Callable[..., float]] = {
    **dict.fromkeys(["abs", "relu", "leaky_relu", "elu"], abs),
    "hypot": lambda *xs: max(map(abs, xs)),
    "clamp": lambda x: min(abs(x + 1.0), abs(x - 1.25)),
    **dict.fromkeys(["maximum", "minimum", "where"], _gap),
}
SMOOTH = [name for name in ANALYTIC if name not in MARGINS]


@st.composite
def programs(draw: Any, names: Sequence[str] = ANALYTIC, steps: int = 12) -> Program:
    leaves = tuple(draw(st.lists(st.floats(-2.0, 2.0), min_size=1, max_size=4)))
    nodes: list[Value] = [Value(x) for x in leaves]
    taken: list[tuple[str, tuple[int, ...]]] = []
    for _ in range(draw(st.integers(1, steps))):
        name = draw(st.sampled_from(names))
        least, most = (1, 5) if name in N_ARY else (2, 2) if name in BINARY else (1, 1)
        index = st.integers(0, len(nodes) - 1)
        picks = tuple(draw(st.lists(index, min_size=least, max_size=most)))
        margin = MARGINS.get(name, lambda *_: 1.0)(*(nodes[i].data for i in set(picks)))
        result = OPERATIONS[name][0](*(nodes[i] for i in picks))
        if abs(result.data) > 30.0 or margin < 1e-3:
            name, picks = "sin", picks[:1]
            result = nodes[picks[0]].sin()
        taken.append((name, picks))
        nodes.append(result)
    return Program(leaves, tuple(taken))


def path_sum(output: Value) -> float:
    """The largest, over nodes, of the sum over paths of |products of local derivatives|: what
    rounding errors of gradients are to be measured by.
    """
    size = dict.fromkeys(topological(output), 0.0)
    size[output] = 1.0
    for node in reversed(list(size)):
        if node.op is not None and node.parents:
            partials = node.op.numeric(node.data, *(p.data for p in node.parents))
            for parent, local in zip(node.parents, partials, strict=True):
                size[parent] += size[node] * abs(local or 0.0)  # None by an exponent
    return max(size.values())
