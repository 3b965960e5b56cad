"""What tests of the player share: a run, and its page in a browser."""

import functools
from typing import Any

import engine
from engine import Value
from engine.stepping.player import to_html


def run() -> Any:
    """Four values are made, x * w, + b, tanh and y * y; and seven edges take gradient."""
    x, w, b = Value(0.501), Value(3.0), Value(-1.25)
    n = x * w
    y = (n + b).tanh()
    loss = y * y
    return loss.trace_backward()


FORWARD, TOTAL = 4, 11


@functools.cache
def neuron() -> str:
    """The page of that run."""
    return to_html(run())


def W(made: Any) -> Value:
    (found,) = [node for node in made.nodes if engine.core.origins.name_of(node) == "w"]
    return found
