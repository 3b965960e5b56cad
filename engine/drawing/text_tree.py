"""A graph as a tree of text, for a terminal."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from engine.core import origins
from engine.core.graph import topological
from engine.core.ops import is_constant
from engine.core.value import Value
from engine.drawing.style import flags
from engine.drawing.view import view
from engine.wording.derivatives import locals_of
from engine.wording.names import Names
from engine.wording.numbers import HIDDEN, number, operation
from engine.wording.terminal import Text, columns, in_colour, painted

__all__ = ["tree"]

# Styles that can be read on a light and on a dark screen, next to the colours of pictures.
STYLES = {"leaf": "38;5;166", "input": "38;5;166", "parameter": "38;5;133"}
STYLES |= {"operation": "38;5;32", "output": "1;38;5;29"}
FAINT, ALARM = "2", "1;38;5;196"
ENOUGH = 1000  # values below a node are counted up to here


class _Line(NamedTuple):
    """A line of the tree: one use of a value by the value above it."""

    node: Value
    lead: str  # what its parents are indented by
    branch: str
    local: float | None
    level: int
    cut: bool = False  # too deep to be opened


def tree(
    value: Value,
    *,
    depth: int = 8,
    lines: int = 200,
    color: bool | None = None,
    call: Callable[[Value], str] | None = None,
) -> Text:
    """The graph below a value as text, the value first and its parents indented below it.

    A line shows the name of a value and the operation that made it (with the numbers in it, as in
    `□ × 2`), its data, its gradient (call `backward()` first), and the local derivative of the
    value above by it. A value that was shown before is not opened again: `↑` refers to it by its
    name, or by a number such as #1.

    Arguments:
        depth: how many levels to open. lines: how many lines to write at most.
        color: whether to colour; by default on a terminal, unless NO_COLOR is set.
        call: a function that gives each value a name of its own.

    >>> x, w, b = Value(2.0, "x"), Value(-3.0, "w"), Value(6.5, "b")
    >>> y = (x * w + b).tanh()
    >>> y.backward()
    >>> tree(y)
                  data    grad   local
    y = tanh    0.4621       1
    └─ +           0.5  0.7864  0.7864
       ├─ ×         -6  0.7864       1
       │  ├─ x       2  -2.359      -3
       │  └─ w      -3   1.573       2
       └─ b        6.5  0.7864       1
    """
    _check(value, depth, lines)
    walked = _walk(value, depth, lines)
    uses = Counter(line.node for line in walked)
    names, met = Names("#"), set[Value]()
    cells, tails = [], []
    for line in walked:
        node = line.node
        if call:
            called = call(node)
        else:
            called = names.of(node) if origins.name_of(node) or uses[node] > 1 else ""
        again = bool(node.parents) and node in met
        inside = [number(p.data) if is_constant(p) else HIDDEN for p in node.parents]
        made = operation(node.op, inside) if node.op and inside else ""
        about = f"↑ {called}" if again else " = ".join(filter(None, [called, made])) or "leaf"
        met.add(node)
        local = "" if line.local is None else number(line.local)
        cells.append((line.branch + about, number(node.data), number(node.grad), local))
        tails.append(f"  … {_below(node)} below" if line.cut and not again else "")
    rows = columns([("", "data", "grad", "local"), *cells], right=1)
    if in_colour(color):
        kinds = view(value).kinds
        for i, (line, (first, *_)) in enumerate(zip(walked, cells, strict=True), start=1):
            rows[i] = _coloured(rows[i], line, first, kinds.get(line.node, ""), value)
    rows[1:] = [row + tail for row, tail in zip(rows[1:], tails, strict=True)]
    if len(walked) == lines:
        hidden = sum(not is_constant(node) for node in topological(value)) - len(met)
        if hidden:
            rows.append(f"… {hidden:,} values are not shown; lines={2 * lines} shows more")
    return Text("\n".join(rows))


def _check(value: Value, depth: int, lines: int) -> None:
    if not isinstance(value, Value):
        raise TypeError(
            f"tree takes a Value, got {type(value).__name__}; give the output of the computation"
        )
    for name, number_of, least in (("depth", depth, 0), ("lines", lines, 1)):
        if not isinstance(number_of, int) or number_of < least:
            raise ValueError(f"{name} is a whole number from {least} on, got {number_of!r}")


def _walk(value: Value, depth: int, lines: int) -> list[_Line]:
    """The lines from the top down; each value is opened once."""
    walked: list[_Line] = []
    opened: set[Value] = set()
    stack = [_Line(value, "", "", None, 0)]
    while stack and len(walked) < lines:
        line = stack.pop()
        fresh = line.node not in opened
        below = [*_edges(line.node)] if fresh else []
        cut = line.level == depth and bool(below)
        walked.append(line._replace(cut=cut))
        if cut or not below:
            continue
        opened.add(line.node)
        for i, (parent, local) in enumerate(reversed(below)):
            branch, lead = ("├─ ", "│  ") if i else ("└─ ", "   ")
            lead = line.lead + lead
            stack.append(_Line(parent, lead, line.lead + branch, local, line.level + 1))
    return walked


def _edges(node: Value) -> Iterator[tuple[Value, float | None]]:
    for parent, local in zip(node.parents, locals_of(node), strict=True):
        if not is_constant(parent):
            yield parent, local


def _below(node: Value) -> str:
    """How many values there are below a node, in words; counting ends at ENOUGH."""
    seen, stack = {node}, [node]
    while stack and len(seen) <= ENOUGH:
        for parent in stack.pop().parents:
            if parent not in seen and not is_constant(parent):
                seen.add(parent)
                stack.append(parent)
    count = len(seen) - 1
    if count >= ENOUGH:
        return f"more than {ENOUGH - 1} values"
    return f"{count} value{'s' * (count != 1)}"


def _coloured(row: str, line: _Line, first: str, kind: str, root: Value) -> str:
    """A row in colours: a faint branch, the name by its kind, and alarming numbers in red."""
    remarks = flags(line.node, root)
    alarm = "nonfinite" in remarks or "exploding" in remarks
    numbers = ALARM if alarm else FAINT if "zero" in remarks else ""
    name = painted(first[len(line.branch) :], STYLES.get(kind, ""))
    return painted(line.branch, FAINT) + name + painted(row[len(first) :], numbers)
