"""Ctrl-C in a loop ends the blocks around it.

From Python 3.12 on, a jump back to the head of a loop looks for signals; and where an `if` or a
`while` of two conditions ends the loop, that jump is none of the block's own: what is raised there
skips the `except`, the `finally` or the end of the `with`. A loop in a function that the block
calls is safe, and so is a `for` whose last statement is no `if`.
"""

import dis
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FILES = [path for room in ("engine", "nn") for path in sorted((ROOT / room).rglob("*.py"))]


def codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from codes(each)


def uncovered(code: CodeType) -> list[int]:
    """The lines of jumps into a block that are in no block themselves."""
    instructions: list[Any] = [*dis.get_instructions(code)]
    places = {each.offset: i for i, each in enumerate(instructions)}
    table = dis._parse_exception_table(code)  # type: ignore[attr-defined]
    blocks = [each for each in table if _ends_all(instructions[places[each.target] :])]

    def within(offset: int, blocks: list[Any]) -> bool:
        return any(block.start <= offset < block.end for block in blocks)

    jumps = [each for each in instructions if each.opname.startswith("JUMP_BACKWARD")]
    found = [
        each for each in jumps if within(each.argval, blocks) and not within(each.offset, table)
    ]
    return [each.positions.lineno for each in found]


def _ends_all(handler: list[Any]) -> bool:
    """Whether a handler is for a KeyboardInterrupt too."""
    if handler[0].opname != "PUSH_EXC_INFO":  # of a comprehension, which puts a variable back
        return False
    names = list[Any]()
    for each in handler[1:]:
        if each.opname == "CHECK_EXC_MATCH":
            return not {"KeyboardInterrupt", "BaseException"}.isdisjoint(names)
        if each.opname in ("WITH_EXCEPT_START", "RERAISE"):
            return True
        names.append(each.argval)
    return True


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_jump_leaves_its_block(path: Path) -> None:
    code = compile(path.read_text(encoding="utf-8"), str(path), "exec")
    found = {each.co_qualname: uncovered(each) for each in codes(code)}
    assert {name: lines for name, lines in found.items() if lines} == {}


SAFE = """
with block:
    for x in block:
        if x is None:
            continue
        x.go()
"""
UNSAFE = """
with block:
    for x in block:
        if x is not None:
            x.go()
"""
HARMLESS = UNSAFE.replace("with block", "try") + "except ValueError:\n    pass"
CAUGHT = HARMLESS.replace("ValueError", "KeyboardInterrupt")


@pytest.mark.parametrize(
    ("text", "found"), [(SAFE, False), (UNSAFE, True), (HARMLESS, False), (CAUGHT, True)]
)
def test_such_jumps_are_seen(text: str, found: bool) -> None:
    lines = uncovered(compile(text, "text", "exec"))
    assert bool(lines) is (found and sys.version_info >= (3, 12))
