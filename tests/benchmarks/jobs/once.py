"""`python -m tests.benchmarks.jobs.once WHO JOB SEED`: one job, done once in a process of its own.

It prints the score on rows that were not learned from (accuracy, or R2), the CPU time of learning,
and the memory that learning took beyond that of the libraries and the data, in bytes.
"""

import json
import sys
import time
from dataclasses import replace
from pathlib import Path

from sklearn.metrics import accuracy_score, r2_score

from tests.benchmarks.jobs.contestants import CONTESTANTS
from tests.benchmarks.jobs.data import JOBS, split


def main() -> None:
    """Load the libraries by a first small training, then learn, then judge."""
    who, name, seed = sys.argv[1], sys.argv[2], int(sys.argv[3])
    job, contestant = JOBS[name], CONTESTANTS[who]
    small = replace(JOBS["iris"], epochs=1, hidden=(2,))
    first = split(small, 0)
    contestant(small, first[0], first[2], 0)(first[1])
    xs, tests, ys, wanted = split(job, seed)
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here
    before, start = _kilobytes("VmRSS"), time.process_time()
    predict = contestant(job, xs, ys, seed)
    seconds, peak = time.process_time() - start, _kilobytes("VmHWM")
    judge = r2_score if job.regression else accuracy_score
    found = {
        "score": float(judge(wanted, predict(tests))),
        "seconds": seconds,
        "memory": 1024 * max(peak - before, 0),
        "data": xs.nbytes + ys.nbytes,
    }
    print(json.dumps(found))


def _kilobytes(name: str) -> int:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    (line,) = [line for line in status.splitlines() if line.startswith(name)]
    return int(line.split()[1])


if __name__ == "__main__":
    main()
