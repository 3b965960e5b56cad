"""The base class of optimisers.

An optimiser is one function, `update`. It takes a parameter's value, its gradient and what is
remembered about it, and gives the new value and memory. `step()` applies it to every parameter, or,
where any number comes out bad, to none.
"""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, cast
from weakref import WeakValueDictionary

from engine import Value
from engine.core.origins import called
from engine.core.sweep import gradients_of
from engine.core.value import set_data
from engine.source.origin import Place
from engine.source.text import listed
from nn.checks import alone, at_least_zero, check_finite, is_number, leaf_values, place, warn

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
    ...         return (value - (self.lr if gradient > 0 else -self.lr),)
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
        check_finite(f"{name}.step", "gradient", self.params, grads)
        before, memory, steps = [p.data for p in self.params], self.memory, self.steps
        new = self.updates(self.scales, before, grads, memory)
        check_finite(f"{name}.step", "new value", self.params, [x for x, *_ in new])
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
