"""What is imported when it is first asked for: names of rooms above, and packages of extras."""

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def lazy(
    package: str, homes: Mapping[str, Sequence[str]], hidden: Sequence[str] = ()
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` for a package: names that are imported when they are asked for.

    Arguments:
        homes: for each module, the names that it has. Under the package itself stand its rooms.
        hidden: names that `dir` leaves out, as it does all that is neither in `homes` nor in
            `__all__`.

    >>> import engine
    >>> engine.Program.__module__, "drawing" in dir(engine), "core" in dir(engine)
    ('engine.native.program', True, False)
    """
    module, listed = sys.modules[package], {name for names in homes.values() for name in names}

    def find(name: str) -> object:
        found: object
        home = next((home for home, names in homes.items() if name in names), None)
        if name == "__version__":
            found = importlib.import_module("importlib.metadata").version("gradwalk")
        elif home is None:
            missed = f"module {package!r} has no attribute {name!r}"
            raise AttributeError(missed, name=name, obj=module)  # so that Python suggests another
        elif home == package:
            found = importlib.import_module(f"{package}.{name}")
        else:
            found = getattr(importlib.import_module(home), name)
        setattr(module, name, found)
        return found

    def names() -> list[str]:
        own = {name for name in vars(module) if name.startswith("__")}
        return sorted({*own, *module.__all__, *listed, "__version__"} - {*hidden})

    return find, names


def missing(what: str, extra: str) -> str:
    """What to say where the packages of an extra are missing. The quotes are for shells.

    >>> missing("pictures of networks need matplotlib", "plot")
    'pictures of networks need matplotlib: pip install "gradwalk[plot]"'
    """
    return f'{what}: pip install "gradwalk[{extra}]"'


def optional(name: str, what: str, extra: str) -> Any:
    """A package that not everybody has installed, or an ImportError: see `missing`."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(missing(f"{what} ({error})", extra)) from error
