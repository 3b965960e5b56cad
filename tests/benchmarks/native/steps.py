"""A training step of a network, its mean loss and all gradients, in each system."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from engine import Value, gradient, log_softmax
from tests.benchmarks.harness import Contender
from tests.benchmarks.native.networks import Batch, Network, matrices
from tests.benchmarks.systems import GRADWALK, JAX, TORCH, load

__all__ = ["STEPS", "flat", "one_thread", "program", "recorded"]


def recorded(network: Network) -> dict[str, Any]:
    """The scalar graph of one row's loss and gradients: the arguments of `engine.Program`."""
    model = network.model()
    xs = [Value(0.0, f"x{i}") for i in range(network.widths[0])]
    y = Value(0.0, "y")
    loss, parameters = _loss(network, model(xs), y), model.parameters()
    return {
        "inputs": [*xs, y],
        "outputs": [loss, *gradient(loss, parameters)],
        "parameters": parameters,
        "reduce": "mean",
    }


def _loss(network: Network, out: Any, y: Value) -> Any:
    if network.loss == "mse":
        return (out - y) ** 2
    return -log_softmax(out, y)


@contextmanager
def one_thread() -> Iterator[None]:
    """To be held against what one core can do."""
    threads: Any = load("engine.native.threads")
    before, threads.workers = threads.workers, lambda: 1
    try:
        yield
    finally:
        threads.workers = before


def program(**graph: Any) -> Any:
    return load("engine").Program(**graph)


def gradwalk_step(network: Network, batch: Batch) -> Contender:
    step, rows = program(**recorded(network)), batch.rows()
    return Contender(GRADWALK, partial(step, rows), lambda: step(rows).tolist())


def torch_step(network: Network, batch: Batch) -> Contender:
    """Whole batches as matrices: what a user of PyTorch would write."""
    torch = load("torch")
    functional = torch.nn.functional
    activate = getattr(torch, network.activation)
    xs = torch.tensor(batch.xs)
    if network.loss == "mse":
        measure, ys = functional.mse_loss, torch.tensor(batch.ys)[:, None]
    else:
        measure, ys = functional.cross_entropy, torch.tensor(batch.ys.astype(int))
    layers = [
        (torch.tensor(w, requires_grad=True), torch.tensor(b, requires_grad=True))
        for w, b in matrices(network.widths, network.theta())
    ]
    parameters = [p for layer in layers for p in layer]

    def run() -> Any:
        for p in parameters:
            p.grad = None
        out = xs
        for w, b in layers[:-1]:
            out = activate(functional.linear(out, w, b))
        loss = measure(functional.linear(out, *layers[-1]), ys)
        loss.backward()
        return loss

    def answer() -> list[float]:
        loss = run()
        return [loss.item(), *flat([(w.grad, b.grad) for w, b in layers])]

    return Contender(TORCH, run, answer)


def jax_step(network: Network, batch: Batch) -> Contender:
    """One compiled function of parameters and data, all of them on the device already."""
    jax = load("jax")
    jnp = jax.numpy
    activate = {"relu": jax.nn.relu, "tanh": jnp.tanh}[network.activation]

    def mean_loss(layers: Any, xs: Any, ys: Any) -> Any:
        out = xs
        for w, b in layers[:-1]:
            out = activate(out @ w.T + b)
        w, b = layers[-1]
        out = out @ w.T + b
        if network.loss == "mse":
            return jnp.mean((out[:, 0] - ys) ** 2)
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(out), ys[:, None], axis=1))

    ys = batch.ys if network.loss == "mse" else batch.ys.astype(int)
    step = jax.jit(jax.value_and_grad(mean_loss))
    arguments = jax.device_put((matrices(network.widths, network.theta()), batch.xs, ys))

    def run() -> Any:
        return jax.block_until_ready(step(*arguments))

    def answer() -> list[float]:
        loss, layers = run()
        return [float(loss), *flat(layers)]

    return Contender(JAX, run, answer)


def flat(layers: Any) -> list[float]:
    """Weights and biases of every layer, in the order of `nn.MLP`."""
    pairs = [(np.asarray(w), np.asarray(b)) for w, b in layers]
    return list(np.concatenate([np.column_stack(pair).ravel() for pair in pairs]).tolist())


STEPS: dict[str, Callable[[Network, Batch], Contender]] = {
    GRADWALK: gradwalk_step,
    TORCH: torch_step,
    JAX: jax_step,
}
