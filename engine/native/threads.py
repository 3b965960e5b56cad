"""Large calls: rows cut into shards, which threads compute side by side.

Sums of floats depend on their order. The shards depend on the rows and the program alone, and their
totals are added in pairs, then pairs of pairs, and so on. So the sum has the same bits however many
workers computed the shards, and whichever worker computed which.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from contextvars import copy_context
from functools import cache
from itertools import pairwise
from time import perf_counter
from typing import Any, TypeAlias, TypeVar

from engine.forks import in_forked_child
from engine.native.library import Compiled, compile_text, pack
from engine.native.needs import numpy
from engine.native.team import Team

Answer = TypeVar("Answer")
Piece: TypeAlias = tuple[int, int, Any]

GRAIN = 1 << 21  # additions and multiplications that a shard has at least: some 50 to 100 us
PER_TOTAL = 256  # and for each of its totals, which have to be added up (and sent) again
LARGE = 16 * GRAIN  # and that a call has which threads share, about 1 ms: to wake one takes 0.1
BLOCKS = 2  # that a shard has at least: fewer rows than a block has take nearly its time


def shard_size(flops: int, totals: int, block: int) -> float:
    """How many rows make a shard large enough to be worth its overhead.

    Arguments:
        flops: of a row. totals: numbers that a shard gives. block: rows that run at once.
    """
    return max(max(GRAIN, PER_TOTAL * totals) / max(flops, 1), BLOCKS * block)


def shard_count(rows: int, size: float) -> int:
    """How many shards so many rows make: a power of two.

    >>> [shard_count(rows, size=1000) for rows in (32, 1999, 2000, 10_000)]
    [1, 1, 2, 8]
    """
    return 1 << max(min(rows, int(rows / size)), 1).bit_length() - 1


def border(rows: int, shards: int, shard: int) -> int:
    """The number of the first row of a shard."""
    return rows * shard // shards


def shares(shards: int, workers: int) -> list[tuple[int, int]]:
    """The range of shards for each worker, about as many for all.

    >>> shares(shards=8, workers=3)
    [(0, 2), (2, 5), (5, 8)]
    """
    many = min(workers, shards)
    return list(pairwise([shards * i // many for i in range(many + 1)]))


def added(pieces: Iterable[Piece], spare: list[Any] | None = None) -> list[Piece]:
    """Add up what is known of neighbouring shards, in pairs, then pairs of pairs, and so on.

    Arguments:
        pieces: each the number of its first shard, how many shards it has, and their totals. They
            stand in order and without gaps.
        spare: a list that takes arrays which are free to be written over.

    Returns the pieces that are left: one where they are all the shards.
    """
    found: list[Piece] = []
    with numpy().errstate(all="ignore"):  # in ieee mode totals may be infinite
        for piece in pieces:
            _add_to(found, piece, spare)
    return found


def _add_to(found: list[Piece], piece: Piece, spare: list[Any] | None) -> None:
    first, size, totals = piece
    while found and found[-1][1] == size and found[-1][0] % (2 * size) == 0:
        first, _, others = found.pop()
        others += totals
        if spare is not None:
            spare.append(totals)
        totals, size = others, 2 * size
    found.append((first, size, totals))


# --- shards of a program's rows -------------------------------------------------------------------
def run_shards(code: Compiled, size: float, rows: Any, theta: Any, out: Any) -> bool:
    """Run a program for many rows, by several threads. Is anything in `out` infinite or nan?

    Arguments:
        size: rows that make a shard. rows, theta, out: arrays.
    """
    np, many, outputs = numpy(), len(rows), out.shape[-1]
    shards = shard_count(many, size)
    found = np.empty((shards, outputs)) if code.reduce else out
    width, (down, right), given = 8 * outputs, rows.strides, theta.ctypes.data
    at, to, whole = rows.ctypes.data, found.ctypes.data, many / shards
    large, pace = hands(code.assembly.flops, many) > 1, code.pace if workers() > 1 else None
    team = _team() if pace and pace.wants(large) else None
    start = perf_counter()
    spaces = [code.take() for _ in range(min(workers(), shards) if team else 1)]
    places, calls = [place for place, _ in spaces], list[bytes]()
    for shard in range(shards):
        low, high = border(many, shards, shard), border(many, shards, shard + 1)
        first, here = at + low * down, to + width * (shard if code.reduce else low)
        calls.append(pack(first, down, right, high - low, given, here, places[0], whole))
    odd = team.share(b"".join(calls), places, wake=large) if team else None
    alone = odd is None
    odd = bool(code.runs(b"".join(calls), shards)) if odd is None else odd
    code.idle.extend(spaces)
    if pace and alone is (team is None):  # else another call had the helpers
        pace.note(many, perf_counter() - start)
    if not code.reduce:
        return odd
    ((_, _, total),) = added([(i, 1, piece) for i, piece in enumerate(found)])
    np.divide(total, shards if code.reduce == "mean" else 1.0, out)  # exact: a power of two
    return not np.isfinite(out).all()


# --- threads --------------------------------------------------------------------------------------
@cache
def workers() -> int:
    """How many threads compute at once: one for each CPU of this process, or OMP_NUM_THREADS."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdecimal() and int(asked):
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def hands(flops: int, rows: int) -> int:
    """How many threads are worth their waking for so many rows, which do not change the result."""
    return workers() if flops * rows >= LARGE else 1


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(workers() - 1, 1), "gradwalk")


@cache
def _aside() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "gradwalk")


@cache
def _team() -> Team:
    return Team(workers() - 1, compile_text)


# a child has none of its parent's threads
in_forked_child(_pool.cache_clear)
in_forked_child(_aside.cache_clear)
in_forked_child(_team.cache_clear)


def later(task: Callable[[], object]) -> None:
    """Do something that can wait, while this thread goes on."""
    with suppress(RuntimeError):  # Python is about to exit, and starts no thread any more
        _aside().submit(task)


def together(tasks: Sequence[Callable[[], Answer]]) -> list[Answer]:
    """What the tasks return, in their order.

    This thread takes the first, and whatever no other thread has begun by then. So it never waits
    for a thread that does something else.
    """
    others, futures = tasks[1:], list[Future[Answer]]()
    with suppress(RuntimeError):  # Python is about to exit, and starts no thread any more
        futures += (_pool().submit(copy_context().run, task) for task in others)
    try:
        found = [task() for task in tasks[:1]]
        for task, future in zip(others, futures, strict=False):
            found.append(task() if future.cancel() else future.result())
        return found + [task() for task in others[len(futures) :]]
    finally:
        # the others write to what the caller holds
        wait([future for future in futures if not future.cancel()])
