"""Backpropagation, walked through: one edge at a time, forwards and back.

    >>> from engine import Value
    >>> x, w = Value(2.0), Value(-3.0)
    >>> n = x * w
    >>> for step in n.backward_steps():
    ...     print(step.parent.label or step.operand, step.contribution)
    0 -3.0
    1 2.0

`backward_steps` is the loop to set a breakpoint in; `Run` (from `value.trace_backward()`) goes back
as well, and stops where something happens.
"""

from engine.stepping.run import Run
from engine.stepping.step import ForwardStep, Step
from engine.stepping.steps import backward_steps, forward_steps

__all__ = ["ForwardStep", "Run", "Step", "backward_steps", "forward_steps"]
