"""How long a step takes that W workers share, on paper.

N rows at r seconds each are shared by W workers; the process that leads them sends P parameters to
each and adds up the P totals that come back, one worker after the other:

    T(N, P, W) = s N r / W  +  a  +  W (b + 16 P / B)

with a the cost of a step and b that of a task, in seconds, and B the bytes a second that pass
between the leader and one worker (8 bytes a parameter there, 8 bytes a total back). s is how many
times as long a worker takes because the others compute at the same time: 1 where each has a machine
of its own, more where they share caches, memory and execution units.

It is the cost of a star: the more workers, the longer the leader is busy with them. The derivative
by W is 0 at

    W* = sqrt(N r / (b + 16 P / B)),   where   T = a + 2 sqrt(N r (b + 16 P / B)).

Alone, a step takes N r. (The latency-bandwidth model of message passing, as in Hockney 1994, "The
communication challenge for MPP".)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import nnls

__all__ = ["Costs", "fitted"]


@dataclass(frozen=True)
class Costs:
    """What an executor takes: seconds a step and a task, and bytes a second to one worker."""

    step: float
    task: float
    bandwidth: float

    def each(self, parameters: int) -> float:
        """The leader's seconds for each worker."""
        return self.task + 16 * parameters / self.bandwidth

    def seconds(
        self, alone: float, parameters: int, workers: float, slowdown: float = 1.0
    ) -> float:
        """Of a step that takes so long alone."""
        return slowdown * alone / workers + self.step + workers * self.each(parameters)

    def best_workers(self, alone: float, parameters: int) -> float:
        """With how many workers a step takes least."""
        return math.sqrt(alone / self.each(parameters))

    def break_even(self, parameters: int, workers: int, slowdown: float = 1.0) -> float:
        """How long a step has to take alone, so that the workers are no slower."""
        share = 1 - slowdown / workers
        return (self.step + workers * self.each(parameters)) / share

    def over(self, bandwidth: float) -> Costs:
        """The same across a network, where that is slower."""
        return replace(self, bandwidth=min(bandwidth, self.bandwidth))


def fitted(points: Sequence[tuple[int, int, float]]) -> Costs:
    """The costs of steps without work: (parameters, workers, seconds), by least squares.

    Deviations are taken relative to the seconds, and no cost is below 0.

    >>> costs = Costs(1e-3, 2e-4, 1e9)
    >>> points = [(p, w, costs.seconds(0.0, p, w)) for p in (100, 100_000) for w in (1, 2)]
    >>> found = fitted(points)
    >>> round(found.step, 9), round(found.task, 9), round(found.bandwidth)
    (0.001, 0.0002, 1000000000)
    """
    rows = [[1.0, workers, 16.0 * workers * parameters] for parameters, workers, _ in points]
    seconds = np.array([point[2] for point in points])
    (step, task, byte), _ = nnls(np.array(rows) / seconds[:, None], np.ones(len(points)))
    return Costs(float(step), float(task), 1 / float(byte) if byte else math.inf)
