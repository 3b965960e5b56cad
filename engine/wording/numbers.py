"""Numbers and operations as short texts, and texts made fit for pictures."""

from collections.abc import Sequence

from engine.core.operation import Operation

HIDDEN = "\u25a1"  # stands for an operand that has an arrow of its own

# XML 1.0 cannot hold most of these characters, not even escaped, and a layout would lose tabs and
# returns. The symbols of control characters, from U+2400 on, are in the order of ASCII.
_SYMBOLS = dict.fromkeys([*range(0xD800, 0xE000), 0xFFFE, 0xFFFF], "\ufffd")
_SYMBOLS |= {code: chr(0x2400 + code) for code in range(0x20) if code != ord("\n")}
_SYMBOLS[0x7F] = "\u2421"


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


def visible(text: str) -> str:
    r"""A text with symbols for the characters that XML cannot hold and no picture can show.

    >>> visible("a\tb")
    'a␉b'
    """
    return text.translate(_SYMBOLS)


def shorten(text: str, width: int = 40) -> str:
    """A text cut to a number of characters, with a mark where it was cut.

    >>> shorten("short"), shorten("abcdefghij", 5)
    ('short', 'abcd…')
    """
    return text if len(text) <= width else text[: width - 1] + "…"


def operation(op: Operation, operands: Sequence[str]) -> str:
    """An operation on operands, given as texts: `2 - □`.

    An operand that has an arrow of its own in a picture is HIDDEN. If all are, the symbol alone is
    written.

    >>> from engine.core.operation import rows
    >>> operation(rows.sub, ["2", HIDDEN]), operation(rows.sub, [HIDDEN, HIDDEN])
    ('2 - □', '-')
    """
    symbol = op.symbol if op.symbol.isidentifier() or len(operands) < 3 else op.name
    if all(operand == HIDDEN for operand in operands):
        return symbol
    if len(operands) == 2 and not symbol.isidentifier():
        return f"{operands[0]} {symbol} {operands[1]}"
    if len(operands) > 4:
        operands = [*operands[:2], "…", operands[-1]]
    return f"{symbol}({', '.join(operands)})"
