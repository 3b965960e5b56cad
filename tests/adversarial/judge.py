"""What a door may answer: a result, or an error that it meant to raise."""

import dis
import re
import warnings
from collections.abc import Callable
from os.path import dirname
from types import TracebackType
from typing import Any

import engine
import nn
from engine.core.modes import MODE, NO_GRAD, RECORDING, NumericError
from engine.core.operation import TABLE
from engine.core.sweep import Gradients
from engine.drawing import LayoutError
from engine.wording.terminal import Mistake
from nn import CheckpointError

__all__ = ["ERRORS", "Fault", "judged"]

FOLDERS = tuple(dirname(package.__file__ or "") + "/" for package in (engine, nn))
# The types that the documentation names.
ERRORS: tuple[type[Exception], ...] = (
    TypeError,
    ValueError,
    IndexError,
    OSError,
    OverflowError,
    NumericError,
    CheckpointError,
    Mistake,
    LayoutError,
)
ERRORS += (engine.ControlFlowError, engine.StaleValueError, engine.GradientError)
LONGEST = 2000  # characters of a message


class Fault(AssertionError):
    """A door answered what it should not."""


def judged(enter: Callable[[Any], Callable[[], Any]], case: Any) -> BaseException | None:
    """Hand a case in, and raise Fault unless the answer is a good one. Returns the error, if any.

    Arguments:
        enter: gives what looks at all that an error has to leave as it was.
    """
    state: Any = None
    rows = {*TABLE}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            state = enter(case)
    except Fault:
        raise
    except ERRORS as error:
        _check(error)
        return error
    except Exception as error:
        where = _last(error)
        if where.tb_frame.f_code.co_filename == "<case>":  # what a user's own function raises
            return error
        raise Fault(
            f"{type(error).__name__} {_at(where)}, of no documented type: {error}"
        ) from error
    finally:
        for name in TABLE.keys() - rows:  # operations of a case's own
            del TABLE[name]
        if Gradients._open or any(s.blocks() for s in (MODE, NO_GRAD, RECORDING)):
            raise Fault("a sweep or a setting stays open")
    return state


def _check(error: BaseException) -> None:
    """The library has to have raised it on purpose, or a case's own code."""
    last, said = _last(error), str(error)
    meant = last.tb_frame.f_code.co_filename == "<case>" or isinstance(error, OSError)
    meant |= bool(
        re.search(r"\(\) (takes|missing) (\d|exactly)", said)
    )  # a user's function that takes others
    if not meant and not _is_raised(last):
        raise Fault(f"{type(error).__name__} {_at(last)}, by accident: {said}") from error
    if len(said) > LONGEST:
        raise Fault(f"a message {_at(last)} of {len(said)} characters: {said[:200]}") from error
    if not said:
        raise Fault("a message that tells nothing") from error


def _last(error: BaseException) -> TracebackType:
    place: Any = error.__traceback__
    while place.tb_next:
        place = place.tb_next
    return place


def _at(place: TracebackType) -> str:
    """The innermost line of the library."""
    return f"at {place.tb_frame.f_code.co_filename}:{place.tb_lineno}"


def _is_raised(place: TracebackType) -> bool:
    """Whether the library has a `raise` there."""
    code = place.tb_frame.f_code
    if not code.co_filename.startswith(FOLDERS):  # see nn.checks.InUsersTerms
        # The last is NumPy's, where a `numpy.matrix` answers its own operators.
        return code.co_filename.endswith(("adversarial/doors.py", "functools.py", "linalg.py"))
    name = dis.opname[code.co_code[place.tb_lasti]]
    return name in ("RAISE_VARARGS", "RERAISE")
