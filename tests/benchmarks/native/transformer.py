"""gpt: the mean cross-entropy of each next token of T, in plain sums of products and in arrays."""

from functools import partial
from time import perf_counter
from typing import Any

import numpy as np

from engine import Value, gradient, inputs, softmax
from tests.benchmarks.gpt import HEADS, VOCABULARY, WIDTH, loss_of, parameters
from tests.benchmarks.harness import Contender, Effort, race
from tests.benchmarks.native.networks import Floats
from tests.benchmarks.native.steps import program
from tests.benchmarks.report import Row, bound, duration, rows_of
from tests.benchmarks.systems import GRADWALK, JAX, installed, load

__all__ = ["data", "gradwalk", "measure_transformer"]

TARGETS = {1: 2.0, 256: 3.0}  # by the number of rows: against JAX
GROWTH = 1.3  # of the time to record and compile, from the shortest row to the longest


def data(count: int, tokens: int) -> Floats:
    """Tokens drawn at random: (N, T + 1)."""
    drawn = np.random.default_rng(7).integers(0, VOCABULARY, (count, tokens + 1))
    return drawn.astype(np.float64)


def measure_transformer(effort: Effort) -> list[Row]:
    lines, compiling = [], list[float]()
    for tokens in (4, 8, 16):
        start = perf_counter()
        step = recorded(tokens)
        compiling.append(perf_counter() - start)
        for count, target in TARGETS.items():
            rows = data(count, tokens)
            contenders = [gradwalk(step, rows)]
            contenders += [jax_step(rows)] if installed([JAX]) else []
            name = f"gpt T={tokens} N={count}: loss and gradients"
            lines += rows_of(name, race(contenders, effort), {JAX: target})
    least, most = compiling[0], compiling[-1]
    growth = most / least
    shown = f"T=4 {duration(least)}", f"**{growth:.1f}x**", bound(growth, GROWTH, "x")
    return [*lines, Row("gpt T=16: to record and compile", duration(most), *shown)]


def recorded(tokens: int) -> Any:
    """The program of a row of tokens."""
    net = parameters(Value, tokens)
    leaves = [p for matrix in net.values() for row in matrix for p in row]
    row = inputs(*[f"t{i}" for i in range(tokens + 1)])
    loss = loss_of(net, row, lambda options, i: load("engine").choose(i, options), softmax)
    return program(
        inputs=row, outputs=[loss, *gradient(loss, leaves)], parameters=leaves, reduce="mean"
    )


def gradwalk(step: Any, rows: Floats) -> Contender:
    return Contender(GRADWALK, partial(step, rows), lambda: step(rows).tolist())


def jax_step(rows: Floats) -> Contender:
    """Whole batches as arrays: what a user of JAX would write."""
    jax = load("jax")
    jnp, tokens = jax.numpy, rows.shape[1] - 1
    mask = jnp.tril(jnp.ones((tokens, tokens), dtype=bool))

    def norm(x: Any) -> Any:
        return x * (jnp.mean(x * x, axis=-1, keepdims=True) + 1e-5) ** -0.5

    def mean_loss(net: Any, given: Any) -> Any:
        xs, ys = given[:, :-1], given[:, 1:]
        x = norm(net["token"][xs] + net["position"])
        query, key, value = (
            (norm(x) @ net[name].T).reshape(*xs.shape, HEADS, -1)
            for name in ("query", "key", "value")
        )
        scores = jnp.einsum("nthd,nshd->nhts", query, key) / (WIDTH // HEADS) ** 0.5
        shares = jax.nn.softmax(jnp.where(mask, scores, -jnp.inf))
        read = jnp.einsum("nhts,nshd->nthd", shares, value).reshape(x.shape)
        x = x + read @ net["project"].T
        x = x + jax.nn.relu(norm(x) @ net["up"].T) @ net["down"].T
        logs = jax.nn.log_softmax(x @ net["scores"].T)
        return -jnp.mean(jnp.take_along_axis(logs, ys[..., None], axis=-1))

    net = {name: np.array(matrix) for name, matrix in parameters(float, tokens).items()}
    step = jax.jit(jax.value_and_grad(mean_loss))
    arguments = jax.device_put((net, rows.astype(int)))

    def run() -> Any:
        return jax.block_until_ready(step(*arguments))

    def answer() -> list[float]:
        loss, gradients = run()
        return [float(loss), *np.concatenate([np.ravel(gradients[name]) for name in net]).tolist()]

    return Contender(JAX, run, answer)
