"""Graphs of any size and of any number, with the memory that they take."""

import gc
import sys
import tracemalloc
from time import perf_counter

from engine import Value

__all__ = ["measured", "one_large", "many_small"]


def one_large(nodes: int) -> tuple[Value, Value]:
    """A chain of so many nodes, and the leaf below it. Its gradient is 1 and its value is 2."""
    x = Value(2.0)
    y = x
    for _ in range(nodes // 2):
        y = x - (x - y)
    return x, y


def many_small(graphs: int) -> float:
    """Build, sweep and drop so many graphs; the sum of their gradients."""
    total = 0.0
    for i in range(graphs):
        x, w = Value(0.5), Value(i % 7 - 3.0)
        y = (x * w + 1.0).tanh()
        y.backward()
        total += w.grad
    return total


def measured(nodes: int) -> tuple[float, float]:
    """Bytes a node while a chain of so many stands, and at most while it is swept."""
    gc.collect()
    tracemalloc.start()
    try:
        x, y = one_large(nodes)
        held = tracemalloc.get_traced_memory()[0]
        y.backward()
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (x.grad, y.data) == (1.0, 2.0)
    return held / nodes, most / nodes


def _resident() -> int:
    """The most memory that this process has had, in bytes."""
    import resource  # which Windows has not

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most


def report(nodes: int, graphs: int) -> None:
    """Print what the large and the many take."""
    start = perf_counter()
    many_small(graphs // 10)
    before = _resident()
    many_small(graphs)
    grown = _resident() - before
    print(f"{graphs:,} small graphs: {perf_counter() - start:.0f} s, grown by {grown:,} bytes")
    start, before = perf_counter(), _resident()
    x, y = one_large(nodes)
    built, held = perf_counter() - start, _resident() - before
    y.backward()
    swept, most = perf_counter() - start - built, _resident() - before
    assert (x.grad, y.data) == (1.0, 2.0)
    print(f"a graph of {nodes:,} nodes: built in {built:.0f} s, {held / nodes:.0f} bytes a node;")
    print(f"  swept in {swept:.0f} s, at most {most / nodes:.0f} bytes a node, {most / 1e9:.1f} GB")
