"""Who computes the steps of a training: this process, or the workers of an executor."""

from __future__ import annotations

import os
import pickle
import tempfile
import threading
import uuid
import warnings
import weakref
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor, Executor
from contextlib import suppress
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from engine import NumericError, numeric_mode
from engine.core.modes import MODE
from engine.native.needs import numpy
from nn.training.shards import Work, added, aligned, border, shard_count

__all__ = ["Team", "checked"]

KEPT = 4  # trainings that a worker remembers

# In each process: trainings by key, pickled until they are used.
_held: dict[str, Work | bytes] = {}
_changing, _unpacking = threading.RLock(), threading.Lock()


class Team:
    """Computes totals and outputs, with the help of an executor if there is one.

    A task is a key, the parameters, and the numbers of its rows. A worker that does not know the
    key (it has not been asked before, or it is new because another one died) says so, and only then
    is the work itself sent to it, so that programs and rows travel once: by a file that workers on
    this machine read, by Dask to all of its workers, elsewhere along with the task.

    Attributes:
        sent: how often the work was sent, but for readings of the file.
    """

    def __init__(self, work: Work, executor: Executor | None) -> None:
        self.work, self.executor, self.sent = work, executor, 0
        self._rows = len(work.tables[0])
        self._key = uuid.uuid4().hex
        self._payload, self._file = b"", ""
        if executor is not None:
            _hold(self._key, work)  # for threads, and for processes that are forked later
            weakref.finalize(self, _forget, self._key)
            self.workers = _workers(executor)

    def totals(self, theta: Any, batch: Sequence[int]) -> Any:
        """The totals of a step over the rows of these numbers."""
        size, work = len(batch), self.work
        shards = shard_count(size, work.sizes[0])
        chosen: Any = slice(None) if size == self._rows else numpy().asarray(batch)
        try:
            if shards == 1:
                return work.step(work.tables[0][chosen], theta)
            if self.executor is None:
                (found,) = work.totals(theta, chosen, size, shards, 0, shards)
                return found
            calls: list[tuple[Any, ...]] = []
            done: dict[tuple[int, int], Any] = {}
            for first, end in self._shares(shards):
                a, b = border(size, shards, first), border(size, shards, end)
                part = slice(a, b) if size == self._rows else chosen[a:b]
                calls.append(("totals", theta, part, size, shards, first, end))
            for call, answer in zip(calls, self._ask(calls), strict=True):
                done |= dict(zip(aligned(*call[-2:]), answer, strict=True))
            return added(0, shards, lambda *piece: done.get(piece))
        except NumericError:
            work.step(work.tables[0][chosen], theta)  # it names the row of the step
            raise

    def outputs(self, theta: Any, table: int) -> Any:
        """The loss and the outputs of each row of a table."""
        rows = self.work.tables[table]
        shards = shard_count(len(rows), self.work.sizes[1])
        if self.executor is None or shards == 1:
            return self.work.outputs(theta, table, 0, len(rows))
        self.workers = _workers(self.executor)  # there may be more or fewer by now
        cuts = [[border(len(rows), shards, i) for i in share] for share in self._shares(shards)]
        try:
            return numpy().concatenate(self._ask([("outputs", theta, table, *c) for c in cuts]))
        except NumericError:
            self.work.forward(rows, theta)
            raise

    def _shares(self, shards: int) -> list[tuple[int, int]]:
        """The shards of each worker, about as many for all."""
        many = min(self.workers, shards)
        cuts = [shards * i // many for i in range(many + 1)]
        return list(pairwise(cuts))

    def _ask(self, calls: list[tuple[Any, ...]]) -> list[Any]:
        """The answers to calls of the work's methods."""
        answers: list[Any] = [None] * len(calls)
        source: bytes | str = self._file
        todo = list(range(len(calls)))
        while todo and self.executor is not None:
            try:
                found = self._submit(source, [calls[i] for i in todo])
            except BrokenExecutor as error:
                self._alone(error)
                break
            for i, answer in zip(todo, found, strict=True):
                answers[i] = answer
            todo = [i for i in todo if answers[i] is None]
            if todo:
                source = self._tell(len(todo))
        for i in todo:
            name, *arguments = calls[i]
            answers[i] = getattr(self.work, name)(*arguments)
        return answers

    def _tell(self, tasks: int) -> bytes | str:
        """Make the work known, and answer where those find it who have to do so many tasks.

        Executors take workers in turn: if the work came along with the tasks that are sent again,
        it could go to those that know it time after time.
        """
        executor: Any = self.executor
        self._payload = self._payload or pickle.dumps(self.work)
        client = getattr(executor, "_client", None)
        if client is not None:
            knows = client.run(_knows, self._key, on_error="ignore")
            lacking = [worker for worker, known in knows.items() if not known]
            if lacking:  # those that are gone meanwhile are no matter
                client.run(_hold, self._key, self._payload, workers=lacking, on_error="ignore")
            self.sent += len(lacking)
            return ""
        if not self._file:
            with suppress(OSError):
                self._file = _write(self._payload)
                weakref.finalize(self, _remove, self._file)
                return self._file
        self.sent += tasks
        return self._payload

    def _submit(self, source: bytes | str, calls: list[tuple[Any, ...]]) -> list[Any]:
        executor: Any = self.executor
        mode = MODE.get()[0]
        futures: list[Any] = []
        try:
            submit = partial(executor.submit, _answer, self._key, source, mode)
            futures.extend(submit(*call) for call in calls)
            return [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()  # those that nobody waits for any more

    def _alone(self, error: BrokenExecutor) -> None:
        """Go on without the executor: the bits are the same."""
        self.executor = None
        warnings.warn(
            f"the executor broke ({error}); the training goes on in this process, to the same bits",
            RuntimeWarning,
            stacklevel=2,
        )


def checked(executor: Any, backend: str) -> Executor | None:
    """An executor, or None, or an error."""
    if executor is None:
        return None
    if backend == "eager":
        raise ValueError('an executor is for native training, got backend="eager"; leave out one')
    if isinstance(executor, Executor):
        return executor
    other = "its get_executor()" if hasattr(executor, "get_executor") else "ThreadPoolExecutor()"
    raise TypeError(
        f"executor is a concurrent.futures.Executor, got {type(executor).__name__}; give {other}"
    )


def _answer(key: str, source: bytes | str, mode: Any, name: str, *arguments: Any) -> Any:
    """What a worker does; None means that it has to be told first what the key stands for."""
    if source and not _knows(key):
        with suppress(OSError):  # a file of another machine
            _hold(key, source if isinstance(source, bytes) else Path(source).read_bytes())
    work = _held.get(key)
    if isinstance(work, bytes):
        with _unpacking:  # which compiles: once for all threads of this process
            work = _held.get(key, work)
            if isinstance(work, bytes):
                work = _held[key] = pickle.loads(work)
    if work is None:
        return None
    with numeric_mode(mode):
        return getattr(work, name)(*arguments)


def _knows(key: str) -> bool:
    return key in _held


def _hold(key: str, work: Work | bytes) -> None:
    with _changing:
        while len(_held) >= KEPT:  # one that is needed again will be sent again
            _held.pop(next(iter(_held)))
        _held[key] = work


def _forget(key: str) -> None:
    with _changing:
        _held.pop(key, None)


def _write(payload: bytes) -> str:
    """A temporary file, for this user alone."""
    handle, path = tempfile.mkstemp(prefix="gradwalk-")
    with open(handle, "wb") as file:
        file.write(payload)
    return path


def _remove(path: str) -> None:
    with suppress(OSError):
        Path(path).unlink()


def _workers(executor: Any) -> int:
    """How many tasks can run at once, as far as an executor tells."""
    if client := getattr(executor, "_client", None):  # of Dask
        return sum(client.nthreads().values()) or 1
    return getattr(executor, "_max_workers", None) or os.cpu_count() or 1
