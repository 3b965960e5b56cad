"""EarlyStopping: which epoch is the best, and whether to stop after one."""

import math
import sys
from typing import Any

from engine import Value
from nn.checkpoint.state import State, row
from nn.training.history import History
from nn.training.task import Trainer

__all__ = ["EarlyStopping"]


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
        self.trainer = trainer
        self.lowest = self.mark = math.inf
        self.waited, self.called_off = 0, False
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
        state.need(
            [type(x) for x in found[:3]] == [float, float, int] and len(found) == 4, "keeper"
        )
        lowest, mark, waited, epoch = found
        state.need(waited >= 0, "keeper")
        state.need(epoch is None or (type(epoch) is int and 0 <= epoch < state.epochs), "keeper")
        self.lowest, self.mark, self.waited, self.kept = lowest, mark, waited, (numbers, epoch)


def _is_true(answer: Any) -> bool:
    """Whether a callback's answer is True, as Python or as NumPy has it."""
    library = sys.modules.get("numpy")  # whoever gives one of NumPy's has imported it
    return isinstance(answer, (bool, library.bool_) if library else bool) and bool(answer)
