"""The state of a training as dictionaries: parts give it, and take it back all or nothing."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from nn.checkpoint.files import CheckpointError
from nn.checkpoint.model import Tensor

__all__ = ["State", "Stateful", "load_all", "row", "table"]

T = TypeVar("T")


class Stateful(Protocol):
    """A part of a training that changes while it runs.

    Many numbers stand in its dictionary as a `row` or a `table`; all else is ready for JSON.
    """

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` needs to go on from here. No other part uses the same names."""
        ...

    def load_state_dict(self, state: State) -> None:
        """Go on from there. Raises CheckpointError where that cannot be."""
        ...


class State(dict[str, Any]):
    """The dictionaries of all parts in one, and how parts read their entries.

    Arguments:
        found: the entries.
        source: where they are from, for the messages of errors.

    Reading an entry that is missing or is not what it should be raises CheckpointError.
    """

    def __init__(self, found: Mapping[str, Any], source: object = "the state") -> None:
        super().__init__(found)
        self.source = source

    def need(self, right: bool, name: str) -> None:
        """Raise an error about the entry of that name unless it is right."""
        if not right:
            raise CheckpointError(
                f"{self.source} has {name} that this training cannot go on with; resume the one "
                "that wrote it, take another copy, or start anew with resume=False"
            )

    def entry(self, name: str, kind: type[T]) -> T:
        """An entry of that type."""
        found = self.get(name)
        self.need(isinstance(found, kind), name)
        return found  # type: ignore[return-value]  # or an error was raised

    def floats(self, name: str, count: int | None = None) -> list[float]:
        """The numbers of a row, as many as `count` says."""
        found = self.entry(name, Tensor)
        self.need(len(found.shape) == 1 and count in (None, found.shape[0]), name)
        return found.numbers.tolist()

    def counts(self, name: str, count: int | None = None) -> list[int]:
        """The numbers of a row, all of them whole and at least 0."""
        found = self.floats(name, count)
        self.need(all(x >= 0 and x.is_integer() for x in found), name)
        return [int(x) for x in found]

    def order(self, name: str, count: int) -> list[int]:
        """The numbers from 0 up to `count`, each once."""
        found = self.counts(name, count)
        self.need(sorted(found) == list(range(count)), name)
        return found

    def rows(self, name: str, count: int, width: int | None = None) -> list[array[float]]:
        """The rows of a table, as many as `count` says, of that width."""
        found = self.entry(name, Tensor)
        self.need(len(found.shape) == 2 and found.shape[0] == count, name)
        wide = found.shape[1]
        self.need(count == 0 or (wide > 0 and width in (None, wide)), name)
        return [found.numbers[i * wide : (i + 1) * wide] for i in range(count)]

    @property
    def epochs(self) -> int:
        """How many epochs were finished."""
        return len(self.floats("factors"))


def load_all(parts: Sequence[Stateful], state: State) -> None:
    """Let every part go on from a state. If one cannot, all of them are as they were before."""
    before: dict[str, Any] = {}
    for part in parts:
        before |= part.state_dict()
    try:
        for part in parts:
            part.load_state_dict(state)
    except BaseException:  # Ctrl-C too
        for part in parts:
            part.load_state_dict(State(before))
        raise


def row(numbers: Iterable[float]) -> Tensor:
    """Numbers as a state holds them."""
    held = array("d", numbers)
    return Tensor((len(held),), held)


def table(rows: Sequence[Sequence[float]]) -> Tensor:
    """Rows of equally many numbers as a state holds them."""
    held = array("d", [x for row in rows for x in row])
    return Tensor((len(rows), len(rows[0]) if rows else 0), held)
