"""Backpropagation, walked through: one edge at a time, forwards and back.

    >>> from engine import Value
    >>> x, w = Value(2.0), Value(-3.0)
    >>> n = x * w
    >>> for step in n.backward_steps():
    ...     print(step.parent.label or step.position, step.contribution)
    0 -3.0
    1 2.0

`backward_steps` is the loop to set a breakpoint in. A `Run`, which `value.trace_backward()` gives,
goes back as well, and stops where something happens. `debug` is a prompt on a run, `player` is a
page that plays it, and `to_source` writes it as plain Python. `hunt` finds what made a nan,
`diagnose` looks for what keeps a network from learning.
"""

# ruff: noqa: F403 (what these files say is public, is)
from typing import TYPE_CHECKING as _TYPE_CHECKING

from engine.lazy import lazy as _lazy

_HOMES = {
    "engine.explain.diagnose": ["diagnose"],
    "engine.explain.report": ["Cause", "Layer", "Report"],
    "engine.explain.hunt": ["Finding", "hunt"],
    "engine.stepping.debugger": ["debug"],
    "engine.stepping.run": ["Run"],
    "engine.stepping.steps": ["ForwardStep", "Step", "backward_steps", "forward_steps"],
    "engine.stepping.unrolled": ["to_source", "unroll"],
}
__all__ = [name for names in _HOMES.values() for name in names]

if _TYPE_CHECKING:  # which cannot follow a table
    from engine.explain.diagnose import *
    from engine.explain.hunt import *
    from engine.explain.report import *
    from engine.stepping.debugger import *
    from engine.stepping.run import *
    from engine.stepping.steps import *
    from engine.stepping.unrolled import *
else:
    __getattr__, __dir__ = _lazy(__name__, _HOMES)
