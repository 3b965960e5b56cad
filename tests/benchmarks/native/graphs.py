"""Graphs that repeat: recurrent networks, filters, solvers, deep chains. Of each, what it takes to
compile and what a row takes, alone and among many.

Each is written as people write scalars, step after step. JAX, where it is there, has its arrays
written by hand and its loops as `scan`.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np

from engine import Value, cos, dot, gradient, sigmoid, sin, tanh
from tests.benchmarks.harness import Contender, Effort, race
from tests.benchmarks.native.steps import program
from tests.benchmarks.report import Row, duration, rows_of
from tests.benchmarks.systems import GRADWALK, JAX, installed, load

__all__ = ["GRAPHS", "Graph", "measure_graphs"]

COUNTS = (1, 100, 10_000)  # rows
Matrix = list[list[Value]]


@dataclass(frozen=True)
class Graph:
    """What is computed of a row: `outputs` of its inputs and of parameters.

    Attributes:
        jax: of arrays of the inputs and of the parameters, the first output.
    """

    inputs: list[Value]
    parameters: list[Value]
    outputs: list[Value]
    jax: Callable[[Any, Any], Any] | None = None

    def rows(self, count: int) -> Any:
        return np.random.default_rng(7).uniform(0.1, 0.9, (count, len(self.inputs)))


def graph_of(inputs: list[Value], parameters: list[Value], loss: Value, jax: Any = None) -> Graph:
    """The loss and its gradients by all parameters."""
    return Graph(inputs, parameters, [loss, *gradient(loss, parameters)], jax)


class _Weights:
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


def _inputs(n: int) -> list[Value]:
    return [Value(0.1 + 0.8 * ((k * 37 % 101) / 101), f"x{k}") for k in range(n)]


def _affine(matrix: Matrix, bias: Sequence[Value], xs: Sequence[Value]) -> list[Value]:
    return [dot(row, xs) + b for row, b in zip(matrix, bias, strict=True)]


# --- recurrent networks ---------------------------------------------------------------------------
def rnn(steps: int, width: int = 16, features: int = 4) -> Graph:
    xs, weights = _inputs(steps * features), _Weights()
    w, b, out = (
        weights.matrix(width, width + features),
        weights.vector(width),
        weights.vector(width),
    )
    h: list[Any] = [Value(0.0)] * width
    for t in range(steps):
        h = [tanh(z) for z in _affine(w, b, [*h, *xs[t * features : (t + 1) * features]])]

    def jax(x: Any, theta: Any) -> Any:
        jnp, scan = load("jax").numpy, load("jax").lax.scan
        m = theta[: width * (width + features)].reshape(width, width + features)
        rest = theta[m.size :]

        def step(h: Any, x: Any) -> Any:
            return jnp.tanh(m @ jnp.concatenate([h, x]) + rest[:width]), None

        h, _ = scan(step, jnp.zeros(width), x.reshape(steps, features))
        return (h @ rest[width:]) ** 2

    return graph_of(xs, weights.all, dot(out, h) ** 2, jax)


def gru(steps: int, width: int = 16, features: int = 4) -> Graph:
    xs, weights = _inputs(steps * features), _Weights()
    z, r, n = [(weights.matrix(width, width + features), weights.vector(width)) for _ in range(3)]
    out = weights.vector(width)
    h: list[Any] = [Value(0.0)] * width
    for t in range(steps):
        x = xs[t * features : (t + 1) * features]
        update = [sigmoid(a) for a in _affine(*z, [*h, *x])]
        reset = [sigmoid(a) for a in _affine(*r, [*h, *x])]
        new = [tanh(a) for a in _affine(*n, [*(a * b for a, b in zip(reset, h, strict=True)), *x])]
        h = [u * a + (1.0 - u) * b for u, a, b in zip(update, h, new, strict=True)]

    def jax(x: Any, theta: Any) -> Any:
        jnp, scan, sigma = load("jax").numpy, load("jax").lax.scan, load("jax").nn.sigmoid
        size = width * (width + features)
        parts = [theta[k * (size + width) :][: size + width] for k in range(3)]
        (wz, bz), (wr, br), (wn, bn) = [
            (p[:size].reshape(width, width + features), p[size:]) for p in parts
        ]

        def step(h: Any, x: Any) -> Any:
            hx = jnp.concatenate([h, x])
            u, r = sigma(wz @ hx + bz), sigma(wr @ hx + br)
            new = jnp.tanh(wn @ jnp.concatenate([r * h, x]) + bn)
            return u * h + (1.0 - u) * new, None

        h, _ = scan(step, jnp.zeros(width), x.reshape(steps, features))
        return (h @ theta[3 * (size + width) :]) ** 2

    return graph_of(xs, weights.all, dot(out, h) ** 2, jax)


def lstm(steps: int, width: int = 16, features: int = 4) -> Graph:
    xs, weights = _inputs(steps * features), _Weights()
    gates = [(weights.matrix(width, width + features), weights.vector(width)) for _ in range(4)]
    out = weights.vector(width)
    h: list[Any] = [Value(0.0)] * width
    c: list[Any] = [Value(0.0)] * width
    for t in range(steps):
        hx = [*h, *xs[t * features : (t + 1) * features]]
        i, f, o = [[sigmoid(a) for a in _affine(*gate, hx)] for gate in gates[:3]]
        g = [tanh(a) for a in _affine(*gates[3], hx)]
        c = [a * b + p * q for a, b, p, q in zip(f, c, i, g, strict=True)]
        h = [a * tanh(b) for a, b in zip(o, c, strict=True)]

    def jax(x: Any, theta: Any) -> Any:
        jnp, scan, sigma = load("jax").numpy, load("jax").lax.scan, load("jax").nn.sigmoid
        size = width * (width + features)
        parts = [theta[k * (size + width) :][: size + width] for k in range(4)]
        ws = jnp.concatenate([p[:size].reshape(width, width + features) for p in parts])
        bs = jnp.concatenate([p[size:] for p in parts])

        def step(state: Any, x: Any) -> Any:
            h, c = state
            i, f, o, g = jnp.split(ws @ jnp.concatenate([h, x]) + bs, 4)
            c = sigma(f) * c + sigma(i) * jnp.tanh(g)
            return (sigma(o) * jnp.tanh(c), c), None

        start = jnp.zeros(width), jnp.zeros(width)
        (h, _), _ = scan(step, start, x.reshape(steps, features))
        return (h @ theta[4 * (size + width) :]) ** 2

    return graph_of(xs, weights.all, dot(out, h) ** 2, jax)


def chain(layers: int, width: int = 16) -> Graph:
    """A deep chain of layers that share their weights."""
    xs, weights = _inputs(width), _Weights()
    w, b, out = weights.matrix(width, width), weights.vector(width), weights.vector(width)
    h: list[Any] = xs
    for _ in range(layers):
        h = [tanh(z) for z in _affine(w, b, h)]

    def jax(x: Any, theta: Any) -> Any:
        jnp, scan = load("jax").numpy, load("jax").lax.scan
        m, rest = theta[: width * width].reshape(width, width), theta[width * width :]
        h, _ = scan(lambda h, _: (jnp.tanh(m @ h + rest[:width]), None), x, None, layers)
        return (h @ rest[width:]) ** 2

    return graph_of(xs, weights.all, dot(out, h) ** 2, jax)


def convolution(places: int = 64, taps: int = 5, channels: int = 8) -> Graph:
    """In one dimension: filters at every place, their means, a neuron."""
    xs, weights = _inputs(places), _Weights()
    w, b, out = weights.matrix(channels, taps), weights.vector(channels), weights.vector(channels)
    many = places - taps + 1
    maps = [[tanh(z) for z in _affine(w, b, xs[p : p + taps])] for p in range(many)]
    means = [dot([1.0 / many] * many, column) for column in zip(*maps, strict=True)]

    def jax(x: Any, theta: Any) -> Any:
        jnp = load("jax").numpy
        m, rest = theta[: channels * taps].reshape(channels, taps), theta[channels * taps :]
        windows = jnp.stack([x[k : k + many] for k in range(taps)])
        means = jnp.tanh(m @ windows + rest[:channels, None]).mean(axis=1)
        return (means @ rest[channels:]) ** 2

    return graph_of(xs, weights.all, dot(out, means) ** 2, jax)


# --- solvers and filters, in plain arithmetic -----------------------------------------------------
def pendulum(steps: int, h: float = 0.02, g: float = 9.81) -> Graph:
    """A double pendulum by Runge-Kutta's method of order 4: where it is at the end, by its start
    and its two lengths.
    """
    start, lengths = _inputs(4), [Value(1.0, "l1"), Value(0.7, "l2")]

    def slope(state: Any, lengths: Any, sin: Any = sin, cos: Any = cos) -> list[Any]:
        (a, b, u, v), (l1, l2) = state, lengths
        s, c = sin(a - b), cos(a - b)
        below = 2.0 - c * c
        du = (g * sin(b) * c - s * (l1 * u * u * c + l2 * v * v) - 2.0 * g * sin(a)) / (l1 * below)
        dv = (2.0 * (l1 * u * u * s - g * sin(b) + g * sin(a) * c) + l2 * v * v * s * c) / (
            l2 * below
        )
        return [u, v, du, dv]

    def step(state: Any, lengths: Any, **how: Any) -> list[Any]:
        k1 = slope(state, lengths, **how)
        k2 = slope([x + 0.5 * h * k for x, k in zip(state, k1, strict=True)], lengths, **how)
        k3 = slope([x + 0.5 * h * k for x, k in zip(state, k2, strict=True)], lengths, **how)
        k4 = slope([x + h * k for x, k in zip(state, k3, strict=True)], lengths, **how)
        each = zip(state, k1, k2, k3, k4, strict=True)
        return [x + h / 6.0 * (a + 2.0 * b + 2.0 * c + d) for x, a, b, c, d in each]

    state: Any = start
    for _ in range(steps):
        state = step(state, lengths)

    def jax(x: Any, theta: Any) -> Any:
        jnp, scan = load("jax").numpy, load("jax").lax.scan

        def turn(state: Any, _: Any) -> Any:
            return jnp.stack(step(list(state), list(theta), sin=jnp.sin, cos=jnp.cos)), None

        end, _ = scan(turn, x, None, steps)
        return end[0] * end[0] + end[1]

    return graph_of(start, lengths, state[0] * state[0] + state[1], jax)


def kalman(steps: int) -> Graph:
    """A filter of place and speed: how likely its readings are, by two variances."""
    readings, (q, r) = _inputs(steps), (Value(0.1, "q"), Value(0.5, "r"))

    def step(state: Any, reading: Any, q: Any, r: Any, log: Any) -> Any:
        x, v, a, b, c, total = state  # the covariance is ((a, b), (b, c))
        x, a, b, c = x + v, a + 2.0 * b + c + q, b + c, c + q
        s, error = a + r, reading - x
        k, m = a / s, b / s
        total = total + log(s) + error * error / s
        return x + k * error, v + m * error, a - k * a, b - k * b, c - m * b, total

    state: Any = (0.0, 0.0, 1.0, 0.0, 1.0, 0.0)
    for reading in readings:
        state = step(state, reading, q, r, load("engine").log)

    def jax(x: Any, theta: Any) -> Any:
        jnp, scan = load("jax").numpy, load("jax").lax.scan

        def turn(state: Any, reading: Any) -> Any:
            return jnp.stack(step(tuple(state), reading, *theta, log=jnp.log)), None

        end, _ = scan(turn, jnp.array([0.0, 0.0, 1.0, 0.0, 1.0, 0.0]), x)
        return end[5]

    return graph_of(readings, [q, r], state[5], jax)


def newton(iterations: int) -> Graph:
    """The x at which x**3 + p*x = c + sin(x), by the three coefficients."""
    (x0,), (p, c, s) = _inputs(1), (Value(1.5, "p"), Value(0.3, "c"), Value(0.2, "s"))

    def step(x: Any, p: Any, c: Any, s: Any, sin: Any, cos: Any) -> Any:
        return x - (x * x * x + p * x - c - s * sin(x)) / (3.0 * x * x + p - s * cos(x))

    x: Any = x0
    for _ in range(iterations):
        x = step(x, p, c, s, sin, cos)

    def jax(row: Any, theta: Any) -> Any:
        jnp, scan = load("jax").numpy, load("jax").lax.scan
        turn = partial(step, p=theta[0], c=theta[1], s=theta[2], sin=jnp.sin, cos=jnp.cos)
        return scan(lambda x, _: (turn(x), None), row[0], None, iterations)[0]

    return graph_of([x0], [p, c, s], x, jax)


GRAPHS: dict[str, Callable[[], Graph]] = {
    "rnn of 200 steps": lambda: rnn(200),
    "gru of 50 steps": lambda: gru(50),
    "lstm of 50 steps": lambda: lstm(50),
    "chain of 100 layers": lambda: chain(100),
    "convolution": convolution,
    "double pendulum, 100 steps": lambda: pendulum(100),
    "kalman filter, 100 steps": lambda: kalman(100),
    "newton, 50 iterations": lambda: newton(50),
}


# --- measuring ------------------------------------------------------------------------------------
def measure_graphs(effort: Effort) -> list[Row]:
    lines: list[Row] = []
    for name, make in GRAPHS.items():
        start = perf_counter()
        graph = make()
        recorded = perf_counter()
        run = program(inputs=graph.inputs, outputs=graph.outputs, parameters=graph.parameters)
        run(graph.rows(1))
        compiled = perf_counter()
        theirs, step = "", None
        if installed([JAX]) and graph.jax is not None:
            step = _jax_step(graph)
            begin = perf_counter()
            step(graph.rows(1))
            theirs = f"{JAX} {duration(perf_counter() - begin)}"
        note = f"and {duration(recorded - start)} to record it and its gradient"
        lines.append(Row(f"{name}: compile", duration(compiled - recorded), theirs, note, ""))
        for count in COUNTS:
            lines += _measure(name, graph, run, step, count, effort)
    return lines


def _measure(name: str, graph: Graph, run: Any, step: Any, count: int, effort: Effort) -> list[Row]:
    rows = graph.rows(count)
    out = np.empty((count, len(graph.outputs)))
    ours = Contender(GRADWALK, lambda: run(rows, out=out), lambda: run(rows).sum(axis=0).tolist())
    contenders = [ours]
    if step is not None:
        contenders.append(Contender(JAX, lambda: step(rows), lambda: _sums(step(rows))))
    found = race(contenders, effort)
    if len(contenders) == 1:
        return [Row(f"{name} N={count}", duration(found.median(GRADWALK)), "", "", "")]
    return rows_of(f"{name} N={count}", found, {})


def _jax_step(graph: Graph) -> Callable[[Any], Any]:
    jax = load("jax")
    theta = np.array([p.data for p in graph.parameters])
    one = jax.value_and_grad(lambda theta, x: graph.jax(x, theta))
    step = jax.jit(jax.vmap(one, in_axes=(None, 0)))
    return lambda rows: jax.block_until_ready(step(theta, rows))


def _sums(answer: Any) -> list[float]:
    value, gradients = answer
    return [float(value.sum()), *np.asarray(gradients).sum(axis=0).tolist()]
