"""Names that users choose from: of rows in a table, and of options. A typo is answered by what was
meant.
"""

import difflib
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from inspect import signature
from itertools import islice
from types import NoneType
from typing import Any, TypeVar, get_args

SWITCH = [bool, NoneType]
T = TypeVar("T")
Function = TypeVar("Function", bound=Callable[..., Any])


def similar(text: str, known: Iterable[str], most: int = 2) -> list[str]:
    """The few known names that are most like a text, in capitals or not, or that it begins.

    >>> similar("Rleu", ["tanh", "relu"]), similar("lr", ["LR"]), similar("rleu", ["tanh"])
    (['relu'], ['LR'], [])
    >>> similar("acc", ["r2", "accuracy"])
    ['accuracy']
    """
    some = {name.lower(): name for name in islice(known, 5000)}  # with more it would take seconds
    wanted = text.lower()
    begun = [name for name in some if len(wanted) > 2 and name.startswith(wanted)]
    near = dict.fromkeys(difflib.get_close_matches(wanted, some, most) + begun)
    return [some[name] for name in islice(near, most)]


def pick(table: Mapping[str, T], name: object, kind: str) -> T:
    """The row of a table, or an error that lists the names it knows and the closest one.

    >>> pick({"relu": 1, "tanh": 2}, "rellu", "activation")
    Traceback (most recent call last):
    ValueError: unknown activation 'rellu', did you mean 'relu'? Known: relu, tanh
    """
    if isinstance(name, str) and name in table:
        return table[name]
    close = similar(str(name), table, 1)
    hint = f", did you mean {close[0]!r}? Known" if close else "; known"
    raise ValueError(f"unknown {kind} {name!r:.60}{hint}: {', '.join(table)}")


class _unseen:
    """An error that leaves the block does not show the function that holds it."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error:
            error.__traceback__ = trace.tb_next


def spelled(function: Function) -> Function:
    """Answer an unknown option by the one that was meant, as Python does itself from 3.13 on; and
    take nothing but True and False for what is one of these unless it is said.

    >>> spelled(lambda size: size)(sise=3)
    Traceback (most recent call last):
    TypeError: <lambda>() got an unexpected keyword argument 'sise'. Did you mean 'size'?
    >>> spelled(lambda legend=True: legend)(legend="no")
    Traceback (most recent call last):
    TypeError: legend is True or False, got 'no'
    """
    known = signature(function).parameters
    usual = {name: each.default for name, each in known.items()}
    types = {k: get_args(each.annotation) or [usual[k].__class__] for k, each in known.items()}
    switches = [k for k, each in types.items() if bool in each and all(t in SWITCH for t in each)]

    @wraps(function)
    def checked(*args: Any, **options: Any) -> Any:
        for name in options.keys() - known:
            for meant in similar(name, known, 1):
                said = f"{function.__qualname__}() got an unexpected keyword argument {name!r}"
                raise TypeError(f"{said}. Did you mean {meant!r}?")
        for name in switches:
            got = options.get(name, usual[name])
            plain = type(got).__name__ in ("bool", "bool_", "int") and got in (0, 1)
            if got is not usual[name] and not plain:
                raise TypeError(f"{name} is True or False, got {got!r:.60}")
        with _unseen():
            return function(*args, **options)

    return checked  # type: ignore[return-value]
