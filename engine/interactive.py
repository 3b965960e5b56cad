"""What `import engine` sets up where a person types: at Python's prompt, in IPython, in notebooks.

An error shows the lines of the user's code and none of the library (all of them after `%xmode
Verbose`). A list of Values is a table.
"""

import sys
from functools import partial
from types import TracebackType
from typing import Any

from engine.core.value import Value
from engine.source.lost import in_users_lines
from engine.source.origin import running_shell


def install(shell: Any = None) -> None:
    """Set it up in IPython's shell, or at Python's prompt where that is what is running."""
    shell = shell or running_shell()
    if shell is None:
        if hasattr(sys, "ps1") and sys.excepthook is not _hook:
            sys.excepthook = _hook
        return
    if not shell.custom_exceptions:  # another library may have taken the place
        shell.set_custom_exc((Exception,), _show)
    html = shell.display_formatter.formatters["text/html"]
    if getattr(html.type_printers.get(list), "func", None) is not _listed:
        html.for_type(list, partial(_listed, html.type_printers.get(list)))


def _hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Show an error at Python's prompt."""
    in_users_lines(error, trace)
    sys.__excepthook__(kind, error, error.__traceback__)


def _show(shell: Any, kind: Any, error: Any, trace: Any, tb_offset: int | None = None) -> None:
    """Show an error in IPython."""
    if shell.InteractiveTB.mode != "Verbose":
        in_users_lines(error, trace)
    shell.showtraceback((kind, error, error.__traceback__), tb_offset=tb_offset)


def _listed(other: Any, values: list[Any]) -> str | None:
    """A list of Values as a table; any other list as it was shown before."""
    if not values or not all(isinstance(value, Value) for value in values):
        return other(values) if other else None
    from engine.drawing import value_table  # a room above, for those who look

    return value_table.of_values(values)
