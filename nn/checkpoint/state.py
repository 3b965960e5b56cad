"""The state of a training, and its file, from which `fit` goes on as if nothing had interrupted it.

The parts of a training give their state as dictionaries, and take it back all or nothing. The file
is one that `load` reads: the model as it was best, and beside it these dictionaries.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

from engine import Value
from engine.outfile import named
from nn.checkpoint import model as saved
from nn.checkpoint.files import CheckpointError, FilePath, read, write
from nn.checks import warn
from nn.models.architecture import Slot, slots
from nn.models.module import Module

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
            fault = f"{self.source} has {name} that this training cannot go on with"
            remedy = "resume the one that wrote it, take another copy, or start anew with"
            raise CheckpointError(f"{fault}; {remedy} resume=False")

    def entry(self, name: str, kind: type[T]) -> T:
        """An entry of that type."""
        found = self.get(name)
        self.need(isinstance(found, kind), name)
        return found  # type: ignore[return-value]  # or an error was raised

    def floats(self, name: str, count: int | None = None) -> list[float]:
        """The numbers of a row, as many as `count` says."""
        found = self.entry(name, saved.numpy().ndarray)
        self.need(found.ndim == 1 and count in (None, len(found)), name)
        return [*map(float, found)]

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
        found = self.entry(name, saved.numpy().ndarray)
        self.need(found.ndim == 2 and len(found) == count, name)
        self.need(count == 0 or (found.size > 0 and width in (None, found.shape[1])), name)
        return [array("d", row) for row in found]

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


def row(numbers: Sequence[Any]) -> Any:
    """Numbers as a state holds them."""
    return saved.numpy().array(numbers, "float64")


def table(rows: Sequence[Sequence[float]]) -> Any:
    """Rows of equally many numbers as a state holds them."""
    return row(rows).reshape(len(rows), len(rows[0]) if rows else 0)


class CheckpointWriter:
    """Reads the state of a training from a file, and writes it there after epochs.

    Arguments:
        path: the file.
        model: what is trained.
        settings: what has to be the same when the training goes on, but for "epochs", which may be
            more. They are ready for JSON.
    """

    def __init__(self, path: FilePath, model: Module, settings: dict[str, Any]) -> None:
        self.path: FilePath = named(path, "checkpoint")
        self.model: Module = model
        self.settings: dict[str, Any] = settings
        self.slots: dict[str, Slot] = slots(model)
        self.card: dict[str, Any] = saved.model_card(model)
        self.parts: Sequence[Stateful] = ()
        self._written = b""

    def read(self) -> State | None:
        """The state in the file; None where there is no file yet.

        Raises CheckpointError where it is of another model or has other settings.
        """
        try:
            tensors, card = saved.unpack(read(self.path), self.path)
        except FileNotFoundError:
            return None
        about = card.get("training") if card else None
        if card is None or not isinstance(about, dict):
            got = f"{self.path} holds a model and no training"
            remedy = "give load(path) to fit as the model, or another path as checkpoint"
            raise CheckpointError(f"{got}; {remedy}")
        best = {name: t for name, t in tensors.items() if not name.startswith(saved.TRAINING)}
        numbers = {k.removeprefix(saved.TRAINING): t for k, t in tensors.items() if k not in best}
        wanted = {name: slot.shape for name, slot in slots(self.model, best.keys()).items()}
        saved.check_shapes(best, wanted, self.path, repr(self.model))
        if card.get("model") != self.card:
            fault = f"{self.path} is of a training of another model than {self.model!r}"
            raise CheckpointError(f"{fault}; build the same")
        state = State(about | numbers, self.path)
        self._compare(self.settings, state)
        return state

    def start(self, parts: Sequence[Stateful], backend: str, state: State | None) -> None:
        """Set the parts whose state is written from now on.

        Raises CheckpointError where the state that was read is of another backend.
        """
        self.parts, self.settings["backend"] = parts, backend
        if state is not None:
            self._compare({"backend": backend}, state)
        elif os.path.isfile(self.path):
            aside = f"{os.fspath(self.path)}.old"
            write(aside, read(self.path))
            warn(f"{self.path} was there and is kept as {aside}; resume=True would have gone on")

    def write(self, best: Mapping[Value, float]) -> None:
        """Replace the file at once, unless it is the same as before.

        Arguments:
            best: for each parameter the number that `load` is to find.
        """
        state: dict[str, Any] = {"settings": self.settings}
        for part in self.parts:
            state |= part.state_dict()
        about = {name: x for name, x in state.items() if not isinstance(x, saved.numpy().ndarray)}
        numbers = {saved.TRAINING + name: x for name, x in state.items() if name not in about}
        tensors = {**saved.model_tensors(self.slots, best), **numbers}
        data = saved.pack(tensors, {"model": self.card, "training": about})
        if data != self._written:
            write(self.path, data)
            self._written = data

    def _compare(self, mine: Mapping[str, Any], state: State) -> None:
        """Raise CheckpointError for the first setting that differs."""
        theirs, done = state.entry("settings", dict), state.epochs
        for name, now in mine.items():
            if name != "epochs" and theirs.get(name) != now:
                had, has = map(saved.shown, (theirs.get(name), now))
                got = f"{self.path} is of a training with {name}={had}, this one has {name}={has}"
                remedy = "resume with the same, or start anew with resume=False"
                raise CheckpointError(f"{got}; {remedy}")
        if mine.get("epochs", done) < done:
            fault = f"{self.path} is of a training that finished {done} epochs"
            advice = "ask for as many or more"
            raise CheckpointError(f"{fault}, this one has epochs={mine['epochs']}; {advice}")
