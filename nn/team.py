"""Who computes the steps of a training: this process, or the workers of an executor."""

from __future__ import annotations

import os
import pickle
import sys
import threading
import uuid
import warnings
import weakref
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor, Executor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

from engine import NumericError, numeric_mode
from engine.modes import MODE
from engine.native.needs import numpy
from nn.shards import Work, added, aligned, border, shard_count

__all__ = ["Team", "checked"]

KEPT = 4  # trainings that a worker remembers

_held: dict[str, Work] = {}  # in each process: a training by its key
_lock = threading.Lock()


@dataclass(frozen=True)
class Stranger:
    """The answer of a worker that has to be told first what a key stands for.

    Attributes:
        address: by which Dask knows it; other executors cannot choose a worker.
    """

    address: str | None = None


class Team:
    """Computes totals and outputs, with the help of an executor if there is one.

    A task is a key, the parameters, and the numbers of its rows. A worker that does not know the
    key (it has not been asked before, or it is new because another one died) says so, and only then
    is the work itself sent to it: programs and rows travel once.

    Attributes:
        sent: how often the work was sent.
    """

    def __init__(self, work: Work, executor: Executor | None) -> None:
        self.work, self.executor, self.sent = work, executor, 0
        self._rows = len(work.tables[0])
        self._key = uuid.uuid4().hex
        self._payload = b""
        if executor is not None:
            _hold(self._key, work)  # for threads, and for processes that are forked later
            weakref.finalize(self, _held.pop, self._key, None)
            self.workers = _workers(executor)

    def totals(self, theta: Any, batch: Sequence[int]) -> Any:
        """The totals of a step over the rows of these numbers."""
        size = len(batch)
        shards = shard_count(size, self.work.step)
        chosen: Any = slice(None) if size == self._rows else numpy().asarray(batch)
        try:
            if self.executor is None or shards == 1:
                (found,) = self.work.totals(theta, chosen, size, shards, 0, shards)
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
            self.work.step(self.work.tables[0][chosen], theta)  # it names the row of the step
            raise

    def outputs(self, theta: Any, table: int) -> Any:
        """The loss and the outputs of each row of a table."""
        rows = self.work.tables[table]
        shards = shard_count(len(rows), self.work.forward)
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
        answers: list[Any] = [Stranger()] * len(calls)
        payload, todo = None, list(range(len(calls)))
        while todo and self.executor is not None:
            try:
                found = self._submit(payload, [(calls[i], answers[i]) for i in todo])
            except BrokenExecutor as error:
                self._alone(error)
                break
            for i, answer in zip(todo, found, strict=True):
                answers[i] = answer
            todo = [i for i in todo if isinstance(answers[i], Stranger)]
            if todo:
                payload = self._payload = self._payload or pickle.dumps(self.work)
                self.sent += len(todo)
        for i in todo:
            name, *arguments = calls[i]
            answers[i] = getattr(self.work, name)(*arguments)
        return answers

    def _submit(
        self, payload: bytes | None, calls: list[tuple[tuple[Any, ...], Stranger]]
    ) -> list[Any]:
        executor: Any = self.executor
        mode = MODE.get()[0]
        futures: list[Any] = []
        try:
            submit = partial(executor.submit, _answer, self._key, payload, mode)
            for call, stranger in calls:
                futures.append(submit(*call, **_to(stranger)))
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


def checked(executor: Any) -> Executor | None:
    """An executor, or None, or an error."""
    if executor is None or isinstance(executor, Executor):
        return executor
    other = "its get_executor()" if hasattr(executor, "get_executor") else "ThreadPoolExecutor()"
    raise TypeError(
        f"executor is a concurrent.futures.Executor, got {type(executor).__name__}; give {other}"
    )


def _answer(key: str, payload: bytes | None, mode: Any, name: str, *arguments: Any) -> Any:
    """What a worker does."""
    work = _held.get(key)
    if work is None:
        if payload is None:
            return Stranger(_address())
        work = _hold(key, pickle.loads(payload))
    with numeric_mode(mode):
        return getattr(work, name)(*arguments)


def _address() -> str | None:
    """Where this is, on a worker of Dask."""
    try:
        found: str = sys.modules["distributed"].get_worker().address
    except (KeyError, ValueError):  # Dask is not there, or this is no worker of it
        return None
    return found


def _to(stranger: Stranger) -> dict[str, Any]:
    """How Dask is told to give a task to this worker, if it is still there."""
    if stranger.address is None:
        return {}
    return {"workers": [stranger.address], "allow_other_workers": True}


def _hold(key: str, work: Work) -> Work:
    with _lock:
        while len(_held) >= KEPT:  # one that is needed again will be sent again
            _held.pop(next(iter(_held)), None)
        _held[key] = work
    return work


def _workers(executor: Any) -> int:
    """How many tasks can run at once, as far as an executor tells."""
    if client := getattr(executor, "_client", None):  # of Dask
        return sum(client.nthreads().values()) or 1
    return getattr(executor, "_max_workers", None) or os.cpu_count() or 1
