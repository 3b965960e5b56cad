"""Locks that survive a fork. In the child the threads that held them no longer exist."""

import os
import threading
from collections.abc import Callable
from typing import Any


def fork_safe_lock() -> Any:
    """A reentrant lock for a module. In a forked child it is free, whoever held it before."""
    lock: Any = threading.RLock()

    def let_go() -> None:
        if lock.acquire(blocking=False):  # it is free, or held by the thread that forked
            lock.release()
        else:
            lock._at_fork_reinit()  # as the locks of the standard library do

    in_forked_child(let_go)
    return lock


def in_forked_child(action: Callable[[], None]) -> None:
    """Call a function in every process that is forked from this one."""
    if hasattr(os, "register_at_fork"):  # Windows has no fork
        os.register_at_fork(after_in_child=action)
