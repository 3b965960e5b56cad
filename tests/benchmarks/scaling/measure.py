"""The measured points: steps without work, and steps of three networks, alone and shared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from multiprocessing import get_context
from time import sleep
from typing import Any

import numpy as np
from distributed import Client, LocalCluster

from engine import Program, gradient, inputs
from nn import MLP
from nn.losses import LOSSES
from nn.shards import Work
from nn.team import Team
from tests.benchmarks.harness import Contender, Effort, check_equal, take_turns

__all__ = ["ALONE", "NETWORKS", "Point", "crews", "empty_steps", "shared_steps"]

ALONE = "alone"
WORKERS = (1, 2)
EMPTY = (300, 3_000, 30_000, 300_000)  # parameters of steps without work
NETWORKS: dict[str, tuple[int, list[int], tuple[int, ...]]] = {  # with the numbers of their rows
    "2-16-16-1": (2, [16, 16, 1], (5_000, 20_000, 80_000, 320_000)),
    "64-64-10": (64, [64, 10], (1_000, 4_000, 16_000, 64_000)),
    "64-256-64-10": (64, [256, 64, 10], (1_000, 4_000, 16_000)),
}


@dataclass(frozen=True)
class Point:
    """Steps of one size: how long they take alone, and shared, by (executor, workers)."""

    network: str
    rows: int
    parameters: int
    alone: float
    shared: Mapping[tuple[str, int], float]


@contextmanager
def crews() -> Iterator[dict[str, Executor]]:
    """Two workers of each kind."""
    with ExitStack() as stack:
        enter = stack.enter_context
        threads = enter(ThreadPoolExecutor(2))
        processes = enter(ProcessPoolExecutor(2, mp_context=get_context("spawn")))
        cluster = enter(
            LocalCluster(
                n_workers=2,
                threads_per_worker=1,
                dashboard_address="127.0.0.1:0",  # any free port
                silence_logs=50,
            )
        )
        client = enter(Client(cluster))
        list(processes.map(sleep, [0.5, 0.5]))  # both are there now
        yield {"threads": threads, "processes": processes, "Dask": client.get_executor()}


class Echo:
    """No work: the totals are the parameters, at once."""

    tables = ((),)

    def totals(self, theta: Any, *_: int) -> list[Any]:
        return [theta]


def empty_steps(crew: Mapping[str, Executor], effort: Effort) -> dict[str, list[Any]]:
    """For each executor (parameters, workers, seconds)."""
    found: dict[str, list[Any]] = {name: [] for name in crew}
    for parameters in EMPTY:
        theta = np.zeros(parameters)
        runs = {
            (name, workers): _empty(Team(Echo(), executor), theta, workers)  # type: ignore[arg-type]
            for name, executor in crew.items()
            for workers in WORKERS
        }
        contenders = [Contender(str(key), run, list) for key, run in runs.items()]
        result = take_turns(contenders, effort)
        for key in runs:
            found[key[0]].append((parameters, key[1], result.median(str(key))))
    return found


def _empty(team: Team, theta: Any, workers: int) -> Any:
    numbers = count()  # Dask knows a task again, and would not do it twice

    def run() -> Any:
        step = next(numbers)
        answers = team._ask([("totals", theta, step, i) for i in range(workers)])
        return sum((totals for (totals,) in answers[1:]), answers[0][0])

    return run


def shared_steps(crew: Mapping[str, Executor], effort: Effort) -> Iterator[Point]:
    """Steps of each network and size, after holding all totals equal to the bit."""
    for name, (width, sizes, many) in NETWORKS.items():
        model = MLP(width, sizes, rng=7)
        for rows in many:
            work = _work(model, width, sizes[-1], rows)
            theta = np.array([p.data for p in model.parameters()])
            runs = {ALONE: _step(Team(work, None), theta, rows, 1)}
            for kind, executor in crew.items():
                for workers in WORKERS:
                    team = Team(work, executor)
                    runs[f"{kind} {workers}"] = _step(team, theta, rows, workers)
            contenders = [Contender(key, run, lambda run=run: run(0)) for key, run in runs.items()]
            for other in contenders[1:]:
                check_equal(contenders[0], other, tolerance=0.0)
            result = take_turns(contenders, effort)
            shared = {(k, w): result.median(f"{k} {w}") for k in crew for w in WORKERS}
            yield Point(name, rows, len(theta), result.median(ALONE), shared)


def _work(model: MLP, width: int, outputs: int, rows: int) -> Work:
    xs = inputs(*[f"x{i}" for i in range(width)])
    (y,) = inputs("y")
    loss = LOSSES["cross_entropy" if outputs > 1 else "mse"](model(xs), y)
    step = Program(
        [*xs, y], [loss, *gradient(loss, model.parameters())], model.parameters(), reduce="sum"
    )
    rng = np.random.default_rng(7)
    ys = rng.integers(0, max(outputs, 2), (rows, 1))
    return Work(step, step, [np.hstack([rng.normal(size=(rows, width)), ys])])


def _step(team: Team, theta: Any, rows: int, workers: int) -> Any:
    numbers, batch = count(1), range(rows)

    def run(number: int | None = None) -> Any:
        team.workers = workers
        step = next(numbers) if number is None else number
        return team.totals(theta + step * 1e-15, batch)  # other numbers at each step

    return run
