"""How a function is declared: as a row of the table, above a definition without a body.

The definition gives the name, the arguments and the docstring; the row computes. Calling the
function records a node. In the partials `rows.exp` is the row of that name: on floats it gives a
float, on Values a node.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from engine.core.operation import Operation, row
from engine.core.value import Value, apply, constant, record

_makes_nodes = True  # see value.record

F = TypeVar("F", bound=Callable[..., Any])


def function_of(op: Operation) -> Callable[[F], F]:
    """A decorator: a function that records a row, with the arguments and words of a definition."""

    def declare(definition: Any) -> Any:
        code, defaults = definition.__code__, definition.__defaults__ or ()
        names = code.co_varnames[: code.co_argcount]
        compute = op.function

        def unary(x: Any) -> Value:
            if x.__class__ is not Value:
                x = constant(x)
            return record(op, (x,), compute(x._data))

        def several(*args: Any, **named: Any) -> Value:
            if named or len(args) != len(names):
                try:
                    definition(*args, **named)  # so that Python says what is missing or too much
                except TypeError as error:
                    call = f"{definition.__name__}({', '.join(names)})"
                    raise TypeError(f"{error}; write {call}") from None
                rest = dict(zip(reversed(names), reversed(defaults), strict=False)) | named
                args = (*args, *[rest[name] for name in names[len(args) :]])
            return apply(op, args)

        made: Any = unary if len(names) == 1 else several
        made.op = op
        return wraps(definition)(made)

    return declare


def rule(
    function: Callable[..., float], partials: Any, *, method: bool = True, **how: Any
) -> Callable[[F], F]:
    """A decorator: a new row, named as the definition is, and the function that records it.

    Arguments: those of Operation, but for the name, which is the definition's.
        method: whether it is a method of Value too.
    """

    def declare(definition: F) -> F:
        name = definition.__name__
        made = function_of(row(name, function, partials, **how))(definition)
        if method:
            setattr(Value, name, made)
        return made

    return declare
