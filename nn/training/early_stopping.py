"""What is decided after each epoch: which one is the best, and whether to stop."""

import math
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from nn.training.eager import EagerTrainer
from nn.training.history import History
from nn.training.native import NativeTrainer

__all__ = ["Callback", "Keeper", "Trainer", "callables"]

Trainer: TypeAlias = EagerTrainer | NativeTrainer
Callback: TypeAlias = Callable[[History], Any]


class Keeper:
    """Remembers the best parameters, how long ago the loss last fell, and who wants to see it."""

    def __init__(
        self, trainer: Trainer, min_delta: float, patience: int | None, callbacks: list[Callback]
    ) -> None:
        self.trainer, self.min_delta, self.patience = trainer, min_delta, patience
        self.callbacks, self.called_off = callbacks, False
        self.lowest = self.mark = math.inf
        self.waited = 0
        self._keep(None)

    @property
    def done(self) -> str | None:
        """Why to stop."""
        if self.called_off:
            return "callback"
        return "patience" if self.patience is not None and self.waited >= self.patience else None

    def call(self, history: History) -> None:
        """Show the epoch to those who want to see it; any of them may call the rest off."""
        if self.callbacks:
            self.trainer.sync()
            history.best_epoch, history.confusion = self.kept[1], self.trainer.confusion()
            self.called_off = True in [_is_true(callback(history)) for callback in self.callbacks]

    def see(self, history: History) -> None:
        """Take in the epoch that was just measured."""
        numbers = history.log[-1]
        loss = numbers.get("val_loss", numbers["loss"])
        if loss < self.lowest:
            self.lowest = loss
            self._keep(history.epochs - 1)
        if loss < self.mark - self.min_delta:
            self.mark, self.waited = loss, 0
        else:
            self.waited += 1

    def restore(self) -> int | None:
        """Give the parameters their best values back; the answer is the epoch these are of."""
        numbers, epoch = self.kept
        self.trainer.sync(numbers)
        return epoch

    def _keep(self, epoch: int | None) -> None:
        self.kept = self.trainer.numbers(), epoch  # at once, whenever Ctrl-C comes


def _is_true(answer: Any) -> bool:
    """Whether it is True, Python's or the one that comparisons of NumPy's numbers give."""
    return type(answer).__name__ in ("bool", "bool_") and bool(answer)


def callables(callbacks: Callback | Iterable[Callback] | None) -> list[Callback]:
    """One or several as a list."""
    given: Any = callbacks or []
    listed: list[Any] = list(given) if hasattr(given, "__iter__") else [given]
    for callback in listed:
        if not callable(callback):
            raise TypeError(
                f"callbacks are functions of the History, got {type(callback).__name__}; give one "
                "like lambda history: print(history.loss[-1]), or a list of them"
            )
    return listed
