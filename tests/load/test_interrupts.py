"""Ctrl-C at any moment: what was going on has happened or not, and the next call is right.

A moment is a real one, when a timer goes off; or a line of the project's code, each in its turn.
"""

import gc
import random
import signal
import sys
from collections.abc import Iterator
from time import perf_counter, sleep
from types import FrameType
from typing import Any

import pytest

from engine import Value
from engine.core.modes import MODE, NO_GRAD, RECORDING
from engine.core.sweep import Gradients
from tests.load.works import WORKS, Work

MOMENTS = 30  # of each work
# Ends of `with` blocks: Python has no means to keep Ctrl-C out of a call's first moment.
ENDS = {"__exit__", "uncollected"}

pytest.importorskip("llvmlite", reason="pip install gradwalk[fast]")
# In a finalizer Python ignores what is raised, Ctrl-C too.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
needs_timer = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers on Windows")


@pytest.fixture(autouse=True)
def _nothing_is_left_to_other_tests() -> Iterator[None]:
    """A block of a fit that was ended in that moment is over, but counts as open."""
    yield
    for setting in (MODE, NO_GRAD, RECORDING):
        setting.open.intersection_update(setting.blocks())


@pytest.fixture(params=WORKS)
def work(request: pytest.FixtureRequest) -> Work:
    return WORKS[request.param]()


def check(work: Work, want: Any, where: object) -> None:
    """Nothing is half done, and the same call gives the same bits."""
    assert work.state() in work.allowed, where
    assert Gradients._open is None, where
    for _ in range(500):  # another thread may be compiling still
        if gc.isenabled():
            break
        sleep(0.01)
    assert gc.isenabled(), where
    assert not any(setting.blocks() for setting in (MODE, NO_GRAD, RECORDING)), where
    assert (Value(2.0) * 3.0).parents, where
    work.reset()
    assert work.do() == want, where


def pressed_after(seconds: float, work: Work) -> None:
    """Do a work, which Ctrl-C ends after a while."""
    over = False

    def press(*_: object) -> None:
        if not over:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, press)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        work.do()
        over = True
    except KeyboardInterrupt:
        pass
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@needs_timer
def test_ctrl_c_at_a_random_moment_leaves_the_next_call_right(work: Work) -> None:
    rng = random.Random(7)
    work.reset()
    want = work.do()
    work.reset()
    start = perf_counter()
    work.do()
    took = perf_counter() - start
    for _ in range(MOMENTS):
        work.reset()
        seconds = max(rng.random() * took, 1e-6)
        pressed_after(seconds, work)
        check(work, want, f"after {seconds} s of {took}")


class Interrupter:
    """A trace function that presses Ctrl-C at the nth line of the project's code."""

    def __init__(self, nth: int) -> None:
        self.left, self.where = nth, ""

    def __call__(self, frame: FrameType, event: str, argument: object) -> Any:
        code = frame.f_code
        if "/engine/" not in code.co_filename and "/nn/" not in code.co_filename:
            return None
        if event == "line" and code.co_name not in ENDS:
            self.left -= 1
            if not self.left:
                self.where = f"{code.co_filename}:{frame.f_lineno}"
                raise KeyboardInterrupt
        return self


def lines_of(work: Work, nth: int = -1) -> Interrupter:
    """Do a work with Ctrl-C at the nth line, if it has so many."""
    interrupter, before = Interrupter(nth), sys.gettrace()
    sys.settrace(interrupter)
    try:
        work.do()
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(before)
    return interrupter


def test_ctrl_c_at_a_line_leaves_the_next_call_right(work: Work) -> None:
    work.reset()
    want = work.do()
    work.reset()
    lines = -1 - lines_of(work).left
    for nth in sorted(random.Random(5).sample(range(1, lines + 1), min(MOMENTS, lines))):
        work.reset()
        check(work, want, lines_of(work, nth).where)
