"""Losses: one number that says how wrong the outputs are, and penalties on parameters.

A loss takes one output and its target, or lists of them, or a batch of such lists, and gives one
Value: the mean. Targets are numbers. Probabilities and logits go through stable operations of the
engine, which keep their digits at the extremes.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import inf, isclose
from typing import Any, TypeAlias

import engine
from engine import Value
from nn.checks import as_number, parameter_list, whole

__all__ = [
    "LOSSES",
    "OTHER_NAMES",
    "Classes",
    "Loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "classes_of",
    "cross_entropy",
    "hinge_loss",
    "huber_loss",
    "l1_penalty",
    "l2_penalty",
    "mae_loss",
    "mse_loss",
    "poisson_loss",
]

Nested: TypeAlias = "Value | float | Iterable[Nested]"
Loss: TypeAlias = Callable[[Any, Any], Value]

# The targets that a loss takes: whether a number is one, what they are, what to do about others.
Targets: TypeAlias = tuple[Callable[[float], bool], str, str]
SHARES: Targets = lambda t: 0 <= t <= 1, "targets from 0 to 1", "write the two classes as 0 and 1"
SIGNS: Targets = lambda t: t in (-1, 1), "targets -1 and +1", "write the second class as -1"
COUNTS: Targets = lambda t: t >= 0, "counts >= 0", "for other targets use mse_loss"


def mse_loss(outputs: Nested, targets: Nested) -> Value:
    """The mean of the squared distances `(output - target)**2`.

    >>> mse_loss([Value(1.0), Value(2.0)], [1.0, 4.0]).data
    2.0
    """
    distances = [output - target for output, target in _pairs("mse_loss", outputs, targets)]
    return _over(engine.dot(distances, distances), len(distances))


def mae_loss(outputs: Nested, targets: Nested) -> Value:
    """The mean of the absolute distances `|output - target|`.

    >>> mae_loss([Value(1.0), Value(2.0)], [1.0, 4.0]).data
    1.0
    """
    return _mean([abs(output - target) for output, target in _pairs("mae_loss", outputs, targets)])


def huber_loss(outputs: Nested, targets: Nested, delta: float = 1.0) -> Value:
    """The mean of `d**2 / 2` for distances d up to delta, and of `delta * (|d| - delta / 2)` above.

    >>> huber_loss([Value(0.5), Value(3.0)], [0.0, 0.0]).data
    1.3125
    """
    if not 0 < as_number(delta) < inf:
        raise ValueError(f"huber_loss takes a finite delta > 0, got {delta!r}")
    distances = [output - target for output, target in _pairs("huber_loss", outputs, targets)]
    near = [engine.clamp(d, -delta, delta) for d in distances]
    return _mean([c * (d - c / 2) for c, d in zip(near, distances, strict=True)])


def poisson_loss(outputs: Nested, targets: Nested) -> Value:
    """The mean of `exp(x) - t * x`, where x is the logarithm of the expected count and t a count.

    >>> poisson_loss(Value(0.0), 3).data
    1.0
    """
    pairs = _pairs("poisson_loss", outputs, targets, COUNTS)
    return _mean([engine.exp(x) - t * x for x, t in pairs])


def binary_cross_entropy(outputs: Nested, targets: Nested) -> Value:
    """The mean of `-t log(p) - (1 - t) log(1 - p)` over probabilities p and targets t.

    Both are in [0, 1]. For a model that gives logits, without a sigmoid at its end, there is
    `binary_cross_entropy_with_logits`, which keeps its digits where p rounds to 0 or 1.

    >>> round(binary_cross_entropy(Value(0.8), 1).data, 6)
    0.223144
    """
    who = "binary_cross_entropy"
    pairs = _pairs(who, outputs, targets, SHARES)
    for output, _ in pairs:
        if output.data < 0 or output.data > 1:
            raise ValueError(
                f"{who} takes probabilities from 0 to 1, got {output.data!r}; end the model in a "
                "sigmoid, or use binary_cross_entropy_with_logits"
            )
    return _mean([engine.binary_cross_entropy(p, t) for p, t in pairs])


def binary_cross_entropy_with_logits(outputs: Nested, targets: Nested) -> Value:
    """`binary_cross_entropy(sigmoid(x), t)` of logits x, exact at any size of x.

    >>> binary_cross_entropy_with_logits(Value(-800.0), 1).data
    800.0
    """
    who = "binary_cross_entropy_with_logits"
    pairs = _pairs(who, outputs, targets, SHARES)
    _check_logits(who, [x for x, _ in pairs])
    return _mean([engine.binary_cross_entropy_with_logits(x, t) for x, t in pairs])


def hinge_loss(outputs: Nested, targets: Nested) -> Value:
    """The mean of `max(0, 1 - target * output)`, where a target is -1 or +1.

    >>> hinge_loss([Value(0.5), Value(3.0)], [-1, 1]).data
    0.75
    """
    terms = []
    for output, target in _pairs("hinge_loss", outputs, targets, SIGNS):
        if isinstance(target, Value):  # a program's input, or a number that is learned
            terms.append(engine.relu(1.0 - target * output))
        else:
            terms.append(engine.relu(1.0 - output if target == 1 else 1.0 + output))
    return _mean(terms)


def cross_entropy(logits: Nested, target: Nested) -> Value:
    """The mean of `-log(softmax(logits)[target])`: how unlikely the right class is, in nats.

    Arguments:
        logits: a list of Values, one for each class; or a batch of such lists.
        target: the class, counted from 0, or a list of class probabilities; or a list of either,
            one for each row of the batch.

    >>> loss = cross_entropy([Value(40.0), Value(0.0), Value(0.0)], 0)
    >>> loss.data
    8.496708510583178e-18
    >>> batch = cross_entropy([[Value(1.0), Value(2.0)], [Value(0.0), Value(0.0)]], [1, 0])
    >>> round(batch.data, 6)
    0.503204
    """
    if _alone(logits):
        raise ValueError(
            "cross_entropy takes a list of logits, one for each class, got a single one; for a "
            "model with one output use binary_cross_entropy_with_logits"
        )
    rows: tuple[Any, ...] = tuple(logits)  # type: ignore[arg-type]  # it is a sequence
    if rows and _alone(rows[0]):
        return -_log_likelihood(rows, target)
    if _alone(target):
        raise ValueError(
            f"cross_entropy got a batch of {len(rows)} rows of logits and the single target "
            f"{target!r}; give a list with one target for each row"
        )
    targets: tuple[Any, ...] = tuple(target)  # type: ignore[arg-type]
    _check_lengths("cross_entropy", "rows of logits", len(rows), len(targets))
    terms = [_log_likelihood(tuple(row), t) for row, t in zip(rows, targets, strict=True)]
    return -_mean(terms)


def l1_penalty(parameters: Iterable[Value], strength: float = 1.0) -> Value:
    """`strength` times the sum of the absolute values, which pulls parameters to exactly 0.

    >>> l1_penalty([Value(3.0), Value(-4.0)], 0.5).data
    3.5
    """
    return engine.sum([abs(p) for p in parameter_list("l1_penalty", parameters)]) * strength


def l2_penalty(parameters: Iterable[Value], strength: float = 1.0) -> Value:
    """`strength` times the sum of the squares, which keeps parameters small.

    >>> l2_penalty([Value(3.0), Value(-4.0)], 0.5).data
    12.5
    """
    listed = parameter_list("l2_penalty", parameters)
    return engine.dot(listed, listed) * strength


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


CLASSES = (
    (binary_cross_entropy, Classes(0.5)),
    (binary_cross_entropy_with_logits, Classes(0.0)),
    (hinge_loss, Classes(0.0, targets=(-1, 1))),
    (cross_entropy, Classes(None, targets=None)),
)


def classes_of(loss: object) -> Classes | None:
    """How a loss tells classes apart. None for a regression, and for a loss of the user's own."""
    return next((row for function, row in CLASSES if function is loss), None)


