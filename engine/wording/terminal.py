"""Text for a terminal: reading and correcting what was typed, columns, colours, and a str that a
REPL prints as it is.
"""

import ast
import operator
import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import IO, Any, Self

from engine.choices import similar
from engine.source.text import columns_of

# Stand-ins, for a terminal that lacks any of the characters in a text.
WORDS = {"…": "...", "Σ": "sum", "Π": "prod", "∂": "d", "≤": "<=", "≥": ">="}
ASCII = str.maketrans("└├│─▶×·↑→∞", "`||->x.^>~") | str.maketrans(WORDS)


def printable(text: str, stream: IO[str] | None = None) -> str:
    """A text that a stream, by default stdout, can write.

    If the stream lacks one of its characters, the text becomes ASCII: characters get stand-ins, and
    those without a stand-in become question marks.
    """
    encoding = getattr(stream or sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(ASCII).encode(encoding, "replace").decode(encoding)
    return text


class Text(str):
    """A str that a REPL prints as lines: its repr is the text itself, without quotes.

    Every terminal can print it: see `printable`.

    >>> Text("two" + chr(10) + "lines")
    two
    lines
    """

    __slots__ = ()

    def __str__(self) -> str:
        return printable(super().__str__())

    __repr__ = __str__


class Mistake(ValueError):
    """An error in what a user typed. Where the source is given, the message marks the place."""

    def __init__(self, message: str, source: str = "", begin: int = 0, end: int = 0) -> None:
        start = max(0, begin - 50)  # a line of a terminal, of an expression of any length
        shown = "".join(c if c.isprintable() else "?" for c in source[start : start + 75])
        marks = "^" * max(1, min(end - begin, start + len(shown) - begin))
        place = f"\n  {shown}\n  {' ' * (begin - start)}{marks}" if source else ""
        super().__init__(message + place)

    @classmethod
    def at(cls, tree: ast.expr, source: str, message: str) -> Self:
        """A mistake in one piece of the syntax tree of a source."""
        line = source.encode()  # Python counts bytes
        begin, end = line[: tree.col_offset].decode(), line[: tree.end_col_offset].decode()
        return cls(message, source, len(begin), len(end))


# What the operators of Python do, by their syntax.
OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.Mod: operator.mod,
    ast.FloorDiv: operator.floordiv,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}


def parsed(source: str) -> ast.expr:
    """The syntax tree of an expression. Python itself limits how deep it may be.

    Raises Mistake if it cannot be read.
    """
    try:
        return ast.parse(source, mode="eval").body
    except SyntaxError as error:
        begin, end = (error.offset or 1) - 1, (error.end_offset or 1) - 1
        raise Mistake(error.msg, source, begin, end) from None
    except (RecursionError, MemoryError):
        fault = "the expression is nested too deeply; write a long sum as sum([...])"
        raise Mistake(f"{fault}, or build the graph in Python, where there is no limit") from None
    except ValueError as error:  # characters that no source can hold
        raise Mistake(f"the expression cannot be read: {error}") from None


def hint(text: str, known: Iterable[str]) -> str:
    """What a message adds about a name that is not known: names that are like it, or a few.

    >>> hint("rleu", ["tanh", "relu"]), hint("rleu", ["tanh"])
    ('; did you mean relu?', '; there are tanh')
    """
    known = [*dict.fromkeys(known)]
    if near := similar(text, known):
        return f"; did you mean {' or '.join(near)}?"
    some = ", ".join(known[-5:])
    return f"; there are {some}{', …' if len(known) > 5 else ''}" if some else ""


def width(text: str) -> int:
    """How many columns a text takes: wide characters take two, combining ones none.

    >>> width("ab"), width("日本"), width("e" + chr(0x301))
    (2, 4, 1)
    """
    return sum(map(columns_of, text))


def columns(rows: Sequence[Sequence[str]], right: int) -> list[str]:
    """Rows of cells as lines in which the cells stand in columns.

    Arguments:
        right: the columns from this number on are flush right.

    >>> columns([["name", "1"], ["n", "-0.5"]], right=1)
    ['name     1', 'n     -0.5']
    """
    padded = []
    for i, column in enumerate(zip(*rows, strict=True)):
        most = max(map(width, column))
        cells = [(cell, " " * (most - width(cell))) for cell in column]
        padded.append([gap + cell if i >= right else cell + gap for cell, gap in cells])
    return ["  ".join(line).rstrip() for line in zip(*padded, strict=True)]


def wrapped(head: str, text: str, hang: int | None = None) -> list[str]:
    """A text as lines no wider than the terminal, or 100 columns where there is none.

    Arguments:
        head: what the first line begins with. hang: how far others are indented, or else as it is.

    >>> wrapped("do: ", "subtract the mean", hang=2)
    ['do: subtract the mean']
    """
    live = sys.stdout is not None and sys.stdout.isatty()
    wide = min(shutil.get_terminal_size().columns if live else 100, 100)
    indent = " " * (len(head) if hang is None else hang)
    fill = textwrap.TextWrapper(
        max(wide, 40), subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return fill.wrap(head + text)


def in_colour(wanted: bool | None) -> bool:
    """Whether to write in colours: as wanted, or else as stdout has it.

    Without a wish it is True if stdout is a terminal and NO_COLOR is not set (no-color.org).
    """
    if wanted is not None:
        return wanted
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return not plain and sys.stdout is not None and sys.stdout.isatty()


def painted(text: str, style: str) -> str:
    """A text in a style. A style is the numbers of an ANSI sequence, or "" for none."""
    return f"\x1b[{style}m{text}\x1b[0m" if style and text else text
