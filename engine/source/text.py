"""Texts in few characters: numbers, what is cut because it is too long, and the expression that
stands for what nobody gave a name.
"""

import ast
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Any

LONGEST = 40  # of a name, in columns
MARK = "\u200e"  # on both sides of words from right to left; what stands beside keeps its direction
SIGNS = {sign: sign for sign in ("+", "-", "/", "**", "%", "//", ">")}  # Python's, by symbols
SIGNS |= {"×": "*", "≥": ">=", "=": "=="}


def number(x: float) -> str:
    """A float in few characters, which show whether it was rounded.

    A float that six digits hold exactly is written exactly. Any other is rounded to four digits
    (five or six from a thousand on) and keeps its trailing zeros, which show that it was rounded.

    >>> [number(x) for x in (3.0, -0.5, 0.1 + 0.2, 1e-06, 2 / 3, 12345.678, float("inf"))]
    ['3', '-0.5', '0.3000', '1e-06', '0.6667', '12345.7', 'inf']
    """
    short = f"{x:.6g}"
    if float(short) == x or x != x:
        return min(short, repr(x), key=len)  # repr is the shorter for the smallest floats of all
    return f"{x:.1f}" if 1e3 <= abs(x) < 1e6 else f"{x:#.4g}"


def counted(count: int, what: str) -> str:
    """A number of things: `1 edge`, `2 edges`.

    >>> counted(1, "edge"), counted(0, "edge"), counted(2000, "loss"), counted(2, "more leaf")
    ('1 edge', '0 edges', '2,000 losses', '2 more leaves')
    """
    end = "es" if what[-1] in "sx" else "s"
    several = what[:-1] + "ves" if what.endswith("leaf") else what + end
    return f"{count:,} {what if count == 1 else several}"


def listed(names: Sequence[str], most: int = 5) -> str:
    """The first few names.

    >>> listed(["a", "b"]), listed(["a", "b", "c", "d"], 2)
    ('a, b', 'a, b, … 2 more')
    """
    more = [f"… {len(names) - most:,} more"] * (len(names) > most)
    return ", ".join([*names[:most], *more])


def columns_of(char: str) -> int:
    """How many columns a character takes."""
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def shorten(text: str, width: int = LONGEST) -> str:
    """A text cut to a number of columns, with an ellipsis where it was cut.

    Parentheses around the whole stay closed, and an index stays, which tells items apart.

    >>> shorten("short"), shorten("abcdefghij", 5), shorten("(a + b + c)", 8)
    ('short', 'abcd…', '(a + b…)')
    >>> shorten("softmax([a, b, c])[1]", 16)
    'softmax([a,…[1]'
    """
    if len(text) <= width and text.isascii():
        return text
    # no tower of accents either: each character counts
    ends = [*accumulate(max(columns_of(char), 1) for char in text[: width + 1])]
    if not ends or ends[-1] <= width:
        return text
    last = {"]": text[text.rfind("[") :], MARK: MARK}
    tail = last.get(text[-1], ")" * (bare(text) != text))
    mark = "…" + tail * (len(tail) < width // 2)
    return text[: bisect_right(ends, width - len(mark))].rstrip() + mark


def middle(text: str, width: int = LONGEST) -> str:
    """A text cut in its middle to a number of columns; its two ends say the most.

    >>> middle("short"), middle("abcdefghij", 5)
    ('short', 'ab…ij')
    """
    widths = [max(columns_of(char), 1) for char in text]
    if sum(widths) <= width:
        return text
    first, last = [*accumulate(widths)], [*accumulate(reversed(widths))]
    side = (width - 1) // 2
    return f"{text[: bisect_right(first, side)]}…{text[len(text) - bisect_right(last, side) :]}"


def bare(text: str) -> str:
    """A text without the parentheses around the whole of it, if there are any.

    >>> bare("(x * w)"), bare("(x * w).tanh()")
    ('x * w', '(x * w).tanh()')
    """
    depths = [*accumulate((char == "(") - (char == ")") for char in text)]
    around = text[:1] == "(" and text[-1] == ")" and 0 not in depths[:-1]
    return text[1:-1] if around else text


@lru_cache(maxsize=4096)
def enclosed(code: str) -> str:
    """An expression as a name, with the parentheses that it needs as one; "" if it is none.

    >>> enclosed("(x * w).tanh()"), enclosed("x * w"), enclosed("x += w")
    ('(x * w).tanh()', '(x * w)', '')
    """
    try:
        tree = ast.parse(code, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    whole = isinstance(tree, ast.Attribute | ast.Call | ast.Name | ast.Subscript)
    return code if whole else f"({code})"


def composed(op: Any, operands: Sequence[str]) -> str:
    """An operation on operands, in Python's signs.

    >>> from engine.core.operation import rows
    >>> composed(rows.mul, ["x", "-1"]), composed(rows.dot, ["…", "(a + b)"])
    ('(x * (-1))', 'dot(…, a + b)')
    """
    sign = SIGNS.get(op.symbol)
    if sign is None or len(operands) > 2:
        return f"{op.name}({', '.join(map(bare, operands))})"
    signed = [f"({each})" if each.startswith("-") else each for each in operands]
    return f"({f' {sign} '.join(signed) if len(signed) == 2 else sign + signed[0]})"
