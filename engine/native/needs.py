"""The two packages that native code needs, imported when it is first asked for."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

__all__ = ["available", "llvm", "numpy"]

REMEDY = "native programs need llvmlite and numpy; install them with pip install gradwalk[fast]"


@cache
def numpy() -> Any:
    """The package, or an ImportError with the remedy."""
    return _load("numpy")


@cache
def llvm() -> Any:
    """llvmlite's binding of LLVM."""
    return _load("llvmlite.binding")


def available() -> bool:
    """Whether native programs can be made here."""
    try:
        numpy(), llvm()
    except ImportError:
        return False
    return True


def _load(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(f"{REMEDY} ({error})") from error
