"""Numerical checks of derivatives: of a function one wrote, and of an operation one added."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import pairwise
from math import inf, isfinite, sqrt
from operator import itemgetter
from typing import Any, NamedTuple

from engine.core.graph import describe, topological
from engine.core.modes import no_grad, numeric_mode, recording
from engine.core.node import Node
from engine.core.operation import Operation
from engine.core.ops import CONSTANT
from engine.core.sweep import Gradients
from engine.core.value import Value, constant

KINK = """every operation's own derivative is right at this point, so the function has a kink, \
jumps or takes another branch there, or uses numbers taken out of the graph (.data, float)"""


class GradientError(AssertionError):
    """A derivative does not agree with what differences of the function give."""


class GradientCheck(NamedTuple):
    """What `check_gradient` found: gradients by backpropagation and by differences.

    `uncertainty` is how far off the differences may be themselves.
    """

    backward: tuple[float, ...]
    differences: tuple[float, ...]
    uncertainty: tuple[float, ...]

    @property
    def errors(self) -> tuple[float, ...]:
        """How far the two are apart, for each input."""
        return tuple(abs(b - d) for b, d in zip(self.backward, self.differences, strict=True))


def differentiate(function: Callable[[float], float], x: float) -> tuple[float, float]:
    """The derivative of a float function at x and its uncertainty, by central differences with
    ever smaller steps, extrapolated to a step of 0 (Ridders 1982).
    """
    best, steps = (0.0, inf), [0.1 * max(abs(x), 1.0) / 8.0**k for k in range(24)]
    # the noise and the change at the step before, and the noise that steps do not lessen
    before, span, held = inf, inf, 0.0
    for step in steps:  # smaller first steps, where the function ends or bends nearby
        with suppress(ValueError, ArithmeticError):  # outside its domain, or no step is left
            secant = max([abs(function(x + way) - function(x)) for way in (step, -step)]) / step
            noise, change = _noise(function, x, step / 64.0)
            noise = max(noise, before / 4096.0 if change and before < inf else 0.0)
            # else it cannot be seen: values may be alike
            if noise < change / 64.0 or change > min(4.0 * held, span / 2.0):
                before, held = noise, noise if noise > before / 4.0 else 0.0
            span = change
            found = _ridders(function, x, step, max(noise, held))
            best = min(best, found, key=itemgetter(1))
            # where steps are so small that the function's own rounding is all that is left of it,
            # differences can look exact
            if _settled(*best) and best[1] <= 1e-9 * max(abs(best[0]), secant):
                break
    return best


def _settled(size: float, uncertainty: float) -> bool:
    return uncertainty <= 1e-2 * abs(size) + 1e-6


def _noise(function: Callable[[float], float], x: float, step: float) -> tuple[float, float]:
    """How far values near x are off by rounding, which may be that of larger numbers on the way;
    and how much they differ there in all.

    Sixth differences leave nothing else of a smooth function (Hamming 1962; Moré and Wild 2011). In
    the mean of squares they are 12! / 6!**2 times as large as the noise of one value.
    """
    values = found = [function(x + i * step) for i in range(-5, 6)]
    for _ in range(6):
        values = [b - a for a, b in pairwise(values)]
    return max(map(abs, values)) / sqrt(924.0), max(found) - min(found)


def _ridders(
    function: Callable[[float], float], x: float, step: float, noise: float
) -> tuple[float, float]:
    ratio, best, uncertainty = 1.4, 0.0, inf
    previous: list[float] = []
    for _ in range(10):
        above, below = x + step, x - step
        row = [(function(above) - function(below)) / (above - below)]
        if not isfinite(row[0] + noise):
            return 0.0, inf
        rounding = max(noise, 2.0**-52 * abs(function(above)), 2.0**-52 * abs(function(below)))
        weight = ratio * ratio
        for i, old in enumerate(previous):
            row.append((row[i] * weight - old) / (weight - 1.0))
            weight *= ratio * ratio
            error = max(abs(row[i + 1] - row[i]), abs(row[i + 1] - old), rounding / step)
            if error <= uncertainty:
                best, uncertainty = row[i + 1], error
        previous, step = row, step / ratio
    return best, uncertainty


def _mismatch(got: float, wanted: tuple[float, float], rtol: float) -> str:
    """How a derivative and its differences disagree; nothing if they do not."""
    estimate, uncertainty = wanted
    size = max(abs(got), abs(estimate))
    if not _settled(size, uncertainty):
        return f"{got!r}, but differences do not settle: the function jumps or is undefined nearby"
    if abs(got - estimate) <= rtol * max(size, 1e-6) + 10.0 * uncertainty:
        return ""
    return f"{got!r}, differences give {estimate:.9g}"


