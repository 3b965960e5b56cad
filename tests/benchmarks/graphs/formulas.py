"""Formulas of statistics, finance and optimisation, and a tree of decisions."""

from itertools import pairwise
from math import pi
from typing import Any

from engine import Value, erf, exp, log, sqrt, where
from tests.benchmarks.graphs.graph import Graph, Weights, curved, gradients, inputs, split
from tests.benchmarks.systems import load

__all__ = ["black_scholes", "mixture", "rosenbrock", "tree"]


def mixture(parts: int = 8, features: int = 3) -> Graph:
    """How unlikely a point is under a mixture of normal distributions, by all their parameters."""
    xs, weights = inputs(features), Weights()
    logits, means = weights.vector(parts), weights.matrix(parts, features)
    spreads = weights.matrix(parts, features)  # their logarithms
    powers = [exp(w) for w in logits]
    total: Any = sum(powers)
    chance: Any = 0.0
    for power, mean, spread in zip(powers, means, spreads, strict=True):
        each = zip(xs, mean, spread, strict=True)
        near = exp(sum(-0.5 * ((x - m) / exp(s)) ** 2 - s for x, m, s in each))
        chance = chance + power / total * near

    def jax(x: Any, theta: Any) -> Any:
        jnp, shape = load("jax").numpy, (parts, features)
        logits, means, spreads = split(theta, (parts,), shape, shape)
        squares = -0.5 * ((x - means) / jnp.exp(spreads)) ** 2 - spreads
        shares = load("jax").nn.softmax(logits)
        return -jnp.log(shares @ jnp.exp(squares.sum(axis=1))) + 0.5 * features * jnp.log(2.0 * pi)

    scale = 0.5 * features * log(2.0 * pi)
    return gradients(xs, weights.all, -log(chance) + scale, jax)


def black_scholes() -> Graph:
    """The price of an option, and its greeks of first and second order."""
    xs = [Value(0.5, name) for name in ("spot", "strike", "rate", "volatility", "years")]

    def price(xs: Any, log: Any = log, exp: Any = exp, sqrt: Any = sqrt, erf: Any = erf) -> Any:
        spot, strike, rate, volatility, years = xs
        spread = volatility * sqrt(years)
        high = (log(spot / strike) + (rate + 0.5 * volatility * volatility) * years) / spread

        def normal(z: Any) -> Any:
            return 0.5 * (1.0 + erf(z / 2.0**0.5))

        return spot * normal(high) - strike * exp(-rate * years) * normal(high - spread)

    def jax(x: Any, _: Any) -> Any:
        jnp, erf = load("jax").numpy, load("jax").scipy.special.erf
        return price(x, jnp.log, jnp.exp, jnp.sqrt, erf)

    return curved(xs, price(xs), jax)


def rosenbrock(n: int = 30) -> Graph:
    """Its Hessian, which has three diagonals."""
    xs = inputs(n)
    value: Any = sum(100.0 * (b - a * a) ** 2 + (1.0 - a) ** 2 for a, b in pairwise(xs))

    def jax(x: Any, _: Any) -> Any:
        return (100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2).sum()

    return curved(xs, value, jax)


def tree(depth: int = 6, features: int = 4) -> Graph:
    """Decisions one below another, each on an input; in a leaf, a line."""
    xs, weights = inputs(features), Weights()
    count = 2**depth
    limits, leaves = weights.vector(count), weights.matrix(count, 2)
    for limit in limits:
        limit.data += 0.5  # where the inputs are

    def below(node: int, xs: Any, limits: Any, leaves: Any, where: Any) -> Any:
        x = xs[node % features]
        if node >= count:
            slope, start = leaves[node - count]
            return slope * x + start
        left, right = [below(2 * node + k, xs, limits, leaves, where) for k in range(2)]
        return where(x > limits[node], left, right)

    def jax(x: Any, theta: Any) -> Any:
        limits, leaves = split(theta, (count,), (count, 2))
        return below(1, x, limits, leaves, load("jax").numpy.where) ** 2

    return gradients(xs, weights.all, below(1, xs, limits, leaves, where) ** 2, jax)
