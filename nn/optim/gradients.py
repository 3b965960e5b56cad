"""Clipping of gradients."""

import math
from collections.abc import Iterable

from engine import Value
from engine.core.sweep import gradients_of
from nn.checks import at_least_zero, finite, leaf_values


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
    params = leaf_values("clip_grad_norm", params)
    gradients = gradients_of(params)
    finite("clip_grad_norm", "gradient", params, gradients)
    norm = math.hypot(*gradients)
    if norm > max_norm:
        for parameter in params:
            parameter.grad *= max_norm / norm
    return norm


def clip_grad_value(params: Iterable[Value], limit: float) -> None:
    """Move every gradient into [-limit, limit]. Errors as for `clip_grad_norm`."""
    at_least_zero("clip_grad_value", limit=limit)
    params = leaf_values("clip_grad_value", params)
    finite("clip_grad_value", "gradient", params, gradients_of(params))
    for parameter in params:
        parameter.grad = min(max(parameter.grad, -limit), limit)
