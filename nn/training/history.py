"""History: the numbers of every epoch of a training. EarlyStopping: which epoch is the best."""

from __future__ import annotations

import math
import sys
from array import array
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import ref

from engine.outfile import Target
from nn.checkpoint.state import State, row, table
from nn.checks import place

if TYPE_CHECKING:
    from engine import Value
    from engine.explain.report import Report
    from engine.source.origin import Place
    from nn.drawing import Figure
    from nn.models.module import Module
    from nn.training.task import Task
    from nn.training.trainer import Trainer


ROWS = 5  # that are printed
LAST: deque[ref[History]] = deque(maxlen=1)  # of the last training, if somebody holds it


@dataclass(repr=False, eq=False)
class Recording:
    """The parameters after every epoch, from which a page can show the training again.

    Attributes:
        model: what was trained.
        parameters: the model's in its order, then those that only the optimiser has.
        rows: the training rows, each a sample and its target.
        snapshots: their numbers, before the first epoch and after each.
        start: numbers like those in `History.log`, measured before the first epoch.
    """

    model: Module
    parameters: list[Value]
    rows: list[tuple[Any, Any]]
    snapshots: list[array[float]] = field(default_factory=list)
    start: dict[str, float] = field(default_factory=dict)

    def take(self) -> None:
        """Keep the numbers that the parameters have now."""
        self.snapshots.append(array("d", [parameter.data for parameter in self.parameters]))

    def state_dict(self) -> dict[str, Any]:
        """What was recorded so far."""
        return {"snapshots": table(self.snapshots), "start": self.start}

    def load_state_dict(self, state: State) -> None:
        """Go on recording from there."""
        start = state.entry("start", dict)
        state.need(all(type(x) is float for x in start.values()), "start")
        snapshots = state.rows("snapshots", state.epochs + 1, len(self.parameters))
        self.snapshots[:], self.start = snapshots, start


class Start:
    """What a training began with, for `diagnose`: the task, and what training changes of it.

    Attributes:
        place: the line that called `fit`. rate: the optimiser's lr.
        numbers: those of all parameters. changes: when each was set last, see `changed_at`.
    """

    def __init__(self, task: Task) -> None:
        self.task: Task = task
        self.place: Place = place()
        self.rate: float = float(task.optimizer.lr)
        self.numbers: list[float] = [parameter.data for parameter in task.parameters]
        self.changes: list[int] = [parameter._epoch for parameter in task.parameters]
        for part in task.held.modules:
            if hasattr(part, "called"):  # a Dropout; from now on it is wrong
                part.called = None


