"""Losses of one number against a target."""

from engine.core import numerics as f
from engine.core.functions import rule
from engine.core.operation import row, rows
from engine.core.value import Scalar, Value

__all__ = ["binary_cross_entropy", "binary_cross_entropy_with_logits"]


@rule(
    f.binary_cross_entropy,
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
    f.binary_cross_entropy_slope,
    lambda y, p, t: (
        rows.xdivy(rows.xdivy(t, p), p) + rows.xdivy(rows.xdivy(1.0 - t, 1.0 - p), 1.0 - p),
        -rows.xdivy(1.0, p) - rows.xdivy(1.0, 1.0 - p),
    ),
    domain=((0.1, 0.4), (0.5, 1.0)),
)


@rule(
    f.binary_cross_entropy_with_logits,
    lambda y, x, t: (rows.logit_residual(x, t), -x),
    domain=((-3.0, 3.0), (0.0, 1.0)),
    finite_partials=True,
)
def binary_cross_entropy_with_logits(x: Scalar, t: Scalar) -> Value:
    """binary_cross_entropy(sigmoid(x), t), exact for every x.

    >>> binary_cross_entropy_with_logits(Value(1000.0), 0.0).data
    1000.0
    """


row(
    "logit_residual",
    f.logit_residual,
    lambda y, x, t: (rows.sigmoid_slope(x), -1.0),
    domain=((0.5, 3.0), (0.0, 0.5)),
    finite_partials=True,
)
