"""Module: the base class of what holds parameters, and the walk that finds them.

A model is an ordinary object, and nothing has to be registered. Its parameters are the leaf Values
in its attributes, in lists, tuples, dicts, deques, dataclasses and arrays of objects, and in the
modules among them. A parameter's name is the path to it, like `layers.0.neurons.1.w.0`.
"""

import reprlib
import sys
import typing
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from gc import get_referents
from itertools import chain, count
from types import FunctionType, MemberDescriptorType, ModuleType, NoneType
from typing import TYPE_CHECKING, Any, Generic, Self

from engine import Value
from engine.source.origin import Place
from nn.checks import Leaves, counted, place
from nn.models.batch import BATCH

MODE_READS = count()  # moved on whenever a module is asked for its mode
PLAIN: set[type] = {str, int, float, bool, NoneType, Place}  # of attributes that hold no parameters
if TYPE_CHECKING:
    from typing_extensions import TypeVar

    Out = TypeVar("Out", default=Any, covariant=True)  # what a call gives
else:
    Out = typing.TypeVar("Out")
DEEP = 6  # how far below an attribute `hidden` looks


class Module(Generic[Out]):
    """The base class of layers and models.

    `training` is True until `eval()` is called. A model that behaves differently in training, with
    dropout for example, reads it. `fit` records a model that does not read it once.

    Type checkers take what a call gives for Any, or for what is said: `class Line(Module[Value])`.

    >>> class Line(Module):
    ...     def __init__(self):
    ...         self.slope, self.offset = Value(2.0), Value(1.0)
    ...     def __call__(self, x):
    ...         return self.slope * x + self.offset
    >>> line = Line()
    >>> [name for name, parameter in line.named_parameters()]
    ['slope', 'offset']
    >>> line(3).data
    7.0
    """

    requires_grad: bool = True

    @property
    def training(self) -> bool:
        """Whether it learns; False in evaluation mode."""
        next(MODE_READS)
        return bool(vars(self).get("training", True))

    @training.setter
    def training(self, mode: bool) -> None:
        vars(self)["training"] = mode

    def __setattr__(self, name: str, value: Any) -> None:
        if callable(getattr(Module, name, None)) and not callable(value):
            expected = f"{type(self).__name__}.{name} is a method of every Module"
            remedy = "give the attribute another name"
            raise AttributeError(f"{expected}, got {type(value).__name__} {value!r:.60}; {remedy}")
        if name == "requires_grad":
            self.requires_grad_(value)
        else:
            super().__setattr__(name, value)

    def __class_getitem__(cls, out: object) -> type[Self]:
        return cls  # type checkers alone make a difference

    def __call__(self, x: Any) -> Out:
        """The output for one sample, a Value or a list of Values. Every model defines it."""
        name = type(self).__name__
        got = f"{name} does not say what it computes"
        raise NotImplementedError(f"{got}; write {name}.__call__(self, x)")

    def forward_batch(self, rows: Sequence[Any]) -> list[Any]:
        """The output for every sample of a batch; `fit` learns from these.

        A module that computes something over the batch, or holds one that does, like BatchNorm,
        writes its own. Others are called with one sample after another.
        """
        batch, found = BATCH.get(), []
        for i, x in enumerate(rows):
            if batch:
                batch.row = i
            found.append(self(x))
        return found

    def named_parameters(self, buffers: bool = False) -> list[tuple[str, Value]]:
        """Every parameter with its path, like `layers.0.neurons.1.w.0`.

        Arguments:
            buffers: whether to list what Buffers hold too: all that a file has to keep.

        Their order is that in which attributes were assigned and containers list their items. A
        parameter that is shared stands once, under its first name. Results of operations are no
        parameters.
        """
        return [(path, x) for path, x in walk(self, buffers) if isinstance(x, Value)]

    def parameters(self, buffers: bool = False) -> list[Value]:
        """Every parameter once, in the order of `named_parameters()`."""
        return _leaves(thing for _, thing in _parts(self, buffers))

    def requires_grad_(self, mode: bool = True) -> Self:
        """Freeze the parameters of this module and all modules inside it, or let them learn again.

        `fit` leaves frozen parameters as they are. An optimiser of one's own gets those that learn,
        `Adam(model.trainable_parameters())`.
        """
        for part in self.modules():
            vars(part).update(requires_grad=bool(mode), frozen_at=None if mode else place())
        return self

    def trainable_parameters(self) -> list[Value]:
        """Every parameter but those of modules that `requires_grad_(False)` has frozen."""
        found, learns = [], {}
        if all(part.requires_grad for part in self.modules()):
            return self.parameters()
        for path, thing in walk(self, buffers=False):
            if isinstance(thing, Module):
                learns[path] = thing.requires_grad
            elif isinstance(thing, Value):
                while path not in learns:  # up to the module that holds it
                    path = path.rpartition(".")[0]
                found += [thing] if learns[path] else []
        return found

    def modules(self) -> list["Module"]:
        """This module and all modules inside it, each of them once."""
        return [part for _, part in _parts(self) if isinstance(part, Module)]

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to 0."""
        for parameter in self.parameters():
            parameter.grad = 0.0

    def train(self, mode: bool = True) -> Self:
        """Put this module and all modules inside it into training mode."""
        for part in self.modules():
            part.training = mode
        return self

    def eval(self) -> Self:
        """Put this module and all modules inside it into evaluation mode."""
        return self.train(False)

    def _causes(self) -> dict[str, Any]:
        """What `diagnose` looks for in modules and optimisers: rows of a table."""
        from nn.doctor import loop_rows, loops  # which a training that goes well never needs

        return loops.CAUSES | loop_rows.LOOPS

    def __str__(self) -> str:
        """Its layers, their shapes and how many parameters they have, as a table."""
        from nn import summary  # with words for people, which a training never needs

        return summary.text(self)

    def _repr_html_(self) -> str:
        from nn import summary

        return summary.html(self)

    @reprlib.recursive_repr()
    def __repr__(self) -> str:
        held, found = vars(self).items(), len(self.parameters())
        parts = [f"{name}={part!r}" for name, part in held if isinstance(part, Module)]
        parts.append(counted(found, "parameter"))
        return f"{type(self).__name__}({', '.join(parts)})"


class Buffers(Module):
    """Values that belong to a module's state and that nothing learns, like running means.

    They are saved, loaded and kept in checkpoints, and `parameters()` leaves them out.

    >>> Buffers(mean=[Value(0.0)]).parameters(), len(Buffers(mean=[Value(0.0)]).parameters(True))
    ([], 1)
    """

    def __init__(self, **held: list[Value]) -> None:
        vars(self).update(held)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> list[Value]: ...


class Contents:
    """What a model holds, found in one walk: a large one takes a while.

    Attributes:
        modules: `model.modules()`. lists: all Values, as they are held, in lists or alone.
        parameters: those and buffers that are leaves, `model.parameters(True)`.
        trainable: `model.trainable_parameters()`.
    """

    def __init__(self, model: Module) -> None:
        found = [thing for _, thing in _parts(model)]
        self.modules: list[Module] = [x for x in found if isinstance(x, Module)]
        self.lists: list[Sequence[Value]] = [x for x in found if not isinstance(x, Module)]
        self.parameters: Leaves = Leaves(_leaves(self.lists))
        self.trainable: Leaves = self.parameters
        if any(isinstance(x, Buffers) or not x.requires_grad for x in self.modules):
            self.trainable = Leaves(model.trainable_parameters())


@contextmanager
def evaluating(model: Module) -> Iterator[None]:
    """Evaluation mode inside the block. Afterwards every module has the mode from before it."""
    with keeping_modes(model.modules()):
        model.eval()
        yield


@contextmanager
def keeping_modes(modules: Iterable[Module]) -> Iterator[None]:
    """Give every module the mode from before the block after it, however it ends."""
    before = [(part, part.training) for part in modules]
    try:
        yield
    finally:
        for part, training in before:
            part.training = training


def check_module(who: str, model: object) -> None:
    """Raise TypeError unless the model is a Module."""
    if not isinstance(model, Module):
        got = f"{who} takes a Module, got {type(model).__name__}"
        raise TypeError(f"{got}; derive its class from it")


def walk(root: object, buffers: bool = True) -> Iterator[tuple[str, object]]:
    """Every module and every leaf Value from root down, root first, each once and with its path.

    Arguments:
        buffers: whether to go into Buffers.
    """
    seen: set[int] = set()
    for path, part in _parts(root, buffers):
        if isinstance(part, Module):
            yield path, part
            continue
        for i, value in enumerate(part):
            if value.op is None and id(value) not in seen:
                seen.add(id(value))
                yield _below(path, i) if len(part) > 1 else path, value


def hidden(model: Module) -> dict[Value, str]:
    """The leaves that a model holds where `walk` does not look, each with its attribute.

    Such as those in sets, in plain objects and in closures, in slots and attributes of a class.
    """
    known, found = {x for _, x in walk(model)}, dict[Value, str]()
    for path, module in walk(model):
        for kind in type(module).__mro__ if isinstance(module, Module) else ():
            for name, held in vars(kind).items():
                slot = isinstance(held, MemberDescriptorType)
                held = getattr(module, name, None) if slot else held
                lost = {x for _, x in walk([held]) if isinstance(x, Value)}
                called = f"{kind.__name__}.{name} of its {'__slots__' if slot else 'class'}"
                found |= dict.fromkeys(lost - known, called)
        for name, held in vars(module).items() if isinstance(module, Module) else ():
            things = [held]
            for _ in range(DEEP):
                things = get_referents(*map(_opened, things))
                lost = {x for x in things if isinstance(x, Value) and x.op is None}
                called = f"{_below(path, name)} of type {type(held).__name__}"
                found |= dict.fromkeys(lost - known, called)
    return found


def _opened(thing: object) -> object:
    if isinstance(thing, FunctionType):
        return thing.__closure__
    return None if isinstance(thing, Value | Module | ModuleType | type) else thing


def _parts(root: object, buffers: bool = True) -> Iterator[tuple[str, Module | Sequence[Value]]]:
    """Every module once, and all Values: one by one, or a whole list of them at once.

    It is iterative, so a model may be deep. It remembers what it has seen, so a module may hold its
    parent.
    """
    seen: set[int] = set()
    stack: list[tuple[str, Any]] = [("", root)]
    while stack:
        path, thing = stack.pop()
        if isinstance(thing, Value):
            yield path, (thing,)
            continue
        if id(thing) in seen:
            continue
        if isinstance(thing, Module):
            closed = isinstance(thing, Buffers) and not buffers
            held = () if closed else vars(thing).items()
            inside: Any = [item for item in held if item[1].__class__ not in PLAIN]
        elif isinstance(thing, dict):
            inside = thing.items()
        elif isinstance(thing, list | tuple | deque):
            if len(thing) > 1 and {*map(type, thing)} == {Value}:
                seen.add(id(thing))
                yield path, thing
                continue
            inside = enumerate(thing)
        elif type(thing).__name__ == "ndarray" and thing.dtype == object:
            each = sys.modules["numpy"].ndenumerate(thing)
            inside = [(".".join(map(str, index)), item) for index, item in each]
        elif is_dataclass(thing) and not isinstance(thing, type):
            inside = [(field.name, getattr(thing, field.name, None)) for field in fields(thing)]
        else:
            continue
        seen.add(id(thing))
        if isinstance(thing, Module):
            yield path, thing
        stack.extend(reversed([(_below(path, key), item) for key, item in inside]))


def leaves_of(model: Module) -> list[Value]:
    """Every parameter and every running statistic, also where a model has its own `parameters`."""
    return _leaves(thing for _, thing in _parts(model))


def _leaves(things: Iterable[Module | Sequence[Value]]) -> list[Value]:
    """The leaf Values among what `_parts` gives, each once."""
    lists = [thing for thing in things if not isinstance(thing, Module)]
    found = [value for value in chain(*lists) if value.op is None]
    return found if len(set(found)) == len(found) else list(dict.fromkeys(found))


def _below(path: str, key: object) -> str:
    return f"{path}.{key}" if path else str(key)
