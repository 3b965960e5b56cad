"""What was named, beside what should have been: a line for each kind, and all in all."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import median

from tests.benchmarks.doctor.fault import Fault
from tests.benchmarks.doctor.run import Cause, Outcome
from tests.benchmarks.report import Row, duration

__all__ = ["Case", "show", "wilson"]

PUBLISHED = {  # Humbatova et al., Empirical Software Engineering 2025: the best of those compared
    "recall": "DeepFD 55%",
    "precision": "DeepFD 37%",
}
HEAD = ("fault", "harm", "no harm", "first", "of three", "line", "verified", "mended", "seconds")


@dataclass
class Case:
    """A fault in a training, and what came of it.

    Attributes:
        where: the training and its seed. lines: those to blame.
        mended: whether the score is among those of healthy trainings once the script is changed as
            the right cause says; None where that could not be done by another value of an argument.
    """

    fault: Fault
    where: str
    script: str
    outcome: Outcome
    harm: bool
    lines: frozenset[int]
    mended: bool | None = None

    def names(self, cause: Cause) -> bool:
        """Whether a cause, or the text of an error, names the fault."""
        if cause.name is None:
            return bool(re.search(self.fault.says, cause.text, re.I))
        return cause.name in self.fault.right

    @property
    def rank(self) -> int | None:
        """Which of the causes is right, counted from 0."""
        right = [i for i, cause in enumerate(self.outcome.causes) if self.names(cause)]
        return right[0] if right else None

    @property
    def named(self) -> Cause | None:
        """The cause that is right."""
        return None if self.rank is None else self.outcome.causes[self.rank]

    @property
    def line(self) -> bool:
        return self.named is not None and not self.lines.isdisjoint(self.named.lines)


def wilson(hits: int, all_: int) -> tuple[float, float]:
    """The 95% interval of a share. Source: Wilson 1927, "Probable inference" (JASA 22).

    >>> [round(x, 3) for x in wilson(9, 10)]
    [0.596, 0.982]
    """
    if not all_:
        return 0.0, 1.0
    z, share = 1.959964, hits / all_
    middle, scale = share + z * z / (2 * all_), 1 + z * z / all_
    half = z * sqrt(share * (1 - share) / all_ + (z / (2 * all_)) ** 2)
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)


def show(cases: Sequence[Case], healthy: Sequence[Outcome]) -> tuple[str, list[Row]]:
    """The table of kinds as Markdown, and the rows of what was promised."""
    kinds = dict.fromkeys(case.fault.name for case in cases)
    lines = [HEAD, *(_kind(kind, [c for c in cases if c.fault.name == kind]) for kind in kinds)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, tuple("-" * width for width in widths))
    text = "\n".join("| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in lines)
    return f"{text}\n", _promises([case for case in cases if case.harm], healthy)


def _kind(kind: str, cases: Sequence[Case]) -> tuple[str, ...]:
    harmful = [case for case in cases if case.harm]

    def share(test: Callable[[Case], object], of: Callable[[Case], object]) -> str:
        counted = [case for case in harmful if of(case)]
        return f"{sum(map(bool, map(test, counted)))}/{len(counted)}" if counted else ""

    seconds = [case.outcome.seconds for case in harmful if case.outcome.seconds]
    return (
        kind,
        str(len(harmful)),
        str(len(cases) - len(harmful)),
        share(lambda case: case.rank == 0, bool),
        share(_of_three, bool),
        share(lambda case: case.line, lambda case: case.lines),
        share(lambda case: case.named and case.named.verified, _tried),
        share(lambda case: case.mended, lambda case: case.mended is not None),
        f"{median(seconds):.2g}" if seconds else "",
    )


def _of_three(case: Case) -> bool:
    return case.rank is not None and case.rank < 3


def _tried(case: Case) -> bool:
    return case.named is not None and case.named.verified is not None


def _promises(harmful: Sequence[Case], healthy: Sequence[Outcome]) -> list[Row]:
    first = sum(case.rank == 0 for case in harmful)
    placed, tried = [c for c in harmful if c.lines], [c for c in harmful if _tried(c)]
    alarms = sum(bool(outcome.causes) for outcome in healthy)
    spoken = sum(bool(case.outcome.causes) for case in harmful) + alarms
    again = [case.mended for case in harmful if case.mended is not None]
    slowest = max([o.seconds for o in [*(c.outcome for c in harmful), *healthy]], default=0.0)
    verified = sum(bool(case.named and case.named.verified) for case in tried)
    aimed = PUBLISHED["precision"]
    return [
        _row("named first (recall)", first, len(harmful), 0.85, PUBLISHED["recall"]),
        _row("named among three", sum(map(_of_three, harmful)), len(harmful), 0.97),
        _row("right of what is named (precision)", first, spoken, 0.85, aimed),
        _row("line right", sum(case.line for case in placed), len(placed), 0.97),
        _row("remedy verified", verified, len(tried), 0.95),
        _row("test score mended", sum(again), len(again), 0.95),
        _row("false alarms", alarms, len(healthy), 0.01, most=True),
        Row("doctor: slowest", duration(slowest), "", "", _promise(slowest <= 2.0, "≤ 2 s")),
    ]


def _row(what: str, hits: int, all_: int, goal: float, peer: str = "", most: bool = False) -> Row:
    low, high = wilson(hits, all_)
    share = hits / all_ if all_ else 0.0
    kept = share <= goal if most else share >= goal
    figure = f"**{share:.0%}** ({low:.0%} to {high:.0%})"
    promise = _promise(kept, f"{'≤' if most else '≥'} {goal:.0%}")
    return Row(f"doctor: {what}", f"{hits} of {all_}", peer, figure, promise)


def _promise(kept: bool, goal: str) -> str:
    return f"{goal}: {'ok' if kept else 'short'}"
