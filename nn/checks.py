"""Checks of arguments that several rooms share: names, counts, ranges, parameters, randomness."""

import math
import numbers
import random
import sys
from collections.abc import Sequence
from contextlib import ContextDecorator
from types import FrameType, TracebackType
from typing import Any, cast

from engine import NumericError, Value
from engine.core.node import as_float
from engine.core.value import epoch
from engine.source.lost import in_users_lines, outside_library, warn_at
from engine.source.origin import Place
from engine.source.text import counted as counted
from engine.source.text import listed as listed

# Where the parameters of a model are looked for.
PLACES = "an attribute of a Module, directly or in a list, tuple, dict, deque, dataclass or array"


def is_number(x: object) -> bool:
    """Whether x is a real number of Python's or NumPy's (a bool is not meant as one)."""
    return isinstance(x, numbers.Real) and not isinstance(x, bool)


def alone(x: object) -> bool:
    """Whether x is one thing rather than a list of them."""
    listed = hasattr(x, "__iter__") and getattr(x, "shape", None) != ()
    return isinstance(x, Value | str) or not listed


def as_list(x: Any) -> list[Any]:
    """What a list or another iterable has (a row of a `numpy.matrix` as an array), or x alone."""
    return [x] if alone(x) else [*(getattr(x, "A", x) if type(x).__name__ == "matrix" else x)]


def flat(x: Any) -> list[Any]:
    """What lists of lists have, one after another.

    >>> flat([[1, 2], [[3], 4]])
    [1, 2, 3, 4]
    """
    return [x] if alone(x) else [z for y in as_list(x) for z in flat(y)]


def as_number(x: Any) -> float:
    """What a Value of x would hold (x may be one of NumPy's bools); nan where x is no number."""
    try:
        return as_float(x)
    except (TypeError, OverflowError):
        return math.nan


def whole(x: Any) -> int | None:
    """A number as an int; None where x is not a whole number."""
    number = as_number(x)
    return int(number) if number.is_integer() else None


def count(who: str, name: str, value: Any, remedy: str = "") -> int:
    """A whole number from 1 up, which fits into 64 bits."""
    integral = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not integral or not 0 < value <= sys.maxsize:
        needs = "a whole number >= 1" + " below 2**63" * (integral and value > 0)
        raise ValueError(f"{who} takes {name} as {needs}, got {value!r:.60}{remedy}")
    return int(value)


def at_least_zero(who: str, **settings: Any) -> None:
    """Finite numbers from 0 up, named as the caller names them."""
    for name, value in settings.items():
        if not (is_number(value) and 0 <= as_number(value) < math.inf):
            raise ValueError(f"{who} takes a finite {name} >= 0, got {value!r:.60}")


def fraction(who: str, **settings: Any) -> None:
    """Numbers in [0, 1): what a running mean keeps of its past."""
    for name, value in settings.items():
        if not (is_number(value) and 0 <= value < 1):
            raise ValueError(f"{who} takes {name} in [0, 1), got {value!r:.60}")


def generator(rng: object) -> random.Random:
    """The source of randomness that `rng` stands for.

    A `random.Random` is used (and moved on) as it is; an int seeds a fresh one; None means the
    functions of the `random` module, so that `random.seed()` governs them as in micrograd.
    """
    if rng is None or rng is random:
        return cast(random.Random, random)  # the module has the methods of the generator it hides
    if isinstance(rng, random.Random):
        return rng
    if isinstance(rng, numbers.Integral) and not isinstance(rng, bool):
        return random.Random(int(rng))
    got = f"randomness comes from a random.Random, an int seed or None, got {type(rng).__name__}"
    raise TypeError(f"{got}; pass random.Random(7) or 7")


def parameter_list(who: str, params: Any) -> list[Any]:
    """Parameters as a list; a TypeError where they are none, such as a single Value."""
    if alone(params):
        got = type(params).__name__
        raise TypeError(f"{who} takes a list of parameters, got {got}; pass model.parameters()")
    return list(params)


class Leaves(list[Value]):
    """Leaf Values, each listed once, which nobody has to check again: that takes a while."""


def leaf_values(who: str, params: Any) -> list[Value]:
    """Parameters as a list. Raises an error unless they are leaf Values, each listed once."""
    if isinstance(params, Leaves) and params:
        return params
    listed = parameter_list(who, params)
    if not listed:
        raise ValueError(f"{who} got no parameters; keep Values, not all frozen, in {PLACES}")
    for i, parameter in enumerate(listed):
        if not isinstance(parameter, Value):
            got = type(parameter).__name__
            raise TypeError(f"{who} takes Values, parameter {i} is {got}; pass model.parameters()")
        if parameter.op is not None:
            fault = f"{who} takes leaf Values, parameter {i} is the result of {parameter.op}"
            raise ValueError(f"{fault}; pass the Values that it was made from")
    if len(set(listed)) != len(listed):
        raise ValueError(f"{who} got the same parameter twice; list every parameter once")
    return listed


def finite(who: str, what: str, params: Sequence[Value], found: Sequence[float]) -> None:
    """Raise NumericError for the first parameter whose number is nan or infinite."""
    for i, (parameter, x) in enumerate(zip(params, found, strict=True)):
        if not math.isfinite(x):
            name = repr(parameter.label) if parameter.label else f"number {i}"
            fault = f"{who}: the {what} of parameter {name} is {x!r}, so nothing was changed"
            made = "names the line that made it or the nan or infinity that came in as data"
            remedy = "or else lower the learning rate or clip the gradients"
            raise NumericError(f"{fault}; nn.diagnose(loss, model) {made}, {remedy}")


class InUsersTerms(ContextDecorator):
    """Errors that leave the block show lines of the user's code, and none of the library.

    Errors of the library that no user should meet are faults in it, and keep their lines. When a
    `with` block ends by an error, Python goes on with the traceback that the error has then.
    """

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, tb: TracebackType | None) -> None:
        if error and in_users_lines(error, tb):
            error.__cause__ = None  # which hides what it was raised in


in_users_terms: InUsersTerms = InUsersTerms()


def warn(text: str) -> None:
    """A UserWarning of the line that called into this package, once for each line."""
    frame = caller()
    warn_at(frame, frame.f_code.co_filename, frame.f_lineno, text)


def caller() -> FrameType:
    """The frame that called into this package."""
    return outside_library(sys._getframe())


def place() -> Place:
    """The line that called into this package."""
    frame = caller()
    return Place(frame.f_code.co_filename, frame.f_lineno, epoch())
