"""Turns DOT text into a picture, on a machine with or without the program `dot`.

These are tried in turn: the program that the environment variable GRADWALK_DOT names, a `dot` on
PATH, and pygraphviz, whose wheel contains Graphviz. Each runs as a child process. Where there are
no processes, as in a browser, `use_layout` names a function that does it.
"""

import importlib.util
import os
import shutil
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE, Popen, TimeoutExpired
from typing import TypeAlias

Layout: TypeAlias = Callable[[str, str], str | bytes]
VARIABLE = "GRADWALK_DOT"
EMBEDDED = Path(__file__).with_name("embedded.py")
STILL = "The graph itself is fine: to_dot(value) gives its DOT source, which any Graphviz draws"


class LayoutError(RuntimeError):
    """No picture could be made: no layout program, one that failed, or one that took too long."""


_layout: Layout | None = None


def use_layout(layout: Layout | None) -> None:
    """Have a function lay out all pictures from now on; None goes back to layout programs.

    It is for places where no program can be started, such as a page in a browser.

    Arguments:
        layout: a function of the DOT text and of the name of one of Graphviz's formats, as "svg",
            that returns the picture as text or bytes. It raises LayoutError where it has none,
            such as for a format that it does not know. No time limit ends it.

    >>> from engine import Value
    >>> def outline(source, format):
    ...     return f"<{format}>{source.count('->')} arrows</{format}>"
    >>> use_layout(outline)
    >>> Value(3.0).exp().to_svg(legend=False)
    '<svg>1 arrows</svg>'
    >>> use_layout(None)
    """
    if layout is not None and not callable(layout):
        got = f"use_layout takes a function of DOT text and a format, got {type(layout).__name__}"
        remedy = "give one like lambda source, format: svg, or None for layout programs"
        raise TypeError(f"{got}; {remedy}")
    global _layout
    _layout = layout


def render(
    source: str,
    format: str = "svg",
    *,
    timeout: float = 30.0,
    remedy: Callable[[], str] = lambda: "draw a smaller part",
) -> bytes:
    """Lay out a graph given as DOT text and return the picture's bytes.

    Arguments: `format` is one of Graphviz's (svg, png, pdf); `timeout` is in seconds; `remedy`
    says what to do when that is too short.
    Raises LayoutError when there is no layout program, it fails, or it exceeds the time limit.

    >>> render("digraph { a -> b }").decode().count("<g ")
    4
    """
    if _layout is not None:
        drawn = _layout(source, format)
        if drawn and isinstance(drawn, str | bytes):
            return drawn.encode() if isinstance(drawn, str) else drawn
        fault = f"the layout of use_layout gave {drawn!r}, which is no picture"
        advice = f"it should return {format} as text or bytes, or raise LayoutError. {STILL}"
        raise LayoutError(f"{fault}; {advice}")
    command = _command(format)
    try:
        code, picture, complaint = _run(command, source.encode(), timeout)
    except TimeoutExpired:
        got = f"the layout took more than {timeout:g} s and was ended"
        raise LayoutError(f"{got}; {remedy()}; or allow more with timeout=.... {STILL}") from None
    except OSError as error:
        raise LayoutError(f"cannot run {command[0]}: {error}. {STILL}") from error
    if code != 0 or not picture:
        said = complaint.decode(errors="replace").strip().splitlines()[-3:]
        fault = f"{' '.join(command)} ended with code {code} and {len(picture)} bytes"
        advice = f"set {VARIABLE} to a dot program that works. {STILL}"
        raise LayoutError(f"{fault}, saying: {' / '.join(said) or 'nothing'}; {advice}")
    return picture


def _command(format: str) -> list[str]:
    """The command line of the first layout program that there is."""
    wanted = os.environ.get(VARIABLE)
    program = shutil.which(wanted or "dot")
    if program is not None:
        return [program, f"-T{format}"]
    if wanted:
        fault = f"{VARIABLE} is {wanted!r}, which is not a program that can be run"
        give = "give the path of Graphviz's dot, or unset it to use the dot on PATH or pygraphviz"
        raise LayoutError(f"{fault}; {give}. {STILL}")
    if importlib.util.find_spec("pygraphviz") is not None:
        # -P: the script's own directory is no place to import from.
        return [sys.executable, "-P", str(EMBEDDED), format]
    raise LayoutError(
        "found no program to lay out a graph. Any one of these helps: "
        "`pip install pygraphviz` (brings Graphviz along); install Graphviz so that `dot` is on "
        f"PATH (https://graphviz.org/download); set {VARIABLE} to the path of a dot program. "
        f"{STILL}"
    )


def _run(command: list[str], source: bytes, timeout: float) -> tuple[int, bytes, bytes]:
    """Run a command to its end; where it is late or interrupted, kill it and what it started."""
    with Popen(command, stdin=PIPE, stdout=PIPE, stderr=PIPE, start_new_session=True) as child:
        try:
            picture, complaint = child.communicate(source, timeout)
        except BaseException:
            # A `dot` may be a shell script: its children hold our pipes open and must end as well.
            if sys.platform == "win32":
                child.kill()
            else:
                with suppress(ProcessLookupError):  # after Ctrl-C it may have ended by now
                    os.killpg(child.pid, signal.SIGKILL)
            raise
    return child.returncode, picture, complaint
