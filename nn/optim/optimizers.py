"""Optimisers, constructed as in PyTorch and agreeing with it step by step."""

import math
import sys
from collections.abc import Callable, Iterable
from dataclasses import InitVar, dataclass
from functools import partial
from typing import Any, Literal, TypeAlias

from engine import Value
from engine.choices import spelled
from nn.checks import at_least_zero, fraction
from nn.optim.optimizer import Memory, Optimizer, Params


@dataclass(eq=False, repr=False)
class SGD(Optimizer):
    """Gradient descent: `value -= lr * gradient`, with momentum if asked.

    Arguments:
        params: `model.parameters()`, or any leaf Values. lr: the learning rate.
        momentum: how much of its last move a parameter keeps.
        dampening: how much of a new gradient is left out of the momentum.
        weight_decay: adds `weight_decay * value` to the gradient.
        nesterov: look ahead along the momentum (Sutskever et al. 2013).

    >>> w = Value(1.0)
    >>> (w * w).backward()
    >>> SGD([w], lr=0.1).step()
    >>> w.data
    0.8
    """

    params: InitVar[Params]
    lr: float = 1e-3
    momentum: float = 0.0
    dampening: float = 0.0
    weight_decay: float = 0.0
    nesterov: bool = False
    vectorized = True

    def __post_init__(self, params: Params) -> None:
        momentum, dampening, decay = self.momentum, self.dampening, self.weight_decay
        at_least_zero("SGD", momentum=momentum, dampening=dampening, weight_decay=decay)
        if self.nesterov and (momentum == 0 or dampening != 0):
            rule = "nesterov needs momentum > 0 and dampening = 0"
            got = f"momentum={momentum!r} and dampening={dampening!r}"
            raise ValueError(f"{rule}, got {got}; try SGD(..., momentum=0.9, nesterov=True)")
        super().__init__(params, self.lr)

    def update(self, value: float, gradient: float, memory: Memory) -> tuple[float, ...]:
        """Keep `momentum` of the last move, and add this one."""
        if self.weight_decay:
            gradient += self.weight_decay * value
        move = gradient
        if memory:  # the first move is the gradient itself, undampened
            (move,) = memory
            move *= self.momentum
            move += (1 - self.dampening) * gradient
        value -= self.lr * (gradient + self.momentum * move if self.nesterov else move)
        return (value, move) if self.momentum else (value,)


@dataclass(eq=False, repr=False)
class Adam(Optimizer):
    """Steps of about lr in every parameter, whatever the size of its gradients.

    Kingma and Ba 2015 (arXiv:1412.6980): divides a running mean of the gradients by the square root
    of a running mean of their squares.

    Arguments:
        params: `model.parameters()`, or any leaf Values. lr: the learning rate.
        betas: how much of the past the two means keep.
        eps: added to the divisor, which may be 0.
        weight_decay: adds `weight_decay * value` to the gradient.
        amsgrad: divide by the largest mean of squares so far (Reddi et al. 2018).
    """

    params: InitVar[Params]
    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    amsgrad: bool = False
    decoupled = False
    vectorized = True

    def __post_init__(self, params: Params) -> None:
        name, betas = type(self).__name__, self.betas
        fraction(name, **{"betas[0]": betas[0], "betas[1]": betas[1]})
        at_least_zero(name, eps=self.eps, weight_decay=self.weight_decay)
        super().__init__(params, self.lr)

    def update(self, value: float, gradient: float, memory: Memory) -> tuple[float, ...]:
        """Both means start at 0, so each is divided by the share of it that is not the start."""
        if self.decoupled:
            value -= self.lr * self.weight_decay * value
        elif self.weight_decay:
            gradient += self.weight_decay * value
        mean, square, largest = memory or (0.0, 0.0, 0.0)
        (keep, keep_square), t = self.betas, self.steps + 1
        mean *= keep
        mean += (1 - keep) * gradient
        square *= keep_square
        square += (1 - keep_square) * gradient * gradient
        largest = _larger(largest, square)
        move = self.lr * mean
        move /= 1 - keep**t
        move /= _size((largest if self.amsgrad else square) / (1 - keep_square**t), self.eps)
        value -= move
        return value, mean, square, largest


