"""Parameters and their gradients: what an optimiser accepts, and clipping."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from engine import NumericError, Value
from nn.checks import at_least_zero

__all__ = ["check_finite", "checked", "clip_grad_norm", "clip_grad_value"]


def clip_grad_norm(params: Iterable[Value], max_norm: float) -> float:
    """Scale all gradients down together so that their norm is at most max_norm.

    Returns the norm that they had, as in PyTorch. Raises NumericError, and changes nothing, where a
    gradient is not finite.

    >>> w = [Value(3.0), Value(4.0)]
    >>> for p in w: p.grad = p.data
    >>> clip_grad_norm(w, 1.0), [p.grad for p in w]
    (5.0, [0.6000000000000001, 0.8])
    """
    at_least_zero("clip_grad_norm", max_norm=max_norm)
    params = checked("clip_grad_norm", params)
    gradients = [p.grad for p in params]
    check_finite("clip_grad_norm", "gradient", params, gradients)
    norm = math.hypot(*gradients)
    if norm > max_norm:
        for parameter in params:
            parameter.grad *= max_norm / norm
    return norm


def clip_grad_value(params: Iterable[Value], limit: float) -> None:
    """Move every gradient into [-limit, limit]. Errors as for `clip_grad_norm`."""
    at_least_zero("clip_grad_value", limit=limit)
    params = checked("clip_grad_value", params)
    check_finite("clip_grad_value", "gradient", params, [p.grad for p in params])
    for parameter in params:
        parameter.grad = min(max(parameter.grad, -limit), limit)


def checked(who: str, params: Any) -> list[Value]:
    """Leaf Values as a list, each one once; or an error in the name of who asks."""
    if isinstance(params, Value) or not hasattr(params, "__iter__"):
        got = type(params).__name__
        raise TypeError(f"{who} takes a list of parameters, got {got}; pass model.parameters()")
    listed = list(params)
    if not listed:
        raise ValueError(f"{who} got no parameters; does the model hold its Values in attributes?")
    for i, parameter in enumerate(listed):
        if not isinstance(parameter, Value):
            got = type(parameter).__name__
            raise TypeError(f"{who} takes Values, parameter {i} is {got}; pass model.parameters()")
        if parameter.op is not None:
            raise ValueError(
                f"{who} takes leaf Values, parameter {i} is the result of {parameter.op}; pass the "
                "Values that it was made from"
            )
    if len(set(listed)) != len(listed):
        raise ValueError(f"{who} got the same parameter twice; list every parameter once")
    return listed


def check_finite(who: str, what: str, params: Sequence[Value], found: Sequence[float]) -> None:
    """An error that names the first parameter of which a number is nan or infinite."""
    for i, (parameter, x) in enumerate(zip(params, found, strict=True)):
        if not math.isfinite(x):
            name = repr(parameter.label) if parameter.label else f"number {i}"
            raise NumericError(
                f"{who}: the {what} of parameter {name} is {x!r}, so nothing was changed; lower "
                "the learning rate, clip the gradients, or find the operation that made it with "
                'numeric_mode("trace")'
            )
