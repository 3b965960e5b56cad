"""diagnose: what keeps a network from learning, as the graph of one loss and its loop tell it."""

from collections.abc import Iterable
from sys import _getframe
from time import perf_counter
from types import FrameType
from typing import Any, Protocol

from engine.core.value import Value
from engine.explain.causes import CAUSES, told
from engine.explain.facts import Facts
from engine.explain.report import NOT_TRIED, Report
from engine.source.lost import outside_library
from engine.wording.names import counted

__all__ = ["diagnose"]


class _Model(Protocol):
    def parameters(self) -> Iterable[Value]: ...


def diagnose(loss: Value, parameters: Iterable[Value] | _Model | None = None) -> Report:
    """Look for what keeps a network from learning, in the graph of a loss and the loop around it.

    It may be asked before or after a step: where parameters were changed since, the loss is
    evaluated again. No gradient is changed, and `backward()` need not have been called. Where it
    was, in a loop, the losses of the loop and what was forgotten in it are looked at too. The table
    of what it finds is engine/explain/causes.py; for modules and optimisers, nn/doctor/loops.py.

    Arguments:
        parameters: the model, or its parameters.

    >>> w, x = Value(30.0, "w"), Value(1.0, "x")
    >>> report = diagnose(((w * x).tanh() - 0.5) ** 2, [w, Value(0.0, "b")])
    >>> print(report.of("unreached")[0].seen)
    1 of 2 parameters get no gradient: b
    """
    if not isinstance(loss, Value):
        raise TypeError(f"diagnose takes the loss, a Value, got {type(loss).__name__}")
    return examined(loss, parameters, _getframe(1))


def examined(loss: Value, model: Iterable[Value] | _Model | None, frame: FrameType) -> Report:
    """What `diagnose` gives where it is called by a frame."""
    begin = perf_counter()
    facts = Facts(loss, model, outside_library(frame))
    more: Any = getattr(model, "_causes", dict)
    found = sorted(told({**CAUSES, **more()}, facts), key=lambda each: -each.weight)
    own = counted(len(facts.own), "parameter")
    loop = f", and {counted(len(facts.sweeps), 'loss')} of the loop" if facts.sweeps else ""
    looked = [f"looked at {counted(len(facts.nodes), 'value')}, the gradients of {own}{loop}"]
    looked += [NOT_TRIED] * bool(found)
    seconds, layers = perf_counter() - begin, tuple(facts.layers)
    return Report(tuple(found), tuple(looked), seconds, layers, facts.finding, len(facts.nodes))
