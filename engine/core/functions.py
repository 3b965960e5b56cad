"""The functions of one number or two: each is a row of the table with its words.

`rule` makes a row out of what is told to it and of the definition below it: its name, its arguments
and its docstring. The definition has no body, since the row computes; calling it records a node.
In the partials `rows.exp` is the row of that name. On floats it gives a float, on Values a node.
"""

import math
from collections.abc import Callable
from functools import wraps
from math import nan
from typing import Any, TypeVar

from engine.core import numerics as f
from engine.core.inputs import declare
from engine.core.operation import Operation, row, rows
from engine.core.value import Scalar, Value, apply, constant, record

__all__ = [
    "clamp",
    "cos",
    "equal",
    "exp",
    "expm1",
    "hypot",
    "inputs",
    "log",
    "log1p",
    "relu",
    "sigmoid",
    "sin",
    "softplus",
    "sqrt",
    "tan",
    "tanh",
]
_makes_nodes = True  # see value.record

F = TypeVar("F", bound=Callable[..., Any])


def function_of(op: Operation) -> Callable[[F], F]:
    """Let a row be called as the definition below says: with its arguments, their defaults, its
    name and its docstring.
    """

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
                definition(*args, **named)  # so that Python says what is missing or too much
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
    """Make a row of what is told here and of the definition below, and a function of the row.

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


@rule(
    f.exp,
    lambda y, x: (y,),
    tex="e^{{{0}}}",
    remedy={"": "it overflows past 709.78; softmax, logsumexp, softplus and expm1 are stable"},
)
def exp(x: Scalar) -> Value:
    """The exponential, e to the power x. Its derivative is itself.

    >>> exp(Value(0.0)).data
    1.0
    """


@rule(
    f.expm1,
    lambda y, x: (rows.exp(x),),
    tex="e^{{{0}}} - 1",
    remedy=rows.exp.remedy,
)
def expm1(x: Scalar) -> Value:
    """exp(x) - 1, which keeps its digits where x is small.

    >>> expm1(Value(1e-20)).data
    1e-20
    """


@rule(
    f.log,
    lambda y, x: (rows.xdivy(1.0, x),),
    tex=r"\log",
    domain=(0.1, 3.0),
    remedy={
        "": "log needs an input > 0",
        "softmax": "log_softmax(xs)[k] is stable where log(softmax(xs)[k]) is not",
        "sigmoid": "-softplus(-x) is stable where log(sigmoid(x)) is not",
        "sum": "logsumexp(xs) is stable where log(sum(exp(x) for x in xs)) is not",
    },
)
def log(x: Scalar) -> Value:
    """The natural logarithm, of x > 0.

    >>> log(Value(1.0)).data
    0.0
    """


@rule(
    f.log1p,
    lambda y, x: (rows.xdivy(1.0, 1.0 + x),),
    tex=r"\log(1 + {0})",
    domain=(-0.9, 3.0),
    remedy={"": "log1p needs an input > -1"},
)
def log1p(x: Scalar) -> Value:
    """log(1 + x), which keeps its digits where x is small; of x > -1.

    >>> log1p(Value(1e-20)).data
    1e-20
    """


@rule(
    f.sqrt,
    lambda y, x: (0.5 * rows.rsqrt(x),),
    tex=r"\sqrt{{{0}}}",
    domain=(0.1, 3.0),
    remedy={"": "sqrt needs an input >= 0 and its derivative one > 0; hypot(a, b) is safe at 0"},
)
def sqrt(x: Scalar) -> Value:
    """The square root, of x >= 0. Its derivative at 0 is infinite.

    >>> sqrt(Value(9.0)).data
    3.0
    """


row(
    "rsqrt",
    f.rsqrt,
    lambda y, x: (-0.5 * y * y * y,),
    tex=r"\frac{{1}}{{\sqrt{{{0}}}}}",
    domain=(0.1, 3.0),
    remedy={"": "rsqrt needs an input > 0"},
)


@rule(
    f.sin,
    lambda y, x: (rows.cos(x),),
    tex=r"\sin",
    finite_partials=True,
)
def sin(x: Scalar) -> Value:
    """The sine of x in radians.

    >>> sin(Value(0.0)).data
    0.0
    """


@rule(
    f.cos,
    lambda y, x: (-rows.sin(x),),
    tex=r"\cos",
    finite_partials=True,
)
def cos(x: Scalar) -> Value:
    """The cosine of x in radians.

    >>> cos(Value(0.0)).data
    1.0
    """


@rule(
    f.tan,
    lambda y, x: (1.0 + y * y,),
    tex=r"\tan",
    domain=(-1.4, 1.4),
)
def tan(x: Scalar) -> Value:
    """The tangent of x in radians.

    >>> tan(Value(0.0)).data
    0.0
    """


@rule(
    math.hypot,
    lambda y, a, b: (rows.unit(a, b), rows.unit(b, a)),
    tex=r"\sqrt{{{0}^2 + {1}^2}}",
    domain=((-3.0, 3.0), (-3.0, 3.0)),
    finite_partials=True,
)
def hypot(a: Scalar, b: Scalar) -> Value:
    """sqrt(a*a + b*b) without overflow; its gradient at the origin is 0, that of least norm.

    >>> hypot(Value(3.0), 4.0).data
    5.0
    """


row(
    "unit",
    f.unit,
    lambda y, a, b: (
        rows.div(rows.unit(b, a) * rows.unit(b, a), rows.hypot(a, b)),
        -rows.div(y * rows.unit(b, a), rows.hypot(a, b)),
    ),
    tex=r"\frac{{{0}}}{{\sqrt{{{0}^2 + {1}^2}}}}",
)


@rule(
    math.tanh,
    lambda y, x: (rows.sech2(x),),
    tex=r"\tanh",
    finite_partials=True,
)
def tanh(x: Scalar) -> Value:
    """The hyperbolic tangent: an S from -1 to 1, centred at 0. Saturates past about 3.

    >>> tanh(Value(0.0)).data
    0.0
    """


row(
    "sech2",
    f.sech2,
    lambda y, x: (-2.0 * y * rows.tanh(x),),
    tex=r"\operatorname{{sech}}^2",
    finite_partials=True,
)


@rule(
    f.sigmoid,
    lambda y, x: (rows.sigmoid_slope(x),),
    tex=r"\sigma",
    finite_partials=True,
)
def sigmoid(x: Scalar) -> Value:
    """1 / (1 + exp(-x)), the logistic function: an S from 0 to 1, for the probability of a yes.

    >>> sigmoid(Value(0.0)).data
    0.5
    """


row(
    "sigmoid_slope",
    f.sigmoid_slope,
    lambda y, x: (-y * rows.tanh(0.5 * x),),
    tex=r"\sigma'",
    finite_partials=True,
)


@rule(
    f.relu,
    lambda y, x: (rows.step(x),),
    branches=lambda y: y != 0.0,
)
def relu(x: Scalar) -> Value:
    """The rectifier: x where positive, else 0. Its derivative at the kink is 0 (as in PyTorch).

    >>> relu(Value(-2.0)).data, relu(Value(2.0)).data
    (0.0, 2.0)
    """


@rule(
    f.softplus,
    lambda y, x: (rows.sigmoid(x),),
    finite_partials=True,
)
def softplus(x: Scalar) -> Value:
    """log(1 + exp(x)), a smooth relu, without a threshold. Its derivative is the sigmoid.

    >>> softplus(Value(1000.0)).data
    1000.0
    """


@function_of(rows.equal)
def equal(a: Scalar, b: Scalar) -> Value:
    """1 where two numbers are equal, else 0: the test for `where` on an input of a program.

    (On Values, `==` asks whether they are the same node.)

    >>> equal(Value(2.0), 2.0).data
    1.0
    """


@function_of(rows.clamp)
def clamp(x: Scalar, low: Scalar, high: Scalar) -> Value:
    """x, held between low and high.

    >>> clamp(Value(7.0), -1.0, 1.0).data
    1.0
    """


def inputs(*labels: str) -> list[Value]:
    """Leaves that are no numbers yet: the inputs of a Program, which vary from row to row.

    Their data is nan, and so is mostly that of what is computed from them. Comparisons with them
    are recorded (for `where`), and Python cannot decide on them: `if x > 0` is an error.

    >>> x, y = inputs("x", "y")
    >>> (x > y).op.name
    'greater'
    """
    leaves = [Value(nan, label) for label in labels]
    declare(leaves)
    return leaves
