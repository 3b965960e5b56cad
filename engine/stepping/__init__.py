"""Backpropagation, walked through: one edge at a time, forwards and back.

    >>> from engine import Value
    >>> x, w = Value(2.0), Value(-3.0)
    >>> n = x * w
    >>> for step in n.backward_steps():
    ...     print(step.parent.label or step.position, step.contribution)
    0 -3.0
    1 2.0

`backward_steps` is the loop to set a breakpoint in. `Run` (from `value.trace_backward()`) goes back
as well, and stops where something happens. `debug` is a prompt on a run, `player` a page that plays
it, `to_source` the pass as plain Python. `hunt` finds what made a nan, `diagnose` finds dead and
saturated units.
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from engine.lazy import lazy as _lazy

if _TYPE_CHECKING:
    from engine.explain.diagnose import Layer, Remark, Report, diagnose
    from engine.explain.hunt import Finding, hunt
    from engine.stepping.debugger import debug
    from engine.stepping.run import Run
    from engine.stepping.step import ForwardStep, Step
    from engine.stepping.steps import backward_steps, forward_steps
    from engine.stepping.unrolled import to_source, unroll

__all__ = [
    "Finding",
    "ForwardStep",
    "Layer",
    "Remark",
    "Report",
    "Run",
    "Step",
    "backward_steps",
    "debug",
    "diagnose",
    "forward_steps",
    "hunt",
    "to_source",
    "unroll",
]

if not _TYPE_CHECKING:
    __getattr__ = _lazy(
        __name__,
        {
            "Finding": "engine.explain.hunt",
            "ForwardStep": "engine.stepping.step",
            "Layer": "engine.explain.diagnose",
            "Remark": "engine.explain.diagnose",
            "Report": "engine.explain.diagnose",
            "Run": "engine.stepping.run",
            "Step": "engine.stepping.step",
            "backward_steps": "engine.stepping.steps",
            "debug": "engine.stepping.debugger",
            "diagnose": "engine.explain.diagnose",
            "forward_steps": "engine.stepping.steps",
            "hunt": "engine.explain.hunt",
            "to_source": "engine.stepping.unrolled",
            "unroll": "engine.stepping.unrolled",
        },
    )
