"""Names and habits of other libraries: what code written for micrograd and NumPy asks of a Value.

`install` sets them on Value when `engine` is imported. The core does not know them.

NumPy needs no more than names: in an array of objects its functions call the operator or the method
of each object, `np.exp(x)` calls `x.exp()`.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import NoReturn

from engine.core.node import edges
from engine.core.ops import CONSTANT
from engine.core.sweep import gradients_of
from engine.core.value import Value

MICROGRAD = {"mul": "*", "relu": "ReLU"}  # its words, where the symbol is another
# What NumPy calls methods that have other names here.
NUMPY = {f"arc{name}": f"a{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")}
NUMPY |= {"arctan2": "atan2", "fabs": "__abs__", "rint": "__round__"}
# Where optimisers written by hand keep what they know of a parameter.
KEPT = ("m", "v", "m1", "m2", "momentum", "velocity", "cache", "exp_avg", "exp_avg_sq", "name")


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
    raise AttributeError(
        "the derivative of a Value comes from its operation, so _backward cannot be set; make an "
        "operation of your own: engine.operation(name, function, partials)"
    )


def _refused(name: str) -> property:
    def refuse(node: Value, *value: object) -> NoReturn:
        """Not an attribute: raises AttributeError, which says where to keep such things."""
        raise AttributeError(
            f"a Value has no attribute {name!r}, and takes no new ones, which would cost memory in "
            f"every node; keep it beside, in a dictionary by Value: {name}[p] = ..."
        )

    return property(refuse, refuse)


def _named(ours: str) -> property:
    return property(attrgetter(ours), doc=f"What NumPy calls where `Value.{ours}` is meant.")


def install() -> None:
    """Set all these names on Value."""
    for name, it in {
        "_prev": property(lambda node: frozenset(node.parents)),
        "_op": property(_op),
        "_backward": property(_backward, _set_backward),
        "__match_args__": ("data",),
        # above that of NumPy's scalars, which leave the operators to a Value, and below its arrays'
        "__array_priority__": -1.0,
        **{theirs: _named(ours) for theirs, ours in NUMPY.items()},
        **{kept: _refused(kept) for kept in KEPT},
    }.items():
        setattr(Value, name, it)
