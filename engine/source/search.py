"""Where the user's source says something: loops, calls and assignments, by its syntax tree."""

import ast
import linecache
from collections.abc import Iterator
from functools import lru_cache
from typing import TypeVar

from engine.source.origin import Place

T = TypeVar("T", bound=ast.AST)


@lru_cache(maxsize=16)
def _nodes(text: str) -> list[ast.AST]:
    try:
        return [*ast.walk(ast.parse(text))]
    except (SyntaxError, ValueError):
        return []


def written(file: str, kind: type[T]) -> list[T]:
    """The parts of a file of one kind, such as `ast.Call`; none where it cannot be read."""
    return [each for each in _nodes("".join(linecache.getlines(file))) if isinstance(each, kind)]


def calls(file: str, *names: str) -> Iterator[ast.Call]:
    """The calls of functions that are called so: `step` in `step()` and in `optimizer.step()`."""
    for call in written(file, ast.Call):
        if getattr(call.func, "attr", getattr(call.func, "id", None)) in names:
            yield call


def called_at(file: str, *names: str) -> Place | None:
    """The line of the first such call."""
    lines = [call.lineno for call in calls(file, *names)]
    return Place(file, min(lines)) if lines else None


def loops_around(place: Place) -> list[ast.For | ast.While]:
    """The loops around a line, the outermost first."""
    loops: list[ast.For | ast.While] = [*written(place.file, ast.For)]
    loops += written(place.file, ast.While)
    around = [x for x in loops if x.lineno <= place.line <= (x.end_lineno or 0)]
    return sorted(around, key=lambda loop: loop.lineno)


def lines_of(file: str, part: ast.AST) -> str:
    """The text of a part of a file."""
    start, end = getattr(part, "lineno", 1), getattr(part, "end_lineno", 0)
    return "".join(linecache.getlines(file)[start - 1 : end])


def assigned(place: Place, name: str) -> Place | None:
    """The last line up to a place that assigns what a call gives to a variable."""
    found = [
        each.lineno
        for each in written(place.file, ast.Assign)
        if each.lineno <= place.line
        and isinstance(each.value, ast.Call)
        and any(isinstance(target, ast.Name) and target.id == name for target in each.targets)
    ]
    return Place(place.file, max(found)) if found else None


def receiver(place: Place, method: str) -> str:
    """The variable whose method is called on a line; "" where there is none."""
    for call in calls(place.file, method):
        value = getattr(call.func, "value", None)
        if call.lineno <= place.line <= (call.end_lineno or 0) and isinstance(value, ast.Name):
            return value.id
    return ""
