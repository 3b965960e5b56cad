"""The table of causes: of each, its name, what is seen of it, and the changes that would mend it.

A row is a function of the facts. It gives suspicions, or nothing. To add a cause is to add a row.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from engine.explain.causes import entry
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


def remedy(do: str, change: Callable[..., None], *given: Any, short: str = "") -> Remedy:
    """A remedy by one of `changes`, with what that is given; `short` where it is not as `do`."""
    return Remedy(do, short or do, partial(change, *given))


class Suspicion(NamedTuple):
    """A cause that symptoms suggest, and the changes that would mend it.

    `certain` says that it needs no trial: it is plain to see, and wrong in any case.
    """

    cause: Cause
    remedies: tuple[Remedy, ...] = ()
    certain: bool = False


Row = Callable[[Symptoms], Iterator[Suspicion]]
CAUSES: dict[str, Row] = {}
row = partial(entry, CAUSES)


def suspect(
    title: str,
    seen: str,
    weight: float,
    place: Place | None,
    *remedies: Remedy,
    do: str = "",
    certain: bool = False,
) -> Suspicion:
    """A suspicion; see Cause. Its name is that of its row."""
    return Suspicion(Cause("", title, seen, do, weight, place), remedies, certain)
