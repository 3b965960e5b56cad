"""What a layer knows of the batch around the row that it is called with.

The random numbers of a row are a function of the step, of the row's number in the data, and of
their place in the row. So they depend neither on the rows beside it nor on who computes it.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from engine import Value, inputs
from engine.settings import Setting

MASK = 2**64 - 1


def mask(key: int, row: Any, place: Any, p: Any) -> Any:
    """What dropout multiplies with: 0 with probability p, else 1 / (1 - p).

    Arguments:
        key: 64 bits that are others at every step.
        row, place: the number of the row in the data, and which of the row's random numbers it is.

    It takes numbers, or arrays (of uint64, for row and place).

    >>> [mask(7, 0, place, 0.5) for place in range(6)]
    [2.0, 2.0, 2.0, 2.0, 0.0, 0.0]
    """
    return ((_mixed(_mixed(key, row), place) >> 11) * 2.0**-53 >= p) / (1.0 - p)


def _mixed(key: Any, counter: Any) -> Any:
    """Random bits by counter: Steele, Lea and Flood 2014, "Fast splittable pseudorandom number
    generators" (OOPSLA), there SplitMix64.
    """
    z = key + (counter + 1) * 0x9E3779B97F4A7C15 & MASK
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
    return z ^ z >> 31


class Batch:
    """The batch of a step on Values.

    Arguments:
        key: 64 bits that are others at every step.
        numbers: the numbers of the rows in the data.

    Attributes:
        row: the place of the row that is computed.
    """

    def __init__(self, key: int, numbers: Sequence[int]) -> None:
        self.row = 0
        self._key, self._numbers = key, numbers
        self._drawn = Counter[int]()  # how many random numbers each row has had

    def mask(self, p: float, many: int) -> list[Any]:
        """What dropout multiplies the row's next units with."""
        start, number = self._drawn[self.row], self._numbers[self.row]
        self._drawn[self.row] += many
        return [mask(self._key, number, place, p) for place in range(start, start + many)]


class RecordedBatch(Batch):
    """The batch of a program that is recorded: leaves stand for what differs from batch to batch.

    Attributes:
        masks: leaves for what dropout multiplies with, which differs from row to row too.
        rates: the probability of each of them to be 0.
        norms: of each BatchNorm: the module, its inputs, and leaves for their means and variances.
    """

    def __init__(self) -> None:
        super().__init__(0, ())
        self.masks: list[Value] = []
        self.rates: list[float] = []
        self.norms: list[tuple[Any, Sequence[Value], list[Value], list[Value]]] = []

    def mask(self, p: float, many: int) -> list[Any]:
        """Leaves for what dropout multiplies with."""
        leaves = inputs(*["mask"] * many)
        self.masks += leaves
        self.rates += [p] * many
        return leaves

    def statistics(self, norm: Any, xs: Sequence[Value]) -> tuple[list[Value], list[Value]]:
        """Leaves for the means and the variances over the batch."""
        means, variances = [Value(0.0, "mean") for _ in xs], [Value(1.0, "var") for _ in xs]
        self.norms.append((norm, xs, means, variances))
        return means, variances


BATCH: Setting[Batch | None] = Setting("batch", None)
