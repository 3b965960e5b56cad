"""Gradients lost in `y = x * math.sin(x)`: a function of `math` takes the number out of a Value.

That alone does no harm: `math.isclose`, printing and a perplexity `math.exp(loss)` want the number.
So the call is only noted. A warning is given when the number that it gave goes into a graph. Where
an operator uses that number first, as in `1 + math.sin(x)`, any number from that line counts.
"""

import math
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from os.path import dirname, join
from types import CodeType, FrameType, TracebackType

from engine.source.origin import Code, line_at, line_of, origin_of

NAMES = """acos acosh asin asinh atan atan2 atanh cbrt cos cosh erf erfc exp exp2 expm1 fmod hypot
    lgamma log log10 log1p log2 sin sinh sqrt tan tanh"""
TWINS = {name: f"engine.{name}" for name in NAMES.split()}
TWINS |= {"fsum": "engine.sum", "pow": "x**y", "fabs": "abs(x)"}
SIGNS = ("+", "-", "*", "/")
_ROOT = dirname(dirname(dirname(__file__)))
FOLDERS = join(_ROOT, "engine", ""), join(_ROOT, "nn", "")  # of the library's code
# What the library raises about what a user gave it, besides errors of its own classes.
REPORTED = TypeError, ValueError, NotImplementedError, ImportError, OSError
CHECKS = 256  # for how many numbers a call is remembered

# By the id of a code object and an instruction: the number that this call took last, and the code.
taken: dict[tuple[int, int], tuple[float, CodeType]] = {}
WATCHING: list[set[tuple[str, int]]] = []  # the last one collects the lines that read a number
_checks = 0


def note_taken(number: float, how: str, frame: FrameType) -> None:
    """Remember that a frame reads the number of a Value.

    Arguments:
        how: "float" if the reader may be a function of `math`.
    """
    global _checks
    if how == "float":
        taken[id(frame.f_code), frame.f_lasti] = number, frame.f_code
        _checks = CHECKS
    if WATCHING and not in_library(frame):
        WATCHING[-1].add((frame.f_code.co_filename, frame.f_lineno))


@contextmanager
def watching(lines: set[tuple[str, int]]) -> Iterator[None]:
    """Inside the block, add to `lines` each line that reads the number of a Value.

    Lines that read `.data` are added only while there are declared inputs.
    """
    WATCHING.append(lines)
    try:
        yield
    finally:
        WATCHING.pop()


def check_back(number: float, frame: FrameType) -> None:
    """Warn if a float that goes into a graph is what a function of `math` gave for a Value.

    Arguments:
        frame: where the float becomes an operand or a Value.
    """
    global _checks
    _checks -= 1
    frame = outside_library(frame)
    for key, (given, code) in [*taken.items()]:
        name, line, joined = _call(Code(code), key[1] >> 1)
        near = joined and code is frame.f_code and line == frame.f_lineno
        gives = number in outcomes(given, [name]) and not (number * 1024.0).is_integer()
        if name and (gives or (near and number not in code.co_consts)):
            lost = f"math.{name} takes the number out of a Value, and it goes back into a graph"
            remedy = f"use {TWINS[name]}, or .detach() if none shall"
            text = f"{lost}: no gradient flows through it; {remedy}"
            warn_at(frame, code.co_filename, line, text)
        elif name:
            continue
        taken.pop(key, None)
    if _checks <= 0:
        taken.clear()


def in_library(frame: FrameType) -> bool:
    """Whether a frame belongs to `engine` or `nn`."""
    return _is_ours(frame.f_globals.get("__name__", ""))


def _is_ours(module: str) -> bool:
    return module.split(".")[0] in ("engine", "nn")


def outside_library(frame: FrameType) -> FrameType:
    """The first frame, from this one outwards, that is not of `engine` or `nn`; else the last."""
    while frame.f_back and in_library(frame):
        frame = frame.f_back
    return frame


def at(code: CodeType, line: int | None) -> str:
    """A line of code as messages name it: `/home/me/run.py:4`, or a cell's `In[3]:4`."""
    return line_at(code.co_filename, line)


def in_users_lines(error: BaseException, trace: TracebackType | None) -> bool:
    """Give an error a traceback without lines of `engine` and `nn`; tell if these raised it.

    Errors of the library that no user should meet are faults in it, and keep their lines.
    """
    entries, kept = list[TracebackType](), None
    while trace:
        entries.append(trace)
        trace = trace.tb_next
    ours = bool(entries) and in_library(entries[-1].tb_frame)
    reported = isinstance(error, REPORTED if ours else Exception)
    if not reported and not _is_ours(type(error).__module__):
        return False
    for entry in reversed(entries):
        frame = entry.tb_frame
        if frame.f_globals.get("__name__") != "contextlib" and not in_library(frame):
            entry.tb_next, kept = kept, entry
    error.__traceback__ = kept
    return ours


def warn_at(frame: FrameType, file: str, line: int, text: str) -> None:
    """Give a UserWarning about a line, once for each module that the frame can be of."""
    registry = frame.f_globals.setdefault("__warningregistry__", {})
    warnings.warn_explicit(text, UserWarning, file, line, registry=registry)


@lru_cache(maxsize=256)
def _call(key: Code, at: int) -> tuple[str, int, bool]:
    """What an instruction calls: the name of a function of `math` that has a twin here, or "".

    Returns the name, the line, and whether an operator uses the result.
    """
    origin, names = origin_of(key.code, at, None), TWINS.keys() & key.code.co_names
    said = origin.code
    name = said.partition("(")[0].rpartition(".")[2] if said else min(names, default="")
    before, _, after = line_of(key.code, origin.line).partition(said or "\n")
    joined = before.rstrip().endswith(SIGNS) or after.lstrip().startswith(SIGNS)
    return name if name in names else "", origin.line, joined


def outcomes(number: float, names: Iterable[str] = TWINS) -> set[float]:
    """What functions of `math` give for a number: those of one float that are defined there."""
    found = set[float]()
    for name in names:
        with suppress(AttributeError, TypeError, ValueError, OverflowError):
            found.add(getattr(math, name)(number))
    return found
