"""makemore: the next of 27 letters after 16 of them, each looked up in a table of 64 numbers.

16 x 64 -> H -> 27, tanh, softmax cross-entropy. The table learns too: a gather forward, a
scatter-add backward.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from engine import Value, gradient, log_softmax
from nn import MLP
from tests.benchmarks.harness import Contender, Effort, race
from tests.benchmarks.native.networks import Floats, matrices
from tests.benchmarks.native.steps import flat, program
from tests.benchmarks.report import Row, rows_of
from tests.benchmarks.systems import GRADWALK, JAX, TORCH, installed, load

__all__ = ["MAKEMORE", "data", "measure_makemore"]

LETTERS, CONTEXT, EMBEDDING = 27, 16, 64


def data(count: int) -> Floats:
    """Letters drawn at random, by number: (N, 17), the one to tell last."""
    letters = np.random.default_rng(7).integers(0, LETTERS, (count, CONTEXT + 1))
    return letters.astype(np.float64)


def measure_makemore(effort: Effort) -> list[Row]:
    lines: list[Row] = []
    for hidden, count, targets in ((4, 1, {}), (4, 64, {}), (128, 1, {}), (128, 64, {TORCH: 1.5})):
        letters = data(count)
        contenders = [MAKEMORE[s](hidden, letters) for s in installed(MAKEMORE)]
        name = f"makemore H={hidden} N={count}: loss and gradients"
        lines += rows_of(name, race(contenders, effort), targets)
    return lines


def table() -> Floats:
    return np.random.default_rng(8).uniform(-1.0, 1.0, (LETTERS, EMBEDDING))


def widths(hidden: int) -> tuple[int, ...]:
    return (CONTEXT * EMBEDDING, hidden, LETTERS)


def network(hidden: int) -> MLP:
    n_in, *others = widths(hidden)
    return MLP(n_in, others, activation="tanh", rng=7)


def layers(hidden: int) -> list[tuple[Floats, Floats]]:
    theta = np.array([p.data for p in network(hidden).parameters()])
    return matrices(widths(hidden), theta)


def gradwalk(hidden: int, letters: Floats) -> Contender:
    choose = load("engine").choose
    numbers = [[Value(x, f"E{k}.{j}") for j, x in enumerate(row)] for k, row in enumerate(table())]
    model = network(hidden)
    tokens = [Value(0.0, f"t{i}") for i in range(CONTEXT)]
    target = Value(0.0, "y")
    logits: Any = model([x for token in tokens for x in choose(token, numbers)])
    loss = -log_softmax(logits, target)
    parameters = [*(x for row in numbers for x in row), *model.parameters()]
    step = program(
        inputs=[*tokens, target],
        outputs=[loss, *gradient(loss, parameters)],
        parameters=parameters,
        reduce="mean",
    )
    return Contender(GRADWALK, partial(step, letters), lambda: step(letters).tolist())


def torch_step(hidden: int, letters: Floats) -> Contender:
    torch = load("torch")
    functional = torch.nn.functional
    tokens = torch.tensor(letters[:, :-1].astype(int))
    targets = torch.tensor(letters[:, -1].astype(int))
    embedding = torch.tensor(table(), requires_grad=True)
    pairs = [
        (torch.tensor(w, requires_grad=True), torch.tensor(b, requires_grad=True))
        for w, b in layers(hidden)
    ]
    parameters = [embedding, *(p for pair in pairs for p in pair)]

    def run() -> Any:
        for p in parameters:
            p.grad = None
        x = functional.embedding(tokens, embedding).flatten(1)
        h = torch.tanh(functional.linear(x, *pairs[0]))
        loss = functional.cross_entropy(functional.linear(h, *pairs[1]), targets)
        loss.backward()
        return loss

    def answer() -> list[float]:
        loss = run()
        gradients = flat([(w.grad, b.grad) for w, b in pairs])
        return [loss.item(), *embedding.grad.flatten().tolist(), *gradients]

    return Contender(TORCH, run, answer)


def jax_step(hidden: int, letters: Floats) -> Contender:
    jax = load("jax")
    jnp = jax.numpy

    def mean_loss(parameters: Any, tokens: Any, targets: Any) -> Any:
        embedding, ((w1, b1), (w2, b2)) = parameters
        x = embedding[tokens].reshape(len(tokens), -1)
        logits = jnp.tanh(x @ w1.T + b1) @ w2.T + b2
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), targets[:, None], axis=1))

    numbers = letters.astype(int)
    step = jax.jit(jax.value_and_grad(mean_loss))
    arguments = jax.device_put(((table(), layers(hidden)), numbers[:, :-1], numbers[:, -1]))

    def run() -> Any:
        return jax.block_until_ready(step(*arguments))

    def answer() -> list[float]:
        loss, (embedding, pairs) = run()
        return [float(loss), *np.asarray(embedding).ravel().tolist(), *flat(pairs)]

    return Contender(JAX, run, answer)


MAKEMORE: dict[str, Callable[[int, Floats], Contender]] = {
    GRADWALK: gradwalk,
    TORCH: torch_step,
    JAX: jax_step,
}
