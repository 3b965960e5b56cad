"""Learning-rate schedules: functions from an epoch (counted from 0) to a factor on the rate.

Any function will do, `fit(..., schedule=lambda epoch: 1 / (1 + epoch))` too. Outside `fit`:
`optimizer.lr = 0.1 * schedule(epoch)`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from engine.core.operation import floats
from nn.checks import at_least_zero, count

Schedule: TypeAlias = Callable[[int], float]


def step_decay(every: int, factor: float = 0.1) -> Schedule:
    """Multiply the rate by `factor` each `every` epochs.

    >>> [step_decay(2, 0.5)(epoch) for epoch in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """
    count("step_decay", "every", every)
    at_least_zero("step_decay", factor=factor)
    return lambda epoch: floats.pow(float(factor), float(epoch // every))


def exponential_decay(factor: float) -> Schedule:
    """Multiply the rate by `factor` each epoch.

    >>> [exponential_decay(0.5)(epoch) for epoch in range(3)]
    [1.0, 0.5, 0.25]
    """
    at_least_zero("exponential_decay", factor=factor)
    return lambda epoch: floats.pow(float(factor), float(epoch))


def cosine(epochs: int, floor: float = 0.0) -> Schedule:
    """Fall from 1 to `floor` over `epochs` along half a cosine, and stay there.

    Loshchilov and Hutter 2017, "SGDR" (arXiv:1608.03983), without restarts.

    >>> [round(cosine(4)(epoch), 3) for epoch in range(6)]
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """
    count("cosine", "epochs", epochs)
    at_least_zero("cosine", floor=floor)
    return lambda epoch: (
        floor + (1 - floor) * (1 + math.cos(math.pi * min(epoch / epochs, 1.0))) / 2
    )


def warmup(epochs: int, then: Schedule = lambda epoch: 1.0) -> Schedule:
    """Rise to 1 in `epochs` equal steps, then follow another schedule from its beginning.

    >>> [warmup(4, exponential_decay(0.5))(epoch) for epoch in range(6)]
    [0.25, 0.5, 0.75, 1.0, 1.0, 0.5]
    """
    count("warmup", "epochs", epochs)
    if not callable(then):
        got = type(then).__name__
        raise TypeError(f"warmup goes on with a schedule, got {got}; give one like cosine(100)")
    return lambda epoch: (epoch + 1) / epochs if epoch < epochs else then(epoch - epochs)


@dataclass(frozen=True)
class ReduceLROnPlateau:
    """Multiply the rate by `factor` after each `patience` epochs in a row without an improvement.

    It is a schedule for `fit`, which counts an improvement as for its own patience: by `monitor`
    and `min_delta`. Its own patience should be the longer one.
    """

    factor: float = 0.1
    patience: int = 10

    def __post_init__(self) -> None:
        at_least_zero("ReduceLROnPlateau", factor=self.factor)
        count("ReduceLROnPlateau", "patience", self.patience)

    def __call__(self, waited: int) -> float:
        """The factor on the rate of the last epoch, after so many epochs without an improvement.

        >>> plateau = ReduceLROnPlateau(factor=0.5, patience=2)
        >>> [plateau(waited) for waited in range(6)]
        [1.0, 1.0, 0.5, 1.0, 0.5, 1.0]
        """
        return float(self.factor) if waited and waited % self.patience == 0 else 1.0