def _alone(x: object) -> bool:
    """Whether x is one thing rather than a list of them."""
    return isinstance(x, Value | str) or not hasattr(x, "__iter__")


def _pairs(
    who: str, outputs: Any, targets: Any, taken: Targets | None = None
) -> list[tuple[Value, Any]]:
    """Every output with its target: of one sample, of a list, or of a batch of lists.

    Arguments:
        taken: which targets the loss takes; None takes all. A Value is not checked, since it may be
            the input of a program, which has no number yet.
    """
    if _alone(outputs) and _alone(targets):
        if taken and not isinstance(targets, Value) and not taken[0](as_number(targets)):
            raise ValueError(f"{who} takes {taken[1]}, got {targets!r}; {taken[2]}")
        return [(outputs if isinstance(outputs, Value) else Value(outputs), targets)]
    if _alone(outputs) or _alone(targets):
        got = ["one" if _alone(x) else f"a list of {len(tuple(x))}" for x in (outputs, targets)]
        raise ValueError(
            f"{who} got {got[0]} for an output and {got[1]} for its target; both are single, or "
            "lists of the same length"
        )
    outputs, targets = tuple(outputs), tuple(targets)
    _check_lengths(who, "outputs", len(outputs), len(targets))
    nested = [_pairs(who, *pair, taken) for pair in zip(outputs, targets, strict=True)]
    return [pair for pairs in nested for pair in pairs]


