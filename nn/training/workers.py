"""WorkerPool: the steps of a training, computed by the workers of an executor."""

import os
import pickle
import tempfile
import uuid
import warnings
import weakref
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from engine import NumericError, Program, numeric_mode
from engine.core.modes import MODE
from engine.forks import fork_safe_lock
from engine.native.needs import numpy
from engine.native.threads import added, border, hands, shard_count, shares, together, workers
from nn.training.shards import Stage, Work

KEPT = 4  # trainings that a worker remembers
SECONDS = 300.0  # that a worker may take over a task, the start of the worker included

# The work of trainings by key, in each process: pickled until it is used.
_held: dict[str, Work | bytes] = {}
_changing, _unpacking = fork_safe_lock(), fork_safe_lock()


class WorkerPool:
    """Computes the totals of steps and the outputs of rows with the workers of an executor.

    The bits are those of one thread. Where there is no executor, threads of this process compute.

    A task holds a key, the parameters, and the numbers of its rows. A worker that does not know the
    key, because it is new or was not asked before, says so. Only then is the work itself sent to
    it. So programs and rows travel once. Workers on this machine read it from a file, Dask
    sends it to all of its workers, and elsewhere it goes along with the task.

    Attributes:
        executor: None too once it has broken, was shut down or has not answered for SECONDS; from
            then on this process computes.
        workers: how many tasks can run at once.
        sent: how often the work was sent, not counting workers that read the file.
    """

    def __init__(self, work: Work, executor: Executor | None = None) -> None:
        self.work: Work = work
        self.executor = executor
        self.sent: int = 0
        self.workers: int = workers()
        self._rows = len(work.tables[0])
        self._payload, self._file = b"", ""
        if executor is not None:
            self.workers, self._key = _workers(executor), uuid.uuid4().hex
            _hold(self._key, work)  # for threads, and for processes that are forked later
            weakref.finalize(self, _forget, self._key)

    def totals(self, theta: Any, batch: Sequence[int], stage: Stage | None = None) -> Any:
        """The totals over the rows of these numbers, by one of the programs of a step."""
        size, work = len(batch), self.work
        stage = stage or (next(iter(work.steps)), 0, 0)
        program = work.steps[stage[0]].programs[stage[1]]
        chosen: Any = range(size) if size == self._rows else batch
        try:
            if size < 2.0 * program.shard or self._at_once:
                return program(work.rows(stage, chosen), theta)
            shards = shard_count(size, program.shard)
            if size < self._rows:
                chosen = numpy().asarray(batch)
            calls: list[tuple[Any, ...]] = []
            for first, end in shares(shards, self._hands(program, size)):
                a, b = border(size, shards, first), border(size, shards, end)
                calls.append(("totals", stage, theta, chosen[a:b], size, shards, first, end))
            ((_, _, found),) = added(chain(*self._ask(calls)))
            return found
        except NumericError:
            program(work.rows(stage, chosen), theta)  # its error has the number of the row
            raise

    def outputs(self, theta: Any, table: int) -> Any:
        """The loss and the outputs of each row of a table."""
        rows, (first, *more) = len(self.work.tables[table]), self.work.steps.values()
        try:
            if rows < 2.0 * first.forward.shard or self._at_once:
                return self.work.outputs(theta, table, range(rows))
            shards = shard_count(rows, first.forward.shard)
            if self.executor is not None:
                self.workers = _workers(self.executor)  # there may be more or fewer by now
            parts = shares(shards, self._hands(first.forward, rows))
            cuts = [range(*[border(rows, shards, i) for i in part]) for part in parts]
            return numpy().concatenate(self._ask([("outputs", theta, table, c) for c in cuts]))
        except NumericError:
            if not more:  # for the number of the row
                first.forward(self.work.tables[table][:], theta)
            raise

    @property
    def _at_once(self) -> bool:
        """Whether programs are given all rows, and cut these into the same shards themselves: where
        there is no executor, and no copy of many rows is made.
        """
        return self.executor is None and self.work.small

    def _hands(self, program: Program, rows: int) -> int:
        """How many workers to share with: of threads of our own no more than are worth it."""
        if self.executor is not None:
            return self.workers
        return min(self.workers, hands(program.stats.flops, rows))

    def _ask(self, calls: list[tuple[Any, ...]]) -> list[Any]:
        """Call methods of the work, each a name and its arguments, and return the answers."""
        answers: dict[int, Any] = {}
        source: bytes | str = self._file
        todo = list(range(len(calls)))
        while todo and self.executor is not None:
            try:
                answers |= zip(todo, self._submit(source, [calls[i] for i in todo]), strict=True)
                todo = [i for i in todo if answers[i] is None]
                source = self._publish(len(todo)) if todo else source
            except NumericError:
                raise
            except Exception as error:  # noqa: BLE001 (executors raise what they like)
                self._give_up(error)
        here = [partial(getattr(self.work, calls[i][0]), *calls[i][1:]) for i in todo]
        answers |= zip(todo, together(here), strict=True)
        return [answers[i] for i in range(len(calls))]

    def _publish(self, tasks: int) -> bytes | str:
        """Put the work where workers find it, for so many tasks that came back undone.

        Returns what the tasks carry when they are sent again: the path of a file with the work,
        the pickled work itself, or nothing where the workers have it by then. The work goes along
        only where there is no other way: the executor picks the worker, so the work could go again
        and again to workers that have it already.
        """
        executor: Any = self.executor
        self._payload = self._payload or pickle.dumps(self.work)
        client = getattr(executor, "_client", None)
        if client is not None:
            run = partial(client.run, on_error="ignore", callback_timeout=SECONDS)
            knows = run(_knows, self._key)
            lacking = [worker for worker, known in knows.items() if not known]
            if lacking:  # a worker that has died meanwhile does no harm
                run(_hold, self._key, self._payload, workers=lacking)
            self.sent += len(lacking)
            return ""
        if not self._file:
            with suppress(OSError):
                self._file = _write(self._payload)
                weakref.finalize(self, Path(self._file).unlink, missing_ok=True)
                return self._file
        self.sent += tasks
        return self._payload

    def _submit(self, source: bytes | str, calls: list[tuple[Any, ...]]) -> list[Any]:
        executor: Any = self.executor
        about = self._key, source, MODE.get()
        # the thread that would wait for the others takes a share: to wake another takes longer
        here = calls[:1] if isinstance(executor, ThreadPoolExecutor) else []
        futures: list[Any] = []
        try:
            futures += (executor.submit(_answer, *about, *call) for call in calls[len(here) :])
            found = [_answer(*about, *call) for call in here]
            return found + [future.result(SECONDS) for future in futures]
        finally:
            for future in futures:
                future.cancel()  # after an error nobody waits for the rest

    def _give_up(self, error: Exception) -> None:
        """Go on without the executor."""
        self.executor = None
        late = f"no answer in {SECONDS:g} s" if isinstance(error, TimeoutError) else ""
        broke = f"the executor broke ({str(error) or late or type(error).__name__})"
        text = f"{broke}; the training goes on in this process, to the same bits"
        warnings.warn(text, RuntimeWarning, stacklevel=2)


def _answer(key: str, source: bytes | str, mode: Any, name: str, *arguments: Any) -> Any:
    """What a worker does: call a method of the work. None says that it does not know the key."""
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
        for old in [*_held][: 1 - KEPT]:  # whatever is needed later will be sent again
            del _held[old]
        _held[key] = work


def _forget(key: str) -> None:
    with _changing:
        _held.pop(key, None)


def _write(payload: bytes) -> str:
    """A temporary file, for this user alone."""
    with tempfile.NamedTemporaryFile(prefix="gradwalk-", delete=False) as file:
        file.write(payload)
    return file.name


def _workers(executor: Any) -> int:
    """How many tasks an executor can run at once, as far as it tells."""
    if client := getattr(executor, "_client", None):  # of Dask
        with suppress(Exception):  # it is closed, as the next task will say
            return sum(client.nthreads().values()) or 1
    return getattr(executor, "_max_workers", None) or os.cpu_count() or 1
