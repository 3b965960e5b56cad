"""What numbers, operations and nodes are called: in messages, in lines of text, in pictures, and as
variables of Python.
"""

import builtins
import keyword
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from engine.core.operation import Operation
from engine.core.origins import name_of, place_of
from engine.core.value import Value, is_constant
from engine.wording.terminal import columns_of

LONGEST = 40  # of a name, in columns
SHORT = 24  # characters of code that can stand for a name
# names that the program of `to_source` uses itself
RESERVED = {"Node", "inf", "nan", "shown", *dir(builtins)}
HIDDEN = "\u25a1"  # stands for an operand that has an arrow of its own

# XML 1.0 cannot hold most of these characters, not even escaped, and a layout would lose tabs and
# returns. The symbols of control characters, from U+2400 on, are in the order of ASCII.
_SYMBOLS = dict.fromkeys([*range(0xD800, 0xE000), 0xFFFE, 0xFFFF], "\ufffd")
_SYMBOLS |= {code: chr(0x2400 + code) for code in range(0x20) if code != ord("\n")}
_SYMBOLS[0x7F] = "\u2421"


# --- numbers and operations ----------------------------------------------------------------------
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
    >>> operation(rows.sub, ["-3", "-1"]), operation(rows.pow, ["-3", "2"])
    ('-3 - (-1)', '(-3) ** 2')
    """
    symbol = op.symbol if op.symbol.isidentifier() or len(operands) < 3 else op.name
    if all(operand == HIDDEN for operand in operands):
        return symbol
    if len(operands) == 2 and not symbol.isidentifier():
        left, right = [f"({each})" if each.startswith("-") else each for each in operands]
        return f"{left if symbol == '**' else operands[0]} {symbol} {right}"
    if len(operands) > 4:
        operands = [*operands[:2], "…", operands[-1]]
    return f"{symbol}({', '.join(operands)})"


# --- nodes ---------------------------------------------------------------------------------------
def safe(label: str) -> str:
    r"""A label as one short line that does nothing to a terminal, whatever it holds.

    A character that cannot be printed is written as Python escapes it. Marks around words that run
    from right to left keep the rest of the line in its direction.

    >>> print(safe("red\x1b[31m and" + chr(10) + "\u202eback"))
    red\x1b[31m and\n\u202eback
    """
    shown, taken = "", 0
    for char in label:
        piece = char if char.isprintable() else char.encode("unicode_escape").decode()
        taken += sum(max(columns_of(c), 1) for c in piece)  # no tower of accents either
        if taken > LONGEST:
            shown += "…"
            break
        shown += piece
    if any(unicodedata.bidirectional(char) in ("R", "AL", "AN") for char in shown):
        shown = f"\u200e{shown}\u200e"  # marks of left to right
    return shown


def short_name(node: Any, write: Callable[[float], str] = repr) -> str:
    """The name of a node in a few characters; without a name, its number or its operation.

    >>> short_name(Value(2.0, "x")), short_name(Value(2.0) * 0.1), short_name(Value(0.1))
    ('x', 'mul', '0.1')
    """
    named = name_of(node)
    if named:
        return shorten(named)
    return write(node.data) if not node.op or is_constant(node) else node.op.name


def called(node: Value, otherwise: str = "") -> str:
    """The name of a node. Without a name it is its code if that is short, or else its operation.

    Arguments:
        otherwise: what to say in place of the operation.

    >>> x = Value(0.5, "x")
    >>> called(x), called(x * 4.0)
    ('x', '(x * 4.0)')
    """
    named, origin = name_of(node), place_of(node)
    if named:
        return safe(named)
    if node.parents and origin is not None and not origin.library and 0 < len(origin.code) <= SHORT:
        return f"({safe(origin.code)})"
    return otherwise or (node.op.name if node.op else "a leaf")


def made_by(node: Value) -> str:
    """How a node was made and where: `n = x * w  run.py:4`."""
    if not node.parents:
        return called(node)
    origin = place_of(node)
    if origin is not None and origin.code and not origin.library:
        made = origin.code
    else:
        operands = [safe(name_of(p) or number(p.data)) for p in node.parents]
        made = operation(node.op, operands) if node.op else ""
    named = name_of(node)
    return (f"{safe(named)} = " if named else "") + shorten(made, 60) + place(node)


def place(node: Value) -> str:
    """The user's line that made a node, as the end of a line; "" if there is none."""
    origin = place_of(node)
    return "" if origin is None or origin.library else f"  {origin}"


class Names:
    """Gives each node a name, and no two nodes the same one.

    Arguments:
        stem: what made-up names begin with; a number follows.
        tidy: makes a name out of a label or a variable.
        sep: what stands between a name that is taken and a number.

    >>> a, b, names = Value(1.0, "w"), Value(2.0, "w"), Names()
    >>> names.of(a), names.of(b), names.of(a), names.of(a * b), names.of(a + b)
    ('w', 'w#2', 'w', 'v1', 'v2')
    """

    def __init__(self, stem: str = "v", tidy: Callable[[str], str] = safe, sep: str = "#") -> None:
        self.stem, self.tidy, self.sep = stem, tidy, sep
        self._names: dict[Value, str] = {}
        self._taken: dict[str, int] = {}  # the names; and the next number behind each stem

    def of(self, node: Value, otherwise: str = "", stem: str = "") -> str:
        """The label or variable of a node; without one, `otherwise`, or a stem and a number."""
        if node not in self._names:
            wanted = self.tidy(name_of(node) or otherwise) or self._numbered(stem or self.stem, 1)
            if wanted in self._taken:
                wanted = self._numbered(wanted + self.sep, 2)
            self._taken[wanted] = 1
            self._names[node] = wanted
        return self._names[node]

    def _numbered(self, stem: str, start: int) -> str:
        k = self._taken.get(stem + "…", start)
        while f"{stem}{k}" in self._taken:
            k += 1
        self._taken[stem + "…"] = k + 1  # the next need not count from the start
        return f"{stem}{k}"


def identifiers(nodes: Iterable[Value]) -> dict[Value, str]:
    """A Python name for each node, made from its label, its variable or else its operation.

    >>> a, b, c = Value(1.0, "w"), Value(2.0, "class"), Value(3.0, "w")
    >>> [*identifiers([a, b, c, a * b, b * c]).values()]
    ['w', 'class_', 'w_2', 'mul_1', 'mul_2']
    """
    names, found = Names(tidy=_variable, sep="_"), {}
    for node in nodes:
        made = identifier(node.op.name if node.parents and node.op else "") or "leaf"
        found[node] = names.of(node, stem=f"{made}_")
    return found


def _variable(text: str) -> str:
    name = identifier(text)
    return name + "_" if keyword.iskeyword(name) or name in RESERVED else name


def identifier(text: str) -> str:
    """A text made into a Python name, whatever it holds; "" where nothing of it is left.

    >>> identifier("L0.N3.w2"), identifier("ps[0]"), identifier("1st"), identifier("***")
    ('L0_N3_w2', 'ps_0', '_1st', '')
    """
    # Python reads names in this normal form, in which two different texts may be the same
    text = unicodedata.normalize("NFKC", text[:LONGEST]).rstrip("]")
    text = "".join(c if ("_" + c).isidentifier() else "_" for c in text)
    if not text.strip("_"):
        return ""
    if text.startswith("__"):  # Python uses such names itself
        text = text.strip("_")
    return text if text.isidentifier() else "_" + text
