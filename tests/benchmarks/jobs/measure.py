"""The table of jobs: score, CPU time and memory, with the spread over seeds."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from statistics import mean, median, pstdev
from typing import Any

from tests.benchmarks.harness import Effort
from tests.benchmarks.report import Row, duration
from tests.benchmarks.systems import GRADWALK, TORCH, installed

__all__ = ["jobs_rows", "measure_jobs"]

SLACK = 16e6  # bytes: a compiled program and what the allocator holds, whatever the data
Found = Mapping[str, Sequence[Mapping[str, float]]]


def measure_jobs(effort: Effort) -> list[Row]:
    """Every job by everybody, in turn, seed by seed; two seeds of each where it has to be quick."""
    from tests.benchmarks.jobs.contestants import SKLEARN
    from tests.benchmarks.jobs.data import JOBS

    everybody = [GRADWALK, SKLEARN, *installed([TORCH])]
    rows: list[Row] = []
    for name, job in JOBS.items():
        seeds = range(min(job.seeds, effort.fewest - 1))
        found: dict[str, list[Mapping[str, float]]] = {who: [] for who in everybody}
        for seed in seeds:
            for who in everybody:
                found[who].append(_once(who, name, seed))
        rows += jobs_rows(name, found)
        print(f"  {name}", file=sys.stderr)
    return rows


def _once(who: str, job: str, seed: int) -> Mapping[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.jobs.once", who, job, str(seed)]
    said = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(said.stdout)
    return found


def jobs_rows(name: str, found: Found) -> list[Row]:
    """A line for each peer. The first says what falls short of what was promised."""
    ours, (sklearn, *others) = found[GRADWALK], [who for who in found if who != GRADWALK]
    best = max((sklearn, *others), key=lambda who: _score(found[who])[0])
    short = []
    if _score(ours)[0] < _score(found[best])[0] - max(_score(ours)[1], _score(found[best])[1]):
        short.append("score")
    if _middle(ours, "seconds") > _middle(found[sklearn], "seconds"):
        short.append("CPU time")
    if _middle(ours, "memory") > max(_middle(ours, "data"), SLACK):
        short.append("memory")
    return [
        Row(
            name,
            _show(ours),
            f"{peer} {_show(found[peer])}",
            f"**{_middle(found[peer], 'seconds') / _middle(ours, 'seconds'):.1f}x** CPU time",
            "" if peer != sklearn else f"short: {', '.join(short)}" if short else "ok",
        )
        for peer in (sklearn, *others)
    ]


def _show(runs: Sequence[Mapping[str, float]]) -> str:
    score, spread = _score(runs)
    return (
        f"{score:.3f} ± {spread:.3f}, {duration(_middle(runs, 'seconds'))}, "
        f"{_middle(runs, 'memory') / 1e6:.0f} MB"
    )


def _score(runs: Sequence[Mapping[str, float]]) -> tuple[float, float]:
    scores = [run["score"] for run in runs]
    return mean(scores), pstdev(scores)


def _middle(runs: Sequence[Mapping[str, Any]], name: str) -> float:
    return float(median([run[name] for run in runs]))
