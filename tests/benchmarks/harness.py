"""Measuring in turn: A B A B ..., so that whatever a shared machine does meets both alike."""

import gc
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from time import perf_counter

__all__ = ["Contender", "Effort", "Race", "check_equal", "clean_heap", "race", "take_turns"]


@dataclass(frozen=True)
class Effort:
    """How hard to measure. Many short rounds beat few long ones where a machine is shared.

    Arguments:
        rounds: how many, where they are short; slow workloads are cut to `fewest` of them.
        at_least: how long each contender runs in a round, in seconds.
        budget: what the rounds of one race may take together, in seconds.
    """

    rounds: int = 41
    fewest: int = 7
    at_least: float = 0.02
    budget: float = 15.0

    def rounds_of(self, seconds: float) -> int:
        """How many rounds of so many seconds each."""
        return max(self.fewest, min(self.rounds, int(self.budget / seconds)))


@dataclass(frozen=True)
class Contender:
    """A system doing a workload: `run` is what is timed, `answer` its value and its gradients."""

    system: str
    run: Callable[[], object]
    answer: Callable[[], Sequence[float]]


@dataclass(frozen=True)
class Race:
    """Seconds per run: for each system one figure a round."""

    seconds: dict[str, list[float]]

    def median(self, system: str) -> float:
        return median(self.seconds[system])

    def ratios(self, slower: str, faster: str) -> list[float]:
        """How many times slower, round by round: neighbours in time, so noise cancels."""
        pairs = zip(self.seconds[slower], self.seconds[faster], strict=True)
        return [a / b for a, b in pairs]


def race(contenders: Sequence[Contender], effort: Effort) -> Race:
    """Time the contenders in turn, after holding their answers equal."""
    first, *others = contenders
    for other in others:
        check_equal(first, other)
    return take_turns(contenders, effort)


def take_turns(contenders: Sequence[Contender], effort: Effort) -> Race:
    """Time the contenders in turn, whatever they answer."""
    loops = {c.system: _calibrate(c.run, effort.at_least) for c in contenders}
    lap = sum(_time(c.run, loops[c.system]) * loops[c.system] for c in contenders)
    seconds: dict[str, list[float]] = {c.system: [] for c in contenders}
    with clean_heap():
        for _ in range(effort.rounds_of(lap)):
            for c in contenders:
                gc.collect()  # nobody pays for another's garbage,
                c.run()  # everybody for his own: what a run leaves is there when the next begins
                seconds[c.system].append(_time(c.run, loops[c.system]))
    return Race(seconds)


@contextmanager
def clean_heap() -> Iterator[None]:
    """As in a process of its own: the cycle collector does not walk what others have imported."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def check_equal(first: Contender, other: Contender, tolerance: float = 1e-9) -> None:
    """Raise unless both give the same numbers: a fast wrong answer is not a comparison."""
    ours, theirs = first.answer(), other.answer()
    if len(ours) != len(theirs):
        raise ValueError(
            f"{first.system} gives {len(ours)} numbers and {other.system} {len(theirs)}; "
            "they should do the same workload"
        )
    for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        if not math.isclose(a, b, rel_tol=tolerance, abs_tol=1e-300):
            raise ValueError(
                f"number {i} is {a!r} for {first.system} and {b!r} for {other.system}; they should "
                f"agree within {tolerance:g} relative before they are timed"
            )


def _calibrate(run: Callable[[], object], at_least: float) -> int:
    """How many runs make a round long enough for the clock. Warms up on the way."""
    loops = 1
    while (taken := _time(run, loops) * loops) < at_least:
        loops = max(2 * loops, min(10 * loops, math.ceil(loops * at_least / max(taken, 1e-9))))
    return loops


def _time(run: Callable[[], object], loops: int) -> float:
    start = perf_counter()
    for _ in range(loops):
        run()
    return (perf_counter() - start) / loops
