"""Text for a terminal: what shows itself, mistakes in what was typed, columns and colours."""

import os
import sys
import unicodedata
from collections.abc import Sequence

__all__ = ["Mistake", "Text", "columns", "columns_of", "in_colour", "painted", "width"]


class Text(str):
    """A str that shows itself: its repr is the text, so that a REPL prints what it holds.

    >>> Text("two" + chr(10) + "lines")
    two
    lines
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class Mistake(ValueError):
    """Something wrong in what was typed: what, and where if there is a place to point at."""

    def __init__(self, message: str, source: str = "", begin: int = 0, end: int = 0) -> None:
        start = max(0, begin - 50)  # a line of a terminal, of an expression of any length
        shown = "".join(c if c.isprintable() else "?" for c in source[start : start + 75])
        marks = "^" * max(1, min(end - begin, start + len(shown) - begin))
        place = f"\n  {shown}\n  {' ' * (begin - start)}{marks}" if source else ""
        super().__init__(message + place)


def width(text: str) -> int:
    """How many columns a text takes: wide characters take two, combining ones none.

    >>> width("ab"), width("日本"), width("e" + chr(0x301))
    (2, 4, 1)
    """
    return sum(map(columns_of, text))


def columns_of(char: str) -> int:
    """How many columns a character takes."""
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def columns(rows: Sequence[Sequence[str]], right: int) -> list[str]:
    """Lines of cells under each other; those from number `right` on end at the same column.

    >>> columns([["name", "1"], ["n", "-0.5"]], right=1)
    ['name     1', 'n     -0.5']
    """
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        gaps = [" " * (most - width(cell)) for most, cell in zip(widths, row, strict=True)]
        cells = [
            gap + cell if i >= right else cell + gap
            for i, (gap, cell) in enumerate(zip(gaps, row, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def in_colour(wanted: bool | None) -> bool:
    """Whether to colour: as is said, else on a terminal, unless NO_COLOR is set (no-color.org)."""
    if wanted is not None:
        return wanted
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return not plain and sys.stdout is not None and sys.stdout.isatty()


def painted(text: str, style: str) -> str:
    """A text in a style (the numbers of an ANSI sequence)."""
    return f"\x1b[{style}m{text}\x1b[0m" if style and text else text
