"""chain: x = x * 1.00001, up to a million nodes: does time per node grow, does anything stay?"""

import gc
from statistics import median
from time import perf_counter

from engine import Value
from tests.benchmarks.harness import Effort, clean_heap
from tests.benchmarks.report import Row, bound, duration

__all__ = ["measure_chain"]

SIZES = (10_000, 100_000, 1_000_000)
PHASES = ("build", "backward", "free")


def measure_chain(effort: Effort) -> list[Row]:
    """Nanoseconds a node in each phase, and the whole at the longest against the shortest."""
    samples: dict[int, list[list[float]]] = {size: [] for size in SIZES}
    with clean_heap():
        for _ in range(effort.fewest):
            for size in SIZES:
                passes = [_pass(size) for _ in range(max(1, SIZES[1] // size))]
                nodes = size * len(passes)
                samples[size].append([sum(phase) / nodes for phase in zip(*passes, strict=True)])
    whole = {size: [sum(phases) for phases in samples[size]] for size in SIZES}
    lines = [_row(size, samples[size], whole[size], whole[SIZES[0]]) for size in SIZES]
    left = garbage()
    return [*lines, Row("chain: left for the collector", f"{left} objects", "", "", bound(left, 0))]


def _row(size: int, phases: list[list[float]], whole: list[float], shortest: list[float]) -> Row:
    name = f"chain of {size:,}, a node"
    parts = [median(column) for column in zip(*phases, strict=True)]
    split = ", ".join(f"{phase} {duration(t)}" for phase, t in zip(PHASES, parts, strict=True))
    if size == SIZES[0]:
        return Row(name, duration(median(whole)), split, "")
    ratios = sorted(a / b for a, b in zip(whole, shortest, strict=True))
    ratio = median(ratios)
    figure = f"**{ratio:.2f}x** that of {SIZES[0]:,} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
    return Row(name, duration(median(whole)), split, figure, bound(ratio, 1.5, "x"))


def _pass(size: int) -> tuple[float, float, float]:
    """Seconds to build a chain, to sweep it and to let it go; the collector runs as it likes."""
    start = perf_counter()
    x = _build(size)
    built = perf_counter()
    x.backward()
    swept = perf_counter()
    del x
    return built - start, swept - built, perf_counter() - swept


def _build(size: int) -> Value:
    x = Value(1.0)
    for _ in range(size):
        x = x * 1.00001
    return x


def garbage(size: int = SIZES[0]) -> int:
    """How many objects only the cycle collector can free, after a graph was used and dropped."""
    gc.collect()
    gc.disable()
    try:
        x = _build(size)
        x.backward()
        del x
        return gc.collect()
    finally:
        gc.enable()
