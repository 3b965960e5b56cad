"""What is imported when it is first asked for: names of rooms above, and packages of extras."""

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def lazy(package: str, homes: Mapping[str, Sequence[str]]) -> Callable[[str], object]:
    """A `__getattr__` for a package: imports a name from the module that `homes` lists it under.

    >>> import engine
    >>> engine.Program.__module__
    'engine.native.program'
    """

    def find(name: str) -> object:
        home = next((module for module, names in homes.items() if name in names), None)
        if home is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        found: object = getattr(importlib.import_module(home), name)
        setattr(sys.modules[package], name, found)
        return found

    return find


def optional(name: str, remedy: str) -> Any:
    """A package that not everybody has installed, or an ImportError with the remedy."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(f"{remedy} ({error})") from error
