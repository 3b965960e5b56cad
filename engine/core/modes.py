"""The numeric mode, whether results are recorded, and the errors that the modes raise."""

from typing import Literal

from engine.choices import pick
from engine.settings import Scope, Setting

Mode = Literal["strict", "ieee"]


class NumericError(ArithmeticError, ValueError):
    """In strict mode, an operation (or its derivative) made a nan or an infinity out of finite
    numbers. The message names the operation, its inputs, the place and the remedy.

    Attributes:
        row: which of a program's rows it is about, if that is known.
    """

    row: int | None = None


class NumericOverflowError(NumericError, OverflowError):
    """A NumericError where Python itself raises OverflowError, as exp does past 709.78."""


class NumericZeroDivisionError(NumericError, ZeroDivisionError):
    """A NumericError where Python itself raises ZeroDivisionError, as a division by 0 does."""


class StaleValueError(RuntimeError):
    """A leaf was changed after the graph above it was built: its gradients would mix old and new
    numbers. Build the expression again after changing a leaf.
    """


class numeric_mode(Scope[Mode]):
    """How operations answer where they are undefined, infinite or overflow, inside a `with` block.

    Arguments:
        mode: `"strict"` (the default everywhere) raises `NumericError` at the operation that made
            the nan or the infinity; `"ieee"` never raises, inf and nan propagate as in IEEE 754.
            `engine.stepping.hunt` then finds where the first one came from.

    A generator that enters the block keeps it to itself between its yields. So does a pytest
    fixture that is one: write `with numeric_mode(...)` in the test, or use a `@contextmanager`.

    >>> from engine import Value, numeric_mode
    >>> with numeric_mode("ieee"):
    ...     print(Value(0.0).log().data)
    -inf
    """

    def __init__(self, mode: Mode) -> None:
        pick({"strict": 0, "ieee": 1}, mode, "numeric mode")
        super().__init__(MODE, mode)


class no_grad(Scope[bool]):
    """Inside a `with no_grad():` block results are leaves: no graph is recorded.

    >>> from engine import Value, no_grad
    >>> w = Value(2.0)
    >>> with no_grad():
    ...     print((w * 3).parents)
    ()
    """

    def __init__(self) -> None:
        super().__init__(NO_GRAD, True)


MODE: Setting[Mode] = Setting("numeric mode", "strict")
NO_GRAD: Setting[bool] = Setting("no_grad", False)
RECORDING: Setting[bool] = Setting("recording of a program", False)  # while its function is called
# where a graph is needed on the way, also under no_grad()
recording: Scope[bool] = Scope(NO_GRAD, False)
