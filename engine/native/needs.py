"""The two packages that native code needs, imported when it is first asked for."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from engine.lazy import optional

NEED = "native programs need llvmlite and numpy", "fast"


@cache
def numpy() -> Any:
    """The package, or an ImportError with the remedy."""
    return optional("numpy", *NEED)


@cache
def llvm() -> Any:
    """llvmlite's binding of LLVM. A fork waits until no thread is inside it."""
    binding = optional("llvmlite.binding", *NEED)
    if hasattr(os, "register_at_fork"):  # Windows has no fork
        lock = binding.ffi.lib._lock  # around every call; in the child nobody could let it go
        os.register_at_fork(
            before=lock.__enter__, after_in_parent=lock.__exit__, after_in_child=lock.__exit__
        )
    return binding


def available() -> bool:
    """Whether native programs can be made here."""
    try:
        numpy(), llvm()
    except ImportError:
        return False
    return True
