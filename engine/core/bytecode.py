"""What the instructions of Python say of a node: whether an operator or a call made it, and to what
variable it went. Only `origins.py` asks.
"""

import dis
from bisect import bisect_left, bisect_right
from functools import lru_cache
from types import CodeType

__all__ = ["Code", "maker", "stored"]

# All instructions that are met on the way from a result to the variable it goes to, from Python
# 3.11 to 3.14. At any other, such as a later Python may bring, the search is given up: no name is
# better than a wrong one.
_NOTHING = {"NOP", "CACHE", "EXTENDED_ARG", "TO_BOOL", "NOT_TAKEN"}
_CALLS = {"CALL", "CALL_KW", "CALL_FUNCTION_EX"}
_OPERATORS = {"BINARY_OP", "UNARY_NEGATIVE"}
_LOADS = {  # take nothing from the stack
    "PUSH_NULL",
    *("LOAD_CONST", "LOAD_SMALL_INT", "LOAD_NAME", "LOAD_GLOBAL", "LOAD_DEREF", "LOAD_CLASSDEREF"),
    *("LOAD_CLOSURE", "LOAD_FAST", "LOAD_FAST_CHECK", "LOAD_FAST_LOAD_FAST", "LOAD_FAST_BORROW"),
    "LOAD_FAST_BORROW_LOAD_FAST_BORROW",
}
_TAKES = {  # put nothing on it
    *("POP_TOP", "LIST_APPEND", "LIST_EXTEND", "SET_ADD", "SET_UPDATE", "MAP_ADD", "DICT_UPDATE"),
    "DICT_MERGE",
}
_MAKES = _CALLS | _OPERATORS | {  # put one thing on it
    *("PRECALL", "KW_NAMES"),
    *("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR", "MAKE_FUNCTION", "SET_FUNCTION_ATTRIBUTE"),
    *("BINARY_SUBSCR", "BINARY_SLICE", "COMPARE_OP", "IS_OP", "CONTAINS_OP", "GET_ITER"),
    *("UNARY_NOT", "UNARY_INVERT", "CALL_INTRINSIC_1", "LIST_TO_TUPLE", "CONVERT_VALUE"),
    *("FORMAT_VALUE", "FORMAT_SIMPLE", "FORMAT_WITH_SPEC", "BUILD_LIST", "BUILD_TUPLE"),
    *("BUILD_SET", "BUILD_MAP", "BUILD_CONST_KEY_MAP", "BUILD_STRING", "BUILD_SLICE"),
}  # fmt: skip
_STORES = {  # and how far below the top lies what each of their names is for
    **dict.fromkeys(("STORE_NAME", "STORE_GLOBAL", "STORE_DEREF", "STORE_FAST"), (0,)),
    "STORE_FAST_LOAD_FAST": (0,),
    "STORE_FAST_STORE_FAST": (0, 1),
    "STORE_ATTR": (1,),
    "STORE_SUBSCR": (),
    "STORE_SLICE": (),
}
_TESTS = {  # jumps that take what they look at
    f"POP_JUMP_{way}IF_{what}"
    for way in ("", "FORWARD_", "BACKWARD_")
    for what in ("TRUE", "FALSE", "NONE", "NOT_NONE")
}
# an `and` or `or` decides on a result that it keeps
_JUMPS = _TESTS | {"JUMP_IF_TRUE_OR_POP", "JUMP_IF_FALSE_OR_POP", "JUMP_FORWARD"}


class Code:
    """A code object by identity: its own hash reads all of its constants, each time."""

    __slots__ = ("code",)

    def __init__(self, code: CodeType) -> None:
        self.code = code

    def __hash__(self) -> int:
        return id(self.code)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Code) and self.code is other.code


@lru_cache(maxsize=256)
def _instructions(key: Code) -> tuple[list[dis.Instruction], list[int]]:
    """The instructions of a code object, and where each begins."""
    found = [each for each in dis.get_instructions(key.code) if each.opname not in _NOTHING]
    return found, [each.offset for each in found]


def maker(key: Code, at: int) -> str:
    """What the instruction with that number is: an "operator", a "call", or "", something else."""
    found, offsets = _instructions(key)
    opname = found[bisect_right(offsets, 2 * at) - 1].opname if found else ""
    return "call" if opname in _CALLS else "operator" if opname in _OPERATORS else ""


def stored(key: Code, at: int, item: int | None = None) -> str | None:
    """The variable that what an instruction leaves on the stack goes to, if it goes to one.

    Follows the stack from there: `ours` is how far below its top the result lies (a copy of it may
    lie elsewhere). Where that is a list, asked for is its item of that number.
    """
    found, offsets = _instructions(key)
    i = bisect_right(offsets, 2 * at)
    ours = {0}
    while ours and i < len(found):
        each = found[i]
        op, arg, i = each.opname, each.arg or 0, i + 1
        if op in _STORES:
            names = each.argval if isinstance(each.argval, tuple) else (each.argval,)
            for name, place in zip(names, _STORES[op], strict=False):
                if place in ours:  # pytest, for one, keeps what is no name of anybody's
                    return _spelt(name, item) if name.isidentifier() else None
            ours = _stepped(each, ours)
        elif op == "BUILD_TUPLE" and i < len(found) and found[i].opname == "UNPACK_SEQUENCE":
            if min(ours) >= arg or found[i].arg != arg:
                return None
            ours, i = {arg - 1 - place if place < arg else place for place in ours}, i + 1
        elif op in ("UNPACK_SEQUENCE", "UNPACK_EX"):
            ours, item = _unpacked(op, arg, ours, item)
        elif op in _JUMPS:
            ours = _moved(ours, 1, 0) if op in _TESTS else ours
            i = bisect_left(offsets, each.argval)
        else:
            ours = _stepped(each, ours)
    return None


def _spelt(name: str, item: int | None) -> str:
    return name if item is None else f"{name}[{item}]"


def _stepped(each: dis.Instruction, ours: set[int]) -> set[int]:
    """Where what is ours lies after an instruction; nowhere after one that is not known."""
    op, arg = each.opname, each.arg or 0
    if op == "SWAP":
        swapped = {0: arg - 1, arg - 1: 0}
        return {swapped.get(place, place) for place in ours}
    if op == "COPY":
        return {place + 1 for place in ours} | ({0} if arg - 1 in ours else set())
    if op == "STORE_FAST_LOAD_FAST":
        return ours - {0}
    effect = dis.stack_effect(each.opcode, each.arg, jump=False)
    if op in _LOADS:
        return _moved(ours, 0, effect)
    if op in _TAKES or op in _STORES:
        return _moved(ours, -effect, 0)
    return _moved(ours, 1 - effect, 1) if op in _MAKES else set()


def _unpacked(op: str, arg: int, ours: set[int], item: int | None) -> tuple[set[int], int | None]:
    """Where what is ours lies after a sequence on the top was unpacked."""
    before, after = (arg, 0) if op == "UNPACK_SEQUENCE" else (arg & 0xFF, (arg >> 8) + 1)
    below = {place - 1 + before + after for place in ours if place}
    if 0 not in ours:
        return below, item
    if item is None or item >= before:  # a list of which we do not know the item, or its rest
        return below, None
    return {item}, None


def _moved(ours: set[int], pops: int, pushes: int) -> set[int]:
    """Where what is ours lies after so much has been taken from the top and put on it."""
    return {place - pops + pushes for place in ours if place >= pops}
