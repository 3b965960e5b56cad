"""size: how much there is to read. Exact, so no clock is needed and once is enough."""

from tests.benchmarks.harness import Effort
from tests.benchmarks.report import Row, bound
from tests.project.sources import PARTS, code_lines

__all__ = ["measure_size"]

PROMISED = {"engine/core": 1000}


def measure_size(effort: Effort) -> list[Row]:
    """Lines of code of the parts of the house, without docstrings and comments."""
    counts = {part: sum(map(code_lines, paths)) for part, paths in PARTS.items()}
    return [
        Row(
            f"lines of code: {part}",
            f"{count:,} in {len(PARTS[part])} files",
            "",
            "",
            bound(count, PROMISED[part]) if part in PROMISED else "",
        )
        for part, count in counts.items()
    ]
