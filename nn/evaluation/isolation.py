"""Calls of a model that leave no mark on it."""

import importlib
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from nn.models.module import Module

__all__ = ["isolated"]


@contextmanager
def isolated(model: Module) -> Iterator[Callable[[], bool]]:
    """Undo what calls of a model do inside the block: attributes they set, numbers they draw.

    So a model trains to the same bits whether or not it was recorded first, and it keeps nothing
    that was computed from the inputs of a program. The block is given a function that tells whether
    random numbers were drawn so far, from the modules `random` and `numpy.random` or from a
    generator that is an attribute of a module.

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
    sources = [
        _access(source)
        for source in (random, importlib.import_module("numpy").random, *_generators(model))
    ]
    held = [(part, dict(vars(part))) for part in model.modules()]
    numbers = [(value, value._data) for value in model.parameters(True)]  # running means move
    states = [read() for read, _ in sources]
    try:
        yield lambda: repr([read() for read, _ in sources]) != repr(states)
    finally:
        for part, attributes in held:
            vars(part).clear()
            vars(part).update(attributes)
        for value, number in numbers:
            value._data = number
        for (_, write), state in zip(sources, states, strict=True):
            write(state)


def _generators(model: Module) -> list[Any]:
    np = importlib.import_module("numpy").random
    kinds = random.Random, np.RandomState, np.Generator
    things = [x for part in model.modules() for x in vars(part).values()]
    # the system's own randomness has no state
    return [x for x in things if isinstance(x, kinds) and not isinstance(x, random.SystemRandom)]


def _access(source: Any) -> tuple[Callable[[], Any], Callable[[Any], object]]:
    """How to read the state of a generator, and how to write it."""
    if hasattr(source, "getstate"):
        return source.getstate, source.setstate
    if hasattr(source, "get_state"):
        return source.get_state, source.set_state
    bits = source.bit_generator
    return lambda: bits.state, lambda state: setattr(bits, "state", state)
