"""drawing: from a graph to its SVG, for three shapes of graph up to a hundred thousand nodes.

The peers are torchviz and micrograd-viz, on the same graph in their own systems; all pictures are
laid out by the same program. micrograd-viz brings a micrograd of its own, so it is not in the
extra `bench`: `pip install --target viz micrograd-viz`, and then PYTHONPATH=viz.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any

from engine.drawing import LayoutError, to_svg
from engine.drawing.layout import render
from tests.benchmarks.harness import Contender, Effort, check_equal
from tests.benchmarks.report import Row, bound, duration
from tests.benchmarks.systems import GRADWALK, TORCHVIZ, VIZ, installed, leaf_of, load

__all__ = ["SHAPES", "measure_drawing"]

SIZES = (100, 1_000, 10_000, 100_000)
LIMIT = 30.0  # seconds that a peer gets for one picture
PROMISE = 3.0  # seconds that a picture of the largest graph may take


def layered(leaf: Callable[[float], Any], size: int) -> tuple[Any, list[Any]]:
    """A network 4-k-k-1 of relu, in elementary operations: 3k² + 19k + 2 nodes."""
    rng, width = random.Random(7), max(k for k in range(1, 200) if 3 * k * k + 15 * k <= size)
    xs = leaves = [leaf(rng.random()) for _ in range(4)]
    for n_out in (width, width, 1):
        weights = [[leaf(rng.uniform(-1, 1)) for _ in xs] for _ in range(n_out)]
        leaves = leaves + [w for row in weights for w in row]
        xs = [_weighted(row, xs).relu() for row in weights]
    return xs[0], leaves


def _weighted(row: list[Any], xs: list[Any]) -> Any:
    first, *others = (w * x for w, x in zip(row, xs, strict=True))
    for term in others:
        first = first + term
    return first


def recurrent(leaf: Callable[[float], Any], size: int) -> tuple[Any, list[Any]]:
    """The same two weights at every step of a sequence: 5 nodes a step."""
    h, u, w = leaf(0.5), leaf(0.3), leaf(0.6)
    leaves = [h, u, w]
    for step in range(size // 5):
        leaves.append(leaf(step % 7 / 7))
        h = (h * w + leaves[-1] * u).relu()
    return h, leaves


def tangled(leaf: Callable[[float], Any], size: int) -> tuple[Any, list[Any]]:
    """Products and means of two at random out of the last fifty."""
    rng = random.Random(7)
    leaves = [leaf(rng.uniform(0.5, 0.9)) for _ in range(10)]
    made = list(leaves)
    while len(made) < size * 3 // 4:
        a, b = rng.choice(made[-50:]), rng.choice(made[-50:])
        made.append(a * b if rng.random() < 0.5 else (a + b) * 0.5)
    return _weighted(made[-50:], made[-50:]), leaves


SHAPES = {"layered": layered, "recurrent": recurrent, "random": tangled}


@dataclass
class Outcome:
    """Seconds that a picture took, or why there is none."""

    seconds: float = 0.0
    failed: str = ""

    def __str__(self) -> str:
        return self.failed or duration(self.seconds)


def measure_drawing(effort: Effort) -> list[Row]:
    """A line for each shape and size; a peer that was too slow once gets nothing larger."""
    systems = installed([TORCHVIZ, VIZ])
    rows = []
    for shape, make in SHAPES.items():
        given_up: dict[str, Outcome] = {}
        for size in SIZES:
            ours = _ours(make, size, effort)
            theirs = {s: given_up.get(s) or _peer(s, make, size) for s in systems}
            given_up = {s: outcome for s, outcome in theirs.items() if outcome.failed}
            rows.append(
                Row(
                    f"drawing, {shape}, {size:,}",
                    duration(ours),
                    ", ".join(f"{system} {outcome}" for system, outcome in theirs.items()),
                    ", ".join(
                        "" if outcome.failed else f"**{outcome.seconds / ours:.1f}x**"
                        for outcome in theirs.values()
                    ).strip(", "),
                    bound(ours, PROMISE, " s") if size == SIZES[-1] else "",
                )
            )
    return rows


def _ours(make: Callable[..., Any], size: int, effort: Effort) -> float:
    output, _ = make(leaf_of(GRADWALK), size)
    output.backward()
    times = []
    for _ in range(effort.fewest):
        start = perf_counter()
        to_svg(output)
        times.append(perf_counter() - start)
    return median(times)


def _peer(system: str, make: Callable[..., Any], size: int) -> Outcome:
    """A peer's picture of the same graph, after its gradients were held equal to ours."""
    try:
        check_equal(_answers(GRADWALK, make, size), _answers(system, make, size))
        output, _ = make(leaf_of(system), size)
        if system != TORCHVIZ:  # which draws no gradients
            output.backward()
        start = perf_counter()
        if system == TORCHVIZ:
            source = load("torchviz").make_dot(output).source
        else:
            source = load("micrograd.visualize").draw_dot(output).source
        render(source, timeout=LIMIT)
        return Outcome(perf_counter() - start)
    except LayoutError as error:
        late = "took more than" in str(error)
        return Outcome(failed=f"over {LIMIT:g} s" if late else "crashes the layout program")
    except RecursionError:
        return Outcome(failed="RecursionError")


def _answers(system: str, make: Callable[..., Any], size: int) -> Contender:
    def answer() -> list[float]:
        output, leaves = make(leaf_of(system), size)
        output.backward()
        return [float(output.data), *(0.0 if x.grad is None else float(x.grad) for x in leaves)]

    return Contender(system, lambda: None, answer)
