"""Where a node came from: the line and the expression that made it, and the variable it went to.

A node keeps the code that was being executed and the number of the instruction, which cost next to
nothing. What they say is found out here, when somebody asks: Python knows of every instruction
which characters of the source it came from (PEP 657), and the instructions after it say in which
variable the result was put. So names are there without source too, as in a plain REPL.
"""

import linecache
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import CodeType

from engine.core.bytecode import Code, maker, stored
from engine.core.node import ITEM, Node

__all__ = ["Origin", "name", "source", "where"]

ARITHMETIC = ("+", "-", "×", "/", "**")
_HERE = Path(__file__).parents[1]
_LIBRARY = tuple(str(folder) + os.sep for folder in (_HERE, _HERE.parent / "nn"))


@dataclass(frozen=True, slots=True)
class Origin:
    """A place in the source, as `where` finds it; as a string it is short, like `run.py:4`.

    Attributes:
        file: the file's path, or what Python calls what was typed, such as `<stdin>`.
        line: the line's number, from 1 on.
        code: the exact expression, such as `x * w`; empty where the source is not to be had.
        function: the function it stands in, `<module>` outside of one.
        name: the variable that the result was first stored in, if any.
        operator: whether it is an operator that made it, as in `x * w`, and no call.
        library: whether this is a line of `engine` or `nn` rather than of their user.
    """

    file: str
    line: int
    code: str
    function: str
    name: str | None
    operator: bool
    library: bool

    def __str__(self) -> str:
        if "ipykernel_" in self.file or self.file.startswith("<ipython-input-"):
            return f"cell:{self.line}"
        path = Path(self.file)
        shown = path.relative_to(_HERE.parent) if self.library else path.name
        return f"{shown}:{self.line}"


def where(node: Node) -> Origin | None:
    """Where a node was made; None for a number in an expression and for what was unpickled.

    >>> from engine import Value
    >>> x = Value(2.0)
    >>> y = x * 3 + 1
    >>> where(y).name, where(y).function
    ('y', '<module>')
    """
    if node._code is None:
        return None
    item, at = divmod(node._at, ITEM)
    return _decode(Code(node._code), at, item - 1 if item else None)


def name(node: Node) -> str | None:
    """What to call a node: its label, or else the variable in which its user first put it.

    An item of a list, as `ps = softmax(xs)` gives one, is called after the list and its place.

    >>> from engine import Value, softmax
    >>> x, w = Value(2.0, "input"), Value(-3.0)
    >>> n = x * w
    >>> ps = softmax([x, w])
    >>> name(x), name(w), name(n), name(ps[1]), name(x + w)
    ('input', 'w', 'n', 'ps[1]', None)
    """
    if node.label is not None:
        return node.label
    origin = where(node)
    if origin is None or origin.library or origin.name is None:
        return None
    # What sum(xs) of Python makes on its way is no more called after the result than what it ends
    # with, and the two cannot be told apart; so arithmetic within a call goes without a name.
    within = node.op is not None and node.op.symbol in ARITHMETIC and not origin.operator
    return None if within else origin.name


def source(node: Node) -> str:
    """The line of source that a node was made in, as it stands there; "" where it is not to be had.

    >>> from engine import Value
    >>> y = Value(2.0) * 3.0
    >>> source(y)
    'y = Value(2.0) * 3.0'
    """
    origin = where(node)
    return _line(node._code, origin.line).strip() if origin and node._code else ""


def _line(code: CodeType, number: int) -> str:
    line = linecache.getline(code.co_filename, number)
    # Since Python 3.14 what is typed at its prompt is kept by code, and no more by file. It has no
    # public door: those who show source, as tracebacks do, take this one.
    by_code = getattr(linecache, "_getline_from_code", None)
    return line if line or by_code is None else str(by_code(code, number))


@lru_cache(maxsize=4096)
def _decode(key: Code, at: int, item: int | None) -> Origin:
    code = key.code
    positions = _positions(key)
    line, last, start, end = positions[at] if at < len(positions) else (None,) * 4
    file = code.co_filename
    text = ""
    if line and last and start is not None and end is not None:
        lines = [_line(code, number).encode() for number in range(line, last + 1)]
        lines[-1] = lines[-1][:end]  # the columns count bytes
        lines[0] = lines[0][start:]
        text = " ".join(b" ".join(lines).decode(errors="replace").split())
    library = file.startswith(_LIBRARY)
    how = maker(key, at)
    return Origin(
        file,
        line or code.co_firstlineno,
        text,
        code.co_qualname,
        stored(key, at, item) if how else None,
        how != "call",
        library,
    )


@lru_cache(maxsize=256)
def _positions(key: Code) -> list[tuple[int | None, ...]]:
    return [*key.code.co_positions()]
