"""Losses of one number against a target."""

import math

from engine.core.operation import floats as f
from engine.core.operation import row, rows
from engine.core.value import Scalar, Value
from engine.operations.rule import rule

__all__ = ["binary_cross_entropy", "binary_cross_entropy_with_logits"]


def _binary_cross_entropy(p: float, t: float) -> float:
    """-t log(p) - (1-t) log(1-p), where 0 log(0) is 0."""
    if not 0.0 <= p <= 1.0:
        return math.nan
    return (0.0 - t * f.log(p) if t else 0.0) - ((1.0 - t) * f.log1p(-p) if t != 1.0 else 0.0)


def _binary_cross_entropy_slope(p: float, t: float) -> float:
    """(p - t) / (p (1 - p)), which is 1/(1-p) for t = 0 and -1/p for t = 1."""
    if not 0.0 <= p <= 1.0:
        return math.nan
    if t == 0.0:
        return f.xdivy(1.0, 1.0 - p)
    if t == 1.0:
        return -f.xdivy(1.0, p)
    return f.div(p - t, abs(p * (1.0 - p)))


def _binary_cross_entropy_with_logits(x: float, t: float) -> float:
    # both terms are positive for t in [0, 1]: nothing cancels
    return (t * f.softplus(-x) if t else 0.0) + ((1.0 - t) * f.softplus(x) if t != 1.0 else 0.0)


def _logit_residual(x: float, t: float) -> float:
    """sigmoid(x) - t, without the cancellation that the difference would suffer."""
    if abs(x) < 1.0:
        return 0.5 * math.tanh(0.5 * x) + (0.5 - t)
    return (1.0 - t) * f.sigmoid(x) - t * f.sigmoid(-x)


@rule(
    _binary_cross_entropy,
    lambda y, p, t: (rows.binary_cross_entropy_slope(p, t), rows.log1p(-p) - rows.log(p)),
    domain=((0.1, 0.9), (0.0, 1.0)),
    remedy={
        "": "it needs a probability strictly between 0 and 1",
        "sigmoid": "binary_cross_entropy_with_logits(x, t) is stable, without the sigmoid",
    },
)
def binary_cross_entropy(p: Scalar, t: Scalar) -> Value:
    """-t log(p) - (1-t) log(1-p) in nats: how surprised a forecast p of "yes" is by the outcome t.
    With 0 log(0) = 0. For a p that comes from a sigmoid take the function of logits instead.

    >>> binary_cross_entropy(Value(1.0), 1.0).data
    0.0
    """


row(
    "binary_cross_entropy_slope",
    _binary_cross_entropy_slope,
    lambda y, p, t: (
        rows.xdivy(rows.xdivy(t, p), p) + rows.xdivy(rows.xdivy(1.0 - t, 1.0 - p), 1.0 - p),
        -rows.xdivy(1.0, p) - rows.xdivy(1.0, 1.0 - p),
    ),
    domain=((0.1, 0.4), (0.5, 1.0)),
    finite_partials=False,
)


@rule(
    _binary_cross_entropy_with_logits,
    lambda y, x, t: (rows.logit_residual(x, t), -x),
    domain=((-3.0, 3.0), (0.0, 1.0)),
)
def binary_cross_entropy_with_logits(x: Scalar, t: Scalar) -> Value:
    """binary_cross_entropy(sigmoid(x), t), exact for every x.

    >>> binary_cross_entropy_with_logits(Value(1000.0), 0.0).data
    1000.0
    """


row(
    "logit_residual",
    _logit_residual,
    lambda y, x, t: (rows.sigmoid_slope(x), -1.0),
    domain=((0.5, 3.0), (0.0, 0.5)),
)
