"""History: what `fit` saw, epoch by epoch, and the curves of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from os import PathLike
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nn.drawing import Figure

__all__ = ["History", "figures"]


@dataclass(repr=False)
class History:
    """One number for each finished epoch, measured with the parameters at its end.

    Accuracies are shares from 0 to 1. A list is empty where there is nothing to tell: no validation
    rows, or a loss that is not one of classification.

    Attributes:
        log: the numbers of every epoch by name, from which the lists are read.
        best_epoch: the index in these lists of the epoch whose parameters were kept, the one with
            the lowest validation loss (training loss without validation). None where no epoch was
            finished: then the parameters are those from before.
        stopped: "epochs" (all done), "patience" (converged), "interrupt" (Ctrl-C).
    """

    log: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int | None = None
    stopped: str = "epochs"

    @property
    def loss(self) -> list[float]:
        """The loss of the training rows."""
        return self.column("loss")

    @property
    def accuracy(self) -> list[float]:
        """The share of the training rows that was right."""
        return self.column("accuracy")

    @property
    def val_loss(self) -> list[float]:
        """The loss of the validation rows."""
        return self.column("val_loss")

    @property
    def val_accuracy(self) -> list[float]:
        """The share of the validation rows that was right."""
        return self.column("val_accuracy")

    @property
    def epochs(self) -> int:
        """How many epochs were finished."""
        return len(self.log)

    @property
    def watched(self) -> list[float]:
        """The losses that decide which epoch is best and when to stop."""
        return self.val_loss or self.loss

    @property
    def best_loss(self) -> float:
        """The watched loss of the parameters that were kept; nan where no epoch was finished."""
        return math.nan if self.best_epoch is None else self.watched[self.best_epoch]

    def column(self, name: str) -> list[float]:
        """One of the numbers of every epoch."""
        return [numbers[name] for numbers in self.log if name in numbers]

    def __repr__(self) -> str:
        text = f"{self.epochs} epoch{'' if self.epochs == 1 else 's'}"
        if self.stopped != "epochs":
            text += f", stopped by {self.stopped}"
        if self.best_epoch is not None:
            text += f", kept epoch {self.best_epoch + 1}: {figures(self.log[self.best_epoch])}"
        return f"History({text})"

    def plot(self, path: str | PathLike[str] | None = None) -> Figure:
        """The curves of loss and (if there is one) accuracy, as `nn.drawing.plot_history` has them.

        Arguments:
            path: where to save it, as .png, .svg, .pdf, ...

        Returns a matplotlib Figure, which a notebook shows.
        Raises ImportError where matplotlib is missing, ValueError where there is nothing to plot.
        """
        from nn.drawing import plot_history  # which needs matplotlib

        return plot_history(self, path)


def figures(numbers: dict[str, float]) -> str:
    """Numbers as a person reads them, accuracies in percent.

    >>> figures({"loss": 0.034211, "accuracy": 0.975, "val_loss": 0.05, "val_accuracy": 0.95})
    'loss 0.0342 (val 0.05), accuracy 97.5% (val 95.0%)'
    """
    parts = []
    for name, digits in (("loss", ".3g"), ("accuracy", ".1%")):
        if name in numbers:
            val = numbers.get(f"val_{name}")
            beside = "" if val is None else f" (val {val:{digits}})"
            parts.append(f"{name} {numbers[name]:{digits}}{beside}")
    return ", ".join(parts)
