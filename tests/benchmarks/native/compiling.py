"""What compiling takes, in fresh processes: the first time, and the second in the same process.

`python -m tests.benchmarks.native.compiling NETWORK SYSTEM` measures one such process.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter

import numpy as np

from tests.benchmarks.harness import Effort
from tests.benchmarks.native.networks import DIGITS, MNIST, MOONS, Network
from tests.benchmarks.native.steps import jax_step, program, recorded
from tests.benchmarks.report import Row, bound, duration
from tests.benchmarks.systems import GRADWALK, JAX, installed

__all__ = ["measure_compiling"]

ROWS = 64
PROMISES = {MOONS: 0.3, DIGITS: 1.0, MNIST: 3.0}  # seconds


def measure_compiling(effort: Effort) -> list[Row]:
    """A recorded graph to its first answer; then the same graph, recorded anew."""
    lines = []
    systems = installed(SYSTEMS)
    for network, limit in PROMISES.items():
        rounds = [{s: _in_a_process(network, s) for s in systems} for _ in range(effort.fewest)]
        ours = np.array([r[GRADWALK] for r in rounds])
        first, second, again = (float(x) for x in np.median(ours, axis=0))
        theirs = f"{JAX} {duration(median(r[JAX][0] for r in rounds))}" if JAX in systems else ""
        spread = f"({duration(ours[:, 0].min())} to {duration(ours[:, 0].max())})"
        name = f"compile {network.name}"
        lines += [
            Row(f"{name}, first time", duration(first), theirs, spread, bound(first, limit, " s")),
            Row(
                f"{name}, second time", duration(second), "", "", bound(again, 0.0, " s compiling")
            ),
        ]
    return lines


def _in_a_process(network: Network, system: str) -> list[float]:
    command = [sys.executable, "-m", __name__, network.name, system]
    return list(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))


def gradwalk_seconds(network: Network) -> list[float]:
    """For the first time and the second, and how long it compiled in the second."""
    rows = network.data(ROWS).rows()
    seconds = []
    for _ in range(2):
        graph = recorded(network)
        start = perf_counter()
        step = program(**graph)
        step(rows)
        seconds.append(perf_counter() - start)
    return [*seconds, step.stats.compile_time]


def jax_seconds(network: Network) -> list[float]:
    contender = jax_step(network, network.data(ROWS))
    start = perf_counter()
    contender.run()
    return [perf_counter() - start]


SYSTEMS: dict[str, Callable[[Network], list[float]]] = {
    GRADWALK: gradwalk_seconds,
    JAX: jax_seconds,
}


if __name__ == "__main__":
    _, name, system = sys.argv
    print(json.dumps(SYSTEMS[system](next(n for n in PROMISES if n.name == name))))
