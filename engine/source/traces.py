"""What is kept for `diagnose`: which lines changed leaves, and what backward passes began with."""

from collections import deque
from collections.abc import Sequence
from sys import _getframe
from types import FrameType
from typing import Any
from weakref import ref

from engine.source.lost import outside_library
from engine.source.origin import Origin, origin_of

# The code and the instruction that change leaves, and from which change on.
CHANGES: deque[tuple[Any, int, int]] = deque([(None, 0, 0)], maxlen=1000)
SWEEPS: deque[tuple[Any, ...]] = deque(maxlen=2000)  # see Sweep in engine/explain/facts.py


def note_change(frame: FrameType, epoch: int) -> None:
    """Keep what changes a leaf; a loop that changes many is kept once."""
    code, at, _ = CHANGES[-1]
    if at != frame.f_lasti or code is not frame.f_code:
        CHANGES.append((frame.f_code, frame.f_lasti, epoch))


def changed_at(epoch: int) -> Origin | None:
    """The line that made a change of leaves, by its number; None if it is not known any more."""
    for code, at, since in reversed(CHANGES):
        if since <= epoch:
            return origin_of(code, at >> 1, None) if code else None
    return None


def told(epoch: int) -> str:
    """The end of a sentence on a change: which line of the user's made it, if that is known."""
    by = changed_at(epoch)
    known = by and by.place and (by.file[0] != "<" or "<ipython-" in by.file)
    return f" (as {by} did)" if known else ""


def note_sweep(order: Sequence[Any], held: Any) -> None:
    """Keep what a backward pass began with.

    Arguments:
        order: its nodes. held: the first that had a gradient before, or None.
    """
    root, leaf, by = order[0], order[-1], outside_library(_getframe(3))
    for leaf in reversed(order):
        if leaf.op is None:
            break
    about = root._code, root._at, root._epoch, root._data, ref(leaf)
    before = None if held is None else ref(held)
    SWEEPS.append((*about, before, by.f_code, by.f_lasti))
