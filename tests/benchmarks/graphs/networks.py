"""Networks in plain sums of products: wide, of many classes, over places and over pictures."""

from itertools import product
from typing import Any

from engine import Value, choose, exp, log_softmax, relu, tanh
from tests.benchmarks.graphs.graph import Graph, Weights, affine, gradients, inputs, neuron, split
from tests.benchmarks.systems import load

__all__ = ["attention", "classes", "convolution", "embedding", "pictures", "wide"]


def wide(width: int = 512, features: int = 16) -> Graph:
    """Two wide layers."""
    xs, weights, shapes = inputs(features), Weights(), [(width, features), (width, width)]
    h: list[Any] = xs
    for shape in shapes:
        h = [relu(z) for z in affine(weights.matrix(*shape), weights.vector(width), h)]
    out = weights.vector(width)

    def jax(x: Any, theta: Any) -> Any:
        first, b, second, c, out = split(theta, shapes[0], (width,), shapes[1], (width,), (width,))
        rectified = load("jax").nn.relu
        return (rectified(second @ rectified(first @ x + b) + c) @ out) ** 2

    return gradients(xs, weights.all, neuron(out, h), jax).over(mean=True)


def classes(many: int = 200, features: int = 16) -> Graph:
    """Which of many classes: a layer and its cross-entropy."""
    xs, weights = inputs(features), Weights()
    kind = Value(1.0, "class")
    scores = affine(weights.matrix(many, features), weights.vector(many), xs)

    def jax(x: Any, theta: Any) -> Any:
        m, b = split(theta, (many, features), (many,))
        return -load("jax").nn.log_softmax(m @ x[:-1] + b)[x[-1].astype(int)]

    found = gradients([*xs, kind], weights.all, -log_softmax(scores, kind), jax)
    return found.over(mean=True, classes=many)


def embedding(many: int = 200, width: int = 16) -> Graph:
    """A row of a table for each of many tokens, and a layer."""
    (token,), weights = inputs(1), Weights()
    table, w = weights.matrix(many, width), weights.matrix(width, width)
    b, out = weights.vector(width), weights.vector(width)
    h = [tanh(z) for z in affine(w, b, choose(token, table))]

    def jax(x: Any, theta: Any) -> Any:
        table, w, b, out = split(theta, (many, width), (width, width), (width,), (width,))
        return (load("jax").numpy.tanh(w @ table[x[0].astype(int)] + b) @ out) ** 2

    found = gradients([token], weights.all, neuron(out, h), jax)
    return found.over(mean=True, classes=many)


def convolution(places: int = 64, taps: int = 5, channels: int = 8) -> Graph:
    """In one dimension: filters at every place, their means, a neuron."""
    xs, weights = inputs(places), Weights()
    w, b, out = weights.matrix(channels, taps), weights.vector(channels), weights.vector(channels)
    many = places - taps + 1
    maps = [[tanh(z) for z in affine(w, b, xs[p : p + taps])] for p in range(many)]
    means = [sum(column, Value(0.0)) / many for column in zip(*maps, strict=True)]

    def jax(x: Any, theta: Any) -> Any:
        jnp = load("jax").numpy
        m, b, out = split(theta, (channels, taps), (channels,), (channels,))
        windows = jnp.stack([x[k : k + many] for k in range(taps)])
        return (jnp.tanh(m @ windows + b[:, None]).mean(axis=1) @ out) ** 2

    return gradients(xs, weights.all, neuron(out, means), jax)


def pictures(side: int = 12, taps: int = 3, channels: int = 6) -> Graph:
    """In two dimensions: filters at every place, the largest of each four, a neuron."""
    xs, weights, many = inputs(side * side), Weights(), side - taps + 1
    w, b = weights.matrix(channels, taps * taps), weights.vector(channels)
    out = weights.vector(channels * many * many)
    each = [(p, q) for p in range(taps) for q in range(taps)]
    maps = [
        relu(z)
        for i, j in product(range(many), repeat=2)
        for z in affine(w, b, [xs[(i + p) * side + j + q] for p, q in each])
    ]

    def jax(x: Any, theta: Any) -> Any:
        jnp = load("jax").numpy
        m, b, out = split(theta, (channels, taps * taps), (channels,), (len(maps),))
        x = x.reshape(side, side)
        windows = jnp.stack([x[p : p + many, q : q + many].ravel() for p, q in each])
        return (load("jax").nn.relu(windows.T @ m.T + b).ravel() @ out) ** 2

    return gradients(xs, weights.all, neuron(out, maps), jax)


def attention(places: int = 8, width: int = 16, heads: int = 4) -> Graph:
    """A block: each place reads from all, after a layer norm, and adds what it read to itself."""
    xs, weights, size = inputs(places * width), Weights(), width // heads
    scale, shift = weights.vector(width), weights.vector(width)
    maps = [weights.matrix(width, width) for _ in range(4)]
    out = weights.vector(width)
    rows = [xs[p * width : (p + 1) * width] for p in range(places)]
    normed = [_normed(row, scale, shift) for row in rows]
    query, key, value = [[[_product(w, x) for w in m] for x in normed] for m in maps[:3]]
    ends = []
    for p, row in enumerate(rows):
        read = list[Any]()
        for h in range(0, width, size):
            part = slice(h, h + size)
            powers = [exp(_product(query[p][part], k[part]) / size**0.5) for k in key]
            total = sum(powers)
            columns = zip(*[v[part] for v in value], strict=True)
            read += [_product([power / total for power in powers], column) for column in columns]
        ends.append([x + _product(m, read) for x, m in zip(row, maps[3], strict=True)])
    means = [sum(column) / places for column in zip(*ends, strict=True)]

    def jax(x: Any, theta: Any) -> Any:
        jnp = load("jax").numpy
        scale, shift, *maps, out = split(
            theta, (width,), (width,), *4 * ((width, width),), (width,)
        )
        x = x.reshape(places, width)
        off = x - x.mean(axis=1, keepdims=True)
        normed = off / jnp.sqrt((off * off).mean(axis=1, keepdims=True) + 1e-5) * scale + shift
        q, k, v = [(normed @ m.T).reshape(places, heads, size) for m in maps[:3]]
        shares = load("jax").nn.softmax(jnp.einsum("phd,shd->hps", q, k) / size**0.5)
        read = jnp.einsum("hps,shd->phd", shares, v).reshape(places, width)
        return ((x + read @ maps[3].T).mean(axis=0) @ out) ** 2

    return gradients(xs, weights.all, neuron(out, means), jax)


def _product(a: Any, b: Any) -> Any:
    return sum(x * y for x, y in zip(a, b, strict=True))


def _normed(xs: list[Any], scale: list[Value], shift: list[Value]) -> list[Any]:
    mean = sum(xs) / len(xs)
    spread = (sum((x - mean) ** 2 for x in xs) / len(xs) + 1e-5) ** 0.5
    return [(x - mean) / spread * a + b for x, a, b in zip(xs, scale, shift, strict=True)]
