"""Dropout and BatchNorm: layers that compute something else in training than in evaluation mode."""

from collections.abc import Sequence
from random import Random
from typing import Any, NoReturn

from engine import Value, mean, var
from engine.choices import pick
from engine.core.node import as_float
from engine.source.origin import Place
from nn.checks import alone, as_list, at_least_zero, count, fraction, generator, place
from nn.models.activations import ACTIVATIONS, ActivationName
from nn.models.batch import BATCH, RecordedBatch
from nn.models.layers import Inputs, Source, lifted
from nn.models.module import Buffers, Module


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
        self.p: float = p
        self.place: Place = place()
        self.called: Place | None = None  # in training mode, outside of fit: the line
        # generator(None) is a module, which could not be copied
        self.rng: Random | None = None if rng is None else generator(rng)

    def __call__(self, x: Any) -> Any:
        """The units of one sample, a list of them or a single one."""
        if not self.training or not self.p:
            return x
        several, batch = not alone(x), BATCH.get()
        xs = [u if isinstance(u, Value) else as_float(u, "a unit is") for u in as_list(x)]
        if batch:
            factors = batch.mask(self.p, len(xs))
        else:
            draw, self.called = generator(self.rng).random, place()
            factors = [(draw() >= self.p) / (1.0 - self.p) for _ in xs]
        found = [unit * factor for unit, factor in zip(xs, factors, strict=True)]
        return found if several else found[0]

    def __repr__(self) -> str:
        return f"Dropout({self.p!r})"


class BatchNorm(Module):
    """Gives every unit mean 0 and variance 1 over the batch, then scales and shifts it.

    Arguments:
        n: how many units there are.
        momentum: how far the running statistics move towards those of a batch, at each step.
        eps: what is added to the variance before the square root.
        activation: what the units go through in the end, a name in `ACTIVATIONS`.

    It is PyTorch's BatchNorm1d. `y = (x - mean) / sqrt(var + eps) * weight + bias`, where weight
    and bias are learned, 1 and 0 at first. In training, mean and variance are those of the batch,
    and gradients go through them; so a batch comes in whole, by `fit` or by
    `model.forward_batch(rows)`. In evaluation mode they are the running mean and variance. Source:
    Ioffe and Szegedy 2015, "Batch normalization" (arXiv:1502.03167).

    >>> norm = BatchNorm(1)
    >>> [round(y.data, 4) for y in norm.forward_batch([[1.0], [3.0]])]
    [-1.0, 1.0]
    >>> norm.running.mean[0].data, norm.running.var[0].data
    (0.2, 1.1)
    """

    def __init__(
        self,
        n: int,
        momentum: float = 0.1,
        eps: float = 1e-5,
        activation: ActivationName = "linear",
    ) -> None:
        self.n: int = count("BatchNorm", "n", n)
        pick(ACTIVATIONS, activation, "activation")
        self.activation = activation
        at_least_zero("BatchNorm", momentum=momentum, eps=eps)
        self.momentum: float = momentum
        self.eps: float = eps
        self.weight: list[Value] = [Value(1.0, f"gamma{i}") for i in range(n)]
        self.bias: list[Value] = [Value(0.0, f"beta{i}") for i in range(n)]
        self.running: Buffers = Buffers(
            mean=[Value(0.0) for _ in range(n)], var=[Value(1.0) for _ in range(n)]
        )

    def __call__(self, x: Inputs) -> Any:
        """The units of one sample, by the running statistics."""
        xs, batch = lifted(self, x, self.n), BATCH.get()
        if not self.training:
            return self._normalized(xs, self.running.mean, self.running.var)
        if isinstance(batch, RecordedBatch):
            return self._normalized(xs, *batch.statistics(self, xs))
        return self.forward_batch([xs])  # raises the error

    def forward_batch(self, rows: Sequence[Any]) -> list[Any]:
        """The units of every sample; in training by the statistics of these samples."""
        if not self.training:
            return super().forward_batch(rows)
        many = len(rows)
        if many < 2:
            too_few(many)
        columns = list(zip(*[lifted(self, x, self.n) for x in rows], strict=True))
        means, variances = [mean(x) for x in columns], [var(x, 0) for x in columns]
        self._move(self.running.mean, means, 1.0)
        self._move(self.running.var, variances, many / (many - 1))
        return [self._normalized(xs, means, variances) for xs in zip(*columns, strict=True)]

    def _normalized(self, xs: Sequence[Value], means: Any, variances: Any) -> Any:
        """The units of one sample by these statistics; a lone one as a Value, as from a Layer."""
        each = zip(xs, means, variances, self.weight, self.bias, strict=True)
        found = [(x - m) * (w / (v + self.eps).sqrt()) + b for x, m, v, w, b in each]
        function, layerwise = (row := ACTIVATIONS[self.activation]).function, row.layerwise
        if function:
            found = [*function(found)] if layerwise else [function(y) for y in found]
        return found[0] if self.n == 1 else found

    def _move(self, running: Sequence[Value], found: Sequence[Value], factor: float) -> None:
        """Bring running statistics nearer to those of a batch."""
        for old, new in zip(running, found, strict=True):
            old.data += self.momentum * (new.data * factor - old.data)

    def __repr__(self) -> str:
        how = f"momentum={self.momentum!r}, eps={self.eps!r}"
        return f"BatchNorm({self.n}, {how}, activation={self.activation!r})"


def too_few(rows: int) -> NoReturn:
    """Raise the error about a batch that has no variance."""
    got = f"BatchNorm takes the statistics of 2 rows or more in training, got {rows}"
    single = "call model.eval() for single rows, give several to model.forward_batch(rows)"
    fit = "or give fit a batch_size that leaves no row alone"
    raise ValueError(f"{got}; {single}, which a Module around it has to write, {fit}")