def check_gradient(
    f: Callable[..., Value], at: float | Sequence[float], rtol: float = 1e-6
) -> GradientCheck:
    """Compare the gradient that `backward()` gives with differences of the function itself.

    Arguments:
        f: takes as many Values as `at` has numbers and returns a Value.
        at: the point, a number or several.
        rtol: how far apart the two may be, relative to the larger.

    Raises:
        GradientError: an input is off; the message says which, by how much, and which operation's
            derivative is wrong.

    >>> found = check_gradient(lambda x, y: x * y + x.tanh(), [0.5, -2.0])
    >>> [f"{gradient:.6f}" for gradient in found.backward]
    ['-1.213552', '0.500000']
    """
    if not callable(f):
        got = type(f).__name__
        raise TypeError(
            f"check_gradient takes a function, got {got}; give one like lambda x: x * x"
        )
    point = [constant(x).data for x in (at if isinstance(at, Sequence) else [at])]
    inputs = [Value(x, f"input {i}") for i, x in enumerate(point)]
    with recording:
        output = f(*inputs)
        if not isinstance(output, Value):
            expected = "check_gradient needs f to return a Value"
            raise TypeError(f"{expected}, got {type(output).__name__}")
        gradients = _gradients(output, inputs)

    def value(*xs: float) -> float:
        with numeric_mode("ieee"), no_grad():
            return float(f(*map(Value, xs)))

    wanted = [differentiate(_along(value, point, i), x) for i, x in enumerate(point)]
    for x, gradient, estimate in zip(inputs, gradients, wanted, strict=True):
        if mismatch := _mismatch(gradient, estimate, rtol):
            fault = f"the gradient by {describe(x)} is off by {abs(gradient - estimate[0]):.3g}"
            raise GradientError(f"{fault}: backward gives {mismatch}; {_culprit(output, rtol)}")
    estimates, uncertainties = zip(*wanted, strict=True) if wanted else ((), ())
    return GradientCheck(tuple(gradients), estimates, uncertainties)


def _gradients(output: Value, inputs: Sequence[Value]) -> list[float]:
    """What `backward()` would leave on fresh inputs; what is on the graph's nodes stays there."""
    with Gradients(topological(output, *inputs)) as gradients:
        gradients.begin()
        output.backward()
        return [x.grad for x in inputs]


def _culprit(output: Value, rtol: float) -> str:
    wrong = (wrong_partial(node, rtol) for node in topological(output))
    return next(filter(None, wrong), KINK)


def wrong_partial(node: Node, rtol: float) -> str:
    """A sentence on the first derivative of a node's operation that is wrong, or nothing."""
    if node.op is None:
        return ""
    op, inputs = node.op, [parent._data for parent in node.parents]
    partials = op.numeric(node._data, *inputs)
    for i, (parent, local) in enumerate(zip(node.parents, partials, strict=True)):
        if parent.op is CONSTANT or local is None:
            continue
        along = _along(op.function, inputs, i)
        mismatch = _mismatch(local, differentiate(along, inputs[i]), rtol)
        if mismatch and not _at_kink(along, inputs[i]):
            call = f"{op.name}({', '.join(map(repr, inputs))})"
            return f"the operation at fault is {call}: its derivative by input {i} gives {mismatch}"
    return ""


def _at_kink(function: Callable[[float], float], x: float) -> bool:
    """Whether the slopes to the left and to the right differ, so that either may be given."""
    h = 1e-6 * max(abs(x), 1.0)
    try:
        right, left = (function(x + h) - function(x)) / h, (function(x) - function(x - h)) / h
    except (ValueError, ArithmeticError):
        return False
    return abs(right - left) > 1e-2 * max(abs(right), abs(left))


def check_operation(op: Operation, samples: int = 20, rtol: float = 1e-6) -> None:
    """Compare an operation's first and second derivatives with differences, over its domain.

    Arguments:
        op: the row; its `domain` says where the inputs are taken from.
        samples: how many points.
        rtol: how far apart the two may be, relative to the larger.

    Raises:
        GradientError: the message says which derivative is wrong, where and by how much.

    >>> from engine import operation
    >>> check_operation(operation("cube", lambda x: x * x * x, lambda y, x: 3.0 * x * x))
    """
    intervals = domain_of(op)
    for k in range(samples):
        # evenly spread (a Weyl sequence: multiples of roots of whole numbers, modulo 1)
        shares = [(k + 0.5) * (2.0 + 3.0 * i) ** 0.5 % 1.0 for i in range(len(intervals))]
        pairs = zip(intervals, shares, strict=True)
        point = [low + (high - low) * share for (low, high), share in pairs]
        with recording:
            node = op(*map(Value, point))
            wrong = wrong_partial(node, rtol) or _wrong_second(op, point, rtol)
        if wrong:
            raise GradientError(wrong)


def _wrong_second(op: Operation, point: list[float], rtol: float) -> str:
    """A sentence on the first second derivative of an operation that is wrong, or nothing."""
    firsts = op.numeric(op.function(*point), *point)
    free = [i for i, first in enumerate(firsts) if first is not None]
    inputs: list[Any] = [Value(x) if i in free else x for i, x in enumerate(point)]
    for i in free:
        first = constant(op.partials(op(*inputs), *inputs)[i])
        seconds = _gradients(first, [inputs[j] for j in free])
        for j, second in zip(free, seconds, strict=True):
            partial = _along(lambda *xs, i=i: op.numeric(op.function(*xs), *xs)[i], point, j)
            if mismatch := _mismatch(second, differentiate(partial, point[j]), rtol):
                call = f"{op.name}({', '.join(map(repr, point))})"
                fault = f"the second derivative of {call} by inputs {i} and {j} is {mismatch}"
                remedy = "write the partials with operators and engine functions, not with math"
                return f"{fault} (from the first); {remedy} or .data"
    return ""


def _along(f: Callable[..., float], point: Sequence[float], i: int) -> Callable[[float], float]:
    """f as a function of its input i alone, the others as they are at the point."""
    return lambda t: f(*point[:i], t, *point[i + 1 :])


def domain_of(op: Operation) -> list[tuple[float, float]]:
    """The interval of each input; three inputs for an operation that takes any number."""
    domain: Any = op.domain
    if not isinstance(domain[0], (int, float)):
        return list(domain)
    import inspect  # only here, since it would double the time that `import engine` takes

    try:
        parameters = list(inspect.signature(op.function).parameters.values())
    except ValueError:  # some built-in functions have none
        parameters = []
    several = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    return [domain] * (3 if several else max(len(parameters), 1))