@dataclass(eq=False, repr=False)
class AdamW(Adam):
    """Adam with the weight decay beside the gradient rather than in it.

    Loshchilov and Hutter 2019 (arXiv:1711.05101): each step first shrinks a parameter by
    `lr * weight_decay` of itself. Arguments as for `Adam`.
    """

    weight_decay: float = 1e-2
    decoupled = True


@dataclass(eq=False, repr=False)
class RMSprop(Optimizer):
    """The gradient divided by the root of a running mean of its squares (Hinton 2012, lecture 6e).

    Arguments:
        params: `model.parameters()`, or any leaf Values. lr: the learning rate.
        alpha: how much of the past the mean keeps.
        eps: added to the divisor, which may be 0.
        weight_decay: adds `weight_decay * value` to the gradient.
        momentum: how much of its last move a parameter keeps.
        centered: divide by the running deviation from the mean gradient instead (Graves 2013).
    """

    params: InitVar[Params]
    lr: float = 1e-2
    alpha: float = 0.99
    eps: float = 1e-8
    weight_decay: float = 0.0
    momentum: float = 0.0
    centered: bool = False
    vectorized = True

    def __post_init__(self, params: Params) -> None:
        decay, momentum = self.weight_decay, self.momentum
        fraction("RMSprop", alpha=self.alpha)
        at_least_zero("RMSprop", eps=self.eps, weight_decay=decay, momentum=momentum)
        super().__init__(params, self.lr)

    def update(self, value: float, gradient: float, memory: Memory) -> tuple[float, ...]:
        """Without momentum the move is forgotten at once."""
        if self.weight_decay:
            gradient += self.weight_decay * value
        square, mean, move = memory or (0.0, 0.0, 0.0)
        square *= self.alpha
        square += (1 - self.alpha) * gradient * gradient
        mean *= self.alpha
        mean += (1 - self.alpha) * gradient
        # never below 0 but for rounding
        spread = _larger(square - mean * mean, 0.0) if self.centered else square
        move *= self.momentum
        move += gradient / _size(spread, self.eps)
        value -= self.lr * move
        return value, square, mean, move


for _kind in SGD, Adam, AdamW, RMSprop:
    _kind.__init__ = spelled(_kind.__init__)  # type: ignore[method-assign]
OptimizerName: TypeAlias = Literal["sgd", "adam", "adamw", "rmsprop"]
# By name, as `fit` takes them, with rates that suit networks of a few hundred parameters.
RATES: dict[Any, float] = {SGD: 0.1, Adam: 0.01, AdamW: 0.01, RMSprop: 0.01}
OPTIMIZERS: dict[str, Callable[[Iterable[Value]], Optimizer]] = {
    kind.__name__.lower(): partial(kind, lr=rate) for kind, rate in RATES.items()
}


# What `update` needs beside operators: of numbers; of NumPy arrays, which whoever gives them has
# imported; or, where eps is not 0, of the vectors that code is written with.
def _size(square: Any, eps: float) -> Any:
    """`sqrt(square) + eps`; infinite where that is 0 (no gradient, and eps = 0): nothing moves."""
    if isinstance(square, float):
        return math.sqrt(square) + eps or math.inf
    if hasattr(square, "sqrt"):
        return square.sqrt() + eps
    numpy: Any = sys.modules["numpy"]
    size = numpy.sqrt(square)
    size += eps
    return size if eps else numpy.where(size, size, math.inf)


def _larger(a: Any, b: Any) -> Any:
    if isinstance(a + b, float):
        return max(a, b)
    return a.maximum(b) if hasattr(a, "maximum") else sys.modules["numpy"].maximum(a, b)
