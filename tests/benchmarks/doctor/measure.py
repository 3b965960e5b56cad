"""The doctor is asked about every fault that does harm, and about the healthy trainings.

A fault does harm where the score is below what healthy trainings have over their seeds, and below
what the same seed has without it; where the training ends in an error, it does. One that does none
is counted, and left out.
"""

import random
import re
import sys
from collections.abc import Iterable
from functools import cache
from itertools import product
from statistics import mean, pstdev

from tests.benchmarks.doctor.fault import Fault, statement
from tests.benchmarks.doctor.faults import FAULTS, KINDS
from tests.benchmarks.doctor.run import Cause, run
from tests.benchmarks.doctor.table import Case, show
from tests.benchmarks.doctor.trainings import TRAININGS
from tests.benchmarks.harness import Effort
from tests.benchmarks.report import Row

__all__ = ["cases", "lowest", "measure_doctor", "mended"]

SEEDS = 4  # of healthy trainings, from which their spread is known
MOST = 12  # cases of a kind
VALUE = r"(\[[^]]*\]|[^\s,()]+)"  # of an argument
SLACK = 0.02  # a score that is lower by less is no harm


def measure_doctor(effort: Effort) -> list[Row]:
    """Print what came of each kind, and give what was promised."""
    quick = effort.fewest < Effort().fewest
    found = cases(KINDS, 1 if quick else MOST)
    names = [*TRAININGS][:: 3 if quick else 1]
    seeds = range(1 if quick else SEEDS)
    healthy = [run(TRAININGS[name].script(seed)) for name, seed in product(names, seeds)]
    text, rows = show(found, healthy)
    print(text)
    return rows


def cases(kinds: Iterable[str], most: int) -> list[Case]:
    """So many cases of each kind that do harm, and those met on the way that do none.

    A single one is looked for among the quick trainings first, several among all of them.
    """
    found = []
    for kind in kinds:
        left, harmful = _plantings(kind), 0
        if most > 1:
            random.Random(kind).shuffle(left)
        while left and harmful < most:
            found.append(judge(*left.pop(0)))
            harmful += found[-1].harm
        print(f"  {kind}: {harmful}", file=sys.stderr)
    return found


def _plantings(kind: str) -> list[tuple[Fault, str, int]]:
    """Each fault of a kind in each training that it suits, with each seed."""
    faults = [fault for fault in FAULTS if fault.name == kind]
    return [
        (fault, name, seed)
        for seed, name in product(range(SEEDS), TRAININGS)
        for fault in faults
        if fault.suits(TRAININGS[name])
    ]


def judge(fault: Fault, name: str, seed: int) -> Case:
    """Plant the fault, run the script and, where that did harm, look at what was named."""
    training = TRAININGS[name]
    script = fault.plant(training, seed)
    limit = min(lowest(name), scores(name)[seed] - SLACK)
    outcome = run(script, lambda score: score < limit)
    harm = outcome.score < limit
    where = f"{name}, seed {seed}"
    case = Case(fault, where, script, outcome, harm, fault.lines(training, seed))
    if harm and case.named and (better := mended(script, case.named)):
        case.mended = run(better, lambda _: False).score >= lowest(name)
    return case


def mended(script: str, cause: Cause) -> str | None:
    """The script with the remedy, if that is another value of an argument on the cause's line."""
    lines = script.splitlines(keepends=True)
    near = {line for seen in cause.lines for line in statement(script, seen)}
    for name, value in re.findall(rf"\b(\w+)={VALUE}", cause.do):
        for line in near:
            old = lines[line - 1]
            lines[line - 1] = re.sub(rf"\b{name}={VALUE}", f"{name}={value}", old)
    new = "".join(lines)
    return None if new == script else new


@cache
def scores(name: str) -> list[float]:
    """Those of a healthy training, by seed."""
    return [run(TRAININGS[name].script(seed), lambda _: False).score for seed in range(SEEDS)]


def lowest(name: str) -> float:
    """The score below which a training has come to harm."""
    return mean(scores(name)) - max(2 * pstdev(scores(name)), SLACK)
