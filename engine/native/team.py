"""Threads that wait in machine code, and so are there when rows come.

To wake a thread takes some 50 to 100 us, in which a core does millions of multiply-adds. So a
helper that has computed looks out for more work for a while before it sleeps. Who calls a program
posts its shards, and takes one after another, as every helper does that is there by then. Nobody
waits for a helper that has not begun. Which thread computes a shard changes no bit.
"""

from __future__ import annotations

import atexit
import ctypes
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import inf
from pathlib import Path
from threading import Lock, Thread
from time import perf_counter
from typing import Any

from engine.native.needs import numpy

PATIENCE = 1_500  # looks, of about 0.3 us each, before a helper sleeps
EARLY, TRIAL = 0.02, 0.01  # seconds of work in which helpers find a core, and a way is tried
KEPT = 0.2, 3.2  # and in which one is kept before the other is tried: ever longer while it is right
GAIN = 0.75  # the part of its time that a call may take with helpers
NEAR = 1e-3  # seconds after a call in which the next one wakes helpers, however small it is
YIELD = "i32 @sched_yield()"
JOB = 5  # numbers of a job before its workspaces (team.ll)
CALL = 64  # bytes of a call


class Pace:
    """Whether helpers pay: on a machine that is busy otherwise, to wait for them may take longer.

    Attributes:
        shared: whether the next call should have them. From time to time the other way is tried.
    """

    def __init__(self) -> None:
        self.shared, self._tries, self._rates = False, False, [inf, inf]
        self._rows, self._spent, self._until, self._early = 0, 0.0, TRIAL, 0.0
        self._kept = KEPT[0]

    def wants(self, large: bool) -> bool:
        """Whether a call should have helpers. The first of all has them if it is large."""
        if not self._spent and self._rates == [inf, inf]:
            self.shared = large
        return self.shared

    def note(self, rows: int, seconds: float) -> None:
        """Take in a call that was done in the way that it wanted."""
        if self._early > 0.0:
            self._early -= seconds
            return
        self._rows += rows
        self._spent += seconds
        if self._spent > self._until:
            self._rates[self.shared] = self._spent / self._rows
            self._rows, self._spent, self._early = 0, 0.0, EARLY
            before, self._tries = not self.shared, not self._tries
            self.shared, self._until = before, TRIAL
            if not self._tries:
                self.shared = self._rates[True] < GAIN * self._rates[False]
                self._kept = min(2.0 * self._kept, KEPT[1]) if self.shared == before else KEPT[0]
                self._until = self._kept


class Team:
    """So many helpers, and what is posted for them. One call at a time has them.

    Arguments:
        compiled: gives LLVM's engine for a module.
    """

    def __init__(self, helpers: int, compiled: Callable[[str], Any]) -> None:
        text = Path(__file__).with_suffix(".ll").read_text("ascii")
        if hasattr(os, "sched_yield"):
            text = text.replace("; YIELD", f"call {YIELD}") + f"declare {YIELD}"
        self._engine = compiled(text)
        address = self._engine.get_function_address
        number = ctypes.c_int64
        self._share = ctypes.CFUNCTYPE(number, number, number)(address("share"))
        self._serve = ctypes.CFUNCTYPE(None, number, number, number)(address("serve"))
        self._words = numpy().zeros(24, "int64")
        self._post = (self._words.ctypes.data + 63) // 64 * 64
        self._last, self._ends, self._helpers = 0.0, False, list[tuple[Lock, Thread]]()
        with suppress(RuntimeError):  # Python is about to exit, or there are too many threads
            for k in range(helpers):
                (bell := Lock()).acquire()
                thread = Thread(target=self._help, args=[k, bell], daemon=True)
                thread.start()
                self._helpers.append((bell, thread))
        atexit.register(self.end)

    def share(self, calls: bytes, spaces: Sequence[int], wake: bool) -> bool | None:
        """Compute shards: is any result infinite or nan? None where another call has the helpers.

        Arguments:
            calls: what the program is called with for each shard, one behind the other. spaces: a
                workspace for this thread, and for each helper that may join.
            wake: those who sleep, however long ago the last call was.
        """
        if wake or perf_counter() - self._last < NEAR:
            for bell, _ in self._helpers[: len(spaces) - 1]:
                _ring(bell)
        given = ctypes.create_string_buffer(calls)
        about = 0, len(calls) // CALL, ctypes.addressof(given), 0, JOB + len(spaces)
        job = (ctypes.c_int64 * about[-1])(*about, *spaces)
        odd = self._share(self._post, ctypes.addressof(job))
        self._last = perf_counter()
        return None if odd < 0 else bool(odd)

    def _help(self, k: int, bell: Lock) -> None:
        while bell.acquire() and not self._ends:
            self._serve(self._post, JOB + 1 + k, PATIENCE)

    def end(self) -> None:
        """Let the threads end, before their code is gone."""
        self._ends = True
        for bell, thread in self._helpers:
            _ring(bell)
            thread.join()


def _ring(bell: Lock) -> None:
    """Wake a helper; one that is awake will look out for work once more."""
    with suppress(RuntimeError):  # it rings already
        bell.release()
