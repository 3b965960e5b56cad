"""memory: bytes a node, all told, after backward: node, numbers, links, the collector's headers.

Every block that Python's allocator hands out is counted, at the size it really takes (a multiple
of 16 bytes); parameters of a network exist once and are not counted.
"""

import gc
import tracemalloc
from collections.abc import Callable, Mapping
from typing import Any

from tests.benchmarks.expressions import readme
from tests.benchmarks.harness import Effort
from tests.benchmarks.moons import NETWORKS, rows
from tests.benchmarks.report import Row, bound
from tests.benchmarks.systems import GRADWALK, MICROGRAD, installed, leaf_of

__all__ = ["LIMIT", "bytes_and_nodes", "expressions", "measure_memory"]

LIMIT = 240.0  # what the tests hold it to
PROMISE = 216.0
PARENTS = {GRADWALK: "parents", MICROGRAD: "_prev"}
COPIES = 100


def measure_memory(effort: Effort) -> list[Row]:
    """The README's expression, and rows of the network of moons: exact, so once is enough."""
    systems = installed(PARENTS)
    readmes = {s: bytes_and_nodes(expressions(s), PARENTS[s]) for s in systems}
    samples = {s: bytes_and_nodes(_samples(s), PARENTS[s]) for s in systems}
    return [*_rows("readme", readmes, PROMISE), *_rows("moons", samples, None)]


def _rows(name: str, found: Mapping[str, tuple[int, int]], limit: float | None) -> list[Row]:
    def show(system: str) -> str:
        size, nodes = found[system]
        return f"{size / nodes:.0f} bytes x {nodes / COPIES:.0f}"

    target = "" if limit is None else bound(found[GRADWALK][0] / found[GRADWALK][1], limit)
    lines = [
        Row(
            f"memory, {name}: a node x nodes",
            show(GRADWALK),
            f"{peer} {show(peer)}",
            f"**{found[peer][0] / found[GRADWALK][0]:.1f}x** in all",
            target,
        )
        for peer in found
        if peer != GRADWALK
    ]
    return lines or [Row(f"memory, {name}: a node x nodes", show(GRADWALK), "", "", target)]


def expressions(system: str) -> Callable[[], Any]:
    leaf = leaf_of(system)
    return lambda: readme(leaf(-4.0), leaf(2.0))


def _samples(system: str) -> Callable[[], Any]:
    net = NETWORKS[system]()
    data = iter(rows(COPIES + 1))

    def sample() -> Any:
        x, y = next(data)
        return (net(x) - y) ** 2

    return sample


def bytes_and_nodes(build: Callable[[], Any], parents: str) -> tuple[int, int]:
    """Bytes and nodes of as many graphs as COPIES says, swept and alive at once.

    One graph is made beforehand: what belongs to everybody (parameters, caches) exists by then.
    """
    old = build()
    old.backward()
    shared = _below([old], parents)
    graphs: list[Any] = [None] * COPIES
    gc.collect()
    tracemalloc.start()
    try:
        for i in range(COPIES):
            graphs[i] = build()
            graphs[i].backward()
        gc.collect()
        blocks = tracemalloc.take_snapshot().traces
    finally:
        tracemalloc.stop()
    return sum(-(-block.size // 16) * 16 for block in blocks), len(_below(graphs, parents) - shared)


def _below(roots: list[Any], parents: str) -> set[Any]:
    seen, stack = set(roots), list(roots)
    while stack:
        new = [node for node in getattr(stack.pop(), parents) if node not in seen]
        seen.update(new)
        stack += new
    return seen
