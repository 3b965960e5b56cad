"""Helpers that wait in machine code: each shard is computed once, and the caller never for long."""

import ctypes
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from time import monotonic
from typing import Any

import numpy as np
import pytest

from engine.native import team
from engine.native.library import compile_text
from engine.native.team import CALL, Pace, Team

Run = Callable[[int, int], int]  # of the number that a call begins with, and its workspace
signature = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.POINTER(ctypes.c_int64))


@pytest.fixture
def made() -> Iterator[Callable[[int], Team]]:
    teams = list[Team]()

    def make(helpers: int) -> Team:
        teams.append(Team(helpers, compile_text))
        return teams[-1]

    yield make
    for each in teams:
        each.end()


class Job:
    """Calls of a Python function, which machine code makes as it does those of a program."""

    def __init__(self, run: Run, calls: int, hands: int) -> None:
        self._run = signature(lambda call: run(call[0], call[6]))
        address = ctypes.cast(self._run, ctypes.c_void_p).value
        self._held = [np.array([0, 0, address], "int64") for _ in range(hands)]
        self.spaces: list[int] = [held.ctypes.data for held in self._held]
        self.calls: bytes = np.outer(
            np.arange(calls), np.eye(CALL // 8, dtype="int64")[0]
        ).tobytes()

    def do(self, by: Team, wake: bool = True) -> bool | None:
        return by.share(self.calls, self.spaces, wake)


def test_a_helper_and_the_caller_compute_at_once(made: Callable[[int], Team]) -> None:
    """Each waits in its first shard for the other. A machine that is busy may need more than one
    job for that, since the caller waits for nobody who has not begun.
    """
    by, end = made(1), monotonic() + 60
    both, seen = threading.Barrier(2), dict[int, set[int]]()

    def run(_: int, space: int) -> int:
        if threading.get_ident() not in seen:
            with suppress(threading.BrokenBarrierError):
                both.wait(0.05)
        seen.setdefault(threading.get_ident(), set()).add(space)
        return 0

    job = Job(run, 50, 2)
    while not seen or both.broken:
        assert monotonic() < end
        both.reset()
        seen.clear()
        assert job.do(by) is False
    assert sorted(seen.values(), key=min) == [{space} for space in sorted(job.spaces)]


@pytest.mark.parametrize("helpers", [1, 3])
def test_each_shard_is_computed_once(helpers: int, made: Callable[[int], Team]) -> None:
    by, rng = made(helpers), random.Random(helpers)
    for _ in range(300):
        done, calls, odd = Counter[int](), rng.randrange(1, 9), rng.randrange(20)
        job = Job(lambda i, _, done=done, odd=odd: done.update([i]) or i == odd, calls, 1 + helpers)
        assert job.do(by, rng.random() < 0.5) is (odd < calls)
        assert done == Counter(range(calls))


def test_a_helper_without_a_workspace_stays_away(made: Callable[[int], Team]) -> None:
    by, who = made(2), set[int]()
    for hands in [3, 1] * 20:  # in the second job they are awake
        who.clear()
        Job(lambda *_: who.add(threading.get_ident()) or 0, 40, hands).do(by)
        assert len(who) <= hands
    assert who == {threading.get_ident()}


def test_helpers_that_sleep_are_woken_by_large_calls_and_by_calls_that_follow_at_once(
    made: Callable[[int], Team], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, rung = [100.0], list[bool]()
    monkeypatch.setattr(team, "perf_counter", lambda: clock[0])
    by = made(1)
    ring = team._ring
    monkeypatch.setattr(team, "_ring", lambda bell: rung.append(True) or ring(bell))
    job = Job(lambda *_: 0, 3, 2)

    def woken(later: float, wake: bool = False) -> bool:
        clock[0] += later
        rung.clear()
        job.do(by, wake)
        return bool(rung)

    assert [woken(1.0), woken(0.5e-3), woken(2e-3), woken(5.0, True)] == [False, True, False, True]


def test_a_helper_that_cannot_be_had_is_done_without(
    made: Callable[[int], Team], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where Python is about to exit, or the machine has no room for more threads."""
    start, begun = threading.Thread.start, list[Any]()

    def refused(thread: threading.Thread) -> None:
        if begun:
            raise RuntimeError("can't start new thread")
        begun.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refused)
    by, done = made(3), Counter[int]()
    monkeypatch.undo()
    assert Job(lambda i, _: done.update([i]) or 0, 30, 4).do(by) is False
    assert done == Counter(range(30))
    by.end()
    assert not begun[0].is_alive()


def test_callers_side_by_side_get_what_is_theirs(made: Callable[[int], Team]) -> None:
    by, rng = made(2), random.Random(5)

    def call(seed: int) -> Counter[bool | None]:
        found = Counter[bool | None]()
        for _ in range(200):
            done, odd = Counter[int](), rng.randrange(12)
            job = Job(lambda i, _, done=done, odd=odd: done.update([i]) or i == odd, 6, 3)
            answer = job.do(by)
            assert answer in (None, odd < 6)
            assert done == Counter(range(0 if answer is None else 6))
            found[answer] += 1
        return found

    with ThreadPoolExecutor(4) as pool:
        found = sum(pool.map(call, range(4)), Counter[bool | None]())
    assert found[True]
    assert found[False]


def test_one_call_at_a_time_has_the_helpers(made: Callable[[int], Team]) -> None:
    by, inner = made(1), list[bool | None]()
    other = Job(lambda *_: 0, 4, 2)
    Job(lambda *_: inner.append(other.do(by)) or 0, 5, 2).do(by)
    assert inner == [None] * 5
    assert other.do(by) is False


@pytest.mark.parametrize("asleep", [True, False])
def test_python_exits_with_helpers_asleep_and_awake(asleep: bool) -> None:
    script = f"""
import threading, time
from engine.native.library import compile_text
from engine.native.team import Team
from tests.native.test_team import Job
by = Team(2, compile_text)
Job(lambda *_: 0, 9, 3).do(by)
time.sleep({0.3 * asleep})
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")


def work(pace: Pace, seconds: float, alone: float, shared: float) -> float:
    """The part of so much time in which calls had helpers. They take so long, each in its way."""
    spent = {False: 0.0, True: 0.0}
    while sum(spent.values()) < seconds:
        way = pace.wants(False)
        spent[way] += shared if way else alone
        pace.note(1000, shared if way else alone)
    return spent[True] / seconds


def test_helpers_are_had_while_they_pay() -> None:
    pace = Pace()
    assert work(pace, 0.01, 300e-6, 160e-6) == 0.0
    assert work(pace, 2.0, 300e-6, 160e-6) > 0.9
    work(pace, 4.0, 300e-6, 290e-6)  # somebody else needs the other core
    assert work(pace, 3.0, 300e-6, 290e-6) < 0.1
    work(pace, 4.0, 300e-6, 160e-6)
    assert work(pace, 3.0, 300e-6, 160e-6) > 0.9


def test_the_first_call_has_helpers_if_it_is_large() -> None:
    pace = Pace()
    assert not pace.wants(False)
    assert pace.wants(True)
    pace.note(1000, 0.001)
    assert pace.wants(False)
    assert work(pace, 2.0, 300e-6, 290e-6) < 0.1
