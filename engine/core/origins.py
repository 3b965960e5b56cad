"""Where a node came from: the line and the expression that made it, and the variable it went to.

A node keeps the code that was running when it was made and the number of the instruction; that
costs next to nothing. This module reads the two when somebody asks. Python records for each
instruction which characters of the source it came from (PEP 657), and the instructions after it
show in which variable the result was stored. So a node has a name even without source, as in a
plain REPL.
"""

import linecache
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import CodeType

from engine.core.bytecode import Code, maker, variable
from engine.core.node import ITEM, Node

__all__ = ["Origin", "name_of", "place_of", "source_of"]

ARITHMETIC = ("+", "-", "×", "/", "**", "%", "//")
_HERE = Path(__file__).parents[1]
_LIBRARY = tuple(str(folder) + os.sep for folder in (_HERE, _HERE.parent / "nn"))


@dataclass(frozen=True, slots=True)
class Origin:
    """A place in the source where a node was made; as a string it is short, like `run.py:4`.

    Attributes:
        file: the path of the file, or Python's name for what was typed, such as `<stdin>`.
        line: the number of the line, from 1 on.
        code: the exact expression, such as `x * w`; "" if the source cannot be read.
        function: the function around it, `<module>` outside of any.
        name: the variable that the result was first stored in, if any.
        operator: True if an operator made the node, as in `x * w`, False if a call did.
        library: True if the line belongs to `engine` or `nn`, False if to their user.
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


def place_of(node: Node) -> Origin | None:
    """The place where a node was made; None for a number in an expression and after unpickling.

    >>> from engine import Value
    >>> x = Value(2.0)
    >>> y = x * 3 + 1
    >>> place_of(y).name, place_of(y).function
    ('y', '<module>')
    """
    if node._code is None:
        return None
    item, at = divmod(node._at, ITEM)
    return _decode(Code(node._code), at, item - 1 if item else None)


def name_of(node: Node) -> str | None:
    """The name of a node: its label, or else the variable that its user first stored it in.

    A node in a list, as `ps = softmax(xs)` gives one, is named by the list and its index.

    >>> from engine import Value, softmax
    >>> x, w = Value(2.0, "input"), Value(-3.0)
    >>> n = x * w
    >>> ps = softmax([x, w])
    >>> name_of(x), name_of(w), name_of(n), name_of(ps[1]), name_of(x + w)
    ('input', 'w', 'n', 'ps[1]', None)
    """
    if node.label is not None:
        return node.label
    origin = place_of(node)
    if origin is None or origin.library or origin.name is None:
        return None
    # Python's own sum(xs) makes many nodes by one call, and all of them would get the name of the
    # result. The last cannot be told from the others, so arithmetic inside a call has no name.
    within = node.op is not None and node.op.symbol in ARITHMETIC and not origin.operator
    return None if within else origin.name


def source_of(node: Node) -> str:
    """The line of source that made a node, without its indent; "" if it cannot be read.

    >>> from engine import Value
    >>> y = Value(2.0) * 3.0
    >>> source_of(y)
    'y = Value(2.0) * 3.0'
    """
    origin = place_of(node)
    return _line(node._code, origin.line).strip() if origin and node._code else ""


def _line(code: CodeType, number: int) -> str:
    line = linecache.getline(code.co_filename, number)
    # Python 3.14 files what is typed at its prompt by code object instead of by file name. There is
    # no public function for that; tracebacks use this one too.
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
        variable(key, at, item) if how else None,
        how == "operator",
        library,
    )


@lru_cache(maxsize=256)
def _positions(key: Code) -> list[tuple[int | None, ...]]:
    return [*key.code.co_positions()]
