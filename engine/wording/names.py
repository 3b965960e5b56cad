"""What numbers, operations and nodes are called: in messages, in lines of text, in pictures, and as
variables of Python.
"""

import builtins
import keyword
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from engine.core import origins
from engine.core.node import Node
from engine.core.operation import Operation
from engine.core.origins import name_of, place_of
from engine.core.value import Value, is_constant
from engine.source.text import LONGEST as LONGEST
from engine.source.text import MARK, SIGNS, bare
from engine.source.text import counted as counted
from engine.source.text import middle as middle
from engine.source.text import number as number
from engine.source.text import shorten as shorten

# names that the program of `to_source` uses itself
RESERVED = {"Node", "inf", "nan", "shown", *dir(builtins)}

# XML 1.0 cannot hold most of these characters, not even escaped, and a layout would lose tabs and
# returns. The symbols of control characters, from U+2400 on, are in the order of ASCII.
_SYMBOLS = dict.fromkeys([*range(0xD800, 0xE000), 0xFFFE, 0xFFFF], "\ufffd")
_SYMBOLS |= {code: chr(0x2400 + code) for code in range(0x20) if code != ord("\n")}
_SYMBOLS[0x7F] = "\u2421"


# --- numbers and operations ----------------------------------------------------------------------
def visible(text: str) -> str:
    r"""A text with symbols for the characters that XML cannot hold and no picture can show.

    >>> visible("a\tb")
    'a␉b'
    """
    return text.translate(_SYMBOLS)


def operation(op: Operation, operands: Sequence[str]) -> str:
    """An operation on operands, given as texts.

    >>> from engine.core.operation import rows
    >>> operation(rows.sub, ["2", "x"]), operation(rows.dot, ["a", "2", "1", "a", "b"])
    ('2 - x', 'dot(a, 2, …, b)')
    >>> operation(rows.sub, ["-3", "-1"]), operation(rows.pow, ["-3", "2"])
    ('-3 - (-1)', '(-3) ** 2')
    """
    symbol = op.symbol if op.symbol.isidentifier() or len(operands) < 3 else op.name
    if len(operands) == 2 and not symbol.isidentifier():
        left, right = [f"({each})" if each.startswith("-") else each for each in operands]
        return f"{left if symbol == '**' else operands[0]} {symbol} {right}"
    if len(operands) > 4:
        operands = [*operands[:2], "…", operands[-1]]
    return f"{symbol}({', '.join(operands)})"


# --- nodes ---------------------------------------------------------------------------------------
@lru_cache(maxsize=4096)
def safe(label: str, width: int = LONGEST) -> str:
    r"""A label as one short line that does nothing to a terminal, whatever it holds.

    A character that cannot be printed is written as Python escapes it. Marks around words that run
    from right to left keep the rest of the line in its direction.

    >>> print(safe("red\x1b[31m and" + chr(10) + "\u202eback"))
    red\x1b[31m and\n\u202eback
    """
    pieces = (c if _harmless(c) else c.encode("unicode_escape").decode() for c in label)
    text = "".join(pieces)
    if any(unicodedata.bidirectional(char) in ("R", "AL", "AN") for char in text):
        return f"{MARK}{middle(text, width - 2)}{MARK}"
    return middle(text, width)


def _harmless(char: str) -> bool:
    return char.isprintable() or char in "\u200c\u200d"  # which join letters, or do not


def called(node: Node, width: int = LONGEST) -> str:
    """What a node is called in every view, in one line: see `engine.core.origins.called`.

    >>> x = Value(0.5, "x")
    >>> called(x), called(x * 4.0), called((x * 4.0 - 1.0).tanh() ** 2, 16)
    ('x', '(x * 4.0)', '((x * 4.0 - 1.…)')
    """
    return shorten(safe(origins.called(node)), width)


def made_by(node: Value) -> str:
    """How a node was made and where: `n = x * w  run.py:4`."""
    if not node.parents:
        return called(node)
    made = safe(bare(origins.expression(node)), 60) + place(node)
    return f"{called(node)} = {made}" if name_of(node) else made


