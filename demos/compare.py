"""Compare: one training in micrograd, PyTorch, JAX and here. The curves coincide, the times do not.

A first course says: backpropagation is one algorithm, and every library of it finds the same
numbers.

The network is that of micrograd's example: 2-16-16-1 with ReLU, 100 points of two moons, the hinge
loss (how far `1 - y * score` is above 0), and `w -= rate * gradient` from all rows at once. Every
system starts from the same weights, in FP64, and is used as its users do. The rate is so large that
the loss leaps on its way down, and they all leap alike. Only the last digits differ: a sum that is
added up in another order is rounded elsewhere, and every step hands that on. How far apart the
curves are at most is printed.

The times differ by four powers of ten; what counts is how much one step of Python sets going. In
micrograd it is one product or one sum of one row. A Value here can be a whole weighted sum. PyTorch
calls a routine for each operation on all rows. JAX and the native backend make one routine of the
whole epoch; that takes a while, and comes with the first epoch, which is timed apart. Look at the
order of magnitude only. With wide layers the arithmetic itself takes the time, and PyTorch, JAX and
the native backend come close; `python -m tests.benchmarks native` measures that with more care.

`pip install -e ".[compare]"` brings the others. Those that are missing are left out.
"""

import gc
import importlib
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, TypeAlias

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.datasets import make_moons

import nn
from demos._common import Stage
from demos._plots import COLOURS
from engine.lazy import missing
from nn.drawing.figure import INK, STYLE

WIDTHS, RATE = [16, 16, 1], 1.5
ROUNDS, ENOUGH = 7, 5.0  # how often each system trains; after so many seconds none begins again
Curve: TypeAlias = list[float]
Tick: TypeAlias = Callable[[], None]


@dataclass(frozen=True)
class Task:
    """What every system is given: rows, their targets (-1 or 1), the seed of the weights, epochs.

    It calls `tick()` before each epoch and answers the losses after 1, 2, ... of them.
    """

    xs: list[list[float]]
    ys: list[float]
    seed: int
    epochs: int

    @property
    def trained(self) -> int:
        """Two epochs more: the first is timed apart, and the last is not timed."""
        return self.epochs + 2

    def start(self) -> nn.MLP:
        """The network with its first weights."""
        return nn.MLP(2, WIDTHS, rng=self.seed)


def in_gradwalk(task: Task, tick: Tick, backend: str) -> Curve:
    """With Values or natively. To know the loss after a step, `fit` does one more forward pass."""

    def schedule(epoch: int) -> float:
        """Tell that an epoch begins, and leave the rate as it is."""
        tick()
        return 1.0

    history = nn.fit(
        task.start(),
        task.xs,
        task.ys,
        loss="hinge",
        optimizer=lambda parameters: nn.SGD(parameters, lr=RATE),
        epochs=task.trained,
        batch_size=None,
        patience=None,
        schedule=schedule,
        progress=False,
        backend=backend,
    )
    return history.loss


def in_micrograd(task: Task, tick: Tick) -> Curve:
    """The loop of its example, on its own MLP."""
    model, losses = importlib.import_module("micrograd.nn").MLP(2, WIDTHS), []
    for theirs, ours in zip(model.parameters(), task.start().parameters(), strict=True):
        theirs.data = ours.data
    for _ in range(task.trained):
        tick()
        rows = zip(task.xs, task.ys, strict=True)
        loss = sum((1 - y * model(x)).relu() for x, y in rows) * (1 / len(task.xs))
        model.zero_grad()
        loss.backward()
        for parameter in model.parameters():
            parameter.data -= RATE * parameter.grad
        losses.append(loss.data)
    return losses[1:]


