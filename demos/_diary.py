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
        start, end: when the worker began and ended, in seconds of `time.time()`.
        first: whether it was the first task that this process answered. Programs and rows were
            unpacked for it.
    """

    number: int
    epoch: int
    size: int
    pid: int
    start: float
    end: float
    first: bool


@dataclass
class Diary(Executor):
    """Passes tasks on to another executor, and does one deed while they are computed.

    Attributes:
        executor: who computes.
        deed: a function that is called after each task until it returns True.
        since: the first epoch in which it is called.
        at: the number of the task after which it returned True, and the time; None before.
        brought: how many bytes of programs and rows were sent, an entry for each worker of Dask.
    """

    executor: Any
    deed: Callable[[], bool] | None = None
    since: int = 1
    at: tuple[int, float] | None = None
    entries: list[Entry] = field(default_factory=list)
    brought: list[int] = field(default_factory=list)
    epoch: int = 1
    sent: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.executor, name)  # fit asks it how many workers there are

    @property
    def _client(self) -> Any:
        return Client(self.executor._client, self.brought)

    def turn(self, history: Any) -> None:
        """A callback of `fit`: another epoch begins."""
        self.epoch += 1

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Send a task. It is noted when its answer is there."""
        self.sent += 1
        size = len(pickle.dumps((function, args, kwargs)))
        outer: Future[Any] = Future()
        outer.set_running_or_notify_cancel()
        note = partial(Entry, self.sent, self.epoch, size)
        inner = self.executor.submit(noted, function, *args, **kwargs)
        inner.add_done_callback(partial(self._answered, outer, note))
        if self.deed and self.at is None and self.epoch >= self.since and self.deed():
            self.at = self.sent, time.time()
        return outer

    def _answered(self, outer: Future[Any], note: Callable[..., Entry], inner: Future[Any]) -> None:
        if error := inner.exception():
            outer.set_exception(error)
            return
        pid, *when, answer = inner.result()
        known = {entry.pid for entry in self.entries if entry.first}
        self.entries.append(note(pid, *when, answer is not None and pid not in known))
        outer.set_result(answer)


@dataclass
class Client:
    """A client of Dask that notes what its `run` sends, and to how many workers."""

    client: Any
    notes: list[int]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)

    def run(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call a function on workers, and note the bytes among its arguments for each worker."""
        answers = self.client.run(function, *args, **kwargs)
        for argument in args:
            if isinstance(argument, bytes):
                self.notes.extend([len(argument)] * len(answers))
        return answers


def noted(function: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[int, float, float, Any]:
    """Run on a worker: a function's answer, with the process and the times of start and end.

    >>> pid, start, end, answer = noted(max, 3, 4)
    >>> pid == os.getpid(), start <= end, answer
    (True, True, 4)
    """
    start = time.time()
    answer = function(*args, **kwargs)
    return os.getpid(), start, time.time(), answer
