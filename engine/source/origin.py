"""The line and the expression that an instruction came from, and the variable its result went to.

Python records which characters of the source each instruction came from (PEP 657). The instructions
after it show in which variable the result was stored. So there is a name even where the source
cannot be read, as in a plain REPL.

The search for the variable starts behind the instruction that made the result, and follows what
happens to the stack. The result may lie there several times: the search keeps the set of its
depths, 0 for the top of the stack.
"""

import dis
import linecache
import os
import re
import sys
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import CodeType
from typing import Any

_HERE = Path(__file__).parents[1]
_LIBRARY = tuple(str(folder) + os.sep for folder in (_HERE, _HERE.parent / "nn"))
_PYTHON = os.path.dirname(os.__file__) + os.sep


class Code:
    """A code object, compared by identity: the hash of a code object reads all its constants."""

    __slots__ = ("code",)

    def __init__(self, code: CodeType) -> None:
        self.code: CodeType = code

    def __hash__(self) -> int:
        return id(self.code)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Code) and self.code is other.code


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

    @property
    def place(self) -> "Place | None":
        """The line, where it is one of the user's."""
        return None if self.library else Place(self.file, self.line)

    def __str__(self) -> str:
        return str(self.place or f"{Path(self.file).relative_to(_HERE.parent)}:{self.line}")


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the user's code. It is no tuple, which models would search for parameters.

    Attributes:
        since: how often leaves had been changed when it ran; 0 where that is not known.
    """

    file: str
    line: int
    since: int = field(default=0, compare=False, repr=False)

    def __str__(self) -> str:
        return line_at(self.file, self.line, Path(self.file).name)


def running_shell() -> Any:
    """IPython, where it runs this process, in a terminal or for a notebook; else None."""
    return getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()


def line_at(file: str, line: int | None, called: str = "") -> str:
    """A line of a file, such as `run.py:4`, or of a cell of a notebook: `In[3]:4`.

    Arguments:
        called: what to call the file, if not by its path.
    """
    file = re.sub(r"^<stdin>?-\d+>?$", "<stdin>", file)  # of 3.13 and 3.14, as tracebacks say it
    compiler = getattr(running_shell(), "compile", None)
    find = getattr(compiler, "format_code_name", lambda file: None)  # from IPython 8 on
    cell = re.search(r"^<ipython-input-(\d+)-|ipykernel_|__marimo__cell", file)
    if known := find(file):
        called = known[1]
    elif cell:
        called = f"In[{cell[1]}]" if cell[1] else "cell"
    return f"{called or file}:{line}"


def line_of(code: CodeType, number: int) -> str:
    """A line of the file of a code object; "" if it cannot be read."""
    if code.co_filename == "<string>":  # of eval and exec, and from 3.13 on of python -c, too
        return ""
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


def spelled(code: CodeType, at: int) -> tuple[str, str, str]:
    """The expression of the instruction with number `at`, with what stands before and behind it.

    Before it is the rest of its first line, behind it that of its last.
    """
    positions = _positions(Code(code))
    line, last, start, end = positions[at] if at < len(positions) else (None,) * 4
    if not line or not last or start is None or end is None:
        return "", "", ""
    lines = [line_of(code, number).encode() for number in range(line, last + 1)]
    ahead, behind = lines[0][:start], lines[-1][end:]  # the columns count bytes
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][start:]
    text = b" ".join(b" ".join(lines).split())
    return _text(ahead).lstrip(), _text(text), _text(behind).rstrip()


def _text(part: bytes) -> str:
    return part.decode(errors="replace")


@lru_cache(maxsize=4096)
def _decode(key: Code, at: int, item: int | None) -> Origin:
    code, file = key.code, key.code.co_filename
    _, text, _ = spelled(code, at)
    positions = _positions(key)
    line = positions[at][0] if at < len(positions) else None
    python = file.startswith(_PYTHON) and "-packages" not in file
    name, library = None if python else variable(key, at, item), file.startswith(_LIBRARY)
    line = line or code.co_firstlineno
    return Origin(file, line, text, code.co_qualname, name, called(key, at), library)


@lru_cache(maxsize=256)
def _positions(key: Code) -> list[tuple[int | None, ...]]:
    return [*key.code.co_positions()]


# --- what instructions tell ----------------------------------------------------------------------
# All instructions that can stand between a result and its variable, in Python 3.11 to 3.14. At any
# other instruction the search ends without a name, which is better than a wrong name.
_NOTHING = {"NOP", "CACHE", "EXTENDED_ARG", "TO_BOOL", "NOT_TAKEN"}
# PRECALL: where Python 3.11 calls a builtin that it has met often
_CALLS = {"CALL", "CALL_KW", "CALL_FUNCTION_EX", "PRECALL"}
_OPERATORS = {"BINARY_OP", "UNARY_NEGATIVE"}
_PUSH = """PUSH_NULL LOAD_CONST LOAD_SMALL_INT LOAD_NAME LOAD_GLOBAL LOAD_DEREF LOAD_CLASSDEREF
    LOAD_CLOSURE LOAD_FAST LOAD_FAST_CHECK LOAD_FAST_LOAD_FAST LOAD_FAST_BORROW
    LOAD_FAST_BORROW_LOAD_FAST_BORROW"""
_POP = "POP_TOP LIST_APPEND LIST_EXTEND SET_ADD SET_UPDATE MAP_ADD DICT_UPDATE DICT_MERGE"
_POP_SOME_AND_PUSH_ONE = """KW_NAMES LOAD_ATTR LOAD_METHOD LOAD_SUPER_ATTR MAKE_FUNCTION
    SET_FUNCTION_ATTRIBUTE BINARY_SUBSCR BINARY_SLICE COMPARE_OP IS_OP CONTAINS_OP GET_ITER
    UNARY_NOT UNARY_INVERT CALL_INTRINSIC_1 LIST_TO_TUPLE CONVERT_VALUE FORMAT_VALUE FORMAT_SIMPLE
    FORMAT_WITH_SPEC BUILD_LIST BUILD_TUPLE BUILD_SET BUILD_MAP BUILD_CONST_KEY_MAP BUILD_STRING
    BUILD_SLICE"""
_LOADS, _TAKES = {*_PUSH.split()}, {*_POP.split()}
_MAKES = {*_POP_SOME_AND_PUSH_ONE.split()} | _CALLS | _OPERATORS
_STORES = {  # at which depth each of their names finds its value
    **dict.fromkeys(("STORE_NAME", "STORE_GLOBAL", "STORE_DEREF", "STORE_FAST"), (0,)),
    "STORE_FAST_LOAD_FAST": (0,),
    "STORE_FAST_STORE_FAST": (0, 1),
    "STORE_ATTR": (1,),
    "STORE_SUBSCR": (),
    "STORE_SLICE": (),
}
_POP_JUMPS = [f"POP_JUMP_{way}IF_" for way in ("", "FORWARD_", "BACKWARD_")]
# jumps that pop what they test
_TESTS = {jump + what for jump in _POP_JUMPS for what in ("TRUE", "FALSE", "NONE", "NOT_NONE")}
# the jumps of `and` and `or` keep what they test
_JUMPS = _TESTS | {"JUMP_IF_TRUE_OR_POP", "JUMP_IF_FALSE_OR_POP", "JUMP_FORWARD"}


@lru_cache(maxsize=256)
def _instructions(key: Code) -> tuple[list[dis.Instruction], list[int]]:
    """The instructions of a code object, and the offset of each."""
    found = [each for each in dis.get_instructions(key.code) if each.opname not in _NOTHING]
    return found, [each.offset for each in found]


def called(key: Code, at: int) -> str | None:
    """The name of the function that the instruction with number `at` calls.

    It is the last part of a dotted name: `tanh` in both `tanh(x)` and `engine.tanh(x)`. It is "" if
    the function has no name, and None if the instruction is no call.
    """
    found, offsets = _instructions(key)
    i = bisect_right(offsets, 2 * at) - 1
    if i < 0 or found[i].opname not in _CALLS:
        return None
    start = _start(found[i])
    for each in reversed(found[:i]):  # the function begins where the call does, arguments later
        if start == _start(each) and each.opname not in ("PRECALL", "KW_NAMES", "PUSH_NULL"):
            return each.argval if isinstance(each.argval, str) else ""
    return ""


def _start(each: dis.Instruction) -> tuple[int | None, int | None]:
    where: Any = each.positions
    return where.lineno, where.col_offset


def variable(key: Code, at: int, item: int | None = None) -> str | None:
    """The variable that the result of the instruction with number `at` is stored in, or None.

    With an `item` the result is a list, and the answer is the name of that item of it: `ps[0]`.
    """
    found, offsets = _instructions(key)
    i = bisect_right(offsets, 2 * at)
    if not i or found[i - 1].opname not in _CALLS | _OPERATORS:
        return None
    if found[i - 1].opname == "PRECALL":  # the call that belongs to it is next
        i += 1
    depths = {0}
    while depths and i < len(found):
        each = found[i]
        op, arg, i = each.opname, each.arg or 0, i + 1
        if op in _STORES:
            names = each.argval if isinstance(each.argval, tuple) else (each.argval,)
            for name, depth in zip(names, _STORES[op], strict=False):
                if depth in depths:
                    whole = name if item is None else f"{name}[{item}]"
                    # pytest stores results under names like @py_assert1
                    return whole if name.isidentifier() else None
            depths = _after(each, depths)
        elif op == "BUILD_TUPLE" and i < len(found) and found[i].opname == "UNPACK_SEQUENCE":
            if min(depths) >= arg or found[i].arg != arg:
                return None
            depths, i = {arg - 1 - d if d < arg else d for d in depths}, i + 1
        elif op in ("UNPACK_SEQUENCE", "UNPACK_EX"):
            depths, item = _unpacked(op, arg, depths, item)
        elif op in _JUMPS:
            depths = _shifted(depths, 1, 0) if op in _TESTS else depths
            i = bisect_left(offsets, each.argval)
        else:
            depths = _after(each, depths)
    return None


def _after(each: dis.Instruction, depths: set[int]) -> set[int]:
    """The depths of the result after one more instruction; none after an unknown instruction."""
    op, arg = each.opname, each.arg or 0
    if op == "SWAP":
        swapped = {0: arg - 1, arg - 1: 0}
        return {swapped.get(depth, depth) for depth in depths}
    if op == "COPY":
        return {depth + 1 for depth in depths} | ({0} if arg - 1 in depths else set())
    if op == "STORE_FAST_LOAD_FAST":
        return depths - {0}
    effect = dis.stack_effect(each.opcode, each.arg, jump=False)
    if op in _LOADS:
        return _shifted(depths, 0, effect)
    if op in _TAKES or op in _STORES:
        return _shifted(depths, -effect, 0)
    return _shifted(depths, 1 - effect, 1) if op in _MAKES else set()


def _unpacked(op: str, arg: int, depths: set[int], item: int | None) -> tuple[set[int], int | None]:
    """The depths after the top of the stack was unpacked, and the item to look for from there on.

    Where the top was the list that holds the item, the item itself now lies on the stack. From
    there on it is looked for as a whole, and None stands for its number.
    """
    before, after = (arg, 0) if op == "UNPACK_SEQUENCE" else (arg & 0xFF, (arg >> 8) + 1)
    below = {depth - 1 + before + after for depth in depths if depth}
    if 0 not in depths:
        return below, item
    if item is None or item >= before:  # which item is not known, or it is among the rest
        return below, None
    return {item}, None


def _shifted(depths: set[int], pops: int, pushes: int) -> set[int]:
    """The depths after so many values were popped, and then so many pushed."""
    return {depth - pops + pushes for depth in depths if depth >= pops}
