"""Names and habits of other libraries: what code written for micrograd and NumPy asks of a Value.

`install` sets them on Value when `engine` is imported. The core does not know them.

NumPy's functions call the operator or the method of each object in an array: `np.exp(xs)` calls
`x.exp()`. Where one gets a Value itself, it calls `_array_ufunc` or `_array_function` first.
"""

import math
import operator
import sys
from collections.abc import Callable
from functools import partial
from operator import attrgetter
from typing import Any, NoReturn

from engine.core.node import as_float, edges
from engine.core.ops import CONSTANT
from engine.core.sweep import gradients_of
from engine.core.value import Value, constant

_makes_nodes = True  # see value.record

MICROGRAD = {"mul": "*", "relu": "ReLU"}  # its words, where the symbol is another
# What NumPy calls methods that have other names here.
NUMPY = {f"arc{name}": f"a{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")}
NUMPY |= {"arctan2": "atan2", "fabs": "__abs__", "rint": "__round__", "conjugate": "__pos__"}
ANGLES = {"degrees": math.degrees(1.0), "radians": math.radians(1.0)}
ANGLES |= {"rad2deg": ANGLES["degrees"], "deg2rad": ANGLES["radians"]}
# What its operators are in Python, and those of its functions that look for no method.
NAMES = {"add": "add", "subtract": "sub", "multiply": "mul", "divide": "truediv", "power": "pow"}
NAMES |= {"floor_divide": "floordiv", "remainder": "mod", "less": "lt", "less_equal": "le"}
NAMES |= {"greater": "gt", "greater_equal": "ge", "equal": "eq", "not_equal": "ne"}
PYTHON = {theirs: getattr(operator, ours) for theirs, ours in NAMES.items()}
PYTHON |= {name: getattr(math, name) for name in ("isnan", "isinf", "isfinite")}
PYTHON |= {"float_power": pow, "divmod": divmod}
# Functions of integers and bools, which Python would look for an operator for.
BITS = {"bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_count", "invert", "left_shift"}
BITS |= {"right_shift", "logical_xor", "gcd", "lcm"}
UNKNOWN = (
    "np.{} does not take a Value; write it with operators and with functions like engine.where, "
    "engine.sign and engine.trunc, or give it the number, x.data"
)
BESIDE = "keep it beside, in a dictionary by Value"
# Where optimisers written by hand keep what they know of a parameter.
KEPT = """m v m1 m2 mom momentum vel velocity cache exp_avg exp_avg_sq square_avg buf g g2 step t lr
    state prev prev_grad old mask frozen tag layer name"""


def _op(node: Value) -> str:
    """The operation, as micrograd writes it: "" for a leaf, "**2" for a square.

    >>> (Value(2.0) * 3)._op, (Value(2.0) ** 3)._op, Value(2.0)._op
    ('*', '**3', '')
    """
    op = node.op
    if op is None or op is CONSTANT:
        return ""
    if op.name == "pow":
        return f"**{node.parents[1].data:g}"
    return MICROGRAD.get(op.name, op.symbol)


def _backward(node: Value) -> Callable[[], None]:
    """One step of a walk by hand: hands the node's gradient to its parents, as backward() does.

    >>> a, b = Value(2.0), Value(3.0)
    >>> c = a * b
    >>> c.grad = 1.0
    >>> c._backward(); a.grad, b.grad
    (3.0, 2.0)
    """

    def step() -> None:
        gradients_of([node, *node.parents])  # as floats
        for parent, local in edges(node):
            if local is not None and parent.op is not CONSTANT:
                parent.grad += node.grad * local

    return step


def _set_backward(node: Value, function: object) -> NoReturn:
    got = "the derivative of a Value comes from its operation, so _backward cannot be set"
    remedy = "make an operation of your own: engine.operation(name, function, partials)"
    raise AttributeError(f"{got}; {remedy}")


def _refused(name: str, remedy: str) -> property:
    def refuse(node: Value, *value: object) -> NoReturn:
        """Not an attribute: raises AttributeError, which says where to keep such things."""
        fault = f"a Value has no attribute {name!r}, and takes no new ones"
        raise AttributeError(f"{fault}, which would cost memory in every node; {remedy}")

    return property(refuse, refuse)


def _array_ufunc(value: Value, ufunc: Any, method: str, *args: Any, **how: Any) -> Any:
    """What NumPy's functions of a Value give, and the operators of its scalars."""
    numpy, name, first = sys.modules["numpy"], ufunc.__name__, args[0]
    if name in NAMES and getattr(first, "ndim", 1) == 0 and first.dtype.kind != "O":
        return PYTHON[name](as_float(first[()]), args[1])
    if any(isinstance(x, Value) for x in how.get("out", ())):
        raise TypeError(UNKNOWN.format(name))
    has_method = hasattr(Value, name)  # which NumPy asks the first argument for
    boxed = (Value, int, float) if has_method else Value
    found = [numpy.asarray(constant(x)) if isinstance(x, boxed) else x for x in args]
    if has_method or ("O" in ufunc.types[-1] and name not in BITS):
        return getattr(ufunc, method)(*found, **how)
    function = PYTHON.get(name) or getattr(sys.modules["engine"], name, None)
    if function is None:
        raise TypeError(UNKNOWN.format(name))
    with numpy.errstate(all="ignore"):  # the engine has a word of its own for nan and overflow
        return getattr(numpy.frompyfunc(function, ufunc.nin, ufunc.nout), method)(*found, **how)


def _array_function(value: Value, function: Any, types: Any, args: Any, how: Any) -> Any:
    """What NumPy's other functions of a Value give: those that are written in Python."""
    try:
        return function._implementation(*args, **how)
    except (AttributeError, TypeError) as error:
        if type(error) not in (AttributeError, TypeError):  # one of our own
            raise
        raise TypeError(UNKNOWN.format(function.__name__)) from error


def _named(ours: str) -> property:
    return property(attrgetter(ours), doc=f"What NumPy calls where `Value.{ours}` is meant.")


def _times(factor: float) -> property:
    doc = f"What NumPy calls to multiply by {factor:.4g}, the unit of an angle."
    return property(lambda x: partial(operator.mul, x, factor), doc=doc)


def install() -> None:
    """Set all these names on Value."""
    for name, it in {
        "_prev": property(lambda node: frozenset(node.parents)),
        "_op": property(_op),
        "_backward": property(_backward, _set_backward),
        "__array_ufunc__": _array_ufunc,
        "__array_function__": _array_function,
        "__match_args__": ("data",),
        **{theirs: _named(ours) for theirs, ours in NUMPY.items()},
        **{name: _times(factor) for name, factor in ANGLES.items()},
        **{kept: _refused(kept, f"{BESIDE}: {kept}[p] = ...") for kept in KEPT.split()},
        "requires_grad": _refused("requires_grad", "call requires_grad_(False) of its module"),
    }.items():
        setattr(Value, name, it)
