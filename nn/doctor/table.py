"""The table of causes: of each, its name, what is seen of it, and the changes that would mend it.

A row is a function of the facts. It gives suspicions, or nothing. To add a cause is to add a row.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from engine.explain.report import Cause
from engine.source.origin import Place
from nn.doctor.symptoms import Symptoms
from nn.doctor.trials import Training


@dataclass(frozen=True, slots=True)
class Remedy:
    """A change of a training: in words for the report, short for what was tried, and itself."""

    do: str
    short: str
    change: Callable[[Training], None]


class Suspicion(NamedTuple):
    """A cause that symptoms suggest, and the changes that would mend it.

    `certain` says that it needs no trial: it is plain to see, and wrong in any case.
    """

    cause: Cause
    remedies: tuple[Remedy, ...] = ()
    certain: bool = False


Row = Callable[[Symptoms], Iterator[Suspicion]]
CAUSES: dict[str, Row] = {}


def suspect(
    title: str,
    seen: str,
    weight: float,
    place: Place | None = None,
    remedies: tuple[Remedy, ...] = (),
    do: str = "",
    certain: bool = False,
) -> Suspicion:
    """A suspicion; see Cause. Its name is that of its row."""
    return Suspicion(Cause("", title, seen, do, weight, place), remedies, certain)


def row(name: str) -> Callable[[Row], Row]:
    """Put a function into the table."""

    def put(function: Row) -> Row:
        CAUSES[name] = function
        return function

    return put