def place(node: Value) -> str:
    """The user's line that made a node, as the end of a line; "" if there is none."""
    origin = place_of(node)
    return f"  {origin}" if origin and origin.place else ""


class Names:
    """Gives each node a name, and no two nodes the same one.

    Arguments:
        nodes: parents before their consumers, the result last. Of those that are called the same
            the second gets a #2, so that each is called the same in every view of one graph.
            Without them nodes are counted as they are asked for.
        call: what a node is called; "" if it needs a name that is made up.
        sep: what stands between a name that is taken and a number.
        stem: what made-up names begin with; a number follows.

    >>> x = Value(1.0, "x")
    >>> nodes = [x, x * 2.0, Value(2.0, "x"), x + 1.0]
    >>> names = Names(nodes)
    >>> [names.of(node) for node in nodes], names.of(nodes[1], 6)
    (['x', '(x * 2.0)', 'x#2', '(x + 1.0)'], '(x *…)')
    """

    def __init__(
        self,
        nodes: Sequence[Value] = (),
        call: Callable[[Value], str] = called,
        sep: str = "#",
        stem: str = "",
    ) -> None:
        self.call: Callable[[Value], str] = call
        self.sep: str = sep
        self.stem: str = stem
        self._names: dict[Value, tuple[str, str]] = {}  # and what makes it the only one
        self._taken: dict[str, int] = {}  # the names; and the next number behind each stem
        self._waiting, self._closed = nodes, False

    def of(self, node: Value, width: int | None = None, stem: str = "") -> str:
        """The name of a node, cut to a width; a stem and a number where it is called nothing."""
        waiting, self._waiting = self._waiting, ()
        for each in _as_written(waiting):
            if not is_constant(each):
                self._give(each, stem, each is waiting[-1])
        self._closed = self._closed or bool(waiting)
        name, mark = self._names.get(node) or self._give(node, stem)
        return (shorten(name, width - len(mark)) if width else name) + mark

    def says_how(self, node: Value) -> bool:
        """Whether what a node is called is an expression, in which its operation is to be read."""
        if node.op is None or not node.parents or name_of(node):
            return False
        expression = called(node)
        sign = SIGNS.get(node.op.symbol, node.op.name)
        return sign in expression and self.of(node).startswith(expression)

    def _give(self, node: Value, stem: str, result: bool = False) -> tuple[str, str]:
        wanted, mark = self.call(node), ""
        if result and node.label is None and (origin := place_of(node)) and not origin.library:
            # of many nodes that one call made, such as sum, the last is what the variable holds
            wanted = origin.name or wanted
        wanted = wanted or self._numbered(stem or self.stem, 1)
        if wanted in self._taken and not (self._closed or is_constant(node)):
            mark = self._numbered(wanted + self.sep, 2).removeprefix(wanted)
        self._taken[wanted + mark] = 1
        self._names[node] = wanted, mark
        return wanted, mark

    def _numbered(self, stem: str, start: int) -> str:
        k = self._taken.get(stem + "…", start)
        while f"{stem}{k}" in self._taken:
            k += 1
        self._taken[stem + "…"] = k + 1  # the next need not count from the start
        return f"{stem}{k}"


def _as_written(nodes: Sequence[Value]) -> list[Value]:
    """The nodes in another order: first parents before second ones, as the source has them."""
    read = {parent for node in nodes for parent in node.parents}
    order, seen = list[Value](), set[Value]()
    stack: list[Any] = [node for node in nodes if node not in read]
    while stack:
        node = stack.pop()
        if node is None:  # all below the next one are in order: it follows
            order.append(stack.pop())
        elif node not in seen:
            seen.add(node)
            stack += (node, None, *reversed(node.parents))
    return order


def identifiers(nodes: Iterable[Value]) -> dict[Value, str]:
    """A Python name for each node, made from its label, its variable or else its operation.

    >>> a, b, c = Value(1.0, "w"), Value(2.0, "class"), Value(3.0, "w")
    >>> [*identifiers([a, b, c, a * b, b * c]).values()]
    ['w', 'class_', 'w_2', 'mul_1', 'mul_2']
    """
    names, found = Names(call=lambda node: _variable(name_of(node) or ""), sep="_"), {}
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
