"""Where a node came from: the line and the expression that made it, and the variable it went to.

A node keeps the code that was being executed and the number of the instruction, which cost next to
nothing. What they say is found out here, when somebody asks: Python knows of every instruction
which characters of the source it came from (PEP 657), and the instructions after it say in which
variable the result was put. So names are there without source too, as in a plain REPL.
"""

import dis
import linecache
import os
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import CodeType

from engine.node import Node

__all__ = ["Origin", "name", "where"]

ARITHMETIC = ("+", "-", "×", "/", "**")
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

    The items of a list that one call gave, as `ps = softmax(xs)`, are all called after the list.

    >>> from engine import Value
    >>> x, w = Value(2.0, "input"), Value(-3.0)
    >>> n = x * w
    >>> name(x), name(w), name(n), name(x + w)
    ('input', 'w', 'n', None)
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
    found, offsets = _instructions(key)
    here = bisect_right(offsets, 2 * at) - 1
    opname = found[here].opname if found else ""
    called = "CALL" in opname
    made = called or opname.startswith(("BINARY", "UNARY"))  # no list of several
    return Origin(
        file,
        line or code.co_firstlineno,
        text,
        code.co_qualname,
        _stored(key, at) if made else None,
        not called,
        library,
    )


@lru_cache(maxsize=256)
def _positions(key: _Key) -> list[tuple[int | None, ...]]:
    return [*key.code.co_positions()]


@lru_cache(maxsize=256)
def _instructions(key: _Key) -> tuple[list[dis.Instruction], list[int]]:
    """The instructions of a code object, and where each begins."""
    found = [each for each in dis.get_instructions(key.code) if each.opname not in _NOTHING]
    return found, [each.offset for each in found]


_NOTHING = {"NOP", "CACHE", "EXTENDED_ARG", "TO_BOOL", "NOT_TAKEN"}


def _stored(key: _Key, at: int) -> str | None:
    """The variable that what an instruction leaves on the stack goes to, if it goes to one.

    Follows the stack from there: `ours` is how far below its top the result lies (a copy of it may
    lie elsewhere).
    """
    found, offsets = _instructions(key)
    i = bisect_right(offsets, 2 * at)
    ours = {0}
    while ours and i < len(found):
        each = found[i]
        op, arg, i = each.opname, each.arg or 0, i + 1
        if op.startswith("STORE_"):
            names = each.argval if isinstance(each.argval, tuple) else (each.argval,)
            places = {"STORE_ATTR": (1,), "STORE_SUBSCR": (), "STORE_SLICE": ()}.get(op, (0, 1))
            if op == "STORE_FAST_LOAD_FAST":
                names = names[:1]
            for name_of, place in zip(names, places, strict=False):
                if place in ours:  # pytest, for one, keeps what is no name of anybody's
                    return str(name_of) if str(name_of).isidentifier() else None
            ours = _moved(ours, -dis.stack_effect(each.opcode, each.arg), 0)
            if op == "STORE_FAST_LOAD_FAST":
                ours = {place for place in ours if place}
        elif op == "SWAP":
            swapped = {0: arg - 1, arg - 1: 0}
            ours = {swapped.get(place, place) for place in ours}
        elif op == "COPY":
            ours = {place + 1 for place in ours} | ({0} if arg - 1 in ours else set())
        elif op == "BUILD_TUPLE" and i < len(found) and found[i].opname == "UNPACK_SEQUENCE":
            if min(ours) < arg and found[i].arg == arg:
                ours, i = {arg - 1 - place if place < arg else place for place in ours}, i + 1
            else:
                return None
        elif each.opcode in dis.hasjrel or each.opcode in dis.hasjabs:
            # an `and` or `or` decides on a result that it keeps; a test takes what it looks at
            takes = op.startswith("POP_JUMP")
            if not ("OR_POP" in op or takes or op == "JUMP_FORWARD"):
                return None
            ours = _moved(ours, 1, 0) if takes else ours
            i = bisect_left(offsets, each.argval)
        elif op.startswith(("RETURN", "YIELD", "RAISE")):
            return None
        else:
            effect = dis.stack_effect(each.opcode, each.arg, jump=False)
            pushes = effect if _loads(op) else 1
            ours = _moved(ours, pushes - effect, pushes)
    return None


def _moved(ours: set[int], pops: int, pushes: int) -> set[int]:
    """Where what is ours lies after so much has been taken from the top and put on it."""
    return {place - pops + pushes for place in ours if place >= pops}


def _loads(op: str) -> bool:
    """Whether an instruction takes nothing from the stack."""
    return op == "PUSH_NULL" or (
        op.startswith("LOAD_") and "ATTR" not in op and op != "LOAD_METHOD"
    )
