"""Products, means, spreads and lengths of any number of inputs: each result is one node."""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial, reduce
from itertools import accumulate
from typing import Any

from engine.core.node import as_float
from engine.core.operation import TABLE, floats, row, rows
from engine.core.value import Number, Scalar, Value, apply, constant
from engine.operations.nary import for_each, several

__all__ = ["mean", "norm", "prod", "std", "var"]
_makes_nodes = True  # see value.record

Floats = Sequence[float]


# --- float functions -----------------------------------------------------------------------------
Parts = tuple[float, int]  # a number as a mantissa and an exponent, which cannot overflow


def _times(a: Parts, b: Parts) -> Parts:
    mantissa, exponent = math.frexp(a[0] * b[0])
    return mantissa, a[1] + b[1] + exponent


def _joined(parts: Parts) -> float:
    try:
        return math.ldexp(*parts)
    except OverflowError:
        return math.copysign(math.inf, parts[0])


def _running(xs: Floats) -> list[Parts]:
    """The products of the first 0, 1, 2, ... numbers."""
    return list(accumulate(map(math.frexp, xs), _times, initial=(1.0, 0)))


def _products_of_others(xs: Floats) -> list[float]:
    before, after = _running(xs), _running(xs[::-1])[-2::-1]
    return [_joined(_times(a, b)) for a, b in zip(before, after, strict=False)]


def _scaled(function: Callable[[Floats], float], xs: Floats) -> float:
    """`function` of xs, without overflow on the way; twice the inputs have to give twice of it."""
    y = function(xs)
    return function([x * 2.0**-64 for x in xs]) * 2.0**64 if math.isinf(y) else y


def _mean(*xs: float) -> float:
    return _scaled(lambda xs: floats.sum(*xs) / len(xs), xs)


def _deviations(xs: Floats) -> list[float]:
    """The difference of each from the mean, without the rounding error of the mean."""
    m = _mean(*xs)
    rest = _mean(*xs, *[-m] * len(xs)) * 2.0
    return [(x - m) - rest for x in xs]


def _var(correction: float, *xs: float) -> float:
    squares = floats.sum(*[d * d for d in _deviations(xs)])
    if math.isinf(squares):  # on the way, perhaps not at the end
        root = _std(correction, *xs)
        return root * root
    return floats.div(squares, len(xs) - correction)


def _std(correction: float, *xs: float) -> float:
    root = floats.sqrt(len(xs) - correction)
    return _scaled(lambda xs: floats.div(math.hypot(*_deviations(xs)), root), xs)


def _std_slopes(correction: float, xs: Floats) -> list[float]:
    factor = floats.rsqrt(len(xs) - correction)
    return [d * factor for d in _directions(_deviations(xs))]


def _directions(xs: Floats) -> list[float]:
    """Each divided by the length of all; 0 at the origin. Beside an infinity the others are 0."""
    top = max(map(abs, xs))
    if math.isinf(top):
        xs = [floats.sign(x) * math.isinf(x) for x in xs]
    else:
        exponent = -math.frexp(top)[1]
        xs = [math.ldexp(x, exponent) for x in xs]
    length = math.hypot(*xs)
    return [x / length if length else x for x in xs]


# --- rows ----------------------------------------------------------------------------------------
def _add(xs: Iterable[Any]) -> Any:
    return reduce(lambda a, b: a + b, xs)


def _expand_mean(*xs: Any) -> Any:
    return rows.div(_add(xs), float(len(xs)))


def _expand_var(correction: Any, *xs: Any) -> Any:
    m = _expand_mean(*xs)
    return rows.div(_add([rows.square(x - m) for x in xs]), len(xs) - correction)


row(
    "prod",
    lambda *xs: _joined(_running(xs)[-1]),
    lambda y, *xs: for_each(lambda x, *others: rows.prod(*others), _products_of_others, xs),
    symbol="Π",
    domain=(0.1, 3.0),
    expand=lambda *xs: reduce(lambda a, b: a * b, xs),
)
row("mean", _mean, lambda y, *xs: (1.0 / len(xs),) * len(xs), expand=_expand_mean)
row(  # of the first, from the mean of all
    "deviation",
    lambda *xs: _deviations(xs)[0],
    lambda y, *xs: (1.0 - 1.0 / len(xs), *[-1.0 / len(xs)] * (len(xs) - 1)),
    expand=lambda *xs: xs[0] - _expand_mean(*xs),
)


def _var_partials(y: Any, correction: Any, *xs: Any) -> tuple[Any, ...]:
    factor = rows.div(2.0, len(xs) - correction)
    return None, *[d * factor for d in for_each(rows.deviation, _deviations, xs)]


def _std_partials(y: Any, correction: Any, *xs: Any) -> tuple[Any, ...]:
    slope, slopes = partial(rows.std_slope, correction), partial(_std_slopes, correction)
    return None, *for_each(slope, slopes, xs)


