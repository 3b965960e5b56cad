"""Calls of a model that leave no mark on it."""

import importlib
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CellType
from typing import Any

from nn.models.module import Module, leaves_of


@contextmanager
def isolated(model: Module, loss: Any = None) -> Iterator[Callable[[], bool]]:
    """Undo what calls of a model, and of a loss of the user's own, do inside the block.

    Such calls may set attributes and the variables around a function, and draw random numbers.
    With them undone a model trains to the same bits whether or not it was recorded first, and it
    keeps nothing that was computed from the inputs of a program.

    The block is given a function that tells whether random numbers were drawn so far: from the
    modules `random` and `numpy.random`, or from a generator that is an attribute of a module.

    >>> class Noisy(Module):
    ...     def __init__(self):
    ...         self.rng, self.calls = random.Random(7), 0
    ...     def __call__(self, x):
    ...         self.calls += 1
    ...         return x * self.rng.random()
    >>> model = Noisy()
    >>> with isolated(model) as drew:
    ...     first = model(1.0)
    ...     drew()
    True
    >>> model.calls, model(1.0) == first
    (0, True)
    """
    around = *model.modules(), loss, getattr(loss, "__self__", None)
    owners = [x for x in around if isinstance(getattr(x, "__dict__", None), dict)]
    closed = [cell for cell in getattr(loss, "__closure__", None) or () if cell != CellType()]
    cells = [(cell, cell.cell_contents) for cell in closed]
    things = [x for owner in owners for x in vars(owner).values()] + [x for _, x in cells]
    np = importlib.import_module("numpy").random
    kinds = random.Random, np.RandomState, np.Generator
    own = [x for x in things if isinstance(x, kinds) and not isinstance(x, random.SystemRandom)]
    sources = [*map(_access, (random, np, *own))]  # the system's own randomness has no state
    held = [(owner, dict(vars(owner))) for owner in owners]
    numbers = [(value, value._data) for value in leaves_of(model)]  # running means move
    states = [read() for read, _ in sources]
    try:
        yield lambda: repr([read() for read, _ in sources]) != repr(states)
    finally:
        for part, attributes in held:
            vars(part).clear()
            vars(part).update(attributes)
        for value, number in numbers:
            value._data = number
        for cell, content in cells:
            cell.cell_contents = content
        for (_, write), state in zip(sources, states, strict=True):
            write(state)


def _access(source: Any) -> tuple[Callable[[], Any], Callable[[Any], object]]:
    """How to read the state of a generator, and how to write it."""
    if hasattr(source, "getstate"):
        return source.getstate, source.setstate
    if hasattr(source, "get_state"):
        return source.get_state, source.set_state
    bits = source.bit_generator
    return lambda: bits.state, lambda state: setattr(bits, "state", state)
