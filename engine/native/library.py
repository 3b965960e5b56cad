"""Programs that were compiled in this process, kept by structure: the same again costs nothing."""

from __future__ import annotations

import ctypes
import hashlib
import marshal
from collections import OrderedDict, deque
from math import inf
from struct import Struct
from time import perf_counter
from typing import Any

from engine.forks import fork_safe_lock
from engine.native.kernels.assemble import Assembly, assemble
from engine.native.lower.tape import Tape
from engine.native.machine import Code, compile_text, lanes
from engine.native.needs import numpy

__all__ = ["Compiled", "compiled_tape", "pack"]

KEPT = 64  # programs whose code stays although nobody holds them
# additions and multiplications after which fast code has saved the time that it takes to compile
WORTH = 4e8

pack = Struct("7q").pack  # of what `run` is given: ctypes would take long over each argument
_signature = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_char_p)
_kept: OrderedDict[bytes, tuple[Assembly, Code, bool]] = OrderedDict()  # and whether it is fast
_lock = fork_safe_lock()


class Compiled:
    """Machine code for a tape, and workspaces for its calls.

    Attributes:
        run: the function. good_for: so many rows; for more, `compiled_tape` gives faster code.
    """

    def __init__(
        self, assembly: Assembly, code: Code, fast: bool, seconds: float, cached: bool
    ) -> None:
        self.assembly, self.seconds, self.cached = assembly, seconds, cached
        self.good_for = inf if fast else WORTH / max(assembly.flops, 1)
        self.run: Any = _signature(code.address("run"))
        self._code = code
        # workspaces that no call has just now: who calls takes one, and puts it back
        self.idle: deque[tuple[int, Any]] = deque()

    def workspace(self) -> tuple[int, Any]:
        """The address of a new workspace, and what keeps it."""
        space = numpy().empty(self.assembly.doubles + 8)
        return (space.ctypes.data + 63) // 64 * 64, space


def compiled_tape(tape: Tape, reduce: str | None, rows: float) -> Compiled:
    """Code for a tape, good for so many rows: compiled now, or taken from what was before."""
    start = perf_counter()
    key = hashlib.sha256(marshal.dumps((tape.structure(), reduce))).digest()
    with _lock:
        known = _kept.pop(key, None)
        if known:
            _kept[key] = known  # the last to go
    assembly = known[0] if known else assemble(tape, reduce, lanes())
    fast = rows > WORTH / max(assembly.flops, 1)
    if known and known[2] >= fast:
        return Compiled(*known, 0.0, True)
    known = assembly, compile_text(assembly.text, assembly.keep, fast), fast
    with _lock:
        _kept[key] = known
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return Compiled(*known, perf_counter() - start, False)
