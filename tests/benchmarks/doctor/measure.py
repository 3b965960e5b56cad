"""The doctor is asked about every fault that does harm, and about the healthy trainings.

A fault does harm where the score is below what healthy trainings have over their seeds; where the
training ends in an error, it does. One that does none is counted, and left out.
"""

import sys
from collections.abc import Iterable, Iterator
from functools import cache
from statistics import mean, pstdev

from tests.benchmarks.doctor.fault import Fault
from tests.benchmarks.doctor.faults import FAULTS, KINDS
from tests.benchmarks.doctor.run import run
from tests.benchmarks.doctor.table import Case, show
from tests.benchmarks.doctor.trainings import TRAININGS
from tests.benchmarks.harness import Effort
from tests.benchmarks.report import Row

__all__ = ["cases", "measure_doctor"]

SEEDS = 4  # of healthy trainings, from which their spread is known
MOST = 12  # cases of a kind
SLACK = 0.02  # a score that is lower by less is no harm


def measure_doctor(effort: Effort) -> list[Row]:
    """Print what came of each kind, and give what was promised."""
    quick = effort.fewest < Effort().fewest
    found = cases(KINDS, 1 if quick else MOST)
    healthy = [run(TRAININGS[name].script(seed)) for name, seed in _healthy(quick)]
    text, rows = show(found, healthy)
    print(text)
    return rows


def _healthy(quick: bool) -> Iterator[tuple[str, int]]:
    return ((name, seed) for seed in range(1 if quick else SEEDS) for name in TRAININGS)


def cases(kinds: Iterable[str], most: int) -> list[Case]:
    """So many cases of each kind that do harm, and those met on the way that do none."""
    found = []
    for kind in kinds:
        harmful = 0
        for fault, name, seed in _plantings(kind):
            case = judge(fault, name, seed)
            found.append(case)
            harmful += case.harm
            if harmful == most:
                break
        print(f"  {kind}: {harmful}", file=sys.stderr)
    return found


def _plantings(kind: str) -> Iterator[tuple[Fault, str, int]]:
    """Where the faults of a kind can be, so that the first few are as different as they can."""
    faults = [fault for fault in FAULTS if fault.name == kind]
    for seed in range(SEEDS):
        for name, training in TRAININGS.items():
            for fault in faults:
                if fault.suits(training):
                    yield fault, name, seed


def judge(fault: Fault, name: str, seed: int) -> Case:
    """Plant the fault, run the script and, where that did harm, look at what was named."""
    training = TRAININGS[name]
    script = fault.plant(training, seed)
    outcome = run(script, lambda score: score < lowest(name))
    harm = outcome.score < lowest(name)
    where = f"{name}, seed {seed}"
    return Case(fault, where, script, outcome, harm, fault.lines(training, seed))


@cache
def lowest(name: str) -> float:
    """The score below which a training has come to harm."""
    scores = [run(TRAININGS[name].script(seed), lambda _: False).score for seed in range(SEEDS)]
    return mean(scores) - max(2 * pstdev(scores), SLACK)
