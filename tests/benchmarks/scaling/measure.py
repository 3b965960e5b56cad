"""The measured points: steps without work, and steps of three networks, alone and shared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from multiprocessing import get_context
from statistics import median
from time import sleep
from typing import Any

import numpy as np
from distributed import Client, LocalCluster

from engine import Program, gradient, inputs
from nn import MLP
from nn.losses import LOSSES
from nn.training.shards import Programs, Table, Work
from nn.training.workers import WorkerPool
from tests.benchmarks.harness import Contender, Effort, check_equal, clean_heap, take_turns

__all__ = ["KINDS", "Job", "Point", "crew", "empty_steps", "jobs", "shared_step", "slowdown"]

KINDS = ("threads", "processes", "Dask")
EMPTY = (300, 3_000, 30_000, 300_000)  # parameters of steps without work
NETWORKS: dict[str, tuple[int, list[int], tuple[int, ...]]] = {  # with the numbers of their rows
    "2-16-16-1": (2, [16, 16, 1], (5_000, 20_000, 80_000, 320_000)),
    "64-64-10": (64, [64, 10], (1_000, 4_000, 16_000, 64_000)),
    "64-256-64-10": (64, [256, 64, 10], (1_000, 4_000, 16_000)),
}


@contextmanager
def crew(kind: str, workers: int) -> Iterator[Executor]:
    """So many workers of a kind, all of them there. One crew at a time: they share two cores."""
    if kind == "threads":
        with ThreadPoolExecutor(workers) as threads:
            yield threads
    elif kind == "processes":
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as processes:
            list(processes.map(sleep, [1.0] * workers))
            yield processes
    else:
        with (
            LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                dashboard_address="127.0.0.1:0",  # any free port
                silence_logs=50,
            ) as cluster,
            Client(cluster) as client,
        ):
            yield client.get_executor()


@dataclass(frozen=True)
class Job:
    """Steps of a network over so many rows."""

    network: str
    work: Work
    theta: Any

    @property
    def rows(self) -> int:
        return len(self.work.tables[0])

    @property
    def parameters(self) -> int:
        return len(self.theta)


@dataclass(frozen=True)
class Point:
    """A job, how long its step took alone, and shared by so many workers of a kind."""

    network: str
    rows: int
    parameters: int
    kind: str
    workers: int
    alone: float
    shared: float


class Echo:
    """No work: the totals are the parameters, at once."""

    tables = ((),)

    def totals(self, theta: Any, *_: int) -> list[Any]:
        return [theta]


def empty_steps(executor: Executor, workers: int, effort: Effort) -> list[tuple[int, int, float]]:
    """(parameters, workers, seconds)."""
    work: Any = Echo()
    runs = {str(p): _empty(WorkerPool(work, executor), np.zeros(p), workers) for p in EMPTY}
    result = take_turns([Contender(name, run, list) for name, run in runs.items()], effort)
    return [(p, workers, result.median(str(p))) for p in EMPTY]


def _empty(pool: WorkerPool, theta: Any, workers: int) -> Callable[[], Any]:
    numbers = count()  # Dask knows a task again, and would not do it twice

    def run() -> Any:
        step = next(numbers)
        answers = pool._ask([("totals", theta, step, i) for i in range(workers)])
        return sum((totals for (totals,) in answers[1:]), answers[0][0])

    return run


def jobs() -> list[Job]:
    """All networks and sizes."""
    found = []
    for name, (width, sizes, many) in NETWORKS.items():
        model = MLP(width, sizes, rng=7)
        theta = np.array([p.data for p in model.parameters()])
        found += [Job(name, _work(model, width, sizes[-1], rows), theta) for rows in many]
    return found


def _work(model: MLP, width: int, outputs: int, rows: int) -> Work:
    xs = inputs(*[f"x{i}" for i in range(width)])
    (y,) = inputs("y")
    loss = LOSSES["cross_entropy" if outputs > 1 else "mse"](model(xs), y)
    wanted = [loss, *gradient(loss, model.parameters())]
    step = Program([*xs, y], wanted, model.parameters(), reduce="sum")
    rng = np.random.default_rng(7)
    ys = rng.integers(0, max(outputs, 2), (rows, 1))
    shape, columns = (width, 0), [rng.normal(size=(rows, width)), ys]
    return Work({shape: Programs([step], step)}, [Table(columns, np.arange(rows), [shape], None)])


def slowdown(each: Sequence[Job], effort: Effort) -> dict[str, float]:
    """How many times as long a core takes while the other one does the same, by network."""
    ratios: dict[str, list[float]] = {job.network: [] for job in each}
    with ThreadPoolExecutor(2) as pool, clean_heap():
        for job in each:
            step = _step(WorkerPool(job.work), job, 1)

            def both(step: Callable[[], Any] = step) -> None:
                for future in [pool.submit(step), pool.submit(step)]:
                    future.result()

            pair = [Contender("one", step, list), Contender("both", both, list)]
            ratios[job.network].append(median(take_turns(pair, effort).ratios("both", "one")))
    return {network: median(found) for network, found in ratios.items()}


def shared_step(job: Job, kind: str, executor: Executor, workers: int, effort: Effort) -> Point:
    """A step alone and shared, in turn, after holding all totals equal to the bit."""
    runs = {
        "alone": _step(WorkerPool(job.work), job, 1),
        "shared": _step(WorkerPool(job.work, executor), job, workers),
    }
    alone, shared = (Contender(key, run, lambda run=run: run(0)) for key, run in runs.items())
    check_equal(alone, shared, tolerance=0.0)
    result = take_turns([alone, shared], effort)
    seconds = result.median("alone"), result.median("shared")
    return Point(job.network, job.rows, job.parameters, kind, workers, *seconds)


def _step(pool: WorkerPool, job: Job, workers: int) -> Any:
    numbers, batch = count(1), range(job.rows)

    def run(number: int | None = None) -> Any:
        pool.workers = workers
        step = next(numbers) if number is None else number
        return pool.totals(job.theta + step * 1e-15, batch)  # other numbers at each step

    return run