def _check_lengths(who: str, what: str, outputs: int, targets: int) -> None:
    if outputs != targets:
        raise ValueError(
            f"{who} got {outputs} {what} and {targets} targets; give one target for each"
        )
    if not outputs:
        raise ValueError(f"{who} got an empty list; give at least one output and its target")


def _check_logits(who: str, outputs: Sequence[Any]) -> None:
    """Raise ValueError where the graph says that the outputs are probabilities."""
    applied = "sigmoid" if who.startswith("binary") else "softmax"
    for made in ("softmax", "sigmoid"):
        if all(str(getattr(x, "op", None)) == made for x in outputs) or (
            made == "softmax" and _divided_exponentials(outputs)
        ):
            raise ValueError(
                f"{who} takes logits and applies {applied} itself, got outputs of {made}; give the "
                "model output='linear'"
            )


def _divided_exponentials(outputs: Sequence[Any]) -> bool:
    """Whether outputs are exponentials over one total: a softmax that was written by hand."""
    parents: list[tuple[Value, ...]] = [
        x.parents if str(getattr(x, "op", None)) == "div" else () for x in outputs
    ]
    return all(
        len(pair) == 2 and str(pair[0].op) == "exp" and pair[1] is parents[0][1] for pair in parents
    )


def _log_likelihood(logits: Sequence[Any], target: Any) -> Value:
    """The logarithm of the probability that softmax gives to the target."""
    if len(logits) < 2:
        raise ValueError(
            f"cross_entropy takes two or more logits, one for each class, got {len(logits)}; for "
            "one output use binary_cross_entropy_with_logits"
        )
    _check_logits("cross_entropy", logits)
    if isinstance(target, Value):
        return engine.choose(target, engine.log_softmax(logits))
    if _alone(target):
        return engine.log_softmax(logits, index=_class(target, len(logits)))
    if any(isinstance(share, Value) for share in target):
        logs = zip(target, engine.log_softmax(logits), strict=True)
        return engine.sum([engine.where(engine.equal(s, 0.0), 0.0, s * x) for s, x in logs])
    shares = [float(share) for share in target]
    if len(shares) != len(logits):
        raise ValueError(
            f"cross_entropy got {len(logits)} logits and {len(shares)} class probabilities; give "
            "one for each class"
        )
    if min(shares) < 0 or not isclose(sum(shares), 1, rel_tol=1e-6):
        raise ValueError(
            f"cross_entropy takes class probabilities >= 0 that sum to 1, got {shares}; for a "
            "batch give a list of logits for every row"
        )
    # A class of probability 0 is left out: its logarithm may be -inf, and 0 * -inf is nan.
    asked = [(k, share) for k, share in enumerate(shares) if share]
    terms = [engine.log_softmax(logits, index=k) for k, _ in asked]
    return engine.dot(terms, [share for _, share in asked])


def _class(target: Any, classes: int) -> int:
    number = whole(target)
    if number is None or not 0 <= number < classes:
        raise ValueError(
            f"cross_entropy takes a class from 0 to {classes - 1} for {classes} logits, got "
            f"{target!r}; classes are counted from 0"
        )
    return number


def _mean(terms: Sequence[Value]) -> Value:
    return terms[0] if len(terms) == 1 else _over(engine.sum(terms), len(terms))


def _over(total: Value, n: int) -> Value:
    return total if n == 1 else total / n
