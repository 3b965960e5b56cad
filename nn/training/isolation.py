"""Calls of a model on trial, which leave no mark on it."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from engine.native.needs import numpy
from nn.models.architecture import describe
from nn.models.module import Module

__all__ = ["on_trial"]


@contextmanager
def on_trial(model: Module) -> Iterator[Callable[[], bool]]:
    """Take back what calls of a model change: the attributes they set, the numbers they draw.

    So that a model which is looked at first trains to the same bits as one which is not, and keeps
    nothing of inputs that have no numbers. Gives a function that tells whether numbers were drawn:
    from the modules `random` and `numpy.random`, or a generator that is an attribute of a module.

    >>> class Noisy(Module):
    ...     def __init__(self):
    ...         self.rng, self.calls = random.Random(7), 0
    ...     def __call__(self, x):
    ...         self.calls += 1
    ...         return x * self.rng.random()
    >>> model = Noisy()
    >>> with on_trial(model) as drew:
    ...     first = model(1.0)
    ...     drew()
    True
    >>> model.calls, model(1.0) == first
    (0, True)
    """
    # an MLP draws nothing, and what other threads draw is not to be taken back
    sources = [] if describe(model) else [random, numpy().random, *_generators(model)]
    held = [(part, dict(vars(part))) for part in model.modules()]
    states = [_state(source) for source in sources]
    try:
        yield lambda: repr([_state(source) for source in sources]) != repr(states)
    finally:
        for part, attributes in held:
            vars(part).clear()
            vars(part).update(attributes)
        for source, state in zip(sources, states, strict=True):
            _restore(source, state)


def _generators(model: Module) -> list[Any]:
    np = numpy().random
    kinds = random.Random, np.RandomState, np.Generator
    things = [x for part in model.modules() for x in vars(part).values()]
    # the system's own randomness has no state
    return [x for x in things if isinstance(x, kinds) and not isinstance(x, random.SystemRandom)]


def _state(source: Any) -> Any:
    if hasattr(source, "getstate"):
        return source.getstate()
    return source.get_state() if hasattr(source, "get_state") else source.bit_generator.state


def _restore(source: Any, state: Any) -> None:
    if hasattr(source, "setstate"):
        source.setstate(state)
    elif hasattr(source, "set_state"):
        source.set_state(state)
    else:
        source.bit_generator.state = state
