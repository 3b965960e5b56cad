"""Dropout: in training, units are left out at random."""

from typing import Any

from nn.checks import fraction, generator
from nn.models.batch import BATCH
from nn.models.layers import Source
from nn.models.module import Module

__all__ = ["Dropout"]


class Dropout(Module):
    """In training, each unit is 0 with probability p, and else divided by 1 - p.

    Arguments:
        p: the probability, in [0, 1).
        rng: the random numbers outside of `fit`: a random.Random, an int seed, or None for Python's
            global generator.

    In evaluation mode, units stay as they are. In `fit`, a row's random numbers follow from its
    seed, the step and the row: they are the same natively and eagerly, and with any number of
    workers. Source: Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from
    overfitting" (JMLR 15).

    >>> dropout = Dropout(0.5, rng=1)
    >>> dropout([1.0, 2.0, 3.0, 4.0])
    [0.0, 4.0, 6.0, 0.0]
    >>> dropout.eval()([1.0, 2.0])
    [1.0, 2.0]
    """

    def __init__(self, p: float = 0.5, rng: Source = None) -> None:
        fraction("Dropout", p=p)
        self.p = p
        self.rng = None if rng is None else generator(rng)  # a module could not be copied

    def __call__(self, x: Any) -> Any:
        """The units of one sample, a list of them or a single one."""
        if not self.training or not self.p:
            return x
        several, batch = hasattr(x, "__iter__"), BATCH.get()
        xs = [*x] if several else [x]
        if batch:
            factors = batch.mask(self.p, len(xs))
        else:
            draw = generator(self.rng).random
            factors = [(draw() >= self.p) / (1.0 - self.p) for _ in xs]
        found = [unit * factor for unit, factor in zip(xs, factors, strict=True)]
        return found if several else found[0]

    def __repr__(self) -> str:
        return f"Dropout({self.p!r})"
