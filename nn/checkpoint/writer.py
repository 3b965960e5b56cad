"""Training checkpoints: files from which `fit` goes on as if it had never been interrupted.

Such a file is one that `load` reads: the model as it was best, and beside it the dictionaries of
all parts of the training.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from engine import Value
from nn.checkpoint.files import CheckpointError, FilePath, read, write
from nn.checkpoint.model import (
    TRAINING,
    Tensor,
    check_shapes,
    model_card,
    model_tensors,
    pack,
    shown,
    unpack,
)
from nn.checkpoint.state import State, Stateful
from nn.models.architecture import slots
from nn.models.module import Module

__all__ = ["CheckpointWriter"]


class CheckpointWriter:
    """Reads the state of a training from a file, and writes it there after epochs.

    Arguments:
        path: the file.
        model: what is trained.
        settings: what has to be the same when the training goes on, but for "epochs", which may be
            more. They are ready for JSON.
    """

    def __init__(self, path: FilePath, model: Module, settings: dict[str, Any]) -> None:
        self.path, self.model, self.settings = path, model, settings
        self.slots, self.card = slots(model), model_card(model)
        self.parts: Sequence[Stateful] = ()
        self._written = b""

    def read(self) -> State | None:
        """The state in the file; None where there is no file yet.

        Raises CheckpointError where it is of another model or has other settings.
        """
        try:
            tensors, card = unpack(read(self.path), self.path)
        except FileNotFoundError:
            return None
        about = card.get("training") if card else None
        if card is None or not isinstance(about, dict):
            raise CheckpointError(
                f"{self.path} holds a model and no training; give load(path) to fit as the model, "
                "or another path as checkpoint"
            )
        numbers = {
            k.removeprefix(TRAINING): t for k, t in tensors.items() if k.startswith(TRAINING)
        }
        best = {name: t for name, t in tensors.items() if not name.startswith(TRAINING)}
        wanted = {name: slot.shape for name, slot in slots(self.model, best.keys()).items()}
        check_shapes(best, wanted, self.path, repr(self.model))
        if card.get("model") != self.card:
            raise CheckpointError(
                f"{self.path} is of a training of another model than {self.model!r}; build the same"
            )
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
            text = f"{self.path} was there and is kept as {aside}; resume=True would have gone on"
            warnings.warn(text, stacklevel=2)

    def write(self, best: Mapping[Value, float]) -> None:
        """Replace the file at once, unless it is the same as before.

        Arguments:
            best: for each parameter the number that `load` is to find.
        """
        state: dict[str, Any] = {"settings": self.settings}
        for part in self.parts:
            state |= part.state_dict()
        numbers = {TRAINING + name: x for name, x in state.items() if isinstance(x, Tensor)}
        about = {name: x for name, x in state.items() if not isinstance(x, Tensor)}
        tensors = model_tensors(self.slots, best) | numbers
        data = pack(tensors, {"model": self.card, "training": about})
        if data != self._written:
            write(self.path, data)
            self._written = data

    def _compare(self, mine: Mapping[str, Any], state: State) -> None:
        """Raise CheckpointError for the first setting that differs."""
        theirs, done = state.entry("settings", dict), state.epochs
        for name, now in mine.items():
            if name != "epochs" and theirs.get(name) != now:
                raise CheckpointError(
                    f"{self.path} is of a training with {name}={shown(theirs.get(name))}, this "
                    f"one has {name}={shown(now)}; resume with the same, or start anew with "
                    "resume=False"
                )
        if mine.get("epochs", done) < done:
            raise CheckpointError(
                f"{self.path} is of a training that finished {done} epochs, this one has "
                f"epochs={mine['epochs']}; ask for as many or more"
            )