def in_pytorch(task: Task, tick: Tick) -> Curve:
    """All rows as one tensor, on one thread: for so few rows several threads are slower."""
    torch: Any = importlib.import_module("torch")
    torch.set_num_threads(1)
    model, losses = nn.to_torch(task.start()), []
    tuner = torch.optim.SGD(model.parameters(), lr=RATE)
    xs, ys = (torch.tensor(table, dtype=torch.float64) for table in (task.xs, task.ys))
    for _ in range(task.trained):
        tick()
        loss = torch.relu(1 - ys * model(xs).squeeze(1)).mean()
        tuner.zero_grad()
        loss.backward()
        tuner.step()
        losses.append(loss.item())
    return losses[1:]


def in_jax(task: Task, tick: Tick) -> Curve:
    """The loss with its gradients and the step as one compiled function."""
    jax: Any = importlib.import_module("jax")
    jax.config.update("jax_enable_x64", True)
    array, relu = jax.numpy.array, jax.nn.relu
    xs, ys = array(task.xs), array(task.ys)
    weights = [
        (array([[w.data for w in n.w] for n in neurons]).T, array([n.b.data for n in neurons]))
        for neurons in (layer.neurons for layer in task.start().layers)
    ]

    def hinge(weights: Any, xs: Any, ys: Any) -> Any:
        *hidden, (w, b) = weights
        for matrix, bias in hidden:
            xs = relu(xs @ matrix + bias)
        return relu(1 - ys * (xs @ w + b)[:, 0]).mean()

    def learn(weights: Any, xs: Any, ys: Any) -> Any:
        loss, gradients = jax.value_and_grad(hinge)(weights, xs, ys)
        return loss, jax.tree_util.tree_map(lambda w, g: w - RATE * g, weights, gradients)

    step, losses = jax.jit(learn), []
    for epoch in range(task.trained):
        if epoch in (
            1,
            task.trained - 1,
        ):  # JAX computes while Python goes on, so wait before reading the clock
            jax.block_until_ready(weights)
        tick()
        loss, weights = step(weights, xs, ys)
        losses.append(loss)
    return [float(loss) for loss in losses[1:]]


NATIVE = "gradwalk, native"
# Each with the module that it needs, about from the fastest to the slowest.
SYSTEMS: dict[str, tuple[str, Callable[[Task, Tick], Curve]]] = {
    NATIVE: ("llvmlite", partial(in_gradwalk, backend="native")),
    "JAX, jit": ("jax", in_jax),
    "PyTorch": ("torch", in_pytorch),
    "gradwalk, Values": ("engine", partial(in_gradwalk, backend="eager")),
    "micrograd": ("micrograd", in_micrograd),
}
LOOKS = dict(zip(SYSTEMS, (*COLOURS, "#cc79a7", INK), strict=True))


@dataclass(frozen=True)
class Result:
    """A system's curve, and the seconds of its very first epoch and of one after that."""

    curve: Curve
    first: float
    epoch: float


def train(task: Task, system: str) -> Result:
    """Train from the start, once."""
    ticks: list[float] = []
    gc.collect()  # so that no system pays for another's garbage
    began = perf_counter()
    curve = SYSTEMS[system][1](task, lambda: ticks.append(perf_counter()))
    epoch = (ticks[-1] - ticks[1]) / task.epochs
    return Result(curve[: task.epochs], ticks[1] - began, epoch)


def measure(task: Task, systems: Sequence[str]) -> dict[str, Result]:
    """Let the systems train in turn, so that other work of the machine slows all of them alike."""
    runs: dict[str, list[Result]] = {system: [] for system in systems}
    for _, system in itertools.product(range(ROUNDS), systems):
        if sum(run.first + task.epochs * run.epoch for run in runs[system]) < ENOUGH:
            runs[system].append(train(task, system))
    return {
        system: replace(some[0], epoch=median(run.epoch for run in some))
        for system, some in runs.items()
    }


def apart(curves: Sequence[Curve]) -> float:
    """The largest relative difference between any two of the curves at any epoch."""
    columns = list(zip(*curves, strict=True))
    return max((max(c) - min(c)) / max(c) if max(c) else 0.0 for c in columns)


