"""Runs a script up to one of its calls of `backward()`, to walk through that call."""

import runpy
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from engine.core.modes import numeric_mode
from engine.core.value import Number, Value
from engine.stepping.debugger import debug
from engine.stepping.run import Run

MANY = 1000  # elements of a list, up to which they get names


def module_file(name: str) -> Path:
    """The file that `python -m name` would run; an ImportError where there is none."""
    spec = find_spec(name)
    if spec and spec.submodule_search_locations is not None:
        spec = find_spec(f"{name}.__main__")
    if not spec or not spec.has_location or not spec.origin:
        raise ImportError(f"there is no module {name} that can be run; give its name, as in a.b")
    return Path(spec.origin)


def run_script(
    script: Path, arguments: Sequence[str] = (), nth: int = 1, *, module: str | None = None
) -> int:
    """Run a script as `python script.py arguments` would, and debug its nth call of `backward()`.

    After `quit` that call does what it does without the debugger, and the script goes on. Returns
    the exit code: 0, 1 if the script failed or never made that call, 130 after Ctrl-C. A SystemExit
    of the script is raised.

    Arguments:
        module: the name of the module that the script is, if it is to run as `python -m` runs one.
    """
    script = script.resolve()
    kept = sys.argv[:], sys.path[:]
    sys.argv = [str(script), *arguments]
    if not (module or sys.flags.safe_path):  # else there is no folder of a script on the path
        sys.path[0:1] = [str(script.parent)]
    try:
        with _stopping(str(script), nth) as calls:
            if module:
                runpy.run_module(module, run_name="__main__", alter_sys=True)
            else:
                runpy.run_path(str(script), run_name="__main__")
    except SystemExit:
        raise
    except KeyboardInterrupt:
        sys.stderr.write(f"\n{script.name} was interrupted\n")
        return 130
    except BaseException as error:  # noqa: BLE001  (whatever a script may raise)
        traceback.print_exception(type(error), error, _own(error.__traceback__, str(script)))
        return 1
    finally:
        sys.argv, sys.path[:] = kept
    if len(calls) >= nth:
        return 0
    times = "never called" if not calls else f"called only {len(calls)} times"
    remedy = "call it on the output to walk through" if not calls else "take a smaller --nth"
    sys.stderr.write(f"{script.name} has ended; backward() of a Value was {times}: {remedy}\n")
    return 1


@contextmanager
def _stopping(script: str, nth: int) -> Iterator[list[None]]:
    """Inside the block the nth call of `backward()` opens the debugger.

    Gives a list that has one item for each call so far.
    """
    original = Value.backward
    calls: list[None] = []

    def backward(self: Value, seed: Number = 1.0) -> None:
        calls.append(None)
        if len(calls) == nth:
            Value.backward = original  # type: ignore[method-assign]
            # in ieee mode: one may look here for what is not finite, and `original` raises for it
            with numeric_mode("ieee"), closing(Run(self, seed)) as run:
                held = _held(sys._getframe(1), script)
                debug(run, names=_names(held), model=_model(held, {*run.nodes}))
        original(self, seed)

    Value.backward = backward  # type: ignore[method-assign]
    try:
        yield calls
    finally:
        Value.backward = original  # type: ignore[method-assign]


def _held(frame: FrameType | None, script: str) -> dict[str, Any]:
    """The variables of the script's frame."""
    while frame is not None and frame.f_code.co_filename != script:
        frame = frame.f_back
    return {**frame.f_globals, **frame.f_locals} if frame else {}


def _names(variables: dict[str, Any]) -> dict[str, Value]:
    """The Values that variables hold, alone or in lists, by name."""
    found: dict[str, Value] = {}
    for name, held in variables.items():
        if isinstance(held, Value):
            found[name] = held
        elif isinstance(held, list | tuple) and len(held) <= MANY:
            found |= {f"{name}[{i}]": v for i, v in enumerate(held) if isinstance(v, Value)}
    return found


def _model(variables: dict[str, Any], nodes: set[Value]) -> Any:
    """The variable that has most of a graph's leaves as its parameters; None without one."""
    found = dict[int, Any]()
    for held in variables.values():
        if callable(getattr(held, "parameters", None)) and not isinstance(held, type):
            with suppress(Exception):  # whatever a user's own object may raise
                own = [p for p in held.parameters() if isinstance(p, Value) and p in nodes]
                found.setdefault(len(own), held)
    return found[max(found)] if any(found) else None


def _own(tb: TracebackType | None, script: str) -> TracebackType | None:
    """The part of a traceback that begins in the script, without the frames that run it."""
    while tb is not None and tb.tb_frame.f_code.co_filename != script:
        tb = tb.tb_next
    return tb
