"""fit: an epoch of training on moons, full batch and plain descent, against the loop by hand."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from nn import SGD, fit
from tests.benchmarks.harness import Contender, Effort, Race, check_equal, take_turns
from tests.benchmarks.moons import RATE, micrograd_network
from tests.benchmarks.native.networks import MOONS, Batch, matrices
from tests.benchmarks.native.steps import flat
from tests.benchmarks.report import Row, rows_of
from tests.benchmarks.systems import GRADWALK, MICROGRAD, TORCH, installed, load

__all__ = ["TRAININGS", "Training", "measure_fit"]

ROWS, EPOCHS = 100, 1000
PROMISES = {MICROGRAD: 10_000.0, TORCH: 5.0}


@dataclass(frozen=True)
class Training:
    """A fresh network: `train` does so many epochs, `parameters` reads where they have led."""

    train: Callable[[int], object]
    parameters: Callable[[], list[float]]


def measure_fit(effort: Effort) -> list[Row]:
    """Seconds an epoch: of a thousand in one call, so that what a call costs is spread over them.

    micrograd, which takes a second for each, does one at a time.
    """
    batch = MOONS.data(ROWS)
    systems = installed(TRAININGS)
    _hold_equal(systems, batch)
    epochs = {s: 1 if s == MICROGRAD else EPOCHS for s in systems}
    runs = {s: partial(TRAININGS[s](batch).train, epochs[s]) for s in systems}
    result = take_turns([Contender(s, run, list) for s, run in runs.items()], effort)
    each = {s: [t / epochs[s] for t in times] for s, times in result.seconds.items()}
    return rows_of(f"fit, moons N={ROWS}: an epoch", Race(each), PROMISES)


def _hold_equal(systems: list[str], batch: Batch) -> None:
    """After three epochs all have the same parameters."""
    trained = []
    for system in systems:
        training = TRAININGS[system](batch)
        training.train(3)
        trained.append(Contender(system, list, training.parameters))
    for other in trained[1:]:
        check_equal(trained[0], other)


def gradwalk(batch: Batch) -> Training:
    model = MOONS.model()
    xs, ys = batch.xs.tolist(), batch.ys.tolist()

    def train(epochs: int) -> Any:
        return fit(
            model,
            xs,
            ys,
            loss="mse",
            optimizer=SGD(model.parameters(), lr=RATE),
            epochs=epochs,
            batch_size=None,
            patience=None,
            progress=False,
        )

    return Training(train, lambda: [p.data for p in model.parameters()])


def micrograd(batch: Batch) -> Training:
    net = micrograd_network()
    data = list(zip(batch.xs.tolist(), batch.ys.tolist(), strict=True))

    def train(epochs: int) -> list[float]:
        losses = []
        for _ in range(epochs):
            net.zero_grad()
            loss = sum((net(x) - y) ** 2 for x, y in data) * (1.0 / len(data))
            loss.backward()
            for p in net.parameters():
                p.data -= RATE * p.grad
            losses.append(loss.data)
        return losses

    return Training(train, lambda: [p.data for p in net.parameters()])


def torch_loop(batch: Batch) -> Training:
    """The loop of PyTorch's tutorials; the losses are kept, as `fit` does."""
    torch = load("torch")
    linears = []
    for w, b in matrices(MOONS.widths, MOONS.theta()):
        linear = torch.nn.Linear(w.shape[1], w.shape[0], dtype=torch.float64)
        linear.load_state_dict({"weight": torch.tensor(w), "bias": torch.tensor(b)})
        linears.append(linear)
    first, second, third = linears
    relu = torch.nn.ReLU()
    model = torch.nn.Sequential(first, relu, second, relu, third)
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    measure = torch.nn.MSELoss()
    xs, ys = torch.tensor(batch.xs), torch.tensor(batch.ys)[:, None]

    def train(epochs: int) -> list[float]:
        losses = []
        for _ in range(epochs):
            optimizer.zero_grad()
            loss = measure(model(xs), ys)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses

    return Training(train, lambda: flat([(x.weight.detach(), x.bias.detach()) for x in linears]))


TRAININGS: dict[str, Callable[[Batch], Training]] = {
    GRADWALK: gradwalk,
    TORCH: torch_loop,
    MICROGRAD: micrograd,
}
