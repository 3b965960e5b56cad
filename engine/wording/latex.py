"""The expression that a graph computes, in LaTeX."""

import re
from collections import Counter

from engine.core.graph import topological
from engine.core.origins import name_of
from engine.core.value import Value, is_constant
from engine.wording.names import Names, number
from engine.wording.notation import LATEX, Term, escaped
from engine.wording.terminal import Text

APPROX = r"\approx"
SHORT = 16  # a shared expression up to here is written out at each use
GREEK = """alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau
    upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"""


class Formula(Text):
    """LaTeX that a notebook shows as mathematics."""

    __slots__ = ()

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {self!s}$"


def latex(value: Value, *, numbers: bool = False, width: int = 100, limit: int = 10_000) -> Formula:
    r"""The expression that made a value, in LaTeX. A gradient is a Value as well, and has one too.

    Values are called by their labels or variables. A leaf without a name is written as a number. A
    value gets a line of its own if it has a name, is long, or is used more than once.

    Arguments:
        numbers: write numbers for the names of leaves, and the result behind each line.
        width: an expression longer than this many characters gets a line of its own.
        limit: how many characters there may be in all.

    Raises:
        ValueError: there would be more characters than the limit.

    >>> x, w1 = Value(3.0, "x"), Value(0.5, "w1")
    >>> latex((x * w1 + 1) ** 2)
    (x \cdot w_{1} + 1)^{2}
    >>> loss = (x * w1 + 1).tanh()
    >>> latex(loss, numbers=True)
    \mathrm{loss} = \tanh(3 \cdot 0.5 + 1) \approx 0.9866
    """
    if not isinstance(value, Value):
        got = f"latex takes a Value, got {type(value).__name__}"
        raise TypeError(f"{got}; give the output of the computation, or of gradient(...)")
    order = topological(value)
    names, uses = Names(call=_tidy, stem="u"), _uses(order)
    terms: dict[Value, Term] = {}
    lines: list[tuple[str, str]] = []
    length = 0
    for node in order:
        op, own = node.op, name_of(node)
        if op is None or not node.parents:
            named = own and not (numbers or is_constant(node))
            terms[node] = _name(names.of(node)) if named else LATEX.value(node.data)
            continue
        term = terms[node] = LATEX.apply(op, [terms[parent] for parent in node.parents])
        size = len(term.text)
        if own or size > width or node is value or (uses[node] > 1 and size > SHORT):
            nameless = node is value and not own
            terms[node] = Term("", LATEX) if nameless else _name(names.of(node))
            lines.append((terms[node].text, _equation(term, node, numbers)))
            length += size
        if max(length, size) > limit:
            long = f"this expression of {len(order):,} values takes more than {limit:,} characters"
            part = "give a part of it (one neuron, one sample)"
            raise ValueError(f"{long} of LaTeX; {part}, or allow more with limit={10 * limit}")
    lines = lines[::-1] or [("", _equation(terms[value], value, numbers))]
    if len(lines) == 1:
        return Formula(" = ".join(filter(None, lines[0])))
    sides = [f"{called} &= {rest}" if called else f"& {rest}" for called, rest in lines]
    aligned = " \\\\\n".join(sides)
    return Formula(f"\\begin{{aligned}}\n{aligned}\n\\end{{aligned}}")


def _uses(order: list[Value]) -> Counter[Value]:
    """How often each value is written in the expressions of its consumers."""
    uses: Counter[Value] = Counter()
    for node in order:
        uses.update(node.parents)
        if node.op is not None and node.op.tex.count("{0}") > 1:
            uses.update(node.parents)
    return uses


def _equation(term: Term, node: Value, numbers: bool) -> str:
    """The expression of a node, with its number if numbers are wanted."""
    data = node.data
    exact = data != data or float(number(data)) == data
    result = f" {'=' if exact else APPROX} {LATEX.value(data).text}"
    return term.text + result * numbers


def _tidy(node: Value) -> str:
    """A node's name; w_1 becomes w1, since both look alike in LaTeX."""
    return re.sub(r"^([^\W\d_]+)_(\d+)$", r"\1\2", name_of(node) or "")


def _name(text: str) -> Term:
    r"""A name as mathematics writes it: w1 as w_{1}, alpha as its letter, a longer name upright."""
    text, _, again = text.rpartition("#") if re.search(r"[^#]#\d+$", text) else (text, "", "")
    split = re.fullmatch(r"([^\W\d_]+)(\d+)|([^\W\d_]+)_(\w+)", text)
    base, sub = [part for part in split.groups() if part] if split else (text, "")
    if base in GREEK.split():
        shown = f"\\{base}"
    else:
        shown = base if len(base) == 1 and base.isalpha() else _upright(base)
    subs = [sub if sub.isdigit() or len(sub) == 1 else _upright(sub)] if sub else []
    subs += [rf"\#{again}"] if again else []
    return Term(shown + (f"_{{{' '.join(subs)}}}" if subs else ""), LATEX)


def _upright(text: str) -> str:
    return rf"\mathrm{{{escaped(text)}}}"
