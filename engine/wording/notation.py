"""Expressions as text: the template of an operation, filled in, with the parentheses that it needs;
and local derivatives, as numbers and as expressions.

How tightly an operation binds is read from its template, and not from a table of operations. So
parentheses are right for an operation of the user's own, too. The parentheses of a + (b + c) stay,
since for floats that is not (a + b) + c.

To get the formula of a derivative, the partials of an operation are computed on stand-ins for its
parents. That makes a graph, and the graph is written as an expression.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import nan
from string import Formatter
from typing import Any, NamedTuple, TypeVar

from engine.core.graph import topological
from engine.core.modes import numeric_mode, recording
from engine.core.node import edges
from engine.core.operation import NAME, Operation, rows
from engine.core.value import Value, is_constant
from engine.wording.names import number, safe, visible

# how tightly a piece of text holds together: a relation the least, an atom the most
RELATION, SUM, NEGATIVE, PRODUCT, CALL, POWER, ATOM = range(7)
NEVER = 9  # tighter than any text: behind a function's name an input always gets parentheses
Level = tuple[int, int, int]  # how tight an operator makes the whole, and needs its left and right
OPERATORS: dict[str, Level] = {
    **dict.fromkeys(["=", "<", ">", r"\le", r"\ge"], (RELATION, SUM, SUM)),
    **dict.fromkeys(["+", "-", r"\pm"], (SUM, SUM, PRODUCT)),
    **dict.fromkeys([r"\cdot", r"\times", "×", "·", "*", "/"], (PRODUCT, NEGATIVE, CALL)),
    # looser than in Python, so that products and a minus put them in parentheses: -(x % y)
    **dict.fromkeys([r"\%", "%", "//"], (SUM, NEGATIVE, CALL)),
    **dict.fromkeys(["^", "**"], (POWER, ATOM, ATOM)),
}
OPENING, CLOSING = ("{", "(", "[", r"\left"), ("}", ")", "]", r"\right")
# an empty group stands behind each sign of HTML, so that the sign begins no tag and no entity
ESCAPES = {char: f"\\{char}" for char in "{}$#%_ "}
ESCAPES |= {"\\": r"\backslash ", "^": r"\wedge ", "~": r"\sim "}
ESCAPES |= {"&": r"\&{}", "<": "<{}", ">": ">{}", "-": "{-}", "*": "{*}", "'": "{'}"}
_TOKEN = re.compile(r"\0\d+|\\(?:left|right)\s*(?:\\.|.)|\\[A-Za-z]+|\\[^\0]|\*\*|//|.", re.DOTALL)


@dataclass(frozen=True)
class Notation:
    """A way to write operations, such as LATEX or PLAIN.

    Arguments:
        template: gives a format string for an operation and the number of its inputs. In it {0}
            and {1} are inputs, {*} is all inputs in brackets, and {1*} all from {1} on. If it is
            "", the expansion of the operation is written.
        brackets: puts parentheses around a text.
        value: writes a number.
    """

    template: Callable[[Operation, int], str]
    brackets: Callable[[str], str]
    value: Callable[[float], "Term"]

    def apply(self, op: Operation, inputs: Sequence["Term"]) -> "Term":
        """An operation on inputs, with the parentheses that it needs.

        >>> a, b = Term("a", PLAIN), Term("b", PLAIN)
        >>> PLAIN.apply(rows.mul, [PLAIN.apply(rows.sub, [a, b]), b]).text
        '(a - b) × b'
        """
        template = self.template(op, len(inputs))
        if not template and op.expand:
            expanded: Term = op.expand(*inputs)
            return expanded
        try:
            parsed = _parsed(template)
            texts = [self._filled(field, need, inputs) for field, need in parsed.slots]
        except (ValueError, IndexError) as error:
            fault = f"the tex of {op.name} is {template!r}, which {len(inputs)} inputs do not fill"
            remedy = "write {0}, {1} for the inputs and double the braces of TeX itself"
            raise ValueError(f"{fault} ({error}); {remedy}") from error
        pairs = zip(parsed.literals, [*texts, ""], strict=True)
        text = "".join(literal + text for literal, text in pairs)
        return Term(text, self, min(parsed.level, NEGATIVE) if text[0] == "-" else parsed.level)

    def _filled(self, field: str, need: int, inputs: Sequence["Term"]) -> str:
        if field.endswith("*"):
            return self.brackets(", ".join(each.text for each in inputs[int(field[:-1] or 0) :]))
        term = inputs[int(field)]
        return term.text if term.level >= need else self.brackets(term.text)


@dataclass(frozen=True)
class Term:
    """A piece of text, the notation it is written in, and how tightly it holds together.

    The sum and the product of two terms are terms, so that operations can be expanded on terms.
    """

    text: str
    style: Notation
    level: int = ATOM

    def __add__(self, other: "Term") -> "Term":
        return self.style.apply(rows.add, (self, other))

    def __mul__(self, other: "Term") -> "Term":
        return self.style.apply(rows.mul, (self, other))


class _Parsed(NamedTuple):
    literals: tuple[str, ...]  # one more than slots
    slots: tuple[tuple[str, int], ...]  # which input, and how tight it has to be
    level: int


@lru_cache(maxsize=1024)
def _parsed(template: str) -> _Parsed:
    """A template taken apart: its texts, its slots, and how tightly the whole holds together."""
    literals, fields = [""], []
    for literal, field, _, _ in Formatter().parse(template):
        literals[-1] += literal
        if field is not None:
            fields.append(field)
            literals.append("")
    slots = [f"\0{i}" for i in range(len(fields))]
    marked = "".join(map("".join, zip(literals, [*slots, ""], strict=True)))
    tokens = [t for t in _TOKEN.findall(marked) if not t.isspace() and t not in (r"\,", r"\ ")]
    ends = [tokens.index(slot) for slot in slots]
    pairs = zip(fields, ends, strict=True)
    needs = [RELATION if field.endswith("*") else _need(tokens, at) for field, at in pairs]
    return _Parsed(tuple(literals), tuple(zip(fields, needs, strict=True)), _level(tokens, needs))


def _need(tokens: Sequence[str], at: int) -> int:
    """How tight the input at that token has to be to go without parentheses."""
    left, right = at - 1, at + 1
    # nobody sees braces that belong to no command, as in {{{0}}}^2
    while left >= 0 and tokens[left] == "{" and tokens[right : right + 1] == ["}"]:
        if left and (tokens[left - 1][0] in "\\}]^_" or tokens[left - 1].isalnum()):
            break
        left, right = left - 1, right + 1
    before = tokens[left] if left >= 0 else None
    after = tokens[right] if right < len(tokens) else None
    if before is after is None:
        return ATOM
    if before in OPERATORS:
        need = OPERATORS[before][2]
    else:
        need = RELATION if before is None or before.startswith((*OPENING, "|", ",")) else NEVER
    if after in OPERATORS:
        return max(need, OPERATORS[after][1])
    return need if after is None or after.startswith((*CLOSING, "|", ",")) else max(need, ATOM)


def _level(tokens: Sequence[str], needs: Sequence[int]) -> int:
    """How tightly a template holds together. Only what stands outside all brackets counts."""
    level, depth = ATOM, 0
    for i, token in enumerate(tokens):
        depth -= token.startswith(CLOSING)
        if depth == 0:
            if i == 0 and token == "-":
                level = NEGATIVE
            elif token in OPERATORS:
                level = min(level, OPERATORS[token][0])
            elif token[0] == "\0":
                level = min(level, CALL) if needs[int(token[1:])] == NEVER else level
            elif token[0] == "\\" and not token.startswith((r"\sqrt", *OPENING, *CLOSING)):
                # nobody knows what \frac{a}{b}^2 and \sin(x)^2 mean
                level = min(level, CALL)
        depth += token.startswith(OPENING)
    return level


def _in_tex(op: Operation, n: int) -> str:
    if op.tex == NAME:
        return r"\operatorname{{" + doubled(escaped(op.name)) + "}}{*}"
    # in the table a function stands as its name alone: "\max"
    return op.tex if not op.tex or "{0}" in op.tex or "{*}" in op.tex else op.tex + "{*}"


@lru_cache(maxsize=1024)
def _in_signs(op: Operation, n: int) -> str:
    """A template made from the symbol that pictures show, such as +, × or |x|."""
    if op.expand and not op.tex:
        return ""
    name, symbol = doubled(visible(op.name)), doubled(visible(op.symbol))
    if n == 2 and not symbol.isidentifier():
        return f"{{0}} {symbol} {{1}}"
    if n == 1 and not symbol.isidentifier():
        return symbol.replace("x", "{0}") if "x" in symbol else symbol + "{0}"
    return name + "{*}"


def doubled(text: str) -> str:
    """A text with its braces as a format string has them."""
    return text.replace("{", "{{").replace("}", "}}")


def escaped(text: str) -> str:
    """A name as TeX prints it, without marks for terminals."""
    return "".join(ESCAPES.get(char, char) for char in safe(text).replace("\u200e", ""))


def _tall(text: str) -> str:
    return rf"\left({text}\right)" if r"\frac" in text or "^" in text else f"({text})"


def _number_in_tex(x: float) -> Term:
    shown = number(x).replace("inf", r"\infty").replace("nan", r"\mathrm{nan}")
    digits, e, power = shown.partition("e")
    if e:
        factor = {"1": "", "-1": "-"}.get(digits, rf"{digits} \cdot ")
        shown = f"{factor}10^{{{int(power)}}}"
    level = PRODUCT if "cdot" in shown else POWER if e else ATOM
    return Term(shown, LATEX, NEGATIVE if shown.startswith("-") else level)


def _number_in_signs(x: float) -> Term:
    shown = number(x)
    return Term(shown, PLAIN, NEGATIVE if shown.startswith("-") else ATOM)


LATEX = Notation(_in_tex, _tall, _number_in_tex)
PLAIN = Notation(_in_signs, "({})".format, _number_in_signs)


# --- local derivatives ---------------------------------------------------------------------------
WIDE = 64  # parents; with more of them a derivative is not written out
T = TypeVar("T")
_ieee = numeric_mode("ieee")


def tried(compute: Callable[[], T], otherwise: T) -> T:
    """What `compute` gives, or `otherwise` where an operation of the user's own raises.

    A number that is infinite or undefined raises nothing, since one can always look at a graph.
    """
    try:
        with _ieee, recording:
            return compute()
    except Exception:  # noqa: BLE001 (such an operation may raise anything)
        return otherwise


def locals_of(node: Value) -> list[float | None]:
    """The local derivatives of a node by its parents, as pictures and trees show them.

    The derivative is 0 by a branch that was not taken, and None by a number that takes no gradient.
    All are nan where the partials of an operation of the user's own raise.

    >>> locals_of(Value(2.0) * Value(3.0)), locals_of(Value(-1.0).relu())
    ([3.0, 2.0], [0.0])
    """
    left_out = 0.0 if node.op is not None and node.op.branches else None
    found: list[float | None] = [nan] * len(node.parents)
    return tried(lambda: [left_out if x is None else x for _, x in edges(node)], found)


def derivatives(node: Value, term: Callable[[Value], Term]) -> Sequence[Term | None]:
    """The local derivatives of a node as formulas, one for each parent.

    A formula is None where the operation has no derivative by that parent. The list is empty if the
    node has too many parents, or if partials of the user's own raise.

    Arguments:
        term: writes the node and each of its parents.

    >>> x, w = Value(2.0, "x"), Value(3.0, "w")
    >>> y = (x * w).tanh()
    >>> def term(node): return Term(node.label or "y", PLAIN)
    >>> [each.text for each in derivatives(x * w, term)], derivatives(x.tanh(), term)[0].text
    (['w', 'x'], 'sech2(x)')
    """
    op: Any = node.op
    if len(node.parents) > WIDE and op is not rows.dot:
        return []
    y, *stand_ins = [Value(each.data) for each in (node, *node.parents)]
    terms = {s: term(each) for s, each in zip((y, *stand_ins), (node, *node.parents), strict=True)}
    inputs = [p.data if is_constant(p) else s for s, p in zip(stand_ins, node.parents, strict=True)]
    partials: Sequence[Any] = tried(lambda: op.partials(y, *inputs), ())
    return [_read(partial, terms) for partial in partials]


def _read(partial: Any, terms: dict[Value, Term]) -> Term | None:
    if not isinstance(partial, Value):
        return None if partial is None else PLAIN.value(float(partial))
    for each in topological(partial) if partial not in terms else ():
        if each not in terms:
            below = [terms[parent] for parent in each.parents]
            made = each.op if below else None
            terms[each] = PLAIN.apply(made, below) if made else PLAIN.value(each.data)
    return terms[partial]
