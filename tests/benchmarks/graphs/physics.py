"""Solvers and filters in plain arithmetic, step after step. Most of a step is written once, for
Values and for JAX.
"""

from collections.abc import Callable
from functools import partial
from itertools import combinations
from typing import Any

from engine import Value, cos, log, sin, sqrt
from tests.benchmarks.graphs.graph import Graph, gradients, inputs
from tests.benchmarks.systems import load

__all__ = ["kalman", "nbody", "newton", "pendulum"]

State = list[Any]


def runge_kutta(slope: Callable[[State], State], state: State, h: float) -> State:
    """A step of order 4."""
    k1 = slope(state)
    k2 = slope([x + 0.5 * h * k for x, k in zip(state, k1, strict=True)])
    k3 = slope([x + 0.5 * h * k for x, k in zip(state, k2, strict=True)])
    k4 = slope([x + h * k for x, k in zip(state, k3, strict=True)])
    each = zip(state, k1, k2, k3, k4, strict=True)
    return [x + h / 6.0 * (a + 2.0 * b + 2.0 * c + d) for x, a, b, c, d in each]


def _swing(state: State, lengths: Any, sin: Any = sin, cos: Any = cos) -> State:
    """How the two angles and their speeds change."""
    (a, b, u, v), (l1, l2), g = state, lengths, 9.81
    s, c = sin(a - b), cos(a - b)
    below = 2.0 - c * c
    du = (g * sin(b) * c - s * (l1 * u * u * c + l2 * v * v) - 2.0 * g * sin(a)) / (l1 * below)
    dv = 2.0 * (l1 * u * u * s - g * sin(b) + g * sin(a) * c) + l2 * v * v * s * c
    return [u, v, du, dv / (l2 * below)]


def pendulum(steps: int, h: float = 0.02) -> Graph:
    """A double one by Runge and Kutta: where it is at the end, by its two lengths."""
    start, lengths = inputs(4), [Value(1.0, "l1"), Value(0.7, "l2")]
    state: State = [*start]
    for _ in range(steps):
        state = runge_kutta(partial(_swing, lengths=lengths), state, h)

    def jax(x: Any, theta: Any) -> Any:
        jnp, scan = load("jax").numpy, load("jax").lax.scan
        slope = partial(_swing, lengths=theta, sin=jnp.sin, cos=jnp.cos)

        def turn(state: Any, _: None) -> Any:
            return jnp.stack(runge_kutta(slope, [*state], h)), None

        end, _ = scan(turn, x, None, steps)
        return end[0] * end[0] + end[1]

    return gradients(start, lengths, state[0] * state[0] + state[1], jax)


def _pull(state: State, masses: list[Value]) -> State:
    """How the places and the speeds of bodies in a plane change; first all x, then all y."""
    n = len(masses)
    x, y, speeds = state[:n], state[n : 2 * n], state[2 * n :]
    ax, ay = [[0.0 * m for m in masses] for _ in range(2)]
    for i, j in combinations(range(n), 2):
        dx, dy = x[j] - x[i], y[j] - y[i]
        square = dx * dx + dy * dy + 0.01
        pull = 1.0 / (square * sqrt(square))
        ax[i], ay[i] = ax[i] + masses[j] * pull * dx, ay[i] + masses[j] * pull * dy
        ax[j], ay[j] = ax[j] - masses[i] * pull * dx, ay[j] - masses[i] * pull * dy
    return [*speeds, *ax, *ay]


def nbody(steps: int, bodies: int = 5, h: float = 0.01) -> Graph:
    """Bodies that attract each other: where they are at the end, by their masses."""
    start, masses = inputs(4 * bodies), [Value(0.5 + 0.1 * k, f"m{k}") for k in range(bodies)]
    state: State = [*start]
    for _ in range(steps):
        state = runge_kutta(partial(_pull, masses=masses), state, h)

    def jax(x: Any, theta: Any) -> Any:
        jnp, scan = load("jax").numpy, load("jax").lax.scan

        def slope(state: State) -> State:
            places, speeds = state
            apart = places[:, None, :] - places[:, :, None]
            square = (apart * apart).sum(axis=0) + 0.01
            return [speeds, (apart * (theta / (square * jnp.sqrt(square)))).sum(axis=2)]

        def turn(state: Any, _: None) -> Any:
            return jnp.stack(runge_kutta(slope, [*state], h)), None

        end, _ = scan(turn, x.reshape(2, 2, bodies), None, steps)
        return (end[0] * end[0]).sum()

    return gradients(start, masses, sum(x * x for x in state[: 2 * bodies]), jax)


def kalman(steps: int) -> Graph:
    """A filter of place and speed: how likely its readings are, by two variances."""
    readings, (q, r) = inputs(steps), (Value(0.1, "q"), Value(0.5, "r"))

    def step(state: Any, reading: Any, q: Any, r: Any, log: Any = log) -> Any:
        x, v, a, b, c, total = state  # the covariance is ((a, b), (b, c))
        x, a, b, c = x + v, a + 2.0 * b + c + q, b + c, c + q
        s, error = a + r, reading - x
        k, m = a / s, b / s
        total = total + log(s) + error * error / s
        return x + k * error, v + m * error, a - k * a, b - k * b, c - m * b, total

    begin = 0.0, 0.0, 1.0, 0.0, 1.0, 0.0
    state: Any = begin
    for reading in readings:
        state = step(state, reading, q, r)

    def jax(x: Any, theta: Any) -> Any:
        jnp, scan = load("jax").numpy, load("jax").lax.scan

        def turn(state: Any, reading: Any) -> Any:
            return jnp.stack(step(state, reading, *theta, log=jnp.log)), None

        return scan(turn, jnp.array(begin), x)[0][5]

    return gradients(readings, [q, r], state[5], jax)


def newton(iterations: int) -> Graph:
    """The x at which x**3 + p*x = c + sin(x), by the three coefficients."""
    (x0,), theta = inputs(1), [Value(1.5, "p"), Value(0.3, "c"), Value(0.2, "s")]

    def step(x: Any, theta: Any, sin: Any = sin, cos: Any = cos) -> Any:
        p, c, s = theta
        return x - (x * x * x + p * x - c - s * sin(x)) / (3.0 * x * x + p - s * cos(x))

    x: Any = x0
    for _ in range(iterations):
        x = step(x, theta)

    def jax(row: Any, theta: Any) -> Any:
        jnp, scan = load("jax").numpy, load("jax").lax.scan
        turn = partial(step, theta=theta, sin=jnp.sin, cos=jnp.cos)
        return scan(lambda x, _: (turn(x), None), row[0], None, iterations)[0]

    return gradients([x0], theta, x, jax)
