"""Progress: a bar that shows how far a training is, or lines in a log file."""

import sys
import time
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Self

with warnings.catch_warnings():  # in a notebook it calls itself experimental
    warnings.simplefilter("ignore")
    from tqdm.autonotebook import tqdm
from tqdm.std import tqdm as plain_tqdm

from engine.source.origin import running_shell
from nn.training.history import History, figures

LINES = 10  # of a log, for a whole run
SECONDS = 30.0  # or after so long without one


def say(line: str) -> None:
    """Write a line to standard error; in notebooks, which show that as an error, to stdout."""
    notebook = getattr(running_shell(), "kernel", None) is not None
    print(line, file=sys.stdout if notebook else sys.stderr, flush=True)


class Progress:
    """Shows a run as a bar in a terminal or a notebook (with ipywidgets), else as lines.

    A bar that is redrawn into a file fills it with control characters, so a file gets about ten
    lines a run (or one each half minute), and one at the end.
    """

    def __init__(self, epochs: int, rows: int, history: History, show: bool) -> None:
        self.epochs: int = epochs
        self.history: History = history
        self.show: bool = show
        self.every: int = -(-epochs // LINES)
        self.last: float = time.monotonic()
        self._bar: tqdm[Any] | None = None
        if show and (tqdm is not plain_tqdm or sys.stderr.isatty()):
            # it counts rows, so that it moves within a long epoch too
            form = "{desc} |{bar}| {elapsed}<{remaining}{postfix}"
            how: dict[str, Any] = {"bar_format": form, "dynamic_ncols": True}
            self._bar = tqdm(total=epochs * rows, desc=f"epoch 0/{epochs}", **how)

    def __enter__(self) -> Self:
        return self

    def batch(self, rows: int) -> None:
        """Move on by this many rows."""
        if self._bar is not None:
            self._bar.update(rows)

    def over(self, batches: Iterable[Sequence[int]]) -> Iterator[Sequence[int]]:
        """Give the batches, and move on after each."""
        for batch in batches:
            yield batch
            self.batch(len(batch))

    def epoch(self) -> None:
        """Show the epoch that was just added to the history."""
        if not self.show:
            return
        done = self.history.epochs
        text, name = figures(self.history.log[-1]), f"epoch {done}/{self.epochs}"
        if self._bar is not None:
            self._bar.set_description_str(name, refresh=False)
            self._bar.set_postfix_str(text, refresh=False)
        elif done % self.every == 0 or time.monotonic() - self.last > SECONDS:
            self._write(f"{name}: {text}")

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        history = self.history
        if self._bar is not None:
            if kind is None:
                self._bar.total = self._bar.n  # stopping early is no failure: let the bar be full
            if history.best_epoch is not None:
                kept = f"kept epoch {history.best_epoch + 1} of {history.epochs}"
                self._bar.set_description_str(kept, refresh=False)
                self._bar.set_postfix_str(figures(history.log[history.best_epoch]))
            self._bar.close()
        elif self.show and kind is None:
            self._write(history.words)

    def _write(self, line: str) -> None:
        self.last = time.monotonic()
        say(line)
