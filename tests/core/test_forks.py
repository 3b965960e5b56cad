"""A process that is forked while other threads are at work: it neither waits nor reads halves."""

import os
import pickle
import select
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from engine import Value, compiled, no_grad
from engine.core import sweep, value
from engine.forks import fork_safe_lock

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def in_child(work: Callable[[], Any]) -> Any:
    """What `work` gives in a forked process, or what it raises there; no answer is an error."""
    read, write = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of forks beside threads
        child = os.fork()
    if not child:
        try:
            answer = work()
        except BaseException as error:  # noqa: BLE001 (the parent raises it)
            answer = error
        os.write(write, pickle.dumps(answer))
        os._exit(0)
    os.close(write)
    try:
        assert select.select([read], [], [], 20)[0], "the child hangs"
        answer = pickle.loads(os.read(read, 1 << 16))
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(read)
    if isinstance(answer, BaseException):
        raise answer
    return answer


@contextmanager
def beside(work: Callable[[threading.Event], None]) -> Iterator[None]:
    """A thread that has begun some work, until the block ends."""
    begun, over = threading.Event(), threading.Event()

    def run() -> None:
        begun.set()
        work(over)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    begun.wait(10)
    try:
        yield
    finally:
        over.set()
        thread.join(60)
        assert not thread.is_alive()


def held(lock: Any) -> Callable[[threading.Event], None]:
    def hold(over: threading.Event) -> None:
        with lock:
            over.wait(60)

    return hold


LOCKS = {"sweeps": sweep._sweeping, "leaves": value._lock}


@pytest.mark.parametrize("lock", LOCKS.values(), ids=LOCKS)
def test_a_lock_that_another_thread_holds_is_free_in_the_child(lock: Any) -> None:
    def work() -> tuple[float, float]:
        w = Value(1.0)
        w.data = 3.0
        y = w * w
        y.backward()
        with no_grad():
            return w.grad, (w * 2).data

    with beside(held(lock)):
        while lock.acquire(blocking=False):
            lock.release()
            time.sleep(0.001)
        assert in_child(work) == (6.0, 6.0)
        assert not lock.acquire(blocking=False)  # in the parent nothing has changed


def test_a_lock_that_the_forking_thread_holds_stays_its_own() -> None:
    lock = fork_safe_lock()

    def work() -> bool:
        lock.release()
        taken = []
        thread = threading.Thread(target=lambda: taken.append(lock.acquire(timeout=5)))
        thread.start()
        thread.join()
        return taken == [True]

    with lock:
        assert in_child(work)


def test_the_sweep_of_another_thread_is_undone_in_the_child() -> None:
    x = Value(3.0, "x")
    x.grad = 5.0
    y = (x * x).exp() * x
    stopped = threading.Event()

    def sweep_half(over: threading.Event) -> None:
        for step in y.backward_steps():
            if step.parent is x:
                stopped.set()
                over.wait(60)

    def work() -> list[float]:
        before = x.grad
        (x * 2.0).backward()
        return [before, x.grad, y.grad]

    with beside(sweep_half):
        assert stopped.wait(10)
        assert x.grad not in (0.0, 5.0)
        assert in_child(work) == [5.0, 7.0, 0.0]
    assert x.grad == 5.0 + sum(s.contribution for s in y.backward_steps() if s.parent is x)


def test_a_sweep_goes_on_in_the_child_that_its_own_thread_forked() -> None:
    x = Value(3.0)
    y = x * x
    steps = y.backward_steps()
    next(steps)
    assert in_child(lambda: [len([*steps]), x.grad]) == [1, 6.0]
    steps.close()
    assert x.grad == 0.0


def test_children_compile_whatever_other_threads_compile() -> None:
    pytest.importorskip("llvmlite", reason="pip install gradwalk[fast]")

    def scaled(k: float) -> Any:
        return compiled(lambda x: x * k + k)

    def compile_on(over: threading.Event) -> None:
        k = 0.0
        while not over.is_set():
            k += 1.0
            assert scaled(k)(1.0) == 2 * k

    assert compiled(lambda x: x * 2.0)(1.0) == 2.0  # the compiler has been loaded
    with beside(compile_on), beside(compile_on):
        for _ in range(5):
            time.sleep(0.02)
            assert in_child(lambda: compiled(lambda x: x * 1.25 + x.exp())(0.0)) == 1.0
