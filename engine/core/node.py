"""The two kinds of thing there are: a Node is data, an Operation is a rule written once.

A node holds no closure and no set, and no node points back: that alone makes a graph cheap to
build, free to collect, safe to pickle and copy, and readable in a debugger.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from types import CodeType, FunctionType
from typing import Any

__all__ = ["ITEM", "TABLE", "Node", "Operation", "as_float", "bind_floats", "lookup"]

Interval = tuple[float, float]

# Where one call gave a list of nodes, the `_at` of the first has this added to it, that of the
# second twice this, and so on: so each can be called by its place.
ITEM = 1 << 32


class Node:
    """A number, the operation that made it and the nodes it was made from; nothing else."""

    __slots__ = ("__weakref__", "_at", "_code", "_data", "_epoch", "grad", "label", "op", "parents")

    _at: int  # which instruction of _code made it (and see ITEM); origins.py reads the two
    _code: CodeType | None
    _data: float
    _epoch: int  # when the data was set, counted in changes to leaves (value.py)
    grad: float
    op: Operation | None  # None for a leaf
    parents: tuple[Node, ...]
    label: str | None

    def _call(self, op: Operation, args: tuple[Any, ...]) -> Any:
        """The node of `op` on args, of which this is one."""
        raise NotImplementedError


class Operation:
    """One row: an operation's name, its float function and its derivatives.

    Calling it on numbers computes; calling it on Values (or a mix) records a node.

    Arguments:
        name: a unique name, as in PyTorch or JAX.
        function: floats to a float; it should answer inf or nan rather than raise.
        partials: `partials(y, *inputs)` gives the derivative by each input, in a tuple. `y` is the
            output: where it helps, use it. Where they are constants, just the tuple of numbers.
            None stands for an input that is a number and no Value.
        symbol: what a picture shows. tex: LaTeX, with {0}, {1} for the inputs; without them, the
            name of a function of all inputs.
        domain: for each input the interval in which tests draw it; one interval serves all.
        expand: the same value in elementary operations, for rows that take any number of inputs.
        remedy: what to do where it is undefined or infinite; by the name of the operation that
            made the input, or "" for any.
        tame: its partials are finite wherever its inputs are; the sweep passes over such a node
            when nothing comes from above.
    """

    def __init__(
        self,
        name: str,
        function: Callable[..., float],
        partials: Callable[..., Any] | tuple[float, ...],
        *,
        symbol: str = "",
        tex: str = "",
        domain: Interval | Sequence[Interval] = (-3.0, 3.0),
        expand: Callable[..., Any] | None = None,
        remedy: dict[str, str] | None = None,
        tame: bool = False,
    ) -> None:
        self.name = name
        self.function = function
        # constant partials stand apart, since calling a function for each would cost the sweep
        self.slopes = None if callable(partials) else partials
        self.partials = partials if callable(partials) else lambda y, *inputs: partials
        self.numeric = self.partials  # the same, where all inputs are floats (see ops.py)
        self.symbol = symbol or name
        # a name without {0} is a function of all inputs; nothing at all, its expansion is written
        name_in_tex = r"\operatorname{{" + name.replace("_", r"\_") + "}}"
        self.tex = tex or ("" if expand else name_in_tex)
        self.domain = domain
        self.expand = expand
        self.remedy = remedy or {}
        self.tame = tame

    def __call__(self, *args: Any) -> Any:
        """A float for numbers, a new node where there is a node among the arguments."""
        for arg in args:
            if isinstance(arg, Node):
                return arg._call(self, args)
        return self.function(*args)

    def advice(self, parents: tuple[Node, ...]) -> str:
        """What to do where it is undefined or infinite: the remedy for the operation that made one
        of these inputs, or for any; "" where there is none.
        """
        makers = [str(parent.op) for parent in parents if parent.parents]
        return next((self.remedy[name] for name in (*makers, "") if name in self.remedy), "")

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"<operation {self.name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return lookup, (self.name,)


TABLE: dict[str, Operation] = {}


def lookup(name: str) -> Operation:
    """The row of that name; KeyError where none is registered (yet)."""
    try:
        return TABLE[name]
    except KeyError:
        raise KeyError(
            f"no operation is called {name!r}; if it is your own, register it with "
            "engine.operation(...) before you load what uses it"
        ) from None


def as_float(number: Any) -> float:
    """What a Value may hold, as a float; a TypeError that says what to do for anything else."""
    if isinstance(number, (int, float)):
        try:
            return float(number)
        except OverflowError:
            raise OverflowError(
                "an int beyond 1.8e308 does not fit into a Value; scale it"
            ) from None
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(number, (numpy.integer, numpy.floating, numpy.bool_)):
        return float(number)
    if isinstance(number, Node):
        remedy = "use it as it is, or .detach() it for a leaf of its own"
    elif number is None:
        remedy = "give a number, e.g. 0.0"
    elif isinstance(number, complex):
        remedy = "take .real or abs(...)"
    elif (
        hasattr(number, "__len__")
        and getattr(number, "shape", None) != ()
        and not isinstance(number, (str, bytes))
    ):
        remedy = "make one Value for each element, e.g. [Value(x) for x in xs]"
    else:
        remedy = "convert it with float(...)"
    raise TypeError(
        f"a Value holds an int, a float or a NumPy scalar, got {type(number).__name__} "
        f"{number!r:.60}; {remedy}"
    )


def bind_floats(names: Mapping[str, Any], **instead: Any) -> None:
    """Give the rows of a module the same partials in the arithmetic of floats.

    On floats a row's call only finds out that there is no node among its arguments. So the code of
    each partial is bound a second time to names of which the rows are their float functions.

    Arguments:
        names: what is in the module. instead: floats' own versions of its other functions.
    """
    floats: dict[str, Any] = {
        name: thing.function if isinstance(thing, Operation) else thing
        for name, thing in names.items()
    }
    module = names["__name__"]
    floats |= {
        name: FunctionType(thing.__code__, floats)
        for name, thing in names.items()
        if isinstance(thing, FunctionType) and thing.__module__ == module
    }
    floats |= instead
    for row in TABLE.values():
        if isinstance(row.partials, FunctionType) and row.partials.__module__ == module:
            row.numeric = FunctionType(row.partials.__code__, floats)