def brief(x: float) -> str:
    """Two digits, which is what a time measured once deserves."""
    return f"{float(f'{x:.2g}'):,g}"


def report(results: Mapping[str, Result]) -> None:
    """Print the times, the ratios to the first system, and how far apart the curves are."""
    first, *_ = results.values()
    print(f"{'':18}{'first epoch':>13}{'then an epoch':>16}{'ratio':>10}{'loss off by':>14}")
    for system, result in results.items():
        early, later = (f"{brief(1e3 * x)} ms" for x in (result.first, result.epoch))
        ratio = f"{brief(result.epoch / first.epoch)}x"
        off = apart([first.curve, result.curve])
        print(f"{system:18}{early:>13}{later:>16}{ratio:>10}{off:14.1e}")
    print("(the first epoch with all that is recorded and compiled before it; imports not counted)")
    curves = [result.curve for result in results.values()]
    print(f"largest relative difference between any two curves: {apart(curves):.1e}")


def plot(path: Path, results: Mapping[str, Result]) -> None:
    """Save the curves, one inside another, beside bars for the times."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(11.6, 4.4), layout="constrained")
        title = "One training, several systems: the curves coincide, the times do not"
        figure.suptitle(title, x=0.01, horizontalalignment="left", fontsize=12, weight="bold")
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.15))
        _draw_curves(left, results)
        _draw_times(right, results)
        figure.savefig(path)


def _draw_curves(axes: Axes, results: Mapping[str, Result]) -> None:
    """The last is the broadest and lies below, so that each one shows at the rim of the next."""
    for i, (system, result) in reversed([*enumerate(results.items())]):
        look: Any = {"color": LOOKS[system], "lw": 1.6 + 2.8 * i, "solid_capstyle": "butt"}
        axes.plot(range(1, len(result.curve) + 1), result.curve, **look)
    axes.set(xlabel="epoch", ylabel="loss", ylim=(0, None))
    off = apart([result.curve for result in results.values()])
    axes.set_title(f"{len(results)} curves, no two apart by more than {off:.0e} of the loss")
    key = "a band for each,\nin the colours on the right"
    axes.text(0.98, 0.95, key, transform=axes.transAxes, ha="right", va="top", color="#666666")


def _draw_times(axes: Axes, results: Mapping[str, Result]) -> None:
    first, *_ = results.values()
    names = [*results][::-1]
    each = [results[name].epoch for name in names]
    bars = axes.barh(names, each, color=[LOOKS[name] for name in names], height=0.62)
    labels = [f"{brief(1e3 * epoch)} ms   {brief(epoch / first.epoch)}x" for epoch in each]
    axes.bar_label(bars, labels, padding=5, weight="bold")
    axes.set(xscale="log", xlim=(min(each) / 3, max(each) * 90))
    axes.set_xticks([1e-4, 1e-3, 1e-2, 0.1, 1], ["0.1 ms", "1 ms", "10 ms", "100 ms", "1 s"])
    axes.minorticks_off()
    axes.tick_params(axis="y", length=0)
    axes.set_title(f"Time for an epoch, and how many times that of {names[-1]}")


def run(stage: Stage) -> None:
    """Train in every system that is installed; print times and differences, save one picture."""
    points, sides = make_moons(n_samples=100, noise=0.1, random_state=stage.seed)
    ys = [2.0 * side - 1.0 for side in sides.tolist()]
    task = Task(points.tolist(), ys, stage.seed, stage.rounds(30))
    here = [system for system, (module, _) in SYSTEMS.items() if find_spec(module)]
    if absent := [system for system in SYSTEMS if system not in here]:
        print(missing(f"without {', '.join(absent)}", "compare"))
    for system in here:  # imported here, so that no time includes the import
        importlib.import_module(SYSTEMS[system][0])
    print(
        f"{task.epochs} epochs of {len(ys)} rows; where micrograd is here, 30 take a minute or two"
    )
    results = measure(task, here)
    report(results)
    plot(stage.path("curves.png"), results)