@dataclass(repr=False)
class History:
    """One number for each finished epoch, measured with the parameters at its end.

    Accuracies are shares from 0 to 1. A list is empty where there is nothing to tell: no validation
    rows, or a loss that is not one of classification.

    Attributes:
        log: the numbers of every epoch by name, from which the lists are read; other metrics are
            there too ("r2", "val_r2"), and in `column`.
        best_epoch: the index in these lists of the epoch whose parameters were kept, the one with
            the best number of those in `watched`. None where no epoch was finished: then the
            parameters are those from before.
        stopped: "epochs" (all done), "patience" (converged), "callback" (one of them returned
            True), "interrupt" (Ctrl-C).
        confusion: the confusion matrix of the validation rows (the training rows without them) for
            the parameters that were kept: how often each class (a row) was taken for each class
            (a column). In a callback, for those of the epoch that is over. None where "confusion"
            was not asked for or no epoch was finished.
        backend: "native" (machine code) or "eager" (Values): who trained.
        monitor: the name of what `watched` is. None is the validation loss, or the training loss
            without validation.
        recording: what `fit(..., record=True)` kept for `to_html`, else None.
        start: what the training began with; None where it was unpickled.
    """

    log: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int | None = None
    stopped: str = "epochs"
    confusion: list[list[int]] | None = None
    backend: str = "eager"
    recording: Recording | None = field(default=None, compare=False)
    monitor: str | None = None
    start: Start | None = field(default=None, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        # data and functions of the user, which may not go into a pickle
        return vars(self) | {"start": None}

    def diagnose(self, seconds: float = 2.0) -> Report:
        """Why the training did not learn, or could learn better, with remedies that were tried.

        It takes about so many seconds. See `nn.diagnose`. Raises ValueError for a History that was
        loaded or unpickled.
        """
        from nn.doctor.examine import of_history  # which trains copies, and most runs never need

        return of_history(self, seconds)

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
        """The numbers that decide which epoch is best and when to stop."""
        return self.column(self.monitor) if self.monitor else self.val_loss or self.loss

    @property
    def best_loss(self) -> float:
        """The loss (of the validation, if there is one) of the parameters that were kept.

        It is nan where no epoch was finished.
        """
        losses = self.val_loss or self.loss
        return math.nan if self.best_epoch is None else losses[self.best_epoch]

    @property
    def snapshots(self) -> list[array[float]]:
        """All parameters before the first epoch and after each; empty where nothing was recorded.

        In the order of `model.parameters()`.
        """
        return self.recording.snapshots if self.recording else []

    def column(self, name: str) -> list[float]:
        """One of the numbers of every epoch, as "loss" or "val_r2"."""
        return [numbers[name] for numbers in self.log if name in numbers]

    def state_dict(self) -> dict[str, Any]:
        """The numbers of every epoch."""
        names = list(self.log[-1]) if self.log else []
        return {"columns": names, "log": table([[x[name] for name in names] for x in self.log])}

    def load_state_dict(self, state: State) -> None:
        """Go on from the epochs that were finished. Raises CheckpointError, and changes nothing."""
        names, rows = state.entry("columns", list), state.rows("log", state.epochs)
        state.need(all(isinstance(name, str) for name in names), "log")
        state.need(not rows or ("loss" in names and len(names) == len(rows[0])), "log")
        self.log[:] = [dict(zip(names, row, strict=True)) for row in rows]

    def __repr__(self) -> str:
        from engine.wording.terminal import columns  # for people, and not for a training

        head = ["epoch", *(self.log[-1] if self.log else [])]
        last = [*enumerate(self.log, 1)][-ROWS:]
        rows = [[str(i), *(_figure(name, x[name]) for name in head[1:])] for i, x in last]
        return "\n".join([f"History({self.words})", *columns([head, *rows] if rows else [], 0)])

    @property
    def words(self) -> str:
        """How it ended, in a line."""
        text = f"{self.epochs} epoch{'' if self.epochs == 1 else 's'}"
        if self.stopped != "epochs":
            text += f", stopped by {self.stopped}"
        if self.best_epoch is not None:
            text += f", kept epoch {self.best_epoch + 1}: {figures(self.log[self.best_epoch])}"
        return text

    def plot(self, path: Target = None) -> Figure:
        """The curves of loss, accuracy and other metrics, as `nn.drawing.plot_history` has them.

        Arguments:
            path: where to save it, as .png, .svg, .pdf, ...

        Returns a matplotlib Figure, which a notebook shows.
        Raises ImportError where matplotlib is missing, ValueError where there is nothing to plot.
        """
        from nn.drawing import plot_history  # which needs matplotlib

        return plot_history(self, path)

    def to_html(
        self,
        path: Target = None,
        *,
        features: Sequence[object] | None = None,
        classes: Sequence[object] | None = None,
    ) -> str:
        """Return a page to scrub through the epochs of a run of `fit(..., record=True)`.

        It shows how weights, loss and (of a model with two inputs) decision regions move, in one
        file that works offline. `#epoch=17` in its address opens it there.

        Arguments:
            path: where to write it; then the path is returned.
            features: the names of the inputs. classes: those of the outputs.

        Raises ValueError where nothing was recorded.
        """
        from nn.player import to_html  # which most runs never need

        return to_html(self, path, features=features, classes=classes)


class EarlyStopping:
    """Remembers the best parameters and how many epochs ago the monitored number last improved.

    Arguments:
        trainer: whose parameters are kept; its task says how patient to be.

    Attributes:
        kept: the best parameters, and the epoch that they are of (None before the first).
        lowest: the best number so far, that of the best parameters; with its sign changed where
            higher is better.
        mark: the number, with that sign, when it last improved. To improve again it has to be lower
            by more than `Task.min_change`.
        waited: how many epochs ago that was.
    """

    def __init__(self, trainer: Trainer) -> None:
        self.trainer: Trainer = trainer
        self.lowest: float = math.inf
        self.mark: float = math.inf
        self.waited: int = 0
        self.called_off: bool = False
        self.kept: tuple[Any, int | None] = (trainer.numbers(), None)

    @property
    def reason(self) -> str | None:
        """Why to stop, as `History.stopped` has it; None to go on."""
        if self.called_off:
            return "callback"
        patience = self.trainer.task.patience
        return "patience" if patience is not None and self.waited >= patience else None

    def see(self, history: History) -> None:
        """Take in the epoch that was just measured."""
        name, sign = self.trainer.task.monitored
        number = sign * history.log[-1][name]
        if number < self.lowest:
            self.lowest = number
            self.kept = self.trainer.numbers(), history.epochs - 1
        if number < self.mark - self.trainer.task.min_change:
            self.mark, self.waited = number, 0
        else:
            self.waited += 1

    def call(self, history: History) -> None:
        """Call every callback on the epoch; any that returns True ends the training."""
        trainer = self.trainer
        trainer.sync()
        history.best_epoch, history.confusion = self.kept[1], trainer.confusion()
        self.called_off = True in [_is_true(call(history)) for call in trainer.task.callbacks]
        trainer.take()

    def best(self) -> dict[Value, float]:
        """The best number of every parameter."""
        return dict(zip(self.trainer.task.parameters, map(float, self.kept[0]), strict=True))

    def restore(self) -> int | None:
        """Give the parameters their best numbers back, and return the epoch that these are of."""
        numbers, epoch = self.kept
        self.trainer.sync(numbers)
        return epoch

    def state_dict(self) -> dict[str, Any]:
        """The best parameters, and what decides when to stop."""
        numbers, epoch = self.kept
        # "keeper" is the name that the files have had from the beginning
        return {"keeper": [self.lowest, self.mark, self.waited, epoch], "kept": row(numbers)}

    def load_state_dict(self, state: State) -> None:
        """Go on from there."""
        numbers, found = state.floats("kept", len(self.kept[0])), state.entry("keeper", list)
        state.need([*map(type, found[:-1])] == [float, float, int], "keeper")
        lowest, mark, waited, epoch = found
        state.need(waited >= 0, "keeper")
        state.need(epoch is None or (type(epoch) is int and 0 <= epoch < state.epochs), "keeper")
        self.lowest, self.mark, self.waited, self.kept = lowest, mark, waited, (numbers, epoch)


def _is_true(answer: Any) -> bool:
    """Whether a callback's answer is True, as Python or as NumPy has it."""
    library = sys.modules.get("numpy")  # whoever gives one of NumPy's has imported it
    return isinstance(answer, (bool, library.bool_) if library else bool) and bool(answer)


def figures(numbers: dict[str, float]) -> str:
    """Numbers as a person reads them, accuracies in percent.

    >>> figures({"loss": 0.034211, "accuracy": 0.975, "val_loss": 0.05, "val_accuracy": 0.95})
    'loss 0.0342 (val 0.05), accuracy 97.5% (val 95.0%)'
    """
    parts = []
    for name, number in numbers.items():
        if not name.startswith("val_"):
            val = numbers.get(f"val_{name}")
            beside = "" if val is None else f" (val {_figure(name, val)})"
            parts.append(f"{name} {_figure(name, number)}{beside}")
    return ", ".join(parts)


def _figure(name: str, number: float) -> str:
    return f"{number:.1%}" if name in ("accuracy", "val_accuracy") else f"{number:.3g}"
