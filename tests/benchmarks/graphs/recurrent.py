"""Networks that are the same step over and over."""

from typing import Any

from engine import Value, sigmoid, tanh
from tests.benchmarks.graphs.graph import Graph, Weights, affine, gradients, inputs, neuron, split
from tests.benchmarks.systems import load

__all__ = ["chain", "gru", "lstm", "rnn"]

WIDTH, FEATURES = 16, 4


def _shapes(width: int, gates: int) -> list[tuple[int, ...]]:
    """Of the weights of a step, and of the neuron at the end."""
    return gates * [(width, width + FEATURES), (width,)] + [(width,)]


def _gates(many: int, width: int) -> tuple[Weights, list[Any], list[Value]]:
    """Weights of so many sums of a step, and of the neuron at the end."""
    weights = Weights()
    gates = [(weights.matrix(width, width + FEATURES), weights.vector(width)) for _ in range(many)]
    return weights, gates, weights.vector(width)


def rnn(steps: int, width: int = WIDTH) -> Graph:
    xs, (weights, [gate], out) = inputs(steps * FEATURES), _gates(1, width)
    h: list[Any] = [Value(0.0)] * width
    for t in range(steps):
        h = [tanh(z) for z in affine(*gate, [*h, *xs[t * FEATURES : (t + 1) * FEATURES]])]

    def jax(x: Any, theta: Any) -> Any:
        jnp, scan = load("jax").numpy, load("jax").lax.scan
        m, b, out = split(theta, *_shapes(width, 1))

        def step(h: Any, x: Any) -> Any:
            return jnp.tanh(m @ jnp.concatenate([h, x]) + b), None

        h, _ = scan(step, jnp.zeros(width), x.reshape(steps, FEATURES))
        return (h @ out) ** 2

    return gradients(xs, weights.all, neuron(out, h), jax)


def gru(steps: int, width: int = WIDTH) -> Graph:
    xs, (weights, [z, r, n], out) = inputs(steps * FEATURES), _gates(3, width)
    h: list[Any] = [Value(0.0)] * width
    for t in range(steps):
        x = xs[t * FEATURES : (t + 1) * FEATURES]
        update = [sigmoid(a) for a in affine(*z, [*h, *x])]
        reset = [sigmoid(a) for a in affine(*r, [*h, *x])]
        new = [tanh(a) for a in affine(*n, [*(a * b for a, b in zip(reset, h, strict=True)), *x])]
        h = [u * a + (1.0 - u) * b for u, a, b in zip(update, h, new, strict=True)]

    def jax(x: Any, theta: Any) -> Any:
        jnp, scan, sigma = load("jax").numpy, load("jax").lax.scan, load("jax").nn.sigmoid
        wz, bz, wr, br, wn, bn, out = split(theta, *_shapes(width, 3))

        def step(h: Any, x: Any) -> Any:
            hx = jnp.concatenate([h, x])
            u, r = sigma(wz @ hx + bz), sigma(wr @ hx + br)
            new = jnp.tanh(wn @ jnp.concatenate([r * h, x]) + bn)
            return u * h + (1.0 - u) * new, None

        h, _ = scan(step, jnp.zeros(width), x.reshape(steps, FEATURES))
        return (h @ out) ** 2

    return gradients(xs, weights.all, neuron(out, h), jax)


def lstm(steps: int, width: int = WIDTH) -> Graph:
    xs, (weights, gates, out) = inputs(steps * FEATURES), _gates(4, width)
    h: list[Any] = [Value(0.0)] * width
    c: list[Any] = [Value(0.0)] * width
    for t in range(steps):
        hx = [*h, *xs[t * FEATURES : (t + 1) * FEATURES]]
        i, f, o = [[sigmoid(a) for a in affine(*gate, hx)] for gate in gates[:3]]
        g = [tanh(a) for a in affine(*gates[3], hx)]
        c = [a * b + p * q for a, b, p, q in zip(f, c, i, g, strict=True)]
        h = [a * tanh(b) for a, b in zip(o, c, strict=True)]

    def jax(x: Any, theta: Any) -> Any:
        jnp, scan, sigma = load("jax").numpy, load("jax").lax.scan, load("jax").nn.sigmoid
        *parts, out = split(theta, *_shapes(width, 4))
        ws, bs = jnp.concatenate(parts[::2]), jnp.concatenate(parts[1::2])

        def step(state: Any, x: Any) -> Any:
            h, c = state
            i, f, o, g = jnp.split(ws @ jnp.concatenate([h, x]) + bs, 4)
            c = sigma(f) * c + sigma(i) * jnp.tanh(g)
            return (sigma(o) * jnp.tanh(c), c), None

        start = jnp.zeros(width), jnp.zeros(width)
        (h, _), _ = scan(step, start, x.reshape(steps, FEATURES))
        return (h @ out) ** 2

    return gradients(xs, weights.all, neuron(out, h), jax)


def chain(layers: int, width: int = WIDTH) -> Graph:
    """A deep chain of layers that share their weights."""
    xs, weights = inputs(width), Weights()
    w, b, out = weights.matrix(width, width), weights.vector(width), weights.vector(width)
    h: list[Any] = xs
    for _ in range(layers):
        h = [tanh(z) for z in affine(w, b, h)]

    def jax(x: Any, theta: Any) -> Any:
        jnp, scan = load("jax").numpy, load("jax").lax.scan
        m, b, out = split(theta, (width, width), (width,), (width,))
        h, _ = scan(lambda h, _: (jnp.tanh(m @ h + b), None), x, None, layers)
        return (h @ out) ** 2

    return gradients(xs, weights.all, neuron(out, h), jax)
