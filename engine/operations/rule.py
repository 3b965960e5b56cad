"""How a row of the table is added: one of the engine's, and an operation of one's own.

The engine declares a function as a row, above a definition without a body. The definition gives the
name, the arguments and the docstring; the row computes. Calling the function records a node. In the
partials `rows.exp` is the row of that name: on floats it gives a float, on Values a node.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from math import inf, nan
from typing import Any, TypeVar

from engine.core.modes import MODE, NumericError
from engine.core.node import Node, as_float
from engine.core.operation import TABLE, Interval, Operation, row
from engine.core.value import Value, apply, constant, record
from engine.operations.check import check_operation

_makes_nodes = True  # see value.record

F = TypeVar("F", bound=Callable[..., Any])


def total(function: Callable[[float], float]) -> Callable[[float], float]:
    """A function of `math` that answers where it would raise: nan where it is undefined, and inf
    where it overflows.
    """

    @wraps(function)
    def answer(x: float) -> float:
        try:
            return function(x)
        except ValueError:
            return nan
        except OverflowError:
            return inf

    return answer


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


def rule(function: Callable[..., float], partials: Any, **how: Any) -> Callable[[F], F]:
    """A decorator: a new row, named as the definition is, and the function that records it.

    The function is a method of Value too. Arguments: those of Operation, but for the name.
    """

    def declare(definition: F) -> F:
        name = definition.__name__
        made = function_of(row(name, function, partials, **how))(definition)
        setattr(Value, name, made)
        return made

    return declare


def operation(
    name: str,
    function: Callable[..., float],
    partials: Callable[..., Any] | Sequence[Callable[..., Any]],
    *,
    domain: Interval | Sequence[Interval] = (-3.0, 3.0),
    symbol: str = "",
    tex: str = "",
    remedy: str = "",
    check: bool = False,
) -> Operation:
    """Add an operation: a name, a float function and its partial derivatives.

    Arguments:
        name: what the operation is called. An own operation of that name is replaced (so that a
            notebook's cell can run twice); one of the engine's is not.
        function: floats to a float. Where it raises ValueError or ZeroDivisionError the value is
            nan, where OverflowError inf; whether that is an error is for the numeric mode to say.
            Natively it runs in vectors where it is arithmetic alone (`lambda x: x * x / 2.0`), and
            is called for each row where it looks at its numbers (`if x > 0.0`, `math.exp(x)`).
        partials: one function for each input (or one that returns them all in a tuple), of the
            output and the inputs: `lambda y, a, b: ...`. Write them with operators and engine
            functions and they can be differentiated again.
        domain: the interval of each input (one for all, or one each) in which `check` draws.
        symbol: what pictures show. tex: LaTeX with {0}, {1} for the inputs.
        remedy: what the error says where the value is undefined or infinite.
        check: compare first and second derivatives with differences now; GradientError if wrong.

    Returns:
        The operation: call it on Values, and it records; on numbers, and it computes.

    >>> from engine import Value
    >>> cube = operation("cube", lambda x: x * x * x, lambda y, x: 3 * x**2, check=True)
    >>> x = Value(2.0)
    >>> cube(x).backward(); x.grad
    12.0
    """
    if type(name) is not str or not name:
        raise TypeError(f"an operation's name is a str, got {name!r:.60}")
    for text in (name, symbol, tex):
        if not isinstance(text, str) or not text.isprintable():
            what = "an operation's name, symbol and tex are each a line of text"
            raise ValueError(f"{what}, got {text!r:.60}; leave out what cannot be printed")
    if name in TABLE and not TABLE[name].own:
        raise ValueError(f"{name!r} is an operation of the engine; choose another name")
    each = partials if isinstance(partials, Sequence) else (partials,)
    for f in (function, *each):
        if not callable(f):
            raise TypeError(f"{name} needs functions for its value and its partials, got {f!r:.60}")

    @wraps(function)  # so that its signature still says how many inputs it takes
    def value(*inputs: float) -> float:
        found = function(*inputs)
        # native code passes symbols, to see whether the function is made of arithmetic
        return found if any(isinstance(x, Node) for x in inputs) else as_float(found)

    slopes = _derivatives(name, partials)
    made = Operation(name, value, slopes, domain=domain, symbol=symbol, tex=tex, remedy=remedy)
    if check:  # before it is in the table: what is wrong does not get in
        check_operation(made)
    TABLE[name] = made
    return made


def _derivatives(name: str, partials: Any) -> Callable[..., Any]:
    """The partials as the table has them: one for each input, on floats as floats."""

    def derivatives(y: Any, *xs: Any) -> Any:
        try:
            found = partials(y, *xs) if callable(partials) else [p(y, *xs) for p in partials]
        except TypeError as error:
            got = f"the partials of {name} take the output and {len(xs)} inputs"
            raise TypeError(f"{got}; called with them, they raise TypeError: {error}") from error
        except (ValueError, ArithmeticError) as error:
            if isinstance(y, Value) or MODE.get() == "strict":
                call = f"{name}({', '.join(map(str, map(float, xs)))})"
                what = f"the partials of {call} raise {type(error).__name__}: {error}"
                raise NumericError(what) from error
            return [nan] * len(xs)
        found = found if isinstance(found, (tuple, list)) else (found,)
        if len(found) != len(xs):
            fault = f"{name} was called with {len(xs)} inputs"
            remedy = "give one for each input"
            raise ValueError(f"{fault}, and its partials give {len(found)} derivatives; {remedy}")
        if isinstance(y, Value):
            return found
        # on floats too the partials may have used engine functions, whose results are Values
        return [float(d) if isinstance(d, Value) else as_float(d) for d in found]

    return derivatives