def _std_slope_partials(y: Any, correction: Any, x: Any, *others: Any) -> tuple[Any, ...]:
    """With D the differences of all pairs over the length of them all, the second derivative by
    one input twice is the sum of D*D over the pairs of others; by two inputs i and j it is minus
    the sum of D[k, i] * D[k, j] over all k: nothing of the size of 1 cancels.
    """
    n = len(others) + 1
    std = rows.std(0.0, x, *others)  # its square is the sum of squares of all pairs over n * n
    size = std * (math.sqrt(n) * rows.sqrt(n - correction))
    spread = rows.xdivy(rows.std(0.0, *others), std) * ((n - 1) / n) if others else 0.0
    from_x = [rows.xdivy(other - x, std) for other in others]
    bends = []
    for j, other in enumerate(others):
        shares = [
            d * rows.xdivy(third - other, std)
            for k, (d, third) in enumerate(zip(from_x, others, strict=True))
            if k != j
        ]
        bends.append(rows.xdivy(rows.sum(*shares), size) * (-1.0 / (n * n)))
    return None, rows.xdivy(spread * spread, size), *bends


_CORRECTED: dict[str, Any] = {
    "domain": ((1.0, 1.0), (-3.0, 3.0), (-3.0, 3.0), (-3.0, 3.0)),
    "remedy": "it needs more inputs than its correction",
    "finite_partials": lambda correction, *xs: correction is not None and correction < len(xs),
}
row(
    "var",
    _var,
    _var_partials,
    expand=_expand_var,
    tex=r"\operatorname{{var}}_{{{0}}}{1*}",
    **_CORRECTED,
)
row(
    "std",
    _std,
    _std_partials,
    expand=lambda *args: rows.sqrt(_expand_var(*args)),
    tex=r"\operatorname{{std}}_{{{0}}}{1*}",
    **_CORRECTED,
)
row(  # the derivative of std by the first
    "std_slope",
    lambda correction, *xs: _std_slopes(correction, xs)[0],
    _std_slope_partials,
    expand=lambda correction, *xs: (
        rows.direction(*[x - _expand_mean(*xs) for x in xs]) * rows.rsqrt(len(xs) - correction)
    ),
    tex=r"\operatorname{{std}}'_{{{0}}}{1*}",
    **_CORRECTED | {"finite_partials": False},
)
row(
    "norm",
    lambda *xs: math.hypot(*xs),
    lambda y, *xs: for_each(rows.direction, _directions, xs),
    tex=r"\left\|{*}\right\|",
    expand=lambda *xs: rows.sqrt(_add(map(rows.square, xs))),
)


def _direction_partials(y: Any, *xs: Any) -> tuple[Any, ...]:
    """(1 - y*y) / length by the first, without the cancellation, and -y*z / length by another."""
    _, *others = for_each(rows.direction, _directions, xs)
    length = rows.norm(*xs)
    along = rows.sum(*map(rows.square, others))
    return rows.xdivy(along, length), *[-rows.xdivy(y * z, length) for z in others]


row(  # of the first, as a share of the length of all
    "direction",
    lambda *xs: _directions(xs)[0],
    _direction_partials,
    expand=lambda *xs: rows.div(xs[0], rows.norm(*xs)),
    finite_partials=False,
)


# --- functions -----------------------------------------------------------------------------------
def prod(xs: Iterable[Scalar]) -> Value:
    """The product in one node, without overflow on the way. Of nothing, 1.

    Its derivative by a factor is the product of the others, so that zeros do no harm.

    >>> prod([Value(2.0), Value(3.0), 4.0]).data
    24.0
    """
    inputs = several("prod", xs, least=0)
    return apply(rows.prod, inputs) if inputs else constant(1.0)


def mean(xs: Iterable[Scalar]) -> Value:
    """The arithmetic mean in one node, without overflow on the way.

    >>> mean([Value(1.0), Value(2.0), 6.0]).data
    3.0
    """
    return apply(rows.mean, several("mean", xs))


def var(xs: Iterable[Scalar], correction: Number = 1) -> Value:
    """The variance in one node: the sum of squared deviations from the mean over n - correction.

    Arguments:
        correction: 1 (Bessel's) for the variance of what the inputs are a sample of, as in
            PyTorch; 0 for that of the inputs themselves.

    Raises:
        ValueError: there are not more inputs than the correction.

    >>> var([Value(1.0), Value(2.0), 6.0]).data
    7.0
    """
    return _corrected("var", xs, correction)


def std(xs: Iterable[Scalar], correction: Number = 1) -> Value:
    """The standard deviation in one node: the square root of `var`, with its arguments.

    Its gradient is 0, that of least norm, where all inputs are equal.

    >>> std([Value(1.0), Value(3.0)], correction=0).data
    1.0
    """
    return _corrected("std", xs, correction)


def _corrected(name: str, xs: Iterable[Scalar], correction: Number) -> Value:
    inputs, number = several(name, xs), as_float(correction)
    if not number < len(inputs):
        expected = f"{name} takes more inputs than its correction"
        remedy = "give more, or correction=0"
        raise ValueError(f"{expected}, got {len(inputs)} with correction={correction!r}; {remedy}")
    return apply(TABLE[name], (number, *inputs))


def norm(xs: Iterable[Scalar]) -> Value:
    """The Euclidean length, the root of the sum of squares, in one node and without overflow.

    Its gradient is 0, that of least norm, at the origin.

    >>> norm([Value(3.0), Value(4.0)]).data
    5.0
    """
    return apply(rows.norm, several("norm", xs))
