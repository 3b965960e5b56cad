"""The two packages that native code needs, imported when it is first asked for."""

from __future__ import annotations

from functools import cache
from typing import Any

from engine.lazy import optional

__all__ = ["available", "llvm", "numpy"]

REMEDY = "native programs need llvmlite and numpy; install them with pip install gradwalk[fast]"


@cache
def numpy() -> Any:
    """The package, or an ImportError with the remedy."""
    return optional("numpy", REMEDY)


@cache
def llvm() -> Any:
    """llvmlite's binding of LLVM."""
    return optional("llvmlite.binding", REMEDY)


def available() -> bool:
    """Whether native programs can be made here."""
    try:
        numpy(), llvm()
    except ImportError:
        return False
    return True
