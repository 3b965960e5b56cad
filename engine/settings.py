"""Settings that last for a `with` block.

A setting belongs to the thread or task that entered the block. Where a generator entered it, it
holds only while that generator runs: between its yields nothing leaks out.
"""

import sys
from collections.abc import Callable
from contextlib import ContextDecorator
from contextvars import ContextVar
from types import FrameType
from typing import Any, Generic, Self, TypeVar

T = TypeVar("T")
Function = TypeVar("Function", bound=Callable[..., Any])


class Setting(Generic[T]):
    """A stack of values, one for each open `with` block, with a default below it."""

    def __init__(self, name: str, default: T) -> None:
        self.default = default
        # blocks open in any thread: while there are none, nobody needs to look
        self.open: set[Block[T]] = set()
        self._entries: ContextVar[tuple[Block[T], ...]] = ContextVar(name, default=())

    def get(self) -> T:
        """The value here: that of the innermost block that holds, or the default."""
        for block in reversed(self._entries.get()):
            if block.applies():
                return block.value
        return self.default

    def blocks(self) -> "tuple[Block[T], ...]":
        """The open blocks of this thread or task, the innermost last."""
        return self._entries.get()

    def enter(self, block: "Block[T]") -> None:
        """Open a block."""
        self.open.add(block)
        self._entries.set((*self._entries.get(), block))

    def leave(self, block: "Block[T]") -> None:
        """Close a block, whichever is the innermost."""
        self.open.discard(block)
        block.over = True  # also for tasks that inherited it, and threads that entered it
        self._entries.set(tuple(each for each in self._entries.get() if not each.over))


class Block(Generic[T]):
    """One open `with` block: its value, and the generator that entered it, if one did."""

    generator: FrameType | None
    over: bool

    def __init__(self, value: T, generator: FrameType | None) -> None:
        self.value, self.generator, self.over = value, generator, False

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
        block = Block(self.value, _owner(sys._getframe(1)))
        self._blocks.append(block)
        try:
            self._setting.enter(block)
            return self
        except KeyboardInterrupt:  # then there is no block
            self._setting.leave(block)
            raise

    def __exit__(self, *exception: object) -> None:
        block = None
        try:
            block = self._innermost(sys._getframe(1))
            self._setting.leave(block)
            self._blocks.remove(block)
        except KeyboardInterrupt:  # it is left all the same
            self._setting.leave(block or self._innermost(sys._getframe(1)))
            raise

    def _innermost(self, caller: FrameType) -> Block[T]:
        """The block that is open here, and among those the caller's own, and of those the last: a
        scope may be open in several threads, tasks and generators.
        """
        here, owner = self._setting.blocks(), _owner(caller)
        left = [block for block in self._blocks if not block.over]
        return sorted(left, key=lambda b: (b in here, b.generator is owner))[-1]

    def __call__(self, function: Function) -> Function:
        """The function, in a block at each call; a TypeError for what runs on after its call."""
        code = getattr(function, "__code__", None)
        if code is not None and code.co_flags & _LATER:
            fault = f"{code.co_name} runs after the call that makes it has returned"
            remedy = f"write `with {type(self).__name__}(...):` inside it"
            raise TypeError(f"{fault}, so a decorator could not last; {remedy}")
        return super().__call__(function)
