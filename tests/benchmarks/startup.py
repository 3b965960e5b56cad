"""startup: what `import engine` adds to a bare interpreter, in fresh processes, in turn."""

import subprocess
import sys
from statistics import median
from time import perf_counter

from tests.benchmarks.harness import Effort
from tests.benchmarks.report import Row, bound, duration

__all__ = ["measure_startup"]


def measure_startup(effort: Effort) -> list[Row]:
    _seconds("import engine")  # writes the bytecode
    pairs = [(_seconds("pass"), _seconds("import engine")) for _ in range(effort.rounds)]
    bare, added = median(a for a, _ in pairs), sorted(b - a for a, b in pairs)
    return [
        Row(
            "import engine",
            f"{duration(median(added))} more",
            f"a bare interpreter {duration(bare)}",
            f"({duration(max(added[0], 0.0))} to {duration(added[-1])})",
            bound(1e3 * median(added), 60.0, " ms"),
        )
    ]


def _seconds(program: str) -> float:
    start = perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True)
    return perf_counter() - start
