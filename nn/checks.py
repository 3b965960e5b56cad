"""What the other rooms ask of their arguments, said once: names, counts, ranges, randomness."""

import difflib
import math
import numbers
import random
from collections.abc import Mapping
from typing import Any, TypeVar, cast

__all__ = ["at_least_zero", "count", "fraction", "generator", "is_number", "pick"]

T = TypeVar("T")


def pick(table: Mapping[str, T], name: object, kind: str) -> T:
    """The row of a table, or an error that lists the names it knows and the closest one.

    >>> pick({"relu": 1, "tanh": 2}, "rellu", "activation")
    Traceback (most recent call last):
    ValueError: unknown activation 'rellu', did you mean 'relu'? Known: relu, tanh
    """
    if isinstance(name, str) and name in table:
        return table[name]
    close = difflib.get_close_matches(str(name).lower(), table, n=1)
    hint = f", did you mean {close[0]!r}?" if close else ";"
    known = "Known" if close else "known"
    raise ValueError(f"unknown {kind} {name!r}{hint} {known}: {', '.join(table)}")


def is_number(x: object) -> bool:
    """Whether x is a real number of Python's or NumPy's (a bool is not meant as one)."""
    return isinstance(x, numbers.Real) and not isinstance(x, bool)


def count(who: str, name: str, value: Any, remedy: str = "") -> int:
    """A whole number from 1 up."""
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not whole or value < 1:
        raise ValueError(f"{who} takes {name} as a whole number >= 1, got {value!r}{remedy}")
    return int(value)


def at_least_zero(who: str, **settings: Any) -> None:
    """Finite numbers from 0 up, named as the caller names them."""
    for name, value in settings.items():
        if not (is_number(value) and 0 <= value < math.inf):
            raise ValueError(f"{who} takes a finite {name} >= 0, got {value!r}")


def fraction(who: str, **settings: Any) -> None:
    """Numbers in [0, 1): what a running mean keeps of its past."""
    for name, value in settings.items():
        if not (is_number(value) and 0 <= value < 1):
            raise ValueError(f"{who} takes {name} in [0, 1), got {value!r}")


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
    raise TypeError(
        f"randomness comes from a random.Random, an int seed or None, got {type(rng).__name__}; "
        "pass random.Random(7) or 7"
    )
