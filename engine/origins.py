"""Where a node came from: the line and the expression that made it, and the variable it went to.

A node keeps the code that was being executed and the number of the instruction, which cost next to
nothing. What they say is found out here, when somebody asks: Python knows of every instruction
which characters of the source it came from (PEP 657), and the instructions after it say in which
variable the result was put. So names are there without source too, as in a plain REPL.
"""

import dis
import linecache
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import CodeType

from engine.node import Node

__all__ = ["Origin", "name", "where"]

_HERE = Path(__file__).parent
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
        library: whether this is a line of `engine` or `nn` rather than of their user.
    """

    file: str
    line: int
    code: str
    function: str
    name: str | None
    library: bool

    def __str__(self) -> str:
        if "ipykernel_" in self.file or self.file.startswith("<ipython-input-"):
            return f"cell:{self.line}"
        path = Path(self.file)
        return (
            f"{path.parent.name}/{path.name}:{self.line}"
            if self.library
            else (f"{path.name}:{self.line}")
        )


def where(node: Node) -> Origin | None:
    """Where a node was made; None for a number in an expression and for what was unpickled.

    >>> from engine import Value
    >>> x = Value(2.0)
    >>> y = x * 3 + 1
    >>> where(y).name, where(y).function
    ('y', '<module>')
    """
    return None if node._code is None else _decode(_Key(node._code), node._at)


def name(node: Node) -> str | None:
    """What to call a node: its label, or else the variable in which its user first put it.

    >>> from engine import Value
    >>> x, w = Value(2.0, "input"), Value(-3.0)
    >>> n = x * w
    >>> name(x), name(w), name(n), name(x + w)
    ('input', 'w', 'n', None)
    """
    if node.label is not None:
        return node.label
    origin = where(node)
    return None if origin is None or origin.library else origin.name


class _Key:
    """A code object by identity: its own hash reads all of its constants, each time."""

    __slots__ = ("code",)

    def __init__(self, code: CodeType) -> None:
        self.code = code

    def __hash__(self) -> int:
        return id(self.code)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self.code is other.code


@lru_cache(maxsize=4096)
def _decode(key: _Key, at: int) -> Origin:
    code = key.code
    positions = _positions(key)
    line, last, start, end = positions[at] if at < len(positions) else (None,) * 4
    file = code.co_filename
    text = ""
    if line and last and start is not None and end is not None:
        lines = [linecache.getline(file, number).encode() for number in range(line, last + 1)]
        lines[-1] = lines[-1][:end]  # the columns count bytes
        lines[0] = lines[0][start:]
        text = " ".join(b" ".join(lines).decode(errors="replace").split())
    library = file.startswith(_LIBRARY)
    stored = _stored(code, at)
    return Origin(file, line or code.co_firstlineno, text, code.co_qualname, stored, library)


@lru_cache(maxsize=256)
def _positions(key: _Key) -> list[tuple[int | None, ...]]:
    return [*key.code.co_positions()]


def _stored(code: CodeType, at: int) -> str | None:
    """The variable that what an instruction leaves on the stack goes to, if it goes to one.

    Follows the stack from there: `above` counts what lies on top of the result.
    """
    above = 0
    instructions = iter([i for i in dis.get_instructions(code) if i.offset > 2 * at])
    for each in instructions:
        op, arg = each.opname, each.arg or 0
        if op in ("NOP", "CACHE", "EXTENDED_ARG"):
            continue
        if op.startswith("STORE_"):
            stored = each.argval if isinstance(each.argval, tuple) else (each.argval,)
            if op == "STORE_ATTR":
                if above < 2:
                    return stored[0] if above else None
            elif op == "STORE_FAST_LOAD_FAST":
                if not above:
                    return str(stored[0])
            elif op in ("STORE_SUBSCR", "STORE_SLICE"):
                return None
            elif above < len(stored):
                return str(stored[above])
            above += dis.stack_effect(each.opcode, each.arg)
        elif op == "SWAP":
            above = 0 if above == arg - 1 else arg - 1 if above == 0 else above
        elif op == "COPY":
            above = 0 if above == arg - 1 else above + 1
        elif op == "BUILD_TUPLE" and above < arg:
            following = next(instructions, each)
            if following.opname != "UNPACK_SEQUENCE" or following.arg != arg:
                return None
            above = arg - 1 - above
        else:
            effect = dis.stack_effect(each.opcode, each.arg, jump=False)
            loads = op == "PUSH_NULL" or (
                op.startswith("LOAD_") and "ATTR" not in op and op != "LOAD_METHOD"
            )
            if each.opcode in dis.hasjrel or op.startswith(("RETURN", "YIELD", "RAISE")):
                return None
            if not loads and 1 - effect > above:  # it takes our result and leaves another
                return None
            above += effect
    return None
