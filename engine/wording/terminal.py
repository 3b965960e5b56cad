"""Text for a terminal: what is printed as it is, names that cannot break it, columns, colours."""

import os
import sys
import unicodedata
from collections.abc import Callable, Sequence

from engine.core.origins import name
from engine.core.value import Value

__all__ = ["Names", "Text", "columns", "in_colour", "painted", "safe", "width"]

LONGEST = 40  # of a name, in columns


class Text(str):
    """A str that shows itself: its repr is the text, so that a REPL prints what it holds.

    >>> Text("two" + chr(10) + "lines")
    two
    lines
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def width(text: str) -> int:
    """How many columns a text takes: wide characters take two, combining ones none.

    >>> width("ab"), width("日本"), width("e" + chr(0x301))
    (2, 4, 1)
    """
    return sum(map(_columns, text))


def _columns(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def safe(label: str) -> str:
    r"""A label as one short line that does nothing to a terminal, whatever it holds.

    What is not printable is written as Python writes it; words that run from right to left are
    kept from turning the rest of the line round.

    >>> print(safe("red\x1b[31m and" + chr(10) + "\u202eback"))
    red\x1b[31m and\n\u202eback
    """
    shown, taken = "", 0
    for char in label:
        piece = char if char.isprintable() else char.encode("unicode_escape").decode()
        taken += sum(max(_columns(c), 1) for c in piece)  # no tower of accents either
        if taken > LONGEST:
            shown += "…"
            break
        shown += piece
    if any(unicodedata.bidirectional(char) in ("R", "AL", "AN") for char in shown):
        shown = f"\u200e{shown}\u200e"  # marks of left to right
    return shown


class Names:
    """A name for every node that is asked for, of which no two are the same.

    >>> a, b, names = Value(1.0, "w"), Value(2.0, "w"), Names()
    >>> names.of(a), names.of(b), names.of(a), names.of(a * b), names.of(a + b)
    ('w', 'w#2', 'w', 'v1', 'v2')
    """

    def __init__(self, stem: str = "v", tidy: Callable[[str], str] = safe) -> None:
        self.stem, self.tidy = stem, tidy
        self._names: dict[Value, str] = {}
        self._taken: dict[str, int] = {}  # how often each was asked for

    def of(self, node: Value, otherwise: str = "") -> str:
        """Its label or variable; where it has neither, what is given, or the stem and a number."""
        if node not in self._names:
            wanted = self.tidy(own if (own := name(node)) else otherwise) or self._numbered(
                self.stem, 1
            )
            if wanted in self._taken:
                wanted = self._numbered(f"{wanted}#", 2)
            self._taken[wanted] = 1
            self._names[node] = wanted
        return self._names[node]

    def _numbered(self, stem: str, start: int) -> str:
        k = self._taken.get(stem + "…", start)
        while f"{stem}{k}" in self._taken:
            k += 1
        self._taken[stem + "…"] = k + 1  # the next need not count from the start
        return f"{stem}{k}"


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
