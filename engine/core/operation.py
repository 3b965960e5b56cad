"""Operation: one row of the table, a rule of differentiation that is mathematics written once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from math import isinf
from types import FunctionType, SimpleNamespace
from typing import TYPE_CHECKING, Any, overload

from engine.core.node import Node

if TYPE_CHECKING:
    from engine.core.value import Value

_makes_nodes = True  # see value.record


Interval = tuple[float, float]
NAME = r"\name"  # in TeX, what wording/notation.py makes of it


@dataclass(eq=False, repr=False)
class Operation:
    """One row: an operation's name, its float function and its derivatives.

    Calling it on numbers computes; calling it on Values (or a mix) records a node.

    Arguments:
        name: a unique name, as in PyTorch or JAX.
        function: floats to a float; it should answer inf or nan rather than raise. Made of
            arithmetic and of other rows (`rows.exp(x)`) it runs in vectors natively. One that looks
            at its numbers (`if x > 0.0`, `math.exp(x)`) is called for each row, which is slow
            there, unless engine/native/math has a formula of that name.
        partials: `partials(y, *inputs)` gives the derivative by each input, in a tuple. `y` is the
            output: where it helps, use it. Where they are constants, just the tuple of numbers.
            None stands for an input that takes no gradient: a number, an index or a test.
        symbol: what a picture shows. tex: LaTeX, with {0}, {1} for the inputs; without them, the
            name of a function of all inputs.
        domain: for each input the interval in which tests draw it; one interval serves all.
        expand: the same value in elementary operations, for rows that take any number of inputs.
        remedy: what to do where it is undefined or infinite; or such remedies by the name of the
            operation that made the input, "overflow" for one of other numbers than 0, "" for any.
        finite_partials: its value and its partials are finite wherever its inputs are (but for an
            overflow). If that depends on the inputs, a function of them: each is a number where it
            is known, else None.
        branches: it takes some of its inputs and leaves the others out, as `maximum` does. A
            partial that is 0 says that the input was left out: nothing is handed on to it, not
            even 0 times an infinity. With one input, a function of the output can say whether the
            input was taken.
        own: a user added it, and not the engine.
    """

    name: str
    function: Callable[..., float]
    partials: Any
    _: KW_ONLY
    symbol: str = ""
    tex: str = ""
    domain: Interval | Sequence[Interval] = (-3.0, 3.0)
    expand: Callable[..., Any] | None = None
    remedy: str | dict[str, str] = ""
    finite_partials: bool | Callable[..., bool] = False
    branches: bool | Callable[[float], bool] = False
    own: bool = True

    def __post_init__(self) -> None:
        # the constant ones stand apart, since calling a function for each would cost the sweep
        constant = None if callable(self.partials) else self.partials
        self.constant_partials: Any = constant
        self.partials = self.partials if constant is None else lambda y, *inputs: constant
        self.numeric: Callable[..., Any] = _on_floats(self.partials)
        # NAME stands for a function of all inputs; an expansion is shown where it has a sign
        self.tex = self.tex or ("" if self.expand and self.symbol else NAME)
        self.symbol = self.symbol or self.name
        finite = bool(self.branches) or constant is not None
        self.finite_partials = self.finite_partials or finite

    @overload
    def __call__(self, *args: float) -> float: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, *args: Value | float) -> Value: ...
    def __call__(self, *args: Any) -> Any:
        """A float for numbers, a new node where there is a node among the arguments."""
        for arg in args:
            if arg.__class__ is not float and isinstance(arg, Node):
                return arg._apply(self, args)
        return self.function(*args)

    def advice(self, parents: tuple[Node, ...], y: float) -> str:
        """What to do where it is undefined or infinite: the remedy for an overflow, if y is one, or
        for the operation that made one of these inputs, or for any; "" where there is none.
        """
        remedies = {"": self.remedy} if isinstance(self.remedy, str) else self.remedy
        cases = ["overflow"] * (isinf(y) and all(p._data for p in parents))
        cases += [*[str(parent.op) for parent in parents if parent.parents], ""]
        found = next((remedies[case] for case in cases if case in remedies), "")
        return found.replace("{options}", str(len(parents) - 1))

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"<operation {self.name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return lookup, (self.name,)


class Floats:
    """The float function of each row, as an attribute of the row's name."""

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Callable[..., float]: ...


rows: Any = SimpleNamespace()  # the row of each name: rows.exp
floats: Floats = Floats()  # the float function of each: floats.exp
TABLE: dict[str, Operation] = vars(rows)  # the same, to look up and to go through


def row(name: str, function: Callable[..., float], partials: Any, **how: Any) -> Operation:
    """Add a row of the engine to the table; the arguments are those of Operation.

    A row that needs no remedy is one of `finite_partials`, unless it says that it is not.
    """
    how = {"finite_partials": not how.get("remedy"), **how}
    made = TABLE[name] = Operation(name, function, partials, own=False, **how)
    setattr(floats, name, function)
    return made


def _on_floats(partials: Callable[..., Any]) -> Callable[..., Any]:
    """Partials for floats: their own code, in which `rows.exp` is the float function of exp.

    A row that is called on floats looks for nodes among them and finds none. Without that search
    the sweep of a network with relu takes a fifth less time. A debugger shows the same lines.
    """
    if not isinstance(partials, FunctionType) or "rows" not in partials.__code__.co_names:
        return partials
    return FunctionType(partials.__code__, {**partials.__globals__, "rows": floats})


def lookup(name: str) -> Operation:
    """The row of that name; KeyError where none is registered (yet)."""
    try:
        return TABLE[name]
    except KeyError:
        remedy = "if it is your own, register it with engine.operation(...) before you load what"
        raise KeyError(f"no operation is called {name!r}; {remedy} uses it") from None
