"""Where the user's source says something: loops, calls and assignments, by its syntax tree."""

import ast
import linecache
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, TypeVar

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


def spans(part: Any, place: Place) -> bool:
    """Whether a part of a file goes over a line."""
    return bool(part.lineno <= place.line <= (part.end_lineno or 0))


def loops_around(place: Place) -> list[ast.For | ast.While]:
    """The loops around a line, the outermost first."""
    loops: list[Any] = [*written(place.file, ast.For), *written(place.file, ast.While)]
    return sorted([x for x in loops if spans(x, place)], key=lambda loop: loop.lineno)


def lines_of(file: str, part: ast.AST) -> str:
    """The text of a part of a file."""
    start, end = getattr(part, "lineno", 1), getattr(part, "end_lineno", 0)
    return "".join(linecache.getlines(file)[start - 1 : end])


def assigned(place: Place, name: str) -> Place | None:
    """The last line up to a place that assigns what a call gives to a variable."""
    before = [x for x in written(place.file, ast.Assign) if x.lineno <= place.line]
    found = [x for x in before if name in [getattr(each, "id", "") for each in x.targets]]
    lines = [x.lineno for x in found if isinstance(x.value, ast.Call)]
    return Place(place.file, max(lines)) if lines else None


def receiver(place: Place, method: str) -> str:
    """The variable whose method is called on a line; "" where there is none."""
    for call in calls(place.file, method):
        value = getattr(call.func, "value", None)
        if spans(call, place) and isinstance(value, ast.Name):
            return value.id
    return ""
