"""What a row and a call cost where there is hardly anything to compute."""

from functools import partial
from typing import Any

import numpy as np

from engine import Value, gradient
from tests.benchmarks.expressions import tiny
from tests.benchmarks.harness import Contender, Effort, race
from tests.benchmarks.native.networks import Floats
from tests.benchmarks.native.steps import program
from tests.benchmarks.report import Row, bound, duration, rows_of
from tests.benchmarks.systems import GRADWALK, HIPS, JAX, TORCH, installed, load

__all__ = ["TINY", "measure_calls", "measure_tiny_rows"]

COUNT = 100_000
PROMISES = 10.0, 3.0  # nanoseconds a row, microseconds a call


def data(count: int) -> Floats:
    """Values of a and b about those of the expression."""
    return np.random.default_rng(7).normal((-41.0, 2.0), 0.5, (count, 2))


def measure_tiny_rows(effort: Effort) -> list[Row]:
    """The expression and both its derivatives, for every row."""
    rows = data(COUNT)
    result = race([TINY[s](rows) for s in installed(TINY)], effort)
    each = result.median(GRADWALK) / len(rows)
    name = f"tiny, {COUNT:,} rows"
    return [
        *rows_of(f"{name}: value and 2 gradients", result, {}),
        Row(f"{name}: a row", duration(each), "", "", bound(1e9 * each, PROMISES[0], " ns")),
    ]


def measure_calls(effort: Effort) -> list[Row]:
    """One operation on one row: what is left is the call."""
    result = race([CALLS[s]() for s in installed(CALLS)], effort)
    taken = result.median(GRADWALK)
    return [
        *rows_of("a call: 1 operation, 1 row", result, {}),
        Row("a call", duration(taken), "", "", bound(1e6 * taken, PROMISES[1], " us")),
    ]


def gradwalk_tiny(rows: Floats) -> Contender:
    a, b = Value(-41.0, "a"), Value(2.0, "b")
    value = tiny(a, b)
    run = partial(program(inputs=[a, b], outputs=[value, *gradient(value, [a, b])]), rows)
    return Contender(GRADWALK, run, lambda: np.asarray(run()).ravel().tolist())


def torch_tiny(rows: Floats) -> Contender:
    torch = load("torch")
    a, b = (torch.tensor(x, requires_grad=True) for x in rows.T)

    def run() -> Any:
        value = tiny(a, b)
        return value, *torch.autograd.grad(value.sum(), (a, b))

    return Contender(TORCH, run, lambda: torch.stack(run(), dim=1).flatten().tolist())


def jax_tiny(rows: Floats) -> Contender:
    jax = load("jax")
    step = jax.jit(jax.vmap(jax.value_and_grad(tiny, argnums=(0, 1))))
    a, b = jax.device_put(tuple(np.ascontiguousarray(rows.T)))

    def run() -> Any:
        return jax.block_until_ready(step(a, b))

    def answer() -> list[float]:
        value, (da, db) = run()
        return list(np.column_stack([value, da, db]).ravel().tolist())

    return Contender(JAX, run, answer)


def hips_tiny(rows: Floats) -> Contender:
    both = load("autograd").make_vjp(lambda ab: tiny(ab[0], ab[1]))
    columns = np.ascontiguousarray(rows.T)

    def run() -> Any:
        backward, value = both(columns)
        return value, backward(np.ones(len(rows)))

    def answer() -> list[float]:
        value, gradients = run()
        return list(np.column_stack([value, gradients.T]).ravel().tolist())

    return Contender(HIPS, run, answer)


def gradwalk_call() -> Contender:
    x = Value(3.0, "x")
    run = partial(program(inputs=[x], outputs=[x * 2.0]), np.array([[3.0]]))
    return Contender(GRADWALK, run, lambda: np.asarray(run()).ravel().tolist())


def jax_call() -> Contender:
    jax = load("jax")
    double, x = jax.jit(lambda x: x * 2.0), jax.device_put(np.array([[3.0]]))
    run = lambda: jax.block_until_ready(double(x))  # noqa: E731
    return Contender(JAX, run, lambda: np.asarray(run()).ravel().tolist())


TINY = {GRADWALK: gradwalk_tiny, TORCH: torch_tiny, JAX: jax_tiny, HIPS: hips_tiny}
CALLS = {GRADWALK: gradwalk_call, JAX: jax_call}
