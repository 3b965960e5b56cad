"""What a training checkpoint says, held against what it may say before any of it is used."""

from __future__ import annotations

import math
import random
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from engine import Value
from nn.checkpoint.files import CheckpointError, FilePath
from nn.checkpoint.model import TRAINING, Tensor, check_shapes, model_card
from nn.checks import is_number
from nn.models.architecture import Slot, slots
from nn.models.module import Module
from nn.optim.optimizers import Optimizer
from nn.training.history import History

__all__ = ["Saved", "Training"]


@dataclass(eq=False)
class Training:
    """What changes while `fit` runs (beside the order of rows and what was kept as the best)."""

    model: Module
    tuner: Optimizer
    parameters: list[Value]
    rng: random.Random
    history: History

    def __post_init__(self) -> None:
        self.rate = self.tuner.lr  # before a schedule scales it

    @cached_property
    def held(self) -> Mapping[str, Slot]:
        """The model's parameters as named tensors."""
        return slots(self.model)

    @cached_property
    def generators(self) -> list[random.Random]:
        """Where it draws from: fit's own, and those that modules hold (for dropout)."""
        found: list[Any] = [self.rng]
        for module in self.model.modules():
            found += [x for x in vars(module).values() if isinstance(x, random.Random)]
        return list({id(generator): generator for generator in found}.values())

    @cached_property
    def card(self) -> dict[str, Any]:
        """What the metadata say of the model."""
        return model_card(self.model)


class Saved:
    """What a file says of a training, held against what it may say."""

    def __init__(
        self,
        tensors: Mapping[str, Tensor],
        card: Mapping[str, Any] | None,
        path: FilePath,
        training: Training,
    ) -> None:
        self.path, self.training = path, training
        about = card.get("training") if card else None
        if not isinstance(about, dict):
            raise CheckpointError(
                f"{path} holds a model and no training; give load(path) to fit as the model, or "
                "another path as checkpoint"
            )
        self.about = about
        self.tensors = {
            name.removeprefix(TRAINING): tensor
            for name, tensor in tensors.items()
            if name.startswith(TRAINING)
        }
        model = {name: t for name, t in tensors.items() if not name.startswith(TRAINING)}
        wanted = {name: slot.shape for name, slot in training.held.items()}
        check_shapes(model, wanted, path, repr(training.model))
        if card is None or card.get("model") != training.card:
            raise CheckpointError(
                f"{path} is of a training of another model than {training.model!r}; build the same"
            )
        self.settings: dict[str, Any] = self._get("settings", dict)
        self.epochs = len(self.floats("factors"))

    def check(self, rows: int, record: bool) -> None:
        """Raise CheckpointError where any of it cannot be of this training."""
        count = len(self.training.parameters)
        self.order = self.numbered("order", rows)
        for name in ("parameters", "kept"):
            self._need(len(self.floats(name)) == count, name)
        self.log = self._log()
        self.snapshots = self._rows("snapshots")
        self._need(len(self.snapshots) == (self.epochs + 1 if record else 0), "snapshots")
        self._need(all(len(snapshot) == count for snapshot in self.snapshots), "snapshots")
        self.start: dict[str, float] = self._get("start", dict)
        self._need(all(type(x) is float for x in self.start.values()), "start")
        self.keeper: list[Any] = self._get("keeper", list)
        self._need(len(self.keeper) == 4, "keeper")
        lowest, mark, waited, epoch = self.keeper
        self._need(type(lowest) is float and type(mark) is float, "keeper")
        self._need(type(waited) is int and waited >= 0, "keeper")
        self._need(epoch is None or (type(epoch) is int and 0 <= epoch < self.epochs), "keeper")
        self.optimizer = self._optimizer()
        self.generators = self._generators()

    def floats(self, name: str) -> list[float]:
        """A list of numbers."""
        self._need(name in self.tensors and len(self.tensors[name].shape) == 1, name)
        return self.tensors[name].numbers.tolist()

    def numbered(self, name: str, count: int) -> list[int]:
        """The numbers of so many rows, in some order."""
        found = self._whole(name)
        self._need(sorted(found) == list(range(count)), name)
        return found

    def _whole(self, name: str) -> list[int]:
        found = self.floats(name)
        self._need(all(x >= 0 and x.is_integer() for x in found), name)
        return [int(x) for x in found]

    def _rows(self, name: str) -> list[array[float]]:
        self._need(name in self.tensors and len(self.tensors[name].shape) == 2, name)
        (rows, width), held = self.tensors[name].shape, self.tensors[name].numbers
        self._need(rows == 0 or width > 0, name)
        return [held[i * width : (i + 1) * width] for i in range(rows)]

    def _log(self) -> list[dict[str, float]]:
        columns, rows = self._get("columns", list), self._rows("log")
        self._need(all(isinstance(c, str) for c in columns), "log")
        self._need(len(rows) == self.epochs, "log")
        self._need(not rows or ("loss" in columns and len(columns) == len(rows[0])), "log")
        return [dict(zip(columns, row, strict=True)) for row in rows]

    def _optimizer(self) -> dict[str, Any]:
        tuner, state = self.training.tuner, self._get("optimizer", dict)
        sizes, memory = self._whole("sizes"), self.floats("memory")
        wanted = tuner.state_dict().keys() - {"memory"}
        self._need(state.keys() == wanted, "optimizer")
        steps, rate = state["steps"], state["lr"]
        self._need(type(steps) is int and steps >= 0, "optimizer")
        self._need(is_number(rate) and 0 <= rate < math.inf, "optimizer")
        self._need(len(sizes) == len(tuner.params) and sum(sizes) == len(memory), "memory")
        if (
            tuner.update.__module__ == "nn.optim.optimizers"
        ):  # which remember so many numbers of each
            size = len(tuner.update(0.0, 0.0, ())) - 1 if steps else 0
            self._need(set(sizes) == {size}, "memory")
        each = iter(memory)
        found: dict[str, Any] = state | {
            "memory": [[next(each) for _ in range(size)] for size in sizes]
        }
        return found

    def _generators(self) -> list[Any]:
        states = self._get("generators", list)
        self._need(len(states) == len(self.training.generators), "generators")
        found = []
        for state in states:
            try:
                version, words, gauss = state
                found.append((version, tuple(words), gauss))
                random.Random().setstate(found[-1])
            except (TypeError, ValueError, OverflowError):
                self._need(False, "generators")
            self._need(gauss is None or is_number(gauss), "generators")
        return found

    def _get(self, name: str, kind: type) -> Any:
        found = self.about.get(name)
        self._need(isinstance(found, kind), name)
        return found

    def _need(self, right: bool, what: str) -> None:
        if not right:
            raise CheckpointError(
                f"{self.path} has {what} that this training cannot go on with; resume the one that "
                "wrote it, take another copy, or start anew with resume=False"
            )
