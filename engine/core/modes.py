"""Settings that last for a `with` block: the numeric mode, and whether results are recorded.

A setting belongs to the thread (or task) that entered the block and, where a generator entered it,
only to the code that runs while that generator does: between its yields nothing leaks out.
"""

import sys
from collections.abc import Callable
from contextlib import ContextDecorator
from contextvars import ContextVar
from types import FrameType
from typing import Any, Generic, Literal, Self, TypeVar

__all__ = [
    "NumericError", "NumericOverflowError", "NumericZeroDivisionError", "StaleValueError", "Mode"
]  # fmt: skip

Mode = Literal["strict", "ieee"]
T = TypeVar("T")
Function = TypeVar("Function", bound=Callable[..., Any])


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


class Setting(Generic[T]):
    """A stack of values, one for each open `with` block, with a default below it."""

    def __init__(self, name: str, default: T) -> None:
        self.default = default
        # blocks open in any thread: while there are none, nobody needs to look
        self.open: set[Block[T]] = set()
        self._entries: ContextVar[tuple[Block[T], ...]] = ContextVar(name, default=())

    def get(self) -> T:
        for block in reversed(self._entries.get()):
            if block.applies():
                return block.scope.value
        return self.default

    def blocks(self) -> "tuple[Block[T], ...]":
        return self._entries.get()

    def enter(self, block: "Block[T]") -> None:
        self.open.add(block)
        self._entries.set((*self._entries.get(), block))

    def leave(self, block: "Block[T]") -> None:
        self.open.discard(block)
        block.over = True  # also for tasks that inherited it, and threads that entered it
        self._entries.set(tuple(each for each in self._entries.get() if not each.over))


class Block(Generic[T]):
    """One open `with` block: its scope, and the generator that entered it, if one did."""

    def __init__(self, scope: "Scope[T]", generator: FrameType | None) -> None:
        self.scope = scope
        self.generator = generator
        self.over = False

    def applies(self) -> bool:
        """Whether the block holds here.

        It is open, and the generator that entered it, if any, is on the stack.
        """
        if self.generator is None or self.over:
            return not self.over
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame is not self.generator:
            frame = frame.f_back
        return frame is not None


# Flags of code objects, as `inspect` has them; importing it would double the time of ours.
_GENERATOR = 0x20 | 0x200  # generators and asynchronous ones
_LATER = _GENERATOR | 0x80  # and coroutines


def _owner(frame: FrameType | None) -> FrameType | None:
    """The generator that is entering a block, if one is.

    Contextlib drives generators for a `with` further out (`@contextmanager`, `ExitStack`). Such a
    block belongs to whoever wrote the `with`.
    """
    while frame is not None:
        caller = frame.f_back
        driven = caller is not None and caller.f_globals.get("__name__") == "contextlib"
        if frame.f_globals.get("__name__") != "contextlib" and not driven:
            break
        frame = caller
    return frame if frame is not None and frame.f_code.co_flags & _GENERATOR else None


class Scope(ContextDecorator, Generic[T]):
    """A context manager (and decorator) that sets a `Setting`; it can be entered repeatedly."""

    def __init__(self, setting: Setting[T], value: T) -> None:
        self._setting, self.value = setting, value
        self._blocks: list[Block[T]] = []

    def __enter__(self) -> Self:
        block = Block(self, _owner(sys._getframe(1)))
        self._blocks.append(block)
        self._setting.enter(block)
        return self

    def __exit__(self, *exception: object) -> None:
        # a scope may be open in several threads, tasks and generators: leave the block that is
        # open here, and among those the caller's own, and of those the last
        here, owner = self._setting.blocks(), _owner(sys._getframe(1))
        block = sorted(self._blocks, key=lambda b: (b in here, b.generator is owner))[-1]
        self._blocks.remove(block)
        self._setting.leave(block)

    def __call__(self, function: Function) -> Function:
        code = getattr(function, "__code__", None)
        if code is not None and code.co_flags & _LATER:
            raise TypeError(
                f"{code.co_name} runs after the call that makes it has returned, so a "
                f"decorator could not last; write `with {type(self).__name__}(...):` inside it"
            )
        return super().__call__(function)


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
        if mode not in ("strict", "ieee"):
            remedy = "; hunt(loss) of engine.stepping finds what went bad"
            hint = {"trace": remedy, "IEEE": '; write "ieee"'}.get(str(mode), "")
            raise ValueError(f'numeric_mode takes "strict" or "ieee", got {mode!r}{hint}')
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
recording = Scope(NO_GRAD, False)  # where a graph is needed on the way, also under no_grad()
recording_program = Scope(RECORDING, True)
