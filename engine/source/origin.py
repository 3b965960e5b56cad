"""The line and the expression that an instruction came from, and the variable its result went to.

Python records which characters of the source each instruction came from (PEP 657). The instructions
after it show in which variable the result was stored. So there is a name even where the source
cannot be read, as in a plain REPL.
"""

import linecache
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import CodeType

from engine.source.bytecode import Code, called, variable

_HERE = Path(__file__).parents[1]
_LIBRARY = tuple(str(folder) + os.sep for folder in (_HERE, _HERE.parent / "nn"))
_PYTHON = os.path.dirname(os.__file__) + os.sep


@dataclass(frozen=True, slots=True)
class Origin:
    """A place in the source where a node was made; as a string it is short, like `run.py:4`.

    Attributes:
        file: the path of the file, or Python's name for what was typed, such as `<stdin>`.
        line: the number of the line, from 1 on.
        code: the exact expression, such as `x * w`; "" if the source cannot be read.
        function: the function around it, `<module>` outside of any.
        name: the variable that the result was first stored in, if any. It is None in a file of
            Python's own, whose variables nobody knows.
        called: the function whose call made the node, such as `tanh` in `engine.tanh(x)`. It is ""
            if the function has no name, and None if an operator made the node, as in `x * w`.
        library: True if the line belongs to `engine` or `nn`, False if to their user.
    """

    file: str
    line: int
    code: str
    function: str
    name: str | None
    called: str | None
    library: bool

    def __str__(self) -> str:
        if "ipykernel_" in self.file or self.file.startswith("<ipython-input-"):
            return f"cell:{self.line}"
        path = Path(self.file)
        shown = path.relative_to(_HERE.parent) if self.library else path.name
        return f"{shown}:{self.line}"


def line_of(code: CodeType, number: int) -> str:
    """A line of the file of a code object; "" if it cannot be read."""
    line = linecache.getline(code.co_filename, number)
    # Python 3.14 keeps what is typed at its prompt by code object, not by file name. There is no
    # public function to read it; tracebacks use this one too.
    by_code = getattr(linecache, "_getline_from_code", None)
    return line if line or by_code is None else str(by_code(code, number))


def origin_of(code: CodeType, at: int, item: int | None) -> Origin:
    """Where the instruction with number `at` stands, and the variable that its result went to.

    With an `item` the result is a list, and the name is the name of that item: `ps[0]`.
    """
    return _decode(Code(code), at, item)


@lru_cache(maxsize=4096)
def _decode(key: Code, at: int, item: int | None) -> Origin:
    code = key.code
    positions = _positions(key)
    line, last, start, end = positions[at] if at < len(positions) else (None,) * 4
    file = code.co_filename
    text = ""
    if line and last and start is not None and end is not None:
        lines = [line_of(code, number).encode() for number in range(line, last + 1)]
        lines[-1] = lines[-1][:end]  # the columns count bytes
        lines[0] = lines[0][start:]
        text = " ".join(b" ".join(lines).decode(errors="replace").split())
    library = file.startswith(_LIBRARY)
    python = file.startswith(_PYTHON) and "-packages" not in file
    return Origin(
        file,
        line or code.co_firstlineno,
        text,
        code.co_qualname,
        None if python else variable(key, at, item),
        called(key, at),
        library,
    )


@lru_cache(maxsize=256)
def _positions(key: Code) -> list[tuple[int | None, ...]]:
    return [*key.code.co_positions()]
