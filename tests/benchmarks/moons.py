"""moons: one whole training step of a 2-16-16-1 network, mean squared error, all 337 gradients."""

import math
import random
from collections.abc import Callable
from functools import partial
from typing import Any

from nn import MLP, SGD, mse_loss
from tests.benchmarks.harness import Contender, Effort, race
from tests.benchmarks.report import Row, rows_of
from tests.benchmarks.systems import GRADWALK, MICROGRAD, TORCH, installed, load

__all__ = ["NETWORKS", "measure_moons", "rows"]

WIDTHS = [16, 16, 1]
RATE = 1e-6  # so small that the network stays where it is, however many steps a round needs

Rows = list[tuple[list[float], float]]


def rows(count: int, seed: int = 7) -> Rows:
    """Two half circles that interlock, with some noise; the labels are -1 and 1."""
    rng = random.Random(seed)
    points: Rows = []
    for i in range(count):
        side, angle = 2 * (i % 2) - 1, math.pi * rng.random()
        x = math.cos(angle) if side < 0 else 1.0 - math.cos(angle)
        y = math.sin(angle) if side < 0 else 0.5 - math.sin(angle)
        points.append(([x + rng.gauss(0.0, 0.1), y + rng.gauss(0.0, 0.1)], float(side)))
    return points


def measure_moons(effort: Effort) -> list[Row]:
    lines: list[Row] = []
    for count, targets in ((1, {}), (100, {MICROGRAD: 73.0})):
        data = rows(count)
        result = race([STEPS[system](data) for system in installed(STEPS)], effort)
        lines += rows_of(f"moons N={count}: a training step", result, targets)
    return lines


def network() -> MLP:
    return MLP(2, WIDTHS, activation="relu", rng=7)


def micrograd_network() -> Any:
    """micrograd's, with the same weights."""
    net = load("micrograd.nn").MLP(2, WIDTHS)
    for theirs, ours in zip(net.parameters(), network().parameters(), strict=True):
        theirs.data = ours.data
    return net


def gradwalk_step(data: Rows) -> Contender:
    xs, ys = [x for x, _ in data], [y for _, y in data]
    net = network()
    optimizer = SGD(net.parameters(), lr=RATE)

    def gradients() -> Any:
        optimizer.zero_grad()
        loss = mse_loss([net(x) for x in xs], ys)
        loss.backward()
        return loss

    def step() -> None:
        gradients()
        optimizer.step()

    return Contender(
        GRADWALK, step, lambda: [gradients().data, *(p.grad for p in net.parameters())]
    )


def micrograd_step(data: Rows) -> Contender:
    net = micrograd_network()

    def gradients() -> Any:
        net.zero_grad()
        loss = sum((net(x) - y) ** 2 for x, y in data) * (1.0 / len(data))
        loss.backward()
        return loss

    def step() -> None:
        gradients()
        for p in net.parameters():
            p.data -= RATE * p.grad

    return Contender(
        MICROGRAD, step, lambda: [gradients().data, *(p.grad for p in net.parameters())]
    )


def torch_step(data: Rows) -> Contender:
    """Whole batches as matrices: what a user of PyTorch would write."""
    torch = load("torch")
    tensor = partial(torch.tensor, dtype=torch.float64)
    xs, ys = tensor([x for x, _ in data]), tensor([[y] for _, y in data])
    layers = [
        tensor([[*(w.data for w in n.w), n.b.data] for n in layer.neurons])
        for layer in network().layers
    ]
    weights = [
        (m[:, :-1].clone().requires_grad_(), m[:, -1].clone().requires_grad_()) for m in layers
    ]
    parameters = [p for pair in weights for p in pair]

    def gradients() -> Any:
        for p in parameters:
            p.grad = None
        out = xs
        for k, (w, b) in enumerate(weights):
            out = torch.nn.functional.linear(out, w, b)
            out = torch.relu(out) if k + 1 < len(weights) else out
        loss = torch.nn.functional.mse_loss(out, ys)
        loss.backward()
        return loss

    def step() -> None:
        gradients()
        with torch.no_grad():
            for p in parameters:
                p -= RATE * p.grad

    def answer() -> list[float]:
        loss = gradients()
        grads = [torch.cat([w.grad, b.grad[:, None]], dim=1).flatten() for w, b in weights]
        return [loss.item(), *torch.cat(grads).tolist()]

    return Contender(TORCH, step, answer)


NETWORKS: dict[str, Callable[[], Any]] = {GRADWALK: network, MICROGRAD: micrograd_network}
STEPS: dict[str, Callable[[Rows], Contender]] = {
    GRADWALK: gradwalk_step,
    MICROGRAD: micrograd_step,
    TORCH: torch_step,
}
