"""Module: the base class of what holds parameters, and the walk that finds them.

A model is an ordinary object. Its parameters are the leaf Values that can be reached through its
attributes, through lists, tuples and dicts, and through the modules among them: nothing has to be
registered, and a parameter's name is the path one would type to get at it.
"""

import reprlib
from collections.abc import Iterable, Iterator
from typing import Any, Self

from engine import Value

__all__ = ["Module", "walk"]


class Module:
    """The base class of layers and models.

    `training` is True unless `eval()` was called; a model that behaves differently in the two
    (dropout, say) reads it.

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

    training: bool = True

    def __call__(self, x: Any) -> Any:
        """The answer to one sample, a Value or a list of Values; every model says how."""
        name = type(self).__name__
        raise NotImplementedError(
            f"{name} does not say what it computes; write {name}.__call__(self, x)"
        )

    def named_parameters(self) -> list[tuple[str, Value]]:
        """Every parameter with its path, like `layers.0.neurons.1.w.0`.

        In the order in which attributes were assigned and containers list their items. A parameter
        that is shared stands once, under its first name. Results of operations are no parameters.
        """
        return [(path, x) for path, x in walk(self) if isinstance(x, Value)]

    def parameters(self) -> list[Value]:
        """Every parameter once, in the order of `named_parameters()`."""
        return [parameter for _, parameter in self.named_parameters()]

    def modules(self) -> list["Module"]:
        """This module and those inside it, each one once."""
        return [part for _, part in walk(self) if isinstance(part, Module)]

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to 0."""
        for parameter in self.parameters():
            parameter.grad = 0.0

    def train(self, mode: bool = True) -> Self:
        """Put this module and those inside it into training mode."""
        for part in self.modules():
            part.training = mode
        return self

    def eval(self) -> Self:
        """Put this module and those inside it into evaluation mode."""
        return self.train(False)

    @reprlib.recursive_repr()
    def __repr__(self) -> str:
        parts = [
            f"{name}={part!r}" for name, part in vars(self).items() if isinstance(part, Module)
        ]
        found = len(self.parameters())
        parts.append(f"{found} parameter{'' if found == 1 else 's'}")
        return f"{type(self).__name__}({', '.join(parts)})"


def walk(root: object) -> Iterator[tuple[str, object]]:
    """Every module and every leaf Value below root (itself first) with its path, each one once.

    Iterative, so that a deep model is an ordinary model; what was seen is remembered, so that a
    module that knows its parent does no harm.
    """
    seen: set[int] = set()
    stack: list[tuple[str, object]] = [("", root)]
    while stack:
        path, thing = stack.pop()
        if id(thing) in seen:
            continue
        if isinstance(thing, Value):
            inside: Iterable[tuple[object, object]] = ()
        elif isinstance(thing, Module):
            inside = vars(thing).items()
        elif isinstance(thing, dict):
            inside = thing.items()
        elif isinstance(thing, list | tuple):
            inside = enumerate(thing)
        else:
            continue
        seen.add(id(thing))
        if isinstance(thing, Module) or (isinstance(thing, Value) and thing.op is None):
            yield path, thing
        below = [(f"{path}.{key}" if path else str(key), item) for key, item in inside]
        stack.extend(reversed(below))
