"""Losses: one number that says how wrong the outputs are, and penalties on parameters.

A loss takes one output and its target, or lists of them, or a batch of such lists, and gives one
Value: the mean. Targets are numbers. Probabilities and logits go through stable operations of the
engine, which keep their digits at the extremes.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from inspect import signature
from math import inf
from typing import Any, Literal, TypeAlias

import engine
from engine import Value
from engine.core.value import constant
from nn.checks import as_number, parameter_list
from nn.likelihoods import binary_cross_entropy, binary_cross_entropy_with_logits, cross_entropy
from nn.pairs import Nested, Takes, mean, over, pairs

__all__ = ["LOSSES", "LossName", "mse_loss", "mae_loss", "huber_loss", "poisson_loss", "hinge_loss"]
__all__ += ["l1_penalty", "l2_penalty"]
Loss: TypeAlias = Callable[[Any, Any], Value]
# The names by which `fit` takes a loss (see LOSSES and OTHER_NAMES), for type checkers and editors.
LossName: TypeAlias = (
    Literal["mse", "mae", "huber", "poisson", "hinge", "l1", "smooth_l1", "poisson_nll"]
    | Literal["binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy"]
    | Literal["mse_loss", "mae_loss", "huber_loss", "poisson_loss", "hinge_loss"]
    | Literal["l1_loss", "smooth_l1_loss", "poisson_nll_loss"]
)

ANY = Takes()
SIGNS = Takes(
    lambda t: t in (-1, 1),
    "targets -1 and +1",
    "write the second class as -1",
    "scores, which are below 0 for the class -1",
)
COUNTS = Takes(
    lambda t: t >= 0,
    "counts >= 0",
    "for other targets use mse_loss",
    "logarithms of expected counts and applies exp itself",
    refused={"exp", "softplus"},
)


def mse_loss(outputs: Nested, targets: Nested) -> Value:
    """The mean of the squared distances `(output - target)**2`.

    >>> mse_loss([Value(1.0), Value(2.0)], [1.0, 4.0]).data
    2.0
    """
    distances = [output - target for output, target in pairs("mse_loss", outputs, targets, ANY)]
    return over(engine.dot(distances, distances), len(distances))


def mae_loss(outputs: Nested, targets: Nested) -> Value:
    """The mean of the absolute distances `|output - target|`.

    >>> mae_loss([Value(1.0), Value(2.0)], [1.0, 4.0]).data
    1.0
    """
    return mean([abs(x - y) for x, y in pairs("mae_loss", outputs, targets, ANY)])


def huber_loss(outputs: Nested, targets: Nested, delta: float = 1.0) -> Value:
    """The mean of `d**2 / 2` for distances d up to delta, and of `delta * (|d| - delta / 2)` above.

    >>> huber_loss([Value(0.5), Value(3.0)], [0.0, 0.0]).data
    1.3125
    """
    if not 0 < as_number(delta) < inf:
        got = f"huber_loss takes a finite delta > 0, got {delta!r:.60}"
        raise ValueError(f"{got}; give a number, such as 1.0")
    distances = [output - target for output, target in pairs("huber_loss", outputs, targets, ANY)]
    near = [engine.clamp(d, -delta, delta) for d in distances]
    return mean([c * (d - c / 2) for c, d in zip(near, distances, strict=True)])


def poisson_loss(outputs: Nested, targets: Nested) -> Value:
    """The mean of `exp(x) - t * x`, where x is the logarithm of the expected count and t a count.

    >>> poisson_loss(Value(0.0), 3).data
    1.0
    """
    logs = pairs("poisson_loss", outputs, targets, COUNTS)
    return mean([engine.exp(x) - t * x for x, t in logs])


def hinge_loss(outputs: Nested, targets: Nested) -> Value:
    """The mean of `max(0, 1 - target * output)`, where a target is -1 or +1.

    >>> hinge_loss([Value(0.5), Value(3.0)], [-1, 1]).data
    0.75
    """
    return mean([engine.relu(1.0 - t * x) for x, t in pairs("hinge_loss", outputs, targets, SIGNS)])


def l1_penalty(parameters: Iterable[Value], strength: float = 1.0) -> Value:
    """`strength` times the sum of the absolute values, which pulls parameters to exactly 0.

    >>> l1_penalty([Value(3.0), Value(-4.0)], 0.5).data
    3.5
    """
    listed = parameter_list("l1_penalty", parameters)
    scale: Value = constant(strength)
    return engine.sum([abs(constant(p)) for p in listed]) * scale


def l2_penalty(parameters: Iterable[Value], strength: float = 1.0) -> Value:
    """`strength` times the sum of the squares, which keeps parameters small.

    >>> l2_penalty([Value(3.0), Value(-4.0)], 0.5).data
    12.5
    """
    listed = parameter_list("l2_penalty", parameters)
    scale: Value = constant(strength)
    return engine.dot(listed, listed) * scale


# By name, as `fit` takes them.
LOSSES: dict[str, Loss] = {
    "mse": mse_loss,
    "binary_cross_entropy": binary_cross_entropy,
    "binary_cross_entropy_with_logits": binary_cross_entropy_with_logits,
    "cross_entropy": cross_entropy,
    "hinge": hinge_loss,
    "mae": mae_loss,
    "huber": huber_loss,
    "poisson": poisson_loss,
}
OURS = frozenset(LOSSES.values())  # users may add others

# PyTorch's names of these losses.
OTHER_NAMES = {"l1": "mae", "smooth_l1": "huber", "poisson_nll": "poisson"}


@dataclass(frozen=True, slots=True)
class Classes:
    """How a loss of classification tells classes apart.

    Attributes:
        threshold: an output above it means yes. None: the largest output is the class.
        targets: how no and yes are written. None: classes are counted from 0.
    """

    threshold: float | None
    targets: tuple[int, int] | None = (0, 1)


CLASSES: dict[object, Classes] = {
    binary_cross_entropy: Classes(0.5),
    binary_cross_entropy_with_logits: Classes(0.0),
    hinge_loss: Classes(0.0, targets=(-1, 1)),
    cross_entropy: Classes(None, targets=None),
}


def built_in(loss: object) -> Loss | None:
    """The function in `LOSSES` that a loss is; None for a loss of the user's own.

    A `functools.partial` that only gives settings, like `partial(huber_loss, delta=2.0)`, is the
    loss that it calls.
    """
    base = loss.func if isinstance(loss, partial) and not loss.args else loss
    return next((function for function in LOSSES.values() if function is base), None)


def of_rows(loss: Any, outputs: Sequence[Any], targets: Sequence[Any]) -> Any:
    """What a loss gives for rows.

    One of the user's own may take the output and the target of one row, if it cannot take lists of
    them: then it is the mean of what that gives.
    """
    try:
        found = loss(outputs, targets)
    except (TypeError, AttributeError) as error:  # of what numbers can do and lists cannot
        found = error
    if not isinstance(found, Value) and not built_in(loss):
        try:
            terms = [loss(*pair) for pair in zip(outputs, targets, strict=True)]
            if all(isinstance(term, Value) for term in terms):
                return mean(terms)
        except (TypeError, AttributeError) as error:
            if isinstance(found, Exception):
                found.add_note(f"For an output and its target: {type(error).__name__}: {error}")
    if isinstance(found, Exception):
        raise found
    return found


def check_settings(loss: Any) -> None:
    """Raise TypeError where a partial gives one of these losses what is no setting of it."""
    if isinstance(loss, partial) and built_in(loss.func):
        names = [*signature(loss.func).parameters][2:]
        if others := [*map(repr, loss.args), *(loss.keywords.keys() - names)]:
            rule = f"{loss_name(loss.func)} takes these settings by name"
            known, got = ", ".join(names) or "none", ", ".join(others)
            raise TypeError(f"{rule}: {known}; got {got}; leave it out")


def loss_name(loss: Any) -> str:
    """How messages name a loss, with its settings."""
    if not isinstance(loss, partial):
        return str(getattr(loss, "__name__", type(loss).__qualname__))
    given = [f"{name}={setting!r}" for name, setting in loss.keywords.items()]
    return f"{loss_name(loss.func)}({', '.join(given)})"


def ignored_class(loss: Any) -> float | None:
    """The target of rows that have no part in a loss, if it has one: see `cross_entropy`."""
    is_it = isinstance(loss, partial) and built_in(loss) is cross_entropy
    return loss.keywords.get("ignore_index") if is_it else None


def classes_of(loss: object) -> Classes | None:
    """How a loss tells classes apart. None for a regression, and for a loss of the user's own."""
    return CLASSES.get(built_in(loss))
