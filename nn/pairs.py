"""Outputs and targets in pairs, as losses take them, and the errors where the two do not fit."""

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass
from math import fsum, inf, isclose
from typing import Any, TypeAlias

import engine
from engine import Value
from engine.core.node import as_float
from engine.core.value import is_constant
from nn.checks import alone, as_list, as_number

Nested: TypeAlias = "Value | float | Iterable[Nested]"
Bounds: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Takes:
    """What a loss takes.

    Attributes:
        fits: whether a number is one of its targets. targets: what they are.
        remedy: what to do about others.
        scores: what its outputs are, where they are no probabilities; "" where they may be.
        refused: operations whose results are no such outputs either.
    """

    fits: Callable[[float], bool] = lambda t: True
    targets: str = ""
    remedy: str = ""
    scores: str = ""
    refused: Set[str] = frozenset()


def pairs(who: str, outputs: Any, targets: Any, takes: Takes) -> list[tuple[Value, Any]]:
    """Every output with its target: of one sample, of a list, or of a batch of lists.

    A target that is a Value is not checked, since it may be the input of a program, which has no
    number yet.
    """
    single = [alone(outputs), alone(targets)]
    if any(single) and not all(single):
        got = ["one" if alone(x) else f"a list of {len(tuple(x))}" for x in (outputs, targets)]
        fault = f"{who} got {got[0]} for an output and {got[1]} for its target"
        raise ValueError(f"{fault}; both are single, or lists of the same length")
    xs, ys = as_list(outputs), as_list(targets)
    check_lengths(who, "outputs", len(xs), len(ys))
    if not all(map(alone, xs + ys)):
        nested = [pairs(who, *pair, takes) for pair in zip(xs, ys, strict=True)]
        return [pair for some in nested for pair in some]
    check_scores(who, takes, xs)
    for y in [y for y in ys if not isinstance(y, Value)]:
        number = as_number(y) if takes.targets else as_float(y, f"{who} takes as a target")
        if not takes.fits(number):
            raise ValueError(f"{who} takes {takes.targets}, got {y!r:.60}; {takes.remedy}")
    return [(x if isinstance(x, Value) else Value(x), y) for x, y in zip(xs, ys, strict=True)]


def check_lengths(who: str, what: str, outputs: int, targets: int) -> None:
    """Raise ValueError unless there are outputs, and as many targets."""
    if outputs != targets:
        got = f"{who} got {outputs} {what} and {targets} targets"
        raise ValueError(f"{got}; give one target for each")
    if not outputs:
        raise ValueError(f"{who} got an empty list; give at least one output and its target")


def mean(terms: Sequence[Value]) -> Value:
    """The mean of what a loss is for each pair."""
    return terms[0] if len(terms) == 1 else over(engine.sum(terms), len(terms))


def over(total: Value, n: int) -> Value:
    """The mean of so many terms with this total."""
    return total if n == 1 else total / n


# --- what the graph says about outputs -----------------------------------------------------------
ANY: Bounds = -inf, inf
RANGES: dict[str, Bounds] = dict.fromkeys(("sigmoid", "softmax", "shifted_softmax"), (0.0, 1.0))
RANGES |= dict.fromkeys(("exp", "relu", "softplus", "abs"), (0.0, inf)) | {"tanh": (-1.0, 1.0)}
SHARED = {"exp", "div", "mul"}  # what a softmax ends in that was written out


def check_scores(who: str, takes: Takes, outputs: Sequence[Any]) -> None:
    """Raise ValueError where a loss takes scores and the graph of one row's outputs forbids that.

    They are probabilities if their operations keep them from 0 to 1, or if they are no less than 0
    and sum to 1. What has no graph, as the numbers of a list, is taken for scores.
    """
    if not takes.scores or not all(isinstance(x, Value) and x.parents for x in outputs):
        return
    names = {str(x.op).removeprefix("shifted_") for x in outputs}  # as softmax of many is called
    if not names <= takes.refused:
        if any(bounds(x)[0] < 0 for x in outputs):
            return
        shared = len(outputs) > 1 and names <= SHARED and isclose(fsum(x.data for x in outputs), 1)
        if not shared and any(bounds(x)[1] > 1 for x in outputs):
            return
        names = names & {"softmax", "sigmoid"} or {"softmax" if shared else "sigmoid"}
    got = f"{who} takes {takes.scores}, got outputs of {min(names)}"
    raise ValueError(f"{got}; give the model output='linear'")


def bounds(x: Value, depth: int = 6) -> Bounds:
    """The lowest and the highest number that the last operations of a graph allow.

    >>> x = Value(3.0)
    >>> bounds(1 / (1 + (-x).exp())), bounds(3 * x.tanh()), bounds(x)
    ((0.0, 1.0), (-3.0, 3.0), (-inf, inf))
    """
    name, rule = str(x.op), RULES.get(str(x.op))
    if name in RANGES:
        return RANGES[name]
    if is_constant(x):
        return x.data, x.data
    if name == "div" and _is_share(*x.parents):
        return 0.0, 1.0
    return rule(*[bounds(p, depth - 1) for p in x.parents]) if rule and depth else ANY


def _is_share(x: Value, total: Value) -> bool:
    """Whether a total adds x, or the same operation on the same, to others; none is below 0."""
    parents = total.parents if str(total.op) in ("add", "sum") else ()
    about = [(p.op, [*map(id, p.parents)] or id(p)) for p in (x, *parents)]
    return about[0] in about[1:] and all(bounds(p, 1)[0] >= 0 for p in parents)


def _sum(*terms: Bounds) -> Bounds:
    return sum(low for low, _ in terms), sum(high for _, high in terms)


def _product(a: Bounds, b: Bounds) -> Bounds:
    corners = [x * y if x and y else 0.0 for x in a for y in b]
    return min(corners), max(corners)


def _inverse(a: Bounds) -> Bounds:
    return ANY if a[0] < 0 else (1 / a[1] if a[1] else inf, 1 / a[0] if a[0] else inf)


RULES: dict[str, Callable[..., Bounds]] = {
    "add": _sum,
    "sum": _sum,
    "sub": lambda a, b: (a[0] - b[1], a[1] - b[0]),
    "neg": lambda a: (-a[1], -a[0]),
    "mul": _product,
    "div": lambda a, b: _product(a, _inverse(b)),
    "pow": lambda a, n: _inverse(a) if n == (-1, -1) else ANY,
    "clamp": lambda x, low, high: RULES["maximum"](low, RULES["minimum"](x, high)),
    "maximum": lambda *xs: (max([low for low, _ in xs]), max([high for _, high in xs])),
    "minimum": lambda *xs: (min([low for low, _ in xs]), min([high for _, high in xs])),
    "where": lambda taken: taken,
    "select": lambda test, a, b: (min(a[0], b[0]), max(a[1], b[1])),
}
