"""What a test may not leave behind: the state of the process that the next test would meet.

An operation of one's own cannot be taken back by its user, so the fixture in conftest.py does that.
Whatever else a test leaves is an error of the test, or of the code that it ran.
"""

import builtins
import functools
import gc
import linecache
import operator
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import nn.doctor.examine  # whose files fill one table
import nn.doctor.loop_rows  # noqa: F401
from engine.core.modes import MODE, NO_GRAD
from engine.core.operation import TABLE

__all__ = ["changes", "forget_own_operations", "snapshot"]

PACKAGES = ("engine", "nn", "demos")
# each may only grow, and nothing depends on where it is
COUNTERS = [
    ("engine.core.value", "_epoch"),
    ("engine.core.inputs", "_now"),
    ("engine.source.lost", "_checks"),
]
# pytest's own, and what OpenMP, PyTorch and JAX set when they are loaded
VARIABLES_OF_OTHERS = ("PYTEST_", "KMP_", "TORCHINDUCTOR_", "TPU_", "TF_CPP_")


@contextmanager
def forget_own_operations() -> Iterator[None]:
    """Take the operations that are registered inside the block out of the table at its end."""
    rows = dict(TABLE)
    try:
        yield
    finally:
        TABLE.clear()
        TABLE.update(rows)


def _environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith(VARIABLES_OF_OTHERS)}


@functools.lru_cache(4)
def _ours(names: tuple[str, ...]) -> list[str]:
    return [name for name in names if name.partition(".")[0] in PACKAGES]


def _loaded() -> list[tuple[str, ModuleType]]:
    """The project's modules that are loaded."""
    return [(name, sys.modules[name]) for name in _ours(tuple(sys.modules))]


class Names(dict[str, Any]):
    """What names stand for. They are what they were where each stands for the same object."""

    def __eq__(self, other: Any) -> bool:
        return [*self] == [*other] and all(map(operator.is_, self.values(), other.values()))

    __hash__ = None  # type: ignore[assignment]


def _names() -> dict[str, Names]:
    found = {name: Names(vars(module)) for name, module in _loaded()}
    for module, counter in COUNTERS:
        found.get(module, {}).pop(counter, None)
    return found


def _flat(found: dict[str, Names]) -> dict[tuple[str, str], int]:
    return {(module, name): id(held[name]) for module, held in found.items() for name in held}


@functools.cache
def _named_tables(module: ModuleType) -> list[str]:
    """The names of a module's dictionaries, sets and lists that are written in capitals."""
    held = vars(module).items()
    return [name for name, value in held if type(value) in (dict, set, list) and name.isupper()]


def _tables() -> dict[Any, Any]:
    """What is in the tables of our modules."""
    return {
        (name, table): vars(module)[table].copy()
        for name, module in _loaded()
        for table in _named_tables(module)
    }


def _builtins() -> Names:
    found = Names(vars(builtins))
    found.pop("_", None)
    return found


def _figures() -> list[int]:
    pyplot = sys.modules.get("matplotlib.pyplot")
    return pyplot.get_fignums() if pyplot else []


def _style() -> dict[str, Any]:
    matplotlib = sys.modules.get("matplotlib")
    # without the backend, which matplotlib settles when it is first asked for a figure
    return (
        {k: v for k, v in dict.items(matplotlib.rcParams) if k != "backend"} if matplotlib else {}
    )


def _precision() -> Any:
    mpmath = sys.modules.get("mpmath")
    return mpmath.mp.prec if mpmath else 53


def _errors_of_numpy() -> Any:
    numpy = sys.modules.get("numpy")
    return (
        numpy.geterr()
        if numpy
        else {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}
    )


# Each gives something that can be compared: a dictionary by its keys, anything else as a whole.
STATES: dict[str, Callable[[], Any]] = {
    "numeric modes open": lambda: (MODE.open, MODE.blocks()),
    "no_grad open": lambda: (NO_GRAD.open, NO_GRAD.blocks()),
    "modules": lambda: Names(sys.modules),
    "names of ours": _names,
    "tables of ours": _tables,
    "environment": _environment,
    "source without a file": lambda: [
        name for name in linecache.cache if os.path.basename(name).startswith("backward-")
    ],
    "threads": lambda: [
        t.name
        for t in threading.enumerate()
        if not (t.daemon or t.name.startswith("gradwalk"))  # the engine's own stay
    ],
    "working directory": os.getcwd,
    "import path": lambda: list(sys.path),
    "hooks": lambda: (sys.excepthook, sys.displayhook, sys.breakpointhook, sys.gettrace()),
    "builtins": _builtins,
    "recursion limit": sys.getrecursionlimit,
    "switch interval": sys.getswitchinterval,
    "collector": lambda: (gc.isenabled(), gc.get_threshold(), gc.get_freeze_count()),
    "interrupts": lambda: signal.getsignal(signal.SIGINT),
    "matplotlib's figures": _figures,
    "matplotlib's style": _style,
    "mpmath's precision": _precision,
    "numpy's errors": _errors_of_numpy,
}
MAY_GROW = {
    "modules",
    "names of ours",
    "tables of ours",
    "matplotlib's style",
}  # what is loaded late


def snapshot() -> dict[str, Any]:
    """The state of the process now."""
    return {name: state() for name, state in STATES.items()}


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What is different, a line for each."""
    return [line for name in before for line in _different(name, before[name], after[name])]


def _different(name: str, old: Any, new: Any) -> Iterator[str]:
    if old == new:
        return
    if name == "names of ours":
        old, new = _flat(old), _flat(new)
    if not isinstance(old, dict):
        yield f"{name}: {old!r} before, {new!r} after"
        return
    yield from (f"{name}: {key} is gone" for key in old.keys() - new.keys())
    yield from (f"{name}: {key} is another" for key in old.keys() & new if old[key] != new[key])
    if name not in MAY_GROW:
        yield from (f"{name}: {key} is new" for key in new.keys() - old.keys())
