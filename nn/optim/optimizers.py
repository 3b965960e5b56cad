"""Optimisers, constructed as in PyTorch and agreeing with it step by step.

An optimiser is one function, `update`. It takes a parameter's value, its gradient and what is
remembered about it, and gives the new value and memory. `step()` applies it to every parameter, or,
where any number comes out bad, to none.
"""

import math
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import InitVar, dataclass
from functools import partial
from typing import Any, ClassVar, Literal, TypeAlias, cast
from weakref import WeakValueDictionary

from engine import Value
from engine.choices import spelled
from engine.core.origins import called
from engine.core.sweep import gradients_of
from engine.core.value import set_data
from engine.source.origin import Place
from engine.source.text import listed
from nn.checks import alone, at_least_zero, finite, fraction, is_number, leaf_values, place, warn

LIVE: "WeakValueDictionary[int, Optimizer]" = WeakValueDictionary()  # for `diagnose`
Memory = tuple[float, ...]
Params = Iterable[Value] | Iterable[Mapping[str, Any]]


class Optimizer:
    """The base class of optimisers: it holds parameters and the learning rate, and does steps.

    One of your own defines `update(value, gradient, memory) -> (value, *memory)`, where memory is
    `()` at the first step and `self.steps` counts the steps before this one.

    Parameters may come in groups with rates of their own, as in PyTorch:
    `Adam([{"params": body, "lr": 1e-4}, {"params": head}], lr=1e-2)`.

    Attributes:
        params: the parameters. lr: the learning rate; assign it at will, and the rates of groups
            change with it. steps: how many were done.
        memory: what `update` remembers of each parameter. place: the line that made it.
        groups: for each group how many parameters it has, and its rate as a multiple of lr. It is
            empty where the parameters came in one list.
        vectorized: whether `update` also takes NumPy arrays in place of numbers, one item for each
            parameter (`self.lr` is an array too where there are groups). `fit` then calls it once
            for all of them when it trains natively. The arrays are its own: `value -= ...` may
            change them in place, which is fast. State `vectorized = True` in the class that
            defines `update`; a class that overrides `update` has to state it again.

    >>> class Sign(Optimizer):
    ...     def update(self, value, gradient, memory):
    ...         return (value - math.copysign(self.lr, gradient),)
    >>> w = Value(1.0)
    >>> (w * w).backward()
    >>> Sign([w], lr=0.25).step()
    >>> w.data
    0.75
    """

    vectorized: ClassVar[bool] = False
    doubts = True  # whether to say that the gradients of a first step are all 0
    groups: tuple[tuple[int, float], ...] = ()

    def __init_subclass__(cls, **rest: Any) -> None:
        super().__init_subclass__(**rest)
        owner = next(kind for kind in cls.__mro__ if "update" in vars(kind))
        if "vectorized" not in vars(cls):
            cls.vectorized = vars(owner).get("vectorized", False)

    def __init__(self, params: Params, lr: float) -> None:
        name = type(self).__name__
        at_least_zero(name, lr=lr)
        plain = isinstance(params, list) or alone(params)
        listed: Any = params if plain else [*params]
        kinds = {*map(type, listed)} if type(listed) is list else ()
        if any(issubclass(kind, Mapping) for kind in kinds):
            groups = [_group(name, group, lr) for group in listed]
            listed = [parameter for some, _ in groups for parameter in some]
            self.groups = tuple([(len(some), scale) for some, scale in groups])
        self.params: list[Value] = leaf_values(name, listed)
        self.lr: float = lr
        self.steps: int = 0
        self.memory = [()] * len(self.params)
        self.place: Place = place()
        LIVE[id(self)] = self

    @property
    def memory(self) -> list[Memory]:
        """What `update` remembers of each parameter."""
        held: Any = vars(self)["memory"]
        if callable(held):  # it was not asked for since the training that left it
            held = vars(self)["memory"] = held()
        return cast(list[Memory], held)

    @memory.setter
    def memory(self, held: Any) -> None:
        vars(self)["memory"] = held

    def update(self, value: float, gradient: float, memory: Memory) -> tuple[float, ...]:
        """The new value of a parameter, followed by what to remember for the next step."""
        name = type(self).__name__
        raise NotImplementedError(f"write {name}.update(self, value, gradient, memory)")

    @property
    def scales(self) -> list[float]:
        """The rate of each parameter, as a multiple of lr."""
        groups = self.groups or [(len(self.params), 1.0)]
        return [scale for many, scale in groups for _ in range(many)]

    def updates(self, *columns: Iterable[Any]) -> list[Any]:
        """What `update` gives for each parameter, at its own rate.

        Arguments:
            columns: scales, values, gradients and memories, with an item for each parameter; or,
                where `update` takes arrays, with one array each.
        """
        rate, found = float(self.lr), []  # one of NumPy's could round to fewer digits
        try:
            for scale, *about in zip(*columns, strict=True):
                self.lr = rate * scale
                found.append(self.update(*about))
        finally:
            self.lr = rate
        if not all(isinstance(new, tuple | list) for new in found):
            fault = f"{type(self).__name__}.update returned {type(found[-1]).__name__}"
            remedy = "write return (value,) where nothing is to be remembered"
            raise TypeError(f"{fault}, not (value, *memory); {remedy}")
        return found

    def step(self) -> None:
        """Move every parameter against its gradient.

        Raises NumericError, and changes nothing, where a gradient or a new value is not finite.
        """
        name = type(self).__name__
        grads = gradients_of(self.params)
        if self.doubts and not self.steps and not any(grads):
            zero = f"{name}.step: all gradients are 0 ({listed([*map(called, self.params)])})"
            remedy = "call backward() on a loss that was computed from these parameters"
            warn(f"{zero}, as if no loss reached them; {remedy}")
        finite(f"{name}.step", "gradient", self.params, grads)
        before, memory, steps = [p.data for p in self.params], self.memory, self.steps
        new = self.updates(self.scales, before, grads, memory)
        finite(f"{name}.step", "new value", self.params, [x for x, *_ in new])
        try:
            set_data(self.params, [x for x, *_ in new])
            self.memory, self.steps = [tuple(memory) for _, *memory in new], steps + 1
        except KeyboardInterrupt:  # then there was no step
            set_data(self.params, before)
            self.memory, self.steps = memory, steps
            raise

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to 0."""
        for parameter in self.params:
            parameter.grad = 0.0

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` needs to go on from here: plain numbers, ready for JSON."""
        return {"lr": self.lr, "steps": self.steps, "memory": [list(m) for m in self.memory]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from where another optimiser of the same kind and parameters was.

        Raises ValueError, and changes nothing, where the state is of other parameters or damaged.
        """
        name = type(self).__name__
        if not isinstance(state, Mapping):
            got = f"{type(state).__name__}; give the state_dict() of a {name}"
            raise TypeError(f"load_state_dict takes a mapping, got {got}")
        if lacking := self.state_dict().keys() - state.keys():
            fault = f"the state lacks {', '.join(sorted(lacking))}"
            raise ValueError(f"{fault}; load the state_dict() of a {name}")
        memory = [tuple(m) for m in state["memory"]]
        if len(memory) != len(self.params):
            got = f"this {name} has {len(self.params)} parameters, the state is of {len(memory)}"
            raise ValueError(f"{got}; build it from the model that the state was saved with")
        at_least_zero(f"{name}.load_state_dict", lr=state["lr"], steps=state["steps"])
        if type(state["steps"]) is not int or not self._remembers(memory, state["steps"]):
            got = f"the state's memory is none of {name} after {state['steps']!r} steps"
            raise ValueError(f"{got}; load the state_dict() of an optimiser with the same settings")
        self.lr, self.steps, self.memory = state["lr"], state["steps"], memory

    def _remembers(self, memory: list[Memory], steps: int) -> bool:
        """Whether the memory has the numbers that `update` leaves, where their count is known."""
        if not self.vectorized:
            return True
        size = len(self.update(0.0, 0.0, ())) - 1 if steps else 0
        return all(len(held) == size and all(map(is_number, held)) for held in memory)


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
        self.betas = float(betas[0]), float(betas[1])  # powers of NumPy's would have fewer digits
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


def _group(who: str, group: Any, lr: float) -> tuple[list[Value], float]:
    """The parameters of a group, and its rate as a multiple of lr."""
    names = [*group] if isinstance(group, Mapping) else type(group).__name__
    if set(names) not in ({"params"}, {"params", "lr"}) or ("lr" in names and not lr):
        rule = f"{who} takes groups as dictionaries of params and, where it is their own, lr"
        remedy = 'give {"params": layer.parameters(), "lr": 1e-4} and lr > 0'
        raise ValueError(f"{rule}, got {names} and lr={lr!r} for all; {remedy}")
    rate = group.get("lr", lr)
    at_least_zero(who, lr=rate)
    return leaf_values(who, group["params"]), rate / lr if lr else 1.0


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
