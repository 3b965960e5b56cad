"""An executor that keeps a diary: which worker computed what, when, and what it was sent.

Workers import this module, so it brings no library along that they do not need.
"""

import os
import pickle
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any

__all__ = ["Diary", "Entry", "noted"]


@dataclass(frozen=True)
class Entry:
    """A task: its number, its epoch, its bytes, and where and when it was computed.

    Attributes:
        brought: the bytes of programs and rows that were sent with it, mostly 0.
        size: the bytes of all else.
        start: when the worker began, in seconds as `time.time()` has them, as `end`.
    """

    number: int
    epoch: int
    brought: int
    size: int
    pid: int
    start: float
    end: float


@dataclass
class Diary(Executor):
    """Hands tasks on to another executor, and does a deed once while they are computed.

    Attributes:
        executor: who computes.
        deed: called after each task from some epoch on, until it says that it has been done.
        since: that epoch.
        at: the number of the task after which it was done, and the time; None before.
    """

    executor: Any
    deed: Callable[[], bool] | None = None
    since: int = 1
    at: tuple[int, float] | None = None
    entries: list[Entry] = field(default_factory=list)
    epoch: int = 1
    sent: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.executor, name)  # fit asks it how many workers there are

    def turn(self, history: Any) -> None:
        """A callback of `fit`: another epoch begins."""
        self.epoch += 1

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Send a task, to be noted when its answer is there."""
        self.sent += 1
        brought = sum(len(argument) for argument in args if isinstance(argument, bytes))
        size = len(pickle.dumps((function, args, kwargs))) - brought
        outer: Future[Any] = Future()
        outer.set_running_or_notify_cancel()
        note = partial(Entry, self.sent, self.epoch, brought, size)
        inner = self.executor.submit(noted, function, *args, **kwargs)
        inner.add_done_callback(partial(self._answered, outer, note))
        if self.deed and self.at is None and self.epoch >= self.since and self.deed():
            self.at = self.sent, time.time()
        return outer

    def _answered(self, outer: Future[Any], note: Callable[..., Entry], inner: Future[Any]) -> None:
        if error := inner.exception():
            outer.set_exception(error)
            return
        *where, answer = inner.result()
        self.entries.append(note(*where))
        outer.set_result(answer)


def noted(function: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[int, float, float, Any]:
    """On a worker: the answer of a function, with the process and the times.

    >>> pid, start, end, answer = noted(max, 3, 4)
    >>> pid == os.getpid(), start <= end, answer
    (True, True, 4)
    """
    start = time.time()
    answer = function(*args, **kwargs)
    return os.getpid(), start, time.time(), answer
